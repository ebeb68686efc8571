"""Fetches files from people that a BSP keeps, with the account's credentials. Shared by all BSPs."""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, cast

from whatsapp_bridge.media.fetch import Source, SourceDead, SourceUnavailable
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached, OutOfTime, TooLarge
from whatsapp_bridge.providers.common.values import blank
from whatsapp_bridge.providers.contract import Unreadable
from whatsapp_bridge.runtime.observability import count, logger

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.media.fetch import Files

MAX_BYTES: Final = 100 * 1024 * 1024
"""WhatsApp's limit for the largest kind, documents."""
_DEFAULT_TYPE: Final = "application/octet-stream"
# The file may still appear, or somebody may correct the account's key.
_MAY_CHANGE: Final = frozenset({401, 402, 403, 408, 425, 429})
# Only scheme, host and port in front of the path. Parsers disagree about the host in "https://one\\@other/", and the
# one that opens the connection is not the standard library's.
_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?=[/?#]|\Z)", re.I | re.A)
_PORTS: Final = {"http": 80, "https": 443}


def get(url: str, headers: Mapping[str, str], http: HttpClient, max_bytes: int = MAX_BYTES) -> Answer:
    """The answer of `url`, which the caller has checked to be the BSP's. Raises `Unreadable`."""
    try:
        answer = http.request("GET", url, None, {"accept-encoding": "identity", **headers}, max_bytes=max_bytes)
    except TooLarge:
        raise Unreadable("the file is too large", retriable=False) from None
    except (NotReached, AnswerLost) as error:
        raise Unreadable(f"download: {error}", retriable=True) from None
    if answer.status != 200:
        retriable = answer.status >= 500 or answer.status in _MAY_CHANGE
        raise Unreadable(f"download: HTTP {answer.status}", retriable=retriable)
    return answer


def public(url: str, account: "Account", files: "Files", called: str = "the file") -> bytes:
    """The file at an address that needs no credentials. Raises `Unreadable`; its reason begins with `called`."""
    try:
        # Without a validator to compare, `fetch` always returns a file.
        source = cast("Source", files.fetch(url, MAX_BYTES, loopback=account.on_one_machine))
    except SourceDead as error:
        raise Unreadable(f"{called} {error.reason}", retriable=False) from None
    except SourceUnavailable as error:
        raise Unreadable(f"{called} {error.reason}", retriable=True) from None
    except OutOfTime as error:
        raise Unreadable(f"{called} cannot be fetched: {error}", retriable=True) from None
    return source.content


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an address; None if it is not one, or has anything else in front of its path."""
    found = _ORIGIN.match(url)
    if found is None:
        return None
    scheme, host, port = found[1].lower(), found[2].lower(), found[3]
    return (scheme, host, int(port) if port else _PORTS[scheme])


def content_type(value: str | None) -> str:
    """A content type without its parameters."""
    return (value or "").partition(";")[0].strip().lower() or _DEFAULT_TYPE


def check_hash(announced: Any, account: str, *contents: bytes) -> bool:
    """Warn if the announced hash is not the SHA-256 (hex or base64) of one of `contents`.

    False if it is not; True if no hash was announced.
    """
    if blank(announced):
        return True
    hashes = [sha256(content).digest() for content in contents]
    named = str(announced).strip()
    if named.lower() not in {found.hex() for found in hashes} and named not in {
        b64encode(found).decode() for found in hashes
    }:
        count("MediaHashMismatches")
        logger.warning("file differs from its announced hash", extra={"account": account})
        return False
    return True
