"""forward, clicks: each tap on a link is told once, and no ladder minds it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Log
from tests.support.world import LOST, OK, UNREACHED, World, json_answer, status_update, template, world
from whatsapp_bridge.flows.status_queue import queued_status, read_event
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.store.leases import READ

MSG_ID = "1|2|3|4"
AT = 1_700_000_300
SENT, DELIVERED, READ_CODE = 4, 5, 6
CLICK = {"url": "https://shop.example/Canary", "short_url": "https://s.example/c", "user_agent": "Canary Browser"}
TOLD = {
    "msgId": MSG_ID,
    "status": "clicked",
    "timestamp": str(AT),
    "url": "https://shop.example/Canary",
    "shortUrl": "https://s.example/c",
    "userAgent": "Canary Browser",
}


@pytest.fixture
def made() -> Iterator[World]:
    """A world in which one message is sent."""
    with world() as fresh:
        send(fresh)
        yield fresh


def send(made: World, name: str = MSG_ID) -> None:
    made.send(template(name))
    made.pump()


def click(made: World, reference: str | None = MSG_ID, at: int = AT, bsp_id: str | None = None, **changes: Any) -> None:
    """A click on the statuses queue, as receive puts it there."""
    event = StatusEvent("clicked", at, reference, bsp_id, **(CLICK | changes))
    made.sqs.send_message(QueueUrl=made.url("StatusesQueue"), MessageBody=queued_status("acme", event, made.now).body)


def report(made: World, *codes: int) -> None:
    for code in codes:
        assert made.callback(status_update(MSG_ID, code)).status == 200


def rung(made: World) -> int:
    table = next(iter(made.deployment.tables.values())).name
    item = made.dynamodb.get_item(TableName=table, Key={"pk": {"S": f"msg#acme#{MSG_ID}"}})["Item"]
    return int(item["rung"]["N"])


def test_a_click_as_it_is_reported_to_clevertap(made: World, log: Log) -> None:
    click(made)
    made.pump()

    assert made.statuses == [TOLD]
    assert "Canary" not in log.text
    assert "Canary" not in repr(StatusEvent("clicked", AT, MSG_ID, None, **CLICK))


def test_members_that_the_bsp_does_not_say_are_left_out(made: World) -> None:
    click(made, user_agent=None)
    made.pump()

    assert made.statuses == [{name: value for name, value in TOLD.items() if name != "userAgent"}]


REPEATED: dict[str, tuple[list[dict[str, Any]], int]] = {
    "the same again": ([{}, {}], 1),
    "another time": ([{}, {"at": AT + 1}], 2),
    "another link": ([{}, {"url": "https://shop.example/2"}], 2),
    "another short link": ([{}, {"short_url": "https://s.example/d"}], 2),
    "another browser": ([{}, {"user_agent": "another"}], 2),
    "each of two twice": ([{}, {"at": AT + 1}, {}, {"at": AT + 1}], 2),
}


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one by one"])
@pytest.mark.parametrize(("clicks", "told"), REPEATED.values(), ids=REPEATED.keys())
def test_each_click_is_reported_once(made: World, clicks: list[dict[str, Any]], told: int, at_once: bool) -> None:
    for changes in clicks:
        click(made, **changes)
        if not at_once:
            made.pump()
    made.pump()

    assert len(made.statuses) == told
    assert {status["status"] for status in made.statuses} == {"clicked"}
    assert len({json.dumps(status) for status in made.statuses}) == told


def test_repeats_in_one_batch_are_one_click(made: World) -> None:
    for at in (AT, AT + 1) * 5:
        click(made, at=at)
    before = len(made.steps)
    made.run()

    assert len(made.statuses) == 2
    # None waits for another to be told.
    assert made.depth("StatusesQueue") == 0
    updates = [step for step in made.steps[before:] if step.startswith("before UpdateItem")]
    assert len(updates) == 2 * len(["confirmed", "begun", "ended"])


def test_repeats_of_a_click_come_back_where_clevertap_is_away(made: World) -> None:
    answers = [UNREACHED]
    made.clevertap = lambda url, payload: answers.pop() if answers else OK
    click(made)
    click(made)
    made.pump()

    assert made.statuses == [TOLD]
    assert made.depth("StatusesDeadLetterQueue") == 0


def test_clicks_on_two_messages_are_two(made: World) -> None:
    send(made, "other")
    click(made)
    click(made, "other")
    made.pump()

    assert sorted(made.told) == [(MSG_ID, "clicked"), ("other", "clicked")]


@pytest.mark.parametrize("first", [True, False], ids=["before its statuses", "after them"])
def test_a_click_is_independent_of_the_ladder(made: World, first: bool) -> None:
    if first:
        click(made)
        made.pump()
        assert rung(made) == 0
    report(made, SENT, DELIVERED, READ_CODE)
    made.pump()
    if not first:
        click(made)
        made.pump()

    ladder = [(MSG_ID, "sent"), (MSG_ID, "delivered"), (MSG_ID, "read")]
    clicked = [(MSG_ID, "clicked")]
    assert made.told == (clicked + ladder if first else ladder + clicked)
    assert rung(made) == READ


def test_a_click_and_a_status_in_one_batch_go_in_one_request(made: World) -> None:
    report(made, DELIVERED)
    click(made)
    before = len(made.http.requests)
    made.pump()

    assert made.told == [(MSG_ID, "sent"), (MSG_ID, "delivered"), (MSG_ID, "clicked")]
    assert len(made.http.requests) == before + 1


def test_a_click_is_found_by_the_id_of_the_bsp(made: World) -> None:
    click(made, None, bsp_id=f"api-{MSG_ID}")
    made.pump()

    assert made.told == [(MSG_ID, "clicked")]


def test_a_click_on_a_validation_message_is_not_reported(made: World) -> None:
    click(made, "0|0|0|0#1")
    made.pump(hours=200)

    assert made.told == []
    assert made.depth("QuarantineQueue") == 0


def test_a_click_on_nothing_that_the_bridge_sent_is_quarantined(made: World) -> None:
    click(made, "somebody else's")
    made.pump(hours=200)

    assert made.told == []
    (kept,) = made.bodies("QuarantineQueue")
    assert (kept["kind"], kept["element"]["url"]) == ("status", CLICK["url"])


def test_a_click_before_its_message_is_recorded_waits_for_it(made: World) -> None:
    click(made, "late")
    made.run()
    send(made, "late")
    made.pump()

    assert ("late", "clicked") in made.told


def test_a_click_ends_the_doubt_about_a_message_whose_answer_was_lost() -> None:
    with world() as made:
        made.bsp = lambda url, payload: LOST
        made.send(template(MSG_ID))
        made.run()
        click(made)
        made.pump()

        assert made.told == [(MSG_ID, "clicked")]


@pytest.mark.parametrize("answer", [UNREACHED, LOST, json_answer(503, {})], ids=["unreachable", "lost", "503"])
def test_a_click_is_reported_later_if_clevertap_is_unavailable(made: World, answer: Any) -> None:
    answers = [answer, answer]
    made.clevertap = lambda url, payload: answers.pop() if answers else OK
    click(made)
    made.pump()

    assert made.told == [(MSG_ID, "clicked")]


def test_a_click_whose_lease_is_not_released_is_still_reported(made: World) -> None:
    answers = [UNREACHED]
    made.clevertap = lambda url, payload: answers.pop() if answers else OK

    def fail(operation: str, parameters: Any) -> Exception | None:
        over = operation == "UpdateItem" and ":over" in parameters.get("ExpressionAttributeValues", {})
        return ClientError({"Error": {"Code": "InternalServerError"}}, operation) if over else None

    made.fail = fail
    click(made)
    made.pump()

    assert made.told == [(MSG_ID, "clicked")]


def test_a_click_that_clevertap_refuses_does_not_affect_statuses(made: World) -> None:
    def refuses_clicks(url: str, payload: Any) -> Any:
        refused = any(status["status"] == "clicked" for status in payload["statuses"])
        return json_answer(400, {}) if refused else OK

    made.clevertap = refuses_clicks
    report(made, DELIVERED)
    click(made)
    made.pump()

    assert made.told == [(MSG_ID, "sent"), (MSG_ID, "delivered")]
    (dead,) = made.bodies("StatusesDeadLetterQueue")
    assert read_event(dead) == StatusEvent("clicked", AT, MSG_ID, None, **CLICK)
    made.clevertap = lambda url, payload: OK
    made.sqs.send_message(QueueUrl=made.url("StatusesQueue"), MessageBody=json.dumps(dead))
    made.pump()
    assert made.told[-1] == (MSG_ID, "clicked")


def play(made: World) -> None:
    """The same click twice, one by one."""
    for _ in range(2):
        click(made)
        made.pump(hours=200)


def test_killed_between_steps(subtests: pytest.Subtests) -> None:
    with world() as made:
        send(made)
        begin = len(made.steps)
        play(made)
        steps = made.steps
    assert {step.split()[1] for step in steps[begin:]} >= {"UpdateItem", "POST"}
    for number in range(begin + 1, len(steps) + 1):
        with subtests.test(f"killed {steps[number - 1]} ({number - begin})"), world() as made:
            send(made)
            made.kill_at = number
            play(made)
            assert made.steps[:number] == steps[:number]
            # Between CleverTap's answer and its record, it is told the very same again.
            told = [place for place, step in enumerate(steps[:number]) if step.startswith("after POST https://cleve")]
            again = bool(told) and "after UpdateItem" not in steps[told[-1] : number]
            assert made.statuses == [TOLD] * (2 if again else 1)
            assert [made.depth(queue) for queue in ("StatusesQueue", "StatusesDeadLetterQueue")] == [0, 0]
            assert made.depth("QuarantineQueue") == 0
