"""Files from people: at an address of Clickatell's, or in the message itself.

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
    """The file as Clickatell has it (ciphertext if the message is encrypted), and its content type.

    Raises `Unreadable`.
    """
    if "unreadable" in attachment.source:
        raise Unreadable(str(attachment.source["unreadable"]), retriable=False)
    if "content" in attachment.source:
        try:
            content = b64decode("".join(str(attachment.source["content"]).split()), validate=True)
        except ValueError:
            raise Unreadable("the file must be base64", retriable=False) from None
        return content, attachment.content_type
    url = attachment.source.get("downloadUrl")
    if not isinstance(url, str) or blank(url):
        raise Unreadable("the message must have downloadUrl or content", retriable=False)
    origin = downloads.origin(url)
    if origin is None or origin != downloads.origin(account.provider.base_url):
        # Never send the API key to another host that a callback names.
        raise Unreadable("downloadUrl must be at provider.base_url", retriable=False)
    answer = downloads.get(url, {"authorization": account.provider.api_key}, http)
    return answer.body, attachment.content_type or answer.headers.get("content-type")


def check_hash(attachment: Attachment, account: "Account", content: bytes, raw: bytes) -> None:
    """Warn if the file does not have the announced hash.

    Clickatell's page hashes the plaintext in one place and the ciphertext in another: both are accepted.
    """
    downloads.check_hash(attachment.source.get("sha256Hash"), account.name, content, raw)


def named(attachment: Attachment, content: bytes, of_type: str | None) -> File:
    """The file, named by its own name, else by the fileId in its address, with an extension."""
    content_type = downloads.content_type(of_type)
    query = str(attachment.source.get("downloadUrl", "")).partition("?")[2].partition("#")[0]
    name = attachment.file_name or parse_qs(query).get("fileId", ["file"])[0]
    return File(content, content_type, name if "." in name else name + extension(content_type))
