"""The ledger finds what breaks a promise, and forgives what is documented, no more."""

import json
from dataclasses import replace
from typing import Any

import pytest

from local.sandbox.bsp import Delivered
from local.sandbox.files import File
from local.sandbox.wamids import new_wamid
from local.simulation.contents import PICTURE, incomplete
from local.simulation.facts import Arrived, Sent, Told, msg_id, numbers_in
from local.simulation.functions import Invocation
from local.simulation.internet import Exchange, Posted
from local.simulation.ledger import Ledger
from local.simulation.outages import Outages, probes_within
from local.simulation.plan import START, Event, Fault
from whatsapp_bridge.providers.common.message_ids import hidden

MESSAGE = Event(0, "text", "acme", 1, "27820000001")
ANSWER = Event(50, "person writes", "acme", 2, "27820000001")


def exchange(at: float, body: bytes = b"", host: str = "bsp", **changes: Any) -> Exchange:
    known: dict[str, Any] = {
        "taken": True,
        "answered": True,
        "doubtful": False,
        "owner": Invocation("DispatchFunction", 0),
    } | changes
    return Exchange(host, "/acme/incoming", body, at, **known)


def request(at: float, *, arrives: bool = True, doubtful: bool = False) -> Exchange:
    body = json.dumps({"messages": [msg_id(MESSAGE)]}).encode()
    return exchange(at, body, taken=arrives, answered=not doubtful, doubtful=doubtful)


def arrival(at: float, bsp_id: str = "bsp-1") -> Arrived:
    return Arrived(at, "acme", Delivered("acme", bsp_id, msg_id(MESSAGE), MESSAGE.to, {}, {"text": "hello n1n"}))


def ledger(**facts: Any) -> Ledger:
    hosts = {"bsp": "acme", "clevertap": "clevertap"}
    return Ledger({"acme": "gupshup"}, hosts, {1: Sent(MESSAGE, accepted=START)}, **facts)


# --- at most once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("requests", "arrived", "again"),
    [
        pytest.param([request(1)], [1], False, id="once"),
        pytest.param([request(1, doubtful=True)], [1], False, id="its answer lost"),
        pytest.param([request(1, arrives=False, doubtful=True)], [], False, id="it and its answer lost"),
        pytest.param([request(1, arrives=False), request(9)], [9], False, id="refused before"),
        pytest.param([request(1), request(9)], [1, 9], True, id="it arrived twice"),
        pytest.param([request(1, arrives=False, doubtful=True), request(9)], [9], True, id="it may have arrived"),
        pytest.param(
            [request(1, arrives=False, doubtful=True), request(9, arrives=False, doubtful=True)], [], True,
            id="both may have arrived",
        ),
    ],
)  # fmt: skip
def test_a_second_request_that_may_have_arrived(requests: list[Exchange], arrived: list[float], again: bool) -> None:
    found = ledger(exchanges=requests, arrived=[arrival(at) for at in arrived]).violations()
    assert ("doubled" in {violation.kind for violation in found}) is again


# --- excuses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "reference", "bsp_id", "doubtful", "excused"),
    [
        pytest.param("status", None, "bsp-1", True, True, id="the answer with its id was lost"),
        pytest.param("status", None, "bsp-1", False, False, id="its id was told"),
        pytest.param("status", msg_id(MESSAGE), "bsp-1", True, False, id="it names its message"),
        pytest.param("status", None, "bsp-2", True, False, id="another's id"),
        pytest.param("message", None, "bsp-1", True, False, id="no status"),
    ],
)
def test_a_quarantined_status_that_nobody_can_tie(
    kind: str, reference: str | None, bsp_id: str, doubtful: bool, excused: bool
) -> None:
    quarantined = {"kind": kind, "element": {"reference": reference, "bsp_id": bsp_id}}
    made = ledger(exchanges=[request(1, doubtful=doubtful)], arrived=[arrival(1)])
    assert made.nobody_knows(quarantined) is excused


def test_a_quarantined_status_has_the_hash_of_whatsapps_id() -> None:
    wamid = new_wamid(MESSAGE.to, sent=True)
    quarantined = {"kind": "status", "element": {"reference": None, "bsp_id": hidden("acme", wamid)}}
    made = ledger(exchanges=[request(1, doubtful=True)], arrived=[arrival(1, wamid)])
    assert made.nobody_knows(quarantined)


