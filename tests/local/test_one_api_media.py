import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests

from local.sandbox import encryption
from local.sandbox.bsp import Delivered, KmsClient
from local.sandbox.files import File
from local.sandbox.media_types import MB
from local.sandbox.one_api import OneApiSandbox
from tests.local.bridge import MO_KEY, MT_KEY, OTHER_KEY, Bridge, one_api_codes, playing

type Json = dict[str, Any]

JSON = {"Accept": "application/json"}
PERSON = "27821230001"
MT_ALIAS = MT_KEY.rpartition(":")[0] + ":alias/to-people"
PICTURE = b"\x89PNG\r\n\x1a\n and what follows"
HASH = hashlib.sha256(PICTURE).hexdigest()


@pytest.fixture
def clickatell(kms: KmsClient, bridge: Bridge) -> Iterator[OneApiSandbox]:
    yield from playing(OneApiSandbox(kms, seed=1), bridge)


def upload(clickatell: OneApiSandbox, *args: Any, **query: Any) -> tuple[int, Json]:
    answer = raw_upload(clickatell, *args, **query)
    return answer.status_code, answer.json()


def raw_upload(
    clickatell: OneApiSandbox,
    content: bytes = PICTURE,
    content_type: str = "image/png",
    key: str = "key-clear",
    **query: str | None,
) -> requests.Response:
    wanted = {"fileName": "a.png", "broadcastAllowed": "true"} | query
    return requests.post(
        f"{clickatell.url}/v1/media",
        params={name: value for name, value in wanted.items() if value is not None},
        data=content,
        headers=JSON | {"Authorization": key, "Content-Type": content_type},
        timeout=10,
    )


def for_person(**query: str | None) -> dict[str, str | None]:
    return {"broadcastAllowed": None, "to": PERSON, **query}


def message(**parts: Any) -> Json:
    return {"channel": "whatsapp", "to": PERSON, "clientMessageId": "1|2|3|4", **parts}


def in_template(file_id: str) -> Json:
    header = {"type": "media", "media": {"fileId": file_id}}
    return message(template={"templateName": "t", "header": header, "body": {}})


def inline(content: bytes = PICTURE, **media: Any) -> Json:
    members = {"contentType": "image/png", "fileName": "a.png"} | media
    return message(content=base64.b64encode(content).decode(), media=members)


def send(clickatell: OneApiSandbox, wire: Json, key: str = "key-clear") -> Json:
    """The result of the one message."""
    headers = JSON | {"Authorization": key}
    answer = requests.post(f"{clickatell.url}/v1/message", json={"messages": [wire]}, headers=headers, timeout=10)
    [result] = answer.json()["messages"]
    return dict(result)


def only(clickatell: OneApiSandbox) -> Delivered:
    [delivered] = clickatell.delivered
    return delivered


# Upload


@pytest.mark.parametrize(
    ("content_type", "name", "extension"),
    [
        pytest.param("image/png", "a.png", "png", id="PNG"),
        pytest.param("image/jpeg", "photo.JPEG", "jpeg", id="upper case"),
        pytest.param("image/jpg", "a.jpg", "jpg", id="as in Clickatell's examples"),
        pytest.param("audio/ogg; codecs=opus", "a.ogg", "ogg", id="content type with a parameter"),
        pytest.param("image/png", "a.jpg", "unsupported", id="name and type differ"),
        pytest.param("image/png", "picture", "unsupported", id="name without extension"),
        pytest.param("image/webp", "a.webp", "unsupported", id="type that WhatsApp does not take"),
    ],
)
def test_the_file_id_has_the_extension(clickatell: OneApiSandbox, content_type: str, name: str, extension: str) -> None:
    status, body = upload(clickatell, content_type=content_type, fileName=name)
    stem, dot, ending = body.pop("fileId").partition(".")
    assert (status, body) == (201, {"accepted": True, "error": None})
    assert (len(stem), dot + ending) == (32, f".{extension}")


