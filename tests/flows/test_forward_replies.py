"""forward, replies: each message from a person reaches CleverTap once, in order, readable, or is kept."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conftest import Log
from tests.flows.test_delivered_twice import delivered
from tests.support.failures import failing
from tests.support.world import (
    BSP_URL,
    LOST,
    OK,
    UNREACHED,
    World,
    accept_all,
    account,
    json_answer,
    mo_text,
    status_update,
    template,
    world,
)
from whatsapp_bridge.flows.records import Postponed
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.clickatell_common import encryption
from whatsapp_bridge.runtime.observability import metrics
from whatsapp_bridge.runtime.schedules import Schedule

PRIVATE = ("27820000001", "27820000002", "a reply", "Ann", "Canary", "clevertap.example")
ARN = "arn:aws:kms:eu-west-1:123456789012:alias/{}"
ENCRYPTED = account(
    provider={
        "type": "clickatell",
        "api_key": "secret-api-key",
        "base_url": BSP_URL,
        "encryption": {"mt_key_arn": ARN.format("mt"), "mo_key_arn": ARN.format("mo")},
    }
)


@pytest.fixture
def made() -> Iterator[World]:
    with world() as fresh:
        yield fresh


@pytest.fixture
def encrypted(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose account gets its replies encrypted."""
    with world(acme=ENCRYPTED) as made:
        for name in ("mt", "mo"):
            kms = made.client("kms")
            kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        shared = encryption.DataKeys(lambda: made.now)
        monkeypatch.setattr(encryption.SHARED, "__dict__", shared.__dict__)
        yield made


def texts(made: World) -> list[str]:
    """The texts CleverTap took, in its order."""
    return [reply["text"]["body"] for reply in made.replies]


def attempts(made: World) -> list[str]:
    """The texts CleverTap was told, taken or not."""
    return [payload["text"]["body"] for _, payload in made.http.requests if "text" in payload]


def in_turn(*answers: Any) -> Callable[[str, Any], Answer | Exception]:
    left = list(answers)
    return lambda url, payload: left.pop(0) if left else OK


def encrypt(made: World, callback: dict[str, Any], key: str = "mo", text: str | None = None) -> dict[str, Any]:
    """The callback with its text encrypted under a data key of `key`, or replaced by `text`."""
    data_key = made.client("kms").generate_data_key(KeyId=ARN.format(key), KeySpec="AES_256")
    (element,) = callback["event"]["moText"]
    for holder, field in ((element, "content"), (element["whatsapp"], "profileName")):
        holder[field] = encryption.encrypt(data_key["Plaintext"], holder[field], os.urandom)
    if text is not None:
        element["content"] = text
    element["encryptionKey"] = base64.b64encode(data_key["CiphertextBlob"]).decode()
    return callback


# --- what is forwarded ----------------------------------------------------------------------------------------------


def test_text(made: World, log: Log, counted: Callable[[], dict[str, int]]) -> None:
    made.callback(mo_text())
    made.pump()
    assert made.replies == [
        {
            "payloadVersion": "0.1",
            "from": "27820000001",
            "wabaNumber": "27999000001",
            "timestamp": "1700000200",
            "type": "text",
            "text": {"body": "a reply"},
        }
    ]
    assert counted()["RepliesForwarded"] == 1
    assert not [private for private in PRIVATE if private in log.text]


def test_the_age_of_a_reply_is_measured(made: World, capsys: pytest.CaptureFixture[str]) -> None:
    made.callback(mo_text())
    made.now += 30
    made.run()
    metrics.flush_metrics()
    assert '"ReplyAge":[30.0]' in capsys.readouterr().out


def test_button(made: World) -> None:
    callback = mo_text("Yes", postbackData="pay|yes", relatedClientMessageId="1|2|3|4")
    callback["event"]["moSuggestedResponse"] = callback["event"].pop("moText")
    made.callback(callback)
    made.pump()
    (reply,) = made.replies
    assert (reply["type"], reply["button"]) == ("button", {"payload": "pay|yes", "text": "Yes"})
    assert reply["context"] == {"id": "1|2|3|4"}


