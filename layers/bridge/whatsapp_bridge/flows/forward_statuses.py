"""forward, statuses: tell CleverTap what became of messages, in one POST per account and batch.

Each message's ladder is climbed by one queue message at a time. CleverTap is told first, the table second: a delivery
that dies in between tells CleverTap the same again, and one that dies before tells it for the first time.

Clicks leave the ladder alone. Each is told once, known by what it says, however often the BSP reports it.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from time import time
from typing import Any, Literal

from pydantic_core import from_json, to_json

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.callbacks import StatusCallback, StatusUpdate
from whatsapp_bridge.clevertap.client import Delivery, RefusedCallback, Taken, TryLater, deliver
from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.clevertap.messages import is_validation_reference
from whatsapp_bridge.flows import correlation, ladder
from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.flows.quarantine import Quarantine
from whatsapp_bridge.flows.records import Pointless, Record
from whatsapp_bridge.flows.status_queue import repeated
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.contract import NotUnderstood, StatusEvent
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.runtime.schedules import Schedule, system_luck
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

    def end(self, messages: Messages, account: str) -> None:
        messages.end_climb(account, self.reference, self.owner, self.goal)

    def leave(self, messages: Messages, account: str) -> None:
        messages.leave_climb(account, self.reference, self.owner)


@dataclass(frozen=True, slots=True)
class Click:
    """A tap on a link in a message, held by the first of the queue messages that say so."""

    items: Sequence[Item]

    @property
    def owner(self) -> str:
        return self.items[0].owner

    @property
    def reference(self) -> str:
        return str(self.items[0].event.reference)

    @property
    def id(self) -> str:
        """The same for each report of the same click; the BSPs give clicks no id."""
        event = self.items[0].event
        content = [self.reference, event.timestamp, event.url, event.short_url, event.user_agent]
        return sha256(to_json(content)).hexdigest()

    @property
    def updates(self) -> Sequence[StatusUpdate]:
        event = self.items[0].event
        return [
            StatusUpdate(
                msg_id=self.reference,
                status="clicked",
                timestamp=event.timestamp,
                url=event.url,
                short_url=event.short_url,
                user_agent=event.user_agent,
            )
        ]

    def end(self, messages: Messages, account: str) -> None:
        messages.end_click(account, self.id)

    def leave(self, messages: Messages, account: str) -> None:
        messages.leave_click(account, self.id, self.owner)


type News = Ascent | Click


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
            # The event's own time: the same event again forgets nothing more. Which file it was, and whether a noted
            # one at all, the event does not say.
            self._notes.put(account, FILES_LOST, str(event.timestamp), FILES_LOST_SECONDS)
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
        items, failed = self._correlated(account, items)
        uncorrelated, groups = _grouped(items)
        news: list[News] = []
        busy: list[Item] = []
        for group, begun in zip(groups, each(lambda group: self._begin(account, group), groups), strict=True):
            match begun:
                case Ascent() | Click():
                    news.append(begun)
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
        return failed + (self._tell(account, news) if news else [])

    def _correlated(self, account: Account, items: Sequence[Item]) -> tuple[list[Item], list[str]]:
        """The same, with the msgId of those that are found by their recipient; the owners of what shall come back."""
        known, failed = [item for item in items if item.event.reference is not None], []
        nameless = [item for item in items if item.event.reference is None]
        found = correlation.references(self._messages.waiting, account, [item.event for item in nameless])
        for item, reference in zip(nameless, found, strict=True):
            if isinstance(reference, Exception):
                log_failure("status not forwarded", reference, account=account.name)
                failed.append(item.owner)
            elif reference is None or not is_validation_reference(reference):
                known.append(replace(item, event=replace(item.event, reference=reference)))
        return known, failed

    def _begin(self, account: Account, items: Sequence[Item]) -> News | Climb:
        if items[0].event.status == "clicked":
            return self._begin_click(account, Click(items))
        events = [item.event for item in items]
        reference, goal = str(events[0].reference), ladder.target(events)
        # What dispatch and the confirmation say of a message has no id of the BSP's.
        bsp_id = next((event.bsp_id for event in events if event.bsp_id is not None), None)
        begun = self._messages.begin_climb(
            account.name, reference, items[0].owner, goal, heard=bsp_id is not None, bsp_id=bsp_id
        )
        if isinstance(begun, Climbing):
            return Ascent(reference, items, ladder.updates(reference, events, begun.rung), goal)
        return begun

    def _begin_click(self, account: Account, click: Click) -> Click | Climb:
        # Who taps a link in a message has it: that ends the doubt about one whose answer was lost.
        if not self._messages.confirm(account.name, click.reference, None):
            return Climb.NO_MESSAGE
        return self._messages.begin_click(account.name, click.id, click.owner) or click

    def _wait_for_message(self, account: Account, items: Sequence[Item]) -> None:
        """A status can overtake the record of its message; one that finds none for long belongs to something else."""
        renamed = [self._by_bsp_id(account, item) for item in items]
        self._statuses.send_all(repeated(payload, 0) for payload in renamed if payload is not None)
        items = [item for item, payload in zip(items, renamed, strict=True) if payload is None]
        lost = [asdict(item.event) for item in self._later(items, "waits", self._correlation_retry)]
        reason = "belongs to no message that the bridge has sent"
        self._quarantine.put(account.name, [NotUnderstood("status", reason, event) for event in lost])

    def _by_bsp_id(self, account: Account, item: Item) -> dict[str, Any] | None:
        """The payload under the msgId of the message that the BSP means, where it echoes another one than ours."""
        event = item.event
        if event.reference is None or event.bsp_id is None:
            return None
        reference = self._messages.reference_of(account.name, event.bsp_id)
        if reference is None or reference == event.reference:
            return None
        return {**item.payload, "status": {**item.payload["status"], "reference": reference}}

    def _tell(self, account: Account, news: Sequence[News]) -> list[str]:
        """POST them together; the owners of what shall come back.

        Where CleverTap refuses the content, the halves are sent for themselves: one bad status must not take the others
        to the dead-letter queue with it.
        """
        failed: list[str] = []
        parts = deque([news])
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

    def _post(self, account: Account, news: Sequence[News]) -> Delivery:
        updates = [update for piece in news for update in piece.updates]
        return deliver(self._http, account.clevertap.status_url, StatusCallback(statuses=updates).wire())

    def _settle(self, account: Account, news: Sequence[News], delivery: Delivery) -> list[str]:
        """Act on CleverTap's answer; the owners of what shall come back."""
        items = [item for piece in news for item in piece.items]
        told = sum(len(piece.updates) for piece in news)
        match delivery:
            case Taken():
                count("StatusesForwarded", told)
                logger.info("statuses forwarded", extra={"account": account.name, "statuses": told})
                return self._end(account, news)
            case TryLater(reason, retry_after):
                logger.warning("CleverTap not available", extra={"account": account.name, "reason": reason})
                count("CleverTapUnavailable")
                self._leave(account, news)
                self._bury(account, self._later(items, "attempt", self._retry, retry_after), reason)
            case RefusedCallback(status):
                self._leave(account, news)
                self._bury(account, items, f"HTTP {status}")
        return []

    def _end(self, account: Account, news: Sequence[News]) -> list[str]:
        ended = each(lambda piece: piece.end(self._messages, account.name), news)
        failed = []
        for piece, error in zip(news, ended, strict=True):
            if isinstance(error, Exception):
                log_failure("status told but not recorded", error, account=account.name, msgId=piece.reference)
                failed += [item.owner for item in piece.items]
        return failed

    def _leave(self, account: Account, news: Sequence[News]) -> None:
        for error in each(lambda piece: piece.leave(self._messages, account.name), news):
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


def _grouped(items: Sequence[Item]) -> tuple[list[Item], list[list[Item]]]:
    """Items whose message is not known yet, and the others: a message's ladder together, a click and its repeats."""
    unknown: list[Item] = []
    clicks: dict[str, list[Item]] = defaultdict(list)
    ladders: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        if item.event.reference is None:
            unknown.append(item)
        elif item.event.status == "clicked":
            clicks[Click([item]).id].append(item)
        else:
            ladders[item.event.reference].append(item)
    return unknown, [*ladders.values(), *clicks.values()]
