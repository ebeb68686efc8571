"""Gupshup through the whole bridge: from CleverTap's message to reports, clicks and replies in each envelope."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.conftest import Log
from tests.providers.gupshup import samples
from tests.providers.gupshup.samples import SECONDS, Json
from tests.support.world import BASIC, BSP_URL, TOKEN, World, account, freeform, json_answer, world
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.contract.inbound import Callback

PERSON = "27820000001"
MSG_ID = "1|2|3|4"
FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
BSP_ID = f"5001-{MSG_ID}"


def gupshup(**provider: Any) -> Json:
    settings = samples.secret(BSP_URL, templates={}, **provider)["provider"]
    return account(provider=settings, options={"click_time_zone": "Asia/Kolkata"})


def template(msg_id: str = MSG_ID) -> Json:
    return freeform(msg_id, type=None, text=None) | {
        "isTemplate": True,
        "template": {"namespace": "order_update", "languageCode": "en"},
        "components": [{"type": "body", "body": {"text": "Hi Ann", "parameters": [{"type": "text", "text": "Ann"}]}}],
    }


def fields_of(raw: bytes) -> Json:
    return dict(parse_qsl(raw.decode(), keep_blank_values=True))


def take(url: str, raw: Any) -> Answer:
    """Gupshup's answer: an id of two halves."""
    fields = fields_of(raw)
    return json_answer(200, samples.taken(f"5001-{fields.get('extra', 'opt-in')}"))


@pytest.fixture
def made() -> Iterator[World]:
    """A world in which one template message is sent."""
    with world(acme=gupshup()) as fresh:
        fresh.bsp = take
        fresh.send(template())
        fresh.pump()
        yield fresh


def sent(made: World) -> list[Json]:
    return [fields_of(raw) for url, raw in made.http.requests if url.startswith(BSP_URL)]


def report(event_type: str, **changes: Any) -> Json:
    return samples.report(event_type, MSG_ID, externalId=BSP_ID, destAddr=PERSON, **changes)


def receive(made: World, method: str, headers: dict[str, str], query: dict[str, str], body: bytes) -> int:
    return made.receive("acme", TOKEN, Callback(method, headers, query, body, "203.0.113.7")).status


def test_accounts_by_kind_of_message(made: World, log: Log) -> None:
    made.send(freeform("9|9|9|9"), headers=BASIC)
    made.pump()

    assert [(form["userid"], form["extra"]) for form in sent(made)] == [
        ("private-hsm", MSG_ID),
        ("private-two-way", "9|9|9|9"),
    ]
    assert [private for private in ("private", "Hi Ann", PERSON, TOKEN) if private in log.text] == []


QUERY = {
    "externalId": BSP_ID,
    "deliveredTS": str(SECONDS * 1000),
    "status": "SUCCESS",
    "cause": "READ",
    "phoneNo": PERSON,
    "errCode": "026",
}
ENVELOPES: dict[str, tuple[str, dict[str, str], dict[str, str], bytes]] = {
    "form": ("POST", FORM, {}, samples.form(response=[report("READ")])),
    "response": ("POST", JSON, {}, samples.response(report("READ"))),
    "list": ("POST", JSON, {}, json.dumps([report("READ")]).encode()),
    "object": ("POST", JSON, {}, json.dumps(report("READ")).encode()),
    # Without `extra`: the message is found by Gupshup's id.
    "query": ("GET", {}, QUERY, b""),
}


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES.keys())
def test_report_climbs_the_ladder_in_every_envelope(made: World, envelope: Any) -> None:
    for _ in range(2):
        assert receive(made, *envelope) == 200
        made.pump()

    assert made.told == [(MSG_ID, "sent"), (MSG_ID, "delivered"), (MSG_ID, "read")]
    assert {status["timestamp"] for status in made.statuses} == {str(SECONDS)}


@pytest.mark.parametrize(
    ("query", "status", "stored"),
    [
        ({}, 400, None),
        ({"hub.mode": "subscribe", "hub.challenge": "1"}, 200, "QuarantineQueue"),
        (QUERY, 200, "StatusesQueue"),
    ],
    ids=["nothing", "another BSP's verification", "report"],
)
def test_get(made: World, query: dict[str, str], status: int, stored: str | None) -> None:
    assert receive(made, "GET", {}, query, b"") == status
    queues = ("StatusesQueue", "QuarantineQueue")
    assert {name: made.depth(name) for name in queues} == {name: int(name == stored) for name in queues}


