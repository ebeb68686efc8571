from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local import queues
from local.aws import ACCOUNT_ID, LocalAws
from local.queues import QueueClock, QueueConsumer
from local.simulation import rules

REGION = "eu-west-1"


class Wall:
    """A wall clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("speed", "passed", "clock_ms"),
    [
        pytest.param(1, 2.5, 1_002_500, id="wall time"),
        pytest.param(60, 1, 1_060_000, id="60 times faster"),
        pytest.param(0.5, 4, 1_002_000, id="half the speed"),
    ],
)
def test_clock(speed: float, passed: float, clock_ms: float) -> None:
    wall = Wall()
    clock = QueueClock(speed, wall)
    wall.now += passed
    assert clock.now_ms() == pytest.approx(clock_ms)
    assert clock.to_wall_ms(clock.now_ms()) == round(wall.now * 1000)
    assert clock.wall_seconds(speed) == pytest.approx(1)


@pytest.mark.parametrize("speed", [0, -1])
def test_clock_goes_forward(speed: float) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        QueueClock(speed)


class Sqs:
    """One queue on a clock that a test moves, by way of the API."""

    def __init__(self, aws: LocalAws, wall: Wall) -> None:
        self.aws, self.wall = aws, wall
        self.client = aws.client("sqs")
        self.url = ""

    def create(self, name: str = "q", **attributes: str) -> str:
        self.url = str(self.client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        return self.url

    def send(self, body: str, group: str = "", dedup: str = "", delay: int = 0) -> None:
        fifo = {"MessageGroupId": group, "MessageDeduplicationId": dedup or body} if group else {}
        self.client.send_message(
            QueueUrl=self.url, MessageBody=body, **fifo, **({"DelaySeconds": delay} if delay else {})
        )

    def receive(self, count: int = 10) -> list[Any]:
        return list(self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=count).get("Messages", []))

    def bodies(self, count: int = 10) -> list[str]:
        return [message["Body"] for message in self.receive(count)]

    def delete(self, messages: list[Any]) -> None:
        for message in messages:
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture
def sqs() -> Iterator[Sqs]:
    wall = Wall()
    aws = LocalAws(REGION)
    aws.clock.__init__(1.0, wall)  # type: ignore[misc]
    with aws:
        yield Sqs(aws, wall)


FIFO = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}


@pytest.mark.parametrize(
    ("scope", "first", "second", "after", "delete", "expected"),
    [
        pytest.param("messageGroup", ("g", "d"), ("g", "d"), 299, False, ["1"], id="within five minutes"),
        pytest.param("messageGroup", ("g", "d"), ("g", "d"), 299, True, [], id="although deleted"),
        pytest.param("messageGroup", ("g", "d"), ("g", "d"), 301, True, ["2"], id="five minutes later"),
        pytest.param("messageGroup", ("g", "d"), ("h", "d"), 0, False, ["1", "2"], id="another group"),
        pytest.param("queue", ("g", "d"), ("h", "d"), 0, False, ["1"], id="another group, scope of the queue"),
        pytest.param("messageGroup", ("g", "d"), ("g", "e"), 0, False, ["1", "2"], id="another id"),
    ],
)
def test_fifo_deduplication(
    sqs: Sqs,
    scope: str,
    first: tuple[str, str],
    second: tuple[str, str],
    after: float,
    delete: bool,
    expected: list[str],
) -> None:
    sqs.create("q.fifo", **{**FIFO, "DeduplicationScope": scope})
    sqs.send("1", *first)
    if delete:
        sqs.delete(sqs.receive())
    sqs.wall.now += after
    sqs.send("2", *second)
    assert sqs.bodies() == expected


def test_delay_and_visibility_follow_the_clock(sqs: Sqs) -> None:
    sqs.create(VisibilityTimeout="30")
    sqs.send("x", delay=900)
    sqs.wall.now += 899
    assert sqs.bodies() == []
    sqs.wall.now += 2
    assert sqs.bodies() == ["x"]
    assert sqs.bodies() == [], "in flight"
    sqs.wall.now += 31
    assert sqs.bodies() == ["x"]


@pytest.mark.parametrize(
    ("headers", "by_hand", "kept"),
    [
        pytest.param({"X-Amzn-Trace-Id": "Root=1"}, None, "Root=1", id="of the request"),
        pytest.param({"X-Amzn-Trace-Id": "Root=1"}, "Root=2", "Root=2", id="by hand"),
        pytest.param({}, None, None, id="none"),
    ],
)
def test_trace_header(sqs: Sqs, headers: dict[str, str], by_hand: str | None, kept: str | None) -> None:
    sqs.create()
    sqs.client.meta.events.register("before-call.sqs", lambda params, **_: params["headers"].update(headers))
    more = {"MessageSystemAttributes": {"AWSTraceHeader": {"StringValue": by_hand, "DataType": "String"}}}
    sqs.client.send_message(QueueUrl=sqs.url, MessageBody="x", **(more if by_hand else {}))
    answer = sqs.client.receive_message(QueueUrl=sqs.url, AttributeNames=["All"])
    assert answer["Messages"][0]["Attributes"].get("AWSTraceHeader") == kept


def test_above_the_limit_in_flight_a_poll_brings_nothing(sqs: Sqs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_IN_FLIGHT", 12)
    sqs.create()
    for number in range(20):
        sqs.send(str(number))
    received = sqs.receive() + sqs.receive()
    assert len(received) == 12
    assert sqs.bodies() == []
    sqs.delete(received[:1])
    assert sqs.bodies() == ["12"]


@pytest.mark.parametrize(("since_receive", "seconds", "refused"), [(0, 43_200, False), (10, 43_195, True)])
def test_a_message_is_hidden_for_twelve_hours_of_its_receive(
    sqs: Sqs, since_receive: int, seconds: int, refused: bool
) -> None:
    sqs.create(VisibilityTimeout="30")
    sqs.send("x")
    sqs.wall.now += 86_400
    (message,) = sqs.receive(1)
    sqs.wall.now += since_receive
    change = {"QueueUrl": sqs.url, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": seconds}
    with pytest.raises(ClientError, match="beyond the limit") if refused else nullcontext():
        sqs.client.change_message_visibility(**change)


def test_a_group_waits_for_its_message_in_flight(sqs: Sqs) -> None:
    sqs.create("q.fifo", **FIFO)
    for group, body in (("a", "a1"), ("a", "a2"), ("b", "b1")):
        sqs.send(body, group)
    first = sqs.receive(1)
    assert [message["Body"] for message in first] == ["a1"]
    assert sqs.bodies() == ["b1"]
    sqs.delete(first)
    assert sqs.bodies() == ["a2"]


def test_redrive_to_the_dead_letter_queue_keeps_duplicates(sqs: Sqs) -> None:
    dead = sqs.create("dead.fifo", **FIFO)
    arn = sqs.client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.send("already there", "g", "d")
    sqs.create(
        "q.fifo", **FIFO, VisibilityTimeout="30", RedrivePolicy=f'{{"deadLetterTargetArn":"{arn}","maxReceiveCount":2}}'
    )
    sqs.send("x", "g", "d")
    for expected in (["x"], ["x"], []):
        assert sqs.bodies() == expected
        sqs.wall.now += 31
    sqs.url = dead
    assert sqs.bodies() == ["already there", "x"]


def test_retention_follows_the_clock(sqs: Sqs) -> None:
    sqs.create(MessageRetentionPeriod="60")
    sqs.send("x")
    sqs.wall.now += 61
    assert sqs.bodies() == []


def consumer(sqs: Sqs, visibility: int = 30) -> QueueConsumer:
    return QueueConsumer(ACCOUNT_ID, REGION, "q", visibility, sqs.aws.clock)


@pytest.mark.parametrize(
    ("handler_says", "back_after"),
    [
        pytest.param(None, 30, id="visibility timeout of the queue, from the receive"),
        pytest.param(5, 12, id="sooner, as the handler said"),
        pytest.param(600, 607, id="later, as the handler said"),
        pytest.param(0, 7, id="at once, as the handler said"),
    ],
)
def test_given_back(sqs: Sqs, handler_says: int | None, back_after: int) -> None:
    sqs.create(VisibilityTimeout="30")
    sqs.send("x")
    worker = consumer(sqs)
    received = worker.receive(10)
    sqs.wall.now += 7  # what the handler takes
    if handler_says is not None:
        handle = received[0].message.receipt_handle
        sqs.client.change_message_visibility(QueueUrl=sqs.url, ReceiptHandle=handle, VisibilityTimeout=handler_says)
    worker.give_back(received)
    sqs.wall.now += back_after - 7 - 0.001
    assert sqs.bodies() == []
    sqs.wall.now += 0.01
    assert sqs.bodies() == ["x"]


def test_a_fast_clock_leaves_a_handler_its_time() -> None:
    wall = Wall()
    aws = LocalAws(REGION)
    aws.clock.__init__(100.0, wall)  # type: ignore[misc]
    with aws:
        sqs = Sqs(aws, wall)
        sqs.create(VisibilityTimeout="30")
        sqs.send("x")
        worker = consumer(sqs)
        received = worker.receive(10)
        wall.now += 20  # 2000 s of the queue's clock, far past its visibility timeout
        assert sqs.bodies() == []
        worker.give_back(received)
        wall.now += 0.09  # 9 of the 10 s that are left of the timeout
        assert sqs.bodies() == []
        wall.now += 0.02
        assert sqs.bodies() == ["x"]


def test_receive_ends_with_the_window_and_with_close(sqs: Sqs) -> None:
    sqs.create()
    worker = consumer(sqs)
    assert worker.receive(10, 0) == []
    worker.close()
    assert worker.receive(10) == []


def test_one_at_a_time_in_a_process(sqs: Sqs) -> None:
    with pytest.raises(RuntimeError, match="already runs"), LocalAws(REGION):
        pytest.fail("a second local AWS started")


def test_each_starts_empty(sqs: Sqs) -> None:
    assert "QueueUrls" not in sqs.client.list_queues()
    assert queues.LOCK.acquire(blocking=False)
    queues.LOCK.release()


def test_visibilities_of_a_batch_change_each_on_its_own(sqs: Sqs) -> None:
    sqs.create(VisibilityTimeout="30")
    sqs.send("1")
    (early,) = sqs.receive()
    sqs.wall.now += 60
    sqs.send("2")
    (late,) = [message for message in sqs.receive() if message["Body"] == "2"]
    entries = [
        {"Id": "gone", "ReceiptHandle": "odd", "VisibilityTimeout": 0},
        {"Id": "late", "ReceiptHandle": late["ReceiptHandle"], "VisibilityTimeout": 0},
    ]

    answer = sqs.client.change_message_visibility_batch(QueueUrl=sqs.url, Entries=entries)
    sqs.wall.now += 60
    again = {"Id": "back", "ReceiptHandle": early["ReceiptHandle"], "VisibilityTimeout": 0}
    after = sqs.client.change_message_visibility_batch(QueueUrl=sqs.url, Entries=[again])

    assert [each["Id"] for each in answer["Successful"]] == ["late"]
    assert [(each["Id"], each["Code"]) for each in answer["Failed"]] == [("gone", "ReceiptHandleIsInvalid")]
    assert [each["Code"] for each in after["Failed"]] == ["AWS.SimpleQueueService.MessageNotInflight"]
