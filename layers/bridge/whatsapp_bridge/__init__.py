"""CleverTap WhatsApp Bridge: connects CleverTap's generic WhatsApp API with BSPs that do not support it."""
