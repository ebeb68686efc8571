"""Reports that CleverTap gets once: messages from people, and clicks.

One item per message from a person, key `reply#{account}#{the BSP's id}` (WhatsApp's ids are hidden), and per click, key
`click#{account}#{hash}`: `state` forwarding -> forwarded, `owner` (the grant of the delivery that reports it, as in
`leases`), `held_until` (seconds), and for a message `sender`, the person's pseudonym.

Some BSPs give an id twice, to messages of two people: the second person's message has an item of its own, whose key
ends with the pseudonym.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from whatsapp_bridge.providers.common.message_ids import forms, hidden
from whatsapp_bridge.store.items import HOLD_SECONDS, Table
from whatsapp_bridge.store.leases import NoLease

_KEPT_SECONDS = 14 * 86_400


class Once:
    def __init__(self, table: Table) -> None:
        self._table = table

    def begin_reply(
        self, account: str, reply: str, grant: str, senders: Sequence[str] = (), *, late: bool = False
    ) -> str | NoLease:
        """Ask for the right to forward a message from a person; the id to go on with if it is granted.

        `senders` are the person's pseudonyms, none if their number is not known: the same message may come with the
        number once, and once with a user id. `late`: it may have been forwarded when ids were not hidden yet.
        """
        if late and (earlier := self._earlier(account, reply)) is not None:
            return earlier
        refused = self._begin_once(_reply_key(account, reply), grant, senders)
        if refused is not None and senders and refused.get("sender", senders[0]) not in senders:
            reply = f"{reply}#{senders[0]}"
            refused = self._begin_once(_reply_key(account, reply), grant, senders)
        return reply if refused is None else _reason(refused)

    def _earlier(self, account: str, reply: str) -> NoLease | None:
        """What stands against forwarding it in the item of its id as it is."""
        _, *earlier = forms(account, reply)
        for form in earlier:
            item = self._table.get(f"reply#{account}#{form}")
            if item is not None and (item.get("state") == "forwarded" or item["held_until"] >= self._table.now()):
                return _reason(item)
        return None

    def leave_reply(self, account: str, reply: str, grant: str) -> None:
        """Release it: the next delivery makes the next attempt. Or it is kept elsewhere (dead-letter queue,
        quarantine), and a redrive or replay may forward it at once."""
        self._leave_once(_reply_key(account, reply), grant)

    def end_reply(self, account: str, reply: str) -> None:
        """Record that CleverTap has accepted it."""
        self._end_once(_reply_key(account, reply))

    def begin_click(self, account: str, click: str, grant: str) -> NoLease | None:
        """Ask for the right to report a click to CleverTap; None if it is granted."""
        refused = self._begin_once(_click_key(account, click), grant)
        return None if refused is None else _reason(refused)

    def leave_click(self, account: str, click: str, grant: str) -> None:
        """Release it: CleverTap has not accepted it, and another delivery makes the next attempt."""
        self._leave_once(_click_key(account, click), grant)

    def end_click(self, account: str, click: str) -> None:
        """Record that CleverTap has accepted it."""
        self._end_once(_click_key(account, click))

    def _begin_once(self, key: str, grant: str, senders: Sequence[str] = ()) -> Mapping[str, Any] | None:
        """None if it is granted, else the item that prevented it."""
        now = int(self._table.now())
        people = {f":sender{number}": sender for number, sender in enumerate(senders)}
        update = "SET #state = :forwarding, #owner = :owner, held_until = :until, expires_at = :expires"
        mine = "#state = :forwarding AND (#owner = :owner OR held_until < :now)"
        if people:
            update += ", sender = :sender0"
            # An item of an older version has no sender.
            mine += f" AND (attribute_not_exists(sender) OR sender IN ({', '.join(people)}))"
        return self._table.update(
            key,
            update,
            f"attribute_not_exists(pk) OR ({mine})",
            {
                ":forwarding": "forwarding",
                ":owner": grant,
                ":until": now + HOLD_SECONDS,
                ":now": now,
                ":expires": now + _KEPT_SECONDS,
                **people,
            },
        )

    def _leave_once(self, key: str, grant: str) -> None:
        self._table.update(
            key,
            "SET held_until = :over",
            "#state = :forwarding AND #owner = :owner",
            {":over": 0, ":forwarding": "forwarding", ":owner": grant},
        )

    def _end_once(self, key: str) -> None:
        self._table.update(key, "SET #state = :forwarded", "attribute_exists(pk)", {":forwarded": "forwarded"})


def _reason(refused: Mapping[str, Any]) -> NoLease:
    return NoLease.REPEAT if refused.get("state") == "forwarded" else NoLease.BUSY


def _reply_key(account: str, reply: str) -> str:
    return f"reply#{account}#{hidden(account, reply)}"


def _click_key(account: str, click: str) -> str:
    return f"click#{account}#{click}"
