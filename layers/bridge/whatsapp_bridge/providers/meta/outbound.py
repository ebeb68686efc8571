"""CleverTap's messages as requests of the Cloud API, in Meta's own form."""

from typing import TYPE_CHECKING, Final

from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage
from whatsapp_bridge.providers.capabilities import Capabilities, Json
from whatsapp_bridge.providers.cloud_api.outbound import BUTTONS, EXTRAS, FREEFORM, HEADERS, body

if TYPE_CHECKING:
    from whatsapp_bridge.providers.meta.settings import Account

CAPABILITIES: Final = Capabilities(
    title="Meta Cloud API",
    freeform=FREEFORM,
    headers=HEADERS,
    buttons=BUTTONS,
    extras=EXTRAS,
    incoming=frozenset({"text", "button", "image", "video", "audio", "file", "location", "contacts"}),
    statuses=frozenset({"sent", "delivered", "read", "failed"}),
    features=frozenset({"reference"}),
    templates=frozenset({"list", "create", "edit", "delete", "status", "unpause", "archive"}),
)


def translate(message: TemplateMessage | FreeformMessage, reference: str, account: "Account") -> Json:
    """The body of POST /{phone_number_id}/messages. Raises `Refused`."""
    return body(message, reference, CAPABILITIES.title)
