"""What CleverTap's end and the BSPs' ends share: a server, and waiting for what it gets."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

from local.web import LoopbackHandler, LoopbackServer


class Sandbox(ABC):
    """A context manager that serves at `url`. What arrives is kept under `_changed`, which is then notified."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.before_answer: Callable[[], None] | None = None
        """Called when a request was carried out, before it is answered."""
        sandbox = self

        class Handler(LoopbackHandler):
            def respond(self) -> None:
                sandbox._respond(self)

        self._server = LoopbackServer(Handler)

    @abstractmethod
    def _respond(self, request: LoopbackHandler) -> None:
        """Answer a request; call `before_answer` between carrying it out and answering it."""

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait for a condition on what arrived."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)
