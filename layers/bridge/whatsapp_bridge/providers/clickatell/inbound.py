"""One API's callbacks: statuses of sent messages, and what people write.

Source: https://help.clickatell.com/developers-api-reference/reference/one-api-client-callbacks and the section "Inbound
message callback comparisons" of the comparison page named in `codes`. One request holds lists of events by kind; kinds
and fields may be added at any time, and what is not known is to be answered with success.
"""

import hashlib
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json, to_json

from whatsapp_bridge.providers.clickatell import codes
from whatsapp_bridge.providers.clickatell.values import identifier, number
from whatsapp_bridge.providers.contract import (
    Callback,
    Event,
    Json,
    NotACallback,
    NotUnderstood,
    Reply,
    ReplyEvent,
    StatusEvent,
)

if TYPE_CHECKING:
    from whatsapp_bridge.accounts import Account

_REPLY_KINDS: Final = frozenset({"moText", "moSuggestedResponse"})
# Timestamps are documented in milliseconds. As seconds, this one is in the year 5138; as milliseconds, in 1973.
_SMALLEST_MILLISECONDS: Final = 100_000_000_000


def authentic(callback: Callback, account: "Account") -> bool:
    """True: One API signs nothing, the token in the callback's path is the only proof."""
    return True


def challenge(callback: Callback, account: "Account") -> str | None:
    """None: One API does not verify callback URLs."""
    return None


def split(callback: Callback) -> list[Event]:
    """Every element as an event, a broken one as `NotUnderstood`. Raises `NotACallback`."""
    try:
        body = from_json(callback.body, allow_inf_nan=False)
    except ValueError:
        raise NotACallback("not JSON") from None
    event = body.get("event") if isinstance(body, dict) else None
    if not isinstance(event, dict):
        raise NotACallback("no event object")
    return [_event(kind, element) for kind, elements in event.items() for element in _each(elements)]


def _each(elements: Any) -> list[Any]:
    if elements is None:
        return []
    return elements if isinstance(elements, list) else [elements]


def _event(kind: str, element: Any) -> Event:
    if not isinstance(element, dict):
        return NotUnderstood(kind, "not an object", element)
    channel = element.get("channel")
    # Seen as "whatsapp", "whatsapp " and "whatsapp/sms "; an integration may carry other channels beside WhatsApp.
    if isinstance(channel, str) and "whatsapp" not in channel.lower():
        return NotUnderstood(kind, "another channel", element)
    if kind == "messageStatusUpdate":
        return _status(kind, element)
    if kind in _REPLY_KINDS:
        return _reply_event(kind, element)
    return NotUnderstood(kind, "unknown kind", element)


def _status(kind: str, element: Json) -> StatusEvent | NotUnderstood:
    code, timestamp = number(element.get("statusCode")), _seconds(element.get("timestamp"))
    reference, bsp_id = identifier(element.get("clientMessageId")), identifier(element.get("messageId"))
    if code is None:
        return NotUnderstood(kind, "no statusCode", element)
    if timestamp is None:
        return NotUnderstood(kind, "no timestamp", element)
    if reference is None and bsp_id is None:
        return NotUnderstood(kind, "neither clientMessageId nor messageId", element)
    row = codes.status(code)
    return StatusEvent(
        row.status,
        timestamp,
        reference,
        bsp_id,
        error_code=row.error,
        error_title=row.title if row.error is not None else None,
        unlisted=not row.listed,
    )


def _reply_event(kind: str, element: Json) -> ReplyEvent | NotUnderstood:
    sender = _sender(element)
    if sender is None:
        return NotUnderstood(kind, "no sender", element)
    # Repeats of a callback are the same text, so that without an id the element itself can stand for one.
    message_id = identifier(element.get("messageId")) or hashlib.sha256(to_json(element)).hexdigest()
    return ReplyEvent(message_id, sender, {**element, "kind": kind})


def reply(element: Json, account: "Account") -> Reply | NotUnderstood:
    """A readable element of a `ReplyEvent` as CleverTap's incoming message."""
    kind, timestamp = str(element.get("kind")), _seconds(element.get("timestamp"))
    sender = _sender(element)
    if sender is None or timestamp is None:
        return NotUnderstood(kind, "no timestamp" if sender else "no sender", element)
    # Only forward makes replies; the functions that receive callbacks start without CleverTap's models.
    from whatsapp_bridge.clevertap.callbacks import Button, IncomingMessage, Text

    text, postback = _text(element.get("content")), _text(element.get("postbackData"))
    content: Text | Button
    if kind == "moText" and text:
        content = Text(body=text)
    elif kind == "moSuggestedResponse" and (text or postback):
        # CleverTap wants both; either stands in for the other.
        content = Button(payload=postback or text, text=text or postback)
    else:
        return NotUnderstood(kind, "no content", element)
    message = IncomingMessage.of(
        "text" if isinstance(content, Text) else "button",
        content,
        sender=sender,
        waba_number=account.waba_number,
        timestamp=timestamp,
    )
    reference, bsp_id = identifier(element.get("relatedClientMessageId")), identifier(element.get("relatedMessageId"))
    # Clickatell's samples of moText have the apiMessageId in both places; that is no msgId of CleverTap's.
    return Reply(message, None if reference == bsp_id else reference, bsp_id)


def _sender(element: Json) -> str | None:
    """The person's number in digits."""
    digits = (identifier(element.get("from")) or "").removeprefix("+")
    return digits if digits.isascii() and digits.isdigit() else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _seconds(value: Any) -> int | None:
    timestamp = number(value)
    if timestamp is None or timestamp <= 0:
        return None
    return timestamp // 1000 if timestamp >= _SMALLEST_MILLISECONDS else timestamp
