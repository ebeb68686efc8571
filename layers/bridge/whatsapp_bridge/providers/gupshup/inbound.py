"""Gupshup's callbacks: delivery reports in five envelopes, clicks in two formats, and messages from people.

Sources: https://docs.gupshup.io/docs/real-time-delivery-reports (reports by POST and GET), CleverTap's page on Gupshup
(reports, clicks, texts), and public clients of the API (all other messages from people, reports of templates). Reports
come as the form field `response`, as JSON {"response": [...]}, as a bare list, as a single object, and as a query.
"""

from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_json

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api.notices import TEMPLATE_STATUS, is_about_a_template
from whatsapp_bridge.providers.common.bodies import content_of, json_in
from whatsapp_bridge.providers.common.message_ids import made_of
from whatsapp_bridge.providers.common.values import CONTENTS, digits, each, empty, member_of, says_nothing, text, word
from whatsapp_bridge.providers.contract.inbound import (
    BodyUnreadable,
    Callback,
    Event,
    NotACallback,
    Notice,
    NotUnderstood,
    ReplyEvent,
)
from whatsapp_bridge.providers.gupshup import statuses

if TYPE_CHECKING:
    from whatsapp_bridge.providers.gupshup.settings import Account

CONSENTS: Final = {"opt_in": "[opted in]", "opt_out": "[opted out]"}
"""Types by which a public client learns that a person agrees to messages, or does not any more."""
_REPORT: Final = frozenset({"eventType", "eventTs", "externalId", "deliveredTS"})
_CLICK: Final = frozenset({"gsurl", "clickTime", "originalURL"})
_MESSAGE: Final = frozenset({"waNumber", "mobile"})
_ENVELOPE: Final = frozenset({"payloadVersion"})


def authentic(callback: Callback, account: "Account") -> bool:
    """True: Gupshup signs nothing. The proof is the token in the callback's path, and `options.source_networks`."""
    return True


def challenge(callback: Callback, account: "Account") -> str | None:
    """None: Gupshup does not verify callback URLs; its GET requests are delivery reports."""
    return None


def split(callback: Callback, account: "Account") -> list[Event]:
    """Every element as an event, a malformed one as `NotUnderstood`. Raises `NotACallback` or `BodyUnreadable`."""
    body = content_of(callback)
    if isinstance(body, list) and any(isinstance(element, dict) for element in body):
        return [_event(element, account) for element in body]
    if not isinstance(body, dict):
        raise NotACallback("neither an object nor a list of objects")
    # One callback may hold several at the same time.
    envelopes = {name: json_in(body.get(name)) for name in ("statuses", "response")}
    events: list[Event] = [statuses.generic(element) for element in _elements(envelopes["statuses"])]
    events += [_event(element, account) for element in _elements(envelopes["response"])]
    if (_MESSAGE | _REPORT | _CLICK) & body.keys() or _is_of_a_template(body):
        events.append(_event(body, account))
    unreadable = [name for name, held in envelopes.items() if isinstance(held, str) and not empty(held)]
    if unreadable and all(isinstance(event, NotUnderstood) for event in events):
        raise BodyUnreadable(f"{unreadable[0]} is not JSON")
    if not events and not says_nothing({name: json_in(value) for name, value in body.items()}, _ENVELOPE):
        raise NotACallback("no object with a delivery report, a click or a message")
    return events


def _elements(held: Any) -> list[Any]:
    """Those of an envelope."""
    return [] if empty(held) else each(held)


def _is_of_a_template(element: Json) -> bool:
    return element.get("field") == TEMPLATE_STATUS and is_about_a_template(element)


def _event(element: Any, account: "Account") -> Event:
    if not isinstance(element, dict):
        return NotUnderstood("report", "not an object", element)
    if _is_of_a_template(element):
        return Notice(element)
    if _CLICK & element.keys():
        return statuses.click(element, account.options.click_time_zone)
    if _MESSAGE & element.keys() and not _REPORT & element.keys():
        return _reply_event(element, account)
    return statuses.report(element)


def _reply_event(element: Json, account: "Account") -> ReplyEvent | NotUnderstood:
    kind, sender, to = kind_of(element), digits(element.get("mobile")), digits(element.get("waNumber"))
    if to is not None and not account.has_number(to):
        return NotUnderstood(kind or "message", "another number's", element)
    if not kind:
        return NotUnderstood("message", "unknown kind", element)
    if sender is None:
        return NotUnderstood(kind, "no mobile", element)
    # messageId is part of the answered message's id and the same in all answers to it; a person's message has no id of
    # its own. A repeated callback has the same content and the same millisecond.
    return ReplyEvent(made_of(to_json(sorted(element.items()))), sender, element)


def kind_of(element: Json) -> str:
    """A message's type, in lower case, else the member that could be its content; "" if it has neither."""
    named = word(element.get("type"))
    if named in CONSENTS:
        return named
    # A text may consist of blanks.
    return member_of(element, named, CONTENTS) or ("text" if text(element.get("text")) else "")
