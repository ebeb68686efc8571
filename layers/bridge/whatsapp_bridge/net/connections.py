"""Connections that tell for certain if a request did not leave, and that always end in time.

Nothing of a request is sent before `connect` returns, TLS handshake included. urllib3 reports a failed or unanswered
handshake like a connection that breaks during the request; here every failure of `connect` is a `NewConnectionError`.

A socket's timeout is for a single call, so a peer that sends or reads a byte now and then could keep a request open
forever; here all calls for one request share a timeout, and all for its answer another.
"""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from io import BufferedReader, RawIOBase
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import BoundedSemaphore, Thread
from time import monotonic
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family, create_connection

from whatsapp_bridge.net.limits import SEND_SECONDS


class _Within(RawIOBase):
    """Reads from a socket with one timeout for all reads."""

    def __init__(self, connection: socket.socket, raw: RawIOBase) -> None:
        self._connection, self._raw = connection, raw
        self._ends = monotonic() + (connection.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._ends - monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._raw.readinto(buffer)

    def fileno(self) -> int:
        return self._raw.fileno()

    def close(self) -> None:
        super().close()
        self._raw.close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp: Any = BufferedReader(_Within(sock, self.fp.detach()))


# Of those that a name has, so many are tried.
_MAX_ADDRESSES = 3
# For the TLS handshake, however long the connection took.
_LEAST_SECONDS = 0.5


def _connected(connection: HTTPConnection, addresses: Sequence[str], ends: float) -> socket.socket:
    """A socket to the first address that takes the connection. They share the time that is left: one that does not
    answer leaves time for the next, and all together take no longer than one."""
    tried = addresses[:_MAX_ADDRESSES]
    failure = OSError()
    for number, address in enumerate(tried):
        share = max(ends - monotonic(), 0.0) / (len(tried) - number)
        try:
            found = create_connection(
                (address, connection.port), max(share, 0.001), socket_options=connection.socket_options
            )
        except OSError as error:
            failure = error
            continue
        found.settimeout(max(ends - monotonic(), _LEAST_SECONDS))
        return found
    raise failure


def _end(connection: HTTPConnection) -> float:
    """When its look-up and its connection must be done, if they begin now."""
    return monotonic() + float(connection.timeout or 0)


def _looked_up(connection: HTTPConnection, ends: float) -> list[str]:
    """The addresses of the connection's host. Raises `OSError`, `UnicodeError`."""
    host, port = connection.host.strip("[]"), connection.port
    found = _within(
        max(ends - monotonic(), 0.0),
        lambda: socket.getaddrinfo(host, port, allowed_gai_family(), socket.SOCK_STREAM),
    )
    return [str(address[0]) for *_, address in found]


# Whoever gives up leaves a look-up behind, for as long as the resolver tries (glibc: 5 seconds for each of 2 attempts
# and each name server, https://man7.org/linux/man-pages/man5/resolv.conf.5.html). They must not become ever more.
_LOOK_UPS = BoundedSemaphore(32)


def _within[R](seconds: float, call: Callable[[], R]) -> R:
    """The result of a call that takes no timeout. Raises `TimeoutError` and leaves the call to end by itself; the same
    if too many have not ended yet."""
    ends = monotonic() + seconds
    if not _LOOK_UPS.acquire(timeout=seconds):
        raise TimeoutError
    result: Future[R] = Future()

    def run() -> None:
        try:
            result.set_result(call())
        except Exception as error:  # noqa: BLE001 - raised where the result is awaited
            result.set_exception(error)
        finally:
            _LOOK_UPS.release()

    try:
        Thread(target=run, name="look-up", daemon=True).start()
    except RuntimeError:
        _LOOK_UPS.release()
        raise OSError("no thread") from None
    return result.result(max(ends - monotonic(), 0.0))


class _Timed(HTTPConnection):
    response_class = _Response
    _sent_by = 0.0

    def _new_conn(self) -> socket.socket:
        ends = _end(self)
        return _connected(self, _looked_up(self, ends), ends)

    def request(self, *arguments: Any, **options: Any) -> None:
        self._sent_by = 0.0
        super().request(*arguments, **options)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        now = monotonic()
        self._sent_by = self._sent_by or now + SEND_SECONDS
        if now >= self._sent_by:
            raise TimeoutError
        self.sock.settimeout(self._sent_by - now)
        super().send(data)


class _Connection(_Timed):
    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, HTTPError, UnicodeError) as error:
            raise NewConnectionError(self, type(error).__name__) from None


