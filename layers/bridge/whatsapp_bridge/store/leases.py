"""Leases: who may report a message's statuses to CleverTap, and the last one that is reported.

In the message's item (`claims`):

    rung            the last status that CleverTap has accepted: 0 none, 1 sent, 2 delivered, 3 read, 9 failed
    climber         the grant of who reports the next ones; it may lose that right after `climb_until`

What was reported when, and what CleverTap did not take, stands in the `journal`.

A grant belongs to one delivery of a queue message: another delivery of the same message, which SQS may make at the same
time, is refused like any other. After a crash it comes when the queue's visibility timeout is over, and by then the
lease is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from whatsapp_bridge.store import journal
from whatsapp_bridge.store.items import HOLD_SECONDS, Table, indexed, message_key, with_entries

SENT, DELIVERED, READ, FAILED = 1, 2, 3, 9


class NoLease(Enum):
    REPEAT = "repeat"
    """This status, or a later one, is already reported to CleverTap."""
    BUSY = "busy"
    """Another delivery is reporting this message now."""
    NO_MESSAGE = "no message"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to report the statuses above `rung`."""

    rung: int


class Leases:
    def __init__(self, table: Table) -> None:
        self._table = table

    def begin(
        self,
        account: str,
        reference: str,
        grant: str,
        rung: int,
        *,
        heard: bool,
        bsp_id: str | None = None,
        unconfirmed: bool = False,
    ) -> Lease | NoLease:
        """Ask for the right to report `rung` to CleverTap (and the missing rungs below it).

        `heard`: the BSP reported it, which confirms a message whose answer was lost. `bsp_id`: the BSP's id, for
        messages that have none yet. `unconfirmed`: only while nothing was heard of a message whose answer was lost.
        """
        now = int(self._table.now())
        # A failure ends the ladder on any rung except read: a message that was read has arrived.
        below = READ if rung == FAILED else rung
        update = "SET climber = :holder, climb_until = :until"
        values: dict[str, str | int] = {":holder": grant, ":until": now + HOLD_SECONDS, ":now": now, ":below": below}
        if heard:
            update, values = update + ", #state = :accepted", {**values, ":accepted": "accepted"}
        if bsp_id is not None:
            update += ", bsp_id = if_not_exists(bsp_id, :bsp_id)"
            values[":bsp_id"] = indexed(account, bsp_id)
        condition = "rung < :below AND (attribute_not_exists(climber) OR climber = :holder OR climb_until < :now)"
        if unconfirmed:
            condition += " AND rung = :none AND #state IN (:sending, :unknown)"
            values |= {":none": 0, ":sending": "sending", ":unknown": "unknown"}
        attempt = self._table.try_update(message_key(account, reference), update, condition, values)
        if attempt.done:
            return Lease(int(attempt.item["rung"]))
        if not attempt.item:
            return NoLease.NO_MESSAGE
        reached = int(attempt.item.get("rung", 0))
        heard_of = unconfirmed and (reached > 0 or attempt.item.get("state") not in ("sending", "unknown"))
        return NoLease.REPEAT if reached >= below or heard_of else NoLease.BUSY

    def end(
        self,
        account: str,
        reference: str,
        grant: str,
        rung: int,
        told: Sequence[journal.Told] = (),
        failure: journal.Failure | None = None,
    ) -> None:
        """Record that CleverTap has accepted the statuses up to `rung`, which are `told`."""
        kept = {**journal.of_told(told, self._table.now()), **journal.of_failure(failure)}
        update, values = with_entries("REMOVE climber, climb_until", {":holder": grant}, {"rung": rung, **kept})
        self._table.update(message_key(account, reference), update, "climber = :holder", values)

    def leave(self, account: str, reference: str, grant: str, untold: journal.Untold | None = None) -> None:
        """Release the lease: CleverTap has not accepted them, and another delivery may make the next attempt."""
        kept = journal.of_untold(untold, self._table.now())
        update, values = with_entries("REMOVE climber, climb_until", {":holder": grant}, kept)
        self._table.update(message_key(account, reference), update, "climber = :holder", values)
