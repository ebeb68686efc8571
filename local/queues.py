"""SQS for event source mappings, on moto's backend: with a clock that can run faster, and without polling.

While installed, it changes moto's SQS where the real service differs:
- one lock for all of AWS (moto's backends are not safe under its own threaded server);
- FIFO deduplication remembers deleted messages for its five minutes, per message group where the queue says so;
- a message group keeps its order when several of its messages come back from a failed batch;
- a message carries the trace header of the request that sent it (`traced`);
- a message can be hidden for twelve hours from its receive, where moto counts from its sending, and only in flight;
- only characters that XML allows, and in a batch each message succeeds or fails on its own;
- with 120,000 messages in flight, a receive brings nothing more;
- messages can be redriven (`local.moves`);
- delays, visibility timeouts, retention and deduplication follow `QueueClock`.
"""

import copy
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from moto.sqs import models
from moto.sqs.exceptions import InvalidParameterValue, ReceiptHandleIsInvalid, SQSException

from local import moves
from local.simulation import rules

LOCK = threading.RLock()
"""Held by all code that reads or changes moto's state."""

_DEDUPLICATION_MS = rules.DEDUPLICATION * 1000
_ROUNDING_MS = 1
"""moto shows a message only *after* the millisecond at which it becomes visible."""


class QueueClock:
    """Milliseconds since 1970; from now on it runs `speed` times as fast as the wall clock."""

    def __init__(self, speed: float = 1.0, wall: Callable[[], float] = time.time) -> None:
        if speed <= 0:
            raise ValueError("speed must be greater than 0")
        self.speed = speed
        self._wall = wall
        self._origin = wall()

    def now_ms(self) -> float:
        return (self._origin + (self._wall() - self._origin) * self.speed) * 1000

    def to_wall_ms(self, clock_ms: float) -> int:
        """The wall-clock time (ms) at which this clock shows `clock_ms`."""
        return round((self._origin + (clock_ms / 1000 - self._origin) / self.speed) * 1000)

    def wall_seconds(self, clock_seconds: float) -> float:
        """How long `clock_seconds` take on the wall clock."""
        return clock_seconds / self.speed


_clock = QueueClock()
"""The clock of `installed`."""

_trace: ContextVar[str | None] = ContextVar("trace", default=None)


@contextmanager
def traced(header: str | None) -> Iterator[None]:
    """What is sent in this context carries `header`, unless the sender sets another by hand.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-x-ray.html
    """
    token = _trace.set(header)
    try:
        yield
    finally:
        _trace.reset(token)


