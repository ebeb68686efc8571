import json

import pytest

from tests.providers.clickatell import samples
from tests.providers.clickatell.samples import Json
from tests.providers.conformance import PERSON, assert_public, body, code_of, freeform, header, template
from tests.support import sample_files as files
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.clickatell.outbound import translate
from whatsapp_bridge.providers.clickatell_common import media
from whatsapp_bridge.providers.common.outgoing_files import type_of

ACCOUNT = parse_account("acme", samples.secret())
MB = 1024 * 1024
URL = "https://files.example/a.jpg"


def translated(message: Json) -> Json:
    return translate(parse_message(json.dumps(message)), "r1", ACCOUNT)


# --- what is taken ---------------------------------------------------------------------------------------------------

# Content by CleverTap's kind: as what it is uploaded, None where it is not taken.
TAKEN: dict[str, dict[str, tuple[bytes, str | None]]] = {
    "image": {
        "JPEG": (files.JPEG, "image/jpeg"),
        "PNG": (files.PNG, "image/png"),
        "GIF": (files.GIF, None),
        "WebP": (files.WEBP, None),
        "HEIC": (files.HEIC, None),
        "SVG": (files.SVG, None),
        "PDF": (files.PDF, None),
        "HTML": (files.HTML, None),
    },
    "video": {
        "MP4": (files.MP4, "video/mp4"),
        "3GPP": (files.THREE_GPP, "video/3gpp"),
        "QuickTime": (files.QUICKTIME, None),
        "3GPP2": (files.THREE_GPP2, None),
        "MP4 audio": (files.M4A, None),
        "HTML": (files.HTML, None),
    },
    "audio": {
        "AAC": (files.AAC, "audio/aac"),
        "MP4 audio": (files.M4A, "audio/mp4"),
        "audio in an MP4 of a general brand": (files.MP4, "audio/mp4"),
        "AMR": (files.AMR, "audio/amr"),
        "MP3": (files.MP3, "audio/mpeg"),
        "MP3 with a tag": (files.MP3_WITH_TAG, "audio/mpeg"),
        "Ogg with Opus": (files.OPUS, "audio/ogg; codecs=opus"),
        "Ogg with Vorbis": (files.VORBIS, None),
        "Ogg that speaks of Opus later": (files.VORBIS + bytes(64) + b"OpusHead", None),
        "3GPP": (files.THREE_GPP, None),
        "text": (files.TEXT, None),
    },
    "file": {
        "PDF": (files.PDF, "application/pdf"),
        "Word": (files.WORD, "application/msword"),
        "Excel": (files.EXCEL, "application/vnd.ms-excel"),
        "PowerPoint": (files.POWERPOINT, "application/vnd.ms-powerpoint"),
        "text": (files.TEXT, "text/plain"),
        "HTML": (files.HTML, None),
        "ZIP": (files.ZIP, None),
        "JPEG": (files.JPEG, None),
        "nothing": (b"", None),
    },
}
ROWS = [(kind, name, *row) for kind, table in TAKEN.items() for name, row in table.items()]


@pytest.mark.parametrize(("kind", "name", "content", "expected"), ROWS, ids=[f"{row[0]}-{row[1]}" for row in ROWS])
def test_freeform_type(kind: str, name: str, content: bytes, expected: str | None) -> None:
    found = type_of(content, media.FREEFORM[kind])

    assert (found and found.content_type) == expected
    # Both APIs take the same types.
    assert found == type_of(content, media.INLINE[kind])


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        ("image", {"image/jpeg", "image/png"}),
        ("video", {"video/mp4", "video/3gpp"}),
        ("file", {"application/pdf"}),
    ],
)
def test_header_types(kind: str, taken: set[str]) -> None:
    contents = [content for table in TAKEN.values() for content, _ in table.values()]
    found = [type_of(content, media.HEADERS[kind]) for content in contents]

    assert {each.content_type for each in found if each} == taken


def test_no_audio_in_a_header() -> None:
    assert media.HEADERS.keys() == {"image", "video", "file"}


