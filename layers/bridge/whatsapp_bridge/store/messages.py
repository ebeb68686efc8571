"""The messages table: who may send a message, what became of it, and how far its statuses have climbed.

One item per message, key `msg#{account}#{msgId}`:

    state     claimed -> sending -> accepted | rejected | unknown; released: may be claimed again
    owner     the queue message that holds the claim, which it may lose after `held_until` (seconds)
    grant     one delivery's claim: a repeated write (the SDK's after a lost answer) is told from another delivery's
    bsp_id    `{account}#{the BSP's id}`, indexed
    rung      the last status CleverTap has confirmed: 0 none, 1 sent, 2 delivered, 3 read, 9 failed
    climber   the queue message that is telling CleverTap the next ones, which may lose that right after `climb_until`

and one per message from a person, key `reply#{account}#{the BSP's id}`, and per click, key `click#{account}#{hash}`:
`state` forwarding -> forwarded, `owner`, `held_until`. What is known of a message by its recipient alone is in
`waiting`.

Every step is one conditional write. An owner is a queue message's id and not an invocation's: when an invocation dies,
the queue delivers the same message again, and that delivery carries on where the dead one stopped. A message redriven
from a dead-letter queue has a new id, and takes over because the time of the old one is up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from time import time
from typing import Any

from whatsapp_bridge.store.aws import client
from whatsapp_bridge.store.items import try_update, typed, untyped
from whatsapp_bridge.store.waiting import Waiting

SENT, DELIVERED, READ, FAILED = 1, 2, 3, 9
# Longer than any function may run: a holder that is older is not at work any more.
_HOLD_SECONDS = 120
_FORWARDED_DAYS = 14


class Claim(Enum):
    GRANTED = "granted"
    """This queue message may send the message."""
    REPEAT = "repeat"
    """Another queue message has it, or it is settled."""
    INTERRUPTED = "interrupted"
    """An earlier delivery died while it was sending."""


class Climb(Enum):
    REPEAT = "repeat"
    """CleverTap has been told this or more."""
    BUSY = "busy"
    """Another queue message is just telling CleverTap of this message."""
    NO_MESSAGE = "no message"


@dataclass(frozen=True, slots=True)
class Climbing:
    """The right to tell CleverTap the statuses above `rung`."""

    rung: int


class Messages:
    def __init__(self, table: str, ttl_days: int, dynamodb: Any = None, now: Callable[[], float] = time) -> None:
        self._table = table
        self._ttl_seconds = ttl_days * 86_400
        self._dynamodb = dynamodb or client("dynamodb")
        self._now = now
        self.waiting = Waiting(table, ttl_days, self._dynamodb, now)
        """For BSPs that do not name their id of some messages."""

    # --- sending -------------------------------------------------------------------------------------------------

    def claim(self, account: str, reference: str, owner: str, recipient: str, grant: str) -> Claim:
        """Ask for the right to send. `recipient` is the keyed hash, `grant` an id of its own for each delivery."""
        now = int(self._now())
        refused = self._update(
            _message_key(account, reference),
            "SET #state = :claimed, #owner = :owner, held_until = :until, send_grant = :grant, recipient = :recipient, "
            "expires_at = :expires, rung = if_not_exists(rung, :none)",
            "attribute_not_exists(pk) OR #state = :released "
            "OR (#state = :claimed AND (#owner = :owner OR held_until < :now))",
            {
                ":claimed": "claimed",
                ":released": "released",
                ":owner": owner,
                ":until": now + _HOLD_SECONDS,
                ":now": now,
                ":grant": grant,
                ":recipient": recipient,
                ":expires": self._expiry(self._ttl_seconds),
                ":none": 0,
            },
        )
        if refused is None:
            return Claim.GRANTED
        dead = refused.get("owner") == owner or refused.get("held_until", 0) < now
        return Claim.INTERRUPTED if refused.get("state") == "sending" and dead else Claim.REPEAT

    def begin_sending(self, account: str, reference: str, grant: str) -> bool:
        """The last step before the request leaves; False when the claim has gone to another delivery."""
        refused = self._update(
            _message_key(account, reference),
            "SET #state = :sending",
            "send_grant = :grant AND #state IN (:claimed, :sending)",
            {":sending": "sending", ":claimed": "claimed", ":grant": grant},
        )
        return refused is None

    def settle(self, account: str, reference: str, state: str, bsp_id: str | None = None) -> None:
        """Record an outcome: accepted, rejected, unknown, or released for another try."""
        update = "SET #state = :state"
        # A status can be quicker than the answer and have recorded the acceptance; nothing takes that back.
        if state == "accepted":
            condition, values = "attribute_exists(pk)", {":state": state}
        else:
            condition = "attribute_exists(pk) AND #state <> :accepted"
            values = {":state": state, ":accepted": "accepted"}
        if bsp_id is not None:
            update, values = update + ", bsp_id = :bsp_id", {**values, ":bsp_id": _indexed(account, bsp_id)}
        self._update(_message_key(account, reference), update, condition, values)

    def confirm(self, account: str, reference: str, bsp_id: str | None) -> bool:
        """The BSP says that it has the message: ends the doubt about one whose answer was lost. False: no message."""
        update, values = (
            "SET #state = :accepted",
            {":accepted": "accepted", ":sending": "sending", ":unknown": "unknown"},
        )
        if bsp_id is not None:
            update, values = update + ", bsp_id = :bsp_id", {**values, ":bsp_id": _indexed(account, bsp_id)}
        refused = self._update(_message_key(account, reference), update, "#state IN (:sending, :unknown)", values)
        return refused != {}

    def unconfirmed(self, account: str, reference: str) -> bool:
        """Whether nothing has been heard of a message whose answer was lost; it waits for no id then any more."""
        item = self._get(_message_key(account, reference))
        if item is None or item.get("state") not in ("sending", "unknown") or item.get("rung"):
            return False
        self.waiting.dismiss(account, str(item["recipient"]), reference)
        return True

    # --- correlating ---------------------------------------------------------------------------------------------

    def reference_of(self, account: str, bsp_id: str) -> str | None:
        """The msgId of the message that the BSP knows as `bsp_id`."""
        answer = self._dynamodb.query(
            TableName=self._table,
            IndexName="bsp_id",
            KeyConditionExpression="bsp_id = :bsp_id",
            ExpressionAttributeValues=typed({":bsp_id": _indexed(account, bsp_id)}),
            Limit=1,
        )
        items = answer["Items"]
        return str(items[0]["pk"]["S"]).removeprefix(_message_key(account, "")) if items else None

    # --- telling CleverTap ---------------------------------------------------------------------------------------

    def begin_climb(
        self, account: str, reference: str, owner: str, rung: int, *, heard: bool, bsp_id: str | None = None
    ) -> Climbing | Climb:
        """Ask for the right to tell CleverTap of `rung` (and what is missing below it).

        `heard`: the BSP said so, which ends the doubt about a message whose answer was lost. `bsp_id`: the id that the
        BSP knows it by, for messages that have none yet.
        """
        now = int(self._now())
        # A failure ends the ladder wherever it stands, except behind a read: what was read did arrive.
        below = READ if rung == FAILED else rung
        update = "SET climber = :climber, climb_until = :until"
        values: dict[str, str | int] = {":climber": owner, ":until": now + _HOLD_SECONDS, ":now": now, ":below": below}
        if heard:
            update, values = update + ", #state = :accepted", {**values, ":accepted": "accepted"}
        if bsp_id is not None:
            update += ", bsp_id = if_not_exists(bsp_id, :bsp_id)"
            values[":bsp_id"] = _indexed(account, bsp_id)
        answer = self._try_update(
            _message_key(account, reference),
            update,
            "rung < :below AND (attribute_not_exists(climber) OR climber = :climber OR climb_until < :now)",
            values,
        )
        if answer.done:
            return Climbing(int(answer.item["rung"]))
        if not answer.item:
            return Climb.NO_MESSAGE
        return Climb.REPEAT if int(answer.item.get("rung", 0)) >= below else Climb.BUSY

    def end_climb(self, account: str, reference: str, owner: str, rung: int) -> None:
        """CleverTap has taken the statuses up to `rung`."""
        self._update(
            _message_key(account, reference),
            "SET rung = :rung REMOVE climber, climb_until",
            "climber = :climber",
            {":rung": rung, ":climber": owner},
        )

    def leave_climb(self, account: str, reference: str, owner: str) -> None:
        """CleverTap has not taken them; the next try may be another queue message's."""
        self._update(
            _message_key(account, reference),
            "REMOVE climber, climb_until",
            "climber = :climber",
            {":climber": owner},
        )

    # --- telling CleverTap once ----------------------------------------------------------------------------------

    def begin_reply(self, account: str, reply: str, owner: str) -> bool:
        """Ask for the right to forward a message from a person; False for a repeat."""
        return self._begin_once(_reply_key(account, reply), owner) is None

    def leave_reply(self, account: str, reply: str, owner: str) -> None:
        """It is kept elsewhere (dead-letter queue, quarantine); whoever brings it back may forward it at once."""
        self._leave_once(_reply_key(account, reply), owner)

    def end_reply(self, account: str, reply: str) -> None:
        """CleverTap has taken it."""
        self._end_once(_reply_key(account, reply))

    def begin_click(self, account: str, click: str, owner: str) -> Climb | None:
        """Ask for the right to tell CleverTap of a click: None when it is granted."""
        refused = self._begin_once(_click_key(account, click), owner)
        if refused is None:
            return None
        return Climb.REPEAT if refused.get("state") == "forwarded" else Climb.BUSY

    def leave_click(self, account: str, click: str, owner: str) -> None:
        """CleverTap has not taken it; the next try is another queue message's."""
        self._leave_once(_click_key(account, click), owner)

    def end_click(self, account: str, click: str) -> None:
        """CleverTap has taken it."""
        self._end_once(_click_key(account, click))

    def _begin_once(self, key: str, owner: str) -> dict[str, Any] | None:
        """None when the right is granted, else the item that stands against it."""
        now = int(self._now())
        return self._update(
            key,
            "SET #state = :forwarding, #owner = :owner, held_until = :until, expires_at = :expires",
            "attribute_not_exists(pk) OR (#state = :forwarding AND (#owner = :owner OR held_until < :now))",
            {
                ":forwarding": "forwarding",
                ":owner": owner,
                ":until": now + _HOLD_SECONDS,
                ":now": now,
                ":expires": self._expiry(_FORWARDED_DAYS * 86_400),
            },
        )

    def _leave_once(self, key: str, owner: str) -> None:
        self._update(
            key,
            "SET held_until = :over",
            "#state = :forwarding AND #owner = :owner",
            {":over": 0, ":forwarding": "forwarding", ":owner": owner},
        )

    def _end_once(self, key: str) -> None:
        self._update(key, "SET #state = :forwarded", "attribute_exists(pk)", {":forwarded": "forwarded"})

    # --- DynamoDB ------------------------------------------------------------------------------------------------

    def _expiry(self, seconds: int) -> int:
        return int(self._now()) + seconds

    def _get(self, key: str) -> dict[str, Any] | None:
        answer = self._dynamodb.get_item(TableName=self._table, Key=typed({"pk": key}), ConsistentRead=True)
        return untyped(answer["Item"]) if "Item" in answer else None

    def _update(self, key: str, update: str, condition: str, values: Mapping[str, str | int]) -> dict[str, Any] | None:
        """None when it was done, else the item that stood against it ({} when there is none)."""
        answer = self._try_update(key, update, condition, values)
        return None if answer.done else answer.item

    def _try_update(self, key: str, update: str, condition: str, values: Mapping[str, str | int]) -> "_Answer":
        names = {name: name[1:] for name in ("#state", "#owner") if name in update + condition}
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "Key": typed({"pk": key}),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": typed(values),
        }
        if names:
            arguments["ExpressionAttributeNames"] = names
        done, item = try_update(self._dynamodb, arguments)
        return _Answer(done, item)


@dataclass(frozen=True, slots=True)
class _Answer:
    done: bool
    item: dict[str, Any]


def _message_key(account: str, reference: str) -> str:
    return f"msg#{account}#{reference}"


def _reply_key(account: str, reply: str) -> str:
    return f"reply#{account}#{reply}"


def _click_key(account: str, click: str) -> str:
    return f"click#{account}#{click}"


def _indexed(account: str, bsp_id: str) -> str:
    return f"{account}#{bsp_id}"
