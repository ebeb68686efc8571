"""Messages from people, as CleverTap's incoming messages. Message Central passes Meta's form through."""

from whatsapp_bridge.providers.cloud_api.replies import reply as reply
