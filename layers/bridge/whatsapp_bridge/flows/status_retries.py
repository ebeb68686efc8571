"""Statuses that are queued again, and those that are given up."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.flows.hops import MAX_HOPS, is_last_hop
from whatsapp_bridge.flows.reports import Item
from whatsapp_bridge.flows.status_queue import given_up, repeated
from whatsapp_bridge.runtime.observability import count, logger
from whatsapp_bridge.runtime.schedules import Schedule, system_jitter
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS, StatusesDeadLetters, StatusesQueue

type Payload = dict[str, Any]
type Counter = Literal["attempt", "waits"]
"""Of a payload: how often CleverTap did not take it; how often its message was not there yet."""


class StatusRetries:
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
    ) -> list[Item]:
        """Queue the next attempt of each; returns the items whose schedule has ended."""
        ended: list[Item] = []
        again: list[tuple[dict[str, Any], int]] = []
        for item in items:
            attempt = item.payload[counter]
            delay = schedule.delay(attempt, self._jitter(), at_most=MAX_DELAY_SECONDS, at_least=at_least)
            if delay is None:
                ended.append(item)
            else:
                following = schedule.attempt_after(attempt, delay, at_most=MAX_DELAY_SECONDS)
                again.append(({**item.payload, counter: following}, delay))
        self.queue_again(account, again)
        return ended

    def queue_again(self, account: Account, again: Sequence[tuple[Payload, int]]) -> None:
        """Queue payloads again, each after its delay (seconds). One that was sent again too often is dead-lettered."""
        endless = [payload for payload, _ in again if is_last_hop(payload)]
        self._statuses.send_all(repeated(payload, delay) for payload, delay in again if not is_last_hop(payload))
        if endless:
            count("HopsExceeded", len(endless))
            self.dead_letter(account, endless, f"sent again {MAX_HOPS} times")

    def dead_letter(self, account: Account, payloads: Sequence[Payload], reason: str) -> None:
        self._dead_letters.send_all(map(given_up, payloads))
        if payloads:
            count("StatusesDeadLettered", len(payloads))
            logger.error(
                "statuses dead-lettered", extra={"account": account.name, "statuses": len(payloads), "reason": reason}
            )
