from typing import Any

import pytest

from whatsapp_bridge.providers.clickatell.values import blank, identifier, number


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
