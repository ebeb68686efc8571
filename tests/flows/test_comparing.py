"""send compares a message with its template: what it refuses, what it passes, and what it costs."""

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.providers.gupshup import samples as gupshup
from tests.support.waba import SCOPE, WABA_ID, Waba, secret
from tests.support.world import World, account, template, world
from tests.templates.samples import COUPON, DYNAMIC, body, buttons, entry, named_body, reply
from whatsapp_bridge.flows.comparing import ANSWER_SECONDS
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.net.limits import WHILE_SENDING
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.store.templates import Registry
from whatsapp_bridge.templates.template import FRESH_SECONDS

type Json = dict[str, Any]

NAME = "order_update"


def known(*components: Json, **changes: Any) -> Json:
    """The template of the world's sample message."""
    return entry(*(components or (body("Hi {{1}}"), buttons(reply()))), **{"name": NAME, "id": "77"} | changes)


@pytest.fixture
def waba() -> Iterator[Waba]:
    with world(acme=secret()) as made:
        yield Waba(made)


def code(made: World, message: Json) -> tuple[int | None, str]:
    """CleverTap's code and sentence; none if it was taken."""
    answer = json.loads(made.send(message).body)
    error = answer.get("error", {})
    return error.get("code"), error.get("message", "")


def queued(made: World) -> Json:
    (job,) = made.bodies("CampaignQueue")
    message: Json = job["message"]
    return message


TWO_VALUES = known(body("Hi {{1}}, {{2}}"), buttons(reply()))
REFUSED: dict[str, tuple[Json, str]] = {
    "one value too few": (TWO_VALUES, "template order_update (en) takes 2 body values, the message has 1"),
    "paused": (known(status="PAUSED"), "template order_update (en) is paused by WhatsApp"),
    "rejected": (
        known(status="REJECTED", rejected_reason="SCAM"),
        "template order_update (en) was rejected by WhatsApp (SCAM)",
    ),
    "in review": (known(status="PENDING"), "template order_update (en) is in review at WhatsApp"),
    "disabled": (known(status="DISABLED"), "template order_update (en) is disabled by WhatsApp"),
    "archived": (known(status="ARCHIVED"), "template order_update (en) is archived"),
}