@pytest.mark.parametrize(
    ("related", "context"),
    [
        pytest.param({"relatedClientMessageId": "1|2|3|4", "relatedMessageId": "x"}, "1|2|3|4", id="clientMessageId"),
        pytest.param({"relatedMessageId": "api-1|2|3|4"}, "1|2|3|4", id="apiMessageId"),
        pytest.param(
            {"relatedClientMessageId": "null", "relatedMessageId": "api-1|2|3|4"}, "1|2|3|4", id="null as a text"
        ),
        pytest.param({"relatedMessageId": "api-x"}, None, id="an apiMessageId of nobody's"),
        pytest.param({"relatedMessageId": "null"}, None, id="neither, as a text"),
        pytest.param({}, None, id="neither"),
        pytest.param({"relatedClientMessageId": "0|0|0|0#f00"}, "0|0|0|0", id="a validation message"),
    ],
)
def test_context(made: World, related: dict[str, str], context: str | None) -> None:
    made.send(template("1|2|3|4"))
    made.pump()
    made.callback(mo_text(**related))
    made.pump()
    assert made.replies[0].get("context") == (None if context is None else {"id": context})


def test_a_tap_that_is_quicker_than_the_record_finds_its_message(made: World) -> None:
    """The BSP delivers the message while its answer is under way."""

    def bsp(url: str, payload: Any) -> Answer:
        made.callback(mo_text(relatedMessageId="api-a"))
        (record,) = delivered(made, "RepliesQueue")
        with pytest.raises(Postponed) as postponed:
            made.forward_replies(record)
        assert postponed.value.seconds == 2
        return accept_all(url, payload)

    made.bsp = bsp
    made.send(template("a"))
    made.pump()
    assert [reply["context"] for reply in made.replies] == [{"id": "a"}]


def test_a_reply_to_a_message_whose_answer_was_lost_waits_for_its_first_status(made: World) -> None:
    made.bsp = lambda url, payload: LOST
    made.send(template("a"))
    made.run()
    made.callback(mo_text(relatedMessageId="api-a"))
    assert made.run() == pytest.approx(2, abs=0.1)
    made.callback(status_update("a", 4, api_id="api-a"))
    made.pump()
    assert [reply["context"] for reply in made.replies] == [{"id": "a"}]


@pytest.mark.parametrize(
    ("since_sending", "waits"),
    [
        pytest.param(None, 0, id="nothing was sent"),
        pytest.param(0, 6, id="something is being sent"),
        pytest.param(59, 6, id="a minute ago"),
        pytest.param(121, 0, id="two minutes ago"),
    ],
)
def test_how_long_a_reply_to_nothing_of_ours_waits(made: World, since_sending: float | None, waits: float) -> None:
    if since_sending is not None:
        made.send(template("a"))
        made.run()
        made.now += since_sending
    begun = made.now
    made.callback(mo_text(relatedMessageId="somebody else's"))
    made.callback(mo_text("the next", mo_id="mo-2"))
    made.pump()
    assert texts(made) == ["a reply", "the next"]
    assert made.now - begun == pytest.approx(waits, abs=0.1)


def test_what_a_reply_behind_others_has_waited_counts(made: World) -> None:
    made.send(template("a"))
    made.run()
    begun = made.now
    for number in range(5):
        made.callback(mo_text(mo_id=f"mo-{number}", relatedMessageId="somebody else's"))
    made.pump()
    assert len(made.replies) == 5
    assert made.now - begun == pytest.approx(6, abs=0.1)


def test_that_an_account_sends_is_written_once_a_minute(made: World) -> None:
    notes = []
    made.fail = lambda operation, parameters: (
        notes.append(made.now) if "note#acme#sending" in repr(parameters) else None
    )
    begun = made.now
    for number in range(5):
        made.send(template(f"m{number}"))
        made.run()
        made.now += 25
    assert notes == [begun, begun + 75]


