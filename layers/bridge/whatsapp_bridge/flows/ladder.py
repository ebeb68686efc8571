"""The ladder of a message's statuses: sent, delivered, read; failed ends it. Pure.

CleverTap shall see each message go up once, in order: a status that is skipped (read without delivered) is added before
the one above it with that one's timestamp, and a late lower one is a repeat.
"""

from collections.abc import Sequence

from whatsapp_bridge.clevertap.callbacks import StatusError, StatusUpdate
from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.providers.contract import StatusEvent
from whatsapp_bridge.store.leases import DELIVERED, FAILED, READ, SENT

# A click is no rung: it neither moves a message nor waits for one.
RUNGS = {"sent": SENT, "delivered": DELIVERED, "read": READ, "failed": FAILED}


def target(events: Sequence[StatusEvent]) -> int:
    """The rung that these statuses of one message lead to together: a read outlives a failure."""
    rungs = {RUNGS[event.status] for event in events}
    return READ if READ in rungs else max(rungs)


def updates(reference: str, events: Sequence[StatusEvent], rung: int) -> list[StatusUpdate]:
    """What to report of one message that stands on `rung`, in order, with what was skipped added."""
    goal = target(events)
    told = []
    for event in sorted(events, key=lambda event: (RUNGS[event.status], event.timestamp)):
        reached = RUNGS[event.status]
        if reached <= rung or reached > goal:
            continue
        if reached == FAILED:
            told.append(_update(reference, event, "failed"))
        else:
            told += [_update(reference, event, name) for name, step in RUNGS.items() if rung < step <= reached]
        rung = reached
    return told


def _update(reference: str, event: StatusEvent, status: str) -> StatusUpdate:
    error = None
    if status == "failed":
        error = StatusError(
            code=CallbackError(event.error_code or CallbackError.OTHER), title=event.error_title or "failed"
        )
    return StatusUpdate(msg_id=reference, status=status, timestamp=event.timestamp, error=error)
