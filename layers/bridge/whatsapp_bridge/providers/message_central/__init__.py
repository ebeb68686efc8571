"""Message Central "WhatsApp Now": templates by BROADCAST, freeform messages by CHAT, Meta's webhooks passed through."""
