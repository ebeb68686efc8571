"""What a file is, and what it is called: by its content first, not by its name or declared type.

Sources: https://mimesniff.spec.whatwg.org/ (images, MP3, Ogg, PDF, ZIP), ISO/IEC 14496-12 with the brands registered at
https://mp4ra.org/registered-types/brands (MP4, 3GPP, QuickTime, HEIF, AVIF), RFC 4867 (AMR), ISO/IEC 13818-7 (AAC in
ADTS frames), MS-CFB and the streams that MS-DOC, MS-XLS and MS-PPT name (documents of Office before 2007), ECMA-376-2
(those since then), ISO 32000-1, annex H.3.4.1 (where a PDF begins).

A table of our own: `filetype` takes 3GPP for MP4, knows no document of old Office and has had no release since 2022;
`puremagic` takes AAC for MP3 and a workbook for a text document, and takes 38 ms to import.
"""

import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from mimetypes import MimeTypes


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
# Only people send these.
WEBP: Final = FileType("image/webp", ("webp",))
GIF: Final = FileType("image/gif", ("gif",))
HEIC: Final = FileType("image/heic", ("heic", "heif"))
AVIF: Final = FileType("image/avif", ("avif",))
QUICKTIME: Final = FileType("video/quicktime", ("mov", "qt"))
ZIP: Final = FileType("application/zip", ("zip",))
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
DOCX: Final = FileType(f"{_OFFICE}wordprocessingml.document", ("docx",))
XLSX: Final = FileType(f"{_OFFICE}spreadsheetml.sheet", ("xlsx",))
PPTX: Final = FileType(f"{_OFFICE}presentationml.presentation", ("pptx", "ppsx"))

_TYPES: Final = (
    JPEG, PNG, MP4, THREE_GPP, AAC, MP4_AUDIO, AMR, MPEG_AUDIO, OGG, PDF, WORD, EXCEL, POWERPOINT, TEXT,
    WEBP, GIF, HEIC, AVIF, QUICKTIME, ZIP, DOCX, XLSX, PPTX,
)  # fmt: skip
_BY_NAME: Final = {kind.content_type: kind for kind in _TYPES}
# Of an extension of several types, the first is the usual one.
_BY_EXTENSION: Final = {extension: kind for kind in reversed(_TYPES) for extension in kind.extensions}
_NO_TEXTS: Final = _BY_EXTENSION.keys() - {*TEXT.extensions}

