"""CleverTap's messages as requests of the Cloud API.

Source: the pages of the message types below
https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages.
"""

from typing import TYPE_CHECKING, Final

from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage
from whatsapp_bridge.providers.capabilities import Capabilities, Json, Refused
from whatsapp_bridge.providers.cloud_api.outbound import (
    BUTTONS,
    EXTRAS,
    HEADERS,
    KINDS,
    components,
    linked,
    located,
)
from whatsapp_bridge.providers.common import whatsapp

if TYPE_CHECKING:
    from whatsapp_bridge.providers.meta.settings import Account

CAPABILITIES: Final = Capabilities(
    title="Meta Cloud API",
    freeform=frozenset({"text", "image", "video", "audio", "file", "location"}),
    headers=HEADERS,
    buttons=BUTTONS,
    extras=EXTRAS,
    incoming=frozenset({"text", "button", "image", "video", "audio", "file", "location", "contacts"}),
    statuses=frozenset({"sent", "delivered", "read", "failed"}),
    features=frozenset({"reference"}),
)


def translate(message: TemplateMessage | FreeformMessage, reference: str, account: "Account") -> Json:
    """The body of POST /{phone_number_id}/messages. Raises `Refused`."""
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        # Without the plus sign, Meta may read the number as a local one in the business's country.
        "to": f"+{message.to}",
        "biz_opaque_callback_data": reference,
        **(_template(message) if isinstance(message, TemplateMessage) else _freeform(message)),
    }


def _freeform(message: FreeformMessage) -> Json:
    if message.type == "text" and message.text is not None:
        body = whatsapp.text(message.text.body)
        return {"type": "text", "text": {"body": body, "preview_url": whatsapp.has_link(body)}}
    if message.type == "location" and message.location is not None:
        return {"type": "location", "location": located(message.location, "location")}
    if message.media is not None:
        kind, words = KINDS[message.type], whatsapp.caption(message.media, message.type)
        file = linked(message.media, message.type, message.type)
        return {"type": kind, kind: {**file, **({"caption": words} if words else {})}}
    raise Refused("type", f"{message.type} messages are not supported by {CAPABILITIES.title}")


def _template(message: TemplateMessage) -> Json:
    template: Json = {"name": message.template.name, "language": {"code": message.template.language}}
    varying = components(message, CAPABILITIES.title)
    return {"type": "template", "template": {**template, **({"components": varying} if varying else {})}}