class _TlsConnection(_Timed, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except (OSError, HTTPError, UnicodeError) as error:
            raise NewConnectionError(self, type(error).__name__) from None


class NotPublic(Exception):
    """A name without an address, or with none on the public internet."""


# NAT64's well-known prefix (RFC 6052): the last 32 bits are the IPv4 address that is actually reached.
_NAT64 = ip_network("64:ff9b::/96")
# The IPv6 range that is assigned for the internet. `is_global` accepts more, for example fec0::/10. Source:
# https://www.iana.org/assignments/ipv6-address-space
_GLOBAL_UNICAST = ip_network("2000::/3")


def _is_public(address: IPv4Address | IPv6Address, *, loopback: bool) -> bool:
    """6to4 and Teredo addresses are not public: no servers use them."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped, loopback=loopback)
        if address in _NAT64:
            return _is_public(IPv4Address(int(address) & 0xFFFFFFFF), loopback=False)
        if not address.is_loopback and address not in _GLOBAL_UNICAST:
            return False
    if address.is_loopback:
        return loopback
    return address.is_global and not address.is_multicast


# The resolver's final errors, unlike EAI_AGAIN: no such name, or no address for it.
_NO_ADDRESS = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})


def _publicly_connected(connection: HTTPConnection, *, loopback: bool) -> socket.socket:
    """A socket to a public address of the connection's host. The name is looked up only once, because each look-up may
    return another address. Nothing is sent to other addresses, so that nobody can probe them."""
    ends = _end(connection)
    found = _addresses(connection, ends)
    addresses = [one for one in found if _is_public(ip_address(one.partition("%")[0]), loopback=loopback)]
    if not addresses:
        raise NotPublic("is not a public address")
    return _connected(connection, addresses, ends)


def _addresses(connection: HTTPConnection, ends: float) -> list[str]:
    try:
        return _looked_up(connection, ends)
    except UnicodeError:
        raise NotPublic("has a host that does not exist") from None
    except socket.gaierror as error:
        if error.errno in _NO_ADDRESS:
            raise NotPublic("has a host that does not exist") from None
        raise NameResolutionError("host", connection, error) from None


class _PublicConnection(_Connection):
    loopback = False

    def _new_conn(self) -> socket.socket:
        return _publicly_connected(self, loopback=self.loopback)


class _PublicTlsConnection(_TlsConnection):
    loopback = False

    def _new_conn(self) -> socket.socket:
        return _publicly_connected(self, loopback=self.loopback)


class _LocalConnection(_PublicConnection):
    loopback = True


class _LocalTlsConnection(_PublicTlsConnection):
    loopback = True


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _PublicPool(HTTPConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicTlsPool(HTTPSConnectionPool):
    ConnectionCls = _PublicTlsConnection


class _LocalPool(HTTPConnectionPool):
    ConnectionCls = _LocalConnection


class _LocalTlsPool(HTTPSConnectionPool):
    ConnectionCls = _LocalTlsConnection


class _Adapter(HTTPAdapter):
    def __init__(self, http: type[HTTPConnectionPool], https: type[HTTPSConnectionPool]) -> None:
        self._pools = {"http": http, "https": https}
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None: otherwise requests reads a redirect's whole body and its address, even if told not to follow it."""


def new_session() -> requests.Session:
    """A session without proxies and netrc from the environment, and without cookies: it serves several accounts."""
    return _session(_Adapter(_Pool, _TlsPool))


def new_public_session(*, loopback: bool) -> requests.Session:
    """The same, only for public addresses (`NotPublic` for others) and, with `loopback`, this machine's own."""
    return _session(_Adapter(_LocalPool, _LocalTlsPool) if loopback else _Adapter(_PublicPool, _PublicTlsPool))


def _session(adapter: _Adapter) -> requests.Session:
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session
