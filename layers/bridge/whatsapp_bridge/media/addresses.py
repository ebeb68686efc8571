"""Addresses of files in CleverTap's form. Separate from `fetch`, so that send starts without it.

Some are typed or copied: they have blanks, letters with accents, a host with an umlaut, a line break at the end. They
are encoded here, once, for whoever fetches the file, by RFC 3986. What is encoded already stays byte for byte, because
a signature may be over it.
"""

import re
from typing import Final
from urllib.parse import quote, urlsplit

from whatsapp_bridge.runtime.json_text import trimmed

# `host`, `host/path`, `host:port/path`; otherwise `mailto:somebody@host` and `file:/path` would look like hosts.
_BARE: Final = re.compile(r"(//)?[^/?#:@\\\s]+(:\d+)?([/?#]|$)")
# Browsers take them out wherever they are (https://url.spec.whatwg.org/#concept-basic-url-parser).
_BROKEN: Final = dict.fromkeys(map(ord, "\t\r\n"))
# Besides letters, digits and "-._~". A "%" that encodes nothing is no part of an address.
_ALLOWED: Final = "%!$&'()*+,;=:@/?#"
_LONE_PERCENT: Final = r"%(?![0-9A-Fa-f]{2})"
# A host may have "_": browsers and DNS take it.
_HOST: Final = r"[A-Za-z0-9._-]+"


def address(url: str) -> str:
    """The full address: CleverTap's sometimes has no scheme. Raises `ValueError` (without a value)."""
    full = trimmed(url).translate(_BROKEN)
    if _BARE.match(full):
        full = "https://" + full.removeprefix("//")
    try:
        return _encoded(full)
    except ValueError:
        # The original texts quote the address.
        raise ValueError("is not an http or https address") from None


def _encoded(full: str) -> str:
    parts = urlsplit(full)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
        raise ValueError
    scheme, _, rest = full.partition("://")
    login, at, place = parts.netloc.rpartition("@")
    return f"{scheme}://{_escaped(login)}{at}{_place(place)}{_escaped(rest.removeprefix(parts.netloc))}"


def _place(place: str) -> str:
    """A host, with its port if it has one."""
    if place.startswith("["):
        # `urlsplit` has read the IPv6 address in them.
        return place
    host, colon, port = place.partition(":")
    if not host.isascii():
        host = ".".join(map(_label, host.split(".")))
    if not re.fullmatch(_HOST, host):
        raise ValueError
    return f"{host}{colon}{port}"


def _label(label: str) -> str:
    """A part of a host in the form that name servers know (IDNA)."""
    if label.isascii():
        return label
    # As `requests` does for the files that the bridge fetches. Python's own codec is IDNA 2003, by which straße.example
    # is another host than in browsers. Imported here because few hosts need it.
    import idna

    return idna.encode(label, uts46=True).decode()


def _escaped(part: str) -> str:
    quoted = quote(part, _ALLOWED)
    return re.sub(_LONE_PERCENT, "%25", quoted) if "%" in part else quoted
