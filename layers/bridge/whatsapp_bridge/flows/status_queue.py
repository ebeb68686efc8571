"""The messages of the `statuses` queue, which dispatch and receive write and forward reads.

{"account", "accepted_at", "attempt", "status": {a StatusEvent's fields}}    a status to report to CleverTap
{"account", "accepted_at", "attempt", "confirm": msgId}                      check whether a status has come for a lost
                                                                             answer

Each is in its account's group, so that one account's many do not keep the others waiting (SQS fair queues).

`accepted_at` (seconds since 1970) is when the callback with the status was accepted, or the answer was lost. `waits`
counts the attempts to find the message of a status, `hops` how often the queue message was sent again. `queued_at` is
when it was sent for its hop `queued_hop`: an older version sends it again without changing either.
"""

from dataclasses import asdict, fields
from typing import Any, Final

from pydantic_core import from_json, to_json

from whatsapp_bridge.flows.hops import next_hop
from whatsapp_bridge.providers.contract import StatusEvent
from whatsapp_bridge.store.queues import Entry

# A message whose answer was lost may be reported as failed after so long without news.
CONFIRMATION_SECONDS: Final = 900
# By how much the clocks of SQS and of a function may differ, with the time that a call takes.
_CLOCKS_SECONDS: Final = 60
_BEGINNING: Final = {"attempt": 1, "waits": 1, "hops": 0}
# Members that older versions do not know travel only where they say something: while a deployment or a rollback runs,
# those read this queue too.
_NEWER = {"note", "other_recipients", "user_id", "user_note"}


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
    if sent_at > _queued_at(payload, sent_at) + _CLOCKS_SECONDS:
        return {**payload, **_BEGINNING, "accepted_at": sent_at}
    return payload


def _queued_at(payload: dict[str, Any], otherwise: float) -> float:
    """When the bridge has put it on the queue, if it is known. A redriven message has a later date of SQS's.

    Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
    """
    hops = payload.get("hops", 0)
    if not hops:
        return float(payload["accepted_at"])
    return float(payload["queued_at"]) if payload.get("queued_hop") == hops else otherwise


def read_event(payload: dict[str, Any]) -> StatusEvent:
    """The status in a payload. Members of older or newer versions of the bridge are ignored."""
    given = payload["status"]
    return StatusEvent(**{each.name: given[each.name] for each in fields(StatusEvent) if each.name in given})


def with_reference(payload: dict[str, Any], reference: str) -> dict[str, Any]:
    """The same for the message with this msgId."""
    return {**payload, "status": {**payload["status"], "reference": reference}}


def repeated(payload: dict[str, Any], delay: int, now: float) -> Entry:
    """The same once more after `delay` seconds, sent `now`."""
    hop = next_hop(payload)
    return _entry({**payload, **hop, "queued_hop": hop["hops"], "queued_at": int(now)}, delay)


def given_up(payload: dict[str, Any]) -> Entry:
    """The same for the dead-letter queue. A redriven message starts its schedules anew, when it is on its queue
    again."""
    kept = {name: value for name, value in payload.items() if name not in ("accepted_at", "queued_at", "queued_hop")}
    return _entry({**kept, **_BEGINNING})


def _new(account: str, accepted_at: float) -> dict[str, Any]:
    return {"account": account, "accepted_at": int(accepted_at), "attempt": 1, "waits": 1}


def _entry(payload: dict[str, Any], delay: int = 0) -> Entry:
    return Entry(to_json(payload).decode(), group=payload["account"], delay=delay)
