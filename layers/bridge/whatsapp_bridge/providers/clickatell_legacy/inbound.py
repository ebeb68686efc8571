"""The legacy WhatsApp API's callbacks: each is one flat object, a status of a sent message or a person's message.

Source: the columns "Legacy WhatsApp API" in "Inbound message callback comparisons" and "Inbound message status callback
comparison" of the comparison page named in `codes`. Every kind of message has the same members, null if the kind does
not use them; no member names the kind.
"""

from typing import TYPE_CHECKING, Final

from whatsapp_bridge.providers.clickatell_common.inbound import reply_event, status_event
from whatsapp_bridge.providers.clickatell_legacy import codes
from whatsapp_bridge.providers.common.bodies import json_body
from whatsapp_bridge.providers.common.values import blank
from whatsapp_bridge.providers.contract import (
    Callback,
    Event,
    Json,
    NotACallback,
    NotUnderstood,
)

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell_legacy.settings import Account

_INTEGRATION: Final = frozenset({"integrationId", "integrationName"})
_MARKS: Final = _INTEGRATION | {"messageId"}
_REPLY_KINDS: Final = frozenset({"text", "media", "location", "contacts"})


def authentic(callback: Callback, account: "Account") -> bool:
    """True: Clickatell signs nothing; the token in the callback's path is the only proof."""
    return True


def challenge(callback: Callback, account: "Account") -> str | None:
    """None: Clickatell does not verify callback URLs."""
    return None


def split(callback: Callback, account: "Account") -> list[Event]:
    """The callback as one event, none if it only names the integration. Raises `NotACallback` or `BodyUnreadable`."""
    body = json_body(callback)
    if not isinstance(body, dict) or not _MARKS & body.keys():
        raise NotACallback("no object with integrationId or messageId")
    if all(value is None for name, value in body.items() if name not in _INTEGRATION):
        return []
    return [_event(body, account)]


def _event(body: Json, account: "Account") -> Event:
    if body.get("statusCode") is not None:
        return status_event("status", body, codes.status)
    kind = _kind(body)
    if kind not in _REPLY_KINDS:
        # One API's callbacks arrive here if a One API integration posts to an account of the legacy API.
        return NotUnderstood(kind, "One API's callback" if kind == "event" else "unknown kind", body)
    return reply_event(kind, body, account)


def _kind(body: Json) -> str:
    """The kind of a message, from the members that are not null: everything but its metadata may be encrypted."""
    if not blank(body.get("contentType")):
        return "media"
    if not (blank(body.get("latitude")) and blank(body.get("longitude"))):
        return "location"
    if body.get("content") is not None:
        return "text"
    return next((name for name in ("contacts", "event") if body.get(name) is not None), "unknown")
