"""forward, statuses: each message's ladder as CleverTap sees it, whatever the BSP, CleverTap and AWS do."""

import json
from collections.abc import Callable, Iterator, Sequence
from threading import Barrier
from typing import Any

import pytest

from tests.conftest import Log
from tests.support.failures import failing
from tests.support.world import (
    CLEVERTAP_URL,
    LOST,
    OK,
    STATUS_URL,
    UNREACHED,
    World,
    account,
    json_answer,
    status_update,
    template,
    world,
)
from whatsapp_bridge.flows import post_statuses
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.runtime.observability import metrics
from whatsapp_bridge.runtime.schedules import Schedule

SENT, DELIVERED, READ, EXPIRED = 4, 5, 6, 20
LADDER = ["sent", "delivered", "read"]


@pytest.fixture
def made() -> Iterator[World]:
    """A world in which the messages a, b and c are sent."""
    with world() as fresh:
        send(fresh, "a", "b", "c")
        yield fresh


def send(made: World, *names: str, account: str = "acme") -> None:
    for name in names:
        made.send(template(name), account=account)
    made.pump()
    made.http.requests.clear()
    made.http.taken.clear()


def posts(made: World, url: str = STATUS_URL) -> list[list[tuple[str, str]]]:
    """The statuses in each request to CleverTap."""
    return [[(s["msgId"], s["status"]) for s in payload["statuses"]] for to, payload in made.http.requests if to == url]


def callback(made: World, *updates: tuple[str | None, int], **options: Any) -> None:
    """One callback of the BSP with several statuses."""
    elements = [status_update(name, code, **options)["event"]["messageStatusUpdate"][0] for name, code in updates]
    assert made.callback({"event": {"messageStatusUpdate": elements}}).status == 200


def redrive(made: World) -> None:
    """What SQS's redrive does: new messages with the bodies of the dead-letter queue's."""
    found = made.sqs.receive_message(QueueUrl=made.url("StatusesDeadLetterQueue"), MaxNumberOfMessages=10)
    for message in found.get("Messages", []):
        made.sqs.delete_message(QueueUrl=made.url("StatusesDeadLetterQueue"), ReceiptHandle=message["ReceiptHandle"])
        made.sqs.send_message(QueueUrl=made.url("StatusesQueue"), MessageBody=message["Body"])


def in_turn(*answers: Any) -> Callable[[str, Any], Answer | Exception]:
    left = list(answers)
    return lambda url, payload: left.pop(0) if left else OK


# --- the ladder -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batches", "told"),
    [
        pytest.param([[SENT], [DELIVERED], [READ]], LADDER, id="one by one"),
        pytest.param([[SENT, DELIVERED, READ]], LADDER, id="in one batch"),
        pytest.param([[READ, SENT, DELIVERED]], LADDER, id="in one batch, out of order"),
        pytest.param([[READ]], LADDER, id="two skipped"),
        pytest.param([[DELIVERED]], LADDER[:2], id="one skipped"),
        pytest.param([[SENT], [READ]], LADDER, id="the middle one skipped"),
        pytest.param([[READ], [SENT], [DELIVERED]], LADDER, id="late ones"),
        pytest.param([[SENT], [SENT]], LADDER[:1], id="twice"),
        pytest.param([[SENT, SENT]], LADDER[:1], id="twice in a batch"),
        pytest.param([[EXPIRED]], ["failed"], id="failed"),
        pytest.param([[EXPIRED], [EXPIRED]], ["failed"], id="failed twice"),
        pytest.param([[SENT], [EXPIRED]], ["sent", "failed"], id="sent, then failed"),
        pytest.param([[DELIVERED], [EXPIRED]], ["sent", "delivered", "failed"], id="delivered, then failed"),
        pytest.param([[EXPIRED, SENT]], ["sent", "failed"], id="sent and failed in a batch"),
        pytest.param([[EXPIRED], [DELIVERED]], ["failed"], id="nothing behind a failure"),
        pytest.param([[READ], [EXPIRED]], LADDER, id="failed after read"),
        pytest.param([[READ, EXPIRED]], LADDER, id="failed beside read"),
        pytest.param([[2], [SENT]], ["sent"], id="queued is not told"),
        pytest.param([[999]], ["failed"], id="an unlisted status is a failure"),
    ],
)
def test_ladder(made: World, batches: list[list[int]], told: list[str]) -> None:
    for batch in batches:
        callback(made, *(("a", code) for code in batch))
        made.pump()
    assert made.told == [("a", status) for status in told]
    assert made.depth("QuarantineQueue") == made.depth("StatusesDeadLetterQueue") == 0


