"""The token that every call carries: the secret's own, or one that is asked for and kept for all.

Source: section "Generate Token" of Message Central's documentation. The token is a JWT. How long it lives is not
documented: the samples' differ by years, and each says it itself.
"""

from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from time import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from pydantic_core import from_json

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.http import Answer, AnswerLost, NotReached
from whatsapp_bridge.providers.contract import NotSent, Rejected, Services, Throttled
from whatsapp_bridge.providers.values import number

if TYPE_CHECKING:
    from whatsapp_bridge.accounts import Account

_PATH: Final = "/auth/v1/authentication/token"
# Of a token that does not say how long it lives.
_DEFAULT_SECONDS: Final = 3600
_LEAST_SECONDS: Final = 60
# Of its life, but not more than a day: another one is asked for as long before the end.
_EARLY: Final = 0.1
_MOST_EARLY_SECONDS: Final = 86_400


class NoToken(Exception):
    """There is no token to be had; nothing was sent. `outcome` is what that means for the message."""

    def __init__(self, outcome: Rejected | Throttled | NotSent) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


class Tokens:
    """One account's token, for one batch: its threads ask for it once."""

    def __init__(self, account: "Account", services: Services, now: Callable[[], float] = time) -> None:
        self._account, self._http, self._notes, self._now = account, services.http, services.notes, now
        self._lock = Lock()
        self._token: str | None = account.provider.token

    def get(self) -> str:
        """The token, of the notes where it is there. Raises `NoToken`."""
        with self._lock:
            if self._token is None:
                self._token = self._notes.get(self._account.name, self._key) or self._fetched()
            return self._token

    def renew(self, refused: str) -> str:
        """Another token than the one that Message Central refuses. Raises `NoToken`."""
        with self._lock:
            if self._token != refused and self._token is not None:
                return self._token
            if self._account.provider.token is not None:
                raise NoToken(_refused("Token refused"))
            noted = self._notes.get(self._account.name, self._key)
            self._token = noted if noted not in (None, refused) else self._fetched()
            return self._token

    @property
    def _key(self) -> str:
        """A token belongs to the credentials that it was asked for with."""
        provider = self._account.provider
        credentials = [provider.base_url, provider.customer_id, provider.password, provider.country, provider.email]
        return f"token#{sha256(repr(credentials).encode()).hexdigest()}"

    def _fetched(self) -> str:
        provider = self._account.provider
        query = {
            "customerId": provider.customer_id,
            "key": b64encode(provider.password.encode()).decode(),
            "scope": "NEW",
            **({"country": provider.country} if provider.country else {}),
            **({"email": provider.email} if provider.email else {}),
        }
        try:
            answer = self._http.request(
                "GET", f"{provider.base_url}{_PATH}?{urlencode(query)}", None, {"accept": "*/*"}
            )
        except (NotReached, AnswerLost) as error:
            raise NoToken(NotSent(f"no token: {error}")) from None
        token = _token(answer)
        lifetime = _lifetime(token, self._now())
        early = min(lifetime * _EARLY, _MOST_EARLY_SECONDS)
        self._notes.put(self._account.name, self._key, token, max(int(lifetime - early), _LEAST_SECONDS))
        return token


def _token(answer: Answer) -> str:
    body = answer.json()
    body = body if isinstance(body, dict) else {}
    token = body.get("token")
    if 200 <= answer.status < 300 and isinstance(token, str) and token.isascii() and token.isprintable() and token:
        return token
    # Like other calls', the body may say it better than the HTTP status.
    said = number(body.get("responseCode"))
    status = number(body.get("status")) if said is None else said
    code = status if answer.status == 200 and status not in (None, 200) else answer.status
    if code == 429:
        raise NoToken(Throttled(answer.retry_after))
    if (400 <= code < 500 and code != 404) or code == 800:
        raise NoToken(_refused("Credentials refused"))
    raise NoToken(NotSent(f"no token: HTTP {answer.status}"))


def _refused(title: str) -> Rejected:
    return Rejected(CallbackError.INVALID_CREDENTIALS, title, alarm=True)


def _lifetime(token: str, now: float) -> float:
    """Seconds that the token has left by its own account.

    The signature is not looked at, and cannot be: it is Message Central's with its own key. Nothing is trusted for it:
    a wrong time brings one more request.
    """
    try:
        payload = token.split(".")[1]
        expires = number(from_json(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).get("exp"))
    except (ValueError, IndexError, AttributeError):
        expires = None
    return _DEFAULT_SECONDS if expires is None or expires <= now else expires - now
