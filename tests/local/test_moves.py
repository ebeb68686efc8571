"""The local SQS redrives as the real one does."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import LocalAws


class Wall:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Queues:
    """A queue `q`, its dead-letter queue, a FIFO pair, and one without any."""

    def __init__(self, aws: LocalAws, wall: Wall) -> None:
        self.sqs, self.wall = aws.client("sqs"), wall
        self.arns: dict[str, str] = {}
        self.urls: dict[str, str] = {}
        for name in ("dead", "dead.fifo", "plain"):
            self.create(name)
        for name in ("q", "q.fifo"):
            dead = self.arns[name.replace("q", "dead")]
            self.create(name, RedrivePolicy=f'{{"deadLetterTargetArn": "{dead}", "maxReceiveCount": 3}}')

    def create(self, name: str, **attributes: str) -> None:
        fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
        self.urls[name] = self.sqs.create_queue(QueueName=name, Attributes=attributes | fifo)["QueueUrl"]
        asked = self.sqs.get_queue_attributes(QueueUrl=self.urls[name], AttributeNames=["QueueArn"])
        self.arns[name] = asked["Attributes"]["QueueArn"]

    def send(self, name: str, *bodies: str) -> None:
        for body in bodies:
            fifo = {"MessageGroupId": "g", "MessageDeduplicationId": body} if name.endswith(".fifo") else {}
            self.sqs.send_message(QueueUrl=self.urls[name], MessageBody=body, **fifo)

    def receive(self, name: str) -> list[Any]:
        found = self.sqs.receive_message(
            QueueUrl=self.urls[name], MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        return list(found.get("Messages", []))

    def start(self, source: str = "dead", destination: str = "q", **more: Any) -> str:
        given = {"SourceArn": self.arns[source], "DestinationArn": self.arns[destination], **more}
        return str(self.sqs.start_message_move_task(**given)["TaskHandle"])

    def task(self) -> Any:
        (task,) = self.sqs.list_message_move_tasks(SourceArn=self.arns["dead"])["Results"]
        return task


@pytest.fixture
def queues() -> Iterator[Queues]:
    wall = Wall()
    aws = LocalAws()
    aws.clock.__init__(1.0, wall)  # type: ignore[misc]
    with aws:
        yield Queues(aws, wall)


@pytest.mark.parametrize("ending", ["", ".fifo"])
def test_messages_come_back_as_new_ones(queues: Queues, ending: str) -> None:
    queues.send(f"dead{ending}", "1", "2")
    before = queues.receive(f"dead{ending}")
    for message in before:
        visible = {"QueueUrl": queues.urls[f"dead{ending}"], "VisibilityTimeout": 0}
        queues.sqs.change_message_visibility(**visible, ReceiptHandle=message["ReceiptHandle"])
    queues.wall.now += 5

    queues.start(f"dead{ending}", f"q{ending}")

    after = queues.receive(f"q{ending}")
    assert [message["Body"] for message in after] == ["1", "2"]
    assert {message["MessageId"] for message in before}.isdisjoint(message["MessageId"] for message in after)
    assert {message["Attributes"]["SentTimestamp"] for message in after} == {"1005000"}
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in after} == {"1"}
    assert queues.receive(f"dead{ending}") == []


def test_what_is_in_flight_stays(queues: Queues) -> None:
    queues.send("dead", "1")
    queues.receive("dead")
    queues.send("dead", "2")

    queues.start()

    assert [message["Body"] for message in queues.receive("q")] == ["2"]
    assert queues.task()["Status"] == "COMPLETED"
    assert "TaskHandle" not in queues.task()


def test_task_with_a_rate_takes_its_time_and_can_be_cancelled(queues: Queues) -> None:
    queues.send("dead", *map(str, range(5)))
    handle = queues.start(MaxNumberOfMessagesPerSecond=1)
    begun = queues.task()
    queues.wall.now += 2

    cancelled = queues.sqs.cancel_message_move_task(TaskHandle=handle)

    assert (begun["Status"], begun["TaskHandle"], begun["ApproximateNumberOfMessagesMoved"]) == ("RUNNING", handle, 1)
    assert begun["ApproximateNumberOfMessagesToMove"] == 5
    assert cancelled["ApproximateNumberOfMessagesMoved"] == 3
    assert queues.task()["Status"] == "CANCELLED"
    assert len(queues.receive("dead")) == 2


@pytest.mark.parametrize(
    ("source", "destination", "words"),
    [
        pytest.param("plain", "q", "must be configured as a Dead Letter Queue", id="no dead-letter queue"),
        pytest.param("dead.fifo", "q", "same queue type", id="from FIFO to standard"),
        pytest.param("dead", "q.fifo", "same queue type", id="from standard to FIFO"),
    ],
)
def test_move_that_is_refused(queues: Queues, source: str, destination: str, words: str) -> None:
    with pytest.raises(ClientError, match=words):
        queues.start(source, destination)


def test_one_task_at_a_time(queues: Queues) -> None:
    queues.send("dead", "1", "2", "3")
    queues.start(MaxNumberOfMessagesPerSecond=1)

    with pytest.raises(ClientError, match="There is already a task running"):
        queues.start()


def test_task_that_has_ended_cannot_be_cancelled(queues: Queues) -> None:
    handle = queues.start()

    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        queues.sqs.cancel_message_move_task(TaskHandle=handle)
