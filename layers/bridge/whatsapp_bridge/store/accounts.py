"""Accounts from Secrets Manager, cached."""

from collections.abc import Callable, Mapping
from re import fullmatch
from time import monotonic
from typing import Any

from botocore.exceptions import ClientError

from whatsapp_bridge.accounts.account import NAME_PATTERN, Account
from whatsapp_bridge.store.aws import client, error_code

_MAX_AGE_SECONDS = 300.0
# A name without an account is looked up again soon (somebody may be setting it up), but not for every request.
_UNKNOWN_MAX_AGE_SECONDS = 30.0
_MAX_ENTRIES = 1000
# After a mismatch, a secret older than this is read again, so that new credentials work immediately.
_STALE_SECONDS = 15.0
_NO_SUCH_SECRET = {"ResourceNotFoundException", "InvalidRequestException"}


class Accounts:
    """The stack's accounts by name. `parse(name, secret)` reads an account's JSON and may raise `AccountInvalid`."""

    def __init__(
        self,
        prefix: str,
        parse: Callable[[str, str], Account],
        secrets: Any = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._prefix, self._parse = prefix, parse
        self._secrets = secrets or client("secretsmanager")
        self._clock = clock
        self._cache: dict[str, tuple[float, Account | None]] = {}

    def get(self, name: str) -> Account | None:
        """None for an unknown account. Raises `AccountInvalid` for an invalid secret, and botocore's errors."""
        read_at, account = self._cache.get(name, (None, None))
        if read_at is not None:
            age = self._clock() - read_at
            if age < (_MAX_AGE_SECONDS if account else _UNKNOWN_MAX_AGE_SECONDS):
                return account
        return self._read(name)

    def authenticated(self, name: str, headers: Mapping[str, str]) -> Account | None:
        """The account if these headers have its credentials, else None."""
        return self.matching(name, lambda account: account.clevertap.accepts(headers))

    def with_token(self, name: str, token: str) -> Account | None:
        """The account if `token` is its callback token, else None."""
        return self.matching(name, lambda account: account.token_matches(token))

    def matching(self, name: str, matches: Callable[[Account], bool]) -> Account | None:
        """The account if it `matches`, else None. One that does not match and is old is read again first."""
        account = self.get(name)
        if account is None or matches(account):
            return account
        if self._clock() - self._cache[name][0] < _STALE_SECONDS:
            return None
        account = self._read(name)
        return account if account and matches(account) else None

    def _read(self, name: str) -> Account | None:
        if not fullmatch(NAME_PATTERN, name):
            return None
        if len(self._cache) >= _MAX_ENTRIES:
            self._cache.clear()
        secret = self._secret(name)
        account = None if secret is None else self._parse(name, secret)
        self._cache[name] = (self._clock(), account)
        return account

    def _secret(self, name: str) -> str | None:
        try:
            answer = self._secrets.get_secret_value(SecretId=self._prefix + name)
        except ClientError as error:
            if error_code(error) in _NO_SUCH_SECRET:
                return None
            raise
        secret: str = answer.get("SecretString", "")
        return secret
