"""Files for people: what Clickatell and WhatsApp accept.

Source: https://docs.clickatell.com/channels/one-api/supported-content-types/, and the sections "Inline media" and
"Media file upload" of the comparison page named in `codes`. Clickatell accepts 20 MB inline and 30 MB by upload;
WhatsApp accepts 5 MB for an image, 16 MB for video and audio, 100 MB for a document. The lowest limit applies.
"""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Final

from whatsapp_bridge.media import file_types
from whatsapp_bridge.providers.clickatell_common.encryption import DataKey, EncryptedFile
from whatsapp_bridge.providers.common.outgoing_files import AUDIO, IMAGE, MB, VIDEO, FileRule
from whatsapp_bridge.providers.contract import Json

_MAX_INLINE_BYTES: Final = 20 * MB

_DOCUMENT: Final = FileRule(
    (file_types.PDF, file_types.WORD, file_types.POWERPOINT, file_types.EXCEL, file_types.TEXT),
    30 * MB,
    "PDF, DOC, PPT, XLS or plain text",
)
FREEFORM: Final = {"image": IMAGE, "video": VIDEO, "audio": AUDIO, "file": _DOCUMENT}
INLINE: Final = {
    kind: rule._replace(max_bytes=min(rule.max_bytes, _MAX_INLINE_BYTES)) for kind, rule in FREEFORM.items()
}
HEADERS: Final = {"image": IMAGE, "video": VIDEO, "file": FileRule((file_types.PDF,), 30 * MB, "PDF")}


def inline(content: bytes, key: DataKey | None, entropy: Callable[[int], bytes]) -> Json:
    """The message's members that hold a file, encrypted with the message's data key."""
    if key is None:
        return {"content": b64encode(content).decode()}
    sealed = b"".join(EncryptedFile(key.plaintext, content, entropy))
    return {"content": b64encode(sealed).decode(), "sha256Hash": sha256(content).hexdigest()}
