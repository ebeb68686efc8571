"""The messages table: its items hold texts, whole numbers and bytes, and each write is one conditional update."""

from collections.abc import Callable, Mapping
from time import time
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from whatsapp_bridge.providers.common.message_ids import hidden
from whatsapp_bridge.store.aws import client, error_code

type Value = str | int | bytes

# Longer than any function may run: an older holder is no longer working.
HOLD_SECONDS = 120


class Attempt(NamedTuple):
    """Whether an update was done, and the item: the new one, or the one that prevented it ({} if there is none)."""

    done: bool
    item: dict[str, Any]


class Table:
    """The table's items by their key `pk`. `now` in seconds since 1970."""

    def __init__(self, name: str, dynamodb: Any = None, now: Callable[[], float] = time) -> None:
        self.name, self.now = name, now
        self.dynamodb = dynamodb or client("dynamodb")

    def get(self, key: str) -> dict[str, Any] | None:
        answer = self.dynamodb.get_item(TableName=self.name, Key=typed({"pk": key}), ConsistentRead=True)
        return untyped(answer["Item"]) if "Item" in answer else None

    def update(self, key: str, update: str, condition: str, values: Mapping[str, Value]) -> dict[str, Any] | None:
        """None if it was done, else the item that prevented it ({} if there is none)."""
        attempt = self.try_update(key, update, condition, values)
        return None if attempt.done else attempt.item

    def try_update(self, key: str, update: str, condition: str, values: Mapping[str, Value]) -> Attempt:
        names = {name: name[1:] for name in ("#state", "#owner") if name in update + condition}
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "Key": typed({"pk": key}),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": typed(values),
        }
        if names:
            arguments["ExpressionAttributeNames"] = names
        return try_update(self.dynamodb, arguments)


def with_entries(
    update: str, values: Mapping[str, Value], entries: Mapping[str, Value]
) -> tuple[str, Mapping[str, Value]]:
    """An update (a `SET` clause, or others) and its values, with these attributes set too. No name may be a reserved
    word."""
    if entries:
        sets = ", ".join(f"{name} = :its_{name}" for name in entries)
        update += f", {sets}" if update.startswith("SET ") else f" SET {sets}"
    return update, {**values, **{f":its_{name}": value for name, value in entries.items()}}


def message_key(account: str, reference: str) -> str:
    return f"msg#{account}#{reference}"


def indexed(account: str, bsp_id: str) -> str:
    """A BSP's id in the form of the index `bsp_id`."""
    return f"{account}#{hidden(account, bsp_id)}"


def typed(values: Mapping[str, Value]) -> dict[str, dict[str, Any]]:
    return {name: _typed(value) for name, value in values.items()}


def _typed(value: Value) -> dict[str, Any]:
    match value:
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
    return {"S": value}


def untyped(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: int(v["N"]) if "N" in v else v.get("S", v.get("B")) for name, v in item.items()}


def try_update(dynamodb: Any, arguments: Mapping[str, Any]) -> Attempt:
    told = {"ReturnValues": "ALL_NEW"}
    if "ConditionExpression" in arguments:
        told["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    try:
        return Attempt(True, untyped(dynamodb.update_item(**arguments, **told).get("Attributes", {})))
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
        stood_against: Any = error.response.get("Item", {})
        return Attempt(False, untyped(stood_against))
