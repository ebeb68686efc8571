"""The legacy WhatsApp API's callbacks: each is one flat object, a status of a sent message or a person's message.

Source: the columns "Legacy WhatsApp API" in "Inbound message callback comparisons" and "Inbound message status callback
comparison" of the comparison page named in `codes`. Every kind of message has the same members, null if the kind does
not use them; no member names the kind.
"""

from typing import TYPE_CHECKING, Any, Final

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.clickatell_common.inbound import INTEGRATION, reply_event, status_event
from whatsapp_bridge.providers.clickatell_legacy import codes
from whatsapp_bridge.providers.common.bodies import content_of
from whatsapp_bridge.providers.common.values import blank, each, empty
from whatsapp_bridge.providers.contract.inbound import Callback, Event, NotACallback, NotUnderstood

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell_legacy.settings import Account

_MARKS: Final = INTEGRATION | {"messageId"}
_REPLY_KINDS: Final = frozenset({"text", "media", "location", "contacts"})


def authentic(callback: Callback, account: "Account") -> bool:
    """True: Clickatell signs nothing; the token in the callback's path is the only proof."""
    return True


def challenge(callback: Callback, account: "Account") -> str | None:
    """None: Clickatell does not verify callback URLs."""
    return None


def split(callback: Callback, account: "Account") -> list[Event]:
    """The callback as one event, none if it only names the integration. Raises `NotACallback` or `BodyUnreadable`."""
    elements = [element for element in each(content_of(callback)) if not _says_nothing(element)]
    if elements and not any(isinstance(element, dict) and _MARKS & element.keys() for element in elements):
        raise NotACallback("no object with integrationId or messageId")
    return [_event(element, account) for element in elements]


def _says_nothing(element: Any) -> bool:
    return isinstance(element, dict) and all(empty(value) for name, value in element.items() if name not in INTEGRATION)


def _event(body: Any, account: "Account") -> Event:
    if not isinstance(body, dict):
        return NotUnderstood("callback", "not an object", body)
    if not blank(body.get("statusCode")) or (not blank(body.get("status")) and blank(body.get("from"))):
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
