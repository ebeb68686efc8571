"""What BSPs that pass Meta's WhatsApp Cloud API through have in common: webhooks, codes, template components."""
