"""Statuses that are queued again, and those that are given up.

They are sent again first and deleted afterwards (`handing_on`).
"""

from collections.abc import Callable, Sequence
from time import time
from typing import Any, Literal, NamedTuple

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.flows.handing_on import HandingOn, may_be_copied
from whatsapp_bridge.flows.hops import MAX_HOPS, is_last_hop
from whatsapp_bridge.flows.reports import Item
from whatsapp_bridge.flows.status_queue import given_up, repeated, with_reference
from whatsapp_bridge.runtime.observability import count, count_with_account, logger
from whatsapp_bridge.runtime.schedules import Schedule, system_jitter
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS, Entry, Queue, StatusesDeadLetters, StatusesQueue

type Payload = dict[str, Any]
type Counter = Literal["attempt", "waits"]
"""Of a payload: how often CleverTap did not take it; how often its message was not there yet."""


class Again(NamedTuple):
    """A queue message with a status that is sent once more, after `delay` seconds."""

    item: Item
    payload: Payload
    delay: int


class StatusRequeue:
    """`jitter` of 0 to 1; `now` in seconds since 1970."""

    def __init__(
        self,
        *,
        statuses: StatusesQueue,
        dead_letters: StatusesDeadLetters,
        handing_on: HandingOn,
        jitter: Callable[[], float] = system_jitter,
        now: Callable[[], float] = time,
    ) -> None:
        self._statuses, self._dead_letters = statuses, dead_letters
        self._handing_on, self._jitter, self._now = handing_on, jitter, now

    def next_try(self, item: Item, schedule: Schedule, at_least: float | None = None) -> tuple[float | None, float]:
        """When CleverTap is told an item again, about, None if never; and when it is given up (seconds since 1970)."""
        now, accepted_at = self._now(), item.payload["accepted_at"]
        delay = schedule.delay(
            item.payload["attempt"], 0.5, at_most=MAX_DELAY_SECONDS, elapsed=now - accepted_at, at_least=at_least
        )
        return None if delay is None else now + delay, accepted_at + schedule.limit

    def later(
        self,
        account: Account,
        items: Sequence[Item],
        counter: Counter,
        schedule: Schedule,
        at_least: float | None = None,
    ) -> tuple[list[Item], list[str]]:
        """Queue the next attempt of each; returns the items whose schedule has ended, and the owners of the items that
        must come back because they were not queued."""
        ended: list[Item] = []
        again: list[Again] = []
        for item in items:
            attempt = item.payload[counter]
            # The limit is time since the status was accepted, also what it waited in a backlog.
            elapsed = self._now() - item.payload["accepted_at"]
            delay = schedule.delay(
                attempt, self._jitter(), at_most=MAX_DELAY_SECONDS, elapsed=elapsed, at_least=at_least
            )
            if delay is None:
                ended.append(item)
            else:
                following = schedule.attempt_after(attempt, delay, at_most=MAX_DELAY_SECONDS)
                again.append(Again(item, {**item.payload, counter: following}, delay))
        return ended, self.queue_again(account, again)

    def hold(self, account: Account, items: Sequence[Item], schedule: Schedule) -> list[str]:
        """Queue each again as it is, after the longest delay; one whose time is over is dead-lettered. Returns the
        owners of the items that must come back."""
        oldest = self._now() - schedule.limit
        ended = [item for item in items if item.payload["accepted_at"] <= oldest]
        again = [Again(item, item.payload, MAX_DELAY_SECONDS) for item in items if item.payload["accepted_at"] > oldest]
        return self.dead_letter(account, ended, "CleverTap is paused") + self.queue_again(account, again)

    def queue_again(self, account: Account, again: Sequence[Again]) -> list[str]:
        """Queue each again; one that was sent again too often is dead-lettered. Returns the owners of the items that
        must come back because that failed."""
        endless = [each for each in again if is_last_hop(each.payload)]
        others = [each for each in again if not is_last_hop(each.payload) and may_be_copied(each.item.receives)]
        waiting = [
            each.item.owner for each in again if not is_last_hop(each.payload) and not may_be_copied(each.item.receives)
        ]
        if endless:
            count("HopsExceeded", len(endless))
        failed = self._dead_letter(account, endless, f"sent again {MAX_HOPS} times")
        copies = [repeated(each.payload, each.delay, self._now()) for each in others]
        return failed + waiting + self._send(self._statuses, others, copies)

    def dead_letter(self, account: Account, items: Sequence[Item], reason: str) -> list[str]:
        """Give items up. Returns the owners of the items that must come back because that failed."""
        return self._dead_letter(account, [Again(item, named(item), 0) for item in items], reason)

    def _dead_letter(self, account: Account, given: Sequence[Again], reason: str) -> list[str]:
        failed = self._send(self._dead_letters, given, [given_up(each.payload) for each in given])
        gone = [each.item for each in given if each.item.owner not in failed]
        if gone:
            count_with_account("StatusesDeadLettered", account.name, len(gone))
        for item in gone:
            logger.error("status dead-lettered", extra={"account": account.name, **item.names, "reason": reason})
        return failed

    def _send(self, queue: Queue, given: Sequence[Again], entries: Sequence[Entry]) -> list[str]:
        """Returns the owners of those that were not sent."""
        return [given[place].item.owner for place in self._handing_on(queue, entries)]


def named(item: Item) -> Payload:
    """Its payload, with the msgId that was found: it is kept for long, and then need not be found once more."""
    reference = item.event.reference
    return item.payload if reference is None or item.confirms else with_reference(item.payload, reference)
