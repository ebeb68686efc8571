"""dispatch, the step "send": requests to the BSP. Each message is marked right before it leaves."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from time import time
from typing import NamedTuple

from whatsapp_bridge.flows import correlation
from whatsapp_bridge.flows.jobs import Job
from whatsapp_bridge.flows.parallel import each, each_request
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.contract import Client, NotSent, Outcome, Outgoing
from whatsapp_bridge.runtime.observability import log_failure
from whatsapp_bridge.store.claims import Claims
from whatsapp_bridge.store.waiting import Waiting

type Prepared = tuple[Job, Outgoing]
type Sent = Outcome | Exception
"""The outcome of a message, or our exception."""


class Overtaken(Exception):
    """Another delivery of the same queue message has the claim: this one comes back and finds the result."""


class Chunk(NamedTuple):
    """The messages of one request; `place` is the position of the first among all that are sent together."""

    place: int
    messages: Sequence[Prepared]

    def all(self, sent: Sent) -> dict[str, Sent]:
        return {job.owner: sent for job, _ in self.messages}


class Sending:
    """`now` gives seconds since 1970."""

    def __init__(self, *, claims: Claims, waiting: Waiting, now: Callable[[], float] = time) -> None:
        self._claims, self._waiting, self._now = claims, waiting, now

    def send(self, client: Client, messages: Sequence[Prepared]) -> dict[str, Sent]:
        """Send one account's messages; returns the result of each, by its job's owner."""
        lanes = _lanes(_chunks(messages))
        outcomes: dict[str, Sent] = {}
        for lane, sent in zip(lanes, each_request(lambda lane: self._one_by_one(client, lane), lanes), strict=True):
            for chunk in lane:
                outcomes |= chunk.all(sent) if isinstance(sent, Exception) else sent
        return outcomes

    def _one_by_one(self, client: Client, lane: Sequence[Chunk]) -> dict[str, Sent]:
        outcomes: dict[str, Sent] = {}
        for chunk in lane:
            (sent,) = each(lambda chunk: self._request(client, chunk), [chunk])
            outcomes |= chunk.all(sent) if isinstance(sent, Exception) else sent
        return outcomes

    def _request(self, client: Client, chunk: Chunk) -> dict[str, Sent]:
        # One start time plus the position: threads do not run in order.
        start = int(self._now() * 1000) + chunk.place
        marked = each(self._mark, [(job, start + place) for place, (job, _) in enumerate(chunk.messages)])
        leaving = [pair for pair, mark in zip(chunk.messages, marked, strict=True) if mark is None]
        outcomes = {job.owner: mark for (job, _), mark in zip(chunk.messages, marked, strict=True) if mark is not None}
        if leaving:
            sent = client.send([outgoing for _, outgoing in leaving])
            outcomes |= zip((job.owner for job, _ in leaving), sent, strict=True)
        return outcomes

    def _mark(self, of: tuple[Job, int]) -> Sent | None:
        """None if it may leave; `of` is a message and the time (ms) since when it waits, if it must."""
        job, at = of
        if not self._claims.begin_sending(job.account.name, job.reference, job.grant):
            return Overtaken("by another delivery")
        # After the mark, so that another delivery's message, which may be settled, does not wait again. Before the
        # request, because its status may arrive before any later write.
        try:
            correlation.expect(self._waiting, job.account, job.message, job.recipient, job.reference, at)
        except Exception as error:  # noqa: BLE001 - logged, becomes an outcome: the mark alone would lose the message
            log_failure("message could not be stored as waiting", error, account=job.account.name, msgId=job.reference)
            return NotSent(f"not stored as waiting: {type(error).__name__}")
        return None


def _chunks(messages: Sequence[Prepared]) -> list[Chunk]:
    if not messages:
        return []
    account = messages[0][0].account
    size = registry.outbound(account.provider_type).CAPABILITIES.batch_size if account.options.in_batches else 1
    return [Chunk(place, messages[place : place + size]) for place in range(0, len(messages), size)]


def _lanes(chunks: Sequence[Chunk]) -> list[list[Chunk]]:
    """Lanes run in parallel; the chunks of one lane leave in sequence.

    If the BSP gives no ids, only the order tells messages to one person apart.
    """
    lanes: dict[str, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        job, _ = chunk.messages[0]
        ordered = len(chunk.messages) == 1 and correlation.by_order(job.account, job.message)
        lanes[job.recipient if ordered else job.owner].append(chunk)
    return list(lanes.values())
