"""The ladder of a message's statuses: sent, delivered, read; failed ends it. Pure.

CleverTap must get each message's statuses once and in order. A skipped status (read without delivered) is added before
the next one, with the same timestamp; a late lower one is a duplicate.
"""

from collections.abc import Sequence

from whatsapp_bridge.clevertap.callbacks import StatusError, StatusUpdate
from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.store.leases import DELIVERED, FAILED, READ, SENT

# A click is not a rung: it does not depend on the statuses.
RUNGS = {"sent": SENT, "delivered": DELIVERED, "read": READ, "failed": FAILED}


def target(events: Sequence[StatusEvent]) -> int:
    """The rung that these statuses of one message reach together: read overrides failed."""
    rungs = {RUNGS[event.status] for event in events}
    return READ if READ in rungs else max(rungs)


def steps(events: Sequence[StatusEvent], rung: int) -> list[tuple[str, StatusEvent]]:
    """What to report of one message that is on `rung`: in order, with skipped statuses added; each with the event that
    says it."""
    goal = target(events)
    told: list[tuple[str, StatusEvent]] = []
    for event in sorted(events, key=lambda event: (RUNGS[event.status], event.timestamp)):
        reached = RUNGS[event.status]
        if reached <= rung or reached > goal:
            continue
        if reached == FAILED:
            told.append(("failed", event))
        else:
            told += [(name, event) for name, step in RUNGS.items() if rung < step <= reached]
        rung = reached
    return told


def update(reference: str, status: str, event: StatusEvent) -> StatusUpdate:
    """One of `steps` in CleverTap's form."""
    error = None
    if status == "failed":
        error = StatusError(
            code=CallbackError(event.error_code or CallbackError.OTHER), title=event.error_title or "failed"
        )
    return StatusUpdate(msg_id=reference, status=status, timestamp=event.timestamp, error=error)
