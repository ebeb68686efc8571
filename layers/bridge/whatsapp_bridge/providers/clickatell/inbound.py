"""One API's callbacks: statuses of sent messages, and what people write.

Source: https://help.clickatell.com/developers-api-reference/reference/one-api-client-callbacks and the section "Inbound
message callback comparisons" of the comparison page named in `codes`. One request holds lists of events by kind; kinds
and fields may be added at any time, and what is not known is to be answered with success.
"""

import hashlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json, to_json

from whatsapp_bridge.providers.clickatell import codes
from whatsapp_bridge.providers.clickatell.statuses import status_event
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
    from whatsapp_bridge.clevertap.callbacks import Button, Kind, Location, Text

# That a person is typing is no message, and old news once it could be told.
_IGNORED: Final = frozenset({"statusIsTyping"})
# Clickatell lists messageFallback among its events too, but shows its fields nowhere, so that nobody can say what it
# would be to CleverTap. It is quarantined like any kind that is not known, with all it holds.
_REPLY_KINDS: Final = frozenset(
    {"moText", "moMedia", "moSuggestedResponse", "moButtonResponse", "moLocation", "moContacts"}
)
# Several of these may come with one messageId: contacts as elements of their own, a file inline and by reference.
# Nothing says that the latter two are one and the same, so that neither is dropped.
_IN_PARTS: Final = frozenset({"moContacts", "moMedia"})


def authentic(callback: Callback, account: "Account") -> bool:
    """True: One API signs nothing, the token in the callback's path is the only proof."""
    return True


def challenge(callback: Callback, account: "Account") -> str | None:
    """None: One API does not verify callback URLs."""
    return None


def split(callback: Callback, account: "Account") -> list[Event]:
    """Every element as an event, a broken one as `NotUnderstood`. Raises `NotACallback`."""
    try:
        body = from_json(callback.body, allow_inf_nan=False)
    except ValueError:
        raise NotACallback("not JSON") from None
    event = body.get("event") if isinstance(body, dict) else None
    if not isinstance(event, dict):
        raise NotACallback("no event object")
    kinds = {kind: _each(elements) for kind, elements in event.items() if kind not in _IGNORED}
    return _apart([_event(kind, part) for kind, elements in kinds.items() for part in _parts(kind, elements)])


def _each(elements: Any) -> list[Any]:
    if elements is None:
        return []
    return elements if isinstance(elements, list) else [elements]


def _parts(kind: str, elements: list[Any]) -> list[Any]:
    """CleverTap's messages hold one file each: an element with several becomes as many, the caption with the first."""
    if kind != "moMedia":
        return elements
    parts = []
    for element in elements:
        files = element.get("files") if isinstance(element, dict) else None
        if not isinstance(files, list) or len(files) < 2:
            parts.append(element)
            continue
        parts += [
            {**element, "files": [file], "caption": None if place else element.get("caption")}
            for place, file in enumerate(files)
        ]
    return parts


def _apart(events: list[Event]) -> list[Event]:
    """What comes in parts under one messageId is a message each, by place."""
    seen: Counter[str] = Counter()
    apart: list[Event] = []
    for event in events:
        if isinstance(event, ReplyEvent) and event.element["kind"] in _IN_PARTS:
            seen[event.id] += 1
            if seen[event.id] > 1:
                event = replace(event, id=f"{event.id}.{seen[event.id]}")
        apart.append(event)
    return apart


def _event(kind: str, element: Any) -> Event:
    if not isinstance(element, dict):
        return NotUnderstood(kind, "not an object", element)
    channel = element.get("channel")
    # Seen as "whatsapp", "whatsapp " and "whatsapp/sms "; an integration may carry other channels beside WhatsApp.
    if isinstance(channel, str) and "whatsapp" not in channel.lower():
        return NotUnderstood(kind, "another channel", element)
    if kind == "messageStatusUpdate":
        return status_event(kind, element, codes.status)
    if kind in _REPLY_KINDS:
        return _reply_event(kind, element)
    return NotUnderstood(kind, "unknown kind", element)


def _reply_event(kind: str, element: Json) -> ReplyEvent | NotUnderstood:
    sender = digits(element.get("from"))
    if sender is None:
        return NotUnderstood(kind, "no sender", element)
    # Repeats of a callback are the same text, so that without an id the element itself can stand for one.
    message_id = identifier(element.get("messageId")) or hashlib.sha256(to_json(element)).hexdigest()
    return ReplyEvent(message_id, sender, {**element, "kind": kind})


def reply(element: Json, account: "Account") -> Reply | NotUnderstood:
    """A readable element of a `ReplyEvent` as CleverTap's incoming message."""
    kind, timestamp = str(element.get("kind")), seconds(element.get("timestamp"))
    sender = digits(element.get("from"))
    if sender is None or timestamp is None:
        return NotUnderstood(kind, "no timestamp" if sender else "no sender", element)
    # Only forward makes replies; the functions that receive callbacks start without CleverTap's models.
    from whatsapp_bridge.clevertap.callbacks import IncomingMessage
    from whatsapp_bridge.providers.clickatell import files

    attachment = files.attachment(_file(element), element) if kind == "moMedia" else None
    found = files.in_words(attachment) if attachment else _content(kind, element)
    if found is None:
        return NotUnderstood(kind, "no content", element)
    form, content = found
    message = IncomingMessage.of(form, content, sender=sender, waba_number=account.waba_number, timestamp=timestamp)
    reference, bsp_id = identifier(element.get("relatedClientMessageId")), identifier(element.get("relatedMessageId"))
    # Clickatell's samples of moText have the apiMessageId in both places; that is no msgId of CleverTap's.
    return Reply(message, None if reference == bsp_id else reference, bsp_id, attachment)


def _file(element: Json) -> Json:
    """What says where the file is: the entry of `files`, or the element itself, which then has it inline."""
    files = element.get("files")
    return files[0] if isinstance(files, list) and files and isinstance(files[0], dict) else element


def _content(kind: str, element: Json) -> "tuple[Kind, Text | Button | Location] | None":
    """CleverTap's form of what the person sent, None where it holds nothing."""
    from whatsapp_bridge.clevertap.callbacks import Button, Text
    from whatsapp_bridge.providers.common import contacts

    text = _text(element.get("content"))
    match kind:
        case "moText":
            return ("text", Text(body=text)) if text else None
        case "moSuggestedResponse" | "moButtonResponse":
            # moButtonResponse is not documented. A public client finds title and postbackData in it, or in what
            # `selectedItem` holds; content, which moSuggestedResponse has for the title, is read as well.
            item = element.get("selectedItem")
            item = item if isinstance(item, dict) else {}
            label = text or _text(element.get("title")) or _text(item.get("title"))
            payload = _text(element.get("postbackData")) or _text(item.get("postbackData"))
            # CleverTap wants both; either stands in for the other.
            return ("button", Button(payload=payload or label, text=label or payload)) if label or payload else None
        case "moLocation":
            location = _location(element)
            return ("location", location) if location else None
        case "moContacts":
            # CleverTap has no form for contacts; as text they arrive all the same.
            lines = contacts.as_text(element.get("contacts"))
            return ("text", Text(body=lines)) if lines else None
    return None


def _location(element: Json) -> "Location | None":
    from whatsapp_bridge.clevertap.callbacks import Location

    # Clickatell's samples have both spellings.
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
