"""What no repeat mends keeps nobody's next message waiting: it is shortened, reported as failed, or dead-lettered."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from tests.conftest import Log
from tests.providers.cloud_api.samples import events, message
from tests.providers.meta.samples import signature
from tests.support.failures import as_dynamodb_limits
from tests.support.world import World, account, freeform, json_answer, mo_media, mo_text, world
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.clickatell import outbound, replies
from whatsapp_bridge.store.lasting import is_lasting
from whatsapp_bridge.store.queues import NotStored

from .test_forward_replies import LEGACY, legacy_text, texts
from .test_whatsapp_ids import SIDES

LONG = "k" * 5000


@pytest.fixture
def made() -> Iterator[World]:
    with world() as fresh:
        yield fresh


def error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "Canary"}}, "X")


@pytest.mark.parametrize(
    ("raised", "lasting"),
    [
        (error("ValidationException"), True),
        (error("KeyTooLongError"), True),
        (error("NoSuchKey"), True),
        (error("ThrottlingException"), False),
        (error("InternalServerError"), False),
        (error("AccessDeniedException"), False),
        (ParamValidationError(report="Canary"), True),
        (EndpointConnectionError(endpoint_url="x"), False),
        (NotStored("InvalidParameterValue", lasting=True), True),
        (NotStored("InternalError"), False),
        (UnicodeEncodeError("utf-8", "", 0, 1, "x"), True),
        (KeyError("x"), True),
        (ConnectionResetError(), False),
        (TimeoutError(), False),
        (MemoryError(), False),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_which_errors_last(raised: Exception, lasting: bool) -> None:
    assert is_lasting(raised) is lasting


# --- ids -------------------------------------------------------------------------------------------------------------


def meta_text(message_id: str, words: str, **changes: Any) -> bytes:
    return events(messages=[message("text", {"body": words}, message_id, **{"context": {}} | changes)])


ADAPTERS: dict[str, tuple[Any, Callable[..., Any]]] = {
    "clickatell": (account(), lambda words, **ids: mo_text(words, **ids)),
    "clickatell_legacy": (
        LEGACY,
        lambda words, mo_id="m", **ids: legacy_text(words, "27820000001") | {"messageId": mo_id} | ids,
    ),
    "meta": (SIDES["meta"], lambda words, mo_id="m", **ids: meta_text(mo_id, words, **ids)),
    "message_central": (SIDES["message_central"], lambda words, mo_id="m", **ids: meta_text(mo_id, words, **ids)),
}
ANSWERED = {
    "clickatell": {"relatedMessageId": LONG},
    "clickatell_legacy": {"relatedMessageId": LONG},
    "meta": {"context": {"id": LONG}},
    "message_central": {"context": {"id": LONG}},
}


@pytest.mark.parametrize("of", ["its own id", "the answered message's id"])
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_long_id_keeps_no_reply_waiting(adapter: str, of: str) -> None:
    secret, written = ADAPTERS[adapter]
    with world(acme=secret) as made:
        made.fail = as_dynamodb_limits
        first = written("one", mo_id=LONG) if of == "its own id" else written("one", mo_id="m1", **ANSWERED[adapter])
        for each in (first, written("two", mo_id="m2")):
            raw = each if isinstance(each, bytes) else json.dumps(each).encode()
            made.callback(raw, headers={"x-hub-signature-256": signature(raw)})
        made.run()
        assert texts(made) == ["one", "two"]
        made.now += 600
        raw = first if isinstance(first, bytes) else json.dumps(first).encode()
        made.callback(raw, headers={"x-hub-signature-256": signature(raw)})
        made.run()
        assert texts(made) == ["one", "two"], "a repeat is known by it"


def test_a_long_id_of_a_reply_that_the_version_before_has_queued(made: World) -> None:
    made.fail = as_dynamodb_limits
    (element,) = mo_text("one")["event"]["moText"]
    reply = {"id": LONG, "sender": "27820000001", "element": {**element, "kind": "moText"}}
    body = json.dumps({"account": "acme", "reply": reply})
    made.sqs.send_message(
        QueueUrl=made.url("RepliesQueue"), MessageBody=body, MessageGroupId="g", MessageDeduplicationId="d"
    )
    made.run()
    assert texts(made) == ["one"]


def test_a_long_id_of_the_bsps_is_recorded(made: World) -> None:
    made.fail = as_dynamodb_limits
    made.bsp = lambda url, payload: json_answer(
        202, {"messages": [{"apiMessageId": LONG, "accepted": True, "to": "x", "clientMessageId": "a"}]}
    )
    made.send(freeform("a"))
    made.run()
    assert made.claims.reference_of("acme", LONG) == "a"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param('{"s3": "payloads/gone"}', "its payload is no longer in the bucket", id="a payload that is gone"),
        pytest.param('{"account": "acme"}', "not a reply of this bridge", id="something else"),
    ],
)
def test_why_a_queue_message_cannot_be_read(made: World, log: Log, body: str, reason: str) -> None:
    made.sqs.send_message(
        QueueUrl=made.url("RepliesQueue"), MessageBody=body, MessageGroupId="g", MessageDeduplicationId="d"
    )
    made.run()
    assert reason in log.text
    assert made.depth("RepliesDeadLetterQueue") == 1


# --- errors ----------------------------------------------------------------------------------------------------------


def raises(error: Exception) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def refusing(operation: str, code: str, needle: str) -> Callable[[str, Any], Exception | None]:
    return lambda called, given: error(code) if called == operation and needle in repr(given) else None


def put_breaks(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made.bsp = lambda url, payload: Answer(200, {}, b"content")
    made.fail = refusing("PutObject", "MetadataTooLarge", "")
    made.callback(mo_media("one"))


def claim_breaks(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made.fail = refusing("UpdateItem", "ValidationException", "reply#acme#mo-1'")
    made.callback(mo_text("one"))


def reading_breaks(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read = replies.reply
    broken = raises(TypeError("Canary"))
    monkeypatch.setattr(
        replies, "reply", lambda element, _: (broken if element["messageId"] == "mo-1" else read)(element, _)
    )
    made.callback(mo_text("one"))


def payload_is_gone(made: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made.callback(mo_text("k" * 300_000))
    for stored in made.s3.list_objects_v2(Bucket="test-payloadsbucket")["Contents"]:
        made.s3.delete_object(Bucket="test-payloadsbucket", Key=stored["Key"])


@pytest.mark.parametrize("breaks", [put_breaks, claim_breaks, reading_breaks, payload_is_gone])
def test_a_reply_that_fails_each_time_is_dead_lettered_and_the_next_is_told(
    made: World,
    monkeypatch: pytest.MonkeyPatch,
    log: Log,
    counted: Callable[[], dict[str, int]],
    breaks: Callable[[World, pytest.MonkeyPatch], None],
) -> None:
    breaks(made, monkeypatch)
    made.callback(mo_text("two", mo_id="mo-2"))
    made.run()
    assert texts(made) == ["two"]
    assert made.depth("RepliesDeadLetterQueue") == 1
    assert counted()["RecordsUnprocessable"] == 1
    assert "Canary" not in log.text


def test_a_reply_that_meets_an_error_that_passes_comes_back(made: World) -> None:
    left = [error("InternalServerError")]
    made.fail = lambda called, given: (
        left.pop() if left and called == "UpdateItem" and "reply#" in repr(given) else None
    )
    made.callback(mo_text("one"))
    made.callback(mo_text("two", mo_id="mo-2"))
    made.pump()
    assert texts(made) == ["one", "two"]


def test_a_chat_message_that_cannot_be_prepared_is_failed_at_once(
    made: World, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    made.send(freeform("a", text="one"))
    made.send(freeform("b", text="two"))
    translate = outbound.translate
    monkeypatch.setattr(
        outbound,
        "translate",
        lambda message, reference, _: (
            translate(message, reference, _) if reference == "b" else raises(KeyError("Canary"))()
        ),
    )
    began = made.now
    made.run()
    assert [message["clientMessageId"] for message in made.sent_to_bsp] == ["b"]
    assert made.told == [("a", "failed")]
    assert made.now == began
    assert "Canary" not in log.text


def test_a_chat_message_that_cannot_be_claimed_is_dead_lettered(made: World) -> None:
    made.send(freeform("a", text="one"))
    made.send(freeform("b", text="two"))
    made.fail = refusing("UpdateItem", "ValidationException", "msg#acme#a'")
    made.run()
    assert [message["clientMessageId"] for message in made.sent_to_bsp] == ["b"]
    assert made.depth("ConversationDeadLetterQueue") == 1
