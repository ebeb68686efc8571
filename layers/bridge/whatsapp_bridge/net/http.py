"""Outgoing HTTP: every request leaves here.

Every call has timeouts, follows no redirect, and tells apart what matters for delivery: the request certainly was not
accepted (`NotReached`), or it was sent and its answer lost (`AnswerLost`).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from threading import Lock, local
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urljoin

from pydantic_core import to_json

from whatsapp_bridge.net.limits import CONNECT_SECONDS, FETCH_SECONDS, USUAL, Patience
from whatsapp_bridge.runtime.json_text import read_json

if TYPE_CHECKING:
    import requests

MAX_ANSWER_BYTES = 4 * 1024 * 1024
_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK_BYTES = 65_536
# An older idle connection may have been dropped silently (NAT gateways, frozen sandboxes). A request on it would end as
# "answer lost", the one outcome that can lose a message.
_IDLE_SECONDS = 5.0


class NotReached(Exception):
    """No connection: certainly not accepted. The text contains no address and no credential."""


class OutOfTime(NotReached):
    """Not started: it could not end before the invocation does."""


class AddressMalformed(NotReached):
    """No connection, because the address is malformed."""


class AnswerLost(Exception):
    """The request was sent, and no complete answer came back."""


class TooLarge(AnswerLost):
    """The answer is longer than the caller can use."""


class Forbidden(Exception):
    """Not a public address: not http(s), malformed, with a host that does not exist, or not on the internet."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON, read leniently; None if it is not JSON."""
        try:
            return read_json(self.body)
        except ValueError:
            return None

    @property
    def retry_after(self) -> float | None:
        """Seconds from a numeric `Retry-After` header, else None."""
        value = self.headers.get("retry-after", "")
        # Seven digits are weeks; more is not a useful delay.
        return float(value) if value.isascii() and value.isdigit() and len(value) <= 7 else None