_SIGNATURES: Final = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"OggS\x00", OGG),
    (b"#!AMR", AMR),
    (b"ID3", MPEG_AUDIO),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
)
# The beginnings of known brands; others share only the container.
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
    (b"qt", QUICKTIME),
    (b"hei", HEIC),
    (b"hev", HEIC),
    (b"mif1", HEIC),
    (b"avif", AVIF),
)
_PDF: Final = b"%PDF-"
# Acrobat, and other readers after it, look for the header there.
_PDF_WITHIN: Final = 1024
_ZIP: Final = b"PK\x03\x04"
# The names of a ZIP file's members are not compressed.
_MEMBERS: Final = ((b"word/document", DOCX), (b"xl/workbook", XLSX), (b"ppt/presentation", PPTX))
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
# How a page begins: https://html.spec.whatwg.org/multipage/syntax.html#writing, with an XML declaration or comments.
_PAGE: Final = re.compile(r"\ufeff?(\s|<\?xml[^>]*>|<!--.*?-->)*<(!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_PAGE_WITHIN: Final = 2048
_PAGES: Final = frozenset({"text/html", "application/xhtml+xml"})
_NO_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")

UNKNOWN: Final = "application/octet-stream"
_CONTENT_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
# Names of "some bytes".
_VAGUE: Final = frozenset(
    f"{main}/{sub}"
    for main in ("application", "binary", "unknown")
    for sub in (
        "octet-stream",
        "x-octet-stream",
        "binary",
        "x-binary",
        "unknown",
        "download",
        "x-download",
        "force-download",
    )
)
# The container is the same, and its brand may be too.
_AUDIO: Final = {MP4: MP4_AUDIO.content_type, THREE_GPP: "audio/3gpp"}
_MAX_NAME: Final = 100
_DRIVE: Final = re.compile(r"\A[A-Za-z]:")
# An extension that is not known, not the number at the end of "Invoice No.5".
_LIKE_AN_EXTENSION: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{1,8}")


# --- what it is ------------------------------------------------------------------------------------------------------


def type_of(content: bytes) -> FileType | None:
    """The type of a whole file; None if it is not in the table."""
    for signature, found in _SIGNATURES:
        if content.startswith(signature):
            return found
    if content[4:8] == b"ftyp":
        return next((found for brand, found in _BRANDS if content[8:12].startswith(brand)), None)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return WEBP
    if content.startswith(_COMPOUND_FILE):
        return next((found for stream, found in _STREAMS if stream in content), None)
    if content.startswith(_ZIP):
        return next((found for member, found in _MEMBERS if member in content), ZIP)
    if _PDF in content[:_PDF_WITHIN]:
        return PDF
    return _frames(content[:2]) or (TEXT if _is_text(content) else None)


def content_type_of(
    content: bytes, declared: Iterable[str | None], name: str | None = None, *, audio: bool = False
) -> str:
    """The content type of a file that somebody sends: by its content, else by the first of `declared` that says
    something, else by its name. `audio`: it was sent as a sound."""
    found, said = type_of(content), [said for each in declared if (said := declared_type(each)) is not None]
    if found in _AUDIO and (audio or (said and said[0].startswith("audio/"))):
        return _AUDIO[found]
    # Texts and packed files are often something more special.
    if found is None or found is TEXT or found is ZIP:
        special = [each for each in said if found is not ZIP or each.startswith("application/")]
        return next(iter(special), None) or _type_by(name) or (found.content_type if found else UNKNOWN)
    return found.content_type


def declared_type(value: str | None) -> str | None:
    """A declared content type without its parameters; None if it says nothing."""
    plain = (value or "").partition(";")[0].strip().lower()
    return plain if _CONTENT_TYPE.fullmatch(plain) and plain not in _VAGUE else None


def _type_by(name: str | None) -> str | None:
    _, dot, extension = (name or "").strip().lower().rpartition(".")
    if not dot:
        return None
    known = _BY_EXTENSION.get(extension)
    return known.content_type if known else _others().guess_type(f"x.{extension}")[0]


@cache
def _others() -> "MimeTypes":
    """Python's own table, without those of the machine."""
    from mimetypes import MimeTypes

    return MimeTypes()


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
    _, dot, extension = _name(wanted, url).rpartition(".")
    return not dot or extension.lower() not in _NO_TEXTS


def is_page_in_place(content: bytes, kind: str, declared: str | None) -> bool:
    """Whether this is a page, such as one about maintenance, and somebody has sent another file: a picture or a sound,
    by its `kind`, or one that the BSP declares to be something else."""
    may_be_sent = kind == "file" and declared_type(declared) in (None, *_PAGES)
    return not may_be_sent and _PAGE.match(content[:_PAGE_WITHIN].decode("utf-8", "replace")) is not None


# --- what it is called -----------------------------------------------------------------------------------------------


def file_name(wanted: str | None, url: str, found: FileType | None) -> str:
    """The name of a file at an address: the wanted one, else the one in the address, else `file`. `found` is what the
    file is, None where somebody else fetches it: then the extension is the first one in these two that is known."""
    name = _name(wanted, url)
    if found is not None:
        return named(name, found.content_type)
    extension = _known_extension(name) or _known_extension(_name(None, url))
    stem = name.removesuffix(f".{extension}")[:_MAX_NAME] or "file"
    return f"{stem}.{extension}" if extension else stem


def _known_extension(name: str) -> str:
    """The extension of a name; none where nobody knows what is behind the last dot, as in "Invoice No. 5"."""
    return name.rpartition(".")[2] if declared_type(_type_by(name)) else ""


def _name(wanted: str | None, url: str) -> str:
    from urllib.parse import unquote, urlsplit

    return safe_name((wanted or "").strip() or unquote(urlsplit(url).path))


def named(wanted: str | None, content_type: str, default: str = "file") -> str:
    """A safe name with an extension of the content type: the wanted one, else `default`."""
    name = safe_name(wanted or "")
    stem, dot, extension = name.rpartition(".")
    usual = _extensions(content_type)
    if dot and (_LIKE_AN_EXTENSION.fullmatch(extension) if usual is None else extension.lower() in usual):
        return f"{stem[:_MAX_NAME] or default}.{extension}"
    if dot and extension.lower() in _BY_EXTENSION:
        # Of another type.
        name = stem
    return f"{name[:_MAX_NAME] or default}.{usual[0] if usual else 'bin'}"


def safe_name(name: str) -> str:
    """The last part of a name that may be a path, without drive letter, control characters, direction marks and
    others that nobody sees."""
    shown = "".join(letter for letter in name if letter.isprintable())
    last = shown.replace("\\", "/").strip().rstrip("/").rpartition("/")[2]
    return _DRIVE.sub("", last).strip(" .")


def _extensions(content_type: str) -> tuple[str, ...] | None:
    """The extensions of a content type, the usual one first; None if it is not known."""
    plain = content_type.partition(";")[0]
    known = _BY_NAME.get(plain)
    if known is TEXT:
        texts = (name[1:] for name, kind in _others().types_map[True].items() if kind.startswith("text/"))
        return (*TEXT.extensions, *texts, "json")
    if known is not None:
        return known.extensions
    return tuple(each[1:] for each in _others().guess_all_extensions(plain) if plain != UNKNOWN) or None
