"""What SQS does and moto does not."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.simulation import rules
from local.simulation.sqs import Sqs

HOUR, DAY = 3600, 86_400


class Sim:
    """A standard queue, a FIFO queue, and their dead-letter queues."""

    def __init__(self, seed: int = 1) -> None:
        self.now = 1_700_000_000.0
        self.sqs = Sqs(lambda: self.now, Random(seed))
        for name in ("q", "f.fifo"):
            fifo = {"FifoQueue": True, "DeduplicationScope": "messageGroup"} if name == "f.fifo" else {}
            kept = {"MessageRetentionPeriod": 14 * DAY, **fifo}
            self.sqs.create(f"dead-{name}", f"arn:dead-{name}", f"https://dead-{name}", kept)
            redrive = {"RedrivePolicy": {"maxReceiveCount": 3, "deadLetterTargetArn": f"arn:dead-{name}"}}
            self.sqs.create(name, f"arn:{name}", f"https://{name}", {"VisibilityTimeout": 60, **kept, **redrive})

    def send(self, body: str, queue: str = "q", **more: Any) -> Any:
        return self.sqs.send_message(QueueUrl=f"https://{queue}", MessageBody=body, **more)

    def in_group(self, body: str, group: str) -> None:
        self.send(body, "f.fifo", MessageGroupId=group, MessageDeduplicationId=body)

    def receive(self, queue: str = "q", most: int = 10) -> list[dict[str, Any]]:
        answer = self.sqs.receive_message(QueueUrl=f"https://{queue}", MaxNumberOfMessages=most, AttributeNames=["All"])
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    def bodies(self, queue: str = "q", most: int = 10) -> list[str]:
        return [message["Body"] for message in self.receive(queue, most)]

    def delete(self, message: dict[str, Any], queue: str = "q") -> None:
        self.sqs.delete_message(QueueUrl=f"https://{queue}", ReceiptHandle=message["ReceiptHandle"])

    def hide(self, message: dict[str, Any], seconds: int, queue: str = "q") -> None:
        self.sqs.change_message_visibility(
            QueueUrl=f"https://{queue}", ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
        )

    def due_in(self, queue: str = "q") -> float | None:
        due = self.sqs.queues[f"https://{queue}"].due_at(self.now)
        return None if due is None else due - self.now


def code(raised: pytest.ExceptionInfo[ClientError]) -> str:
    return str(raised.value.response["Error"]["Code"])


def test_messages_overtake_each_other() -> None:
    sim = Sim()
    sim.sqs.harshness.disorder = 10.0
    for number in range(50):
        sim.send(str(number))
        sim.now += 1
    order = [int(body) for _ in range(5) for body in sim.bodies()]
    assert sorted(order) == list(range(50))
    assert order != sorted(order)
    assert all(abs(place - number) <= 11 for place, number in enumerate(order))


def test_counts_may_be_old() -> None:
    sim, names = Sim(), ["ApproximateNumberOfMessages"]
    sim.sqs.harshness.old_counts = 60

    def told() -> int:
        attributes = sim.sqs.get_queue_attributes(QueueUrl="https://q", AttributeNames=names)["Attributes"]
        return int(attributes["ApproximateNumberOfMessages"])

    sim.send("a")
    assert told() == 0
    sim.now += 59
    assert told() == 0
    sim.now += 1
    assert told() == 1


def test_order_follows_from_the_seed() -> None:
    def order(seed: int) -> list[str]:
        sim = Sim(seed)
        sim.sqs.harshness.disorder = 1000.0
        for number in range(10):
            sim.send(str(number))
        return sim.bodies()

    assert order(1) == order(1) != order(2)


def test_a_message_comes_twice_at_the_same_time() -> None:
    sim = Sim()
    sim.sqs.harshness.twice = 1.0
    sent = sim.send("a")
    (first,), (second,) = sim.receive(), sim.receive()
    assert first["MessageId"] == second["MessageId"] == sent["MessageId"]
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    assert [m["Attributes"]["ApproximateReceiveCount"] for m in (first, second)] == ["1", "2"]
    sim.delete(first)
    assert sim.bodies() == []
    sim.delete(second)
    sim.now += 61
    assert sim.bodies() == []


def test_a_message_that_comes_twice_is_given_up_once() -> None:
    sim = Sim()
    sim.sqs.harshness.twice = 1.0
    sim.send("a")
    assert [sim.bodies() for _ in range(3)] == [["a"]] * 3
    sim.now += 61
    assert sim.bodies() == []
    assert sim.bodies("dead-q") == ["a"]


def test_a_message_comes_again_after_it_was_deleted() -> None:
    sim = Sim()
    sim.sqs.harshness.undead = 1.0
    sim.send("a")
    (message,) = sim.receive()
    sim.delete(message)
    assert sim.bodies() == []
    sim.now += 61
    assert sim.bodies() == ["a"]


def test_a_deletion_with_an_old_receipt_may_do_nothing() -> None:
    sim = Sim()
    sim.sqs.harshness.stale = 1.0
    sim.send("a")
    (old,) = sim.receive()
    sim.now += 61
    (new,) = sim.receive()
    sim.delete(old)
    sim.now += 61
    assert sim.bodies() == ["a"]
    sim.delete(new)


@pytest.mark.parametrize("harsh", ["disorder", "twice", "undead", "stale"])
def test_a_fifo_queue_is_not_harsh(harsh: str) -> None:
    sim = Sim()
    setattr(sim.sqs.harshness, harsh, 1.0)
    for number in range(5):
        sim.in_group(str(number), "g")
    received = sim.receive("f.fifo")
    assert [message["Body"] for message in received] == ["0", "1", "2", "3", "4"]
    for message in received:
        sim.delete(message, "f.fifo")
    sim.now += 61
    assert sim.bodies("f.fifo") == []


def test_a_fifo_queue_refuses_a_receipt_whose_visibility_is_over() -> None:
    sim = Sim()
    sim.in_group("a", "g")
    (message,) = sim.receive("f.fifo")
    sim.now += 61
    with pytest.raises(ClientError) as raised:
        sim.delete(message, "f.fifo")
    assert code(raised) == "InvalidParameterValue"
    assert sim.bodies("f.fifo") == ["a"]


@pytest.mark.parametrize(
    ("later", "seconds", "code_of_error"),
    [
        pytest.param(0, 12 * HOUR, None, id="twelve hours"),
        pytest.param(30, 12 * HOUR, "InvalidParameterValue", id="more than is left"),
        pytest.param(30, 12 * HOUR - 30, None, id="what is left"),
        pytest.param(61, 10, "AWS.SimpleQueueService.MessageNotInflight", id="visible again"),
    ],
)
def test_visibility_can_be_changed(later: float, seconds: int, code_of_error: str | None) -> None:
    sim = Sim()
    sim.now += 5 * DAY
    sim.send("a")
    (message,) = sim.receive()
    sim.now += later
    if code_of_error is None:
        sim.hide(message, seconds)
        assert sim.due_in() == seconds
        return
    with pytest.raises(ClientError) as raised:
        sim.hide(message, seconds)
    assert code(raised) == code_of_error


def test_the_visibility_of_a_message_that_was_received_before_counts_from_its_last_receive() -> None:
    sim = Sim()
    sim.send("a")
    sim.receive()
    sim.now += 11 * HOUR
    (again,) = sim.receive()
    sim.hide(again, 12 * HOUR)


@pytest.mark.parametrize("queue", ["q", "f.fifo"])
def test_polls_are_empty_above_the_limit_in_flight(queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_IN_FLIGHT", 15)
    monkeypatch.setattr(rules, "has_room", lambda in_flight: in_flight < 15)
    sim = Sim()
    for number in range(20):
        sim.send(str(number)) if queue == "q" else sim.in_group(str(number), str(number))
    received = sim.receive(queue) + sim.receive(queue)
    assert len(received) == 15
    assert sim.bodies(queue) == []
    sim.delete(received[0], queue)
    assert sim.bodies(queue) == ["15"]


@pytest.mark.parametrize(
    ("queue", "kept"), [pytest.param("q", False, id="from the first day"), pytest.param("f.fifo", True, id="anew")]
)
def test_retention_in_a_dead_letter_queue(queue: str, kept: bool) -> None:
    sim = Sim()
    sim.send("a") if queue == "q" else sim.in_group("a", "g")
    sim.now += 13 * DAY
    for _ in range(4):
        sim.receive(queue)
        sim.now += 61
    sim.now += DAY
    assert (sim.bodies(f"dead-{queue}") == ["a"]) is kept
    assert [(name, message.body) for name, message in sim.sqs.lost] == ([] if kept else [("dead-q", "a")])


def test_a_message_that_somebody_deleted_is_not_lost() -> None:
    sim = Sim()
    sim.sqs.harshness.undead = 1.0
    sim.send("a")
    sim.delete(sim.receive()[0])
    sim.now += 15 * DAY
    assert sim.bodies() == []
    assert sim.sqs.lost == []


def test_a_redrive_makes_new_messages() -> None:
    sim = Sim()
    sent = sim.send("a", MessageSystemAttributes={"AWSTraceHeader": {"StringValue": "Root=1", "DataType": "String"}})
    for _ in range(4):
        sim.receive()
        sim.now += 61
    sim.sqs.start_message_move_task(SourceArn="arn:dead-q", DestinationArn="arn:q")
    (message,) = sim.receive()
    assert message["MessageId"] != sent["MessageId"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert message["Attributes"]["SentTimestamp"] == str(int(sim.now * 1000))
    assert message["Attributes"]["AWSTraceHeader"] == "Root=1"
    assert sim.bodies("dead-q") == []


def test_first_receive_does_not_move_with_receives() -> None:
    sim = Sim()
    sim.send("a")
    sim.now += 5
    first = str(int(sim.now * 1000))
    for _ in range(2):
        (message,) = sim.receive()
        assert message["Attributes"]["ApproximateFirstReceiveTimestamp"] == first
        sim.now += 61


def test_a_batch_of_which_some_fail() -> None:
    sim = Sim()
    sim.sqs.refuse = lambda operation, queue, entry: "InternalError" if entry.get("MessageBody") == "b" else None
    bodies = ["a", "b", "\x00", "d"]
    entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]
    answer = sim.sqs.send_message_batch(QueueUrl="https://q", Entries=entries)
    assert [entry["Id"] for entry in answer["Successful"]] == ["0", "3"]
    failed = [(entry["Id"], entry["Code"], entry["SenderFault"]) for entry in answer["Failed"]]
    assert failed == [("1", "InternalError", False), ("2", "InvalidMessageContents", True)]
    assert sim.bodies() == ["a", "d"]


@pytest.mark.parametrize(
    ("bodies", "code_of_error"),
    [
        pytest.param(["a" * 600_000, "b" * 400_000], None, id="a MiB together"),
        pytest.param(["a" * 600_000, "b" * 600_000], "AWS.SimpleQueueService.BatchRequestTooLong", id="more"),
    ],
)
def test_size_of_a_batch(bodies: list[str], code_of_error: str | None) -> None:
    sim = Sim()
    entries = [{"Id": str(place), "MessageBody": body} for place, body in enumerate(bodies)]
    if code_of_error is None:
        assert len(sim.sqs.send_message_batch(QueueUrl="https://q", Entries=entries)["Successful"]) == 2
        assert sim.sqs.billed == Counter({"SendMessageBatch": 16})
        return
    with pytest.raises(ClientError) as raised:
        sim.sqs.send_message_batch(QueueUrl="https://q", Entries=entries)
    assert code(raised) == code_of_error


@pytest.mark.parametrize(
    ("body", "code_of_error"),
    [("\ufffe", "InvalidMessageContents"), ("a" * 1_048_577, "InvalidParameterValue"), ("", "MissingParameter")],
)
def test_message_that_sqs_refuses(body: str, code_of_error: str) -> None:
    with pytest.raises(ClientError) as raised:
        Sim().send(body)
    assert code(raised) == code_of_error


def test_the_trace_header_of_the_caller() -> None:
    sim = Sim()
    sim.sqs.trace = lambda: "Root=1;Lineage=68fd508a:5"
    sim.send("a")
    by_hand = {"AWSTraceHeader": {"StringValue": "Root=2", "DataType": "String"}}
    sim.send("b", MessageSystemAttributes=by_hand)
    headers = [message["Attributes"]["AWSTraceHeader"] for message in sim.receive()]
    assert headers == ["Root=1;Lineage=68fd508a:5", "Root=2"]


def test_age_leaves_out_what_was_received_three_times() -> None:
    sim = Sim()
    sim.send("a")
    sim.now += 100
    queue = sim.sqs.queues["https://q"]
    ages = []
    for _ in range(3):
        sim.receive()
        ages.append(queue.age(sim.now))
        sim.now += 61
    assert ages == [100.0, 161.0, 0.0]


@pytest.mark.parametrize(
    ("what", "due"),
    [
        pytest.param("nothing", None, id="nothing"),
        pytest.param("waiting", 0.0, id="waits"),
        pytest.param("delayed", 30.0, id="delayed"),
        pytest.param("received", 60.0, id="in flight"),
        pytest.param("deleted", None, id="deleted"),
    ],
)
def test_when_a_message_is_due(what: str, due: float | None) -> None:
    sim = Sim()
    if what != "nothing":
        sim.send("a", DelaySeconds=30 if what == "delayed" else 0)
    if what in ("received", "deleted"):
        (message,) = sim.receive()
        if what == "deleted":
            sim.delete(message)
    assert sim.due_in() == due


def test_a_group_goes_on_once_its_first_message_is_given_up() -> None:
    sim = Sim()
    for body, group in (("a", "g"), ("b", "h"), ("c", "g"), ("d", "g")):
        sim.in_group(body, group)
    for _ in range(3):
        assert sim.bodies("f.fifo", most=1) == ["a"]
        sim.now += 61
    assert [sim.bodies("f.fifo", most=1) for _ in range(3)] == [["b"], ["c"], []]
    assert sim.bodies("dead-f.fifo") == ["a"]


def test_a_group_is_due_when_nothing_of_it_is_in_flight() -> None:
    sim = Sim()
    sim.in_group("a", "g")
    sim.in_group("b", "g")
    (first,) = sim.receive("f.fifo", most=1)
    assert sim.due_in("f.fifo") == 60
    sim.delete(first, "f.fifo")
    assert sim.due_in("f.fifo") == 0
    assert sim.bodies("f.fifo") == ["b"]