class Sized(Protocol):
    """A request's body in pieces, with a length that is known in advance (bytes)."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


type Body = bytes | Sized


class _Kept:
    """A session that drops idle connections. Safe to share between threads."""

    def __init__(self, session: "requests.Session", clock: Callable[[], float]) -> None:
        self._session, self._clock = session, clock
        self._lock, self._used = Lock(), clock()

    def fresh(self) -> "requests.Session":
        # One at a time: a close would also close another thread's new connections.
        with self._lock:
            now = self._clock()
            if now - self._used > _IDLE_SECONDS:
                self._session.close()
            self._used = now
            return self._session


class HttpClient:
    """A pool of connections, kept across invocations."""

    def __init__(self, clock: Callable[[], float] = monotonic, patience: Patience = USUAL) -> None:
        # Imported with the client, not with the first request: nothing slow may come between a message's mark and its
        # request, because a process that dies there leaves the outcome unknown.
        from whatsapp_bridge.net.connections import new_session

        self._session = _Kept(new_session(), clock)
        self._public: dict[bool, _Kept] = {}
        self._clock = clock
        self._patience = patience
        self._ends = inf
        # Of a thread: others make requests at the same time.
        self._thread = local()

    def end_in(self, seconds: float) -> None:
        """The invocation ends in `seconds`: a request that could last longer is not started (`NotReached`)."""
        self._ends = self._clock() + seconds

    def seconds_left(self) -> float:
        """Until the invocation ends."""
        return self._ends - self._clock()

    def has_time_for_a_request(self) -> bool:
        return self.seconds_left() >= self._patience.request + self._patience.record

    @contextmanager
    def leaving_time_for_a_request(self) -> Iterator[None]:
        """This thread's requests in this context end early enough for one more request after it."""
        self._thread.left_over = self._patience.request
        try:
            yield
        finally:
            self._thread.left_over = 0.0

    def post_json(self, url: str, payload: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """POST `payload` as JSON in UTF-8. Raises `NotReached`, `AnswerLost`."""
        return self.request("POST", url, to_json(payload), {"content-type": "application/json", **(headers or {})})

    def request(
        self,
        method: str,
        url: str,
        body: "Body | None" = None,
        headers: Mapping[str, str] | None = None,
        *,
        max_bytes: int = MAX_ANSWER_BYTES,
    ) -> Answer:
        """One request, to an address from the account.

        A `Sized` body is sent piece by piece and never held whole. `max_bytes` limits the answer's decompressed body.
        Raises `NotReached`, `TooLarge`, `AnswerLost`.
        """
        self._has_time_for(self._patience.request)
        timeout = (self._patience.connect, self._patience.read)
        return self._send(self._session.fresh(), method, url, body, headers or {}, max_bytes, timeout)

    def fetch(
        self, url: str, *, max_bytes: int, headers: Mapping[str, str] | None = None, loopback: bool = False
    ) -> Answer:
        """GET a file at an address from outside: without credentials, and only from public addresses.

        Redirects are followed, also only to public addresses. The body is empty for any status except 200. `loopback`
        allows this machine's own addresses, for a stack on one machine. Raises `Forbidden`, `NotReached`, `TooLarge`,
        `AnswerLost`.
        """
        from whatsapp_bridge.net.connections import NotPublic

        ends = self._clock() + FETCH_SECONDS
        # A compressed transfer could not be told apart from a compressed file.
        asked = {"accept-encoding": "identity", "user-agent": "CleverTapWhatsAppBridge", **(headers or {})}
        for _ in range(_MAX_REDIRECTS + 1):
            if not url.lower().startswith(("http://", "https://")):
                raise Forbidden("is not an http or https address")
            self._has_time_for(CONNECT_SECONDS + FETCH_SECONDS)
            left = ends - self._clock()
            if left <= 0:
                raise AnswerLost("answer too slow")
            session = self._public_session(loopback)
            timeout = (min(left, self._patience.connect), min(left, self._patience.read))
            try:
                answer = self._send(session, "GET", url, None, asked, max_bytes, timeout, only=200)
            except NotPublic as error:
                raise Forbidden(str(error)) from None
            except AddressMalformed:
                raise Forbidden("is not an http or https address") from None
            if answer.status not in _REDIRECTS or "location" not in answer.headers:
                return answer
            url = _redirected(url, answer.headers["location"])
        raise Forbidden("is redirected too often")

    def _has_time_for(self, seconds: float) -> None:
        left_over = getattr(self._thread, "left_over", 0.0)
        if self.seconds_left() < seconds + left_over + self._patience.record:
            raise OutOfTime("no time left in this invocation")

    def _send(
        self,
        session: "requests.Session",
        method: str,
        url: str,
        body: "Body | None",
        headers: Mapping[str, str],
        max_bytes: int,
        timeout: tuple[float, float],
        only: int | None = None,
    ) -> Answer:
        """`timeout`: seconds to look the name up and connect, and seconds to read. `only`: the one status whose body is
        needed."""
        import requests

        try:
            with session.request(
                method,
                url,
                data=body,
                headers=dict(headers),
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                names = {name.lower(): value for name, value in response.headers.items()}
                of_use = only in (None, response.status_code)
                return Answer(response.status_code, names, _body(response, max_bytes) if of_use else b"")
        except requests.RequestException as error:
            # `from None`: the original texts contain the URL, which may contain a secret.
            raise _failure(error)(type(error).__name__) from None

    def _public_session(self, loopback: bool) -> "requests.Session":
        from whatsapp_bridge.net.connections import new_public_session

        if loopback not in self._public:
            self._public.setdefault(loopback, _Kept(new_public_session(loopback=loopback), self._clock))
        return self._public[loopback].fresh()


def _body(response: "requests.Response", max_bytes: int) -> bytes:
    try:
        declared = int(response.headers.get("content-length", "0"))
    except ValueError:
        declared = 0
    if declared > max_bytes:
        raise TooLarge("answer too large")
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise TooLarge("answer too large")
    return bytes(body)


def _redirected(url: str, location: str) -> str:
    """A Location header as an address. Header values are read as Latin-1; an unescaped address is UTF-8 (RFC 3986)."""
    try:
        return urljoin(url, location.encode("latin-1", "replace").decode("utf-8", "replace"))
    except ValueError:
        raise Forbidden("is not an http or https address") from None


def _failure(error: "requests.RequestException") -> type[NotReached | AnswerLost]:
    from requests import exceptions
    from urllib3.exceptions import (
        ClosedPoolError,
        ConnectTimeoutError,
        MaxRetryError,
        NameResolutionError,
        NewConnectionError,
    )

    if isinstance(error, exceptions.InvalidURL | exceptions.InvalidSchema | exceptions.MissingSchema):
        return AddressMalformed
    if isinstance(error, exceptions.ConnectTimeout | exceptions.InvalidHeader):
        return NotReached
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    # A pool that another thread has closed gives no more connections.
    never = NewConnectionError | NameResolutionError | ConnectTimeoutError | ClosedPoolError
    return NotReached if isinstance(reason, never) else AnswerLost
