"""Files from people: at an address of Clickatell's, or in the message itself.

Source: sections "Media by reference" and "Media download" of the comparison page named in `codes`.
"""

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.clickatell_common.answers import of_a_file
from whatsapp_bridge.providers.clickatell_common.dialect import Dialect
from whatsapp_bridge.providers.common import downloads
from whatsapp_bridge.providers.common.values import blank
from whatsapp_bridge.providers.contract import Attachment, NoFile

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell_common.settings import Account


def received(
    attachment: Attachment, account: "Account", http: HttpClient, dialect: Dialect
) -> tuple[bytes, str | None]:
    """The file as Clickatell has it (ciphertext if the message is encrypted), and its content type beside the message's
    own.

    Raises `NoFile`.
    """
    if "unreadable" in attachment.source:
        raise NoFile(str(attachment.source["unreadable"]), retriable=False)
    if "content" in attachment.source:
        return downloads.inline(str(attachment.source["content"]))
    url = attachment.source.get("downloadUrl")
    if not isinstance(url, str) or blank(url):
        raise NoFile("the message must have downloadUrl or content", retriable=False)
    origin = downloads.origin(url)
    if origin is None or origin != downloads.origin(account.provider.base_url):
        # Never send the API key to another host that a callback names.
        raise NoFile("downloadUrl must be at provider.base_url", retriable=False)
    # The file, and JSON in place of one.
    asked = {"authorization": account.provider.api_key, "accept": "application/json, */*"}
    answer = downloads.get(url, asked, http, lambda refusal: of_a_file(refusal, dialect))
    return answer.body, answer.headers.get("content-type")


def check_hash(attachment: Attachment, account: "Account", content: bytes, raw: bytes) -> None:
    """Warn if the file does not have the announced hash.

    Clickatell's page hashes the plaintext in one place and the ciphertext in another: both are accepted.
    """
    downloads.check_hash(attachment.source.get("sha256Hash"), account.name, content, raw)


def named(attachment: Attachment, content: bytes, of_type: str | None) -> File:
    """The file, named by its own name, else by the fileId in its address."""
    query = str(attachment.source.get("downloadUrl", "")).partition("?")[2].partition("#")[0]
    return downloads.named(attachment, content, of_type, name=parse_qs(query).get("fileId", ["file"])[0])
