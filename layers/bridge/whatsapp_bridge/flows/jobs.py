"""A message for the BSP, as dispatch reads it from its queue."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic_core import from_json, to_json

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage, is_validation_reference
from whatsapp_bridge.clevertap.reading import InvalidMessage, read_message
from whatsapp_bridge.flows.hops import is_redriven, next_hop, without_hops
from whatsapp_bridge.flows.records import Record, Unprocessable
from whatsapp_bridge.store import journal
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.queues import Entry

_REFUSED_WITH: Final = "refused_with"
_HELD: Final = "held"
# What a redriven message does not go on with.
_OF_ONE_LIFE: Final = frozenset({_REFUSED_WITH, _HELD})


@dataclass(frozen=True, slots=True)
class Later:
    """The message's next delivery: after `delay` (seconds), as this attempt. `released`: this delivery had the claim,
    and gave it to the next one. `refused_with` as in `Outgoing`, if it is news. `held` is the reason of `journal.Held`
    why it was not tried."""

    delay: int
    attempt: int
    released: bool = False
    refused_with: int | None = None
    held: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """`record` is the id of the queue message, `grant` that of this delivery. `owner` is the queue message that may
    claim it: this one, or the one that it continues because that was put back untried.

    Its time limit (seconds) begins with `accepted_at` (seconds since 1970).
    """

    account: Account = field(repr=False)
    reference: str
    message: TemplateMessage | FreeformMessage = field(repr=False)
    record: str
    owner: str
    grant: str
    attempt: int
    accepted_at: float
    time_limit: int
    receives: int
    """Of the queue message."""
    payload: dict[str, Any] = field(repr=False)

    @property
    def recipient(self) -> str:
        """The person's pseudonym."""
        return self.account.keys.pseudonym(self.message.to)

    @property
    def is_template(self) -> bool:
        """Its next attempts are queue messages of their own; those of a freeform message are the same one's."""
        return isinstance(self.message, TemplateMessage)

    @property
    def turn(self) -> str | None:
        """The grant of the delivery that has given its claim to this queue message."""
        return self.payload.get("turn")

    @property
    def hops(self) -> int:
        return int(self.payload.get("hops", 0))

    @property
    def refused_with(self) -> int | None:
        """As in `Outgoing`."""
        return self.payload.get(_REFUSED_WITH)

    @property
    def begun(self) -> journal.Begun:
        """What its claim keeps."""
        return journal.Begun(self.accepted_at, self.time_limit, self.attempt, self.payload.get(_HELD, {}))

    def tried(self, outcome: str, bsp_code: str | None = None, reason: str = "") -> journal.Tried:
        """What came of this attempt; `outcome` is one of `journal.OUTCOMES`."""
        return journal.Tried(self.attempt, outcome, bsp_code, reason)

    @property
    def reports(self) -> bool:
        """Whether its statuses are reported; CleverTap cannot correlate those of its own validation messages."""
        return not is_validation_reference(self.reference)

    @property
    def names(self) -> dict[str, Any]:
        """The keys that identify it in a log."""
        return {"account": self.account.name, "msgId": self.reference, "attempt": self.attempt}

    def seconds_left(self, now: float) -> float:
        """Of its time limit."""
        return self.accepted_at + self.time_limit - now

    def again(self, later: Later, now: float) -> Entry:
        """The queue message for the next delivery, which is sent `now`."""
        hop = next_hop(self.payload, now)
        news: dict[str, Any] = {} if later.refused_with is None else {_REFUSED_WITH: later.refused_with}
        if later.held is not None:
            news[_HELD] = journal.held_once_more(self.payload.get(_HELD, {}), later.held, now)
        goes_on = {"attempt": later.attempt, "accepted_at": self.accepted_at, **hop, **news}
        return self._entry({**self.payload, **goes_on}, later)

    def given_up(self, later: Later) -> Entry:
        """The queue message for the dead-letter queue. A redriven message starts its schedule and its time anew."""
        anew = {name: value for name, value in without_hops(self.payload).items() if name not in _OF_ONE_LIFE}
        return self._entry({**anew, "attempt": 1}, replace(later, delay=0))

    def _entry(self, payload: dict[str, Any], later: Later) -> Entry:
        right = {"turn": self.grant, "owner": None} if later.released else {"owner": self.owner}
        return Entry(to_json({**payload, **right}).decode(), group=self.account.name, delay=later.delay)


def read_job(record: Record, accounts: Accounts, grant: str, longest: int, attempt: int | None = None) -> Job:
    """`longest` is the most that an account's time limit may be (seconds). `attempt` is given if the queue counts
    attempts; else the payload does. Raises `Unprocessable`."""
    try:
        payload = from_json(record.body)
        name, reference, message = payload["account"], payload["reference"], read_message(payload["message"])
    except (ValueError, KeyError, TypeError, InvalidMessage):
        raise Unprocessable("not a message of this bridge") from None
    account = accounts.get(name)
    if account is None:
        raise Unprocessable("no such account")
    options = account.options
    template = isinstance(message, TemplateMessage)
    limit = min(options.campaign_time_limit_seconds if template else options.conversation_time_limit_seconds, longest)
    return Job(
        account=account,
        reference=reference,
        message=message,
        record=record.id,
        owner=payload.get("owner") or record.id,
        grant=grant,
        attempt=attempt or int(payload.get("attempt", 1)),
        accepted_at=_accepted_at(record, payload),
        time_limit=limit,
        receives=record.attempt,
        payload=payload,
    )


def _accepted_at(record: Record, payload: dict[str, Any]) -> float:
    """A message's first queue message is sent when it is accepted; what is sent again carries that time. A redriven one
    starts anew."""
    redriven = is_redriven(payload, record.sent_at, record.sent_at)
    return record.sent_at if redriven else float(payload.get("accepted_at", record.sent_at))