class _Queue(models.Queue):
    """moto's queue with a condition to wait on, and the deduplication of the real service."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.changed = threading.Condition(LOCK)
        self._seen: dict[tuple[str | None, str], float] = {}
        super().__init__(*args, **kwargs)

    def add_message(self, message: models.Message) -> None:
        with self.changed:
            # A message that was received before comes from a redrive, which is not deduplicated.
            if self.fifo_queue and not message.approximate_receive_count and self._is_duplicate(message):
                return
            header = _trace.get()
            if header and not message.approximate_receive_count:
                given = {"AWSTraceHeader": {"StringValue": header, "DataType": "String"}}
                message.system_attributes = given | message.system_attributes
            self._messages.append(message)
            self.changed.notify_all()

    def _is_duplicate(self, message: models.Message) -> bool:
        now = _clock.now_ms()
        self._seen = {key: at for key, at in self._seen.items() if now - at < _DEDUPLICATION_MS}
        per_group = self.deduplication_scope == "messageGroup"  # type: ignore[attr-defined]
        key = (message.group_id if per_group else None, message.deduplication_id or "")
        if key in self._seen:
            return True
        self._seen[key] = now
        return False


_BAD_TEXT = "Invalid characters found."
_send_message = models.SQSBackend.send_message
_send_message_batch = models.SQSBackend.send_message_batch
_delete_message = models.SQSBackend.delete_message


def _take(queue: Any, count: int, visibility_timeout: int, attribute_names: list[str]) -> list[models.Message]:
    """Copies of the messages that a receive gets now; those received too often move to the dead-letter queue."""
    taken: list[models.Message] = []
    if len(queue._messages) >= rules.MAX_IN_FLIGHT:
        count = min(count, rules.MAX_IN_FLIGHT - sum(not message.visible for message in queue._messages))
    blocked = {message.group_id for message in queue._messages if not message.visible} if queue.fifo_queue else set()
    for message in list(queue._messages):
        if len(taken) >= count:
            break
        if not message.visible or message.delayed or message.group_id in blocked:
            continue
        if rules.expired(message.sent_timestamp / 1000, _clock.now_ms() / 1000, queue.message_retention_period):
            queue._messages.remove(message)
        elif queue.redrive_policy and message.approximate_receive_count >= queue.redrive_policy["maxReceiveCount"]:
            queue._messages.remove(message)
            fifo = queue.dead_letter_queue.fifo_queue
            now = int(_clock.now_ms())
            message.sent_timestamp = rules.sent_at_in_dead_letter_queue(message.sent_timestamp, now, fifo=fifo)
            queue.dead_letter_queue.add_message(message)
            queue.changed.notify_all()
        else:
            message.mark_received(visibility_timeout=visibility_timeout)
            message.received_at = _clock.now_ms() / 1000
            copied = copy.deepcopy(message)
            models._filter_message_attributes(copied, attribute_names)
            taken.append(copied)
    return taken


def _receive_message(
    backend: models.SQSBackend,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[models.Message]:
    queue: Any = backend.get_queue(queue_name)
    deadline = _clock.now_ms() + wait_seconds_timeout * 1000
    with queue.changed:
        while True:
            found = _take(queue, count, visibility_timeout, message_attribute_names or [])
            left_ms = deadline - _clock.now_ms()
            if found or left_ms <= 0:
                return found
            _wait(queue, left_ms)


def _change_visibility(
    backend: models.SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    """Source: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html."""
    queue: Any = backend.get_queue(queue_name)
    with queue.changed:
        message = next((one for one in queue._messages if one.had_receipt_handle(receipt_handle)), None)
        if message is None:
            raise ReceiptHandleIsInvalid
        if message.visible:
            raise SQSException("AWS.SimpleQueueService.MessageNotInflight", "The specified message isn't in flight.")
        if not rules.visibility_allowed(message.received_at, _clock.now_ms() / 1000, visibility_timeout):
            raise InvalidParameterValue(
                f"Value {visibility_timeout} for parameter VisibilityTimeout is invalid. Reason: Total "
                f"VisibilityTimeout for the message is beyond the limit [{rules.MAX_VISIBILITY} seconds]"
            )
        message.change_visibility(visibility_timeout)
        queue.changed.notify_all()


def _change_visibilities(
    backend: models.SQSBackend, queue_name: str, entries: list[dict[str, Any]]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Each entry succeeds or fails on its own."""
    done: list[str] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        try:
            _change_visibility(backend, queue_name, entry["ReceiptHandle"], int(entry["VisibilityTimeout"]))
            done.append(entry["Id"])
        except SQSException as error:
            failed.append({"Id": entry["Id"], "SenderFault": True, "Code": error.code, "Message": error.message})
    return done, failed


def _send(backend: models.SQSBackend, queue_name: str, message_body: str, *given: Any, **named: Any) -> Any:
    if not rules.is_message_text(message_body):
        raise SQSException("InvalidMessageContents", _BAD_TEXT)
    return _send_message(backend, queue_name, message_body, *given, **named)


def _send_batch(backend: models.SQSBackend, queue_name: str, entries: dict[str, dict[str, Any]]) -> Any:
    """Each entry succeeds or fails on its own."""
    refused = {key for key, entry in entries.items() if not rules.is_message_text(entry["MessageBody"])}
    kept = {key: entry for key, entry in entries.items() if key not in refused}
    sent, failed = _send_message_batch(backend, queue_name, kept)
    described = {"SenderFault": True, "Code": "InvalidMessageContents", "Message": _BAD_TEXT}
    return sent, failed + [{"Id": entries[key]["Id"], **described} for key in entries if key in refused]


def _delete(backend: models.SQSBackend, queue_name: str, receipt_handle: str) -> None:
    queue: Any = backend.get_queue(queue_name)
    with queue.changed:
        _delete_message(backend, queue_name, receipt_handle)
        # The rest of its message group may be next.
        queue.changed.notify_all()


