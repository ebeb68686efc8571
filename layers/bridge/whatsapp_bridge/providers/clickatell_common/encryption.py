"""Client-side encryption: nobody between the bridge and Clickatell can read messages to and from people.

Each message has a data key (AES-256) from KMS, which it carries encrypted in `encryptionKey`. Each field is encrypted
on its own. Source: the samples of the comparison page named in `codes`. They show the fields; the lengths of their
values show mode and padding.
"""

from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from whatsapp_bridge.providers.common.values import blank, from_base64
from whatsapp_bridge.providers.contract.client import KeyFailure

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    from whatsapp_bridge.providers.contract.client import KeyService

_NOT_OURS: Final = "encrypted under another key, or not by AES-256-CBC with PKCS#7"
_IV_BYTES: Final = 16
_BLOCK_BITS: Final = 128
_PIECE_BYTES: Final = 262_144
# Clickatell may use a new key for each message; its entry then helps only if that message is retried.
_MAX_INCOMING_KEYS: Final = 500
_FAILURE_SECONDS: Final = 2.0

type Path = tuple[str, ...]

# `*` means every member of an object or a list. Where a path ends and others go on, it is for a text in their place.
# Below `**` may be texts that no table names: whatever the key opens is encrypted, the rest is not.
CONTACTS: Final[tuple[Path, ...]] = (
    ("contacts", "*"),
    ("contacts", "*", "birthday"),
    ("contacts", "*", "vcard"),
    *(("contacts", "*", member) for member in ("name", "org")),
    *(("contacts", "*", member, "*") for member in ("name", "org", "addresses", "emails", "phones", "urls")),
    ("contacts", "*", "addresses", "*", "*"),
    ("contacts", "*", "emails", "*", "*"),
    ("contacts", "*", "phones", "*", "*"),
    ("contacts", "*", "urls", "*", "*"),
    ("contacts", "**"),
)
_OTHERS: Final[Path] = ("**",)


class Undecipherable(Exception):
    """This data key did not encrypt the field. The error's text contains nothing of it."""


# --- one field -------------------------------------------------------------------------------------------------------