def test_a_message_is_sent_although_that_cannot_be_written(made: World) -> None:
    made.fail = failing("UpdateItem", 9, "note#acme#sending")
    made.send(template("a"))
    made.run()
    assert made.sent_by_id() == {"a": 1}


def test_what_has_no_content_is_quarantined(made: World, log: Log) -> None:
    made.callback(mo_text(content=None))
    made.pump()
    assert made.http.requests == []
    (kept,) = made.bodies("QuarantineQueue")
    assert (kept["kind"], kept["reason"], kept["element"]["from"]) == ("moText", "no content", "27820000001")
    # Whoever mends it and queues it again does not have to wait.
    assert made.once.begin_reply("acme", "mo-1", "the mended one") == "mo-1"
    assert not [private for private in PRIVATE if private in log.text]


# --- repeats --------------------------------------------------------------------------------------------------------


LEGACY = account(provider={"type": "clickatell_legacy", "api_key": "secret-api-key", "base_url": BSP_URL})


def legacy_text(text: str, sender: str) -> dict[str, Any]:
    (element,) = mo_text(text, sender=sender)["event"]["moText"]
    return {"integrationId": "i", "integrationName": "n", **element}


@pytest.mark.parametrize(
    ("secret", "callback"),
    [
        pytest.param(account(), lambda text, sender: mo_text(text, sender=sender), id="one api"),
        pytest.param(LEGACY, legacy_text, id="legacy"),
    ],
)
@pytest.mark.parametrize(
    ("senders", "told"),
    [
        pytest.param(("27820000001", "27820000009"), ["one", "two"], id="two people"),
        pytest.param(("27820000001", "27820000001"), ["one"], id="one person"),
        pytest.param(("27820000001", "27820000009", "27820000001", "27820000009"), ["one", "two"], id="in turns"),
    ],
)
def test_two_people_with_one_message_id_are_both_heard(
    secret: dict[str, Any], callback: Callable[[str, str], Any], senders: tuple[str, ...], told: list[str]
) -> None:
    with world(acme=secret) as made:
        for sender, words in zip(senders, ("one", "two", "three", "four"), strict=False):
            made.callback(callback(words, sender))
            made.pump()
            made.now += 600
        assert texts(made) == told


def test_a_message_that_waits_is_not_lost_to_another_person_with_its_id(made: World) -> None:
    made.clevertap = in_turn(json_answer(503, {}))
    made.callback(mo_text("one", sender="27820000001"))
    made.run()
    made.callback(mo_text("two", sender="27820000009"))
    made.pump()
    assert sorted(texts(made)) == ["one", "two"]


def test_a_message_that_the_version_before_has_told_is_not_told_again(made: World) -> None:
    made.dynamodb.put_item(
        TableName=made.table.name,
        Item={"pk": {"S": "reply#acme#mo-1"}, "state": {"S": "forwarded"}, "held_until": {"N": "0"}},
    )
    made.callback(mo_text())
    made.pump()
    assert made.replies == []


@pytest.mark.parametrize("wait", [0, 299, 301, 86_400])
def test_repeats_are_forwarded_once(made: World, wait: float) -> None:
    made.callback(mo_text())
    made.pump()
    made.now += wait
    made.callback(mo_text())
    made.pump()
    assert texts(made) == ["a reply"]


def test_a_repeat_while_the_first_waits(made: World) -> None:
    made.clevertap = in_turn(*[UNREACHED] * 6)
    made.callback(mo_text())
    for _ in range(6):
        made.run()
        made.now += 400
        made.callback(mo_text())
    made.pump(hours=3)
    assert texts(made) == ["a reply"]


def test_the_same_id_at_two_accounts_are_two_messages() -> None:
    with world(acme=account(), other=account()) as made:
        made.callback(mo_text())
        made.callback(mo_text(), account="other")
        made.pump()
        assert texts(made) == ["a reply"] * 2


# --- order ----------------------------------------------------------------------------------------------------------


