"""AWS of a run: the services in memory behind clients that try again as botocore does."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from local.simulation.cloud import Cloud
from local.simulation.metrics import Datapoints
from local.simulation.queue import State
from local.simulation.service import Service
from local.simulation.weather import Weather
from local.template import Deployment

# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html, with the bridge's number of attempts
# (`store/aws.py`).
_ATTEMPTS = 3
_TRIED_AGAIN = {"ThrottlingException", "RequestThrottled", "SlowDown", "ProvisionedThroughputExceededException"}
# What the service itself refuses of these is not tried again (`store/aws.py`).
_TRIED_ONCE = {"batch_get_secret_value"}
_WRITES = {"put_item", "update_item", "delete_item"}
_UNREACHED = (ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError)
_SAMPLED = {
    "ApproximateNumberOfMessagesVisible": State.WAITING,
    "ApproximateNumberOfMessagesNotVisible": State.IN_FLIGHT,
}


class _Client:
    """A botocore client of a service in memory, in standard mode."""

    def __init__(self, service: Service, weather: Weather, random: Random) -> None:
        self._service, self._weather, self._random = service, weather, random

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._service, name)
        writes = self._service.name == "dynamodb" and name in _WRITES

        def call(*positional: Any, **parameters: Any) -> Any:
            try:
                answer = self._tried(name, method, positional, parameters)
            except (ClientError, *_UNREACHED) as error:
                if writes and _code(error) != "ConditionalCheckFailedException":
                    self._weather.wrote(_item(parameters), done=False)
                raise
            if writes:
                self._weather.wrote(_item(parameters), done=True)
            return answer

        setattr(self, name, call)
        return call

    def _tried(self, name: str, method: Callable[..., Any], positional: Any, parameters: Any) -> Any:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return method(*positional, **parameters)
            except (ClientError, *_UNREACHED) as error:
                code = _code(error)
                if attempt == _ATTEMPTS or (code and (code not in _TRIED_AGAIN or name in _TRIED_ONCE)):
                    raise
            self._weather.pause(self._random.random() * 2**attempt)
        raise AssertionError


def _code(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""


def _item(parameters: Mapping[str, Any]) -> str:
    """The key of the item that is written."""
    return str((parameters.get("Key") or parameters["Item"])["pk"]["S"])


class Aws:
    """`on_send` is given the ARN of a queue that has a new message, or one that is due at another time."""

    def __init__(
        self, now: Callable[[], float], random: Random, deployment: Deployment, weather: Weather, data: Datapoints
    ) -> None:
        self._now, self._data = now, data
        self.on_send: Callable[[str], None] = lambda arn: None
        self.cloud = Cloud(now, random)
        self.cloud.deploy(deployment)
        self.cloud.hook(weather.before, weather.after)
        self.sqs, self.dynamodb = self.cloud.sqs, self.cloud.dynamodb
        self.secrets, self.kms = self.cloud.secrets, self.cloud.kms
        self.services: list[Service] = list(self.cloud.services.values())
        self.sqs.refuse = lambda operation, queue, entry: (
            "InternalError" if operation == "SendMessageBatch" and weather.refuses_entry() else None
        )
        self._clients = {service.name: _Client(service, weather, random) for service in self.services}
        self.sqs.after = self._sent(weather)
        self._shown: set[str] = set()

    def client(self, service: str, region: str = "", *, hasty: bool = False) -> Any:
        return self._clients[service]

    def _sent(self, weather: Weather) -> Callable[[str, str, Mapping[str, Any], Any], None]:
        def after(service: str, operation: str, parameters: Mapping[str, Any], answer: Any) -> None:
            if operation in ("SendMessage", "SendMessageBatch", "ChangeMessageVisibility"):
                self.on_send(self.sqs.queues[parameters["QueueUrl"]].arn)
            weather.after(service, operation, parameters, answer)

        return after

    def count_throttled(self, table: str, reason: Mapping[str, str]) -> None:
        """DynamoDB's metrics of throttling: of the table, or of the index alone where that is throttled. Each item of a
        batch counts for itself.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
        """
        metric = "WriteThrottleEvents" if "Write" in reason["reason"] else "ReadThrottleEvents"
        _, _, index = reason["resource"].partition("/index/")
        of_index = {"GlobalSecondaryIndexName": index} if index else {}
        self._data.add("AWS/DynamoDB", metric, {"TableName": table, **of_index}, 1)

    def sample(self) -> None:
        """SQS's metrics, for queues with or just without messages."""
        now = self._now()
        for queue in self.sqs.queues.values():
            queue.settle(now)
            if not queue.messages and queue.name not in self._shown:
                continue
            (self._shown.add if queue.messages else self._shown.discard)(queue.name)
            dimensions = {"QueueName": queue.name}
            for metric, state in _SAMPLED.items():
                self._data.add("AWS/SQS", metric, dimensions, queue.count[state])
            self._data.add("AWS/SQS", "ApproximateAgeOfOldestMessage", dimensions, queue.age(now))
