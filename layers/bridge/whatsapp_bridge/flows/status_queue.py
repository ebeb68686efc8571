"""The messages of the `statuses` queue, which dispatch and receive write and forward reads.

{"account", "accepted_at", "attempt", "status": {a StatusEvent's fields}}    a status to report to CleverTap
{"account", "accepted_at", "attempt", "confirm": msgId}                      check whether a status has come for a lost
                                                                             answer

Each is in its account's group, so that one account's many do not keep the others waiting (SQS fair queues).

`accepted_at` (seconds since 1970) is when the callback with the status was accepted, or the answer was lost. `waits`
counts the attempts to find the message of a status; `hops`, `queued_at` and `queued_hop` are as in `hops`.
"""

from dataclasses import asdict, fields
from typing import Any, Final

from pydantic_core import from_json, to_json

from whatsapp_bridge.flows.hops import is_redriven, next_hop, without_hops
from whatsapp_bridge.providers.common.message_ids import hidden_if_any
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.store.queues import Entry

# A message whose answer was lost may be reported as failed after so long without news.
CONFIRMATION_SECONDS: Final = 900
_BEGINNING: Final = {"attempt": 1, "waits": 1, "hops": 0}
# Members that older versions do not know travel only where they say something: while a deployment or a rollback runs,
# those read this queue too.
_NEWER = {"bsp_code", "note", "other_recipients", "user_id", "user_note", "user_note_keys"}


def queued_status(account: str, event: StatusEvent, accepted_at: float) -> Entry:
    status = {name: value for name, value in asdict(event).items() if name not in _NEWER or value}
    return _entry(_new(account, accepted_at) | {"status": status})


def confirmation(account: str, reference: str, lost_at: float) -> Entry:
    """The check of a message whose answer was lost at `lost_at`."""
    return _entry(_new(account, lost_at) | {"confirm": reference}, CONFIRMATION_SECONDS)


def read_payload(body: str, sent_at: float) -> dict[str, Any]:
    """A queue message's payload. One that says no `accepted_at`, of an older version or given up, counts from when it
    was put on the queue (`sent_at`). So does one that SQS itself had moved to the dead-letter queue: it starts anew."""
    payload: dict[str, Any] = {"accepted_at": sent_at, **from_json(body)}
    if is_redriven(payload, sent_at, float(payload["accepted_at"])):
        return {**payload, **_BEGINNING, "accepted_at": sent_at}
    return payload


def read_event(payload: dict[str, Any]) -> StatusEvent:
    """The status in a payload. Members of older or newer versions of the bridge are ignored."""
    given = payload["status"]
    return StatusEvent(**{each.name: given[each.name] for each in fields(StatusEvent) if each.name in given})


def with_reference(payload: dict[str, Any], reference: str) -> dict[str, Any]:
    """The same for the message with this msgId. So the BSP's id need not be found any more, and is hidden."""
    status = payload["status"]
    known_as = hidden_if_any(payload["account"], status.get("bsp_id"))
    return {**payload, "status": {**status, "reference": reference, "bsp_id": known_as}}


def repeated(payload: dict[str, Any], delay: int, now: float) -> Entry:
    """The same once more after `delay` seconds, sent `now`."""
    return _entry({**payload, **next_hop(payload, now)}, delay)


def given_up(payload: dict[str, Any]) -> Entry:
    """The same for the dead-letter queue. A redriven message starts its schedules anew, when it is on its queue
    again."""
    return _entry({**without_hops(payload), **_BEGINNING})


def _new(account: str, accepted_at: float) -> dict[str, Any]:
    return {"account": account, "accepted_at": int(accepted_at), "attempt": 1, "waits": 1}


def _entry(payload: dict[str, Any], delay: int = 0) -> Entry:
    return Entry(to_json(payload).decode(), group=payload["account"], delay=delay)
