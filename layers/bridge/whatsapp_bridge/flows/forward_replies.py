"""forward, replies: pass on messages from people, one by one and immediately.

One person's messages keep their order: their queue is FIFO, and a message that must wait delays only the same person's
messages. The steps for each: open, fetch the file, correlate, report. A file that cannot be fetched is reported as
text.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil
from time import time
from typing import Final
from uuid import uuid4

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.callbacks import Context
from whatsapp_bridge.clevertap.client import NotTried, RefusedCallback, Taken, TryLater
from whatsapp_bridge.clevertap.messages import VALIDATION_MSG_ID, is_validation_reference
from whatsapp_bridge.flows import correlation, taps
from whatsapp_bridge.flows.callbacks import Callbacks
from whatsapp_bridge.flows.people_files import PeopleFiles
from whatsapp_bridge.flows.people_without_number import PeopleWithoutNumber
from whatsapp_bridge.flows.quarantine import Quarantine
from whatsapp_bridge.flows.recent import RecentSending
from whatsapp_bridge.flows.recording import Recording
from whatsapp_bridge.flows.records import Postponed, Record, Unprocessable
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.capabilities import NO_TIME
from whatsapp_bridge.providers.common import user_ids
from whatsapp_bridge.providers.common.message_ids import hidden
from whatsapp_bridge.providers.common.values import seconds
from whatsapp_bridge.providers.contract.client import Client, Services, Unreadable
from whatsapp_bridge.providers.contract.inbound import NO_NUMBER, NotUnderstood, ReplyEvent
from whatsapp_bridge.providers.contract.replies import Reply
from whatsapp_bridge.runtime.breaker import May
from whatsapp_bridge.runtime.observability import count, count_with_account, log_failure, logger, measure
from whatsapp_bridge.runtime.schedules import ForwardRetry, system_jitter
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.claims import Claims
from whatsapp_bridge.store.lasting import is_lasting
from whatsapp_bridge.store.leases import NoLease
from whatsapp_bridge.store.once import Once
from whatsapp_bridge.store.payloads import PayloadGone, Payloads
from whatsapp_bridge.store.queues import MAX_VISIBILITY_SECONDS, Entry, RepliesDeadLetters
from whatsapp_bridge.store.waiting import Waiting

# SQS deletes a message 14 days after it was sent. Until then all that wait behind a reply must have had their turn.
_GIVEN_UP_SECONDS: Final = 12 * 86_400
# The person's next replies wait meanwhile.
_LONGEST_ASKED_SECONDS: Final = 900
# While CleverTap is away. When it is back, a chat must not wait for much longer.
_LONGEST_HELD_SECONDS: Final = 900
_BUSY_SECONDS: Final = 5
# So long after a person has written it, a message that comes is as a rule a repeat.
_FRESH_SECONDS: Final = 60
# For the record of a message that has just left, or the first status of one whose answer was lost.
_ANSWERED_SECONDS: Final = 6
_ANSWERED_AGAIN_SECONDS: Final = 2


class ForwardReplies:
    """`services` makes what one client may use; `jitter` gives 0 to 1; `now` gives seconds since 1970; `new_id` makes
    grants."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        claims: Claims,
        once: Once,
        dead_letters: RepliesDeadLetters,
        quarantine: Quarantine,
        people_without_number: PeopleWithoutNumber,
        payloads: Payloads,
        files: PeopleFiles,
        retry: ForwardRetry,
        callbacks: Callbacks,
        recording: Recording,
        recent: RecentSending,
        waiting: Waiting,
        services: Callable[[], Services],
        jitter: Callable[[], float] = system_jitter,
        now: Callable[[], float] = time,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._accounts, self._claims, self._once, self._payloads = accounts, claims, once, payloads
        self._dead_letters, self._quarantine = dead_letters, quarantine
        self._people_without_number, self._files = people_without_number, files
        self._retry, self._callbacks, self._recording, self._services = retry, callbacks, recording, services
        self._recent, self._waiting = recent, waiting
        self._jitter, self._now, self._new_id = jitter, now, new_id

    def __call__(self, record: Record) -> None:
        """Forward one message from a person. Raises `Postponed` if it must be retried."""
        measure("ReplyAge", self._now() - record.sent_at)
        try:
            payload = self._payloads.unpack(record.body)
            name, event = payload["account"], ReplyEvent(**payload["reply"])
            # Replies of an older version do not say it.
            received = int(payload.get("received", record.sent_at))
            # Under the account's other keys, while these are rotated.
            other_ids = [str(other) for other in payload.get("other_ids", ())]
        except PayloadGone:
            raise Unprocessable("its payload is no longer in the bucket") from None
        except Exception as error:
            if not is_lasting(error):
                raise
            raise Unprocessable("not a reply of this bridge") from None
        account = self._accounts.get(name)
        if account is None:
            raise Unprocessable("no such account")
        permission = self._callbacks.permission(account, "incoming")
        if permission.may is May.WAIT:
            self._hold(account, event, record, permission.seconds)
            return
        try:
            self._once_only(account, event, other_ids, received, record)
        except Exception as error:
            if not is_lasting(error):
                raise
            log_failure("reply cannot be forwarded", error, **_names(account, event))
            raise Unprocessable(f"fails each time: {type(error).__name__}") from None
        finally:
            if permission.may is May.PROBE:
                self._callbacks.unused(account, "incoming")

    def _hold(self, account: Account, event: ReplyEvent, record: Record, seconds: float) -> None:
        """CleverTap is away, for `seconds` at least: the reply waits without being touched."""
        delay = self._delay(record)
        if delay is None:
            self._dead_letter(account, event, record, "CleverTap is paused")
        else:
            raise Postponed(min(max(delay, ceil(seconds)), _LONGEST_HELD_SECONDS))

    def _once_only(
        self, account: Account, event: ReplyEvent, other_ids: Sequence[str], received: int, record: Record
    ) -> None:
        grant, sender = self._new_id(), account.keys.pseudonyms(event.sender) if event.sender.isdigit() else ()
        late = _is_late(event, record)
        begun = self._once.begin_reply(account.name, event.id, grant, sender, other_ids, late=late)
        if begun is NoLease.REPEAT:
            count("RepeatsDropped")
            return
        if isinstance(begun, NoLease):
            # An earlier delivery forwards it, or died with the right, which soon expires.
            raise Postponed(_BUSY_SECONDS)
        # Its own id from here on, also where the BSP has given the same to another person's message.
        event = replace(event, id=begun)
        try:
            kept_elsewhere = self._forward(account, event, received, record)
        except Exception:
            self._leave(account, event, grant)
            raise
        if kept_elsewhere:
            self._leave(account, event, grant)

    def _leave(self, account: Account, event: ReplyEvent, grant: str) -> None:
        try:
            self._once.leave_reply(account.name, event.id, grant)
        except Exception as error:  # noqa: BLE001 - logged; the right expires, and until then the reply waits
            log_failure("right not released", error, **_names(account, event))

    def _forward(self, account: Account, event: ReplyEvent, received: int, record: Record) -> bool:
        """Whether it is not reported, but kept for an operator."""
        client = registry.client(account.provider_type)(account, self._services())
        reply = self._open(client, account, event, record)
        if isinstance(reply, NotUnderstood):
            self._keep(account, event, reply)
            return True
        if reply.message.timestamp == NO_TIME:
            reply = replace(reply, message=reply.message.model_copy(update={"timestamp": received}))
        if reply.attachment is not None:
            message = self._files.linked(client, account, event.id, reply.message, reply.attachment)
            reply = replace(reply, message=message)
        return self._report(account, event, reply, record)

    def _keep(self, account: Account, event: ReplyEvent, reply: NotUnderstood) -> None:
        if reply.reason == NO_NUMBER:
            person, *_ = user_ids.places(account.keys, event.sender)
            self._people_without_number.put(account, person, reply)
        else:
            self._quarantine.put(account.name, [reply])

    def _open(self, client: Client, account: Account, event: ReplyEvent, record: Record) -> Reply | NotUnderstood:
        try:
            element = client.open(event.element)
        except Unreadable as error:
            count("RepliesUnreadable")
            logger.error("reply cannot be decrypted", extra={**_names(account, event), "reason": error.reason})
            delay = self._delay(record) if error.retriable else None
            if delay is not None:
                raise Postponed(delay) from None
            if error.rest is None:
                return NotUnderstood("reply", error.reason, event.element)
            element = error.rest
        reply = registry.replies(account.provider_type).reply(element, account)
        # Quarantine the encrypted element, not the decrypted one.
        return replace(reply, element=event.element) if isinstance(reply, NotUnderstood) else reply

    def _report(self, account: Account, event: ReplyEvent, reply: Reply, record: Record) -> bool:
        """Whether it is dead-lettered."""
        message = reply.message
        answered = self._answered(account, event, reply, record)
        if answered is not None:
            message = taps.put_back(self._claims, account, answered, message)
            message = message.model_copy(update={"context": Context(id=_msg_id(answered))})
        keys = {**_names(account, event), "sender": account.keys.pseudonym(event.sender)}
        match self._callbacks.deliver(account, "incoming", message.wire()):
            case Taken():
                self._end(account, event)
                count("RepliesForwarded")
                logger.info("reply forwarded", extra=keys)
                return False
            case NotTried():
                raise Postponed(_BUSY_SECONDS)
            case TryLater(reason, retry_after):
                count("CleverTapUnavailable")
                logger.warning("CleverTap not available", extra={**keys, "reason": reason})
                delay = self._delay(record, retry_after)
                if delay is not None:
                    raise Postponed(delay)
                self._dead_letter(account, event, record, reason)
                return True
            case RefusedCallback(status):
                self._dead_letter(account, event, record, f"HTTP {status}")
                return True

    def _end(self, account: Account, event: ReplyEvent) -> None:
        """CleverTap has it: what is not recorded is told again."""
        (error,) = self._recording.each(lambda reply: self._once.end_reply(account.name, reply), [event.id])
        if error is not None:
            raise error

    def _answered(self, account: Account, event: ReplyEvent, reply: Reply, record: Record) -> str | None:
        """The reference of the answered message. Raises `Postponed` if it may soon be recorded."""
        reference = reply.answers_reference
        if reference is None and reply.answers_bsp_id is not None:
            ids = filter(None, (reply.answers_bsp_id, reply.or_bsp_id))
            found = (self._claims.reference_of(account.name, bsp_id) for bsp_id in ids)
            reference = next(filter(None, found), None)
            if reference is None:
                reference = correlation.of_reply(self._waiting, account, reply.message.sender, reply.answers_bsp_id)
            # Also what it has waited behind others.
            waited = self._now() - record.sent_at
            if reference is None and waited < _ANSWERED_SECONDS and self._recent.known_of(account.name):
                raise Postponed(_ANSWERED_AGAIN_SECONDS)
        return reference

    def _delay(self, record: Record, asked: float | None = None) -> int | None:
        """By time, not by receives, which Lambda's throttling adds to. The schedule begins when the reply's turn comes,
        so that what it waits behind other replies takes nothing from it. `asked` is what CleverTap asks for."""
        elapsed = self._now() - record.first_received_at
        return self._retry.delay(
            self._retry.attempt_at(elapsed, at_most=MAX_VISIBILITY_SECONDS),
            self._jitter(),
            at_most=MAX_VISIBILITY_SECONDS,
            elapsed=elapsed,
            limit=record.sent_at + _GIVEN_UP_SECONDS - record.first_received_at,
            at_least=None if asked is None else min(asked, _LONGEST_ASKED_SECONDS),
        )

    def _dead_letter(self, account: Account, event: ReplyEvent, record: Record, reason: str) -> None:
        # The record's id deduplicates: if a delivery dies after this line, the next one repeats it.
        self._dead_letters.send(Entry(record.body, f"{account.name}.{account.keys.pseudonym(event.sender)}", record.id))
        count_with_account("RepliesDeadLettered", account.name)
        logger.error("reply dead-lettered", extra={**_names(account, event), "reason": reason})


def _msg_id(reference: str) -> str:
    """What CleverTap calls the message."""
    return VALIDATION_MSG_ID if is_validation_reference(reference) else reference


def _is_late(event: ReplyEvent, record: Record) -> bool:
    """Whether it may be a repeat: a person has written it a while before it came."""
    return record.sent_at - seconds(event.element.get("timestamp")) > _FRESH_SECONDS


def _names(account: Account, event: ReplyEvent) -> dict[str, str]:
    """The keys that identify it in a log."""
    return {"account": account.name, "id": hidden(account.name, event.id)}
