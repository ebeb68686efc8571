"""Statuses that are queued again, and those that are given up."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.flows.hops import MAX_HOPS, is_last_hop
from whatsapp_bridge.flows.reports import Item
from whatsapp_bridge.flows.status_queue import given_up, repeated
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.runtime.schedules import Schedule, system_jitter
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS, Entry, NotStored, Queue, StatusesDeadLetters, StatusesQueue

type Payload = dict[str, Any]
type Counter = Literal["attempt", "waits"]
"""Of a payload: how often CleverTap did not take it; how often its message was not there yet."""


class Again(NamedTuple):
    """A queue message with a status that is sent once more, after `delay` seconds. `owner` is its present id."""

    owner: str
    payload: Payload
    delay: int


class StatusRequeue:
    """`jitter` of 0 to 1."""

    def __init__(
        self,
        *,
        statuses: StatusesQueue,
        dead_letters: StatusesDeadLetters,
        jitter: Callable[[], float] = system_jitter,
    ) -> None:
        self._statuses, self._dead_letters, self._jitter = statuses, dead_letters, jitter

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
            delay = schedule.delay(attempt, self._jitter(), at_most=MAX_DELAY_SECONDS, at_least=at_least)
            if delay is None:
                ended.append(item)
            else:
                following = schedule.attempt_after(attempt, delay, at_most=MAX_DELAY_SECONDS)
                again.append(Again(item.owner, {**item.payload, counter: following}, delay))
        return ended, self.queue_again(account, again)

    def queue_again(self, account: Account, again: Sequence[Again]) -> list[str]:
        """Queue each again; one that was sent again too often is dead-lettered. Returns the owners of the items that
        must come back because that failed."""
        endless = [each for each in again if is_last_hop(each.payload)]
        others = [each for each in again if not is_last_hop(each.payload)]
        if endless:
            count("HopsExceeded", len(endless))
        failed = self._dead_letter(account, endless, f"sent again {MAX_HOPS} times")
        return failed + self._send(self._statuses, others, [repeated(each.payload, each.delay) for each in others])

    def dead_letter(self, account: Account, items: Sequence[Item], reason: str) -> list[str]:
        """Give items up. Returns the owners of the items that must come back because that failed."""
        return self._dead_letter(account, [Again(item.owner, item.payload, 0) for item in items], reason)

    def _dead_letter(self, account: Account, given: Sequence[Again], reason: str) -> list[str]:
        failed = self._send(self._dead_letters, given, [given_up(each.payload) for each in given])
        if number := len(given) - len(failed):
            count("StatusesDeadLettered", number)
            keys = {"account": account.name, "statuses": number, "reason": reason}
            logger.error("statuses dead-lettered", extra=keys)
        return failed

    def _send(self, queue: Queue, given: Sequence[Again], entries: Sequence[Entry]) -> list[str]:
        try:
            queue.send_all(entries)
        except NotStored as error:
            log_failure("statuses not queued", error, statuses=len(error.missing))
            return [given[place].owner for place in error.missing]
        return []
