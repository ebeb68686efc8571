"""Clickatell One API: https://docs.clickatell.com/channels/one-api/."""
