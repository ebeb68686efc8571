"""Single values of BSPs' callbacks as they really arrive: numbers also as text, null also as the text "null"."""

import re
from decimal import Decimal
from math import isfinite
from typing import Any, Final

# BSPs count in milliseconds or in seconds. As seconds, this is in the year 5138; as milliseconds, in 1973.
_SMALLEST_MILLISECONDS: Final = 100_000_000_000
# Longer ones are no timestamp and no code, and do not fit elsewhere.
_MAX_DIGITS: Final = 20
MAX_LATITUDE: Final = 90
MAX_LONGITUDE: Final = 180

# A very small number has an exponent if it was JSON before it became text.
_NUMBER: Final = re.compile(r"[+-]?([0-9]{1,3}(\.[0-9]{0,40})?|\.[0-9]{1,40})(e[+-]?[0-9]{1,2})?", re.IGNORECASE)


def blank(value: Any) -> bool:
    """Whether a field is empty."""
    return value is None or (isinstance(value, str) and value.strip() in ("", "null"))


def number(value: Any) -> int | None:
    """A whole number, also from text or from a fraction (cut off); else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        digits = value.strip()
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS else None
    if isinstance(value, float):
        value = int(value) if isfinite(value) else None
    return value if isinstance(value, int) and abs(value) < 10**_MAX_DIGITS else None


def identifier(value: Any) -> str | None:
    """An id or a phone number, else None."""
    if blank(value) or isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip()


def digits(value: Any) -> str | None:
    """A phone number in digits, else None."""
    phone = (identifier(value) or "").removeprefix("+")
    return phone if phone.isascii() and phone.isdigit() else None


def seconds(value: Any) -> int | None:
    """A timestamp in seconds since 1970, else None."""
    timestamp = number(value)
    if timestamp is None or timestamp <= 0:
        return None
    return timestamp // 1000 if timestamp >= _SMALLEST_MILLISECONDS else timestamp


def degrees(value: Any, most: int) -> str | None:
    """Decimal degrees from -`most` to `most`, as text without an exponent; else None."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return f"{number:f}" if abs(number) <= most else None
