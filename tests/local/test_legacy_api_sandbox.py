import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.sandbox import encryption
from local.sandbox.bsp import KmsClient
from local.sandbox.clickatell import reader
from local.sandbox.conventions import STATUSES
from local.sandbox.files import File
from local.sandbox.legacy_api import STATUS_OF, LegacySandbox
from local.sandbox.media_types import MB
from local.sandbox.one_api_requests import map_texts
from tests.local.bridge import MO_KEY, MT_KEY, Bridge, playing
from whatsapp_bridge.providers.clickatell_legacy import codes

type Json = dict[str, Any]

TEXT: Json = {"to": "27821230001", "clientMessageId": "1|2|3|4", "content": "Hi"}


JSON = {"Accept": "application/json"}
PICTURE = b"\x89PNG\r\n\x1a\n and what follows"
HASH = hashlib.sha256(PICTURE).hexdigest()


def media(content: bytes = PICTURE, **changes: Any) -> Json:
    file = {"contentType": "image/png", "content": base64.b64encode(content).decode()}
    return {"to": "27821230001", "clientMessageId": "1|2|3|4", **file, **changes}


def hsm(**changes: Any) -> Json:
    message = {"to": "27821230001", "clientMessageId": "1|2|3|4"}
    return {**message, "hsm": {"template": "t", "parameters": {"1": "a"}, **changes}}


@pytest.fixture
def clickatell(kms: KmsClient, bridge: Bridge) -> Iterator[LegacySandbox]:
    yield from playing(LegacySandbox(kms, seed=1), bridge)


def send(clickatell: LegacySandbox, *messages: Any, key: str = "key-clear") -> tuple[int, Any]:
    answer = requests.post(
        f"{clickatell.url}/wa/messages",
        json={"messages": list(messages)},
        headers=JSON | {"Authorization": key},
        timeout=10,
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
        pytest.param(
            "/wa/messages",
            "key-clear",
            json.dumps({"messages": [media(bytes(11 * MB))] * 2}).encode(),
            202,
            105,
            id="more than 20 MB of files",
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
        pytest.param(hsm(template="not_approved"), 106, id="not approved"),
        pytest.param(hsm(parameters={"2": "a"}), 106, id="gap in the parameters"),
        pytest.param(hsm(parameters={"1": ""}), 106, id="empty parameter"),
        pytest.param(hsm(parameters={"1": "a\nb"}), 106, id="line break in a parameter"),
        pytest.param(hsm(language="en"), 106, id="unknown field of hsm"),
        pytest.param({**hsm(), "content": "Hi"}, 106, id="hsm and content"),
        pytest.param(media(contentType="image/webp"), 103, id="type that WhatsApp does not take"),
        pytest.param(media(b""), 100, id="empty file"),
        pytest.param({**media(), "content": "%"}, 100, id="file is no base64"),
        pytest.param(media(encryptionKey="AAAA"), 107, id="encrypted file without its hash"),
        pytest.param(media(caption="k" * 1025), 101, id="caption too long"),
        pytest.param(media(caption=None), 900, id="caption is null"),
        pytest.param(media(previewFirstUrl=True), 900, id="preview of a file"),
        pytest.param({**TEXT, "caption": "Look"}, 900, id="caption of a text"),
        pytest.param({**hsm(), "contentType": "image/png"}, 106, id="hsm and file"),
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


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        pytest.param(media(caption="Look"), [1001, 3, 4, 27], id="read"),
        pytest.param(media(bytes(5 * MB + 1)), [1001, 31], id="larger than WhatsApp takes"),
        pytest.param(media(sha256Hash="0" * 64), [1001, 32], id="another file's hash"),
        pytest.param({**media(), "to": "27821239480"}, [1001, 30], id="convention: media not found"),
    ],
)
def test_files(clickatell: LegacySandbox, bridge: Bridge, wire: Json, expected: list[int]) -> None:
    _, body = send(clickatell, wire)

    assert body["messages"][0]["accepted"] is True
    bodies = sorted((body for _, body in bridge.wait_for(len(expected))), key=lambda body: body["timestamp"])
    assert [body["statusCode"] for body in bodies] == expected
    [delivered] = clickatell.delivered
    seen = {name: value for name, value in wire.items() if name != "content"}
    if expected[-1] == 27:
        assert (delivered.content, delivered.file) == (seen, File(PICTURE, "image/png", ""))


def test_every_status_of_the_conventions_has_a_counterpart() -> None:
    assert STATUS_OF.keys() == STATUSES.keys()
    assert all(codes.STATUSES[code].name == name for code, name in STATUS_OF.values())


