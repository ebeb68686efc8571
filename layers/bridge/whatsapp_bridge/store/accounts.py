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
from whatsapp_bridge.store.secrets import read
from whatsapp_bridge.store.signing import SigningKey

_MAX_AGE_SECONDS = 300.0
# A name without an account is looked up again soon (somebody may be setting it up), but not for every request.
_UNKNOWN_MAX_AGE_SECONDS = 30.0
_RETRY_SECONDS = 30.0
_MAX_ENTRIES = 1000
# After a mismatch, a secret older than this is read again, so that new credentials work immediately.
_STALE_SECONDS = 15.0


class AccountStale(Exception):
    """The last good account has not what was given, and its secret, which may have it, cannot be read."""


class _Kept(NamedTuple):
    """`account`, None if there is none by this name, as read at `read_at` and good `until` then. `stale`: that failed,
    and the account is an earlier one."""

    account: Account | None
    read_at: float
    until: float
    stale: bool = False


class _Names(NamedTuple):
    names: list[str]
    until: float


class Accounts:
    """The stack's accounts by name. `parse(name, secret)` reads an account's JSON and may raise `AccountInvalid`.
    Without `signing`, they have no keys."""

    def __init__(
        self,
        prefix: str,
        parse: Callable[[str, str], Account],
        secrets: Any = None,
        clock: Callable[[], float] = monotonic,
        signing: SigningKey | None = None,
    ) -> None:
        self._prefix, self._parse, self._signing = prefix, parse, signing
        self._secrets = secrets or client("secretsmanager")
        self._clock = clock
        self._cache: dict[str, _Kept] = {}
        self._names: _Names | None = None

    def get(self, name: str) -> Account | None:
        """None for an unknown account, or one whose secret is deleted or marked for deletion. Raises `AccountInvalid`
        for a broken secret, `SigningKeyInvalid` for the stack's, botocore's errors otherwise: all only if the account
        was never read."""
        kept = self._cache.get(name)
        return kept.account if kept is not None and self._clock() < kept.until else self._read(name)

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
        except (AccountInvalid, SigningKeyInvalid, BotoCoreError, ClientError):
            return None

    def names(self) -> list[str]:
        """The names of all accounts. One that was made just now may be missing for some minutes.

        Source: ListSecrets in https://docs.aws.amazon.com/secretsmanager/latest/apireference/
        """
        known = self._names
        if known is not None and self._clock() < known.until:
            return known.names
        asked: dict[str, Any] = {"Filters": [{"Key": "name", "Values": [self._prefix]}], "MaxResults": 100}
        names: list[str] = []
        while True:
            page = self._secrets.list_secrets(**asked)
            secrets = (str(secret["Name"]) for secret in page["SecretList"])
            names += [name.removeprefix(self._prefix) for name in secrets if name.startswith(self._prefix)]
            if "NextToken" not in page:
                self._names = _Names(names, self._clock() + _MAX_AGE_SECONDS)
                return names
            asked["NextToken"] = page["NextToken"]

    def _read(self, name: str) -> Account | None:
        if not fullmatch(NAME_PATTERN, name):
            return None
        if len(self._cache) >= _MAX_ENTRIES:
            # Anybody may ask for names without an account. They must not drive out those that are there.
            self._cache = {known: kept for known, kept in self._cache.items() if kept.account is not None}
        try:
            secret = self._secret(name)
            account = None if secret is None else self._parse(name, secret)
            if account is not None and self._signing is not None:
                account = account.with_keys(self._signing.of(name))
        except Exception as error:
            kept = self._cache.get(name)
            known = kept.account if kept is not None else None
            count("AccountsStale")
            logger.error("account could not be read", extra={"account": name, "reason": _reason(error)})
            if known is None:
                raise
            # Secrets Manager is away, or somebody has just broken the secret: the account works on as it was.
            return self._keep(name, known, _RETRY_SECONDS, stale=True)
        return self._keep(name, account, _MAX_AGE_SECONDS if account else _UNKNOWN_MAX_AGE_SECONDS)

    def _keep(self, name: str, account: Account | None, seconds: float, *, stale: bool = False) -> Account | None:
        now = self._clock()
        self._cache[name] = _Kept(account, now, now + seconds, stale)
        return account

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