def test_the_callback(made: World) -> None:
    made.callback(status_update("a", SENT, at=1_700_000_100_999))
    made.pump()
    made.callback(status_update("a", READ, at=1_700_000_300_000))
    made.callback(status_update("b", EXPIRED, at=1_700_000_400))
    made.pump()
    assert [payload for url, payload in made.http.requests if url == STATUS_URL] == [
        {"payloadVersion": "0.1", "statuses": [{"msgId": "a", "status": "sent", "timestamp": "1700000100"}]},
        {
            "payloadVersion": "0.1",
            "statuses": [
                {"msgId": "a", "status": "delivered", "timestamp": "1700000300"},
                {"msgId": "a", "status": "read", "timestamp": "1700000300"},
                {
                    "msgId": "b",
                    "status": "failed",
                    "timestamp": "1700000400",
                    "error": {"code": 1005, "title": "Message has expired"},
                },
            ],
        },
    ]


def test_counts(made: World, counted: Callable[[], dict[str, int]]) -> None:
    callback(made, ("a", READ), ("b", SENT))
    made.pump()
    callback(made, ("a", SENT))
    made.pump()
    counts = counted()
    assert (counts["StatusesForwarded"], counts["RepeatsDropped"]) == (4, 1)


# --- whose status ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "api_id", "told"),
    [
        pytest.param("a", "something else", "a", id="by clientMessageId first"),
        pytest.param(None, "api-b", "b", id="by apiMessageId"),
        pytest.param("null", "api-b", "b", id="by apiMessageId, null as text"),
        pytest.param("", "api-c", "c", id="by apiMessageId, empty"),
        pytest.param(None, "api-x", None, id="by neither: unknown id"),
        pytest.param("x", "api-b", "b", id="by apiMessageId, unknown msgId"),
        pytest.param("x", "api-x", None, id="by neither: unknown msgId and id"),
    ],
)
def test_correlation(made: World, log: Log, reference: str | None, api_id: str, told: str | None) -> None:
    started = made.now
    callback(made, (reference, SENT), api_id=api_id)
    made.pump(hours=3)
    assert made.told == ([(told, "sent")] if told else [])
    assert made.depth("StatusesQueue") == 0
    if told is None:
        (kept,) = made.bodies("QuarantineQueue")
        assert (kept["account"], kept["kind"]) == ("acme", "status")
        assert kept["element"]["bsp_id"] == api_id
        assert kept["received"] == pytest.approx(made.now, abs=1)
        # Not before the schedule's hour is over.
        assert 3600 <= made.now - started < 2 * 3600
        assert "quarantined" in log.messages()


@pytest.mark.parametrize(
    ("reference", "api_id"),
    [pytest.param("d", "api-d", id="by clientMessageId"), pytest.param(None, "api-d", id="by apiMessageId")],
)
def test_a_status_before_its_message_is_recorded(made: World, reference: str | None, api_id: str) -> None:
    callback(made, (reference, DELIVERED), api_id=api_id)
    assert made.run() == pytest.approx(2, abs=0.1)
    made.send(template("d"))
    made.pump()
    assert made.told == [("d", "sent"), ("d", "delivered")]
    assert made.depth("QuarantineQueue") == 0


def test_a_status_of_another_accounts_message() -> None:
    with world(acme=account(), other=account()) as made:
        send(made, "a")
        made.callback(status_update("a", SENT, api_id="api-a"), account="other")
        made.pump(hours=3)
        assert made.told == []
        assert made.depth("QuarantineQueue") == 1


# --- batches --------------------------------------------------------------------------------------------------------


