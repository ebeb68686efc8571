import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.sandbox import encryption
from local.sandbox.bsp import Delivered, KmsClient
from local.sandbox.one_api import OneApiSandbox
from tests.local.bridge import MO_KEY, MT_KEY, OTHER_KEY, Bridge, one_api_codes, playing

JSON = {"Accept": "application/json"}
TEXT = {"channel": "whatsapp", "to": "27821230001", "clientMessageId": "1|2|3|4", "content": "Hi"}


def template(**parts: Any) -> dict[str, Any]:
    return {
        "channel": "whatsapp",
        "to": "27821230001",
        "clientMessageId": "1|2|3|4",
        "template": {"templateName": "t", "body": {"parameters": {"1": "a"}}, **parts},
    }


PLACE = {"longitude": "18.5", "latitude": "-33.9"}


def other(**kind: Any) -> dict[str, Any]:
    return {"channel": "whatsapp", "to": "27821230001", "clientMessageId": "1|2|3|4", **kind}


def location(**changes: Any) -> dict[str, Any]:
    return other(location=PLACE | changes)


def hsm(**changes: Any) -> dict[str, Any]:
    return other(hsm={"template": "t", "parameters": {"1": "a"}} | changes)


def contacts(*changes: dict[str, Any]) -> dict[str, Any]:
    return other(contacts=[{"name": {"formattedName": "Ann"}, **change} for change in changes])


PHONE = {"phones": [{"phone": "+27 82 123 0008", "type": "WORK", "wa_id": "27821230008"}]}


def text_header(parameters: Any) -> dict[str, Any]:
    return {"type": "text", "text": {"parameters": parameters}}


def replies(postback: Any) -> dict[str, Any]:
    return {"suggestedResponse": {"postbackData": postback}}


def website(position: Any = 1, parameters: Any = None, **extra: Any) -> dict[str, Any]:
    return {"listPosition": position, "parameters": {"1": "p"} if parameters is None else parameters, **extra}


@pytest.fixture
def clickatell(kms: KmsClient, bridge: Bridge) -> Iterator[OneApiSandbox]:
    yield from playing(OneApiSandbox(kms, seed=1), bridge)


def send(clickatell: OneApiSandbox, *messages: Any, key: str = "key-clear") -> tuple[int, Any]:
    answer = requests.post(
        f"{clickatell.url}/v1/message",
        json={"messages": list(messages)},
        headers=JSON | {"Authorization": key},
        timeout=10,
    )
    return answer.status_code, answer.json()


def only(clickatell: OneApiSandbox) -> Delivered:
    [delivered] = clickatell.delivered
    return delivered


@pytest.mark.parametrize("kind", ["template", "hsm"])
def test_a_template_that_is_not_approved_is_refused_with_its_whole_request(
    clickatell: OneApiSandbox, kind: str
) -> None:
    bad = hsm(template="not_approved") if kind == "hsm" else template()
    if kind == "template":
        bad["template"]["templateName"] = "not_approved"

    status, answer = send(clickatell, template(), bad)

    assert (status, answer["error"]["code"], clickatell.delivered) == (400, 21, [])
    assert "messages" not in answer


