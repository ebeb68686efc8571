from base64 import b64encode
from typing import Any

import pytest

from tests.providers.clickatell.samples import MO_KEY
from tests.providers.clickatell.test_client import Http, said
from tests.providers.clickatell.test_encryption import Keys
from tests.providers.clickatell_legacy import samples
from tests.providers.clickatell_legacy.samples import Json, failure, refused, results, taken
from tests.providers.conformance import OTHER_PERSON, PERSON, SECRET, TEXT, assert_public, callback
from tests.support.services import services
from whatsapp_bridge.net.http import Answer, HttpClient
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.clickatell_common import encryption
from whatsapp_bridge.providers.clickatell_legacy import inbound, replies
from whatsapp_bridge.providers.clickatell_legacy.client import Client
from whatsapp_bridge.providers.contract.outcomes import (
    Accepted,
    NotSent,
    Outcome,
    Outgoing,
    Rejected,
    Throttled,
    Unknown,
)
from whatsapp_bridge.store.keys import KmsKeys


def client(http: HttpClient) -> Client:
    return Client(parse_account("acme", samples.secret("https://bsp.example/base/")), services(http))


def outgoing(reference: str, to: str = PERSON) -> Outgoing:
    return Outgoing(reference, {"to": to, "clientMessageId": reference, "content": "k"})


TWO = [outgoing("r1"), outgoing("r2", OTHER_PERSON)]


def test_request() -> None:
    http = Http(said(202, results(taken("r1"), taken("r2"))))

    client(http).send(TWO)

    expected = {"messages": [message.request for message in TWO]}
    assert http.requests == [
        ("https://bsp.example/base/wa/messages", expected, {"authorization": SECRET, "accept": "application/json"})
    ]


ANSWERS: dict[str, tuple[Answer, list[Outcome]]] = {
    "all taken": (said(202, results(taken("r2"), taken("r1"))), [Accepted("bsp-r1"), Accepted("bsp-r2")]),
    "one refused": (
        said(202, results(taken("r1"), refused("r2", 159, "Not approved WhatsApp number."))),
        [Accepted("bsp-r1"), Rejected(1005, "Number is not approved WhatsApp number")],
    ),
    "all refused": (
        said(202, results(refused("r1", 158), refused("r2", 301))),
        [Rejected(1002, "Invalid destination address"), Rejected(1009, "Not enough money", alarm=True)],
    ),
    "without clientMessageId, by recipient": (
        said(202, results(taken(None, OTHER_PERSON, "b2"), refused(None, 150))),
        [Rejected(1002, "Invalid country code found for the input phone"), Accepted("b2")],
    ),
    "internal errors": (
        said(202, results(refused("r1", 900), refused("r2", 901))),
        [NotSent("Internal error"), Throttled(None, overload=True)],
    ),
    "unlisted": (
        said(202, results(taken("r1"), refused("r2", 43))),
        [Accepted("bsp-r1"), Rejected(1009, "Unlisted error 43", unlisted=True)],
    ),
    "one missing": (said(202, results(taken("r1"))), [Accepted("bsp-r1"), Unknown("not in the answer")]),
    "too many for one of them": (
        said(202, results(taken("r1"), refused("r2", 153))),
        [Accepted("bsp-r1"), Rejected(1009, "Too many MSISDNs")],
    ),
    "wrong key": (said(401, failure(1)), [Rejected(1000, "Invalid or missing Integration API Key", alarm=True)] * 2),
    "locked out, under 202": (
        said(202, failure(109)),
        [Rejected(1000, "IP lockdown violation. Request is forbidden according to settings", alarm=True)] * 2,
    ),
    "account not active, under 202": (said(202, failure(3)), [Rejected(1000, "Account is not active", alarm=True)] * 2),
    "please retry, under 202": (said(202, failure(901)), [Throttled(None, overload=True)] * 2),
    "internal error, under 202": (said(202, failure(900)), [Unknown("HTTP 202 without an answer per message")] * 2),
    "unlisted, under 400": (said(400, failure(99)), [Rejected(1009, "Unlisted error 99", unlisted=True)] * 2),
    "too fast": (said(429, {}, retry_after="5"), [Throttled(5.0)] * 2),
    "a gateway's 404": (
        Answer(404, {}, b"<html>"),
        [NotSent("HTTP 404 without the legacy WhatsApp API's answer")] * 2,
    ),
    "One API's error object": (
        said(400, {"error": {"code": 21, "description": "private"}}),
        [NotSent("HTTP 400 without the legacy WhatsApp API's answer")] * 2,
    ),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_answers(answer: Answer, expected: list[Outcome]) -> None:
    http = Http(answer)

    outcomes = client(http).send(TWO)

    assert outcomes == expected
    assert_public(outcomes)
    assert len(http.requests) == 1


@pytest.mark.parametrize("whole", [False, True], ids=["for each message", "for the request"])
def test_too_many_messages_go_in_parts(whole: bool) -> None:
    def at_most_fifty(payload: Json) -> Answer:
        given = [message["clientMessageId"] for message in payload["messages"]]
        if len(given) <= 50:
            return said(202, results(*(taken(name) for name in given)))
        return said(202, failure(153) if whole else results(*(refused(name, 153) for name in given)))

    batch = [outgoing(f"r{place}") for place in range(100)]

    assert client(Http(at_most_fifty)).send(batch) == [Accepted(f"bsp-{message.reference}") for message in batch]


# --- encryption ------------------------------------------------------------------------------------------------------


def encrypting(keys: KmsKeys) -> Client:
    account = parse_account("acme", samples.secret(encryption=samples.ENCRYPTION))
    return Client(account, services(HttpClient(), keys), encryption.DataKeys())


def test_what_a_person_is_told_is_encrypted() -> None:
    clear: Json = {"to": PERSON, "clientMessageId": "r1", "hsm": {"template": "order", "parameters": {"1": TEXT}}}
    keys = Keys()

    prepared = encrypting(keys).prepare(Outgoing("r1", clear))

    assert isinstance(prepared, Outgoing)
    wire = prepared.request
    assert (wire["to"], wire["clientMessageId"], wire["hsm"]["template"]) == (PERSON, "r1", "order")
    assert TEXT not in str(wire)
    assert opened(keys, samples.ENCRYPTION["mt_key_arn"], wire["encryptionKey"], wire["hsm"]["parameters"]["1"]) == TEXT


def opened(keys: KmsKeys, arn: str, encryption_key: str, field: str) -> str:
    key = encryption.DataKeys().for_reading(keys, arn, encryption_key, 0)
    return encryption.decrypt(key.plaintext, field)


SECRET_FIELDS = ("content", "caption", "profileName", "locationName", "locationAddress", "latitude", "longitude")


@pytest.mark.parametrize("body", [samples.text(), samples.location()], ids=["text", "location"])
def test_encrypted_reply_becomes_the_message_it_was(body: Json) -> None:
    keys = Keys()
    plaintext, blob, _ = keys.generate(MO_KEY)
    secret: Json = {
        name: encryption.encrypt(plaintext, body[name], lambda size: bytes(size))
        for name in SECRET_FIELDS
        if body[name] is not None
    }
    encrypted = body | secret | {"encryptionKey": b64encode(blob).decode()}
    assert TEXT not in str(encrypted)

    assert reply(keys, encrypted).message.wire() == reply(keys, body).message.wire()


def reply(keys: KmsKeys, body: Json) -> Any:
    (event,) = inbound.split(callback(samples.raw(body)), parse_account("acme", samples.secret()))
    element = encrypting(keys).open(event.element)  # type: ignore[union-attr]
    return replies.reply(element, parse_account("acme", samples.secret()))
