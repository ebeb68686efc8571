"""Claims: who may send a message, and its outcome.

One item per message, key `msg#{account}#{msgId}`:

    state     sending -> accepted | rejected | unknown; released: can be claimed again; claimed: settled without a
              request, unless the delivery dies, which leaves the claim to the next one
    owner     the queue message that holds the claim; it may lose the claim after `held_until` (seconds)
    grant     one delivery's claim: tells a repeated write (the SDK's after a lost answer) from another delivery's.
    turn      the grant that released it: only the queue message that carries it may claim it, or the owner
    payloads  what taps of its quick replies bring back, if the BSP does not say it (`flows.taps`)
    verdict   what it is given up with, if no other attempt is made: CleverTap's code and a title
    bsp_id    `{account}#{the BSP's id}`, indexed; WhatsApp's ids are hidden (`providers.common.message_ids`)

An owner is the id of a queue message, not of an invocation: if an invocation dies, the queue delivers the same message
again, and that delivery continues where the other stopped. A message redriven from a dead-letter queue has a new id and
takes over because the old one's time has expired. Messages that are found by recipient are in `waiting`; the last
reported status is in `leases`.
"""

from enum import Enum
from typing import Any

from whatsapp_bridge.providers.common.message_ids import forms
from whatsapp_bridge.store.items import HOLD_SECONDS, Table, indexed, message_key, typed

# A queue message that is later than this may find that another has taken its turn.
_LATE_SECONDS = 900


class Claim(Enum):
    GRANTED = "granted"
    """This queue message may send the message."""
    REPEAT = "repeat"
    """Another queue message has the claim, or the message is settled."""
    BUSY = "busy"
    """SQS has handed out this queue message twice, and the other delivery is sending the message."""
    INTERRUPTED = "interrupted"
    """An earlier delivery died while it was sending the message."""


