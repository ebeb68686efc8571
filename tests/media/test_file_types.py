import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import sample_files as files
from whatsapp_bridge.media import file_types
from whatsapp_bridge.media.file_types import FileType, content_type_of, file_name, named, type_of

TYPES: dict[str, tuple[bytes, FileType | None]] = {
    "JPEG": (files.JPEG, file_types.JPEG),
    "JPEG, bare": (b"\xff\xd8\xff", file_types.JPEG),
    "PNG": (files.PNG, file_types.PNG),
    "MP4": (files.MP4, file_types.MP4),
    **{
        f"MP4 of brand {brand}": (files.iso_media(brand.encode()), file_types.MP4)
        for brand in ("iso6", "mp41", "mp42", "avc1", "M4V ", "M4VH", "MSNV", "dash", "mmp4", "f4v ")
    },
    "3GPP": (files.THREE_GPP, file_types.THREE_GPP),
    **{
        f"3GPP of brand {brand}": (files.iso_media(brand.encode()), file_types.THREE_GPP)
        for brand in ("3gp6", "3ge6", "3gg6", "3gr6", "3gs7")
    },
    "MP4 audio": (files.M4A, file_types.MP4_AUDIO),
    "MP4 audiobook": (files.iso_media(b"M4B "), file_types.MP4_AUDIO),
    "AAC, MPEG-4": (files.AAC, file_types.AAC),
    "AAC, MPEG-2 without CRC": (b"\xff\xf9\x50", file_types.AAC),
    "AAC with CRC": (b"\xff\xf0\x50", file_types.AAC),
    "AMR": (files.AMR, file_types.AMR),
    "AMR wide band": (b"#!AMR-WB\n\x04", file_types.AMR),
    "MP3": (files.MP3, file_types.MPEG_AUDIO),
    "MP3, MPEG-2.5": (b"\xff\xe3\x90", file_types.MPEG_AUDIO),
    "MP3 with a tag": (files.MP3_WITH_TAG, file_types.MPEG_AUDIO),
    "Ogg with Opus": (files.OPUS, file_types.OGG),
    "Ogg with Vorbis": (files.VORBIS, file_types.OGG),
    "PDF": (files.PDF, file_types.PDF),
    "Word": (files.WORD, file_types.WORD),
    "Excel": (files.EXCEL, file_types.EXCEL),
    "Excel 5": (files.OLD_EXCEL, file_types.EXCEL),
    "PowerPoint": (files.POWERPOINT, file_types.POWERPOINT),
    "text": (files.TEXT, file_types.TEXT),
    "text with a byte order mark": ("\ufeffHello".encode(), file_types.TEXT),
    "text with an angle bracket": (b"<hello@shop.example>", file_types.TEXT),
    "text of markup further on": (b"Write <html> first", file_types.TEXT),
    "text with an escape sequence": (b"\x1b[1mHello", file_types.TEXT),
    "HEIC": (files.HEIC, file_types.HEIC),
    **{
        f"HEIC of brand {brand}": (files.iso_media(brand.encode()), file_types.HEIC)
        for brand in ("heix", "hevc", "mif1")
    },
    "AVIF": (files.AVIF, file_types.AVIF),
    "QuickTime": (files.QUICKTIME, file_types.QUICKTIME),
    "WebP": (files.WEBP, file_types.WEBP),
    "GIF": (files.GIF, file_types.GIF),
    "GIF of 1987": (b"GIF87a", file_types.GIF),
    "ZIP": (files.ZIP, file_types.ZIP),
    "Word since 2007": (files.ZIP + b"[Content_Types].xml word/document.xml", file_types.DOCX),
    "Excel since 2007": (files.ZIP + b"[Content_Types].xml xl/workbook.xml", file_types.XLSX),
    "PowerPoint since 2007": (files.ZIP + b"[Content_Types].xml ppt/presentation.xml", file_types.PPTX),
    "PDF behind a line break": (b"\n" + files.PDF, file_types.PDF),
    "PDF behind a byte order mark": ("\ufeff".encode() + files.PDF, file_types.PDF),
    "PDF behind a page's headers": (b"HTTP/1.1 200 OK\r\n\r\n" + files.PDF, file_types.PDF),
    "PDF within a kilobyte": (bytes(1019) + b"%PDF-", file_types.PDF),
    # Not taken by anybody here, or not at all.
    "PDF too far behind": (bytes(1020) + b"%PDF-", None),
    "RIFF of something else": (b"RIFF\x1a\x00\x00\x00WAVEfmt ", None),
    "nothing": (b"", None),
    "3GPP2": (files.THREE_GPP2, None),
    "compound file of something else": (files.compound_file("MatOST"), None),
    "HTML": (files.HTML, None),
    "HTML without a doctype": (b"<html lang=en><p>Gone", None),
    "HTML that begins with a comment": (b"<!-- made by hand --><p>Gone", None),
    "HTML with a byte order mark": ("\ufeff<HTML>".encode(), None),
    "SVG": (files.SVG, None),
    "XML": (files.XML, None),
    "RTF": (files.RTF, None),
    "UTF-16": (files.UTF_16, None),
    "Latin-1": ("caf\u00e9".encode("latin-1"), None),
    "zeros": (bytes(16), None),
    "PNG cut short": (b"\x89PNG", None),
    "one byte": (b"\xff", None),
    "MPEG layer II": (b"\xff\xfd\x90", None),
    "box of no brand": (b"\x00\x00\x00\x08ftyp", None),
}


