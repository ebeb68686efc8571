from typing import Any

import pytest

from whatsapp_bridge.providers.capabilities import NO_TIME
from whatsapp_bridge.providers.common.values import (
    MAX_LATITUDE,
    MAX_LONGITUDE,
    blank,
    degrees,
    detail,
    digits,
    each,
    empty,
    from_base64,
    identifier,
    in_brackets,
    lines,
    member_of,
    number,
    seconds,
    text,
    word,
)


@pytest.mark.parametrize("value", [None, "", " ", "null", " null "], ids=repr)
def test_blank(value: Any) -> None:
    assert blank(value)
    assert identifier(value) is None
    assert detail(value) is None
    assert number(value) is None


TEXTS: dict[str, tuple[Any, str, str | None]] = {
    "text": ("a b", "a b", "a b"),
    "with blanks around it": (" k\n", " k\n", " k\n"),
    "blanks alone": (" \u00a0", " \u00a0", None),
    "null as text": ("null", "null", None),
    "empty": ("", "", None),
    "null": (None, "", None),
    "empty list": ([], "", None),
    "empty object": ({}, "", None),
    "digits": (482913, "482913", "482913"),
    "zero": (0, "0", "0"),
    "many digits": (10**4000, "1" + "0" * 4000, "1" + "0" * 4000),
    "fraction": (1.5, "1.5", "1.5"),
    "true": (True, "true", "true"),
    "false": (False, "false", "false"),
    "object": ({"\u00e4": [1, None]}, '{"\u00e4":[1,null]}', '{"\u00e4":[1,null]}'),
    "list": (["a", 1], '["a",1]', '["a",1]'),
}


@pytest.mark.parametrize(("value", "as_text", "as_detail"), TEXTS.values(), ids=TEXTS.keys())
def test_texts(value: Any, as_text: str, as_detail: str | None) -> None:
    assert text(value) == as_text
    assert detail(value) == as_detail


@pytest.mark.parametrize(
    ("value", "expected"),
    [("Sent ", "sent"), (7, "7"), ("", ""), ("null", ""), (None, ""), (True, ""), (["a"], "")],
    ids=repr,
)
def test_words(value: Any, expected: str) -> None:
    assert word(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, []), ([], []), ([None, 1], [None, 1]), ({}, [{}]), ("a", ["a"]), (0, [0])],
    ids=repr,
)
def test_each(value: Any, expected: list[Any]) -> None:
    assert each(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, True), (" ", True), ("null", True), ([], True), ({}, True), (0, False), (False, False), ([None], False)],
    ids=repr,
)
def test_empty(value: Any, expected: bool) -> None:
    assert empty(value) is expected


LINES: dict[str, tuple[Any, list[str]]] = {
    "single value": ("a", ["a"]),
    "number": (7, ["7"]),
    "true": (True, ["true"]),
    "nothing": ([None, "", " ", {}, []], []),
    "null as a person's word": ({"a": "null"}, ["a: null"]),
    "object": ({"a": 1, "b": {"c": "d"}}, ["a: 1", "b.c: d"]),
    "list in an object": ({"a": ["b", {"c": 1}]}, ["a: b", "a.c: 1"]),
}


@pytest.mark.parametrize(("value", "expected"), LINES.values(), ids=LINES.keys())
def test_lines(value: Any, expected: list[str]) -> None:
    assert lines(value) == expected


def nested(value: Any, name: str, levels: int) -> Any:
    for _ in range(levels):
        value = {name: value}
    return value


BOUNDS: dict[str, tuple[Any, list[str]]] = {
    "as deep as it is told": (nested("x", "a", 16), [".".join("a" * 16) + ": x"]),
    "deeper": ([nested({"a": "x", "b": 1}, "a", 16), "y"], [".".join("a" * 16) + ": \u2026", "y"]),
    "deep lists": ([[[["x"]]]], ["x"]),
    "as long as it is told": ("x" * 65_536, ["x" * 65_536]),
    "longer": (["x" * 65_535, "yz", "x"], ["x" * 65_535, "y\u2026"]),
    "few values behind a long name": ({"a" * 40_000: ["x"] * 9_000}, ["a" * 40_000 + ": x", "a" * 25_533 + "\u2026"]),
}


@pytest.mark.parametrize(("value", "expected"), BOUNDS.values(), ids=BOUNDS.keys())
def test_lines_are_not_told_without_end(value: Any, expected: list[str]) -> None:
    assert lines(value) == expected


def test_many_values_behind_deep_and_long_names_are_a_bounded_text() -> None:
    told = lines(nested([1] * 9_000, "a" * 330, 15))

    assert sum(map(len, told)) == 65_537
    assert told[-1].endswith("\u2026")


