import json
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from local import queues
from local.aws import ACCOUNT_ID, LocalAws
from local.poller import Poller, failed_items
from local.queues import QueueConsumer
from local.runtime import FunctionError
from local.simulation.rules import Lineage
from local.template import EventSource, Queue

REGION = "eu-west-1"
SPEED = 200
"""A visibility timeout of 30 s is over after 150 ms."""


class Handler:
    """A function in this process: keeps its events; `behave` gives a record's outcome."""

    def __init__(self) -> None:
        self.events: list[list[dict[str, Any]]] = []
        self.lineages: list[list[Lineage]] = []
        self.behave: Callable[[dict[str, Any]], bool] = lambda record: True
        self.answer: bytes | None = None
        self.changed = threading.Condition()

    def __call__(self, event: bytes, lineages: Sequence[Lineage], patience: float) -> bytes:
        records = json.loads(event)["Records"]
        self.lineages.append(list(lineages))
        try:
            failed = [record["messageId"] for record in records if not self.behave(record)]
        finally:
            with self.changed:
                self.events.append(records)
                self.changed.notify_all()
        return self.answer or json.dumps({"batchItemFailures": [{"itemIdentifier": item} for item in failed]}).encode()

    @property
    def bodies(self) -> list[list[str]]:
        return [[record["body"] for record in records] for records in self.events]

    def wait_for(self, condition: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(condition, 10)


class Running:
    def __init__(self, aws: LocalAws) -> None:
        self.aws, self.handler = aws, Handler()
        self.sqs = aws.client("sqs")
        self.url = ""
        self.poller: Poller | None = None

    def create(self, fifo: bool = False, **attributes: str) -> Queue:
        name = "q.fifo" if fifo else "q"
        settings = {"VisibilityTimeout": "30", **attributes, **({"FifoQueue": "true"} if fifo else {})}
        self.url = self.sqs.create_queue(QueueName=name, Attributes=settings)["QueueUrl"]
        return Queue("Q", name, f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}", self.url, settings)

    def poll(self, queue: Queue, batch_size: int = 10, window: int = 0, partial: bool = True) -> None:
        source = EventSource("Work", queue.arn, batch_size, window, partial)
        consumer = QueueConsumer(ACCOUNT_ID, REGION, queue.name, 30, self.aws.clock)
        self.poller = Poller(source, queue, consumer, self.handler, self.aws.clock, region=REGION, concurrency=1)
        self.poller.start()

    def send(self, *bodies: str, group: str = "") -> None:
        for body in bodies:
            fifo = {"MessageGroupId": group, "MessageDeduplicationId": body} if group else {}
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **fifo)

    def depth(self, name: str = "q") -> int:
        return queues.depth(ACCOUNT_ID, REGION, name)

    def stop(self) -> None:
        if self.poller:
            self.poller.close()
            self.poller.join()
            self.poller = None


@pytest.fixture
def running() -> Iterator[Running]:
    with LocalAws(REGION, SPEED) as aws:
        made = Running(aws)
        yield made
        made.stop()


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        pytest.param(b"null", set(), id="null is success"),
        pytest.param(b"{}", set(), id="no list is success"),
        pytest.param(b'{"batchItemFailures": null}', set(), id="null list is success"),
        pytest.param(b'{"batchItemFailures": []}', set(), id="empty list is success"),
        pytest.param(b'{"batchItemFailures": [{"itemIdentifier": "a"}]}', {"a"}, id="one failed"),
        pytest.param(b'{"batchItemFailures": [{"itemIdentifier": ""}]}', {"a", "b"}, id="empty identifier"),
        pytest.param(b'{"batchItemFailures": [{"itemIdentifier": null}]}', {"a", "b"}, id="null identifier"),
        pytest.param(b'{"batchItemFailures": [{"itemIdentifer": "a"}]}', {"a", "b"}, id="misspelt key"),
        pytest.param(b'{"batchItemFailures": [{"itemIdentifier": "z"}]}', {"a", "b"}, id="identifier of no message"),
        pytest.param(b'{"batchItemFailures": ["a"]}', {"a", "b"}, id="no objects"),
        pytest.param(b'{"batchItemFailures": {"itemIdentifier": "a"}}', {"a", "b"}, id="no list"),
        pytest.param(b'"text"', {"a", "b"}, id="no object"),
    ],
)
def test_reported_failures(answer: bytes, failed: set[str]) -> None:
    assert failed_items(answer, {"a", "b"}) == failed


