"""Single values of BSPs' callbacks as they really arrive: numbers also as text, null also as the text "null".

One reader for each kind of value, which no adapter has a second one of:

    text           what somebody has written, as it is: bodies, captions, labels, payloads
    detail         a text that may be missing: the name of a place or file, a content type
    word           a word of the BSP's: a kind, a status, a channel
    identifier     an id
    digits         a phone number
    number         a whole number: a code, a size
    seconds        a time
    degrees        a latitude or longitude
    from_base64    bytes
    lines          everything in a value that no table names
    in_brackets    the same in one line, as words of the bridge's own
    member_of      which member holds the content of a message
    each           the elements of a list, also where one stands alone
    says_nothing   whether a callback without an event may be answered and forgotten; else it is `NotACallback`
"""

import re
from base64 import b64decode
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from pydantic_core import to_json

from whatsapp_bridge.providers.capabilities import NO_TIME

# BSPs count in seconds, milliseconds or less. As seconds, this is in the year 5138; as milliseconds, in 1973.
_SMALLEST_MILLISECONDS: Final = 100_000_000_000
# WhatsApp is from 2009, so an earlier time is none.
_EARLIEST: Final = 1_230_768_000
_END: Final = 4_102_444_800
"""2100."""
_MAX_TIME_LENGTH: Final = 40
# Up to here, each whole number is exact as a float.
_EXACT: Final = 2**53
# Longer ones are no timestamp and no code, and do not fit elsewhere.
_MAX_DIGITS: Final = 20
# What is told of a value that no table names: names in a row, and characters in all.
_MAX_NAMES: Final = 16
_MAX_TOLD: Final = 65_536
MAX_LATITUDE: Final = 90
MAX_LONGITUDE: Final = 180

_URL_SAFE: Final = str.maketrans("-_", "+/")
# A very small number has an exponent if it was JSON before it became text.
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,20}(\.[0-9]{0,40})?|\.[0-9]{1,40})(e[+-]?[0-9]{1,2})?", re.IGNORECASE)
# Also dashes that are no hyphens, and the direction marks that come with a number copied on a phone.
_SEPARATORS: Final = re.compile(r"[\s().\-\u2010-\u2015\u200e\u200f\u202a-\u202e]+")


def blank(value: Any) -> bool:
    """Whether a field is empty."""
    return value is None or (isinstance(value, str) and value.strip() in ("", "null"))


def empty(value: Any) -> bool:
    """Whether there is nothing in it."""
    return blank(value) or value in ([], {})


def says_nothing(value: Any, beside: Collection[str]) -> bool:
    """Whether there is nothing in it at any depth, but for members that only say whose it is."""
    if isinstance(value, dict):
        return all(says_nothing(inner, beside) for name, inner in value.items() if name not in beside)
    if isinstance(value, list):
        return all(says_nothing(inner, beside) for inner in value)
    return blank(value)


def each(value: Any) -> list[Any]:
    """The elements of a list; one for a value that is none, no one for null."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def text(value: Any) -> str:
    """What somebody has written, as it is; "" for nothing. What is no text in JSON, such as digits that have lost their
    quotes, is its JSON."""
    if isinstance(value, str):
        return value
    return "" if value in (None, [], {}) else to_json(value).decode()


def detail(value: Any) -> str | None:
    """A text that may be missing, else None: empty, blank and "null" are missing."""
    return None if blank(value) else text(value) or None


def word(value: Any) -> str:
    """A word of the BSP's, in lower case; "" if there is none."""
    return (identifier(value) or "").lower()


def lines(value: Any) -> list[str]:
    """Everything in a JSON value, one line per single value: `name: value`, with the names around it. What is too deep
    or too long ends with "…": each line repeats its names, so that a small value could become a text of any size."""
    told: list[str] = []
    left = _MAX_TOLD
    for line in _lines(value, "", _MAX_NAMES):
        if len(line) > left:
            return [*told, f"{line[:left]}…"]
        told.append(line)
        left -= len(line)
    return told


