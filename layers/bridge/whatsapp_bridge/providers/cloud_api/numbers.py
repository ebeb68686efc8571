"""The number by which CleverTap knows a person, if WhatsApp uses another, or none.

Meta's answer to a message has both: `input` and `wa_id`, which differ in some countries (`accounts.phone_numbers`).
People write from their `wa_id`, or from another form of it, which CleverTap may not know. The number is kept as a note,
which can be read only with the `wa_id` and the account's callback token. So is that of a user id (`common.user_ids`).
"""

from typing import TYPE_CHECKING, Final

from whatsapp_bridge.accounts.phone_numbers import canonical
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.cloud_api.answers import first
from whatsapp_bridge.providers.common import user_ids
from whatsapp_bridge.providers.common.values import digits, identifier
from whatsapp_bridge.providers.common.values import number as whole_number
from whatsapp_bridge.providers.contract import Json, Outgoing
from whatsapp_bridge.runtime.observability import log_failure

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.providers.contract import Notes

_SECONDS: Final = 180 * 86_400


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
        user_ids.keep(notes, account, user_ids.note_of(account, user_id, number))
        return element
    number = user_ids.number_of(notes, account, user_id)
    return element if number is None else {**element, "from": number}


def with_known_number(notes: "Notes", account: "Account", element: Json) -> Json:
    """A reply's element, with the number by which CleverTap knows the sender. Raises botocore's errors."""
    wa_id = digits(element.get("from"))
    return element if wa_id is None else {**element, "from": known(notes, account, wa_id)}


def keep(notes: "Notes", account: "Account", wa_id: str, number: str) -> None:
    """Store that `wa_id` is CleverTap's `number`, both in digits. Raises botocore's errors."""
    key, mask = _keys_and_masks(account, wa_id)[0]
    notes.put(account.name, key, str(int(number) ^ mask), _SECONDS)


def known(notes: "Notes", account: "Account", wa_id: str) -> str:
    """The number by which CleverTap knows `wa_id`: `wa_id` itself, unless another was stored. Raises botocore's
    errors."""
    for place, (key, mask) in enumerate(_keys_and_masks(account, wa_id)):
        note = whole_number(notes.get(account.name, key))
        if note is None:
            continue
        number = str(note ^ mask)
        if place:
            # Made with another token, which may soon be removed, or by an older version.
            keep(notes, account, wa_id, number)
        return number
    return wa_id


def _keys_and_masks(account: "Account", wa_id: str) -> list[tuple[str, int]]:
    """The note's key, and what hides its number, for each of the account's callback tokens; then those that older
    versions have made of another form."""
    keys = [f"wa_id#{pseudonym}" for pseudonym in account.pseudonyms(wa_id)]
    # In the pseudonyms' order. 15 digits have 50 bits.
    forms = dict.fromkeys((canonical(wa_id), wa_id))
    digests = [digest for form in forms for digest in account.digests(b"number of wa_id:" + form.encode())]
    masks = [int.from_bytes(digest[:8]) for digest in digests]
    return list(zip(keys, masks, strict=True))