def test_record_of_a_standard_queue(running: Running) -> None:
    queue = running.create()
    attributes = {"account": {"DataType": "String", "StringValue": "acme"}}
    sent = running.sqs.send_message(QueueUrl=queue.url, MessageBody="x", MessageAttributes=attributes)
    running.poll(queue)
    assert running.handler.wait_for(lambda: bool(running.handler.events))
    [record] = running.handler.events[0]
    now = running.aws.clock.to_wall_ms(running.aws.clock.now_ms())
    assert now - 10_000 < int(record["attributes"].pop("SentTimestamp")) <= now
    assert now - 10_000 < int(record["attributes"].pop("ApproximateFirstReceiveTimestamp")) <= now
    assert len(record.pop("receiptHandle")) > 10
    assert len(record["attributes"].pop("SenderId")) > 10
    assert record == {
        "messageId": sent["MessageId"],
        "body": "x",
        "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {
            "account": {"stringValue": "acme", "stringListValues": [], "binaryListValues": [], "dataType": "String"}
        },
        "md5OfBody": sent["MD5OfMessageBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": REGION,
    }


def test_record_of_a_fifo_queue(running: Running) -> None:
    queue = running.create(fifo=True)
    running.send("x", group="g")
    running.poll(queue)
    assert running.handler.wait_for(lambda: bool(running.handler.events))
    attributes = running.handler.events[0][0]["attributes"]
    assert (attributes["MessageGroupId"], attributes["MessageDeduplicationId"]) == ("g", "x")
    assert attributes["SequenceNumber"].isdigit()


def test_batches_are_filled_up_to_their_size(running: Running) -> None:
    queue = running.create()
    running.send(*(str(number) for number in range(25)))
    running.poll(queue, batch_size=20)
    assert running.handler.wait_for(lambda: len(running.handler.events) == 2)
    assert [len(event) for event in running.handler.bodies] == [20, 5]


def test_window_waits_for_more(running: Running) -> None:
    queue = running.create()
    running.send("1")
    running.poll(queue, batch_size=2, window=300)
    running.send("2")
    assert running.handler.wait_for(lambda: bool(running.handler.events))
    assert running.handler.bodies == [["1", "2"]]


def test_only_reported_messages_come_back(running: Running) -> None:
    queue = running.create()
    running.handler.behave = lambda record: (
        record["body"] != "bad" or record["attributes"]["ApproximateReceiveCount"] == "2"
    )
    running.send("good", "bad")
    running.poll(queue)
    assert running.handler.wait_for(lambda: len(running.handler.events) == 2)
    running.stop()
    assert running.handler.bodies == [["good", "bad"], ["bad"]]
    assert running.depth() == 0


def test_what_is_refused_comes_back_with_one_receive_more(running: Running) -> None:
    """Throttled, or refused as a loop: it never started."""
    queue = running.create()

    def refuse_once(record: dict[str, Any]) -> bool:
        if record["attributes"]["ApproximateReceiveCount"] == "1":
            raise FunctionError("Work", "TooManyRequestsException")
        return True

    running.handler.behave = refuse_once
    running.send("x")
    running.poll(queue)
    assert running.handler.wait_for(lambda: len(running.handler.events) == 2)
    running.stop()
    assert running.depth() == 0