@pytest.mark.parametrize(
    ("answered", "dead", "writes", "excused"),
    [
        pytest.param(True, False, [], False, id="all went well"),
        pytest.param(False, False, [("msg#1", 6, True)], True, id="the answer was lost"),
        pytest.param(True, True, [], True, id="it died before the record"),
        pytest.param(True, True, [("msg#1", 6, True)], False, id="it died after the record"),
        pytest.param(True, True, [("msg#1", 4, True)], True, id="what was written before tells nothing"),
        pytest.param(True, False, [("msg#1", 6, False)], True, id="the record failed"),
        pytest.param(True, False, [("msg#1", 6, False), ("msg#1", 7, True)], False, id="and was written then"),
        pytest.param(True, False, [("msg#2", 6, False)], False, id="another message's record failed"),
    ],
)
def test_what_excuses_a_callback_that_comes_again(
    answered: bool, dead: bool, writes: list[tuple[str, float, bool]], excused: bool
) -> None:
    owner = Invocation("ForwardFunction", 0)
    owner.dead, owner.writes = dead, writes
    told = Told(5, {}, exchange(5, answered=answered, owner=owner), "msg#1")
    assert told.excused is excused


# --- replies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told_at", "found"),
    [
        pytest.param({"context": {"id": msg_id(MESSAGE)}}, 200, "", id="whole"),
        pytest.param({}, 200, "reply 2 answers", id="forgotten"),
        pytest.param({}, 60, "", id="not known yet"),
        pytest.param({"context": {"id": "9|1700000000|acme|1"}}, 60, "reply 2 answers", id="another message"),
        pytest.param(
            {"context": {"id": msg_id(MESSAGE)}, "text": {"body": "n2n"}}, 200, "without its text", id="a part of it"
        ),
    ],
)
def test_a_reply_is_reported_with_its_message_and_its_text(content: dict[str, Any], told_at: float, found: str) -> None:
    body = {"from": ANSWER.to, "text": {"body": "answer n2n"}} | content
    facts = ledger(
        exchanges=[request(START + 20), exchange(START + told_at, json.dumps(body).encode(), "clevertap")],
        arrived=[arrival(START + 20)],
        posted=[Posted(ANSWER, "reply", START + 50, START + 50)],
        answers={2: 1},
    )
    said = [str(violation) for violation in facts.violations() if "reply" in str(violation)]
    assert bool(said) is bool(found)
    assert all(found in each for each in said)


FILE, OTHER_FILE = File(PICTURE, "image/png", "picture-1.png"), File(b"", "image/png", "picture-1.png")
WITH_FILE = replace(MESSAGE, kind="template with a file")


@pytest.mark.parametrize(
    ("event", "provider", "got", "lacks"),
    [
        pytest.param(MESSAGE, "meta", {"content": {"text": "hello n1n"}}, [], id="a text"),
        pytest.param(MESSAGE, "meta", {"content": {"text": "hello n2n"}}, ["text"], id="another text"),
        pytest.param(MESSAGE, "meta", {"content": None}, ["text"], id="what the person cannot read"),
        pytest.param(WITH_FILE, "meta", {"file": FILE}, [], id="a file"),
        pytest.param(WITH_FILE, "meta", {}, ["file"], id="no file"),
        pytest.param(WITH_FILE, "meta", {"file": OTHER_FILE}, ["file"], id="another file"),
        pytest.param(WITH_FILE, "gupshup", {"wire": {"media_url": "https://a/picture-1.png"}}, [], id="its address"),
        pytest.param(
            WITH_FILE, "gupshup", {"wire": {"media_url": "https://a/picture-2.png"}}, ["file"], id="another's"
        ),
        pytest.param(WITH_FILE, "message_central", {}, [], id="a BSP whose templates have none"),
    ],
)
def test_a_message_arrives_with_its_text_and_its_file(
    event: Event, provider: str, got: dict[str, Any], lacks: list[str]
) -> None:
    whole = arrival(1)
    found = incomplete(event, replace(whole, delivered=replace(whole.delivered, **got)), provider)
    assert [str(violation) for violation in found] == [f"false: message 1 arrived without its {part}" for part in lacks]


@pytest.mark.parametrize(
    ("message", "opened", "faults", "lost"),
    [
        pytest.param({"image": {"mediaURL": "https://a", "caption": "answer n2n"}}, PICTURE, [], False, id="a file"),
        pytest.param({"image": {"mediaURL": "https://a", "caption": "answer n2n"}}, b"x", [], True, id="another file"),
        pytest.param({"image": {"mediaURL": "https://a", "caption": "answer n2n"}}, None, [], True, id="nothing"),
        pytest.param({"text": {"body": "[image not available] answer n2n"}}, None, [], True, id="no link"),
        pytest.param(
            {"text": {"body": "[image not available] answer n2n"}}, None, [Fault("500", "acme", 0, 60)], False,
            id="its BSP was away",
        ),
        pytest.param(
            {"text": {"body": "[image not available] answer n2n"}}, None, [Fault("away", "kms", 0, 60)], True,
            id="KMS, which this account does not need",
        ),
    ],
)  # fmt: skip
def test_a_reply_is_reported_with_its_file(
    message: dict[str, Any], opened: bytes | None, faults: list[Fault], lost: bool
) -> None:
    event = replace(ANSWER, kind="person sends a file")
    body = {"from": event.to, "type": next(iter(message))} | message
    facts = ledger(
        exchanges=[exchange(START + 60, json.dumps(body).encode(), "clevertap")],
        posted=[Posted(event, "reply", START + 50, START + 50)],
        answers={2: None},
        faults=faults,
        opened=lambda link: opened,
    )
    said = [str(violation) for violation in facts.violations() if "reply" in str(violation)]
    assert said == ["lost: reply 2 was reported without its file"] * lost


