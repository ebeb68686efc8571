"""Who reads the table finds no token that can be used, and no password that can be tried out."""

from typing import Any

import pytest

from tests.providers.message_central.samples import secret
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.message_central.kept_tokens import opened, place, sealed
from whatsapp_bridge.providers.message_central.settings import Account


def account(**changes: Any) -> Account:
    read: Account = parse_account("acme", secret() | changes)
    return read


OWN = account()
OTHERS = {
    "another password": account(provider=secret()["provider"] | {"password": "private-other"}),
    "another user": account(provider=secret()["provider"] | {"customer_id": "private-other"}),
    "another address": account(provider=secret("https://other.example")["provider"]),
    "another callback token": account(callback_token="another-token-another-token-0123456789"),
}


def test_a_token_comes_back() -> None:
    note = sealed(OWN, "a.private.token")
    assert opened(account(), note) == "a.private.token"
    assert "private" not in note + place(OWN)


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_token_belongs_to_the_credentials_that_asked_for_it(other: Account) -> None:
    assert place(other) != place(OWN)
    assert opened(other, sealed(OWN, "private")) is None


@pytest.mark.parametrize("note", ["a.private.token", "", " ", "AAAA", "\u00e9"])
def test_what_is_no_kept_token_is_none(note: str) -> None:
    assert opened(OWN, note) is None