def test_one_persons_messages_keep_their_order(made: World) -> None:
    down = [2]

    def clevertap(url: str, payload: Any) -> Answer | Exception:
        if payload["text"]["body"] == "a1" and down[0]:
            down[0] -= 1
            return UNREACHED
        return OK

    made.clevertap = clevertap
    for text, sender in (("a1", "27820000001"), ("a2", "27820000001"), ("b1", "27820000002"), ("a3", "27820000001")):
        made.callback(mo_text(text, mo_id=text, sender=sender))
    started = made.now
    made.pump()
    assert attempts(made) == ["a1", "b1", "a1", "a1", "a2", "a3"]
    assert texts(made) == ["b1", "a1", "a2", "a3"]
    # The schedule's 2 and 10 seconds.
    assert made.now - started == pytest.approx(12, abs=0.1)


# --- CleverTap does not take it -------------------------------------------------------------------------------------

UNAVAILABLE = [
    pytest.param(json_answer(429, {}), id="429"),
    pytest.param(json_answer(500, {}), id="500"),
    pytest.param(UNREACHED, id="out of reach"),
    pytest.param(LOST, id="answer lost"),
]


@pytest.mark.parametrize("answer", UNAVAILABLE)
def test_tried_again(made: World, log: Log, answer: Any) -> None:
    made.clevertap = in_turn(answer, answer, answer)
    made.callback(mo_text())
    started = made.now
    made.pump()
    assert len(attempts(made)) == 4
    assert texts(made) == ["a reply"]
    assert made.now - started == pytest.approx(42, abs=0.1)
    assert not [private for private in PRIVATE if private in log.text]


@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        pytest.param("1", 2, id="sooner than the schedule"),
        pytest.param("120", 120, id="later than the schedule"),
        pytest.param("99999", 900, id="longer than a chat may wait for it"),
    ],
)
def test_retry_after(made: World, retry_after: str, wait: int) -> None:
    made.clevertap = in_turn(json_answer(429, {}, **{"retry-after": retry_after}))
    made.callback(mo_text())
    assert made.run() == pytest.approx(wait, abs=0.1)


def throttled(made: World, times: int) -> None:
    """Lambda takes what is on the queue, and cannot start: each time is a receive."""
    for _ in range(times):
        made.sqs.receive_message(QueueUrl=made.url("RepliesQueue"), VisibilityTimeout=1)
        made.now += 1.01


def test_throttled_receives_are_no_attempts(made: World) -> None:
    made.forward_replies._retry = Schedule((2, 10), 120)
    made.clevertap = in_turn(UNREACHED)
    made.callback(mo_text())
    throttled(made, 50)
    assert made.run() == pytest.approx(10, abs=0.1)
    made.pump()
    assert texts(made) == ["a reply"]


DAY = 86_400


@pytest.mark.parametrize(
    ("replies", "ends"),
    [
        # Each begins its four days when its turn comes, twelve days after it was sent at the latest.
        pytest.param(1, [4 * DAY], id="alone"),
        pytest.param(2, [4 * DAY, 8 * DAY], id="one behind it"),
        pytest.param(5, [4 * DAY, 8 * DAY, 12 * DAY, 12 * DAY, 12 * DAY], id="all reach the dead-letter queue"),
    ],
)
def test_replies_that_wait_behind_others(made: World, replies: int, ends: list[int]) -> None:
    made.forward_replies._retry = Schedule((3600, 43_000), 4 * DAY)
    made.clevertap = lambda url, payload: UNREACHED
    began, ended = made.now, []
    for number in range(replies):
        made.callback(mo_text(f"a{number}", mo_id=f"a{number}"))
    while made.depth("RepliesQueue"):
        depth = made.depth("RepliesDeadLetterQueue")
        wait = made.run()
        ended += [made.now - began] * (made.depth("RepliesDeadLetterQueue") - depth)
        made.now += (wait or 0) + 0.002
    assert ended == [pytest.approx(end, abs=60) for end in ends]


