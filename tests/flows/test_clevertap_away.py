"""forward while CleverTap is away: few requests, nothing touched in vain, all reported once and in order afterwards."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.world import (
    CLEVERTAP_URL,
    INCOMING_URL,
    LOST,
    OK,
    STATUS_URL,
    UNREACHED,
    World,
    accept_all,
    account,
    json_answer,
    mo_text,
    status_update,
    template,
    world,
)
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.runtime.breaker import OPENS_AT, May
from whatsapp_bridge.runtime.schedules import CorrelationRetry, Schedule

SENT, DELIVERED, READ = 4, 5, 6
HOUR = 3600
NAMES = [f"m{number}" for number in range(10)]


@pytest.fixture
def made() -> Iterator[World]:
    with world() as fresh:
        yield fresh


def send(made: World, *names: str, account: str = "acme") -> None:
    for name in names:
        made.send(template(name), account=account)
    made.run()
    made.http.requests.clear()
    made.http.taken.clear()


def callback(made: World, *updates: tuple[str, int], account: str = "acme") -> None:
    for name, code in updates:
        assert made.callback(status_update(name, code, api_id=f"api-{name}"), account=account).status == 200


def away(made: World, answer: Any = UNREACHED, *urls: str) -> None:
    """CleverTap does not answer, at these URLs or at all."""
    made.clevertap = lambda url, payload: answer if not urls or url in urls else OK


def back(made: World) -> None:
    made.clevertap = lambda url, payload: OK


def pause(made: World) -> None:
    """CleverTap is away for so long that statuses pause: those of a message z."""
    send(made, "z")
    away(made, UNREACHED, STATUS_URL)
    callback(made, ("z", SENT))
    while len(made.http.requests) < OPENS_AT:
        made.now += (made.run() or 0) + 0.002
    made.http.requests.clear()


def writes(made: World) -> Counter[str]:
    """Counts what is written to the table from now on, by the beginning of the key."""
    written: Counter[str] = Counter()

    def fail(operation: str, parameters: Any) -> None:
        if operation == "UpdateItem":
            written[parameters["Key"]["pk"]["S"].partition("#")[0]] += 1

    made.fail = fail
    return written


PAGE = Answer(200, {"content-type": "text/html"}, b"<!DOCTYPE html><html>We will be back soon.</html>")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(PAGE, id="a maintenance page"),
        pytest.param(json_answer(401, {}), id="401 until the secret has the new address"),
        pytest.param(json_answer(403, {}), id="403 until the secret has the new address"),
    ],
)
def test_what_is_answered_without_being_taken_is_told_when_clevertap_is_back(made: World, answer: Answer) -> None:
    send(made, "a", "b")
    away(made, answer)
    callback(made, ("a", SENT), ("b", SENT), ("a", DELIVERED))
    made.callback(mo_text("hello", mo_id="r1"))
    made.pump(hours=2)
    back(made)
    made.http.taken.clear()
    made.pump()
    assert sorted(made.told) == [("a", "delivered"), ("a", "sent"), ("b", "sent")]
    assert [reply["text"]["body"] for reply in made.replies] == ["hello"]
    assert made.depth("StatusesDeadLetterQueue") == made.depth("RepliesDeadLetterQueue") == 0


# --- a long absence ---------------------------------------------------------------------------------------------------


def test_hours_without_clevertap_lose_nothing_and_cost_little(
    made: World, counted: Callable[[], dict[str, int]]
) -> None:
    send(made, *NAMES)
    away(made)
    written, began = writes(made), made.now
    for hour in range(6):
        for name in NAMES:
            # One status each hour for three hours, then nothing new.
            callback(made, *([(name, (SENT, DELIVERED, READ)[hour])] if hour < 3 else []))
        for person in range(3):
            made.callback(mo_text(f"{hour}", mo_id=f"{person}-{hour}", sender=f"2782000000{person}"))
        made.pump(hours=1)
        made.now = began + (hour + 1) * HOUR
    assert made.told == made.replies == []
    # Two callback URLs: until each breaker opens, and then a probe every five minutes.
    requests, touched = len(made.http.requests), written["msg"] + written["reply"]
    assert requests < 2 * (6 * 12 + 15)
    # Two writes for each request, and two for each status of those that were tried until the pause began.
    assert touched <= 2 * requests + 2 * OPENS_AT * len(NAMES)
    back(made)
    made.pump(hours=3)
    assert sorted(made.told) == sorted((name, status) for name in NAMES for status in ("sent", "delivered", "read"))
    for name in NAMES:
        assert [status for told, status in made.told if told == name] == ["sent", "delivered", "read"]
    for person in range(3):
        texts = [reply["text"]["body"] for reply in made.replies if reply["from"] == f"2782000000{person}"]
        assert texts == [str(hour) for hour in range(6)]
    for queue in ("StatusesQueue", "RepliesQueue", "StatusesDeadLetterQueue", "RepliesDeadLetterQueue"):
        assert made.depth(queue) == 0
    assert (counted()["CleverTapPaused"], counted()["CleverTapResumed"]) == (2, 2)


def test_a_held_status_is_not_touched(made: World) -> None:
    pause(made)
    send(made, "a")
    away(made, UNREACHED, STATUS_URL)
    written = writes(made)
    callback(made, ("a", SENT))
    made.run()
    assert made.http.requests == []
    assert written["msg"] == 0
    made.now += 901
    (held,) = [body for body in made.emptied("StatusesQueue") if body["status"]["reference"] == "a"]
    assert (held["hops"], held["attempt"]) == (1, 1)


def test_a_probe_is_one_status(made: World) -> None:
    pause(made)
    send(made, *NAMES)
    away(made, UNREACHED, STATUS_URL)
    made.now += 400
    written = writes(made)
    callback(made, *((name, SENT) for name in NAMES))
    made.run()
    assert [len(payload["statuses"]) for _, payload in made.http.requests] == [1]
    assert written["msg"] == 2


def test_after_a_probe_that_succeeds_the_rest_of_the_batch_follows(made: World) -> None:
    pause(made)
    send(made, *NAMES)
    back(made)
    made.now += 400
    callback(made, *((name, SENT) for name in NAMES))
    made.run()
    assert [len(payload["statuses"]) for _, payload in made.http.requests] in ([1, 9], [1, 10])


def test_a_probe_without_a_request_leaves_it_to_the_next(made: World) -> None:
    send(made, "a")
    callback(made, ("a", SENT))
    made.run()
    pause(made)
    send(made, "b")
    made.now += 400
    made.emptied("StatusesQueue")
    callback(made, ("a", SENT))
    made.run()
    assert made.http.requests == []
    back(made)
    callback(made, ("b", SENT))
    made.run()
    assert made.told == [("b", "sent")]


@pytest.mark.parametrize(
    ("answer", "paused"),
    [
        pytest.param(UNREACHED, True, id="out of reach"),
        pytest.param(LOST, True, id="no answer"),
        pytest.param(json_answer(500, {}), True, id="500"),
        pytest.param(json_answer(503, {}), True, id="503"),
        pytest.param(json_answer(408, {}), True, id="408"),
        pytest.param(json_answer(429, {}), False, id="429 has a schedule of its own"),
    ],
)
def test_what_begins_a_pause(made: World, counted: Callable[[], dict[str, int]], answer: Any, paused: bool) -> None:
    send(made, "a")
    away(made, answer)
    callback(made, ("a", SENT))
    made.pump(hours=0.15)
    assert counted().get("CleverTapPaused", 0) == paused


def test_a_pause_is_one_accounts_and_one_urls() -> None:
    urls = {"status_url": f"{CLEVERTAP_URL}other", "incoming_url": f"{CLEVERTAP_URL}other-incoming"}
    other = account(clevertap={**account()["clevertap"], **urls})
    with world(acme=account(), other=other) as made:
        pause(made)
        send(made, "a", account="other")
        away(made, UNREACHED, STATUS_URL)
        callback(made, ("a", SENT), account="other")
        made.callback(mo_text())
        made.run()
        assert sorted(url for url, _ in made.http.taken) == sorted([urls["status_url"], INCOMING_URL])


def test_the_pause_and_its_end_are_counted_by_account(made: World, capsys: pytest.CaptureFixture[str]) -> None:
    pause(made)
    back(made)
    made.pump()
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"CleverTap' in line]
    by_account = [line for line in lines if line.get("account") == "acme" and "_aws" in line]
    assert [name for line in by_account for name in line if name.startswith("CleverTap")] == [
        "CleverTapPaused",
        "CleverTapResumed",
    ]


# --- its end ----------------------------------------------------------------------------------------------------------


def test_a_held_status_is_dead_lettered_when_its_time_is_over(made: World) -> None:
    pause(made)
    made.forward_statuses._post._retry = Schedule((2, 10), 2 * HOUR)
    send(made, "a")
    away(made)
    accepted = made.now
    callback(made, ("a", SENT))
    # Another one has the probes.
    made.forward_statuses._callbacks._breakers._take_probe = lambda *_: May.WAIT  # type: ignore[method-assign]
    made.pump(hours=3)
    assert made.http.requests == []
    assert sorted(body["status"]["reference"] for body in made.bodies("StatusesDeadLetterQueue")) == ["a", "z"]
    assert made.now - accepted >= 2 * HOUR


def test_replies_in_a_pause_come_back_soon_and_in_order(made: World) -> None:
    away(made)
    for text in ("a1", "a2", "a3"):
        made.callback(mo_text(text, mo_id=text))
    made.pump(hours=2)
    back(made)
    resumed = made.now
    made.pump()
    assert [reply["text"]["body"] for reply in made.replies] == ["a1", "a2", "a3"]
    assert made.now - resumed <= 900


# --- confirmations ----------------------------------------------------------------------------------------------------


def lose(made: World, name: str) -> None:
    made.bsp = lambda url, payload: LOST
    made.send(template(name))
    made.run()
    made.bsp = accept_all


def test_a_confirmation_waits_for_statuses_that_a_pause_has_held(made: World) -> None:
    pause(made)
    lose(made, "a")
    lost = made.now
    made.pump(hours=0.2)
    made.now = lost + 800
    send(made, "b")
    away(made, UNREACHED, STATUS_URL)
    # The news of a is held back until 900 seconds later, and the pause ends before the confirmation.
    made.forward_statuses._callbacks._breakers._known.clear()
    callback(made, ("b", SENT))
    made.run()
    callback(made, ("a", DELIVERED))
    made.run()
    back(made)
    made.pump(hours=3)
    assert [status for name, status in made.told if name == "a"] == ["sent", "delivered"]


def test_a_confirmation_alone_ends_the_pause_that_it_began(made: World) -> None:
    lose(made, "a")
    away(made)
    made.pump(hours=1)
    back(made)
    made.pump(hours=3)
    assert made.told == [("a", "failed")]


# --- statuses by the BSP's id alone -----------------------------------------------------------------------------------


def test_a_status_by_id_waits_for_the_held_one_that_names_its_message(made: World) -> None:
    pause(made)
    lose(made, "a")
    made.emptied("StatusesQueue")
    assert made.callback(status_update(None, DELIVERED, api_id="api-a")).status == 200
    callback(made, ("a", SENT))
    made.forward_statuses._correlation_retry = CorrelationRetry((2, 10), 60)
    # The status by id comes back first, and is the probe.
    made.pump(hours=2)
    back(made)
    made.pump(hours=3)
    assert [status for name, status in made.told if name == "a"] == ["sent", "delivered"]
    assert made.depth("QuarantineQueue") == 0
