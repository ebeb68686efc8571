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
from whatsapp_bridge.providers.common.bodies import json_in, object_in
from whatsapp_bridge.providers.common.contents import Content, placed, said, tapped
from whatsapp_bridge.providers.common.values import blank, detail, digits, each, identifier, lines, seconds, text
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
    if sender is None:
        hidden = not blank(element.get("from_user_id"))
        return NotUnderstood(kind, NO_NUMBER if hidden else "no sender", element)
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
        return _file(_FILES[kind], object_in(content))
    match kind:
        case "button":
            button = object_in(content)
            return _found(tapped(button.get("payload"), button.get("text")))
        case "interactive":
            return _interactive(object_in(content))
        case "location":
            place = object_in(content)
            words = {name: place.get(name) for name in ("name", "address", "url")}
            return _found(placed(place.get("latitude"), place.get("longitude"), **words))
    return _in_words(_words(kind, element))


def _answered(kind: str, element: Json) -> str | None:
    """Meta's id of the answered message. A forwarded message has a context without an id."""
    if kind == "reaction":
        return identifier(object_in(element.get("reaction")).get("message_id"))
    context = object_in(element.get("context"))
    # A person may answer a message of their own.
    own = identifier(context.get("from")) is not None and context.get("from") == element.get("from")
    return None if own else identifier(context.get("id"))


# --- CleverTap's forms -----------------------------------------------------------------------------------------------


def _file(kind: MediaKind, file: Json) -> Found | None:
    names = ("id", "url", "sha256")
    source = {name: value for name in names if (value := identifier(file.get(name)))}
    if "id" not in source and "url" not in source:
        return None
    caption = text(file.get("caption")) or None
    attachment = Attachment(kind, source, detail(file.get("mime_type")), detail(file.get("filename")), caption)
    return Found("text", Text(body=text_without_file(kind, caption)), attachment)


def _found(content: Content | None) -> Found | None:
    return None if content is None else Found(*content)


def _interactive(interactive: Json) -> Found | None:
    kind = text(interactive.get("type"))
    content = object_in(interactive.get(kind))
    if kind in ("button_reply", "list_reply"):
        return _found(tapped(content.get("id"), content.get("title")))
    if kind == "nfm_reply":
        # A filled-in form (a flow). Its answers are a text that holds JSON.
        answers = content.get("response_json")
        return _in_words(lines(json_in(answers)) or [text(content.get("body"))])
    return _in_words(_other("interactive", interactive))


# --- as text ---------------------------------------------------------------------------------------------------------


def _words(kind: str, element: Json) -> Iterable[str]:
    content = element.get(kind)
    match kind:
        case "text":
            return [text(content.get("body") if isinstance(content, dict) else content)]
        case "contacts":
            return [contacts.as_text(content)]
        case "reaction":
            # A removed reaction has no emoji, or an empty one.
            return [text(object_in(content).get("emoji")) or "[reaction removed]"] if content else []
        case "order":
            return _order(object_in(content))
        case "system":
            # A person has changed the number or identity; Meta sends a sentence that says so.
            words = text(object_in(content).get("body"))
            return [words] if words else _other(kind, content)
        case "edit":
            return ["[edited]", *_edited(object_in(object_in(content).get("message")))]
        case "revoke":
            return ["[message deleted]"]
        case "unsupported" | "unknown":
            of = identifier(object_in(element.get("unsupported")).get("type"))
            return [f"[unsupported message: {of}]" if of else "[unsupported message]"]
        case "":
            return []
    return _other(kind, content)


def _other(kind: str, content: Any) -> list[str]:
    """A type that Meta has added since: its name and everything in it."""
    return [f"[{kind}]", *lines(content)]


def _order(order: Json) -> list[str]:
    return [text(order.get("text")), *(_item(item) for item in each(order.get("product_items")))]


def _item(item: Any) -> str:
    item = object_in(item)
    product, quantity = identifier(item.get("product_retailer_id")), identifier(item.get("quantity"))
    return f"{quantity or '1'} x {product}{_price(item)}" if product else ""


def _price(item: Json) -> str:
    amount, currency = detail(item.get("item_price")), detail(item.get("currency")) or ""
    return f", {amount} {currency}".rstrip() if amount else ""


def _edited(message: Json) -> list[str]:
    """The new text of a message that its sender has edited; for a file, its caption."""
    content = object_in(message.get(text(message.get("type"))))
    words = text(content.get("body")) or text(content.get("caption"))
    return [words] if words else lines(message)


def _in_words(told: Iterable[str]) -> Found | None:
    return _found(said("\n".join(line for line in told if line)))
