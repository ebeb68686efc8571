"""Signed links: only what the bridge has made opens a file, and only for a while."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.world import START
from whatsapp_bridge.accounts.keys import AccountKeys
from whatsapp_bridge.media.links import ID_PATTERN, is_good, link, media_id

OLD, NEW, ANOTHER = "o" * 64, "n" * 64, "a" * 64
ACME = AccountKeys("acme", [OLD])
ROTATED = AccountKeys("acme", [NEW])
OTHER = AccountKeys("other", [OLD])
NOW, LONGEST = int(START), 30 * 86_400
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
    assert is_good(ACME, ID, QUERY, NOW, LONGEST)


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
    assert is_good(ACME, ID, QUERY, now, LONGEST) is good


@pytest.mark.parametrize(
    ("seconds", "good"),
    [
        pytest.param(LONGEST, True, id="as long as a link may be valid"),
        pytest.param(LONGEST + 1, False, id="longer"),
        pytest.param(10**11, False, id="for ever"),
        pytest.param(10**12, False, id="of more digits than a time has"),
        pytest.param(-1, False, id="over"),
        pytest.param(-NOW, False, id="at the beginning of time"),
        pytest.param(-NOW - 1, False, id="before it"),
    ],
)
def test_no_link_is_good_for_longer_than_links_are(seconds: int, good: bool) -> None:
    """Whoever has signed it."""
    made = link("https://bridge.example", ACME, ID, NOW + seconds)
    assert is_good(ACME, ID, dict(parse_qsl(urlsplit(made).query)), NOW, LONGEST) is good


@pytest.mark.parametrize(
    "expires", ["", "abc", "-1", "+1", "1e9", "1_000", "9" * 5000, "\u0661" * 10, "\ud800", " 1", "0", "007"]
)
def test_a_signed_time_that_is_none(expires: str) -> None:
    (digest,) = ACME.digests(f"media-link:acme/{ID}?{expires}".encode("utf-8", "surrogatepass"))
    assert not is_good(ACME, ID, {"expires": expires, "signature": digest.hex()}, NOW, 10**9)


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
    assert not is_good(ACME, ID, query, NOW, LONGEST)


@pytest.mark.parametrize(
    ("whose", "identifier"),
    [
        pytest.param(ACME, media_id(ACME, "message-2"), id="another file"),
        pytest.param(ACME, ID[:-1], id="part of its id"),
        pytest.param(OTHER, ID, id="another account"),
        pytest.param(ROTATED, ID, id="the key has changed"),
    ],
)
def test_it_opens_no_other(whose: AccountKeys, identifier: str) -> None:
    assert not is_good(whose, identifier, QUERY, NOW, LONGEST)


@pytest.mark.parametrize(
    ("signing_keys", "good"),
    [
        pytest.param([OLD, NEW], True, id="the first"),
        pytest.param([NEW, OLD], True, id="another"),
        pytest.param([NEW, ANOTHER], False, id="none"),
    ],
)
def test_it_works_while_the_stack_has_its_key(signing_keys: list[str], good: bool) -> None:
    assert is_good(AccountKeys("acme", signing_keys), ID, QUERY, NOW, LONGEST) is good


def test_what_else_is_signed_is_no_link() -> None:
    """The key also makes ids and pseudonyms; none of them passes for a signature."""
    for made in (media_id(ACME, f"acme/{ID}?{EXPIRES}"), ACME.pseudonym(f"acme/{ID}?{EXPIRES}")):
        assert not is_good(ACME, ID, {"expires": str(EXPIRES), "signature": made}, NOW, LONGEST)


def test_ids() -> None:
    assert re.fullmatch(ID_PATTERN, ID)
    assert media_id(ACME, "message-1") == ID
    assert len({ID, media_id(ACME, "message-2"), media_id(ROTATED, "message-1")}) == 3
    assert "message" not in MADE
