"""JSON from outside: what is read of it, and that the rest of the bridge can use it."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from tests.support.undecodable import CHARACTERS, EMPTY, ENCODINGS, UNREADABLE, VALUES
from whatsapp_bridge.runtime.json_text import MAX_DEPTH, decoded, read_json, sound, text_of


def usable(value: Any) -> None:
    """As in the flows: hashed, put on a queue, and taken from it."""
    stored = to_json(value)
    hashlib.sha256(stored)
    assert stored.decode().encode() == stored
    assert from_json(stored) == value
    assert not any(character < 0x20 for character in stored), "SQS takes XML's characters only"


@pytest.mark.parametrize(("raw", "read"), CHARACTERS.values(), ids=CHARACTERS.keys())
def test_characters(raw: bytes, read: str) -> None:
    value = read_json(b'{"' + raw + b'": ["' + raw + b'x"]}')
    assert value == {read: [f"{read}x"]}
    usable(value)


@pytest.mark.parametrize(("raw", "read"), VALUES.values(), ids=VALUES.keys())
def test_values(raw: bytes, read: object) -> None:
    value = read_json(b'{"a": [' + raw + b"]}")
    assert value == {"a": [read]}
    usable(value)


@pytest.mark.parametrize("raw", [b"1e400", b"[-1E999]", b'{"a": {"b": 123e+400}}'], ids=bytes.decode)
def test_no_number_is_infinite(raw: bytes) -> None:
    value = read_json(raw)

    assert b"Infinity" not in to_json(value, inf_nan_mode="constants")
    assert value in (None, [None], {"a": {"b": None}})


def test_what_only_looks_like_an_exponent_is_read() -> None:
    assert read_json(b'{"1e400": "1e400", "id": "9e999"}') == {"1e400": "1e400", "id": "9e999"}


@pytest.mark.parametrize("name", ENCODINGS)
def test_encodings(name: str) -> None:
    assert read_json(ENCODINGS[name]('{"ä": "😀"}'.encode())) == {"ä": "😀"}


@pytest.mark.parametrize("raw", [*UNREADABLE.values(), *EMPTY.values()], ids=[*UNREADABLE, *EMPTY])
def test_unreadable(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(Expecting|Extra data|Unterminated|nested too deep)"):
        read_json(raw)


@pytest.mark.parametrize(
    "character",
    ["", "\ud800", "[" * 300, "]" * 300],
    ids=["sound", "with a lone surrogate", "more in text", "fewer in text"],
)
@pytest.mark.parametrize(("levels", "readable"), [(MAX_DEPTH, True), (MAX_DEPTH + 1, False)])
def test_depth(character: str, levels: int, readable: bool) -> None:
    text = "[" * (levels - 1) + f'"{character}", []' + "]" * (levels - 1)
    if readable:
        usable(read_json(text))
        return
    with pytest.raises(ValueError, match="nested too deep"):
        read_json(text)


def test_a_wide_value_may_have_many_brackets() -> None:
    value = {"a": [{"b": [place]} for place in range(1000)]}
    assert read_json(json.dumps(value)) == value


def test_a_text_is_read_like_bytes() -> None:
    assert read_json('\ufeff{"a": "\ud800", "b": "\ud83d\ude00"}') == {"a": "\ufffd", "b": "😀"}


@settings(deadline=None, derandomize=True, database=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=6),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
        max_leaves=6,
    )
)
def test_any_json_with_any_characters_is_usable(value: Any) -> None:
    # Python's writer has surrogates, NaN and Infinity.
    usable(read_json(json.dumps(value)))


@pytest.mark.parametrize(
    ("raw", "charset", "read"),
    [
        (b"caf\xe9", "ISO-8859-1", "caf\u00e9"),
        (b"caf\xe9", "latin1", "caf\u00e9"),
        (b"\xc3\xa3o \xe9", "ISO-8859-1", "\u00c3\u00a3o \u00e9"),
        (b"\x93a\x94 \xe9", "ISO-8859-1", "\u201ca\u201d \u00e9"),
        (b"\xef\xee", "windows-1251", "\u043f\u043e"),
        (b"\x83e\x83X", "Shift_JIS", "\u30c6\u30b9"),
        (b"\xb2\xe2", "gb18030", "\u6d4b"),
        (b"\xe9", "utf-8", "\u00e9"),
        (b"\xe9", "iso-no-such", "\u00e9"),
        (b"\xe9", "unicode_escape", "\u00e9"),
        (b"\xc3\xa9", "ISO-8859-1", "\u00e9"),
        (b"\xe9", "", "\u00e9"),
    ],
    ids=[
        "Latin-1",
        "by another name",
        "Latin-1 that looks like UTF-8 in part",
        "Windows' signs in Latin-1",
        "Cyrillic",
        "Japanese",
        "Chinese",
        "wrong charset",
        "unknown charset",
        "no charset",
        "UTF-8, whatever is named",
        "empty name",
    ],
)
def test_text_in_the_charset_that_its_sender_names(raw: bytes, charset: str, read: str) -> None:
    assert decoded(raw, charset) == read
    assert read_json(b'"' + raw + b'"', charset=charset) == read


FRENCH = "le march\u00e9 est ferm\u00e9\u00a0! \u00e0 c\u00f4t\u00e9"


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (FRENCH.encode("latin-1"), FRENCH),
        (
            "\u00ab\u00a0d\u00e9j\u00e0\u00a0\u00bb, ferm\u00e9\u00a0?".encode("cp1252"),
            "\u00ab\u00a0d\u00e9j\u00e0\u00a0\u00bb, ferm\u00e9\u00a0?",
        ),
        (FRENCH.encode() + b" \xf0\x9f", FRENCH + " \ufffd"),
        (FRENCH.encode() + b" \xe9 \xe0", FRENCH + " \ufffd \ufffd"),
        (b"ferm\xf0\x9f\x98", "ferm\ufffd"),
        (b"\xe9\xe0 \xc3\xa9", "\u00e9\u00e0 \u00c3\u00a9"),
    ],
    ids=[
        "French in Latin-1, a part of which looks like UTF-8",
        "with quotation marks",
        "UTF-8, cut off",
        "UTF-8 with a little Latin-1",
        "nothing but an emoji that is cut off",
        "more Latin-1 than UTF-8",
    ],
)
def test_text_without_a_charset_is_what_most_of_it_is(raw: bytes, read: str) -> None:
    assert decoded(raw) == read
    assert read_json(b'"' + raw + b'"') == read


@settings(deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=64))
def test_any_bytes_are_sound_text(raw: bytes) -> None:
    text_of(raw).encode()
    decoded(raw).encode()


@settings(deadline=None, derandomize=True, database=None)
@given(st.text())
def test_sound_text_is_unchanged(text: str) -> None:
    assert sound(text) == text
