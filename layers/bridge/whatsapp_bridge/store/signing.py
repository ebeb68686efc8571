"""The stack's signing key, kept with an age as accounts are."""

from collections.abc import Callable
from time import monotonic
from typing import Any

from whatsapp_bridge.accounts.keys import AccountKeys, SigningKeyInvalid, read_signing_keys
from whatsapp_bridge.runtime.observability import count, logger
from whatsapp_bridge.store.aws import client, error_code
from whatsapp_bridge.store.secrets import read, read_together

_MAX_AGE_SECONDS = 300.0
# An account, which keeps what it was read with for as long again, is read with a younger one.
_BESIDE_SECONDS = 60.0
_RETRY_SECONDS = 30.0
# After a mismatch, a key older than this is read again: what was made with a new one works immediately.
_STALE_SECONDS = 15.0


class SigningKeyStale(Exception):
    """The last good key has not made what was given, and the secret, which may have one that has, cannot be read."""


class SigningKey:
    """`name` is the name or ARN of its secret. Once it was read, the last good one serves while it cannot be read."""

    def __init__(self, name: str, secrets: Any = None, clock: Callable[[], float] = monotonic) -> None:
        self._name, self._clock = name, clock
        self._secrets = secrets or client("secretsmanager")
        self._keys: tuple[str, ...] = ()
        self._read_at, self._stale = float("-inf"), False

    def read_beside(self, secret: str) -> str | None:
        """The text of another secret, as `read`; where the key is old, it is read in the same request. Raises
        botocore's errors of the other secret alone."""
        known: dict[str, str | None] = {}
        if self._is_older_than(_BESIDE_SECONDS):
            known = read_together(self._secrets, secret, self._name)
            if self._name in known:
                self._take(lambda: known[self._name])
        return known[secret] if secret in known else read(self._secrets, secret)

    def of(self, account: str) -> AccountKeys:
        """Raises `SigningKeyInvalid` and botocore's errors: both only if the key was never read."""
        if self._is_older_than(_MAX_AGE_SECONDS):
            self._read()
        return AccountKeys(account, self._keys)

    def matching(self, account: str, matches: Callable[[AccountKeys], bool]) -> bool:
        """Whether what one of the account's keys has made `matches`. One that does not match and is old is read again
        first. Raises `SigningKeyStale` if that fails, and what `of` raises."""
        if matches(self.of(account)):
            return True
        if self._clock() - self._read_at >= _STALE_SECONDS:
            self._read()
            if matches(AccountKeys(account, self._keys)):
                return True
        if self._stale:
            raise SigningKeyStale
        return False

    def _is_older_than(self, seconds: float) -> bool:
        return self._clock() - self._read_at >= (_RETRY_SECONDS if self._stale else seconds)

    def _read(self) -> None:
        error = self._take(lambda: read(self._secrets, self._name))
        if error is not None and not self._keys:
            raise error

    def _take(self, text: Callable[[], str | None]) -> Exception | None:
        """Keep the key in this text; returns what prevents it."""
        failed: Exception | None = None
        try:
            self._keys = _keys_in(text())
        except Exception as error:  # noqa: BLE001 - logged and counted; raised where there is no earlier key
            failed = error
            count("AccountsStale")
            logger.error("signing key could not be read", extra={"reason": _reason(error)})
        if self._keys:
            self._read_at, self._stale = self._clock(), failed is not None
        return failed


def _keys_in(text: str | None) -> tuple[str, ...]:
    if text is None:
        raise SigningKeyInvalid("secret", "does not exist, or is marked for deletion")
    return read_signing_keys(text)


def _reason(error: Exception) -> str:
    """Without a value of the secret."""
    return str(error) if isinstance(error, SigningKeyInvalid) else error_code(error) or type(error).__name__