# 2023-11-14, a quarter past ten in the evening.
MOMENT = 1_700_000_100
TIMES: dict[str, tuple[Any, int]] = {
    "seconds": (MOMENT, MOMENT),
    "seconds as text": (f" {MOMENT} ", MOMENT),
    "seconds with a fraction": (MOMENT + 0.75, MOMENT),
    "seconds with a fraction, as text": (f"{MOMENT}.25", MOMENT),
    "seconds with an exponent": ("1.7000001E9", MOMENT),
    "milliseconds": (MOMENT * 1000 + 999, MOMENT),
    "milliseconds as text": (f"{MOMENT}999", MOMENT),
    "milliseconds with a fraction": (f"{MOMENT}000.5", MOMENT),
    "milliseconds with an exponent": ("1.7000001E12", MOMENT),
    "microseconds": (MOMENT * 10**6 + 1, MOMENT),
    "microseconds as text": (f"{MOMENT}000001", MOMENT),
    "nanoseconds": (MOMENT * 10**9 + 1, MOMENT),
    "ISO 8601": ("2023-11-14T22:15:00Z", MOMENT),
    "ISO 8601 with an offset": ("2023-11-15T03:45:00+05:30", MOMENT),
    "ISO 8601 with an offset without a colon": ("2023-11-14T20:15:00-0200", MOMENT),
    "ISO 8601 with milliseconds": ("2023-11-14T22:15:00.999Z", MOMENT),
    "ISO 8601 with nanoseconds": ("2023-11-14T22:15:00.123456789Z", MOMENT),
    "ISO 8601 without a zone": ("2023-11-14T22:15:00", MOMENT),
    "ISO 8601 with a blank": ("2023-11-14 22:15:00", MOMENT),
    "ISO 8601 without signs": ("20231114T221500Z", MOMENT),
    "missing": (None, NO_TIME),
    "empty": ("", NO_TIME),
    "null as text": ("null", NO_TIME),
    "zero": (0, NO_TIME),
    "zero as text": ("0", NO_TIME),
    "negative": ("-1", NO_TIME),
    "before WhatsApp": (1_230_767_999, NO_TIME),
    "milliseconds in 1973": (100_000_000_000, NO_TIME),
    "in the next century": (4_102_444_800, NO_TIME),
    "in the first year": ("0001-01-01T00:00:00+14:00", NO_TIME),
    "in the last year": ("9999-12-31T23:59:59-14:00", NO_TIME),
    "on no day": ("2025-02-30 14:23:20", NO_TIME),
    "another form": ("14/11/2023 22:15", NO_TIME),
    "word": ("TIMESTAMP", NO_TIME),
    "long word": ("2023-11-14T22:15:00." + "0" * 5000, NO_TIME),
    "many digits": ("9" * 5000, NO_TIME),
    "infinite": (float("inf"), NO_TIME),
    "true": (True, NO_TIME),
    "object": ({"seconds": MOMENT}, NO_TIME),
    "list": ([MOMENT], NO_TIME),
}


@pytest.mark.parametrize(("value", "expected"), TIMES.values(), ids=TIMES.keys())
def test_times(value: Any, expected: int) -> None:
    assert seconds(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2023-11-15 03:45:00", MOMENT),
        ("2023-11-14T22:15:00Z", MOMENT),
        (str(MOMENT), MOMENT),
        ("0001-01-01 00:00:00", NO_TIME),
        ("9999-12-31 23:59:59", NO_TIME),
    ],
    ids=["without a zone", "with a zone", "seconds", "in the first year", "in the last year"],
)
def test_a_time_without_a_zone_is_in_the_one_that_is_named(value: str, expected: int) -> None:
    assert seconds(value, "Asia/Kolkata") == expected


@pytest.mark.parametrize(
    ("value", "as_identifier", "as_number"),
    [
        ("a|b", "a|b", None),
        (" a ", "a", None),
        ("nullable", "nullable", None),
        ("007", "007", 7),
        (7, "7", 7),
        (0, "0", 0),
        (-7, "-7", -7),
        (7.9, None, 7),
        (27820000001.0, "27820000001", 27820000001),
        (1e16, None, 10**16),
        ("7.9", "7.9", 7),
        ("-7", "-7", -7),
        ("\u0667", "\u0667", None),
        ("9" * 21, "9" * 21, None),
        ("1e2", "1e2", 100),
        ("9e99", "9e99", None),
        ("7,9", "7,9", None),
        (10**20, str(10**20), None),
        (-(10**20), str(-(10**20)), None),
        (10**20 - 1, str(10**20 - 1), 10**20 - 1),
        (1e300, None, None),
        (float("inf"), None, None),
        (float("nan"), None, None),
        (True, None, None),
        ([7], None, None),
        ({}, None, None),
    ],
    ids=repr,
)
def test_values(value: Any, as_identifier: str | None, as_number: int | None) -> None:
    assert not blank(value)
    assert number(value) == as_number
    assert identifier(value) == as_identifier


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("27820000001", "27820000001"),
        (27820000001, "27820000001"),
        ("+27820000001", "27820000001"),
        (" +27 82 000 0001 ", "27820000001"),
        ("+27 (82) 000-0001", "27820000001"),
        ("(+27) 82.000.0001", "27820000001"),
        ("+27\u00a082\u2011000\u20130001", "27820000001"),
        ("\u202a+27 82 000 0001\u202c", "27820000001"),
        ("27820000001.0", "27820000001"),
        ("+27820000001.00", "27820000001"),
        ("27820000001.5", None),
        ("+", None),
        ("()", None),
        ("27+82", None),
        ("++2782", None),
        ("\u0662\u0667", None),
        ("ZA.7", None),
        ("27820000001 ext 5", None),
        ("", None),
        (None, None),
        ([27], None),
    ],
    ids=repr,
)
def test_phone_numbers(value: Any, expected: str | None) -> None:
    assert digits(value) == expected


