"""Each call is made to moto and to the services in memory, and both must answer the same."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from random import Random
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID

from local import TEMPLATE, queues
from local.aws import create_resources
from local.simulation.cloud import Cloud
from local.template import Deployment, read_template

REGION = "eu-west-1"
_NAMELESS = {
    "ResponseMetadata",
    "ConsumedCapacity",
    "MD5OfMessageAttributes",
    "LastEvaluatedKey",
    "ARN",
    "VersionId",
    "CreatedDate",
}
_OWN = ("MessageId", "ReceiptHandle", "SequenceNumber")
"""What each side chooses for itself."""
_KNOWN_BEFORE = {"Code", "Id", "SenderFault"}


class Time(queues.QueueClock):
    """One clock for both sides, which moves with each call."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_700_000_000.0

    def now_ms(self) -> float:
        return self.now * 1000

    def __call__(self) -> float:
        return self.now


@cache
def _deployment() -> Deployment:
    aws_url = f"https://sqs.{REGION}.amazonaws.com"
    return read_template(TEMPLATE, stack="test", region=REGION, account_id=ACCOUNT_ID, aws_url=aws_url)


@cache
def _session() -> Any:
    return botocore.session.get_session()


def _moto(service: str) -> Any:
    credentials = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return _session().create_client(service, region_name=REGION, **credentials)


class _Side:
    """One side's answers, with the names that it chose replaced by their place in the order of appearance."""

    def __init__(self, services: Mapping[str, Any]) -> None:
        self.services = services
        self._labels: dict[str, str] = {}
        self.receipts: list[str] = []

    def call(self, service: str, method: str, parameters: Mapping[str, Any]) -> tuple[Any, Any]:
        """The answer, and what is compared of it."""
        try:
            answer = getattr(self.services[service], method)(**parameters)
        except ClientError as error:
            return error, {"error": error.response["Error"]["Code"], "Item": error.response.get("Item", {})}
        self.receipts += [message["ReceiptHandle"] for message in answer.get("Messages", [])]
        return answer, self._comparable(answer)

    def _comparable(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            # AWS leaves an empty list of failures out, moto does not.
            told = {key: one for key, one in value.items() if key not in _NAMELESS and (key, one) != ("Failed", [])}
            return {key: self._comparable(one, key) for key, one in told.items()}
        if isinstance(value, list):
            failed = [{key: one[key] for key in _KNOWN_BEFORE} for one in value] if name == "Failed" else value
            return [self._comparable(one) for one in failed]
        return self._labels.setdefault(value, f"{name}-{len(self._labels)}") if name in _OWN else value


class Twin:
    """`calls` counts the calls that were compared."""

    def __init__(self, time: Time) -> None:
        self.time, self.calls = time, 0
        self.cloud = Cloud(time, Random(1))
        moto = {service: _moto(service) for service in ("sqs", "dynamodb", "secretsmanager", "s3")}
        self._sides = _Side(moto), _Side({name: self.cloud.client(name) for name in moto})
        self.deployment = _deployment()
        create_resources(self.deployment, moto.__getitem__)
        self.cloud.deploy(self.deployment)

    def url(self, logical_id: str) -> str:
        return self.deployment.queues[logical_id].url

    def client(self, service: str) -> "TwinClient":
        return TwinClient(self, service)

    @property
    def moto(self) -> Mapping[str, Any]:
        return self._sides[0].services

    @property
    def receipts(self) -> int:
        return len(self._sides[0].receipts)

    def own_receipt(self, number: int) -> str:
        """The receipt of the services in memory."""
        return self._sides[1].receipts[number]

    def compare(self, service: str, method: str, **parameters: Any) -> Any:
        """The answer of the services in memory, or their error."""
        # moto shows a message only after the millisecond in which it becomes visible.
        self.time.now += 0.0015
        self.calls += 1
        (_, theirs), (answer, ours) = (
            side.call(service, method, _with_receipts(parameters, side.receipts)) for side in self._sides
        )
        assert ours == theirs, f"{method} {parameters}"
        return answer


class Receipt(int):
    """In the place of a receipt: which of those received so far."""


def _with_receipts(value: Any, receipts: list[str]) -> Any:
    if isinstance(value, dict):
        return {name: _with_receipts(one, receipts) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_receipts(one, receipts) for one in value]
    return receipts[value] if isinstance(value, Receipt) else value


class TwinClient:
    """A client of one service: what the bridge's classes are given."""

    def __init__(self, twin: Twin, service: str) -> None:
        self._twin, self._service = twin, service

    def __getattr__(self, method: str) -> Any:
        def call(**parameters: Any) -> Any:
            answer = self._twin.compare(self._service, method, **parameters)
            if isinstance(answer, ClientError):
                raise answer
            return answer

        return call


@contextmanager
def twin() -> Iterator[Twin]:
    time = Time()
    with ExitStack() as stack:
        stack.enter_context(mock_aws())
        stack.enter_context(queues.installed(time))
        yield Twin(time)
