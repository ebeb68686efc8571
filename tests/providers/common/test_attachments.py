"""Kinds of files, and words for those that cannot be had."""

import pytest

from whatsapp_bridge.clevertap.callbacks import MediaKind
from whatsapp_bridge.providers.common.attachments import kind_of, text_without_file


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("image/jpeg", "image"),
        ("image/webp", "image"),
        ("IMAGE/PNG", "image"),
        (" image/png", "image"),
        ("video/mp4", "video"),
        ("audio/ogg; codecs=opus", "audio"),
        ("application/pdf", "file"),
        ("text/plain", "file"),
        ("imagery/png", "file"),
        ("image", "image"),
        ("", "file"),
        (None, "file"),
    ],
)
def test_kind(content_type: str | None, kind: str) -> None:
    assert kind_of(content_type) == kind


@pytest.mark.parametrize(
    ("kind", "caption", "text"),
    [
        pytest.param("image", "look", "[image not available] look", id="caption"),
        pytest.param("voice", None, "[voice not available]", id="none"),
        pytest.param("file", "", "[file not available]", id="empty caption"),
    ],
)
def test_text(kind: MediaKind, caption: str | None, text: str) -> None:
    assert text_without_file(kind, caption) == text
