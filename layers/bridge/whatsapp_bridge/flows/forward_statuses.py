"""forward, statuses: report statuses to CleverTap, in one POST per account and batch.

The steps for each batch: correlate, lease, report, settle. It reports to CleverTap first and then updates the table: if
a delivery dies in between, the next one reports the same again, and nothing is lost.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from time import time
from typing import Any, Literal

from pydantic_core import from_json

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.callbacks import StatusCallback
from whatsapp_bridge.clevertap.client import Delivery, RefusedCallback, Taken, TryLater, deliver
from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.clevertap.messages import is_validation_reference
from whatsapp_bridge.flows import correlation
from whatsapp_bridge.flows.hops import MAX_HOPS, is_last_hop
from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.flows.quarantine import Quarantine
from whatsapp_bridge.flows.records import Record, Unprocessable
from whatsapp_bridge.flows.reports import Item, Report, Reports, grouped
from whatsapp_bridge.flows.status_queue import given_up, read_event, repeated
from whatsapp_bridge.net.halving import InHalves
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.contract import NOTE_SECONDS, Notes, NotUnderstood, StatusEvent
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.runtime.schedules import CorrelationRetry, ForwardRetry, Schedule, system_jitter
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.claims import Claims
from whatsapp_bridge.store.leases import NoLease
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS, StatusesDeadLetters, StatusesQueue
from whatsapp_bridge.store.waiting import Waiting

# CleverTap refuses the content: another batch, or a part of this one, may be accepted.
_CONTENT_REFUSED = {400, 413, 422}
# To find one bad status of 500 takes 19 requests, two take 35.
_MAX_POSTS = 40
_BUSY_SECONDS = 5
_NO_SUCH_MESSAGE = "belongs to no message that the bridge has sent"

type Counter = Literal["attempt", "waits"]
"""Members of a payload: how often CleverTap did not accept it; how often its message was not there yet."""


class ForwardStatuses:
    """`jitter` gives 0 to 1; `now` gives seconds since 1970."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        claims: Claims,
        waiting: Waiting,
        reports: Reports,
        statuses: StatusesQueue,
        dead_letters: StatusesDeadLetters,
        quarantine: Quarantine,
        retry: ForwardRetry,
        correlation_retry: CorrelationRetry,
        http: HttpClient,
        notes: Notes,
        jitter: Callable[[], float] = system_jitter,
        now: Callable[[], float] = time,
    ) -> None:
        self._accounts, self._claims, self._waiting, self._reports = accounts, claims, waiting, reports
        self._statuses, self._dead_letters, self._quarantine = statuses, dead_letters, quarantine
        self._retry, self._correlation_retry = retry, correlation_retry
        self._http, self._notes, self._jitter, self._now = http, notes, jitter, now
        # By account: each learns how many statuses its callback URL accepts at once.
        self._halves: dict[str, InHalves[Report, Delivery]] = {}

    def __call__(self, records: Sequence[Record]) -> list[str]:
        """Handle a batch; returns the ids of the records that must come back."""
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
            raise Unprocessable("no such account")
        return account

    def _item(self, record: Record) -> Item | None:
        """None if there is nothing (more) to report."""
        payload = from_json(record.body)
        account = payload["account"]
        if "confirm" in payload:
            return self._unconfirmed(record, payload)
        event = read_event(payload)
        if event.note is not None:
            # The event's own time, so that a duplicate does not change the note.
            self._notes.put(account, event.note, str(event.timestamp), NOTE_SECONDS)
        if event.reference is None and event.bsp_id is not None:
            event = replace(event, reference=self._claims.reference_of(account, event.bsp_id))
        if event.reference is not None and is_validation_reference(event.reference):
            return None
        if event.status == "accepted":
            if event.reference is not None:
                self._claims.confirm(account, event.reference, event.bsp_id)
            return None
        return Item(record.id, payload, event)

    def _unconfirmed(self, record: Record, payload: dict[str, Any]) -> Item | None:
        """The failure of a message whose answer was lost and that has had no status since."""
        reference = payload["confirm"]
        if not self._claims.unconfirmed(payload["account"], reference):
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
        """Returns the owners of the items that must come back."""
        items, failed = self._correlated(account, items)
        uncorrelated, groups = grouped(items)
        leased: list[Report] = []
        busy: list[Item] = []
        found = each(lambda group: self._reports.lease(account.name, group), groups)
        for group, lease in zip(groups, found, strict=True):
            match lease:
                case NoLease.REPEAT:
                    count("RepeatsDropped", len(group))
                case NoLease.BUSY:
                    busy += group
                case NoLease.NO_MESSAGE:
                    uncorrelated += group
                case Exception():
                    log_failure("status not forwarded", lease, account=account.name)
                    failed += [item.owner for item in group]
                case report:
                    leased.append(report)
        self._wait_for_message(account, uncorrelated)
        # Another delivery reports the same message, or died with its lease, which soon expires.
        self._queue_again(account, [(item.payload, _BUSY_SECONDS) for item in busy])
        return failed + self._report(account, leased)

    def _correlated(self, account: Account, items: Sequence[Item]) -> tuple[list[Item], list[str]]:
        """The items, with the msgId of those found by recipient; and the owners of the items that must come back."""
        known, failed = [item for item in items if item.event.reference is not None], []
        unknown = [item for item in items if item.event.reference is None]
        found = correlation.references(self._waiting, account, [item.event for item in unknown])
        for item, reference in zip(unknown, found, strict=True):
            if isinstance(reference, Exception):
                log_failure("status not forwarded", reference, account=account.name)
                failed.append(item.owner)
            elif reference is None or not is_validation_reference(reference):
                known.append(replace(item, event=replace(item.event, reference=reference)))
        return known, failed

    def _wait_for_message(self, account: Account, items: Sequence[Item]) -> None:
        """A status can be faster than the record of its message. One without a message for long belongs to another
        system."""
        renamed = [self._by_bsp_id(account, item) for item in items]
        self._queue_again(account, [(payload, 0) for payload in renamed if payload is not None])
        items = [item for item, payload in zip(items, renamed, strict=True) if payload is None]
        lost = [asdict(item.event) for item in self._later(account, items, "waits", self._correlation_retry)]
        self._quarantine.put(account.name, [NotUnderstood("status", _NO_SUCH_MESSAGE, event) for event in lost])

    def _by_bsp_id(self, account: Account, item: Item) -> dict[str, Any] | None:
        """The payload with the message's own msgId, if the BSP echoes another one."""
        event = item.event
        if event.reference is None or event.bsp_id is None:
            return None
        reference = self._claims.reference_of(account.name, event.bsp_id)
        if reference is None or reference == event.reference:
            return None
        return {**item.payload, "status": {**item.payload["status"], "reference": reference}}

    def _report(self, account: Account, reports: Sequence[Report]) -> list[str]:
        """POST them together; returns the owners of the items that must come back.

        If CleverTap refuses the content, the halves are sent on their own, so that one bad status does not dead-letter
        the others.
        """

        def post(part: Sequence[Report]) -> Delivery:
            updates = [update for report in part for update in report.updates]
            return deliver(self._http, account.clevertap.status_url, StatusCallback(statuses=updates).wire())

        failed: list[str] = []
        for part, delivery in self._halves.setdefault(account.name, _new_halves()).post(reports, post):
            if delivery is None:
                self._not_tried(account, part)
            else:
                failed += self._settle(account, part, delivery)
        return failed

    def _not_tried(self, account: Account, reports: Sequence[Report]) -> None:
        """No post was left for these: queue them again, unchanged."""
        items = [item for report in reports for item in report.items]
        self._leave(account, reports)
        self._queue_again(account, [(item.payload, _BUSY_SECONDS) for item in items])
        logger.info("statuses queued again", extra={"account": account.name, "statuses": len(items)})

    def _settle(self, account: Account, reports: Sequence[Report], delivery: Delivery) -> list[str]:
        """Act on CleverTap's answer; returns the owners of the items that must come back."""
        items = [item for report in reports for item in report.items]
        updates = sum(len(report.updates) for report in reports)
        match delivery:
            case Taken():
                count("StatusesForwarded", updates)
                logger.info("statuses forwarded", extra={"account": account.name, "statuses": updates})
                return self._end(account, reports)
            case TryLater(reason, retry_after):
                logger.warning("CleverTap not available", extra={"account": account.name, "reason": reason})
                count("CleverTapUnavailable")
                self._leave(account, reports)
                self._dead_letter(account, self._later(account, items, "attempt", self._retry, retry_after), reason)
            case RefusedCallback(status):
                self._leave(account, reports)
                self._dead_letter(account, items, f"HTTP {status}")
        return []

    def _end(self, account: Account, reports: Sequence[Report]) -> list[str]:
        ended = each(lambda report: self._reports.end(account.name, report), reports)
        failed = []
        for report, error in zip(reports, ended, strict=True):
            if isinstance(error, Exception):
                log_failure("status reported but not recorded", error, account=account.name, msgId=report.reference)
                failed += [item.owner for item in report.items]
        return failed

    def _leave(self, account: Account, reports: Sequence[Report]) -> None:
        for error in each(lambda report: self._reports.leave(account.name, report), reports):
            if isinstance(error, Exception):
                # The lease expires; until then the next attempt finds the message busy and waits.
                log_failure("lease not released", error, account=account.name)

    def _later(
        self,
        account: Account,
        items: Sequence[Item],
        counter: Counter,
        schedule: Schedule,
        at_least: float | None = None,
    ) -> list[Item]:
        """Queue the next attempt of each; returns the items whose schedule has ended."""
        ended: list[Item] = []
        again: list[tuple[dict[str, Any], int]] = []
        for item in items:
            attempt = item.payload[counter]
            delay = schedule.delay(attempt, self._jitter(), at_most=MAX_DELAY_SECONDS, at_least=at_least)
            if delay is None:
                ended.append(item)
            else:
                following = schedule.attempt_after(attempt, delay, at_most=MAX_DELAY_SECONDS)
                again.append(({**item.payload, counter: following}, delay))
        self._queue_again(account, again)
        return ended

    def _queue_again(self, account: Account, again: Sequence[tuple[dict[str, Any], int]]) -> None:
        """Queue payloads again, each after its delay (seconds). One that was sent again too often is dead-lettered."""
        endless = [payload for payload, _ in again if is_last_hop(payload)]
        self._statuses.send_all(repeated(payload, delay) for payload, delay in again if not is_last_hop(payload))
        if endless:
            count("HopsExceeded", len(endless))
            self._dead_letter_payloads(account, endless, f"sent again {MAX_HOPS} times")

    def _dead_letter(self, account: Account, items: Sequence[Item], reason: str) -> None:
        self._dead_letter_payloads(account, [item.payload for item in items], reason)

    def _dead_letter_payloads(self, account: Account, payloads: Sequence[dict[str, Any]], reason: str) -> None:
        self._dead_letters.send_all(map(given_up, payloads))
        if payloads:
            count("StatusesDeadLettered", len(payloads))
            logger.error(
                "statuses dead-lettered", extra={"account": account.name, "statuses": len(payloads), "reason": reason}
            )


def _new_halves() -> InHalves[Report, Delivery]:
    return InHalves(_refused_for_its_content, _MAX_POSTS)


def _refused_for_its_content(delivery: Delivery) -> bool:
    return isinstance(delivery, RefusedCallback) and delivery.status in _CONTENT_REFUSED
