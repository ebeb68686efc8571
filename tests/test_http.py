"""Outgoing HTTP against real sockets on 127.0.0.1: what was surely not taken, and what may have been."""

import datetime
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.bsp import Answer as BspAnswer
from tests.support.bsp import Bsp
from whatsapp_bridge.http import MAX_ANSWER_BYTES, Answer, AnswerLost, HttpClient, NotReached

SECRET = "canary-in-the-url"
SHORT = 0.2


class Server:
    """An HTTP server that answers as told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections: list[tuple[str, int]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = lambda handler: reply(handler, 200, b"{}")

    def handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                server.connections.append(self.client_address)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                server.requests.append((self.command, self.path, headers, body))
                server.answer(self)

            do_GET = do_POST  # noqa: N815 - http.server's spelling

            def log_message(self, *_: Any) -> None:
                """Nothing on stderr."""

        return Handler


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"content-length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serving(server: Server, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port on which `server` answers."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), server.handler())
    httpd.daemon_threads = True
    httpd.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]
    if context:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield httpd.server_port
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@contextmanager
def accepting(behave: Callable[[socket.socket], None]) -> Iterator[int]:
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


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    with serving(server) as port:
        yield f"http://127.0.0.1:{port}/path?key={SECRET}"


# --- what is sent and what comes back -------------------------------------------------------------------------------


def test_the_request(server: Server, url: str) -> None:
    answer = HttpClient().post_json(url, {"text": "ü", "n": None}, {"authorization": "key", "x-a": "b"})
    (method, path, headers, body) = server.requests[0]
    assert (method, path) == ("POST", f"/path?key={SECRET}")
    assert body == '{"text":"ü","n":null}'.encode()
    assert (headers["content-type"], headers["authorization"], headers["x-a"]) == ("application/json", "key", "b")
    assert (answer.status, answer.json()) == (200, {})


@pytest.mark.parametrize("status", [200, 202, 207, 400, 401, 404, 429, 500, 503])
def test_every_status_is_an_answer(server: Server, url: str, status: int) -> None:
    server.answer = lambda handler: reply(handler, status, b'{"a": 1}', **{"X-Some": "Thing"})
    answer = HttpClient().post_json(url, {})
    assert (answer.status, answer.json(), answer.headers["x-some"]) == (status, {"a": 1}, "Thing")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(server: Server, url: str, status: int) -> None:
    server.answer = lambda handler: reply(handler, status, b"", location=url)
    answer = HttpClient().post_json(url, {}, {"authorization": "key"})
    assert answer.status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "ALL_PROXY"])
def test_the_environment_redirects_nothing(
    server: Server, url: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert HttpClient().post_json(url, {}).status == 200
    assert len(server.requests) == 1


def test_netrc_adds_no_credentials(server: Server, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password something\n")
    monkeypatch.setenv("NETRC", str(netrc))
    HttpClient().post_json(url, {}, {"authorization": "key"})
    assert server.requests[0][2]["authorization"] == "key"


@pytest.mark.parametrize(
    ("size", "taken"),
    [
        pytest.param(MAX_ANSWER_BYTES, True, id="as large as may be"),
        pytest.param(MAX_ANSWER_BYTES + 1, False, id="a byte more"),
    ],
)
def test_size_of_an_answer(server: Server, url: str, size: int, taken: bool) -> None:
    server.answer = lambda handler: reply(handler, 200, b"x" * size)
    if taken:
        assert len(HttpClient().post_json(url, {}).body) == size
        return
    with pytest.raises(AnswerLost):
        HttpClient().post_json(url, {})


# --- no answer ------------------------------------------------------------------------------------------------------


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def close(connection: socket.socket) -> None:
    connection.recv(65_536)
    connection.close()


def reset(connection: socket.socket) -> None:
    connection.recv(65_536)
    # Linger of zero seconds: close() sends a reset.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def say(text: bytes) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)

    return behave


def stall(text: bytes) -> Callable[[socket.socket], None]:
    def behave(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(text)

    return behave


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(close, id="closed without an answer"),
        pytest.param(reset, id="connection reset"),
        pytest.param(stall(b""), id="never answers"),
        pytest.param(stall(b"HTTP/1.1 200 OK\r\nContent-"), id="stalls in the headers"),
        pytest.param(stall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), id="stalls in the body"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), id="body cut off"),
        pytest.param(say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), id="broken chunks"),
        pytest.param(
            say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"), id="broken compression"
        ),
        pytest.param(say(b"SSH-2.0-OpenSSH\r\n"), id="not HTTP"),
    ],
)
def test_answer_lost(behave: Callable[[socket.socket], None]) -> None:
    with accepting(behave) as port:
        fails(AnswerLost, f"http://127.0.0.1:{port}/{SECRET}")


def test_port_refused() -> None:
    fails(NotReached, f"http://127.0.0.1:{unused_port()}/{SECRET}")


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"http://{SECRET}.invalid/", id="unknown host"),
        pytest.param(f"http://127.0.0.1:port-{SECRET}/", id="no port"),
        pytest.param(f"http:///{SECRET}", id="no host"),
    ],
)
def test_no_such_host(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown host")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    fails(NotReached, url)


def certificate(path: Path, host: str, days: int) -> ssl.SSLContext:
    """A server's context with a certificate for `host`, signed by itself, which is written to `path`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    start = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