DEGREES = {
    "text": ("37.536033630371094", "37.536033630371094"),
    "trailing zero": ("-33.90", "-33.90"),
    "spaces": (" 1.5\n", "1.5"),
    "plus sign": ("+1.5", "1.5"),
    "no digit before the point": (".5", "0.5"),
    "no digit behind it": ("5.", "5"),
    "exponent": ("1.5e-7", "0.00000015"),
    "whole number": (-33, "-33"),
    "number": (18.5, "18.5"),
    "small number": (1e-7, "0.0000001"),
    "at the pole": ("90.0", "90.0"),
    "beyond the pole": ("90.01", None),
    "far beyond": ("9e99", None),
    "infinite": (float("inf"), None),
    "not a number": (float("nan"), None),
    "word": ("north", None),
    "comma": ("33,5", None),
    "minutes": ("33 52", None),
    "other digits": ("\u0667", None),
    "point alone": (".", None),
    "empty": ("", None),
    "null": (None, None),
    "null as text": ("null", None),
    "true": (True, None),
    "list": ([1], None),
    "endless": ("1." + "0" * 41, None),
}


@pytest.mark.parametrize(("value", "expected"), DEGREES.values(), ids=DEGREES.keys())
def test_degrees(value: Any, expected: str | None) -> None:
    assert degrees(value, MAX_LATITUDE) == expected


@pytest.mark.parametrize(("value", "expected"), [("-180", "-180"), ("180.5", None)])
def test_longitude_goes_further(value: str, expected: str | None) -> None:
    assert degrees(value, MAX_LONGITUDE) == expected


BRACKETS: list[tuple[Any, str]] = [
    (None, "[ad]"),
    ({}, "[ad]"),
    ("new\n\nline", "[ad: new line]"),
    ({"a": 1, "b": {"c": ["x", None]}}, "[ad: a: 1, b.c: x]"),
]


@pytest.mark.parametrize(("value", "expected"), BRACKETS, ids=repr)
def test_in_brackets_is_one_line(value: Any, expected: str) -> None:
    assert in_brackets("ad", value) == expected


MEMBERS: list[tuple[dict[str, Any], str, str]] = [
    ({"text": "x", "image": {}}, "text", "text"),
    ({"text": "x", "image": {}}, "image", "text"),
    ({"text": "x"}, "poll", "text"),
    ({"text": "x"}, "", "text"),
    ({"image": {"a": 1}, "text": "x"}, "", "text"),
    ({"poll": 1, "text": "x"}, "poll", "text"),
    ({"poll": 1}, "poll", "poll"),
    ({"text": None}, "poll", "poll"),
    ({"poll": 1}, "POLL", "poll"),
    ({"Poll": 1}, "poll", "Poll"),
    ({"Poll": 1, "text": "x"}, "poll", "text"),
    ({}, "", ""),
]


@pytest.mark.parametrize(("message", "named", "expected"), MEMBERS, ids=repr)
def test_member_of(message: dict[str, Any], named: str, expected: str) -> None:
    assert member_of(message, named, ("text", "image")) == expected


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        ("+/8=", b"\xfb\xff"),
        ("+/8", b"\xfb\xff"),
        ("-_8", b"\xfb\xff"),
        ("-_8=", b"\xfb\xff"),
        (" +/\r\n8=\n", b"\xfb\xff"),
        ("", b""),
    ],
    ids=repr,
)
def test_from_base64(packed: str, expected: bytes) -> None:
    assert from_base64(packed) == expected


@pytest.mark.parametrize("packed", ["!", "a", "+/8=+/8=", "d\u00e9ja"], ids=repr)
def test_what_is_no_base64(packed: str) -> None:
    with pytest.raises(ValueError, match=r"base64|padding|ASCII|characters"):
        from_base64(packed)
