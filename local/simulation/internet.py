"""Everything outside of AWS: the BSPs and CleverTap of the local stack, without sockets, and the web with files.

Requests of the bridge come in through `Session`, which takes the place of a session of `requests`. A fault decides how
a request is answered, and whether the other side has it all the same.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from random import Random
from typing import Any, Self, cast
from urllib.parse import urlencode, urlsplit

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from local.sandbox.base import Sandbox
from local.sandbox.callbacks import BODIES, TYPES, Encoding, Proof, no_proof
from local.simulation.scheduler import Killed, Scheduler
from local.web import LoopbackHandler


@dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class Unanswered(Exception):
    """The other side closed the connection without an answer."""


@dataclass(frozen=True)
class Effect:
    """What a fault does to one request.

    `seconds`: how long it takes. `reached`: there is a connection. `taken`: the other side processes it. `answer`: what
    comes back in the place of its own answer. `lost`: nothing comes back.
    """

    seconds: float = 0.05
    reached: bool = True
    taken: bool = True
    answer: Answer | None = None
    lost: bool = False


@dataclass(frozen=True)
class Exchange:
    """One request of the bridge, for the ledger. `answered`: the bridge had the other side's own answer. `doubtful`:
    it cannot know whether the other side has the request."""

    host: str
    path: str
    body: bytes
    at: float
    taken: bool
    answered: bool
    doubtful: bool
    owner: Any


class _Request:
    """In the place of a handler of `http.server`, for `Sandbox._respond`."""

    def __init__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        self.command, self.path, self._body = method, path, body
        self.headers = Message()
        for name, value in headers.items():
            self.headers[name] = value
        self.close_connection = False
        self.answered: Answer | None = None

    def read_body(self) -> bytes:
        return self._body

    def answer(self, status: int, body: bytes = b"", headers: list[tuple[str, str]] | None = None) -> None:
        self.answered = Answer(status, body, {name.lower(): value for name, value in headers or []})


def ask(sandbox: Sandbox, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """A sandbox's answer to a request. Raises `Unanswered`."""
    request = _Request(method, target, headers, body)
    sandbox._respond(cast("LoopbackHandler", request))
    if request.answered is None:
        raise Unanswered
    return request.answered


class Internet:
    """Hosts by name. `effect` says what happens to a request, by host, method, target and body."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.hosts: dict[str, Callable[[str, str, Mapping[str, str], bytes], Answer]] = {}
        self.effect: Callable[[str, str, str, bytes], Effect] = lambda *_: Effect()
        self.exchanges: list[Exchange] = []

    def request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout: tuple[float, float]
    ) -> Answer:
        """Raises what `requests` raises."""
        parts = urlsplit(url)
        host, target = parts.netloc, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        effect = self.effect(host, method, target, body)
        if host not in self.hosts or not effect.reached:
            self.scheduler.sleep(min(effect.seconds, timeout[0]))
            self._note(host, target, body, taken=False, answered=False, doubtful=False)
            raise requests.ConnectionError(MaxRetryError(None, "", NewConnectionError(None, "")))  # type: ignore[arg-type]
        slow = effect.seconds > timeout[1]
        # The other side has the request while the bridge still waits for the answer.
        try:
            self.scheduler.sleep(min(effect.seconds, timeout[1]) / 2)
        except Killed:
            # Here it has not; but nobody who asks later can know that.
            self._note(host, target, body, taken=False, answered=False, doubtful=True)
            raise
        answer: Answer | None = effect.answer
        if effect.taken:
            try:
                own = self.hosts[host](method, target, headers, body)
                answer = effect.answer or own
            except Unanswered:
                answer = None
        answered = effect.answer is None and answer is not None and not (effect.lost or slow)
        refused = effect.answer is not None and effect.answer.status in (403, 429, 503)
        doubtful = not answered and not (refused and not slow)
        self._note(host, target, body, taken=effect.taken, answered=answered, doubtful=doubtful)
        self.scheduler.sleep(min(effect.seconds, timeout[1]) / 2)
        if slow:
            raise requests.ReadTimeout
        if effect.lost or answer is None:
            raise requests.ConnectionError("closed without an answer")
        return answer

    def _note(self, host: str, path: str, body: bytes, *, taken: bool, answered: bool, doubtful: bool) -> None:
        now, owner = self.scheduler.now, self.scheduler.owner
        self.exchanges.append(Exchange(host, path, body, now, taken, answered, doubtful, owner))


class _Response:
    def __init__(self, answer: Answer) -> None:
        self.status_code, self.headers, self._body = answer.status, answer.headers, answer.body

    def iter_content(self, size: int) -> Iterator[bytes]:
        for start in range(0, len(self._body), size):
            yield self._body[start : start + size]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


class Session:
    """In the place of `requests.Session`, with what the bridge uses of it."""

    def __init__(self, internet: Internet) -> None:
        self._internet = internet

    def request(self, method: str, url: str, *, data: Any, headers: Any, timeout: Any, **_: Any) -> _Response:
        body = data if isinstance(data, bytes) else b"" if data is None else b"".join(data)
        return _Response(self._internet.request(method, url, headers, body, timeout))

    def close(self) -> None:
        """Nothing is open."""


# --- the BSP's callbacks ---------------------------------------------------------------------------------------------

# After which a BSP posts a callback once more, acknowledged or not: also when a FIFO queue has forgotten the first.
_AGAIN_SECONDS = (0.0, 0.0, 0.0, 420.0, 9000.0, 30_000.0)
# Seconds between the attempts of a BSP whose callback is not acknowledged. Meta tries for 7 days, others for less.
RETRY_SECONDS = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, *([7200.0] * 40))


@dataclass
class Posted:
    """One callback: what it is about, when the bridge first acknowledged it (None: not yet)."""

    about: Any
    kind: str
    begun: float
    acknowledged: float | None = None
    times: int = 0


class Callbacks:
    """In the place of `CallbackSender`: posts to the bridge, late, in another order and more than once.

    `about` gives what a callback is about, for the ledger.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        random: Random,
        bridge: Callable[[str, str, dict[str, str], bytes], int],
        about: Callable[[], tuple[Any, str]],
        *,
        spread: float,
        twice: float,
    ) -> None:
        self._scheduler, self._random, self._bridge, self._about = scheduler, random, bridge, about
        self._spread, self._twice = spread, twice
        self.posted: list[Posted] = []

    def post(self, url: str, body: Any, delay: float = 0, proof: Proof = no_proof, encoding: Encoding = "json") -> None:
        raw, content_type = BODIES[encoding](body), TYPES[encoding]
        target = f"{url}?{urlencode(body)}" if encoding == "query" else url
        method = "GET" if encoding == "query" else "POST"
        headers = {"content-type": content_type, **proof(raw)}
        posted = Posted(*self._about(), self._scheduler.now)
        self.posted.append(posted)
        again = [self._random.choice(_AGAIN_SECONDS)] if self._random.random() < self._twice else []
        for late in (0.0, *again):
            after = delay + late + (self._random.random() ** 3) * self._spread
            self._scheduler.start(lambda: self._until_acknowledged(posted, method, target, headers, raw), after=after)

    def _until_acknowledged(self, posted: Posted, method: str, url: str, headers: dict[str, str], raw: bytes) -> None:
        for wait in RETRY_SECONDS:
            posted.times += 1
            if 200 <= self._bridge(method, url, headers, raw) < 300:
                if posted.acknowledged is None:
                    posted.acknowledged = self._scheduler.now
                return
            self._scheduler.sleep(wait * self._random.uniform(0.8, 1.2))

    def start(self) -> None:
        """Nothing runs but tasks."""

    stop = start