def test_encrypted_both_ways(kms: KmsClient, clickatell: LegacySandbox, bridge: Bridge) -> None:
    key, wrapped = encryption.new_data_key(kms, MT_KEY)
    secret = hsm(parameters={"1": encryption.encrypt(key, "Ada")})

    send(clickatell, {**secret, "encryptionKey": wrapped}, key="key-secure")
    [delivered] = clickatell.delivered
    clickatell.person_sends_location(
        "secure", delivered.to, {"latitude": "-33.9", "longitude": "18.6"}, in_reply_to=delivered
    )

    assert delivered.content == hsm(parameters={"1": "Ada"})
    [reply] = [body for path, body in bridge.wait_for(5) if path == "/secure/incoming"]
    key = encryption.unwrap(kms, MO_KEY, reply["encryptionKey"])
    assert encryption.decrypt(key, reply["latitude"]) == "-33.9"
    assert (reply["content"], reply["locationName"], reply["contentType"]) == (None, None, None)
    assert (reply["clientMessageId"], reply["relatedMessageId"]) == ("1|2|3|4", delivered.message_id)


def from_person(clickatell: LegacySandbox, account: str, kind: str) -> str:
    match kind:
        case "contacts":
            contacts = [{"name": {"formattedName": "Ben"}, "phones": [{"phone": "27821230008", "waId": "27821230008"}]}]
            return clickatell.person_sends_contacts(account, "27821230009", contacts)
        case "file":
            return clickatell.person_sends_media(account, "27821230009", PICTURE, "image/png", "b.png", "Look")
        case _:
            return clickatell.person_writes(account, "27821230009", "Hi")


@pytest.mark.parametrize("account", ["clear", "secure"])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param("text", {"content": "Hi"}, id="text"),
        pytest.param(
            "contacts",
            {
                "contacts": [
                    {"name": {"formattedName": "Ben"}, "phones": [{"phone": "27821230008", "waId": "27821230008"}]}
                ]
            },
            id="contacts",
        ),
        pytest.param(
            "file",
            {"content": PICTURE, "caption": "Look", "contentType": "image/png", "sha256Hash": HASH},
            id="file",
        ),
    ],
)
def test_what_people_send(
    clickatell: LegacySandbox, bridge: Bridge, kms: KmsClient, account: str, kind: str, expected: Json
) -> None:
    message_id = from_person(clickatell, account, kind)

    reply = bridge.wait_at(f"/{account}/incoming")
    assert (reply["messageId"], reply["from"], reply["clientMessageId"]) == (message_id, "27821230009", None)
    key = encryption.unwrap(kms, MO_KEY, reply["encryptionKey"]) if account == "secure" else None
    seen = {name: reply[name] for name in ("content", "caption", "contacts", "profileName") if reply.get(name)}
    if kind == "file":
        raw = base64.b64decode(seen.pop("content"))
        seen["content"] = encryption.decrypt_bytes(key, raw) if key else raw
    clear = {name: value if isinstance(value, bytes) else map_texts(value, reader(key)) for name, value in seen.items()}
    file = {name: reply[name] for name in ("contentType", "sha256Hash") if reply[name]}
    assert {**clear, **file} == {**expected, "profileName": "A. Person"}


def test_nobody_taps_a_button(clickatell: LegacySandbox) -> None:
    send(clickatell, hsm())

    answer = requests.post(
        f"{clickatell.url}/people/taps", json={"msgId": "1|2|3|4", "button": 1, "text": "Yes"}, timeout=10
    )

    assert (answer.status_code, "no buttons" in answer.json()["error"]) == (400, True)


def test_calls_that_do_not_ask_for_json_are_refused(clickatell: LegacySandbox) -> None:
    answer = requests.post(
        f"{clickatell.url}/wa/messages", json={"messages": [TEXT]}, headers={"Authorization": "key-clear"}, timeout=10
    )

    assert (answer.status_code, clickatell.delivered) == (406, [])


def test_an_answer_without_names(clickatell: LegacySandbox) -> None:
    _, body = send(clickatell, TEXT | {"to": "27821239202"})

    (result,) = body["messages"]
    assert (result["accepted"], result["clientMessageId"]) == (True, None)


def test_a_quota_that_is_used_up(clickatell: LegacySandbox) -> None:
    _, body = send(clickatell, TEXT | {"to": "27821239444"})

    assert body["messages"][0]["error"]["errorCode"] == 110
