"""Files from addresses that come from outside: public ones only, within limits of time and size, over redirects."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from traceback import format_exception
from typing import Any

import pytest

from tests.support.bsp import Answer, Bsp, Fault, Request, refusing_url
from tests.support.sockets import Drip, accepting, say, stall
from whatsapp_bridge.net import connections, http
from whatsapp_bridge.net.http import AnswerLost, Forbidden, HttpClient, NotReached, TooLarge
from whatsapp_bridge.net.limits import Patience

SECRET = "canary-in-the-url"
SHORT = 0.2
FILE = Answer(200, b"content", {"content-type": "image/png", "ETag": '"1"'})


def fetch(url: str, **options: Any) -> http.Answer:
    options = {"max_bytes": 1000, "loopback": True, **options}
    return HttpClient(patience=Patience(read=SHORT)).fetch(url, **options)


def refused(url: str, **options: Any) -> str:
    """Why an address is refused; no text of the exception gives it away."""
    with pytest.raises(Forbidden) as raised:
        fetch(url, **options)
    assert SECRET not in "".join(format_exception(raised.value))
    return str(raised.value)


@pytest.fixture
def host() -> Iterator[Bsp]:
    with Bsp(FILE) as bsp:
        yield bsp


# --- what is asked and answered -------------------------------------------------------------------------------------


def test_a_file(host: Bsp) -> None:
    answer = fetch(f"{host.url}/a.png?size=1", headers={"if-none-match": '"0"'})
    assert (answer.status, answer.body) == (200, b"content")
    assert (answer.headers["content-type"], answer.headers["etag"]) == ("image/png", '"1"')
    (request,) = host.requests
    assert (request.method, request.path, request.body) == ("GET", "/a.png?size=1", b"")
    assert {name: value for name, value in request.headers.items() if name != "host"} == {
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "keep-alive",
        "if-none-match": '"0"',
        "user-agent": "CleverTapWhatsAppBridge",
    }


@pytest.mark.parametrize("status", [204, 206, 304, 400, 403, 404, 410, 429, 500, 503])
def test_of_another_status_there_is_no_body(host: Bsp, status: int) -> None:
    body = b"" if status in (204, 304) else b"x" * 5000
    host.script = [Answer(status, body, {"retry-after": "1"})]  # type: ignore[assignment]
    answer = fetch(host.url)
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (status, b"", "1")


@pytest.mark.parametrize(
    ("size", "taken"), [pytest.param(1000, True, id="as large as may be"), pytest.param(1001, False, id="a byte more")]
)
def test_size(host: Bsp, size: int, taken: bool) -> None:
    host.script[0] = Answer(200, b"x" * size)
    if taken:
        assert len(fetch(host.url).body) == size
    else:
        with pytest.raises(TooLarge):
            fetch(host.url)


def test_a_length_above_the_limit_is_refused() -> None:
    with accepting(say(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")) as port, pytest.raises(TooLarge):
        fetch(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.DROP])
def test_no_answer(host: Bsp, fault: Fault) -> None:
    host.script[0] = fault
    with pytest.raises(AnswerLost):
        fetch(host.url)


def test_half_a_file() -> None:
    cut = say(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
    with accepting(cut) as port, pytest.raises(AnswerLost):
        fetch(f"http://127.0.0.1:{port}/")


def test_nobody_listens() -> None:
    with pytest.raises(NotReached):
        fetch(refusing_url())


def test_connections_are_kept(host: Bsp) -> None:
    ports: list[str] = []
    client = HttpClient()
    for _ in range(3):
        assert client.fetch(host.url, max_bytes=1000, loopback=True).status == 200
        (pool,) = client._public[True].fresh().get_adapter(host.url).poolmanager.pools._container.values()
        ports.append(pool.num_connections)
    assert ports == [1, 1, 1]


# --- time -----------------------------------------------------------------------------------------------------------


def test_a_file_that_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "FETCH_SECONDS", SHORT)
    drip = Drip(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n", b"x")
    with accepting(drip) as port, pytest.raises(AnswerLost):
        HttpClient().fetch(f"http://127.0.0.1:{port}/", max_bytes=1000, loopback=True)
    assert not drip.finished


def test_time_runs_over_all_redirects(host: Bsp) -> None:
    now = [1000.0]

    def redirect(request: Request) -> Answer:
        now[0] += 8
        return Answer(302, b"", {"location": "/again"})

    host.script = [redirect]  # type: ignore[assignment]
    with pytest.raises(AnswerLost, match="answer too slow"):
        HttpClient(clock=lambda: now[0]).fetch(host.url, max_bytes=1000, loopback=True)
    assert len(host.requests) == 2


def test_a_redirect_has_only_the_time_that_is_left_to_connect(host: Bsp, monkeypatch: pytest.MonkeyPatch) -> None:
    now, patience = [1000.0], list[float]()
    connect = connections.create_connection

    def create_connection(address: tuple[str, int], timeout: float, **options: Any) -> socket.socket:
        patience.append(timeout)
        return connect(address, timeout, **options)

    with Bsp(FILE) as other:

        def redirect(request: Request) -> Answer:
            now[0] += 14.5
            return Answer(302, b"", {"location": other.url})

        host.script = [redirect]  # type: ignore[assignment]
        monkeypatch.setattr(connections, "monotonic", lambda: 100.0)
        monkeypatch.setattr(connections, "create_connection", create_connection)
        assert HttpClient(clock=lambda: now[0]).fetch(host.url, max_bytes=1000, loopback=True).status == 200
    assert patience == [3.0, 0.5]


@pytest.mark.parametrize(
    ("seconds", "begun"),
    [
        pytest.param(3 + 15 + 4.9, False, id="too little to make use of it"),
        pytest.param(3 + 15 + 5.1, True, id="just enough"),
    ],
)
def test_nothing_is_begun_that_could_outlast_the_invocation(host: Bsp, seconds: float, begun: bool) -> None:
    client = HttpClient(clock=lambda: 1000.0)
    client.end_in(seconds)
    if begun:
        assert client.fetch(host.url, max_bytes=1000, loopback=True).status == 200
    else:
        with pytest.raises(NotReached, match="no time left"):
            client.fetch(host.url, max_bytes=1000, loopback=True)
    assert len(host.requests) == begun


# --- redirects ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "path"),
    [
        pytest.param("/b/file.png", "/b/file.png", id="path"),
        pytest.param("file.png", "/a/file.png", id="relative"),
        pytest.param("?v=2", "/a/old.png?v=2", id="query"),
        pytest.param("//{host}/c", "/c", id="no scheme"),
        pytest.param("http://{host}/c", "/c", id="whole address"),
        pytest.param("/ü.png".encode().decode("latin-1"), "/%C3%BC.png", id="in clear"),
    ],
)
def test_redirect(host: Bsp, status: int, location: str, path: str) -> None:
    location = location.format(host=host.url.removeprefix("http://"))
    host.script = [FILE]  # type: ignore[assignment]
    answers = {"/a/old.png": Answer(status, b"moved", {"location": location})}
    host.script[0] = lambda request: answers.get(request.path, FILE)
    assert fetch(f"{host.url}/a/old.png").body == b"content"
    assert [request.path for request in host.requests] == ["/a/old.png", path]


def test_the_body_of_a_redirect_is_not_waited_for(host: Bsp) -> None:
    moved = f"HTTP/1.1 302 Found\r\nLocation: {host.url}\r\nContent-Length: 1000000000\r\n\r\n"
    with accepting(stall(moved.encode())) as port:
        assert fetch(f"http://127.0.0.1:{port}/").body == b"content"


def test_a_redirect_without_a_location_is_an_answer(host: Bsp) -> None:
    host.script[0] = Answer(302, b"")
    assert fetch(host.url).status == 302


@pytest.mark.parametrize(
    ("times", "followed"), [pytest.param(5, True, id="as often as may be"), pytest.param(6, False, id="too often")]
)
def test_how_often(host: Bsp, times: int, followed: bool) -> None:
    host.script[0] = lambda request: (
        FILE if len(host.requests) > times else Answer(302, b"", {"location": f"/{len(host.requests)}"})
    )
    if followed:
        assert fetch(host.url).body == b"content"
    else:
        assert refused(host.url) == "is redirected too often"
    assert len(host.requests) == 6


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        pytest.param(f"ftp://127.0.0.1/{SECRET}", "is not an http or https address", id="another scheme"),
        pytest.param(f"file:///etc/{SECRET}", "is not an http or https address", id="a file"),
        pytest.param(f"http://[::1/{SECRET}", "is not an http or https address", id="malformed"),
        pytest.param(f"http://127.0.0.1:{SECRET}/", "is not an http or https address", id="no port"),
        pytest.param(f"http://169.254.169.254/{SECRET}", "is not a public address", id="of the cloud's own"),
        pytest.param(f"http://10.0.0.1/{SECRET}", "is not a public address", id="private"),
    ],
)
def test_a_redirect_elsewhere(host: Bsp, location: str, reason: str) -> None:
    host.script[0] = Answer(302, b"", {"location": location})
    assert refused(host.url) == reason
    assert len(host.requests) == 1


def test_credentials_of_an_address_stay_with_its_host() -> None:
    with ExitStack() as stack:
        there = stack.enter_context(Bsp(FILE))
        here = stack.enter_context(Bsp(Answer(302, b"", {"location": f"{there.url}/file"})))
        assert fetch(here.url.replace("://", "://user:password@")).body == b"content"
    assert "authorization" in here.requests[0].headers
    assert "authorization" not in there.requests[0].headers


def test_cookies_are_not_kept(host: Bsp) -> None:
    host.script[0] = lambda request: (
        FILE if len(host.requests) > 1 else Answer(302, b"", {"location": "/", "set-cookie": "a=1"})
    )
    fetch(host.url)
    assert [request.headers.get("cookie") for request in host.requests] == [None, None]


# --- addresses ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"ftp://files.example/{SECRET}", id="another scheme"),
        pytest.param(SECRET, id="no scheme"),
        pytest.param("", id="empty"),
        pytest.param(f"http:///{SECRET}", id="no host"),
        pytest.param(f"http://files.example:port-{SECRET}/", id="no port"),
        pytest.param(f"http://files..example/{SECRET}", id="empty label, by the library or the resolver"),
        pytest.param(f"http://*.{SECRET}/", id="no name"),
        pytest.param(f"http://fil es.example/{SECRET}", id="space"),
    ],
)
def test_no_address(url: str, resolved: Callable[..., list[str]]) -> None:
    resolved()
    assert refused(url) in ("is not an http or https address", "has a host that does not exist")


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What names stand for, at each look-up; numeric addresses stand for themselves. Gives what is connected to."""

    def resolve(*answers: str | int) -> list[str]:
        left = list(answers)
        connected: list[str] = []
        original = socket.getaddrinfo

        def getaddrinfo(host: str, port: int, *arguments: Any) -> Any:
            if not any(letter.isalpha() for letter in host) or ":" in host:
                return original(host, port, *arguments)
            host.encode("idna")
            answer = left.pop(0) if left else socket.EAI_NONAME
            if isinstance(answer, int):
                raise socket.gaierror(answer, SECRET)
            return [row for address in answer.split() for row in original(address, port, *arguments)]

        def create_connection(address: tuple[str, int], *_: Any, **__: Any) -> Any:
            connected.append(address[0])
            raise ConnectionRefusedError

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(connections, "create_connection", create_connection)
        return connected

    return resolve