@pytest.mark.parametrize(
    ("kind", "upload", "inline"),
    [("image", 5 * MB, 5 * MB), ("video", 16 * MB, 16 * MB), ("audio", 16 * MB, 16 * MB), ("file", 30 * MB, 20 * MB)],
)
def test_limits(kind: str, upload: int, inline: int) -> None:
    assert (media.FREEFORM[kind].max_bytes, media.INLINE[kind].max_bytes) == (upload, inline)
    if kind in media.HEADERS:
        assert media.HEADERS[kind].max_bytes == upload


# --- what CleverTap says of a file -----------------------------------------------------------------------------------

SOURCES: dict[str, tuple[Json, Json]] = {
    "address alone": ({"mediaURL": URL}, {"url": URL}),
    "file name": ({"mediaURL": URL, "filename": "menu.pdf"}, {"url": URL, "fileName": "menu.pdf"}),
    "blank file name": ({"mediaURL": URL, "filename": ""}, {"url": URL}),
    "no scheme": ({"mediaURL": "files.example/a.jpg"}, {"url": URL}),
    "no scheme but its slashes": ({"mediaURL": "//files.example/a.jpg"}, {"url": URL}),
    "http": ({"mediaURL": "http://files.example/a.jpg"}, {"url": "http://files.example/a.jpg"}),
    "spaces around": ({"mediaURL": f" {URL} "}, {"url": URL}),
    "port and no scheme": ({"mediaURL": "files.example:8443/a"}, {"url": "https://files.example:8443/a"}),
}


@pytest.mark.parametrize("kind", ["image", "video", "audio", "file"])
@pytest.mark.parametrize(("given", "expected"), SOURCES.values(), ids=SOURCES.keys())
def test_freeform_source(given: Json, expected: Json, kind: str) -> None:
    envelope = {"channel": "whatsapp", "to": PERSON, "clientMessageId": "r1"}

    assert translated(freeform(kind, given)) == envelope | {"media": {"source": {"kind": kind, **expected}}}


@pytest.mark.parametrize("kind", ["image", "video", "file"])
@pytest.mark.parametrize(("given", "expected"), SOURCES.values(), ids=SOURCES.keys())
def test_header_source(given: Json, expected: Json, kind: str) -> None:
    request = translated(template(header(kind, given), body("Ada")))

    assert request["template"] == {
        "templateName": "order_update",
        "header": {"type": "media", "media": {"source": {"kind": kind, **expected}}},
        "body": {"parameters": {"1": "Ada"}},
    }


@pytest.mark.parametrize("kind", ["image", "video", "file"])
@pytest.mark.parametrize("caption", ["k", "*bold*\n", "k" * 1024], ids=["short", "as it is", "longest"])
def test_caption(kind: str, caption: str) -> None:
    assert translated(freeform(kind, {"mediaURL": URL, "caption": caption}))["media"]["caption"] == caption


@pytest.mark.parametrize("caption", [None, ""])
def test_no_caption(caption: str | None) -> None:
    assert "caption" not in translated(freeform("image", {"mediaURL": URL, "caption": caption}))["media"]


REFUSED: dict[str, tuple[Json, str, str]] = {
    "caption too long": (
        freeform("image", {"mediaURL": URL, "caption": "k" * 1025}),
        "image.caption",
        "is longer than 1024 characters",
    ),
    "caption of audio": (
        freeform("audio", {"mediaURL": URL, "caption": "private"}),
        "audio.caption",
        "WhatsApp shows no caption with audio",
    ),
    "another scheme": (
        freeform("file", {"mediaURL": "ftp://private.example/a"}),
        "file.mediaURL",
        "is not an http or https address",
    ),
    "no host": (
        freeform("image", {"mediaURL": "https:///private"}),
        "image.mediaURL",
        "is not an http or https address",
    ),
    "no port": (
        freeform("image", {"mediaURL": "private.example:x"}),
        "image.mediaURL",
        "is not an http or https address",
    ),
    "no address in a header": (
        template(body("Ada"), header("video", {"mediaURL": "ftp://private.example/a"})),
        "components[1].header.video.mediaURL",
        "is not an http or https address",
    ),
}


@pytest.mark.parametrize(("message", "field", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(message: Json, field: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        translated(message)

    assert (caught.value.field, caught.value.reason, caught.value.code) == (field, reason, code_of(message))
    assert_public(caught.value)
