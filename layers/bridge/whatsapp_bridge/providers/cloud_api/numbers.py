"""The number by which CleverTap knows a person, if WhatsApp uses another, or none.

Meta's answer to a message has both: `input` and `wa_id`, which differ in some countries (`accounts.phone_numbers`).
People write from their `wa_id`, or from another form of it, which CleverTap may not know. The number is kept as a note
(`common.hidden_numbers`). So is that of a user id (`common.user_ids`).
"""

from typing import TYPE_CHECKING

from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api.answers import first
from whatsapp_bridge.providers.common import hidden_numbers, user_ids
from whatsapp_bridge.providers.common.values import digits, identifier
from whatsapp_bridge.providers.contract.outcomes import Outgoing
from whatsapp_bridge.runtime.observability import log_failure

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.providers.contract.client import Notes


def keep_of_answer(notes: "Notes", account: "Account", outgoing: Outgoing, answer: Answer) -> None:
    """Store the pair of numbers in an answer that accepts a message. Raises nothing: the message is sent, with or
    without the note."""
    number = digits(outgoing.request.get("to"))
    wa_id = digits(first(answer.json(), "contacts").get("wa_id"))
    if number is None or wa_id is None or wa_id == number:
        return
    try:
        keep(notes, account, wa_id, number)
    except Exception as error:  # noqa: BLE001 - logged; see above
        log_failure("wa_id could not be stored", error, account=account.name, msgId=outgoing.reference)


def with_number(notes: "Notes", account: "Account", element: Json) -> Json:
    """A reply's element, with the number of a sender who has only a user id; as it is if nobody knows it. A sender's
    number and user id are kept. Raises botocore's errors."""
    user_id, number = identifier(element.get("from_user_id")), digits(element.get("from"))
    if user_id is None:
        return element
    if number is not None:
        user_ids.keep(notes, account.name, user_ids.note_of(account.keys, user_id, number))
        return element
    number = user_ids.number_of(notes, account.keys, user_id)
    return element if number is None else {**element, "from": number}


def with_known_number(notes: "Notes", account: "Account", element: Json) -> Json:
    """A reply's element, with the number by which CleverTap knows the sender. Raises botocore's errors."""
    wa_id = digits(element.get("from"))
    return element if wa_id is None else {**element, "from": known(notes, account, wa_id)}


def keep(notes: "Notes", account: "Account", wa_id: str, number: str) -> None:
    """Store that `wa_id` is CleverTap's `number`, both in digits. Raises botocore's errors."""
    hidden_numbers.put(notes, account.keys, _places(account, wa_id)[0], number)


def known(notes: "Notes", account: "Account", wa_id: str) -> str:
    """The number by which CleverTap knows `wa_id`: `wa_id` itself, unless another was stored. Raises botocore's
    errors."""
    return hidden_numbers.number_at(notes, account.keys, _places(account, wa_id)) or wa_id


def _places(account: "Account", wa_id: str) -> list[str]:
    """Keys of the notes that may have it."""
    return [f"wa_id#{pseudonym}" for pseudonym in account.keys.pseudonyms(wa_id)]
