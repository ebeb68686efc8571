"""Retries that go on for hours: each is a link of a chain, which Lambda ends unless a function may recurse."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from tests.support.world import UNREACHED, World, accept_all, json_answer, status_update, template, world
from whatsapp_bridge.store.leases import SENT

THROTTLED = json_answer(429, {})


@pytest.fixture
def made() -> Any:
    with world() as made:
        yield made


def test_a_campaign_is_retried_for_all_of_its_time(made: World) -> None:
    made.bsp = lambda url, payload: THROTTLED
    made.send(template("a"))
    made.pump(hours=5.9)
    assert made.told == []
    assert made.depth("CampaignDeadLetterQueue") == 0
    made.pump(hours=1)
    assert made.told == [("a", "failed")]


def test_a_status_is_retried_for_four_days(made: World) -> None:
    made.send(template("a"))
    made.pump()
    made.clevertap = lambda url, payload: UNREACHED
    made.callback(status_update("a", 5))
    made.pump(hours=95)
    assert made.depth("StatusesDeadLetterQueue") == 0
    made.clevertap = lambda url, payload: json_answer(200, {})
    made.pump(hours=2)
    assert made.told == [("a", "sent"), ("a", "delivered")]


def test_a_chain_of_a_function_that_must_not_recurse_is_ended(made: World) -> None:
    dispatch = replace(made.deployment.functions["DispatchFunction"], may_recurse=False)
    made.bsp = lambda url, payload: THROTTLED
    with patch.dict(made.deployment.functions, DispatchFunction=dispatch):
        made.send(template("a"))
        # Refused, it comes back a hundred times, each time after the visibility timeout.
        made.pump(hours=100 * 541 / 3600 + 6)
    assert made.sent_by_id() == {"a": 16}
    assert made.depth("CampaignDeadLetterQueue") == 1


def test_only_the_functions_that_send_to_their_own_queues_may_recurse(made: World) -> None:
    allowed = {name for name, function in made.deployment.functions.items() if function.may_recurse}
    assert allowed == {"DispatchFunction", "ForwardFunction"}


def again(made: World, queue: str, hops: int) -> None:
    """Put what waits on a queue back with so many hops behind it, once refused with others."""
    for body in made.emptied(queue):
        gone_through = {**body, "hops": hops, "refused_with": 2}
        made.sqs.send_message(QueueUrl=made.url(queue), MessageBody=json.dumps(gone_through))


@pytest.mark.parametrize(("hops", "dead"), [(998, 0), (999, 0), (1000, 1)])
def test_a_campaign_message_has_a_thousand_hops(
    made: World, counted: Callable[[], dict[str, int]], hops: int, dead: int
) -> None:
    made.bsp = lambda url, payload: THROTTLED
    made.send(template("a"))
    again(made, "CampaignQueue", hops)
    made.run()
    assert (made.depth("CampaignDeadLetterQueue"), made.depth("CampaignQueue")) == (dead, 1 - dead)
    assert counted().get("HopsExceeded", 0) == dead
    if dead:
        (body,) = made.bodies("CampaignDeadLetterQueue")
        assert (body["hops"], body["attempt"]) == (0, 1)
        assert "refused_with" not in body, "it may share a request again when it is redriven"


@pytest.mark.parametrize("why", ["CleverTap away", "no message", "busy"])
@pytest.mark.parametrize(("hops", "dead"), [(999, 0), (1000, 1)])
def test_a_status_has_a_thousand_hops(
    made: World, counted: Callable[[], dict[str, int]], hops: int, dead: int, why: str
) -> None:
    if why != "no message":
        made.send(template("a"))
        made.run()
    if why == "busy":
        made.leases.begin("acme", "a", "another", SENT, heard=True)
    made.clevertap = lambda url, payload: UNREACHED
    made.callback(status_update("a", 4))
    again(made, "StatusesQueue", hops)
    made.run()
    assert (made.depth("StatusesDeadLetterQueue"), made.depth("StatusesQueue")) == (dead, 1 - dead)
    assert counted().get("HopsExceeded", 0) == dead


def test_each_hop_is_counted(made: World) -> None:
    made.callback(status_update("a", 5))
    wait = made.run()
    made.now += (wait or 0) + 1
    assert [body["hops"] for body in made.emptied("StatusesQueue")] == [1]


# --- a batch that SQS takes in part ----------------------------------------------------------------------------------


@contextmanager
def refusing(made: World, needle: str) -> Iterator[None]:
    """SQS answers 200 to a batch, and refuses the messages in it that hold `needle`."""
    send = made.sqs.send_message_batch

    def refused(**arguments: Any) -> Any:
        out = [entry for entry in arguments["Entries"] if needle in entry["MessageBody"]]
        taken = [entry for entry in arguments["Entries"] if entry not in out]
        answer = send(**{**arguments, "Entries": taken}) if taken else {}
        return {**answer, "Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in out]}

    with patch.object(made.sqs, "send_message_batch", refused):
        yield


def test_a_next_attempt_that_sqs_refuses_doubles_no_other(made: World) -> None:
    made.bsp = lambda url, payload: THROTTLED
    for name in ("a", "b", "c"):
        made.send(template(name))
    with refusing(made, '"b"'):
        made.run()
    assert made.depth("CampaignQueue") == 3
    made.bsp = accept_all
    made.pump()
    assert made.sent_by_id() == {"a": 2, "b": 2, "c": 2}


def test_a_status_that_sqs_refuses_doubles_no_other(made: World) -> None:
    for name in ("a", "b", "c"):
        made.send(template(name))
    made.run()
    made.clevertap = lambda url, payload: UNREACHED
    for name in ("a", "b", "c"):
        made.callback(status_update(name, 4))
    with refusing(made, '"b"'):
        made.run()
    assert made.depth("StatusesQueue") == 3
    made.clevertap = lambda url, payload: json_answer(200, {})
    made.pump()
    assert sorted(made.told) == [("a", "sent"), ("b", "sent"), ("c", "sent")]
