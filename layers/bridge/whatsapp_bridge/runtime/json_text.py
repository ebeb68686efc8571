"""JSON and text from outside, read as far as they can be read.

One character that cannot be decoded must not cost a whole request. What is read here can be encoded, hashed, logged and
stored: it has no lone surrogates, and no numbers that JSON does not have.
"""

import json
import re
from codecs import BOM_UTF8
from itertools import chain
from math import isfinite
from typing import Any, Final

from pydantic_core import from_json

# Queue messages add levels, and pydantic's parser, which reads these, ends at 200.
MAX_DEPTH: Final = 100
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in b"{}[]")
_ASCII: Final = bytes(range(0x80))
_REPLACED: Final = "\ufffd"
# In UTF-8, whole or cut off, the first byte of a character beyond ASCII has others behind it. In Latin-1 these are a
# letter with an accent and a sign, such as the blank between a French word and its question mark.
_UTF_8: Final = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{1,3}")
# Numbers that may be larger than a float: pydantic's parser takes them for infinity, also where that is not allowed.
_LARGE: Final = re.compile(rb"(?:\A|[:,\[\s])-?(?:[0-9]{309}|[0-9]+(?:\.[0-9]*)?[eE])")
_SHAPES: Final = bytes.maketrans(b"123456789E", b"000000000e")
_LARGE_SHAPES: Final = (b"0e0", b"0e+", b"0" * 309)
# Python knows more, some of which are slow or no character sets.
_CHARSETS: Final = re.compile(
    r"(iso|windows|cp|koi8|euc|gb|mac|tis)[-_]?[0-9a-z_-]{1,12}|latin[-_]?[0-9]{1,2}|big5|shift[-_]?jis", re.I | re.A
)

# As browsers do (https://encoding.spec.whatwg.org/#names-and-labels), because senders do not know the difference.
_LATIN_1: Final = frozenset({"iso-8859-1", "iso8859-1", "latin1", "latin-1"})


def read_json(raw: bytes | str, max_depth: int = MAX_DEPTH, charset: str | None = None) -> Any:
    """The value, with U+FFFD for each character that cannot be decoded, null for NaN and infinite numbers, and a text
    for an integer that is too long for Python. `charset` as in `decoded`. Raises `ValueError` if it is not JSON, or
    nested deeper."""
    raw = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw
    try:
        value, lenient = from_json(raw, allow_inf_nan=False), _may_be_infinite(raw)
    except ValueError:
        value, lenient = _leniently(raw, charset), True
    if not _surely_within(max_depth, raw) and _deeper_than(max_depth, value):
        raise ValueError("nested too deep")
    return _sound_value(value) if lenient else value


def text_of(raw: bytes, charset: str | None = None) -> str:
    """Text in UTF-16 or UTF-32, as JSON may be, with or without a byte-order mark; else `decoded`."""
    encoding = json.detect_encoding(raw)
    if encoding.startswith("utf-8"):
        return decoded(raw.removeprefix(BOM_UTF8), charset)
    try:
        # Some systems encode the two halves of a surrogate pair one by one.
        return sound(raw.decode(encoding, "surrogatepass"))
    except UnicodeDecodeError:
        return raw.decode(encoding, "replace")


def decoded(raw: bytes, charset: str | None = None) -> str:
    """Text in UTF-8, else in `charset`, which its sender names: many name one and write UTF-8. Without a charset that
    is known it is what most of it looks like: UTF-8 or Windows' Latin-1."""
    try:
        return sound(raw.decode("utf-8", "surrogatepass"))
    except UnicodeDecodeError:
        pass
    if charset is not None and _CHARSETS.fullmatch(charset):
        try:
            return sound(raw.decode("cp1252" if charset.lower() in _LATIN_1 else charset, "replace"))
        except LookupError:
            pass
    return _as_most_of_it(raw)


def _as_most_of_it(raw: bytes) -> str:
    """Text in UTF-8, or in Windows' Latin-1 if more bytes than characters beyond ASCII can be nothing else."""
    text = raw.decode("utf-8", "replace")
    characters = len(text) - len(text.encode("ascii", "ignore")) - text.count(_REPLACED)
    others = len(_UTF_8.sub(b"", raw).translate(None, _ASCII))
    return raw.decode("cp1252", "replace") if others > characters else text


def sound(text: str) -> str:
    """The text with the character of each surrogate pair, and U+FFFD for each lone surrogate."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def trimmed(text: str) -> str:
    """The text without what comes along at its ends when somebody copies it: blanks, line breaks, byte-order marks and
    others that nobody sees."""
    start, end = 0, len(text)
    while start < end and _unseen(text[start]):
        start += 1
    while start < end and _unseen(text[end - 1]):
        end -= 1
    return text[start:end]


def _unseen(character: str) -> bool:
    return character.isspace() or not character.isprintable()


def _leniently(raw: bytes, charset: str | None) -> Any:
    try:
        # Not strict: control characters may be in texts.
        return json.loads(text_of(raw, charset), strict=False, parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _may_be_infinite(raw: bytes) -> bool:
    # The expression is as slow as the parser, so it only looks where there is something to find, such as an id.
    shapes = raw.translate(_SHAPES)
    return any(shape in shapes for shape in _LARGE_SHAPES) and _LARGE.search(raw) is not None


def _integer(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits


def _sound_value(value: Any) -> Any:
    match value:
        case str():
            return sound(value)
        case dict():
            return {sound(name): _sound_value(member) for name, member in value.items()}
        case list():
            return [_sound_value(item) for item in value]
        case float():
            return value if isfinite(value) else None
    return value


def _surely_within(limit: int, raw: bytes) -> bool:
    """Whether the brackets alone show that it is not nested deeper. That is fast, and almost always enough; what is in
    texts or in another encoding may hide it."""
    if raw.count(b"{") + raw.count(b"[") <= limit:
        return True
    brackets = raw.translate(None, _NO_BRACKETS)
    # Each round removes a level or two.
    for _ in range(limit // 2):
        brackets = brackets.replace(b"{}", b"").replace(b"[]", b"")
        if not brackets:
            return True
    return False


def _deeper_than(limit: int, value: object) -> bool:
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(limit):
        children = chain.from_iterable(node.values() if isinstance(node, dict) else node for node in level)
        level = [child for child in children if isinstance(child, (dict, list))]
        if not level:
            return False
    return bool(level)
