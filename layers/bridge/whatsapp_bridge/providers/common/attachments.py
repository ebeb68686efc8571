"""Files that people send: the same for every BSP."""

from typing import Final

from whatsapp_bridge.clevertap.callbacks import MediaKind

_KINDS: Final[dict[str, MediaKind]] = {"image": "image", "video": "video", "audio": "audio"}


def kind_of(content_type: str | None) -> MediaKind:
    """CleverTap's kind for a content type; `file` for what is no image, video or audio, or not known."""
    return _KINDS.get((content_type or "").partition("/")[0].strip().lower(), "file")


def text_without_file(kind: MediaKind, caption: str | None) -> str:
    """What CleverTap is told of a message whose file cannot be had: that there was one, and its caption."""
    notice = f"[{kind} not available]"
    return f"{notice} {caption}" if caption else notice
