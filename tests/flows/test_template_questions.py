"""dispatch compares a message with its template, and asks the BSP before it refuses on old knowledge."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.sandbox.meta_templates import PAGE_UNDER_502, TemplateAnswer
from tests.providers.message_central import samples as central
from tests.support.waba import SCOPE, Waba, secret
from tests.support.world import BSP_URL, World, account, json_answer, template, world
from tests.templates.samples import body, buttons, entry, reply
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.store.templates import Questions, Registry, Turn
from whatsapp_bridge.templates.template import FRESH_SECONDS

type Json = dict[str, Any]

NAME = "order_update"
OLD = FRESH_SECONDS + 1
FORBIDDEN = TemplateAnswer(403, b'{"error":{"code":10}}')


def known(*components: Json, **changes: Any) -> Json:
    return entry(*(components or (body("Hi {{1}}"), buttons(reply()))), **{"name": NAME, "id": "77"} | changes)


TWO_VALUES = known(body("Hi {{1}}, {{2}}"), buttons(reply()))


@pytest.fixture
def waba() -> Iterator[Waba]:
    with world(acme=secret()) as made:
        yield Waba(made)


def accepted(waba: Waba, number: int = 1) -> None:
    """Messages that wait on the queue."""
    for each in range(number):
        answer = waba.world.send(template(f"{each}|0|0|1", to=f"+2782000{each:04}"))
        assert json.loads(answer.body) == {"status": "success"}


def failed(made: World) -> list[tuple[int, str]]:
    return [(status["error"]["code"], status["error"]["title"]) for status in made.statuses]


# --- a campaign that waits -------------------------------------------------------------------------------------------


def test_a_campaign_stops_when_its_template_is_paused_and_goes_on_when_it_is_not(
    waba: Waba, counted: Callable[[], dict[str, int]]
) -> None:
    waba.has(known())
    waba.sync()
    accepted(waba, 3)
    waba.world.now += 60
    waba.heard(NAME, "PAUSED")
    waba.world.run()
    waba.world.pump()
    paused = "template.namespace: template order_update (en) is paused by WhatsApp"
    assert failed(waba.world) == [(1001, paused)] * 3
    assert (waba.messages, waba.asked) == ([], [])
    assert counted()["TemplateRefusals"] == 3
    # Nobody tells that it has ended.
    waba.world.now += 3 * 3_600
    accepted(waba)
    waba.world.pump()
    assert waba.asked == [NAME]
    waba.world.now += 61
    answer = waba.world.send(template("9|9|9|9"))
    assert json.loads(answer.body) == {"status": "success"}
    waba.world.pump()
    assert len(waba.messages) == 1
    assert waba.asked == [NAME]


ASKED: dict[str, tuple[Json, list[Json], bool]] = {
    "it is still paused": (known(status="PAUSED"), [known(status="PAUSED")], False),
    "it is paused no longer": (known(status="PAUSED"), [known()], True),
    "it still has two values": (TWO_VALUES, [TWO_VALUES], False),
    "it has one value now": (TWO_VALUES, [known()], True),
    "it is deleted by now": (known(status="PAUSED"), [], False),
    "it was made anew": (known(status="PAUSED"), [known(id="78")], True),
    "it is there in another language": (known(status="PAUSED"), [known(language="de", id="78")], False),
}


@pytest.mark.parametrize(("before", "now", "is_sent"), ASKED.values(), ids=ASKED.keys())
def test_old_knowledge_refuses_only_after_the_bsp_was_asked(
    waba: Waba, before: Json, now: list[Json], is_sent: bool
) -> None:
    waba.has(before)
    waba.sync()
    waba.world.now += OLD
    waba.has(*now)
    accepted(waba)
    waba.world.pump()
    assert (len(waba.messages), len(failed(waba.world))) == ((1, 0) if is_sent else (0, 1))
    assert waba.asked == ([NAME] if now and now[0]["language"] == "en" else [NAME, "77"])
    # What it said is known to everybody, for five minutes.
    waba.asked.clear()
    waba.world.now += 61
    given = json.loads(waba.world.send(template("9|9|9|9")).body)["status"]
    assert given == ("success" if is_sent else "failure")
    assert waba.asked == []


def test_a_filter_that_lags_deletes_nothing(waba: Waba) -> None:
    waba.has(known(status="PAUSED"))
    waba.sync()
    waba.world.now += OLD
    waba.has(known())
    waba.listed.next_answers = [TemplateAnswer(200, b'{"data":[]}')]
    accepted(waba)
    waba.world.pump()
    assert (len(waba.messages), waba.asked) == (1, [NAME, "77"])


# --- without an answer -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [None, FORBIDDEN, PAGE_UNDER_502], ids=["lost", "no permission", "an HTML page"])
def test_without_an_answer_the_message_goes(waba: Waba, answer: TemplateAnswer | None) -> None:
    waba.has(TWO_VALUES)
    waba.sync()
    waba.world.now += OLD
    waba.lost = lambda: answer is None
    waba.listed.next_answers = [answer]
    accepted(waba, 5)
    waba.world.pump()
    assert (len(waba.messages), failed(waba.world)) == (5, [])
    # It is asked once in a minute.
    assert waba.asked == [NAME]


@pytest.mark.parametrize("operation", ["BatchGetItem", "UpdateItem of the question", "UpdateItem of the answer"])
def test_the_message_goes_while_the_table_is_throttled(waba: Waba, operation: str) -> None:
    waba.has(TWO_VALUES)
    waba.sync()
    waba.world.now += OLD
    accepted(waba)
    error = ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "x")

    def fail(name: str, parameters: Any) -> Exception | None:
        if name == "BatchGetItem":
            return error if operation == name else None
        key = str(parameters.get("Key", ""))
        of_question, of_part = "#asked#" in key, "templates#waba" in key and "#asked#" not in key
        fails = {"UpdateItem of the question": of_question, "UpdateItem of the answer": of_part}
        return error if fails.get(operation) else None

    waba.world.fail = fail
    waba.world.pump()
    assert (len(waba.messages), failed(waba.world)) == (1, [])


def test_a_bsp_without_a_list_is_not_asked() -> None:
    with world() as made:
        waba = Waba(made)
        made.bsp = lambda url, payload: pytest.fail(url) if "message_templates" in url else accepted_by(payload)
        waba.registry.take("account:acme", [])
        made.send(template())
        made.pump()
        assert made.sent_by_id() == {"1|2|3|4": 1}


def accepted_by(payload: Any) -> Any:
    from tests.support.world import accept_all

    return accept_all("", payload)


@pytest.mark.parametrize(
    ("now", "is_sent"),
    [
        pytest.param(known(status="PAUSED"), False, id="it is still paused"),
        pytest.param(known(), True, id="it is paused no longer"),
        pytest.param({"responseCode": 816, "message": "Provide a correct template name"}, True, id="no answer"),
    ],
)
def test_a_bsp_that_tells_only_of_each_template_is_asked_for_it(now: Json, is_sent: bool) -> None:
    of_central = central.secret(BSP_URL, token=central.TOKEN)["provider"]
    with world(acme=account(provider=of_central)) as made:
        registry, asked = Registry(made.table), []

        def answer(url: str, _: Any) -> Answer:
            is_status = url.endswith("/verification/v3/template")
            asked.extend([url] if is_status else [])
            return json_answer(200, now if is_status else central.sent())

        made.bsp = answer
        learnt = of_entry(known(status="PAUSED"), int(made.now), "its status")
        assert learnt is not None
        registry.take("account:acme", [learnt])
        made.now += OLD
        for number in range(3):
            made.send(template(f"{number}|0|0|1", to=f"+2782000{number:04}"))
        made.pump()
        assert [code for code, _ in failed(made) if code == 1001] == ([] if is_sent else [1001] * 3)
        assert len(asked) == 1


# --- one at a time ---------------------------------------------------------------------------------------------------


def test_one_question_for_a_batch(waba: Waba) -> None:
    waba.has(TWO_VALUES)
    waba.sync()
    waba.world.now += OLD
    accepted(waba, 30)
    waba.world.pump()
    assert (waba.asked, len(failed(waba.world)), waba.messages) == ([NAME], 30, [])


def test_messages_wait_while_another_process_asks(waba: Waba) -> None:
    waba.has(TWO_VALUES)
    waba.sync()
    waba.world.now += OLD
    questions = Questions(waba.world.table)
    assert questions.begin(SCOPE, NAME, "another", FRESH_SECONDS).turn is Turn.MINE
    accepted(waba, 2)
    waba.world.run()
    assert (waba.asked, waba.messages, waba.world.statuses) == ([], [], [])
    waba.world.now += 3
    questions.end(SCOPE, NAME, "another", None)
    waba.world.pump()
    # It had no answer: they go.
    assert (waba.asked, len(waba.messages)) == ([], 2)


def test_whoever_dies_while_asking_keeps_nobody_waiting_for_long(waba: Waba) -> None:
    waba.has(TWO_VALUES)
    waba.sync()
    waba.world.now += OLD
    Questions(waba.world.table).begin(SCOPE, NAME, "dead", FRESH_SECONDS)
    began = waba.world.now
    accepted(waba)
    waba.world.pump()
    assert (waba.asked, len(failed(waba.world))) == ([NAME], 1)
    assert waba.world.now - began < 200


@pytest.mark.parametrize(
    ("options", "is_sent"), [({}, True), ({"unknown_templates": "refuse"}, False)], ids=["pass", "refuse"]
)
def test_an_unknown_one_is_asked_for_where_it_would_be_refused(options: Json, is_sent: bool) -> None:
    with world(acme=secret(options)) as made:
        waba = Waba(made)
        waba.has(entry())
        waba.sync()
        made.now += OLD
        accepted(waba, 12)
        made.pump()
        assert (len(waba.messages), len(failed(made))) == ((12, 0) if is_sent else (0, 12))
        assert waba.asked == ([] if is_sent else [NAME])


def test_one_that_was_approved_a_minute_ago_is_found_by_asking() -> None:
    with world(acme=secret({"unknown_templates": "refuse"})) as made:
        waba = Waba(made)
        waba.has(entry())
        waba.sync()
        made.now += OLD
        waba.has(known())
        accepted(waba)
        made.pump()
        assert len(waba.messages) == 1
