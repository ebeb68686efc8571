"""incoming and status: take a BSP's callback.

Authenticate, split into events, put each on its queue, acknowledge. Nothing is translated, decrypted or fetched here: a
callback is acknowledged in milliseconds, and only once everything in it is stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from hashlib import sha256
from typing import Any, NamedTuple

from whatsapp_bridge.accounts import Account
from whatsapp_bridge.events import body_of, headers_of
from whatsapp_bridge.flows.quarantine import Quarantine
from whatsapp_bridge.flows.status_queue import queued_status
from whatsapp_bridge.observability import count, logger
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.contract import (
    Callback,
    Event,
    Inbound,
    NotACallback,
    NotUnderstood,
    ReplyEvent,
    StatusEvent,
)
from whatsapp_bridge.settings import ReceiveSettings
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.payloads import Payloads
from whatsapp_bridge.store.queues import Entry, Queue


def callback_of(event: Mapping[str, Any]) -> Callback:
    """An API Gateway event as a callback."""
    method = str(event["requestContext"]["http"]["method"])
    query = event.get("queryStringParameters") or {}
    return Callback(method, headers_of(event), query, body_of(event))


class Acknowledgement(NamedTuple):
    """An HTTP status and body for the BSP."""

    status: int
    body: str = ""


FORBIDDEN = Acknowledgement(403, "forbidden")


class Receive:
    def __init__(
        self,
        accounts: Accounts,
        replies: Queue,
        statuses: Queue,
        quarantine: Quarantine,
        payloads: Payloads,
    ) -> None:
        self._accounts, self._replies, self._statuses = accounts, replies, statuses
        self._quarantine, self._payloads = quarantine, payloads

    @classmethod
    def from_environment(cls) -> "Receive":
        settings = ReceiveSettings.read()
        payloads = Payloads(settings.payloads_bucket)
        return cls(
            Accounts(settings.account_secret_prefix),
            Queue(settings.replies_queue_url),
            Queue(settings.statuses_queue_url),
            Quarantine(Queue(settings.quarantine_queue_url), payloads),
            payloads,
        )

    def __call__(self, account_name: str, token: str, callback: Callback) -> Acknowledgement:
        """Acknowledge a callback once it is stored. Raises when it could not be, so that the BSP sends it again."""
        account = self._accounts.with_token(account_name, token)
        if account is None:
            count("CallbacksForbidden")
            return FORBIDDEN
        inbound = registry.inbound(account.provider_type)
        challenge = inbound.challenge(callback, account) if callback.method == "GET" else None
        if challenge is not None:
            return Acknowledgement(200, challenge)
        if not inbound.authentic(callback, account):
            count("CallbacksForbidden")
            logger.warning("callback without its proof of origin", extra={"account": account.name})
            return FORBIDDEN
        return self._store(account, inbound, callback)

    def _store(self, account: Account, inbound: Inbound, callback: Callback) -> Acknowledgement:
        try:
            events = inbound.split(callback)
        except NotACallback as error:
            count("CallbacksMalformed")
            logger.warning("no callback of this BSP", extra={"account": account.name, "reason": str(error)})
            return Acknowledgement(400, str(error))
        self._replies.send_all(self._reply(account, event) for event in events if isinstance(event, ReplyEvent))
        self._statuses.send_all(queued_status(account.name, event) for event in _statuses(events))
        self._quarantine.put(account.name, [event for event in events if isinstance(event, NotUnderstood)])
        count("EventsReceived", len(events))
        return Acknowledgement(200)

    def _reply(self, account: Account, event: ReplyEvent) -> Entry:
        body = self._payloads.pack({"account": account.name, "reply": asdict(event)})
        # One person's messages keep their order; a repeat within SQS's five minutes ends here, later ones in forward.
        deduplication = sha256(f"{account.name}#{event.id}".encode()).hexdigest()
        return Entry(body, f"{account.name}.{account.pseudonym(event.sender)}", deduplication)


def _statuses(events: Iterable[Event]) -> Iterable[StatusEvent]:
    for event in events:
        if isinstance(event, StatusEvent):
            if event.unlisted:
                count("StatusesUnlisted")
            yield event
