"""forward, statuses: report statuses to CleverTap, in one POST per account and batch, the accounts side by side.

The steps for each batch: correlate, lease, report, settle. It reports to CleverTap first and then updates the table: if
a delivery dies in between, the next one reports the same again, and nothing is lost.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from time import time
from typing import Any, NamedTuple

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.clevertap.messages import is_validation_reference
from whatsapp_bridge.flows import correlation
from whatsapp_bridge.flows.callbacks import Callbacks
from whatsapp_bridge.flows.confirmations import Backlog, Confirmations
from whatsapp_bridge.flows.parallel import each, each_account
from whatsapp_bridge.flows.people_without_number import PeopleWithoutNumber
from whatsapp_bridge.flows.post_statuses import PostStatuses
from whatsapp_bridge.flows.quarantine import Quarantine
from whatsapp_bridge.flows.recent import RecentReturns
from whatsapp_bridge.flows.records import Record, Unprocessable
from whatsapp_bridge.flows.reports import Item, Report, Reports, grouped, status_names
from whatsapp_bridge.flows.status_queue import read_event, read_payload, with_reference
from whatsapp_bridge.flows.status_requeue import Again, StatusRequeue, named
from whatsapp_bridge.providers.common import user_ids
from whatsapp_bridge.providers.common.hidden_numbers import number_at
from whatsapp_bridge.providers.common.message_ids import hidden_if_any
from whatsapp_bridge.providers.contract.client import Notes
from whatsapp_bridge.providers.contract.inbound import NO_NUMBER, NotUnderstood
from whatsapp_bridge.providers.contract.statuses import NOTE_SECONDS, StatusEvent
from whatsapp_bridge.runtime.breaker import May
from whatsapp_bridge.runtime.observability import count, log_failure, measure
from whatsapp_bridge.runtime.schedules import CorrelationRetry
from whatsapp_bridge.store.accounts import Accounts
from whatsapp_bridge.store.claims import Claims
from whatsapp_bridge.store.leases import NoLease
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS, StatusesQueue
from whatsapp_bridge.store.waiting import Waiting

_BUSY_SECONDS = 5
_NO_SUCH_MESSAGE = "belongs to no message that the bridge has sent"


class _Leases(NamedTuple):
    """What may be reported now; what another delivery reports, what has no message, and the owners of what failed."""

    reports: list[Report]
    busy: list[Item]
    without_message: list[Item]
    failed: list[str]

    def with_more(self, more: "_Leases") -> "_Leases":
        return _Leases(
            self.reports + more.reports,
            self.busy + more.busy,
            self.without_message + more.without_message,
            self.failed + more.failed,
        )


class ForwardStatuses:
    """`now` in seconds since 1970."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        claims: Claims,
        waiting: Waiting,
        reports: Reports,
        callbacks: Callbacks,
        post: PostStatuses,
        queue: StatusesQueue,
        confirmations: Confirmations,
        retries: StatusRequeue,
        correlation_retry: CorrelationRetry,
        quarantine: Quarantine,
        people_without_number: PeopleWithoutNumber,
        notes: Notes,
        returns: RecentReturns,
        now: Callable[[], float] = time,
    ) -> None:
        self._accounts, self._claims, self._waiting = accounts, claims, waiting
        self._reports, self._post, self._retries = reports, post, retries
        self._callbacks, self._queue, self._confirmations = callbacks, queue, confirmations
        self._correlation_retry, self._quarantine, self._notes = correlation_retry, quarantine, notes
        self._returns, self._now = returns, now
        self._people_without_number = people_without_number

    def __call__(self, records: Sequence[Record]) -> list[str]:
        """Handle a batch; returns the ids of the records that must come back."""
        failed: list[str] = []
        by_account: dict[str, list[Item]] = defaultdict(list)
        # SQS may hand out a message twice at the same time, also in one batch.
        sent = {record.id: record for record in records}
        once = list(sent.values())
        for record, item in zip(once, each(self._read, once), strict=True):
            if isinstance(item, Exception):
                log_failure("status not read", item, record=record.id)
                failed.append(record.id)
            else:
                by_account[item.payload["account"]].append(item)
        self._measure(by_account.values())
        statuses = {
            name: [sent[item.owner] for item in items if not item.confirms] for name, items in by_account.items()
        }
        backlog = Backlog(self._queue, once, statuses, self._now())
        all_read = not failed
        batches = list(by_account.items())

        def forward(batch: tuple[str, list[Item]]) -> list[str]:
            name, items = batch
            if backlog.has_returns(name):
                self._returns.note(name)
            return self._while_clevertap_answers(self._account(name), items, backlog, all_read=all_read)

        for (name, items), back in zip(batches, each_account(forward, batches), strict=True):
            if isinstance(back, Exception):
                log_failure("statuses not forwarded", back, account=name)
                back = [item.owner for item in items]
            failed += back
        return failed

    def _measure(self, by_account: Iterable[Sequence[Item]]) -> None:
        """The age of the oldest status, whose time limits count from its acceptance."""
        accepted = [item.payload["accepted_at"] for items in by_account for item in items if not item.confirms]
        if accepted:
            measure("StatusAge", self._now() - min(accepted))

    def _account(self, name: str) -> Account:
        account = self._accounts.get(name)
        if account is None:
            raise Unprocessable("no such account")
        return account

    def _read(self, record: Record) -> Item:
        payload = read_payload(record.body, record.sent_at)
        if "account" not in payload:
            raise Unprocessable("names no account")
        event = self._unconfirmed(payload["confirm"]) if "confirm" in payload else read_event(payload)
        return Item(record.id, record.attempt, payload, event)

    def _unconfirmed(self, reference: str) -> StatusEvent:
        """The failure of a message whose answer was lost and that has had no status since."""
        title = "delivery could not be confirmed"
        return StatusEvent("failed", int(self._now()), reference, None, CallbackError.OTHER, title)

    # --- one account -----------------------------------------------------------------------------------------------

    def _while_clevertap_answers(
        self, account: Account, items: Sequence[Item], backlog: Backlog, *, all_read: bool
    ) -> list[str]:
        """Returns the owners of the items that must come back. What CleverTap is away for is held back untouched."""
        accepted = [item for item in items if item.event.status == "accepted"]
        left = sorted((item for item in items if item.event.status != "accepted"), key=lambda item: item.confirms)
        failed = self._confirmed(account, accepted)
        all_read = all_read and not failed
        while left:
            permission = self._callbacks.permission(account, "status")
            if permission.may is May.WAIT:
                return failed + self._hold(account, left)
            # A probe is one queue message: if CleverTap is still away, the others have not been touched.
            part = left[:1] if permission.may is May.PROBE else left
            left = left[len(part) :]
            try:
                failed += self._forward(account, part, backlog, all_read=all_read)
            finally:
                if permission.may is May.PROBE:
                    self._callbacks.unused(account, "status")
        return failed

    def _hold(self, account: Account, items: Sequence[Item]) -> list[str]:
        """Until CleverTap is there again. What finds its message by its recipient can do so for a while only, and so
        does it now. Returns the owners of the items that must come back."""
        nameless = [
            item
            for item in items
            if item.event.reference is None and (item.event.recipient is not None or item.event.user_note_keys)
        ]
        resolved, failed = self._resolved(account, nameless)
        correlated, not_correlated = self._correlated(account, resolved)
        found = {item.owner: named(item) for item in correlated}
        back = {*failed, *not_correlated}
        held = [replace(item, payload=found.get(item.owner, item.payload)) for item in items if item.owner not in back]
        return [*back, *self._post.hold(account, held)]

    def _confirmed(self, account: Account, items: Sequence[Item]) -> list[str]:
        """Record what the BSP has accepted, which CleverTap is not told. Returns the owners of the items that must come
        back."""
        resolved, failed = self._resolved(account, items)

        def confirm(item: Item) -> None:
            if item.event.reference is not None:
                self._claims.confirm(account.name, item.event.reference, item.event.bsp_id)

        for item, error in zip(resolved, each(confirm, resolved), strict=True):
            if isinstance(error, Exception):
                log_failure("message not confirmed", error, account=account.name)
                failed.append(item.owner)
        return failed

    def _resolved(self, account: Account, items: Sequence[Item]) -> tuple[list[Item], list[str]]:
        """The items, with the msgId of those that the BSP's id leads to, without those of CleverTap's samples; and the
        owners of the items that must come back."""

        def resolve(item: Item) -> Item:
            event = item.event
            if event.note is not None:
                # The event's own time, so that a duplicate does not change the note.
                self._notes.put(account.name, event.note, str(event.timestamp), NOTE_SECONDS)
            user_ids.keep(self._notes, account.name, event.user_note)
            if event.reference is not None or event.bsp_id is None:
                return item
            event = replace(event, reference=self._claims.reference_of(account.name, event.bsp_id))
            return replace(item, event=event if event.reference is not None else self._with_recipient(account, event))

        resolved: list[Item] = []
        failed: list[str] = []
        for item, found in zip(items, each(resolve, items), strict=True):
            if isinstance(found, Exception):
                log_failure("status not forwarded", found, account=account.name)
                failed.append(item.owner)
            elif found.event.reference is None or not is_validation_reference(found.event.reference):
                resolved.append(found)
        return resolved, failed

    def _with_recipient(self, account: Account, event: StatusEvent) -> StatusEvent:
        """With the pseudonyms of a person of whom the callback has only the user id, if the message may be found by
        them."""
        if not event.user_note_keys or not correlation.finds_by_recipient(account):
            return event
        number = number_at(self._notes, account.keys, event.user_note_keys)
        if number is None:
            return event
        recipient, *others = account.keys.pseudonyms(number)
        return replace(event, recipient=recipient, other_recipients=others)

    def _forward(self, account: Account, items: Sequence[Item], backlog: Backlog, *, all_read: bool) -> list[str]:
        """Returns the owners of the items that must come back."""
        resolved, failed = self._resolved(account, [item for item in items if not item.confirms])
        statuses, not_correlated = self._correlated(account, resolved)
        failed += not_correlated
        leases = self._leases(account, statuses)
        # Whether news of a lost answer has come is known once the statuses of the batch have their leases.
        complete = all_read and not (failed or leases.failed or leases.without_message)
        unconfirmed, again = self._confirmations.last_words(
            account, [item for item in items if item.confirms], backlog, complete=complete
        )
        leases = leases.with_more(self._leases(account, unconfirmed))
        failed += [*leases.failed, *again, *self._wait_for_message(account, leases.without_message)]
        # Another delivery reports the same message, or died with its lease, which soon expires.
        busy = [Again(item, item.payload, _BUSY_SECONDS) for item in leases.busy]
        failed += self._retries.queue_again(account, busy)
        return failed + self._post.report(account, leases.reports)

    def _leases(self, account: Account, items: Sequence[Item]) -> _Leases:
        without_message, groups = grouped(items)
        leases = _Leases([], [], without_message, [])
        found = each(lambda group: self._reports.lease(account, group), groups)
        for group, lease in zip(groups, found, strict=True):
            match lease:
                case NoLease.REPEAT:
                    count("RepeatsDropped", len(group))
                case NoLease.BUSY:
                    leases.busy.extend(group)
                case NoLease.NO_MESSAGE:
                    leases.without_message.extend(group)
                case Exception():
                    log_failure("status not forwarded", lease, account=account.name)
                    leases.failed.extend(item.owner for item in group)
                case report:
                    leases.reports.append(report)
        return leases

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

    def _wait_for_message(self, account: Account, items: Sequence[Item]) -> list[str]:
        """A status can be faster than the record of its message, or than a status that names its message and is held
        back. One without a message for long belongs to another system. Returns the owners of the items that must come
        back."""
        renamed = [(item, self._by_bsp_id(account, item)) for item in items]
        known = [Again(item, payload, 0) for item, payload in renamed if payload is not None]
        failed = self._retries.queue_again(account, known)
        unknown = [item for item, payload in renamed if payload is None]
        lost, not_queued = self._retries.later(account, unknown, "waits", self._correlation_retry)
        if lost and self._now() < self._callbacks.held_until(account, "status"):
            again = [Again(item, item.payload, MAX_DELAY_SECONDS) for item in lost]
            return failed + not_queued + self._retries.queue_again(account, again)
        self._give_up(account, [item.event for item in lost])
        return failed + not_queued

    def _give_up(self, account: Account, lost: Sequence[StatusEvent]) -> None:
        hidden = [event for event in lost if _is_of_nobody(account, event)]
        for event in hidden:
            person, *_ = event.user_note_keys
            kept = NotUnderstood("status", NO_NUMBER, _kept(account, event))
            self._people_without_number.put(account, person, kept, status_names(account.name, event))
        others = [event for event in lost if event not in hidden]
        self._quarantine.put(
            account.name,
            [NotUnderstood("status", _NO_SUCH_MESSAGE, _kept(account, event)) for event in others],
            [status_names(account.name, event) for event in others],
        )

    def _by_bsp_id(self, account: Account, item: Item) -> dict[str, Any] | None:
        """The payload with the message's own msgId, if the BSP echoes another one."""
        event = item.event
        if event.reference is None or event.bsp_id is None:
            return None
        reference = self._claims.reference_of(account.name, event.bsp_id)
        if reference is None or reference == event.reference:
            return None
        return with_reference(item.payload, reference)


def _is_of_nobody(account: Account, event: StatusEvent) -> bool:
    """Whether only the person's number could have led to its message, and nobody knows that."""
    return correlation.finds_by_recipient(account) and bool(event.user_note_keys) and event.recipient is None


def _kept(account: Account, event: StatusEvent) -> dict[str, Any]:
    """What the quarantine has of a status: nothing that leads to a person's number."""
    known_as = hidden_if_any(account.name, event.bsp_id)
    return asdict(replace(event, bsp_id=known_as, user_note=(), user_note_keys=()))
