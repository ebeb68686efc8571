"""CleverTap's generic WhatsApp API: what it sends, what it accepts, what it is answered."""
