"""dispatch, the step "settle": act on a message's outcome, and record it.

The consequences of an outcome are queued before it is recorded. If the delivery dies in between, they are queued again
and never lost; the ladder of statuses ignores duplicates.
"""

from collections.abc import Callable
from time import time

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.flows import correlation
from whatsapp_bridge.flows.jobs import Job
from whatsapp_bridge.flows.status_queue import confirmation, queued_status
from whatsapp_bridge.providers.contract import Accepted, NotSent, Outcome, Rejected, StatusEvent, Throttled, Unknown
from whatsapp_bridge.runtime.observability import count, logger
from whatsapp_bridge.runtime.schedules import DispatchRetry, system_jitter
from whatsapp_bridge.store.claims import Claims
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS, StatusesQueue
from whatsapp_bridge.store.waiting import Waiting

_OUT_OF_TIME = Rejected(CallbackError.OTHER, "not accepted by the provider in time")


class Settling:
    """`jitter` gives 0 to 1; `now` gives seconds since 1970."""

    def __init__(
        self,
        *,
        claims: Claims,
        waiting: Waiting,
        statuses: StatusesQueue,
        retry: DispatchRetry,
        jitter: Callable[[], float] = system_jitter,
        now: Callable[[], float] = time,
    ) -> None:
        self._claims, self._waiting, self._statuses = claims, waiting, statuses
        self._retry, self._jitter, self._now = retry, jitter, now

    def settle(self, job: Job, outcome: Outcome) -> int | None:
        """Seconds until the next attempt; None if there is none."""
        correlation.settle(self._waiting, job.account, job.message, job.recipient, job.reference, outcome)
        match outcome:
            case Accepted(bsp_id):
                self._claims.settle(job.account.name, job.reference, "accepted", bsp_id)
                count("MessagesSent")
                logger.info("message sent", extra={**job.names, "bspId": bsp_id})
            case Rejected(code, title):
                self._reject(job, outcome)
                logger.warning("message rejected", extra={**job.names, "code": code, "title": title})
            case Unknown(reason):
                if job.reports:
                    self._statuses.send(confirmation(job.account.name, job.reference, self._now()))
                self._claims.settle(job.account.name, job.reference, "unknown")
                count("MessagesUnknown")
                logger.warning("answer lost", extra={**job.names, "reason": reason})
            case Throttled() | NotSent():
                return self._retry_or_reject(job, outcome)
        return None

    def attempt_after(self, job: Job, delay: int) -> int:
        """The number of the attempt that follows `delay` (seconds)."""
        return self._retry.attempt_after(job.attempt, delay, at_most=MAX_DELAY_SECONDS)

    def _retry_or_reject(self, job: Job, outcome: Throttled | NotSent) -> int | None:
        reason = "throttled" if isinstance(outcome, Throttled) else outcome.reason
        # A freeform message counts deliveries of its FIFO queue as attempts, so a long wait would extend its time
        # limit.
        heeded = isinstance(job.message, TemplateMessage)
        asked = outcome.retry_after if isinstance(outcome, Throttled) and heeded else None
        delay = self._retry.delay(
            job.attempt, self._jitter(), at_most=MAX_DELAY_SECONDS, limit=job.time_limit, at_least=asked
        )
        if delay is None:
            self._reject(job, outcome.verdict or _OUT_OF_TIME)
            logger.warning("message given up", extra={**job.names, "reason": reason})
            return None
        self._claims.settle(job.account.name, job.reference, "released")
        count("MessagesThrottled" if isinstance(outcome, Throttled) else "MessagesNotSent")
        logger.info("not accepted; will be retried", extra={**job.names, "reason": reason, "seconds": delay})
        return delay

    def _reject(self, job: Job, verdict: Rejected) -> None:
        if verdict.unlisted:
            count("ErrorsUnlisted")
        if verdict.alarm:
            count("ProviderAccountAlarms")
        if job.reports:
            now = self._now()
            failed = StatusEvent(
                "failed", int(now), job.reference, None, error_code=verdict.code, error_title=verdict.title
            )
            self._statuses.send(queued_status(job.account.name, failed, now))
        self._claims.settle(job.account.name, job.reference, "rejected")
        count("MessagesRejected")
