"""media: only a good link leads to a file, whatever else is asked."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.conftest import Log
from tests.support.world import PUBLIC_URL, SIGNING_KEY, TOKEN, World, account, keys_of, signing_key, world
from whatsapp_bridge.accounts.keys import AccountKeys, SigningKeyInvalid
from whatsapp_bridge.flows.show_media import FORBIDDEN, Shown
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.media.links import link, media_id

OLD, NEW = json.loads(SIGNING_KEY)["key"], "n" * 64
ACME, NEW_ACME = keys_of(), AccountKeys("acme", [NEW])
ID = media_id(ACME, "message-1")


@pytest.fixture
def made() -> Iterator[World]:
    with world(acme=account(), other=account(callback_token="v" * 40)) as fresh:
        yield fresh


def made_link(made: World, owner: Any = ACME, seconds: int = 60) -> str:
    return link(PUBLIC_URL, owner, ID, int(made.now) + seconds)


def follow(made: World, address: str, **changes: str) -> Shown:
    """What a link is answered; `changes` are members of its path and query that are put in place of its own."""
    parts = urlsplit(address)
    _, account_name, _, identifier = parts.path.split("/")
    query = dict(parse_qsl(parts.query))
    asked = {"account": account_name, "id": identifier, **query, **changes}
    with made.invocation():
        return made.show_media(asked.pop("account"), asked.pop("id"), asked)


def test_shown(made: World, counted: Callable[[], dict[str, int]], log: Log) -> None:
    made.show_media._media.put("acme", ID, File(b"content", "image/png", "a.png"))
    shown = follow(made, made_link(made))
    assert (shown.status, shown.body) == (302, "")
    assert shown.location is not None
    assert urlsplit(shown.location).path.endswith(f"/media/acme/{ID}")
    assert counted() == {"MediaShown": 1}
    assert log.text == ""


def test_head_leads_to_an_address_for_head(made: World, counted: Callable[[], dict[str, int]]) -> None:
    """S3's signature covers the method: an address for GET answers HEAD with 403."""
    query = dict(parse_qsl(urlsplit(made_link(made)).query))
    with made.invocation():
        for_get, for_head = (made.show_media("acme", ID, query, head=head) for head in (False, True))
    assert for_head.location is not None
    assert for_get.location is not None
    assert urlsplit(for_head.location).path == urlsplit(for_get.location).path
    signed = [dict(parse_qsl(urlsplit(each.location).query)) for each in (for_get, for_head)]
    assert signed[0] != signed[1]
    assert signed[0].keys() == signed[1].keys()
    assert (for_head.status, for_head.body) == (302, "")
    assert counted() == {"MediaShown": 1}


def test_one_call_to_aws_at_first_and_none_after(made: World) -> None:
    for _ in range(2):
        assert follow(made, made_link(made)).status == 302
    assert made.steps == ["before GetSecretValue", "after GetSecretValue"]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"account": "other"}, id="another account"),
        pytest.param({"account": "nobody"}, id="no such account"),
        pytest.param({"account": "../acme"}, id="no name of an account"),
        pytest.param({"account": ""}, id="no account"),
        pytest.param({"id": media_id(ACME, "message-2")}, id="another file"),
        pytest.param({"id": "../../payloads/secret"}, id="a path"),
        pytest.param({"id": ID.upper()}, id="id in capitals"),
        pytest.param({"id": ID + "\n"}, id="id and a new line"),
        pytest.param({"id": ""}, id="no id"),
        pytest.param({"signature": "0" * 64}, id="another signature"),
        pytest.param({"expires": "4102444800"}, id="a longer time"),
        pytest.param({"expires": "garbage"}, id="no time"),
        pytest.param({"expires": ""}, id="an empty time"),
        pytest.param({"expires": "9" * 5000}, id="a time of thousands of digits"),
        pytest.param({"expires": "-1"}, id="a time below nothing"),
        pytest.param({"expires": "\u0661"}, id="digit of another script"),
        pytest.param({"account": "\ud800"}, id="no character as account"),
    ],
)
def test_forbidden(made: World, log: Log, counted: Callable[[], dict[str, int]], changes: dict[str, str]) -> None:
    assert follow(made, made_link(made), **changes) == FORBIDDEN
    assert counted() == {"MediaForbidden": 1}
    assert log.text == ""


def test_without_a_query(made: World) -> None:
    assert follow(made, made_link(made).partition("?")[0]) == FORBIDDEN


def test_expired(made: World) -> None:
    address = made_link(made, seconds=60)
    made.now += 59
    assert follow(made, address).status == 302
    made.now += 1
    assert follow(made, address) == FORBIDDEN


def test_no_account_s_secret_is_read(made: World) -> None:
    """Names that anybody may make up cost nothing."""
    assert follow(made, made_link(made)).status == 302
    made.steps.clear()
    for name in ("acme", "other", "nobody", *(f"made-up-{number}" for number in range(50))):
        assert follow(made, made_link(made), account=name, signature="0" * 64) == FORBIDDEN
    assert made.steps == []


@pytest.mark.parametrize("account_is", ["given another token", "removed"])
def test_a_link_outlives_the_account_s_tokens(made: World, account_is: str) -> None:
    address = made_link(made, seconds=86_400)
    if account_is == "removed":
        made.secrets.delete_secret(SecretId="test/accounts/acme", ForceDeleteWithoutRecovery=True)
    else:
        made.change_account("acme", account(callback_token="u" * 40))
    made.now += 3600
    assert follow(made, address).status == 302


def test_nobody_signs_with_a_callback_token(made: World) -> None:
    for key in (TOKEN, account()["provider"]["api_key"], "pass"):
        assert follow(made, made_link(made, AccountKeys("acme", [key]))) == FORBIDDEN


def test_a_new_key_ends_all_links(made: World) -> None:
    address = made_link(made, seconds=3600)
    assert follow(made, address).status == 302
    made.change_signing_key(signing_key(NEW))
    made.now += 301
    assert follow(made, address) == FORBIDDEN


def test_a_link_is_good_for_as_long_as_files_are_kept(made: World) -> None:
    days = int(made.deployment.functions["ForwardFunction"].environment["MEDIA_TTL_DAYS"])
    assert follow(made, made_link(made, seconds=days * 86_400)).status == 302
    assert follow(made, made_link(made, seconds=days * 86_400 + 1)) == FORBIDDEN


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [pytest.param(14, False, id="asked a moment ago"), pytest.param(16, True, id="asked again")],
)
def test_a_link_made_with_a_key_that_forward_knew_first(made: World, seconds: int, shown: bool) -> None:
    assert follow(made, made_link(made)).status == 302
    made.change_signing_key(signing_key(NEW, OLD))
    made.now += seconds
    assert (follow(made, made_link(made, NEW_ACME)).status == 302) is shown


@pytest.mark.parametrize("text", ["Canary", "{}", '{"key": "Canary"}'])
def test_a_broken_signing_key_is_our_own_fault(made: World, text: str) -> None:
    made.change_signing_key(text)
    with pytest.raises(SigningKeyInvalid) as raised:
        follow(made, made_link(made))
    assert "Canary" not in str(raised.value)
