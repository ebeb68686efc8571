"""Queue messages of any size: a payload that is too large for SQS is stored in S3, and the queue has its key."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from botocore.exceptions import ClientError
from pydantic_core import from_json, to_json

from whatsapp_bridge.store.aws import client, error_code
from whatsapp_bridge.store.queues import MAX_MESSAGE_BYTES, Entry

_PREFIX = "payloads/"


class PayloadGone(LookupError):
    """The bucket has it no longer."""


class Payloads:
    """Objects expire by the bucket's lifecycle, after the queues' retention."""

    def __init__(
        self,
        bucket: str,
        s3: Callable[[], Any] = lambda: client("s3"),
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        # The client is made with the first large payload: most processes never have one.
        self._bucket, self._s3, self._new_id = bucket, s3, new_id

    def pack(self, payload: dict[str, Any]) -> str:
        """The body of a queue message for `payload`; raises botocore's errors if S3 does not store it."""
        # A number such as 1e999 is infinite in Python, which JSON cannot say.
        body = to_json(payload, inf_nan_mode="null")
        message = body.decode()
        if Entry(message).size <= MAX_MESSAGE_BYTES:
            return message
        key = _PREFIX + self._new_id()
        self._s3().put_object(Bucket=self._bucket, Key=key, Body=body, ContentType="application/json")
        return to_json({"s3": key}).decode()

    def unpack(self, body: str) -> dict[str, Any]:
        """The payload of a queue message. Raises `PayloadGone`, and botocore's errors if S3 does not return it."""
        payload: dict[str, Any] = from_json(body)
        if set(payload) != {"s3"}:
            return payload
        try:
            stored = self._s3().get_object(Bucket=self._bucket, Key=payload["s3"])["Body"].read()
        except ClientError as error:
            if error_code(error) != "NoSuchKey":
                raise
            raise PayloadGone from None
        unpacked: dict[str, Any] = from_json(stored)
        return unpacked
