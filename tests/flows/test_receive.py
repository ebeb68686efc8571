"""incoming and status: whose callbacks are taken, and that all that is acknowledged is stored."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.conftest import Log
from tests.support.world import START, TOKEN, World, account, json_answer, mo_text, status_update, template, world
from whatsapp_bridge.flows.receive import Acknowledgement, callback_of
from whatsapp_bridge.providers.clickatell import inbound
from whatsapp_bridge.providers.contract.inbound import Callback, ReportedError
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.store.queues import NotStored

PRIVATE = ("27820000001", "820000001", "a reply", "Ann", TOKEN, "Canary")
QUEUES = ("RepliesQueue", "StatusesQueue", "QuarantineQueue")


@pytest.fixture
def made() -> Iterator[World]:
    with world(acme=account(), other=account(callback_token="o" * 40)) as fresh:
        yield fresh


def depths(made: World) -> tuple[int, ...]:
    return tuple(made.depth(queue) for queue in QUEUES)


def callback(**events: Any) -> dict[str, Any]:
    return {"integrationId": "i", "integrationName": "n", "event": events}


def reply(**changes: Any) -> dict[str, Any]:
    element: dict[str, Any] = mo_text(**changes)["event"]["moText"][0]
    return element


def update(reference: str | None, code: int, **changes: Any) -> dict[str, Any]:
    element: dict[str, Any] = status_update(reference, code)["event"]["messageStatusUpdate"][0]
    return element | changes


# --- who is let in --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "token"),
    [
        pytest.param("acme", "", id="no token"),
        pytest.param("acme", "Canary", id="wrong token"),
        pytest.param("acme", TOKEN[:-1], id="a part of the token"),
        pytest.param("acme", "o" * 40, id="another account's token"),
        pytest.param("acme", "ü" * 40, id="beyond ASCII"),
        pytest.param("nobody", TOKEN, id="unknown account"),
        pytest.param("Canary/..", TOKEN, id="no account's name"),
    ],
)
@pytest.mark.parametrize("body", [pytest.param(mo_text(), id="callback"), pytest.param(b"Canary", id="no callback")])
def test_forbidden(
    made: World, log: Log, counted: Callable[[], dict[str, int]], name: str, token: str, body: Any
) -> None:
    assert made.callback(body, account=name, token=token) == Acknowledgement(403, "forbidden")
    assert depths(made) == (0, 0, 0)
    assert counted() == {"CallbacksForbidden": 1}
    assert not [private for private in PRIVATE if private in log.text]


NETWORKS = ["203.0.113.0/24", "2001:db8::/32", "198.51.100.7"]


@pytest.mark.parametrize(
    ("networks", "source", "status"),
    [
        pytest.param([], "192.0.2.1", 200, id="no networks named"),
        pytest.param([], "", 200, id="no networks named, no address"),
        pytest.param(NETWORKS, "203.0.113.200", 200, id="in the first"),
        pytest.param(NETWORKS, "2001:db8::1", 200, id="IPv6"),
        pytest.param(NETWORKS, "198.51.100.7", 200, id="a single address"),
        pytest.param(NETWORKS, "198.51.100.8", 403, id="beside the single address"),
        pytest.param(NETWORKS, "203.0.114.1", 403, id="outside"),
        pytest.param(NETWORKS, "2001:db9::1", 403, id="outside, IPv6"),
        pytest.param(NETWORKS, "", 403, id="no address"),
        pytest.param(NETWORKS, "Canary", 403, id="no address but a word"),
    ],
)
def test_source_networks(
    log: Log, counted: Callable[[], dict[str, int]], networks: list[str], source: str, status: int
) -> None:
    with world(acme=account(options={"source_networks": networks})) as made:
        answers = [made.callback(mo_text(), source=source)]
        answers.append(made.receive("acme", TOKEN, Callback("GET", {}, {}, b"", source)))
        assert answers[0].status == status
        assert depths(made) == ((1, 0, 0) if status == 200 else (0, 0, 0))
        # A verification of the URL comes from the BSP, too.
        assert answers[1].status == (400 if status == 200 else 403)
        assert counted().get("CallbacksForbidden", 0) == (0 if status == 200 else 2)
        assert "Canary" not in log.text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b" \n", id="spaces"),
        pytest.param(b"[]", id="an empty list"),
        pytest.param(b"null", id="null"),
        pytest.param(b"{}", id="an empty object"),
        pytest.param(b'{"event": null}', id="a null event"),
    ],
)
def test_a_test_of_the_url_is_answered_and_counted(
    made: World, log: Log, counted: Callable[[], dict[str, int]], body: bytes
) -> None:
    assert made.callback(body) == Acknowledgement(200)
    assert depths(made) == (0, 0, 0)
    assert counted() == {"CallbacksEmpty": 1, "EventsReceived": 0}
    assert log.messages() == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'["Canary"]', id="a list"),
        pytest.param(b'{"Canary": 1}', id="no event"),
        pytest.param(b'{"event": "Canary"}', id="event is a text"),
        pytest.param(b'{"event": ["Canary"]}', id="event is a list"),
    ],
)
def test_an_unknown_shape_is_quarantined_whole(
    made: World, log: Log, counted: Callable[[], dict[str, int]], body: bytes
) -> None:
    assert made.callback(body) == Acknowledgement(200)
    assert counted() == {"CallbacksMalformed": 1, "EventsQuarantined": 1, "EventsReceived": 1}
    (kept,) = made.bodies("QuarantineQueue")
    assert (kept["kind"], kept["reason"]) == ("body", "no event object")
    assert b64decode(kept["element"]["base64"]) == body
    assert log.messages() == ["quarantined"]
    assert not [private for private in PRIVATE if private in log.text]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"Canary", id="no JSON"),
        pytest.param(b"\xff\xfe\x00", id="bytes"),
        pytest.param(b"[" * 100_000, id="deeply nested"),
        pytest.param(b"\x00" * 400_000, id="large"),
    ],
)
def test_an_unreadable_body_is_quarantined_whole(
    made: World, log: Log, counted: Callable[[], dict[str, int]], body: bytes
) -> None:
    sent_with = {"content-type": "text/plain; charset=\udcff"}
    assert made.callback(body, headers=sent_with) == Acknowledgement(200)
    assert counted() == {"CallbacksUnreadable": 1, "EventsQuarantined": 1, "EventsReceived": 1}
    (kept,) = made.bodies("QuarantineQueue")
    if "s3" in kept:
        kept = json.loads(made.s3.get_object(Bucket="test-payloadsbucket", Key=kept["s3"])["Body"].read())
    assert kept == {
        "account": "acme",
        "kind": "body",
        "reason": "neither JSON nor a form",
        "element": {"base64": b64encode(body).decode(), "content_type": "text/plain; charset=\ufffd", "query": {}},
        "received": int(START),
    }
    assert log.messages() == ["quarantined"]
    assert not [private for private in PRIVATE if private in log.text]
    assert depths(made)[:2] == (0, 0)


def test_an_unreadable_body_that_cannot_be_kept_is_not_acknowledged(made: World) -> None:
    error = ClientError({"Error": {"Code": "InternalError"}}, "SendMessageBatch")
    made.fail = lambda operation, parameters: error if "Quarantine" in parameters.get("QueueUrl", "") else None
    with pytest.raises(NotStored):
        made.callback(b"Canary")


def test_a_replayed_body_is_read_when_its_fault_is_mended(made: World) -> None:
    made.callback(json.dumps(mo_text()).encode()[:-1])
    (kept,) = made.bodies("QuarantineQueue")
    assert made.callback(b64decode(kept["element"]["base64"]) + b"}").status == 200
    made.pump()
    assert len(made.replies) == 1


def test_get_without_a_challenge(made: World, counted: Callable[[], dict[str, int]]) -> None:
    assert made.receive("acme", TOKEN, Callback("GET", {}, {}, b"")) == Acknowledgement(400, "empty")
    assert counted() == {"CallbacksEmpty": 1}
    assert made.receive("acme", "wrong", Callback("GET", {}, {}, b"")).status == 403
    assert depths(made) == (0, 0, 0)


def test_get_with_fields_that_nobody_knows_is_kept(made: World) -> None:
    assert made.receive("acme", TOKEN, Callback("GET", {}, {"hub.challenge": "x"}, b"")).status == 200
    (kept,) = made.bodies("QuarantineQueue")
    assert kept["element"]["query"] == {"hub.challenge": "x"}


def test_a_reply_without_a_time_has_that_of_its_arrival(made: World) -> None:
    made.callback(callback(moText=[reply(timestamp=None)]))
    made.now += 600
    made.pump()
    assert [told["timestamp"] for told in made.replies] == [str(int(START))]


def test_a_reply_that_an_older_version_has_queued_has_the_time_of_the_queue(made: World) -> None:
    made.callback(callback(moText=[reply(timestamp=None)]))
    (body,) = made.emptied("RepliesQueue")
    assert body.pop("received") == int(START)
    made.now += 60
    made.sqs.send_message(
        QueueUrl=made.url("RepliesQueue"), MessageBody=json.dumps(body), MessageGroupId="a", MessageDeduplicationId="b"
    )
    made.pump()
    assert [told["timestamp"] for told in made.replies] == [str(int(START) + 60)]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param("12345", Acknowledgement(200, "12345"), id="right"),
        pytest.param(None, Acknowledgement(403, "forbidden"), id="neither challenge nor proof"),
    ],
)
def test_challenge(made: World, monkeypatch: pytest.MonkeyPatch, answer: str | None, expected: Acknowledgement) -> None:
    """Of a BSP that verifies callback URLs and signs its callbacks."""
    adapter = "whatsapp_bridge.providers.clickatell.inbound"
    monkeypatch.setattr(f"{adapter}.challenge", lambda callback, account: answer)
    monkeypatch.setattr(f"{adapter}.authentic", lambda callback, account: False)
    assert made.receive("acme", TOKEN, Callback("GET", {}, {}, b"")) == expected
    assert made.receive("acme", TOKEN, Callback("POST", {}, {}, json.dumps(mo_text()).encode())).status == 403
    assert depths(made) == (0, 0, 0)


# --- what is stored -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "stored"),
    [
        pytest.param(mo_text(), (1, 0, 0), id="a reply"),
        pytest.param(status_update("a", 4), (0, 1, 0), id="a status"),
        pytest.param(
            callback(moText=[reply(mo_id="1"), reply(mo_id="2", sender="27820000002")]), (2, 0, 0), id="two people"
        ),
        pytest.param(
            callback(messageStatusUpdate=[update("a", code) for code in (4, 5, 6)]), (0, 3, 0), id="three statuses"
        ),
        pytest.param(
            callback(messageStatusUpdate=[update(f"m{number}", 4) for number in range(23)]), (0, 23, 0), id="many"
        ),
        pytest.param(callback(moText=[reply()], messageStatusUpdate=[update("a", 4)]), (1, 1, 0), id="both kinds"),
        pytest.param(
            callback(moText=[reply(mo_id="1"), "Canary", reply(mo_id="2")]), (2, 0, 1), id="a broken one among replies"
        ),
        pytest.param(
            callback(messageStatusUpdate=[update("a", 4), update("b", "Canary"), update("c", 4)]),
            (0, 2, 1),
            id="a broken one among statuses",
        ),
        pytest.param(
            callback(messageStatusUpdate=[update(None, 4, messageId=None), update("b", 4, statusCode="Canary")]),
            (0, 0, 2),
            id="nothing but broken ones",
        ),
        pytest.param(callback(moSomethingNew=[{"from": "27820000001"}]), (0, 0, 1), id="an unknown kind"),
        pytest.param(callback(moText=[]), (0, 0, 0), id="an empty list"),
        pytest.param(callback(), (0, 0, 0), id="no events"),
        pytest.param(callback(moText=None), (0, 0, 0), id="null instead of a list"),
    ],
)
def test_stored(made: World, log: Log, body: dict[str, Any], stored: tuple[int, ...]) -> None:
    assert made.callback(body) == Acknowledgement(200, "")
    assert depths(made) == stored
    assert not [private for private in PRIVATE if private in log.text]


def test_the_queue_messages(made: World) -> None:
    made.callback(callback(moText=[reply(mo_id="r1")], messageStatusUpdate=[update("a", 25)], moNew=["x"]))
    found = made.sqs.receive_message(QueueUrl=made.url("RepliesQueue"), AttributeNames=["All"])["Messages"][0]
    body = json.loads(found["Body"])
    assert (body["account"], body["reply"]["id"], body["reply"]["sender"]) == ("acme", "r1", "27820000001")
    assert body["reply"]["element"] == {**reply(mo_id="r1"), "kind": "moText"}
    assert "27820000001" not in found["Attributes"]["MessageGroupId"] + found["Attributes"]["MessageDeduplicationId"]
    (status,) = made.bodies("StatusesQueue")
    assert (status["account"], status["attempt"]) == ("acme", 1)
    assert status["status"] == {
        "status": "failed",
        "timestamp": 1_700_000_100,
        "reference": "a",
        "bsp_id": "api-1",
        "error_code": 1009,
        "error_title": "Insufficient account balance",
        "bsp_code": "25",
        "unlisted": False,
        "recipient": None,
        "alarm": True,
        "url": None,
        "short_url": None,
        "user_agent": None,
    }
    (kept,) = made.bodies("QuarantineQueue")
    assert kept == {
        "account": "acme",
        "kind": "moNew",
        "reason": "not an object",
        "element": "x",
        "received": int(START),
    }


@pytest.mark.parametrize(
    ("second", "depth"),
    [
        pytest.param({}, 1, id="the same again"),
        pytest.param({"mo_id": "mo-2"}, 2, id="another message"),
        pytest.param({"sender": "27820000002"}, 2, id="the same id from another person"),
    ],
)
def test_repeats_within_five_minutes(made: World, second: dict[str, str], depth: int) -> None:
    assert [made.callback(mo_text()).status, made.callback(mo_text(**second)).status] == [200, 200]
    assert made.depth("RepliesQueue") == depth


def test_many_events_in_one_callback_are_all_stored_each_persons_in_order(made: World) -> None:
    people = [f"2782000000{person}" for person in range(10)]
    texts = [reply(mo_id=f"{person}-{place}", sender=person) for place in range(12) for person in people]
    updates = [update(f"r{place}", 4) for place in range(95)]

    assert made.callback(callback(moText=texts, messageStatusUpdate=updates, moNew=["x"] * 25)).status == 200

    # FIFO queues hand out a group's messages in their order, each once the one before it is done with.
    stored = [from_queue["reply"]["id"] for from_queue in made.emptied("RepliesQueue")]
    assert len(stored) == len(texts)
    for person in people:
        assert [i for i in stored if i.startswith(person)] == [f"{person}-{place}" for place in range(12)]
    references = [body["status"]["reference"] for body in made.emptied("StatusesQueue")]
    assert sorted(references) == sorted(f"r{place}" for place in range(95))
    assert made.depth("QuarantineQueue") == 1


@pytest.mark.parametrize("queue", ["RepliesQueue", "StatusesQueue"])
def test_one_call_of_many_that_fails_fails_the_callback(made: World, queue: str) -> None:
    calls = iter(range(1000))

    def fail(operation: str, parameters: Any) -> Exception | None:
        mine = operation == "SendMessageBatch" and parameters["QueueUrl"] == made.url(queue)
        return EndpointConnectionError(endpoint_url="x") if mine and next(calls) == 3 else None

    made.fail = fail
    texts = [reply(mo_id=f"r{place}", sender=f"27820000{place:03}") for place in range(100)]
    with pytest.raises(NotStored):
        made.callback(callback(moText=texts, messageStatusUpdate=[update(f"r{place}", 4) for place in range(100)]))


def test_unlisted_statuses_are_counted(made: World, counted: Callable[[], dict[str, int]]) -> None:
    made.callback(callback(messageStatusUpdate=[update("a", 999), update("b", 4)], moNew=["x"]))
    assert counted() == {"StatusesUnlisted": 1, "EventsQuarantined": 1, "EventsReceived": 3, "StatusesReceived": 2}


@pytest.mark.parametrize("alarm", [True, False])
def test_statuses_of_an_account_that_needs_action_are_counted(
    made: World, counted: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch, alarm: bool
) -> None:
    failed = StatusEvent("failed", int(START), "a", None, 1009, "Refused", alarm=alarm)
    monkeypatch.setattr(inbound, "split", lambda callback, account: [failed])
    made.callback({})
    assert counted().get("ProviderAccountAlarms") == (1 if alarm else None)
    assert made.depth("StatusesQueue") == 1


@pytest.mark.parametrize("alarm", [True, False])
def test_errors_that_the_bsp_reports_are_logged(
    made: World, log: Log, counted: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch, alarm: bool
) -> None:
    reported = ReportedError(1010, "Account has been locked", alarm=alarm)
    monkeypatch.setattr(inbound, "split", lambda callback, account: [reported])

    assert made.callback({}).status == 200
    assert depths(made) == (0, 0, 0)
    assert counted() == {"EventsReceived": 0} | ({"ProviderAccountAlarms": 1} if alarm else {})
    assert log.messages() == ["the BSP refuses the account" if alarm else "the BSP reports an error"]
    assert "Account has been locked" in log.text


def test_what_says_nothing_is_counted_and_on_no_queue(made: World, counted: Callable[[], dict[str, int]]) -> None:
    made.callback(callback(statusIsTyping=[{"from": "27820000001"}]))

    assert depths(made) == (0, 0, 0)
    assert counted() == {"EventsIgnored": 1, "EventsReceived": 1}


@pytest.mark.parametrize("kind", [pytest.param("moText", id="a reply"), pytest.param("moNew", id="for quarantine")])
def test_what_is_too_large_for_a_queue(made: World, kind: str) -> None:
    text = "ü" * 200_000
    assert made.callback(callback(**{kind: [reply(text=text)]})).status == 200
    (body,) = made.bodies("RepliesQueue" if kind == "moText" else "QuarantineQueue")
    assert list(body) == ["s3"]
    stored = made.s3.get_object(Bucket="test-payloadsbucket", Key=body["s3"])
    kept = json.loads(stored["Body"].read())
    element = kept["reply"]["element"] if kind == "moText" else kept["element"]
    assert element["content"] == text


def test_a_status_that_is_too_large_for_its_queue_does_not_affect_others(
    made: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clicked(url: str) -> StatusEvent:
        return StatusEvent("clicked", int(START), "a", None, url=url, short_url="s", recipient="27820000001")

    # As JSON, each of these characters is six bytes.
    fits, too_large = clicked("\x01" * 43_000), clicked("\x01" * 44_000)
    monkeypatch.setattr(inbound, "split", lambda callback, account: [clicked("before"), too_large, fits])

    assert made.callback({}).status == 200

    told = [body["status"]["url"] for body in made.bodies("StatusesQueue")]
    assert sorted(told) == sorted(["before", fits.url])
    (kept,) = made.bodies("QuarantineQueue")
    stored = json.loads(made.s3.get_object(Bucket="test-payloadsbucket", Key=kept["s3"])["Body"].read())
    assert (stored["kind"], stored["reason"]) == ("status", "too large for its queue")
    assert stored["element"]["url"] == too_large.url
    assert stored["element"]["recipient"] not in (None, "27820000001")


@pytest.mark.parametrize(
    ("identifier", "taken"),
    [("k" * 1024, True), ("k" * 1025, False), ("ü" * 512, True), ("ü" * 513, False)],
    ids=["as long as may be", "longer", "bytes, as long as may be", "bytes, longer"],
)
def test_a_msgid_that_is_not_a_valid_table_key(
    made: World, monkeypatch: pytest.MonkeyPatch, identifier: str, taken: bool
) -> None:
    event = StatusEvent("sent", int(START), identifier, None)
    monkeypatch.setattr(inbound, "split", lambda callback, account: [event])
    assert made.callback({}).status == 200
    made.pump(hours=2)
    (kept,) = made.bodies("QuarantineQueue")
    assert kept["reason"] == ("belongs to no message that the bridge has sent" if taken else "an id is too long")
    assert made.depth("StatusesDeadLetterQueue") == 0


@pytest.mark.parametrize("identifier", ["k" * 1024, "k" * 1025, "k" * 100_000], ids=len)
def test_the_bsps_id_may_have_any_length(made: World, identifier: str) -> None:
    made.bsp = lambda url, payload: json_answer(202, accepted(payload, identifier))
    made.send(template("1|2|3|4"))
    made.run()
    made.callback(status_update(None, 4, api_id=identifier))
    made.pump()
    assert made.told == [("1|2|3|4", "sent")]


def accepted(payload: Any, api_id: str) -> Any:
    (message,) = payload["messages"]
    to = {name: message[name] for name in ("to", "clientMessageId")}
    return {"messages": [{"apiMessageId": api_id, "accepted": True, **to}]}


def test_characters_that_sqs_refuses_are_stored_too(made: World) -> None:
    def refuses(operation: str, parameters: Any) -> Exception | None:
        bodies = [parameters.get("MessageBody", "")] + [entry["MessageBody"] for entry in parameters.get("Entries", [])]
        bad = operation.startswith("SendMessage") and any({"\ufffe", "\uffff"} & {*body} for body in bodies)
        return ClientError({"Error": {"Code": "InvalidMessageContents"}}, operation) if bad else None

    made.fail = refuses
    assert made.callback(callback(moText=[reply(text="a\uffff\ufffeb")], moNew=["\uffff"])).status == 200
    made.pump()
    assert made.replies[0]["text"] == {"body": "a\uffff\ufffeb"}
    assert [kept["element"] for kept in made.bodies("QuarantineQueue")] == ["\uffff"]


def test_a_large_reply_is_forwarded_whole(made: World) -> None:
    text = "ü" * 200_000
    made.callback(mo_text(text))
    made.pump()
    assert made.replies[0]["text"] == {"body": text}


@pytest.mark.parametrize(
    ("kind", "logged"),
    [
        ("moReaction", "moReaction"),
        ("mo_reaction", "mo_reaction"),
        ("k" * 64, "k" * 64),
        ("k" * 65, "unknown"),
        ("Canary words", "unknown"),
        ("27820000001", "unknown"),
        ("mo27820000001", "unknown"),
        ("Ünïcödé", "unknown"),
        ("moNew\n", "unknown"),
    ],
)
def test_the_log_names_a_kind_only_where_it_is_a_plain_word(made: World, log: Log, kind: str, logged: str) -> None:
    made.callback(callback(**{kind: ["x"]}))
    (entry,) = [entry for entry in log.entries if entry["message"] == "quarantined"]
    assert entry["kind"] == logged
    (kept,) = made.bodies("QuarantineQueue")
    assert kept["kind"] == kind


# --- what could not be stored ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("throttled", [pytest.param(False, id="fails"), pytest.param(True, id="throttles")])
def test_not_acknowledged_when_a_queue_does_not_take_it(made: World, log: Log, queue: str, throttled: bool) -> None:
    everything = callback(moText=[reply()], messageStatusUpdate=[update("a", 4)], moNew=["x"])
    code = "ThrottlingException" if throttled else "InternalError"
    error = ClientError({"Error": {"Code": code, "Message": "Canary"}}, "SendMessageBatch")
    made.fail = lambda operation, parameters: error if queue in parameters.get("QueueUrl", "") else None
    with pytest.raises(NotStored):
        made.callback(everything)
    made.fail = lambda *_: None
    assert made.callback(everything).status == 200
    # The BSP repeats the whole callback: what was stored before may be there twice, nothing is missing.
    assert all(depth >= 1 for depth in depths(made))
    assert made.depth("RepliesQueue") == 1
    assert not [private for private in PRIVATE if private in log.text]


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        pytest.param("PutObject", ClientError({"Error": {"Code": "SlowDown"}}, "PutObject"), id="S3"),
        pytest.param("BatchGetSecretValue", EndpointConnectionError(endpoint_url="x"), id="Secrets Manager"),
    ],
)
def test_not_acknowledged_when_aws_fails(made: World, operation: str, error: Exception) -> None:
    made.fail = lambda called, _: error if called == operation else None
    with pytest.raises(type(error)):
        made.callback(mo_text("x" * 300_000))
    assert depths(made) == (0, 0, 0)


# --- API Gateway's event --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(
            {"body": '{"a":"ü"}', "isBase64Encoded": False, "headers": {"X-Hub": "1"}},
            Callback("POST", {"x-hub": "1"}, {}, '{"a":"ü"}'.encode()),
            id="text",
        ),
        pytest.param(
            {"body": "/w==", "isBase64Encoded": True, "headers": {}}, Callback("POST", {}, {}, b"\xff"), id="bytes"
        ),
        pytest.param({"queryStringParameters": {"a": "b"}}, Callback("POST", {}, {"a": "b"}, b""), id="query, no body"),
        pytest.param({"body": "\udcff"}, Callback("POST", {}, {}, b"\xed\xb3\xbf"), id="a lone surrogate"),
        pytest.param(
            {"requestContext": {"http": {"method": "GET", "sourceIp": "203.0.113.7"}}},
            Callback("GET", {}, {}, b"", "203.0.113.7"),
            id="an address",
        ),
    ],
)
def test_callback_of(event: dict[str, Any], expected: Callback) -> None:
    assert callback_of({"requestContext": {"http": {"method": "POST"}}} | event) == expected


def test_a_callback_does_not_show_in_its_repr() -> None:
    shown = repr(Callback("POST", {"authorization": "Canary"}, {"token": "Canary"}, b"Canary", "Canary"))
    assert shown == "Callback(method='POST')"


def test_callbacks_to_an_address_with_a_slash_are_taken_counted_and_logged(
    counted: Callable[[], dict[str, int]], log: Log
) -> None:
    with world(acme=account()) as made:
        assert made.callback(mo_text(mo_id="r1")).status == 200
        assert "CallbacksWithSlash" not in counted()
        assert made.callback(mo_text(mo_id="r2"), token=f"{TOKEN}/").status == 200
        assert made.depth("RepliesQueue") == 2
        assert counted()["CallbacksWithSlash"] == 1
        told = [entry for entry in log.entries if entry["message"] == "callback to an address with a slash at its end"]
        assert [entry["account"] for entry in told] == ["acme"]
        assert made.callback(mo_text(mo_id="r3"), token="o" * 40 + "/").status == 403
        assert counted()["CallbacksWithSlash"] == 1
