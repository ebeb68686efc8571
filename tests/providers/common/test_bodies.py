"""Callbacks are read in one place: an adapter with a reader of its own would refuse what `common.bodies` replaces."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.undecodable import ENCODINGS
from whatsapp_bridge import providers
from whatsapp_bridge.providers.common.bodies import MAX_BYTES, content_of, json_in, object_in
from whatsapp_bridge.providers.contract.inbound import BodyUnreadable, Callback
from whatsapp_bridge.providers.registry import PROVIDERS

FORM = "application/x-www-form-urlencoded"
SAID = {"text": "d\u00e9j\u00e0 vu", "list": [1, None]}
JSON = json.dumps(SAID).encode()


def read(raw: bytes, content_type: str = "application/json", encoding: str | None = None, **query: str) -> Any:
    headers = {"content-type": content_type} | ({} if encoding is None else {"content-encoding": encoding})
    return content_of(Callback("POST", headers, query, raw))


def without_header(raw: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(raw) + packer.flush()


# --- packed ----------------------------------------------------------------------------------------------------------

PACKED: dict[str, tuple[bytes, str | None]] = {
    "gzip": (gzip.compress(JSON), "gzip"),
    "gzip, not named": (gzip.compress(JSON), None),
    "gzip by its older name": (gzip.compress(JSON), "x-gzip"),
    "deflate": (zlib.compress(JSON), "deflate"),
    "deflate without its header": (without_header(JSON), "Deflate"),
    "named gzip, but unpacked": (JSON, "gzip"),
    "named deflate, but unpacked": (JSON, "deflate"),
    "named deflate, but gzip": (gzip.compress(JSON), "deflate"),
    "identity": (JSON, "identity"),
    "UTF-16 in gzip": (gzip.compress(ENCODINGS["UTF-16 with a byte-order mark"](JSON)), "gzip"),
}


@pytest.mark.parametrize(("raw", "encoding"), PACKED.values(), ids=PACKED.keys())
def test_packed_body(raw: bytes, encoding: str | None) -> None:
    assert read(raw, encoding=encoding) == SAID


def test_packed_form() -> None:
    assert read(gzip.compress(b"text=a+b"), FORM, "gzip") == {"text": "a b"}


BOMB = b" " * MAX_BYTES
BAD: dict[str, tuple[bytes, str | None, str]] = {
    "gzip cut off": (gzip.compress(JSON)[:-9], "gzip", "broken gzip"),
    "gzip of something else": (b"\x1f\x8bprivate", "gzip", "broken gzip"),
    "gzip with more behind it": (gzip.compress(JSON) + b"private", "gzip", "broken gzip"),
    "a bomb": (gzip.compress(BOMB + JSON), "gzip", "too large when it is unpacked"),
    "a bomb in deflate": (zlib.compress(BOMB + JSON), "deflate", "too large when it is unpacked"),
    "an encoding that is not known": (b"\x0b\x02\x80private\x03", "br", "neither JSON nor a form"),
}


@pytest.mark.parametrize(("raw", "encoding", "reason"), BAD.values(), ids=BAD.keys())
def test_packed_body_that_cannot_be_unpacked(raw: bytes, encoding: str | None, reason: str) -> None:
    with pytest.raises(BodyUnreadable, match=reason):
        read(raw, encoding=encoding)


def test_the_largest_packed_body() -> None:
    assert read(gzip.compress(BOMB[len(JSON) :] + JSON)) == SAID


# --- nothing ---------------------------------------------------------------------------------------------------------


NOTHING: dict[str, bytes] = {
    "no bytes": b"",
    "blanks": b" \r\n",
    "empty object": b"{}",
    "null": b"null",
    "empty list": b"[]",
    "empty text": b'""',
    "nothing in gzip": gzip.compress(b""),
}


@pytest.mark.parametrize("raw", NOTHING.values(), ids=NOTHING.keys())
def test_a_body_that_says_nothing(raw: bytes) -> None:
    assert read(raw) == {}


def test_without_a_body_the_address_is_read() -> None:
    assert read(b"", a="\ud800", b="c") == {"a": "\ufffd", "b": "c"}
    assert read(b'{"a": 1}', a="b") == {"a": 1}


# --- forms -----------------------------------------------------------------------------------------------------------

LATIN = f"{FORM}; charset=ISO-8859-1"
FIELDS: dict[str, tuple[bytes, str, str]] = {
    "words": (b"a+b%20c", FORM, "a b c"),
    "UTF-8": (quote("d\u00e9j\u00e0").encode(), FORM, "d\u00e9j\u00e0"),
    "UTF-8, not escaped": ("d\u00e9j\u00e0".encode(), FORM, "d\u00e9j\u00e0"),
    "UTF-8, though Latin-1 is named": (quote("d\u00e9j\u00e0").encode(), LATIN, "d\u00e9j\u00e0"),
    "Latin-1": (b"d%E9j%E0", FORM, "d\u00e9j\u00e0"),
    "Latin-1, not escaped": (b"d\xe9j\xe0", FORM, "d\u00e9j\u00e0"),
    "Latin-1, named": (b"d%E9j%E0", LATIN, "d\u00e9j\u00e0"),
    "Latin-1, named and not escaped": (b"d\xe9j\xe0", LATIN, "d\u00e9j\u00e0"),
    "Cyrillic, named": (b"%EF%F0", f'{FORM}; charset="windows-1251"', "\u043f\u0440"),
    "a surrogate": (b"%ED%A0%BD", FORM, "\ufffd"),
    "a surrogate pair": (b"%ED%A0%BD%ED%B8%80", FORM, "\U0001f600"),
    "an emoji cut off": (b"%F0%9F%98", FORM, "\ufffd"),
    "control characters": (b"%01%00", FORM, "\x01\x00"),
    "line break": (b"a%0D%0Ab", FORM, "a\r\nb"),
    "a lone percent sign": (b"100%", FORM, "100%"),
    "no escape": (b"%zz", FORM, "%zz"),
    "signs": (b"%26%3D%2B=", FORM, "&=+="),
}


@pytest.mark.parametrize(("written", "content_type", "expected"), FIELDS.values(), ids=FIELDS.keys())
def test_field_of_a_form(written: bytes, content_type: str, expected: str) -> None:
    assert read(b"x=1&y=&text=" + written, content_type) == {"x": "1", "text": expected}


def test_form_in_utf_16() -> None:
    assert read("text=d\u00e9j%C3%A0&b=1".encode("utf-16"), FORM) == {"text": "d\u00e9j\u00e0", "b": "1"}


PART = b'Content-Disposition: form-data; filename="name.txt"; name="text"\r\n\r\n'
PARTS: dict[str, tuple[bytes, str]] = {
    "words": (PART + b"a b", "a b"),
    "UTF-8": (PART + "d\u00e9j\u00e0".encode(), "d\u00e9j\u00e0"),
    "Latin-1": (PART + b"d\xe9j\xe0", "d\u00e9j\u00e0"),
    "with a charset": (b"Content-Type: text/plain; charset=windows-1251\r\n" + PART + b"\xef", "\u043f"),
    "line breaks": (PART + b"a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"),
    "name without quotes": (b"content-disposition:form-data;name=text\r\n\r\na", "a"),
    "JSON": (b"Content-Type: application/json\r\n" + PART + b'{"a": 1}', '{"a": 1}'),
    "nothing": (PART, ""),
}


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=b-1", "application/json"])
@pytest.mark.parametrize(("part", "expected"), PARTS.values(), ids=PARTS.keys())
def test_form_in_parts(part: bytes, expected: str, content_type: str) -> None:
    raw = b"--b-1\r\n" + part + b"\r\n--b-1\r\nContent-Disposition: form-data; name=x\r\n\r\n1\r\n--b-1--\r\n"

    assert read(raw, content_type) == {"text": expected, "x": "1"}


def test_form_in_parts_with_bare_line_breaks() -> None:
    raw = b'--b\nContent-Disposition: form-data; name="text"\n\na\n--b--'

    assert read(raw, "multipart/form-data") == {"text": "a"}


NO_FORMS: dict[str, bytes] = {
    "parts cut off": b"--b\r\n" + PART + b"a\r\n--b\r\n" + PART + b"private",
    "parts without a name": b"--b\r\nContent-Type: text/plain\r\n\r\nprivate\r\n--b--",
    "no parts": b"--b--\r\n",
    "dashes": b"--",
    "broken JSON with signs of a form": b'{"private": "a=b&c=d',
    "fields without values": b"private=&b",
}


@pytest.mark.parametrize("raw", NO_FORMS.values(), ids=NO_FORMS.keys())
def test_no_form(raw: bytes) -> None:
    with pytest.raises(BodyUnreadable, match=r"^neither JSON nor a form$"):
        read(raw, FORM)


# --- JSON in a text --------------------------------------------------------------------------------------------------

NESTED: dict[str, tuple[bytes, Any]] = {
    "JSON": (JSON, SAID),
    "line break and tab": (b'{"a": "b\n\tc"}', {"a": "b\n\tc"}),
    "a lone surrogate": (rb'{"a": "\ud83d"}', {"a": "\ufffd"}),
    "a byte-order mark": (b"\xef\xbb\xbf[1]", [1]),
    "Latin-1": (b'{"a": "\xe9"}', {"a": "\u00e9"}),
    "NaN": (b"[NaN, -Infinity]", [None, None]),
    "5000 digits": (b"[" + b"9" * 5000 + b"]", ["9" * 5000]),
    "no JSON": (b"{a", "{a"),
}


@pytest.mark.parametrize(("written", "expected"), NESTED.values(), ids=NESTED.keys())
def test_json_in_a_field_of_a_form(written: bytes, expected: Any) -> None:
    fields = read(b"response=" + quote_plus(written).encode(), FORM)

    assert json_in(fields["response"]) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [({"a": 1}, {"a": 1}), ('{"a": 1}', {"a": 1}), ("[1]", {}), ("a", {}), (None, {}), ([{}], {}), (7, {})],
    ids=repr,
)
def test_object_in_a_value(value: Any, expected: Any) -> None:
    assert object_in(value) == expected


@settings(deadline=None, derandomize=True, database=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([None, "gzip", "deflate", "br"]),
    st.sampled_from(["", LATIN, "x; charset"]),
)
def test_any_bytes_are_read_or_refused(raw: bytes, encoding: str | None, content_type: str) -> None:
    for body in (raw, b"--b\n" + raw + b"\n--b--", b"\x1f\x8b" + raw, b"a=%" + raw):
        try:
            said = read(body, content_type, encoding)
        except BodyUnreadable:
            continue
        json.dumps(said, ensure_ascii=False).encode()


# --- one place -------------------------------------------------------------------------------------------------------

FOLDER = Path(providers.__path__[0])
READERS = {"inbound", "replies", "statuses"}
WORDS = (
    *("from_json", "json.loads", "parse_qs", ".decode(", "callback.body", "callback.query"),
    *("fromisoformat", " int(", "float(", ", str)", ", int)", "Decimal", "isdigit"),
)


def test_callbacks_are_read_in_one_place() -> None:
    modules = [module for module in FOLDER.glob("*/*.py") if module.stem in READERS]
    found = {
        f"{module.parent.name}/{module.name}": words
        for module in modules
        if (words := [word for word in WORDS if word in module.read_text()])
    }

    assert len(modules) >= 2 * len(PROVIDERS)
    assert found == {
        # A signature covers the raw bytes, and a verification is no callback.
        "meta/inbound.py": ["callback.body", "callback.query"],
        # What may be logged; and a text that has been read and was no JSON.
        "cloud_api/inbound.py": [", str)"],
        "gupshup/inbound.py": [", str)"],
        # Of its own answer.
        "clickatell_legacy/replies.py": [", str)"],
    }


# A reader, and the only modules of the layer that have its words.
ALONE: dict[str, tuple[tuple[str, ...], set[str]]] = {
    # API Gateway's own, and cursors that the bridge itself has made.
    "base64": (
        ("b64decode(",),
        {"providers/common/values.py", "runtime/events.py", "clevertap/template_import.py"},
    ),
    "JSON": (("json.loads(",), {"runtime/json_text.py"}),
    # CleverTap's, and those that somebody has written into an account's secret.
    "phone numbers": (
        ('removeprefix("+")', 'strip("+")', 'replace("+", "")'),
        {"providers/common/values.py", "clevertap/numbers.py", "accounts/account.py", "accounts/countries.py"},
    ),
    "times": (("fromisoformat(", "strptime("), {"providers/common/values.py"}),
    "types of files": (("mimetypes",), {"media/file_types.py"}),
    "numbers of people": (("_LONGER",), {"accounts/phone_numbers.py"}),
    "wamids": (('"HBg"', '"wamid."'), {"providers/common/message_ids.py"}),
    "statuses in place of a file": (("423, 425",), {"media/fetch.py", "providers/answers.py"}),
}


@pytest.mark.parametrize(("words", "modules"), ALONE.values(), ids=ALONE.keys())
def test_a_reader_stands_once(words: tuple[str, ...], modules: set[str]) -> None:
    layer = FOLDER.parent
    found = {
        module.relative_to(layer).as_posix()
        for module in layer.rglob("*.py")
        if any(word in module.read_text() for word in words)
    }

    assert found <= modules
    assert found
