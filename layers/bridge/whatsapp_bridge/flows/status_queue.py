"""The messages of the `statuses` queue, which dispatch and receive write and forward reads.

{"account", "attempt", "status": {a StatusEvent's fields}}      a status to report to CleverTap
{"account", "attempt", "confirm": msgId}                        check whether a status has come for a lost answer
"""

from dataclasses import asdict, fields
from typing import Any

from pydantic_core import to_json

from whatsapp_bridge.providers.contract import StatusEvent
from whatsapp_bridge.store.queues import Entry


def queued_status(account: str, event: StatusEvent) -> Entry:
    return _entry({"account": account, "attempt": 1, "waits": 1, "status": asdict(event)})


def confirmation(account: str, reference: str, delay: int) -> Entry:
    """`delay` in seconds."""
    return _entry({"account": account, "attempt": 1, "waits": 1, "confirm": reference}, delay)


def read_event(payload: dict[str, Any]) -> StatusEvent:
    """The status in a payload. Members of older or newer versions of the bridge are ignored."""
    given = payload["status"]
    return StatusEvent(**{each.name: given[each.name] for each in fields(StatusEvent) if each.name in given})


def repeated(payload: dict[str, Any], delay: int, **counters: int) -> Entry:
    """The same payload again after `delay` seconds, with these counters."""
    return _entry({**payload, **counters}, delay)


def _entry(payload: dict[str, Any], delay: int = 0) -> Entry:
    return Entry(to_json(payload).decode(), delay=delay)
