"""Meta's webhooks: statuses of sent messages, messages from people, and notices.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages. A request
holds entries, these hold changes, and a change of the field `messages` holds lists of messages, statuses and errors, up
to 1000 in 3 MB. Duplicates and any order are normal. The list that holds an event tells its kind: `contacts` come with
messages, with statuses, or not at all.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from whatsapp_bridge.accounts.phone_numbers import same
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api import codes
from whatsapp_bridge.providers.cloud_api.notices import notice_in
from whatsapp_bridge.providers.common.bodies import content_of
from whatsapp_bridge.providers.common.message_ids import made_of
from whatsapp_bridge.providers.common.values import (
    CONTENTS,
    blank,
    digits,
    each,
    empty,
    identifier,
    member_of,
    says_nothing,
    seconds,
    spelt,
    word,
)
from whatsapp_bridge.providers.contract.inbound import (
    Callback,
    Event,
    Ignored,
    NotACallback,
    NotUnderstood,
    ReplyEvent,
    ReportedError,
)
from whatsapp_bridge.providers.contract.statuses import StatusEvent

_OBJECT: Final = "whatsapp_business_account"
_FIELD: Final = "messages"
_METADATA: Final = frozenset({"object", "id", "time", "field", "messaging_product", "metadata"})
_LISTS: Final = ("messages", "statuses", "errors")
# A message's contents, and the notices that are none. Whatever else a type is, a content beside it is the person's.
_KNOWN: Final = (*CONTENTS, "system", "edit", "revoke")
# A person has opened the chat for the first time, and written nothing.
_WELCOME: Final = "request_welcome"


# --- events ----------------------------------------------------------------------------------------------------------


class Wanted(NamedTuple):
    """Which number's events to keep (a webhook may have those of other numbers), and how messages are identified."""

    number_id: str | None = None
    """Meta's id of the number."""
    number: str | None = None
    """The number itself, in digits: it decides where a webhook has no such id."""
    echoes: bool = True
    """Whether `biz_opaque_callback_data` is our msgId."""


_ALL: Final = Wanted()


def split(callback: Callback, wanted: Wanted = _ALL) -> list[Event]:
    """Every element of every list as an event, a malformed one as `NotUnderstood`. Raises `NotACallback` or
    `BodyUnreadable`."""
    webhook = content_of(callback)
    if not isinstance(webhook, dict) or not (blank(webhook.get("object")) or webhook["object"] == _OBJECT):
        raise NotACallback(f"no {_OBJECT} object")
    events = [event for entry in _entries(webhook) for event in _of_entry(entry, wanted)]
    if not events and not says_nothing(webhook, _METADATA):
        raise NotACallback("no event in an entry")
    return events


def _entries(webhook: Json) -> list[Any]:
    """Those of Meta's form, or of one that somebody on the way has taken the outer parts off."""
    held = {name for name, value in webhook.items() if not empty(value)} - {"object"}
    if not held or "entry" in held:
        return each(webhook.get("entry"))
    if "changes" in held:
        return [webhook]
    if "value" in held:
        return [{"changes": [webhook]}]
    if held.intersection(_LISTS):
        return [{"changes": [{"value": webhook}]}]
    raise NotACallback("no entry")


def _of_entry(entry: Any, wanted: Wanted) -> Iterator[Event]:
    changes = entry.get("changes") if isinstance(entry, dict) else None
    if changes is None:
        yield NotUnderstood("entry", "no changes", entry)
    for change in each(changes):
        yield from _of_change(change, wanted, entry)


def _of_change(change: Any, wanted: Wanted, entry: Json) -> Iterator[Event]:
    value = change.get("value") if isinstance(change, dict) else None
    if not isinstance(value, dict):
        yield NotUnderstood("change", "no value", change)
        return
    # News of templates has no number: it may be of a business account that other accounts have.
    if not any(name in value for name in _LISTS) and (notice := notice_in(entry, change, value)) is not None:
        yield notice
        return
    field = change.get("field")
    if not blank(field) and field != _FIELD:
        # `history` has old messages and `smb_message_echoes` the business's own, in the same form.
        yield NotUnderstood(name_of(field), "another field", change)
        return
    if _is_anothers(value.get("metadata"), wanted):
        yield NotUnderstood(_FIELD, "another number's", change)
        return
    lists = [name for name in _LISTS if name in value]
    if not lists:
        yield NotUnderstood(_FIELD, "no messages, statuses or errors", change)
    for name in lists:
        for element in each(value[name]):
            yield from _events(name, element, wanted, each(value.get("contacts")))
    # Calls and the business's own messages also come beside messages.
    for name, found in value.items():
        if lists and isinstance(found, list) and name not in (*_LISTS, "contacts"):
            yield from (NotUnderstood(name_of(name), "another list", element) for element in found)


def _is_anothers(metadata: Any, wanted: Wanted) -> bool:
    """False if there is no number: it arrived at the account's own callback URL."""
    if not isinstance(metadata, dict):
        return False
    number_id = identifier(metadata.get("phone_number_id"))
    if wanted.number_id is not None and number_id is not None:
        return number_id != wanted.number_id
    # A number to show: "+1 555-078-3881" in some webhooks, "15550783881" in others.
    shown = digits(metadata.get("display_phone_number"))
    return wanted.number is not None and shown is not None and not same(shown, wanted.number)