@pytest.mark.parametrize(
    ("method", "path", "authorization", "body", "status", "code"),
    [
        pytest.param("POST", "/v1/message", None, b"{}", 401, 1, id="no key"),
        pytest.param("POST", "/v1/message", "nobody's", b"{}", 401, 1, id="unknown key"),
        pytest.param("POST", "/v1/message", "Bearer key-clear", b"{}", 401, 1, id="key with Bearer"),
        pytest.param("POST", "/v1/messages", "key-clear", b"{}", 400, 41, id="unknown resource"),
        pytest.param("GET", "/v1/message", "key-clear", b"", 400, 42, id="wrong method"),
        pytest.param("POST", "/v1/message", "key-clear", b"{", 400, 21, id="not JSON"),
        pytest.param("POST", "/v1/message", "key-clear", b'{"messages":[{"content":"\xff"}]}', 400, 21, id="not UTF-8"),
        pytest.param("POST", "/v1/message", "key-clear", b"[" * 100_000, 400, 21, id="deeply nested"),
        pytest.param("POST", "/v1/message", "key-clear", b"[]", 400, 21, id="no object"),
        pytest.param("POST", "/v1/message", "key-clear", b'{"messages":[]}', 400, 21, id="no messages"),
        pytest.param("POST", "/v1/message", "key-clear", b'{"messages":[1]}', 400, 21, id="message is no object"),
        pytest.param("POST", "/v1/message", "key-clear", b'{"messages":[{}],"x":1}', 400, 21, id="unknown key"),
        pytest.param(
            "POST",
            "/v1/message",
            "key-clear",
            json.dumps({"messages": [TEXT] * 101}).encode(),
            400,
            22,
            id="101 messages",
        ),
    ],
)
def test_global_errors(
    clickatell: OneApiSandbox,
    method: str,
    path: str,
    authorization: str | None,
    body: bytes,
    status: int,
    code: int,
) -> None:
    headers = JSON | ({"Authorization": authorization} if authorization else {})
    answer = requests.request(method, clickatell.url + path, data=body, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "messages" not in answer.json()
    assert clickatell.delivered == []


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(TEXT, id="text"),
        pytest.param({**TEXT, "previewFirstUrl": True}, id="with preview"),
        pytest.param({**TEXT, "content": "x" * 4096}, id="4096 characters"),
        pytest.param({**TEXT, "from": "27999000001"}, id="its own number"),
        pytest.param({key: value for key, value in TEXT.items() if key != "clientMessageId"}, id="no clientMessageId"),
        pytest.param(template(), id="template"),
        pytest.param(template(body={}), id="no parameters"),
        pytest.param(template(header=text_header({"1": "h"})), id="header"),
        pytest.param(template(header={"type": "text", "text": {}}), id="static header"),
        pytest.param(template(body={"parameters": {str(n): "x" for n in (2, 1, 3)}}), id="keys in any order"),
        pytest.param(template(buttons=replies({"1": "a", "2": "b", "3": "c"})), id="three quick replies"),
        pytest.param(template(buttons={"websiteUrl": [website(2)]}), id="dynamic URL"),
        pytest.param(location(), id="location"),
        pytest.param(location(name="Shop", address="Street", latitude="90", longitude="0"), id="location in words"),
        pytest.param(hsm(), id="hsm"),
        pytest.param(hsm(parameters={}), id="hsm without parameters"),
        pytest.param(contacts(PHONE, {"birthday": "1980-01-31"}), id="contacts"),
        pytest.param(
            contacts(
                {
                    "addresses": [{"city": "Cape Town", "countryCode": "za"}],
                    "emails": [{"email": "ann@example.com", "type": "WORK"}],
                    "org": {"company": "Sample shop"},
                    "urls": [{"url": "https://example.com"}],
                }
            ),
            id="a contact with everything else",
        ),
    ],
)
def test_accepted(clickatell: OneApiSandbox, message: dict[str, Any]) -> None:
    status, body = send(clickatell, message)
    delivered = only(clickatell)
    assert (status, body["error"]) == (202, None)
    expected = {"apiMessageId": delivered.message_id, "accepted": True, "to": message["to"]}
    if "clientMessageId" in message:
        expected["clientMessageId"] = message["clientMessageId"]
    assert body["messages"] == [expected]
    assert len(delivered.message_id) == 32
    assert (delivered.wire, delivered.content, delivered.problem) == (message, message, "")


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        pytest.param({**TEXT, "channel": None}, 39, "Channel", id="null channel"),
        pytest.param(
            {key: value for key, value in TEXT.items() if key != "channel"}, 39, "Channel", id="no channel is SMS"
        ),
        pytest.param({**TEXT, "channel": "sms"}, 39, "Channel", id="SMS"),
        pytest.param({key: value for key, value in TEXT.items() if key != "to"}, 23, ": to .", id="no recipient"),
        pytest.param({**TEXT, "to": 27821230001}, 23, ": to .", id="recipient is a number"),
        pytest.param({**TEXT, "to": "+27821230001"}, 23, ": to .", id="plus sign"),
        pytest.param({**TEXT, "to": "27999abcde"}, 23, ": to .", id="letters"),
        pytest.param({**TEXT, "to": "278"}, 23, ": to .", id="too short"),
        pytest.param({**TEXT, "to": "0821230001"}, 25, "0821230001", id="national number"),
        pytest.param({**TEXT, "from": "27111111111"}, 45, "FROM", id="not its number"),
        pytest.param({**TEXT, "clientMessageId": 5}, 23, "clientMessageId", id="id is a number"),
        pytest.param({**TEXT, "unknown": 1}, 23, "unknown", id="unknown field"),
        pytest.param({**TEXT, "content": ""}, 23, "content", id="empty content"),
        pytest.param({**TEXT, "content": " \n"}, 23, "content", id="blank content"),
        pytest.param({**TEXT, "content": "x" * 4097}, 24, "size", id="4097 characters"),
        pytest.param({**TEXT, "previewFirstUrl": "true"}, 23, "previewFirstUrl", id="preview is a text"),
        pytest.param({**TEXT, **template()}, 23, "content", id="content and template"),
        pytest.param({key: value for key, value in TEXT.items() if key != "content"}, 23, "content", id="neither"),
        pytest.param({**TEXT, "location": PLACE}, 23, "content", id="content and location"),
        pytest.param(location(longitude=18.5), 23, "location.longitude", id="longitude is a number"),
        pytest.param(location(latitude="-91"), 23, "location.latitude", id="beyond the pole"),
        pytest.param(location(longitude="180.5"), 23, "location.longitude", id="beyond the date line"),
        pytest.param(location(latitude="1e1"), 23, "location.latitude", id="latitude with an exponent"),
        pytest.param(location(latitude="0", longitude="0.0"), 23, "location", id="0, 0"),
        pytest.param(location(name=""), 23, "location.name", id="empty name"),
        pytest.param(location(name=None), 23, "location.name", id="name is null"),
        pytest.param(location(url="x"), 23, "location", id="unknown field of a location"),
        pytest.param(other(location={"latitude": "1"}), 23, "location", id="no longitude"),
        pytest.param(location() | {"previewFirstUrl": True}, 23, "previewFirstUrl", id="preview of a location"),
        pytest.param(other(contacts=[]), 23, "contacts", id="no contact"),
        pytest.param(contacts({}), 23, "contacts", id="contact with a name alone"),
        pytest.param(other(contacts=[PHONE]), 23, "contacts", id="contact without a name"),
        pytest.param(contacts({"phones": []}), 23, "contacts.phones", id="contact with no phones in phones"),
        pytest.param(contacts({"phones": [{"waId": "1"}]}), 23, "contacts.phones", id="waId is the callbacks'"),
        pytest.param(contacts({"birthday": ""}), 23, "contacts.birthday", id="empty birthday"),
        pytest.param(contacts({"org": {"title": None}}), 23, "contacts.org", id="title is null"),
        pytest.param(contacts({"hobbies": ["x"]}), 23, "contacts", id="unknown field of a contact"),
        pytest.param(hsm(template=""), 23, "hsm.template", id="no template name of an hsm"),
        pytest.param(hsm(parameters={"2": "x"}), 23, "hsm.parameters", id="keys of an hsm from 2"),
        pytest.param(other(hsm={"template": "t"}), 23, "hsm", id="hsm without parameters"),
        pytest.param(hsm(language="en"), 23, "hsm", id="unknown field of an hsm"),
        pytest.param({**template(), "previewFirstUrl": True}, 23, "previewFirstUrl", id="preview of a template"),
        pytest.param(template(templateName=""), 23, "templateName", id="no template name"),
        pytest.param(template(language="en"), 23, "template", id="unknown field of a template"),
        pytest.param(template(body=None), 23, "body", id="no body"),
        pytest.param(template(body={"parameters": {"0": "x"}}), 23, "body.parameters", id="keys from 0"),
        pytest.param(template(body={"parameters": {"1": "x", "3": "y"}}), 23, "body.parameters", id="keys with a gap"),
        pytest.param(template(body={"parameters": ["x"]}), 23, "body.parameters", id="parameters are a list"),
        pytest.param(template(body={"parameters": {"1": ""}}), 23, "body.parameters", id="empty parameter"),
        pytest.param(
            template(body={"parameters": {"1": "a\nb"}}), 23, "template.body.parameters", id="line break in a value"
        ),
        pytest.param(template(body={"parameters": {"1": "x" * 1025}}), 23, "template.body.parameters", id="long value"),
        pytest.param(
            template(header=text_header({"1": "x" * 61})), 23, "template.header.text.parameters", id="long header"
        ),
        pytest.param(hsm(parameters={"1": "a     b"}), 23, "hsm.parameters", id="five spaces in an hsm's value"),
        pytest.param(
            template(header=text_header({"1": "x", "2": "y"})), 23, "header.text.parameters", id="two header parameters"
        ),
        pytest.param(template(header={"type": "text"}), 23, "header", id="header without text"),
        pytest.param(template(header={"type": "media", "media": {"fileId": "x.png"}}), 33, "Media", id="unknown media"),
        pytest.param(template(buttons={}), 23, "buttons", id="no buttons in buttons"),
        pytest.param(template(buttons=replies({})), 23, "postbackData", id="no postback data"),
        pytest.param(
            template(buttons=replies({str(n): "x" for n in range(1, 5)})), 23, "postbackData", id="four quick replies"
        ),
        pytest.param(template(buttons={"websiteUrl": [website(3)]}), 23, "listPosition", id="third position"),
        pytest.param(template(buttons={"websiteUrl": [website("1")]}), 23, "listPosition", id="position is a text"),
        pytest.param(
            template(buttons={"websiteUrl": [website(parameters={})]}), 23, "parameters", id="URL without parameter"
        ),
        pytest.param(template(buttons={"websiteUrl": [website(), website(2)]}), 23, "websiteUrl", id="two URLs"),
        pytest.param(
            template(buttons={"websiteUrl": [website(parameters={"1": "https://h.example/{{1}}"})]}),
            23,
            "websiteUrl",
            id="a placeholder for a URL",
        ),
        pytest.param({**TEXT, "to": "27821239403"}, 26, "opted out", id="convention 9403"),
        pytest.param({**TEXT, "to": "27821239427"}, 27, "not available", id="convention 9427"),
    ],
)
def test_message_errors(clickatell: OneApiSandbox, message: dict[str, Any], code: int, text: str) -> None:
    status, body = send(clickatell, message)
    [result] = body["messages"]
    assert (status, body["error"], result["accepted"]) == (400, None, False)
    assert result["error"]["code"] == code
    assert text in result["error"]["description"]
    assert "apiMessageId" not in result
    assert clickatell.delivered == []