def _lines(value: Any, name: str, levels: int) -> Iterator[str]:
    if isinstance(value, dict) and (levels or not value):
        for member, inner in value.items():
            yield from _lines(inner, f"{name}.{member}" if name else member, levels - 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _lines(inner, name, levels)
    else:
        told = "…" if isinstance(value, dict) else text(value)
        # Not `blank`: "null" may be a person's word.
        if told.strip():
            yield f"{name}: {told}" if name else told


def in_brackets(name: str, value: Any = None) -> str:
    """A line of the bridge's own, with everything in a value: `[name: member: value, member: value]`."""
    told = " ".join(", ".join(lines(value)).split())
    return f"[{name}: {told}]" if told else f"[{name}]"


TAPS: Final = ("button_reply", "list_reply", "nfm_reply")
"""The members of an interactive message: a choice, or a form that was filled in."""
CONTENTS: Final = (
    *("text", "image", "video", "audio", "voice", "document", "sticker"),
    *("location", "contacts", "button", "interactive", "order", "reaction"),
    # Where a BSP has taken off `interactive`.
    *TAPS,
)
"""The members of a person's message that Meta documents, and BSPs pass on."""


def member_of(message: dict[str, Any], named: str, known: Collection[str]) -> str:
    """The member that its type names. If that is not known or says nothing, the first of the known ones that says
    something: a type may be missing, new or wrong."""
    if named in known and not empty(message.get(named)):
        return named
    return next((name for name in known if not empty(message.get(name))), named)


def number(value: Any) -> int | None:
    """A whole number, also from text or from a fraction (cut off); else None."""
    if isinstance(value, str):
        value = _number_in(value.strip())
    elif isinstance(value, bool):
        return None
    if isinstance(value, float):
        value = int(value) if isfinite(value) else None
    return value if isinstance(value, int) and abs(value) < 10**_MAX_DIGITS else None


def _number_in(text: str) -> int | None:
    if len(text) <= _MAX_DIGITS and text.isascii() and text.isdigit():
        return int(text)
    return int(Decimal(text)) if _NUMBER.fullmatch(text) else None


def identifier(value: Any) -> str | None:
    """An id, else None."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        value = int(value)
    if blank(value) or isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip()


def digits(value: Any) -> str | None:
    """A phone number in digits, else None; also from the form in which people read one: "+27 (82) 000-0001"."""
    phone = identifier(value) or ""
    if not phone.isdigit():
        phone = _SEPARATORS.sub("", phone).removeprefix("+")
    return phone if phone.isascii() and phone.isdigit() else None


def seconds(value: Any, zone: str | None = None) -> int:
    """A time in seconds since 1970, in whatever unit or form (ISO 8601) it came; `NO_TIME` if there is none that can be
    read. `zone` is that of a time that names none, else UTC."""
    timestamp = number(value)
    if timestamp is None and isinstance(value, str):
        timestamp = _of_iso(value.strip(), zone)
    if timestamp is None:
        return NO_TIME
    while timestamp >= _SMALLEST_MILLISECONDS:
        timestamp //= 1000
    return timestamp if _EARLIEST <= timestamp < _END else NO_TIME


def _of_iso(text: str, zone: str | None) -> int | None:
    if len(text) > _MAX_TIME_LENGTH:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=_zone(zone))).timestamp())
    except (ValueError, OverflowError):
        return None


def _zone(name: str | None) -> tzinfo:
    if name is None:
        return UTC
    # Imported here because few times need a time zone, and these are slow to load.
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def from_base64(text: str) -> bytes:
    """Bytes in base64: also without padding, with line breaks, and in the alphabet for addresses (RFC 4648, section 5).
    Raises `ValueError`."""
    packed = "".join(text.split()).rstrip("=").translate(_URL_SAFE)
    return b64decode(packed + "=" * (-len(packed) % 4), validate=True)


def degrees(value: Any, most: int) -> str | None:
    """Decimal degrees from -`most` to `most`, as text without an exponent; else None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return f"{number:f}" if abs(number) <= most else None
