"""What both of Clickatell's APIs take in the same form: the text of a freeform message, and parameters by place.

Source: sections "Plain text" and "HSM (legacy support)" of the comparison page named in `codes`.
"""

import re
from collections.abc import Sequence
from typing import Final

from whatsapp_bridge.providers.capabilities import Json, Refused

_MAX_TEXT: Final = 4096
_LINK: Final = re.compile(r"https?://\S", re.IGNORECASE)


def content(text: str) -> Json:
    """The members of a freeform text message. Raises `Refused`."""
    if not text.strip():
        raise Refused("text.body", "is empty")
    if len(text) > _MAX_TEXT:
        raise Refused("text.body", f"is longer than {_MAX_TEXT} characters")
    preview = {"previewFirstUrl": True} if _LINK.search(text) else {}
    return {"content": text, **preview}


def by_place(values: Sequence[str], path: str) -> dict[str, str]:
    """Parameters by their place, "1" onwards; `path` is their owner's in CleverTap's message. Raises `Refused`."""
    for index, value in enumerate(values):
        if not value.strip():
            raise Refused(f"{path}.parameters[{index}].text", "is empty")
    return {str(place): value for place, value in enumerate(values, 1)}
