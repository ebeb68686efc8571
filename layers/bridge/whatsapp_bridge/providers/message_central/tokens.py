"""The token that every call needs: the secret's own, or one that is requested and kept for all.

Source: section "Generate Token" of Message Central's documentation. The token is a JWT. Its lifetime is not documented:
the samples differ by years, and each token contains its own.
"""

from base64 import b64encode
from collections.abc import Callable
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from pydantic_core import from_json

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.answers import guarded, of_a_step_before, outcome_without_a_word, without_asking
from whatsapp_bridge.providers.common.values import from_base64, number
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.outcomes import NotSent, Rejected, Throttled, Unknown
from whatsapp_bridge.providers.message_central import answers, codes, kept_tokens
from whatsapp_bridge.runtime.observability import log_failure

if TYPE_CHECKING:
    from whatsapp_bridge.providers.message_central.settings import Account

_PATH: Final = "/auth/v1/authentication/token"
# For a token without a lifetime.
_DEFAULT_SECONDS: Final = 3600
_LEAST_SECONDS: Final = 60
_REFUSED_SECONDS: Final = 60
# The note that the credentials are refused; a kept token is never empty.
_REFUSED_NOTE: Final = ""
# The note that none was given, for a reason that is not Message Central's own; a kept token has no blanks.
_ABSENT_NOTE: Final = " "
_DONE: Final = 200
_TOO_MANY: Final = 429
# HTTP statuses that count as a failed login, whoever sends them.
_MAY_LOCK: Final = frozenset({401, 403})
# A token is renewed this part of its lifetime before its end, but at most a day before.
_EARLY: Final = 0.1
_MOST_EARLY_SECONDS: Final = 86_400


type Failure = Rejected | Throttled | NotSent


class NoToken(Exception):
    """There is no token, and nothing was sent. `outcome` is what that means for the message; `may_lock`: more requests
    for a token may lock the account."""

    def __init__(self, outcome: Failure, may_lock: bool = False) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome, self.may_lock = outcome, may_lock


