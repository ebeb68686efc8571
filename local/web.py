"""HTTP servers on 127.0.0.1, each in its own thread."""

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from typing import Self

from local.callers import LocalHandler

HOST = "127.0.0.1"
_READ_BYTES = 1024 * 1024


class BodyTooLarge(Exception):
    """A request's body exceeds the server's limit."""


class LoopbackHandler(LocalHandler):
    """HTTP/1.1 with keep-alive. Subclasses implement `respond`."""

    protocol_version = "HTTP/1.1"
    # An answer is sent in two writes; with Nagle's algorithm the second waits for the peer's delayed ACK (40 ms).
    disable_nagle_algorithm = True
    max_body_bytes = 64 * 1024 * 1024

    def respond(self) -> None:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Callable[[], None]:
        # http.server looks up do_GET, do_POST, ... by the request's method; all use the same method here.
        if name.startswith("do_"):
            return self.respond
        raise AttributeError(name)

    def read_body(self) -> bytes:
        """The body, of a known length or chunked. Raises `BodyTooLarge`, but only after it has read to the end: if the
        connection closes while a peer still writes, the peer cannot read the answer."""
        body = bytearray()
        size = 0
        for part in self._parts():
            size += len(part)
            if size > self.max_body_bytes:
                body.clear()
            else:
                body += part
        if size > self.max_body_bytes:
            raise BodyTooLarge
        return bytes(body)

    def _parts(self) -> Iterator[bytes]:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            left = int(self.headers.get("Content-Length") or 0)
            while left > 0 and (part := self.rfile.read(min(left, _READ_BYTES))):
                left -= len(part)
                yield part
            return
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers end with an empty line

    def answer(self, status: int, body: bytes = b"", headers: list[tuple[str, str]] | None = None) -> None:
        self.send_response(status)
        for name, value in headers or []:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """No access log: paths contain tokens."""


class LoopbackServer(ThreadingHTTPServer):
    """`port` 0 chooses a free one. Accepts from `start` to `stop`; also a context manager."""

    # Explicit, because http.server's default varies: a second server would get half of the first one's connections.
    allow_reuse_port = False
    daemon_threads = True
    block_on_close = False
    # Bursts of connections (1500 sends at once) wait here instead of being refused.
    request_queue_size = 2048

    def __init__(self, handler: type[LoopbackHandler], port: int = 0) -> None:
        super().__init__((HOST, port), handler)
        self._closing = False
        self._stopping = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name=f"{handler.__name__}:{self.server_port}", daemon=True)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def start(self) -> Self:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop accepting; open connections end with their clients."""
        with self._stopping:
            if self._closing:
                return
            self._closing = True
            if self._thread.is_alive():
                # Wakes the accept, which waits without a timeout so that an idle server costs nothing.
                socket.create_connection((HOST, self.port)).close()
                self._thread.join()
            self.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _accept(self) -> None:
        while not self._closing:
            self.handle_request()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore peers that disconnect in the middle (a killed function, a stopped sandbox): tests do that."""
        import sys

        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]
