"""Who may call a port of the local stack: programs on this machine, and no web page.

A browser lets every page send requests to 127.0.0.1, and moto answers without credentials. The page's origin is in
`Origin` (https://fetch.spec.whatwg.org/#origin-header); what has none, such as an image, says in `Sec-Fetch-Site` that
another site asks (https://www.w3.org/TR/fetch-metadata/). A page whose own name leads to 127.0.0.1 (DNS rebinding) has
that name in `Host`.
"""

import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socket import SHUT_WR
from typing import Final

# S3 names a bucket in front of the host. Names below "localhost" are nobody's (RFC 6761, section 6.3).
_PLACE: Final = re.compile(r"(?:127\.0\.0\.1|\[::1\]|(?:[a-z0-9_.-]+\.)?localhost)(?::([0-9]{1,5}))?", re.IGNORECASE)
_HTTP_PORT: Final = 80
_OWN_SITE: Final = frozenset({"", "same-origin", "none"})
# What is still read of a refused request, so that its sender can read the answer.
_READ_BYTES: Final = 65_536
_MAX_READS: Final = 1024
_READ_SECONDS: Final = 1.0

type Headers = Callable[[str], str]
"""The value of a request's header, "" without it."""


def refusal(headers: Headers, port: int) -> str:
    """Why this port refuses a request and what to do in its place, without a value of it; "" if it does not."""
    here = f"http://127.0.0.1:{port}"
    if not _is_here(headers("Host"), port):
        return f"This port is for this machine alone: call {here}, with that host in the header Host."
    origin = headers("Origin")
    own = not origin or (origin.startswith("http://") and _is_here(origin.removeprefix("http://"), port))
    if own and (headers("Sec-Fetch-Site").lower() in _OWN_SITE or _is_opened(headers)):
        return ""
    return f"This port is not for web pages of other sites: call {here} from a program, without the header Origin."


def _is_here(place: str, port: int) -> bool:
    """Whether `place` (host and port) is this port."""
    match = _PLACE.fullmatch(place)
    return match is not None and int(match[1] or _HTTP_PORT) == port


def _is_opened(headers: Headers) -> bool:
    """Whether somebody has followed a link, for example to a person's file: the page with the link sees nothing."""
    return (headers("Sec-Fetch-Mode").lower(), headers("Sec-Fetch-Dest").lower()) == ("navigate", "document")


class LocalHandler(BaseHTTPRequestHandler):
    """Refuses what a web page sends with 403, before anything else looks at it, and lets no page read an answer. Every
    server of the local stack handles its requests by a subclass."""

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        text = refusal(self._header, int(self.connection.getsockname()[1]))
        if text:
            self._refuse(text)
        return not text

    def send_header(self, keyword: str, value: str) -> None:
        # moto lets every page read its answers.
        if not keyword.lower().startswith("access-control-"):
            super().send_header(keyword, value)

    def _header(self, name: str) -> str:
        # Of several none is believed: together they are no valid value.
        return ", ".join(self.headers.get_all(name, []))

    def _refuse(self, text: str) -> None:
        body = f"{text}\n".encode()
        self.close_connection = True
        self.send_response(403)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)
        self.wfile.flush()
        try:
            # A connection that closes with a body unread is reset, and the answer with it.
            self.connection.shutdown(SHUT_WR)
            self.connection.settimeout(_READ_SECONDS)
            for _ in range(_MAX_READS):
                if not self.connection.recv(_READ_BYTES):
                    return
        except OSError:
            # The sender has gone, or neither sends nor goes: there is nothing left to tell it.
            return
