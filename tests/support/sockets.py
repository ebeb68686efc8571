"""Servers on 127.0.0.1 below HTTP: they accept connections and misbehave on them."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle, islice

type Behaviour = Callable[[socket.socket], None]
# More than any time limit of the tests, and less than any patience.
_DRIPS = 200
_DRIP_SECONDS = 0.02


@contextmanager
def accepting(behave: Behaviour) -> Iterator[int]:
    """The port of a server that accepts connections and does as told with each."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as kept:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                kept.enter_context(connection)
                behave(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def close(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.close()


def reset(connection: socket.socket) -> None:
    connection.recv(65_536)
    # Linger of zero seconds: close() sends a reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def say(text: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)

    return behave


def stall(text: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(text)

    return behave


class Drip:
    """Says `text`, then byte after byte of `then`, over and over. `finished` unless somebody has hung up before."""

    def __init__(self, text: bytes, then: bytes) -> None:
        self._text, self._then = text, then
        self.finished = False

    def __call__(self, connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(self._text)
        pause = threading.Event()
        for byte in islice(cycle(self._then), _DRIPS):
            try:
                connection.sendall(bytes([byte]))
            except OSError:
                return
            pause.wait(_DRIP_SECONDS)
        self.finished = True
        connection.close()


def sip(size: int) -> Behaviour:
    """Takes a request of more than `size` bytes little by little, a hundredth of it at a time, and answers."""

    def behave(connection: socket.socket) -> None:
        pause, received = threading.Event(), 0
        while received < size and (taken := connection.recv(size // 100)):
            received += len(taken)
            pause.wait(_DRIP_SECONDS)
        if received >= size:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    return behave