def test_one_request_per_batch(made: World) -> None:
    callback(made, ("a", SENT), ("b", DELIVERED), ("a", DELIVERED), ("c", EXPIRED))
    made.pump()
    (together,) = posts(made)
    assert sorted(together) == sorted(
        [("a", "sent"), ("a", "delivered"), ("b", "sent"), ("b", "delivered"), ("c", "failed")]
    )
    assert together.index(("a", "sent")) < together.index(("a", "delivered"))


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        pytest.param(None, {"acme": [[("a", "sent")]], "other": [[("z", "sent")]]}, id="both take theirs"),
        pytest.param("acme", {"acme": [], "other": [[("z", "sent")]]}, id="one is down"),
    ],
)
def test_one_request_per_account(broken: str | None, told: dict[str, list[Any]]) -> None:
    urls = {name: f"{CLEVERTAP_URL}{name}" for name in ("acme", "other")}
    secrets = {
        name: account(clevertap={**account()["clevertap"], "status_url": url, "incoming_url": url})
        for name, url in urls.items()
    }
    with world(**secrets) as made:
        send(made, "a")
        send(made, "z", account="other")
        made.clevertap = lambda url, payload: UNREACHED if broken and url == urls[broken] else OK
        made.callback(status_update("a", SENT, api_id="api-a"))
        made.callback(status_update("z", SENT, api_id="api-z"), account="other")
        made.run()
        taken = {
            name: [
                [(s["msgId"], s["status"]) for s in payload["statuses"]] for to, payload in made.http.taken if to == url
            ]
            for name, url in urls.items()
        }
        assert taken == told
        assert len(made.http.requests) == 2


def test_an_account_does_not_wait_for_anothers_callback_url() -> None:
    with world(acme=account(), other=account()) as made:
        send(made, "a")
        send(made, "z", account="other")
        both = Barrier(2)

        def clevertap(url: str, payload: Any) -> Answer:
            both.wait(10)
            return OK

        made.clevertap = clevertap
        callback(made, ("a", SENT))
        made.callback(status_update("z", SENT, api_id="api-z"), account="other")
        made.run()
        assert sorted(made.told) == [("a", "sent"), ("z", "sent")]


# --- CleverTap does not take it -------------------------------------------------------------------------------------

UNAVAILABLE = [
    pytest.param(json_answer(429, {}), id="429"),
    pytest.param(json_answer(500, {}), id="500"),
    pytest.param(json_answer(503, {}), id="503"),
    pytest.param(json_answer(408, {}), id="408"),
    pytest.param(UNREACHED, id="out of reach"),
    pytest.param(LOST, id="answer lost"),
]


@pytest.mark.parametrize("answer", UNAVAILABLE)
def test_tried_again(made: World, log: Log, answer: Any) -> None:
    started = made.now
    made.clevertap = in_turn(answer, answer, answer)
    callback(made, ("a", DELIVERED), ("b", SENT))
    made.pump()
    assert len(posts(made)) == 4
    assert sorted(made.told) == [("a", "delivered"), ("a", "sent"), ("b", "sent")]
    # The schedule's 2, 10 and 30 seconds.
    assert made.now - started == pytest.approx(42, abs=1)
    assert made.depth("StatusesDeadLetterQueue") == 0
    assert "clevertap.example" not in log.text


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        pytest.param("120", 120, id="later than the schedule"),
        pytest.param("1", 2, id="sooner than the schedule"),
        pytest.param("86400", 900, id="later than a queue can hold back"),
    ],
)
def test_retry_after(made: World, retry_after: str, wait: int) -> None:
    made.clevertap = in_turn(json_answer(429, {}, **{"retry-after": retry_after}))
    callback(made, ("a", SENT))
    assert made.run() == pytest.approx(wait, abs=0.1)


@pytest.mark.parametrize("answer", [UNREACHED, json_answer(500, {})], ids=["out of reach", "500"])
def test_dead_lettered_at_the_end_of_the_schedule(made: World, log: Log, answer: Any) -> None:
    made.forward_statuses._post._retry = Schedule((2, 10), 20)
    made.clevertap = lambda url, payload: answer
    callback(made, ("a", SENT))
    made.pump()
    assert len(posts(made)) == 4
    assert made.told == []
    assert made.depth("StatusesDeadLetterQueue") == 1
    assert "status dead-lettered" in log.messages()


