"""Addresses of files in CleverTap's form. Separate from `fetch`, so that send starts without it."""

import re
from typing import Final
from urllib.parse import urlsplit

# `host`, `host/path`, `host:port/path`; otherwise `mailto:somebody@host` and `file:/path` would look like hosts.
_BARE: Final = re.compile(r"(//)?[^/?#:@\\\s]+(:\d+)?([/?#]|$)")


def address(url: str) -> str:
    """The full address: CleverTap's sometimes has no scheme. Raises `ValueError` (without a value)."""
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
