"""Files for people: what Clickatell and WhatsApp accept.

Source: https://docs.clickatell.com/channels/one-api/supported-content-types/, and the sections "Inline media" and
"Media file upload" of the comparison page named in `codes`. Clickatell accepts 20 MB inline and 30 MB by upload, of
what is sent: where the account encrypts, of the ciphertext. WhatsApp accepts 5 MB for an image, 16 MB for video and
audio, 100 MB for a document. The lowest limit applies.
"""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from whatsapp_bridge.media import file_types
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.clickatell_common.encryption import DataKey, EncryptedFile, encrypted_size
from whatsapp_bridge.providers.common.outgoing_files import (
    AUDIO,
    IMAGE,
    MB,
    VIDEO,
    CannotPrepare,
    FileRule,
    rejected,
)

MAX_INLINE_BYTES: Final = 20 * MB
MAX_UPLOAD_BYTES: Final = 30 * MB

_DOCUMENT: Final = FileRule(
    (file_types.PDF, file_types.WORD, file_types.POWERPOINT, file_types.EXCEL, file_types.TEXT),
    MAX_UPLOAD_BYTES,
    "PDF, DOC, PPT, XLS or plain text",
)
FREEFORM: Final = {"image": IMAGE, "video": VIDEO, "audio": AUDIO, "file": _DOCUMENT}
INLINE: Final = {
    kind: rule._replace(max_bytes=min(rule.max_bytes, MAX_INLINE_BYTES)) for kind, rule in FREEFORM.items()
}
HEADERS: Final = {"image": IMAGE, "video": VIDEO, "file": FileRule((file_types.PDF,), MAX_UPLOAD_BYTES, "PDF")}


def is_within(content: bytes, max_bytes: int, *, encrypted: bool) -> bool:
    """Whether a file has at most `max_bytes` as it is sent."""
    return (encrypted_size(len(content)) if encrypted else len(content)) <= max_bytes


def check_ciphertext(content: bytes, kind: str, max_bytes: int) -> None:
    """Whether the file is small enough once it is encrypted; as it is, it was checked. Raises `CannotPrepare`."""
    if not is_within(content, max_bytes, encrypted=True):
        raise CannotPrepare(rejected(f"{kind}: mediaURL, encrypted, is larger than {max_bytes // MB} MB"))


def inline(content: bytes, key: DataKey | None, entropy: Callable[[int], bytes]) -> Json:
    """The message's members that hold a file, encrypted with the message's data key."""
    if key is None:
        return {"content": b64encode(content).decode()}
    sealed = b"".join(EncryptedFile(key.plaintext, content, entropy))
    return {"content": b64encode(sealed).decode(), "sha256Hash": sha256(content).hexdigest()}