def test_report_of_something_else_that_the_gupshup_account_sends_is_quarantined(made: World) -> None:
    assert receive(made, "POST", JSON, {}, samples.response(samples.report("SENT", "otp-1"))) == 200
    made.pump(hours=2)

    assert made.told == []
    assert [kept["reason"] for kept in made.bodies("QuarantineQueue")] == [
        "belongs to no message that the bridge has sent"
    ]


@pytest.mark.parametrize("extra", ["something else", "9|9|9|9"], ids=["no id of ours", "no message of ours"])
def test_report_whose_extra_is_not_ours_is_matched_by_gupshups_id(made: World, extra: str) -> None:
    other = "5001-otp"
    for event_type, bsp_id in (("SENT", BSP_ID), ("SENT", other), ("READ", BSP_ID)):
        raw = samples.response(samples.report(event_type, extra, externalId=bsp_id))
        assert receive(made, "POST", JSON, {}, raw) == 200
    made.pump(hours=2)

    assert made.told == [(MSG_ID, "sent"), (MSG_ID, "delivered"), (MSG_ID, "read")]
    assert [kept["element"]["bsp_id"] for kept in made.bodies("QuarantineQueue")] == [other]


def test_report_whose_extra_is_not_ours_waits_for_the_message() -> None:
    with world(acme=gupshup()) as made:
        made.bsp = take
        assert receive(made, "POST", JSON, {}, samples.response(report("SENT") | {"extra": "something else"})) == 200
        made.run()
        made.send(template())
        made.pump()

        assert made.told == [(MSG_ID, "sent")]


@pytest.mark.parametrize("generic", [False, True], ids=["Gupshup's format", "CleverTap's format"])
def test_click(made: World, generic: bool) -> None:
    first, second = (
        samples.generic(samples.generic_click(MSG_ID, timestamp=at)) if generic else json.dumps(click).encode()
        for at, click in (
            (samples.CLICK_SECONDS, samples.click(MSG_ID)),
            (samples.CLICK_SECONDS + 60, samples.click(MSG_ID, clickTime="2025-10-09 14:24:20")),
        )
    )
    for raw in (first, first, second, first):
        assert receive(made, "POST", JSON, {}, raw) == 200
        made.pump()
    assert receive(made, "POST", JSON, {}, samples.response(report("DELIVERED"))) == 200
    made.pump()

    assert made.told == [(MSG_ID, "clicked"), (MSG_ID, "clicked"), (MSG_ID, "sent"), (MSG_ID, "delivered")]
    assert made.statuses[0] == {
        "msgId": MSG_ID,
        "status": "clicked",
        "timestamp": str(samples.CLICK_SECONDS),
        "url": "https://shop.example/private",
        "shortUrl": "https://s.example/private" if generic else "www.gs.example/private",
        "userAgent": "private browser",
    }


@pytest.mark.parametrize("generic", [False, True], ids=["Gupshup's format", "CleverTap's format"])
def test_a_click_without_a_time_has_that_of_its_arrival(made: World, generic: bool) -> None:
    click = samples.generic(samples.generic_click(MSG_ID, timestamp=None))
    arrived = int(made.now)
    assert (
        receive(
            made, "POST", JSON, {}, click if generic else json.dumps(samples.click(MSG_ID, clickTime="now")).encode()
        )
        == 200
    )
    made.now += 60
    made.pump()

    assert [(status["status"], status["timestamp"]) for status in made.statuses] == [("clicked", str(arrived))]


def test_reply_names_the_message_that_it_answers(made: World) -> None:
    message = samples.message(mobile=PERSON, replyId="5001", messageId=MSG_ID)
    assert receive(made, "POST", FORM, {}, samples.form(**message)) == 200
    assert receive(made, "POST", JSON, {}, json.dumps(message | {"messageId": "another", "text": "k"}).encode()) == 200
    made.pump()

    assert [reply.get("context") for reply in made.replies] == [{"id": MSG_ID}, None]


