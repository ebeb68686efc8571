"""Queue messages as the flows see them, and Lambda's partial batch answers.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html. In a FIFO batch, all records that
follow a failed one in its group must be reported as failed too and must not be handled.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from time import time
from typing import Final, NamedTuple

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.store.queues import DeadLetterQueue, Entry, FifoQueue, NotStored


@dataclass(frozen=True, slots=True)
class Record:
    """One received queue message. `attempt` counts its deliveries, from 1; `group` is "" if it was sent without one.

    `sent_at` is when it was put on its queue, `first_received_at` when it was first taken off it: seconds since 1970.
    """

    id: str
    body: str = field(repr=False)
    receipt_handle: str = field(repr=False)
    attempt: int
    sent_at: float
    first_received_at: float
    group: str = field(default="", repr=False)

    @classmethod
    def of(cls, record: Json) -> "Record":
        attributes = record["attributes"]
        return cls(
            id=record["messageId"],
            body=record["body"],
            receipt_handle=record["receiptHandle"],
            attempt=int(attributes["ApproximateReceiveCount"]),
            sent_at=int(attributes["SentTimestamp"]) / 1000,
            first_received_at=int(attributes["ApproximateFirstReceiveTimestamp"]) / 1000,
            group=str(attributes.get("MessageGroupId", "")),
        )


_SHORTEST_PAUSE_SECONDS: Final = 5
_LONGEST_PAUSE_SECONDS: Final = 60


class FifoSource(NamedTuple):
    """A FIFO queue, and the dead-letter queue for messages that another delivery cannot help. `now` gives seconds since
    1970."""

    queue: FifoQueue
    dead_letters: DeadLetterQueue
    now: Callable[[], float] = time


class Unprocessable(Exception):
    """No delivery of this record can succeed: its account is gone, or it cannot be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Postponed(Exception):
    """This record, and all that follow it in its group, must come back after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"postponed by {seconds} s")
        self.seconds = seconds


def is_fifo(event: Json) -> bool:
    """Whether the batch comes from a FIFO queue: Lambda never mixes queues in one event."""
    return str(event["Records"][0]["eventSourceARN"]).endswith(".fifo")


def process_batch(event: Json, handle: Callable[[list[Record]], Iterable[str]]) -> Json:
    """Handle a standard queue's batch as a whole; `handle` returns the ids of the records that must come back."""
    return _answer(handle([Record.of(record) for record in event["Records"]]))


def process_fifo(event: Json, source: FifoSource, handle: Callable[[Record], None]) -> Json:
    """Handle a FIFO batch record by record, in order; `handle` may raise `Postponed` and `Unprocessable`.

    A failed record delays only its own group, for the time that it asks for.
    """
    held: dict[str, int] = {}
    failed: list[str] = []
    waiting: set[str] = set()
    intended: set[str] = set()
    for record in map(Record.of, event["Records"]):
        if record.group not in held:
            try:
                _handle_or_dead_letter(record, source.dead_letters, handle)
                continue
            except Postponed as error:
                held[record.group] = error.seconds
                intended.add(record.group)
            except Exception as error:  # noqa: BLE001 - logged; the record comes back
                log_failure("record failed", error, record=record.id)
                held[record.group] = pause_after_failure(source.now() - record.first_received_at)
        failed.append(record.id)
        if record.group in intended:
            waiting.add(record.id)
        # These records were received too: while one of them is in flight, SQS holds the whole group.
        _postpone(source.queue, record, held[record.group])
    return _answer(failed, waiting)


def pause_after_failure(elapsed: float, longest: float = _LONGEST_PAUSE_SECONDS) -> int:
    """Seconds until a record that met an exception of ours comes back, `elapsed` seconds after it was first received.

    By time, because most receives are retries that have nothing to do with it. AWS is seldom away for long, and a
    freeform message has ten minutes; a record that always fails may be received a thousand times.
    """
    return int(min(max(elapsed, _SHORTEST_PAUSE_SECONDS), longest))


def _handle_or_dead_letter(record: Record, dead_letters: DeadLetterQueue, handle: Callable[[Record], None]) -> None:
    try:
        handle(record)
    except Unprocessable as error:
        count("RecordsUnprocessable")
        logger.error("dead-lettered", extra={"record": record.id, "reason": error.reason})
        # The record's id deduplicates: if a delivery dies after this line, the next one repeats it.
        dead_letters.send(Entry(record.body, record.group, record.id))


def _postpone(queue: FifoQueue, record: Record, seconds: int) -> None:
    try:
        queue.postpone(record.receipt_handle, seconds)
    except NotStored as error:
        log_failure("could not postpone; the queue's visibility timeout applies", error, record=record.id)


def _answer(failed: Iterable[str], waiting: Collection[str] = ()) -> Json:
    """`waiting`: those of them that come back by intention, for a retry in order."""
    returned = list(dict.fromkeys(failed))
    if number := sum(record not in waiting for record in returned):
        count("RecordsReturned", number)
    return {"batchItemFailures": [{"itemIdentifier": record} for record in returned]}
