"""Messages from people to a Gupshup number, as CleverTap's incoming messages.

Sources: CleverTap's page on Gupshup (text), and public clients of the API. Any other type comes in a field with the
type's name: an object, which is a text of JSON if the callback is a form.
"""

from typing import TYPE_CHECKING, Any, Final

from whatsapp_bridge.clevertap.callbacks import Button, IncomingMessage, Kind, Location, MediaKind, Text
from whatsapp_bridge.providers.common import contacts
from whatsapp_bridge.providers.common.attachments import text_without_file
from whatsapp_bridge.providers.common.bodies import json_in
from whatsapp_bridge.providers.common.values import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
    blank,
    degrees,
    digits,
    identifier,
    seconds,
)
from whatsapp_bridge.providers.contract import Attachment, Json, NotUnderstood, Reply
from whatsapp_bridge.providers.gupshup.inbound import kind_of

if TYPE_CHECKING:
    from whatsapp_bridge.providers.gupshup.settings import Account

_MEDIA: Final[dict[str, MediaKind]] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "voice": "audio",
    "document": "file",
}


def reply(element: Json, account: "Account") -> Reply | NotUnderstood:
    """An element of a `ReplyEvent` as CleverTap's incoming message."""
    kind = kind_of(element)
    timestamp, sender = seconds(element.get("timestamp")), digits(element.get("mobile"))
    if sender is None or timestamp is None:
        return NotUnderstood(kind, "no timestamp" if sender else "no mobile", element)
    attachment = _attachment(element, kind) if kind in _MEDIA else None
    found = _in_words(attachment) if attachment else _content(element, kind)
    if found is None:
        return NotUnderstood(kind, "no content", element)
    form, content = found
    message = IncomingMessage.of(form, content, sender=sender, waba_number=account.waba_number, timestamp=timestamp)
    return Reply(message, answers_bsp_id=_answered(element), attachment=attachment)


def _answered(element: Json) -> str | None:
    """The `externalId` of the answered message. Public clients disagree about the two halves: if the whole is not a
    known id, the reply is reported without a context."""
    first, second = identifier(element.get("replyId")), identifier(element.get("messageId"))
    return f"{first}-{second}" if first and second else None


def _attachment(element: Json, kind: str) -> Attachment | None:
    """A message's file; its full address is `url` followed by `signature`."""
    file = _object(element.get(kind))
    url = file.get("url")
    if not isinstance(url, str) or blank(url):
        return None
    signature = file.get("signature")
    address = url.strip() + (signature.strip() if isinstance(signature, str) else "")
    caption = _text(file.get("caption")) or _text(element.get("caption"))
    return Attachment(
        _MEDIA[kind], {"url": address}, _text(file.get("mime_type")), _text(file.get("filename")), caption
    )


def _in_words(attachment: Attachment) -> tuple[Kind, Text]:
    return "text", Text(body=text_without_file(attachment.kind, attachment.caption))


def _content(element: Json, kind: str) -> tuple[Kind, Text | Button | Location] | None:
    """What the person sent, in CleverTap's form; None if it is empty."""
    match kind:
        case "text":
            text = _text(element.get("text"))
            return ("text", Text(body=text)) if text else None
        case "location":
            location = _location(_object(element.get("location")))
            return ("location", location) if location else None
        case "button":
            button = _object(element.get("button"))
            return _tapped(button.get("payload"), button.get("text"))
        case "interactive":
            # Meta's form: {"type": "list_reply", "list_reply": {"id", "title", "description"}}.
            interactive = _object(element.get("interactive"))
            chosen = _object(interactive.get(str(interactive.get("type"))))
            return _tapped(chosen.get("id"), chosen.get("title"))
        case "contacts":
            # Their form is not documented. Meta's form is read in full; from any other form, all values are kept.
            given = json_in(element.get("contacts"))
            lines = contacts.as_text(given) or "\n".join(dict.fromkeys(_texts(given)))
            return ("text", Text(body=lines)) if lines else None
    return None


def _tapped(*values: Any) -> tuple[Kind, Button] | None:
    # Numbers may have lost their quotes. A payload is kept exactly, with its spaces.
    payload, label = (_text(value) if isinstance(value, str) else identifier(value) for value in values)
    # CleverTap needs both; one replaces the other if it is missing.
    if payload is None and label is None:
        return None
    return "button", Button(payload=payload or label or "", text=label or payload or "")


def _location(place: Json) -> Location | None:
    latitude = degrees(place.get("latitude"), MAX_LATITUDE)
    longitude = degrees(place.get("longitude"), MAX_LONGITUDE)
    if latitude is None or longitude is None:
        return None
    words = {name: _text(place.get(name)) for name in ("name", "address", "url")}
    return Location(latitude=latitude, longitude=longitude, **words)


def _texts(value: Any) -> list[str]:
    """Every text and number in it, in order."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [text for item in inner for text in _texts(item)]
    text = identifier(value)
    return [text] if text else []


def _object(value: Any) -> Json:
    value = json_in(value)
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
