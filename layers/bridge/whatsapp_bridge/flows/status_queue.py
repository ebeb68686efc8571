"""The messages of the `statuses` queue, which dispatch and receive write and forward reads.

{"account", "attempt", "status": {a StatusEvent's fields}}      a status to report to CleverTap
{"account", "attempt", "confirm": msgId}                        check whether a status has come for a lost answer

`waits` counts the attempts to find the message of a status, `hops` how often the queue message was sent again.
"""

from dataclasses import asdict, fields
from typing import Any

from pydantic_core import to_json

from whatsapp_bridge.flows.hops import next_hop
from whatsapp_bridge.providers.contract import StatusEvent
from whatsapp_bridge.store.queues import Entry

# Members that older versions do not know travel only where they say something: while a deployment or a rollback runs,
# those read this queue too.
_NEWER = {"note", "other_recipients"}


def queued_status(account: str, event: StatusEvent) -> Entry:
    status = {name: value for name, value in asdict(event).items() if name not in _NEWER or value}
    return _entry({"account": account, "attempt": 1, "waits": 1, "status": status})


def confirmation(account: str, reference: str, delay: int) -> Entry:
    """`delay` in seconds."""
    return _entry({"account": account, "attempt": 1, "waits": 1, "confirm": reference}, delay)


def read_event(payload: dict[str, Any]) -> StatusEvent:
    """The status in a payload. Members of older or newer versions of the bridge are ignored."""
    given = payload["status"]
    return StatusEvent(**{each.name: given[each.name] for each in fields(StatusEvent) if each.name in given})


def repeated(payload: dict[str, Any], delay: int) -> Entry:
    """The same once more after `delay` seconds."""
    return _entry({**payload, **next_hop(payload)}, delay)


def given_up(payload: dict[str, Any]) -> Entry:
    """The same for the dead-letter queue. A redriven message starts its schedules anew."""
    return _entry({**payload, "attempt": 1, "waits": 1, "hops": 0})


def _entry(payload: dict[str, Any], delay: int = 0) -> Entry:
    return Entry(to_json(payload).decode(), delay=delay)
