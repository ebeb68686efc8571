"""The accounts' cache: how old an answer may be, and when Secrets Manager is asked again."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Log
from tests.support.world import BASIC, TOKEN, account
from whatsapp_bridge.accounts.account import Account, AccountInvalid
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.store.accounts import Accounts, AccountStale

NEW_TOKEN = "n" * 40


class Secrets:
    """Secrets Manager with these secrets; `asked` are the names it was asked for."""

    def __init__(self, **secrets: Any) -> None:
        self.secrets = secrets
        self.asked: list[str] = []
        self.error: str | None = None

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - botocore's spelling
        self.asked.append(SecretId)
        name = SecretId.removeprefix("stack/accounts/")
        code = self.error or (None if name in self.secrets else "ResourceNotFoundException")
        if code:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetSecretValue")
        secret = self.secrets[name]
        return secret if isinstance(secret, dict) and "SecretBinary" in secret else {"SecretString": json.dumps(secret)}

    def list_secrets(self, **asked: Any) -> dict[str, Any]:
        """In pages of two, with those of another stack."""
        self.asked.append("list")
        assert asked["Filters"] == [{"Key": "name", "Values": ["stack/accounts/"]}]
        names = [*(f"stack/accounts/{name}" for name in self.secrets), "stack/accounts-of-others/x"]
        begin = int(asked.get("NextToken", 0))
        page: dict[str, Any] = {"SecretList": [{"Name": name} for name in names[begin : begin + 2]]}
        return page | ({"NextToken": str(begin + 2)} if begin + 2 < len(names) else {})


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def accounts_of(secrets: Secrets) -> tuple[Accounts, Clock]:
    clock = Clock()
    return Accounts("stack/accounts/", parse_account, secrets, clock), clock


def with_token(accounts: Accounts, name: str, token: str) -> Account | None:
    return accounts.matching(name, lambda known: known.token_matches(token))


@pytest.mark.parametrize(
    ("name", "age", "asked"),
    [
        pytest.param("acme", 0, 1, id="known, at once"),
        pytest.param("acme", 299, 1, id="known, five minutes"),
        pytest.param("acme", 300, 2, id="known, later"),
        pytest.param("nobody", 29, 1, id="unknown, half a minute"),
        pytest.param("nobody", 30, 2, id="unknown, later"),
    ],
)
def test_age(name: str, age: float, asked: int) -> None:
    secrets = Secrets(acme=account())
    accounts, clock = accounts_of(secrets)
    first = accounts.get(name)
    clock.now += age
    second = accounts.get(name)
    assert secrets.asked == [f"stack/accounts/{name}"] * asked
    assert [found and found.name for found in (first, second)] == ([name] * 2 if name == "acme" else [None] * 2)


@pytest.mark.parametrize("name", ["", "Acme", "a" * 41, "../other", "a/b", "ä", "acme\n"])
def test_impossible_names_are_not_asked_for(name: str) -> None:
    secrets = Secrets(acme=account())
    accounts, _ = accounts_of(secrets)
    assert accounts.get(name) is None
    assert accounts.authenticated(name, BASIC) is None
    assert with_token(accounts, name, TOKEN) is None
    assert secrets.asked == []


@pytest.mark.parametrize(
    ("code", "known"),
    [
        pytest.param("ResourceNotFoundException", True, id="no such secret"),
        pytest.param("InvalidRequestException", True, id="secret marked for deletion"),
        pytest.param("AccessDeniedException", False, id="no permission"),
        pytest.param("ThrottlingException", False, id="throttled"),
    ],
)
def test_errors(code: str, known: bool) -> None:
    secrets = Secrets(acme=account())
    secrets.error = code
    accounts, _ = accounts_of(secrets)
    if known:
        assert accounts.get("acme") is None
        return
    with pytest.raises(ClientError):
        accounts.get("acme")
    # A failed answer is no answer: it is not cached.
    secrets.error = None
    assert accounts.get("acme") is not None


@pytest.mark.parametrize(
    ("secret", "field"),
    [
        pytest.param({"SecretBinary": b"x"}, "secret", id="binary"),
        pytest.param([], "secret", id="no object"),
        pytest.param(account(waba_number="x"), "waba_number", id="wrong field"),
    ],
)
def test_broken_secret_is_read_again_each_time(secret: Any, field: str) -> None:
    secrets = Secrets(acme=secret)
    accounts, _ = accounts_of(secrets)
    for _ in range(2):
        with pytest.raises(AccountInvalid) as raised:
            accounts.get("acme")
        assert raised.value.field == field
    secrets.secrets["acme"] = account()
    assert accounts.get("acme") is not None


@pytest.mark.parametrize(
    ("age", "found"),
    [
        pytest.param(14, False, id="just read"),
        pytest.param(15, True, id="old enough to be read again"),
    ],
)
def test_rotation_with_a_warm_cache(age: float, found: bool) -> None:
    secrets = Secrets(acme=account())
    accounts, clock = accounts_of(secrets)
    assert with_token(accounts, "acme", TOKEN)
    secrets.secrets["acme"] = account(callback_token=NEW_TOKEN)
    clock.now += age
    assert (with_token(accounts, "acme", NEW_TOKEN) is not None) is found
    assert (with_token(accounts, "acme", TOKEN) is None) is found


def test_wrong_credentials_do_not_read_again_and_again() -> None:
    secrets = Secrets(acme=account())
    accounts, clock = accounts_of(secrets)
    accounts.get("acme")
    clock.now += 15
    for _ in range(20):
        assert accounts.authenticated("acme", {"authorization": "Basic x"}) is None
        clock.now += 0.5
    assert len(secrets.asked) == 2


@pytest.mark.parametrize(
    ("headers", "name"),
    [pytest.param(BASIC, "acme", id="right"), pytest.param({}, None, id="none")],
)
def test_authenticated(headers: dict[str, str], name: str | None) -> None:
    accounts, _ = accounts_of(Secrets(acme=account()))
    found = accounts.authenticated("acme", headers)
    assert (found and found.name) == name


def test_the_cache_is_bounded() -> None:
    secrets = Secrets(acme=account())
    accounts, _ = accounts_of(secrets)
    accounts.get("acme")
    for number in range(999):
        accounts.get(f"unknown-{number}")
    accounts.get("acme")
    assert secrets.asked.count("stack/accounts/acme") == 1
    accounts.get("one-more")
    accounts.get("acme")
    # Names that anybody may make up do not drive out an account, which may be unreadable just then.
    assert secrets.asked.count("stack/accounts/acme") == 1
    assert len(accounts._cache) == 2


def test_an_account_that_was_deleted_is_gone_when_the_cache_is_old() -> None:
    secrets = Secrets(acme=account())
    accounts, clock = accounts_of(secrets)
    assert accounts.get("acme")
    del secrets.secrets["acme"]
    clock.now += 300
    assert accounts.get("acme") is None
    assert with_token(accounts, "acme", TOKEN) is None


@pytest.mark.parametrize(
    ("error", "secret"),
    [
        pytest.param("ThrottlingException", None, id="throttled"),
        pytest.param("AccessDeniedException", None, id="no permission any more"),
        pytest.param(None, account(callback_token="Canary"), id="broken by an edit"),
        pytest.param(None, [], id="not an object any more"),
    ],
)
def test_the_last_good_account_works_on(
    error: str | None, secret: Any, log: Log, counted: Callable[[], dict[str, int]]
) -> None:
    secrets = Secrets(acme=account())
    accounts, clock = accounts_of(secrets)
    assert with_token(accounts, "acme", TOKEN)
    secrets.error = error
    secrets.secrets["acme"] = account() if secret is None else secret
    clock.now += 300
    assert with_token(accounts, "acme", TOKEN)
    assert counted()["AccountsStale"] == 1
    assert "Canary" not in log.text
    # It is asked for again soon, but not for every request, and not for wrong tokens either.
    for _ in range(29):
        assert with_token(accounts, "acme", TOKEN)
        clock.now += 1
    assert len(secrets.asked) == 2
    secrets.error, secrets.secrets["acme"] = None, account(callback_token=NEW_TOKEN)
    clock.now += 1
    assert with_token(accounts, "acme", NEW_TOKEN)


def test_wrong_tokens_while_the_secret_cannot_be_read(counted: Callable[[], dict[str, int]]) -> None:
    secrets = Secrets(acme=account())
    accounts, clock = accounts_of(secrets)
    accounts.get("acme")
    secrets.error = "ThrottlingException"
    clock.now += 20
    for _ in range(10):
        # It may be a new one.
        with pytest.raises(AccountStale):
            with_token(accounts, "acme", "wrong")
    assert with_token(accounts, "acme", TOKEN)
    assert len(secrets.asked) == 2
    secrets.error = None
    clock.now += 15
    assert with_token(accounts, "acme", "wrong") is None


def test_names_of_all_accounts() -> None:
    secrets = Secrets(a={}, b={}, c={})
    accounts, clock = accounts_of(secrets)
    assert accounts.names() == accounts.names() == ["a", "b", "c"]
    assert secrets.asked == ["list", "list"]
    clock.now += 300
    secrets.secrets["d"] = {}
    assert accounts.names() == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("secrets", "error"),
    [
        pytest.param({"acme": {"provider": 1}}, None, id="broken"),
        pytest.param({"acme": account()}, "InternalServiceError", id="not to be read"),
        pytest.param({}, None, id="gone"),
    ],
)
def test_an_account_that_cannot_be_read_is_none(secrets: dict[str, Any], error: str | None) -> None:
    made = Secrets(**secrets)
    made.error = error
    accounts, _ = accounts_of(made)
    assert accounts.readable("acme") is None
