"""Files from people in S3: what headers they are given out with, and links to them."""

from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.support.world import REGION, World, world
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.store import aws
from whatsapp_bridge.store.media import LINK_SECONDS, MediaStore, disposition

BUCKET = "test-payloadsbucket"


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with world() as shared:
        yield shared


@pytest.fixture
def store(made: World) -> MediaStore:
    return MediaStore(BUCKET, lambda: made.s3)


def stored(made: World, media_id: str) -> dict[str, Any]:
    found: dict[str, Any] = made.s3.get_object(Bucket=BUCKET, Key=f"media/acme/{media_id}")
    return found


def test_put(made: World, store: MediaStore) -> None:
    store.put("acme", "1", File(b"content", "image/png", "a b.png"))
    found = stored(made, "1")
    assert found["Body"].read() == b"content"
    assert found["ContentType"] == "image/png"
    assert found["ContentDisposition"] == "inline; filename=\"a b.png\"; filename*=UTF-8''a%20b.png"
    assert found["CacheControl"] == "private"


def test_the_same_id_is_the_same_place(made: World, store: MediaStore) -> None:
    for content in (b"old", b"new"):
        store.put("acme", "2", File(content, "image/png", "a.png"))
    assert stored(made, "2")["Body"].read() == b"new"


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(File(b"x", "text/html\r\nx-amz-acl: public-read", "a"), id="header in the type"),
        pytest.param(File(b"x", "", "a"), id="no type"),
        pytest.param(File(b"x", "image", "a"), id="half a type"),
        pytest.param(File(b"x", "bild/ü", "a"), id="not ASCII"),
    ],
)
def test_a_type_that_is_none(made: World, store: MediaStore, file: File) -> None:
    store.put("acme", "3", file)
    assert stored(made, "3")["ContentType"] == "application/octet-stream"
    assert stored(made, "3")["ContentDisposition"].startswith("attachment;")


@pytest.mark.parametrize("letter", ["a", "ü", "漢", "😀", '"', "\r\n"])
def test_a_name_of_any_length_is_stored(made: World, store: MediaStore, letter: str) -> None:
    store.put("acme", "4", File(b"x", "application/pdf", letter * 5000 + ".pdf"))
    header = stored(made, "4")["ContentDisposition"]
    # S3 takes 8 KB of headers in all.
    assert len(header) < 4096
    assert header.endswith(".pdf")


def test_failures_are_raised(made: World) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        MediaStore("no-such-bucket", lambda: made.s3).put("acme", "1", File(b"x", "image/png", "a.png"))


def test_no_client_before_the_first_file() -> None:
    def never() -> Any:
        raise AssertionError("a client")

    MediaStore(BUCKET, never)


def test_link(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    aws.client.cache_clear()
    # Outside of any world: a call to AWS would fail.
    link = urlsplit(MediaStore(BUCKET, lambda: aws.client("s3", REGION)).link("acme", "1"))
    aws.client.cache_clear()
    assert f"{link.scheme}://{link.netloc}{link.path}" == f"https://{BUCKET}.s3.{REGION}.amazonaws.com/media/acme/1"
    assert parse_qs(link.query)["X-Amz-Expires"] == [str(LINK_SECONDS)]


# --- Content-Disposition ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "shown"),
    [
        ("image/jpeg", "inline"),
        ("image/png", "inline"),
        ("image/webp", "inline"),
        ("video/mp4", "inline"),
        ("audio/ogg", "inline"),
        ("application/pdf", "inline"),
        ("image/svg+xml", "attachment"),
        ("text/html", "attachment"),
        ("application/xhtml+xml", "attachment"),
        ("text/xml", "attachment"),
        ("text/plain", "attachment"),
        ("application/javascript", "attachment"),
        ("application/msword", "attachment"),
        ("application/octet-stream", "attachment"),
        ("IMAGE/PNG; charset=x", "attachment"),
        ("image/png\r\n", "attachment"),
        ("", "attachment"),
    ],
)
def test_what_a_browser_may_show(content_type: str, shown: str) -> None:
    assert disposition(content_type, "a").partition(";")[0] == shown


@pytest.mark.parametrize(
    ("name", "plain", "coded"),
    [
        pytest.param("a.pdf", "a.pdf", "a.pdf", id="plain"),
        pytest.param("a b.pdf", "a b.pdf", "a%20b.pdf", id="space"),
        pytest.param('a".pdf', "a_.pdf", "a%22.pdf", id="quote"),
        pytest.param("a\\.pdf", "a_.pdf", "a%5C.pdf", id="backslash"),
        pytest.param("a'b;c=d,e.pdf", "a'b;c=d,e.pdf", "a%27b%3Bc%3Dd%2Ce.pdf", id="signs with a meaning"),
        pytest.param("a\r\nset-cookie: b.pdf", "a__set-cookie: b.pdf", "a%0D%0Aset-cookie%3A%20b.pdf", id="header"),
        pytest.param("a\0\x7f.pdf", "a__.pdf", "a%00%7F.pdf", id="control characters"),
        pytest.param("ü漢.pdf", "__.pdf", "%C3%BC%E6%BC%A2.pdf", id="not ASCII"),
        pytest.param("\ud800.pdf", "_.pdf", "%3F.pdf", id="no character"),
        pytest.param("../../a.pdf", "../../a.pdf", "..%2F..%2Fa.pdf", id="path"),
        pytest.param("a%41.pdf", "a%41.pdf", "a%2541.pdf", id="percent"),
        pytest.param("", "", "", id="none"),
        pytest.param("a" * 500 + ".pdf", "a" * 196 + ".pdf", "a" * 196 + ".pdf", id="long"),
    ],
)
def test_name(name: str, plain: str, coded: str) -> None:
    header = disposition("application/pdf", name)
    assert header == f"inline; filename=\"{plain}\"; filename*=UTF-8''{coded}"
    assert header.isascii()
    assert header.isprintable()


def test_the_name_is_what_a_reader_of_the_header_finds() -> None:
    message = EmailMessage()
    message["content-disposition"] = disposition("image/png", 'Bestellung "ü" 1\\2;.png').partition("; filename*")[0]
    assert message.get_filename() == "Bestellung ___ 1_2;.png"
