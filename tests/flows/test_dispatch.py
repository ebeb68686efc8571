"""dispatch: what each outcome leads to, and that no message is sent twice or harms another."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import log2
from threading import Barrier
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.conftest import Log
from tests.providers.meta import samples as meta
from tests.support.failures import failing
from tests.support.world import (
    BSP_URL,
    LOST,
    START,
    UNREACHED,
    World,
    accept_all,
    account,
    freeform,
    json_answer,
    messages_in,
    mo_text,
    status_update,
    template,
    world,
)
from whatsapp_bridge.flows.records import process_batch
from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached
from whatsapp_bridge.providers.clickatell.client import Client
from whatsapp_bridge.providers.contract.outcomes import Rejected
from whatsapp_bridge.store.claims import Claim, Claims

VALIDATING = account(options={"send_template_validations": True})
PRIVATE = ("27820000001", "820000001", "Hi Ann", "pay|yes", "hello", "secret-api-key")
# A visibility time-out, after which a record that was reported as failed comes back.
COMES_BACK = 541


@pytest.fixture
def made() -> Iterator[World]:
    with world() as fresh:
        fresh.warm()
        yield fresh


def in_turn(*answers: Any) -> Callable[[str, Any], Answer | Exception]:
    """A BSP that gives these answers, and takes everything after them."""
    left = list(answers)

    def bsp(url: str, payload: Any) -> Answer | Exception:
        answer = left.pop(0) if left else accept_all
        return answer(url, payload) if callable(answer) else answer

    return bsp


def refuse(code: int) -> Callable[[str, Any], Answer]:
    """One API refuses each message of a request for itself."""

    def bsp(url: str, payload: Any) -> Answer:
        refused = [
            {
                "apiMessageId": None,
                "accepted": False,
                "clientMessageId": message["clientMessageId"],
                "error": {"code": code, "description": "Canary"},
            }
            for message in payload["messages"]
        ]
        return json_answer(400, {"messages": refused, "error": None})

    return bsp


def item(made: World, reference: str) -> dict[str, Any]:
    found: dict[str, Any] = made.table.get(f"msg#acme#{reference}") or {}
    return found


def requests(made: World) -> list[list[str]]:
    """The msgIds of each request to the BSP that sends messages."""
    return [[m["clientMessageId"] for m in sent] for sent in map(messages_in, made.http.requests) if sent]


def batch(made: World, messages: list[dict[str, Any]], name: str = "acme") -> dict[str, Any]:
    """A batch of any size from the campaign queue, each record named like its message."""
    records = [
        {
            "messageId": f"q-{message['msgId']}",
            "receiptHandle": "h",
            "body": json.dumps({"account": name, "reference": message["msgId"], "message": message}),
            "attributes": {
                "ApproximateReceiveCount": "1",
                "SentTimestamp": str(int(made.now * 1000)),
                "ApproximateFirstReceiveTimestamp": str(int(made.now * 1000)),
            },
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:campaign",
        }
        for message in messages
    ]
    return {"Records": records}


def handle(made: World, event: dict[str, Any]) -> list[str]:
    """The records that are reported as failed."""
    with made.invocation():
        answer = process_batch(event, made.dispatch.many)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


# --- outcomes -------------------------------------------------------------------------------------------------------

QUEUES = [pytest.param(template, id="campaign"), pytest.param(freeform, id="conversation")]
RATE_LIMIT = json_answer(400, {"messages": None, "error": {"code": 43, "description": "x"}})
MALFORMED = json_answer(400, {"messages": None, "error": {"code": 21, "description": "x"}})


@pytest.mark.parametrize("make", QUEUES)
@pytest.mark.parametrize(
    ("answer", "state", "wait", "told"),
    [
        pytest.param(accept_all, "accepted", None, None, id="accepted"),
        pytest.param(refuse(25), "rejected", None, (1002, "Invalid recipient address"), id="rejected"),
        pytest.param(refuse(26), "rejected", None, (1006, "Recipient opted out"), id="rejected for another reason"),
        pytest.param(
            json_answer(401, {"error": {"code": 1}}),
            "rejected",
            None,
            (1000, "Invalid or missing integration API Key"),
            id="credentials",
        ),
        pytest.param(RATE_LIMIT, "released", 1, None, id="throttled"),
        pytest.param(json_answer(429, {}), "released", 1, None, id="throttled by HTTP"),
        pytest.param(
            json_answer(429, {}, **{"retry-after": "0"}),
            "released",
            1,
            None,
            id="throttled, to retry at once: not quite",
        ),
        pytest.param(UNREACHED, "released", 1, None, id="not reached"),
        pytest.param(json_answer(503, {"error": {"code": 19}}), "released", 1, None, id="asked to repeat"),
        pytest.param(LOST, "unknown", 900, None, id="answer lost"),
        pytest.param(json_answer(500, {}), "unknown", 900, None, id="failed without a word"),
    ],
)
def test_outcomes(
    made: World,
    log: Log,
    make: Callable[[str], dict[str, Any]],
    answer: Any,
    state: str,
    wait: int | None,
    told: tuple[int, str] | None,
) -> None:
    made.bsp = in_turn(answer)
    made.send(make("a"))
    waits = made.run()
    assert item(made, "a")["state"] == state
    assert item(made, "a").get("bsp_id") == ("acme#api-a" if state == "accepted" else None)
    assert waits == (None if wait is None else pytest.approx(wait, abs=0.01))
    assert made.depth("StatusesQueue") == (state == "unknown")
    if told:
        assert made.told == [("a", "failed")]
        assert made.statuses[0]["error"] == {"code": told[0], "title": told[1]}
        assert made.statuses[0]["timestamp"] == str(int(START))
    else:
        assert made.told == []
    assert requests(made) == [["a"]]
    assert not [private for private in (*PRIVATE, "Canary") if private in log.text]


@pytest.mark.parametrize("make", QUEUES)
@pytest.mark.parametrize("status", [429, 503])
def test_what_the_bsp_asks_for(made: World, make: Callable[[str], dict[str, Any]], status: int) -> None:
    made.bsp = in_turn(json_answer(status, {}, **{"retry-after": "30"}))
    made.send(make("a"))
    assert made.run() == pytest.approx(30, abs=0.01)


@pytest.mark.parametrize("make", QUEUES)
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(RATE_LIMIT, id="throttled"),
        pytest.param(UNREACHED, id="not reached"),
        pytest.param(NotReached("refused"), id="connection refused"),
    ],
)
def test_retried_until_it_is_accepted(made: World, make: Callable[[str], dict[str, Any]], answer: Any) -> None:
    made.bsp = in_turn(answer, answer, answer)
    made.send(make("a"))
    made.pump()
    assert requests(made) == [["a"]] * 4
    assert item(made, "a")["state"] == "accepted"
    # 1 + 2 + 4 seconds of the schedule.
    assert made.now - START == pytest.approx(7, abs=0.1)
    assert made.told == []


@pytest.mark.parametrize(
    ("make", "options", "attempts"),
    [
        # 1, 2, 4, ... seconds, and the last one just before the limit.
        pytest.param(template, {"campaign_time_limit_seconds": 60}, 7, id="campaign"),
        pytest.param(freeform, {"conversation_time_limit_seconds": 60}, 7, id="conversation"),
        pytest.param(freeform, {"conversation_time_limit_seconds": 1}, 1, id="conversation, shortest"),
        pytest.param(
            template, {"campaign_time_limit_seconds": 8, "conversation_time_limit_seconds": 1}, 4, id="its own limit"
        ),
    ],
)
def test_given_up_at_the_time_limit(
    make: Callable[[str], dict[str, Any]], options: dict[str, int], attempts: int
) -> None:
    with world(acme=account(options=options)) as made:
        made.bsp = lambda url, payload: RATE_LIMIT
        made.send(make("a"))
        made.pump(hours=10)
        assert len(requests(made)) == attempts
        assert made.told == [("a", "failed")]
        assert item(made, "a")["state"] == "rejected"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(json_answer(429, {}), (1004, "throttled by the provider until the end"), id="without a word"),
        pytest.param(RATE_LIMIT, (1004, "Rate limit"), id="in the BSP's words"),
        pytest.param(json_answer(503, {}), (1009, "not accepted by the provider in time"), id="overloaded"),
        pytest.param(UNREACHED, (1009, "not accepted by the provider in time"), id="not reached"),
    ],
)
def test_throttled_to_its_end_fails_with_what_the_bsp_said(answer: Any, error: tuple[int, str]) -> None:
    with world(acme=account(options={"campaign_time_limit_seconds": 8})) as made:
        made.bsp = lambda url, payload: answer
        made.send(template("a"))
        made.pump(hours=10)
        assert made.statuses[0]["error"] == dict(zip(("code", "title"), error, strict=True))


@pytest.mark.parametrize(
    ("message", "code", "field"),
    [
        pytest.param(
            freeform("a", type="audio", audio={"mediaURL": "https://h/a.ogg", "caption": "listen"}),
            1009,
            "audio.caption",
            id="freeform",
        ),
        pytest.param(template("a", components=[{"type": "poll"}]), 1001, "components[0].type", id="template"),
    ],
)
def test_settings_that_changed_since_it_was_accepted(
    made: World, message: dict[str, Any], code: int, field: str
) -> None:
    # What the dry run of the accepting function let through, and today's adapter cannot express.
    assert handle(made, batch(made, [message])) == []
    made.pump()
    assert made.statuses[0]["error"]["code"] == code
    assert made.statuses[0]["error"]["title"].startswith(f"{field}: ")
    assert made.http.fetched == []
    assert requests(made) == []


# --- files ----------------------------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n"
FILE_URL = "https://shop.example/shelf.png"


def picture(msg_id: str, to: str = "+27820000001") -> dict[str, Any]:
    header = {"type": "header", "header": {"type": "image", "image": {"mediaURL": FILE_URL}}}
    return template(msg_id, to, components=[header, {"type": "body", "body": {"text": "Hi Ann"}}])


def uploads(url: str, payload: Any) -> Answer:
    """One API takes files and messages."""
    return json_answer(202, {"fileId": "file-1.png"}) if "/v1/media" in url else accept_all(url, payload)


def test_one_file_for_many(made: World) -> None:
    made.bsp, made.files = uploads, lambda url, headers: Answer(200, {}, PNG)
    assert handle(made, batch(made, [picture(name) for name in "abc"])) == []
    assert made.http.fetched == [FILE_URL]
    assert [sorted(request) for request in requests(made)] == [["a", "b", "c"]]


@pytest.mark.parametrize(
    ("answer", "title", "attempts"),
    [
        pytest.param(Answer(503, {}, b""), "image: mediaURL answers HTTP 503", 4, id="out of reach until time is up"),
        pytest.param(
            NotReached("ConnectTimeout"), "image: mediaURL cannot be fetched: ConnectTimeout", 4, id="not reached"
        ),
        pytest.param(Answer(404, {}, b""), "image: mediaURL answers HTTP 404", 1, id="not there"),
    ],
)
def test_a_file_that_cannot_be_fetched(answer: Any, title: str, attempts: int) -> None:
    with world(acme=account(options={"campaign_time_limit_seconds": 8})) as made:
        made.bsp, made.files = uploads, lambda url, headers: answer
        made.send(picture("a"))
        made.pump(hours=10)
        assert made.told == [("a", "failed")]
        assert made.statuses[0]["error"] == {"code": 1001, "title": title}
        assert item(made, "a")["state"] == "rejected"
        assert len(made.http.fetched) == attempts
        assert requests(made) == []


def test_what_has_no_more_to_say_is_not_accepted_in_time() -> None:
    with world(acme=account(options={"campaign_time_limit_seconds": 8})) as made:
        made.files = lambda url, headers: Answer(200, {}, PNG)
        made.bsp = lambda url, payload: UNREACHED
        made.send(picture("a"))
        made.pump(hours=10)
        assert made.statuses[0]["error"] == {"code": 1009, "title": "not accepted by the provider in time"}


def test_a_file_that_cannot_be_fetched_delays_no_other_message(made: World) -> None:
    made.bsp, made.files = uploads, lambda url, headers: Answer(503, {}, b"")
    assert handle(made, batch(made, [picture("a"), template("b")])) == []
    assert {name: item(made, name)["state"] for name in "ab"} == {"a": "released", "b": "accepted"}
    made.files = lambda url, headers: Answer(200, {}, PNG)
    made.pump()
    assert made.sent_by_id() == {"a": 1, "b": 1}


def test_counts(made: World, counted: Callable[[], dict[str, int]]) -> None:
    made.bsp = in_turn(RATE_LIMIT, UNREACHED, refuse(25))
    made.send(template("a"))
    made.pump()
    made.bsp = in_turn(LOST)
    made.send(template("b"))
    made.send(template("c"))
    made.run()
    counts = counted()
    assert {name: counts.get(name) for name in ("MessagesThrottled", "MessagesNotSent", "MessagesRejected")} == {
        "MessagesThrottled": 1,
        "MessagesNotSent": 1,
        "MessagesRejected": 1,
    }
    assert counts["MessagesUnknown"] == 2


def test_the_last_attempt_is_counted_as_throttled_too(made: World, counted: Callable[[], dict[str, int]]) -> None:
    requests: list[Any] = []

    def throttle(url: str, payload: Any) -> Answer:
        requests.append(payload)
        return RATE_LIMIT

    made.bsp = throttle
    made.send(template("a"))
    made.pump(hours=8)
    counts = counted()
    assert counts["MessagesThrottled"] == len(requests)
    assert counts["MessagesRejected"] == 1


def test_an_unlisted_error_is_counted(made: World, counted: Callable[[], dict[str, int]]) -> None:
    made.bsp = in_turn(refuse(999))
    made.send(template("a"))
    made.run()
    assert counted()["ErrorsUnlisted"] == 1
    assert made.statuses[0]["error"]["code"] == 1009


@pytest.mark.parametrize("alarm", [True, False])
def test_an_account_that_needs_action_is_counted(
    made: World, counted: Callable[[], dict[str, int]], monkeypatch: pytest.MonkeyPatch, alarm: bool
) -> None:
    monkeypatch.setattr(Client, "send", lambda self, batch: [Rejected(1000, "Refused", alarm=alarm) for _ in batch])
    made.send(template("a"))
    made.run()
    assert counted().get("ProviderAccountAlarms") == (1 if alarm else None)
    assert made.told == [("a", "failed")]


@pytest.mark.parametrize("answer", [pytest.param(refuse(25), id="rejected"), pytest.param(LOST, id="answer lost")])
def test_validation_messages_are_not_reported_to_clevertap(made: World, answer: Any) -> None:
    queued: list[str] = []
    made.fail = lambda operation, parameters: queued.append(parameters.get("QueueUrl", ""))
    made.bsp = in_turn(answer)
    made.change_account("acme", VALIDATING)
    made.send(template("0|0|0|0"))
    assert made.run() is None
    assert len(requests(made)) == 1
    assert not [url for url in queued if "Statuses" in url]


# --- repeats --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sends",
    [
        pytest.param([(0, template), (0, template)], id="in the same batch"),
        pytest.param([(0, template), (60, template)], id="later"),
        pytest.param([(0, template), (86_400, template)], id="a day later"),
        pytest.param([(0, freeform), (600, freeform)], id="freeform, when SQS has forgotten it"),
        pytest.param([(0, template), (0, freeform)], id="from the other queue at once"),
        pytest.param([(0, freeform), (60, template)], id="from the other queue later"),
    ],
)
def test_repeats_of_a_msg_id_are_sent_once(
    made: World, counted: Callable[[], dict[str, int]], sends: list[tuple[float, Any]]
) -> None:
    for wait, make in sends:
        if wait:
            made.pump()
            made.now += wait
        assert made.send(make("a")).status == 200
    made.pump()
    assert requests(made) == [["a"]]
    assert counted()["RepeatsDropped"] == 1
    assert made.told == []


def test_a_repeat_while_the_first_waits_for_its_retry(made: World) -> None:
    made.bsp = in_turn(RATE_LIMIT, RATE_LIMIT)
    made.send(template("a"))
    made.run()
    made.send(template("a"))
    made.pump()
    assert len(requests(made)) == 3
    assert item(made, "a")["state"] == "accepted"
    assert made.told == []


def test_the_same_msg_id_of_two_accounts_are_two_messages() -> None:
    with world(acme=account(), other=account()) as made:
        for name in ("acme", "other"):
            made.send(template("a"), account=name)
        made.pump()
        assert requests(made) == [["a"], ["a"]]


def test_validation_msg_ids_are_all_sent(made: World) -> None:
    made.change_account("acme", VALIDATING)
    made.send(template("0|0|0|0"))
    made.send(template("0|0|0|0"))
    made.pump()
    assert len(set(made.sent_by_id())) == 2
    for reference in made.sent_by_id():
        made.callback(status_update(reference, 4))
    made.pump()
    assert made.told == []
    assert made.depth("QuarantineQueue") == 0


def test_redelivery_after_everything_was_done(made: World) -> None:
    event = batch(made, [template("a"), template("b")])
    assert handle(made, event) == []
    assert handle(made, event) == []
    assert requests(made) == [["a", "b"]]


def test_a_delivery_that_is_overtaken_sends_nothing(made: World) -> None:
    def overtake(operation: str, parameters: Any) -> None:
        if "held_until" in repr(parameters) and "msg#acme#a" in repr(parameters):
            made.fail = lambda *_: None
            made.claims.claim("acme", "a", "q-a", "pseudonym", "another delivery", sending=True)

    made.fail = overtake
    assert handle(made, batch(made, [template("a"), template("b")])) == ["q-a"]
    assert requests(made) == [["b"]]
    assert item(made, "a")["send_grant"] == "another delivery"


@pytest.mark.parametrize("make", QUEUES)
def test_a_message_takes_two_writes(made: World, make: Callable[[str], dict[str, Any]]) -> None:
    """The claim, which says that the request leaves, and the outcome."""
    made.send(make("the first of a process"))
    made.run()
    made.send(make("a"))
    made.steps.clear()
    made.run()
    assert made.sent_by_id()["a"] == 1
    assert made.steps.count("after UpdateItem") == 2


def test_what_is_sent_is_recorded_while_others_of_its_batch_are_under_way() -> None:
    """A person may answer it at once. At most eight requests are under way, all of them unrecorded."""
    recorded: list[int] = []

    def bsp(url: str, payload: Any) -> Answer:
        states = [item(made, f"m{number}").get("bsp_id") for number in range(30)]
        recorded.append(len(states) - states.count(None))
        return json_answer(200, {"messages": [{"id": f"wamid.{len(recorded)}"}]})

    with world(acme=account(provider=meta.secret(BSP_URL)["provider"])) as made:
        made.warm()
        made.bsp = bsp
        assert handle(made, batch(made, [template(f"m{number}") for number in range(30)])) == []
        assert len(recorded) == 30
        assert all(found >= number - 8 for number, found in enumerate(recorded, 1))


def test_a_message_that_older_code_prepares_is_sent_once(made: World) -> None:
    """A deployment runs both: older code claims a message, prepares it, and then marks it as leaving."""
    event = batch(made, [template("a")])
    made.claims.claim("acme", "a", "q-a", "pseudonym", "older", sending=False)
    assert handle(made, event) == []
    marked = made.table.update(
        "msg#acme#a",
        "SET #state = :sending",
        "send_grant = :grant AND #state IN (:claimed, :sending)",
        {":sending": "sending", ":claimed": "claimed", ":grant": "older"},
    )
    assert marked is not None, "the older code does not send it"
    assert made.sent_by_id() == {"a": 1}
    assert item(made, "a")["state"] == "accepted"


# --- one message's trouble is no other's ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needles", "times", "unknown"),
    [
        pytest.param(("msg#acme#b", "held_until"), 1, False, id="at the claim"),
        pytest.param(("msg#acme#b", "SET #state = :state"), 99, True, id="at the record of what was sent"),
    ],
)
def test_dynamodb_fails_for_one_of_three(
    made: World, log: Log, needles: tuple[str, ...], times: int, unknown: bool
) -> None:
    made.fail = failing("UpdateItem", times, *needles)
    event = batch(made, [template(name) for name in "abc"])
    assert handle(made, event) == ["q-b"]
    assert {name: item(made, name)["state"] for name in "ac"} == {"a": "accepted", "c": "accepted"}
    assert requests(made) == ([["a", "b", "c"]] if unknown else [["a", "c"]])
    # SQS delivers the failed record again.
    made.fail = lambda *_: None
    made.now += COMES_BACK
    assert handle(made, {"Records": [event["Records"][1]]}) == []
    assert item(made, "b")["state"] == ("unknown" if unknown else "accepted")
    assert made.sent_by_id() == {"a": 1, "b": 1, "c": 1}
    assert {name: item(made, name)["state"] for name in "ac"} == {"a": "accepted", "c": "accepted"}
    assert "Canary" not in log.text


def test_without_time_in_hand_no_next_attempt_is_queued(made: World) -> None:
    """An invocation that dies after that would leave its whole batch twice."""
    answers = in_turn(RATE_LIMIT)

    def slow(url: str, payload: Any) -> Answer:
        answer = answers(url, payload)
        if len(made.http.requests) == 1:
            made.http.end_in(2)
        return answer

    made.bsp = slow
    made.send(template("a"))
    assert made.run() == pytest.approx(COMES_BACK, abs=10)
    assert made.depth("CampaignQueue") == 1
    made.pump()
    assert made.sent_by_id() == {"a": 2}
    assert item(made, "a")["state"] == "accepted"


@pytest.mark.parametrize("written", [False, True], ids=["not written", "written, but the answer is lost"])
@pytest.mark.parametrize("make", QUEUES)
def test_a_claim_that_fails_is_withdrawn(
    made: World, monkeypatch: pytest.MonkeyPatch, make: Callable[[str], dict[str, Any]], written: bool
) -> None:
    """This process knows that the message has not left. To withdraw the claim fails too at first."""
    claim, calls = Claims.claim, [0]

    def failing_once(claims: Claims, *given: Any, **how: Any) -> Claim:
        calls[0] += 1
        if calls[0] > 1:
            return claim(claims, *given, **how)
        if written:
            claim(claims, *given, **how)
        raise EndpointConnectionError(endpoint_url="x")

    monkeypatch.setattr(Claims, "claim", failing_once)
    made.fail = failing("UpdateItem", 3, "msg#acme#a", "SET #state = :claimed")
    made.send(make("a"))
    made.run()
    assert item(made, "a").get("state") == ("claimed" if written else None)
    made.pump()
    assert made.sent_by_id() == {"a": 1}
    assert item(made, "a")["state"] == "accepted"
    assert made.told == []


def test_what_was_sent_is_recorded_before_a_claim_is_withdrawn(made: World) -> None:
    made.fail = failing("UpdateItem", 99, "msg#acme#b")
    states = []
    made.dispatch._claiming._recording._pause = lambda seconds: states.append(item(made, "a")["state"])
    assert handle(made, batch(made, [template("a"), template("b")])) == ["q-b"]
    assert states == ["accepted"] * 5


@pytest.mark.parametrize(
    ("operation", "queue"),
    [
        pytest.param("SendMessage", "StatusesQueue", id="the failure cannot be queued"),
        pytest.param("SendMessageBatch", "CampaignQueue", id="the next attempt cannot be queued"),
    ],
)
def test_sqs_fails_after_the_request(made: World, operation: str, queue: str) -> None:
    made.bsp = in_turn(refuse(25)) if queue == "StatusesQueue" else in_turn(RATE_LIMIT)
    made.send(template("a"))
    made.fail = failing(operation, 99, queue)
    assert made.run() == pytest.approx(COMES_BACK, abs=10)
    made.fail = lambda *_: None
    made.pump()
    if queue == "CampaignQueue":
        assert item(made, "a")["state"] == "accepted"
        assert made.told == []
    else:
        # Nothing was recorded of the refusal, so its next delivery finds it interrupted.
        assert made.told == [("a", "failed")]
    assert made.depth("CampaignDeadLetterQueue") == 0


def test_one_unreadable_record(made: World, log: Log) -> None:
    event = batch(made, [template("a"), template("b")])
    event["Records"][0]["body"] = '{"account": "acme", "reference": "a", "message": {"to": "Canary"}}'
    assert handle(made, event) == ["q-a"]
    assert requests(made) == [["b"]]
    assert "Canary" not in log.text


def test_one_refused_of_a_batch(made: World) -> None:
    def mixed(url: str, payload: Any) -> Answer:
        body = json.loads(accept_all(url, payload).body)
        body["messages"][1] = body["messages"][1] | {"accepted": False, "error": {"code": 25}}
        return json_answer(207, body)

    made.bsp = mixed
    assert handle(made, batch(made, [template(name) for name in "abc"])) == []
    made.pump()
    assert [item(made, name)["state"] for name in "abc"] == ["accepted", "rejected", "accepted"]
    assert made.told == [("b", "failed")]


# --- accounts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [template, freeform], ids=["template", "chat"])
def test_redriven_soon_after_it_was_throttled(made: World, make: Callable[[str], dict[str, Any]]) -> None:
    """Its account was deleted by mistake between two attempts, and restored."""
    queue = "CampaignQueue" if make is template else "ConversationQueue"
    made.bsp = in_turn(RATE_LIMIT)
    made.send(make("a"))
    made.now += (made.run() or 0) + 0.01
    (body,) = made.emptied(queue)
    made.now += 60
    fifo = {} if make is template else {"MessageGroupId": "a", "MessageDeduplicationId": "redriven"}
    made.sqs.send_message(QueueUrl=made.url(queue), MessageBody=json.dumps(body), **fifo)
    made.pump()
    assert item(made, "a")["state"] == "accepted"
    assert made.told == []


@pytest.mark.parametrize(
    ("make", "queue"),
    [pytest.param(template, "Campaign", id="campaign"), pytest.param(freeform, "Conversation", id="conversation")],
)
def test_an_account_that_was_deleted(made: World, log: Log, make: Callable[[str], dict[str, Any]], queue: str) -> None:
    policy = {
        "maxReceiveCount": 3,
        "deadLetterTargetArn": made.deployment.queues[f"{queue}DeadLetterQueue"].arn,
    }
    made.sqs.set_queue_attributes(QueueUrl=made.url(f"{queue}Queue"), Attributes={"RedrivePolicy": json.dumps(policy)})
    made.send(make("a"))
    made.secrets.delete_secret(SecretId="test/accounts/acme", ForceDeleteWithoutRecovery=True)
    made.now += 301
    made.pump()
    # A standard queue's own redrive policy does it, a FIFO queue's people shall not wait for that long.
    logged = ["Unprocessable"] * 3 if make is template else ["no such account"]
    assert made.now - START == pytest.approx(301 + (3 * COMES_BACK if make is template else 0), abs=4)
    assert requests(made) == []
    assert made.depth(f"{queue}Queue") == 0
    assert made.depth(f"{queue}DeadLetterQueue") == 1
    assert [entry.get("reason", entry.get("error")) for entry in log.entries] == logged
    assert not [private for private in PRIVATE if private in log.text]


def test_two_accounts_in_one_batch() -> None:
    other = account(provider={**account()["provider"], "base_url": "https://other.example"})
    with world(acme=account(), other=other) as made:
        made.warm("acme", "other")
        one, two = batch(made, [template("a"), template("b")]), batch(made, [template("c")], "other")
        assert handle(made, {"Records": [one["Records"][0], *two["Records"], one["Records"][1]]}) == []
        assert {url: [m["clientMessageId"] for m in payload["messages"]] for url, payload in made.http.requests} == {
            "https://bsp.example/v1/message": ["a", "b"],
            "https://other.example/v1/message": ["c"],
        }


def test_one_account_out_of_reach_does_not_hold_up_the_other() -> None:
    other = account(provider={**account()["provider"], "base_url": "https://other.example"})
    with world(acme=account(), other=other) as made:
        made.bsp = lambda url, payload: UNREACHED if "bsp.example" in url else accept_all(url, payload)
        one, two = batch(made, [template("a")]), batch(made, [template("b")], "other")
        assert handle(made, {"Records": one["Records"] + two["Records"]}) == []
        assert item(made, "a")["state"] == "released"
        assert (made.table.get("msg#other#b") or {})["state"] == "accepted"
        assert made.depth("CampaignQueue") == 1


def test_a_hundred_messages_per_request(made: World) -> None:
    names = [f"m{number}" for number in range(101)]
    assert handle(made, batch(made, [template(name) for name in names])) == []
    assert sorted(len(request) for request in requests(made)) == [1, 100]
    assert made.sent_by_id() == dict.fromkeys(names, 1)


def test_requests_are_under_way_at_once(made: World) -> None:
    barrier = Barrier(2)

    def bsp(url: str, payload: Any) -> Answer:
        barrier.wait(10)
        return accept_all(url, payload)

    made.bsp = bsp
    names = [f"m{number}" for number in range(200)]
    assert handle(made, batch(made, [template(name) for name in names])) == []
    assert made.sent_by_id() == dict.fromkeys(names, 1)


@pytest.mark.parametrize(
    ("answer", "states"),
    [
        pytest.param(LOST, {"unknown"}, id="answer lost"),
        pytest.param(RATE_LIMIT, {"released"}, id="throttled"),
        # What no adapter foresaw: maybe after the request, so that nobody knows.
        pytest.param(ZeroDivisionError(), {"unknown"}, id="a bug"),
    ],
)
def test_one_requests_trouble_is_no_others(made: World, answer: Any, states: set[str]) -> None:
    def bsp(url: str, payload: Any) -> Answer | Exception:
        concerned = any(m["clientMessageId"] == "m0" for m in payload["messages"])
        return answer if concerned else accept_all(url, payload)  # type: ignore[no-any-return]

    made.bsp = bsp
    names = [f"m{number}" for number in range(110)]
    assert handle(made, batch(made, [template(name) for name in names])) == []
    found = {name: item(made, name)["state"] for name in names}
    troubled = {name for name, state in found.items() if state != "accepted"}
    assert len(troubled) in (10, 100)
    assert {found[name] for name in troubled} == states
    # The others are never sent again; these are, if they surely did not leave.
    made.bsp = accept_all
    made.pump()
    if states == {"released"}:
        assert made.sent_by_id() == {name: 1 + (name in troubled) for name in names}
    else:
        assert made.sent_by_id() == dict.fromkeys(names, 1)


# --- order ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer", [pytest.param(RATE_LIMIT, id="throttled"), pytest.param(UNREACHED, id="not reached")]
)
def test_one_persons_messages_keep_their_order(made: World, answer: Any) -> None:
    throttled = [2]

    def bsp(url: str, payload: Any) -> Answer | Exception:
        if payload["messages"][0]["clientMessageId"] == "a1" and throttled[0]:
            throttled[0] -= 1
            return answer  # type: ignore[no-any-return]
        return accept_all(url, payload)

    made.bsp = bsp
    for name, to in (("a1", "+27820000001"), ("a2", "+27820000001"), ("b1", "+27820000002"), ("a3", "+27820000001")):
        made.send(freeform(name, to=to))
    made.pump()
    assert [name for request in requests(made) for name in request] == ["a1", "b1", "a1", "a1", "a2", "a3"]
    assert made.now - START == pytest.approx(3, abs=0.1)


def test_a_rejected_message_holds_up_nobody(made: World) -> None:
    made.bsp = in_turn(refuse(25))
    for name in ("a1", "a2"):
        made.send(freeform(name))
    made.run()
    assert requests(made) == [["a1"], ["a2"]]


# --- the answer is lost ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "lost"),
    [
        pytest.param(template, LOST, id="campaign, time-out"),
        pytest.param(freeform, LOST, id="conversation, time-out"),
        pytest.param(template, AnswerLost("ConnectionError"), id="cut off"),
        pytest.param(template, json_answer(502, {}), id="502"),
    ],
)
def test_unconfirmed_after_sixteen_minutes(made: World, make: Callable[[str], dict[str, Any]], lost: Any) -> None:
    made.bsp = in_turn(lost)
    made.send(make("a"))
    made.pump()
    assert requests(made) == [["a"]]
    assert made.told == [("a", "failed")]
    assert made.statuses[0]["error"] == {"code": 1009, "title": "delivery could not be confirmed"}
    assert int(made.statuses[0]["timestamp"]) - START == pytest.approx(960, abs=1)


@pytest.mark.parametrize(
    ("after", "codes", "told"),
    [
        pytest.param(0, [4], ["sent"], id="sent"),
        pytest.param(890, [4], ["sent"], id="sent, at the last moment"),
        pytest.param(60, [6], ["sent", "delivered", "read"], id="read"),
        pytest.param(60, [20], ["failed"], id="failed, for its own reason"),
        pytest.param(0, [2], [], id="queued"),
        pytest.param(890, [2], [], id="queued, at the last moment"),
        pytest.param(60, [3, 5], ["sent", "delivered"], id="scheduled, then delivered"),
    ],
)
def test_confirmed_within_fifteen_minutes(made: World, after: float, codes: list[int], told: list[str]) -> None:
    made.bsp = in_turn(LOST)
    made.send(template("a"))
    made.run()
    made.now += after
    for code in codes:
        made.callback(status_update("a", code))
    made.pump()
    assert [status for _, status in made.told] == told
    assert requests(made) == [["a"]]
    if told == ["failed"]:
        assert made.statuses[0]["error"]["code"] == 1005


def test_a_status_after_the_failure_is_not_reported(made: World) -> None:
    made.bsp = in_turn(LOST)
    made.send(template("a"))
    made.pump()
    made.callback(status_update("a", 5))
    made.pump()
    assert made.told == [("a", "failed")]


def test_a_repeat_of_an_unknown_message_is_not_sent(made: World) -> None:
    made.bsp = in_turn(LOST)
    made.send(template("a"))
    made.run()
    made.send(template("a"))
    made.pump()
    assert requests(made) == [["a"]]
    assert made.told == [("a", "failed")]


# --- many in one request ---------------------------------------------------------------------------------------------


def test_as_many_templates_share_a_request_as_the_queue_hands_out_at_once(made: World) -> None:
    arn = made.deployment.queues["CampaignQueue"].arn
    (source,) = (source for source in made.deployment.event_sources if source.queue_arn == arn)
    for number in range(source.batch_size + 1):
        made.send(template(f"m{number}"))
    made.pump()
    assert source.batch_size == 100
    assert [len(request) for request in requests(made)] == [100, 1]


def without_names(url: str, payload: Any) -> Answer:
    """One API's own sample of an answer to two messages for one number."""
    accepted = [
        {"apiMessageId": f"api-{n}", "accepted": True, "to": m["to"]} for n, m in enumerate(payload["messages"])
    ]
    return json_answer(202, {"messages": accepted, "error": None})


