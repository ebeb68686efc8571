"""Messages from people to a Gupshup number, as CleverTap's incoming messages.

Sources: CleverTap's page on Gupshup (text), and public clients of the API. Any other type comes in a field with the
type's name: an object, which is a text of JSON if the callback is a form. Those of stickers, reactions, orders and
forms are not documented; Meta's members are looked for, and in place of others everything is reported as text.
"""

from typing import TYPE_CHECKING

from whatsapp_bridge.clevertap.callbacks import IncomingMessage
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.common import contacts, contents
from whatsapp_bridge.providers.common.bodies import json_in, object_in
from whatsapp_bridge.providers.common.contents import Content, said, told
from whatsapp_bridge.providers.common.values import (
    detail,
    digits,
    empty,
    identifier,
    in_brackets,
    seconds,
    spelt,
    text,
    word,
)
from whatsapp_bridge.providers.contract.inbound import NotUnderstood
from whatsapp_bridge.providers.contract.replies import Attachment, Reply
from whatsapp_bridge.providers.gupshup.inbound import CONSENTS, kind_of

if TYPE_CHECKING:
    from whatsapp_bridge.providers.gupshup.settings import Account


def reply(element: Json, account: "Account") -> Reply | NotUnderstood:
    """An element of a `ReplyEvent` as CleverTap's incoming message."""
    kind = kind_of(element)
    timestamp, sender = seconds(element.get("timestamp")), digits(element.get("mobile"))
    if sender is None:
        return NotUnderstood(kind, "no mobile", element)
    attachment = _attachment(element, kind) if kind in contents.FILES else None
    asides = _asides(element, kind)
    attachment = attachment and contents.with_caption(attachment, asides)
    found = contents.without_file(attachment) if attachment else contents.with_asides(_content(element, kind), asides)
    if found is None:
        return NotUnderstood(kind, "no content", element)
    form, content = found
    message = IncomingMessage.of(form, content, sender=sender, waba_number=account.waba_number, timestamp=timestamp)
    answered, or_else = _answered(element)
    return Reply(message, answers_bsp_id=answered, or_bsp_id=or_else, attachment=attachment)


def _answered(element: Json) -> tuple[str, str] | tuple[None, None]:
    """The `externalId` of the answered message. Public clients disagree about the order of its two halves."""
    first, second = identifier(element.get("replyId")), identifier(element.get("messageId"))
    return (f"{first}-{second}", f"{second}-{first}") if first and second else (None, None)


def _asides(element: Json, kind: str) -> list[str]:
    """What is of a type that no table names, where a known content stands beside it."""
    named = spelt(element, word(element.get("type")))
    beside = json_in(element.get(named)) if named not in (kind, "") else None
    return [] if empty(beside) else [in_brackets(named, beside)]


def _attachment(element: Json, kind: str) -> Attachment | None:
    """A message's file; its full address is `url` followed by `signature`."""
    file = object_in(element.get(kind))
    url, signature = identifier(file.get("url")), identifier(file.get("signature"))
    if url is None:
        return None
    address = url + (signature or "")
    content_type, name = identifier(file.get("mime_type")), detail(file.get("filename"))
    return Attachment(contents.FILES[kind], {"url": address}, content_type, name, _caption(element, kind))


def _caption(element: Json, kind: str) -> str | None:
    held = object_in(element.get(kind)).get("caption")
    return text(held) or text(element.get("caption")) or text(element.get("text")) or None


def _content(element: Json, kind: str) -> Content | None:
    """What the person sent, in CleverTap's form; None if it is empty."""
    match kind:
        case "text":
            return said(element.get("text"))
        case "location":
            return contents.location(element.get("location"))
        case "button":
            return contents.button(element.get("button"))
        case "interactive":
            return contents.interactive(element.get("interactive"))
        case "contacts":
            # Their form is not documented; all that is in any form is kept.
            return said(contacts.as_text(json_in(element.get("contacts"))))
        case "reaction" | "order":
            read = contents.reaction if kind == "reaction" else contents.order
            return read(element.get(kind)) or contents.unknown(kind, element.get(kind))
        case "opt_in" | "opt_out":
            return told([CONSENTS[kind], text(element.get("text"))])
        case "image" | "video" | "audio" | "voice" | "document":
            # Nobody can fetch it. What the person has written below it is told.
            caption = _caption(element, kind)
            return contents.without_file(Attachment(contents.FILES[kind], {}, caption=caption)) if caption else None
    return contents.unknown(kind, element.get(kind))