NOT_PUBLIC = [
    pytest.param("0.0.0.0", id="unspecified"),
    pytest.param("0.1.2.3", id="this network"),
    pytest.param("10.1.2.3", id="private 10/8"),
    pytest.param("172.16.0.1", id="private 172.16/12"),
    pytest.param("192.168.1.1", id="private 192.168/16"),
    pytest.param("100.64.0.1", id="carrier-grade NAT"),
    pytest.param("169.254.169.254", id="instance metadata"),
    pytest.param("169.254.100.1", id="Lambda's runtime"),
    pytest.param("192.0.0.8", id="protocol assignments"),
    pytest.param("192.0.2.1", id="documentation"),
    pytest.param("198.18.0.1", id="benchmarks"),
    pytest.param("224.0.0.1", id="multicast"),
    pytest.param("239.255.255.250", id="local multicast"),
    pytest.param("240.0.0.1", id="reserved"),
    pytest.param("255.255.255.255", id="broadcast"),
    pytest.param("::", id="unspecified, IPv6"),
    pytest.param("fc00::1", id="unique local"),
    pytest.param("fd00:ec2::254", id="instance metadata, IPv6"),
    pytest.param("fe80::1", id="link-local"),
    pytest.param("fec0::1", id="site-local"),
    pytest.param("ff0e::1", id="multicast, IPv6"),
    pytest.param("2001:db8::1", id="documentation, IPv6"),
    pytest.param("4000::1", id="not given out"),
    pytest.param("::ffff:10.0.0.1", id="mapped, private"),
    pytest.param("::ffff:169.254.169.254", id="mapped, instance metadata"),
    pytest.param("::10.0.0.1", id="compatible, private"),
    pytest.param("64:ff9b::a00:1", id="NAT64, private"),
    pytest.param("64:ff9b::7f00:1", id="NAT64, loopback"),
    pytest.param("64:ff9b:1::a00:1", id="NAT64, local use"),
    pytest.param("2002:a00:1::1", id="6to4, private"),
    pytest.param("2001:0:808:808::f5ff:fffe", id="Teredo, private"),
]
LOOPBACK = [
    pytest.param("127.0.0.1", id="loopback"),
    pytest.param("127.9.9.9", id="loopback network"),
    pytest.param("::1", id="loopback, IPv6"),
    pytest.param("::ffff:127.0.0.1", id="mapped, loopback"),
]
PUBLIC = [
    pytest.param("8.8.8.8", id="public"),
    pytest.param("100.63.255.255", id="below carrier-grade NAT"),
    pytest.param("172.32.0.1", id="above private 172.16/12"),
    pytest.param("2001:4860:4860::8888", id="public, IPv6"),
    pytest.param("::ffff:8.8.8.8", id="mapped, public"),
    pytest.param("64:ff9b::808:808", id="NAT64, public"),
]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("named", [True, False], ids=["by name", "by number"])
@pytest.mark.parametrize("loopback", [True, False], ids=["loopback admitted", "public only"])
@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_not_public(resolved: Callable[..., list[str]], address: str, loopback: bool, named: bool, scheme: str) -> None:
    connected = resolved(address)
    host = "files.example" if named else f"[{address}]" if ":" in address else address
    assert refused(f"{scheme}://{host}/{SECRET}", loopback=loopback) == "is not a public address"
    assert connected == []


