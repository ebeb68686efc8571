"""The number of a person whom WhatsApp names by a user id alone.

People with a user name may hide their number. Meta's webhooks have both for a while, later the user id alone, and
CleverTap knows people by number. Where both are seen, a note keeps the number under the user id. It can be read only
with the user id and the account's callback token.

Source: "Business-scoped user IDs" in https://developers.facebook.com/documentation/business-messaging/whatsapp/.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from whatsapp_bridge.providers.common.values import number as whole_number

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.providers.contract import Notes

SECONDS: Final = 180 * 86_400
# Of a number with its country code, by ITU-T E.164. They have 50 bits.
_MAX_DIGITS: Final = 15


def note_of(account: "Account", user_id: str, number: str) -> tuple[str, str] | tuple[()]:
    """Key and text of the note that `user_id` has this number, in digits; none if no number is so long."""
    if len(number) > _MAX_DIGITS:
        return ()
    key, mask = places(account, user_id)[0]
    return key, str(int(number) ^ mask)


def keep(notes: "Notes", account: "Account", note: Sequence[str]) -> None:
    """Store what `note_of` gives, for as long as the person is seen with it. Raises botocore's errors."""
    if note:
        key, text = note
        notes.keep(account.name, key, text, SECONDS)


def number_of(notes: "Notes", account: "Account", user_id: str) -> str | None:
    """The number that this user id was last seen with. Raises botocore's errors."""
    return number_at(notes, account, places(account, user_id))


def number_at(notes: "Notes", account: "Account", where: Sequence[Sequence[Any]]) -> str | None:
    """The same, by the `places` of the user id."""
    for key, mask in where:
        note = whole_number(notes.get(account.name, key))
        if note is not None:
            return str(note ^ mask)
    return None


def places(account: "Account", user_id: str) -> list[tuple[str, int]]:
    """The note's key, and what hides its number, for each of the account's callback tokens. Neither tells the user
    id."""
    user = user_id.encode("utf-8", "surrogatepass")
    keys = [f"user_id#{digest.hex()[:32]}" for digest in account.digests(b"user_id:" + user)]
    masks = [int.from_bytes(digest[:8]) for digest in account.digests(b"number of user_id:" + user)]
    return list(zip(keys, masks, strict=True))
