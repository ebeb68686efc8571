"""Clickatell's legacy WhatsApp API: https://docs.clickatell.com/archive/channels/whatsapp-restful-api-archived/.

Clickatell's first API for WhatsApp, before One API. What both share is in `clickatell_common`: encryption, texts,
files, and how an answer is read.
"""
