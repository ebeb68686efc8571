"""Sending to a queue what an invocation does not finish, before it deletes what it has received.

An invocation that dies in between leaves its whole batch twice. So nothing is sent again without time in hand.
"""

from collections.abc import Callable, Sequence
from typing import Final

from whatsapp_bridge.runtime.observability import log_failure, logger
from whatsapp_bridge.store.queues import Entry, NotStored, Queue

# Ten calls of SQS, of milliseconds each.
_SENT_TOGETHER: Final = 100
# For one such part, and for what is left to do of an invocation.
_TIME_IN_HAND_SECONDS: Final = 3


def hand_on(queue: Queue, entries: Sequence[Entry], time_left: Callable[[], float]) -> list[int]:
    """Send `entries` as long as there is time; returns the places of those that may not be on the queue. `time_left`
    says how many seconds the invocation has."""
    missing: list[int] = []
    for start in range(0, len(entries), _SENT_TOGETHER):
        if time_left() < _TIME_IN_HAND_SECONDS:
            logger.warning("no time left to queue messages again", extra={"messages": len(entries) - start})
            return [*missing, *range(start, len(entries))]
        try:
            queue.send_all(entries[start : start + _SENT_TOGETHER])
        except NotStored as error:
            log_failure("messages not queued again", error, messages=len(error.missing))
            missing += [start + place for place in error.missing]
    return missing
