"""Event source mappings: polls queues for functions as Lambda does.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from local.queues import QueueClock, QueueConsumer, Received
from local.runtime import FunctionError
from local.simulation import rules
from local.template import EventSource, Queue

type Invoke = Callable[[bytes, Sequence[rules.Lineage], float], bytes]
"""Runs the function on an event of messages with these lineages. Raises `FunctionError`.

While the account's concurrency is used up, it tries for so many seconds.
"""


class Poller:
    """One event source mapping; at most `concurrency` batches run at the same time."""

    def __init__(
        self,
        source: EventSource,
        queue: Queue,
        consumer: QueueConsumer,
        invoke: Invoke,
        clock: QueueClock,
        *,
        region: str,
        concurrency: int = 2,
    ) -> None:
        self.source, self.queue = source, queue
        self._consumer, self._invoke, self._clock, self._region = consumer, invoke, clock, region
        self._threads = [
            threading.Thread(target=self._run, name=f"poller:{queue.logical_id}", daemon=True)
            for _ in range(concurrency)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Start no further batch."""
        self._consumer.close()

    def join(self) -> None:
        """Wait for the running batches, which fail when the function's processes end."""
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while batch := self._collect():
            for event_records in self._split(batch):
                self._process(event_records)

    def _collect(self) -> list[Received]:
        """A batch: all available messages, until it is full or the batching window is over."""
        batch = self._consumer.receive(self.source.batch_size)
        if not batch:
            return batch
        until = self._clock.now_ms() + self.source.window * 1000
        while (room := self.source.batch_size - len(batch)) > 0:
            more = self._consumer.receive(room, max(0.0, (until - self._clock.now_ms()) / 1000))
            if not more:
                break
            batch += more
        return batch

    def _split(self, batch: list[Received]) -> Iterable[list[Received]]:
        """A batch as events within Lambda's payload limit."""
        part: list[Received] = []
        size = 0
        for item in batch:
            length = len(json.dumps(self._record(item))) + 2
            if part and size + length > rules.MAX_PAYLOAD_BYTES - len('{"Records": []}'):
                yield part
                part, size = [], 0
            part.append(item)
            size += length
        yield part

    def _process(self, batch: list[Received]) -> None:
        event = json.dumps({"Records": [self._record(item) for item in batch]}).encode()
        try:
            lineages = [rules.read_lineage(_trace_header(item.message)) for item in batch]
            failed = self._failed(batch, self._invoke(event, lineages, self.queue.visibility_timeout))
        except FunctionError:
            # Also what was throttled, or refused as a loop: it never started, and has one receive more all the same.
            failed = {item.message.id for item in batch}
        self._consumer.delete([item for item in batch if item.message.id not in failed])
        self._consumer.give_back([item for item in batch if item.message.id in failed])

    def _failed(self, batch: list[Received], answer: bytes) -> set[str]:
        everything = {item.message.id for item in batch}
        return failed_items(answer, everything) if self.source.partial_failures else set()

    def _record(self, received: Received) -> dict[str, Any]:
        """https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event"""
        message: Any = received.message
        attributes = {
            "ApproximateReceiveCount": str(message.approximate_receive_count),
            "SentTimestamp": str(self._clock.to_wall_ms(message.sent_timestamp)),
            "SenderId": message.sender_id,
            "ApproximateFirstReceiveTimestamp": str(
                self._clock.to_wall_ms(message.approximate_first_receive_timestamp)
            ),
        }
        if header := _trace_header(message):
            attributes["AWSTraceHeader"] = header
        if self.queue.fifo:
            attributes["SequenceNumber"] = message.sequence_number
            attributes["MessageGroupId"] = message.group_id
            attributes["MessageDeduplicationId"] = message.deduplication_id
        elif message.group_id:
            attributes["MessageGroupId"] = message.group_id
        return {
            "messageId": message.id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": attributes,
            "messageAttributes": {
                name: _message_attribute(value) for name, value in message.message_attributes.items()
            },
            "md5OfBody": message.body_md5,
            "eventSource": "aws:sqs",
            "eventSourceARN": self.source.queue_arn,
            "awsRegion": self._region,
        }


def _trace_header(message: Any) -> str | None:
    header: str | None = message.system_attributes.get("AWSTraceHeader", {}).get("StringValue")
    return header


def _message_attribute(value: dict[str, Any]) -> dict[str, Any]:
    fields = {"stringValue": value.get("StringValue"), "binaryValue": value.get("BinaryValue")}
    return {
        **{name: item for name, item in fields.items() if item is not None},
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value["DataType"],
    }


def failed_items(answer: bytes, everything: set[str]) -> set[str]:
    """The message ids that a ReportBatchItemFailures answer reports; all if Lambda treats the batch as failed.

    Lambda does so for an empty or absent identifier, one that is not in this batch, or a malformed list. No list, null
    and an empty list mean complete success.
    """
    reported = json.loads(answer)
    if reported is None:
        return set()
    if not isinstance(reported, dict):
        return everything
    failures = reported.get("batchItemFailures")
    if failures is None:
        return set()
    if not isinstance(failures, list) or not all(isinstance(failure, dict) for failure in failures):
        return everything
    failed = {failure.get("itemIdentifier") for failure in failures}
    return failed if failed <= everything else everything
