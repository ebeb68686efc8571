"""What is made with the stack's signing key: pseudonyms, ids of files and links to them, notes of numbers.

    {"key": "64 characters", "other_keys": ["..."]}

The secret is the stack's own: `template.yaml` makes it, and nobody outside gets it. Each account has a key of its own,
derived from it and the account's name, so that what is made for one account says nothing to another. `other_keys` are
valid beside the first while the key is rotated: what was made with them is still found.
"""

import hmac
from collections.abc import Sequence
from typing import Any, Final

from whatsapp_bridge.accounts.phone_numbers import canonical
from whatsapp_bridge.runtime.json_text import read_json, trimmed

_MIN_LENGTH: Final = 32


class SigningKeyInvalid(Exception):
    """The stack's secret has no signing key. The text names the field and never contains a value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"signing key: {field}: {reason}")


def read_signing_keys(secret: str) -> tuple[str, ...]:
    """The keys in the secret's JSON, the first one first. Raises `SigningKeyInvalid`."""
    try:
        given = read_json(secret)
    except ValueError:
        raise SigningKeyInvalid("secret", "must be JSON") from None
    if not isinstance(given, dict):
        raise SigningKeyInvalid("secret", "must be a JSON object")
    unknown = sorted(given.keys() - {"key", "other_keys"})
    if unknown:
        raise SigningKeyInvalid("secret", "must have nothing but key and other_keys")
    others = given.get("other_keys", [])
    if not isinstance(others, list):
        raise SigningKeyInvalid("other_keys", "must be a list of strings")
    named = [("key", given.get("key")), *((f"other_keys.{place}", other) for place, other in enumerate(others))]
    # One that stands in both places would be asked for twice.
    return tuple(dict.fromkeys(_key(field, value) for field, value in named))


def _key(field: str, value: Any) -> str:
    key = trimmed(value) if isinstance(value, str) else ""
    if len(key) < _MIN_LENGTH or not (key.isascii() and key.isprintable()) or " " in key:
        raise SigningKeyInvalid(field, f"must be {_MIN_LENGTH} or more visible ASCII characters, without spaces")
    return key


class AccountKeys:
    """One account's keys, one for each of the stack's, in their order: the first is used, what was made with the others
    is still found."""

    def __init__(self, account: str, signing_keys: Sequence[str]) -> None:
        self.account = account
        name = account.encode("utf-8", "surrogatepass")
        self._keys = [hmac.digest(key.encode(), b"account:" + name, "sha256") for key in signing_keys]

    def digests(self, text: bytes) -> list[bytes]:
        """Keyed hashes of `text` (32 bytes). It begins with what it is for, so that no hash passes for another."""
        return [hmac.digest(key, text, "sha256") for key in self._keys]

    def pseudonym(self, number: str) -> str:
        """A person's number as a keyed hash (32 hex digits): for logs, queue attributes and tables. The same for all
        forms of a number (`phone_numbers`)."""
        return self.pseudonyms(number)[0]

    def pseudonyms(self, number: str) -> list[str]:
        """The same under each key."""
        return [digest.hex()[:32] for digest in self.digests(b"recipient:" + canonical(number).encode())]

    def of_numbers(self) -> list[bytes]:
        """Keys (64 bytes) to encrypt people's numbers with."""
        return [hmac.digest(key, b"numbers", "sha512") for key in self._keys]