@pytest.mark.parametrize(("content", "expected"), TYPES.values(), ids=TYPES.keys())
def test_type(content: bytes, expected: FileType | None) -> None:
    assert type_of(content) == expected


@settings(deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=64))
def test_any_bytes_have_a_type_or_none(content: bytes) -> None:
    found = type_of(content)

    assert found is None or (found.content_type and found.extensions)


URL = "https://files.example/a/picture.jpg?size=1"
NAMES: dict[str, tuple[str | None, str, FileType, str]] = {
    "right extension": ("menu.pdf", URL, file_types.PDF, "menu.pdf"),
    "right extension in capitals": ("MENU.PDF", URL, file_types.PDF, "MENU.PDF"),
    "another right extension": ("a.jpeg", URL, file_types.JPEG, "a.jpeg"),
    "wrong extension of a file type": ("menu.pdf", URL, file_types.PNG, "menu.png"),
    "wrong extension of none": ("menu.v2", URL, file_types.PDF, "menu.v2.pdf"),
    "extension that runs": ("menu.exe", URL, file_types.PDF, "menu.exe.pdf"),
    "no extension": ("menu", URL, file_types.PDF, "menu.pdf"),
    "trailing point": ("menu.", URL, file_types.PDF, "menu.pdf"),
    "extension alone": (".pdf", URL, file_types.PDF, "pdf.pdf"),
    "drive letter": ("C:menu.pdf", URL, file_types.PDF, "menu.pdf"),
    "a number behind a dot": ("Invoice No.5", URL, file_types.PDF, "Invoice No.5.pdf"),
    "a number behind a dot and a space": ("Invoice No. 5", URL, file_types.PDF, "Invoice No. 5.pdf"),
    "zero-width space": ("me\u200bnu.pdf", URL, file_types.PDF, "menu.pdf"),
    "text of a special kind": ("config.json", URL, file_types.TEXT, "config.json"),
    "text called otherwise": ("notes.exe", URL, file_types.TEXT, "notes.exe.txt"),
    "unicode": ("men\u00fa \u83dc\u5355.pdf", URL, file_types.PDF, "men\u00fa \u83dc\u5355.pdf"),
    "spaces around": ("  menu.pdf ", URL, file_types.PDF, "menu.pdf"),
    "path": ("/etc/menu.pdf", URL, file_types.PDF, "menu.pdf"),
    "path upwards": ("../../menu.pdf", URL, file_types.PDF, "menu.pdf"),
    "path of Windows": ("C:\\Users\\x\\menu.pdf", URL, file_types.PDF, "menu.pdf"),
    "path alone": ("../..", URL, file_types.PDF, "file.pdf"),
    "line breaks and zeros": ("me\r\nnu\x00.pdf", URL, file_types.PDF, "menu.pdf"),
    "written from right to left": ("menu\u202efdp.exe", URL, file_types.PDF, "menufdp.exe.pdf"),
    "long": ("m" * 300 + ".pdf", URL, file_types.PDF, "m" * 100 + ".pdf"),
    "long, no extension": ("m" * 300, URL, file_types.PDF, "m" * 100 + ".pdf"),
    "none, from the address": (None, URL, file_types.JPEG, "picture.jpg"),
    "blank, from the address": (" ", URL, file_types.JPEG, "picture.jpg"),
    "from the address, wrong extension": (None, URL, file_types.PNG, "picture.png"),
    "from the address, encoded": (None, "https://files.example/a%20b%2Fc.jpg", file_types.JPEG, "c.jpg"),
    "nothing in the address": (None, "https://files.example/", file_types.JPEG, "file.jpg"),
    "nothing in the address but a query": (None, "https://files.example?x=a.jpg", file_types.JPEG, "file.jpg"),
}


@pytest.mark.parametrize(("wanted", "url", "found", "expected"), NAMES.values(), ids=NAMES.keys())
def test_file_name(wanted: str | None, url: str, found: FileType, expected: str) -> None:
    assert file_name(wanted, url, found) == expected


