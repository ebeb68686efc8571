"""The accounts' cache: how old an answer may be, and when Secrets Manager is asked again."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Log
from tests.support.world import BASIC, TOKEN, account
from whatsapp_bridge.accounts.account import Account, AccountInvalid
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.store.accounts import Accounts, AccountStale, AccountUnread, BeyondBudget
from whatsapp_bridge.store.budget import Budget

NEW_TOKEN = "n" * 40


class Secrets:
    """Secrets Manager with these secrets; `asked` are the names it was asked for."""

    def __init__(self, **secrets: Any) -> None:
        self.secrets = secrets
        self.asked: list[str] = []
        self.error: str | None = None
        self.list_error: str | None = None
        self.not_listed: set[str] = set()
        """What was made in the last five minutes."""

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
        if self.list_error:
            raise ClientError({"Error": {"Code": self.list_error, "Message": "no"}}, "ListSecrets")
        assert asked["Filters"] == [{"Key": "name", "Values": ["stack/accounts/"]}]
        names = [
            *(f"stack/accounts/{name}" for name in self.secrets if name not in self.not_listed),
            "stack/accounts-of-others/x",
        ]
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
    accounts, clock = accounts_of(secrets)
    if known:
        assert accounts.get("acme") is None
        return
    with pytest.raises(ClientError):
        accounts.get("acme")
    # For two seconds nobody asks again.
    clock.now += 1.9
    with pytest.raises(AccountUnread, match=code):
        accounts.get("acme")
    assert secrets.asked == ["stack/accounts/acme"]
    clock.now += 0.1
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
def test_a_broken_secret_is_read_again_soon_but_not_for_each_request(
    secret: Any, field: str, counted: Callable[[], dict[str, int]]
) -> None:
    secrets = Secrets(acme=secret)
    accounts, clock = accounts_of(secrets)
    for _ in range(2):
        with pytest.raises(AccountInvalid) as raised:
            accounts.get("acme")
        assert raised.value.field == field
        for _ in range(10):
            with pytest.raises(AccountUnread, match=f"account acme: {field}: "):
                accounts.get("acme")
        clock.now += 2
    assert len(secrets.asked) == 2
    assert counted() == {"AccountsStale": 2}
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


@pytest.mark.parametrize("error", [None, "ThrottlingException"], ids=["unknown", "unread"])
def test_names_without_an_account_are_kept_while_they_are_good(error: str | None) -> None:
    secrets = Secrets(acme=account())
    accounts, clock = accounts_of(secrets)
    accounts.get("acme")
    secrets.error = error
    for number in range(1000):
        clock.now += 0.25
        with suppress(ClientError):
            accounts.get(f"unknown-{number}")
    # They do not drive out an account, which may be unreadable just then.
    assert accounts.get("acme")
    assert secrets.asked.count("stack/accounts/acme") == 1
    assert len(accounts._cache) == 1 + (120 if error is None else 8)


# --- names that strangers make up -----------------------------------------------------------------------------------


def with_budget(secrets: Secrets, at_once: int = 3, seconds: float = 10) -> tuple[Accounts, Clock]:
    clock = Clock()
    budget = Budget(at_once, seconds, clock)
    return Accounts("stack/accounts/", parse_account, secrets, clock, budget=budget), clock


def spend(accounts: Accounts) -> None:
    """All that the budget has."""
    for number in range(100):
        try:
            accounts.get(f"unknown-{number}")
        except BeyondBudget:
            return
    pytest.fail("it has no end")


def test_a_name_beyond_the_budget_is_not_asked_for(counted: Callable[[], dict[str, int]]) -> None:
    secrets = Secrets(acme=account())
    accounts, clock = with_budget(secrets)
    for number in range(3):
        assert accounts.get(f"unknown-{number}") is None
    for number in range(3, 100):
        with pytest.raises(BeyondBudget):
            accounts.get(f"unknown-{number}")
    assert [name for name in secrets.asked if name != "list"] == [f"stack/accounts/unknown-{n}" for n in range(3)]
    # One page of two names.
    assert secrets.asked.count("list") == 1
    assert counted() == {"NamesBeyondBudget": 97}
    # What is known to be none is said without asking.
    assert accounts.get("unknown-0") is None
    clock.now += 10
    assert accounts.get("unknown-3") is None
    with pytest.raises(BeyondBudget):
        accounts.get("unknown-4")


def test_accounts_take_nothing_from_the_budget() -> None:
    secrets = Secrets(**{f"account-{number}": account() for number in range(50)})
    accounts, clock = with_budget(secrets)
    for _ in range(3):
        for number in range(50):
            assert accounts.get(f"account-{number}")
        clock.now += 300
    assert "list" not in secrets.asked


def test_a_broken_secret_takes_nothing_from_the_budget() -> None:
    secrets = Secrets(**{f"broken-{number}": {} for number in range(50)})
    accounts, _ = with_budget(secrets)
    for number in range(50):
        with pytest.raises(AccountInvalid):
            accounts.get(f"broken-{number}")
    assert "list" not in secrets.asked


def test_a_name_that_cannot_be_read_takes_from_the_budget() -> None:
    secrets = Secrets()
    secrets.error = secrets.list_error = "InternalServiceError"
    accounts, _ = with_budget(secrets)
    for number in range(3):
        with pytest.raises(ClientError):
            accounts.get(f"unknown-{number}")
    for number in range(3, 100):
        with pytest.raises(BeyondBudget):
            accounts.get(f"unknown-{number}")
    assert len(secrets.asked) == 4
    assert secrets.asked[-1] == "list"


def test_a_known_account_is_read_whatever_the_budget_has() -> None:
    secrets = Secrets(acme=account())
    secrets.not_listed = {"acme"}
    accounts, clock = with_budget(secrets, seconds=10_000)
    assert accounts.get("acme")
    spend(accounts)
    secrets.secrets["acme"] = account(callback_token=NEW_TOKEN)
    clock.now += 15
    assert with_token(accounts, "acme", NEW_TOKEN)
    clock.now += 300
    assert with_token(accounts, "acme", NEW_TOKEN)


def test_a_new_process_serves_the_accounts_whatever_the_budget_has() -> None:
    secrets = Secrets(acme=account(), other=account(), third=account())
    accounts, _ = with_budget(secrets)
    spend(accounts)
    for name in ("acme", "other", "third") * 2:
        assert accounts.get(name)
    for name in ("acme", "other", "third"):
        assert secrets.asked.count(f"stack/accounts/{name}") == 1
    # Two pages, once.
    assert secrets.asked.count("list") == 2


@pytest.mark.parametrize(
    ("age", "found"),
    [
        pytest.param(299, False, id="not listed yet"),
        pytest.param(358, False, id="the list from before is a minute old soon"),
        pytest.param(359, True, id="the next list"),
    ],
)
def test_a_new_account_is_found_after_six_minutes_while_strangers_ask(age: float, found: bool) -> None:
    """As docs/operations.md promises. ListSecrets may lack for five minutes what is new."""
    secrets = Secrets(acme=account())
    secrets.not_listed = {"acme"}
    accounts, clock = with_budget(secrets, seconds=10_000)
    clock.now += 299
    spend(accounts)
    secrets.not_listed = set()
    clock.now += age - 299
    if found:
        assert accounts.get("acme")
        return
    with pytest.raises(BeyondBudget):
        accounts.get("acme")


def test_the_accounts_are_listed_once_a_minute_whoever_asks() -> None:
    secrets = Secrets(acme=account())
    accounts, clock = with_budget(secrets, seconds=10_000)
    spend(accounts)
    for _ in range(600):
        clock.now += 1
        with pytest.raises(BeyondBudget):
            accounts.get("unknown")
    assert secrets.asked.count("list") == 11


def test_the_last_list_is_good_while_there_is_no_other(log: Log) -> None:
    secrets = Secrets(acme=account())
    accounts, clock = with_budget(secrets, seconds=10_000)
    spend(accounts)
    secrets.list_error = "ThrottlingException"
    for _ in range(60):
        clock.now += 1
        with pytest.raises(BeyondBudget):
            accounts.get("unknown")
    # The first one, and one that failed: the next is due in ten seconds.
    assert secrets.asked.count("list") == 2
    assert accounts.get("acme")
    assert log.messages() == ["accounts could not be listed"]
    clock.now += 10
    secrets.list_error = None
    secrets.secrets["other"] = account()
    assert accounts.get("other")


def test_wrong_tokens_for_a_known_account_cost_a_call_in_fifteen_seconds() -> None:
    secrets = Secrets(acme=account())
    accounts, clock = with_budget(secrets)
    accounts.get("acme")
    for _ in range(600):
        clock.now += 0.125
        assert with_token(accounts, "acme", "wrong") is None
    assert len(secrets.asked) == 1 + 75 / 15


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
