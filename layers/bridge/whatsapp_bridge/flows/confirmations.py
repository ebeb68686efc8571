"""forward, confirmations: is a message whose answer was lost to be reported as failed?

Only if nothing was heard of it, and nothing is on its way: neither in the same batch, whose statuses come first, nor on
the queue. What forward has not seen yet is known in two ways: SQS says that nothing waits, or the batch holds only what
was put on the queue after the confirmation was due. Statuses that were held back while CleverTap was away must have
come back, too. Until then the confirmation looks again every minute.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from math import ceil
from time import time
from typing import Final

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.flows.callbacks import Callbacks
from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.flows.records import Record
from whatsapp_bridge.flows.reports import Item
from whatsapp_bridge.flows.status_queue import CONFIRMATION_SECONDS
from whatsapp_bridge.flows.status_requeue import Again, StatusRequeue
from whatsapp_bridge.runtime.breaker import LEASE_SECONDS
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.store.claims import Claims
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS, NotStored, StatusesQueue
from whatsapp_bridge.store.waiting import Waiting

_LOOK_AGAIN_SECONDS: Final = 60
# What was received when the confirmation was due is handled by then, even if two deliveries of it died: each comes back
# after the queue's visibility timeout of six minutes.
_HANDLED_SECONDS: Final = 900
# A pause holds statuses back on the queue for the longest delay, and nothing of them is known. Some are held a little
# later, by processes that learn late of its end or wait for a probe whose process has died.
_HELD_SECONDS: Final = MAX_DELAY_SECONDS + LEASE_SECONDS + 60
# A queue that is behind for longer does not hold the failure back any more.
_LONGEST_SECONDS: Final = 6 * 3600


def is_last_word(now: float, due: float, waiting: int | None, oldest: float | None) -> bool:
    """Whether no news of before `due` can still come (times in seconds since 1970).

    `waiting` messages are on the queue besides this batch (None: not known); the oldest message of the batch was put on
    the queue at `oldest` (None: it holds no other).
    """
    if waiting == 0 or now - due >= _LONGEST_SECONDS:
        return True
    return now - due >= _HANDLED_SECONDS and (oldest is None or oldest > due)


class Backlog:
    """What one batch says about the queue. SQS is asked once, and only when somebody wants to know."""

    def __init__(self, queue: StatusesQueue, statuses: Sequence[Record], size: int) -> None:
        """`statuses` are the batch's records but for confirmations, `size` is the number of all."""
        self._queue, self._size = queue, size
        # One that came back may have been on the queue for long, whatever waits there.
        self.oldest = min((record.sent_at for record in statuses if record.attempt == 1), default=None)

    @cached_property
    def waiting(self) -> int | None:
        """How many messages wait on the queue, or are being handled, besides this batch; None if SQS does not say."""
        try:
            return max(0, self._queue.unfinished() - self._size)
        except NotStored as error:
            log_failure("the queue's backlog is not known", error)
            return None


class Confirmations:
    def __init__(
        self,
        *,
        claims: Claims,
        waiting: Waiting,
        retries: StatusRequeue,
        callbacks: Callbacks,
        now: Callable[[], float] = time,
    ) -> None:
        self._claims, self._waiting, self._retries = claims, waiting, retries
        self._callbacks, self._now = callbacks, now

    def last_words(
        self, account: Account, items: Sequence[Item], backlog: Backlog, *, complete: bool
    ) -> tuple[list[Item], list[str]]:
        """The confirmations to report as failed, and the owners of the items that must come back.

        To be asked when the statuses of the batch have their leases; `complete`: none of the account's was left over.
        """
        if not items:
            return [], []
        held_until = self._callbacks.held_at(account, "status") + _HELD_SECONDS
        delay = min(max(ceil(held_until - self._now()), _LOOK_AGAIN_SECONDS), MAX_DELAY_SECONDS)
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
            elif self._is_last_word(item, held_until, backlog, complete):
                # It will get no id any more: a later one is more likely another message's.
                self._waiting.dismiss(account.name, person, item.payload["confirm"])
                count("MessagesUnconfirmed")
                due.append(item)
            else:
                again.append(Again(item, item.payload, delay))
        if again:
            logger.info("news may be on its way", extra={"account": account.name, "messages": len(again)})
        return due, failed + self._retries.queue_again(account, again)

    def _is_last_word(self, item: Item, held_until: float, backlog: Backlog, complete: bool) -> bool:
        if self._now() < held_until:
            return False
        due = max(item.payload["accepted_at"] + CONFIRMATION_SECONDS, held_until)
        if not complete:
            # What was left over may be news of this message.
            return is_last_word(self._now(), due, waiting=None, oldest=due)
        return is_last_word(self._now(), due, backlog.waiting, backlog.oldest)