def test_mixed_answers_in_an_order_of_its_own(clickatell: OneApiSandbox) -> None:
    messages = [{**TEXT, "clientMessageId": str(number)} for number in range(20)]
    messages[7]["content"] = ""
    status, body = send(clickatell, *messages)
    ids = [result["clientMessageId"] for result in body["messages"]]
    assert status == 207
    assert ids != sorted(ids, key=int)
    assert sorted(ids, key=int) == [str(number) for number in range(20)]
    assert [result["clientMessageId"] for result in body["messages"] if not result["accepted"]] == ["7"]
    assert [call.messages for call in clickatell.calls] == [20]


@pytest.mark.parametrize(
    ("to", "codes"),
    [
        pytest.param("27821230001", [2, 4, 5, 6], id="read"),
        pytest.param("27821239402", [2, 4, 5], id="never read"),
        pytest.param("27821239404", [2, 29], id="not on WhatsApp"),
        pytest.param("27821239411", [2, 4, 6], id="read without delivered"),
        pytest.param("27821239412", [6, 5, 4, 2], id="out of order"),
        pytest.param("27821239420", [2, 4, 20], id="expired"),
        pytest.param("27821239431", [2, 131], id="outside the window"),
    ],
)
def test_statuses(clickatell: OneApiSandbox, bridge: Bridge, to: str, codes: list[int]) -> None:
    send(clickatell, {**TEXT, "to": to})
    assert one_api_codes(bridge, len(codes)) == codes
    assert clickatell.wait_idle(10)
    assert len(bridge.received) == len(codes)
    path, body = bridge.received[0]
    [event] = body["event"]["messageStatusUpdate"]
    assert path == "/clear/status"
    assert (event["messageId"], event["clientMessageId"]) == (only(clickatell).message_id, "1|2|3|4")
    assert len(str(event["timestamp"])) == 13


