"""Messages from people through One API, as CleverTap's incoming messages.

Source: see `inbound`.
"""

from typing import TYPE_CHECKING

from whatsapp_bridge.clevertap.callbacks import IncomingMessage
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.clickatell_common.replies import attachment_of
from whatsapp_bridge.providers.common import contacts
from whatsapp_bridge.providers.common.bodies import object_in
from whatsapp_bridge.providers.common.contents import Content, placed, said, tapped, without_file
from whatsapp_bridge.providers.common.values import blank, digits, each, identifier, seconds, text
from whatsapp_bridge.providers.contract.inbound import NotUnderstood
from whatsapp_bridge.providers.contract.replies import Reply

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell.settings import Account


def reply(element: Json, account: "Account") -> Reply | NotUnderstood:
    """A decrypted element of a `ReplyEvent` as CleverTap's incoming message."""
    kind, timestamp = text(element.get("kind")), seconds(element.get("timestamp"))
    sender = digits(element.get("from"))
    if sender is None:
        return NotUnderstood(kind, "no sender", element)
    attachment = attachment_of(_file(element), element) if kind == "moMedia" else None
    found = without_file(attachment) if attachment else _content(kind, element)
    if found is None:
        return NotUnderstood(kind, "no content", element)
    form, content = found
    message = IncomingMessage.of(form, content, sender=sender, waba_number=account.waba_number, timestamp=timestamp)
    reference, bsp_id = identifier(element.get("relatedClientMessageId")), identifier(element.get("relatedMessageId"))
    # Clickatell's samples of moText have the apiMessageId in both fields; that is not a msgId of CleverTap's.
    return Reply(message, None if reference == bsp_id else reference, bsp_id, attachment)


def _file(element: Json) -> Json:
    """The object that describes the file: the entry of `files`, or the element itself, which has it inline."""
    first = next(iter(each(element.get("files"))), None)
    return first if isinstance(first, dict) else element


def _content(kind: str, element: Json) -> Content | None:
    """What the person sent, in CleverTap's form; None if it is empty."""
    match kind:
        case "moText":
            return said(element.get("content"))
        case "moSuggestedResponse" | "moButtonResponse":
            # moButtonResponse is not documented. A public client reads title and postbackData from it or from
            # `selectedItem`; `content`, where moSuggestedResponse has the title, is read too.
            item = object_in(element.get("selectedItem"))
            label = text(element.get("content")) or text(element.get("title")) or item.get("title")
            return tapped(text(element.get("postbackData")) or item.get("postbackData"), label)
        case "moLocation":
            # Clickatell's samples use both spellings.
            spelt = "latitute" if blank(element.get("latitude")) else "latitude"
            name, address = element.get("locationName"), element.get("locationAddress")
            return placed(element.get(spelt), element.get("longitude"), name=name, address=address)
        case "moContacts":
            # CleverTap has no form for contacts, so they are reported as text.
            return said(contacts.as_text(element.get("contacts")))
    return None
