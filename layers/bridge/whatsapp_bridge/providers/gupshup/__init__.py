"""Gupshup's enterprise API for WhatsApp: https://docs.gupshup.io/ and CleverTap's page on Gupshup.

Not Gupshup's self-serve API (api.gupshup.io), which is another product with other callbacks.
"""
