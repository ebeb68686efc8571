"""Addresses of files as CleverTap has them. Apart from `files`, so that send starts without what fetches them."""

import re
from typing import Final
from urllib.parse import urlsplit

# `host`, `host/path`, `host:port/path`; `mailto:somebody@host` and `file:/path` would pass for hosts otherwise.
_BARE: Final = re.compile(r"(//)?[^/?#:@\\\s]+(:\d+)?([/?#]|$)")


def address(url: str) -> str:
    """The address in full: CleverTap's lacks its scheme at times. Raises `ValueError` (without a value)."""
    full = url.strip()
    if _BARE.match(full):
        full = "https://" + full.removeprefix("//")
    try:
        parts = urlsplit(full)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named or parts.scheme not in ("http", "https"):
        raise ValueError("is not an http or https address")
    return full
