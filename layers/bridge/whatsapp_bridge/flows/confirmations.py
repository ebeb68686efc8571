"""forward, confirmations: is a message whose answer was lost to be reported as failed?

Only if nothing was heard of it, and nothing is on its way: neither in the same batch, whose statuses come first, nor on
the queue. What forward has not seen yet is known in two ways: SQS says that nothing waits, or the account's statuses in
the batch were all put on the queue after the confirmation was due, and none of the account's has come back lately:
what an invocation had in hand that died may be older. Statuses that were held back while CleverTap was away must have
come back, too. Until then the confirmation looks again, less and less often.

SQS's counts may be a minute old. They lack then what was put on the queue since, and they may lack this batch, which is
among them otherwise: a confirmation waited as a delayed message until now.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from math import ceil
from time import time
from typing import Any, Final

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.flows.callbacks import Callbacks
from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.flows.recent import RecentReturns
from whatsapp_bridge.flows.records import Record
from whatsapp_bridge.flows.reports import Item
from whatsapp_bridge.flows.status_queue import CONFIRMATION_SECONDS
from whatsapp_bridge.flows.status_requeue import Again, StatusRequeue
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.store.claims import Claims
from whatsapp_bridge.store.queues import COUNTS_SECONDS, MAX_DELAY_SECONDS, Counts, NotStored, StatusesQueue
from whatsapp_bridge.store.waiting import Waiting

_LOOK_AGAIN_SECONDS: Final = 60
# What was received when the confirmation was due is handled by then, or has come back: after the queue's visibility
# timeout of six minutes.
_HANDLED_SECONDS: Final = 900
# A queue that is behind for longer does not hold the failure back any more.
_LONGEST_SECONDS: Final = 6 * 3600


def is_last_word(elapsed: float, others: Counts | None, news: float | None) -> bool:
    """Whether no news of before the confirmation was due, `elapsed` seconds ago, can still come.

    `others` are on the queue besides this batch (None: not known). The account's oldest status of the batch was put on
    the queue `news` seconds after the confirmation was due (None: there is none); the batch's other accounts say
    nothing, because SQS hands out each account's on their own.
    """
    if elapsed >= _LONGEST_SECONDS:
        return True
    if others is not None and others.unfinished == 0:
        # If nothing is delayed either, this batch was not taken for another message.
        return elapsed >= (_HANDLED_SECONDS if others.delayed else COUNTS_SECONDS)
    return elapsed >= _HANDLED_SECONDS and news is not None and news > 0


class Backlog:
    """What one batch says about the queue. SQS is asked once, and only when somebody wants to know."""

    def __init__(
        self, queue: StatusesQueue, records: Sequence[Record], statuses: Mapping[str, Sequence[Record]], now: float
    ) -> None:
        """`statuses` are, by account, those of the batch's `records` that are no confirmations."""
        self._queue, self._statuses = queue, statuses
        # Older counts lack the others.
        self._counted = sum(record.sent_at <= now - COUNTS_SECONDS for record in records)

    def oldest(self, account: str) -> float | None:
        """When the account's oldest status of the batch was put on the queue, of those that have not come back; None
        if there is none."""
        first = (record.sent_at for record in self._statuses.get(account, ()) if record.attempt == 1)
        return min(first, default=None)

    def has_returns(self, account: str) -> bool:
        """Whether statuses of the account have come back with this batch."""
        return any(record.attempt > 1 for record in self._statuses.get(account, ()))

    @cached_property
    def others(self) -> Counts | None:
        """What is on the queue besides this batch, or more; None if SQS does not say."""
        try:
            counts = self._queue.counts()
        except NotStored as error:
            log_failure("the queue's backlog is not known", error)
            return None
        unfinished = max(0, counts.unfinished - self._counted)
        return Counts(unfinished, max(0, sum(counts) - self._counted - unfinished))


def _pause(payload: Mapping[str, Any]) -> int:
    """Seconds until a confirmation looks again. They double: if SQS's answers are lost, each hop may leave a copy."""
    doublings: int = min(payload.get("hops", 0), 4)
    return int(_LOOK_AGAIN_SECONDS * 2**doublings)


class Confirmations:
    def __init__(
        self,
        *,
        claims: Claims,
        waiting: Waiting,
        retries: StatusRequeue,
        callbacks: Callbacks,
        returns: RecentReturns,
        now: Callable[[], float] = time,
    ) -> None:
        self._claims, self._waiting, self._retries = claims, waiting, retries
        self._callbacks, self._returns, self._now = callbacks, returns, now

    def last_words(
        self, account: Account, items: Sequence[Item], backlog: Backlog, *, complete: bool
    ) -> tuple[list[Item], list[str]]:
        """The confirmations to report as failed, and the owners of the items that must come back.

        To be asked when the statuses of the batch have their leases; `complete`: none of the account's was left over.
        """
        if not items:
            return [], []
        held_until = self._callbacks.held_until(account, "status")
        held, oldest = ceil(held_until - self._now()), self._oldest(account, backlog)
        due: list[Item] = []
        again: list[Again] = []
        failed: list[str] = []
        people = each(lambda item: self._claims.unconfirmed(account.name, item.payload["confirm"]), items)
        for item, person in zip(items, people, strict=True):
            if isinstance(person, Exception):
                log_failure("message not confirmed", person, account=account.name)
                failed.append(item.owner)
            elif person is None:
                continue
            elif self._is_last_word(item, held_until, backlog, oldest, complete=complete):
                # It will get no id any more: a later one is more likely another message's.
                self._waiting.dismiss(account.name, person, item.payload["confirm"])
                count("MessagesUnconfirmed")
                due.append(item)
            else:
                again.append(Again(item, item.payload, min(max(held, _pause(item.payload)), MAX_DELAY_SECONDS)))
        if again:
            logger.info("news may be on its way", extra={"account": account.name, "messages": len(again)})
        return due, failed + self._retries.queue_again(account, again)

    def _is_last_word(
        self, item: Item, held_until: float, backlog: Backlog, oldest: float | None, *, complete: bool
    ) -> bool:
        due = max(item.payload["accepted_at"] + CONFIRMATION_SECONDS, held_until)
        elapsed = self._now() - due
        if elapsed < COUNTS_SECONDS:
            return False
        if not complete:
            # What was left over may be news of this message.
            return is_last_word(elapsed, None, None)
        return is_last_word(elapsed, backlog.others, None if oldest is None else oldest - due)

    def _oldest(self, account: Account, backlog: Backlog) -> float | None:
        """When the account's oldest status of the batch was put on the queue; None if it says nothing of the others."""
        oldest = backlog.oldest(account.name)
        try:
            return None if oldest is None or self._returns.known_of(account.name) else oldest
        except Exception as error:  # noqa: BLE001 - logged; the confirmation looks again
            log_failure("it is not known what has come back", error, account=account.name)
            return None
