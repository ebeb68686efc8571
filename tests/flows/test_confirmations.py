"""forward, confirmations: a message whose answer was lost is reported as failed only when no news is on its way."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.backends import get_backend
from moto.core import DEFAULT_ACCOUNT_ID as ACCOUNT_ID

from tests.support.world import (
    LOST,
    REGION,
    START,
    Killed,
    World,
    accept_all,
    account,
    json_answer,
    status_update,
    template,
    world,
)
from whatsapp_bridge.flows import confirmations
from whatsapp_bridge.flows.records import Record
from whatsapp_bridge.flows.status_queue import queued_status
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.store.queues import Counts

QUEUED, SENT, DELIVERED, READ, EXPIRED = 2, 4, 5, 6, 20
DUE = START + 900
HOUR = 3600


@pytest.fixture
def made() -> Iterator[World]:
    """A world in which the answer for message a was lost, and its confirmation is due now."""
    with world() as fresh:
        lose(fresh, "a")
        fresh.now = DUE
        yield fresh


def lose(made: World, *names: str) -> None:
    made.bsp = lambda url, payload: LOST
    for name in names:
        made.send(template(name))
    made.run()
    made.bsp = accept_all


def callback(made: World, *updates: tuple[str | None, int], **options: Any) -> None:
    elements = [status_update(name, code, **options)["event"]["messageStatusUpdate"][0] for name, code in updates]
    assert made.callback({"event": {"messageStatusUpdate": elements}}).status == 200


def put(made: World, *events: StatusEvent) -> None:
    """Statuses as receive puts them on the queue."""
    for event in events:
        entry = queued_status("acme", event, made.now)
        made.sqs.send_message(QueueUrl=made.url("StatusesQueue"), MessageBody=entry.body)


def other_news(made: World, number: int) -> None:
    """Statuses that forward drops at once: those of CleverTap's own samples."""
    put(made, *(StatusEvent("sent", int(START), "0|0|0|0", f"x{each}") for each in range(number)))


@pytest.mark.parametrize(
    ("news", "told"),
    [
        pytest.param([], ["failed"], id="no news"),
        pytest.param([("a", SENT)], ["sent"], id="sent"),
        pytest.param([("a", DELIVERED)], ["sent", "delivered"], id="delivered"),
        pytest.param([("a", EXPIRED)], ["failed"], id="failed, for its own reason"),
        pytest.param([("a", QUEUED)], [], id="accepted"),
        pytest.param([("a", QUEUED), (None, DELIVERED)], ["sent", "delivered"], id="accepted, then by id"),
        pytest.param([(None, DELIVERED), ("a", QUEUED)], ["sent", "delivered"], id="by id, then accepted"),
        pytest.param([("a", DELIVERED), ("a", SENT)], ["sent", "delivered"], id="several"),
        pytest.param([("b", DELIVERED)], ["failed"], id="another message's"),
    ],
)  # fmt: skip
def test_news_of_the_same_batch_comes_first(made: World, news: list[tuple[str | None, int]], told: list[str]) -> None:
    if news:
        callback(made, *news)
    made.pump(hours=2)
    assert [status for name, status in made.told if name == "a"] == told
    if told == ["failed"] and news == [("a", EXPIRED)]:
        assert made.statuses[0]["error"]["code"] == 1005


def test_a_click_of_the_same_batch_comes_first(made: World) -> None:
    put(made, StatusEvent("clicked", int(START), "a", None, url="https://shop.example"))
    made.pump()
    assert made.told == [("a", "clicked")]


def test_news_behind_the_batch_comes_first(made: World) -> None:
    other_news(made, 520)
    callback(made, ("a", DELIVERED))
    made.pump()
    assert made.told == [("a", "sent"), ("a", "delivered")]


def test_news_that_another_delivery_is_handling_comes_first(made: World) -> None:
    callback(made, ("a", DELIVERED))
    hidden = made.sqs.receive_message(QueueUrl=made.url("StatusesQueue"), MaxNumberOfMessages=10)["Messages"]
    (confirmation,) = [message for message in hidden if "confirm" in message["Body"]]
    made.sqs.change_message_visibility(
        QueueUrl=made.url("StatusesQueue"), ReceiptHandle=confirmation["ReceiptHandle"], VisibilityTimeout=0
    )
    made.now += 0.002
    made.run()
    assert made.told == []
    made.pump()
    assert made.told == [("a", "sent"), ("a", "delivered")]


