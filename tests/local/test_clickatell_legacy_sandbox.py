import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.aws import LocalAws
from local.sandbox import encryption
from local.sandbox.clickatell import Integration
from local.sandbox.legacy_api import STATUS_OF, LegacySandbox
from local.sandbox.one_api import STATUSES
from local.web import LoopbackHandler, LoopbackServer
from whatsapp_bridge.providers.clickatell_legacy import codes

MT_KEY = "arn:aws:kms:eu-west-1:210987654321:key/0a1b2c3d-0000-4000-8000-000000000001"
MO_KEY = "arn:aws:kms:eu-west-1:210987654321:alias/mo"

type Json = dict[str, Any]

TEXT: Json = {"to": "27821230001", "clientMessageId": "1|2|3|4", "content": "Hi"}


def hsm(**changes: Any) -> Json:
    message = {"to": "27821230001", "clientMessageId": "1|2|3|4"}
    return {**message, "hsm": {"template": "t", "parameters": {"1": "a"}, **changes}}


class Bridge:
    """The bridge's callback URLs: keeps what is posted to them."""

    def __init__(self) -> None:
        self.received: list[tuple[str, Json]] = []
        self.changed = threading.Condition()
        bridge = self

        class Handler(LoopbackHandler):
            def respond(self) -> None:
                body = json.loads(self.read_body())
                with bridge.changed:
                    bridge.received.append((self.path, body))
                    bridge.changed.notify_all()
                self.answer(200)

        self.server = LoopbackServer(Handler)

    def wait_for(self, count: int) -> list[tuple[str, Json]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, 10)
            return list(self.received)


@pytest.fixture(scope="module")
def aws() -> Iterator[LocalAws]:
    with LocalAws("eu-west-1") as made:
        made.add_account("st", "keys", {"keys": [MT_KEY, MO_KEY]})
        yield made


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    made = Bridge()
    with made.server:
        yield made


@pytest.fixture
def clickatell(aws: LocalAws, bridge: Bridge) -> Iterator[LegacySandbox]:
    with LegacySandbox(lambda region: aws.client("kms", region), seed=1) as sandbox:
        url = bridge.server.url
        sandbox.add(Integration("clear", "key-clear", "27999000001", f"{url}/status", f"{url}/incoming"))
        sandbox.add(
            Integration("secure", "key-secure", "27999000002", f"{url}/status", f"{url}/incoming", MT_KEY, MO_KEY)
        )
        yield sandbox


def send(clickatell: LegacySandbox, *messages: Any, key: str = "key-clear") -> tuple[int, Any]:
    answer = requests.post(
        f"{clickatell.url}/wa/messages", json={"messages": list(messages)}, headers={"Authorization": key}, timeout=10
    )
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("path", "key", "body", "status", "code"),
    [
        pytest.param("/wa/messages", "nobody's", b"{}", 401, 1, id="unknown key"),
        pytest.param("/v1/message", "key-clear", b"{}", 202, 161, id="unknown resource"),
        pytest.param("/wa/messages", "key-clear", b"{", 202, 900, id="not JSON"),
        pytest.param("/wa/messages", "key-clear", b"[]", 202, 900, id="no object"),
        pytest.param("/wa/messages", "key-clear", b'{"messages": []}', 202, 102, id="no messages"),
        pytest.param(
            "/wa/messages", "key-clear", json.dumps({"messages": [TEXT] * 101}).encode(), 202, 153, id="too many"
        ),
    ],
)
def test_refused_requests(clickatell: LegacySandbox, path: str, key: str, body: bytes, status: int, code: int) -> None:
    answer = clickatell.handle("POST", path, key, body)

    assert (answer.status, answer.body["messages"], answer.body["error"]["errorCode"]) == (status, [], code)
    assert clickatell.delivered == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param({**TEXT, "to": ""}, 102, id="no recipient"),
        pytest.param({**TEXT, "to": "+27821230001"}, 158, id="plus sign"),
        pytest.param({**TEXT, "to": "27123"}, 152, id="too short"),
        pytest.param({**TEXT, "to": "2" * 16}, 151, id="too long"),
        pytest.param({**TEXT, "content": " "}, 100, id="blank text"),
        pytest.param({**TEXT, "content": "k" * 4097}, 101, id="text too long"),
        pytest.param({**TEXT, "channel": "whatsapp"}, 900, id="One API's field"),
        pytest.param(hsm(parameters={"2": "a"}), 106, id="gap in the parameters"),
        pytest.param(hsm(parameters={"1": ""}), 106, id="empty parameter"),
        pytest.param(hsm(language="en"), 106, id="unknown field of hsm"),
        pytest.param({**hsm(), "content": "Hi"}, 106, id="hsm and content"),
        pytest.param({**TEXT, "to": "27821239427"}, 159, id="convention: not on WhatsApp"),
        pytest.param({**TEXT, "to": "27821239503"}, 901, id="convention: please retry"),
    ],
)
def test_refused_messages(clickatell: LegacySandbox, message: Json, code: int) -> None:
    status, body = send(clickatell, message, {**TEXT, "clientMessageId": "good"})

    results = {result["clientMessageId"]: result for result in body["messages"]}
    assert status == 202
    assert (results["1|2|3|4"]["accepted"], results["1|2|3|4"]["messageId"]) == (False, None)
    assert results["1|2|3|4"]["error"]["errorCode"] == code
    assert results["good"]["accepted"] is True


@pytest.mark.parametrize(
    ("to", "expected"),
    [("27821230001", [1001, 3, 4, 27]), ("27821239404", [1001, 28]), ("27821239411", [1001, 3, 27])],
    ids=["read", "not on WhatsApp", "never reported as delivered"],
)
def test_statuses(clickatell: LegacySandbox, bridge: Bridge, to: str, expected: list[int]) -> None:
    _, body = send(clickatell, {**hsm(), "to": to})

    bodies = sorted((body for _, body in bridge.wait_for(len(expected))), key=lambda body: body["timestamp"])
    assert [body["statusCode"] for body in bodies] == expected
    message_id = body["messages"][0]["messageId"]
    assert {(body["messageId"], body["clientMessageId"]) for body in bodies} == {(message_id, "1|2|3|4")}


def test_every_status_of_the_conventions_has_a_counterpart() -> None:
    assert STATUS_OF.keys() == STATUSES.keys()
    assert all(codes.STATUSES[code].name == name for code, name in STATUS_OF.values())


def test_encrypted_both_ways(aws: LocalAws, clickatell: LegacySandbox, bridge: Bridge) -> None:
    kms = aws.client("kms", "eu-west-1")
    key, wrapped = encryption.new_data_key(lambda region: kms, MT_KEY)
    secret = hsm(parameters={"1": encryption.encrypt(key, "Ada")})

    send(clickatell, {**secret, "encryptionKey": wrapped}, key="key-secure")
    [delivered] = clickatell.delivered
    clickatell.person_sends_location(
        "secure", delivered.to, {"latitude": "-33.9", "longitude": "18.6"}, in_reply_to=delivered
    )

    assert delivered.content == hsm(parameters={"1": "Ada"})
    [reply] = [body for path, body in bridge.wait_for(5) if path == "/incoming"]
    key = encryption.unwrap(lambda region: kms, MO_KEY, reply["encryptionKey"])
    assert encryption.decrypt(key, reply["latitude"]) == "-33.9"
    assert (reply["content"], reply["locationName"], reply["contentType"]) == (None, None, None)
    assert (reply["clientMessageId"], reply["relatedMessageId"]) == ("1|2|3|4", delivered.api_message_id)
