"""dispatch: how fast one account's messages leave, and when they stop.

The account's circuit breaker is asked before each part of a batch, and hears what came of it. What is not tried is not
claimed either: it is no attempt, and comes back.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from math import ceil
from time import time
from typing import NamedTuple

from whatsapp_bridge.flows.handing_on import may_be_copied
from whatsapp_bridge.flows.hops import MAX_HOPS
from whatsapp_bridge.flows.jobs import Job, Later
from whatsapp_bridge.flows.line import Line, Part
from whatsapp_bridge.flows.parallel import UnderWay
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.contract.outcomes import Accepted, NotSent, Rejected, Throttled, Unknown
from whatsapp_bridge.runtime.breaker import May
from whatsapp_bridge.runtime.observability import count, count_of_account, count_with_account, logger
from whatsapp_bridge.runtime.schedules import system_jitter
from whatsapp_bridge.store.breakers import Breakers
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS

SHARE_SECONDS = 10
"""For how long an account begins requests if it shares a batch with others: its BSP may be slow or hang, and the next
messages of the others wait for the invocation to end."""
# Of the messages that are held back while the account is paused: so many come back when the next probe is due. One may
# turn out to be a duplicate.
_SCOUTS = 2
_SOON_SECONDS = 5

type Done = Later | Exception | None
"""A message is settled (None), has a next delivery, or met our exception (the queue delivers it again)."""


class Said(Enum):
    """What a request says about the BSP."""

    WELL = "well"
    """It has answered in its own words."""
    THROTTLED = "throttled"
    """The same, and it takes no more for now."""
    ILL = "ill"
    NEITHER = "neither"
    NOT_ASKED = "not asked"
    """Nothing was asked of it."""


class Ended(NamedTuple):
    """What came of a part: for each message, by its job's grant, and about the BSP."""

    done: Mapping[str, Done]
    said: Said


def said_by(prepared: Sequence[object], answers: Sequence[object]) -> Said:
    """`prepared` is what preparing each message has given, `answers` the outcomes of the request, or our exceptions."""
    asked = [outcome for outcome in prepared if _is_of_a_step(outcome)] + list(answers)
    asked = [outcome for outcome in asked if not (isinstance(outcome, NotSent) and outcome.no_time)]
    if not asked:
        return Said.NOT_ASKED
    if any(isinstance(outcome, Accepted | Rejected) for outcome in asked):
        return Said.WELL
    # Too many requests of this account are no outage: they have their own schedule.
    if any(isinstance(outcome, Throttled) and not outcome.overload for outcome in asked):
        return Said.THROTTLED
    return Said.ILL if any(_is_ill(outcome) for outcome in asked) else Said.NEITHER


def _is_of_a_step(outcome: object) -> bool:
    # Else a reason of our own or of somebody else: KMS, a file, another delivery.
    return isinstance(outcome, Rejected | Throttled | NotSent) and outcome.of_a_step


def _is_ill(outcome: object) -> bool:
    match outcome:
        case Unknown():
            return True
        case Throttled(overload=overload):
            return overload
        case NotSent(unreached=unreached):
            return unreached
        case _:
            return False


class Pacing:
    """`jitter` gives 0 to 1; `now` gives seconds since 1970."""

    def __init__(
        self,
        *,
        breakers: Breakers,
        http: HttpClient,
        jitter: Callable[[], float] = system_jitter,
        now: Callable[[], float] = time,
    ) -> None:
        self._breakers, self._http, self._jitter, self._now = breakers, http, jitter, now

    def run(self, jobs: Sequence[Job], work: Callable[[Part], Ended], *, shared: bool) -> dict[str, Done]:
        """Work off one account's messages; what became of each, by its job's grant. `shared`: other accounts' messages
        wait for the same invocation."""
        account, ends = jobs[0].account.name, self._now() + SHARE_SECONDS
        line, under_way, done = Line(jobs), UnderWay(work), dict[str, Done]()
        while True:
            held = self._start(account, line, under_way, ends if shared else None)
            done |= {job.grant: later for job, later in held}
            if not under_way:
                return done
            for part, ended in under_way.ended():
                line.ended(part)
                if isinstance(ended, Exception):
                    ended = Ended({job.grant: ended for job in part.jobs}, Said.NEITHER)
                done |= ended.done
                self._tell(account, ended.said)

    def _start(
        self, account: str, line: Line, under_way: UnderWay[Part, Ended], ends: float | None
    ) -> list[tuple[Job, Later]]:
        """Start as many requests as may run now. Returns the messages that are not tried in this batch."""
        while line and not self._breakers.probing(account):
            pace = self._breakers.pace(account)
            if len(under_way) >= pace.at_once:
                return []
            if not self._http.has_time_for_a_request() or (ends is not None and self._now() >= ends):
                return [(job, self._soon(job)) for job in line.rest()]
            permission = self._breakers.ask(account)
            if permission.may is May.WAIT:
                return self._hold(account, line.rest(), permission.seconds)
            part = line.take(1 if permission.may is May.PROBE else pace.most_messages)
            if part is None:
                return []
            under_way.start(part)
        return []

    def _tell(self, account: str, said: Said) -> None:
        probing = self._breakers.probing(account)
        if said in (Said.WELL, Said.THROTTLED):
            answered = self._breakers.succeeded if said is Said.WELL else self._breakers.throttled
            if answered(account):
                count_with_account("ProviderResumed", account)
                logger.warning("provider answers again; sending is resumed", extra={"account": account})
        elif said is Said.ILL or (said is Said.NEITHER and probing):
            if self._breakers.struck(account):
                count("ProviderPaused")
                count_of_account("ProviderPaused", account)
                logger.error("provider fails; sending is paused", extra={"account": account})
        elif probing:
            self._breakers.untried(account)

    def _soon(self, job: Job) -> Later:
        return Later(1 + round(self._jitter() * (_SOON_SECONDS - 1)), job.attempt, held="no room")

    def _hold(self, account: str, jobs: Sequence[Job], seconds: float) -> list[tuple[Job, Later]]:
        """`seconds` until the next probe."""
        count("MessagesHeld", len(jobs))
        logger.info("paused; messages are held back", extra={"account": account, "messages": len(jobs)})
        # The schedule of a long outage would use up the hops of one that is always the first to come back.
        may_come = [job for job in jobs if job.hops < MAX_HOPS // 2 and may_be_copied(job.receives)]
        by_hops = sorted(may_come, key=lambda job: job.hops)
        scouts = {job.grant for job in by_hops[:_SCOUTS]}
        return [(job, self._held(job, seconds, first=job.grant in scouts)) for job in jobs]

    def _held(self, job: Job, seconds: float, *, first: bool) -> Later:
        """It ends with its time limit."""
        soon = ceil(seconds) + round(self._jitter() * 2)
        # Chat messages wait on their queue without being sent again; few of them, and people wait for them.
        waits_long = job.is_template and not first
        delay = round(MAX_DELAY_SECONDS * (0.75 + self._jitter() / 4)) if waits_long else soon
        return Later(max(1, min(delay, ceil(job.seconds_left(self._now())))), job.attempt, held="paused")