@pytest.mark.parametrize("status", [301, 400, 404, 410, 413, 422])
def test_dead_lettered_at_once(made: World, counted: Callable[[], dict[str, int]], status: int) -> None:
    made.clevertap = lambda url, payload: json_answer(status, {})
    callback(made, ("a", SENT))
    assert made.run() is None
    assert len(posts(made)) == 1
    assert made.depth("StatusesDeadLetterQueue") == 1
    assert counted()["StatusesDeadLettered"] == 1


@pytest.mark.parametrize(("status", "bad"), [(400, "a"), (400, "b"), (400, "c"), (413, "a"), (422, "a")])
def test_one_bad_status_does_not_take_the_others_along(made: World, status: int, bad: str) -> None:
    def picky(url: str, payload: Any) -> Answer:
        return json_answer(status if any(s["msgId"] == bad for s in payload["statuses"]) else 200, {})

    made.clevertap = picky
    callback(made, ("a", SENT), ("b", SENT), ("c", SENT))
    assert made.run() is None
    assert sorted(made.told) == [(name, "sent") for name in "abc" if name != bad]
    (dead,) = made.bodies("StatusesDeadLetterQueue")
    assert dead["status"]["reference"] == bad


def test_the_search_for_the_bad_one_pauses_and_goes_on(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post_statuses, "_MAX_POSTS", 2)
    made.clevertap = lambda url, payload: json_answer(400, {})
    callback(made, ("a", SENT), ("b", SENT), ("c", SENT))
    assert made.run() == pytest.approx(5)
    assert len(posts(made)) == 2
    made.pump()
    assert made.depth("StatusesDeadLetterQueue") == 3


@pytest.mark.parametrize(
    ("held", "tries"),
    [
        pytest.param(0, [0, 2, 12, 22, 32, 40], id="reported at once"),
        pytest.param(15, [15, 17, 27, 37, 40], id="held by a backlog"),
        pytest.param(50, [50], id="held for longer than its limit"),
    ],
)
def test_the_limit_counts_from_acceptance(made: World, held: float, tries: list[float]) -> None:
    made.forward_statuses._post._retry = Schedule((2, 10), 40)
    made.clevertap = lambda url, payload: UNREACHED
    accepted, tried = made.now, list[float]()
    callback(made, ("a", SENT))
    made.now += held
    while made.depth("StatusesQueue"):
        tried.append(made.now - accepted)
        made.now += (made.run() or 0) + 0.002
    assert tried == [pytest.approx(at, abs=0.1) for at in tries]
    assert made.depth("StatusesDeadLetterQueue") == 1


def test_a_status_without_its_message_waits_for_an_hour_of_its_acceptance(made: World) -> None:
    callback(made, (None, SENT), api_id="api-x")
    made.now += 3000
    started = made.now
    while made.depth("StatusesQueue"):
        made.now += (made.run() or 0) + 0.002
    assert made.now - started == pytest.approx(600, abs=1)
    assert made.depth("QuarantineQueue") == 1


def older_version(made: World, name: str, **members: Any) -> None:
    """A status without `accepted_at`, as older versions queued it."""
    status = {"status": "sent", "timestamp": 1_700_000_100, "reference": name, "bsp_id": f"api-{name}"}
    body = {"account": "acme", "attempt": 1, "waits": 1, "status": status} | members
    made.sqs.send_message(QueueUrl=made.url("StatusesQueue"), MessageBody=json.dumps(body))


def test_a_status_of_an_older_version_counts_from_when_it_was_queued(made: World) -> None:
    made.forward_statuses._post._retry = Schedule((2, 10), 20)
    made.clevertap = lambda url, payload: UNREACHED
    queued = made.now
    older_version(made, "a")
    made.pump()
    assert made.depth("StatusesDeadLetterQueue") == 1
    assert made.now - queued == pytest.approx(20, abs=1)


