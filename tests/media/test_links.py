"""Signed links: only what the bridge has made opens a file, and only for a while."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.world import START, TOKEN, account
from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.media.links import ID_PATTERN, is_good, link, media_id
from whatsapp_bridge.providers.accounts import parse_account

ACME = parse_account("acme", account())
ROTATED = parse_account("acme", account(callback_token="u" * 40))
OTHER = parse_account("other", account())
NOW = int(START)
EXPIRES = NOW + 60
ID = media_id(ACME, "message-1")
MADE = link("https://bridge.example/base", ACME, ID, EXPIRES)
QUERY = dict(parse_qsl(urlsplit(MADE).query))


def test_link() -> None:
    parts = urlsplit(MADE)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"https://bridge.example/base/acme/media/{ID}"
    assert QUERY.keys() == {"expires", "signature"}
    assert QUERY["expires"] == str(EXPIRES)
    assert len(QUERY["signature"]) == 64
    assert is_good(ACME, ID, QUERY, NOW)


@pytest.mark.parametrize(
    ("now", "good"),
    [
        pytest.param(NOW, True, id="new"),
        pytest.param(EXPIRES - 0.1, True, id="just in time"),
        pytest.param(EXPIRES, False, id="expired"),
        pytest.param(EXPIRES + 86_400, False, id="long expired"),
    ],
)
def test_time(now: float, good: bool) -> None:
    assert is_good(ACME, ID, QUERY, now) is good


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"signature": QUERY["signature"][::-1]}, id="another signature"),
        pytest.param({"signature": QUERY["signature"].upper()}, id="in capitals"),
        pytest.param({"signature": QUERY["signature"][:-1]}, id="cut off"),
        pytest.param({"signature": ""}, id="empty signature"),
        pytest.param({"signature": "ü\ud800"}, id="not ASCII"),
        pytest.param({"signature": None}, id="no signature"),
        pytest.param({"expires": str(EXPIRES + 1)}, id="a longer time"),
        pytest.param({"expires": f"0{EXPIRES}"}, id="the same time in other words"),
        pytest.param({"expires": f" {EXPIRES}"}, id="a space before"),
        pytest.param({"expires": "never"}, id="no time"),
        pytest.param({"expires": "9" * 5000}, id="a time without end"),
        pytest.param({"expires": "1e99"}, id="a number that is no whole one"),
        pytest.param({"expires": "\u0663"}, id="digit of another script"),
        pytest.param({"expires": "\ud800"}, id="no character"),
        pytest.param({"expires": ""}, id="empty time"),
        pytest.param({"expires": None}, id="no expiry"),
        pytest.param({"expires": None, "signature": None}, id="nothing"),
        # API Gateway puts the values of a name that comes twice behind each other.
        pytest.param({"expires": f"{EXPIRES},{EXPIRES + 1}"}, id="two expiries"),
    ],
)
def test_changed(changes: dict[str, Any]) -> None:
    query = {name: value for name, value in {**QUERY, **changes}.items() if value is not None}
    assert not is_good(ACME, ID, query, NOW)


@pytest.mark.parametrize(
    ("whose", "identifier"),
    [
        pytest.param(ACME, media_id(ACME, "message-2"), id="another file"),
        pytest.param(ACME, ID[:-1], id="part of its id"),
        pytest.param(OTHER, ID, id="another account with the same token"),
        pytest.param(ROTATED, ID, id="the token has changed"),
    ],
)
def test_it_opens_no_other(whose: Account, identifier: str) -> None:
    assert not is_good(whose, identifier, QUERY, NOW)


@pytest.mark.parametrize(
    ("tokens", "good"),
    [
        pytest.param([TOKEN, "u" * 40], True, id="the first"),
        pytest.param(["u" * 40, TOKEN], True, id="another"),
        pytest.param(["u" * 40, "v" * 40], False, id="none"),
    ],
)
def test_it_works_while_the_account_has_its_token(tokens: list[str], good: bool) -> None:
    assert is_good(parse_account("acme", account(callback_token=tokens)), ID, QUERY, NOW) is good


def test_what_else_is_signed_is_no_link() -> None:
    """The token also makes ids and pseudonyms; none of them passes for a signature."""
    for made in (media_id(ACME, f"acme/{ID}?{EXPIRES}"), ACME.pseudonym(f"acme/{ID}?{EXPIRES}")):
        assert not is_good(ACME, ID, {"expires": str(EXPIRES), "signature": made}, NOW)


def test_ids() -> None:
    assert re.fullmatch(ID_PATTERN, ID)
    assert media_id(ACME, "message-1") == ID
    assert len({ID, media_id(ACME, "message-2"), media_id(ROTATED, "message-1")}) == 3
    assert "message" not in MADE
