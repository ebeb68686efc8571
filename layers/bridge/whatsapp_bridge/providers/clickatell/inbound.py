"""One API's callbacks: statuses of sent messages, and messages from people.

Source: https://help.clickatell.com/developers-api-reference/reference/one-api-client-callbacks and the section "Inbound
message callback comparisons" of the comparison page named in `codes`. One request holds lists of events by kind;
Clickatell may add kinds and fields at any time, and wants success as the answer to unknown ones.
"""

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from whatsapp_bridge.providers.clickatell import codes
from whatsapp_bridge.providers.clickatell_common.inbound import INTEGRATION, reply_event, status_event
from whatsapp_bridge.providers.common.bodies import content_of
from whatsapp_bridge.providers.common.values import blank, each, empty, says_nothing, word
from whatsapp_bridge.providers.contract.inbound import Callback, Event, Ignored, NotACallback, NotUnderstood, ReplyEvent

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell.settings import Account

# messageFallback is documented with a status's members.
_STATUS_KINDS: Final = frozenset({"messageStatusUpdate", "messageFallback"})
# A typing notice is not a message, and outdated before it could be reported.
_IGNORED: Final = frozenset({"statusIsTyping"})
_REPLY_KINDS: Final = frozenset(
    {"moText", "moMedia", "moSuggestedResponse", "moButtonResponse", "moLocation", "moContacts"}
)
# Several of these may have one messageId: contacts as separate elements, a file inline and by reference. Nothing says
# that the last two are the same file, so neither is dropped.
_IN_PARTS: Final = frozenset({"moContacts", "moMedia"})


def authentic(callback: Callback, account: "Account") -> bool:
    """True: One API signs nothing; the token in the callback's path is the only proof."""
    return True


def challenge(callback: Callback, account: "Account") -> str | None:
    """None: One API does not verify callback URLs."""
    return None


def split(callback: Callback, account: "Account") -> list[Event]:
    """Every element as an event, a broken one as `NotUnderstood`. Raises `NotACallback` or `BodyUnreadable`."""
    body = content_of(callback)
    # The objects with the lists: one, in Clickatell's documentation.
    holders = each(body.get("event")) if isinstance(body, dict) else []
    lists = [(kind, each(held)) for holder in holders if isinstance(holder, dict) for kind, held in holder.items()]
    events = _apart([_event(kind, part, account) for kind, elements in lists for part in _parts(kind, elements)])
    broken = not all(isinstance(holder, dict) or empty(holder) for holder in holders)
    if broken or not (events or says_nothing(body, INTEGRATION)):
        raise NotACallback("no event object")
    return events


def _parts(kind: str, elements: list[Any]) -> list[Any]:
    """A CleverTap message holds one file: split an element with several files; the first keeps the caption."""
    if kind != "moMedia":
        return elements
    parts = []
    for element in elements:
        files = element.get("files") if isinstance(element, dict) else None
        if not isinstance(files, list) or len(files) < 2:
            parts.append(element)
            continue
        parts += [
            {**element, "files": [file], "caption": None if place else element.get("caption")}
            for place, file in enumerate(files)
        ]
    return parts


def _apart(events: list[Event]) -> list[Event]:
    """Give the parts that share a messageId an id each, by position."""
    seen: Counter[str] = Counter()
    apart: list[Event] = []
    for event in events:
        if isinstance(event, ReplyEvent) and event.element["kind"] in _IN_PARTS:
            seen[event.id] += 1
            if seen[event.id] > 1:
                event = replace(event, id=f"{event.id}.{seen[event.id]}")
        apart.append(event)
    return apart


def _event(kind: str, element: Any, account: "Account") -> Event:
    if kind in _IGNORED:
        return Ignored(kind)
    if not isinstance(element, dict):
        return NotUnderstood(kind, "not an object", element)
    # Seen as "whatsapp", "whatsapp " and "whatsapp/sms "; an integration may have other channels besides WhatsApp.
    if not blank(channel := element.get("channel")) and "whatsapp" not in word(channel):
        return NotUnderstood(kind, "another channel", element)
    if kind in _STATUS_KINDS:
        return status_event(kind, element, codes.status)
    if kind in _REPLY_KINDS:
        return reply_event(kind, element, account)
    return NotUnderstood(kind, "unknown kind", element)
