"""Files: those that go to people with a CHAT, and those that people send.

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
    # The container is the same, and so may be its brand.
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
    """`file` with its content and content type, and `message` if there is none yet. Raises `CannotPrepare`."""
    file = request["file"]
    if "content" in file:
        return {}
    source = {"kind": file["kind"], "url": file["url"], "fileName": file["name"]}
    found = fetch(services, account, source, _KINDS[file["kind"]])
    # There has to be a message (error 830), and an image without words is one all the same: its name says least.
    return {
        "message": request.get("message", found.name),
        "file": {**file, "name": found.name, "content": found.content, "contentType": found.type.content_type},
    }


def download(services: Services, account: "Account", attachment: Attachment) -> File:
    """The file at the address in the webhook, which is asked without credentials: Meta's own want some that only
    Message Central has, and it documents no call for files. Raises `Unreadable`."""
    url = attachment.source.get("url")
    if not url:
        raise Unreadable("Message Central has no call for files", retriable=False)
    try:
        full = address(str(url))
    except ValueError as error:
        raise Unreadable(f"url {error}", retriable=False) from None
    content = downloads.public(full, account, services.files, called="url")
    # Without credentials, an address of Meta's may answer with a page or a picture of its own.
    announced = attachment.source.get("sha256")
    if not downloads.check_hash(announced, account.name, content):
        raise Unreadable("url has another file than the announced one", retriable=False)
    if blank(announced) and not _fits(attachment.kind, content):
        raise Unreadable(f"url has no {attachment.kind}", retriable=False)
    return File(content, downloads.content_type(attachment.content_type), attachment.file_name or attachment.kind)


def _fits(kind: str, content: bytes) -> bool:
    found = file_types.type_of(content)
    if kind == "file":
        # What Office writes since 2007 is a ZIP file, and in no table.
        return found in _DOCUMENTS or content.startswith(b"PK\x03\x04")
    if kind == "image" and content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        # Stickers; none is sent.
        return True
    return found in _FROM_PEOPLE.get(kind, ())
