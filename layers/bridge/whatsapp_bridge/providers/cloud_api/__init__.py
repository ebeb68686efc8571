"""The dialect of Meta's WhatsApp Cloud API, which other BSPs pass through: webhooks, codes, template components."""
