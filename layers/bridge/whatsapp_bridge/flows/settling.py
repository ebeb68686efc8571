"""dispatch, the step "settle": act on a message's outcome, and record it.

The consequences of an outcome are queued before it is recorded. If the delivery dies in between, they are queued again
and never lost; the ladder of statuses ignores duplicates.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from time import time

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.flows import correlation
from whatsapp_bridge.flows.jobs import Job, Later
from whatsapp_bridge.flows.recording import Recording
from whatsapp_bridge.flows.status_queue import confirmation, queued_status
from whatsapp_bridge.providers.common.message_ids import hidden_if_any
from whatsapp_bridge.providers.contract.outcomes import Accepted, NotSent, Outcome, Rejected, Throttled, Unknown
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.runtime.observability import count, count_with_account, log_failure, logger
from whatsapp_bridge.runtime.schedules import DispatchRetry, system_jitter
from whatsapp_bridge.store.claims import Claims, Verdict
from whatsapp_bridge.store.journal import Failure, Tried
from whatsapp_bridge.store.lasting import is_lasting
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS, StatusesQueue
from whatsapp_bridge.store.waiting import Waiting

_OUT_OF_TIME = Rejected(CallbackError.OTHER, "not accepted by the provider in time")
_THROTTLED = Rejected(CallbackError.TOO_MANY_SENDS, "throttled by the provider until the end")
# The last attempt is this long before the time limit: none is made after it.
_LAST_SECONDS = 2


@dataclass(frozen=True, slots=True)
class _TooLate(Rejected):
    """No time was left for this attempt: it is given up with the reason of the one before."""


class Settling:
    """`jitter` gives 0 to 1; `now` gives seconds since 1970."""

    def __init__(
        self,
        *,
        claims: Claims,
        waiting: Waiting,
        statuses: StatusesQueue,
        retry: DispatchRetry,
        recording: Recording,
        jitter: Callable[[], float] = system_jitter,
        now: Callable[[], float] = time,
    ) -> None:
        self._claims, self._waiting, self._statuses = claims, waiting, statuses
        self._retry, self._recording, self._jitter, self._now = retry, recording, jitter, now

    def settle_all(self, outcomes: Sequence[tuple[Job, Outcome]]) -> Mapping[str, Later | Exception | None]:
        """The next delivery of each, by its job's grant; None if there is none, or our exception.

        What is not recorded cannot be told from a message that may have been taken: it would never be sent again. So
        the next delivery of one that was surely not taken says so itself, where DynamoDB does not take the release.
        """
        settled = self._recording.each(self._settle, outcomes)
        return {
            job.grant: self._unreleased(job, outcome, result) if isinstance(result, Exception) else result
            for (job, outcome), result in zip(outcomes, settled, strict=True)
        }

    def at_the_end(self, job: Job) -> Rejected:
        """What a message is given up with that had no time for this attempt: the reason of the one before."""
        verdict = self._claims.last_verdict(job.account.name, job.reference)
        if verdict is None:
            verdict = Verdict(_OUT_OF_TIME.code, _OUT_OF_TIME.title)
        return _TooLate(verdict.code, verdict.title, bsp_code=verdict.bsp_code)

    def _settle(self, of: tuple[Job, Outcome]) -> Later | None:
        """All its steps may be repeated."""
        job, outcome = of
        correlation.settle(self._waiting, job.account, job.message, job.recipient, job.reference, outcome)
        match outcome:
            case Accepted(bsp_id):
                self._claims.settle(job.account.name, job.reference, "accepted", bsp_id, job.tried("a"))
                count("MessagesSent")
                keys = {**job.names, "bspId": hidden_if_any(job.account.name, bsp_id)}
                logger.info("message sent", extra=keys)
            case Rejected(code, title):
                is_late = isinstance(outcome, _TooLate)
                self._reject(job, outcome, job.tried("g", reason="its time was over") if is_late else job.tried("r"))
                keys = {"code": code, "title": title, "bspCode": outcome.bsp_code}
                logger.warning("message rejected", extra={**job.names, **keys})
            case Unknown(reason):
                if job.reports:
                    self._statuses.send(confirmation(job.account.name, job.reference, self._now()))
                self._claims.settle(job.account.name, job.reference, "unknown", tried=job.tried("u", reason=reason))
                count("MessagesUnknown")
                logger.warning("answer lost", extra={**job.names, "reason": reason})
            case Throttled() | NotSent():
                return self._retry_or_reject(job, outcome)
        return None

    def _retry_or_reject(self, job: Job, outcome: Throttled | NotSent) -> Later | None:
        reason = "throttled" if isinstance(outcome, Throttled) else outcome.reason
        later, verdict = self._later(job, outcome), None if _is_untried(outcome) else _verdict(outcome)
        if later is None:
            end = verdict or self.at_the_end(job)
            self._reject(job, end, job.tried("g", end.bsp_code, reason))
            self._count_attempt(outcome)
            keys = {"reason": reason, "code": end.code, "bspCode": end.bsp_code}
            logger.warning("message given up", extra={**job.names, **keys})
        elif self._claims.release(
            job.account.name,
            job.reference,
            job.grant,
            later.delay if job.is_template else None,
            None if verdict is None else Verdict(verdict.code, verdict.title, verdict.bsp_code),
            _tried(job, outcome),
            self._now() + later.delay,
        ):
            self._count_attempt(outcome)
            keys = {"reason": reason, "seconds": later.delay, "bspCode": None if verdict is None else verdict.bsp_code}
            logger.info("not accepted; will be retried", extra={**job.names, **keys})
            return later
        return None

    @staticmethod
    def _count_attempt(outcome: Throttled | NotSent) -> None:
        """The last one, too: two chat messages that a BSP throttles to their end must raise its alarm."""
        count("MessagesThrottled" if isinstance(outcome, Throttled) else "MessagesNotSent")

    def _later(self, job: Job, outcome: Throttled | NotSent) -> Later | None:
        """None if no attempt is left within the message's time limit."""
        left = floor(job.seconds_left(self._now())) - _LAST_SECONDS
        if left <= 0:
            return None
        untried = _is_untried(outcome)
        asked = outcome.retry_after if isinstance(outcome, Throttled) else None
        attempt = 1 if untried else job.attempt
        delay = self._retry.pause(attempt, self._jitter(), at_most=MAX_DELAY_SECONDS, at_least=asked)
        following = job.attempt if untried else job.attempt + 1
        return Later(
            min(delay, left),
            following,
            released=True,
            refused_with=outcome.refused_with,
            held="no room" if untried else None,
        )

    def _unreleased(self, job: Job, outcome: Outcome, error: Exception) -> Later | Exception:
        """The next delivery, which has this one's grant as its turn. A freeform message has none of its own: the same
        one comes back, and says nothing new."""
        if not (job.is_template and isinstance(outcome, Throttled | NotSent)) or is_lasting(error):
            return error
        later = self._later(job, outcome)
        if later is None:
            return error
        log_failure("release not recorded; its next delivery says it", error, **job.names)
        return later

    def _reject(self, job: Job, verdict: Rejected, tried: Tried) -> None:
        if verdict.unlisted:
            count("ErrorsUnlisted")
        if verdict.alarm:
            count_with_account("ProviderAccountAlarms", job.account.name)
        if job.reports:
            now = self._now()
            failed = StatusEvent(
                "failed",
                int(now),
                job.reference,
                None,
                error_code=verdict.code,
                error_title=verdict.title,
                bsp_code=verdict.bsp_code,
            )
            self._statuses.send(queued_status(job.account.name, failed, now))
        failure = Failure(verdict.code, verdict.title, verdict.bsp_code)
        self._claims.settle(job.account.name, job.reference, "rejected", tried=tried, failure=failure)
        count("MessagesRejected")


def _is_untried(outcome: Throttled | NotSent) -> bool:
    return isinstance(outcome, NotSent) and outcome.no_time


def _tried(job: Job, outcome: Throttled | NotSent) -> Tried:
    """For the journal: an attempt that may be repeated."""
    code = None if outcome.verdict is None else outcome.verdict.bsp_code
    if isinstance(outcome, Throttled):
        return job.tried("t", code, "the provider is overloaded" if outcome.overload else "")
    return job.tried("o" if outcome.no_time else "n", code, outcome.reason)


def _verdict(outcome: Throttled | NotSent) -> Rejected:
    """What the message is given up with if this was its last attempt."""
    throttled = isinstance(outcome, Throttled) and not outcome.overload
    return outcome.verdict or (_THROTTLED if throttled else _OUT_OF_TIME)