def test_rate_limit_passes(clickatell: OneApiSandbox) -> None:
    message = {**TEXT, "to": "27821239429"}
    answers = [send(clickatell, message) for _ in range(3)]
    assert [status for status, _ in answers] == [400, 400, 202]
    assert answers[0][1]["messages"][0]["error"] == {"code": 43, "description": "Rate limit"}


def test_unavailable_once_as_a_whole(clickatell: OneApiSandbox) -> None:
    messages = [TEXT, {**TEXT, "to": "27821239503", "clientMessageId": "other"}]
    status, body = send(clickatell, *messages)
    assert (status, body["error"]["code"]) == (503, 19)
    assert clickatell.delivered == []
    assert send(clickatell, *messages)[0] == 202


def test_lost_answer(clickatell: OneApiSandbox, bridge: Bridge) -> None:
    with pytest.raises(requests.ConnectionError):
        send(clickatell, {**TEXT, "to": "27821239408"})
    assert only(clickatell).msg_id == "1|2|3|4"
    assert one_api_codes(bridge, 4) == [2, 4, 5, 6]


def test_callbacks_are_retried_until_acknowledged(clickatell: OneApiSandbox, bridge: Bridge) -> None:
    bridge.statuses += [500, 403, 301]
    clickatell.post_event("clear", "moUnknown", {"messageId": "m"})
    received = bridge.wait_for(4)
    assert clickatell.wait_idle(10)
    assert [path for path, _ in received] == ["/clear/incoming"] * 4
    assert len({json.dumps(body) for _, body in received}) == 1
    assert clickatell.given_up == []


