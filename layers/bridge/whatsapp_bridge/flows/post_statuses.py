"""forward, the steps "report" and "settle": one POST of statuses to CleverTap, and what follows from its answer."""

from collections.abc import Callable, Sequence
from itertools import count as count_up
from typing import Any

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.callbacks import StatusCallback
from whatsapp_bridge.clevertap.client import Delivery, NotTried, RefusedCallback, Taken, TryLater
from whatsapp_bridge.flows.callbacks import Callbacks
from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.flows.recording import Recording
from whatsapp_bridge.flows.reports import Item, Report, Reports, StatusReport
from whatsapp_bridge.flows.status_requeue import Again, StatusRequeue
from whatsapp_bridge.net.halving import Heard, InHalves
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.runtime.schedules import ForwardRetry
from whatsapp_bridge.store.journal import Untold

# CleverTap said that the content is at fault: another batch, or a part of this one, may pass.
_CONTENT_REFUSED = {400, 413, 422}
# Finding the one bad status of 500 takes 19 requests, two of them 35.
_MAX_POSTS = 40
# Until what no post was left for is tried again.
_PAUSE_SECONDS = 5


class PostStatuses:
    def __init__(
        self,
        *,
        reports: Reports,
        recording: Recording,
        retries: StatusRequeue,
        retry: ForwardRetry,
        callbacks: Callbacks,
    ) -> None:
        self._reports, self._recording, self._retries = reports, recording, retries
        self._retry, self._callbacks = retry, callbacks
        # By account: each has learned how many statuses its callback URL takes at once.
        self._halves: dict[str, InHalves[Report, Delivery]] = {}

    def report(self, account: Account, reports: Sequence[Report]) -> list[str]:
        """POST them together; returns the owners of the items that must come back.

        If CleverTap refuses the content, the halves are sent on their own, so that one bad status does not dead-letter
        the others.
        """

        posts = count_up()

        def post(part: Sequence[Report]) -> Delivery:
            posted = next(posts)
            if posted >= _MAX_POSTS or (posted > 0 and not self._callbacks.goes_on(account, "status")):
                return NotTried()
            updates = [update for report in part for update in report.updates]
            return self._callbacks.deliver(account, "status", StatusCallback(statuses=updates).wire())

        failed: list[str] = []
        for part, delivery, _ in self._halves.setdefault(account.name, _new_halves()).post(reports, post):
            failed += self._settle(account, part, delivery)
        return failed

    def hold(self, account: Account, items: Sequence[Item]) -> list[str]:
        """CleverTap is away: queue them again without touching them. Returns the owners of the items that must come
        back."""
        failed = self._retries.hold(account, items, self._retry)
        logger.info("statuses wait for CleverTap", extra={"account": account.name, "statuses": len(items)})
        return failed

    def _not_tried(self, account: Account, reports: Sequence[Report]) -> list[str]:
        """No post or no time was left for these: queue them again, unchanged."""
        items = [item for report in reports for item in report.items]
        self._leave(account, reports)
        logger.info("statuses queued again", extra={"account": account.name, "statuses": len(items)})
        return self._retries.queue_again(account, [Again(item, item.payload, _PAUSE_SECONDS) for item in items])

    def _settle(self, account: Account, reports: Sequence[Report], delivery: Delivery) -> list[str]:
        """Act on CleverTap's answer; returns the owners of the items that must come back."""
        items = [item for report in reports for item in report.items]
        updates = sum(len(report.updates) for report in reports)
        match delivery:
            case Taken():
                count("StatusesForwarded", updates)
                _log_told(account, reports)
                return self._end(account, reports)
            case NotTried():
                return self._not_tried(account, reports)
            case TryLater(reason, retry_after):
                logger.warning("CleverTap not available", extra={"account": account.name, "reason": reason})
                count("CleverTapUnavailable")
                self._leave(account, reports, lambda report: self._untold(report, reason, retry_after))
                ended, failed = self._retries.later(account, items, "attempt", self._retry, retry_after)
                return failed + self._retries.dead_letter(account, ended, reason)
            case RefusedCallback(status):
                self._leave(account, reports, lambda report: self._untold(report, f"HTTP {status}", is_last=True))
                return self._retries.dead_letter(account, items, f"HTTP {status}")

    def _end(self, account: Account, reports: Sequence[Report]) -> list[str]:
        ended = self._recording.each(lambda report: self._reports.end(account.name, report), reports)
        failed = []
        for report, error in zip(reports, ended, strict=True):
            if error is not None:
                log_failure("status reported but not recorded", error, account=account.name, msgId=report.reference)
                failed += [item.owner for item in report.items]
        return failed

    def _untold(
        self, report: Report, reason: str, retry_after: float | None = None, *, is_last: bool = False
    ) -> Untold | None:
        """For the journal; clicks are not in it one by one."""
        if not isinstance(report, StatusReport):
            return None
        oldest = max(report.items, key=lambda item: item.payload["attempt"])
        again_at, until = self._retries.next_try(oldest, self._retry, retry_after)
        rung, _, heard_at = report.told[-1]
        return Untold(rung, heard_at, oldest.payload["attempt"], None if is_last else again_at, until, reason)

    def _leave(
        self, account: Account, reports: Sequence[Report], untold: Callable[[Report], Untold | None] = lambda _: None
    ) -> None:
        for error in each(lambda report: self._reports.leave(account.name, report, untold(report)), reports):
            if isinstance(error, Exception):
                # The lease expires; until then the next attempt finds the message busy and waits.
                log_failure("lease not released", error, account=account.name)


def _log_told(account: Account, reports: Sequence[Report]) -> None:
    """A line for each: "what happened to this message?" is asked of one."""
    for report in reports:
        for update in report.updates:
            keys: dict[str, Any] = {"account": account.name, "msgId": report.reference, "status": update.status}
            if update.error is not None:
                keys |= {"code": update.error.code, "bspCode": report.bsp_code}
            logger.info("status told", extra=keys)


def _new_halves() -> InHalves[Report, Delivery]:
    return InHalves(lambda reports, delivery: _heard(delivery))


def _heard(delivery: Delivery) -> Heard:
    match delivery:
        case Taken():
            return Heard.ACCEPTED
        case RefusedCallback(status) if status in _CONTENT_REFUSED:
            return Heard.REFUSED
        case _:
            return Heard.NOTHING
