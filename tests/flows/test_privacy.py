"""Whatever happens in a conversation, nothing that others can look at says who was written to, or what."""

import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

import pytest

from local.sandbox.wamids import wamid
from tests.conftest import Log
from tests.providers.conformance import PERSON, TEXT
from tests.support.conversations import PRIVATE, SCENES, Conversation, of_somebody_else
from tests.support.traces import Traces
from tests.support.world import World, signing_key, world
from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.accounts.keys import AccountKeys
from whatsapp_bridge.flows import people_files
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.message_central import kept_tokens
from whatsapp_bridge.runtime.observability import count_of_account, logger
from whatsapp_bridge.store import items, signing

ENCRYPTED: Final = "clickatell, encrypted"
OTHER_TOKEN: Final = "another-token-another-token-0123456789"


def test_every_adapter_has_its_scene() -> None:
    assert {scene.suite.provider for scene in SCENES.values()} == set(registry.PROVIDERS)


def test_what_is_said_to_be_encrypted_is() -> None:
    scene = SCENES[ENCRYPTED]
    with scene.suite.world() as made:
        raw = scene.sealed(scene.suite.incoming("text"))
        assert TEXT.encode() not in raw
        scene.suite.deliver(made, raw)
        made.pump()
        assert [reply["text"]["body"] for reply in made.replies] == [TEXT]


