"""Small facts kept across invocations and processes: a token, a file's id at the BSP, that somebody has opted in.

They lie in the messages table, under keys of their own (`note#{account}#{key}`), and expire. Losing one costs a call
that would have been saved; nothing is decided by them that must not be decided twice.
"""

from collections.abc import Callable
from time import time
from typing import Any, Final

from whatsapp_bridge.store.aws import client

FILES_LOST: Final = "files-lost"
"""Key of the note (seconds since 1970) that the BSP did not find a file: no id of one from before is to be trusted."""
FILES_LOST_SECONDS: Final = 30 * 86_400


class Notes:
    def __init__(self, table: str, dynamodb: Any = None, now: Callable[[], float] = time) -> None:
        self._table, self._now = table, now
        self._dynamodb = dynamodb or client("dynamodb")

    def get(self, account: str, key: str) -> str | None:
        """The note, None where there is none or its time is over."""
        item = self._dynamodb.get_item(TableName=self._table, Key=_key(account, key)).get("Item")
        # DynamoDB removes what has expired within days, not at once.
        if item is None or int(item["expires_at"]["N"]) <= self._now():
            return None
        return str(item["note"]["S"])

    def put(self, account: str, key: str, note: str, seconds: int) -> None:
        """Keep `note` for so many seconds, in place of the one that was there."""
        self._dynamodb.update_item(
            TableName=self._table,
            Key=_key(account, key),
            UpdateExpression="SET note = :note, expires_at = :expires",
            ExpressionAttributeValues={":note": {"S": note}, ":expires": {"N": str(int(self._now()) + seconds)}},
        )

    def forget(self, account: str, key: str, note: str) -> None:
        """Drop this note; another that has taken its place stays."""
        from botocore.exceptions import ClientError

        from whatsapp_bridge.store.aws import error_code

        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=_key(account, key),
                UpdateExpression="SET expires_at = :over",
                ConditionExpression="note = :note",
                ExpressionAttributeValues={":over": {"N": str(int(self._now()))}, ":note": {"S": note}},
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise


def _key(account: str, key: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"note#{account}#{key}"}}
