"""Outgoing HTTP against real sockets on 127.0.0.1: what was surely not taken, and what may have been."""

import datetime
import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ClosedPoolError

from tests.support.bsp import Answer as BspAnswer
from tests.support.bsp import Bsp, refusing_url
from tests.support.resolver import Resolver, hanging
from tests.support.sockets import Behaviour, Drip, accepting, close, reset, say, sip, stall
from whatsapp_bridge.net import connections
from whatsapp_bridge.net.http import MAX_ANSWER_BYTES, Answer, AnswerLost, HttpClient, NotReached, TooLarge
from whatsapp_bridge.net.limits import Patience

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
    with pytest.raises(TooLarge):
        HttpClient().post_json(url, {})


@pytest.mark.parametrize(
    ("said", "max_bytes"),
    [
        pytest.param(b"Content-Length: 1001\r\n\r\n", 1000, id="by its length, before the first byte of it"),
        pytest.param(b"\r\n" + b"x" * 1001, 1000, id="of no declared length"),
        pytest.param(b"Content-Length: x\r\n\r\n" + b"x" * 1001, 1000, id="of a length that is none"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n\r\n3E9\r\n" + b"x" * 1001 + b"\r\n0\r\n\r\n", 1000, id="in chunks"
        ),
        pytest.param(
            b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 5_000_000), 1_000_000, id="once unpacked"
        ),
    ],
)
def test_too_large(said: bytes, max_bytes: int) -> None:
    with accepting(say(b"HTTP/1.1 200 OK\r\n" + said)) as port, pytest.raises(TooLarge):
        HttpClient().request("GET", f"http://127.0.0.1:{port}/", max_bytes=max_bytes)


# --- no answer ------------------------------------------------------------------------------------------------------


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
def test_answer_lost(behave: Behaviour) -> None:
    with accepting(behave) as port:
        fails(AnswerLost, f"http://127.0.0.1:{port}/{SECRET}")


def test_port_refused() -> None:
    fails(NotReached, f"{refusing_url()}/{SECRET}")


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


@pytest.mark.parametrize(
    ("look_up", "addresses", "refused", "shares"),
    [
        pytest.param(0, 1, 0, [3.0], id="one"),
        pytest.param(0, 2, 0, [1.5, 1.5], id="two"),
        pytest.param(0, 9, 0, [1.0, 1.0, 1.0], id="nine, of which three are tried"),
        pytest.param(0, 3, 1, [1.0, 1.5, 1.5], id="one refuses at once, and the others share its time"),
        pytest.param(2, 2, 0, [0.5, 0.5], id="after a slow look-up"),
    ],
)
def test_several_addresses_that_do_not_answer_take_no_longer_than_one(
    look_up: float, addresses: int, refused: int, shares: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked = [100.0], list[float]()

    def resolve(*_: Any, **__: Any) -> Any:
        now[0] += look_up
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"192.0.2.{n}", 80)) for n in range(addresses)]

    def connect(address: tuple[str, int], timeout: float, **_: Any) -> Any:
        asked.append(timeout)
        if len(asked) <= refused:
            raise ConnectionRefusedError
        now[0] += timeout
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(connections, "create_connection", connect)
    monkeypatch.setattr(connections, "monotonic", lambda: now[0])
    fails(NotReached, "http://bsp.example/")
    assert asked == pytest.approx(shares)


@pytest.fixture
def resolver() -> Iterator[Resolver]:
    with hanging() as made:
        yield made


HASTY = Patience(connect=SHORT)
FOR_NOBODY = f"https://{SECRET}.example/"


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda client: client.post_json(FOR_NOBODY, {}), id="a request"),
        pytest.param(lambda client: client.request("PUT", FOR_NOBODY, Pieces([b"x", b"y"])), id="a body in pieces"),
        pytest.param(lambda client: client.fetch(FOR_NOBODY, max_bytes=9), id="a file of somebody else"),
        pytest.param(lambda client: client.fetch(FOR_NOBODY, max_bytes=9, loopback=True), id="a file of this machine"),
    ],
)
def test_a_look_up_that_hangs_is_a_connection_that_was_not_made(
    ask: Callable[[HttpClient], Answer], resolver: Resolver
) -> None:
    with pytest.raises(NotReached) as raised:
        ask(HttpClient(patience=HASTY))
    assert resolver.asked == 1
    assert SECRET not in "".join(format_exception(raised.value))


