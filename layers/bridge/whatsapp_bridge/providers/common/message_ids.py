"""How the ids that BSPs give to messages are compared, stored and logged.

WhatsApp's own id (wamid) is base64 of who is at the other end of the chat, and of a token. It holds a person's number
in clear. And one message has several such ids: WhatsApp names it by the person's number, by their user id or by the
business's number, with the same token. So only the token is compared, stored and logged, as a keyed hash.

No page of Meta's tells how an id is built. All ids in its samples and in public bug reports that begin with `HBg` are
Thrift's compact form of WhatsApp's own key of a message (remote, from me, id):

    1c 18 len who 15 kind 00    a struct: who it is, and of which kind (02 a number, 14 a user id)
    11 | 12                     true or false: the side that names it has sent it
    18 len token 00             the token, 10 to 32 characters, mostly hexadecimal

Older ids (`ABGG`, `ABEG`, `gBGG`, `gBEG`) hold the number in half bytes:

    00 | 80, 11
    length of the number, and 80 if its last half byte is filled up with f
    the number
    whatever else: 9 to 12 bytes

Not known: other kinds; whether the token alone is unique (it is random, of 72 bits and more); which part of the older
ids is the same in all of a message. Such ids, and whatever else does not decode, are compared whole.

Source: https://thrift.apache.org/docs, "Thrift Compact protocol encoding", and Meta's samples of webhooks.
"""

import hmac
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from whatsapp_bridge.providers.common.values import from_base64

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account

MAX_ID_BYTES: Final = 1024
"""DynamoDB allows keys of 2 KB, which also hold the account's name and our prefix."""

_PREFIX: Final = "wamid."
_OF_CONTENT: Final = "content-"
_KEY, _TEXT, _KIND, _END = 0x1C, 0x18, 0x15, 0x00
_FROM_ME: Final = (0x11, 0x12)
_LONGEST: Final = 127
_TODAYS: Final = "HBg"
_OLDER: Final = re.compile(rb"[\x00\x80]\x11[\x03-\x08\x83-\x88]")
_NUMBER: Final = re.compile(r"[0-9]{5,16}f?")


def token(message_id: str) -> str | None:
    """What is the same in all ids of one message; None if it is not WhatsApp's id, or of another form."""
    if not message_id.removeprefix(_PREFIX).startswith(_TODAYS):
        return None
    try:
        return _token_in(_decoded(message_id))
    except (ValueError, IndexError):
        return None


def _decoded(message_id: str) -> bytes:
    """Raises `ValueError`."""
    encoded = message_id.removeprefix(_PREFIX)
    if len(encoded) > 4 * _LONGEST:
        raise ValueError
    return from_base64(encoded)


def _token_in(raw: bytes) -> str | None:
    """Raises `IndexError` and `UnicodeDecodeError`, a `ValueError`."""
    if raw[0] != _KEY:
        return None
    _, place = _text_at(raw, 1)
    if raw[place] != _KIND:
        return None
    place += 1
    # A number of any length: the last byte's first bit is not set.
    while raw[place] & 0x80:
        place += 1
    place += 1
    if raw[place] != _END or raw[place + 1] not in _FROM_ME:
        return None
    found, place = _text_at(raw, place + 2)
    if raw[place:] != bytes([_END]):
        return None
    return found or None


def _text_at(raw: bytes, place: int) -> tuple[str, int]:
    """A text, and the place behind it."""
    length = raw[place + 1]
    end = place + 2 + length
    if raw[place] != _TEXT or length > _LONGEST or end > len(raw):
        raise ValueError
    return raw[place + 2 : end].decode("ascii"), end


def hidden(account: str, message_id: str) -> str:
    """The id as it is compared, stored and logged: WhatsApp's as a keyed hash, the same for all ids of a message; one
    that is too long for a key as a hash; any other, which says nothing of a person, as it is. `hidden` of a hidden id
    is itself.

    The key is the account's name. It keeps accounts apart and stays when a credential or the stack's signing key is
    rotated; it needs no secret, because what is hashed has a random part that nobody can try out, and a token has
    nothing of the person's. The older form has 9 random bytes or more behind its number, as many bits as a token of
    today. What has no such part is `made_of`.
    """
    found = token(message_id)
    if found is not None or message_id.startswith((_PREFIX, _TODAYS)) or _is_older(message_id):
        digest = hmac.digest(f"wamid:{account}".encode(), _bytes(found or message_id), "sha256")
        return f"wamid-{digest.hex()[:32]}"
    return bounded(message_id)


def hidden_if_any(account: str, message_id: str | None) -> str | None:
    """The same of an id that may be missing."""
    return None if message_id is None else hidden(account, message_id)


def _is_older(message_id: str) -> bool:
    if not message_id.startswith(("AB", "gB")):
        return False
    try:
        raw = _decoded(message_id)
    except ValueError:
        return False
    if not _OLDER.match(raw):
        return False
    number = raw[3 : 3 + (raw[2] & 0x7F)]
    return _NUMBER.fullmatch(number.hex()) is not None


def made_of(content: bytes) -> str:
    """The id of a message to which the BSP gives none: a repeat has the same content. `kept` makes it fit to be seen,
    for numbers and short answers are few enough to try out."""
    return f"{_OF_CONTENT}{sha256(content).hexdigest()}"


def kept(account: "Account", message_id: str) -> list[str]:
    """The id of a message from a person as it goes on: no longer than a key may be, and one that is `made_of` content
    under each of the account's keys, the first one's first."""
    if not message_id.startswith(_OF_CONTENT):
        return [bounded(message_id)]
    digests = account.keys.digests(_bytes(f"message:{message_id}"))
    return [f"{_OF_CONTENT}{digest.hex()[:32]}" for digest in digests]


def bounded(message_id: str) -> str:
    """The id, or a hash of one that is too long for a key."""
    raw = _bytes(message_id)
    return f"long-{sha256(raw).hexdigest()}" if len(raw) > MAX_ID_BYTES else message_id


def forms(account: str, message_id: str) -> list[str]:
    """The forms in which an item may have this id: as it is stored today, and as it was stored when ids were not hidden
    yet, for as long as such items live."""
    today = hidden(account, message_id)
    return list(dict.fromkeys([today, bounded(message_id)]))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
