"""An account's JSON as it may be shown: every text that is not known to be public is masked."""

from typing import Any, Final
from urllib.parse import urlsplit

MASK: Final = "***"
_PUBLIC: Final = frozenset(
    {
        "api_version",
        "app_id",
        "base_url",
        "click_time_zone",
        "country",
        "default_country",
        "mo_key_arn",
        "mt_key_arn",
        "name",
        "opt_in",
        "phone_number_id",
        "source_networks",
        "template_checks",
        "template_media",
        "templates_url",
        "type",
        "unknown_templates",
        "waba_id",
        "waba_number",
    }
)
"""The names of members whose texts are no secrets."""


def masked(value: Any, *, public: bool = False) -> Any:
    """The same JSON, with `***` for what may be secret. Of an address its host stays."""
    match value:
        case dict():
            return {name: masked(member, public=name in _PUBLIC) for name, member in value.items()}
        case list():
            return [masked(element, public=public) for element in value]
        case str() if not public:
            return _masked_text(value)
    return value


def _masked_text(text: str) -> str:
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return MASK
    return f"{parts.scheme}://{host}/{MASK}" if host and parts.scheme in ("http", "https") else MASK
