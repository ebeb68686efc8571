"""dispatch: send accepted messages to the BSP, each at most once.

The steps for each message: read, prepare (translate, encrypt, upload), claim, send, settle. If a delivery dies, the
next delivery of the same queue message continues:

    died before it was claimed   starts again
    died after that              nobody knows whether the request left: `Unknown`, never sent again
    died after `settle`          the claim is refused as a duplicate; nothing is left to do

The accounts of a batch are handled side by side, each at its own pace (`pacing`).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from time import time
from uuid import uuid4

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.flows.claiming import Claiming
from whatsapp_bridge.flows.handing_on import HandingOn, may_be_copied
from whatsapp_bridge.flows.hops import MAX_HOPS, is_last_hop
from whatsapp_bridge.flows.jobs import Job, Later, read_job
from whatsapp_bridge.flows.line import Part
from whatsapp_bridge.flows.pacing import Done, Ended, Pacing, said_by
from whatsapp_bridge.flows.parallel import each, each_account
from whatsapp_bridge.flows.preparing import Preparing
from whatsapp_bridge.flows.records import Postponed, Record
from whatsapp_bridge.flows.sending import Sending
from whatsapp_bridge.flows.settling import Settling
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.contract.client import Client, Services
from whatsapp_bridge.providers.contract.outcomes import Outcome, Outgoing
from whatsapp_bridge.runtime.observability import count, log_failure, logger, measure
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.queues import CampaignDeadLetters, CampaignQueue, Entry, Queue

type Result = tuple[Job, Outcome | Exception | None]


class Dispatch:
    """`longest`: the most that an account's time limit may be (seconds). `now` gives seconds since 1970."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        preparing: Preparing,
        pacing: Pacing,
        claiming: Claiming,
        sending: Sending,
        settling: Settling,
        campaign: CampaignQueue,
        campaign_dead_letters: CampaignDeadLetters,
        services: Callable[[], Services],
        longest: int,
        handing_on: HandingOn,
        new_id: Callable[[], str] = lambda: uuid4().hex,
        now: Callable[[], float] = time,
    ) -> None:
        self._accounts, self._preparing, self._pacing = accounts, preparing, pacing
        self._claiming, self._sending, self._settling = claiming, sending, settling
        self._campaign, self._campaign_dead_letters = campaign, campaign_dead_letters
        self._services, self._longest = services, longest
        self._handing_on, self._new_id, self._now = handing_on, new_id, now

    # --- the two queues --------------------------------------------------------------------------------------------

    def one(self, record: Record) -> None:
        """Send one freeform message, so that a person's messages arrive in order. Raises `Postponed`."""
        job = read_job(record, self._accounts, self._new_id(), self._longest, record.attempt)
        self._measure_age([job])
        done = self._deliver([job], shared=False)[job.grant]
        if isinstance(done, Exception):
            raise done
        if done is not None:
            raise Postponed(done.delay)

    def many(self, records: Sequence[Record]) -> list[str]:
        """Send a batch of template messages; returns the ids of the records that must come back."""
        failed = []
        by_account: dict[str, list[Job]] = defaultdict(list)
        # SQS may hand out a message twice at the same time, also in one batch.
        once = list({record.id: record for record in records}.values())
        jobs = each(lambda record: read_job(record, self._accounts, self._new_id(), self._longest), once)
        for record, job in zip(once, jobs, strict=True):
            if isinstance(job, Exception):
                log_failure("message not read", job, record=record.id)
                failed.append(record.id)
            else:
                by_account[job.account.name].append(job)
        batches = list(by_account.values())
        self._measure_age([job for batch in batches for job in batch])
        results = each_account(lambda batch: self._account(batch, shared=len(batches) > 1), batches)
        for batch, back in zip(batches, results, strict=True):
            if isinstance(back, Exception):
                log_failure("messages not dispatched", back, account=batch[0].account.name)
                back = [job.record for job in batch]
            failed += back
        return failed

    def _measure_age(self, jobs: Sequence[Job]) -> None:
        """Of the oldest, since it was accepted: SQS's own begins anew with each queue message."""
        if jobs:
            oldest = min(job.accepted_at for job in jobs)
            measure("TemplateAge" if jobs[0].is_template else "FreeformAge", self._now() - oldest)

    def _account(self, jobs: Sequence[Job], *, shared: bool) -> list[str]:
        """Send one account's messages, and queue what is not settled. Each account does so when it is done, not all at
        the end of the batch: what a time-out kills after that comes back, although its next attempt is queued."""
        done = self._deliver(jobs, shared=shared)
        failed, later = [], []
        for job in jobs:
            match done[job.grant]:
                case Exception() as error:
                    log_failure("message not dispatched", error, account=job.account.name, msgId=job.reference)
                    failed.append(job.record)
                case Later() as following:
                    later.append((job, following))
                case None:
                    pass
        return failed + self._queue_again(later)

    def _queue_again(self, later: Sequence[tuple[Job, Later]]) -> list[str]:
        """Queue the next attempts; returns the ids of the records that must come back because that failed."""
        endless = [(job, following) for job, following in later if is_last_hop(job.payload)]
        others = [(job, following) for job, following in later if not is_last_hop(job.payload)]
        leaving = [(job, following) for job, following in others if _may_leave(job, following)]
        waiting = [job.record for job, following in others if not _may_leave(job, following)]
        now = self._now()
        failed = self._send(self._campaign, leaving, [job.again(following, now) for job, following in leaving])
        given_up = [job.given_up(following) for job, following in endless]
        not_given_up = self._send(self._campaign_dead_letters, endless, given_up)
        for job, _ in endless:
            if job.record not in not_given_up:
                count("HopsExceeded")
                logger.error("dead-lettered", extra={**job.names, "reason": f"sent again {MAX_HOPS} times"})
        return failed + waiting + not_given_up

    def _send(self, queue: Queue, later: Sequence[tuple[Job, Later]], entries: Sequence[Entry]) -> list[str]:
        """The records of what may not be on the queue."""
        return [later[place][0].record for place in self._handing_on(queue, entries)]

    # --- from claim to outcome -------------------------------------------------------------------------------------

    def _deliver(self, jobs: Sequence[Job], *, shared: bool) -> dict[str, Done]:
        """Run all steps for one account's messages; what became of each, by its job's grant."""
        now = self._now()
        expired = [job for job in jobs if job.seconds_left(now) <= 0]
        in_time = [job for job in jobs if job.seconds_left(now) > 0]
        verdicts = each(self._settling.at_the_end, expired)
        done = self._settled(self._without_request(list(zip(expired, verdicts, strict=True))))
        if in_time:
            # One client per batch, so that its messages share fetched files.
            client = self._client(jobs[0].account)
            done |= self._pacing.run(in_time, lambda part: self._part(client, part), shared=shared)
        return done

    def _client(self, account: Account) -> Client:
        return registry.client(account.provider_type)(account, self._services())

    def _part(self, client: Client, part: Part) -> Ended:
        prepared = each(lambda job: self._preparing.ready(client, job), part.jobs)
        pairs = list(zip(part.jobs, prepared, strict=True))
        ready = [(job, outgoing) for job, outgoing in pairs if isinstance(outgoing, Outgoing)]
        sent = self._sending.request(client, ready, part.place)
        results = [(job, sent.results[job.grant]) for job, _ in ready]
        results += self._without_request([(job, result) for job, result in pairs if not isinstance(result, Outgoing)])
        done = self._settled(results)
        # Last: it may take its time, and what was sent must be recorded at once.
        self._claiming.withdraw(sent.doubtful)
        return Ended(done, said_by(prepared, sent.answers))

    def _without_request(self, results: Sequence[tuple[Job, Outcome | Exception]]) -> list[Result]:
        """What is settled without a request must be claimed too; our exceptions are not settled."""
        failed = [(job, error) for job, error in results if isinstance(error, Exception)]
        outcomes = [(job, outcome) for job, outcome in results if not isinstance(outcome, Exception)]
        claimed = self._claiming.to_settle(outcomes)
        return [*failed, *((job, claim) for (job, _), claim in zip(outcomes, claimed, strict=True))]

    def _settled(self, results: Sequence[Result]) -> dict[str, Done]:
        """Settle what has an outcome; the others met our exception, or belong to another delivery (None)."""
        done: dict[str, Done] = {}
        outcomes: list[tuple[Job, Outcome]] = []
        for job, result in results:
            if result is None or isinstance(result, Exception):
                done[job.grant] = result
            else:
                outcomes.append((job, result))
        settled: Mapping[str, Done] = self._settling.settle_all(outcomes)
        return {**done, **settled}


def _may_leave(job: Job, following: Later) -> bool:
    # Of a released message's copies one has the next turn, and the others end at their claim.
    return following.released or may_be_copied(job.receives)
