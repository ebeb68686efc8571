"""Field types of the account secret, shared with the adapters' settings."""

from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from re import ASCII, fullmatch
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from whatsapp_bridge.runtime.hosts import is_loopback
from whatsapp_bridge.runtime.json_text import trimmed

# What the documentation's samples have where a value of one's own belongs.
_PLACEHOLDER: Final = "REPLACE"


class Config(BaseModel):
    """Part of an account secret. Unknown keys are errors, to find typos, and a repr never shows values."""

    # defer_build: a part is compiled once, with the account, and not also on its own.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    def __repr_args__(self) -> Any:
        return ()


class NotMeant(Exception):
    """Nobody can have meant a text of a secret. `field` is its path; neither text contains a value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


def as_meant(value: Any, path: tuple[str, ...] = ()) -> Any:
    """A secret's JSON as somebody has meant it, for every text in it alike: without what was pasted along at its ends.
    Raises `NotMeant` for a text with such characters inside, and for a placeholder that nobody has replaced."""
    match value:
        case str():
            return _text_as_meant(value, path)
        case dict():
            named = ((_text_as_meant(name, path), member) for name, member in value.items())
            return {name: as_meant(member, (*path, name)) for name, member in named}
        case list():
            return [as_meant(item, (*path, str(place))) for place, item in enumerate(value)]
    return value


def _text_as_meant(value: str, path: tuple[str, ...]) -> str:
    text = trimmed(value)
    # U+FFFD stands for a character that could not be read.
    if not text.isprintable() or "\ufffd" in text:
        reason = "must have no line break, no tab and no character that cannot be seen"
    elif text.startswith(_PLACEHOLDER):
        reason = "is still a placeholder: put in your own value"
    else:
        return text
    raise NotMeant(".".join(path) or "secret", reason)


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        valid = bool(parts.hostname) and parts.port != 0 and " " not in value
    except ValueError:
        # urllib's own error quotes the value.
        valid = False
    if not valid:
        raise ValueError("must be an absolute URL")
    # Plain http shows credentials, so it is allowed only within one machine.
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ValueError("must start with https:// (http:// is for loopback addresses only)")
    if parts.username is not None or parts.fragment:
        raise ValueError("must have no user name and no fragment")
    return value


def _base_url(value: str) -> str:
    if urlsplit(_url(value)).query:
        raise ValueError("must have no query")
    return value.rstrip("/")


def _network(value: str) -> str:
    try:
        ip_network(value)
    except ValueError:
        # ipaddress's own errors quote the value.
        raise ValueError("must be a network like 203.0.113.0/24, with no bits set after the prefix") from None
    return value


def is_in(networks: Sequence[str], address: str) -> bool:
    """Whether one of these networks contains this IP address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in ip_network(network) for network in networks)


type MetaId = Annotated[str, form(r"[0-9]{1,32}", "must be an id from Meta: digits only")]
"""A part of addresses."""
type GraphVersion = Annotated[str, form(r"v[0-9]{1,3}\.[0-9]{1,3}", "must be a version of the Graph API, like v25.0")]
"""https://developers.facebook.com/docs/graph-api/changelog has them."""


def matching(pattern: str, words: str) -> Callable[[str], str]:
    """Takes a text that the whole pattern matches; `words` is the error without a value: "must be ..."."""

    def check(value: str) -> str:
        if not fullmatch(pattern, value, ASCII):
            raise ValueError(words)
        return value

    return check


def form(pattern: str, words: str) -> AfterValidator:
    """`matching`, as a part of a field's type."""
    return AfterValidator(matching(pattern, words))


def one_or_several(check: Callable[[str], str]) -> BeforeValidator:
    """Takes a single text, which `check` has to take, as a list of one: several are valid while one is rotated."""

    def read(value: Any) -> Any:
        if not isinstance(value, str | list):
            raise ValueError("must be a string, or a list of strings")
        return [check(value)] if isinstance(value, str) else value

    return BeforeValidator(read)


type Network = Annotated[str, AfterValidator(_network)]
type Url = Annotated[str, AfterValidator(_url)]
type BaseUrl = Annotated[str, AfterValidator(_base_url)]
# As people make them: also of several words.
type Secret = Annotated[str, Field(min_length=1)]
# As machines make them. Many are sent in a header, where anything except visible ASCII breaks the request.
type Key = Annotated[str, form(r"[!-~]+", "must have only visible ASCII characters and no spaces")]


def chosen(characters: int) -> AfterValidator:
    """A secret as people make them, that anybody may try to guess at the bridge."""
    return form(f".{{{characters},}}", f"must have {characters} or more characters: choose a longer one")


def copied(characters: int) -> AfterValidator:
    """One that the BSP gives and checks: one that is too short is not all of it."""
    return form(f".{{{characters},}}", f"must have {characters} or more characters: copy all of it from the BSP")


def is_key(characters: int) -> Callable[[str], str]:
    """`Key`, of so many characters at least."""
    words = "visible ASCII characters and no spaces: copy all of it from the BSP"
    return matching(f"[!-~]{{{characters},}}", f"must have {characters} or more {words}")


# No portal is known to take a shorter one; what Gupshup and Message Central ask for is not documented.
type PortalPassword = Annotated[str, copied(6)]
# No BSP promises a form. Half of the shortest that is known in public: Clickatell's API keys, 16 bytes in base64
# (https://www.netiq.com/documentation/advanced-authentication-64/server-administrator-guide/data/t49vsrhutycp.html).
# Meta's app secrets have 32 hex digits, its tokens some two hundred characters
# (https://stackoverflow.com/questions/4408945/what-is-the-length-of-the-access-token-in-facebook-oauth2).
bsp_key = is_key(12)
type BspKey = Annotated[str, AfterValidator(bsp_key)]