def _wait(queue: Any, limit_ms: float | None = None) -> None:
    """Wait until the queue changes, or the next hidden message becomes visible."""
    now = _clock.now_ms()
    due = [max(message.visible_at, message.delayed_until) for message in queue._messages]
    pending = [at - now for at in due if at >= now]
    if limit_ms is not None:
        pending.append(limit_ms)
    queue.changed.wait(_clock.wall_seconds((min(pending) + _ROUNDING_MS) / 1000) if pending else None)


_installed = threading.Lock()


@contextmanager
def installed(clock: QueueClock) -> Iterator[None]:
    """Make the changes (see the module) during the context. Only one at a time in a process: moto is global."""
    global _clock
    if not _installed.acquire(blocking=False):
        raise RuntimeError("this process already runs a local AWS")
    try:
        with ExitStack() as patches:
            for target, replacement in (
                ("unix_time_millis", clock.now_ms),
                ("unix_time", lambda: clock.now_ms() / 1000),
                ("Queue", _Queue),
            ):
                patches.enter_context(patch.object(models, target, replacement))
            for method, function in (
                ("send_message", _send),
                ("send_message_batch", _send_batch),
                ("receive_message", _receive_message),
                ("change_message_visibility", _change_visibility),
                ("change_message_visibility_batch", _change_visibilities),
                ("delete_message", _delete),
            ):
                patches.enter_context(patch.object(models.SQSBackend, method, function))
            patches.enter_context(moves.installed(clock.now_ms))
            _clock = clock
            yield
    finally:
        _installed.release()


@dataclass
class Received:
    """A message as received: `hidden_until` (ms of the queue's clock) shows later whether a handler changed it."""

    message: models.Message
    received_at: float
    hidden_until: float


class QueueConsumer:
    """An event source mapping's operations on its queue."""

    def __init__(self, account_id: str, region: str, name: str, visibility_timeout: int, clock: QueueClock) -> None:
        self._backend = models.sqs_backends[account_id][region]
        self._queue: Any = self._backend.get_queue(name)
        self._name, self._visibility_timeout, self._clock = name, visibility_timeout, clock
        self._closed = False

    def receive(self, count: int, wait_seconds: float | None = None) -> list[Received]:
        """At least one message, at most `count`; none when closed, or after `wait_seconds` of the queue's clock.

        The messages stay hidden for the visibility timeout on the *wall* clock, because a fast queue clock does not
        make a handler faster. `give_back` restores the queue clock's time.
        """
        deadline = None if wait_seconds is None else self._clock.now_ms() + wait_seconds * 1000
        hold = int(self._visibility_timeout * max(1.0, self._clock.speed))
        with self._queue.changed:
            while not self._closed:
                found = _take(self._queue, min(count, rules.MAX_BATCH), hold, ["All"])
                left_ms = None if deadline is None else deadline - self._clock.now_ms()
                if found or (left_ms is not None and left_ms <= 0):
                    received_at = self._clock.now_ms()
                    return [Received(message, received_at, message.visible_at) for message in found]
                _wait(self._queue, left_ms)
        return []

    def delete(self, received: list[Received]) -> None:
        for item in received:
            self._backend.delete_message(self._name, str(item.message.receipt_handle))

    def give_back(self, received: list[Received]) -> None:
        """Return failed messages: visible when their visibility timeout is over, or when the handler asked."""
        with self._queue.changed:
            current = {message.id: message for message in self._queue._messages}
            for item in received:
                message = current.get(item.message.id)
                if message is not None and message.visible_at == item.hidden_until:
                    elapsed = self._clock.wall_seconds(self._clock.now_ms() - item.received_at) / 1000
                    left_ms = max(0.0, self._visibility_timeout - elapsed) * 1000
                    message.visible_at = self._clock.now_ms() + left_ms
            self._queue.changed.notify_all()

    def close(self) -> None:
        with self._queue.changed:
            self._closed = True
            self._queue.changed.notify_all()


def depth(account_id: str, region: str, name: str) -> int:
    """How many messages a queue holds: visible, delayed and in flight."""
    with LOCK:
        return len(models.sqs_backends[account_id][region].get_queue(name)._messages)