def test_news_that_could_not_be_handled_comes_first(made: World) -> None:
    left = [1]

    def fail(operation: str, parameters: Any) -> Exception | None:
        if operation == "UpdateItem" and "msg#acme#a" in repr(parameters) and left[0]:
            left[0] -= 1
            return ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, operation)
        return None

    made.fail = fail
    callback(made, ("a", DELIVERED))
    made.pump()
    assert made.told == [("a", "sent"), ("a", "delivered")]


def test_a_status_that_is_reported_meanwhile_wins(made: World) -> None:
    unconfirmed = made.forward_statuses._confirmations._claims.unconfirmed

    def late(account: str, reference: str) -> str | None:
        found = unconfirmed(account, reference)
        made.leases.begin("acme", "a", "another", 1, heard=True)
        made.leases.end("acme", "a", "another", 1)
        return found

    made.forward_statuses._confirmations._claims.unconfirmed = late  # type: ignore[method-assign]
    made.pump()
    assert made.told == []


def old_counts(made: World, counts: Counts, until: float) -> None:
    """What SQS says of the statuses queue: these, then what is true."""
    own = made.forward_statuses._queue.counts
    made.forward_statuses._queue.counts = lambda: counts if made.now < until else own()  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("counts", "until"),
    [
        pytest.param(Counts(0, 1), DUE + 55, id="without the news"),
        pytest.param(Counts(1, 1), DUE + 62, id="with the news, and the confirmation as delayed"),
    ],
)
def test_news_comes_first_although_the_counts_are_old(made: World, counts: Counts, until: float) -> None:
    made.now = DUE - 5
    callback(made, ("a", DELIVERED))
    old_counts(made, counts, until)
    news, url = received(made), made.url("StatusesQueue")
    made.now = DUE
    made.run()
    made.now += 61
    made.run()
    made.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=news[0]["ReceiptHandle"], VisibilityTimeout=0)
    made.pump()
    assert made.told == [("a", "sent"), ("a", "delivered")]


def test_news_in_the_accounts_backlog_comes_first_although_another_accounts_is_fresh() -> None:
    with world(acme=account(), other=account()) as made:
        lose(made, "a")
        made.now = DUE - 60
        callback(made, ("a", DELIVERED))
        received(made)
        made.now = DUE
        while made.now < DUE + HOUR - 120:
            entry = queued_status("other", StatusEvent("sent", int(START), "0|0|0|0", "x"), made.now)
            made.sqs.send_message(QueueUrl=made.url("StatusesQueue"), MessageBody=entry.body)
            made.run()
            made.now += 61
        assert made.told == []
        made.pump(hours=2)
        assert made.told == [("a", "sent"), ("a", "delivered")]


class Dies:
    """Kills each invocation that has the delivery of message a in hand, until `until`."""

    def __init__(self, made: World, until: float) -> None:
        self._made, self._until, self._forward = made, until, made.forward_statuses
        self._in_hand, self.deaths = False, 0
        made.forward_statuses, made.fail = self, self._kill  # type: ignore[assignment]

    def __call__(self, records: Sequence[Record]) -> list[str]:
        self._in_hand = any('"delivered"' in record.body for record in records)
        return self._forward(records)

    def _kill(self, operation: str, parameters: Any) -> None:
        if self._in_hand and self._made.now < self._until and "msg#acme#a" in repr(parameters):
            self.deaths += 1
            raise Killed(operation)


def test_news_whose_deliveries_die_comes_first_although_the_accounts_others_are_fresh(made: World) -> None:
    """Lambda hands out the same batch again, which dies again."""
    made.now = DUE - 60
    dies = Dies(made, DUE + HOUR)
    callback(made, ("a", DELIVERED))
    made.run()
    made.now = DUE
    while made.now < DUE + HOUR:
        other_news(made, 1)
        made.run()
        made.now += 61
    assert dies.deaths > 3
    assert made.told == []
    made.pump(hours=2)
    assert made.told == [("a", "sent"), ("a", "delivered")]