@pytest.mark.parametrize("provider", SCENES)
def test_no_conversation_leaves_a_trace_of_a_person(
    provider: str, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = SCENES[provider]
    with scene.suite.world() as made:
        traces = Traces(made, log, capsys)
        with traces.watched():
            Conversation(made, scene).play()
        leaks = traces.leaks(PRIVATE)
        told = {status["status"] for status in made.statuses}
        kinds = {reply["type"] for reply in made.replies}

    assert leaks == {}
    # What was looked at is a conversation, and all of it.
    assert scene.suite.capabilities.statuses <= told
    assert scene.suite.capabilities.incoming - {"contacts"} <= kinds
    assert traces.places.keys() >= LOOKED_AT | (OF_KMS if provider == ENCRYPTED else set())
    assert {name for name in COUNTED if f'"{name}"' not in traces.places["metric"]} == set()


COUNTED: Final = {
    "MessagesSent",
    "MessagesRejected",
    "MessagesUnknown",
    "MessagesNotSent",
    "MessagesRefused",
    "RepeatsDropped",
    "EventsQuarantined",
    "StatusesDeadLettered",
    "RepliesDeadLettered",
    "CleverTapUnavailable",
    "CallbacksForbidden",
    "CallbacksMalformed",
    "InvalidCredentials",
    "ProviderAccountAlarms",
}
LOOKED_AT: Final = {
    "log",
    "exception",
    "metric",
    "item",
    "item attribute name",
    "SendMessage MessageGroupId",
    "SendMessage MessageDeduplicationId",
    "UpdateItem ExpressionAttributeValues",
    "GetSecretValue SecretId",
}
OF_KMS: Final = {"GenerateDataKey KeyId", "Decrypt KeyId", "Decrypt CiphertextBlob"}


# --- what depends on a person alone can be tried out -----------------------------------------------------------------


@pytest.mark.parametrize("provider", SCENES)
def test_what_comes_of_a_person_comes_of_a_secret_too(
    provider: str, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers and short answers are few enough to hash them all. So no word that stays the same under another secret
    may change with the person."""
    scene = SCENES[provider]

    def words(token: str, said: Callable[[bytes], bytes]) -> dict[str, str]:
        log.stream.truncate(0)
        with scene.suite.world(scene.suite.secret("https://bsp.example") | {"callback_token": token}) as made:
            made.change_signing_key(signing_key(token))
            traces = Traces(made, log, capsys)
            with traces.watched():
                Conversation(made, scene, token, said).play_briefly()
            every = list(traces.all())
            return {word: trace.place for trace in every for word in re.findall(r"[A-Za-z0-9]{6,}", trace.text)}

    first, under_another_secret = words(scene.suite.token, bytes), words(OTHER_TOKEN, bytes)
    of_the_person = first.keys() - words(scene.suite.token, of_somebody_else).keys()
    assert {word: first[word] for word in of_the_person & under_another_secret.keys()} == {}


# --- the search can fail ---------------------------------------------------------------------------------------------

ENCODED: Final[dict[str, Callable[[str], str]]] = {
    "plain": str,
    "in other words": lambda text: f"to={text};",
    "base64": lambda text: b64encode(text.encode()).decode(),
    "base64 behind a byte": lambda text: b64encode(b"\0" + text.encode()).decode(),
    "base64 behind two bytes": lambda text: b64encode(b"\0\1" + text.encode()).decode(),
    "base64 in a longer word": lambda text: f"x{b64encode(text.encode() + bytes(9)).decode()}",
    "base64 without padding": lambda text: b64encode(text.encode()).decode().rstrip("="),
    "base64 of addresses": lambda text: urlsafe_b64encode(b"\xfb\xef\xff" + text.encode()).decode(),
    "base64 of base64": lambda text: b64encode(b64encode(text.encode())).decode(),
    "base64 of UTF-16": lambda text: b64encode(text.encode("utf-16")).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in capitals": lambda text: text.encode().hex().upper(),
    "hexadecimal from an odd place": lambda text: f"a{text.encode().hex()}",
    "percent-encoded": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "JSON in a text": lambda text: json.dumps(json.dumps({"of": text})),
    "JSON's escapes": lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    "JSON in base64 in an address": lambda text: quote(b64encode(json.dumps([text]).encode()).decode(), safe=""),
}
OF_NUMBERS: Final[dict[str, Callable[[str], str]]] = {
    "without its country code": lambda number: f"0{number[2:]}",
    "its last digits": lambda number: number[-8:],
    "as people write it": lambda number: f"+{number[:2]} {number[2:4]} {number[4:7]}-{number[7:]}",
    "in WhatsApp's id": lambda number: wamid(number, "A" * 18),
    "in WhatsApp's id without its prefix": lambda number: wamid(number, "A" * 18).removeprefix("wamid.").rstrip("="),
    "in half bytes": lambda number: b64encode(b"\x11\x86" + bytes.fromhex(f"{number}f") + bytes(9)).decode(),
    "in swapped half bytes": lambda number: b64encode(bytes.fromhex(_swapped(f"{number}f"))).decode(),
    "in half bytes as hexadecimal": lambda number: f"0b{number}f",
    "in swapped half bytes as hexadecimal": lambda number: _swapped(f"{number}f"),
    "as a whole number in hexadecimal": lambda number: f"{int(number):x}",
    "as a whole number in base64": lambda number: b64encode(int(number).to_bytes(8)).decode(),
    "hashed without a key": lambda number: sha256(number.encode()).hexdigest(),
    "hashed without a key, in base64": lambda number: b64encode(sha256(number.encode()).digest()).decode(),
}


def _swapped(digits: str) -> str:
    return "".join(second + first for first, second in zip(digits[::2], digits[1::2], strict=True))


@pytest.mark.parametrize("encoded", [*ENCODED.values(), *OF_NUMBERS.values()], ids=[*ENCODED, *OF_NUMBERS])
def test_the_search_finds_a_number(encoded: Callable[[str], str]) -> None:
    assert PRIVATE.found_in(json.dumps({"id": encoded(PERSON)})) == {"number 0"}


@pytest.mark.parametrize("encoded", ENCODED.values(), ids=ENCODED)
def test_the_search_finds_words(encoded: Callable[[str], str]) -> None:
    assert PRIVATE.found_in(json.dumps({"id": encoded(TEXT.upper())})) == {"word 0"}


def test_the_search_finds_nothing_where_nothing_is() -> None:
    others = ["27999000001", sha256(b"27999000001").hexdigest(), wamid("27999000001", "A" * 18), "5f0c1e6a7b8d4c2f9a10"]
    assert PRIVATE.found_in(json.dumps(others)) == set()


class Planted(Exception):
    pass


Planted.__module__ = "whatsapp_bridge.planted"


def _raise(made: World, text: str) -> None:
    with pytest.raises(Planted):
        raise Planted(text)


def _update(made: World, **arguments: Any) -> None:
    made.dynamodb.update_item(TableName=made.table.name, **arguments)


def _put(made: World, **arguments: Any) -> None:
    bucket = next(iter(made.deployment.buckets.values()))
    made.s3.put_object(**{"Bucket": bucket, "Key": "media/acme/1", "Body": b""} | arguments)


def _send(made: World, **arguments: Any) -> None:
    made.sqs.send_message(
        **{"QueueUrl": made.url("RepliesQueue"), "MessageBody": "{}"}
        | {"MessageGroupId": "a", "MessageDeduplicationId": "a"}
        | arguments
    )


def _of_item(text: str) -> dict[str, Any]:
    return {
        "Key": {"pk": {"S": text}},
        "UpdateExpression": "SET a = :a",
        "ExpressionAttributeValues": {":a": {"N": "1"}},
    }


PLACES: Final[dict[str, tuple[Callable[[World, str], object], set[str]]]] = {
    "a log line": (lambda made, text: logger.debug("seen", extra={"id": text}), {"log"}),
    "a library's log line": (lambda made, text: logger._logger.root.warning("%s", text), {"log"}),
    "a metric": (lambda made, text: count_of_account("MessagesSent", text), {"metric"}),
    "an exception": (_raise, {"exception"}),
    "a key": (lambda made, text: _update(made, **_of_item(text)), {"item"}),
    "an attribute": (
        lambda made, text: _update(made, **_of_item("a") | {"ExpressionAttributeValues": {":a": {"S": text}}}),
        {"UpdateItem ExpressionAttributeValues", "item"},
    ),
    "an attribute's name": (
        lambda made, text: _update(
            made, **_of_item("a") | {"UpdateExpression": "SET #a = :a", "ExpressionAttributeNames": {"#a": text}}
        ),
        {"UpdateItem ExpressionAttributeNames", "item attribute name"},
    ),
    "a message group": (lambda made, text: _send(made, MessageGroupId=text), {"SendMessage MessageGroupId"}),
    "a deduplication id": (
        lambda made, text: _send(made, MessageDeduplicationId=text),
        {"SendMessage MessageDeduplicationId"},
    ),
    "a message attribute": (
        lambda made, text: _send(made, MessageAttributes={"a": {"DataType": "String", "StringValue": text}}),
        {"SendMessage MessageAttributes"},
    ),
    "one message of several": (
        lambda made, text: made.sqs.send_message_batch(
            QueueUrl=made.url("StatusesQueue"), Entries=[{"Id": "1", "MessageBody": "{}", "MessageGroupId": text}]
        ),
        {"SendMessage MessageGroupId"},
    ),
    "an object's key": (lambda made, text: _put(made, Key=f"media/{text}"), {"PutObject Key", "object"}),
    "an object's tag": (lambda made, text: _put(made, Tagging=f"of={quote(text)}"), {"PutObject Tagging", "object"}),
    "an object's metadata": (lambda made, text: _put(made, Metadata={"of": text}), {"PutObject Metadata", "object"}),
    "the name of a secret": (
        lambda made, text: made.secrets.list_secrets(Filters=[{"Key": "name", "Values": [text]}]),
        {"ListSecrets Filters"},
    ),
}


@pytest.mark.parametrize("text", [PERSON, wamid(PERSON, "A" * 18)], ids=["a number", "an id with a number"])
@pytest.mark.parametrize(("plant", "places"), PLACES.values(), ids=PLACES)
def test_a_leak_is_found_where_it_is(
    plant: Callable[[World, str], object], places: set[str], text: str, log: Log, capsys: pytest.CaptureFixture[str]
) -> None:
    with world() as made:
        traces = Traces(made, log, capsys)
        with traces.watched(), made.invocation():
            plant(made, text)
        assert traces.leaks(PRIVATE) == {place: {"number 0"} for place in places}


def logged[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """As it is, but what it gives is in the log."""

    def logs(*arguments: P.args, **named: P.kwargs) -> R:
        given = function(*arguments, **named)
        logger.info("made", extra={"given": str(given)})
        return given

    return logs


DEFECTS: Final[dict[str, tuple[str, Any, str, Callable[..., Any]]]] = {
    "an id of WhatsApp's as it came": ("meta", items, "hidden", lambda account, message_id: message_id),
    "a token in the table": ("message_central", kept_tokens, "sealed", lambda account, token: token),
    "a number in place of a pseudonym": ("clickatell", AccountKeys, "pseudonym", lambda keys, number: number),
    "a credential in a log": (
        "gupshup",
        Account,
        "is_first_token",
        lambda account, token: logger.info("token", extra={"token": token}) or True,
    ),
    "a link to a file in a log": ("clickatell", people_files, "link", logged(people_files.link)),
    "the signing key in a log": ("clickatell", signing, "read_signing_keys", logged(signing.read_signing_keys)),
}


@pytest.mark.parametrize(("provider", "owner", "name", "wrong"), DEFECTS.values(), ids=DEFECTS)
def test_a_defect_is_found_in_the_conversation(
    monkeypatch: pytest.MonkeyPatch,
    provider: str,
    owner: Any,
    name: str,
    wrong: Callable[..., Any],
    log: Log,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(owner, name, wrong)
    scene = SCENES[provider]
    with scene.suite.world() as made:
        traces = Traces(made, log, capsys)
        with traces.watched():
            Conversation(made, scene).play_briefly()
        assert traces.leaks(PRIVATE)
