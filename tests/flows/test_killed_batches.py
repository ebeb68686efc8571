"""Batches that are killed between the re-send and the return, or handed out twice: copies stay few and harmless."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.support.failures import failing
from tests.support.world import Killed, World, accept_all, freeform, json_answer, status_update, template, world
from whatsapp_bridge.flows.records import process_batch
from whatsapp_bridge.net.http import Answer

THROTTLED = json_answer(429, {})
NAMES = ("a", "b", "c")
VISIBILITY = 541


def everything_is_sent_once(made: World) -> None:
    """Once the BSP takes messages again."""
    made.bsp = accept_all
    made.http.requests.clear()
    made.pump(hours=2)
    assert made.sent_by_id() == dict.fromkeys(NAMES, 1)
    assert made.depth("CampaignQueue") == 0
    assert made.depth("CampaignDeadLetterQueue") == 0
    assert made.told == []


@pytest.fixture
def made() -> Iterator[World]:
    with world() as made:
        made.warm()
        yield made


class TimeOut:
    """Kills each invocation of the campaign at its end: all is done, and nothing of it is heard."""

    def __init__(self, made: World) -> None:
        self._made, self._many, self.left = made, made.dispatch.many, 0
        made.dispatch.many = self  # type: ignore[method-assign,assignment]

    def __call__(self, records: Any) -> list[str]:
        failed = self._many(records)
        if self.left:
            self.left -= 1
            raise Killed("at the end")
        return failed


@pytest.mark.parametrize("kills", [1, 3, 6, 12])
def test_copies_do_not_become_more_with_each_kill(made: World, kills: int) -> None:
    """A quarter of an hour after the last one there is one queue message for each message again."""
    made.bsp = lambda url, payload: THROTTLED
    time_out = TimeOut(made)
    for name in NAMES:
        made.send(template(name))
    time_out.left = kills
    while time_out.left:
        made.now += (made.run() or 0) + 0.01
    assert made.depth("CampaignQueue") <= len(NAMES) * (kills + 1)
    made.pump(hours=0.3)
    assert made.depth("CampaignQueue") == len(NAMES)
    everything_is_sent_once(made)


def test_copies_of_a_paused_account_are_sent_once(made: World) -> None:
    for _ in range(5):
        made.breakers.struck("acme")
    time_out = TimeOut(made)
    for name in NAMES:
        made.send(template(name))
    time_out.left = 2
    made.pump(hours=2)
    assert made.sent_by_id() == dict.fromkeys(NAMES, 1)
    assert made.depth("CampaignQueue") == 0


def test_a_paused_message_that_has_come_back_is_not_sent_again(made: World) -> None:
    """Its copy may be on the queue: it waits for the visibility timeout, and the fifth time it is sent again."""
    for _ in range(5):
        made.breakers.struck("acme")
    (record,) = received(made, "a")
    sent = []
    for receives in range(1, 7):
        record["attributes"]["ApproximateReceiveCount"] = str(receives)
        before = made.depth("CampaignQueue")
        assert handled(made, [record]) == ([] if receives in (1, 5) else [record["messageId"]])
        sent += [receives] * (made.depth("CampaignQueue") - before)
    assert sent == [1, 5]


def test_a_released_message_that_is_held_back_keeps_its_right(made: World) -> None:
    """Its delivery died before the next attempt was queued; when it comes back, the account is paused."""
    made.bsp = lambda url, payload: THROTTLED
    made.send(template("a"))
    steps: list[str] = []

    def kill(operation: str, parameters: Any) -> Exception | None:
        steps.append(operation)
        if operation == "SendMessageBatch":
            raise Killed(operation)
        return None

    made.fail = kill
    made.run()
    assert steps[-1] == "SendMessageBatch"
    made.fail = lambda *_: None
    for _ in range(5):
        made.breakers.struck("acme")
    # The probe is not due when it comes back.
    made.now += VISIBILITY
    for _ in range(2):
        made.breakers.ask("acme")
        made.breakers.struck("acme")
    assert made.run() is not None
    made.bsp = accept_all
    made.pump(hours=1)
    assert made.sent_by_id() == {"a": 2}
    assert made.told == []


# --- SQS's answers are lost ------------------------------------------------------------------------------------------


@contextmanager
def lost_answers(made: World) -> Iterator[None]:
    """SQS takes each batch that is queued again, and nobody hears of it."""

    def lose(**_: Any) -> None:
        raise ReadTimeoutError(endpoint_url="https://sqs.example")

    event = "after-call.sqs.SendMessageBatch"
    made.sqs.meta.events.register(event, lose)
    yield
    made.sqs.meta.events.unregister(event, lose)


# What a process leaves twice in so many hours at the most: a batch when it meets the fault, and a message per probe.
LOST_FOR = pytest.mark.parametrize(("hours", "copies"), [(0.5, 12), (2, 24), (5, 48)])


@LOST_FOR
def test_copies_of_a_paused_account_while_answers_are_lost(made: World, hours: float, copies: int) -> None:
    made.bsp = lambda url, payload: json_answer(503, {})
    for _ in range(5):
        made.breakers.struck("acme")
    for name in NAMES:
        made.send(template(name))
    with lost_answers(made):
        made.pump(hours)
    assert len(NAMES) <= made.depth("CampaignQueue") <= len(NAMES) + copies
    everything_is_sent_once(made)


@LOST_FOR
def test_copies_of_statuses_while_answers_are_lost(made: World, hours: float, copies: int) -> None:
    made.clevertap = lambda url, payload: json_answer(503, {})
    for name in NAMES:
        made.send(template(name))
    made.pump()
    for name in NAMES:
        made.callback(status_update(name, 4, api_id=f"api-{name}"))
    with lost_answers(made):
        made.pump(hours)
    assert len(NAMES) <= made.depth("StatusesQueue") <= len(NAMES) + copies
    made.clevertap = lambda url, payload: json_answer(200, {})
    made.pump(hours=2)
    assert sorted(made.told) == [(name, "sent") for name in NAMES]
    assert made.depth("StatusesQueue") == 0
    assert made.depth("StatusesDeadLetterQueue") == 0


# --- twice at the same time -----------------------------------------------------------------------------------------


def received(made: World, *names: str) -> list[dict[str, Any]]:
    from tests.flows.test_dispatch import batch

    records: list[dict[str, Any]] = batch(made, [template(name) for name in names])["Records"]
    return records


def handled(made: World, records: list[dict[str, Any]]) -> list[str]:
    with made.invocation():
        answer = process_batch({"Records": records}, made.dispatch.many)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def copies(made: World, how: str) -> list[dict[str, Any]]:
    record, other = received(made, "a", "a")
    return [record, other] if how == "the same queue message" else [record, {**other, "messageId": "q-other"}]


HOW = pytest.mark.parametrize("how", ["the same queue message", "two queue messages"])


@HOW
@pytest.mark.parametrize("warm", [True, False])
def test_the_same_message_twice_in_a_batch(how: str, warm: bool) -> None:
    with world() as made:
        if warm:
            made.warm()
        assert handled(made, [*copies(made, how), *received(made, "b")]) == []
        assert made.sent_by_id() == {"a": 1, "b": 1}
        assert (made.table.get("msg#acme#a") or {})["bsp_id"] == "acme#api-a"


@HOW
def test_the_same_message_in_two_batches_at_once(made: World, how: str) -> None:
    """The other one is handled while the first one's request is under way."""
    first, other = copies(made, how)
    back: list[str] = []

    def bsp(url: str, payload: Any) -> Answer:
        if not back:
            back.append("nothing")
            back.extend(handled(made, [other]))
        return accept_all(url, payload)

    made.bsp = bsp
    assert handled(made, [first]) == []
    # Nobody knows yet what comes of the first: its queue message comes back, another one is a repeat.
    assert back[1:] == (["q-a"] if how == "the same queue message" else [])
    assert made.sent_by_id() == {"a": 1}
    item = made.table.get("msg#acme#a") or {}
    assert (item["state"], item["bsp_id"]) == ("accepted", "acme#api-a")
    assert made.depth("StatusesQueue") == 0


