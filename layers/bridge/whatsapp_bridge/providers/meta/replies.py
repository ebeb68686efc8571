"""Messages from people, as CleverTap's incoming messages."""

from whatsapp_bridge.providers.cloud_api.replies import reply as reply
