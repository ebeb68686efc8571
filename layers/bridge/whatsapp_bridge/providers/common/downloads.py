"""Files from people: fetches those that a BSP keeps, reads those in a message, and names them. Shared by all BSPs."""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from whatsapp_bridge.media import file_types
from whatsapp_bridge.media.fetch import File, Source, SourceDead, SourceUnavailable
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached, OutOfTime, TooLarge
from whatsapp_bridge.providers.answers import FileWord, no_file
from whatsapp_bridge.providers.common.values import blank, from_base64
from whatsapp_bridge.providers.contract.client import NoFile
from whatsapp_bridge.providers.contract.replies import Attachment
from whatsapp_bridge.runtime.observability import count, logger

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.media.fetch import Files

MAX_BYTES: Final = 100 * 1024 * 1024
"""WhatsApp's limit for the largest kind, documents."""
_DATA_URI: Final = re.compile(r"data:([^,]*);base64,", re.IGNORECASE)
# Only scheme, host and port in front of the path. Parsers disagree about the host in "https://one\\@other/", and the
# one that opens the connection is not the standard library's.
_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?=[/?#]|\Z)", re.I | re.A)
# Visible ASCII without fragment and backslash, which parsers read in different ways.
_PLAIN: Final = r"[!\"$-\[\]-~]*"
_PORTS: Final = {"http": 80, "https": 443}


def get(
    url: str,
    headers: Mapping[str, str],
    http: HttpClient,
    word_of: Callable[[Answer], FileWord | None],
    max_bytes: int = MAX_BYTES,
    attachment: "Attachment | None" = None,
) -> Answer:
    """The answer of `url`, which the caller has checked to be the BSP's. `word_of` reads the BSP's own errors;
    `attachment` is the file that is asked for, if it is one. Raises `NoFile`."""
    try:
        answer = http.request("GET", url, None, {"accept-encoding": "identity", **headers}, max_bytes=max_bytes)
    except TooLarge:
        raise NoFile("the file is too large", retriable=False) from None
    except (NotReached, AnswerLost) as error:
        raise NoFile(f"download: {error}", retriable=True) from None
    # A file that looks like an error is a file.
    failure = no_file(answer, None if answer.status == 200 else word_of(answer))
    if failure is not None:
        raise failure
    if attachment is not None:
        _check_page(attachment, answer.body)
    return answer


def _check_page(attachment: "Attachment", content: bytes) -> None:
    if file_types.is_page_in_place(content, "file" if attachment.guessed else attachment.kind, attachment.content_type):
        raise NoFile("a page came in place of the file", retriable=True)


def public(
    url: str, account: "Account", files: "Files", called: str = "the file", attachment: "Attachment | None" = None
) -> Source:
    """The file at an address that needs no credentials. `attachment` as in `get`. Raises `NoFile`; its reason begins
    with `called`."""
    try:
        # Without a validator to compare, `fetch` always returns a file.
        source = cast("Source", files.fetch(url, MAX_BYTES, loopback=account.on_one_machine))
    except (SourceDead, SourceUnavailable) as error:
        answered = no_file(error.answer, None, credentials=False) if error.answer is not None else None
        retriable = answered.retriable if answered is not None else isinstance(error, SourceUnavailable)
        once = answered is not None and answered.once
        raise NoFile(f"{called} {error.reason}", retriable=retriable, once=once) from None
    except OutOfTime as error:
        raise NoFile(f"{called} cannot be fetched: {error}", retriable=True) from None
    if attachment is not None:
        _check_page(attachment, source.content)
    return source


def inline(text: str) -> tuple[bytes, str | None]:
    """A file in base64, also as a data URI (RFC 2397), and its content type if it has one. Raises `NoFile`."""
    packed = "".join(text.split())
    uri = _DATA_URI.match(packed)
    try:
        content = from_base64(packed[uri.end() if uri else 0 :])
    except ValueError:
        raise NoFile("the file must be base64", retriable=False) from None
    if not content:
        raise NoFile("the file is empty", retriable=False)
    return content, uri[1] if uri else None


def named(attachment: Attachment, content: bytes, *declared: str | None, name: str | None = None) -> File:
    """The file by the rules of `file_types`. `declared`: the content types of the answer and of the BSP's description;
    `name`: one for a file that the person has given none."""
    name = attachment.file_name or name
    of_type = file_types.content_type_of(
        content, (*declared, attachment.content_type), name, audio=attachment.kind in ("audio", "voice")
    )
    return File(content, of_type, file_types.named(name, of_type, attachment.kind))


def origin(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of an address; None if it is not one, or has anything else in front of its path."""
    found = _ORIGIN.match(url)
    if found is None:
        return None
    scheme, host, port = found[1].lower(), found[2].lower(), found[3]
    return (scheme, host, int(port) if port else _PORTS[scheme])


def is_at(url: str, base_url: str, path: str) -> bool:
    """Whether an address is this path of the API at `base_url`, or of its host, with or without a query.

    Compared letter by letter: whatever else a server might take for the same path, such as one with dot segments or
    encoded slashes, is none.
    """
    found = _ORIGIN.match(url)
    if found is None or origin(url) != origin(base_url) or not re.fullmatch(_PLAIN, url):
        return False
    return url[found.end() :].partition("?")[0] in (path, urlsplit(base_url).path.rstrip("/") + path)


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