def test_messages_that_an_answer_does_not_name_are_known_by_their_statuses(made: World) -> None:
    """Nothing says which of the two is which, until a status has both: the msgId and Clickatell's id."""
    made.bsp = without_names
    for name in ("a", "b"):
        made.send(template(name))
    made.run()
    assert [item(made, name).get("bsp_id") for name in ("a", "b")] == [None, None]

    made.callback(status_update("b", 4, api_id="api-0"))
    made.callback(status_update("a", 4, api_id="api-1"))
    made.pump()
    made.callback(status_update(None, 5, api_id="api-0"))
    made.callback(mo_text(relatedMessageId="api-1"))
    made.pump()

    assert requests(made) == [["a", "b"]]
    assert made.told == [("b", "sent"), ("a", "sent"), ("b", "delivered")]
    assert [reply["context"]["id"] for reply in made.replies] == ["a"]


def test_a_status_with_an_id_that_no_answer_or_status_has_named_is_kept(made: World) -> None:
    made.bsp = without_names
    for name in ("a", "b"):
        made.send(template(name))
    made.run()
    made.callback(status_update(None, 5, api_id="api-0"))
    made.pump(hours=24)

    assert made.told == []
    assert [kept["reason"] for kept in made.bodies("QuarantineQueue")] == [
        "belongs to no message that the bridge has sent"
    ]


