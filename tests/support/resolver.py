"""A name server that does not answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


class Resolver:
    """In the place of `socket.getaddrinfo`: hangs until `give_up`; `asked` counts."""

    def __init__(self) -> None:
        self.asked = 0
        self._over = threading.Event()

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.asked += 1
        self._over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    def give_up(self) -> None:
        """End every look-up, and wait for its thread."""
        self._over.set()
        for thread in threading.enumerate():
            if thread.name == "look-up":
                thread.join()


@contextmanager
def hanging() -> Iterator[Resolver]:
    resolver = Resolver()
    with patch.object(socket, "getaddrinfo", resolver):
        try:
            yield resolver
        finally:
            resolver.give_up()