# Encryption


def encrypted(kms: KmsClient, message: dict[str, Any], key_arn: str = MT_KEY) -> dict[str, Any]:
    from local.sandbox import one_api_requests

    key, wrapped = encryption.new_data_key(kms, key_arn)
    return {
        **one_api_requests.map_values(message, lambda value: encryption.encrypt(key, value)),
        "encryptionKey": wrapped,
    }


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({**TEXT, "content": "Grüße 👍"}, id="text"),
        pytest.param(template(header=text_header({"1": "h"}), buttons=replies({"1": "p"})), id="template"),
        pytest.param(template(buttons={"websiteUrl": [website(2)]}), id="URL"),
        pytest.param(location(name="Shop"), id="location"),
        pytest.param(contacts(PHONE), id="contacts"),
        pytest.param(hsm(), id="hsm"),
    ],
)
def test_decrypts(clickatell: OneApiSandbox, kms: KmsClient, bridge: Bridge, message: dict[str, Any]) -> None:
    wire = encrypted(kms, message)
    assert send(clickatell, wire, key="key-secure")[0] == 202
    assert only(clickatell).wire == wire
    assert only(clickatell).content == message
    assert one_api_codes(bridge, 4) == [2, 4, 5, 6]


def broken(kind: str, kms: KmsClient) -> dict[str, Any]:
    clear = location(latitude="0", longitude="0") if kind == "no place" else TEXT
    message = encrypted(kms, clear, OTHER_KEY if kind == "key of another CMK" else MT_KEY)
    match kind:
        case "clear value":
            message["content"] = "Hi"
        case "cut ciphertext":
            message["content"] = message["content"][:-8]
        case "key is no base64":
            message["encryptionKey"] = "%"
        case "key is no data key":
            message["encryptionKey"] = "AAAA"
    return message


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        pytest.param("clear value", 61, id="clear value"),
        pytest.param("cut ciphertext", 61, id="cut ciphertext"),
        pytest.param("key is no base64", 61, id="key is no base64"),
        pytest.param("key is no data key", 60, id="key is no data key"),
        pytest.param("key of another CMK", 60, id="key of another CMK"),
        pytest.param("no place", 145, id="0, 0"),
    ],
)
def test_what_cannot_be_decrypted_fails_later(
    clickatell: OneApiSandbox, kms: KmsClient, bridge: Bridge, kind: str, code: int
) -> None:
    assert send(clickatell, broken(kind, kms), key="key-secure")[0] == 202
    assert one_api_codes(bridge, 2) == [2, code]
    assert only(clickatell).content is None


