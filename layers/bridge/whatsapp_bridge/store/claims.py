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

What became of the message, and when, stands beside these: `journal`.

An owner is the id of a queue message, not of an invocation: if an invocation dies, the queue delivers the same message
again, and that delivery continues where the other stopped. A message redriven from a dead-letter queue has a new id and
takes over because the old one's time has expired. Messages that are found by recipient are in `waiting`; the last
reported status is in `leases`.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from whatsapp_bridge.providers.common.message_ids import forms
from whatsapp_bridge.store import journal
from whatsapp_bridge.store.items import HOLD_SECONDS, Table, Value, indexed, message_key, typed, with_entries

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


class Verdict(NamedTuple):
    """What a message is given up with: CleverTap's code, a title, and the BSP's own code if there is one."""

    code: int
    title: str
    bsp_code: str | None = None


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
        begun: journal.Begun | None = None,
    ) -> Claim:
        """Ask for the right to send (`sending`: the request leaves now, else none is made), and to settle.

        `recipient` is the pseudonym; `grant` is a new id for each delivery; `turn` is the grant of the delivery that
        has released it to this queue message, or could not record that; `payloads` and `begun` are kept with it.

        If a delivery dies after it has sent its next queue message, its own comes back too. One of the two makes the
        next attempt; the other is a repeat then, so that they do not become more and more.
        """
        now = int(self._table.now())
        kept = {} if begun is None else journal.of_claim(begun, now, sending=sending)
        if payloads is not None:
            kept["payloads"] = payloads
        refused = self._update(
            account,
            reference,
            "SET #owner = :owner, #state = :state, held_until = :until, send_grant = :grant, recipient = :recipient, "
            "expires_at = :expires, rung = if_not_exists(rung, :none)",
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
            },
            kept,
        )
        if refused is None:
            return Claim.GRANTED
        if refused.get("state") != "sending":
            return Claim.REPEAT
        if refused.get("held_until", 0) < now:
            return Claim.INTERRUPTED
        return Claim.BUSY if refused.get("owner") == owner else Claim.REPEAT

    def withdraw(self, account: str, reference: str, grant: str, tried: journal.Tried | None = None) -> None:
        """Nothing is sent: the write of the claim failed, and may have been done all the same. If so, another delivery
        may claim it."""
        self._update(
            account,
            reference,
            "SET #state = :claimed",
            "send_grant = :grant AND #state = :sending",
            {":claimed": "claimed", ":sending": "sending", ":grant": grant},
            journal.of_try(tried, self._table.now()),
        )

    def release(
        self,
        account: str,
        reference: str,
        grant: str,
        seconds: int | None,
        verdict: Verdict | None = None,
        tried: journal.Tried | None = None,
        next_at: float | None = None,
    ) -> bool:
        """Give the claim to the queue message that follows in `seconds`; None if there is none, because the same one
        comes back. `verdict` is kept for `last_verdict`; None keeps the one before. `next_at` is when the next attempt
        is due. False if nothing may follow: another has the claim, or a status shows that the BSP has the message.
        """
        now = int(self._table.now())
        kept: dict[str, Value] = {**journal.of_try(tried, now)}
        if next_at is not None:
            kept["nx"] = int(next_at)
        if verdict is not None:
            kept |= {"verdict": f"{int(verdict.code)} {verdict.title}", "vb": verdict.bsp_code or ""}
        refused = self._update(
            account,
            reference,
            "SET #state = :released, held_until = :until, send_turn = :grant",
            "send_grant = :grant AND #state IN (:claimed, :sending, :released)",
            {
                ":released": "released",
                ":claimed": "claimed",
                ":sending": "sending",
                ":grant": grant,
                # Without copies no other is kept off: one that is redriven soon goes on.
                ":until": now if seconds is None else now + seconds + _LATE_SECONDS,
            },
            kept,
        )
        return refused is None

    def last_verdict(self, account: str, reference: str) -> Verdict | None:
        """What the last attempt has left to give the message up with. None without one."""
        item = self._table.get(message_key(account, reference)) or {}
        code, _, title = str(item.get("verdict", "")).partition(" ")
        return Verdict(int(code), title, item.get("vb") or None) if title else None

    def settle(
        self,
        account: str,
        reference: str,
        state: str,
        bsp_id: str | None = None,
        tried: journal.Tried | None = None,
        failure: journal.Failure | None = None,
    ) -> None:
        """Record an outcome: accepted, rejected, unknown."""
        update = "SET #state = :state"
        # A status can arrive before the answer and record the acceptance; no later outcome changes that.
        if state == "accepted":
            condition, values = "attribute_exists(pk)", {":state": state}
        else:
            condition = "attribute_exists(pk) AND #state <> :accepted"
            values = {":state": state, ":accepted": "accepted"}
        kept: dict[str, Value] = {**journal.of_try(tried, self._table.now()), **journal.of_failure(failure)}
        if bsp_id is not None:
            kept["bsp_id"] = indexed(account, bsp_id)
        self._update(account, reference, update, condition, values, kept)

    def confirm(self, account: str, reference: str, bsp_id: str | None) -> bool:
        """Record that the BSP has the message, also one whose answer was lost. False if there is no message."""
        kept: dict[str, Value] = {"k": int(self._table.now())}
        if bsp_id is not None:
            kept["bsp_id"] = indexed(account, bsp_id)
        values = {":accepted": "accepted", ":sending": "sending", ":unknown": "unknown"}
        refused = self._update(
            account, reference, "SET #state = :accepted", "#state IN (:sending, :unknown)", values, kept
        )
        return refused != {}

    def clicked(self, account: str, reference: str) -> bool:
        """Record that the person has tapped a link in the message: they have it, also if its answer was lost. False if
        there is no message."""
        refused = self._update(
            account,
            reference,
            "SET #state = :accepted, cl = if_not_exists(cl, :none) + :one, c1 = if_not_exists(c1, :now)",
            "attribute_exists(pk)",
            {":accepted": "accepted", ":none": 0, ":one": 1, ":now": int(self._table.now())},
        )
        return refused is None

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

    def _update(
        self,
        account: str,
        reference: str,
        update: str,
        condition: str,
        values: Mapping[str, Value],
        kept: Mapping[str, Value] | None = None,
    ) -> dict[str, Any] | None:
        """`kept` are attributes that are set too."""
        update, values = with_entries(update, values, kept or {})
        return self._table.update(message_key(account, reference), update, condition, values)

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
