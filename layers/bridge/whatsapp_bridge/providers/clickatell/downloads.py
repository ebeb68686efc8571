"""Files from people, as they come: by an address at Clickatell, or in the message itself.

Source: sections "Media by reference" and "Media download" of the comparison page named in `codes`.
"""

import re
from base64 import b64decode
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from whatsapp_bridge.files import File
from whatsapp_bridge.http import AnswerLost, HttpClient, NotReached, TooLarge
from whatsapp_bridge.providers.clickatell.values import blank
from whatsapp_bridge.providers.contract import Attachment, Unreadable

if TYPE_CHECKING:
    from whatsapp_bridge.accounts import Account

# WhatsApp's limit for the largest kind, documents.
_MAX_BYTES: Final = 100 * 1024 * 1024
_DEFAULT_TYPE: Final = "application/octet-stream"
# The file may still come to be there, or the account's key be mended.
_MAY_CHANGE: Final = frozenset({401, 402, 403, 408, 425, 429})
# Scheme, host and port and nothing else in front of the path. Parsers of addresses do not agree on which host there is
# in "https://one\\@other/", and the one that opens the connection is not the one of the standard library.
_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?=[/?#]|\Z)", re.I | re.A)
_PORTS: Final = {"http": 80, "https": 443}


def received(attachment: Attachment, account: "Account", http: HttpClient) -> bytes:
    """The file as Clickatell has it: ciphertext where the message is encrypted. Raises `Unreadable`."""
    if "unreadable" in attachment.source:
        raise Unreadable(str(attachment.source["unreadable"]), retriable=False)
    if "content" in attachment.source:
        try:
            return b64decode(str(attachment.source["content"]))
        except ValueError:
            raise Unreadable("the file is not base64", retriable=False) from None
    url = attachment.source.get("downloadUrl")
    if not isinstance(url, str) or blank(url):
        raise Unreadable("the message has no file that can be read", retriable=False)
    origin = _origin(url)
    if origin is None or origin != _origin(account.provider.base_url):
        # The API key goes nowhere else, whatever a callback says.
        raise Unreadable("downloadUrl is not at provider.base_url", retriable=False)
    return _get(url, account, http)


def _get(url: str, account: "Account", http: HttpClient) -> bytes:
    headers = {"authorization": account.provider.api_key, "accept-encoding": "identity"}
    try:
        answer = http.request("GET", url, None, headers, max_bytes=_MAX_BYTES)
    except TooLarge:
        raise Unreadable("the file is too large", retriable=False) from None
    except (NotReached, AnswerLost) as error:
        raise Unreadable(f"download: {error}", retriable=True) from None
    if answer.status != 200:
        retriable = answer.status >= 500 or answer.status in _MAY_CHANGE
        raise Unreadable(f"download: HTTP {answer.status}", retriable=retriable)
    return answer.body


def _origin(url: str) -> tuple[str, str, int] | None:
    found = _ORIGIN.match(url)
    if found is None:
        return None
    scheme, host, port = found[1].lower(), found[2].lower(), found[3]
    return (scheme, host, int(port) if port else _PORTS[scheme])


def check_hash(attachment: Attachment, account: "Account", content: bytes, raw: bytes) -> None:
    """Warn where the file is not the one that was announced.

    Clickatell's page has the hash over the plaintext in one place, over the ciphertext in another: either will do.
    """
    announced = attachment.source.get("sha256Hash")
    if blank(announced):
        return
    if str(announced).strip().lower() not in (sha256(content).hexdigest(), sha256(raw).hexdigest()):
        # Brings botocore along.
        from whatsapp_bridge.observability import count, logger

        count("MediaHashMismatches")
        logger.warning("file differs from its announced hash", extra={"account": account.name})


def named(attachment: Attachment, content: bytes) -> File:
    """The file under its own name, else the fileId in its address, with an extension."""
    from mimetypes import guess_extension

    content_type = (attachment.content_type or _DEFAULT_TYPE).partition(";")[0].strip().lower() or _DEFAULT_TYPE
    query = str(attachment.source.get("downloadUrl", "")).partition("?")[2].partition("#")[0]
    name = attachment.file_name or parse_qs(query).get("fileId", ["file"])[0]
    extension = "" if "." in name else guess_extension(content_type) or ".bin"
    return File(content, content_type, name + extension)
