"""What people write, as CleverTap's incoming messages: in Meta's own form."""

from whatsapp_bridge.providers.cloud_api.replies import reply as reply
