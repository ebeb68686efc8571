"""CleverTap's generic WhatsApp API: the messages that it sends, their answers, and the callbacks that it accepts."""
