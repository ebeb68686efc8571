"""Time limits begin when a message is accepted, whatever kept it waiting."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.failures import failing
from tests.support.world import START, World, accept_all, account, freeform, json_answer, template, world
from whatsapp_bridge.net.http import NotReached, OutOfTime

THROTTLED = json_answer(429, {})
LIMIT = 600
OPTIONS = {"campaign_time_limit_seconds": LIMIT, "conversation_time_limit_seconds": LIMIT}
MAKE = pytest.mark.parametrize("make", [template, freeform], ids=["template", "chat"])

type Make = Callable[[str], dict[str, Any]]


@pytest.fixture
def made() -> Iterator[World]:
    with world(acme=account(options=OPTIONS)) as made:
        yield made


@MAKE
@pytest.mark.parametrize(("waited", "sent"), [(LIMIT - 1, True), (LIMIT, False), (100 * 60, False)])
def test_a_backlog_counts(made: World, make: Make, waited: float, sent: bool) -> None:
    made.send(make("a"))
    made.now += waited
    made.run()
    assert len(made.sent_to_bsp) == sent
    assert made.told == ([] if sent else [("a", "failed")])
    if not sent:
        assert made.statuses[0]["error"] == {"code": 1009, "title": "not accepted by the provider in time"}
        # A repeat of CleverTap's is not sent either.
        made.send(make("a"))
        made.pump()
        assert made.sent_to_bsp == []


@MAKE
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(THROTTLED, 1004, id="throttled"),
        pytest.param(json_answer(503, {}), 1009, id="overloaded"),
        pytest.param(NotReached("ConnectTimeout"), 1009, id="not reached"),
        pytest.param(OutOfTime("no time left in this invocation"), 1004, id="untried"),
    ],
)
def test_a_message_whose_last_attempt_comes_too_late_fails_with_what_the_bsp_said_last(
    made: World, make: Make, answer: Any, code: int
) -> None:
    answers = [THROTTLED, answer]
    made.bsp = lambda url, payload: answers[min(len(made.sent_to_bsp), len(answers)) - 1]
    made.send(make("a"))
    made.pump(hours=1 / 60)
    assert len(made.sent_to_bsp) > 1
    made.now += LIMIT
    made.pump()
    assert made.statuses[0]["error"]["code"] == code


@MAKE
@pytest.mark.parametrize("late", [0, 300], ids=["at once", "after a backlog"])
def test_no_attempt_after_the_limit(made: World, make: Make, late: float) -> None:
    tried: list[float] = []

    def bsp(url: str, payload: Any) -> Any:
        tried.append(made.now - START)
        return THROTTLED

    made.bsp = bsp
    made.send(make("a"))
    made.now += late
    made.pump(hours=2)
    assert late <= tried[0] < tried[-1]
    assert LIMIT - 10 <= tried[-1] < LIMIT
    assert made.told == [("a", "failed")]
    assert made.now - START <= LIMIT + 1


def test_an_error_of_aws_after_many_throttled_attempts_does_not_cost_a_chat_its_time(made: World) -> None:
    made.bsp = lambda url, payload: THROTTLED
    made.send(freeform("a"))
    for _ in range(7):
        made.now += (made.run() or 0) + 0.002
    made.bsp = accept_all
    made.fail = failing("UpdateItem", 1, "msg#acme#a")
    made.pump(hours=1)
    assert made.told == []
    assert len(made.sent_to_bsp) == 8


def test_a_queue_message_carries_when_it_was_accepted(made: World) -> None:
    made.bsp = lambda url, payload: THROTTLED
    made.send(template("a"))
    for _ in range(3):
        made.now += (made.run() or 0) + 0.01
    made.now += 60
    (body,) = made.emptied("CampaignQueue")
    assert body["accepted_at"] == START


@pytest.mark.parametrize("members", [{}, {"attempt": 3}], ids=["its first", "sent again by an older version"])
def test_a_queue_message_that_does_not_was_accepted_when_it_was_sent(made: World, members: dict[str, Any]) -> None:
    made.send(template("a"))
    (body,) = made.emptied("CampaignQueue")
    assert "accepted_at" not in body
    made.sqs.send_message(QueueUrl=made.url("CampaignQueue"), MessageBody=json.dumps({**body, **members}))
    made.now += LIMIT
    made.run()
    assert made.told == [("a", "failed")]


def test_what_an_older_version_sends_again_does_not_start_anew(made: World) -> None:
    """It copies all that it does not know, and counts the hop."""
    made.bsp = lambda url, payload: THROTTLED
    made.send(template("a"))
    made.now += (made.run() or 0) + 0.01
    (body,) = made.emptied("CampaignQueue")
    made.now = START + LIMIT - 1
    again = {**body, "attempt": body["attempt"] + 1, "hops": body["hops"] + 1}
    made.sqs.send_message(QueueUrl=made.url("CampaignQueue"), MessageBody=json.dumps(again), DelaySeconds=2)
    made.pump()
    assert made.told == [("a", "failed")]


def redrive(made: World, dead_letters: str, queue: str) -> None:
    for body in made.emptied(dead_letters):
        made.sqs.send_message(QueueUrl=made.url(queue), MessageBody=json.dumps(body))


def test_a_redriven_message_that_was_given_up_starts_anew(made: World) -> None:
    made.bsp = lambda url, payload: THROTTLED
    made.send(template("a"))
    (body,) = made.emptied("CampaignQueue")
    made.sqs.send_message(QueueUrl=made.url("CampaignQueue"), MessageBody=json.dumps({**body, "hops": 1000}))
    made.run()
    made.bsp = accept_all
    made.now += 3 * LIMIT
    redrive(made, "CampaignDeadLetterQueue", "CampaignQueue")
    made.pump()
    assert len(made.sent_to_bsp) == 2
    assert made.told == []


def test_a_redriven_copy_that_sqs_has_moved_starts_anew(made: World) -> None:
    """Its body is as dispatch has sent it."""
    made.bsp = lambda url, payload: THROTTLED
    made.send(template("a"))
    made.now += (made.run() or 0) + 0.01
    (body,) = made.emptied("CampaignQueue")
    made.bsp = accept_all
    made.now += 3 * LIMIT
    made.sqs.send_message(QueueUrl=made.url("CampaignQueue"), MessageBody=json.dumps(body))
    made.pump()
    assert len(made.sent_to_bsp) == 2
    assert made.told == []


@MAKE
def test_the_age_of_the_oldest_is_measured(made: World, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[tuple[str, float]] = []
    monkeypatch.setattr(
        "whatsapp_bridge.flows.dispatch.measure", lambda metric, seconds: measured.append((metric, round(seconds)))
    )
    made.send(make("a"))
    made.now += 30
    made.send(make("b") | {"to": "+27820000009"})
    made.now += 70
    made.run()
    name = "TemplateAge" if make is template else "FreeformAge"
    assert measured == ([(name, 100)] if make is template else [(name, 100), (name, 70)])


def test_a_copy_that_is_sent_just_after_the_limit_does_not_start_anew(made: World) -> None:
    """A hop may take until after the limit: a cold start, a batch's window, other accounts of the batch."""
    made.bsp = lambda url, payload: THROTTLED
    made.send(template("a"))
    made.now += (made.run() or 0) + 0.01
    (body,) = made.emptied("CampaignQueue")
    made.now = START + LIMIT + 5
    late = {**body, "queued_at": made.now}
    made.sqs.send_message(QueueUrl=made.url("CampaignQueue"), MessageBody=json.dumps(late))
    made.bsp = accept_all
    made.pump()
    assert len(made.sent_to_bsp) == 1
    assert made.told == [("a", "failed")]