@pytest.mark.parametrize(
    ("answer", "tried"),
    [
        pytest.param(UNREACHED, ["a1"] * 2 + ["a2"] * 2, id="at the end of the schedule"),
        pytest.param(json_answer(400, {}), ["a1", "a2"], id="400 at once"),
        pytest.param(json_answer(404, {}), ["a1", "a2"], id="404 at once"),
        pytest.param(json_answer(302, {}), ["a1", "a2"], id="redirected"),
    ],
)
@pytest.mark.parametrize("wait", [pytest.param(0, id="redriven at once"), pytest.param(86_400, id="redriven later")])
def test_dead_letters_and_their_redrive(made: World, log: Log, answer: Any, tried: list[str], wait: float) -> None:
    made.forward_replies._retry = Schedule((2, 10), 2)
    made.clevertap = lambda url, payload: answer
    made.callback(mo_text("a1", mo_id="a1"))
    made.callback(mo_text("a2", mo_id="a2"))
    made.pump()
    assert attempts(made) == tried
    assert made.depth("RepliesDeadLetterQueue") == 2
    assert log.messages().count("reply dead-lettered") == 2
    made.clevertap = in_turn()
    made.now += wait
    redrive(made)
    made.pump()
    assert texts(made) == ["a1", "a2"]
    assert made.depth("RepliesDeadLetterQueue") == 0


def redrive(made: World) -> None:
    """What SQS's redrive does: new messages with the bodies and groups of the dead-letter queue's."""
    source = {"QueueUrl": made.url("RepliesDeadLetterQueue")}
    while found := made.sqs.receive_message(**source, AttributeNames=["All"]).get("Messages"):
        for message in found:
            made.sqs.delete_message(**source, ReceiptHandle=message["ReceiptHandle"])
            made.sqs.send_message(
                QueueUrl=made.url("RepliesQueue"),
                MessageBody=message["Body"],
                MessageGroupId=message["Attributes"]["MessageGroupId"],
                MessageDeduplicationId=f"redriven-{message['MessageId']}",
            )


def test_dead_letters_stay_in_their_group(made: World) -> None:
    made.clevertap = lambda url, payload: json_answer(404, {})
    made.callback(mo_text())
    made.pump()
    found = made.sqs.receive_message(QueueUrl=made.url("RepliesDeadLetterQueue"), AttributeNames=["All"])["Messages"]
    group = found[0]["Attributes"]["MessageGroupId"]
    assert group.startswith("acme.")
    assert "820000001" not in group


# --- encryption -----------------------------------------------------------------------------------------------------


def kms_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "Canary"}}, "Decrypt")


def test_decrypted(encrypted: World) -> None:
    encrypted.callback(encrypt(encrypted, mo_text("verschl\u00fcsselt")))
    assert "verschl" not in json.dumps(encrypted.bodies("RepliesQueue"))
    encrypted.now += 400
    encrypted.pump()
    assert texts(encrypted) == ["verschl\u00fcsselt"]


def test_in_clear_although_the_account_encrypts(encrypted: World) -> None:
    encrypted.callback(mo_text("in clear"))
    encrypted.pump()
    assert texts(encrypted) == ["in clear"]


@pytest.mark.parametrize("code", ["ThrottlingException", "KMSInternalException", "AccessDeniedException"])
def test_kms_fails_for_a_while(encrypted: World, log: Log, code: str) -> None:
    encrypted.callback(encrypt(encrypted, mo_text("a1", mo_id="a1")))
    encrypted.callback(encrypt(encrypted, mo_text("a2", mo_id="a2")))
    encrypted.fail = lambda operation, _: kms_error(code) if operation == "Decrypt" else None
    encrypted.pump(hours=0.01)
    assert encrypted.http.requests == []
    encrypted.fail = lambda *_: None
    encrypted.pump()
    assert texts(encrypted) == ["a1", "a2"]
    assert encrypted.depth("QuarantineQueue") == 0
    assert not [private for private in PRIVATE if private in log.text]