class Tokens:
    """One account's token, for one batch. Its threads request it once, also if that fails.

    A note keeps refused credentials for a minute: a request with a wrong password for each message would lock the
    account.
    """

    def __init__(self, account: "Account", services: Services, now: Callable[[], float] = time) -> None:
        self._account, self._http, self._notes, self._now = account, services.http, services.notes, now
        self._lock = Lock()
        self._token: str | None = account.provider.token
        self._renewed: str | None = None
        self._failure: Failure | None = None

    def get(self) -> str:
        """The token, from the notes if it is there. Raises `NoToken`."""
        with self._lock:
            self._check()
            if self._token is None:
                self._token = self._noted() or self._fetched()
            return self._token

    def renew(self, refused: str) -> str:
        """A token other than the refused one. Raises `NoToken`."""
        with self._lock:
            self._check()
            if self._token != refused and self._token is not None:
                return self._token
            if self._account.provider.token is not None:
                raise self._none(_refused("Token refused"))
            if refused == self._renewed:
                # This token is new; another one would be refused too.
                self._note(_REFUSED_NOTE, _REFUSED_SECONDS)
                raise self._none(_refused("Token refused"))
            noted = self._noted()
            if noted in (None, refused):
                noted = self._renewed = self._fetched()
            self._token = noted
            return noted

    def may_renew(self, refused: str) -> bool:
        """Whether another token may be requested after a refusal that is not Message Central's own: once a minute."""
        with self._lock:
            if self._account.provider.token is not None or refused == self._renewed:
                return False
            if self._token != refused:
                return True
            try:
                key = f"{self._key}#renewed"
                if self._notes.get(self._account.name, key) is not None:
                    return False
                self._notes.put(self._account.name, key, "yes", _REFUSED_SECONDS)
            except Exception as error:  # noqa: BLE001 - a note only saves a call
                self._log("token's note could not be read or stored", error)
            return True

    def _check(self) -> None:
        if self._failure is not None:
            raise NoToken(self._failure)

    def _none(self, failure: Failure) -> NoToken:
        """The error for all messages of the batch from now on."""
        self._failure = without_asking(failure)
        return NoToken(failure)

    def _noted(self) -> str | None:
        try:
            noted = self._notes.get(self._account.name, self._key)
        except Exception as error:  # noqa: BLE001 - a note only saves a call
            self._log("token's note could not be read", error)
            return None
        if noted == _REFUSED_NOTE:
            raise self._none(_refused("Credentials refused"))
        if noted == _ABSENT_NOTE:
            raise self._none(NotSent("no token: refused less than a minute ago"))
        # One that does not open is of an older version, and asked for anew.
        return None if noted is None else kept_tokens.opened(self._account, noted)

    def _note(self, note: str, seconds: int) -> None:
        try:
            self._notes.put(self._account.name, self._key, note, seconds)
        except Exception as error:  # noqa: BLE001 - a note only saves a call
            self._log("token's note could not be stored", error)

    def _log(self, message: str, error: Exception) -> None:
        log_failure(message, error, account=self._account.name)

    @property
    def _key(self) -> str:
        return kept_tokens.place(self._account)

    def _fetched(self) -> str:
        try:
            token = self._asked_for()
        except NoToken as error:
            if error.may_lock:
                refused = isinstance(error.outcome, Rejected)
                self._note(_REFUSED_NOTE if refused else _ABSENT_NOTE, _REFUSED_SECONDS)
            raise self._none(error.outcome) from None
        lifetime = _lifetime(token, self._now())
        early = min(lifetime * _EARLY, _MOST_EARLY_SECONDS)
        self._note(kept_tokens.sealed(self._account, token), max(int(lifetime - early), _LEAST_SECONDS))
        return token

    def _asked_for(self) -> str:
        provider = self._account.provider
        query = {
            "customerId": provider.customer_id,
            # Without a password the secret has a token, and none is requested.
            "key": b64encode((provider.password or "").encode()).decode(),
            "scope": "NEW",
            **({"country": provider.country} if provider.country else {}),
            **({"email": provider.email} if provider.email else {}),
        }
        url = f"{provider.base_url}{_PATH}?{urlencode(query)}"
        answer = guarded(lambda: self._http.request("GET", url, None, {"accept": "*/*"}))
        if isinstance(answer, Answer):
            return _token(answer)
        raise _no_token(answer)


def _token(answer: Answer) -> str:
    body = answer.json()
    token = body.get("token") if isinstance(body, dict) else None
    if 200 <= answer.status < 300 and isinstance(token, str) and token.isascii() and token.isprintable() and token:
        return token
    # As with other calls, the body decides and not the HTTP status.
    code, _ = answers.said(answer)
    if code is None and isinstance(body, dict):
        code = number(body.get("status"))
    if code is None or code == _DONE:
        raise _no_token(outcome_without_a_word(answer, "Message Central"), answer.status in _MAY_LOCK)
    if code == _TOO_MANY:
        raise _no_token(Throttled(answer.retry_after))
    if (400 <= code < 500 and code != 404) or code == codes.INVALID_AUTH:
        raise _no_token(_refused("Credentials refused"), may_lock=True)
    raise _no_token(NotSent(f"HTTP {answer.status}"))


def _no_token(outcome: Failure | Unknown, may_lock: bool = False) -> NoToken:
    """After a request for one."""
    return NoToken(of_a_step_before("no token", outcome), may_lock)


def _refused(title: str) -> Rejected:
    return Rejected(CallbackError.INVALID_CREDENTIALS, title, alarm=True)


def _lifetime(token: str, now: float) -> float:
    """Seconds that the token is still valid, by its own claim.

    The signature cannot be checked: only Message Central has the key. That is safe, because a wrong time only costs one
    more request.
    """
    try:
        expires = number(from_json(from_base64(token.split(".")[1])).get("exp"))
    except (ValueError, IndexError, AttributeError):
        expires = None
    return _DEFAULT_SECONDS if expires is None or expires <= now else expires - now