@pytest.mark.parametrize("address", LOOPBACK)
def test_this_machine(resolved: Callable[..., list[str]], address: str) -> None:
    connected = resolved(address, address)
    assert refused("http://files.example/", loopback=False) == "is not a public address"
    assert connected == []
    with pytest.raises(NotReached):
        fetch("http://files.example/", loopback=True)
    assert connected == [address]


@pytest.mark.parametrize(
    "written",
    [pytest.param("2130706433", id="decimal"), pytest.param("0x7f.1", id="hex"), pytest.param("0177.1", id="octal")],
)
def test_other_spellings_of_this_machine(written: str) -> None:
    # The resolver knows them, or there is no such host.
    assert refused(f"http://{written}/", loopback=False) in (
        "is not a public address",
        "has a host that does not exist",
    )


@pytest.mark.parametrize("loopback", [True, False], ids=["loopback admitted", "public only"])
@pytest.mark.parametrize("address", PUBLIC)
def test_public(resolved: Callable[..., list[str]], address: str, loopback: bool) -> None:
    connected = resolved(address)
    with pytest.raises(NotReached):
        fetch("https://files.example/", loopback=loopback)
    assert connected == [address]


@pytest.mark.parametrize(
    ("answers", "tried"),
    [
        pytest.param(["8.8.8.8", "10.0.0.1"], ["8.8.8.8"], id="looked up once: the next answer may be another"),
        pytest.param(["10.0.0.1 8.8.8.8 ::1"], ["8.8.8.8"], id="the public one of several"),
        pytest.param(["8.8.8.1 8.8.8.2 8.8.8.3 8.8.8.4"], ["8.8.8.1", "8.8.8.2", "8.8.8.3"], id="one after the other"),
    ],
)
def test_which_address(resolved: Callable[..., list[str]], answers: list[str], tried: list[str]) -> None:
    connected = resolved(*answers)
    with pytest.raises(NotReached):
        fetch("http://files.example/", loopback=False)
    assert connected == tried


