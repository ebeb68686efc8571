import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.providers.conformance import PERSON, SECRET, assert_public
from tests.providers.gupshup import samples
from tests.providers.gupshup.samples import BSP_ID, Json
from tests.support import sample_files
from tests.support.services import MemoryNotes, services
from tests.support.world import account_of
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.net.http import Answer, AnswerLost, Forbidden, HttpClient, NotReached, TooLarge
from whatsapp_bridge.providers.contract.client import Unreadable
from whatsapp_bridge.providers.contract.outcomes import (
    Accepted,
    NotSent,
    Outcome,
    Outgoing,
    Rejected,
    Throttled,
    Unknown,
)
from whatsapp_bridge.providers.contract.replies import Attachment
from whatsapp_bridge.providers.gupshup import codes
from whatsapp_bridge.providers.gupshup.client import Client


class Http(HttpClient):
    """Answers in turn; the last answer serves for all that follow."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.requests: list[tuple[str, str, Json, Any]] = []
        self.fetched: list[tuple[str, bool]] = []

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, *, max_bytes: int = 0) -> Answer:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
        self.requests.append((method, url, fields, headers))
        return self._next()

    def fetch(self, url: str, *, max_bytes: int, headers: Any = None, loopback: bool = False) -> Answer:
        self.fetched.append((url, loopback))
        return self._next()

    def _next(self) -> Answer:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Answer)
        return answer


def said(status: int, body: Any, **headers: str) -> Answer:
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def client(http: HttpClient, notes: Any = None, base_url: str = "https://bsp.example/base/", **provider: Any) -> Client:
    account = account_of("acme", samples.secret(base_url, **provider))
    return Client(account, services(http, notes=notes))


def outgoing(account: str = "two_way", **form: str) -> Outgoing:
    fields = {"send_to": PERSON, "extra": "r1", "method": "SendMessage", "msg_type": "TEXT", "msg": "a&b=ü +", **form}
    return Outgoing("r1", {"account": account, "form": fields})


TEMPLATE = outgoing("hsm", isHSM="true")
URL = "https://bsp.example/base/GatewayAPI/rest"
TYPE = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
COMMON = {"v": "1.1", "auth_scheme": "plain", "format": "json"}


@pytest.mark.parametrize(
    ("message", "user_id"), [(outgoing(), "private-two-way"), (TEMPLATE, "private-hsm")], ids=["session", "template"]
)
def test_request(message: Outgoing, user_id: str) -> None:
    http = Http(said(200, samples.taken()))

    client(http).send([message])

    fields = {"userid": user_id, "password": SECRET, **COMMON, **message.request["form"]}
    assert http.requests == [("POST", URL, fields, TYPE)]


REFUSED = Rejected(1000, "Authentication failed", alarm=True)
ANSWERS: dict[str, tuple[Answer, Outcome]] = {
    "taken": (said(200, samples.taken()), Accepted(BSP_ID)),
    "taken, in capitals": (said(200, {"response": {"id": "7", "status": "SUCCESS "}}), Accepted("7")),
    "taken, under 202": (said(202, samples.taken()), Accepted(BSP_ID)),
    "taken, id a number": (said(200, {"response": {"id": 7, "status": "success"}}), Accepted("7")),
    "taken without an id": (said(200, {"response": {"status": "success"}}), Accepted(None)),
    "taken, as text": (said(200, f"success | {PERSON} | {BSP_ID}\n"), Accepted(BSP_ID)),
    "taken, as text without blanks": (said(200, f"SUCCESS|{PERSON}|{BSP_ID}"), Accepted(BSP_ID)),
    "refused under 200": (said(200, samples.refused("102")), REFUSED),
    "refused under 202": (said(202, samples.refused("102")), REFUSED),
    "refused under 401": (said(401, samples.refused("103")), Rejected(1000, "No such user", alarm=True)),
    "refused under 400": (said(400, samples.refused("105")), Rejected(1002, "The phone number is not valid")),
    "refused under 500": (said(500, samples.refused("100")), Rejected(1009, "Unknown error")),
    "refused, as text": (
        said(200, "error | 318 | private words."),
        Rejected(1001, "No approved template matches the message"),
    ),
    "refused, as text with more bars": (
        said(200, "error | 312 | private | words"),
        Rejected(1006, "The person has not opted in"),
    ),
    "refused, code a number": (said(200, {"response": {"id": 102, "status": "error"}}), REFUSED),
    "refused for an unlisted code": (
        said(200, samples.refused("999")),
        Rejected(1009, "Unlisted error 999", unlisted=True),
    ),
    "refused without a code": (
        said(200, {"response": {"status": "error", "details": "private"}}),
        Rejected(1009, "Unlisted error", unlisted=True),
    ),
    "refused with words for a code": (
        said(200, "error | private words | x"),
        Rejected(1009, "Unlisted error", unlisted=True),
    ),
    "another status": (
        said(200, {"response": {"id": "7", "status": "queued"}}),
        Unknown("HTTP 200 without Gupshup's answer"),
    ),
    "no status": (said(200, {"response": {"id": "7"}}), Unknown("HTTP 200 without Gupshup's answer")),
    "response a text": (said(200, {"response": "success"}), Unknown("HTTP 200 without Gupshup's answer")),
    "half a text": (said(200, "success | 7"), Unknown("HTTP 200 without Gupshup's answer")),
    "empty body": (said(200, ""), Unknown("HTTP 200 without Gupshup's answer")),
    "a page": (said(200, "<html>|a|b|</html>"), Unknown("HTTP 200 without Gupshup's answer")),
    "too fast": (said(429, samples.refused("100"), retry_after="5"), Throttled(5.0)),
    "a gateway's 404": (said(404, "<html>"), NotSent("HTTP 404 without Gupshup's answer")),
    "a gateway's 502": (said(502, "<html>"), Unknown("HTTP 502 without Gupshup's answer")),
    "empty 401": (said(401, ""), NotSent("HTTP 401 without Gupshup's answer")),
    "empty 403": (said(403, ""), NotSent("HTTP 403 without Gupshup's answer")),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_answers(answer: Answer, expected: Outcome) -> None:
    http = Http(answer)

    outcomes = client(http).send([outgoing()])

    assert outcomes == [expected]
    assert_public(outcomes)
    assert len(http.requests) == 1


@pytest.mark.parametrize("as_text", [False, True], ids=["JSON", "text"])
@pytest.mark.parametrize("code", codes.ERRORS)
def test_every_code_in_both_forms(code: str, as_text: bool) -> None:
    row = codes.ERRORS[code]
    answer = said(200, f"error | {code} | private" if as_text else samples.refused(code))

    assert client(Http(answer)).send([outgoing()]) == [
        Rejected(row.error, row.title, alarm=code in ("102", "103", "104", "175"))
    ]


# --- opt-in ----------------------------------------------------------------------------------------------------------

TAKEN = said(200, samples.taken())
OPT_IN = {
    "userid": "private-hsm",
    "password": SECRET,
    **COMMON,
    "method": "OPT_IN",
    "channel": "WHATSAPP",
    "phone_number": PERSON,
}


@pytest.mark.parametrize(
    ("mode", "message", "requests"),
    [
        ("off", TEMPLATE, 0),
        ("once", TEMPLATE, 1),
        ("always", TEMPLATE, 2),
        ("once", outgoing(), 0),
        ("always", outgoing(), 0),
    ],
    ids=["off", "once", "always", "once, no template", "always, no template"],
)
def test_people_are_opted_in_before_templates(mode: str, message: Outgoing, requests: int) -> None:
    http, notes = Http(TAKEN), MemoryNotes()

    for _ in range(2):
        assert client(http, notes, opt_in=mode).prepare(message) == message

    assert http.requests == [("POST", URL, OPT_IN, TYPE)] * requests
    assert len(notes.kept) == (1 if (mode, message) == ("once", TEMPLATE) else 0)
    assert all(seconds == 365 * 86_400 for seconds in notes.seconds.values())
    # A number is no note's name.
    assert_public(notes.kept)


def test_each_person_is_opted_in_for_themselves() -> None:
    http, notes = Http(TAKEN), MemoryNotes()

    for person in (PERSON, "27837654321", PERSON):
        client(http, notes, opt_in="once").prepare(outgoing("hsm", send_to=person))

    assert [fields["phone_number"] for _, _, fields, _ in http.requests] == [PERSON, "27837654321"]


OPT_INS: dict[str, tuple[Any, Outcome]] = {
    "wrong number": (said(200, samples.refused("105")), Rejected(1002, "Opt-in: The phone number is not valid")),
    "wrong password": (said(200, "error | 102 | private"), Rejected(1000, "Opt-in: Authentication failed", alarm=True)),
    "unlisted": (said(200, samples.refused("777")), Rejected(1009, "Opt-in: Unlisted error 777", unlisted=True)),
    "too fast": (said(429, "", retry_after="3"), Throttled(3.0)),
    "unreadable": (said(200, ""), NotSent("opt-in: HTTP 200 without Gupshup's answer", unreached=True)),
    "a gateway's 503": (said(503, ""), Throttled(None, overload=True)),
    "not reached": (NotReached("ConnectTimeout"), NotSent("opt-in: not reached: ConnectTimeout", unreached=True)),
    "answer lost": (AnswerLost("ReadTimeout"), NotSent("opt-in: answer lost: ReadTimeout", unreached=True)),
}


@pytest.mark.parametrize("mode", ["once", "always"])
@pytest.mark.parametrize(("answer", "expected"), OPT_INS.values(), ids=OPT_INS.keys())
def test_without_an_opt_in_nothing_is_sent(mode: str, answer: Any, expected: Outcome) -> None:
    http, notes = Http(answer, TAKEN), MemoryNotes()
    made = client(http, notes, opt_in=mode)

    outcome = made.prepare(TEMPLATE)

    assert outcome == expected
    assert_public(outcome)
    assert notes.kept == {}
    assert made.prepare(TEMPLATE) == TEMPLATE


# --- files from people -----------------------------------------------------------------------------------------------

ADDRESS = "https://files.example/7/private.jpg?s=private-signature"


@pytest.mark.parametrize(
    ("base_url", "loopback"), [("https://bsp.example", False), ("http://127.0.0.1:7", True)], ids=["public", "local"]
)
def test_download(base_url: str, loopback: bool) -> None:
    http = Http(Answer(200, {}, sample_files.JPEG))

    file = client(http, base_url=base_url).download(Attachment("image", {"url": ADDRESS}, "image/png"))

    assert file == File(sample_files.JPEG, "image/jpeg", "image.jpg")
    assert http.fetched == [(ADDRESS, loopback)]
    assert http.requests == []


def test_a_file_whose_type_nobody_knows() -> None:
    file = client(Http(Answer(200, {}, b"\x00"))).download(Attachment("file", {"url": ADDRESS}))

    assert file == File(b"\x00", "application/octet-stream", "file.bin")


NO_FILES: dict[str, tuple[Any, str, bool]] = {
    "not found": (Answer(404, {}, b""), "the file answers HTTP 404", True),
    "expired": (Answer(403, {}, b""), "the file answers HTTP 403", True),
    "not modified": (Answer(304, {}, b""), "the file answers HTTP 304", True),
    "empty": (Answer(200, {}, b""), "the file is empty", True),
    "gone": (Answer(410, {}, b""), "the file answers HTTP 410", False),
    "away": (Answer(503, {}, b""), "the file answers HTTP 503", True),
    "too many": (Answer(429, {}, b""), "the file answers HTTP 429", True),
    "not public": (Forbidden("is not on the internet"), "the file is not on the internet", False),
    "too large": (TooLarge("answer too large"), "the file is larger than 100 MB", False),
    "not reached": (NotReached("ConnectTimeout"), "the file cannot be fetched: ConnectTimeout", True),
    "cut off": (AnswerLost("ReadTimeout"), "the file cannot be fetched: ReadTimeout", True),
}


@pytest.mark.parametrize(("answer", "reason", "retriable"), NO_FILES.values(), ids=NO_FILES.keys())
def test_file_that_cannot_be_fetched(answer: Any, reason: str, retriable: bool) -> None:
    with pytest.raises(Unreadable) as caught:
        client(Http(answer)).download(Attachment("image", {"url": ADDRESS}, "image/jpeg"))

    assert (caught.value.reason, caught.value.retriable) == (reason, retriable)
    assert_public(caught.value)
