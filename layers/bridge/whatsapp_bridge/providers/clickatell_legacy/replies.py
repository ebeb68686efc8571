"""Messages from people through the legacy WhatsApp API, as CleverTap's incoming messages.

Source: see `inbound`.
"""

from typing import TYPE_CHECKING, Any

from whatsapp_bridge.clevertap.callbacks import IncomingMessage, Kind, Location, Text
from whatsapp_bridge.providers.clickatell_common.replies import as_text, attachment_of
from whatsapp_bridge.providers.common import contacts
from whatsapp_bridge.providers.common.values import MAX_LATITUDE, MAX_LONGITUDE, degrees, digits, identifier, seconds
from whatsapp_bridge.providers.contract import Json, NotUnderstood, Reply

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell_legacy.settings import Account


def reply(element: Json, account: "Account") -> Reply | NotUnderstood:
    """A decrypted element of a `ReplyEvent` as CleverTap's incoming message."""
    kind, timestamp, sender = str(element.get("kind")), seconds(element.get("timestamp")), digits(element.get("from"))
    if sender is None or timestamp is None:
        return NotUnderstood(kind, "no timestamp" if sender else "no sender", element)
    attachment = attachment_of(element, element) if kind == "media" else None
    found = as_text(attachment) if attachment else _content(kind, element)
    if isinstance(found, str):
        return NotUnderstood(kind, found, element)
    form, content = found
    message = IncomingMessage.of(form, content, sender=sender, waba_number=account.waba_number, timestamp=timestamp)
    # A person's message has no client id. Next to `relatedMessageId`, where One API has `relatedClientMessageId`, it is
    # read as that of the answered message; all samples have null in both. As in One API, an id that equals Clickatell's
    # own is not a msgId.
    reference, bsp_id = identifier(element.get("clientMessageId")), identifier(element.get("relatedMessageId"))
    return Reply(message, None if reference == bsp_id else reference, bsp_id, attachment)


def _content(kind: str, element: Json) -> tuple[Kind, Text | Location] | str:
    """What the person sent, in CleverTap's form, or the reason why there is none."""
    if kind == "location":
        latitude = degrees(element.get("latitude"), MAX_LATITUDE)
        longitude = degrees(element.get("longitude"), MAX_LONGITUDE)
        if latitude is None or longitude is None:
            return "latitude and longitude must be decimal degrees"
        name, address = _text(element.get("locationName")), _text(element.get("locationAddress"))
        return "location", Location(latitude=latitude, longitude=longitude, name=name, address=address)
    # CleverTap has no form for contacts, so they are reported as text.
    text = contacts.as_text(element.get("contacts")) if kind == "contacts" else _text(element.get("content"))
    return ("text", Text(body=text)) if text else "no content"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