@pytest.mark.parametrize(
    ("halves", "lookups"),
    [(("5001", MSG_ID), 1), ((MSG_ID, "5001"), 2)],
    ids=["as the answer has them", "the other way round"],
)
def test_a_reply_finds_its_message_by_both_halves_in_any_order(
    made: World, halves: tuple[str, str], lookups: int
) -> None:
    message = samples.message(mobile=PERSON, replyId=halves[0], messageId=halves[1])
    assert receive(made, "POST", FORM, {}, samples.form(**message)) == 200
    asked: list[str] = []
    made.fail = lambda operation, parameters: asked.append(operation)
    made.pump()

    assert [reply.get("context") for reply in made.replies] == [{"id": MSG_ID}]
    assert asked.count("Query") == lookups


@pytest.mark.parametrize("kind", ["reaction", "sticker", "order", "OPT_IN", "OPT_OUT", "poll"])
def test_no_kind_of_message_goes_to_the_quarantine(made: World, kind: str) -> None:
    raw = json.dumps(samples.message(kind, mobile=PERSON)).encode()
    assert receive(made, "POST", JSON, {}, raw) == 200
    made.pump()

    assert (len(made.replies), made.depth("QuarantineQueue")) == (1, 0)


def test_file_is_stored_before_its_address_expires(made: World) -> None:
    made.files = lambda url, headers: Answer(200, {}, b"jpeg" if url.endswith("s=private-signature") else b"")
    image = samples.message("image", mobile=PERSON, image=samples.file(caption="Look"))
    assert receive(made, "POST", FORM, {}, samples.form(**image)) == 200
    made.pump()

    (reply,) = made.replies
    assert (reply["type"], reply["image"]["mimeType"], reply["image"]["caption"]) == ("image", "image/jpeg", "Look")
    assert reply["image"]["mediaURL"].startswith("https://bridge.example/acme/media/")
    assert made.http.fetched == ["https://files.example/private.jpg?s=private-signature"]


def test_an_unreadable_report_by_get_is_kept_with_its_query(made: World) -> None:
    query = {"response": '[{"extra": "1|\ud800'}
    assert made.receive("acme", TOKEN, Callback("GET", {}, query, b"")).status == 200
    (kept,) = made.bodies("QuarantineQueue")
    assert kept["element"]["query"] == {"response": '[{"extra": "1|\ufffd'}


def test_opt_in_is_remembered_while_the_token_is_rotated() -> None:
    with world(acme=gupshup(opt_in="once")) as made:
        made.bsp = take
        made.send(template("r1"))
        made.pump()
        made.change_account("acme", gupshup(opt_in="once") | {"callback_token": ["n" * 40, TOKEN]})
        made.now += 300
        made.send(template("r2"))
        made.pump()

        assert [form["method"] for form in sent(made)].count("OPT_IN") == 1


@pytest.mark.parametrize(("mode", "opt_ins"), [("off", 0), ("once", 1), ("always", 3)])
def test_opt_in_is_remembered(mode: str, opt_ins: int) -> None:
    with world(acme=gupshup(opt_in=mode)) as made:
        made.bsp = take
        for number in range(3):
            made.send(template(f"a|{number}"))
            made.pump()

        methods = [form["method"] for form in sent(made)]
        assert (methods.count("OPT_IN"), methods.count("SendMessage")) == (opt_ins, 3)
        assert mode == "off" or methods[0] == "OPT_IN"


def test_a_person_with_several_messages_in_a_batch_is_opted_in_once() -> None:
    with world(acme=gupshup(opt_in="once")) as made:
        made.bsp = take
        for number in range(8):
            made.send(template(f"a|{number}"))
        made.pump()

        methods = [form["method"] for form in sent(made)]
        assert (methods.count("OPT_IN"), methods.count("SendMessage")) == (1, 8)
        assert methods[0] == "OPT_IN"


def test_a_template_without_its_id_is_refused_when_clevertap_sends_it(made: World) -> None:
    offer = {"type": "limited_time_offer", "text": "Sale", "parameters": []}
    answer = made.send(template("b|1") | {"components": [offer, *template()["components"]]})

    assert json.loads(answer.body)["error"]["code"] == 2001
    assert "provider.templates" in json.loads(answer.body)["error"]["message"]


def test_callbacks_from_elsewhere_are_forbidden() -> None:
    networks = {"source_networks": ["198.51.100.0/24"]}
    with world(acme=gupshup() | {"options": networks}) as made:
        assert receive(made, *ENVELOPES["query"]) == 403
        assert receive(made, *ENVELOPES["form"]) == 403
