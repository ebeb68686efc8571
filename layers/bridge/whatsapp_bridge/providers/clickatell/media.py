"""Files that go to people: what Clickatell and WhatsApp take.

Source: https://docs.clickatell.com/channels/one-api/supported-content-types/, and the sections "Inline media" and
"Media file upload" of the comparison page named in `codes`. Clickatell takes 20 MB inline and 30 MB by upload, WhatsApp
an image of 5 MB, video and audio of 16 MB, a document of 100 MB: the lowest wins.
"""

from typing import Final, NamedTuple

from whatsapp_bridge import file_types
from whatsapp_bridge.file_types import FileType

_MB: Final = 1024 * 1024
_MAX_INLINE_BYTES: Final = 20 * _MB


class Takes(NamedTuple):
    """What is taken of one of CleverTap's kinds; `max_bytes` by upload."""

    types: tuple[FileType, ...]
    max_bytes: int
    words: str


# WhatsApp plays Opus alone of what Ogg may hold; its first page (RFC 7845, 5.1) names it.
_OPUS: Final = file_types.OGG._replace(content_type="audio/ogg; codecs=opus")
_OPUS_HEAD: Final = b"OpusHead"
_FIRST_PAGE_BYTES: Final = 64

_IMAGE: Final = Takes((file_types.JPEG, file_types.PNG), 5 * _MB, "JPEG or PNG")
_VIDEO: Final = Takes((file_types.MP4, file_types.THREE_GPP), 16 * _MB, "MP4 or 3GPP")
_AUDIO: Final = Takes(
    (file_types.AAC, file_types.MP4_AUDIO, file_types.AMR, file_types.MPEG_AUDIO, _OPUS),
    16 * _MB,
    "AAC, MP4, AMR, MP3 or Ogg with Opus",
)
_DOCUMENT: Final = Takes(
    (file_types.PDF, file_types.WORD, file_types.POWERPOINT, file_types.EXCEL, file_types.TEXT),
    30 * _MB,
    "PDF, DOC, PPT, XLS or plain text",
)
FREEFORM: Final = {"image": _IMAGE, "video": _VIDEO, "audio": _AUDIO, "file": _DOCUMENT}
INLINE: Final = {
    kind: takes._replace(max_bytes=min(takes.max_bytes, _MAX_INLINE_BYTES)) for kind, takes in FREEFORM.items()
}
HEADERS: Final = {"image": _IMAGE, "video": _VIDEO, "file": Takes((file_types.PDF,), 30 * _MB, "PDF")}


def type_of(content: bytes, takes: Takes) -> FileType | None:
    """The file's type if it is one of those that are taken, else None."""
    found = file_types.type_of(content)
    if found is file_types.MP4 and file_types.MP4_AUDIO in takes.types:
        # One container for both; its brand says so only where a writer cared.
        found = file_types.MP4_AUDIO
    if found is file_types.OGG and _OPUS_HEAD in content[:_FIRST_PAGE_BYTES]:
        found = _OPUS
    return found if found in takes.types else None
