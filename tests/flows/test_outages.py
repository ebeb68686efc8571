"""A BSP that fails: it costs a handful of messages, not a campaign, and the others arrive when it is well again."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conftest import Log
from tests.support.failures import failing
from tests.support.world import (
    LOST,
    START,
    UNREACHED,
    World,
    accept_all,
    account,
    freeform,
    json_answer,
    template,
    world,
)
from whatsapp_bridge.net.http import Answer

HANDFUL = 10
"""Five, and a probe after 15, 45, 105, 225 and 465 seconds."""
FAILED = json_answer(500, {})
OVERLOADED = json_answer(503, {})
OUTAGES = {
    "500": FAILED,
    "502": json_answer(502, {}),
    "504": json_answer(504, {}),
    "hanging": LOST,
    "503": OVERLOADED,
    "not reached": UNREACHED,
}
SURELY_NOT_TAKEN = (OVERLOADED, UNREACHED)


@pytest.fixture
def made() -> Iterator[World]:
    with world() as made:
        yield made


def campaign(made: World, messages: int, account: str = "acme", first: int = 0) -> list[str]:
    names = [f"m{number}" for number in range(first, first + messages)]
    for name in names:
        assert made.send(template(name), account=account).status == 200
    return names


def tried(made: World) -> set[str]:
    return set(made.sent_by_id())


def breaker(made: World) -> dict[str, Any]:
    return made.table.get("breaker#bsp#acme") or {}


@pytest.mark.parametrize("answer", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_costs_a_handful(made: World, answer: Any) -> None:
    made.bsp = lambda url, payload: answer
    names = campaign(made, 30)
    made.pump(hours=1 / 6)
    lost = tried(made) if answer not in SURELY_NOT_TAKEN else set()
    assert len(lost) <= HANDFUL
    made.bsp = accept_all
    made.http.requests.clear()
    made.pump(hours=1)
    assert made.sent_by_id() == {name: 1 for name in names if name not in lost}
    assert sorted(made.told) == [(name, "failed") for name in sorted(lost)]
    assert made.depth("CampaignQueue") == 0
    assert made.depth("CampaignDeadLetterQueue") == 0


def test_a_request_of_a_fresh_process_has_one_message(made: World) -> None:
    made.bsp = lambda url, payload: FAILED
    campaign(made, 30)
    made.run()
    assert [len(payload["messages"]) for _, payload in made.http.requests] == [1] * 5


def test_a_campaign_in_full_swing_loses_what_is_under_way(made: World) -> None:
    """And one message with each further request, until it is paused."""
    made.warm()
    made.bsp = lambda url, payload: FAILED
    campaign(made, 130)
    made.run()
    assert [len(payload["messages"]) for _, payload in made.http.requests] == [100, 1, 1, 1, 1]


def test_what_is_past_its_limit_fails_in_time() -> None:
    with world(acme=account(options={"campaign_time_limit_seconds": 3600})) as made:
        made.bsp = lambda url, payload: OVERLOADED
        names = campaign(made, 30)
        made.pump(hours=0.9)
        assert made.told == []
        made.pump(hours=0.2)
        assert sorted(made.told) == [(name, "failed") for name in sorted(names)]
        assert {status["error"]["code"] for status in made.statuses} == {1009}
        assert made.now - START <= 3600 + 60
        assert made.depth("CampaignQueue") == 0


def test_a_chat_is_postponed_without_a_request_and_fails_in_time() -> None:
    with world(acme=account(options={"conversation_time_limit_seconds": 600})) as made:
        made.bsp = lambda url, payload: OVERLOADED
        for number in range(12):
            made.send(freeform(f"c{number}", to=f"+2782000000{number % 10}"))
        made.run()
        assert len(made.http.requests) == 5
        made.pump(hours=1)
        assert sorted(made.told) == sorted((f"c{number}", "failed") for number in range(12))
        assert made.now - START <= 620
        # Five at first, and the probes of ten minutes: after 15, 30, 60, 120, 240 seconds.
        assert len(made.http.requests) - made_told_posts(made) <= 12
        assert made.depth("ConversationDeadLetterQueue") == 0


def made_told_posts(made: World) -> int:
    return sum(1 for url, _ in made.http.requests if "clevertap" in url)


def test_a_probe_goes_out_soon_after_it_is_due(made: World) -> None:
    made.bsp = lambda url, payload: OVERLOADED
    campaign(made, 30)
    made.run()
    made.http.requests.clear()
    made.bsp = accept_all
    made.pump(hours=20 / 3600)
    assert 1 <= len(tried(made)) <= 7


def test_while_it_is_paused_nothing_is_claimed(made: World) -> None:
    made.bsp = lambda url, payload: OVERLOADED
    names = campaign(made, 30)
    made.run()
    claimed = [name for name in names if made.table.get(f"msg#acme#{name}")]
    assert len(claimed) == 5
    held = [body for body in later(made) if body["reference"] not in claimed]
    assert {(body["attempt"], body["hops"]) for body in held} == {(1, 1)}


def later(made: World) -> list[dict[str, Any]]:
    made.now += 901
    return made.emptied("CampaignQueue")


def test_another_account_is_not_paused() -> None:
    other = account(provider={**account()["provider"], "base_url": "https://other.example"})
    with world(acme=account(), other=other) as made:
        made.bsp = lambda url, payload: FAILED if "bsp.example" in url else accept_all(url, payload)
        campaign(made, 20)
        campaign(made, 20, "other", first=100)
        made.run()
        sent = [m["clientMessageId"] for url, p in made.http.taken if "other" in url for m in p["messages"]]
        assert len(sent) == 20


@pytest.mark.parametrize(
    ("answer", "paused"),
    [
        pytest.param(json_answer(429, {}), False, id="429"),
        pytest.param(json_answer(400, {"messages": None, "error": {"code": 43}}), False, id="the BSP's own throttling"),
        pytest.param(json_answer(400, {"messages": None, "error": {"code": 25}}), False, id="rejected"),
        pytest.param(json_answer(403, {}), False, id="refused in front of the BSP"),
        pytest.param(json_answer(503, {"error": {"code": 19}}), True, id="the BSP's own overload"),
        pytest.param(FAILED, True, id="500"),
    ],
)
def test_what_is_an_outage(made: World, answer: Any, paused: bool) -> None:
    made.bsp = lambda url, payload: answer
    campaign(made, 12)
    for _ in range(6):
        made.now += made.run() or 1
    assert bool(breaker(made).get("probe_at")) is paused


def campaign_with_files(made: World, messages: int) -> None:
    header = {"type": "header", "header": {"type": "image", "image": {"mediaURL": "https://shop.example/a.png"}}}
    for number in range(messages):
        made.send(template(f"m{number}", components=[header, {"type": "body", "body": {"text": "x"}}]))


def test_files_of_somebody_else_are_no_outage(made: World) -> None:
    made.files = lambda url, headers: Answer(503, {}, b"")
    campaign_with_files(made, 12)
    made.run()
    assert breaker(made) == {}
    assert made.http.requests == []


def test_a_probe_without_its_file_leaves_the_probe_to_the_next(made: World) -> None:
    paused_until_now(made)
    made.files = lambda url, headers: Answer(503, {}, b"")
    campaign_with_files(made, 3)
    campaign(made, 1, first=3)
    made.run()
    assert tried(made) == {"m3"}
    assert not breaker(made)["probe_at"]


PICTURE = Answer(200, {"content-type": "image/png"}, b"\x89PNG\r\n\x1a\n" + b"0" * 100)


@pytest.mark.parametrize("answer", OUTAGES.values(), ids=OUTAGES.keys())
def test_an_outage_that_shows_before_the_messages(made: World, answer: Any) -> None:
    """Their files cannot be uploaded."""
    made.files = lambda url, headers: PICTURE
    made.bsp = lambda url, payload: answer
    campaign_with_files(made, 30)
    made.pump(hours=1 / 6)
    assert breaker(made)["probe_at"] > 0
    assert len(made.http.requests) <= HANDFUL
    made.bsp = uploads_and_accepts
    made.pump(hours=1)
    assert set(made.sent_by_id().values()) == {1}
    assert len(tried(made)) == 30
    assert made.told == []


@pytest.mark.parametrize(
    ("answer", "paused"),
    [
        *(pytest.param(answer, True, id=name) for name, answer in OUTAGES.items()),
        pytest.param(json_answer(405, {}), True, id="no word of the BSP"),
        pytest.param(json_answer(404, {}), False, id="uploads are not enabled"),
        pytest.param(json_answer(429, {}), False, id="429"),
        pytest.param(json_answer(400, {"error": {"code": 25}}), False, id="rejected"),
    ],
)
def test_a_probe_may_end_before_its_message(made: World, answer: Any, paused: bool) -> None:
    paused_until_now(made)
    made.files = lambda url, headers: PICTURE
    made.bsp = lambda url, payload: answer
    campaign_with_files(made, 12)
    made.run()
    assert bool(breaker(made)["probe_at"]) is paused
    assert breaker(made)["failed_probes"] == paused
    if paused:
        assert len(made.http.requests) == 1


def paused_until_now(made: World) -> None:
    for _ in range(5):
        made.breakers.struck("acme")
    made.now += 16


def uploads_and_accepts(url: str, payload: Any) -> Answer:
    return json_answer(200, {"fileId": "f"}) if "/media" in url else accept_all(url, payload)


def test_too_many_requests_do_not_speed_a_process_up(made: World) -> None:
    made.bsp = lambda url, payload: json_answer(429, {})
    campaign(made, 60)
    made.run()
    assert made.breakers.pace("acme").at_once == 1
    assert [len(payload["messages"]) for _, payload in made.http.requests] == [1] * 60


def test_single_failures_do_not_pause(made: World) -> None:
    """One of three."""
    answers = [0]

    def bsp(url: str, payload: Any) -> Answer:
        answers[0] += 1
        return FAILED if answers[0] % 3 == 0 else accept_all(url, payload)

    made.bsp = bsp
    for number in range(30):
        made.send(template(f"m{number}"))
        made.run()
    assert len(made.http.taken) == 20
    assert not breaker(made).get("probe_at")


def test_it_is_counted_and_logged(made: World, counted: Callable[[], dict[str, int]], log: Log) -> None:
    made.bsp = lambda url, payload: OVERLOADED
    campaign(made, 30)
    made.run()
    made.bsp = accept_all
    made.pump(hours=1)
    counts = counted()
    assert (counts["ProviderPaused"], counts["ProviderResumed"]) == (1, 1)
    assert counts["MessagesHeld"] >= 25
    said = [
        entry["message"] for entry in log.entries if entry.get("account") == "acme" and "sending is" in entry["message"]
    ]
    assert said == ["provider fails; sending is paused", "provider answers again; sending is resumed"]


def test_without_the_breakers_item_all_is_sent(made: World, counted: Callable[[], dict[str, int]]) -> None:
    throttled = [failing(operation, 10_000, "breaker#") for operation in ("GetItem", "UpdateItem")]
    made.fail = lambda operation, parameters: next(
        filter(None, (fail(operation, parameters) for fail in throttled)), None
    )
    made.bsp = lambda url, payload: FAILED
    names = campaign(made, 12)
    made.run()
    assert tried(made) == set(names)
    assert counted()["BreakersUnavailable"] >= 1


def test_a_long_outage_does_not_use_up_the_hops(made: World) -> None:
    """Four days with a probe every five minutes are more hops than a message has: those with many come back seldom."""
    for _ in range(5):
        made.breakers.struck("acme")
    campaign(made, 4)
    hops = dict(zip(("m0", "m1", "m2", "m3"), (700, 499, 0, 3), strict=True))
    for body in made.emptied("CampaignQueue"):
        again = {**body, "hops": hops[body["reference"]]}
        made.sqs.send_message(QueueUrl=made.url("CampaignQueue"), MessageBody=json.dumps(again))
    made.run()
    made.now += 20
    assert {body["reference"] for body in made.emptied("CampaignQueue")} == {"m2", "m3"}
