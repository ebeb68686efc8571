"""Calls to AWS that fail, for `World.fail`."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError


def failing(operation: str, times: int, *needles: str) -> Callable[[str, Any], Exception | None]:
    """Calls of `operation` whose parameters hold all `needles` fail so many times, with a text for no eyes: Canary."""
    left = [times]

    def fail(called: str, parameters: Any) -> Exception | None:
        if called != operation or not all(needle in repr(parameters) for needle in needles) or not left[0]:
            return None
        left[0] -= 1
        return ClientError({"Error": {"Code": "InternalServerError", "Message": "Canary"}}, "X")

    return fail


# Of an item's key, and of an index's: "Partition keys and sort keys" in
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html.
_MAX_KEY_BYTES = 2048


def as_dynamodb_limits(called: str, parameters: Any) -> Exception | None:
    """Refuses keys that are too long, which moto takes."""
    keys = [parameters.get("Key", {}).get("pk", {}), *parameters.get("ExpressionAttributeValues", {}).values()]
    if all(len(key.get("S", "").encode()) <= _MAX_KEY_BYTES for key in keys if isinstance(key, dict)):
        return None
    return ClientError({"Error": {"Code": "ValidationException", "Message": "Canary"}}, called)
