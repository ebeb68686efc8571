"""Gupshup's enterprise API for WhatsApp: https://docs.gupshup.io/ and CleverTap's page on Gupshup.

This is not Gupshup's self-serve API (api.gupshup.io), another product with other callbacks.
"""
