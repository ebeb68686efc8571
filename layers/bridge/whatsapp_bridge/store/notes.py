"""Small facts kept across invocations and processes: a token, a file's id at the BSP, that somebody has opted in.

They lie in the messages table, under keys of their own (`note#{account}#{key}`), and expire. Losing one costs a call
that would have been saved; nothing is decided by them that must not be decided twice.
"""

from whatsapp_bridge.store.items import Table, typed, untyped


class StoredNotes:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, account: str, key: str) -> str | None:
        """The note, None where there is none or its time is over."""
        # Eventually consistent, at half the price: an old note costs one call more.
        answer = self._table.dynamodb.get_item(TableName=self._table.name, Key=typed({"pk": _key(account, key)}))
        item = untyped(answer.get("Item", {}))
        # DynamoDB removes what has expired within days, not at once.
        return str(item["note"]) if item and item["expires_at"] > self._table.now() else None

    def put(self, account: str, key: str, note: str, seconds: int) -> None:
        """Keep `note` for so many seconds, in place of the one that was there."""
        self._table.dynamodb.update_item(
            TableName=self._table.name,
            Key=typed({"pk": _key(account, key)}),
            UpdateExpression="SET note = :note, expires_at = :expires",
            ExpressionAttributeValues=typed({":note": note, ":expires": int(self._table.now()) + seconds}),
        )

    def forget(self, account: str, key: str, note: str) -> None:
        """Drop this note; another that has taken its place stays."""
        key, now = _key(account, key), int(self._table.now())
        self._table.update(key, "SET expires_at = :over", "note = :note", {":over": now, ":note": note})


def _key(account: str, key: str) -> str:
    return f"note#{account}#{key}"
