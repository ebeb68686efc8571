"""Files: those that go to people with a CHAT, and those that people send.

Source: section "Send Chat Messages" of Message Central's documentation: "Image, video which you want to send". Sizes
and types are WhatsApp's: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/media
"""

from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from whatsapp_bridge import file_types
from whatsapp_bridge.addresses import address
from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.fields import is_loopback
from whatsapp_bridge.file_types import FileType, file_name
from whatsapp_bridge.files import File, SourceDead, SourceUnavailable
from whatsapp_bridge.providers import downloads
from whatsapp_bridge.providers.contract import Attachment, Json, NotSent, Rejected, Services, Unreadable
from whatsapp_bridge.providers.values import blank

if TYPE_CHECKING:
    from whatsapp_bridge.accounts import Account

_MB: Final = 1024 * 1024


class _Taken(NamedTuple):
    types: tuple[FileType, ...]
    max_bytes: int
    words: str


_KINDS: Final = {
    "image": _Taken((file_types.JPEG, file_types.PNG), 5 * _MB, "JPEG or PNG"),
    "video": _Taken((file_types.MP4, file_types.THREE_GPP), 16 * _MB, "MP4 or 3GPP"),
}


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


class NoFile(Exception):
    """The file cannot be sent. `outcome` is what that means for the message."""

    def __init__(self, outcome: Rejected | NotSent) -> None:
        super().__init__(type(outcome).__name__)
        self.outcome = outcome


def fetched(services: Services, account: "Account", request: Json) -> Json:
    """`file` with its content and content type, and `message` if there is none yet. Raises `NoFile`."""
    file = request["file"]
    if "content" in file:
        return {}
    taken = _KINDS[file["kind"]]
    content = _content(services, account, file, taken.max_bytes)
    kind = file_types.type_of(content)
    if kind not in taken.types:
        raise NoFile(_rejected(f"{file['kind']}: mediaURL is no {taken.words}"))
    name = file_name(file["name"], file["url"], kind)
    # There has to be a message (error 830), and an image without words is one all the same: its name says least.
    return {
        "message": request.get("message", name),
        "file": {**file, "name": name, "content": content, "contentType": kind.content_type},
    }


def _content(services: Services, account: "Account", file: Json, max_bytes: int) -> bytes:
    try:
        found = services.files.fetch(file["url"], max_bytes, loopback=_on_one_machine(account))
    except SourceDead as error:
        raise NoFile(_rejected(f"{file['kind']}: mediaURL {error.reason}")) from None
    except SourceUnavailable as error:
        reason = f"{file['kind']}: mediaURL {error.reason}"
        raise NoFile(NotSent(reason, verdict=_rejected(reason))) from None
    return b"" if found is None else found.content


def download(services: Services, account: "Account", attachment: Attachment) -> File:
    """The file at the address in the webhook, which is asked without credentials: Meta's own want some that only
    Message Central has, and it documents no call for files. Raises `Unreadable`."""
    url = attachment.source.get("url")
    if not url:
        raise Unreadable("Message Central has no call for files", retriable=False)
    try:
        found = services.files.fetch(address(str(url)), downloads.MAX_BYTES, loopback=_on_one_machine(account))
    except ValueError as error:
        raise Unreadable(f"url {error}", retriable=False) from None
    except SourceDead as error:
        raise Unreadable(f"url {error.reason}", retriable=False) from None
    except SourceUnavailable as error:
        raise Unreadable(f"url {error.reason}", retriable=True) from None
    content = b"" if found is None else found.content
    # Without credentials, an address of Meta's may answer with a page or a picture of its own.
    announced = attachment.source.get("sha256")
    if not downloads.check_hash(announced, account.name, content):
        raise Unreadable("url has another file", retriable=False)
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


def _on_one_machine(account: "Account") -> bool:
    # A stack whose BSP is on this machine is one machine's alone.
    return is_loopback(urlsplit(account.provider.base_url).hostname)


def _rejected(title: str) -> Rejected:
    # CleverTap counts a message's file among its parameters.
    return Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, title)
