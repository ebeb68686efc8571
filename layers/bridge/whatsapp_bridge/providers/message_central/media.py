"""Files for people, sent with a CHAT, and files from people.

Source: section "Send Chat Messages" of Message Central's documentation: "Image, video which you want to send". Sizes
and types are WhatsApp's: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
"""

from typing import TYPE_CHECKING, Final

from whatsapp_bridge.media import file_types
from whatsapp_bridge.media.addresses import address
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.common import downloads
from whatsapp_bridge.providers.common.outgoing_files import IMAGE, VIDEO, fetch
from whatsapp_bridge.providers.common.values import blank
from whatsapp_bridge.providers.contract.client import NoFile, Services
from whatsapp_bridge.providers.contract.replies import Attachment

if TYPE_CHECKING:
    from whatsapp_bridge.providers.message_central.settings import Account

_KINDS: Final = {"image": IMAGE, "video": VIDEO}
_AUDIO: Final = (
    file_types.AAC, file_types.MP4_AUDIO, file_types.AMR, file_types.MPEG_AUDIO, file_types.OGG,
    # The container is the same, and the brand may be too.
    file_types.MP4, file_types.THREE_GPP,
)  # fmt: skip
_FROM_PEOPLE: Final = {
    # A sticker is a WebP image.
    "image": (*_KINDS["image"].types, file_types.WEBP),
    "video": _KINDS["video"].types,
    "audio": _AUDIO,
    "voice": _AUDIO,
    "file": (
        file_types.PDF, file_types.WORD, file_types.EXCEL, file_types.POWERPOINT, file_types.TEXT,
        file_types.DOCX, file_types.XLSX, file_types.PPTX, file_types.ZIP,
    ),
}  # fmt: skip


def fetched(services: Services, account: "Account", request: Json) -> Json:
    """Add content and content type to `file`, and `message` if it is missing. Raises `CannotPrepare`."""
    file = request["file"]
    if "content" in file:
        return {}
    source = {"kind": file["kind"], "url": file["url"], "fileName": file["name"]}
    found = fetch(services, account, source, _KINDS[file["kind"]])
    # `message` is mandatory (error 830), also for an image without a caption; the file's name says least.
    return {
        "message": request.get("message", found.name),
        "file": {**file, "name": found.name, "content": found.content, "contentType": found.type.content_type},
    }


def download(services: Services, account: "Account", attachment: Attachment) -> File:
    """The file at the webhook's address, fetched without credentials. Meta's own addresses need some that only Message
    Central has, and it documents no call for files. Raises `NoFile`."""
    url = attachment.source.get("url")
    if not url:
        raise NoFile("Message Central has no call for files", retriable=False)
    try:
        full = address(str(url))
    except ValueError as error:
        raise NoFile(f"url {error}", retriable=False) from None
    source = downloads.public(full, account, services.files, called="url")
    content = source.content
    # Without credentials, one of Meta's addresses may return a page or another image.
    announced = attachment.source.get("sha256")
    if not downloads.check_hash(announced, account.name, content):
        raise NoFile("url must have the announced file", retriable=False)
    if blank(announced) and not _fits(attachment.kind, content):
        raise NoFile(f"url must have a file of the kind {attachment.kind}", retriable=False)
    return downloads.named(attachment, content, source.content_type)


def _fits(kind: str, content: bytes) -> bool:
    return file_types.type_of(content) in _FROM_PEOPLE.get(kind, ())
