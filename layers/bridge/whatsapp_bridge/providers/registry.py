"""The BSPs the bridge speaks to: one line each. Modules are imported when first asked for, never before."""

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from whatsapp_bridge.providers.contract import ClientFactory, Inbound, Outbound, Replies

PROVIDERS = {
    "clickatell": "whatsapp_bridge.providers.clickatell",
    "clickatell_legacy": "whatsapp_bridge.providers.clickatell_legacy",
    "gupshup": "whatsapp_bridge.providers.gupshup",
    "message_central": "whatsapp_bridge.providers.message_central",
    "meta": "whatsapp_bridge.providers.meta",
}


@cache
def _module(provider: str, part: str) -> Any:
    return import_module(f"{PROVIDERS[provider]}.{part}")


def settings(provider: str) -> Any:
    """The adapter's `settings` module: classes Settings and Options. Raises KeyError for an unknown BSP."""
    return _module(provider, "settings")


def outbound(provider: str) -> "Outbound":
    return cast("Outbound", _module(provider, "outbound"))


def inbound(provider: str) -> "Inbound":
    return cast("Inbound", _module(provider, "inbound"))


def replies(provider: str) -> "Replies":
    return cast("Replies", _module(provider, "replies"))


def client(provider: str) -> "ClientFactory":
    return cast("ClientFactory", _module(provider, "client").Client)
