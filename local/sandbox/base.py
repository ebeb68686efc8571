"""What the sandboxes of CleverTap and the BSPs share: a server, and how to wait for requests."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

from local.web import LoopbackHandler, LoopbackServer


class Sandbox(ABC):
    """A context manager that serves at `url`. Changes to what has arrived hold and notify `_changed`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.before_answer: Callable[[], None] | None = None
        """Called after a request is processed, before it is answered."""
        sandbox = self

        class Handler(LoopbackHandler):
            def respond(self) -> None:
                sandbox._respond(self)

        self._server = LoopbackServer(Handler)

    @abstractmethod
    def _respond(self, request: LoopbackHandler) -> None:
        """Process a request, call `before_answer`, then answer."""

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait for a condition on what has arrived."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)
