"""dispatch, the step "send": one request to the BSP. Each message is claimed right before it leaves."""

from collections.abc import Callable, Sequence
from time import time
from typing import NamedTuple

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.flows import correlation
from whatsapp_bridge.flows.claiming import Claimed, Claiming, Overtaken
from whatsapp_bridge.flows.jobs import Job
from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.flows.recent import RecentSending
from whatsapp_bridge.flows.records import Unprocessable
from whatsapp_bridge.providers.contract.client import Client
from whatsapp_bridge.providers.contract.outcomes import NotSent, Outcome, Outgoing, Rejected
from whatsapp_bridge.runtime.observability import log_failure
from whatsapp_bridge.store.claims import Claim
from whatsapp_bridge.store.lasting import is_lasting
from whatsapp_bridge.store.waiting import Waiting

type Prepared = tuple[Job, Outgoing]
type Sent = Outcome | Exception
"""The outcome of a message, or our exception."""


class Requested(NamedTuple):
    """The result of each message, by its job's grant (None: another delivery has it, or it is settled already); the
    BSP's answers among them; and the messages whose claim may be written or not, which must be withdrawn."""

    results: dict[str, Sent | None]
    answers: Sequence[Sent]
    doubtful: Sequence[Job]


class Sending:
    """`now` gives seconds since 1970."""

    def __init__(
        self, *, claiming: Claiming, waiting: Waiting, recent: RecentSending, now: Callable[[], float] = time
    ) -> None:
        self._claiming, self._waiting, self._recent, self._now = claiming, waiting, recent, now

    def request(self, client: Client, messages: Sequence[Prepared], place: int) -> Requested:
        """`place` is the position of the first among all that are sent together."""
        # One start time plus the position: threads do not run in order.
        start = int(self._now() * 1000) + place
        jobs = [job for job, _ in messages]
        for account in {job.account.name for job in jobs}:
            self._recent.note(account)
        claims = list(zip(jobs, self._claiming.to_send(jobs), strict=True))
        results: dict[str, Sent | None] = {job.grant: claim for job, claim in claims if claim is not Claim.GRANTED}
        granted = [(job, start + number) for number, job in enumerate(jobs) if job.grant not in results]
        expected = each(self._expect, granted)
        results |= {job.grant: failed for (job, _), failed in zip(granted, expected, strict=True) if failed is not None}
        leaving = [(job, outgoing) for job, outgoing in messages if job.grant not in results]
        answers: Sequence[Sent] = []
        if leaving:
            (sent,) = each(client.send, [[outgoing for _, outgoing in leaving]])
            answers = [sent] * len(leaving) if isinstance(sent, Exception) else sent
            results |= zip((job.grant for job, _ in leaving), answers, strict=True)
        return Requested(results, answers, [job for job, claim in claims if _is_doubtful(claim)])

    def _expect(self, of: tuple[Job, int]) -> NotSent | Rejected | None:
        """None if it may leave; `of` is a message and the time (ms) since when it waits, if it must."""
        job, at = of
        try:
            # After the claim, so that another delivery's message, which may be settled, does not wait again. Before the
            # request, because its status may arrive before any later write.
            correlation.expect(self._waiting, job.account, job.message, job.recipient, job.reference, at)
        except Exception as error:  # noqa: BLE001 - logged, becomes an outcome: the claim alone would lose the message
            log_failure("message not recorded as waiting", error, account=job.account.name, msgId=job.reference)
            reason = f"not recorded as waiting: {type(error).__name__}"
            return Rejected(CallbackError.OTHER, reason) if is_lasting(error) else NotSent(reason)
        return None


def _is_doubtful(claim: Claimed) -> bool:
    return isinstance(claim, Exception) and not isinstance(claim, (Overtaken, Unprocessable))