def test_lineages_of_a_batch(running: Running) -> None:
    queue = running.create()
    for header in ("Root=1;Lineage=68fd508a:5", "Root=1"):
        given = {"AWSTraceHeader": {"StringValue": header, "DataType": "String"}}
        running.sqs.send_message(QueueUrl=queue.url, MessageBody="x", MessageSystemAttributes=given)
    running.poll(queue)
    assert running.handler.wait_for(lambda: bool(running.handler.events))
    assert running.handler.lineages == [[{"68fd508a": 5}, {}]]
    [first, _] = running.handler.events[0]
    assert first["attributes"]["AWSTraceHeader"] == "Root=1;Lineage=68fd508a:5"


def test_without_partial_failures_an_answer_is_success(running: Running) -> None:
    queue = running.create()
    running.handler.behave = lambda record: False
    running.send("x")
    running.poll(queue, partial=False)
    assert running.handler.wait_for(lambda: bool(running.handler.events))
    running.stop()
    assert running.depth() == 0


def test_a_failed_function_keeps_the_whole_batch(running: Running) -> None:
    queue = running.create()

    def crash_once(record: dict[str, Any]) -> bool:
        if record["attributes"]["ApproximateReceiveCount"] == "1":
            raise FunctionError("Work", "Runtime.ExitError")
        return True

    running.handler.behave = crash_once
    running.send("1", "2")
    running.poll(queue)
    assert running.handler.wait_for(lambda: len(running.handler.events) == 2)
    running.stop()
    assert running.handler.bodies == [["1", "2"], ["1", "2"]]
    assert running.depth() == 0


def test_changed_visibility_brings_it_back_when_the_handler_said(running: Running) -> None:
    queue = running.create(VisibilityTimeout="3600")
    received_at: list[float] = []

    def retry_in_a_minute(record: dict[str, Any]) -> bool:
        received_at.append(running.aws.clock.now_ms())
        running.sqs.change_message_visibility(
            QueueUrl=queue.url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=60
        )
        return len(received_at) == 2

    running.handler.behave = retry_in_a_minute
    running.send("x")
    running.poll(queue)
    assert running.handler.wait_for(lambda: len(running.handler.events) == 2)
    # The poller's own overhead counts 200-fold on this clock; an hour would be the visibility timeout.
    assert 60_000 <= received_at[1] - received_at[0] < 1_800_000


def test_fifo_keeps_a_groups_order_past_a_failure(running: Running) -> None:
    queue = running.create(fifo=True)
    stuck = {"a1"}

    def fail_the_group(record: dict[str, Any]) -> bool:
        return not (stuck and record["attributes"]["MessageGroupId"] == "a")

    running.handler.behave = fail_the_group
    running.send("a1", "a2", group="a")
    running.send("b1", group="b")
    running.poll(queue)
    assert running.handler.wait_for(lambda: bool(running.handler.events))
    stuck.clear()
    assert running.handler.wait_for(lambda: len(running.handler.events) >= 2)
    running.stop()
    assert running.handler.bodies == [["a1", "a2", "b1"], ["a1", "a2"]]
    assert running.depth("q.fifo") == 0


def test_redrive(running: Running) -> None:
    running.sqs.create_queue(QueueName="dead")
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:dead"
    queue = running.create(RedrivePolicy=json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3}))
    running.handler.behave = lambda record: False
    running.send("x")
    running.poll(queue)
    moved = QueueConsumer(ACCOUNT_ID, REGION, "dead", 30, running.aws.clock).receive(10, 10 * SPEED)
    running.stop()
    assert [item.message.body for item in moved] == ["x"]
    counts = [event[0]["attributes"]["ApproximateReceiveCount"] for event in running.handler.events]
    assert counts == ["1", "2", "3"]


def test_a_batch_above_the_payload_limit_is_split(running: Running) -> None:
    queue = running.create()
    bodies = [str(number) * 900_000 for number in range(9)]
    running.send(*bodies)
    running.poll(queue)
    assert running.handler.wait_for(lambda: sum(map(len, running.handler.events)) == 9)
    running.stop()
    assert [body for event in running.handler.bodies for body in event] == bodies
    assert all(len(json.dumps({"Records": event})) <= 6 * 1024 * 1024 for event in running.handler.events)
    assert len(running.handler.events) == 2