# --- outages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "probes"), [(0, 0), (14, 0), (15, 1), (45, 2), (105, 3), (465, 5), (764, 5), (765, 6), (1065, 7)]
)
def test_probes_come_ever_later(seconds: float, probes: int) -> None:
    assert probes_within(seconds) == probes


def of_one(*at: float) -> list[Exchange]:
    """The requests of an invocation."""
    owner = Invocation("DispatchFunction", 0)
    return [exchange(START + each, doubtful=True, owner=owner) for each in at]


def of_each(*at: float) -> list[Exchange]:
    return [exchange(START + each, doubtful=True) for each in at]


COSTLY = Fault("500", "acme", 0, 600)


@pytest.mark.parametrize(
    ("fault", "exchanges", "broken"),
    [
        pytest.param(COSTLY, of_each(*range(30, 36), 50, 80, 140, 260, 500), False, id="probes alone"),
        pytest.param(COSTLY, of_each(*range(30, 36), 60, 61), True, id="probes too early"),
        pytest.param(COSTLY, of_each(*range(30, 58)), False, id="before every process knows"),
        pytest.param(COSTLY, of_each(*range(30, 36), *range(100, 110)), True, id="it goes on"),
        pytest.param(COSTLY, of_one(30, 31, 32, 33, 34, 50, 80), False, id="probes of an invocation"),
        pytest.param(COSTLY, of_one(30, 31, 32, 33, 34, 35), True, id="an invocation goes on"),
        pytest.param(COSTLY, of_one(30, 30, 30, 30, 30, 30, 30, 30), False, id="what was under way"),
        pytest.param(
            Fault("503", "acme", 0, 600), of_each(*range(30, 36), *range(100, 110)), False, id="they cost nothing"
        ),
        pytest.param(
            Fault("500", "acme", 0, 600, 0.5), of_each(*range(30, 36), *range(100, 110)), False, id="some succeed"
        ),
    ],
)
def test_an_outage_costs_probes_once_the_breaker_is_open(fault: Fault, exchanges: list[Exchange], broken: bool) -> None:
    carried = {number: [each] for number, each in enumerate(exchanges)}
    assert bool(list(Outages([fault], exchanges, {"bsp": "acme"}, carried).violations())) is broken


# --- who waited ------------------------------------------------------------------------------------------------------


def told_failed(said_at: float, told_at: float) -> Exchange:
    status = {"msgId": msg_id(MESSAGE), "status": "failed", "timestamp": START + said_at}
    return exchange(START + told_at, json.dumps({"statuses": [status]}).encode(), "clevertap")


@pytest.mark.parametrize(
    ("facts", "waits"),
    [
        pytest.param({"arrived": [arrival(START + 700)]}, [("text", 0, 700)], id="it arrived"),
        pytest.param(
            {"exchanges": [request(START + 700, arrives=False, doubtful=True)]}, [("text", 0, 700)], id="it may have"
        ),
        pytest.param(
            {"exchanges": [told_failed(700, 3600)]},
            [("text", 0, 700), ("status", 700, 3600)],
            id="it failed, told late",
        ),
        pytest.param(
            {"exchanges": [told_failed(700, 3600)], "interrupted": {1}}, [("status", 700, 3600)], id="dispatch died"
        ),
        pytest.param({}, [], id="nothing came of it"),
    ],
)
def test_how_long_somebody_waited(facts: dict[str, Any], waits: list[tuple[str, float, float]]) -> None:
    found = ledger(**facts).waits()
    assert [(wait.what, wait.start - START, wait.end - START) for wait in found] == waits


