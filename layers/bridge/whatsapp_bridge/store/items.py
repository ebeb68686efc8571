"""DynamoDB's items: texts and whole numbers, and updates under a condition."""

from collections.abc import Mapping
from typing import Any

from whatsapp_bridge.store.aws import error_code


def typed(values: Mapping[str, str | int]) -> dict[str, dict[str, str]]:
    return {name: {"N": str(v)} if isinstance(v, int) else {"S": v} for name, v in values.items()}


def untyped(item: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    return {name: int(value["N"]) if "N" in value else value.get("S") for name, value in item.items()}


def try_update(dynamodb: Any, arguments: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Whether it was done, and the item: as it is then, or as it stood against ({} when there is none)."""
    from botocore.exceptions import ClientError

    told = {"ReturnValues": "ALL_NEW"}
    if "ConditionExpression" in arguments:
        told["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    try:
        return True, untyped(dynamodb.update_item(**arguments, **told).get("Attributes", {}))
    except ClientError as error:
        if error_code(error) != "ConditionalCheckFailedException":
            raise
        stood_against: Any = error.response.get("Item", {})
        return False, untyped(stood_against)