SECRETS = {"encryptionKey": "AAAA", "kmsArn": MT_KEY, "sha256FileHash": HASH}


@pytest.mark.parametrize(
    ("query", "code", "text"),
    [
        pytest.param({"fileName": None}, 23, "fileName", id="no name"),
        pytest.param({"fileName": ""}, 23, "fileName", id="empty name"),
        pytest.param({"content_type": ""}, 23, "Content-Type", id="no content type"),
        pytest.param({"content": b""}, 23, "body", id="empty file"),
        pytest.param({"broadcastAllowed": None}, 23, ": to .", id="for nobody"),
        pytest.param({"to": PERSON}, 23, ": to .", id="for one and everybody"),
        pytest.param({"broadcastAllowed": "false"}, 23, "broadcastAllowed", id="broadcast is not true"),
        pytest.param(for_person(to="+27821230001"), 23, ": to .", id="plus sign"),
        pytest.param({"contentType": "image/png"}, 23, "contentType", id="unknown parameter"),
        pytest.param({"content": bytes(30 * MB + 1)}, 31, "30 MB", id="more than 30 MB"),
        pytest.param({**SECRETS, "key": "key-secure", "sha256FileHash": None}, 23, "sha256FileHash", id="no hash"),
        pytest.param({**SECRETS, "key": "key-secure", "kmsArn": None}, 23, "kmsArn", id="no key ARN"),
        pytest.param({**SECRETS, "key": "key-secure", "kmsArn": OTHER_KEY}, 23, "kmsArn", id="another key's ARN"),
        pytest.param({**SECRETS, "key": "key-secure", "kmsArn": MT_ALIAS}, 23, "kmsArn", id="an alias's ARN"),
        pytest.param({**SECRETS, "key": "key-secure", "encryptionKey": None}, 23, "encryptionKey", id="no data key"),
        pytest.param(SECRETS, 23, "kmsArn", id="encrypted for an integration in clear"),
    ],
)
def test_refused_uploads(clickatell: OneApiSandbox, query: Json, code: int, text: str) -> None:
    status, body = upload(clickatell, **query)
    assert (status, body["fileId"], body["accepted"], body["error"]["code"]) == (400, None, False, code)
    assert text in body["error"]["description"]


def test_a_file_for_everybody_must_hold_nothing_personal(clickatell: OneApiSandbox) -> None:
    clickatell.add(replace(clickatell._of("clear"), broadcasts=False))
    status, body = upload(clickatell)
    assert (status, body["error"]["code"]) == (400, 23)
    assert "broadcastAllowed" in body["error"]["description"]
    assert upload(clickatell, **for_person())[0] == 201


def test_uploads_that_are_not_enabled(clickatell: OneApiSandbox) -> None:
    clickatell.disable_uploads("clear")
    answer = raw_upload(clickatell, **for_person())
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html")
    assert "<html>" in answer.text
    clickatell.disable_uploads("clear", "error")
    assert upload(clickatell, **for_person()) == (
        400,
        {"error": {"code": 41, "description": "Resource does not exist"}},
    )
    assert send(clickatell, inline())["accepted"] is True
    assert only(clickatell).file == File(PICTURE, "image/png", "a.png")


@pytest.mark.parametrize(
    ("api_key", "expected"), [("made-up-without-uploads", "page"), ("made-up-key", None)], ids=["without", "with"]
)
def test_an_api_key_says_that_uploads_are_not_enabled(kms: KmsClient, api_key: str, expected: str | None) -> None:
    made = OneApiSandbox(kms)
    made.add_account(
        "acme",
        {"waba_number": "27999000001", "callback_token": "t", "provider": {"type": "clickatell", "api_key": api_key}},
        "http://127.0.0.1",
    )
    assert made._of("acme").without_uploads == expected


