"""Posts a BSP's callbacks, each until it is acknowledged. A few run in parallel, so their order may change."""

import heapq
import itertools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

import requests

# Seconds to the next attempt of a callback that was not acknowledged; after the last one it is given up.
RETRY_SECONDS = (0.2, 0.5, 1, 2, 4, 8)
_TIMEOUT_SECONDS = 10
_THREADS = 4


type Encoding = Literal["json", "form", "query"]
"""How a callback's body is sent; a query is a GET."""

type Proof = Callable[[bytes], dict[str, str]]
"""The headers by which a BSP proves that a body is its own."""


def no_proof(body: bytes) -> dict[str, str]:
    return {}


@dataclass(order=True)
class Callback:
    due: float
    number: int
    url: str = field(compare=False)
    body: Any = field(compare=False)
    encoding: Encoding = field(default="json", compare=False)
    proof: Proof = field(default=no_proof, compare=False)
    attempt: int = field(default=0, compare=False)


class CallbackSender:
    """`on_given_up` is called with callbacks that were never acknowledged."""

    def __init__(self, on_given_up: Callable[[Callback], None]) -> None:
        self._on_given_up = on_given_up
        self._heap: list[Callback] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._in_flight = 0
        self._threads = [threading.Thread(target=self._run, name="callbacks", daemon=True) for _ in range(_THREADS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(_TIMEOUT_SECONDS)

    def post(self, url: str, body: Any, delay: float = 0, proof: Proof = no_proof, encoding: Encoding = "json") -> None:
        """Send `body` (an object of texts, unless it is JSON) in `delay` seconds."""
        with self._changed:
            callback = Callback(time.monotonic() + delay, next(self._numbers), url, body, encoding, proof)
            heapq.heappush(self._heap, callback)
            self._changed.notify_all()

    def wait_idle(self, timeout: float) -> bool:
        """Wait until everything is acknowledged or given up."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._heap and not self._in_flight, timeout)

    def _run(self) -> None:
        with requests.Session() as session:
            while callback := self._next():
                acknowledged = self._send(session, callback)
                self._settle(callback, acknowledged)

    def _next(self) -> Callback | None:
        with self._changed:
            while not self._closed:
                left = self._heap[0].due - time.monotonic() if self._heap else None
                if left is not None and left <= 0:
                    self._in_flight += 1
                    return heapq.heappop(self._heap)
                self._changed.wait(left)
        return None

    def _send(self, session: requests.Session, callback: Callback) -> bool:
        body = BODIES[callback.encoding](callback.body)
        try:
            # Redirects are not followed: a redirect is not an acknowledgement.
            answer = session.request(
                "GET" if callback.encoding == "query" else "POST",
                callback.url,
                params=callback.body if callback.encoding == "query" else None,
                data=body,
                headers={"Content-Type": TYPES[callback.encoding], **callback.proof(body)},
                timeout=_TIMEOUT_SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException:
            return False
        return 200 <= answer.status_code < 300

    def _settle(self, callback: Callback, acknowledged: bool) -> None:
        given_up = not acknowledged and callback.attempt == len(RETRY_SECONDS)
        with self._changed:
            self._in_flight -= 1
            if not acknowledged and not given_up:
                callback.due = time.monotonic() + RETRY_SECONDS[callback.attempt]
                callback.attempt += 1
                heapq.heappush(self._heap, callback)
            self._changed.notify_all()
        if given_up:
            self._on_given_up(callback)


BODIES: dict[Encoding, Callable[[Any], bytes]] = {
    "json": lambda body: json.dumps(body).encode(),
    "form": lambda body: urlencode(body).encode(),
    "query": lambda body: b"",
}
TYPES: dict[Encoding, str] = {
    "json": "application/json",
    "form": "application/x-www-form-urlencoded",
    "query": "text/plain",
}
