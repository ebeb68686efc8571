"""What a text shows of a person to whoever looks closely: encoded, in parts, as half bytes, as a hash to be tried out.

    readings("d2FtaWQ…")        the text, and whatever else it can be read as
    Private(...).found_in(text)  which private values are in one of them

Ids of WhatsApp, for one, hold a number in base64: digit by digit, or in half bytes.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import md5, sha1, sha256
from typing import Final
from urllib.parse import unquote_plus

# Each within the one before: base64 in JSON in an address.
_DEPTH: Final = 3
# Six bytes: a number in half bytes.
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_HEX: Final = re.compile(r"[0-9A-Fa-f]{10,}")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|(.))")
_READABLE: Final = re.compile(r"[\x20-\x7e]{8,}")
# How people and programs group digits.
_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[\s().+/\u00a0\u2010-\u2015-]{1,3}(?=\d)")
# Without country code and prefix of the network a number still finds its person.
_TELLING_DIGITS: Final = 8
_HASHES: Final = (sha256, sha1, md5)


def readings(shown: str) -> Iterator[str]:
    """The text, and all that it and its parts decode to. Bytes are read as Latin-1."""
    yield shown
    yield from _decoded(shown, _DEPTH)


def looked_into(shown: str) -> str:
    """All readings in one text."""
    return "\n".join(readings(shown))


def _decoded(text: str, depth: int) -> Iterator[str]:
    for whole in _unwrapped(text):
        yield whole
        if depth > 1:
            yield from _decoded(whole, depth - 1)
    for word in dict.fromkeys((*_BASE64.findall(text), *_HEX.findall(text))):
        yield from _of_word(word, depth)


@lru_cache(maxsize=50_000)
def _of_word(word: str, depth: int) -> tuple[str, ...]:
    """What a word is in base64 and in hexadecimal, from each place on that gives other bytes."""
    found = list[str]()
    raws = {_from_base64(word[start:]) for start in range(4)}
    if _HEX.fullmatch(word):
        raws |= {bytes.fromhex(word[start : len(word) - (len(word) - start) % 2]) for start in range(2)}
        found += [_swapped(word), _swapped(word[1:])]
    for raw in raws:
        text = raw.decode("latin-1")
        # The second as UTF-16.
        found += [text, text.replace("\0", ""), raw.hex(), _swapped(raw.hex())]
        # Bytes that say nothing to the eye hold no second layer.
        for part in _READABLE.findall(text) if depth > 1 else ():
            found += _decoded(part, depth - 1)
    return tuple(dict.fromkeys(found))


def _unwrapped(text: str) -> Iterator[str]:
    if "%" in text:
        yield unquote_plus(text, "latin-1")
    if "\\" in text:
        yield _ESCAPE.sub(_unescaped, text)


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else found[3]


def _from_base64(word: str) -> bytes:
    word = word.replace("-", "+").replace("_", "/")
    if len(word) % 4 == 1:
        word = word[:-1]
    return b64decode(word + "=" * (-len(word) % 4))


def _swapped(digits: str) -> str:
    """Half bytes in the other order, as telephony writes numbers."""
    return "".join(digits[place : place + 2][::-1] for place in range(0, len(digits), 2))


class Private:
    """Numbers of people in digits with their country code, and words: names, texts, values, credentials."""

    def __init__(self, numbers: Sequence[str], words: Sequence[str]) -> None:
        self._signs: dict[str, str] = {word.casefold(): f"word {place}" for place, word in enumerate(words)}
        for place, number in enumerate(numbers):
            self._signs |= dict.fromkeys(_signs_of(number), f"number {place}")
        self._pattern = re.compile("|".join(map(re.escape, self._signs)))

    def found_in(self, shown: str) -> set[str]:
        """Names of the values that show (`number 0`, `word 1`), never the values: they would be in the test's own
        output."""
        found: set[str] = set()
        for text in readings(shown):
            folded = text.casefold()
            for looked_at in (folded, _BETWEEN_DIGITS.sub("", folded)):
                found |= {self._signs[sign] for sign in self._pattern.findall(looked_at)}
        return found


def _signs_of(number: str) -> Iterator[str]:
    yield number[-_TELLING_DIGITS:]
    whole = int(number)
    yield f"{whole:x}"
    for order in ("big", "little"):
        yield whole.to_bytes((whole.bit_length() + 7) // 8, order).decode("latin-1").casefold()  # type: ignore[arg-type]
    # Without a key, all numbers of a country are tried out in a minute.
    for written in (number, f"+{number}", number[-_TELLING_DIGITS - 1 :], f"0{number[-_TELLING_DIGITS - 1 :]}"):
        for hashed in _HASHES:
            digest = hashed(written.encode())
            yield digest.hexdigest()[:32]
            yield digest.digest()[:16].decode("latin-1").casefold()