def encrypt(key: bytes, text: str, entropy: Callable[[int], bytes]) -> str:
    """base64(IV || ciphertext) of `text` in UTF-8. `entropy(n)` gives n unpredictable bytes."""
    from cryptography.hazmat.primitives.padding import PKCS7

    iv = entropy(_IV_BYTES)
    padder = PKCS7(_BLOCK_BITS).padder()
    encryptor = _cipher(key, iv).encryptor()
    padded = padder.update(text.encode()) + padder.finalize()
    return b64encode(iv + encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt(key: bytes, text: str) -> str:
    """The reverse of `encrypt`. Raises `Undecipherable`."""
    try:
        return decrypt_bytes(key, from_base64(text)).decode()
    except ValueError:
        # Neither base64 nor UTF-8.
        raise Undecipherable(_NOT_OURS) from None


def encrypted_size(size: int) -> int:
    """How many bytes a file of `size` bytes has once it is encrypted."""
    # PKCS#7 always adds bytes: a whole block if the content fills its last block.
    return _IV_BYTES + (size // _IV_BYTES + 1) * _IV_BYTES


class EncryptedFile:
    """IV || ciphertext of a file, made piece by piece; its length is known in advance."""

    def __init__(self, key: bytes, content: bytes, entropy: Callable[[int], bytes]) -> None:
        self._key, self._content, self._iv = key, memoryview(content), entropy(_IV_BYTES)

    def __len__(self) -> int:
        return encrypted_size(len(self._content))

    def __iter__(self) -> Iterator[bytes]:
        from cryptography.hazmat.primitives.padding import PKCS7

        padder, encryptor = PKCS7(_BLOCK_BITS).padder(), _cipher(self._key, self._iv).encryptor()
        yield self._iv
        for start in range(0, len(self._content), _PIECE_BYTES):
            yield encryptor.update(padder.update(self._content[start : start + _PIECE_BYTES]))
        yield encryptor.update(padder.finalize()) + encryptor.finalize()


def decrypt_bytes(key: bytes, raw: bytes) -> bytes:
    """The content of an encrypted file, or the UTF-8 of a field. Raises `Undecipherable`."""
    from cryptography.hazmat.primitives.padding import PKCS7

    # The IV's place is inferred: the samples' lengths leave 16 bytes besides the padded text, and the start is the
    # usual place.
    iv, ciphertext = raw[:_IV_BYTES], memoryview(raw)[_IV_BYTES:]
    try:
        decryptor = _cipher(key, iv).decryptor()
        unpadder = PKCS7(_BLOCK_BITS).unpadder()
        padded = decryptor.update(ciphertext) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        # Incomplete blocks or wrong padding: which of the two does not matter.
        raise Undecipherable(_NOT_OURS) from None


def _cipher(key: bytes, iv: bytes) -> "Cipher[CBC]":
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES256
    from cryptography.hazmat.primitives.ciphers.modes import CBC

    return Cipher(AES256(key), CBC(iv))


# --- the fields of a message -----------------------------------------------------------------------------------------


def with_leaves(value: Any, paths: tuple[Path, ...], change: Callable[[str], str]) -> Any:
    """A copy of `value` with the texts at `paths` changed; null stays. Raises `Undecipherable` for other values."""
    if () in paths and not (len(paths) > 1 and isinstance(value, dict | list)):
        if value is None:
            return None
        if not isinstance(value, str):
            raise Undecipherable("an encrypted field must be text")
        return change(value)
    if isinstance(value, str) and _OTHERS in paths:
        return _if_it_can(change, value)
    if isinstance(value, dict):
        return {name: with_leaves(member, _below(paths, name), change) for name, member in value.items()}
    if isinstance(value, list):
        return [with_leaves(member, _below(paths, "*"), change) for member in value]
    return value


def _below(paths: tuple[Path, ...], name: str) -> tuple[Path, ...]:
    return tuple(path if path == _OTHERS else path[1:] for path in paths if path and path[0] in (name, "*", "**"))


def _if_it_can(change: Callable[[str], str], text: str) -> str:
    try:
        return change(text)
    except Undecipherable:
        return text


# --- data keys -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key and its encrypted form, as it travels in `encryptionKey`."""

    plaintext: bytes = field(repr=False)
    encryption_key: str = field(repr=False)
    key_arn: str
    """Of the key that encrypted it: of a new data key never an alias's."""

    def read(self, text: str) -> str:
        """A field, decrypted. An empty one, which Clickatell may leave unencrypted, stays as it is.

        Raises `Undecipherable`.
        """
        return text if blank(text) else decrypt(self.plaintext, text)


@dataclass(slots=True)
class _Entry:
    key: DataKey
    made: float
    uses: int = 0


class DataKeys:
    """Data keys kept for a while, so that not every message needs a call to KMS. Safe to share between threads.

    Reuse is safe because each field has a random IV. It is limited by time and by messages, so that a leaked key opens
    few messages.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._turns: dict[str, Lock] = {}
        self._outgoing: dict[str, _Entry] = {}
        self._incoming: OrderedDict[tuple[str, str], _Entry] = OrderedDict()
        self._failures: dict[str, tuple[str, float]] = {}

    def for_sending(self, keys: "KeyService", arn: str, max_seconds: float, max_messages: int) -> DataKey:
        """A data key under `arn` for one message; 0 for either limit means a new one. Raises `KeyFailure`."""
        if not (max_seconds and max_messages):
            return self.fresh(keys, arn)
        with self._turn(arn):
            entry = self._outgoing.get(arn)
            if entry is None or self._clock() - entry.made >= max_seconds or entry.uses >= max_messages:
                made = self._clock()
                entry = self._outgoing[arn] = _Entry(self.fresh(keys, arn), made)
            entry.uses += 1
            return entry.key

    def for_reading(self, keys: "KeyService", arn: str, encryption_key: str, max_seconds: float) -> DataKey:
        """The data key of a received message; 0 seconds means a call to KMS each time.

        Raises `KeyFailure`, and `Undecipherable` if `encryption_key` is not base64.
        """
        slot = (arn, encryption_key)
        made = self._clock()
        with self._lock:
            entry = self._incoming.get(slot)
            if entry and made - entry.made < max_seconds:
                self._incoming.move_to_end(slot)
                return entry.key
        key = self._decrypt(keys, arn, encryption_key)
        if max_seconds:
            self._keep(slot, _Entry(key, made))
        return key

    def _turn(self, arn: str) -> Lock:
        """One thread at a time requests a key; the others then use it."""
        with self._lock:
            return self._turns.setdefault(arn, Lock())

    def _keep(self, slot: tuple[str, str], entry: _Entry) -> None:
        with self._lock:
            self._incoming[slot] = entry
            self._incoming.move_to_end(slot)
            while len(self._incoming) > _MAX_INCOMING_KEYS:
                self._incoming.popitem(last=False)

    def fresh(self, keys: "KeyService", arn: str) -> DataKey:
        """A data key for one file, shared with nothing else. Raises `KeyFailure`."""
        plaintext, blob, key_arn = self._ask(arn, lambda: keys.generate(arn))
        return DataKey(plaintext, b64encode(blob).decode(), key_arn)

    def _decrypt(self, keys: "KeyService", arn: str, encryption_key: str) -> DataKey:
        try:
            blob = from_base64(encryption_key)
        except ValueError:
            raise Undecipherable("encryptionKey must be base64") from None
        return DataKey(self._ask(arn, lambda: keys.decrypt(arn, blob)), encryption_key, arn)

    def _ask[Result](self, arn: str, question: Callable[[], Result]) -> Result:
        """Call KMS, but not right after a failure: a batch must not wait for the same timeout for each message."""
        with self._lock:
            reason, failed = self._failures.get(arn, ("", -inf))
        if self._clock() - failed < _FAILURE_SECONDS:
            raise KeyFailure(reason, retriable=True)
        try:
            return question()
        except KeyFailure as failure:
            if failure.retriable:
                with self._lock:
                    self._failures[arn] = (failure.reason, self._clock())
            raise


# One for the process: clients change with accounts and their secrets, but a data key belongs to a key ARN.
SHARED: Final = DataKeys()
