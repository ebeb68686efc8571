"""Files that people send: the same for every BSP."""

from typing import Final

from whatsapp_bridge.clevertap.callbacks import MediaKind

_KINDS: Final[dict[str, MediaKind]] = {"image": "image", "video": "video", "audio": "audio"}


def kind_of(content_type: str | None) -> MediaKind:
    """CleverTap's kind for a content type; `file` if it is not known, or not an image, video or audio."""
    return _KINDS.get((content_type or "").partition("/")[0].strip().lower(), "file")


def text_without_file(kind: MediaKind, caption: str | None) -> str:
    """The text that CleverTap gets if a message's file cannot be fetched: that there was one, and its caption."""
    notice = f"[{kind} not available]"
    return f"{notice} {caption}" if caption else notice