def test_look_ups_that_hang_do_not_become_ever_more(resolver: Resolver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_LOOK_UPS", threading.BoundedSemaphore(2))
    client = HttpClient(patience=HASTY)
    for _ in range(4):
        with pytest.raises(NotReached):
            client.post_json(FOR_NOBODY, {})
    assert resolver.asked == 2
    resolver.give_up()
    with pytest.raises(NotReached):
        client.post_json(FOR_NOBODY, {})
    assert resolver.asked == 3


def test_a_look_up_for_which_there_is_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoThread(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(connections, "_LOOK_UPS", threading.BoundedSemaphore(1))
    monkeypatch.setattr(connections, "Thread", NoThread)
    for _ in range(2):
        with pytest.raises(NotReached, match="ConnectionError"):
            HttpClient(patience=HASTY).post_json(FOR_NOBODY, {})
    assert connections._LOOK_UPS.acquire(blocking=False)


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
def test_a_handshake_that_fails_is_not_taken(behave: Behaviour) -> None:
    with accepting(behave) as port:
        fails(NotReached, f"https://127.0.0.1:{port}/{SECRET}")


@pytest.mark.parametrize(
    "url", [pytest.param(f"ftp://127.0.0.1/{SECRET}", id="scheme"), pytest.param(SECRET, id="no scheme")]
)
def test_a_malformed_address(url: str) -> None:
    fails(NotReached, url)


def test_a_header_that_is_none(server: Server, url: str) -> None:
    with pytest.raises(NotReached) as raised:
        HttpClient().post_json(url, {}, {"authorization": f"{SECRET}\n"})
    assert SECRET not in "".join(format_exception(raised.value))
    assert server.requests == []


@pytest.mark.parametrize(
    "drip",
    [
        pytest.param(Drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"x"), id="header"),
        pytest.param(Drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), id="not yet, not yet"),
        pytest.param(Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n", b"x"), id="body"),
        pytest.param(Drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"), id="length of a chunk"),
        pytest.param(Drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5A\r\n", b"x"), id="chunk"),
    ],
)
def test_an_answer_that_drips(drip: Drip) -> None:
    # Each byte comes in time, all together do not.
    with accepting(drip) as port:
        fails(AnswerLost, f"http://127.0.0.1:{port}/{SECRET}")
    assert not drip.finished


@pytest.mark.parametrize("pieces", [pytest.param(1, id="whole"), pytest.param(1000, id="in pieces")])
def test_a_request_that_is_read_too_slowly(pieces: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SEND_SECONDS", SHORT)
    size = 20_000_000
    body = b"x" * size if pieces == 1 else Pieces([b"x" * (size // pieces)] * pieces)
    with accepting(sip(size)) as port, pytest.raises(AnswerLost):
        HttpClient().request("POST", f"http://127.0.0.1:{port}/", body)


class Pieces:
    """A body in pieces, each made when it is asked for."""

    def __init__(self, pieces: list[bytes], before: Callable[[int], None] = lambda place: None) -> None:
        self._pieces, self._before = pieces, before

    def __len__(self) -> int:
        return sum(map(len, self._pieces))

    def __iter__(self) -> Iterator[bytes]:
        for place, piece in enumerate(self._pieces):
            self._before(place)
            yield piece


def test_a_body_in_pieces(server: Server, url: str) -> None:
    answer = HttpClient().request("POST", url, Pieces([b"a" * 70_000, b"b" * 70_000]), {"content-type": "image/png"})
    ((method, _, headers, body),) = server.requests
    assert answer.status == 200
    assert method == "POST"
    assert body == b"a" * 70_000 + b"b" * 70_000
    assert headers["content-length"] == "140000"
    assert headers["content-type"] == "image/png"
    assert "transfer-encoding" not in headers


def test_a_body_in_pieces_is_never_held_whole() -> None:
    first_arrived = threading.Event()

    def behave(connection: socket.socket) -> None:
        received = b""
        while not received.endswith(b"1" * 100_000):
            received += connection.recv(65_536)
        first_arrived.set()
        while not received.endswith(b"2" * 100_000):
            received += connection.recv(65_536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    arrived_before: list[bool] = []

    def before(place: int) -> None:
        if place == 1:
            arrived_before.append(first_arrived.wait(10))

    with accepting(behave) as port:
        pieces = Pieces([b"1" * 100_000, b"2" * 100_000], before)
        assert HttpClient().request("POST", f"http://127.0.0.1:{port}/", pieces).status == 200
    assert arrived_before == [True]


@pytest.mark.parametrize(
    ("seconds", "reached"),
    [
        pytest.param(3 + 15 + SHORT + 4.9, False, id="too little to record what comes of it"),
        pytest.param(3 + 15 + SHORT + 5.1, True, id="just enough"),
    ],
)
def test_nothing_is_begun_that_could_outlast_the_invocation(seconds: float, reached: bool) -> None:
    with Bsp(BspAnswer(200, {})) as bsp:
        client = HttpClient(clock=lambda: 1000.0, patience=Patience(read=SHORT))
        client.end_in(seconds)
        if reached:
            assert client.post_json(bsp.url, {}).status == 200
        else:
            with pytest.raises(NotReached, match="no time left"):
                client.post_json(bsp.url, {})
    assert len(bsp.requests) == reached


def test_what_begins_early_leaves_time_for_a_request() -> None:
    now = [1000.0]
    whole = 3 + 15 + SHORT
    with Bsp(BspAnswer(200, {})) as bsp:
        client = HttpClient(clock=lambda: now[0], patience=Patience(read=SHORT))
        client.end_in(2 * whole + 4.9)
        with pytest.raises(NotReached, match="no time left"), client.leaving_time_for_a_request():
            client.request("POST", bsp.url, b"a file")
        client.end_in(2 * whole + 5.1)
        with client.leaving_time_for_a_request():
            assert client.request("POST", bsp.url, b"a file").status == 200
        now[0] += whole
        assert client.post_json(bsp.url, {}).status == 200
    assert len(bsp.requests) == 2


def test_cookies_are_not_kept() -> None:
    with Bsp(BspAnswer(200, {}, {"set-cookie": "session=1"})) as bsp:
        client = HttpClient(patience=Patience(read=SHORT))
        for _ in range(2):
            client.post_json(bsp.url, {})
    assert [request.headers.get("cookie") for request in bsp.requests] == [None, None]


def fails(expected: type[Exception], url: str) -> None:
    """The outcome, and that no text of the exception gives the address away."""
    with pytest.raises((NotReached, AnswerLost)) as raised:
        HttpClient(patience=Patience(read=SHORT)).post_json(url, {"text": SECRET}, {"authorization": SECRET})
    assert isinstance(raised.value, expected)
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


def test_idle_connections_are_dropped_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another thread, which finds them idle at the same moment, would drop the new connections of the first."""
    now = [1000.0]
    client = HttpClient(clock=lambda: now[0])
    others: list[threading.Thread] = []

    def close(session: requests.Session) -> None:
        others.append(threading.Thread(target=client.post_json, args=(url, {})))
        if len(others) == 1:
            others[0].start()
            # As long as this lasts, the other one waits at the latest where it would close as well.
            others[0].join(SHORT)

    monkeypatch.setattr(requests.Session, "close", close)
    now[0] += 5.1
    assert client.post_json(url, {}).status == 200
    others[0].join()
    assert len(others) == 1


def test_a_closed_pool_takes_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(pool: HTTPConnectionPool, *_: Any, **__: Any) -> Any:
        raise ClosedPoolError(pool, "Pool is closed.")

    monkeypatch.setattr(HTTPConnectionPool, "_get_conn", gone)
    fails(NotReached, url)


# --- answers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b'{"a": [1]}', {"a": [1]}, id="JSON"),
        pytest.param(b"<html>", None, id="not JSON"),
        pytest.param(b"", None, id="empty"),
        pytest.param(b"\xff", None, id="bytes"),
        pytest.param(b'{"a": "\xff"}', {"a": "\u00ff"}, id="not UTF-8"),
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
