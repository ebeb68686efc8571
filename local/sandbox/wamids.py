"""WhatsApp's message ids, built as the bridge reads them (`providers.common.message_ids` says how that is known)."""

import uuid
from base64 import b64encode
from typing import Final

_NUMBER, _USER_ID = b"\x02", b"\x14"
PREFIX: Final = "wamid."


def wamid(who: str, token: str, *, sent: bool = True) -> str:
    """The id of the message `token` in the chat with `who`, a number or a user id; `sent` by the business."""
    kind = _NUMBER if who.isdigit() else _USER_ID
    raw = b"\x1c" + _text(who) + b"\x15" + kind + b"\x00" + (b"\x11" if sent else b"\x12") + _text(token) + b"\x00"
    return PREFIX + b64encode(raw).decode()


def new_wamid(who: str, *, sent: bool) -> str:
    """The id of a new message; Meta's tokens have 18 characters, those of phones up to 32."""
    made = uuid.uuid4().hex.upper()
    return wamid(who, made[:18] if sent else made, sent=sent)


def _text(text: str) -> bytes:
    return b"\x18" + bytes([len(text)]) + text.encode()
