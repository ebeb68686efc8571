"""The files that WhatsApp accepts at Clickatell.

Sources: https://docs.clickatell.com/channels/one-api/supported-content-types/ for the types and WhatsApp's sizes; the
sections "Inline media" and "Media file upload" of Clickatell's comparison of its legacy WhatsApp API with One API.
"""

MB = 1024 * 1024
MAX_UPLOAD_BYTES = 30 * MB
MAX_INLINE_BYTES = 20 * MB
MAX_REQUEST_BYTES = 30 * MB
MAX_CAPTION = 1024
"""WhatsApp's limit, in characters."""

_EXTENSIONS: dict[str, tuple[str, ...]] = {
    "image/jpeg": ("jpg", "jpeg"),
    # Clickatell's own examples upload with this name.
    "image/jpg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "video/mp4": ("mp4",),
    "video/3gpp": ("3gp", "3gpp"),
    "audio/aac": ("aac",),
    "audio/mp4": ("m4a", "mp4"),
    "audio/amr": ("amr",),
    "audio/mpeg": ("mp3",),
    "audio/ogg": ("ogg", "opus"),
    "application/pdf": ("pdf",),
    "application/msword": ("doc",),
    "application/vnd.ms-powerpoint": ("ppt",),
    "application/vnd.ms-excel": ("xls",),
    "text/plain": ("txt",),
}
_IN_TEMPLATES = frozenset({"image/jpeg", "image/jpg", "image/png", "video/mp4", "video/3gpp", "application/pdf"})
_WHATSAPP_BYTES = {"image": 5 * MB, "video": 16 * MB, "audio": 16 * MB}


def plain(content_type: str) -> str:
    """The content type without parameters (such as `codecs=opus`)."""
    return content_type.partition(";")[0].strip().lower()


def is_taken(content_type: str, *, in_template: bool = False) -> bool:
    return plain(content_type) in (_IN_TEMPLATES if in_template else _EXTENSIONS)


def extension(name: str, content_type: str) -> str | None:
    """The name's extension if it fits the content type, else None."""
    found = name.rpartition(".")[2].lower()
    return found if found in _EXTENSIONS.get(plain(content_type), ()) else None


def is_too_large(size: int, content_type: str) -> bool:
    """Whether a file of this type is too large for WhatsApp."""
    return size > _WHATSAPP_BYTES.get(plain(content_type).partition("/")[0], 100 * MB)