def test_the_age_of_the_oldest_status_is_measured(made: World, capsys: pytest.CaptureFixture[str]) -> None:
    callback(made, ("a", SENT))
    made.now += 100
    callback(made, ("b", SENT))
    made.now += 20
    made.run()
    metrics.flush_metrics()
    assert [json.loads(line)["StatusAge"] for line in capsys.readouterr().out.splitlines() if "StatusAge" in line] == [
        [120.0]
    ]


def test_an_address_that_is_gone_is_not_tried_with_statuses_one_by_one(made: World) -> None:
    made.clevertap = lambda url, payload: json_answer(404, {})
    callback(made, ("a", SENT), ("b", SENT), ("c", SENT))
    assert made.run() is None
    assert len(posts(made)) == 1
    assert made.depth("StatusesDeadLetterQueue") == 3


@pytest.mark.parametrize("wait", [pytest.param(0, id="at once"), pytest.param(86_400, id="a day later")])
@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        pytest.param([], ["sent", "delivered"], id="nothing else came"),
        pytest.param([READ], LADDER, id="a later one came"),
    ],
)
def test_redrive(made: World, wait: float, meanwhile: Sequence[int], told: list[str]) -> None:
    made.clevertap = in_turn(json_answer(404, {}))
    callback(made, ("a", DELIVERED))
    made.pump()
    for code in meanwhile:
        callback(made, ("a", code))
        made.pump()
    made.now += wait
    redrive(made)
    # At once: nobody holds the message any more.
    assert made.run() is None
    assert made.told == [("a", status) for status in told]
    assert made.depth("StatusesDeadLetterQueue") == 0


def test_a_redriven_status_has_its_whole_schedule_again(made: World) -> None:
    made.forward_statuses._post._retry = Schedule((2, 10), 2)
    made.clevertap = lambda url, payload: UNREACHED
    callback(made, ("a", SENT))
    made.pump()
    redrive(made)
    made.pump()
    assert len(posts(made)) == 4
    assert made.depth("StatusesDeadLetterQueue") == 1


def again(made: World, body: dict[str, Any]) -> None:
    """The queue message once more, as a redrive by SQS or an older version sends it."""
    made.sqs.send_message(QueueUrl=made.url("StatusesQueue"), MessageBody=json.dumps(body))


@pytest.mark.parametrize(
    ("hops", "unchanged", "told"),
    [
        pytest.param(0, True, True, id="redriven, its first message"),
        pytest.param(2, True, True, id="redriven, after two retries"),
        pytest.param(2, False, False, id="sent again by an older version"),
    ],
)
def test_what_sqs_itself_has_dead_lettered_starts_anew(made: World, hops: int, unchanged: bool, told: bool) -> None:
    made.clevertap = lambda url, payload: UNREACHED
    callback(made, ("a", SENT))
    for _ in range(hops):
        made.now += (made.run() or 0) + 0.002
    (body,) = made.emptied("StatusesQueue")
    made.now += 5 * 86_400
    again(made, body if unchanged else body | {"hops": hops + 1})
    made.clevertap = in_turn(UNREACHED)
    made.pump()
    assert made.told == ([("a", "sent")] if told else [])
    assert made.depth("StatusesDeadLetterQueue") == (0 if told else 1)


def test_redrive_of_a_lost_answers_failure(made: World) -> None:
    made.bsp = lambda url, payload: LOST
    made.send(template("d"))
    made.clevertap = in_turn(json_answer(404, {}))
    made.pump()
    assert made.told == []
    redrive(made)
    made.pump()
    assert made.told == [("d", "failed")]


# --- another delivery is at it --------------------------------------------------------------------------------------


def test_a_message_that_another_delivery_is_reporting(made: World) -> None:
    made.leases.begin("acme", "a", "another", 1, heard=True)
    callback(made, ("a", DELIVERED), ("b", SENT))
    assert made.run() == pytest.approx(5, abs=0.1)
    assert made.told == [("b", "sent")]
    # The other one died: its hold runs out.
    made.pump()
    assert made.told == [("b", "sent"), ("a", "sent"), ("a", "delivered")]


def test_a_message_that_another_delivery_has_just_reported(made: World) -> None:
    made.leases.begin("acme", "a", "another", 2, heard=True)
    callback(made, ("a", DELIVERED))
    made.run()
    made.leases.end("acme", "a", "another", 2)
    made.pump()
    assert made.told == []