@pytest.mark.parametrize(
    ("bad", "pause"),
    [
        pytest.param(range(100), 3, id="all, slowly"),
        pytest.param(range(0, 100, 2), 0, id="every second one, throttled now and then"),
    ],
)
def test_the_next_attempt_goes_on_with_the_parts_that_were_refused_before(
    made: World, bad: Sequence[int], pause: int
) -> None:
    """Refused for its content, each request takes its time, or each tenth is throttled: the parts that are left when
    the invocation ends are not put together again."""
    refused, posts = {f"m{number}" for number in bad}, Counter[str]()

    def bsp(url: str, payload: Any) -> Answer:
        names = [message["clientMessageId"] for message in payload["messages"]]
        if not pause and len(made.http.requests) % 10 == 0:
            return RATE_LIMIT
        posts.update(names)
        return MALFORMED if refused & set(names) else accept_all(url, payload)

    made.bsp = bsp
    made.http.takes = lambda url: pause if url.startswith(BSP_URL) else 0
    for number in range(100):
        made.send(template(f"m{number}"))
    made.pump(hours=7)

    told = {status["msgId"]: status["error"]["code"] for status in made.statuses}
    assert told == dict.fromkeys(refused, 1001)
    assert len(posts) == 100
    assert max(posts.values()) <= log2(100) + 2
