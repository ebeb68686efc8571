"""incoming and status: receive a BSP's callback.

Authenticate, split into events, put each on its queue, acknowledge. Nothing is translated, decrypted or fetched here: a
callback is acknowledged in milliseconds, but only after everything in it is stored.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from time import time
from typing import Any, NamedTuple
from zlib import crc32

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.accounts.phone_numbers import same
from whatsapp_bridge.flows.quarantine import Quarantine
from whatsapp_bridge.flows.status_queue import queued_status
from whatsapp_bridge.flows.template_queue import notice_entry
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.capabilities import NO_TIME
from whatsapp_bridge.providers.common import user_ids
from whatsapp_bridge.providers.common.bodies import query
from whatsapp_bridge.providers.common.message_ids import bounded, hidden, kept
from whatsapp_bridge.providers.contract.inbound import (
    BodyUnreadable,
    Callback,
    Event,
    Ignored,
    Inbound,
    NotACallback,
    Notice,
    NotUnderstood,
    ReplyEvent,
    ReportedError,
)
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.runtime.events import body_of, headers_of
from whatsapp_bridge.runtime.json_text import sound
from whatsapp_bridge.runtime.observability import count, count_with_account, logger
from whatsapp_bridge.store.accounts import Accounts, BeyondBudget
from whatsapp_bridge.store.payloads import Payloads
from whatsapp_bridge.store.queues import MAX_MESSAGE_BYTES, Entry, Queue, RepliesQueue, StatusesQueue, TemplatesQueue

# SQS takes ten entries per call, in some milliseconds: up to two calls run in sequence, more in parallel.
_AT_ONCE = 20
_LANES = 8
# A retried status is queued again with higher, so longer, counters.
_MAX_STATUS_BYTES = MAX_MESSAGE_BYTES - 64
# Scanners find the URLs of callbacks: it is counted, and not logged.
_NOT_ADDRESSED = "callback without one of the account's tokens"


def callback_of(event: Mapping[str, Any]) -> Callback:
    """An API Gateway event as a callback."""
    http = event["requestContext"]["http"]
    query = event.get("queryStringParameters") or {}
    return Callback(str(http["method"]), headers_of(event), query, body_of(event), str(http.get("sourceIp", "")))


def _whole(callback: Callback) -> dict[str, Any]:
    """What an operator needs to make the same request again."""
    content_type = sound(callback.headers.get("content-type", ""))
    return {"base64": b64encode(callback.body).decode(), "content_type": content_type, "query": query(callback)}


class Acknowledgement(NamedTuple):
    """An HTTP status and body for the BSP."""

    status: int
    body: str = ""


FORBIDDEN = Acknowledgement(403, "forbidden")
TOO_MANY = Acknowledgement(429, "too many requests")


class Receive:
    """`now` gives seconds since 1970."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        replies: RepliesQueue,
        statuses: StatusesQueue,
        templates: TemplatesQueue,
        quarantine: Quarantine,
        payloads: Payloads,
        now: Callable[[], float] = time,
    ) -> None:
        self._accounts, self._replies, self._statuses = accounts, replies, statuses
        self._templates = templates
        self._quarantine, self._payloads, self._now = quarantine, payloads, now

    def __call__(self, account_name: str, token: str, callback: Callback) -> Acknowledgement:
        """Acknowledge a callback after it is stored. Raises if it could not be stored, so that the BSP sends it
        again."""
        # For a BSP, the address with a slash at its end may be the same.
        addressed, token = token, token.rstrip("/")
        # Whatever does not match, the account is read again: its token, networks or the BSP's secret may be new.
        try:
            account = self._accounts.matching(account_name, lambda known: _refusal(callback, token, known) is None)
        except BeyondBudget:
            # No 403, after which some BSPs give a callback up: it may be a new account's.
            return TOO_MANY
        if account is None:
            self._forbidden(account_name, token, callback)
            return FORBIDDEN
        inbound = registry.inbound(account.provider_type)
        challenge = _challenge(callback, account)
        if challenge is not None:
            return Acknowledgement(200, challenge)
        if not account.is_first_token(token):
            count("OldCallbackTokens")
            logger.info("callback with another token than the account's first", extra={"account": account.name})
        if addressed != token:
            count("CallbacksWithSlash")
            logger.info("callback to an address with a slash at its end", extra={"account": account.name})
        if callback.method == "GET" and not (callback.query or callback.body.strip()):
            # A browser's or a monitor's: a BSP that tests the URL in this way has `challenge`.
            count("CallbacksEmpty")
            return Acknowledgement(400, "empty")
        return self._store(account, inbound, callback)

    def _forbidden(self, account_name: str, token: str, callback: Callback) -> None:
        count("CallbacksForbidden")
        account = self._accounts.get(account_name)
        refusal = _refusal(callback, token, account) if account is not None else _NOT_ADDRESSED
        if refusal is not None and refusal != _NOT_ADDRESSED:
            logger.warning(refusal, extra={"account": account_name})

    def _store(self, account: Account, inbound: Inbound, callback: Callback) -> Acknowledgement:
        try:
            events: Sequence[Event] = [_not_own(account, event) for event in inbound.split(callback, account)]
        except (BodyUnreadable, NotACallback) as error:
            count("CallbacksUnreadable" if isinstance(error, BodyUnreadable) else "CallbacksMalformed")
            events = [NotUnderstood("body", str(error), _whole(callback))]
        if not events:
            count("CallbacksEmpty")
        _count_others(account, events)
        now = self._now()
        _send(self._replies, [self._reply(account, event, now) for event in events if isinstance(event, ReplyEvent)])
        statuses = list(_statuses(account, events, now))
        queued = [_queued(account.name, event, now) for event in statuses]
        _send(self._statuses, [entry for entry in queued if isinstance(entry, Entry)])
        noticed = [_noticed(account.name, event, now) for event in events if isinstance(event, Notice)]
        _send(self._templates, [entry for entry in noticed if isinstance(entry, Entry)])
        unknown = [event for event in (*events, *queued, *noticed) if isinstance(event, NotUnderstood)]
        self._quarantine.put_callback(account.name, unknown, lambda: _whole(callback))
        count("EventsReceived", sum(not isinstance(event, ReportedError) for event in events))
        if statuses:
            count("StatusesReceived", len(statuses))
        return Acknowledgement(200)

    def _reply(self, account: Account, event: ReplyEvent, now: float) -> Entry:
        name, *other_names = kept(account, event.id)
        event = replace(event, id=name)
        reply = {"account": account.name, "reply": asdict(event), "received": int(now)}
        if other_names:
            reply["other_ids"] = other_names
        body = self._payloads.pack(reply)
        # One person's messages keep their order. SQS drops a duplicate within five minutes, forward drops later ones.
        deduplication = sha256(f"{account.name}#{hidden(account.name, event.id)}".encode()).hexdigest()
        return Entry(body, f"{account.name}.{account.keys.pseudonym(event.sender)}", deduplication)