# --- AWS does not take it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needle", "times", "told"),
    [
        pytest.param("SET climber", 1, ["b", "a"], id="before CleverTap is told"),
        # Told but not recorded: told again rather than never.
        pytest.param("REMOVE climber", 6, ["a", "b", "a"], id="after CleverTap was told, for long"),
    ],
)
def test_dynamodb_fails_for_one(made: World, log: Log, needle: str, times: int, told: list[str]) -> None:
    made.fail = failing("UpdateItem", times, "msg#acme#a", needle)
    callback(made, ("a", SENT), ("b", SENT))
    # The record comes back after the visibility time-out.
    assert made.run() == pytest.approx(360, abs=10)
    made.pump()
    assert made.told == [(name, "sent") for name in told]
    assert "Canary" not in log.text
    assert made.depth("StatusesDeadLetterQueue") == 0


def test_what_is_not_recorded_at_once_is_not_told_again(made: World, log: Log) -> None:
    made.fail = failing("UpdateItem", 5, "msg#acme#a", "REMOVE climber")
    callback(made, ("a", SENT), ("b", SENT))
    assert made.run() is None
    assert made.told == [("a", "sent"), ("b", "sent")]
    assert "Canary" not in log.text


@pytest.mark.parametrize(
    ("answer", "queue"),
    [
        pytest.param(UNREACHED, "StatusesQueue", id="the next attempt"),
        pytest.param(json_answer(404, {}), "DeadLetterQueue", id="the dead letter"),
    ],
)
def test_sqs_fails(made: World, answer: Any, queue: str) -> None:
    made.clevertap = in_turn(answer)
    callback(made, ("a", SENT))
    made.fail = failing("SendMessageBatch", 1, queue)
    assert made.run() == pytest.approx(360, abs=1)
    made.pump()
    assert made.told == [("a", "sent")]


def test_an_account_that_was_deleted(made: World, log: Log) -> None:
    callback(made, ("a", SENT))
    made.secrets.delete_secret(SecretId="test/accounts/acme", ForceDeleteWithoutRecovery=True)
    made.now += 301
    made.pump(hours=12)
    assert made.depth("StatusesDeadLetterQueue") == 1
    assert {entry["error"] for entry in log.entries} == {"Unprocessable"}
    made.secrets.create_secret(Name="test/accounts/acme", SecretString=json.dumps(account()))
    redrive(made)
    made.pump()
    assert made.told == [("a", "sent")]


def test_one_unreadable_record(made: World, log: Log) -> None:
    made.sqs.send_message(QueueUrl=made.url("StatusesQueue"), MessageBody='{"account": "acme", "Canary": 1}')
    callback(made, ("a", SENT))
    made.pump(hours=12)
    assert made.told == [("a", "sent")]
    assert made.depth("StatusesDeadLetterQueue") == 1
    assert "Canary" not in log.text


# --- many at once --------------------------------------------------------------------------------------------------


def forty(made: World) -> list[str]:
    names = [f"m{number}" for number in range(40)]
    for name in names:
        made.claims.claim("acme", name, "q", "pseudonym", "grant", sending=True)
    callback(made, *((name, SENT) for name in names))
    return names


def test_bad_statuses_do_not_affect_good_ones(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post_statuses, "_MAX_POSTS", 12)
    names = forty(made)
    refused = {"m3", "m20", "m21", "m39"}
    made.clevertap = lambda url, payload: json_answer(
        400 if any(status["msgId"] in refused for status in payload["statuses"]) else 200, {}
    )
    made.pump()
    assert sorted(name for name, _ in made.told) == sorted(set(names) - refused)
    dead = made.bodies("StatusesDeadLetterQueue")
    assert {body["status"]["reference"] for body in dead} == refused


def test_clevertap_accepts_three_at_a_time(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post_statuses, "_MAX_POSTS", 12)
    names = forty(made)
    made.clevertap = lambda url, payload: json_answer(413 if len(payload["statuses"]) > 3 else 200, {})
    made.pump()
    assert sorted(name for name, _ in made.told) == sorted(names)
    assert made.depth("StatusesDeadLetterQueue") == 0
