"""What is made with the stack's signing key: apart for each account and each purpose, and known while it is rotated."""

import json
import re
from typing import Any

import pytest

from tests.support.world import SIGNING_KEY, account, signing_key
from whatsapp_bridge.accounts.account import AccountInvalid
from whatsapp_bridge.accounts.keys import AccountKeys, SigningKeyInvalid, read_signing_keys
from whatsapp_bridge.providers.accounts import parse_account

ANN, BEN = "27820000001", "27820000002"
OLD, NEW = "o" * 64, "n" * 64
PRIVATE = "Canary-" + "c" * 40


def keys(*signing: str, account_name: str = "acme") -> AccountKeys:
    return AccountKeys(account_name, signing)


# --- the stack's secret ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "read"),
    [
        pytest.param(SIGNING_KEY, (json.loads(SIGNING_KEY)["key"],), id="the samples'"),
        pytest.param(signing_key(NEW), (NEW,), id="one"),
        pytest.param(json.dumps({"key": NEW, "other_keys": []}), (NEW,), id="no others"),
        pytest.param(signing_key(NEW, OLD), (NEW, OLD), id="another"),
        pytest.param(signing_key(NEW, OLD, NEW), (NEW, OLD), id="one of them twice"),
        pytest.param("\ufeff" + json.dumps({"key": f" {NEW}\n"}), (NEW,), id="pasted along at its ends"),
    ],
)
def test_read(secret: str, read: tuple[str, ...]) -> None:
    assert read_signing_keys(secret) == read


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        pytest.param("", "secret: must be JSON", id="empty"),
        pytest.param(PRIVATE, "secret: must be JSON", id="the key alone"),
        pytest.param(json.dumps([PRIVATE]), "secret: must be a JSON object", id="a list"),
        pytest.param("{}", "key: must be 32 or more", id="no key"),
        pytest.param(json.dumps({"key": "Canary"}), "key: must be 32 or more", id="short"),
        pytest.param(json.dumps({"key": [PRIVATE]}), "key: must be 32 or more", id="a list as key"),
        pytest.param(json.dumps({"key": f"{PRIVATE} {PRIVATE}"}), "key: must be 32 or more", id="two words"),
        pytest.param(json.dumps({"key": PRIVATE + "ü"}), "key: must be 32 or more", id="not ASCII"),
        pytest.param(json.dumps({"key": NEW, "other_keys": PRIVATE}), "other_keys: must be a list", id="no list"),
        pytest.param(json.dumps({"key": NEW, "other_keys": [OLD, "Canary"]}), "other_keys.1: ", id="short other"),
        pytest.param(json.dumps({"key": NEW, "earlier": [PRIVATE]}), "nothing but key", id="another name"),
    ],
)
def test_no_signing_key(secret: str, said: str) -> None:
    with pytest.raises(SigningKeyInvalid, match=re.escape(said)) as raised:
        read_signing_keys(secret)
    assert "Canary" not in str(raised.value)


@pytest.mark.parametrize("name", ["keys", "_keys", "signing_key"])
def test_an_account_s_secret_cannot_bring_keys(name: str) -> None:
    with pytest.raises(AccountInvalid):
        parse_account("acme", account(**{name: [PRIVATE]}))


def test_without_the_stack_s_key_nothing_is_made() -> None:
    with pytest.raises(RuntimeError, match="does not read the stack's signing key"):
        _ = parse_account("acme", account()).keys


def test_what_is_printed_of_an_account_shows_no_key() -> None:
    owner = parse_account("acme", account()).with_keys(keys(PRIVATE))
    assert "Canary" not in f"{owner!r}{owner}{owner.keys!r}{owner.model_dump()}"


# --- what is made with it -------------------------------------------------------------------------------------------


def test_a_pseudonym_tells_people_apart_and_does_not_show_them() -> None:
    one, other = keys(OLD).pseudonym(ANN), keys(OLD).pseudonym(BEN)
    assert one != other
    assert one == keys(OLD).pseudonym(ANN)
    assert re.fullmatch("[0-9a-f]{32}", one)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(keys(NEW), id="another signing key"),
        pytest.param(keys(OLD, account_name="other"), id="another account"),
    ],
)
def test_what_others_make_is_another(other: AccountKeys) -> None:
    made: list[Any] = [[one.pseudonym(ANN), one.digests(b"x"), one.of_numbers()] for one in (keys(OLD), other)]
    assert not [mine for mine, theirs in zip(*made, strict=True) if mine == theirs]


def test_the_first_makes_it_and_the_others_find_it() -> None:
    rotating = keys(NEW, OLD)
    assert rotating.pseudonym(ANN) == keys(NEW).pseudonym(ANN)
    assert rotating.pseudonyms(ANN) == [keys(NEW).pseudonym(ANN), keys(OLD).pseudonym(ANN)]
    assert rotating.digests(b"x") == keys(NEW).digests(b"x") + keys(OLD).digests(b"x")
    assert rotating.of_numbers() == keys(NEW).of_numbers() + keys(OLD).of_numbers()


def test_a_key_that_encrypts_is_no_hash_that_is_shown() -> None:
    (key,), (digest,) = keys(OLD).of_numbers(), keys(OLD).digests(b"numbers")
    assert len(key) == 64
    assert digest not in (key[:32], key[32:])
