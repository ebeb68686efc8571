"""dispatch: send accepted messages to the BSP, each at most once.

The steps for each message: read, claim, prepare (translate, encrypt, upload), send, settle. If a delivery dies, the
next delivery of the same queue message continues:

    died before it was marked as leaving   it still has the claim and starts again
    died after that                        nobody knows whether the request left: `Unknown`, never sent again
    died after `settle`                    the claim is refused as a duplicate; nothing is left to do
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from uuid import uuid4

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.flows.hops import MAX_HOPS, is_last_hop
from whatsapp_bridge.flows.jobs import Job, read_job
from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.flows.records import Postponed, Record
from whatsapp_bridge.flows.sending import Sending, Sent
from whatsapp_bridge.flows.settling import Settling
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.contract import Client, Outgoing, Refused, Rejected, Services, Unknown
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.claims import Claim, Claims
from whatsapp_bridge.store.queues import CampaignDeadLetters, CampaignQueue, Entry, NotStored, Queue


class Dispatch:
    def __init__(
        self,
        *,
        accounts: Accounts,
        claims: Claims,
        sending: Sending,
        settling: Settling,
        campaign: CampaignQueue,
        campaign_dead_letters: CampaignDeadLetters,
        http: HttpClient,
        services: Callable[[], Services],
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._accounts, self._claims, self._sending, self._settling = accounts, claims, sending, settling
        self._campaign, self._campaign_dead_letters = campaign, campaign_dead_letters
        self._http, self._services, self._new_id = http, services, new_id

    # --- the two queues --------------------------------------------------------------------------------------------

    def one(self, record: Record) -> None:
        """Send one freeform message, so that a person's messages arrive in order. Raises `Postponed`."""
        (done,) = self._deliver([read_job(record, self._accounts, self._new_id(), record.attempt)])
        if isinstance(done, Exception):
            raise done
        if done is not None:
            raise Postponed(done)

    def many(self, records: Sequence[Record]) -> list[str]:
        """Send a batch of template messages; returns the ids of the records that must come back."""
        failed = []
        by_account: dict[str, list[Job]] = defaultdict(list)
        jobs = each(lambda record: read_job(record, self._accounts, self._new_id()), records)
        for record, job in zip(records, jobs, strict=True):
            if isinstance(job, Exception):
                log_failure("message not read", job, record=record.id)
                failed.append(record.id)
            else:
                by_account[job.account.name].append(job)
        for together in by_account.values():
            later = []
            for job, done in zip(together, self._deliver(together), strict=True):
                if isinstance(done, Exception):
                    log_failure("message not dispatched", done, account=job.account.name, msgId=job.reference)
                    failed.append(job.owner)
                elif done is not None:
                    later.append((job, done))
            failed += self._queue_again(later)
        return failed

    def _queue_again(self, later: Sequence[tuple[Job, int]]) -> list[str]:
        """Queue the next attempts; returns the ids of the records that must come back because that failed."""
        endless = [job for job, _ in later if is_last_hop(job.payload)]
        others = [(job, delay) for job, delay in later if not is_last_hop(job.payload)]
        again = [job.again(self._settling.attempt_after(job, delay), delay) for job, delay in others]
        failed = self._send(self._campaign, [job for job, _ in others], again)
        not_given_up = self._send(self._campaign_dead_letters, endless, [job.given_up() for job in endless])
        for job in endless:
            if job.owner not in not_given_up:
                count("HopsExceeded")
                logger.error("dead-lettered", extra={**job.names, "reason": f"sent again {MAX_HOPS} times"})
        return failed + not_given_up

    def _send(self, queue: Queue, jobs: Sequence[Job], entries: Sequence[Entry]) -> list[str]:
        """The owners of what may not be on the queue."""
        try:
            queue.send_all(entries)
        except NotStored as error:
            log_failure("next attempts not queued", error, jobs=len(error.missing))
            return [jobs[place].owner for place in error.missing]
        return []

    # --- from claim to outcome -------------------------------------------------------------------------------------

    def _deliver(self, jobs: Sequence[Job]) -> list[int | Exception | None]:
        """Run all steps for jobs of one account. Per job: None if it is settled, the seconds until its next attempt, or
        our exception (the queue delivers it again, and it continues from where it stopped)."""
        if not jobs:
            return []
        client = self._client(jobs[0].account)
        # Uploads may use up the invocation; keep time to send the messages whose uploads are done.
        with self._http.leaving_time_for_a_request():
            prepared = each(lambda job: self._claim_and_prepare(client, job), jobs)
        found = list(zip(jobs, prepared, strict=True))
        outcomes: dict[str, Sent | None] = {
            job.owner: outcome for job, outcome in found if not isinstance(outcome, Outgoing)
        }
        ready = [(job, outgoing) for job, outgoing in found if isinstance(outgoing, Outgoing)]
        outcomes |= self._sending.send(client, ready)
        return each(lambda job: self._settle(job, outcomes[job.owner]), jobs)

    def _claim_and_prepare(self, client: Client, job: Job) -> Outgoing | Sent | None:
        """None if another delivery has the message, or it is settled already."""
        account = job.account
        match self._claims.claim(account.name, job.reference, job.owner, job.recipient, job.grant):
            case Claim.REPEAT:
                count("RepeatsDropped")
                return None
            case Claim.INTERRUPTED:
                return Unknown("interrupted while sending")
            case Claim.GRANTED:
                return self._prepare(client, job)

    def _prepare(self, client: Client, job: Job) -> Outgoing | Sent:
        """All steps that may be repeated."""
        account = job.account
        try:
            request = registry.outbound(account.provider_type).translate(job.message, job.reference, account)
        except Refused as refusal:
            # It was translated when it was accepted, so the account's settings have changed since.
            return Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, f"{refusal.field}: {refusal.reason}")
        return client.prepare(Outgoing(job.reference, request))

    def _client(self, account: Account) -> Client:
        """One client per batch, so that its messages share fetched files."""
        return registry.client(account.provider_type)(account, self._services())

    def _settle(self, job: Job, outcome: Sent | None) -> int | None:
        if isinstance(outcome, Exception):
            raise outcome
        return None if outcome is None else self._settling.settle(job, outcome)
