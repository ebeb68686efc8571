"""Templates have no id until a status brings one: which of them it is that CleverTap is told of."""

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError
from openpyxl import load_workbook

from tests.providers.cloud_api import samples as meta
from tests.providers.message_central import samples
from tests.providers.message_central.samples import query, refused, said, sent, statuses
from tests.support.world import (
    BSP_URL,
    INCOMING_URL,
    LOST,
    STATUS_URL,
    TOKEN,
    Killed,
    World,
    freeform,
    keys_of,
    world,
)
from whatsapp_bridge.clevertap.answers import SUCCESS
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.store.claims import Claim

ANN, BEN = "27820000001", "27820000002"
LADDER = ("sent", "delivered", "read")
SECRET = samples.secret(BSP_URL, token=samples.TOKEN) | {
    "clevertap": {
        "authorization": [{"type": "basic", "username": "user", "password": "a-long-password"}],
        "status_url": STATUS_URL,
        "incoming_url": INCOMING_URL,
    },
    "callback_token": TOKEN,
}


def template(msg_id: str, to: str = ANN) -> dict[str, Any]:
    return {
        "payloadVersion": 0.1,
        "to": f"+{to}",
        "wabaNumber": "27999000001",
        "isTemplate": True,
        "msgId": msg_id,
        "template": {"namespace": "order_update", "languageCode": "en"},
        "components": [{"type": "body", "body": {"text": "", "parameters": [{"type": "text", "text": msg_id}]}}],
    }


def taken(url: str, payload: Any) -> Answer | Exception:
    """Every message is; a chat's id is `wamid.` and its text."""
    said_of = query(url)
    return said(200, sent(f"wamid.{said_of['message']}" if said_of["type"] == "CHAT" else None))


@pytest.fixture
def made() -> Iterator[World]:
    with world(acme=SECRET) as fresh:
        fresh.bsp = taken
        yield fresh


def send(made: World, *messages: dict[str, Any]) -> None:
    """One after another, a second apart."""
    for message in messages:
        assert made.send(message) == SUCCESS
        made.run()
        made.now += 1


def report(made: World, wamid: str, *names: str, to: str = ANN, at: int | None = None) -> None:
    """A webhook of Message Central's; `at` in seconds since 1970."""
    raw = statuses(*names, wamid=wamid, recipient_id=to, timestamp=str(int(made.now) if at is None else at))
    assert made.callback(raw).status == 200


def told_of(made: World, msg_id: str) -> tuple[str, ...]:
    return tuple(status for reference, status in made.told if reference == msg_id)


def left(made: World) -> dict[str, int]:
    """What nobody could make use of."""
    depths = {name: made.depth(name) for name in made.deployment.queues}
    return {name: depth for name, depth in depths.items() if depth}


# --- templates -------------------------------------------------------------------------------------------------------


def test_a_template_is_found_by_its_recipient(made: World) -> None:
    send(made, template("a"))
    for name in LADDER:
        report(made, "w1", name)
        made.pump()

    assert made.told == [("a", name) for name in LADDER]
    assert left(made) == {}


def test_what_forward_binds_is_kept_as_long_as_the_messages(made: World) -> None:
    send(made, template("a"))
    days = int(made.deployment.functions["ForwardFunction"].environment["MESSAGE_TTL_DAYS"])
    made.now += 60
    report(made, "w1", "sent")
    made.pump()
    recipient = keys_of().pseudonym(ANN)
    item = made.table.get(f"waiting#acme#{recipient}")
    assert item is not None
    assert item["expires_at"] == pytest.approx(made.now + days * 86_400, abs=1)