class Claims:
    def __init__(self, table: Table, ttl_days: int) -> None:
        self._table, self._ttl_seconds = table, ttl_days * 86_400

    def claim(
        self,
        account: str,
        reference: str,
        owner: str,
        recipient: str,
        grant: str,
        turn: str | None = None,
        *,
        sending: bool,
        payloads: str | None = None,
    ) -> Claim:
        """Ask for the right to send (`sending`: the request leaves now, else none is made), and to settle.

        `recipient` is the pseudonym; `grant` is a new id for each delivery; `turn` is the grant of the delivery that
        has released it to this queue message, or could not record that; `payloads` is kept with it.

        If a delivery dies after it has sent its next queue message, its own comes back too. One of the two makes the
        next attempt; the other is a repeat then, so that they do not become more and more.
        """
        now = int(self._table.now())
        refused = self._table.update(
            message_key(account, reference),
            "SET #owner = :owner, #state = :state, held_until = :until, send_grant = :grant, recipient = :recipient, "
            "expires_at = :expires, rung = if_not_exists(rung, :none)"
            + (", payloads = :payloads" if payloads is not None else ""),
            "attribute_not_exists(pk) "
            "OR (#state IN (:claimed, :released) AND (#owner = :owner OR held_until < :now)) "
            # One that an older version released has no turn.
            "OR (#state = :released AND (attribute_not_exists(send_turn) OR send_turn = :turn)) "
            # The same write again, or the message was surely not taken, and DynamoDB did not take the release.
            "OR (#state = :sending AND send_grant IN (:grant, :turn))",
            {
                ":state": "sending" if sending else "claimed",
                ":claimed": "claimed",
                ":released": "released",
                ":sending": "sending",
                ":owner": owner,
                ":until": now + HOLD_SECONDS,
                ":now": now,
                ":grant": grant,
                ":turn": turn or "",
                ":recipient": recipient,
                ":expires": now + self._ttl_seconds,
                ":none": 0,
                **({":payloads": payloads} if payloads is not None else {}),
            },
        )
        if refused is None:
            return Claim.GRANTED
        if refused.get("state") != "sending":
            return Claim.REPEAT
        if refused.get("held_until", 0) < now:
            return Claim.INTERRUPTED
        return Claim.BUSY if refused.get("owner") == owner else Claim.REPEAT

    def withdraw(self, account: str, reference: str, grant: str) -> None:
        """Nothing is sent: the write of the claim failed, and may have been done all the same. If so, another delivery
        may claim it."""
        self._table.update(
            message_key(account, reference),
            "SET #state = :claimed",
            "send_grant = :grant AND #state = :sending",
            {":claimed": "claimed", ":sending": "sending", ":grant": grant},
        )

    def release(
        self, account: str, reference: str, grant: str, seconds: int | None, verdict: tuple[int, str] | None = None
    ) -> bool:
        """Give the claim to the queue message that follows in `seconds`; None if there is none, because the same one
        comes back. `verdict` is kept for `last_verdict`; None keeps the one before. False if nothing may follow:
        another has the claim, or a status shows that the BSP has the message.
        """
        now = int(self._table.now())
        update, values = "SET #state = :released, held_until = :until, send_turn = :grant", dict[str, Any]()
        if verdict is not None:
            update, values = update + ", verdict = :verdict", {":verdict": f"{int(verdict[0])} {verdict[1]}"}
        refused = self._table.update(
            message_key(account, reference),
            update,
            "send_grant = :grant AND #state IN (:claimed, :sending, :released)",
            {
                **values,
                ":released": "released",
                ":claimed": "claimed",
                ":sending": "sending",
                ":grant": grant,
                # Without copies no other is kept off: one that is redriven soon goes on.
                ":until": now if seconds is None else now + seconds + _LATE_SECONDS,
            },
        )
        return refused is None

    def last_verdict(self, account: str, reference: str) -> tuple[int, str] | None:
        """What the last attempt has left to give the message up with: a code and a title. None without one."""
        item = self._table.get(message_key(account, reference)) or {}
        code, _, title = str(item.get("verdict", "")).partition(" ")
        return (int(code), title) if title else None

    def settle(self, account: str, reference: str, state: str, bsp_id: str | None = None) -> None:
        """Record an outcome: accepted, rejected, unknown."""
        update = "SET #state = :state"
        # A status can arrive before the answer and record the acceptance; no later outcome changes that.
        if state == "accepted":
            condition, values = "attribute_exists(pk)", {":state": state}
        else:
            condition = "attribute_exists(pk) AND #state <> :accepted"
            values = {":state": state, ":accepted": "accepted"}
        if bsp_id is not None:
            update, values = update + ", bsp_id = :bsp_id", {**values, ":bsp_id": indexed(account, bsp_id)}
        self._table.update(message_key(account, reference), update, condition, values)

    def confirm(self, account: str, reference: str, bsp_id: str | None) -> bool:
        """Record that the BSP has the message, also one whose answer was lost. False if there is no message."""
        update, values = (
            "SET #state = :accepted",
            {":accepted": "accepted", ":sending": "sending", ":unknown": "unknown"},
        )
        if bsp_id is not None:
            update, values = update + ", bsp_id = :bsp_id", {**values, ":bsp_id": indexed(account, bsp_id)}
        refused = self._table.update(message_key(account, reference), update, "#state IN (:sending, :unknown)", values)
        return refused != {}

    def unconfirmed(self, account: str, reference: str) -> str | None:
        """The person's pseudonym, if the message's answer was lost and it has had no status since; else None."""
        item = self._table.get(message_key(account, reference))
        if item is None or item.get("state") not in ("sending", "unknown") or item.get("rung"):
            return None
        return str(item["recipient"])

    def payloads_of(self, account: str, reference: str) -> str | None:
        """What was kept with the message when it was claimed."""
        item = self._table.get(message_key(account, reference))
        return None if item is None else item.get("payloads")

    def reference_of(self, account: str, bsp_id: str) -> str | None:
        """The msgId of the message with the BSP's id `bsp_id`; one call, and a second one for an id of WhatsApp's that
        is not found."""
        found = (self._reference_of(f"{account}#{form}", account) for form in forms(account, bsp_id))
        return next((reference for reference in found if reference is not None), None)

    def _reference_of(self, key: str, account: str) -> str | None:
        answer = self._table.dynamodb.query(
            TableName=self._table.name,
            IndexName="bsp_id",
            KeyConditionExpression="bsp_id = :bsp_id",
            ExpressionAttributeValues=typed({":bsp_id": key}),
            Limit=1,
        )
        items = answer["Items"]
        return str(items[0]["pk"]["S"]).removeprefix(message_key(account, "")) if items else None
