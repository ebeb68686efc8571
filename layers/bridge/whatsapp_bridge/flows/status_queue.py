"""The messages of the `statuses` queue, which dispatch and receive write and forward reads.

{"account", "attempt", "status": {a StatusEvent's fields}}      a status to report to CleverTap
{"account", "attempt", "confirm": msgId}                        check whether a status has come for a lost answer

Each is in its account's group, so that one account's many do not keep the others waiting (SQS fair queues).

`waits` counts the attempts to find the message of a status, `hops` how often the queue message was sent again.
"""

from dataclasses import asdict, fields
from typing import Any

from pydantic_core import to_json

from whatsapp_bridge.flows.hops import next_hop
from whatsapp_bridge.providers.contract import StatusEvent
from whatsapp_bridge.store.queues import Entry


def queued_status(account: str, event: StatusEvent) -> Entry:
    # A member that older versions do not know travels only where it says something: while a deployment or a rollback
    # runs, they read this queue too.
    status = {name: value for name, value in asdict(event).items() if name != "note" or value is not None}
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
    return Entry(to_json(payload).decode(), group=payload["account"], delay=delay)
