"""The functions' environment as typed values. `template.yaml` sets it; a variable is a field's name in upper case."""

import os
from collections.abc import Callable, Mapping
from re import fullmatch
from typing import Any, Final, NewType, Self
from urllib.parse import urlsplit

from whatsapp_bridge.runtime.hosts import is_loopback
from whatsapp_bridge.runtime.schedules import CorrelationRetry, DispatchRetry, ForwardRetry


class SettingInvalid(Exception):
    """An environment variable is missing or malformed; the text contains its name, not its value."""


class Settings:
    """A subclass declares its variables as annotations. Not a dataclass, which costs milliseconds per start."""

    @classmethod
    def read(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Raises `SettingInvalid`."""
        settings = cls()
        for name, kind in cls.__annotations__.items():
            variable = name.upper()
            try:
                setattr(settings, name, _READERS[kind](environ[variable]))
            except KeyError:
                raise SettingInvalid(f"environment variable {variable} is missing") from None
            except ValueError:
                raise SettingInvalid(f"environment variable {variable} {_WORDS.get(kind, _MALFORMED)}") from None
        return settings


PublicUrl = NewType("PublicUrl", str)
"""The bridge's own base address, for links that others follow."""
PublicUrlIfAny = NewType("PublicUrlIfAny", str)
"""The same, or "" for the API's own."""


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    # Only a stack on one machine has no certificate: elsewhere anybody on the way could read what a link leads to.
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname))
    if not (safe and parts.hostname and fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*[^/?#\s])?", value)):
        raise ValueError
    return value


_READERS: dict[Any, Callable[[str], object]] = {
    str: str,
    int: int,
    PublicUrl: _public_url,
    PublicUrlIfAny: lambda value: value and _public_url(value),
    DispatchRetry: DispatchRetry.read,
    ForwardRetry: ForwardRetry.read,
    CorrelationRetry: CorrelationRetry.read,
}

_MALFORMED: Final = "is malformed"
_NO_PUBLIC_URL: Final = (
    "must start with https:// (http:// is for loopback addresses only) and have no credentials, query or final slash: "
    "correct the parameter PublicUrl"
)
_WORDS: Final[dict[Any, str]] = {PublicUrl: _NO_PUBLIC_URL, PublicUrlIfAny: _NO_PUBLIC_URL}


class SendSettings(Settings):
    account_secret_prefix: str
    signing_key_secret: str
    conversation_queue_url: str
    campaign_queue_url: str
    messages_table: str


class DispatchSettings(Settings):
    account_secret_prefix: str
    signing_key_secret: str
    conversation_queue_url: str
    conversation_dead_letter_queue_url: str
    campaign_queue_url: str
    campaign_dead_letter_queue_url: str
    statuses_queue_url: str
    messages_table: str
    message_ttl_days: int
    dispatch_retry: DispatchRetry


class ReceiveSettings(Settings):
    account_secret_prefix: str
    signing_key_secret: str
    replies_queue_url: str
    statuses_queue_url: str
    templates_queue_url: str
    quarantine_queue_url: str
    payloads_bucket: str


class MediaSettings(Settings):
    signing_key_secret: str
    payloads_bucket: str
    media_ttl_days: int


class ImportSettings(Settings):
    account_secret_prefix: str
    public_url: PublicUrlIfAny
    messages_table: str


class TemplatesSettings(Settings):
    account_secret_prefix: str
    templates_queue_url: str
    messages_table: str
    template_sync_minutes: int


class ForwardSettings(Settings):
    account_secret_prefix: str
    signing_key_secret: str
    public_url: PublicUrl
    replies_queue_url: str
    statuses_queue_url: str
    quarantine_queue_url: str
    people_quarantine_queue_url: str
    replies_dead_letter_queue_url: str
    statuses_dead_letter_queue_url: str
    payloads_bucket: str
    media_ttl_days: int
    messages_table: str
    message_ttl_days: int
    forward_retry: ForwardRetry
    correlation_retry: CorrelationRetry
