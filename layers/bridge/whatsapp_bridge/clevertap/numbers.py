"""Phone numbers as CleverTap's customers have them: typed, copied, or out of a spreadsheet.

What cannot be read without a doubt is no number: a message to a wrong number reaches somebody else.
"""

import re
from typing import Final, NamedTuple

from whatsapp_bridge.accounts.countries import completed, drops_zero, is_possible


class Written(NamedTuple):
    """The digits of a number; `whole` if it says that it has its country code, with a plus sign or 00."""

    digits: str
    whole: bool


_MIN_DIGITS: Final = 7
_MAX_DIGITS: Final = 15
# Patterns as texts: most numbers need none of them, and each takes a start of `send` some time to compile.
_MARKS: Final = r"(?a)[\s().\-/]+"
# A fraction, as spreadsheets add one; the last of several groups is none.
_FRACTION: Final = r"([^.,]+)[.,]\s*([0-9]+)"
_LONE_DIGIT: Final = r"\.\s*[0-9]$"
# "/2" is another number's ending, not a part of this one.
_ALTERNATIVE: Final = r"/\s*[0-9]{1,2}$"
_BRACKETED_ZERO: Final = r"\(\s*0\s*\)"

# Full-width forms, which are one block in ASCII's order; a small plus, and slashes. Dashes that Unicode does not class
# as such (`Pd`): its property Dash has the first four, the others look alike, two of them on Japanese keyboards.
_LIKE_ASCII: Final = {
    **{chr(ord(character) + 0xFEE0): character for character in "0123456789+()./-"},
    "\ufe62": "+",
    **dict.fromkeys("\u2044\u2215", "/"),
    **dict.fromkeys("\u2212\u2053\u207b\u208b\u2043\u02d7\u30fc\uff70", "-"),
}
_DASHES_AND_BLANKS: Final = {"Pd": "-", "Zs": " "}
# Direction marks, zero-width characters; variation selectors, keycaps.
_UNSEEN: Final = frozenset({"Cf", "Mn", "Me"})


def written(value: object) -> Written | None:
    """The number that `value` is, as far as it can be read; None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    if isinstance(value, int):
        return Written(str(value), whole=False) if value > 0 else None
    text = value.strip()
    if not text.isascii():
        text = "".join(map(_plain, text)).strip()
    if not text.removeprefix("+").isdigit():
        text = re.sub(_MARKS, "", _without_zero_in_brackets(_without_fraction(text)))
    digits = text.removeprefix("+").removeprefix("00")
    return Written(digits, whole=digits != text) if digits.isascii() and digits.isdigit() else None


def normalise_number(value: object) -> str | None:
    """A phone number in digits with its country code (E.164: at most 15), or None if `value` is not one."""
    found = written(value)
    if found is None or found.digits.startswith("0") or not _MIN_DIGITS <= len(found.digits) <= _MAX_DIGITS:
        return None
    return found.digits


def recipient_number(value: object, default_country: str | None = None) -> str | None:
    """The same for the number of a person, which its country may have.

    A number that does not say that it has its country code is completed with `default_country`, a calling code, if it
    is a number of that country.
    """
    found = written(value)
    if found is None:
        return None
    number = found.digits
    as_it_is = number if is_possible(number) else None
    if found.whole or default_country is None or (as_it_is and number.startswith(default_country)):
        return as_it_is
    at_home = completed(number, default_country)
    return _valid_one(as_it_is, at_home) if as_it_is and at_home else as_it_is or at_home


def _valid_one(*numbers: str) -> str | None:
    """The only one that may be in use."""
    # It takes tens of milliseconds to import.
    import phonenumbers

    valid = [number for number in numbers if phonenumbers.is_valid_number(phonenumbers.parse(f"+{number}"))]
    return valid[0] if len(valid) == 1 else None


def _plain(character: str) -> str:
    """Its ASCII character, "" for one that nobody sees."""
    # Only numbers that are not ASCII need it.
    from unicodedata import category

    if character.isascii():
        return character
    kind = category(character)
    return "" if kind in _UNSEEN else _LIKE_ASCII.get(character) or _DASHES_AND_BLANKS.get(kind, character)


def _without_fraction(text: str) -> str:
    """Without a spreadsheet's ".0"; "" for any other fraction, and where it is not clear what the ending is."""
    # The end of a sentence is none of a number.
    text = text.rstrip(". ")
    fraction = re.fullmatch(_FRACTION, text)
    if fraction is None:
        return "" if re.search(_LONE_DIGIT, text) or re.search(_ALTERNATIVE, text) else text
    whole, ending = fraction.groups()
    if whole.removeprefix("+").isdigit():
        return whole if ending in ("0", "00") else ""
    # Separators are in front, so this may be one too. No group has one digit; two or three zeros may be either.
    if len(ending) == 1:
        return whole if ending == "0" else ""
    return "" if ending in ("00", "000") else text


def _without_zero_in_brackets(text: str) -> str:
    """Without a zero that is not dialled behind a country code; "" if it is not clear whether it is dialled."""
    found = re.search(_BRACKETED_ZERO, text)
    if found is None:
        return text
    before, after = re.sub(_MARKS, "", text[: found.start()]), text[found.end() :]
    if not before:
        return f"0{after}"
    code = before.removeprefix("+").removeprefix("00")
    return f"{before}{after}" if drops_zero(code) and not re.search(_BRACKETED_ZERO, after) else ""