@pytest.mark.parametrize(
    ("method", "key", "status", "code"),
    [
        pytest.param("POST", "nobody's", 401, 1, id="unknown key"),
        pytest.param("PUT", "key-clear", 400, 42, id="wrong method"),
        pytest.param("GET", "key-clear", 400, 33, id="unknown file"),
    ],
)
def test_global_errors(clickatell: OneApiSandbox, method: str, key: str, status: int, code: int) -> None:
    answer = requests.request(
        method, f"{clickatell.url}/v1/media?fileId=x.png", headers=JSON | {"Authorization": key}, timeout=10
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


# Sending


@pytest.mark.parametrize(
    ("query", "wire"),
    [
        pytest.param({}, lambda file_id: message(media={"fileId": file_id, "caption": "Look"}), id="broadcast"),
        pytest.param(for_person(), lambda file_id: message(media={"fileId": file_id}), id="for the recipient"),
        pytest.param(for_person(), in_template, id="template"),
        pytest.param({}, lambda file_id: inline(caption="Look"), id="inline"),
        pytest.param({}, lambda file_id: inline(sha256Hash=HASH), id="inline with its hash"),
    ],
)
def test_the_person_sees_the_file(clickatell: OneApiSandbox, bridge: Bridge, query: Json, wire: Any) -> None:
    sent = wire(upload(clickatell, **query)[1]["fileId"])
    assert send(clickatell, sent)["accepted"] is True
    delivered = only(clickatell)
    assert delivered.file == File(PICTURE, "image/png", "a.png")
    assert (delivered.content or {}).get("media") == sent.get("media")
    assert delivered.wire == sent
    assert one_api_codes(bridge, 4) == [2, 4, 5, 6]


@pytest.mark.parametrize(
    ("query", "wire", "code"),
    [
        pytest.param({}, lambda file_id: message(media={"fileId": "x.png"}), 33, id="unknown"),
        pytest.param({"key": "key-secure"}, lambda file_id: message(media={"fileId": file_id}), 33, id="another key's"),
        pytest.param(
            for_person(to="27821230009"), lambda file_id: message(media={"fileId": file_id}), 33, id="another person's"
        ),
        pytest.param({}, in_template, 23, id="broadcast in a template"),
        pytest.param(for_person(to="27821230009"), in_template, 33, id="another person's in a template"),
        pytest.param(
            for_person(content_type="audio/mpeg", fileName="a.mp3"), in_template, 30, id="audio in a template"
        ),
        pytest.param(
            for_person(content_type="text/plain", fileName="a.txt"), in_template, 30, id="document that is no PDF"
        ),
        pytest.param({"fileName": "a"}, lambda file_id: message(media={"fileId": file_id}), 30, id="unsupported"),
        pytest.param({}, lambda file_id: message(media={}), 23, id="no fileId"),
        pytest.param({}, lambda file_id: message(media={"fileId": 1}), 23, id="fileId is a number"),
        pytest.param(
            {}, lambda file_id: message(media={"fileId": file_id, "contentType": "image/png"}), 23, id="content type"
        ),
        pytest.param({}, lambda file_id: message(media={"fileId": file_id, "caption": ""}), 23, id="empty caption"),
        pytest.param(
            {}, lambda file_id: message(media={"fileId": file_id, "caption": "k" * 1025}), 23, id="long caption"
        ),
        pytest.param(
            {}, lambda file_id: message(media={"fileId": file_id}, previewFirstUrl=True), 23, id="preview of a file"
        ),
        pytest.param({}, lambda file_id: inline(fileName="a.jpg"), 23, id="inline: name and type differ"),
        pytest.param({}, lambda file_id: inline(fileName=None), 23, id="inline: name is null"),
        pytest.param({}, lambda file_id: inline(contentType="image/webp"), 30, id="inline: type"),
        pytest.param({}, lambda file_id: inline(b""), 23, id="inline: empty"),
        pytest.param({}, lambda file_id: {**inline(), "content": "%"}, 23, id="inline: no base64"),
        pytest.param({}, lambda file_id: inline(bytes(20 * MB + 1)), 31, id="inline: more than 20 MB"),
        pytest.param({}, lambda file_id: inline(bytes(23 * MB)), 32, id="inline: request of more than 30 MB"),
        pytest.param({}, lambda file_id: inline() | {"encryptionKey": "AAAA"}, 23, id="inline: encrypted without hash"),
    ],
)
def test_refused_messages(clickatell: OneApiSandbox, query: Json, wire: Any, code: int) -> None:
    result = send(clickatell, wire(upload(clickatell, **query)[1]["fileId"]))
    assert (result["accepted"], result["error"]["code"]) == (False, code)
    assert clickatell.delivered == []


@pytest.mark.parametrize(
    ("size", "codes"),
    [pytest.param(5 * MB, [2, 4, 5, 6], id="5 MB"), pytest.param(5 * MB + 1, [2, 81], id="more than 5 MB")],
)
def test_whatsapps_own_limits(clickatell: OneApiSandbox, bridge: Bridge, size: int, codes: list[int]) -> None:
    file_id = upload(clickatell, bytes(size))[1]["fileId"]
    assert send(clickatell, message(media={"fileId": file_id}))["accepted"] is True
    assert one_api_codes(bridge, len(codes)) == codes
    assert (only(clickatell).file is None) == (codes == [2, 81])


def test_a_file_that_is_gone_for_once(clickatell: OneApiSandbox) -> None:
    file_id = upload(clickatell)[1]["fileId"]
    wire = message(media={"fileId": file_id}) | {"to": "27821239433"}
    assert [send(clickatell, wire).get("error") for _ in range(2)] == [
        {"code": 33, "description": "Media item not found"},
        None,
    ]


@pytest.mark.parametrize(
    ("parts", "codes"),
    [
        pytest.param({"content": "Hi"}, [2, 4, 5, 6], id="a text arrives"),
        pytest.param(None, [2, 80], id="a file is lost"),
    ],
)
def test_a_file_that_is_lost_later(
    clickatell: OneApiSandbox, bridge: Bridge, parts: Json | None, codes: list[int]
) -> None:
    file = {"media": {"fileId": upload(clickatell)[1]["fileId"]}}
    assert send(clickatell, message(**(parts or file)) | {"to": "27821239480"})["accepted"] is True
    assert one_api_codes(bridge, len(codes)) == codes


# Encryption


def sealed(kms: KmsClient, content: bytes = PICTURE, key_arn: str = MT_KEY, **changes: str) -> Json:
    """What is uploaded to an encrypted integration, and how."""
    key, wrapped = encryption.new_data_key(kms, key_arn)
    query = {"encryptionKey": wrapped, "kmsArn": MT_KEY, "sha256FileHash": HASH} | changes
    return {"content": encryption.encrypt_bytes(key, content), "key": "key-secure", **query}


def encrypted(kms: KmsClient, wire: Json) -> Json:
    """A message under a data key of its own; a file inline is ciphertext of bytes."""
    from local.sandbox import one_api_requests

    key, wrapped = encryption.new_data_key(kms, MT_KEY)
    made = one_api_requests.map_values(wire, lambda value: encryption.encrypt(key, value))
    if "content" in made:
        content = encryption.encrypt_bytes(key, base64.b64decode(wire["content"]))
        made["content"] = base64.b64encode(content).decode()
    return {**made, "encryptionKey": wrapped}


@pytest.mark.parametrize("kind", ["by reference", "template", "inline"])
def test_decrypts(clickatell: OneApiSandbox, bridge: Bridge, kms: KmsClient, kind: str) -> None:
    file_id = upload(clickatell, **sealed(kms), **for_person())[1]["fileId"]
    clear = {
        "by reference": message(media={"fileId": file_id, "caption": "Look"}),
        "template": in_template(file_id),
        "inline": inline(caption="Look", sha256Hash=HASH),
    }[kind]
    wire = encrypted(kms, clear)
    assert send(clickatell, wire, "key-secure")["accepted"] is True
    delivered = only(clickatell)
    assert delivered.file == File(PICTURE, "image/png", "a.png")
    assert delivered.content == {name: value for name, value in clear.items() if name != "content"}
    assert base64.b64encode(PICTURE).decode() not in json.dumps(wire)
    assert one_api_codes(bridge, 4) == [2, 4, 5, 6]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"sha256FileHash": "0" * 64}, 82, id="another file's hash"),
        pytest.param({"sha256FileHash": HASH.upper()}, 82, id="hash in upper case"),
        pytest.param({"key_arn": OTHER_KEY}, 60, id="data key of another CMK"),
        pytest.param({"encryptionKey": "%"}, 61, id="data key is no base64"),
    ],
)
def test_what_cannot_be_shown_fails_later(
    clickatell: OneApiSandbox, bridge: Bridge, kms: KmsClient, changes: Json, code: int
) -> None:
    status, body = upload(clickatell, **sealed(kms, **changes))
    assert status == 201, "nothing is decrypted at the upload"
    assert send(clickatell, encrypted(kms, message(media={"fileId": body["fileId"]})), "key-secure")["accepted"] is True
    assert one_api_codes(bridge, 2) == [2, code]
    assert (only(clickatell).content, only(clickatell).file) == (None, None)


