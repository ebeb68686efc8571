"""What a text shows of a person to whoever looks closely: ids of WhatsApp hold a number in base64."""

import re
from base64 import b64decode
from binascii import Error
from typing import Final

_WORD: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}")


def looked_into(shown: str) -> str:
    """The text, and behind it what its words are in base64, from each of their first four letters on."""
    parts = [shown]
    for word in _WORD.findall(shown):
        for start in range(4):
            part = word[start:].replace("-", "+").replace("_", "/")
            try:
                parts.append(b64decode(part + "=" * (-len(part) % 4)).decode("latin-1"))
            except Error:
                continue
    return "\n".join(parts)
