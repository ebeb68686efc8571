"""CleverTap WhatsApp Bridge: CleverTap's generic WhatsApp API in front of BSPs that do not speak it."""
