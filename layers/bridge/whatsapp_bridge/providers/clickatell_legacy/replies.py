"""Messages from people through the legacy WhatsApp API, as CleverTap's incoming messages.

Source: see `inbound`.
"""

from typing import TYPE_CHECKING

from whatsapp_bridge.clevertap.callbacks import IncomingMessage
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.clickatell_common.replies import attachment_of
from whatsapp_bridge.providers.common import contacts
from whatsapp_bridge.providers.common.contents import Content, placed, said, without_file
from whatsapp_bridge.providers.common.values import digits, identifier, seconds, text
from whatsapp_bridge.providers.contract.inbound import NotUnderstood
from whatsapp_bridge.providers.contract.replies import Reply

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell_legacy.settings import Account


def reply(element: Json, account: "Account") -> Reply | NotUnderstood:
    """A decrypted element of a `ReplyEvent` as CleverTap's incoming message."""
    kind, timestamp, sender = text(element.get("kind")), seconds(element.get("timestamp")), digits(element.get("from"))
    if sender is None:
        return NotUnderstood(kind, "no sender", element)
    attachment = attachment_of(element, element) if kind == "media" else None
    found = without_file(attachment) if attachment else _content(kind, element)
    if isinstance(found, str):
        return NotUnderstood(kind, found, element)
    form, content = found
    message = IncomingMessage.of(form, content, sender=sender, waba_number=account.waba_number, timestamp=timestamp)
    # A person's message has no client id. Next to `relatedMessageId`, where One API has `relatedClientMessageId`, it is
    # read as that of the answered message; all samples have null in both. As in One API, an id that equals Clickatell's
    # own is not a msgId.
    reference, bsp_id = identifier(element.get("clientMessageId")), identifier(element.get("relatedMessageId"))
    return Reply(message, None if reference == bsp_id else reference, bsp_id, attachment)


def _content(kind: str, element: Json) -> Content | str:
    """What the person sent, in CleverTap's form, or the reason why there is none."""
    if kind == "location":
        name, address = element.get("locationName"), element.get("locationAddress")
        place = placed(element.get("latitude"), element.get("longitude"), name=name, address=address)
        return place or "latitude and longitude must be decimal degrees"
    # CleverTap has no form for contacts, so they are reported as text.
    return (
        said(contacts.as_text(element.get("contacts")) if kind == "contacts" else element.get("content"))
        or "no content"
    )