@pytest.mark.parametrize(
    "reports",
    [
        pytest.param([("w1", LADDER), ("w2", LADDER)], id="one after the other"),
        pytest.param([("w1", ("sent",)), ("w2", LADDER), ("w1", ("delivered", "read"))], id="interleaved"),
        pytest.param([("w1", ("read",)), ("w2", ("delivered",)), ("w2", ("sent", "read"))], id="out of order"),
        pytest.param([("w1", ("read", "sent")), ("w1", LADDER), ("w2", LADDER), ("w2", LADDER)], id="repeated"),
    ],
)
def test_two_templates_to_one_person(made: World, reports: list[tuple[str, tuple[str, ...]]]) -> None:
    send(made, template("a"), template("b"))
    for wamid, names in reports:
        report(made, wamid, *names)
        made.pump()

    assert (told_of(made, "a"), told_of(made, "b")) == (LADDER, LADDER)
    assert left(made) == {}


def test_the_one_that_happened_first_is_the_first_template_s(made: World) -> None:
    send(made, template("a"), template("b"))
    # They come together, in the wrong order; the failure tells which is which.
    report(made, "w2", "delivered", at=int(made.now) + 9)
    raw = statuses("failed", wamid="w1", recipient_id=ANN, timestamp=str(int(made.now)), errors=[meta.error(131026)])
    made.callback(raw)
    made.pump()

    assert (told_of(made, "a"), told_of(made, "b")) == (("failed",), ("sent", "delivered"))


def test_everybody_has_their_own(made: World) -> None:
    send(made, template("a", ANN), template("b", BEN))
    report(made, "w2", "read", to=BEN)
    report(made, "w1", "sent", to=ANN)
    made.pump()

    assert (told_of(made, "a"), told_of(made, "b")) == (("sent",), LADDER)


def test_a_status_before_the_answer(made: World) -> None:
    def quick(url: str, payload: Any) -> Answer | Exception:
        report(made, "w1", "sent")
        made.run()
        return taken(url, payload)

    made.bsp = quick
    send(made, template("a"))
    made.pump()

    assert told_of(made, "a") == ("sent",)
    assert left(made) == {}


def test_a_template_that_is_refused_waits_for_nothing(made: World) -> None:
    made.bsp = lambda url, payload: said(200, refused(804))
    send(made, template("a"))
    made.bsp = taken
    send(made, template("b"))
    report(made, "w1", *LADDER)
    made.pump()

    assert (told_of(made, "a"), told_of(made, "b")) == (("failed",), LADDER)


def test_a_template_that_is_sent_later_waits_since_then(made: World) -> None:
    made.bsp = lambda url, payload: said(429, {}, retry_after="60")
    send(made, template("a"))
    made.bsp = taken
    send(made, template("b"))
    report(made, "wb", "sent")
    made.pump(hours=0.1)
    report(made, "wa", "read")
    made.pump()

    assert (told_of(made, "a"), told_of(made, "b")) == (LADDER, ("sent",))


def test_a_template_costs_one_write_more(made: World) -> None:
    """A claim, that it waits, its outcome."""
    made.send(template("the first of a process", BEN))
    made.run()
    made.send(template("a"))
    made.steps.clear()
    made.run()

    assert [step for step in made.steps if step == "after UpdateItem"] == ["after UpdateItem"] * 3


# --- chats in between ------------------------------------------------------------------------------------------------


def test_a_chat_in_between(made: World) -> None:
    send(made, template("a"), freeform("c", ANN, "hello"), template("b"))
    for wamid in ("wamid.hello", "w1", "w2"):
        report(made, wamid, *LADDER)
        made.pump()

    assert [told_of(made, name) for name in ("a", "b", "c")] == [LADDER] * 3
    assert left(made) == {}


def test_a_status_before_the_answer_is_not_bound_to_another_message(made: World) -> None:
    def quick(url: str, payload: Any) -> Answer | Exception:
        if query(url)["type"] == "CHAT":
            report(made, "wamid.hello", "sent")
            made.run()
            assert made.told == [], "whose it is cannot be known yet"
        return taken(url, payload)

    made.bsp = quick
    send(made, template("a"), freeform("c", ANN, "hello"))
    made.pump()
    assert (told_of(made, "a"), told_of(made, "c")) == ((), ("sent",))

    report(made, "w1", *LADDER)
    made.pump()
    assert told_of(made, "a") == LADDER
    assert left(made) == {}


