"""The number of a person whom WhatsApp names by a user id alone.

People with a user name may hide their number. Meta's webhooks have both for a while, later the user id alone, and
CleverTap knows people by number. Where both are seen, a note keeps the number under the user id (`hidden_numbers`).

Source: "Business-scoped user IDs" in https://developers.facebook.com/documentation/business-messaging/whatsapp/.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from whatsapp_bridge.providers.common import hidden_numbers
from whatsapp_bridge.providers.common.hidden_numbers import Place

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.providers.contract import Notes

# By ITU-T E.164.
_MAX_DIGITS: Final = 15


def note_of(account: "Account", user_id: str, number: str) -> tuple[str, str] | tuple[()]:
    """Key and text of the note that `user_id` has this number, in digits; none if no number is so long."""
    return hidden_numbers.note_of(places(account, user_id)[0], number) if len(number) <= _MAX_DIGITS else ()


def keep(notes: "Notes", account: "Account", note: Sequence[str]) -> None:
    """Store what `note_of` gives, for as long as the person is seen with it. Raises botocore's errors."""
    if note:
        key, text = note
        notes.keep(account.name, key, text, hidden_numbers.SECONDS)


def number_of(notes: "Notes", account: "Account", user_id: str) -> str | None:
    """The number that this user id was last seen with. Raises botocore's errors."""
    return hidden_numbers.number_at(notes, account, places(account, user_id))


def places(account: "Account", user_id: str) -> list[Place]:
    """Where the note of this user id may be. Says nothing of the user id."""
    user = user_id.encode("utf-8", "surrogatepass")
    keys = [digest.hex()[:32] for digest in account.digests(b"user_id:" + user)]
    return hidden_numbers.places(account, "user_id", keys, [user])
