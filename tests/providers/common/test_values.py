from typing import Any

import pytest

from whatsapp_bridge.providers.common.values import MAX_LATITUDE, MAX_LONGITUDE, blank, degrees, identifier, number


@pytest.mark.parametrize("value", [None, "", " ", "null", " null "], ids=repr)
def test_blank(value: Any) -> None:
    assert blank(value)
    assert identifier(value) is None
    assert number(value) is None


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
        ("7.9", "7.9", None),
        ("-7", "-7", None),
        ("\u0667", "\u0667", None),
        ("9" * 21, "9" * 21, None),
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