# --- what surely was not taken ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [template, freeform])
@pytest.mark.parametrize("answer", [THROTTLED, json_answer(503, {})])
def test_a_release_that_is_not_recorded_is_tried_again(
    made: World, make: Callable[[str], dict[str, Any]], answer: Answer
) -> None:
    answers = [answer]
    made.bsp = lambda url, payload: answers.pop() if answers else accept_all(url, payload)
    made.send(make("a"))
    made.fail = failing("UpdateItem", 3, "send_turn = :grant", "msg#acme#a")
    made.pump()
    assert made.sent_by_id() == {"a": 2}
    assert (made.table.get("msg#acme#a") or {})["state"] == "accepted"
    assert made.told == []


def test_a_template_whose_release_is_never_recorded_is_sent_at_its_next_delivery(made: World) -> None:
    """DynamoDB throttles its item for as long as the invocation lasts, and longer."""
    answers = [THROTTLED, THROTTLED]
    made.bsp = lambda url, payload: answers.pop() if answers else accept_all(url, payload)
    made.send(template("a"))
    made.fail = failing("UpdateItem", 1000, "send_turn = :grant", "msg#acme#a")
    made.pump()
    assert made.sent_by_id() == {"a": 3}
    assert (made.table.get("msg#acme#a") or {})["state"] == "accepted"
    assert made.told == []


def test_a_message_that_a_status_confirms_and_no_release_is_recorded_is_not_sent_again(made: World) -> None:
    def bsp(url: str, payload: Any) -> Answer:
        made.claims.confirm("acme", "a", "api-a")
        return json_answer(503, {})

    made.bsp = bsp
    made.send(template("a"))
    made.fail = failing("UpdateItem", 1000, "send_turn = :grant", "msg#acme#a")
    made.pump(hours=8)
    assert made.sent_by_id() == {"a": 1}
    assert made.depth("CampaignQueue") == 0


def test_a_message_that_a_status_confirms_is_not_sent_again(made: World) -> None:
    """The answer said "not now", and was wrong."""

    def bsp(url: str, payload: Any) -> Answer:
        made.claims.confirm("acme", "a", "api-a")
        return json_answer(503, {})

    made.bsp = bsp
    made.send(template("a"))
    made.pump(hours=8)
    assert made.sent_by_id() == {"a": 1}
    assert made.depth("CampaignQueue") == 0
