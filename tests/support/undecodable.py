"""What a request's body may hold although no decoder reads it."""

import gzip
import json
from collections.abc import Callable, Mapping

REPLACED = "\ufffd"

# In a text of a JSON body in UTF-8: the bytes, and what is read.
CHARACTERS: Mapping[str, tuple[bytes, str]] = {
    "escaped high surrogate": (rb"\ud83d", REPLACED),
    "escaped low surrogate": (rb"\ude00", REPLACED),
    "escaped surrogates in the wrong order": (rb"\ude00\ud83d", REPLACED * 2),
    "escaped surrogate and a letter": (rb"\ud83da", REPLACED + "a"),
    "surrogate as bytes": (b"\xed\xa0\xbd", REPLACED),
    "surrogate pair as bytes": (b"\xed\xa0\xbd\xed\xb8\x80", "\U0001f600"),
    "Latin-1": (b"\xe9\xe0", "\u00e9\u00e0"),
    "Latin-1 beside UTF-8": (b"\xe9\xc3\xa9", REPLACED + "\u00e9"),
    "Windows' Latin-1": (b"\x80\x93", "\u20ac\u201c"),
    "in no Latin-1": (b"\x81", REPLACED),
    "emoji cut off": (b"\xf0\x9f\x98", REPLACED),
    "control characters": (b"\x01\x08\x0b\x1f", "\x01\x08\x0b\x1f"),
    "line break": (b"\r\n", "\r\n"),
    "NUL": (b"\x00", "\x00"),
    "escaped NUL": (rb"\u0000", "\x00"),
    "U+FFFE and U+FFFF": (b"\xef\xbf\xbe\xef\xbf\xbf", "\ufffe\uffff"),
    "C1 control characters": (b"\xc2\x80\xc2\x9f", "\x80\x9f"),
}
# As a value in a JSON body: the bytes, and what is read.
VALUES: Mapping[str, tuple[bytes, object]] = {
    "5000 digits": (b"9" * 5000, "9" * 5000),
    "minus 5000 digits": (b"-" + b"9" * 5000, "-" + "9" * 5000),
    "4000 digits": (b"9" * 4000, 10**4000 - 1),
    "5000 digits behind the point": (b"0." + b"5" * 5000, 0.5555555555555556),
    "NaN": (b"NaN", None),
    "Infinity": (b"Infinity", None),
    "-Infinity": (b"-Infinity", None),
    "an exponent beyond all numbers": (b"1e400", None),
    "minus, beyond all numbers": (b"-1.5E+999", None),
    "400 digits and a point": (b"9" * 400 + b".5", None),
    "an exponent": (b"1.5e3", 1500.0),
    "an exponent below all numbers": (b"1e-400", 0.0),
}
# What a body in UTF-8 is turned into, and reads the same.
ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "byte-order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "UTF-16 with a byte-order mark": lambda raw: raw.decode().encode("utf-16"),
    "UTF-16 without": lambda raw: raw.decode().encode("utf-16-be"),
    "UTF-32": lambda raw: raw.decode().encode("utf-32"),
    "space around it": lambda raw: b"\r\n " + raw + b"\n",
}
# What a body is packed into, and reads the same.
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda raw: gzip.compress(raw, mtime=0),
    "UTF-16 in gzip": lambda raw: gzip.compress(raw.decode().encode("utf-16"), mtime=0),
    "JSON in a text of JSON": lambda raw: json.dumps(raw.decode()).encode(),
}
# No JSON and no form.
UNREADABLE: Mapping[str, bytes] = {
    "words": b"private",
    "half": b'{"private": [',
    "half, with a sign of a form": b'{"private": "a=b&c=d',
    "more behind it": b'{"private": 1} private',
    "a page": b"<html>private</html>",
    "bytes": bytes(range(256)),
    "gzip": b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03private",
    "too deep": b'{"private":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "far too deep": b"[" * 100_000,
    "one level too deep": b'{"private":' + b"[" * 100 + b"]" * 100 + b"}",
}
EMPTY: Mapping[str, bytes] = {"nothing": b"", "spaces": b" \r\n"}


def with_member(raw: bytes, value: bytes) -> bytes:
    """A JSON object's text with one more member."""
    return b'{"undecodable": ' + value + b", " + raw.lstrip()[1:]


def spoilt(raw: bytes, text: str) -> dict[str, tuple[bytes, str]]:
    """The variants of a callback that holds `text` once or not at all: the body, and how the text reads there."""
    variants = {}
    for name, (character, read) in CHARACTERS.items():
        changed = raw.replace(text.encode(), text.encode() + character)
        # Elsewhere in the body too: as a name, and where nobody looks.
        variants[name] = (with_member(changed, b'{"' + character + b'": "' + character + b'"}'), text + read)
    for name, (value, _) in VALUES.items():
        variants[name] = (with_member(raw, value), text)
    for name, encoded in (ENCODINGS | PACKINGS).items():
        variants[name] = (encoded(raw), text)
    return variants


NAMES = (*CHARACTERS, *VALUES, *ENCODINGS, *PACKINGS)
