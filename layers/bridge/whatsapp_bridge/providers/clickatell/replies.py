"""Messages from people through One API, as CleverTap's incoming messages.

Source: see `inbound`.
"""

from typing import TYPE_CHECKING, Any

from whatsapp_bridge.clevertap.callbacks import Button, IncomingMessage, Kind, Location, Text
from whatsapp_bridge.providers.clickatell_common.replies import as_text, attachment_of
from whatsapp_bridge.providers.common import contacts
from whatsapp_bridge.providers.common.values import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
    blank,
    degrees,
    digits,
    identifier,
    seconds,
)
from whatsapp_bridge.providers.contract import Json, NotUnderstood, Reply

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell.settings import Account


def reply(element: Json, account: "Account") -> Reply | NotUnderstood:
    """A decrypted element of a `ReplyEvent` as CleverTap's incoming message."""
    kind, timestamp = str(element.get("kind")), seconds(element.get("timestamp"))
    sender = digits(element.get("from"))
    if sender is None or timestamp is None:
        return NotUnderstood(kind, "no timestamp" if sender else "no sender", element)
    attachment = attachment_of(_file(element), element) if kind == "moMedia" else None
    found = as_text(attachment) if attachment else _content(kind, element)
    if found is None:
        return NotUnderstood(kind, "no content", element)
    form, content = found
    message = IncomingMessage.of(form, content, sender=sender, waba_number=account.waba_number, timestamp=timestamp)
    reference, bsp_id = identifier(element.get("relatedClientMessageId")), identifier(element.get("relatedMessageId"))
    # Clickatell's samples of moText have the apiMessageId in both fields; that is not a msgId of CleverTap's.
    return Reply(message, None if reference == bsp_id else reference, bsp_id, attachment)


def _file(element: Json) -> Json:
    """The object that describes the file: the entry of `files`, or the element itself, which has it inline."""
    files = element.get("files")
    return files[0] if isinstance(files, list) and files and isinstance(files[0], dict) else element


def _content(kind: str, element: Json) -> tuple[Kind, Text | Button | Location] | None:
    """What the person sent, in CleverTap's form; None if it is empty."""
    text = _text(element.get("content"))
    match kind:
        case "moText":
            return ("text", Text(body=text)) if text else None
        case "moSuggestedResponse" | "moButtonResponse":
            # moButtonResponse is not documented. A public client reads title and postbackData from it or from
            # `selectedItem`; `content`, where moSuggestedResponse has the title, is read too.
            item = element.get("selectedItem")
            item = item if isinstance(item, dict) else {}
            label = text or _text(element.get("title")) or _text(item.get("title"))
            payload = _text(element.get("postbackData")) or _text(item.get("postbackData"))
            # CleverTap needs both; one replaces the other if it is missing.
            return ("button", Button(payload=payload or label, text=label or payload)) if label or payload else None
        case "moLocation":
            location = _location(element)
            return ("location", location) if location else None
        case "moContacts":
            # CleverTap has no form for contacts, so they are reported as text.
            lines = contacts.as_text(element.get("contacts"))
            return ("text", Text(body=lines)) if lines else None
    return None


def _location(element: Json) -> Location | None:
    # Clickatell's samples use both spellings.
    spelt = "latitute" if blank(element.get("latitude")) else "latitude"
    latitude = degrees(element.get(spelt), MAX_LATITUDE)
    longitude = degrees(element.get("longitude"), MAX_LONGITUDE)
    if latitude is None or longitude is None:
        return None
    name, address = (
        None if blank(element.get(field)) else _text(element.get(field)) or None
        for field in ("locationName", "locationAddress")
    )
    return Location(latitude=latitude, longitude=longitude, name=name, address=address)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
