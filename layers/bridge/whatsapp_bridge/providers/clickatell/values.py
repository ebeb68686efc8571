"""Single values of One API's JSON as they really come: numbers also as text, null also as the text "null"."""

from math import isfinite
from typing import Any


def blank(value: Any) -> bool:
    """Whether a field holds nothing."""
    return value is None or (isinstance(value, str) and value.strip() in ("", "null"))


def number(value: Any) -> int | None:
    """A whole number, also one written as text or with a fraction; else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float):
        return int(value) if isfinite(value) else None
    if isinstance(value, str):
        digits = value.strip()
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 20 else None
    return value if isinstance(value, int) else None


def identifier(value: Any) -> str | None:
    """An id or a phone number, else None."""
    if blank(value) or isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value).strip()