# --- answers that are lost -------------------------------------------------------------------------------------------

KINDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "template": template,
    "chat": lambda msg_id: freeform(msg_id, ANN, "hello"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_status_makes_up_for_a_lost_answer(made: World, kind: str) -> None:
    made.bsp = lambda url, payload: LOST
    send(made, KINDS[kind]("a"))
    report(made, "w1", "sent")
    made.pump()

    assert told_of(made, "a") == ("sent",)
    assert len(made.bsp_requests) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_that_is_given_up_takes_no_other_s_id(made: World, kind: str) -> None:
    made.bsp = lambda url, payload: LOST
    send(made, KINDS[kind]("a"))
    made.pump()
    assert told_of(made, "a") == ("failed",)

    made.bsp = taken
    send(made, template("b"))
    report(made, "w1", *LADDER)
    made.pump()
    assert (told_of(made, "a"), told_of(made, "b")) == (("failed",), LADDER)


@pytest.mark.parametrize("bulk", [False, True], ids=["singly", "as a sheet"])
def test_templates_that_come_together_wait_in_the_order_in_which_they_leave(bulk: bool) -> None:
    # By name they come the other way round, and the clock stands still.
    names = [f"t{9 - number}" for number in range(5)]
    with world(acme=SECRET | {"options": {"bulk": bulk}}) as made:
        made.bsp = taken
        for name in names:
            assert made.send(template(name)) == SUCCESS
            assert made.send(template(f"{name}-ben", BEN)) == SUCCESS
        made.run()

        left_as = sent_variables(made)
        assert len(left_as) == 10
        for to in (ANN, BEN):
            recipient = keys_of().pseudonym(to)
            found = [made.waiting.bind("acme", [recipient], f"w{number}") for number in range(6)]
            assert found == [*(name for name in left_as if name.endswith("ben") is (to == BEN)), None]


def sent_variables(made: World) -> list[str]:
    """The values of all templates, in the order in which they left."""
    found = []
    for url, body, headers in made.bsp_requests:
        if body is None:
            found.append(query(url)["variables"])
        else:
            _, _, content = samples.file_of(body, {name.lower(): value for name, value in headers.items()})
            (page,) = load_workbook(BytesIO(content)).worksheets
            found += [str(row[4]) for row in page.iter_rows(min_row=2, values_only=True)]
    return found


def test_a_message_that_another_delivery_has_sent_does_not_wait_again(made: World) -> None:
    """The queue hands a message out twice; one delivery is through with it before the other one claims it."""
    claim = made.claims.claim

    def settled_meanwhile(account: str, reference: str, *given: Any, **how: Any) -> Claim:
        claim(account, reference, "another queue message", "somebody", "another delivery", sending=True)
        made.claims.settle(account, reference, "accepted")
        return claim(account, reference, *given, **how)

    made.claims.claim = settled_meanwhile  # type: ignore[method-assign]
    assert made.send(template("a")) == SUCCESS
    made.run()

    assert made.bsp_requests == []
    recipient = keys_of().pseudonym(ANN)
    assert made.waiting.bind("acme", [recipient], "w1") is None


def test_a_message_that_cannot_be_expected_is_sent_later(made: World) -> None:
    refusals = iter([ClientError({"Error": {"Code": "ThrottlingException", "Message": "private"}}, "UpdateItem")])
    made.fail = lambda name, params: (
        next(refusals, None) if name == "UpdateItem" and "waiting#" in str(params["Key"]) else None
    )
    assert made.send(template("a")) == SUCCESS
    made.run()
    assert made.bsp_requests == []

    made.pump()
    report(made, "w1", *LADDER)
    made.pump()
    assert (told_of(made, "a"), len(made.bsp_requests)) == (LADDER, 1)


# --- what belongs to nothing -----------------------------------------------------------------------------------------


def test_an_id_that_finds_nothing_is_retried_and_then_quarantined(made: World) -> None:
    send(made, template("a"))
    report(made, "w1", "sent")
    report(made, "elsewhere", "sent", at=int(made.now) + 1)
    made.pump(hours=0.5)
    assert left(made) == {"StatusesQueue": 1}

    made.pump(hours=2)
    assert left(made) == {"QuarantineQueue": 1}
    assert made.told == [("a", "sent")]


def test_an_id_that_comes_long_before_its_message_is_recorded_finds_it(made: World) -> None:
    report(made, "w1", "sent")
    made.run()
    made.now += 600
    send(made, template("a"))
    made.pump()

    assert made.told == [("a", "sent")]


def test_a_status_without_a_recipient_finds_nothing(made: World) -> None:
    send(made, template("a"))
    made.callback(statuses("sent", wamid="w1", recipient_id=None))
    made.pump(hours=3)

    assert (made.told, left(made)) == ([], {"QuarantineQueue": 1})


def test_validation_messages_take_an_id_and_are_not_reported(made: World) -> None:
    made.change_account("acme", SECRET | {"options": {"send_template_validations": True}})
    send(made, template("0|0|0|0"), template("a"))
    report(made, "w1", *LADDER)
    report(made, "w2", "sent", at=int(made.now) + 1)
    made.pump()

    assert (made.told, left(made)) == ([("a", "sent")], {})


def test_a_number_is_on_no_queue_of_statuses(made: World) -> None:
    report(made, "w1", "sent")

    (body,) = made.bodies("StatusesQueue")
    assert ANN not in json.dumps(body)
    assert body["status"]["recipient"]


# --- replies ---------------------------------------------------------------------------------------------------------


def test_an_answer_to_a_template_names_it(made: World) -> None:
    send(made, template("a"))
    report(made, "w1", *LADDER)
    made.pump()
    made.callback(meta.events(messages=[meta.text("m1", **{"from": ANN, "context": {"id": "w1"}})]))
    made.pump()

    assert [reply["context"] for reply in made.replies] == [{"id": "a"}]


def test_a_file_that_cannot_be_fetched_is_reported_as_text(made: World) -> None:
    message = {key: value for key, value in meta.file("image", "m1", caption="Look").items() if key != "context"}
    del message["image"]["url"]
    made.callback(meta.events(messages=[message]))
    made.pump()

    assert [reply["text"] for reply in made.replies] == [{"body": "[image not available] Look"}]


# --- killed between the steps ----------------------------------------------------------------------------------------


def until_answered(request: Callable[[], Any]) -> None:
    try:
        request()
    except Killed:
        request()


def play(made: World) -> None:
    """Two templates and a chat to one person, and what becomes of them, until the queues are empty."""
    for message in (template("a"), freeform("c", ANN, "hello"), template("b")):
        until_answered(lambda message=message: made.send(message))
        made.run()
        made.now += 1
    # A delivery that died comes again; it is not too late for statuses yet.
    made.now += int(made.deployment.queues["CampaignQueue"].attributes["VisibilityTimeout"])
    made.run()
    if len(made.bsp_requests) == 3:
        for wamid in ("w1", "wamid.hello", "w2"):
            for name in LADDER:
                until_answered(lambda wamid=wamid, name=name: report(made, wamid, name))
                made.run()
    made.pump(hours=3)


def test_nothing_is_lost_or_doubled(subtests: pytest.Subtests) -> None:
    with world(acme=SECRET) as made:
        made.bsp = taken
        play(made)
        steps = made.steps
        assert [told_of(made, name) for name in ("a", "c", "b")] == [LADDER] * 3
    for kill_at in [number for number, step in enumerate(steps, 1) if step.startswith("after") or number == 1]:
        with subtests.test(f"killed {steps[kill_at - 1]} ({kill_at})"), world(acme=SECRET) as made:
            made.bsp = taken
            made.kill_at = kill_at
            play(made)
            assert made.steps[:kill_at] == steps[:kill_at]
            check(made)


def check(made: World) -> None:
    values = [query(url).get("variables", "c") for url, _, _ in made.bsp_requests]
    assert len(set(values)) == len(values), "no message is sent twice"
    for name in ("a", "c", "b"):
        told = tuple(dict.fromkeys(told_of(made, name)))
        assert told == (LADDER if len(values) == 3 else ("failed",) if name not in values else told)
    # Where a message has not left, nothing is reported, and those that have are left alone.
    assert {name: depth for name, depth in left(made).items() if name != "QuarantineQueue"} == {}
    assert len(values) == 3 or made.depth("QuarantineQueue") == 0


def test_a_lost_answer_is_not_a_failure_beside_a_status_found_by_its_recipient(made: World) -> None:
    made.bsp = lambda url, payload: LOST
    send(made, template("a"))
    # The confirmation and the status come in one batch.
    made.now += 899.5
    report(made, "wamid.a", "delivered")
    made.pump()
    assert told_of(made, "a") == ("sent", "delivered")


# --- replies before the first status ---------------------------------------------------------------------------------


def tap(made: World, wamid: str, sender: str = ANN, of: str = "27999000001") -> None:
    message = meta.button("m1") | {"from": sender, "context": {"from": of, "id": wamid}}
    assert made.callback(meta.events(messages=[message])).status == 200


@pytest.mark.parametrize(
    ("waiting", "answered_by", "of", "context"),
    [
        pytest.param([template("a")], ANN, "27999000001", {"id": "a"}, id="to the only one"),
        pytest.param([template("a"), template("b")], ANN, "27999000001", None, id="to one of two"),
        pytest.param([template("a")], BEN, "27999000001", None, id="of somebody else"),
        pytest.param([], ANN, "27999000001", None, id="to nothing of ours"),
        pytest.param([template("a")], ANN, ANN, None, id="to a message of their own"),
    ],
)
def test_a_reply_before_the_first_status(
    made: World, waiting: list[dict[str, Any]], answered_by: str, of: str, context: Any
) -> None:
    send(made, *waiting)
    tap(made, "w1", answered_by, of)
    made.pump()
    for message in waiting:
        report(made, f"w-{message['msgId']}" if of == ANN else "w1" if message is waiting[0] else "w2", *LADDER)
        made.pump()

    (reply,) = made.replies
    assert reply.get("context") == context
    assert all(told_of(made, message["msgId"]) == LADDER for message in waiting)


def test_a_reply_to_one_of_two_whose_id_is_known(made: World) -> None:
    send(made, template("a"), template("b"))
    report(made, "w1", "sent")
    made.pump()
    tap(made, "w1")
    made.pump()

    (reply,) = made.replies
    assert reply["context"] == {"id": "a"}


def asking(msg_id: str) -> dict[str, Any]:
    """A template with a quick reply, and a payload that Message Central has no place for."""
    button = {
        "type": "button",
        "index": 0,
        "subType": "quickReply",
        "buttonText": "Yes",
        "parameters": [{"type": "payload", "payload": "pay|yes"}],
    }
    message = template(msg_id)
    return message | {"components": [*message["components"], button]}


@pytest.mark.parametrize("known", [True, False], ids=["after the first status", "before it"])
def test_a_tap_brings_back_the_payload_that_message_central_never_got(made: World, known: bool) -> None:
    send(made, asking("a"))
    if known:
        report(made, "w1", "sent")
        made.pump()
    message = meta.button("m1", payload="YES", text="YES") | {
        "from": ANN,
        "context": {"from": "27999000001", "id": "w1"},
    }
    assert made.callback(meta.events(messages=[message])).status == 200
    made.pump()

    (reply,) = made.replies
    assert (reply["button"], reply["context"]) == ({"payload": "pay|yes", "text": "YES"}, {"id": "a"})
    assert "pay" not in str(made.bsp_requests)


# --- people without a number -----------------------------------------------------------------------------------------

USER = "ZA.1029384756102938475610"


def seen(number: str = ANN, user: str = USER) -> bytes:
    """A message with number and user id."""
    return meta.events(messages=[meta.text("m1", context={}, **{"from": number, "from_user_id": user})])


def of_user(name: str, wamid: str, **others: Any) -> bytes:
    """A status that has the user id alone, and whatever else the webhook has."""
    hidden = meta.status(name, None, id=wamid, recipient_id=None, recipient_user_id=USER)
    if name == "failed":
        hidden["errors"] = [{"code": 131026, "title": "Message undeliverable"}]
    return meta.events(statuses=[hidden], **others)


def callback(made: World, raw: bytes) -> None:
    assert made.callback(raw).status == 200


BOTH = {"wa_id": ANN, "user_id": USER}


@pytest.mark.parametrize(
    ("before", "beside"),
    [
        pytest.param([seen()], {}, id="of somebody who was seen with it before"),
        pytest.param([], {"contacts": [BOTH]}, id="with the number in the webhook's contacts"),
    ],
)
@pytest.mark.parametrize("name", ["delivered", "read", "failed"])
def test_a_status_without_a_number_finds_the_person_s_template(
    made: World, before: list[bytes], beside: dict[str, Any], name: str
) -> None:
    for raw in before:
        callback(made, raw)
    made.pump()
    send(made, template("a"))
    callback(made, of_user(name, "w1", **beside))
    made.pump()
    assert told_of(made, "a")[-1:] == (name,)
    assert left(made) == {}


@pytest.mark.parametrize(
    "before",
    [
        pytest.param([], id="of somebody who was never seen with it"),
        pytest.param([seen(BEN, "ZA.5")], id="of another person than was seen"),
    ],
)
def test_a_status_without_a_number_takes_nobody_else_s_template(made: World, before: list[bytes]) -> None:
    for raw in before:
        callback(made, raw)
    made.pump()
    send(made, template("a", BEN))
    callback(made, of_user("delivered", "w1"))
    made.pump(hours=3)
    assert (made.told, left(made)) == ([], {"PeopleQuarantineQueue": 1})


def test_a_status_without_a_number_waits_until_the_person_is_seen(made: World) -> None:
    send(made, template("a"))
    callback(made, of_user("delivered", "w1"))
    made.run()
    callback(made, seen())
    made.pump()
    assert told_of(made, "a") == ("sent", "delivered")


def test_a_reply_without_a_number_before_the_first_status_names_its_template(made: World) -> None:
    callback(made, seen())
    made.pump()
    send(made, template("a"))
    answer = {"from": None, "from_user_id": USER, "context": {"from": "27999000001", "id": "w1"}}
    callback(made, meta.events(messages=[meta.text("m2", **answer)]))
    made.pump()

    assert [reply.get("context") for reply in made.replies] == [None, {"id": "a"}]


def test_a_status_of_a_known_id_asks_nobody_s_number(made: World) -> None:
    callback(made, seen())
    send(made, template("a"))
    callback(made, of_user("sent", "w1"))
    made.pump()
    made.now += 7200
    asked: list[str] = []

    def noticing(called: str, given: Any) -> None:
        if "user_id#" in repr(given.get("Key")):
            asked.append(called)

    made.fail = noticing
    callback(made, of_user("read", "w1"))
    made.pump()
    assert (told_of(made, "a"), asked) == (LADDER, [])


def test_a_user_id_is_on_no_queue_of_statuses(made: World) -> None:
    callback(made, of_user("sent", "w1"))
    (body,) = made.bodies("StatusesQueue")
    assert USER not in json.dumps(body)
