"""What is queued again, and when it waits for the queue's visibility timeout instead."""

from collections.abc import Iterable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from whatsapp_bridge.flows.handing_on import HandingOn, may_be_copied
from whatsapp_bridge.store.queues import Entry, Queue

LOST = ReadTimeoutError(endpoint_url="https://sqs.example")


def error(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "SendMessageBatch")


class Sqs:
    """Fails as `fails` says; `sent` has the number of messages of each call."""

    def __init__(self) -> None:
        self.fails: Exception | None = None
        self.sent: list[int] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: Iterable[Any]) -> dict[str, Any]:  # noqa: N803
        self.sent.append(len(list(Entries)))
        if self.fails is not None:
            raise self.fails
        return {}


class Process:
    def __init__(self) -> None:
        self.sqs, self.now, self.left = Sqs(), 1000.0, 60.0
        self._hand_on = HandingOn(time_left=lambda: self.left, now=lambda: self.now)

    def missing(self, number: int = 25) -> int:
        """How many of so many messages are not queued again."""
        return len(self._hand_on(Queue("https://sqs.example/q", self.sqs), [Entry("{}")] * number))


@pytest.mark.parametrize("fails", [LOST, error("InternalFailure", 500), error("ServiceUnavailable", 503)])
def test_what_gets_no_answer_is_tried_with_one_message_when_a_probe_is_due(fails: Exception) -> None:
    process = Process()
    process.sqs.fails = fails
    assert process.missing() == 25
    calls = []
    for _ in range(1200):
        process.now += 1
        process.sqs.sent.clear()
        assert process.missing() == 25
        calls += process.sqs.sent
    # After 15, 30, 60, 120, 240, 300 and 300 seconds.
    assert calls == [1] * 7
    process.sqs.fails = None
    process.now += 300
    process.sqs.sent.clear()
    assert process.missing() == 0
    assert process.sqs.sent == [1, 10, 10, 4]


@pytest.mark.parametrize("fails", [error("AccessDenied", 403), error("ThrottlingException", 400)])
def test_what_sqs_refuses_leaves_no_copies_and_is_tried_each_time(fails: Exception) -> None:
    process = Process()
    process.sqs.fails = fails
    assert process.missing() == process.missing() == 25
    process.sqs.fails = None
    assert process.missing() == 0


def test_without_time_in_hand_nothing_is_sent() -> None:
    process = Process()
    process.left = 2.9
    assert process.missing() == 25
    assert process.sqs.sent == []


def test_what_has_come_back_is_sent_again_each_fifth_time() -> None:
    assert [receives for receives in range(1, 21) if may_be_copied(receives)] == [1, 5, 10, 15, 20]
