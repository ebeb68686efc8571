"""Files from people: at an address of Clickatell's, or in the message itself.

Source: sections "Media by reference" and "Media download" of the comparison page named in `codes`: One API's
`downloadUrl` is `/v1/media` with a `fileId`, and the legacy API has no files at addresses.
"""

from re import fullmatch
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.clickatell_common.answers import of_a_file
from whatsapp_bridge.providers.clickatell_common.dialect import Dialect
from whatsapp_bridge.providers.common import downloads
from whatsapp_bridge.providers.common.values import blank
from whatsapp_bridge.providers.contract.client import NoFile
from whatsapp_bridge.providers.contract.replies import Attachment

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell_common.settings import Account

# A UUID and the file's extension; whatever else it may once have, no step of a path.
_FILE_ID: Final = r"(?!\.+$)[A-Za-z0-9._~@+=,-]+"


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
    if dialect.media_path is None:
        raise NoFile("the message must have content", retriable=False)
    url = attachment.source.get("downloadUrl")
    if not isinstance(url, str) or blank(url):
        raise NoFile("the message must have downloadUrl or content", retriable=False)
    # Whoever has the account's callback token chooses it, and could read what the API key gets there.
    if not downloads.is_at(url, account.provider.base_url, dialect.media_path) or not _names_one_file(url):
        reason = f"downloadUrl must be a file of {dialect.media_path} at provider.base_url"
        raise NoFile(reason, retriable=False)
    # The file, and JSON in place of one.
    asked = {"authorization": account.provider.api_key, "accept": "application/json, */*"}
    answer = downloads.get(url, asked, http, lambda refusal: of_a_file(refusal, dialect), attachment=attachment)
    return answer.body, answer.headers.get("content-type")


def _names_one_file(url: str) -> bool:
    """Whether the query has one `fileId`, and this is no path."""
    ids = parse_qs(url.partition("?")[2], keep_blank_values=True).get("fileId", [])
    return len(ids) == 1 and fullmatch(_FILE_ID, ids[0]) is not None


def check_hash(attachment: Attachment, account: "Account", content: bytes, raw: bytes) -> None:
    """Warn if the file does not have the announced hash.

    Clickatell's page hashes the plaintext in one place and the ciphertext in another: both are accepted.
    """
    downloads.check_hash(attachment.source.get("sha256Hash"), account.name, content, raw)


def named(attachment: Attachment, content: bytes, of_type: str | None) -> File:
    """The file, named by its own name, else by the fileId in its address."""
    query = str(attachment.source.get("downloadUrl", "")).partition("?")[2].partition("#")[0]
    return downloads.named(attachment, content, of_type, name=parse_qs(query).get("fileId", ["file"])[0])