# Of a file that somebody else fetches: the wanted name, the address, and what it is called.
UNFETCHED: dict[str, tuple[str | None, str, str]] = {
    "its own extension": ("report.pdf", "https://files.example/d", "report.pdf"),
    "its own extension in capitals": ("REPORT.PDF", "https://files.example/d.docx", "REPORT.PDF"),
    "the address's": ("Offer", "https://files.example/o.pdf?x=1.y", "Offer.pdf"),
    "a number behind a dot and a space": ("Invoice No. 5", "https://files.example/i.pdf", "Invoice No. 5.pdf"),
    "a number behind a dot": ("Statement 31.10", "https://files.example/s.pdf", "Statement 31.10.pdf"),
    "a version": ("v1.2 price list", "https://files.example/p.pdf", "v1.2 price list.pdf"),
    "a text of a special kind": ("Prices", "https://files.example/p.csv", "Prices.csv"),
    "a type of no table of ours": ("Plan", "https://files.example/p.svg", "Plan.svg"),
    "an extension that runs": ("menu.exe", "https://files.example/menu.pdf", "menu.exe.pdf"),
    "a program's address": ("Invoice", "https://files.example/get.php?id=1", "Invoice"),
    "an extension that is not known": ("plan.dwg", "https://files.example/plan.dwg", "plan.dwg"),
    "no extension anywhere": ("Invoice No. 5", "https://files.example/", "Invoice No. 5"),
    "path of Windows": ("C:\\Users\\x\\menu.pdf", URL, "menu.pdf"),
    "path upwards": ("../../menu", "https://files.example/m.pdf", "menu.pdf"),
    "written from right to left": ("menu\u202efdp.exe", "https://files.example/m.pdf", "menufdp.exe.pdf"),
    "zero-width space": ("me\u200bnu.pdf", URL, "menu.pdf"),
    "long": ("m" * 300, "https://files.example/m.pdf", "m" * 100 + ".pdf"),
    "none, from the address": (None, "https://files.example/Gr%C3%BC%C3%9Fe%20an%2Falle.pdf", "alle.pdf"),
    "blank, nothing in the address": (" ", "https://files.example/", "file"),
}


@pytest.mark.parametrize(("wanted", "url", "expected"), UNFETCHED.values(), ids=UNFETCHED.keys())
def test_name_of_a_file_that_somebody_else_fetches(wanted: str | None, url: str, expected: str) -> None:
    assert file_name(wanted, url, None) == expected


# The content, the declared types from the first to the last, and the name of a file from a person.
UNKNOWN_BYTES = b"\x00\x01"
DECLARED: dict[str, tuple[bytes, list[str | None], str | None, str]] = {
    "the content first": (files.PNG, ["application/pdf", "image/jpeg"], "a.gif", "image/png"),
    "then the first that says something": (UNKNOWN_BYTES, [None, "image/*", "x/y; z=1", "image/png"], "a.gif", "x/y"),
    "then the name": (UNKNOWN_BYTES, [None, "", "application/octet-stream"], "A.DOCX", file_types.DOCX.content_type),
    "a name of no table of ours": (UNKNOWN_BYTES, [], "a.svg", "image/svg+xml"),
    "nothing": (UNKNOWN_BYTES, [None], None, "application/octet-stream"),
    "a name without an extension": (UNKNOWN_BYTES, [], "pdf", "application/octet-stream"),
    "a text": (files.TEXT, [], None, "text/plain"),
    "a text that is more": (files.TEXT, ["text/csv"], None, "text/csv"),
    "a text, by its name": (files.TEXT, ["binary/octet-stream"], "a.css", "text/css"),
    "a packed file": (files.ZIP, ["image/png"], None, "application/zip"),
    "a packed file that is more": (files.ZIP, ["application/epub+zip"], None, "application/epub+zip"),
    "a film's container": (files.MP4, ["video/quicktime"], None, "video/mp4"),
    "a film's container with a sound": (files.MP4, ["audio/aac"], None, "audio/mp4"),
    "3GPP's container with a sound": (files.THREE_GPP, ["audio/3gpp"], None, "audio/3gpp"),
}


@pytest.mark.parametrize(("content", "declared", "name", "expected"), DECLARED.values(), ids=DECLARED.keys())
def test_content_type(content: bytes, declared: list[str | None], name: str | None, expected: str) -> None:
    assert content_type_of(content, declared, name) == expected


def test_what_was_sent_as_a_sound_is_one() -> None:
    assert content_type_of(files.MP4, [None], audio=True) == "audio/mp4"


NAMED: dict[str, tuple[str | None, str, str]] = {
    "of a type that is not known": ("plan.dwg", "image/x-private", "plan.dwg"),
    "of no type": ("plan.dwg", "application/octet-stream", "plan.dwg"),
    "of no type, a number behind a dot": ("plan 7.5", "application/octet-stream", "plan 7.5.bin"),
    "of no type, without an extension": ("plan", "application/octet-stream", "plan.bin"),
    "of a type that Python knows": ("page.xhtml", "text/css", "page.xhtml.css"),
    "with parameters": (None, "audio/ogg; codecs=opus", "voice.ogg"),
    "none": (None, "application/pdf", "voice.pdf"),
}


@pytest.mark.parametrize(("wanted", "content_type", "expected"), NAMED.values(), ids=NAMED.keys())
def test_named(wanted: str | None, content_type: str, expected: str) -> None:
    assert named(wanted, content_type, "voice") == expected


@settings(deadline=None, derandomize=True, database=None)
@given(st.text(max_size=40))
def test_any_name_becomes_one_with_an_extension_and_no_path(wanted: str) -> None:
    name = file_name(wanted, URL, file_types.PDF)

    stem, _, extension = name.rpartition(".")
    assert stem
    assert extension.lower() == "pdf"
    assert name.isprintable()
    assert not set("/\\") & set(name)