@pytest.mark.parametrize(("listed", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(waba: Waba, counted: Callable[[], dict[str, int]], listed: Json, sentence: str) -> None:
    waba.has(listed)
    waba.sync()
    given, said = code(waba.world, template())
    assert (given, said.partition(": ")[2]) == (2001, sentence)
    assert waba.world.depth("CampaignQueue") == 0
    assert waba.asked == []
    assert counted()["TemplateRefusals"] == 1


@pytest.mark.parametrize("listed", [row[0] for row in REFUSED.values()], ids=REFUSED.keys())
def test_what_is_older_than_five_minutes_goes_on(waba: Waba, listed: Json) -> None:
    waba.has(listed)
    waba.sync()
    waba.world.now += FRESH_SECONDS + 1
    assert code(waba.world, template()) == (None, "")
    assert waba.world.depth("CampaignQueue") == 1
    assert waba.asked == []


@pytest.mark.parametrize(
    ("options", "age", "given"),
    [
        pytest.param({}, 0, None, id="passes"),
        pytest.param({"unknown_templates": "refuse"}, 0, 2001, id="refused"),
        pytest.param({"unknown_templates": "refuse"}, FRESH_SECONDS + 1, None, id="may be new"),
    ],
)
def test_unknown(options: Json, age: int, given: int | None) -> None:
    with world(acme=secret(options)) as made:
        waba = Waba(made)
        waba.has(entry())
        waba.sync()
        made.now += age
        assert code(made, template())[0] == given


def test_without_checks_nothing_is_read() -> None:
    with world(acme=secret({"template_checks": "off"})) as made:
        waba = Waba(made)
        waba.has(TWO_VALUES)
        waba.sync()
        made.steps.clear()
        assert code(made, template())[0] is None
        assert calls(made) == ["BatchGetSecretValue", "SendMessage"]


def calls(made: World) -> list[str]:
    return [step.partition(" ")[2] for step in made.steps if step.startswith("before ")]


FOUND: dict[str, tuple[Json, Json, Json]] = {
    "in another case": (known(name="Order_Update"), {}, {"namespace": "Order_Update", "languageCode": "en"}),
    "CleverTap's spelling of a language": (
        known(language="en_GB"),
        {"template": {"namespace": NAME, "languageCode": "en(UK)"}},
        {"namespace": NAME, "languageCode": "en_GB"},
    ),
    "the only variant": (known(language="en_US"), {}, {"namespace": NAME, "languageCode": "en_US"}),
    "as it is": (known(), {}, {"namespace": NAME, "languageCode": "en"}),
}


@pytest.mark.parametrize(("listed", "changes", "sent"), FOUND.values(), ids=FOUND.keys())
def test_what_is_found_is_sent(waba: Waba, listed: Json, changes: Json, sent: Json) -> None:
    waba.has(listed)
    waba.sync()
    assert code(waba.world, template(**changes))[0] is None
    assert queued(waba.world)["template"] == sent


def test_never_one_region_for_another(waba: Waba) -> None:
    waba.has(known(language="pt_PT"))
    waba.sync()
    asked = {"namespace": NAME, "languageCode": "pt_BR"}
    code(waba.world, template(template=asked))
    assert queued(waba.world)["template"] == asked


def test_the_suffix_of_a_whole_address_and_the_names_of_variables_are_sent(waba: Waba) -> None:
    waba.has(known(named_body("Hi {{first}}", first="a"), buttons(DYNAMIC), parameter_format="NAMED"))
    waba.sync()
    url: Json = {"type": "button", "index": 0, "subType": "dynamicUrl", "buttonText": "Open"}
    url["parameters"] = [{"type": "text", "text": "https://shop.example/cart"}]
    assert code(waba.world, template(components=[template()["components"][0], url]))[0] is None
    # Without what is known by now.
    waba.registry.take(SCOPE, [])
    waba.world.pump()
    (message,) = waba.messages
    body_sent, url_sent = message["template"]["components"]
    assert body_sent["parameters"] == [{"type": "text", "text": "Ann", "parameter_name": "first"}]
    assert url_sent["parameters"] == [{"type": "text", "text": "cart"}]


@pytest.mark.parametrize("is_metas", [False, True], ids=["Gupshup's list", "Meta's list, whose ids are others"])
def test_what_gupshup_knows_only_by_its_id(is_metas: bool) -> None:
    source = {
        "template_source": {
            "type": "meta",
            "waba_id": WABA_ID,
            "access_token": "EAAG-made-up-token",
            "api_version": "v25.0",
        }
    }
    of_gupshup = account(provider=gupshup.secret(templates={})["provider"], **(source if is_metas else {}))
    with world(shop=of_gupshup) as made:
        news = of_entry(known(body("Hi {{1}}"), buttons(COUPON)), int(made.now), "a list")
        assert news is not None
        Registry(made.table).take(SCOPE if is_metas else "account:shop", [news])
        code: Json = {"type": "button", "index": 0, "subType": "copy_code", "buttonText": "Copy offer code"}
        code["parameters"] = [{"type": "coupon_code", "coupon_code": "SAVE25"}]
        answer = json.loads(made.send(template(components=[template()["components"][0], code]), "shop").body)
        assert answer["status"] == ("failure" if is_metas else "success")
        assert not is_metas or "need the template's id at Gupshup" in answer["error"]["message"]


def test_another_text_is_counted_where_the_bsp_does_not_get_it(
    waba: Waba, counted: Callable[[], dict[str, int]]
) -> None:
    waba.has(known(body("Good day {{1}}"), buttons(reply())))
    waba.sync()
    assert code(waba.world, template())[0] is None
    assert counted()["TemplateTextsDiffer"] == 1


# --- what it costs ---------------------------------------------------------------------------------------------------


def test_one_call_cold_and_none_warm(waba: Waba) -> None:
    waba.has(known())
    waba.sync()
    seen = []
    for seconds in (0, 1, 59, 1):
        waba.world.now += seconds
        waba.world.steps.clear()
        waba.world.send(template())
        seen.append(calls(waba.world))
    assert seen == [
        ["BatchGetSecretValue", "BatchGetItem", "SendMessage"],
        ["SendMessage"],
        ["BatchGetItem", "SendMessage"],
        ["SendMessage"],
    ]


def test_the_same_where_nothing_was_ever_learnt(waba: Waba) -> None:
    for _ in range(2):
        waba.world.steps.clear()
        waba.world.send(template())
    assert calls(waba.world) == ["SendMessage"]


# --- the table is away -----------------------------------------------------------------------------------------------

THROTTLED = ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "BatchGetItem")


def test_nothing_is_refused_while_the_table_is_away(waba: Waba, counted: Callable[[], dict[str, int]]) -> None:
    waba.has(TWO_VALUES)
    waba.sync()
    waba.world.fail = lambda name, parameters: THROTTLED if name == "BatchGetItem" else None
    for second in range(3):
        waba.world.now += second
        assert code(waba.world, template())[0] is None
    # It was asked for once in ten seconds.
    assert counted()["TemplatesUnread"] == 1
    waba.world.fail = lambda name, parameters: None
    waba.world.now += 10
    assert code(waba.world, template())[0] == 2001


def test_what_was_read_before_is_used_on(waba: Waba) -> None:
    waba.has(known(name="Order_Update"))
    waba.sync()
    waba.world.send(template())
    waba.world.emptied("CampaignQueue")
    waba.world.now += 600
    waba.world.fail = lambda name, parameters: THROTTLED if name == "BatchGetItem" else None
    waba.world.send(template("2|2|2|2"))
    assert queued(waba.world)["template"]["namespace"] == "Order_Update"


# --- saved in CleverTap ----------------------------------------------------------------------------------------------

SAVED_BODY = {"type": "body", "body": {"text": "Hi 0", "parameters": [{"type": "text", "text": "0"}]}}
SAVED = template("0|0|0|0", components=[SAVED_BODY, template()["components"][1]])

ASKED: dict[str, tuple[list[Json], int | None]] = {
    "it fits": ([known()], None),
    "another number of values": ([TWO_VALUES], 2001),
    "rejected": ([known(status="REJECTED")], 2001),
    "only a longer name": ([known(name="order_update_2")], None),
    "only another language": ([known(language="de")], None),
}


@pytest.mark.parametrize(("listed", "given"), ASKED.values(), ids=ASKED.keys())
def test_the_bsp_is_asked_for_a_template_that_is_saved(waba: Waba, listed: list[Json], given: int | None) -> None:
    waba.has(*listed)
    assert code(waba.world, SAVED)[0] == given
    assert waba.asked == [NAME]
    assert waba.world.depth("CampaignQueue") == 0


def test_the_question_fits_into_its_time_though_the_clock_goes_on() -> None:
    milliseconds = count()
    client = HttpClient(clock=lambda: next(milliseconds) / 1000, patience=WHILE_SENDING)
    client.end_in(ANSWER_SECONDS)
    assert client.has_time_for_a_request()


@pytest.mark.parametrize(
    ("before", "now", "given"),
    [("PENDING", "APPROVED", None), ("APPROVED", "PAUSED", 2001)],
    ids=["approved", "paused"],
)
def test_its_answer_is_newer_than_what_is_known(waba: Waba, before: str, now: str, given: int | None) -> None:
    waba.has(known(status=before))
    waba.sync()
    waba.world.now += 1
    waba.has(known(status=now))
    assert code(waba.world, SAVED)[0] == given


@pytest.mark.parametrize(
    ("options", "given"), [({}, None), ({"unknown_templates": "refuse"}, 2001)], ids=["pass", "refuse"]
)
def test_a_name_that_the_bsp_does_not_have(options: Json, given: int | None) -> None:
    with world(acme=secret(options)) as made:
        waba = Waba(made)
        assert code(made, SAVED)[0] == given
        assert waba.asked == [NAME]


@pytest.mark.parametrize(("listed", "given"), [(TWO_VALUES, 2001), (known(), None)], ids=["unfitting", "fitting"])
def test_without_an_answer_what_is_known_decides_whatever_its_age(waba: Waba, listed: Json, given: int | None) -> None:
    waba.has(listed)
    waba.sync()
    waba.world.now += 30 * 86_400
    waba.lost = lambda: True
    assert code(waba.world, SAVED)[0] == given


def test_send_does_not_write_the_registry(waba: Waba) -> None:
    waba.has(known())
    code(waba.world, SAVED)
    assert waba.registry.all(SCOPE).templates == []
