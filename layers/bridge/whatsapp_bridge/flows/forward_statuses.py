"""forward, statuses: tell CleverTap what became of messages, in one POST per account and batch.

Each message's ladder is climbed by one queue message at a time. CleverTap is told first, the table second: a delivery
that dies in between tells CleverTap the same again, and one that dies before tells it for the first time.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from time import time
from typing import Any, Literal

from pydantic_core import from_json

from whatsapp_bridge.accounts import Account
from whatsapp_bridge.clevertap.callbacks import StatusCallback, StatusUpdate
from whatsapp_bridge.clevertap.client import Delivery, RefusedCallback, Taken, TryLater, deliver
from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.clevertap.messages import is_validation_reference
from whatsapp_bridge.flows import ladder
from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.flows.quarantine import Quarantine
from whatsapp_bridge.flows.records import Pointless, Record
from whatsapp_bridge.flows.status_queue import repeated
from whatsapp_bridge.http import HttpClient
from whatsapp_bridge.observability import count, log_failure, logger
from whatsapp_bridge.providers.contract import NotUnderstood, StatusEvent
from whatsapp_bridge.schedules import Schedule, system_luck
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.messages import Climb, Climbing, Messages
from whatsapp_bridge.store.notes import FILES_LOST, FILES_LOST_SECONDS, Notes
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS, Entry, Queue

# CleverTap said that the content is at fault: another batch, or a part of this one, may pass.
_CONTENT_REFUSED = {400, 413, 422}
# Finding the one bad status of 500 takes 19 requests, two of them 35.
_MAX_POSTS = 40
_BUSY_SECONDS = 5

type Counter = Literal["attempt", "waits"]
"""Of a payload: how often CleverTap did not take it; how often its message was not there yet."""


@dataclass(frozen=True, slots=True)
class Item:
    """One queue message with a status. `owner` is its id."""

    owner: str
    payload: dict[str, Any] = field(repr=False)
    event: StatusEvent


@dataclass(frozen=True, slots=True)
class Ascent:
    """What to tell CleverTap of one message, held by the first of the queue messages that say so."""

    reference: str
    items: Sequence[Item]
    updates: Sequence[StatusUpdate]
    goal: int

    @property
    def owner(self) -> str:
        return self.items[0].owner


class ForwardStatuses:
    def __init__(
        self,
        accounts: Accounts,
        messages: Messages,
        statuses: Queue,
        dead_letters: Queue,
        quarantine: Quarantine,
        retry: Schedule,
        correlation_retry: Schedule,
        http: HttpClient,
        notes: Notes,
        luck: Callable[[], float] = system_luck,
        now: Callable[[], float] = time,
    ) -> None:
        self._accounts, self._messages, self._http, self._notes = accounts, messages, http, notes
        self._luck, self._now = luck, now
        self._statuses, self._dead_letters, self._quarantine = statuses, dead_letters, quarantine
        self._retry, self._correlation_retry = retry, correlation_retry

    def __call__(self, records: Sequence[Record]) -> list[str]:
        """Handle a batch; the ids of the records that shall come back."""
        failed: list[str] = []
        by_account: dict[str, list[Item]] = defaultdict(list)
        for record, item in zip(records, each(self._item, records), strict=True):
            if isinstance(item, Exception):
                log_failure("status not read", item, record=record.id)
                failed.append(record.id)
            elif item is not None:
                by_account[item.payload["account"]].append(item)
        for name, items in by_account.items():
            try:
                failed += self._forward(self._account(name), items)
            except Exception as error:  # noqa: BLE001 - logged, and its records come back
                log_failure("statuses not forwarded", error, account=name)
                failed += [item.owner for item in items]
        return failed

    def _account(self, name: str) -> Account:
        account = self._accounts.get(name)
        if account is None:
            raise Pointless("no such account")
        return account

    def _item(self, record: Record) -> Item | None:
        """None where there is nothing (more) to tell."""
        payload = from_json(record.body)
        account = payload["account"]
        if "confirm" in payload:
            return self._unconfirmed(record, payload)
        event = StatusEvent(**payload["status"])
        if event.media_lost:
            self._notes.put(account, FILES_LOST, str(int(self._now())), FILES_LOST_SECONDS)
        if event.reference is None and event.bsp_id is not None:
            event = replace(event, reference=self._messages.reference_of(account, event.bsp_id))
        if event.reference is not None and is_validation_reference(event.reference):
            return None
        if event.status == "accepted":
            if event.reference is not None:
                self._messages.confirm(account, event.reference, event.bsp_id)
            return None
        return Item(record.id, payload, event)

    def _unconfirmed(self, record: Record, payload: dict[str, Any]) -> Item | None:
        """A message whose answer was lost and of which nothing has been heard since fails."""
        reference = payload["confirm"]
        if not self._messages.unconfirmed(payload["account"], reference):
            return None
        count("MessagesUnconfirmed")
        event = StatusEvent(
            "failed",
            int(self._now()),
            reference,
            None,
            error_code=CallbackError.OTHER,
            error_title="delivery could not be confirmed",
        )
        return Item(record.id, payload, event)

    # --- one account ---------------------------------------------------------------------------------------------

    def _forward(self, account: Account, items: Sequence[Item]) -> list[str]:
        """The owners of what shall come back."""
        by_reference: dict[str | None, list[Item]] = defaultdict(list)
        for item in items:
            by_reference[item.event.reference].append(item)
        uncorrelated = by_reference.pop(None, [])
        groups = list(by_reference.values())
        ascents: list[Ascent] = []
        busy: list[Item] = []
        failed: list[str] = []
        for group, begun in zip(groups, each(lambda group: self._begin(account, group), groups), strict=True):
            match begun:
                case Ascent():
                    ascents.append(begun)
                case Climb.REPEAT:
                    count("RepeatsDropped", len(group))
                case Climb.BUSY:
                    busy += group
                case Climb.NO_MESSAGE:
                    uncorrelated += group
                case Exception():
                    log_failure("status not forwarded", begun, account=account.name)
                    failed += [item.owner for item in group]
        self._wait_for_message(account, uncorrelated)
        # Another delivery is telling CleverTap of the same message, or died over it and loses its hold before long.
        self._statuses.send_all(repeated(item.payload, _BUSY_SECONDS) for item in busy)
        return failed + (self._tell(account, ascents) if ascents else [])

    def _begin(self, account: Account, items: Sequence[Item]) -> Ascent | Climb:
        events = [item.event for item in items]
        reference, goal = str(events[0].reference), ladder.target(events)
        # What dispatch and the confirmation say of a message has no id of the BSP's.
        heard = any(event.bsp_id is not None for event in events)
        begun = self._messages.begin_climb(account.name, reference, items[0].owner, goal, heard=heard)
        if isinstance(begun, Climbing):
            return Ascent(reference, items, ladder.updates(reference, events, begun.rung), goal)
        return begun

    def _wait_for_message(self, account: Account, items: Sequence[Item]) -> None:
        """A status can overtake the record of its message; one that finds none for long belongs to something else."""
        lost = [asdict(item.event) for item in self._later(items, "waits", self._correlation_retry)]
        reason = "belongs to no message that the bridge has sent"
        self._quarantine.put(account.name, [NotUnderstood("status", reason, event) for event in lost])

    def _tell(self, account: Account, ascents: Sequence[Ascent]) -> list[str]:
        """POST them together; the owners of what shall come back.

        Where CleverTap refuses the content, the halves are sent for themselves: one bad status must not take the others
        to the dead-letter queue with it.
        """
        failed: list[str] = []
        parts = deque([ascents])
        for _ in range(_MAX_POSTS):
            if not parts:
                break
            part = parts.popleft()
            delivery = self._post(account, part)
            if isinstance(delivery, RefusedCallback) and delivery.status in _CONTENT_REFUSED and len(part) > 1:
                parts.extend((part[: len(part) // 2], part[len(part) // 2 :]))
            else:
                failed += self._settle(account, part, delivery)
        for part in parts:
            failed += self._settle(account, part, RefusedCallback(400))
        return failed

    def _post(self, account: Account, ascents: Sequence[Ascent]) -> Delivery:
        updates = [update for ascent in ascents for update in ascent.updates]
        return deliver(self._http, account.clevertap.status_url, StatusCallback(statuses=updates).wire())

    def _settle(self, account: Account, ascents: Sequence[Ascent], delivery: Delivery) -> list[str]:
        """Act on CleverTap's answer; the owners of what shall come back."""
        items = [item for ascent in ascents for item in ascent.items]
        told = sum(len(ascent.updates) for ascent in ascents)
        match delivery:
            case Taken():
                count("StatusesForwarded", told)
                logger.info("statuses forwarded", extra={"account": account.name, "statuses": told})
                return self._end(account, ascents)
            case TryLater(reason, retry_after):
                logger.warning("CleverTap not available", extra={"account": account.name, "reason": reason})
                count("CleverTapUnavailable")
                self._leave(account, ascents)
                self._bury(account, self._later(items, "attempt", self._retry, retry_after), reason)
            case RefusedCallback(status):
                self._leave(account, ascents)
                self._bury(account, items, f"HTTP {status}")
        return []

    def _end(self, account: Account, ascents: Sequence[Ascent]) -> list[str]:
        ended = each(
            lambda ascent: self._messages.end_climb(account.name, ascent.reference, ascent.owner, ascent.goal), ascents
        )
        failed = []
        for ascent, error in zip(ascents, ended, strict=True):
            if isinstance(error, Exception):
                log_failure("status told but not recorded", error, account=account.name, msgId=ascent.reference)
                failed += [item.owner for item in ascent.items]
        return failed

    def _leave(self, account: Account, ascents: Sequence[Ascent]) -> None:
        for error in each(
            lambda ascent: self._messages.leave_climb(account.name, ascent.reference, ascent.owner), ascents
        ):
            if isinstance(error, Exception):
                # The hold runs out by itself; until then the next attempt finds the message busy and waits.
                log_failure("hold not released", error, account=account.name)

    def _later(
        self, items: Sequence[Item], counter: Counter, schedule: Schedule, at_least: float | None = None
    ) -> list[Item]:
        """Queue the next attempt of each; those whose schedule has come to its end."""
        ended: list[Item] = []
        again: list[Entry] = []
        for item in items:
            attempt = item.payload[counter]
            delay = schedule.delay(attempt, self._luck(), at_most=MAX_DELAY_SECONDS, at_least=at_least)
            if delay is None:
                ended.append(item)
            else:
                following = schedule.attempt_after(attempt, delay, at_most=MAX_DELAY_SECONDS)
                again.append(repeated(item.payload, delay, **{counter: following}))
        self._statuses.send_all(again)
        return ended

    def _bury(self, account: Account, items: Sequence[Item], reason: str) -> None:
        # A redriven message starts its schedules anew.
        self._dead_letters.send_all(repeated(item.payload, 0, attempt=1, waits=1) for item in items)
        if items:
            count("StatusesDeadLettered", len(items))
            logger.error(
                "statuses dead-lettered", extra={"account": account.name, "statuses": len(items), "reason": reason}
            )