def _refusal(callback: Callback, token: str, account: Account) -> str | None:
    """Why this is no callback of the account's BSP; None if it is one."""
    if not account.token_matches(token):
        return _NOT_ADDRESSED
    if not account.admits(callback.source):
        return "callback from outside options.source_networks"
    authentic = _challenge(callback, account) is not None or registry.inbound(account.provider_type).authentic(
        callback, account
    )
    return None if authentic else "callback without its proof of origin"


def _challenge(callback: Callback, account: Account) -> str | None:
    """The answer to the BSP's verification of the URL; None if this is none."""
    return registry.inbound(account.provider_type).challenge(callback, account) if callback.method == "GET" else None


def _queued(account: str, event: StatusEvent, now: float) -> Entry | NotUnderstood:
    """The queue's entry; a status that cannot be queued is quarantined, or else the callback could not be stored."""
    if event.reference is not None and bounded(event.reference) != event.reference:
        return NotUnderstood("status", "an id is too long", asdict(event))
    entry = queued_status(account, event, now)
    if entry.size > _MAX_STATUS_BYTES:
        return NotUnderstood("status", "too large for its queue", asdict(event))
    return entry


def _noticed(account: str, event: Notice, now: float) -> Entry | NotUnderstood:
    entry = notice_entry(account, event.element, now)
    return (
        entry if entry.size <= MAX_MESSAGE_BYTES else NotUnderstood("notice", "too large for its queue", event.element)
    )


def _send(queue: Queue, entries: Sequence[Entry]) -> None:
    """Store all entries. Raises `NotStored` if one was not stored."""
    if len(entries) <= _AT_ONCE:
        queue.send_all(entries)
        return
    # Imported here because most callbacks hold one event.
    from whatsapp_bridge.flows.parallel import each

    for result in each(queue.send_all, _lanes(entries)):
        if isinstance(result, Exception):
            raise result


def _lanes(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Lanes of entries to send in parallel. On a FIFO queue a group's entries are in one lane, which keeps their
    order."""
    lanes: dict[int, list[Entry]] = {}
    for place, entry in enumerate(entries):
        lane = place if entry.deduplication is None else crc32(str(entry.group).encode())
        lanes.setdefault(lane % _LANES, []).append(entry)
    return list(lanes.values())


def _statuses(account: Account, events: Iterable[Event], now: float) -> Iterable[StatusEvent]:
    for event in events:
        if isinstance(event, StatusEvent):
            if event.unlisted:
                count("StatusesUnlisted")
            if event.alarm:
                _alarm(account, event.error_code, event.error_title)
            event = _without_number(account, event)
            yield replace(event, timestamp=int(now)) if event.timestamp == NO_TIME else event


def _count_others(account: Account, events: Iterable[Event]) -> None:
    """What goes on no queue."""
    for event in events:
        if isinstance(event, Ignored):
            count("EventsIgnored")
        elif isinstance(event, ReportedError) and event.alarm:
            _alarm(account, event.code, event.title)
        elif isinstance(event, ReportedError):
            keys = {"account": account.name, "code": event.code, "title": event.title}
            logger.warning("the BSP reports an error", extra=keys)


def _alarm(account: Account, code: int | None, title: str | None) -> None:
    count_with_account("ProviderAccountAlarms", account.name)
    logger.error("the BSP refuses the account", extra={"account": account.name, "code": code, "title": title})


def _not_own(account: Account, event: Event) -> Event:
    """What the account's own number has written, an echo of some systems, is no person's."""
    if isinstance(event, ReplyEvent) and same(event.sender, account.waba_number):
        return NotUnderstood("message", "from the account's own number", event.element)
    return event


def _without_number(account: Account, event: StatusEvent) -> StatusEvent:
    """No phone numbers on the queue of statuses, but for the one in WhatsApp's id where nothing else names the
    message: it may have to be found among those that were stored as they were, or by the version before."""
    if event.user_id is not None and event.recipient is not None:
        event = replace(event, user_note=user_ids.note_of(account.keys, event.user_id, event.recipient))
    elif event.user_id is not None and event.reference is None:
        event = replace(event, user_note_keys=user_ids.places(account.keys, event.user_id))
    event = replace(event, user_id=None)
    if event.recipient is not None:
        recipient, *others = account.keys.pseudonyms(event.recipient)
        event = replace(event, recipient=recipient, other_recipients=others)
    if event.bsp_id is not None and event.reference is not None:
        event = replace(event, bsp_id=hidden(account.name, event.bsp_id))
    return event