def test_kms_fails_for_good(encrypted: World, counted: Callable[[], dict[str, int]]) -> None:
    callback = encrypt(encrypted, mo_text())
    encrypted.callback(callback)
    encrypted.fail = lambda operation, _: kms_error("AccessDeniedException") if operation == "Decrypt" else None
    encrypted.forward_replies._retry = Schedule((2, 10), 20)
    encrypted.pump()
    assert encrypted.http.requests == []
    (kept,) = encrypted.bodies("QuarantineQueue")
    assert kept["reason"] == "KMS decrypt: AccessDeniedException"
    assert kept["element"] == {**callback["event"]["moText"][0], "kind": "moText"}
    assert counted()["RepliesUnreadable"] == 4


def another_keys(made: World) -> dict[str, Any]:
    # What KMS says of a blob of another key than the named one; moto says that access is denied.
    refused = [kms_error("IncorrectKeyException")]
    made.fail = lambda operation, _: refused.pop() if operation == "Decrypt" and refused else None
    return encrypt(made, mo_text())


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(another_keys, id="another key's"),
        pytest.param(lambda made: encrypt(made, mo_text(), text="Canary"), id="text in clear"),
        pytest.param(lambda made: mo_text(encryptionKey="Canary"), id="no base64"),
        pytest.param(lambda made: mo_text(encryptionKey=base64.b64encode(b"Canary").decode()), id="no blob of KMS"),
    ],
)
def test_undecipherable(encrypted: World, log: Log, spoil: Callable[[World], dict[str, Any]]) -> None:
    encrypted.callback(spoil(encrypted))
    encrypted.callback(encrypt(encrypted, mo_text("the next", mo_id="mo-2")))
    assert encrypted.run() is None
    assert encrypted.depth("QuarantineQueue") == 1
    assert texts(encrypted) == ["the next"]
    assert not [private for private in PRIVATE if private in log.text]


def test_encrypted_although_the_account_has_no_key(encrypted: World) -> None:
    callback = encrypt(encrypted, mo_text())
    encrypted.secrets.put_secret_value(SecretId="test/accounts/acme", SecretString=json.dumps(account()))
    encrypted.callback(callback)
    encrypted.pump(hours=0.01)
    assert encrypted.http.requests == []
    # Somebody completes the account.
    encrypted.secrets.put_secret_value(SecretId="test/accounts/acme", SecretString=json.dumps(ENCRYPTED))
    encrypted.pump(hours=1)
    assert texts(encrypted) == ["a reply"]


# --- AWS and accounts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needle", "times", "told"),
    [
        pytest.param("':forwarding'", 1, 1, id="before CleverTap is told"),
        pytest.param("':forwarded'", 1, 1, id="after CleverTap was told"),
        # Told but not recorded: told again rather than never.
        pytest.param("':forwarded'", 6, 2, id="after CleverTap was told, for long"),
    ],
)
def test_dynamodb_fails(made: World, log: Log, needle: str, times: int, told: int) -> None:
    made.fail = failing("UpdateItem", times, needle)
    made.callback(mo_text("a1", mo_id="a1"))
    made.callback(mo_text("a2", mo_id="a2"))
    made.pump()
    assert texts(made) == ["a1"] * told + ["a2"]
    assert "Canary" not in log.text


def test_a_failure_before_the_request_does_not_keep_the_chat_waiting(made: World) -> None:
    made.send(template("a"))
    made.run()
    made.callback(mo_text(relatedMessageId="api-a"))
    made.fail = failing("Query", 1)
    assert made.run() == pytest.approx(5, abs=1)
    made.now += 5.002
    made.run()
    assert texts(made) == ["a reply"]


def test_an_account_that_was_deleted(made: World, log: Log) -> None:
    made.callback(mo_text())
    made.secrets.delete_secret(SecretId="test/accounts/acme", ForceDeleteWithoutRecovery=True)
    made.now += 301
    assert made.run() is None
    assert made.http.requests == []
    assert made.depth("RepliesDeadLetterQueue") == 1
    assert [entry["reason"] for entry in log.entries] == ["no such account"]
    made.put_account("acme", account())
    made.now += 31
    redrive(made)
    made.pump()
    assert texts(made) == ["a reply"]
