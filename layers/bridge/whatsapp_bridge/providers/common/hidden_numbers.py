"""People's numbers in notes that nobody can read without the account's keys (`accounts.keys`).

A number is encrypted with AES-SIV (RFC 5297), with the note's own key as associated data: it cannot be read in the
place of another note's, and the same number in the same place is always the same text, so that a note that is kept
again need not be written again.

A note is in a place of its own under each of the account's keys; what is found under another than the first, which may
soon be removed, goes over to the first.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from whatsapp_bridge.providers.common.values import from_base64
from whatsapp_bridge.runtime.observability import logger

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.keys import AccountKeys
    from whatsapp_bridge.providers.contract.client import Notes

SECONDS: Final = 180 * 86_400
MAX_DIGITS: Final = 15
"""By ITU-T E.164. All texts are as long, whatever the number is."""


def text_of(keys: "AccountKeys", key: str, number: str) -> str:
    """Text of the note with this number, in digits, at `key`."""
    cipher, *_ = _ciphers(keys)
    return b64encode(cipher.encrypt(number.rjust(MAX_DIGITS).encode(), [key.encode()])).decode()


def put(notes: "Notes", keys: "AccountKeys", key: str, number: str) -> None:
    """Store it. Raises botocore's errors."""
    notes.put(keys.account, key, text_of(keys, key, number), SECONDS)


def number_at(notes: "Notes", keys: "AccountKeys", places: Sequence[str]) -> str | None:
    """The number in the first of these notes that has one. Raises botocore's errors."""
    for rank, key in enumerate(places):
        text = notes.get(keys.account, key)
        found = None if text is None else _opened(keys, key, text)
        if found is not None:
            number, under = found
            if rank or under:
                put(notes, keys, places[0], number)
            return number
    return None


def _opened(keys: "AccountKeys", key: str, text: str) -> tuple[str, int] | None:
    """The number, and which of the account's keys has encrypted it."""
    from cryptography.exceptions import InvalidTag

    for place, cipher in enumerate(_ciphers(keys)):
        try:
            return cipher.decrypt(from_base64(text), [key.encode()]).decode().strip(), place
        except (InvalidTag, ValueError):
            continue
    logger.warning("note of a number is under none of the account's keys", extra={"account": keys.account})
    return None


def _ciphers(keys: "AccountKeys") -> Iterable[Any]:
    # Imported here because few messages have such a note, and a start must not wait for it.
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    return map(AESSIV, keys.of_numbers())