def test_clear_text_on_an_encrypted_integration_is_garbage(clickatell: OneApiSandbox, bridge: Bridge) -> None:
    assert send(clickatell, TEXT, key="key-secure")[0] == 202
    assert one_api_codes(bridge, 4) == [2, 4, 5, 6], "as the real one, it tells nobody"
    assert only(clickatell).content is None
    assert "garbage" in only(clickatell).problem


def test_encryption_without_a_key_on_the_integration(clickatell: OneApiSandbox, kms: KmsClient, bridge: Bridge) -> None:
    send(clickatell, encrypted(kms, TEXT))
    assert one_api_codes(bridge, 2) == [2, 60]


# People


def event_of(bridge: Bridge, path: str) -> tuple[str, dict[str, Any]]:
    """The kind and the event of the one callback at `path`."""
    body = bridge.wait_at(path)
    assert set(body) == {"integrationId", "integrationName", "event"}
    [(kind, [event])] = body["event"].items()
    return kind, event


def test_a_button_with_postback_data(clickatell: OneApiSandbox, bridge: Bridge) -> None:
    send(clickatell, template(buttons=replies({"1": "first", "2": "second"})))
    message_id = clickatell.person_taps_button(only(clickatell), 2, "No")
    kind, event = event_of(bridge, "/clear/incoming")
    assert kind == "moSuggestedResponse"
    assert event | {"timestamp": 0} == {
        "channel": "whatsapp",
        "messageId": message_id,
        "relatedMessageId": only(clickatell).message_id,
        "relatedClientMessageId": "1|2|3|4",
        "from": "27821230001",
        "to": "27999000001",
        "timestamp": 0,
        "encryptionKey": None,
        "content": "No",
        "postbackData": "second",
        "charset": None,
        "whatsapp": {"profileName": "A. Person"},
    }


def test_a_button_without_postback_data_is_a_text(clickatell: OneApiSandbox, bridge: Bridge) -> None:
    send(clickatell, template())
    clickatell.person_taps_button(only(clickatell), 1, "Yes")
    kind, event = event_of(bridge, "/clear/incoming")
    assert (kind, event["content"]) == ("moText", "Yes")
    assert "postbackData" not in event


