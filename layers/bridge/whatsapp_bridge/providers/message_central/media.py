"""Files for people, sent with a CHAT, and files from people.

Source: section "Send Chat Messages" of Message Central's documentation: "Image, video which you want to send". Sizes
and types are WhatsApp's: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
"""

from typing import TYPE_CHECKING, Final

from whatsapp_bridge.media import file_types
from whatsapp_bridge.media.addresses import address
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.providers.common import downloads
from whatsapp_bridge.providers.common.outgoing_files import IMAGE, VIDEO, fetch
from whatsapp_bridge.providers.common.values import blank
from whatsapp_bridge.providers.contract import Attachment, Json, Services, Unreadable

if TYPE_CHECKING:
    from whatsapp_bridge.providers.message_central.settings import Account

_KINDS: Final = {"image": IMAGE, "video": VIDEO}
_AUDIO: Final = (
    file_types.AAC, file_types.MP4_AUDIO, file_types.AMR, file_types.MPEG_AUDIO, file_types.OGG,
    # The container is the same, and the brand may be too.
    file_types.MP4, file_types.THREE_GPP,
)  # fmt: skip
_FROM_PEOPLE: Final = {
    "image": _KINDS["image"].types,
    "video": _KINDS["video"].types,
    "audio": _AUDIO,
    "voice": _AUDIO,
}
_DOCUMENTS: Final = (file_types.PDF, file_types.WORD, file_types.EXCEL, file_types.POWERPOINT, file_types.TEXT)


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
    Central has, and it documents no call for files. Raises `Unreadable`."""
    url = attachment.source.get("url")
    if not url:
        raise Unreadable("Message Central has no call for files", retriable=False)
    try:
        full = address(str(url))
    except ValueError as error:
        raise Unreadable(f"url {error}", retriable=False) from None
    content = downloads.public(full, account, services.files, called="url")
    # Without credentials, one of Meta's addresses may return a page or another image.
    announced = attachment.source.get("sha256")
    if not downloads.check_hash(announced, account.name, content):
        raise Unreadable("url must have the announced file", retriable=False)
    if blank(announced) and not _fits(attachment.kind, content):
        raise Unreadable(f"url must have a file of the kind {attachment.kind}", retriable=False)
    return File(content, downloads.content_type(attachment.content_type), attachment.file_name or attachment.kind)


def _fits(kind: str, content: bytes) -> bool:
    found = file_types.type_of(content)
    if kind == "file":
        # Office files since 2007 are ZIP files, which `file_types` does not have.
        return found in _DOCUMENTS or content.startswith(b"PK\x03\x04")
    if kind == "image" and content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        # Stickers, which only people send.
        return True
    return found in _FROM_PEOPLE.get(kind, ())