def received(made: World) -> list[dict[str, Any]]:
    """What SQS hands out, to somebody else and for an hour."""
    url = made.url("StatusesQueue")
    found: list[dict[str, Any]] = made.sqs.receive_message(QueueUrl=url, VisibilityTimeout=HOUR)["Messages"]
    return found


def keep_in_flight(made: World, seconds: float) -> None:
    """Another delivery takes a status before the confirmation is due, and holds it."""
    made.now = DUE - 1
    other_news(made, 1)
    made.sqs.receive_message(QueueUrl=made.url("StatusesQueue"), VisibilityTimeout=int(seconds))
    made.now = DUE


@pytest.mark.parametrize(
    "denied",
    [
        pytest.param(False, id="something is in flight all the time"),
        pytest.param(True, id="SQS does not say what waits"),
    ],
)
def test_reported_in_the_end(denied: bool) -> None:
    with world() as made:
        lose(made, "a")
        keep_in_flight(made, 12 * HOUR)
        error = ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetQueueAttributes")
        made.fail = lambda operation, parameters: error if denied and operation == "GetQueueAttributes" else None
        made.pump(hours=7)
        assert made.told == [("a", "failed")]
        assert 0 <= int(made.statuses[0]["timestamp"]) - (DUE + 6 * HOUR) <= 61


def test_each_look_is_a_hop(made: World) -> None:
    keep_in_flight(made, HOUR)
    made.run()
    messages = get_backend("sqs")[ACCOUNT_ID][REGION].queues[made.deployment.queues["StatusesQueue"].name]._messages
    (waiting,) = [body for body in (json.loads(message.body) for message in messages) if "confirm" in body]
    assert (waiting["hops"], waiting["attempt"], waiting["accepted_at"]) == (1, 1, START)


def test_the_queue_is_asked_once_and_only_when_a_failure_is_due(made: World) -> None:
    asked: list[str] = []

    def fail(operation: str, parameters: Any) -> None:
        if operation == "GetQueueAttributes":
            asked.append(operation)

    made.fail = fail
    callback(made, ("a", SENT))
    lose(made, "b", "c")
    assert asked == []
    made.now += 900
    made.pump()
    assert sorted(made.told) == [("a", "sent"), ("b", "failed"), ("c", "failed")]
    assert len(asked) == 1


def test_a_failure_that_clevertap_does_not_take_looks_again_each_time(made: World) -> None:
    made.clevertap = lambda url, payload: json_answer(503, {})
    made.run()
    made.clevertap = lambda url, payload: json_answer(200, {})
    callback(made, ("a", READ))
    made.pump()
    assert [status for _, status in made.told] == ["sent", "delivered", "read"]


@pytest.mark.parametrize(
    ("elapsed", "others", "news", "expected"),
    [
        pytest.param(59, Counts(0, 0), None, False, id="the counts may be older than the confirmation"),
        pytest.param(60, Counts(0, 0), None, True, id="nothing is on the queue"),
        pytest.param(60, Counts(0, 1), None, False, id="what waits may be taken for this batch"),
        pytest.param(60, Counts(1, 0), None, False, id="something waits"),
        pytest.param(60, None, None, False, id="nobody knows"),
        pytest.param(899, Counts(1, 0), 60, False, id="what was in flight may come back"),
        pytest.param(900, Counts(1, 0), 60, True, id="the account's statuses are younger than the confirmation"),
        pytest.param(900, Counts(1, 0), None, False, id="the batch says nothing of the account"),
        pytest.param(900, Counts(1, 0), -1, False, id="the account's statuses are older than the confirmation"),
        pytest.param(900, None, 60, True, id="the batch says it where SQS does not"),
        pytest.param(900, Counts(0, 1), None, True, id="nothing waits, and what was in flight is handled"),
        pytest.param(6 * HOUR, Counts(100_000, 0), -1, True, id="in the end"),
    ],
)
def test_due(elapsed: float, others: Counts | None, news: float | None, expected: bool) -> None:
    assert confirmations.is_last_word(elapsed, others, news) is expected
