"""A message for the BSP, as dispatch reads it from its queue."""

from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage, is_validation_reference
from whatsapp_bridge.clevertap.reading import InvalidMessage, read_message
from whatsapp_bridge.flows.hops import next_hop
from whatsapp_bridge.flows.records import Record, Unprocessable
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.queues import Entry


@dataclass(frozen=True, slots=True)
class Job:
    """`owner` is the id of the queue message that holds it, `grant` that of this delivery."""

    account: Account = field(repr=False)
    reference: str
    message: TemplateMessage | FreeformMessage = field(repr=False)
    owner: str
    grant: str
    attempt: int
    payload: dict[str, Any] = field(repr=False)

    @property
    def recipient(self) -> str:
        """The person's pseudonym."""
        return self.account.pseudonym(self.message.to)

    @property
    def time_limit(self) -> int:
        """Seconds."""
        options = self.account.options
        if isinstance(self.message, TemplateMessage):
            return options.campaign_time_limit_seconds
        return options.conversation_time_limit_seconds

    @property
    def reports(self) -> bool:
        """Whether its statuses are reported; CleverTap cannot correlate those of its own validation messages."""
        return not is_validation_reference(self.reference)

    @property
    def names(self) -> dict[str, Any]:
        """The keys that identify it in a log."""
        return {"account": self.account.name, "msgId": self.reference, "attempt": self.attempt}

    def again(self, attempt: int, delay: int) -> Entry:
        """The queue message for the attempt after `delay` seconds."""
        return Entry(to_json({**self.payload, "attempt": attempt, **next_hop(self.payload)}).decode(), delay=delay)

    def given_up(self) -> Entry:
        """The queue message for the dead-letter queue. A redriven message starts its schedule anew."""
        return Entry(to_json({**self.payload, "attempt": 1, "hops": 0}).decode())


def read_job(record: Record, accounts: Accounts, grant: str, attempt: int | None = None) -> Job:
    """`attempt` is given if the queue counts attempts; else the payload does. Raises `Unprocessable`."""
    try:
        payload = from_json(record.body)
        name, reference, message = payload["account"], payload["reference"], read_message(payload["message"])
    except (ValueError, KeyError, InvalidMessage):
        raise Unprocessable("not a message of this bridge") from None
    account = accounts.get(name)
    if account is None:
        raise Unprocessable("no such account")
    return Job(account, reference, message, record.id, grant, attempt or int(payload.get("attempt", 1)), payload)