@pytest.mark.parametrize(
    ("host", "days", "trusted", "reached"),
    [
        pytest.param("localhost", 36_500, True, True, id="right"),
        pytest.param("localhost", 36_500, False, False, id="signed by nobody known"),
        pytest.param("other.example", 36_500, True, False, id="of another host"),
        pytest.param("localhost", 1, True, False, id="expired"),
    ],
)
def test_certificates(
    server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    host: str,
    days: int,
    trusted: bool,
    reached: bool,
) -> None:
    pem = tmp_path / "certificate.pem"
    context = certificate(pem, host, days)
    if trusted:
        monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(pem))
    with serving(server, context) as port:
        if reached:
            assert HttpClient().post_json(f"https://localhost:{port}/", {}).status == 200
        else:
            fails(NotReached, f"https://localhost:{port}/{SECRET}")
    assert len(server.requests) == reached


@pytest.mark.parametrize(
    "behave",
    [
        pytest.param(say(b"no TLS at all"), id="not TLS"),
        pytest.param(close, id="closed"),
        pytest.param(reset, id="reset"),
    ],
)
def test_a_handshake_that_fails_is_not_taken(behave: Callable[[socket.socket], None]) -> None:
    with accepting(behave) as port:
        fails(NotReached, f"https://127.0.0.1:{port}/{SECRET}")


@pytest.mark.parametrize(
    "url", [pytest.param(f"ftp://127.0.0.1/{SECRET}", id="scheme"), pytest.param(SECRET, id="no scheme")]
)
def test_an_address_that_is_none(url: str) -> None:
    fails(NotReached, url)


def test_a_header_that_is_none(server: Server, url: str) -> None:
    with pytest.raises(NotReached) as raised:
        HttpClient().post_json(url, {}, {"authorization": f"{SECRET}\n"})
    assert SECRET not in "".join(format_exception(raised.value))
    assert server.requests == []


def test_an_answer_that_drips(server: Server, url: str) -> None:
    # Each piece comes in time, all together do not.
    seconds = count(1000)
    server.answer = lambda handler: reply(handler, 200, b"x" * 1_000_000)
    with pytest.raises(AnswerLost, match="answer too slow"):
        HttpClient(clock=lambda: next(seconds), read_seconds=5).post_json(url, {})


@pytest.mark.parametrize(
    ("seconds", "reached"),
    [
        pytest.param(3 + 2 * SHORT + 4.9, False, id="too little to record what comes of it"),
        pytest.param(3 + 2 * SHORT + 5.1, True, id="just enough"),
    ],
)
def test_nothing_is_begun_that_could_outlast_the_invocation(seconds: float, reached: bool) -> None:
    with Bsp(BspAnswer(200, {})) as bsp:
        client = HttpClient(clock=lambda: 1000.0, read_seconds=SHORT)
        client.end_in(seconds)
        if reached:
            assert client.post_json(bsp.url, {}).status == 200
        else:
            with pytest.raises(NotReached, match="no time left"):
                client.post_json(bsp.url, {})
    assert len(bsp.requests) == reached


def test_cookies_are_not_kept() -> None:
    with Bsp(BspAnswer(200, {}, {"set-cookie": "session=1"})) as bsp:
        client = HttpClient(read_seconds=SHORT)
        for _ in range(2):
            client.post_json(bsp.url, {})
    assert [request.headers.get("cookie") for request in bsp.requests] == [None, None]


def fails(expected: type[Exception], url: str) -> None:
    """The outcome, and that no text of the exception gives the address away."""
    with pytest.raises((NotReached, AnswerLost)) as raised:
        HttpClient(read_seconds=SHORT).post_json(url, {"text": SECRET}, {"authorization": SECRET})
    assert type(raised.value) is expected
    shown = "".join(format_exception(raised.value))
    assert SECRET not in shown
    assert "127.0.0.1" not in str(raised.value)


# --- connections ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pauses", "connections"),
    [
        pytest.param([0, 4.9, 4.9, 4.9], 1, id="kept while in use"),
        pytest.param([0, 5.1], 2, id="dropped when idle"),
        pytest.param([5.1, 5.1], 2, id="idle before its first use"),
        pytest.param([0, 0, 5.1, 0], 2, id="kept again after that"),
    ],
)
def test_idle_connections(server: Server, url: str, pauses: list[float], connections: int) -> None:
    now = [1000.0]
    client = HttpClient(clock=lambda: now[0])
    for pause in pauses:
        now[0] += pause
        assert client.post_json(url, {}).status == 200
    assert len(set(server.connections)) == connections


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"a": [1]}', {"a": [1]}, id="JSON"),
        pytest.param(b"<html>", None, id="not JSON"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"\xff", None, id="not UTF-8"),
    ],
)
def test_json(body: bytes, expected: Any) -> None:
    assert Answer(200, {}, body).json() == expected


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param({"retry-after": "30"}, 30.0, id="seconds"),
        pytest.param({"retry-after": "0"}, 0.0, id="at once"),
        pytest.param({}, None, id="none"),
        pytest.param({"retry-after": ""}, None, id="empty"),
        pytest.param({"retry-after": "9" * 400}, None, id="no time to wait"),
        pytest.param({"retry-after": "-1"}, None, id="negative"),
        pytest.param({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, None, id="a date"),
        pytest.param({"retry-after": "\u0663"}, None, id="digit of another script"),
    ],
)
def test_retry_after(header: dict[str, str], seconds: float | None) -> None:
    assert Answer(429, header, b"").retry_after == seconds


def test_an_answer_does_not_show_in_its_repr() -> None:
    assert repr(Answer(200, {"x": SECRET}, json.dumps(SECRET).encode())) == "Answer(status=200)"
