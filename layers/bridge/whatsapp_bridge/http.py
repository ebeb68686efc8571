"""Outgoing HTTP: the one place requests leave from.

Every call has time-outs, follows no redirect, and tells apart what matters for delivery: whether the request surely
was not taken (`NotReached`), or was sent and its answer lost (`AnswerLost`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 3.0
READ_SECONDS = 15.0
MAX_ANSWER_BYTES = 4 * 1024 * 1024
# What has to be left of an invocation after a request, to record its outcome.
_RECORDING_SECONDS = 5.0
# A kept connection older than this may have been dropped on the way without a word (NAT gateways, frozen sandboxes):
# a request on it would end as "answer lost", the one outcome that costs a message.
_IDLE_SECONDS = 5.0


class NotReached(Exception):
    """No connection: surely not taken. The text names the host's role, never an address or a credential."""


class AnswerLost(Exception):
    """The request went out and no (whole) answer came back."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON; None when it is not."""
        from pydantic_core import from_json

        try:
            return from_json(self.body)
        except ValueError:
            return None

    @property
    def retry_after(self) -> float | None:
        """Seconds of a `Retry-After` header in its numeric form, else None."""
        value = self.headers.get("retry-after", "")
        # Seven digits are weeks; more are no time to wait.
        return float(value) if value.isascii() and value.isdigit() and len(value) <= 7 else None


class HttpClient:
    """A pool of connections, kept across invocations."""

    def __init__(self, clock: Callable[[], float] = monotonic, read_seconds: float = READ_SECONDS) -> None:
        # Imported with the client and not with the first request: a process that dies in between leaves a message of
        # which nobody knows whether it was sent, so that nothing slow belongs there.
        from whatsapp_bridge.connections import new_session

        self._session: requests.Session = new_session()
        self._clock = clock
        self._used = clock()
        self._read_seconds = read_seconds
        self._ends = inf

    def end_in(self, seconds: float) -> None:
        """The invocation is over in so many seconds: what could outlast it is not begun (`NotReached`)."""
        self._ends = self._clock() + seconds

    def post_json(self, url: str, payload: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """POST `payload` as JSON in UTF-8. Raises `NotReached`, `AnswerLost`."""
        from pydantic_core import to_json

        return self._send("POST", url, to_json(payload), {"content-type": "application/json", **(headers or {})})

    def _send(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        import requests

        slowest = CONNECT_SECONDS + 2 * self._read_seconds
        if self._clock() + slowest + _RECORDING_SECONDS > self._ends:
            raise NotReached("no time left in this invocation")
        try:
            with self._fresh_session().request(
                method,
                url,
                data=body,
                headers=dict(headers),
                timeout=(CONNECT_SECONDS, self._read_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                names = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status_code, names, self._read(response, self._clock() + self._read_seconds))
        except requests.RequestException as error:
            # `from None`: the original texts hold the URL, which may hold a secret.
            raise (NotReached if _never_connected(error) else AnswerLost)(type(error).__name__) from None

    def _read(self, response: "requests.Response", ends: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(65_536):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                raise AnswerLost("answer too large")
            if self._clock() > ends:
                raise AnswerLost("answer too slow")
        return bytes(body)

    def _fresh_session(self) -> "requests.Session":
        now = self._clock()
        if now - self._used > _IDLE_SECONDS:
            self._session.close()
        self._used = now
        return self._session


def _never_connected(error: "requests.RequestException") -> bool:
    from requests import exceptions
    from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NameResolutionError, NewConnectionError

    malformed = exceptions.InvalidURL | exceptions.InvalidHeader | exceptions.InvalidSchema | exceptions.MissingSchema
    if isinstance(error, exceptions.ConnectTimeout | malformed):
        return True
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, NewConnectionError | NameResolutionError | ConnectTimeoutError)
