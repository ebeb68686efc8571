"""Sending to a queue what an invocation does not finish, before it deletes what it has received.

What is sent again and not deleted is on the queue twice, and each of the two may be sent again. Three rules keep copies
few, however long it lasts:

- An invocation that dies in between leaves its whole batch twice. So nothing is sent again without time in hand.
- A queue message that has come back waits for the queue's visibility timeout, because its copy may be on the queue.
- SQS may have taken what it does not answer. A process that meets that sends one message alone, when a probe is due,
  until SQS answers again; all else waits for the visibility timeout.
"""

from collections.abc import Callable, Sequence
from threading import Lock
from time import time
from typing import Final

from whatsapp_bridge.runtime.breaker import LEASE_SECONDS, Breaker, May, after_failed_probe, asked, opened
from whatsapp_bridge.runtime.observability import log_failure, logger
from whatsapp_bridge.store.queues import Entry, NotStored, Queue

# Ten calls of SQS, of milliseconds each.
_SENT_TOGETHER: Final = 100
# For one such part, and for what is left to do of an invocation.
_TIME_IN_HAND_SECONDS: Final = 3
_COPIED_EVERY: Final = 5


def may_be_copied(receives: int) -> bool:
    """Whether a queue message that was received so often may be sent again."""
    # Now and then it may all the same: a schedule of days must not end with the receives of one queue message.
    return receives == 1 or receives % _COPIED_EVERY == 0


class HandingOn:
    """One for all queues of a process: what SQS does not answer for one it does not answer for another. `time_left`
    says how many seconds the invocation has; `now` gives seconds since 1970. Safe to share between threads."""

    def __init__(self, *, time_left: Callable[[], float], now: Callable[[], float] = time) -> None:
        self._time_left, self._now = time_left, now
        self._breaker, self._lock = Breaker(), Lock()

    def __call__(self, queue: Queue, entries: Sequence[Entry]) -> list[int]:
        """Send `entries` as long as there is time; returns the places of those that may not be on the queue."""
        missing: list[int] = []
        start = 0
        while start < len(entries):
            in_time = self._time_left() >= _TIME_IN_HAND_SECONDS
            may = self._ask() if in_time else May.WAIT
            if may is May.WAIT:
                reason = "SQS does not answer" if in_time else "no time left"
                logger.warning("messages not queued again", extra={"messages": len(entries) - start, "reason": reason})
                return [*missing, *range(start, len(entries))]
            part = entries[start : start + (1 if may is May.PROBE else _SENT_TOGETHER)]
            missing += [start + place for place in self._send(queue, part)]
            start += len(part)
        return missing

    def _send(self, queue: Queue, part: Sequence[Entry]) -> Sequence[int]:
        try:
            queue.send_all(part)
        except NotStored as error:
            log_failure("messages not queued again", error, messages=len(error.missing))
            self._tell(answered=not error.unanswered)
            return error.missing
        self._tell(answered=True)
        return ()

    def _ask(self) -> May:
        with self._lock:
            now = self._now()
            may = asked(self._breaker, now)
            if may is May.PROBE:
                self._breaker = self._breaker._replace(probe_until=int(now) + LEASE_SECONDS)
            return may

    def _tell(self, *, answered: bool) -> None:
        with self._lock:
            known, now = self._breaker, self._now()
            if answered:
                self._breaker = Breaker()
            else:
                self._breaker = after_failed_probe(known, now) if known.is_open else opened(known, now)