def test_the_second_address_when_the_first_fails(host: Bsp, monkeypatch: pytest.MonkeyPatch) -> None:
    original, connect = socket.getaddrinfo, connections.create_connection

    def getaddrinfo(name: str, *arguments: Any) -> Any:
        addresses = ["127.0.0.9", "127.0.0.1"] if name == "files.example" else [name]
        return [row for address in addresses for row in original(address, *arguments)]

    def create_connection(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        if address[0] == "127.0.0.9":
            raise ConnectionRefusedError
        return connect(address, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(connections, "create_connection", create_connection)
    assert fetch(host.url.replace("127.0.0.1", "files.example")).body == b"content"
    assert host.requests[0].headers["host"].startswith("files.example:")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(socket.EAI_NONAME, Forbidden, id="no such name"),
        pytest.param(socket.EAI_NODATA, Forbidden, id="a name without an address"),
        pytest.param(socket.EAI_AGAIN, NotReached, id="no answer of the resolver"),
        pytest.param(socket.EAI_FAIL, NotReached, id="the resolver fails"),
    ],
)
def test_resolver(resolved: Callable[..., list[str]], error: int, expected: type[Exception]) -> None:
    resolved(error)
    with pytest.raises(expected) as raised:
        fetch(f"https://{SECRET}.example/")
    assert SECRET not in "".join(format_exception(raised.value))
    assert expected is NotReached or str(raised.value) == "has a host that does not exist"


def test_a_label_that_is_too_long(resolved: Callable[..., list[str]]) -> None:
    resolved("8.8.8.8")
    assert refused(f"http://{'a' * 64}.example/") == "has a host that does not exist"
