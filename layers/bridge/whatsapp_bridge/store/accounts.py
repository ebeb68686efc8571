"""Accounts from Secrets Manager, cached."""

from collections.abc import Callable, Mapping
from re import fullmatch
from time import monotonic
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from whatsapp_bridge.accounts.account import NAME_PATTERN, Account, AccountInvalid
from whatsapp_bridge.accounts.keys import SigningKeyInvalid
from whatsapp_bridge.runtime.observability import count, logger
from whatsapp_bridge.store.aws import client, error_code
from whatsapp_bridge.store.budget import Budget
from whatsapp_bridge.store.secrets import read
from whatsapp_bridge.store.signing import SigningKey

_MAX_AGE_SECONDS = 300.0
# A name without an account is looked up again soon (somebody may be setting it up), but not for every request.
_UNKNOWN_MAX_AGE_SECONDS = 30.0
_RETRY_SECONDS = 30.0
# A failed read is not repeated for every request. Short: one that has no account yet refuses all its messages.
_FAILED_SECONDS = 2.0
# Names beyond the budget are looked up among all, which ListSecrets may lack for five minutes.
_LISTED_SECONDS = 60.0
_NOT_LISTED_SECONDS = 10.0
# After a mismatch, a secret older than this is read again, so that new credentials work immediately.
_STALE_SECONDS = 15.0


class AccountStale(Exception):
    """The last good account has not what was given, and its secret, which may have it, cannot be read."""


class AccountUnread(Exception):
    """The secret could not be read a moment ago, and is not read again yet. The text contains no value of it."""


class BeyondBudget(Exception):
    """Nobody knows whether there is an account by this name: too many names without one were asked for just now."""


class _Kept(NamedTuple):
    """`account`, None if there is none by this name, as read at `read_at` and good `until` then. `stale`: that failed,
    and the account is an earlier one. `failure`: that failed, why, and there is no earlier one."""

    account: Account | None
    read_at: float
    until: float
    stale: bool = False
    failure: str | None = None


class _Names(NamedTuple):
    names: list[str]
    until: float