def _events(name: str, element: Any, wanted: Wanted, contacts: list[Any]) -> Iterator[Event]:
    if not isinstance(element, dict):
        yield NotUnderstood(name, "not an object", element)
    elif name == "statuses":
        yield _status(element, wanted, contacts)
    elif name == "messages":
        yield from _errors(each(element.get("errors")))
        yield _message(_with_sender(element, contacts))
    else:
        row = codes.error_of(element)
        yield from _errors([element] if row else [])
        # Errors that belong to no message: only the operator can act on them.
        yield NotUnderstood(name, f"error {row.code}" if row else "error without a code", element)


def _errors(holders: list[Any]) -> Iterator[ReportedError]:
    for row in (codes.error_of(holder) or codes.WITHOUT_CODE for holder in holders if not empty(holder)):
        yield ReportedError(row.error, row.title, alarm=row.reaction == "stop")


def _status(element: Json, wanted: Wanted, contacts: list[Any]) -> StatusEvent | NotUnderstood:
    row, timestamp = codes.status(element.get("status")), seconds(element.get("timestamp"))
    reference = identifier(element.get("biz_opaque_callback_data")) if wanted.echoes else None
    bsp_id = identifier(element.get("id"))
    # With a BSP in between, a message may be identified by nothing else.
    recipient, user_id = _recipient(element, contacts)
    if row.status is None:
        return NotUnderstood("statuses", row.title, element)
    if word(element.get("recipient_type")) == "group":
        return NotUnderstood("statuses", "of a group", element)
    if reference is None and bsp_id is None:
        return NotUnderstood("statuses", "neither biz_opaque_callback_data nor id", element)
    if row.status != "failed":
        return StatusEvent(row.status, timestamp, reference, bsp_id, recipient=recipient, user_id=user_id)
    rows = [error for holder in each(element.get("errors")) if (error := codes.error_of(holder))]
    if not rows:
        rows = [codes.NO_ERROR]
    # The first error is the reason, but a listed error says more than an unlisted one.
    error = next((row for row in rows if row.listed), rows[0])
    return StatusEvent(
        "failed",
        timestamp,
        reference,
        bsp_id,
        error_code=error.error,
        error_title=error.title,
        bsp_code=codes.bsp_code_of(error),
        unlisted=not error.listed,
        recipient=recipient,
        user_id=user_id,
        alarm=error.reaction == "stop",
    )


def _recipient(element: Json, contacts: list[Any]) -> tuple[str | None, str | None]:
    """Number and user id of the person whom a status is about; what it does not say itself, as the rest of the webhook
    has it."""
    number, user_id = digits(element.get("recipient_id")), identifier(element.get("recipient_user_id"))
    if number is None and user_id is not None:
        number = _number_of(user_id, contacts)
    elif number is not None and user_id is None:
        user_id = _user_id_of(number, contacts)
    return number, user_id


def _message(element: Json) -> ReplyEvent | NotUnderstood | Ignored:
    kind = name_of(type_of(element))
    if kind == _WELCOME:
        return Ignored(kind)
    if not blank(element.get("group_id")):
        # CleverTap would answer the sender only, but the message was for the whole group.
        return NotUnderstood(kind, "in a group", element)
    # People with user names may hide their number: `Client.open` looks for it.
    sender = digits(element.get("from")) or identifier(element.get("from_user_id"))
    if sender is None:
        return NotUnderstood(kind, "no sender", element)
    # A repeated webhook has the same text, so the element itself can serve as the id where there is none.
    message_id = identifier(element.get("id")) or made_of(to_json(element))
    return ReplyEvent(message_id, sender, element)


def _with_sender(element: Json, contacts: list[Any]) -> Json:
    """A message without a number of its sender, with the number that the rest of the webhook has for their user id."""
    user_id = identifier(element.get("from_user_id"))
    if user_id is None or digits(element.get("from")) is not None:
        return element
    number = _number_of(user_id, contacts) or _own_card(element)
    return element if number is None else {**element, "from": number}


def _number_of(user_id: str, contacts: list[Any]) -> str | None:
    """The number that a webhook's contacts have for a user id."""
    known = [entry for entry in contacts if isinstance(entry, dict) and identifier(entry.get("user_id")) == user_id]
    return next((number for entry in known if (number := digits(entry.get("wa_id")))), None)


def _user_id_of(number: str, contacts: list[Any]) -> str | None:
    """The user id that a webhook's contacts have for a number."""
    for entry in contacts:
        wa_id = digits(entry.get("wa_id")) if isinstance(entry, dict) else None
        if wa_id is not None and same(wa_id, number):
            return identifier(entry.get("user_id"))
    return None


def _own_card(element: Json) -> str | None:
    """The number in the sender's own contact card, which a button asks for. Other cards are of anybody.

    Source: "Business-scoped user IDs", the section on requests for contact information.
    """
    for card in each(element.get("contacts")):
        if isinstance(card, dict) and _CONTACT_REQUEST in (card.get("origin"), element.get("origin")):
            phones = [phone for phone in each(card.get("phones")) if isinstance(phone, dict)]
            given = [digits(phone.get(name)) for name in ("wa_id", "phone") for phone in phones]
            return next((number for number in given if number is not None), None)
    return None


_CONTACT_REQUEST: Final = "contact_request"


def type_of(element: Json) -> str:
    """The type of a message; if it has no content of that name, the member that could be its content, else ""."""
    return member_of(element, word(element.get("type")), _KNOWN)


def named_type(element: Json) -> str:
    """The type of a message by its own word, as its member is spelt, else ""."""
    return spelt(element, word(element.get("type")))


def name_of(value: Any) -> str:
    """A field or type as a name to log: Meta's names consist of letters, digits and underscores."""
    known = isinstance(value, str) and len(value) <= 64 and value.isascii() and value.replace("_", "").isalnum()
    return value if known else "unknown"
