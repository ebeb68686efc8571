"""A BSP on 127.0.0.1 that answers as it is told, or fails as networks do."""

import json
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Self

# A guard against hanging for ever, not a wait: whoever holds a request back is released when the server closes.
_PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """`body` is JSON, or bytes that are sent as they are."""

    status: int = 200
    body: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Fault(Enum):
    """What becomes of a request that was read in full."""

    HANG = "no answer, the connection stays open"
    DROP = "no answer, the connection is closed"
    CUT = "half an answer"


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


type Script = Answer | Fault | Callable[[Request], Answer]


class Bsp:
    """Answers requests with `script`, in turn; the last one serves for all that follow."""

    def __init__(self, *script: Script) -> None:
        self.requests: list[Request] = []
        self.script: deque[Script] = deque(script)
        self._released = Event()

    def __enter__(self) -> Self:
        bsp = self

        class Handler(_Handler):
            owner = bsp

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def next(self) -> Script:
        return self.script.popleft() if len(self.script) > 1 else self.script[0]

    def hold(self) -> None:
        self._released.wait(_PATIENCE_SECONDS)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        # Who has no use for the rest of an answer hangs up.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    owner: Bsp
    protocol_version = "HTTP/1.1"
    # Headers and body leave in two writes; the second would wait for the other side's acknowledgement, 40 ms.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, body)
        self.owner.requests.append(request)
        script = self.owner.next()
        if not isinstance(script, Fault):
            self._answer(script if isinstance(script, Answer) else script(request))
            return
        self.close_connection = True
        if script is Fault.HANG:
            self.owner.hold()
        elif script is Fault.CUT:
            self.wfile.write(b'HTTP/1.1 202 Accepted\r\ncontent-length: 1000\r\n\r\n{"messages": [')
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_POST  # noqa: N815 - http.server's spelling

    def _answer(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in {"content-length": str(len(answer.content)), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        """Nothing: requests are in `Bsp.requests`."""


def refusing_url() -> str:
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"
