"""forward and SQS's at-least-once: a queue message that comes twice, at the same time or after its invocation died."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from tests.support.world import OK, UNREACHED, Killed, World, mo_text, status_update, template, world
from whatsapp_bridge.flows.records import Postponed, Record
from whatsapp_bridge.flows.status_queue import queued_status
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.runtime.breaker import OPENS_AT

SENT, DELIVERED = 4, 5
NAMES = [f"m{number}" for number in range(10)]


@pytest.fixture
def made() -> Iterator[World]:
    """A world in which message a is sent."""
    with world() as fresh:
        fresh.send(template("a"))
        fresh.run()
        yield fresh


def delivered(made: World, queue: str) -> list[Record]:
    """What is on a queue, as one delivery of it."""
    answer = made.sqs.receive_message(QueueUrl=made.url(queue), MaxNumberOfMessages=10, AttributeNames=["All"])
    return [
        Record.of(
            {
                "messageId": message["MessageId"],
                "body": message["Body"],
                "receiptHandle": message["ReceiptHandle"],
                "attributes": message["Attributes"],
            }
        )
        for message in answer["Messages"]
    ]


def test_a_status_that_is_delivered_twice_at_once_is_reported_once(made: World) -> None:
    made.callback(status_update("a", DELIVERED))
    records = delivered(made, "StatusesQueue")
    answers: list[Any] = []

    def clevertap(url: str, payload: Any) -> Answer:
        if not answers:
            answers.append(None)
            answers[0] = made.forward_statuses(records)
        return OK

    made.clevertap = clevertap
    assert made.forward_statuses(records) == []
    made.pump()
    assert made.told == [("a", "sent"), ("a", "delivered")]


def test_a_status_that_is_twice_in_a_batch_is_queued_again_once(made: World) -> None:
    for _ in range(OPENS_AT):
        made.forward_statuses._callbacks._breakers.struck("acme#status")
    made.callback(status_update("a", DELIVERED))
    records = delivered(made, "StatusesQueue")
    assert made.forward_statuses(records + records) == []
    made.now += 901
    copies = [body for body in made.bodies("StatusesQueue") if body.get("hops")]
    assert len(copies) == 1


def test_a_click_that_is_delivered_twice_at_once_is_reported_once(made: World) -> None:
    click = queued_status(
        "acme", StatusEvent("clicked", 1_700_000_300, "a", None, url="https://shop.example"), made.now
    )
    made.sqs.send_message(QueueUrl=made.url("StatusesQueue"), MessageBody=click.body)
    records = delivered(made, "StatusesQueue")

    def clevertap(url: str, payload: Any) -> Answer:
        if not made.http.taken[1:]:
            made.clevertap = lambda url, payload: OK
            made.forward_statuses(records)
        return OK

    made.clevertap = clevertap
    assert made.forward_statuses(records) == []
    made.pump()
    assert made.told == [("a", "clicked")]


def test_a_reply_that_is_delivered_twice_at_once_is_reported_once(made: World) -> None:
    made.callback(mo_text())
    (record,) = delivered(made, "RepliesQueue")

    def clevertap(url: str, payload: Any) -> Answer:
        # It comes back: this delivery may still die.
        with pytest.raises(Postponed):
            made.forward_replies(record)
        return OK

    made.clevertap = clevertap
    made.forward_replies(record)
    made.forward_replies(record)
    assert len(made.replies) == 1


@contextmanager
def dying_at_the_end(made: World) -> Iterator[None]:
    """Every invocation does all that it has to do, and dies before Lambda gets its answer."""

    def died(*arguments: Any) -> None:
        World._run(made, *arguments)
        raise Killed("before its answer")

    with patch.object(made, "_run", died):
        yield


def statuses(made: World) -> None:
    for name in NAMES:
        made.claims.claim("acme", name, "q", "pseudonym", "grant", sending=True)
        made.callback(status_update(name, SENT))


def test_deaths_between_sending_again_and_returning_do_not_double_a_batch_each_time(made: World) -> None:
    statuses(made)
    made.clevertap = lambda url, payload: UNREACHED
    with dying_at_the_end(made):
        for _ in range(6):
            made.run()
            # Until all of it is visible again.
            made.now += 901
    # Doubled each time they would be 64 times as many.
    assert made.depth("StatusesQueue") <= 12 * len(NAMES)
    made.clevertap = lambda url, payload: OK
    made.pump(hours=10)
    assert sorted(made.told) == sorted((name, "sent") for name in NAMES)
    assert made.depth("StatusesQueue") == made.depth("StatusesDeadLetterQueue") == 0


def ends_in(made: World, seconds: float) -> None:
    """What each invocation has left when CleverTap has answered."""
    made.forward_statuses._retries._handing_on._time_left = lambda: seconds


def test_nothing_is_sent_again_without_time_in_hand(made: World) -> None:
    statuses(made)
    made.clevertap = lambda url, payload: UNREACHED
    ends_in(made, 2.9)
    # They come back by themselves.
    assert made.run() == pytest.approx(360, abs=1)
    assert made.depth("StatusesQueue") == len(NAMES)
    ends_in(made, 60)
    made.clevertap = lambda url, payload: OK
    made.pump()
    assert sorted(made.told) == sorted((name, "sent") for name in NAMES)


def test_what_comes_back_again_and_again_is_sent_again_in_the_end(made: World) -> None:
    statuses(made)
    made.clevertap = lambda url, payload: UNREACHED
    ends_in(made, 0)
    for _ in range(4):
        made.run()
        made.now += 362
    ends_in(made, 60)
    made.run()
    assert made.run() is not None
    # By the schedule, and no more by the visibility timeout.
    made.now += 5
    assert [body["hops"] for body in made.emptied("StatusesQueue")] == [1] * len(NAMES)
