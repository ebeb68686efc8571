from typing import Any

import pytest

from whatsapp_bridge.clevertap.callbacks import Button, Location, Text
from whatsapp_bridge.providers.common.contents import (
    Content,
    interactive,
    order,
    placed,
    reaction,
    said,
    tapped,
    told,
    unknown,
    with_asides,
)


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


def tap(payload: str, label: str) -> Content:
    return "button", Button(payload=payload, text=label)


FORM = '{"size": "M", "flow_token": "t"}'
INTERACTIVE: dict[str, tuple[Any, Content | None]] = {
    "a button": ({"type": "button_reply", "button_reply": {"id": "b", "title": "Yes"}}, tap("b", "Yes")),
    "an entry": (
        {"type": "list_reply", "list_reply": {"id": "l", "title": "Express", "description": "Tomorrow"}},
        tap("l", "Express\nTomorrow"),
    ),
    "an entry without an id": (
        {"list_reply": {"title": "Express", "description": "Now"}},
        tap("Express", "Express\nNow"),
    ),
    "an entry without a title": ({"list_reply": {"id": "l", "description": "Now"}}, tap("l", "Now")),
    "JSON in a text": ('{"button_reply": "{\\"id\\": 1, \\"title\\": \\"Yes\\"}"}', tap("1", "Yes")),
    "another type than its content": ({"type": "new", "button_reply": {"id": "b", "title": "Yes"}}, tap("b", "Yes")),
    "a form": ({"type": "nfm_reply", "nfm_reply": {"response_json": FORM, "body": "Sent"}}, told(["size: M"])),
    "a form of its token alone": (
        {"nfm_reply": {"response_json": {"flow_token": "t"}, "body": "Sent"}},
        told(["Sent"]),
    ),
    "a form of nothing but its token": ({"nfm_reply": {"response_json": {"flow_token": "t"}}}, told(["[form]"])),
    "a form that is no JSON": ({"nfm_reply": {"response_json": "{size"}}, told(["{size"])),
    "another type": ({"type": "new", "new": {"a": 1}}, told(["[interactive]", "type: new", "new.a: 1"])),
    "no object": ([1], told(["[interactive]", "1"])),
    "nothing": (None, told(["[interactive]"])),
    "a button whose members stand beside its type": ({"type": "button_reply", "id": "b", "title": "Y"}, tap("b", "Y")),
    "a form whose members stand beside its type": (
        {"type": "nfm_reply", "response_json": FORM, "body": "Sent"},
        told(["size: M"]),
    ),
    "a button of nothing": ({"type": "button_reply", "button_reply": {}}, None),
    "a form of nothing": ({"type": "nfm_reply"}, None),
}


@pytest.mark.parametrize(("value", "expected"), INTERACTIVE.values(), ids=INTERACTIVE.keys())
def test_interactive(value: Any, expected: Content | None) -> None:
    assert interactive(value) == expected


REACTIONS: list[tuple[Any, str | None]] = [
    ({"message_id": "x", "emoji": "+"}, "+"),
    ('{"emoji": "+"}', "+"),
    ("+", "+"),
    ({"message_id": "x"}, "[reaction removed]"),
    ({"message_id": "x", "emoji": ""}, "[reaction removed]"),
    ({}, None),
    (None, None),
    ("", None),
]


@pytest.mark.parametrize(("value", "expected"), REACTIONS, ids=repr)
def test_reaction(value: Any, expected: str | None) -> None:
    assert reaction(value) == said(expected)


ORDERS: dict[str, tuple[Any, list[str]]] = {
    "words and products": (
        {
            "text": "Thanks",
            "product_items": [
                {"product_retailer_id": "p1", "quantity": 2, "item_price": 30, "currency": "ZAR"},
                {"product_retailer_id": 7, "item_price": "9.5"},
            ],
        },
        ["Thanks", "2 x p1, 30 ZAR", "1 x 7, 9.5"],
    ),
    "JSON in texts": ('{"product_items": "[{\\"product_retailer_id\\": \\"p\\"}]"}', ["1 x p"]),
    "one without a list": ({"product_items": {"product_retailer_id": "p"}}, ["1 x p"]),
    "entries of nothing": ({"product_items": [None, {}, "p"]}, []),
    "nothing": (None, []),
}


@pytest.mark.parametrize(("value", "expected"), ORDERS.values(), ids=ORDERS.keys())
def test_order(value: Any, expected: list[str]) -> None:
    assert order(value) == told(expected)


def test_what_no_table_names_is_told_whole() -> None:
    assert unknown("poll", '{"question": "Red?"}') == told(["[poll]", "question: Red?"])
    assert unknown("poll", None) == told(["[poll]"])


@pytest.mark.parametrize(
    ("kind", "content", "expected"),
    [
        ("button_reply", '{"id": "b", "title": "Yes"}', tap("b", "Yes")),
        ("list_reply", {"id": "l", "title": "Express"}, tap("l", "Express")),
        ("nfm_reply", {"response_json": FORM}, told(["size: M"])),
        ("nfm_reply", None, told(["[nfm_reply]"])),
    ],
)
def test_a_choice_or_form_under_its_own_name_is_one(kind: str, content: Any, expected: Content | None) -> None:
    assert unknown(kind, content) == expected


ASIDES = ["[ad]", "[offer]"]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (said("k"), said("k\n[ad]\n[offer]")),
        (tap("b", "Yes"), tap("b", "Yes\n[ad]\n[offer]")),
        (placed(1, 2), placed(1, 2, name="[ad]\n[offer]")),
        (placed(1, 2, name="Shop"), placed(1, 2, name="Shop\n[ad]\n[offer]")),
        (None, said("[ad]\n[offer]")),
    ],
    ids=["text", "button", "place", "place with a name", "nothing"],
)
def test_what_stands_beside_a_content_is_told_behind_its_words(found: Content | None, expected: Content) -> None:
    assert with_asides(found, ASIDES) == expected
    assert with_asides(found, []) == found
