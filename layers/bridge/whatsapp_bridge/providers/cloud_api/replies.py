"""Messages from people, in CleverTap's forms. A kind without a form is reported as text, so that nothing is lost.

Source: the reference of each type of message below the page named in `inbound`. Words in [brackets] are the bridge's
own.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from whatsapp_bridge.clevertap.callbacks import Button, IncomingMessage, Kind, Location, MediaKind, Text
from whatsapp_bridge.providers.cloud_api.inbound import name_of, type_of
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
from whatsapp_bridge.providers.contract import NO_NUMBER, Attachment, Json, NotUnderstood, Reply

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account

# A sticker is a WebP image. CleverTap's list of types has `voice`, but its payloads only `audio`, so a voice message
# becomes audio.
_FILES: Final[dict[str, MediaKind]] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "document": "file",
    "sticker": "image",
    # Earlier APIs had this type; Meta now documents voice messages as `audio` with `voice` true.
    "voice": "audio",
}


class Found(NamedTuple):
    """A message's content in CleverTap's form. With an `attachment`, the content to report if there is no file."""

    form: Kind
    content: Text | Button | Location
    attachment: Attachment | None = None


def reply(element: Json, account: "Account") -> Reply | NotUnderstood:
    """A `ReplyEvent.element` as CleverTap's incoming message."""
    type_, timestamp, sender = type_of(element), seconds(element.get("timestamp")), digits(element.get("from"))
    kind = name_of(type_)
    if sender is None and not blank(element.get("from_user_id")):
        return NotUnderstood(kind, NO_NUMBER, element)
    if sender is None or timestamp is None:
        return NotUnderstood(kind, "no timestamp" if sender else "no sender", element)
    found = _content(type_, element)
    if found is None:
        return NotUnderstood(kind, "no content", element)
    message = IncomingMessage.of(
        found.form, found.content, sender=sender, waba_number=account.waba_number, timestamp=timestamp
    )
    return Reply(message, answers_bsp_id=_answered(type_, element), attachment=found.attachment)


def _content(kind: str, element: Json) -> Found | None:
    """The content of a message of this type; None if it is empty."""
    content = element.get(kind)
    if kind in _FILES:
        return _file(_FILES[kind], _object(content))
    match kind:
        case "button":
            button = _object(content)
            return _button(button.get("payload"), button.get("text"))
        case "interactive":
            return _interactive(_object(content))
        case "location":
            return _location(_object(content))
    return _in_words(_words(kind, element))


def _answered(kind: str, element: Json) -> str | None:
    """Meta's id of the answered message. A forwarded message has a context without an id."""
    if kind == "reaction":
        return identifier(_object(element.get("reaction")).get("message_id"))
    return identifier(_object(element.get("context")).get("id"))


# --- CleverTap's forms -----------------------------------------------------------------------------------------------


def _file(kind: MediaKind, file: Json) -> Found | None:
    names = ("id", "url", "sha256")
    source = {name: value for name in names if (value := identifier(file.get(name)))}
    if "id" not in source and "url" not in source:
        return None
    caption = _text(file.get("caption")) or None
    attachment = Attachment(kind, source, identifier(file.get("mime_type")), identifier(file.get("filename")), caption)
    return Found("text", Text(body=text_without_file(kind, caption)), attachment)


def _button(payload: Any, label: Any) -> Found | None:
    # CleverTap needs both; one replaces the other if it is missing.
    payload, label = _text(payload), _text(label)
    return Found("button", Button(payload=payload or label, text=label or payload)) if payload or label else None


def _interactive(interactive: Json) -> Found | None:
    kind = interactive.get("type")
    content = _object(interactive.get(kind)) if isinstance(kind, str) else {}
    if kind in ("button_reply", "list_reply"):
        return _button(content.get("id"), content.get("title"))
    if kind == "nfm_reply":
        # A filled-in form (a flow). Its answers are a text that holds JSON.
        answers = content.get("response_json")
        return _in_words(_lines(json_in(answers)) or [_text(content.get("body"))])
    return _in_words(_other("interactive", interactive))


def _location(location: Json) -> Found | None:
    latitude = degrees(location.get("latitude"), MAX_LATITUDE)
    longitude = degrees(location.get("longitude"), MAX_LONGITUDE)
    if latitude is None or longitude is None:
        return None
    words = {name: _text(location.get(name)) or None for name in ("name", "address", "url")}
    return Found("location", Location(latitude=latitude, longitude=longitude, **words))


# --- as text ---------------------------------------------------------------------------------------------------------


def _words(kind: str, element: Json) -> Iterable[str]:
    content = element.get(kind)
    match kind:
        case "text":
            return [_text(_object(content).get("body"))]
        case "contacts":
            return [contacts.as_text(content)]
        case "reaction":
            # A removed reaction has no emoji, or an empty one.
            return [_text(_object(content).get("emoji")) or "[reaction removed]"] if content else []
        case "order":
            return _order(_object(content))
        case "system":
            # A person has changed the number or identity; Meta sends a sentence that says so.
            return [_text(_object(content).get("body"))] if _object(content).get("body") else _other(kind, content)
        case "edit":
            return ["[edited]", *_edited(_object(_object(content).get("message")))]
        case "revoke":
            return ["[message deleted]"]
        case "unsupported" | "unknown":
            of = identifier(_object(element.get("unsupported")).get("type"))
            return [f"[unsupported message: {of}]" if of else "[unsupported message]"]
        case "":
            return []
    return _other(kind, content)


def _other(kind: str, content: Any) -> list[str]:
    """A type that Meta has added since: its name and everything in it."""
    return [f"[{kind}]", *_lines(content)]


def _order(order: Json) -> list[str]:
    return [_text(order.get("text")), *(_item(item) for item in _list(order.get("product_items")))]


def _item(item: Any) -> str:
    item = _object(item)
    product, quantity = identifier(item.get("product_retailer_id")), identifier(item.get("quantity"))
    return f"{quantity or '1'} x {product}{_price(item)}" if product else ""


def _price(item: Json) -> str:
    amount = item.get("item_price")
    shown = "" if isinstance(amount, bool) or not isinstance(amount, str | int | float) else str(amount)
    return f", {shown} {identifier(item.get('currency')) or ''}".rstrip() if shown else ""


def _edited(message: Json) -> list[str]:
    """The new text of a message that its sender has edited; for a file, its caption."""
    kind = message.get("type")
    content = _object(message.get(kind)) if isinstance(kind, str) else {}
    words = _text(content.get("body")) or _text(content.get("caption"))
    return [words] if words else _lines(message)


def _in_words(lines: Iterable[str]) -> Found | None:
    body = "\n".join(line for line in lines if line)
    return Found("text", Text(body=body)) if body else None


def _lines(value: Any, name: str = "") -> list[str]:
    """Everything in a JSON value, one line per single value: `name: value`."""
    if isinstance(value, dict):
        return [
            line for member, inner in value.items() for line in _lines(inner, f"{name}.{member}" if name else member)
        ]
    if isinstance(value, list):
        return [line for inner in value for line in _lines(inner, name)]
    if blank(value):
        return []
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return [f"{name}: {shown}" if name else shown]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
