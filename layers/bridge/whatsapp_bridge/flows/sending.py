"""dispatch, the step "send": one request to the BSP. Each message is marked right before it leaves."""

from collections.abc import Callable, Sequence
from time import time
from typing import NamedTuple

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.flows import correlation
from whatsapp_bridge.flows.jobs import Job
from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.flows.preparing import Overtaken
from whatsapp_bridge.providers.contract import Client, NotSent, Outcome, Outgoing, Rejected
from whatsapp_bridge.runtime.observability import log_failure
from whatsapp_bridge.store.claims import Claims
from whatsapp_bridge.store.lasting import is_lasting
from whatsapp_bridge.store.waiting import Waiting

type Prepared = tuple[Job, Outgoing]
type Sent = Outcome | Exception
"""The outcome of a message, or our exception."""


class Requested(NamedTuple):
    """The result of each message, by its job's grant, and the BSP's answers among them."""

    results: dict[str, Sent]
    answers: Sequence[Sent]


class Sending:
    """`now` gives seconds since 1970."""

    def __init__(self, *, claims: Claims, waiting: Waiting, now: Callable[[], float] = time) -> None:
        self._claims, self._waiting, self._now = claims, waiting, now

    def request(self, client: Client, messages: Sequence[Prepared], place: int) -> Requested:
        """`place` is the position of the first among all that are sent together."""
        # One start time plus the position: threads do not run in order.
        start = int(self._now() * 1000) + place
        marked = each(self._mark, [(job, start + number) for number, (job, _) in enumerate(messages)])
        results = {job.grant: mark for (job, _), mark in zip(messages, marked, strict=True) if mark is not None}
        leaving = [pair for pair in messages if pair[0].grant not in results]
        answers: Sequence[Sent] = []
        if leaving:
            (sent,) = each(client.send, [[outgoing for _, outgoing in leaving]])
            answers = [sent] * len(leaving) if isinstance(sent, Exception) else sent
            results |= zip((job.grant for job, _ in leaving), answers, strict=True)
        return Requested(results, answers)

    def _mark(self, of: tuple[Job, int]) -> Sent | None:
        """None if it may leave; `of` is a message and the time (ms) since when it waits, if it must."""
        job, at = of
        try:
            # A write whose answer is lost may have marked it all the same.
            if not self._claims.begin_sending(job.account.name, job.reference, job.grant):
                return Overtaken("by another delivery")
            # After the mark, so that another delivery's message, which may be settled, does not wait again. Before the
            # request, because its status may arrive before any later write.
            correlation.expect(self._waiting, job.account, job.message, job.recipient, job.reference, at)
        except Exception as error:  # noqa: BLE001 - logged, becomes an outcome: the mark alone would lose the message
            log_failure("message not marked as leaving", error, account=job.account.name, msgId=job.reference)
            reason = f"not marked as leaving: {type(error).__name__}"
            return Rejected(CallbackError.OTHER, reason) if is_lasting(error) else NotSent(reason)
        return None
