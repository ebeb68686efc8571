"""Files from people, as they come: by an address at Clickatell, or in the message itself.

Source: sections "Media by reference" and "Media download" of the comparison page named in `codes`.
"""

from base64 import b64decode
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.media.file_types import extension
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.common import downloads
from whatsapp_bridge.providers.common.values import blank
from whatsapp_bridge.providers.contract import Attachment, Unreadable

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell_common.settings import Account


def received(attachment: Attachment, account: "Account", http: HttpClient) -> tuple[bytes, str | None]:
    """The file as Clickatell has it, ciphertext where the message is encrypted, and its content type.

    Raises `Unreadable`.
    """
    if "unreadable" in attachment.source:
        raise Unreadable(str(attachment.source["unreadable"]), retriable=False)
    if "content" in attachment.source:
        try:
            content = b64decode("".join(str(attachment.source["content"]).split()), validate=True)
        except ValueError:
            raise Unreadable("the file is not base64", retriable=False) from None
        return content, attachment.content_type
    url = attachment.source.get("downloadUrl")
    if not isinstance(url, str) or blank(url):
        raise Unreadable("the message has no file that can be read", retriable=False)
    origin = downloads.origin(url)
    if origin is None or origin != downloads.origin(account.provider.base_url):
        # The API key goes nowhere else, whatever a callback says.
        raise Unreadable("downloadUrl is not at provider.base_url", retriable=False)
    answer = downloads.get(url, {"authorization": account.provider.api_key}, http)
    return answer.body, attachment.content_type or answer.headers.get("content-type")


def check_hash(attachment: Attachment, account: "Account", content: bytes, raw: bytes) -> None:
    """Warn where the file is not the one that was announced.

    Clickatell's page has the hash over the plaintext in one place, over the ciphertext in another: either will do.
    """
    downloads.check_hash(attachment.source.get("sha256Hash"), account.name, content, raw)


def named(attachment: Attachment, content: bytes, of_type: str | None) -> File:
    """The file under its own name, else the fileId in its address, with an extension."""
    content_type = downloads.content_type(of_type)
    query = str(attachment.source.get("downloadUrl", "")).partition("?")[2].partition("#")[0]
    name = attachment.file_name or parse_qs(query).get("fileId", ["file"])[0]
    return File(content, content_type, name if "." in name else name + extension(content_type))
