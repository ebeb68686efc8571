from typing import Any

import pytest

from whatsapp_bridge.clevertap.callbacks import Button, Location, Text
from whatsapp_bridge.providers.common.contents import placed, said, tapped


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("k", "k"),
        (" \n", " \n"),
        ("null", "null"),
        (7, "7"),
        ({"a": 1}, '{"a":1}'),
        ("", None),
        (None, None),
        ({}, None),
    ],
    ids=repr,
)
def test_said(words: Any, expected: str | None) -> None:
    assert said(words) == (None if expected is None else ("text", Text(body=expected)))


@pytest.mark.parametrize(
    ("payload", "label", "expected"),
    [
        ("yes", "Yes", ("yes", "Yes")),
        (" yes ", "Yes ", (" yes ", "Yes ")),
        (3, "Yes", ("3", "Yes")),
        ({"a": 1}, "Yes", ('{"a":1}', "Yes")),
        ([1], "Yes", ("[1]", "Yes")),
        (None, "Yes", ("Yes", "Yes")),
        ("yes", "", ("yes", "yes")),
        ({}, "Yes", ("Yes", "Yes")),
        (None, [], None),
    ],
    ids=repr,
)
def test_tapped(payload: Any, label: Any, expected: tuple[str, str] | None) -> None:
    button = None if expected is None else ("button", Button(payload=expected[0], text=expected[1]))
    assert tapped(payload, label) == button


@pytest.mark.parametrize(
    ("latitude", "longitude", "name", "expected"),
    [
        ("-33.9", 18.6, "Shop", Location(latitude="-33.9", longitude="18.6", name="Shop")),
        ("0", "0", 7, Location(latitude="0", longitude="0", name="7")),
        (1, 2, "null", Location(latitude="1", longitude="2")),
        (1, 2, " ", Location(latitude="1", longitude="2")),
        ("LATITUDE", 2, "Shop", None),
        (91, 2, "Shop", None),
        (1, None, "Shop", None),
    ],
    ids=repr,
)
def test_placed(latitude: Any, longitude: Any, name: Any, expected: Location | None) -> None:
    assert placed(latitude, longitude, name=name) == (None if expected is None else ("location", expected))
