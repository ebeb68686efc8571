"""SQS's redrive (StartMessageMoveTask and its siblings), which moto does not have, on moto's backend.

Sources: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html and
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html:
from dead-letter queues only, to a queue of the same type, one task of a queue at a time; redriven messages are new,
with another id and date. What is in flight is not moved. A destination must be named here: AWS knows it of messages
alone that it has moved itself, and the bridge puts some there.

A task without a rate is done at once; one with a rate goes on when somebody asks for it.
"""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from moto.core.responses import ActionResult
from moto.sqs.exceptions import SQSException
from moto.sqs.models import SQSBackend
from moto.sqs.responses import SQSResponse

_MOST_LISTED = 10


@dataclass
class _Task:
    source: Any
    destination: Any
    rate: int | None
    started_ms: float
    to_move: int
    handle: str
    moved: int = 0
    status: str = "RUNNING"

    def advance(self, now_ms: float) -> None:
        if self.status != "RUNNING":
            return
        seconds = (now_ms - self.started_ms) / 1000
        due = math.inf if self.rate is None else self.rate * (1 + int(seconds))
        for message in [each for each in self.source._messages if each.visible]:
            if self.moved >= min(due, self.to_move):
                break
            self.source._messages.remove(message)
            self.destination.add_message(_as_new(message, now_ms))
            self.moved += 1
        if self.moved >= self.to_move or not any(each.visible for each in self.source._messages):
            self.status = "COMPLETED"

    def told(self) -> dict[str, Any]:
        told = {
            "Status": self.status,
            "SourceArn": self.source.queue_arn,
            "DestinationArn": self.destination.queue_arn,
            "ApproximateNumberOfMessagesMoved": self.moved,
            "ApproximateNumberOfMessagesToMove": self.to_move,
            "StartedTimestamp": int(self.started_ms),
        }
        if self.rate is not None:
            told["MaxNumberOfMessagesPerSecond"] = self.rate
        # AWS tells it of those that can be cancelled.
        return told | ({"TaskHandle": self.handle} if self.status == "RUNNING" else {})


def _as_new(message: Any, now_ms: float) -> Any:
    moved = copy.copy(message)
    moved.id = str(uuid4())
    moved.sent_timestamp = int(now_ms)
    moved.approximate_receive_count = 0
    moved.approximate_first_receive_timestamp = None
    # Its own, so that it is no duplicate of what it was.
    moved.deduplication_id = moved.id if message.deduplication_id else None
    moved.visible_at = moved.delayed_until = 0
    return moved


class _Moves:
    def __init__(self, now_ms: Callable[[], float]) -> None:
        self._now_ms = now_ms
        self._tasks: list[_Task] = []
        """The newest first."""

    def start(self, backend: SQSBackend, source_arn: str, destination_arn: str | None, rate: int | None) -> str:
        source = _by_arn(backend, source_arn, "SourceArn")
        feeding = [each for each in backend.queues.values() if _dead_letters_of(each) == source_arn]
        if not feeding:
            raise SQSException("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
        if destination_arn is None:
            raise SQSException("InvalidParameterValue", "this local SQS needs a DestinationArn")
        destination = _by_arn(backend, destination_arn, "DestinationArn")
        if source.fifo_queue is not destination.fifo_queue:
            reason = "The source queue and destination queue must be of the same queue type."
            raise SQSException("InvalidParameterValue", reason)
        if rate is not None and not 1 <= rate <= 500:
            raise SQSException("InvalidParameterValue", "MaxNumberOfMessagesPerSecond must be between 1 and 500.")
        if any(task.status == "RUNNING" for task in self.of(source_arn)):
            reason = "There is already a task running. Only one active task is allowed for a source queue at a time."
            raise SQSException("InvalidParameterValue", reason)
        visible = sum(message.visible for message in source._messages)
        task = _Task(source, destination, rate, self._now_ms(), visible, str(uuid4()))
        self._tasks.insert(0, task)
        task.advance(self._now_ms())
        return task.handle

    def of(self, source_arn: str) -> list[_Task]:
        found = [task for task in self._tasks if task.source.queue_arn == source_arn]
        for task in found:
            task.advance(self._now_ms())
        return found[:_MOST_LISTED]

    def cancel(self, handle: str) -> int:
        task = next((each for each in self._tasks if each.handle == handle), None)
        if task is not None:
            task.advance(self._now_ms())
        if task is None or task.status != "RUNNING":
            raise SQSException("ResourceNotFoundException", "The task handle is not valid, or the task has ended.")
        task.status = "CANCELLED"
        return task.moved


def _by_arn(backend: SQSBackend, arn: str, parameter: str) -> Any:
    for queue in backend.queues.values():
        if queue.queue_arn == arn:
            return queue
    reason = f"The resource that you specified for the {parameter} parameter doesn't exist."
    raise SQSException("ResourceNotFoundException", reason)


def _dead_letters_of(queue: Any) -> str | None:
    policy = queue.redrive_policy
    return str(policy["deadLetterTargetArn"]) if policy else None


@contextmanager
def installed(now_ms: Callable[[], float]) -> Iterator[None]:
    """moto's SQS has these operations during the context."""
    moves = _Moves(now_ms)

    def start(response: SQSResponse) -> ActionResult:
        given = (response._get_param(name) for name in ("SourceArn", "DestinationArn", "MaxNumberOfMessagesPerSecond"))
        return ActionResult({"TaskHandle": moves.start(response.sqs_backend, *given)})

    def listed(response: SQSResponse) -> ActionResult:
        found = moves.of(response._get_param("SourceArn"))[: int(response._get_param("MaxResults") or 1)]
        return ActionResult({"Results": [task.told() for task in found]})

    def cancelled(response: SQSResponse) -> ActionResult:
        return ActionResult({"ApproximateNumberOfMessagesMoved": moves.cancel(response._get_param("TaskHandle"))})

    operations = {
        "start_message_move_task": start,
        "list_message_move_tasks": listed,
        "cancel_message_move_task": cancelled,
    }
    with ExitStack() as patches:
        for name, function in operations.items():
            patches.enter_context(patch.object(SQSResponse, name, function, create=True))
        yield
