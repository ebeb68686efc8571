"""The type of a file, by its content and not by its name or declared type.

Sources: https://mimesniff.spec.whatwg.org/ (images, MP3, Ogg, PDF), ISO/IEC 14496-12 with the brands registered at
https://mp4ra.org/registered-types/brands (MP4, 3GPP), RFC 4867 (AMR), ISO/IEC 13818-7 (AAC in ADTS frames), MS-CFB and
the streams that MS-DOC, MS-XLS and MS-PPT name (documents of Office before 2007).
"""

import re
from typing import Final, NamedTuple


class FileType(NamedTuple):
    """`extensions` are without the dot, the usual one first."""

    content_type: str
    extensions: tuple[str, ...]


JPEG: Final = FileType("image/jpeg", ("jpg", "jpeg", "jpe"))
PNG: Final = FileType("image/png", ("png",))
MP4: Final = FileType("video/mp4", ("mp4", "m4v"))
THREE_GPP: Final = FileType("video/3gpp", ("3gp", "3gpp"))
AAC: Final = FileType("audio/aac", ("aac",))
MP4_AUDIO: Final = FileType("audio/mp4", ("m4a", "mp4"))
AMR: Final = FileType("audio/amr", ("amr",))
MPEG_AUDIO: Final = FileType("audio/mpeg", ("mp3", "mpga"))
OGG: Final = FileType("audio/ogg", ("ogg", "oga", "opus"))
PDF: Final = FileType("application/pdf", ("pdf",))
WORD: Final = FileType("application/msword", ("doc", "dot"))
EXCEL: Final = FileType("application/vnd.ms-excel", ("xls", "xlt"))
POWERPOINT: Final = FileType("application/vnd.ms-powerpoint", ("ppt", "pps", "pot"))
TEXT: Final = FileType("text/plain", ("txt", "text", "log", "csv"))

_TYPES: Final = (
    JPEG, PNG, MP4, THREE_GPP, AAC, MP4_AUDIO, AMR, MPEG_AUDIO, OGG, PDF, WORD, EXCEL, POWERPOINT, TEXT,
)  # fmt: skip
# Stickers, which only people send.
_WEBP: Final = FileType("image/webp", ("webp",))
_USUAL: Final = {kind.content_type: f".{kind.extensions[0]}" for kind in (*_TYPES, _WEBP)}
_EXTENSIONS: Final = {extension for kind in _TYPES for extension in kind.extensions}
_NO_TEXTS: Final = (_EXTENSIONS - {*TEXT.extensions}) | {"docx", "xlsx", "pptx", "zip"}

_SIGNATURES: Final = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"%PDF-", PDF),
    (b"OggS\x00", OGG),
    (b"#!AMR", AMR),
    (b"ID3", MPEG_AUDIO),
)
# The beginnings of accepted brands; HEIC, AVIF, QuickTime and others share only the container.
_BRANDS: Final = (
    (b"M4A", MP4_AUDIO),
    (b"M4B", MP4_AUDIO),
    # Not 3g2, which is 3GPP2.
    (b"3ge", THREE_GPP),
    (b"3gg", THREE_GPP),
    (b"3gp", THREE_GPP),
    (b"3gr", THREE_GPP),
    (b"3gs", THREE_GPP),
    (b"iso", MP4),
    (b"mp4", MP4),
    (b"avc1", MP4),
    (b"M4V", MP4),
    (b"MSNV", MP4),
    (b"dash", MP4),
    (b"mmp4", MP4),
    (b"f4v", MP4),
)
_COMPOUND_FILE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# A compound file's directory holds the names of its streams.
_STREAMS: Final = (
    ("WordDocument".encode("utf-16-le"), WORD),
    ("PowerPoint Document".encode("utf-16-le"), POWERPOINT),
    ("Workbook".encode("utf-16-le"), EXCEL),
    ("Book\0".encode("utf-16-le"), EXCEL),
)
# Text of types that are not in the table: HTML, XML, RTF. If a file is gone, its address often returns a page.
_MARKUP: Final = re.compile(r"\ufeff?\s*(<[!?]|<[a-z][a-z0-9]*[\s/>]|\{\\rtf)", re.IGNORECASE)
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MAX_NAME: Final = 100


def extension(content_type: str) -> str:
    """The usual extension of a content type, with its dot; `.bin` if it is unknown."""
    from mimetypes import guess_extension

    return _USUAL.get(content_type) or guess_extension(content_type) or ".bin"


def type_of(content: bytes) -> FileType | None:
    """The type of a whole file; None if it is not in the table."""
    for signature, found in _SIGNATURES:
        if content.startswith(signature):
            return found
    if content[4:8] == b"ftyp":
        return next((found for brand, found in _BRANDS if content[8:12].startswith(brand)), None)
    if content.startswith(_COMPOUND_FILE):
        return next((found for stream, found in _STREAMS if stream in content), None)
    return _frames(content[:2]) or (TEXT if _is_text(content) else None)


def _frames(start: bytes) -> FileType | None:
    """The type of audio without a container. Its frame starts with eleven set bits, version, layer, protection."""
    if len(start) < 2 or start[0] != 0xFF:
        return None
    if start[1] & 0xF6 == 0xF0:
        return AAC
    return MPEG_AUDIO if start[1] & 0xE6 == 0xE2 else None


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return bool(text) and not _NO_TEXT.search(text) and not _MARKUP.match(text)


def may_be_text(wanted: str | None, url: str) -> bool:
    """Whether a file with this name can be plain text: not if the name is of another type."""
    _, dot, extension = _last(wanted, url).rpartition(".")
    return not dot or extension.lower() not in _NO_TEXTS


def file_name(wanted: str | None, url: str, found: FileType) -> str:
    """A name with the right extension: the wanted one, else the one in the address, else `file`."""
    name = "".join(letter for letter in _last(wanted, url) if letter.isprintable()).strip(" .")
    stem, dot, extension = name.rpartition(".")
    if dot and extension.lower() in found.extensions:
        return f"{stem[:_MAX_NAME] or 'file'}.{extension}"
    if dot and extension.lower() in _EXTENSIONS:
        name = stem
    return f"{name[:_MAX_NAME] or 'file'}.{found.extensions[0]}"


def _last(wanted: str | None, url: str) -> str:
    """The last part of the wanted name, else of the address's path."""
    from urllib.parse import unquote, urlsplit

    last = (wanted or "").strip() or unquote(urlsplit(url).path)
    return last.replace("\\", "/").rstrip("/").rpartition("/")[2]
