"""Numbers in notes: nobody reads, moves or forges one without the account's keys."""

import re
from base64 import b64decode, b64encode
from typing import Any

import pytest

from tests.conftest import Log
from tests.support.services import MemoryNotes
from whatsapp_bridge.accounts.keys import AccountKeys
from whatsapp_bridge.providers.common import hidden_numbers, user_ids

ANN, BEN, USER = "27820000001", "4915112345678", "ZA.1029384756102938475610"
OLD, NEW = "o" * 64, "n" * 64
PLACE = "user_id#0123456789abcdef0123456789abcdef"


def keys(*signing: str, account: str = "acme") -> AccountKeys:
    return AccountKeys(account, signing or [OLD])


def notes_with(place: str, text: str) -> Any:
    notes = MemoryNotes()
    notes.put("acme", place, text, 60)
    return notes


@pytest.mark.parametrize("number", [ANN, BEN, "1", "9" * 15, "0027820000001"])
def test_a_number_comes_back(number: str) -> None:
    text = hidden_numbers.text_of(keys(), PLACE, number)
    assert hidden_numbers.number_at(notes_with(PLACE, text), keys(), [PLACE]) == number


def test_the_same_number_in_the_same_place_is_the_same_text() -> None:
    """So that a note that is kept again need not be written again."""
    assert hidden_numbers.text_of(keys(), PLACE, ANN) == hidden_numbers.text_of(keys(), PLACE, ANN)


def test_a_text_says_nothing() -> None:
    made = [
        hidden_numbers.text_of(of, place, number)
        for of in (keys(), keys(NEW), keys(account="other"))
        for place in (PLACE, PLACE.replace("0", "1"))
        for number in (ANN, BEN, "1")
    ]
    assert len(set(made)) == len(made)
    assert {len(text) for text in made} == {len(made[0])}
    assert not [text for text in made if ANN in text or ANN.encode() in b64decode(text)]


TEXT = hidden_numbers.text_of(keys(), PLACE, ANN)
RAW = b64decode(TEXT)
BAD: dict[str, str] = {
    "another place's": hidden_numbers.text_of(keys(), PLACE + "0", ANN),
    "another account's": hidden_numbers.text_of(keys(account="other"), PLACE, ANN),
    "another key's": hidden_numbers.text_of(keys(NEW), PLACE, ANN),
    "a byte changed": b64encode(RAW[:-1] + bytes([RAW[-1] ^ 1])).decode(),
    "cut off": b64encode(RAW[:-1]).decode(),
    "the tag alone": b64encode(RAW[:16]).decode(),
    "shorter than a tag": b64encode(RAW[:5]).decode(),
    "nothing": "",
    "a number, as it was hidden before": str(int(ANN) ^ 0x0123456789ABCDEF),
    "no base64": "Canary!",
    "not ASCII": "ü",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_a_text_that_the_account_has_not_made_is_no_note(text: str, log: Log) -> None:
    assert hidden_numbers.number_at(notes_with(PLACE, text), keys(), [PLACE]) is None
    assert log.messages() == ["note of a number is under none of the account's keys"]
    assert not [private for private in (ANN, "Canary", TEXT) if private in log.text]


def test_the_next_place_is_looked_at_where_one_has_no_good_note() -> None:
    notes = notes_with("first", "Canary")
    hidden_numbers.put(notes, keys(), "second", ANN)
    assert hidden_numbers.number_at(notes, keys(), ["first", "second"]) == ANN
    # It is in the first place from now on.
    assert hidden_numbers.number_at(notes, keys(), ["first"]) == ANN


def test_a_number_goes_over_to_the_first_key() -> None:
    notes: Any = MemoryNotes()
    user_ids.keep(notes, "acme", user_ids.note_of(keys(OLD), USER, ANN))
    assert user_ids.number_of(notes, keys(NEW), USER) is None
    assert user_ids.number_of(notes, keys(NEW, OLD), USER) == ANN
    assert user_ids.number_of(notes, keys(NEW), USER) == ANN


def test_a_note_in_the_first_place_under_another_key_goes_over_too() -> None:
    """As a function leaves it that knows the places of a newer list of keys than its own."""
    notes: Any = MemoryNotes()
    (place,) = user_ids.places(keys(NEW), USER)
    hidden_numbers.put(notes, keys(OLD), place, ANN)
    assert user_ids.number_of(notes, keys(NEW, OLD), USER) == ANN
    assert user_ids.number_of(notes, keys(NEW), USER) == ANN


def test_a_place_says_nothing_of_the_user_id() -> None:
    (place,) = user_ids.places(keys(), USER)
    assert re.fullmatch("user_id#[0-9a-f]{32}", place)
