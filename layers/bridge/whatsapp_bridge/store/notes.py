"""Small facts kept across invocations and processes: a token, a file's id at the BSP, a person's opt-in.

They are in the messages table, with their own keys (`note#{account}#{key}`), and expire. A lost note costs only one
more call; nothing that must happen once depends on a note.
"""

from typing import Any

from whatsapp_bridge.store.items import Table, typed, untyped

_KEPT_SECONDS = 900
_MAX_KEPT = 10_000


class StoredNotes:
    def __init__(self, table: Table) -> None:
        self._table = table
        # What `keep` has made sure of, and until when it is not read again.
        self._kept: dict[tuple[str, str], tuple[str, float]] = {}

    def get(self, account: str, key: str) -> str | None:
        """The note; None if there is none or it has expired."""
        item = self._item(account, key)
        # DynamoDB removes expired items within days, not immediately.
        return str(item["note"]) if item and item["expires_at"] > self._table.now() else None

    def put(self, account: str, key: str, note: str, seconds: int) -> None:
        """Keep `note` for `seconds`; replaces an earlier one."""
        self._kept.pop((account, key), None)
        self._table.dynamodb.update_item(
            TableName=self._table.name,
            Key=typed({"pk": _key(account, key)}),
            UpdateExpression="SET note = :note, expires_at = :expires",
            ExpressionAttributeValues=typed({":note": note, ":expires": int(self._table.now()) + seconds}),
        )

    def keep(self, account: str, key: str, note: str, seconds: int) -> None:
        """The same for a note that is often put again: a read, and a write where it is new or half its time is over.

        A process reads once in a quarter of an hour: the statuses of one message put the same note three times.
        """
        known, until = self._kept.get((account, key), ("", 0.0))
        if known == note and self._table.now() < until:
            return
        item = self._item(account, key)
        if item.get("note") != note or item["expires_at"] - self._table.now() <= seconds / 2:
            self.put(account, key, note, seconds)
        if len(self._kept) >= _MAX_KEPT:
            self._kept.clear()
        self._kept[account, key] = note, self._table.now() + min(_KEPT_SECONDS, seconds / 4)

    def forget(self, account: str, key: str, note: str) -> None:
        """Delete this note; one that has replaced it stays."""
        self._kept.pop((account, key), None)
        key, now = _key(account, key), int(self._table.now())
        self._table.update(key, "SET expires_at = :over", "note = :note", {":over": now, ":note": note})

    def _item(self, account: str, key: str) -> dict[str, Any]:
        # Eventually consistent, at half the price: an old note costs only one more call.
        answer = self._table.dynamodb.get_item(TableName=self._table.name, Key=typed({"pk": _key(account, key)}))
        return untyped(answer.get("Item", {}))


def _key(account: str, key: str) -> str:
    return f"note#{account}#{key}"