def test_a_hash_over_the_ciphertext_is_wrong(clickatell: OneApiSandbox, bridge: Bridge, kms: KmsClient) -> None:
    made = sealed(kms)
    made["sha256FileHash"] = hashlib.sha256(made["content"]).hexdigest()
    file_id = upload(clickatell, **made)[1]["fileId"]
    send(clickatell, encrypted(kms, message(media={"fileId": file_id})), "key-secure")
    assert one_api_codes(bridge, 2) == [2, 82]


def test_a_file_in_clear_on_an_encrypted_integration_is_garbage(
    clickatell: OneApiSandbox, bridge: Bridge, kms: KmsClient
) -> None:
    file_id = upload(clickatell, key="key-secure")[1]["fileId"]
    send(clickatell, encrypted(kms, message(media={"fileId": file_id})), "key-secure")
    assert one_api_codes(bridge, 4) == [2, 4, 5, 6], "as the real one, it tells nobody"
    assert only(clickatell).file is None
    assert "garbage" in only(clickatell).problem


# People


def event_at(bridge: Bridge, path: str) -> Json:
    [event] = bridge.wait_at(path)["event"]["moMedia"]
    return dict(event)


def test_a_file_by_reference(clickatell: OneApiSandbox, bridge: Bridge) -> None:
    send(clickatell, message(content="Hi"))
    message_id = clickatell.person_sends_media(
        "clear", PERSON, PICTURE, "image/png", "b.png", "Look", in_reply_to=only(clickatell)
    )
    event = event_at(bridge, "/clear/incoming")
    assert event | {"timestamp": 0, "files": []} == {
        "channel": "whatsapp",
        "messageId": message_id,
        "relatedMessageId": only(clickatell).message_id,
        "relatedClientMessageId": "1|2|3|4",
        "from": PERSON,
        "to": "27999000001",
        "timestamp": 0,
        "encryptionKey": None,
        "caption": "Look",
        "charset": None,
        "files": [],
        "whatsapp": {"profileName": "A. Person"},
    }
    [file] = event["files"]
    url = file.pop("downloadUrl")
    assert file == {"contentType": "image/png", "sha256Hash": HASH, "byteSize": len(PICTURE), "fileName": "b.png"}
    got = requests.get(url, headers=JSON | {"Authorization": "key-clear"}, timeout=10)
    assert (got.status_code, got.headers["Content-Type"], got.content) == (200, "image/png", PICTURE)


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        pytest.param({}, 401, 1, id="no key"),
        pytest.param({"Authorization": "key-secure"}, 400, 33, id="another integration's"),
    ],
)
def test_files_are_for_their_integration_alone(
    clickatell: OneApiSandbox, bridge: Bridge, key: dict[str, str], status: int, code: int
) -> None:
    clickatell.person_sends_media("clear", PERSON, PICTURE, "image/png", "b.png")
    answer = requests.get(
        event_at(bridge, "/clear/incoming")["files"][0]["downloadUrl"], headers=JSON | key, timeout=10
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_file_inline(clickatell: OneApiSandbox, bridge: Bridge) -> None:
    clickatell.person_sends_media("clear", PERSON, PICTURE, "image/png", "b.png", inline=True)
    event = event_at(bridge, "/clear/incoming")
    assert (event["contentType"], base64.b64decode(event["content"])) == ("image/png", PICTURE)
    assert event["caption"] is None
    assert "files" not in event


@pytest.mark.parametrize("inline", [False, True], ids=["by reference", "inline"])
def test_an_encrypted_file_from_a_person(
    clickatell: OneApiSandbox, bridge: Bridge, kms: KmsClient, inline: bool
) -> None:
    clickatell.person_sends_media("secure", PERSON, PICTURE, "image/png", "b.png", "Look", inline=inline)
    event = event_at(bridge, "/secure/incoming")
    key = encryption.unwrap(kms, MO_KEY, event["encryptionKey"])
    if inline:
        raw = base64.b64decode(event["content"])
    else:
        [file] = event["files"]
        raw = requests.get(file["downloadUrl"], headers=JSON | {"Authorization": "key-secure"}, timeout=10).content
        assert (file["fileName"], file["byteSize"]) == ("b.png", len(raw))
    assert encryption.decrypt_bytes(key, raw) == PICTURE
    assert encryption.decrypt(key, event["caption"]) == "Look"
    assert encryption.decrypt(key, event["whatsapp"]["profileName"]) == "A. Person"


def ask(clickatell: OneApiSandbox, wish: str, body: Json) -> requests.Response:
    return requests.post(f"{clickatell.url}/people/{wish}", json=body, timeout=10)


def test_a_person_sends_a_file_by_hand(clickatell: OneApiSandbox, bridge: Bridge) -> None:
    send(clickatell, message(content="Hi"))
    wish = {"msgId": "1|2|3|4", "file": base64.b64encode(PICTURE).decode(), "contentType": "image/png"}
    answer = ask(clickatell, "sends-file", {**wish, "fileName": "b.png", "caption": "Look"})
    event = event_at(bridge, "/clear/incoming")
    assert (answer.status_code, answer.json()) == (200, {"messageId": event["messageId"]})
    assert (event["relatedClientMessageId"], event["caption"]) == ("1|2|3|4", "Look")


@pytest.mark.parametrize(
    ("wish", "body", "status", "error"),
    [
        pytest.param("sends-file", {"msgId": "?"}, 400, "no message has", id="unknown msgId"),
        pytest.param("sends-file", {"msgId": "1|2|3|4"}, 400, "file", id="no file"),
        pytest.param("sends-file", {"msgId": "1|2|3|4", "file": "%"}, 400, "Error", id="no base64"),
        pytest.param("calls", {}, 404, "/people/sends-file", id="unknown wish"),
    ],
)
def test_what_people_cannot_do(clickatell: OneApiSandbox, wish: str, body: Json, status: int, error: str) -> None:
    send(clickatell, message(content="Hi"))
    answer = ask(clickatell, wish, body)
    assert answer.status_code == status
    assert error in answer.json()["error"]


# Files on the web


def test_hosted_files(clickatell: OneApiSandbox) -> None:
    url = clickatell.host_file("our shop.png", PICTURE, "image/png")
    first = requests.get(url, timeout=10)
    assert (first.status_code, first.headers["Content-Type"], first.content) == (200, "image/png", PICTURE)
    known = {"If-None-Match": first.headers["ETag"]}
    again = requests.get(url, headers=known, timeout=10)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert clickatell.host_file("our shop.png", b"new", "image/png") == url
    changed = requests.get(url, headers=known, timeout=10)
    assert (changed.status_code, changed.content) == (200, b"new")
    assert requests.get(url + "x", timeout=10).status_code == 404
