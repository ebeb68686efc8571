"""Messages from people, in CleverTap's forms. A kind without a form is reported as text, so that nothing is lost.

Source: the reference of each type of message below the page named in `inbound`. Words in [brackets] are the bridge's
own.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from whatsapp_bridge.accounts.phone_numbers import same
from whatsapp_bridge.clevertap.callbacks import Button, IncomingMessage, Kind, Location, MediaKind, Text
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api.inbound import name_of, named_type, type_of
from whatsapp_bridge.providers.common import contacts, contents
from whatsapp_bridge.providers.common.bodies import object_in
from whatsapp_bridge.providers.common.contents import Content, said, told
from whatsapp_bridge.providers.common.values import (
    blank,
    detail,
    digits,
    empty,
    identifier,
    in_brackets,
    lines,
    seconds,
    text,
)
from whatsapp_bridge.providers.contract.inbound import NO_NUMBER, NotUnderstood
from whatsapp_bridge.providers.contract.replies import Attachment, Reply

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account

# Of a referral: what the ad shows, and the business's own greeting.
_OF_NO_INTEREST: Final = frozenset({"media_type", "image_url", "video_url", "thumbnail_url", "welcome_message"})


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
    found = _with_asides(_content(type_, element), _asides(type_, element))
    if found is None:
        return NotUnderstood(kind, "no content", element)
    message = IncomingMessage.of(
        found.form, found.content, sender=sender, waba_number=account.waba_number, timestamp=timestamp
    )
    return Reply(message, answers_bsp_id=_answered(type_, element), attachment=found.attachment)


def _content(kind: str, element: Json) -> Found | None:
    """The content of a message of this type; None if it is empty."""
    content = element.get(kind)
    if kind in contents.FILES:
        return _file(contents.FILES[kind], object_in(content))
    match kind:
        case "button":
            return _found(contents.button(content))
        case "interactive":
            return _found(contents.interactive(content))
        case "reaction":
            return _found(contents.reaction(content))
        case "order":
            return _found(contents.order(content))
        case "contacts":
            return _found(said(contacts.as_text(content)))
        case "location":
            return _found(contents.location(content))
    return _found(told(_words(kind, element)) if kind in _OF_META else contents.unknown(kind, content))


def _answered(kind: str, element: Json) -> str | None:
    """Meta's id of the answered message. A forwarded message has a context without an id."""
    if kind == "reaction":
        return identifier(object_in(element.get("reaction")).get("message_id"))
    context = object_in(element.get("context"))
    # A person may answer a message of their own.
    writer, sender = digits(context.get("from")), digits(element.get("from"))
    own = writer is not None and sender is not None and same(writer, sender)
    return None if own else identifier(context.get("id"))


# --- CleverTap's forms -----------------------------------------------------------------------------------------------


def _file(kind: MediaKind, file: Json) -> Found | None:
    names = ("id", "url", "sha256")
    source = {name: value for name in names if (value := identifier(file.get(name)))}
    caption = text(file.get("caption")) or None
    content_type, name = identifier(file.get("mime_type")), detail(file.get("filename"))
    attachment = Attachment(kind, source, content_type, name, caption)
    if "id" not in source and "url" not in source:
        # Nobody can fetch it. What the person has written below it is told.
        return _found(contents.without_file(attachment)) if caption else None
    return _in_place_of(attachment)


def _in_place_of(attachment: Attachment) -> Found:
    """The message if its file cannot be fetched."""
    return Found(*contents.without_file(attachment), attachment)


def _found(content: Content | None) -> Found | None:
    return None if content is None else Found(*content)


# --- as text ---------------------------------------------------------------------------------------------------------


def _words(kind: str, element: Json) -> Iterable[str]:
    """The lines of a kind that only Meta has."""
    content = element.get(kind)
    match kind:
        case "text":
            return [_body(content)]
        case "system":
            # A person has changed the number or identity; Meta sends a sentence that says so.
            words = text(object_in(content).get("body"))
            return [in_brackets(words) if words else in_brackets(kind, content)]
        case "edit":
            return ["[edited]", *_edited(object_in(object_in(content).get("message")))]
        case "revoke":
            return ["[message deleted]"]
        case "unsupported" | "unknown":
            return [in_brackets("unsupported message", identifier(object_in(element.get("unsupported")).get("type")))]
    return []


def _body(content: Any) -> str:
    return text(content.get("body") if isinstance(content, dict) else content)


_OF_META: Final = ("text", "system", "edit", "revoke", "unsupported", "unknown", "")


def _edited(message: Json) -> list[str]:
    """The new text of a message that its sender has edited; for a file, its caption."""
    kind = type_of(message)
    if kind == "text":
        return [_body(message.get(kind))]
    words = text(object_in(message.get(kind)).get("caption")) or (in_brackets(kind) if kind in contents.FILES else "")
    return [words] if words else lines(message)


# --- beside the content ----------------------------------------------------------------------------------------------


def _asides(type_: str, element: Json) -> list[str]:
    """What the message was written about, a product of the catalogue or an ad without its pictures; and what is of a
    type that no table names, where a known content stands beside it."""
    product = object_in(element.get("context")).get("referred_product")
    ad = {name: value for name, value in object_in(element.get("referral")).items() if name not in _OF_NO_INTEREST}
    found = {"referred_product": product, "referral": ad}
    asides = [in_brackets(name, value) for name, value in found.items() if lines(value)]
    named = named_type(element)
    if named != type_ and not empty(element.get(named)):
        asides += _words(named, element) if named in _OF_META else [in_brackets(named, element[named])]
    return asides


def _with_asides(found: Found | None, asides: list[str]) -> Found | None:
    if found is not None and found.attachment is not None:
        return _in_place_of(contents.with_caption(found.attachment, asides))
    return _found(contents.with_asides(None if found is None else (found.form, found.content), asides))