class Accounts:
    """The stack's accounts by name. `parse(name, secret)` reads an account's JSON and may raise `AccountInvalid`.
    Without `signing`, they have no keys.

    `budget` is for names that strangers may make up: each that has no account takes from it. Whatever it has left,
    accounts that are known or listed are read.
    """

    def __init__(
        self,
        prefix: str,
        parse: Callable[[str, str], Account],
        secrets: Any = None,
        clock: Callable[[], float] = monotonic,
        *,
        signing: SigningKey | None = None,
        budget: Budget | None = None,
    ) -> None:
        self._prefix, self._parse, self._signing = prefix, parse, signing
        self._secrets = secrets or client("secretsmanager")
        self._clock, self._budget = clock, budget
        self._cache: dict[str, _Kept] = {}
        self._names: _Names | None = None

    def get(self, name: str) -> Account | None:
        """None for an unknown account, or one whose secret is deleted or marked for deletion. Raises `AccountInvalid`
        for a broken secret, `SigningKeyInvalid` for the stack's, botocore's errors otherwise, `AccountUnread` right
        after one of them: all only if the account was never read. Raises `BeyondBudget`."""
        kept = self._cache.get(name)
        if kept is None or self._clock() >= kept.until:
            return self._read(name)
        if kept.failure is not None:
            raise AccountUnread(kept.failure)
        return kept.account

    def authenticated(self, name: str, headers: Mapping[str, str]) -> Account | None:
        """The account if these headers have its credentials, else None."""
        return self.matching(name, lambda account: account.clevertap.accepts(headers))

    def matching(self, name: str, matches: Callable[[Account], bool]) -> Account | None:
        """The account if it `matches`, else None. One that does not match and is old is read again first; if that
        fails, nobody knows whether it would match. Raises `AccountStale` then, and what `get` raises."""
        account = self.get(name)
        if account is None or matches(account):
            return account
        if self._clock() - self._cache[name].read_at >= _STALE_SECONDS:
            account = self._read(name)
            if account is None or matches(account):
                return account
        if self._cache[name].stale:
            raise AccountStale
        return None

    def readable(self, name: str) -> Account | None:
        """As `get`; None also where the secret is broken or cannot be read, which is logged and counted."""
        try:
            return self.get(name)
        except (AccountInvalid, AccountUnread, SigningKeyInvalid, BotoCoreError, ClientError):
            return None

    def names(self) -> list[str]:
        """The names of all accounts. One that was made just now may be missing for some minutes.

        Source: ListSecrets in https://docs.aws.amazon.com/secretsmanager/latest/apireference/
        """
        if self._names is None or self._clock() >= self._names.until:
            self._names = _Names(self._list(), self._clock() + _MAX_AGE_SECONDS)
        return self._names.names

    def _list(self) -> list[str]:
        asked: dict[str, Any] = {"Filters": [{"Key": "name", "Values": [self._prefix]}], "MaxResults": 100}
        names: list[str] = []
        while True:
            page = self._secrets.list_secrets(**asked)
            secrets = (str(secret["Name"]) for secret in page["SecretList"])
            names += [name.removeprefix(self._prefix) for name in secrets if name.startswith(self._prefix)]
            if "NextToken" not in page:
                return names
            asked["NextToken"] = page["NextToken"]

    def _read(self, name: str) -> Account | None:
        if not fullmatch(NAME_PATTERN, name):
            return None
        kept = self._cache.get(name)
        known = kept.account if kept is not None else None
        taken = known is None and self._take(name)
        try:
            secret = self._secret(name)
            account = None if secret is None else self._parse(name, secret)
            if account is not None and self._signing is not None:
                account = account.with_keys(self._signing.of(name))
        except Exception as error:
            count("AccountsStale")
            logger.error("account could not be read", extra={"account": name, "reason": _reason(error)})
            if isinstance(error, AccountInvalid | SigningKeyInvalid):
                self._give_back(taken)
            if known is None:
                self._keep(name, None, _FAILED_SECONDS, failure=_reason(error))
                raise
            # Secrets Manager is away, or somebody has just broken the secret: the account works on as it was.
            return self._keep(name, known, _RETRY_SECONDS, stale=True)
        if account is not None:
            self._give_back(taken)
        return self._keep(name, account, _MAX_AGE_SECONDS if account else _UNKNOWN_MAX_AGE_SECONDS)

    def _keep(
        self, name: str, account: Account | None, seconds: float, *, stale: bool = False, failure: str | None = None
    ) -> Account | None:
        now = self._clock()
        if account is None:
            # Anybody may ask for names without an account: no more of them are kept than are good.
            for other, kept in list(self._cache.items()):
                if kept.account is None and now >= kept.until:
                    self._cache.pop(other, None)
        self._cache[name] = _Kept(account, now, now + seconds, stale, failure)
        return account

    # --- names that may be made up -----------------------------------------------------------------------------------

    def _take(self, name: str) -> bool:
        """Whether the read of a name that is not known took from the budget. Raises `BeyondBudget`."""
        if self._budget is None:
            return False
        if self._budget.take():
            return True
        if name in self._listed():
            return False
        count("NamesBeyondBudget")
        raise BeyondBudget

    def _give_back(self, taken: bool) -> None:
        if taken and self._budget is not None:
            self._budget.give_back()

    def _listed(self) -> list[str]:
        """The names of all accounts, but for those made in the last minutes. Without an answer, those known before."""
        if self._names is None or self._clock() >= self._names.until:
            try:
                self._names = _Names(self._list(), self._clock() + _LISTED_SECONDS)
            except (BotoCoreError, ClientError) as error:
                logger.error("accounts could not be listed", extra={"reason": _reason(error)})
                before = [] if self._names is None else self._names.names
                self._names = _Names(before, self._clock() + _NOT_LISTED_SECONDS)
        return self._names.names

    def _secret(self, name: str) -> str | None:
        place = self._prefix + name
        return read(self._secrets, place) if self._signing is None else self._signing.read_beside(place)


def _reason(error: Exception) -> str:
    """Without a value of the secret."""
    return (
        str(error)
        if isinstance(error, AccountInvalid | SigningKeyInvalid)
        else error_code(error) or type(error).__name__
    )