def test_a_text_out_of_the_blue(clickatell: OneApiSandbox, bridge: Bridge) -> None:
    clickatell.person_writes("clear", "27821230009", "Hello")
    kind, event = event_of(bridge, "/clear/incoming")
    assert (kind, event["from"], event["content"]) == ("moText", "27821230009", "Hello")
    assert (event["relatedMessageId"], event["relatedClientMessageId"]) == (None, None)
    assert event["sms"] == {"udh": None, "network": None}


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({**PLACE, "name": "Shop", "address": "Street"}, {"locationName": "Shop", "locationAddress": "Street"}),
        (PLACE, {"locationName": None, "locationAddress": None}),
    ],
    ids=["with words", "without"],
)
def test_a_location_from_a_person(
    clickatell: OneApiSandbox, bridge: Bridge, place: dict[str, str], expected: dict[str, Any]
) -> None:
    clickatell.person_sends_location("clear", "27821230009", place)
    kind, event = event_of(bridge, "/clear/incoming")
    assert kind == "moLocation"
    assert (event["latitute"], event["longitude"]) == ("-33.9", "18.5")
    assert {name: event[name] for name in expected} == expected
    assert not {"content", "latitude"} & event.keys()


def test_contacts_from_a_person(clickatell: OneApiSandbox, bridge: Bridge) -> None:
    contacts = [{"name": {"formattedName": "Ben"}, "phones": [{"phone": "27821230008", "waId": "27821230008"}]}]
    clickatell.person_sends_contacts("clear", "27821230009", contacts)
    kind, event = event_of(bridge, "/clear/incoming")
    assert (kind, event["contacts"]) == ("moContacts", contacts)


def test_an_encrypted_location_from_a_person(clickatell: OneApiSandbox, kms: KmsClient, bridge: Bridge) -> None:
    clickatell.person_sends_location("secure", "27821230009", {**PLACE, "name": "Shop"})
    kind, event = event_of(bridge, "/secure/incoming")
    key = encryption.unwrap(kms, MO_KEY, event["encryptionKey"])
    assert kind == "moLocation"
    clear = {name: encryption.decrypt(key, event[name]) for name in ("latitude", "longitude", "locationName")}
    assert clear == {"latitude": "-33.9", "longitude": "18.5", "locationName": "Shop"}
    assert event["locationAddress"] is None


def test_replies_on_an_encrypted_integration(clickatell: OneApiSandbox, kms: KmsClient, bridge: Bridge) -> None:
    send(clickatell, encrypted(kms, template(buttons=replies({"1": "first"}))), key="key-secure")
    clickatell.person_taps_button(only(clickatell), 1, "Yes")
    kind, event = event_of(bridge, "/secure/incoming")
    key = encryption.unwrap(kms, MO_KEY, event["encryptionKey"])
    assert kind == "moSuggestedResponse"
    assert encryption.decrypt(key, event["content"]) == "Yes"
    assert encryption.decrypt(key, event["postbackData"]) == "first"
    assert encryption.decrypt(key, event["whatsapp"]["profileName"]) == "A. Person"
    assert (event["from"], event["relatedClientMessageId"]) == ("27821230001", "1|2|3|4")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/message"), ("POST", "/v1/media?fileName=a.png"), ("GET", "/v1/media?fileId=x")]
)
def test_calls_that_do_not_ask_for_json_are_refused(clickatell: OneApiSandbox, method: str, path: str) -> None:
    answer = requests.request(
        method, clickatell.url + path, json={"messages": [TEXT]}, headers={"Authorization": "key-clear"}, timeout=10
    )

    assert (answer.status_code, clickatell.delivered) == (406, [])


def test_an_answer_without_names(clickatell: OneApiSandbox) -> None:
    """As Clickatell's own sample: two messages for one number."""
    messages = [TEXT | {"to": "27821239202", "clientMessageId": name} for name in ("r1", "r2")]

    status, body = send(clickatell, *messages)

    assert status == 202
    assert [set(result) for result in body["messages"]] == [{"apiMessageId", "accepted", "to"}] * 2


def test_an_account_whose_number_is_suspended(clickatell: OneApiSandbox) -> None:
    _, body = send(clickatell, TEXT | {"to": "27821239444"})

    assert body["messages"][0]["error"] == {"code": 44, "description": "FROM number is suspended"}
