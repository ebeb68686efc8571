"""dispatch: send what was accepted to the BSP, each message at most once.

Claim the msgId, translate, prepare (encrypt, upload), mark that the request is about to leave, send, settle the
outcome. A delivery that dies on the way is made good by the next one of the same queue message:

    died before `begin_sending`   the claim is its own: it starts over
    died behind it                nobody knows whether the request left: `Unknown`, never sent again
    died behind `settle`          the claim is refused as a repeat, nothing is left to do
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import time
from typing import Any, NamedTuple
from uuid import uuid4

from pydantic_core import from_json, to_json

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage, is_validation_reference
from whatsapp_bridge.clevertap.reading import InvalidMessage, read_message
from whatsapp_bridge.flows import correlation
from whatsapp_bridge.flows.parallel import each, each_request
from whatsapp_bridge.flows.records import FifoSource, Pointless, Postponed, Record
from whatsapp_bridge.flows.status_queue import confirmation, queued_status
from whatsapp_bridge.media.fetch import Files
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract import (
    Accepted,
    Client,
    NotSent,
    Outcome,
    Outgoing,
    Refused,
    Rejected,
    Services,
    StatusEvent,
    Throttled,
    Unknown,
)
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.runtime.schedules import Schedule, system_luck
from whatsapp_bridge.runtime.settings import DispatchSettings
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.keys import KeyService
from whatsapp_bridge.store.messages import Claim, Messages
from whatsapp_bridge.store.notes import Notes
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS, Entry, NotStored, Queue

CONFIRMATION_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Job:
    """A message on its way to the BSP. `owner` is the id of the queue message with it, `grant` this delivery's."""

    account: Account = field(repr=False)
    reference: str
    message: TemplateMessage | FreeformMessage = field(repr=False)
    owner: str
    grant: str
    attempt: int
    payload: dict[str, Any] = field(repr=False)

    @property
    def recipient(self) -> str:
        """The person, as a keyed hash."""
        return self.account.pseudonym(self.message.to)

    @property
    def time_limit(self) -> int:
        options = self.account.options
        if isinstance(self.message, TemplateMessage):
            return int(options.campaign_time_limit_seconds)
        return int(options.conversation_time_limit_seconds)


class Chunk(NamedTuple):
    """The messages of one request; `place` is the first one's among all that are sent together."""

    place: int
    pairs: Sequence[tuple[Job, Outgoing]]


class Overtaken(Exception):
    """Another delivery of the same queue message holds the claim."""


