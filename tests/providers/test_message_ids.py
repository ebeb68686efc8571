"""Ids of WhatsApp's are compared by their token; what is stored and logged of them says nothing of a person."""

from base64 import b64encode

import pytest

from local.sandbox.wamids import PREFIX, wamid
from tests.support.world import SIGNING_KEY, account, account_of, keys_of, signing_key
from whatsapp_bridge.accounts.keys import AccountKeys, read_signing_keys
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.common.message_ids import forms, hidden, kept, made_of, token

PERSON, BUSINESS, USER = "27820000001", "27999000001", "ZA.1029384756102938475610"
TOKEN = "0123456789ABCDEF01"


def encoded(raw: bytes) -> str:
    return PREFIX + b64encode(raw).decode()


RAW = b"\x1c\x18\x0b" + PERSON.encode() + b"\x15\x02\x00\x11\x18\x12" + TOKEN.encode() + b"\x00"


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(wamid(PERSON, TOKEN), id="the same"),
        pytest.param(wamid(USER, TOKEN), id="by the user id"),
        pytest.param(wamid(BUSINESS, TOKEN, sent=False), id="as the person's side names it"),
        pytest.param(wamid(PERSON, TOKEN).removeprefix(PREFIX), id="without its prefix"),
        pytest.param(wamid(PERSON, TOKEN).rstrip("="), id="without padding"),
        pytest.param(wamid(PERSON, TOKEN).replace("+", "-").replace("/", "_"), id="in the alphabet of addresses"),
        pytest.param(encoded(RAW.replace(b"\x15\x02", b"\x15\x82\x01")), id="of a kind that is not known"),
    ],
)
def test_ids_of_one_message_are_equal(other: str) -> None:
    assert token(other) == TOKEN
    assert hidden("acme", other) == hidden("acme", encoded(RAW))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(wamid(PERSON, TOKEN[:-1] + "2"), id="another token"),
        pytest.param(wamid(PERSON, ""), id="no token"),
        pytest.param(encoded(RAW[:-1]), id="cut off"),
        pytest.param(encoded(RAW + b"\x00"), id="with more behind it"),
        pytest.param(encoded(RAW.replace(b"\x18\x12", b"\x19\x12")), id="another type"),
        pytest.param(encoded(RAW.replace(b"\x00\x11", b"\x00\x13")), id="sent by neither"),
        pytest.param(encoded(RAW.replace(b"\x18\x12", b"\x18\x7f")), id="longer than it is"),
        pytest.param(encoded(b"\x00\x11\x86\x16\x50\x55\x51\x23\x4f\x02\x0a" + bytes(10)), id="of the older form"),
        pytest.param(PREFIX + "HBgL!", id="no base64"),
        pytest.param(PREFIX + "HBg", id="the beginning alone"),
        pytest.param(PREFIX, id="nothing"),
        pytest.param(PREFIX + "in1", id="made up"),
    ],
)
def test_an_id_that_does_not_decode_is_equal_to_itself_alone(other: str) -> None:
    assert hidden("acme", other) == hidden("acme", other)
    assert hidden("acme", other) != hidden("acme", encoded(RAW))


def older(first: int, number: str) -> str:
    """An id of the form that Meta's older samples have: the number in half bytes, an odd one filled up with f."""
    packed = bytes.fromhex(number + "f" * (len(number) % 2))
    raw = bytes([first, 0x11, len(packed) | 0x80 * (len(number) % 2)]) + packed + b"\x02\x09" + bytes(range(10))
    return b64encode(raw).decode().rstrip("=")


OLDER = [older(first, number) for first in (0x00, 0x80) for number in (PERSON, PERSON + "0")]


def test_the_older_form_is_that_of_the_samples() -> None:
    assert [message_id[:4] for message_id in OLDER] == ["ABGG", "ABEG", "gBGG", "gBEG"]


@pytest.mark.parametrize(
    "message_id",
    [
        *(wamid(PERSON, TOKEN), wamid(USER, TOKEN), PREFIX + "in1", *OLDER, *(PREFIX + each for each in OLDER)),
        wamid(PERSON, TOKEN).removeprefix(PREFIX)[:40],
    ],
)
def test_an_id_of_whatsapp_is_hidden(message_id: str) -> None:
    shown = hidden("acme", message_id)
    assert shown.startswith("wamid-")
    assert TOKEN not in shown
    assert hidden("acme", shown) == shown
    assert hidden("other", message_id) != shown
    assert forms("acme", message_id) == [shown, message_id], "items of the version before have the id as it is"


@pytest.mark.parametrize(
    "message_id",
    [
        *("api-1", "5f0c1e6a7b8d4c2f9a10b2c3d4e5f601", "3000000000000000001-5", "k" * 1024),
        *("ABE0F1A2B3C4D5E6F7A8B9C0D1E2F3A4", "ABGG", "gBGGa", "ABGG" + "/" * 40),
    ],
)
def test_other_ids_stay_as_they_are(message_id: str) -> None:
    assert hidden("acme", message_id) == message_id
    assert forms("acme", message_id) == [message_id]


@pytest.mark.parametrize("message_id", ["k" * 1025, "ü" * 513, "\ud800" * 513])
def test_an_id_that_is_too_long_for_a_key_is_shortened(message_id: str) -> None:
    shown = hidden("acme", message_id)
    assert len(shown) == 69
    assert hidden("acme", shown) == shown
    assert hidden("acme", message_id + "k") != shown
    assert forms("acme", message_id) == [shown]


def test_an_id_of_whatsapp_that_is_too_long_is_found_in_one_form_that_is_a_key() -> None:
    assert all(len(form) <= 1024 for form in forms("acme", PREFIX + "k" * 5000))


def test_an_id_that_is_made_of_content_is_kept_under_the_account_s_keys() -> None:
    other_key = "k" * 64
    own = account_of("acme", account())
    other = parse_account("acme", account()).with_keys(keys_of("acme", signing_key(other_key)))
    both = parse_account("acme", account()).with_keys(AccountKeys("acme", [other_key, *read_signing_keys(SIGNING_KEY)]))
    yes = made_of(b"27820000001 yes")
    assert kept(own, yes) == kept(own, made_of(b"27820000001 yes"))
    assert len({yes, *kept(own, yes), *kept(other, yes), *kept(own, made_of(b"27820000002 yes"))}) == 4
    assert [hidden("acme", name) for name in kept(own, yes)] == kept(own, yes)
    assert kept(both, yes) == kept(other, yes) + kept(own, yes)


@pytest.mark.parametrize("message_id", ["api-1", wamid(PERSON, TOKEN), "k" * 1024])
def test_an_id_of_the_bsp_s_is_kept_as_it_is(message_id: str) -> None:
    assert kept(parse_account("acme", account()), message_id) == [message_id]
