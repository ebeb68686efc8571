"""`bridge dead-letters` and `bridge quarantine`: nothing is lost by looking, and everything finds its way back."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ops.standing import dead_letters, replaying
from ops.standing.callbacks import CannotReplay, callback_of
from tests.ops.operator import Operator
from tests.ops.test_account_check import SAMPLES
from tests.support.world import OK, START, World, freeform, json_answer, mo_text, status_update, template, world
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.inbound import Callback, NotUnderstood, ReplyEvent
from whatsapp_bridge.providers.contract.statuses import StatusEvent

PERSON = "27820000001"


@pytest.fixture
def made() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
def bridge(made: World, monkeypatch: pytest.MonkeyPatch) -> Operator:
    operator = Operator(made, monkeypatch)
    monkeypatch.setattr(replaying, "HttpClient", lambda: operator)
    return operator


def at_rest(bridge: Operator, logical_id: str) -> int:
    """Messages that anybody could receive now."""
    bridge.world.now += 0.01
    asked = bridge.world.sqs.get_queue_attributes(
        QueueUrl=bridge.world.url(logical_id), AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(asked["Attributes"]["ApproximateNumberOfMessages"])


# --- dead letters ----------------------------------------------------------------------------------------------------


@pytest.fixture
def refused(bridge: Operator) -> Operator:
    """CleverTap has refused a status and two replies of one person."""
    bridge.world.clevertap = lambda url, payload: json_answer(404, {})
    bridge.world.send(template())
    bridge.world.pump()
    bridge.world.callback(status_update("1|2|3|4", 4))
    bridge.world.callback(mo_text("one", mo_id="mo-1"))
    bridge.world.callback(mo_text("two", mo_id="mo-2"))
    bridge.world.pump()
    return bridge


def test_dead_letters_are_counted_by_queue_account_and_kind(refused: Operator) -> None:
    told = refused.told("dead-letters", "list")

    assert [(row["queue"], row["account"], row["what"], row["messages"]) for row in told] == [
        ("statuses", "acme", "status sent", 1),
        ("replies", "acme", "message from a person", 2),
    ]
    assert all(row["oldest"] >= START for row in told)


def test_looking_loses_and_hides_nothing(refused: Operator) -> None:
    for command in (["list"], ["show", "replies"], ["show", "statuses"]):
        refused("dead-letters", *command)

    assert (at_rest(refused, "RepliesDeadLetterQueue"), at_rest(refused, "StatusesDeadLetterQueue")) == (2, 1)


def test_messages_are_given_back_when_the_command_is_interrupted(
    refused: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(dead_letters.Contents, "of", interrupted)
    done = refused("dead-letters", "show", "statuses")

    assert (done.exit_code, at_rest(refused, "StatusesDeadLetterQueue")) == (130, 1)


def test_private_content_is_shown_only_if_asked_for(refused: Operator) -> None:
    masked = refused("dead-letters", "show", "replies")
    whole = refused("dead-letters", "show", "replies", "--show-private", "--json")

    assert (masked.exit_code, whole.exit_code) == (0, 0)
    assert PERSON not in masked.stdout
    assert [each["payload"]["reply"]["element"]["content"] for each in json.loads(whole.stdout)] == ["one", "two"]


def test_status_is_shown_by_its_msgid(refused: Operator) -> None:
    (told,) = refused.told("dead-letters", "show", "statuses")

    assert (told["account"], told["what"], told["name"]) == ("acme", "status sent", "1|2|3|4")


@pytest.mark.parametrize("word", ["statuses", "replies"])
def test_redriven_messages_reach_clevertap(refused: Operator, word: str) -> None:
    refused.world.clevertap = lambda url, payload: OK

    done = refused("dead-letters", "redrive", word, "--json")
    refused.world.pump()

    assert (done.exit_code, json.loads(done.stdout)["status"]) == (0, "COMPLETED")
    if word == "statuses":
        assert refused.world.told == [("1|2|3|4", "sent")]
    else:
        assert [reply["text"]["body"] for reply in refused.world.replies] == ["one", "two"]
    assert refused("dead-letters", "redrive", word).stdout == f"{word}: no dead letters\n"


def test_messages_to_people_are_sent_only_after_a_yes(bridge: Operator) -> None:
    bridge.world.send(freeform())
    bridge.world.secrets.delete_secret(SecretId="test/accounts/acme", ForceDeleteWithoutRecovery=True)
    bridge.world.now += 600
    bridge.world.pump()
    assert bridge.world.depth("ConversationDeadLetterQueue") == 1

    asked = bridge("dead-letters", "redrive", "conversation")
    before = bridge.world.depth("ConversationQueue")
    done = bridge("dead-letters", "redrive", "conversation", "--yes")

    assert (asked.exit_code, before) == (2, 0)
    assert "Send about 1 message to people, however late?" in asked.stderr
    assert (done.exit_code, bridge.world.depth("ConversationQueue")) == (0, 1)


def test_redrive_with_a_rate_is_watched_and_can_be_cancelled(
    refused: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def second(_: float) -> None:
        refused.world.now += 1

    begun = refused("dead-letters", "redrive", "replies", "--rate", "1", "--no-wait", "--json")
    running = json.loads(begun.stdout)
    cancelled = refused.told("dead-letters", "redrive", "replies", "--cancel")
    nothing = refused("dead-letters", "redrive", "replies", "--cancel")
    monkeypatch.setattr(dead_letters, "sleep", second)
    watched = refused.told("dead-letters", "redrive", "replies", "--rate", "1")

    assert (running["status"], running["moved"]) == ("RUNNING", 1)
    assert (cancelled["status"], cancelled["moved"]) == ("CANCELLED", 1)
    assert nothing.exit_code == 1
    assert (watched["status"], watched["moved"]) == ("COMPLETED", 1)


def test_second_redrive_watches_the_first(refused: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letters, "sleep", lambda _: setattr(refused.world, "now", refused.world.now + 1))
    refused("dead-letters", "redrive", "replies", "--rate", "1", "--no-wait")

    done = refused("dead-letters", "redrive", "replies", "--rate", "5", "--json")

    assert (done.exit_code, json.loads(done.stdout)["moved"]) == (0, 2)
    assert "a redrive runs already" in done.stderr


# --- quarantine ------------------------------------------------------------------------------------------------------

UNKNOWN = {"event": {"moOdd": [{"messageId": "m-1", "from": PERSON, "content": "private"}]}}


@pytest.fixture
def quarantined(bridge: Operator) -> Operator:
    """Two of an unknown kind, one of another number, and one body that cannot be read."""
    bridge.world.callback(UNKNOWN)
    bridge.world.callback(UNKNOWN)
    bridge.world.callback(mo_text("private", to="27999000009"))
    bridge.world.callback(b"{")
    bridge.world.pump()
    return bridge


def test_quarantine_is_counted_by_reason(quarantined: Operator) -> None:
    told = quarantined.told("quarantine", "list")

    assert [(row["elements"], row["reason"], row["kind"], row["account"]) for row in told] == [
        (2, "unknown kind", "moOdd", "acme"),
        (1, "another number's", "moText", "acme"),
        (1, "neither JSON nor a form", "body", "acme"),
    ]
    assert at_rest(quarantined, "QuarantineQueue") == 4


def test_elements_are_shown_whole_only_if_asked_for(quarantined: Operator) -> None:
    masked = quarantined("quarantine", "show", "--json")
    ids = [each["id"] for each in json.loads(masked.stdout)]
    whole = quarantined("quarantine", "show", ids[0][:8], "--show-private", "--json")

    assert len(ids) == 4
    assert PERSON not in masked.stdout
    assert "private" not in masked.stdout
    assert [each["element"]["content"] for each in json.loads(whole.stdout)] == ["private"]


def test_large_element_is_read_from_the_bucket(bridge: Operator) -> None:
    large = {"event": {"moOdd": [{"messageId": "m-1", "content": "x" * 300_000}]}}
    bridge.world.callback(large)

    (told,) = bridge.told("quarantine", "show", "--show-private")

    assert len(told["element"]["content"]) == 300_000


def test_dropping_asks_and_takes_only_what_is_meant(quarantined: Operator) -> None:
    asked = quarantined("quarantine", "drop", "--reason", "unknown kind")
    before = at_rest(quarantined, "QuarantineQueue")
    done = quarantined("quarantine", "drop", "--reason", "unknown kind", "--yes")

    assert (asked.exit_code, before) == (2, 4)
    assert (done.exit_code, at_rest(quarantined, "QuarantineQueue")) == (0, 2)
    assert {row["reason"] for row in quarantined.told("quarantine", "list")} == {
        "another number's",
        "neither JSON nor a form",
    }


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param([], 2, "say which", id="nothing said"),
        pytest.param(["0000"], 3, "nothing in quarantine has the id", id="no such id"),
    ],
)
@pytest.mark.parametrize("command", ["drop", "replay"])
def test_elements_must_be_named(
    quarantined: Operator, command: str, arguments: list[str], code: int, words: str
) -> None:
    done = quarantined("quarantine", command, *arguments)

    assert (done.exit_code, words in done.stderr) == (code, True)
    assert at_rest(quarantined, "QuarantineQueue") == 4


def test_element_is_replayed_once_its_cause_is_gone(quarantined: Operator) -> None:
    secret = json.loads(quarantined.world.secrets.get_secret_value(SecretId="test/accounts/acme")["SecretString"])
    quarantined.world.change_account("acme", secret | {"waba_number": "27999000009"})
    quarantined.world.now += 400

    done = quarantined("quarantine", "replay", "--reason", "another number's", "--json")
    quarantined.world.pump()

    (told,) = json.loads(done.stdout)
    assert (done.exit_code, told["outcome"]) == (0, "replayed")
    assert [reply["text"]["body"] for reply in quarantined.world.replies] == ["private"]
    assert quarantined.world.depth("QuarantineQueue") == 3


def test_element_comes_back_while_its_cause_is_there(quarantined: Operator) -> None:
    quarantined("quarantine", "replay", "--reason", "unknown kind")

    assert quarantined.told("quarantine", "list")[0]["elements"] == 2


def test_body_is_replayed_byte_for_byte(quarantined: Operator) -> None:
    quarantined("quarantine", "replay", "--reason", "neither JSON nor a form")

    assert [body for _, _, body, _ in quarantined.asked] == [b"{"]


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        pytest.param(Answer(500, {}, b""), 5, "HTTP 500", id="the bridge fails"),
        pytest.param(Answer(403, {}, b""), 1, "HTTP 403", id="not allowed"),
    ],
)
def test_element_that_is_not_taken_stays(
    quarantined: Operator, monkeypatch: pytest.MonkeyPatch, answer: Answer, code: int, words: str
) -> None:
    monkeypatch.setattr(quarantined, "request", lambda *_: answer)

    done = quarantined("quarantine", "replay", "--all", "--json")

    assert (done.exit_code, {each["outcome"] for each in json.loads(done.stdout)}) == (code, {words})
    assert at_rest(quarantined, "QuarantineQueue") == 4


def test_element_that_was_held_for_too_long_waits(quarantined: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: Any) -> Answer:
        quarantined.world.now += 1_000
        return Answer(200, {}, b"")

    monkeypatch.setattr(quarantined, "request", slow)

    done = quarantined("quarantine", "replay", "--all", "--json")

    assert done.exit_code == 5, done.stdout + done.stderr
    outcomes = [each["outcome"] for each in json.loads(done.stdout)]
    assert (done.exit_code, outcomes) == (5, ["replayed", *["not yet: there are too many at once"] * 3])
    assert at_rest(quarantined, "QuarantineQueue") == 3


def test_account_that_is_gone_is_said(quarantined: Operator) -> None:
    quarantined.world.secrets.delete_secret(SecretId="test/accounts/acme", ForceDeleteWithoutRecovery=True)

    done = quarantined("quarantine", "replay", "--all", "--json")

    assert done.exit_code == 1
    assert all("test has no account acme" in each["outcome"] for each in json.loads(done.stdout))


def test_status_without_its_message_is_not_replayed(bridge: Operator) -> None:
    bridge.world.callback(status_update("7|7|7|7", 4))
    bridge.world.pump(3)

    done = bridge("quarantine", "replay", "--all", "--json")

    assert (done.exit_code, "a replay finds none either" in done.stdout) == (1, True)
    assert at_rest(bridge, "QuarantineQueue") == 1


def test_reply_waits_until_sqs_takes_it_for_no_duplicate(bridge: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"account": "acme", "kind": "reply", "reason": "KMS", "received": int(START), "element": {}}
    bridge.world.sqs.send_message(QueueUrl=bridge.world.url("QuarantineQueue"), MessageBody=json.dumps(entry))
    monkeypatch.setattr(replaying, "time", lambda: START + 100)

    done = bridge("quarantine", "replay", "--all", "--json")

    assert (done.exit_code, "again in 200 s" in done.stdout) == (5, True)


def test_people_without_a_number_have_their_own(bridge: Operator) -> None:
    entry = {"account": "acme", "kind": "reply", "reason": "no phone number, only a user id", "element": {}}
    bridge.world.sqs.send_message(QueueUrl=bridge.world.url("PeopleQuarantineQueue"), MessageBody=json.dumps(entry))

    assert bridge.told("quarantine", "list") == []
    assert [row["reason"] for row in bridge.told("quarantine", "list", "--people")] == [entry["reason"]]


# --- an element as the callback that its BSP made of it --------------------------------------------------------------

GUPSHUP_TEXT = {"waNumber": "27999000001", "mobile": PERSON, "type": "text", "text": "hello", "timestamp": "1"}
META_TEXT = {"from": PERSON, "id": "wamid.1", "timestamp": "1700000000", "type": "text", "text": {"body": "hello"}}


def _meta(value: Any) -> Any:
    return {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [value]}]}


CALLBACKS: list[tuple[str, Any]] = [
    ("clickatell", mo_text("hello")),
    ("clickatell", UNKNOWN),
    ("clickatell", status_update(None, 4, api_id="")),
    ("clickatell_legacy", {"messageId": "m", "from": PERSON, "to": "27999000001", "content": "hi", "timestamp": 1}),
    ("clickatell_legacy", {"messageId": "m", "timestamp": 1}),
    ("gupshup", GUPSHUP_TEXT),
    ("gupshup", GUPSHUP_TEXT | {"waNumber": "27999000009"}),
    ("gupshup", {"statuses": [{"status": "odd", "msgId": "1"}]}),
    ("gupshup", {"response": [{"eventType": "ODD", "externalId": "1"}]}),
    ("message_central", _meta({"field": "messages", "value": {"messages": [META_TEXT]}})),
    ("meta", _meta({"field": "messages", "value": {"messages": [META_TEXT]}})),
    ("meta", _meta({"field": "messages", "value": {"statuses": [{"status": "odd", "id": "1"}]}})),
    ("meta", _meta({"field": "messages", "value": {"errors": [{"code": 131000, "title": "x"}]}})),
    ("meta", _meta({"field": "odd", "value": {"a": 1}})),
    (
        "meta",
        _meta({"field": "messages", "value": {"metadata": {"phone_number_id": "9"}, "messages": [META_TEXT]}}),
    ),
    ("meta", {"object": "whatsapp_business_account", "entry": [{"id": "1"}]}),
]


def test_every_bsp_has_elements_here() -> None:
    assert {kind for kind, _ in CALLBACKS} == set(registry.PROVIDERS)


@pytest.mark.parametrize(("kind", "body"), CALLBACKS)
def test_replayed_element_is_what_it_was(kind: str, body: Any) -> None:
    account, inbound = parse_account("acme", SAMPLES[kind]), registry.inbound(kind)
    headers = {"content-type": "application/json"}
    events = [
        event
        for event in inbound.split(Callback("POST", headers, {}, json.dumps(body).encode(), ""), account)
        if isinstance(event, NotUnderstood | ReplyEvent)
    ]
    assert events

    for event in events:
        named = event.kind if isinstance(event, NotUnderstood) else "reply"
        again = callback_of(account, {"kind": named, "element": event.element})
        callback = Callback(again.method, again.headers, {}, again.body, "")
        assert inbound.authentic(callback, account)
        replayed = [each for each in inbound.split(callback, account) if isinstance(each, NotUnderstood | ReplyEvent)]
        assert [each.element for each in replayed] == [event.element]
        assert [type(each) for each in replayed] == [type(event)]


def test_report_by_get_is_replayed_by_get() -> None:
    account = parse_account("acme", SAMPLES["gupshup"])
    element = {"base64": "", "content_type": "", "query": {"response": "[{"}}

    again = callback_of(account, {"kind": "body", "element": element})

    assert (again.method, again.query, again.body) == ("GET", "response=%5B%7B", b"")


@pytest.mark.parametrize("entry", [{"kind": "body", "element": {}}, {"kind": "body", "element": None}])
def test_body_that_was_not_kept(entry: Any) -> None:
    with pytest.raises(CannotReplay):
        callback_of(parse_account("acme", SAMPLES["meta"]), entry)


def test_fields_of_a_status_are_told_from_a_bsps() -> None:
    element = dict.fromkeys(("status", "timestamp", "reference", "bsp_id"))
    assert element.keys() <= set(StatusEvent.__dataclass_fields__)

    with pytest.raises(CannotReplay):
        callback_of(parse_account("acme", SAMPLES["clickatell"]), {"kind": "status", "element": element})
