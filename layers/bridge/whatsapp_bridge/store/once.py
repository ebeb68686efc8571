"""Reports that CleverTap gets once: messages from people, and clicks.

One item per message from a person, key `reply#{account}#{the BSP's id}`, and per click, key `click#{account}#{hash}`:
`state` forwarding -> forwarded, `owner` (the grant of the delivery that reports it, as in `leases`), `held_until`
(seconds).
"""

from whatsapp_bridge.store.items import HOLD_SECONDS, Table
from whatsapp_bridge.store.leases import NoLease

_KEPT_SECONDS = 14 * 86_400


class Once:
    def __init__(self, table: Table) -> None:
        self._table = table

    def begin_reply(self, account: str, reply: str, grant: str) -> NoLease | None:
        """Ask for the right to forward a message from a person; None if it is granted."""
        return self._begin_once(_reply_key(account, reply), grant)

    def leave_reply(self, account: str, reply: str, grant: str) -> None:
        """Release it: the next delivery makes the next attempt. Or it is kept elsewhere (dead-letter queue,
        quarantine), and a redrive or replay may forward it at once."""
        self._leave_once(_reply_key(account, reply), grant)

    def end_reply(self, account: str, reply: str) -> None:
        """Record that CleverTap has accepted it."""
        self._end_once(_reply_key(account, reply))

    def begin_click(self, account: str, click: str, grant: str) -> NoLease | None:
        """Ask for the right to report a click to CleverTap; None if it is granted."""
        return self._begin_once(_click_key(account, click), grant)

    def leave_click(self, account: str, click: str, grant: str) -> None:
        """Release it: CleverTap has not accepted it, and another delivery makes the next attempt."""
        self._leave_once(_click_key(account, click), grant)

    def end_click(self, account: str, click: str) -> None:
        """Record that CleverTap has accepted it."""
        self._end_once(_click_key(account, click))

    def _begin_once(self, key: str, grant: str) -> NoLease | None:
        now = int(self._table.now())
        refused = self._table.update(
            key,
            "SET #state = :forwarding, #owner = :owner, held_until = :until, expires_at = :expires",
            "attribute_not_exists(pk) OR (#state = :forwarding AND (#owner = :owner OR held_until < :now))",
            {
                ":forwarding": "forwarding",
                ":owner": grant,
                ":until": now + HOLD_SECONDS,
                ":now": now,
                ":expires": now + _KEPT_SECONDS,
            },
        )
        if refused is None:
            return None
        return NoLease.REPEAT if refused.get("state") == "forwarded" else NoLease.BUSY

    def _leave_once(self, key: str, grant: str) -> None:
        self._table.update(
            key,
            "SET held_until = :over",
            "#state = :forwarding AND #owner = :owner",
            {":over": 0, ":forwarding": "forwarding", ":owner": grant},
        )

    def _end_once(self, key: str) -> None:
        self._table.update(key, "SET #state = :forwarded", "attribute_exists(pk)", {":forwarded": "forwarded"})


def _reply_key(account: str, reply: str) -> str:
    return f"reply#{account}#{reply}"


def _click_key(account: str, click: str) -> str:
    return f"click#{account}#{click}"
