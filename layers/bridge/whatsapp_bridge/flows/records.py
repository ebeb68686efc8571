"""Queue messages as the flows see them, and Lambda's partial batch answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, SqsFifoPartialProcessor

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.store.queues import Entry, NotStored, Queue


@dataclass(frozen=True, slots=True)
class Record:
    """One received queue message. `attempt` counts its deliveries, from 1."""

    id: str
    body: str = field(repr=False)
    receipt_handle: str = field(repr=False)
    attempt: int

    @classmethod
    def of(cls, record: Json) -> "Record":
        attempt = int(record["attributes"]["ApproximateReceiveCount"])
        return cls(record["messageId"], record["body"], record["receiptHandle"], attempt)


class FifoSource(NamedTuple):
    """A FIFO queue and the dead-letter queue for what is not worth another delivery."""

    queue: Queue
    dead_letters: Queue


class Pointless(Exception):
    """No further delivery of this record can do better: its account is gone, or it cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Postponed(Exception):
    """This record, and what follows it in its group, is to come back after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"postponed by {seconds} s")
        self.seconds = seconds


class _PostponingProcessor(SqsFifoPartialProcessor):
    """A FIFO batch in which a failed record holds up its own group alone, and for as long as it asked to be held."""

    def __init__(self, queue: Queue) -> None:
        super().__init__(skip_group_on_error=True)
        self.raise_on_entire_batch_failure = False
        self._queue = queue
        self._delays: dict[str, int] = {}

    def failure_handler(self, record: Any, exception: Any) -> Any:
        group = str(self._current_group_id)
        error = exception[1]
        if isinstance(error, Postponed):
            self._delays[group] = error.seconds
        # The followers were received too: as long as one of them is in flight, SQS keeps the whole group back. An
        # unexpected failure has no delay of its own and waits for the queue's visibility time-out.
        if group in self._delays:
            self._postpone(record, self._delays[group])
        elif exception[2] is not None:
            log_failure("record failed", error, record=record.message_id)
        return super().failure_handler(record, exception)

    def _postpone(self, record: Any, seconds: int) -> None:
        try:
            self._queue.postpone(record.receipt_handle, seconds)
        except NotStored as error:
            log_failure("could not postpone; the queue's visibility time-out applies", error, record=record.message_id)


def is_fifo(event: Json) -> bool:
    """Whether the batch comes from a FIFO queue: Lambda never mixes queues in one event."""
    return str(event["Records"][0]["eventSourceARN"]).endswith(".fifo")


def process_fifo(event: Json, source: FifoSource, handle: Callable[[Record], None]) -> Any:
    """Handle a FIFO batch record by record, in order; `handle` may raise `Postponed` and `Pointless`."""

    def handle_or_bury(record: Any) -> None:
        try:
            handle(Record.of(record.raw_event))
        except Pointless as error:
            count("RecordsPointless")
            logger.error("dead-lettered", extra={"record": record.message_id, "reason": error.reason})
            group = str(record.raw_event["attributes"]["MessageGroupId"])
            # The record's id as deduplication: a delivery that dies behind this line repeats it.
            source.dead_letters.send(Entry(record.body, group, record.message_id))

    processor = _PostponingProcessor(source.queue)
    with processor(records=event["Records"], handler=handle_or_bury):
        processor.process()
    return processor.response()


def process_batch(event: Json, handle: Callable[[list[Record]], Iterable[str]]) -> Any:
    """Handle a standard queue's batch as a whole; `handle` returns the ids of the records that shall come back."""
    failed = set(handle([Record.of(record) for record in event["Records"]]))
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    with processor(records=event["Records"], handler=lambda record: _raise_if(record.message_id in failed)):
        processor.process()
    return processor.response()


def _raise_if(failed: bool) -> None:
    if failed:
        raise RuntimeError("comes back")
