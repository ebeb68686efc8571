"""The number of a person whom WhatsApp names by a user id alone.

People with a user name may hide their number. Meta's webhooks have both for a while, later the user id alone, and
CleverTap knows people by number. Where both are seen, a note keeps the number under the user id (`hidden_numbers`).

Source: "Business-scoped user IDs" in https://developers.facebook.com/documentation/business-messaging/whatsapp/.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from whatsapp_bridge.providers.common import hidden_numbers

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.keys import AccountKeys
    from whatsapp_bridge.providers.contract.client import Notes


def note_of(keys: "AccountKeys", user_id: str, number: str) -> tuple[str, str] | tuple[()]:
    """Key and text of the note that `user_id` has this number, in digits; none if no number is so long."""
    if len(number) > hidden_numbers.MAX_DIGITS:
        return ()
    key, *_ = places(keys, user_id)
    return key, hidden_numbers.text_of(keys, key, number)


def keep(notes: "Notes", account: str, note: Sequence[str]) -> None:
    """Store what `note_of` gives, for as long as the person is seen with it. Raises botocore's errors."""
    if note:
        key, text = note
        notes.keep(account, key, text, hidden_numbers.SECONDS)


def number_of(notes: "Notes", keys: "AccountKeys", user_id: str) -> str | None:
    """The number that this user id was last seen with. Raises botocore's errors."""
    return hidden_numbers.number_at(notes, keys, places(keys, user_id))


def places(keys: "AccountKeys", user_id: str) -> list[str]:
    """Keys of the notes that may have this user id's number. They say nothing of the user id."""
    user = user_id.encode("utf-8", "surrogatepass")
    return [f"user_id#{digest.hex()[:32]}" for digest in keys.digests(b"user_id:" + user)]
