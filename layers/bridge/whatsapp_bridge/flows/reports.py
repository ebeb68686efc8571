"""What to report to CleverTap about a message (its next statuses, or a click on a link), and the right to do so.

One delivery at a time reports a message's statuses: the one that holds the lease. Clicks are independent of the
ladder of statuses. Each is reported once, identified by its content, however often the BSP reports it.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from pydantic_core import to_json

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.callbacks import StatusUpdate
from whatsapp_bridge.flows import ladder
from whatsapp_bridge.providers.common.message_ids import hidden_if_any
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.runtime.observability import shown_id
from whatsapp_bridge.store.claims import Claims
from whatsapp_bridge.store.journal import Failure, Told, Untold
from whatsapp_bridge.store.leases import Lease, Leases, NoLease
from whatsapp_bridge.store.once import Once


@dataclass(frozen=True, slots=True)
class Item:
    """One queue message with a status. `owner` is its id, `receives` how often it was received."""

    owner: str
    receives: int
    payload: dict[str, Any] = field(repr=False)
    event: StatusEvent

    @property
    def confirms(self) -> bool:
        """Whether it is the failure of a message whose answer was lost and that has had no status since."""
        return "confirm" in self.payload

    @property
    def names(self) -> dict[str, Any]:
        """The keys that identify it in a log."""
        return status_names(str(self.payload["account"]), self.event)


@dataclass(frozen=True, slots=True)
class StatusReport:
    """The next statuses of one message, for which `grant` holds the lease."""

    grant: str
    reference: str
    items: Sequence[Item]
    updates: Sequence[StatusUpdate]
    rung: int
    """The rung that they reach."""
    told: Sequence[Told]
    """The same for the journal, one by one."""
    failure: Failure | None

    @property
    def bsp_code(self) -> str | None:
        return None if self.failure is None else self.failure.bsp_code


@dataclass(frozen=True, slots=True)
class ClickReport:
    """A click on a link in a message, for which `grant` holds the lease."""

    grant: str
    id: str
    reference: str
    items: Sequence[Item]
    updates: Sequence[StatusUpdate]
    bsp_code: None = None


type Report = StatusReport | ClickReport


class Reports:
    """`new_id` makes grants."""

    def __init__(
        self, *, claims: Claims, leases: Leases, once: Once, new_id: Callable[[], str] = lambda: uuid4().hex
    ) -> None:
        self._claims, self._leases, self._once, self._new_id = claims, leases, once, new_id

    def lease(self, account: Account, items: Sequence[Item]) -> Report | NoLease:
        """The report of `items` (a group of `grouped`) with its lease, or the reason why there is no lease."""
        event = items[0].event
        return self._click(account, items) if event.status == "clicked" else self._statuses(account.name, items)

    def _statuses(self, account: str, items: Sequence[Item]) -> StatusReport | NoLease:
        events = [item.event for item in items]
        reference, rung = str(events[0].reference), ladder.target(events)
        # Statuses from dispatch and from the confirmation have no BSP id.
        bsp_id = next((event.bsp_id for event in events if event.bsp_id is not None), None)
        grant = self._new_id()
        lease = self._leases.begin(
            account,
            reference,
            grant,
            rung,
            heard=bsp_id is not None,
            bsp_id=bsp_id,
            unconfirmed=items[0].confirms,
        )
        if isinstance(lease, Lease):
            return _report(grant, reference, items, lease.rung)
        return lease

    def _click(self, account: Account, items: Sequence[Item]) -> ClickReport | NoLease:
        event = items[0].event
        reference, (identifier, *other_ids) = str(event.reference), _kept_clicks(account, event)
        # A person who taps a link has the message, which confirms a message whose answer was lost.
        if not self._claims.clicked(account.name, reference):
            return NoLease.NO_MESSAGE
        grant = self._new_id()
        refused = self._once.begin_click(account.name, identifier, grant, other_ids)
        return refused or ClickReport(grant, identifier, reference, items, [_clicked(event)])

    def end(self, account: str, report: Report) -> None:
        """Record that CleverTap has accepted it."""
        if isinstance(report, ClickReport):
            self._once.end_click(account, report.id)
        else:
            self._leases.end(account, report.reference, report.grant, report.rung, report.told, report.failure)

    def leave(self, account: str, report: Report, untold: Untold | None = None) -> None:
        """Release it: CleverTap has not accepted it, and another delivery may make the next attempt. `untold` says why,
        if it was asked."""
        if isinstance(report, ClickReport):
            self._once.leave_click(account, report.id, report.grant)
        else:
            self._leases.leave(account, report.reference, report.grant, untold)


def _report(grant: str, reference: str, items: Sequence[Item], rung: int) -> StatusReport:
    events = [item.event for item in items]
    steps = ladder.steps(events, rung)
    told = [
        Told(ladder.RUNGS[status], event.timestamp, _heard_at(next(item for item in items if item.event is event)))
        for status, event in steps
    ]
    updates = [ladder.update(reference, status, event) for status, event in steps]
    failures = [
        Failure(update.error.code, update.error.title, event.bsp_code)
        for update, (_, event) in zip(updates, steps, strict=True)
        if update.error is not None
    ]
    failure = failures[0] if failures else None
    return StatusReport(grant, reference, items, updates, ladder.target(events), told, failure)


def _heard_at(item: Item) -> int:
    """When a callback brought it; a confirmation is our own word of now."""
    return item.event.timestamp if item.confirms else int(item.payload["accepted_at"])


def status_names(account: str, event: StatusEvent) -> dict[str, Any]:
    """The keys that identify a status in a log; without what it does not say."""
    names = {
        # Of another system's message it may be anything.
        "msgId": shown_id(event.reference),
        "bspId": None if event.reference is not None else shown_id(hidden_if_any(account, event.bsp_id)),
        "status": event.status,
        "code": event.error_code,
        "bspCode": event.bsp_code,
    }
    return {name: value for name, value in names.items() if value is not None}


def grouped(items: Sequence[Item]) -> tuple[list[Item], list[list[Item]]]:
    """Items without a known message, and groups of the others: a message's statuses; a click and its duplicates."""
    unknown: list[Item] = []
    clicks: dict[bytes, list[Item]] = defaultdict(list)
    statuses: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.event.reference is None:
            unknown.append(item)
        elif item.event.status == "clicked":
            clicks[_click_id(item.event)].append(item)
        else:
            statuses[item.event.reference].append(item)
    return unknown, [*statuses.values(), *clicks.values()]


def _click_id(event: StatusEvent) -> bytes:
    """The same for each report of the same click; BSPs give clicks no id."""
    return to_json([event.reference, event.timestamp, event.url, event.short_url, event.user_agent])


def _kept_clicks(account: Account, event: StatusEvent) -> list[str]:
    """Under each of the account's keys: a link may end with a value of the message, and few values can be tried out."""
    return [digest.hex() for digest in account.keys.digests(b"click:" + _click_id(event))]


def _clicked(event: StatusEvent) -> StatusUpdate:
    return StatusUpdate(
        msg_id=str(event.reference),
        status="clicked",
        timestamp=event.timestamp,
        url=event.url,
        short_url=event.short_url,
        user_agent=event.user_agent,
    )
