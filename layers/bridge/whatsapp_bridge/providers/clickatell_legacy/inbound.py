"""The legacy WhatsApp API's callbacks: one flat object per request, a status of a sent message or a person's message.

Source: the columns "Legacy WhatsApp API" in "Inbound message callback comparisons" and "Inbound message status callback
comparison" of the comparison page named in `codes`. Every kind of message has the same members, null where the kind has
no use for them, and no member that names the kind.
"""

import hashlib
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json, to_json

from whatsapp_bridge.providers.clickatell.statuses import status_event
from whatsapp_bridge.providers.clickatell_legacy import codes
from whatsapp_bridge.providers.common.values import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
    blank,
    degrees,
    digits,
    identifier,
    seconds,
)
from whatsapp_bridge.providers.contract import (
    Callback,
    Event,
    Json,
    NotACallback,
    NotUnderstood,
    Reply,
    ReplyEvent,
)

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.clevertap.callbacks import Kind, Location, Text

_INTEGRATION: Final = frozenset({"integrationId", "integrationName"})
_MARKS: Final = _INTEGRATION | {"messageId"}
_REPLY_KINDS: Final = frozenset({"text", "media", "location", "contacts"})


def authentic(callback: Callback, account: "Account") -> bool:
    """True: Clickatell signs nothing, the token in the callback's path is the only proof."""
    return True


def challenge(callback: Callback, account: "Account") -> str | None:
    """None: Clickatell does not verify callback URLs."""
    return None


def split(callback: Callback, account: "Account") -> list[Event]:
    """The callback as one event, none where it names the integration alone. Raises `NotACallback`."""
    try:
        body = from_json(callback.body, allow_inf_nan=False)
    except ValueError:
        raise NotACallback("not JSON") from None
    if not isinstance(body, dict) or not _MARKS & body.keys():
        raise NotACallback("no object with integrationId or messageId")
    if all(value is None for name, value in body.items() if name not in _INTEGRATION):
        return []
    return [_event(body)]


def _event(body: Json) -> Event:
    if body.get("statusCode") is not None:
        return status_event("status", body, codes.status)
    kind = _kind(body)
    if kind not in _REPLY_KINDS:
        # One API's callbacks come here when an integration of One API posts to an account of the legacy API.
        return NotUnderstood(kind, "One API's callback" if kind == "event" else "unknown kind", body)
    sender = digits(body.get("from"))
    if sender is None:
        return NotUnderstood(kind, "no sender", body)
    # Repeats of a callback are the same text, so that without an id the callback itself can stand for one.
    message_id = identifier(body.get("messageId")) or hashlib.sha256(to_json(body)).hexdigest()
    return ReplyEvent(message_id, sender, {**body, "kind": kind})


def _kind(body: Json) -> str:
    """What a message is, by the members that say something: all but its metadata may be encrypted."""
    if not blank(body.get("contentType")):
        return "media"
    if not (blank(body.get("latitude")) and blank(body.get("longitude"))):
        return "location"
    if body.get("content") is not None:
        return "text"
    return next((name for name in ("contacts", "event") if body.get(name) is not None), "unknown")


def reply(element: Json, account: "Account") -> Reply | NotUnderstood:
    """A readable element of a `ReplyEvent` as CleverTap's incoming message."""
    kind, timestamp, sender = str(element.get("kind")), seconds(element.get("timestamp")), digits(element.get("from"))
    if sender is None or timestamp is None:
        return NotUnderstood(kind, "no timestamp" if sender else "no sender", element)
    # Only forward makes replies; the functions that receive callbacks start without CleverTap's models.
    from whatsapp_bridge.clevertap.callbacks import IncomingMessage
    from whatsapp_bridge.providers.clickatell import files

    attachment = files.attachment(element, element) if kind == "media" else None
    found = files.in_words(attachment) if attachment else _content(kind, element)
    if isinstance(found, str):
        return NotUnderstood(kind, found, element)
    form, content = found
    message = IncomingMessage.of(form, content, sender=sender, waba_number=account.waba_number, timestamp=timestamp)
    # A person's message has no client id of its own: with `relatedMessageId` beside it, where One API has
    # `relatedClientMessageId`, this one is taken for that of the message answered. All samples have null in both. As in
    # One API's, an id that is the same as Clickatell's own would be no msgId.
    reference, bsp_id = identifier(element.get("clientMessageId")), identifier(element.get("relatedMessageId"))
    return Reply(message, None if reference == bsp_id else reference, bsp_id, attachment)


def _content(kind: str, element: Json) -> "tuple[Kind, Text | Location] | str":
    """CleverTap's form of what the person sent, or why there is none."""
    from whatsapp_bridge.clevertap.callbacks import Location, Text
    from whatsapp_bridge.providers.common import contacts

    if kind == "location":
        latitude = degrees(element.get("latitude"), MAX_LATITUDE)
        longitude = degrees(element.get("longitude"), MAX_LONGITUDE)
        if latitude is None or longitude is None:
            return "not both latitude and longitude"
        name, address = _text(element.get("locationName")), _text(element.get("locationAddress"))
        return "location", Location(latitude=latitude, longitude=longitude, name=name, address=address)
    # CleverTap has no form for contacts; as text they arrive all the same.
    text = contacts.as_text(element.get("contacts")) if kind == "contacts" else _text(element.get("content"))
    return ("text", Text(body=text)) if text else "no content"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