class Dispatch:
    def __init__(
        self,
        accounts: Accounts,
        messages: Messages,
        campaign: Queue,
        statuses: Queue,
        retry: Schedule,
        http: HttpClient,
        keys: KeyService,
        notes: Notes,
        luck: Callable[[], float] = system_luck,
        now: Callable[[], float] = time,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._accounts, self._messages, self._retry = accounts, messages, retry
        self._campaign, self._statuses = campaign, statuses
        self._http, self._keys, self._notes = http, keys, notes
        self._luck, self._now, self._new_id = luck, now, new_id

    # --- the two queues --------------------------------------------------------------------------------------------

    def one(self, record: Record) -> None:
        """A freeform message, alone: what a person is written arrives in order. Raises `Postponed`."""
        (done,) = self._deliver([self._job(record, record.attempt)])
        if isinstance(done, Exception):
            raise done
        if done is not None:
            raise Postponed(done)

    def many(self, records: Sequence[Record]) -> list[str]:
        """A batch of template messages; the ids of the records that shall come back."""
        failed = []
        by_account: dict[str, list[Job]] = defaultdict(list)
        for record, job in zip(records, each(self._job, records), strict=True):
            if isinstance(job, Exception):
                log_failure("message not read", job, record=record.id)
                failed.append(record.id)
            else:
                by_account[job.account.name].append(job)
        for jobs in by_account.values():
            later = []
            for job, done in zip(jobs, self._deliver(jobs), strict=True):
                if isinstance(done, Exception):
                    log_failure("message not dispatched", done, account=job.account.name, msgId=job.reference)
                    failed.append(job.owner)
                elif done is not None:
                    later.append((job, done))
            failed += self._postpone(later)
        return failed

    def _job(self, record: Record, attempt: int | None = None) -> Job:
        try:
            payload = from_json(record.body)
            name, reference, message = payload["account"], payload["reference"], read_message(payload["message"])
        except (ValueError, KeyError, InvalidMessage):
            raise Pointless("not a message of this bridge") from None
        account = self._accounts.get(name)
        if account is None:
            raise Pointless("no such account")
        attempt = attempt or int(payload.get("attempt", 1))
        return Job(account, reference, message, record.id, self._new_id(), attempt, payload)

    def _postpone(self, later: Sequence[tuple[Job, int]]) -> list[str]:
        """Queue the next attempts; the ids of the records that come back by themselves because that failed."""
        try:
            self._campaign.send_all(
                Entry(to_json({**job.payload, "attempt": self._following(job, delay)}).decode(), delay=delay)
                for job, delay in later
            )
        except NotStored as error:
            log_failure("next attempts not queued", error, jobs=len(later))
            return [job.owner for job, _ in later]
        return []

    def _following(self, job: Job, delay: int) -> int:
        return self._retry.attempt_after(job.attempt, delay, at_most=MAX_DELAY_SECONDS)

    # --- from claim to outcome -------------------------------------------------------------------------------------

    def _deliver(self, jobs: Sequence[Job]) -> list[int | Exception | None]:
        """Take jobs of one account all the way; per job None when it is settled, the seconds until its next attempt,
        or what went wrong on our side (the queue delivers it again, and it goes on from where it stood)."""
        if not jobs:
            return []
        client = self._client(jobs[0].account)
        outcomes: dict[str, Outcome | Exception | None] = {}
        ready: list[tuple[Job, Outgoing]] = []
        # Uploads may take all of an invocation; those that are done by then shall not have been made for nothing.
        with self._http.leaving_time_for_a_request():
            prepared = each(lambda job: self._prepare(client, job), jobs)
        for job, result in zip(jobs, prepared, strict=True):
            if isinstance(result, Outgoing):
                ready.append((job, result))
            else:
                outcomes[job.owner] = result
        lanes = self._lanes(_chunks(ready, self._batch_size(jobs)))
        for lane, sent in zip(lanes, each_request(lambda lane: self._send_all(client, lane), lanes), strict=True):
            outcomes.update(
                {job.owner: sent for chunk in lane for job, _ in chunk.pairs} if isinstance(sent, Exception) else sent
            )
        return each(lambda job: self._settle(job, outcomes[job.owner]), jobs)

    def _prepare(self, client: Client, job: Job) -> Outgoing | Outcome | None:
        """Everything that may be repeated; None for a message that is somebody else's or settled already."""
        account = job.account
        claim = self._messages.claim(account.name, job.reference, job.owner, job.recipient, job.grant)
        if claim is Claim.REPEAT:
            count("RepeatsDropped")
            return None
        if claim is Claim.INTERRUPTED:
            return Unknown("interrupted while sending")
        try:
            request = registry.outbound(account.provider_type).translate(job.message, job.reference, account)
        except Refused as refusal:
            # It passed when it was accepted: the account's settings have changed since.
            return Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, f"{refusal.field}: {refusal.reason}")
        return client.prepare(Outgoing(job.reference, request))

    def _lanes(self, chunks: Sequence[Chunk]) -> list[list[Chunk]]:
        """Chunks that leave one after the other; lanes do so side by side.

        Where the BSP names no ids, messages to one person are told apart by their order alone.
        """
        lanes: dict[str, list[Chunk]] = defaultdict(list)
        for chunk in chunks:
            job, _ = chunk.pairs[0]
            ordered = len(chunk.pairs) == 1 and correlation.by_order(job.account, job.message)
            lanes[job.recipient if ordered else job.owner].append(chunk)
        return list(lanes.values())

    def _send_all(self, client: Client, lane: Sequence[Chunk]) -> dict[str, Outcome | Exception | None]:
        outcomes: dict[str, Outcome | Exception | None] = {}
        for chunk in lane:
            (sent,) = each(lambda chunk: self._send(client, chunk), [chunk])
            outcomes.update(
                dict.fromkeys((job.owner for job, _ in chunk.pairs), sent) if isinstance(sent, Exception) else sent
            )
        return outcomes

    def _send(self, client: Client, chunk: Chunk) -> dict[str, Outcome | Exception | None]:
        """One request, marked as leaving right before it leaves."""
        # One time for all, and their places: threads do not take turns.
        start = int(self._now() * 1000) + chunk.place
        marked = each(self._begin_sending, [(job, start + place) for place, (job, _) in enumerate(chunk.pairs)])
        leaving = [pair for pair, mark in zip(chunk.pairs, marked, strict=True) if mark is True]
        # A claim that another delivery has taken over: this one comes back, and sees then what became of it.
        outcomes: dict[str, Outcome | Exception | None] = {
            job.owner: Overtaken("by another delivery") if mark is False else mark
            for (job, _), mark in zip(chunk.pairs, marked, strict=True)
            if mark is not True
        }
        if leaving:
            sent = client.send([outgoing for _, outgoing in leaving])
            outcomes.update(zip((job.owner for job, _ in leaving), sent, strict=True))
        return outcomes

    def _begin_sending(self, of: tuple[Job, int]) -> bool | NotSent:
        """Whether it may leave; `of` is a message and the time (ms) that it waits since, where it has to."""
        job, at = of
        if not self._messages.begin_sending(job.account.name, job.reference, job.grant):
            return False
        # Behind the mark: another delivery's message, which may be settled already, shall not wait anew. And before the
        # request: what that brings may be quicker than any other write.
        try:
            correlation.expect(self._messages.waiting, job.account, job.message, job.recipient, job.reference, at)
        except Exception as error:  # noqa: BLE001 - logged, and an outcome: the mark alone would cost the message
            log_failure("message not expected", error, account=job.account.name, msgId=job.reference)
            return NotSent(f"not expected: {type(error).__name__}")
        return True

    def _batch_size(self, jobs: Sequence[Job]) -> int:
        account = jobs[0].account
        return registry.outbound(account.provider_type).CAPABILITIES.batch_size if account.options.in_batches else 1

    def _client(self, account: Account) -> Client:
        """One for a batch: what it fetches serves all of its messages."""
        services = Services(self._http, self._keys, self._notes, Files(self._http))
        return registry.client(account.provider_type)(account, services)

    def _settle(self, job: Job, outcome: Outcome | Exception | None) -> int | None:
        """Act on an outcome; seconds until the next attempt where there shall be one.

        What follows from an outcome is queued before the outcome is recorded: dying in between repeats the first,
        which the ladder ignores, and never loses it.
        """
        keys = {"account": job.account.name, "msgId": job.reference, "attempt": job.attempt}
        if outcome is None:
            return None
        if isinstance(outcome, Exception):
            raise outcome
        correlation.settle(self._messages.waiting, job.account, job.message, job.recipient, job.reference, outcome)
        match outcome:
            case Accepted(bsp_id):
                self._record(job, "accepted", bsp_id)
                count("MessagesSent")
                logger.info("message sent", extra={**keys, "bspId": bsp_id})
            case Rejected(code, title):
                self._reject(job, outcome)
                logger.warning("message rejected", extra={**keys, "code": code, "title": title})
            case Unknown(reason):
                if not is_validation_reference(job.reference):
                    self._statuses.send(confirmation(job.account.name, job.reference, CONFIRMATION_SECONDS))
                self._record(job, "unknown")
                count("MessagesUnknown")
                logger.warning("answer lost", extra={**keys, "reason": reason})
            case Throttled() | NotSent():
                return self._try_later(job, outcome, keys)
        return None

    def _try_later(self, job: Job, outcome: Throttled | NotSent, keys: dict[str, Any]) -> int | None:
        reason = "throttled" if isinstance(outcome, Throttled) else outcome.reason
        # A chat message counts deliveries of its FIFO queue as attempts: long waits would stretch its time limit.
        heeded = isinstance(job.message, TemplateMessage)
        asked = outcome.retry_after if isinstance(outcome, Throttled) and heeded else None
        delay = self._retry.delay(
            job.attempt, self._luck(), at_most=MAX_DELAY_SECONDS, limit=job.time_limit, at_least=asked
        )
        if delay is None:
            self._reject(job, outcome.verdict or Rejected(CallbackError.OTHER, "not accepted by the provider in time"))
            logger.warning("given up", extra={**keys, "reason": reason})
            return None
        self._record(job, "released")
        count("MessagesThrottled" if isinstance(outcome, Throttled) else "MessagesNotSent")
        logger.info("to be sent later", extra={**keys, "reason": reason, "seconds": delay})
        return delay

    def _reject(self, job: Job, verdict: Rejected) -> None:
        if verdict.unlisted:
            count("ErrorsUnlisted")
        if verdict.alarm:
            count("ProviderAccountAlarms")
        if not is_validation_reference(job.reference):
            now = int(self._now())
            failed = StatusEvent("failed", now, job.reference, None, error_code=verdict.code, error_title=verdict.title)
            self._statuses.send(queued_status(job.account.name, failed))
        self._record(job, "rejected")
        count("MessagesRejected")

    def _record(self, job: Job, state: str, bsp_id: str | None = None) -> None:
        self._messages.settle(job.account.name, job.reference, state, bsp_id)


def from_environment(http: HttpClient) -> tuple[Dispatch, FifoSource]:
    """The flow, and the queue of which it takes freeform messages."""
    settings = DispatchSettings.read()
    dispatch = Dispatch(
        Accounts(settings.account_secret_prefix, parse_account),
        Messages(settings.messages_table, settings.message_ttl_days),
        Queue(settings.campaign_queue_url),
        Queue(settings.statuses_queue_url),
        settings.dispatch_retry,
        http,
        KeyService(),
        Notes(settings.messages_table),
    )
    return dispatch, FifoSource(
        Queue(settings.conversation_queue_url), Queue(settings.conversation_dead_letter_queue_url)
    )


def _chunks(pairs: Sequence[tuple[Job, Outgoing]], size: int) -> list[Chunk]:
    return [Chunk(place, pairs[place : place + size]) for place in range(0, len(pairs), size)]