def test_a_status_that_clevertap_has_no_use_for_is_none_that_waits() -> None:
    """A BSP's "queued", which came before the others that the BSP had to repeat."""
    about = arrival(START).delivered
    heard = [Posted(about, "status", START + 1, START + at) for at in (5, 4000, 4100, 4200)]
    told = {"msgId": msg_id(MESSAGE), "status": "sent", "timestamp": START + 1}
    facts = ledger(
        posted=heard,
        arrived=[arrival(START + 1)],
        exchanges=[exchange(START + 4001, json.dumps({"statuses": [told]}).encode(), "clevertap")],
    )
    facts.providers = {"acme": "clickatell"}
    assert [wait.start - START for wait in facts.waits() if wait.what == "status"] == [4000]


# --- which messages a request carries --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "by_id", "numbers"),
    [
        pytest.param(
            "/send", b'[{"id": "1|1700000000|acme|1"}, {"id": "22|1700000000|acme|1"}]', True, {1, 22}, id="ids"
        ),
        pytest.param("/send?msg_id=7%7C1700000000%7Cacme%7C1", b"", True, {7}, id="in the address"),
        pytest.param("/send", b"msg=Order+n12n.&send_to=2782", False, {12}, id="texts"),
        pytest.param("/send", b'{"id": "7|1700000000|acme|1", "text": "base64n5n"}', True, {7}, id="an id is better"),
        pytest.param("/media?key=KC5X%2BlLn21n2yop", b"\xa8n7n", True, set(), id="a key that looks like a text"),
        pytest.param("/token", b"grant", False, set(), id="none"),
    ],
)
def test_the_messages_of_a_request(path: str, body: bytes, by_id: bool, numbers: set[int]) -> None:
    assert numbers_in(Exchange("bsp", path, body, 0, True, True, False, None), by_id=by_id) == numbers


# --- what could be done ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "fault", "lost"),
    [
        pytest.param(START, Fault("403", "acme", 0, 600), False, id="its BSP refuses for as long as it may be sent"),
        pytest.param(START, Fault("403", "acme", 0, 100), True, id="its BSP was well for long enough"),
        pytest.param(None, Fault("403", "acme", 0, 600), False, id="queued, though CleverTap had no answer"),
        pytest.param(None, Fault("403", "acme", 0, 100), True, id="the same, and its BSP was well"),
        pytest.param(START, Fault("away", "dynamodb", 0, 600), False, id="no message can be claimed"),
        pytest.param(START, Fault("slow", "acme", 0, 600), True, id="its BSP is slow, and answers"),
        pytest.param(START, Fault("away", "s3", 0, 600), True, id="S3, which nothing that is sent needs"),
        pytest.param(START, Fault("away", "kms", 0, 600), True, id="KMS, which this account does not need"),
    ],
)
def test_a_message_that_is_given_up(accepted: float | None, fault: Fault, lost: bool) -> None:
    facts = ledger(exchanges=[told_failed(600, 601)], faults=[fault])
    facts.sent = {1: Sent(MESSAGE, accepted)}
    assert [violation.kind for violation in facts.violations()] == (["lost"] if lost else [])


def test_an_account_that_encrypts_needs_kms() -> None:
    away = Fault("away", "kms", 0, 600)
    assert ledger(exchanges=[told_failed(600, 601)], faults=[away], encrypted={"acme"}).violations() == []


@pytest.mark.parametrize(
    ("answers", "fault", "lost"),
    [
        pytest.param(["HTTP 500"] * 4, Fault("away", "sqs", 0, 60), False, id="nothing could be stored"),
        pytest.param(["HTTP 500"] * 4, Fault("away", "dynamodb", 0, 60), True, id="send does not need DynamoDB"),
        pytest.param(
            ["Throttled"] * 4, Fault("away", "dynamodb", 0, 60), False, id="never room for one more invocation"
        ),
        pytest.param(["Throttled", "HTTP 500"], Fault("away", "dynamodb", 0, 60), True, id="room for one try"),
    ],
)
def test_a_message_that_is_not_accepted(answers: list[str], fault: Fault, lost: bool) -> None:
    facts = ledger(faults=[fault])
    facts.sent = {1: Sent(MESSAGE, None, answers)}
    assert [violation.kind for violation in facts.violations()] == (["lost"] if lost else [])


@pytest.mark.parametrize(
    ("repeats", "arrived", "late"),
    [
        pytest.param((), 600, False, id="within its limit"),
        pytest.param((), 700, True, id="after it"),
        pytest.param((400.0,), 900, False, id="within the limit of a repeat"),
        pytest.param((400.0,), 1100, True, id="after that"),
    ],
)
def test_a_message_that_is_sent_late(repeats: tuple[float, ...], arrived: float, late: bool) -> None:
    facts = ledger(exchanges=[request(START + arrived)], arrived=[arrival(START + arrived)])
    facts.sent = {1: Sent(replace(MESSAGE, repeats=repeats), START)}
    assert any("after it was accepted" in str(violation) for violation in facts.violations()) is late
