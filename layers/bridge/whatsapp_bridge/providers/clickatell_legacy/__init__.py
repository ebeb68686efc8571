"""Clickatell's legacy WhatsApp API: https://docs.clickatell.com/archive/channels/whatsapp-restful-api-archived/.

Clickatell's first API for WhatsApp, before One API. What is the same in both is imported from `clickatell`: encryption,
single values, texts, and how an answer is read.
"""
