"""People's numbers in notes that nobody can read who does not know what WhatsApp calls the person, and the account's
callback token.

A note is kept under each callback token in a place of its own; what is found under another token than the first, which
may soon be removed, goes over to the first.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from whatsapp_bridge.providers.common.values import number as whole_number

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.providers.contract import Notes

SECONDS: Final = 180 * 86_400

type Place = Sequence[Any]
"""A note's key, and what hides its number: a tuple, or on queues a list."""


def places(account: "Account", kind: str, keys: Iterable[str], names: Iterable[bytes]) -> list[Place]:
    """Where the number of somebody may be: for each of `names`, all of one person, under each callback token, in the
    order of `keys`."""
    digests = [digest for name in names for digest in account.digests(f"number of {kind}:".encode() + name)]
    # A number has 15 digits at most, by ITU-T E.164, and so 50 bits.
    masks = [int.from_bytes(digest[:8]) for digest in digests]
    return [(f"{kind}#{key}", mask) for key, mask in zip(keys, masks, strict=True)]


def note_of(place: Place, number: str) -> tuple[str, str]:
    """Key and text of the note with this number, in digits."""
    key, mask = place
    return key, str(int(number) ^ mask)


def put(notes: "Notes", account: "Account", place: Place, number: str) -> None:
    """Store it. Raises botocore's errors."""
    notes.put(account.name, *note_of(place, number), SECONDS)


def number_at(notes: "Notes", account: "Account", where: Sequence[Place]) -> str | None:
    """The number in the first of these places that has one. Raises botocore's errors."""
    for rank, (key, mask) in enumerate(where):
        note = whole_number(notes.get(account.name, key))
        if note is not None:
            number = str(note ^ mask)
            if rank:
                put(notes, account, where[0], number)
            return number
    return None
