import sys
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from io import BytesIO
from threading import Lock
from typing import Any

import pytest
from botocore.exceptions import ClientError
from openpyxl import load_workbook

from tests.providers.conformance import OTHER_PERSON, PERSON, assert_public
from tests.providers.message_central import samples
from tests.providers.message_central.samples import (
    Json,
    file_of,
    jwt,
    query,
    recipients,
    refused,
    said,
    sent,
    token_answer,
)
from tests.support.services import MemoryNotes, services
from tests.support.world import account_of
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached
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
from whatsapp_bridge.providers.message_central import kept_tokens
from whatsapp_bridge.providers.message_central.client import Client

NOW = 1_760_000_000
JPEG, MP4 = b"\xff\xd8\xff\xe0private", b"\x00\x00\x00\x18ftypisomprivate"
REFUSED_TOKEN = Rejected(1000, "Token refused", alarm=True)

type Said = Answer | Exception


class Http(HttpClient):
    """Answers calls for tokens and for messages, each in turn; the last answer serves for all that follow."""

    def __init__(self, *answers: Any, tokens: Sequence[Said] = (), files: Said | None = None) -> None:
        super().__init__()
        self.answers, self.token_answers = list(answers), list(tokens)
        self.files = files or Answer(404, {}, b"")
        self.asked: list[str] = []
        """For tokens, by address."""
        self.sent: list[tuple[str, bytes | None, dict[str, str]]] = []
        self._lock = Lock()

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, *, max_bytes: int = 0) -> Answer:
        with self._lock:
            if samples.is_for_a_token(url):
                assert (method, body, headers) == ("GET", None, {"accept": "*/*"})
                self.asked.append(url)
                answer = self.token_answers.pop(0) if len(self.token_answers) > 1 else self.token_answers[0]
            else:
                assert (method, url.partition("?")[0]) == ("POST", "https://bsp.example/base/verification/v3/send")
                self.sent.append((url, body, dict(headers)))
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        answer = answer(url, body) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def fetch(self, url: str, *, max_bytes: int, headers: Any = None, loopback: bool = False) -> Answer:
        if isinstance(self.files, Exception):
            raise self.files
        return self.files

    @property
    def tokens_used(self) -> list[str]:
        return [headers["authToken"] for _, _, headers in self.sent]

    @property
    def singles(self) -> list[str]:
        return [query(url)["mobileNumber"] for url, body, _ in self.sent if body is None]


OK = said(200, sent())
STATIC = {"token": samples.TOKEN}


def client(http: HttpClient, notes: Any = None, options: Json | None = None, **provider: Any) -> Client:
    secret = samples.secret("https://bsp.example/base/", options, **provider)
    return Client(account_of("acme", secret), services(http, notes=notes), now=lambda: NOW)


def chat(reference: str = "c1", **changes: Any) -> Outgoing:
    return Outgoing(reference, {"type": "CHAT", "to": PERSON, "message": "private words"} | changes)


def broadcast(reference: str = "r1", to: str = PERSON, *variables: str, **changes: Any) -> Outgoing:
    template = {"templateName": "order_update", "langId": "en_US", "ctaVariables": []}
    return Outgoing(reference, {"type": "BROADCAST", "to": to, **template, "variables": list(variables)} | changes)


def outcomes(made: Client, *batch: Outgoing) -> list[Outcome]:
    """What becomes of messages: of those that can be prepared, all together."""
    prepared = [made.prepare(outgoing) for outgoing in batch]
    results = iter(made.send([outgoing for outgoing in prepared if isinstance(outgoing, Outgoing)]))
    found = [next(results) if isinstance(outgoing, Outgoing) else outgoing for outgoing in prepared]
    assert_public(found)
    return found


# --- requests --------------------------------------------------------------------------------------------------------

PLACE = {"flowType": "WHATSAPP", "senderId": "27999000001", "countryCode": "27", "mobileNumber": PERSON[2:]}
TEMPLATE = {**PLACE, "type": "BROADCAST", "templateName": "order_update", "langId": "en_US"}
REQUESTS: dict[str, tuple[Outgoing, dict[str, str]]] = {
    "chat": (chat(), {**PLACE, "type": "CHAT", "message": "private words"}),
    "chat with all sorts of letters": (
        chat(message="a&b=ü +\n👍"),
        {**PLACE, "type": "CHAT", "message": "a&b=ü +\n👍"},
    ),
    "template": (broadcast("r1", PERSON, "Ada", "Friday & Co"), {**TEMPLATE, "variables": "Ada,Friday & Co"}),
    "template with URLs": (broadcast(ctaVariables=["a", "b"]), {**TEMPLATE, "ctaVariables": "a,b"}),
    "template without values": (broadcast(), TEMPLATE),
}


@pytest.mark.parametrize(("outgoing", "expected"), REQUESTS.values(), ids=REQUESTS.keys())
def test_request(outgoing: Outgoing, expected: dict[str, str]) -> None:
    http = Http(OK)

    assert outcomes(client(http, **STATIC), outgoing) == [Accepted(None)]

    ((url, body, headers),) = http.sent
    assert (query(url), body, headers) == (expected, None, {"authToken": samples.TOKEN})


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("27831234567", ("27", "831234567")),
        ("917715836906", ("91", "7715836906")),
        ("12015550123", ("1", "2015550123")),
        ("5215512345678", ("52", "15512345678")),
        ("5491123456789", ("54", "91123456789")),
        ("390612345678", ("39", "0612345678")),
        ("35312345678", ("353", "12345678")),
        ("79261234567", ("7", "9261234567")),
        ("99912345678", None),
        ("21012345678", None),
    ],
)
def test_number_is_split(to: str, expected: tuple[str, str] | None) -> None:
    prepared = client(Http(OK), **STATIC).prepare(chat(to=to))

    if expected is None:
        assert prepared == Rejected(1002, "No country has such a number")
    else:
        assert isinstance(prepared, Outgoing)
        assert (prepared.request["countryCode"], prepared.request["mobileNumber"]) == expected


TROUBLE: dict[str, tuple[Said, Outcome]] = {
    "not reached": (NotReached("ConnectTimeout"), NotSent("not reached: ConnectTimeout", unreached=True)),
    "answer lost": (AnswerLost("ReadTimeout"), Unknown("answer lost: ReadTimeout")),
    "no credits": (said(200, refused(805)), Rejected(1009, "Insufficient credits", alarm=True)),
    "too fast": (said(429, {}, retry_after="4"), Throttled(4.0)),
}


@pytest.mark.parametrize(("answer", "expected"), TROUBLE.values(), ids=TROUBLE.keys())
def test_trouble(answer: Said, expected: Outcome) -> None:
    http = Http(answer)

    assert outcomes(client(http, **STATIC), broadcast()) == [expected]
    assert len(http.sent) == 1


def test_messages_without_bulk_go_one_by_one() -> None:
    http = Http(OK)

    assert outcomes(client(http, **STATIC), broadcast("r1"), broadcast("r2", OTHER_PERSON)) == [Accepted(None)] * 2
    assert sorted(http.singles) == sorted([PERSON[2:], OTHER_PERSON[2:]])


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_token_is_asked_for_once_and_noted() -> None:
    notes, token = MemoryNotes(), jwt({"sub": "private", "exp": NOW + 100_000})
    first, second = Http(OK, tokens=[said(200, token_answer(token))]), Http(OK)

    outcomes(client(first, notes), broadcast("r1"), broadcast("r2", OTHER_PERSON), chat())
    outcomes(client(second, notes), broadcast("r3"))

    (url,) = first.asked
    assert url.partition("?")[0] == "https://bsp.example/base/auth/v1/authentication/token"
    expected = {"customerId": "private-customer", "key": "cHJpdmF0ZS1zZWNyZXQ=", "scope": "NEW", "country": "27"}
    assert query(url) == {**expected, "email": "private@shop.example"}
    assert first.tokens_used == [token] * 3
    assert (second.asked, second.tokens_used) == ([], [token])


@pytest.mark.parametrize(
    ("token", "seconds"),
    [
        pytest.param(jwt({"exp": NOW + 1000}), 900, id="a tenth earlier"),
        pytest.param(jwt({"exp": str(NOW + 1000)}), 900, id="as text"),
        pytest.param(jwt({"exp": NOW + 1825 * 86_400}), 1824 * 86_400, id="a day earlier at the most"),
        pytest.param(jwt({"exp": NOW + 10}), 60, id="a minute at the least"),
        pytest.param(jwt({"exp": NOW - 10}), 3240, id="over by its own account"),
        pytest.param(jwt({"iat": NOW}), 3240, id="no exp"),
        pytest.param(jwt({"exp": "private"}), 3240, id="exp a word"),
        pytest.param(jwt(["exp"]), 3240, id="no object"),
        pytest.param("private-token", 3240, id="no JWT"),
        pytest.param("a.!.b", 3240, id="no base64"),
    ],
)
def test_how_long_a_token_is_kept(token: str, seconds: int) -> None:
    notes = MemoryNotes()

    outcomes(client(Http(OK, tokens=[said(200, token_answer(token))]), notes), broadcast())

    assert list(notes.seconds.values()) == [seconds]


TOKEN_REFUSED = (
    said(401, {}),
    said(200, refused(800, "Invalid Auth")),
    said(401, refused("800")),
    Answer(401, {}, b""),
)


@pytest.mark.parametrize("answer", TOKEN_REFUSED, ids=["HTTP 401", "800", "both", "401 without a word"])
def test_a_refused_token_is_renewed_once(answer: Answer) -> None:
    http = Http(answer, OK, tokens=[said(200, token_answer("private-1")), said(200, token_answer("private-2"))])

    assert outcomes(client(http), broadcast()) == [Accepted(None)]
    assert http.tokens_used == ["private-1", "private-2"]


def test_a_new_token_that_is_refused_too_is_the_end() -> None:
    http = Http(said(200, refused(800)), tokens=[said(200, token_answer("private-1"))])

    assert outcomes(client(http), broadcast()) == [REFUSED_TOKEN]
    assert (len(http.asked), len(http.sent)) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "expected", "asked"),
    [
        pytest.param(
            said(401, {"status": 401}), Rejected(1000, "Credentials refused", alarm=True), 1, id="wrong password"
        ),
        pytest.param(
            NotReached("ConnectTimeout"),
            NotSent("no token: not reached: ConnectTimeout", unreached=True),
            2,
            id="not reached",
        ),
        pytest.param(said(429, {}, retry_after="9"), Throttled(9.0), 2, id="too fast"),
    ],
)
def test_a_batch_requests_a_token_only_once_if_that_fails(answer: Said, expected: Outcome, asked: int) -> None:
    http, notes = Http(OK, tokens=[answer]), MemoryNotes()
    batch = [broadcast(f"r{place}", f"2782000{place:04}") for place in range(10)]

    assert outcomes(client(http, notes), *batch) == [expected] * 10
    assert len(http.asked) == 1

    # Refused credentials are noted, for the next batch too.
    assert outcomes(client(http, notes), *batch) == [expected] * 10
    assert (len(http.asked), http.sent) == (asked, [])
    assert set(notes.seconds.values()) == ({60} if asked == 1 else set())


def test_other_credentials_are_asked_with_although_some_are_refused() -> None:
    notes = MemoryNotes()
    outcomes(client(Http(OK, tokens=[said(401, {"status": 401})]), notes), broadcast())
    http = Http(OK, tokens=[said(200, token_answer())])

    assert outcomes(client(http, notes, password="private-other"), broadcast()) == [Accepted(None)]


def test_a_batch_renews_a_refused_token_only_once() -> None:
    answers = [said(200, token_answer(f"private-{number}")) for number in range(9)]
    http, notes = Http(said(401, refused(800)), tokens=answers), MemoryNotes()
    batch = [broadcast(f"r{place}", f"2782000{place:04}") for place in range(10)]

    assert outcomes(client(http, notes), *batch) == [REFUSED_TOKEN] * 10
    assert len(http.asked) == 2

    assert outcomes(client(http, notes), broadcast()) == [Rejected(1000, "Credentials refused", alarm=True)]
    assert len(http.asked) == 2


class Failing(MemoryNotes):
    """Notes that DynamoDB refuses to write or to read, from the second time on."""

    def __init__(self, *refuses: str) -> None:
        super().__init__()
        self.left = {name: 1 if name in refuses else 99 for name in ("get", "put")}

    def _count(self, name: str) -> None:
        self.left[name] -= 1
        if self.left[name] < 0:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "private"}}, "UpdateItem")

    def get(self, account: str, key: str) -> str | None:
        self._count("get")
        return super().get(account, key)

    def put(self, account: str, key: str, note: str, seconds: int) -> None:
        self._count("put")
        super().put(account, key, note, seconds)


@pytest.mark.parametrize("refuses", [("put",), ("get",), ("get", "put")], ids="+".join)
def test_without_notes_a_token_is_renewed_all_the_same(refuses: tuple[str, ...]) -> None:
    http = Http(said(401, {}), OK, tokens=[said(200, token_answer("private-1")), said(200, token_answer("private-2"))])

    assert outcomes(client(http, Failing(*refuses)), broadcast()) == [Accepted(None)]
    assert http.tokens_used == ["private-1", "private-2"]


def test_trouble_of_one_message_is_its_own() -> None:
    def answer(url: str, body: bytes | None) -> Any:
        return RuntimeError("private") if query(url)["mobileNumber"] == PEOPLE[1][2:] else OK

    batch = [broadcast(f"r{place}", to) for place, to in enumerate(PEOPLE)]

    results = outcomes(client(Http(answer), **STATIC), *batch)

    assert results == [Accepted(None), Unknown("failed: RuntimeError"), Accepted(None)]


def test_a_sheet_that_cannot_be_made_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def sheet(requests: Any) -> bytes:
        raise ValueError("private")

    monkeypatch.setattr("whatsapp_bridge.providers.message_central.sheets.sheet", sheet)
    http = Http(OK)

    results = outcomes(client(http, options=BULK, **STATIC), broadcast("r1", PEOPLE[0]), broadcast("r2", PEOPLE[1]))

    assert (results, http.sent) == ([NotSent("failed: ValueError")] * 2, [])


@pytest.mark.parametrize("bulk", [False, True])
def test_what_sheets_need_is_imported_before_a_message_is_marked(monkeypatch: pytest.MonkeyPatch, bulk: bool) -> None:
    monkeypatch.delitem(sys.modules, "openpyxl")

    client(Http(OK), options={"bulk": bulk}, **STATIC).prepare(broadcast())

    assert ("openpyxl" in sys.modules) is bulk


def test_the_next_batch_has_the_renewed_token() -> None:
    notes = MemoryNotes()
    http = Http(said(401, {}), OK, tokens=[said(200, token_answer("private-1")), said(200, token_answer("private-2"))])
    later = Http(OK)

    outcomes(client(http, notes), broadcast())
    outcomes(client(later, notes), broadcast())

    assert later.tokens_used == ["private-2"]


def test_a_token_that_another_process_has_renewed_is_used() -> None:
    notes, http = MemoryNotes(), Http(said(401, {}), OK, tokens=[said(200, token_answer("private-1"))])
    made = client(http, notes)
    prepared = made.prepare(broadcast())
    (key,) = notes.kept
    account = account_of("acme", samples.secret("https://bsp.example/base/"))
    notes.kept[key] = kept_tokens.sealed(account, "private-2")

    assert isinstance(prepared, Outgoing)
    assert made.send([prepared]) == [Accepted(None)]
    assert (http.tokens_used, len(http.asked)) == (["private-1", "private-2"], 1)


def test_a_token_of_the_secret_is_not_renewed() -> None:
    http = Http(said(200, refused(800)))

    assert outcomes(client(http, **STATIC), broadcast()) == [Rejected(1000, "Token refused", alarm=True)]
    assert len(http.sent) == 1


def test_other_credentials_have_a_token_of_their_own() -> None:
    notes = MemoryNotes()
    outcomes(client(Http(OK, tokens=[said(200, token_answer("private-1"))]), notes), broadcast())
    http = Http(OK, tokens=[said(200, token_answer("private-2"))])

    outcomes(client(http, notes, customer_id="C", password="another"), broadcast())

    assert http.tokens_used == ["private-2"]


PROXY = "without Message Central's answer"
REFUSED_CREDENTIALS = Rejected(1000, "Credentials refused", alarm=True)
NO_TOKEN: dict[str, tuple[Said, Outcome]] = {
    "wrong password": (said(401, {"status": 401, "message": "private"}), REFUSED_CREDENTIALS),
    "a gateway's 401": (said(401, {"message": "private"}), NotSent(f"no token: HTTP 401 {PROXY}")),
    "a gateway's 403": (said(403, {}), NotSent(f"no token: HTTP 403 {PROXY}")),
    "wrong customer": (said(400, {"status": 400}), REFUSED_CREDENTIALS),
    "said in the body": (said(200, {"status": 401, "token": None}), REFUSED_CREDENTIALS),
    "said as a code": (said(200, {"responseCode": "800"}), REFUSED_CREDENTIALS),
    "no token in it": (said(200, {"status": 200, "token": ""}), NotSent(f"no token: HTTP 200 {PROXY}", unreached=True)),
    "a token for no header": (
        said(200, {"status": 200, "token": "a\nb"}),
        NotSent(f"no token: HTTP 200 {PROXY}", unreached=True),
    ),
    "no JSON": (Answer(200, {}, b"<html>"), NotSent(f"no token: HTTP 200 {PROXY}", unreached=True)),
    "a proxy's 401": (Answer(401, {}, b""), NotSent(f"no token: HTTP 401 {PROXY}")),
    "a proxy's 403": (Answer(403, {}, b"<html>"), NotSent(f"no token: HTTP 403 {PROXY}")),
    "away": (Answer(503, {}, b""), Throttled(None, overload=True)),
    "nothing there": (Answer(404, {}, b""), NotSent(f"no token: HTTP 404 {PROXY}")),
    "too fast": (said(429, {}, retry_after="9"), Throttled(9.0)),
    "not reached": (NotReached("ConnectTimeout"), NotSent("no token: not reached: ConnectTimeout", unreached=True)),
    "answer lost": (AnswerLost("ReadTimeout"), NotSent("no token: answer lost: ReadTimeout", unreached=True)),
}


@pytest.mark.parametrize(("answer", "expected"), NO_TOKEN.values(), ids=NO_TOKEN.keys())
def test_without_a_token_nothing_is_sent(answer: Said, expected: Outcome) -> None:
    http = Http(OK, tokens=[answer])

    assert outcomes(client(http), broadcast()) == [expected]
    assert http.sent == []


@pytest.mark.parametrize("answer", [answer for answer, _ in NO_TOKEN.values()], ids=NO_TOKEN.keys())
def test_only_the_first_without_a_token_says_how_the_bsp_is(answer: Said) -> None:
    """It alone has asked; the others of the batch share its answer."""
    made = client(Http(OK, tokens=[answer]))

    failures = [made.prepare(broadcast(f"r{number}")) for number in range(3)]

    assert [not isinstance(failure, Outgoing) and failure.of_a_step for failure in failures] == [True, False, False]


# --- sheets ----------------------------------------------------------------------------------------------------------

BULK = {"bulk": True}
PEOPLE = ("27831234567", "917715836906", "12015550123")


def rows(body: bytes | None, headers: dict[str, str]) -> list[tuple[Any, ...]]:
    assert body is not None
    name, kind, content = file_of(body, headers)
    assert (name, kind) == (
        "messages.xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    )
    (page,) = load_workbook(BytesIO(content)).worksheets
    return list(page.iter_rows(values_only=True))


def test_sheet() -> None:
    http = Http(OK)
    batch = [broadcast(f"r{place}", to, "Ada", f"={place}+1") for place, to in enumerate(PEOPLE)]

    assert outcomes(client(http, options=BULK, **STATIC), *batch) == [Accepted(None)] * 3

    ((url, body, headers),) = http.sent
    sender = {"flowType": "WHATSAPP", "type": "BROADCAST", "senderId": "27999000001"}
    assert query(url) == {**sender, "templateName": "order_update", "langId": "en_US"}
    assert headers["authToken"] == samples.TOKEN
    assert rows(body, headers) == [
        ("Country", "Mobile", "ctaVar1", "ctaVar2", "var1", "var2"),
        ("27", "831234567", None, None, "Ada", "=0+1"),
        ("91", "7715836906", None, None, "Ada", "=1+1"),
        ("1", "2015550123", None, None, "Ada", "=2+1"),
    ]


def test_sheet_with_urls_and_without_variables() -> None:
    http = Http(OK)

    outcomes(
        client(http, options=BULK, **STATIC),
        broadcast("r1", ctaVariables=["007"]),
        broadcast("r2", OTHER_PERSON, ctaVariables=["a b"]),
    )

    ((_, body, headers),) = http.sent
    assert rows(body, headers) == [
        ("Country", "Mobile", "ctaVar1", "ctaVar2"),
        ("27", PERSON[2:], "007", None),
        ("27", OTHER_PERSON[2:], "a b", None),
    ]


OTHERS: dict[str, Outgoing] = {
    "another template": broadcast("r3", PEOPLE[2], "Ada", templateName="another"),
    "another language": broadcast("r3", PEOPLE[2], "Ada", langId="en_GB"),
    "more variables": broadcast("r3", PEOPLE[2], "Ada", "b"),
    "with a URL": broadcast("r3", PEOPLE[2], "Ada", ctaVariables=["a"]),
    "what no cell can hold": broadcast("r3", PEOPLE[2], "\x07"),
    "U+FFFE, which no XML may hold": broadcast("r3", PEOPLE[2], "a\ufffe"),
    "a carriage return": broadcast("r3", PEOPLE[2], "a\rb"),
    "what a sheet reads as another character": broadcast("r3", PEOPLE[2], "size_x0041_b"),
    "U+FFFF": broadcast("r3", PEOPLE[2], "\uffff"),
    "a chat": chat("r3", to=PEOPLE[2]),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_only_what_belongs_together_is_in_a_sheet(other: Outgoing) -> None:
    http = Http(OK)
    pair = [broadcast("r1", PEOPLE[0], "Ada"), broadcast("r2", PEOPLE[1], "Ben")]

    outcomes(client(http, options=BULK, **STATIC), pair[0], other, pair[1])

    assert http.singles == [PEOPLE[2][1:]]
    ((_, body, headers),) = [call for call in http.sent if call[1] is not None]
    assert [row[1] for row in rows(body, headers)] == ["Mobile", PEOPLE[0][2:], PEOPLE[1][2:]]


def by_person(url: str, body: bytes | None) -> Answer:
    """Refuses sheets, and one of the people."""
    if body is not None:
        return said(200, refused(804))
    return said(200, refused(829)) if query(url)["mobileNumber"] == PEOPLE[1][2:] else OK


def test_a_refused_sheet_is_made_good_by_single_calls() -> None:
    http = Http(by_person)
    batch = [broadcast(f"r{place}", to, "Ada") for place, to in enumerate(PEOPLE)]

    results = outcomes(client(http, options=BULK, **STATIC), *batch)

    assert results == [Accepted(None), Rejected(1002, "mobileNumber is required"), Accepted(None)]
    assert len(http.sent) == 5
    assert sorted(http.singles) == sorted(["831234567", "7715836906", "2015550123"])


def test_bad_numbers_are_no_fault_of_the_template() -> None:
    """The first four are refused alone, and so is each sheet with a bad number."""
    people = [f"2783123{place:04}" for place in range(16)]
    bad = {people[place] for place in (0, 1, 2, 3, 15)}

    def by_number(url: str, body: bytes | None) -> Answer:
        return said(200, refused(829)) if bad.intersection(recipients(url, body)) else OK

    results = outcomes(
        client(Http(by_number), options=BULK, **STATIC), *(broadcast(f"r{to}", to, "Ada") for to in people)
    )

    refusal = Rejected(1002, "mobileNumber is required")
    assert results == [refusal if to in bad else Accepted(None) for to in people]


def test_an_error_of_the_sheet_for_a_single_message_is_its_verdict() -> None:
    http = Http(said(200, refused(803)))

    assert outcomes(client(http, options=BULK, **STATIC), broadcast("r1", PEOPLE[0], "Ada")) == [
        Rejected(1009, "Contact list not found")
    ]
    assert len(http.sent) == 1


IN_THE_MIDDLE = Unknown("error 800 may have come in the middle of the sheet")
SHEETS: dict[str, tuple[Said, bool, Outcome]] = {
    "803": (said(200, refused(803)), True, Accepted(None)),
    "804 as text": (said(400, refused("804")), True, Accepted(None)),
    "805": (said(200, refused(805)), False, Unknown("error 805 may have come in the middle of the sheet")),
    "801": (said(200, refused(801)), False, Rejected(1009, "Invalid sender", alarm=True)),
    "802": (said(200, refused(802)), False, Rejected(1001, "Invalid Template")),
    "no such template, says Meta": (
        said(200, refused(800, "(#132001) x")),
        False,
        Rejected(1001, "Template does not exist"),
    ),
    "a parameter, says Meta": (said(200, refused(800, "(#100) x")), False, IN_THE_MIDDLE),
    "Meta's limit": (said(200, refused(800, "(#130429) x")), False, IN_THE_MIDDLE),
    "unlisted": (said(200, refused(899)), False, Unknown("unlisted responseCode 899")),
    "accepted, by another code": (said(200, refused(202)), False, Unknown("unlisted responseCode 202")),
    "partly": (said(200, refused(206)), False, Unknown("unlisted responseCode 206")),
    "unlisted, of Meta": (said(200, refused(800, "(#999999) x")), False, IN_THE_MIDDLE),
    "Meta's maintenance": (said(200, refused(800, "(#131057) x")), False, IN_THE_MIDDLE),
    "too large for a gateway": (Answer(413, {}, b"<html>"), True, Accepted(None)),
    "no such address": (Answer(404, {}, b""), False, NotSent("HTTP 404 without Message Central's answer")),
    "cut off by a gateway": (Answer(408, {}, b""), False, Unknown("HTTP 408 without Message Central's answer")),
    "there already": (Answer(409, {}, b""), False, Unknown("HTTP 409 without Message Central's answer")),
    "taken": (OK, False, Accepted(None)),
    "answer lost": (AnswerLost("ReadTimeout"), False, Unknown("answer lost: ReadTimeout")),
    "gateway's 502": (Answer(502, {}, b""), False, Unknown("HTTP 502 without Message Central's answer")),
    "no JSON": (Answer(200, {}, b"OK"), False, Unknown("HTTP 200 without Message Central's answer")),
    "not reached": (NotReached("ConnectTimeout"), False, NotSent("not reached: ConnectTimeout", unreached=True)),
    "too fast": (said(429, {}), False, Throttled(None)),
    "token refused": (said(200, refused(800)), False, Rejected(1000, "Token refused", alarm=True)),
    "forbidden": (Answer(403, {}, b""), False, NotSent("HTTP 403 without Message Central's answer")),
}


@pytest.mark.parametrize(("answer", "singles", "expected"), SHEETS.values(), ids=SHEETS.keys())
def test_outcome_of_a_sheet(answer: Said, singles: bool, expected: Outcome) -> None:
    http = Http(answer, OK)

    results = outcomes(
        client(http, options=BULK, **STATIC), broadcast("r1", PEOPLE[0], "a"), broadcast("r2", PEOPLE[1], "b")
    )

    assert results == [expected] * 2
    assert sorted(http.singles) == (sorted(["831234567", "7715836906"]) if singles else [])


# --- files to people -------------------------------------------------------------------------------------------------


def image(name: str | None = "cat.png", kind: str = "image", **changes: Any) -> Outgoing:
    file = {"kind": kind, "url": "https://files.example/dir/a%20b.jpg?sig=private", "name": name}
    request = {"type": "CHAT", "to": PERSON, "message": "private caption", "file": file} | changes
    return Outgoing("c1", {name: value for name, value in request.items() if value is not None})


FILES: dict[str, tuple[Outgoing, bytes, tuple[str, str, str]]] = {
    "image": (image("cat.jpg"), JPEG, ("private caption", "cat.jpg", "image/jpeg")),
    "image by another name": (image("cat.png"), JPEG, ("private caption", "cat.jpg", "image/jpeg")),
    "video": (image("v.mp4", "video"), MP4, ("private caption", "v.mp4", "video/mp4")),
    "no caption": (image("cat.jpg", message=None), JPEG, ("cat.jpg", "cat.jpg", "image/jpeg")),
    "neither caption nor name": (image(None, message=None), JPEG, ("a b.jpg", "a b.jpg", "image/jpeg")),
}


@pytest.mark.parametrize(("outgoing", "content", "expected"), FILES.values(), ids=FILES.keys())
def test_file(outgoing: Outgoing, content: bytes, expected: tuple[str, str, str]) -> None:
    http = Http(said(200, sent("wamid.1")), files=Answer(200, {}, content))

    assert outcomes(client(http, **STATIC), outgoing) == [Accepted("wamid.1")]

    ((url, body, headers),) = http.sent
    assert body is not None
    assert query(url) == {**PLACE, "type": "CHAT", "message": expected[0]}
    assert file_of(body, headers) == (expected[1], expected[2], content)


LATER = Rejected(1001, "image: mediaURL cannot be fetched: ConnectTimeout")
NO_FILES: dict[str, tuple[Said, Outcome]] = {
    "not there": (Answer(404, {}, b""), Rejected(1001, "image: mediaURL answers HTTP 404")),
    "no image": (Answer(200, {}, b"%PDF-1.7"), Rejected(1001, "image: mediaURL is not JPEG or PNG")),
    "empty": (Answer(200, {}, b""), Rejected(1001, "image: mediaURL is empty")),
    "away": (NotReached("ConnectTimeout"), NotSent(LATER.title, verdict=LATER)),
}


@pytest.mark.parametrize(("answer", "expected"), NO_FILES.values(), ids=NO_FILES.keys())
def test_a_file_that_cannot_be_fetched(answer: Said, expected: Outcome) -> None:
    http = Http(OK, files=answer)

    assert outcomes(client(http, **STATIC), image()) == [expected]
    assert http.sent == []


# --- files from people -----------------------------------------------------------------------------------------------


def attachment(**source: str) -> Attachment:
    return Attachment("image", source, "image/jpeg; x=1")


def test_a_file_at_an_open_address_is_fetched() -> None:
    http = Http(files=Answer(200, {}, JPEG))

    file = client(http, **STATIC).download(attachment(id="1", url="https://files.example/private"))

    assert file == File(JPEG, "image/jpeg", "image.jpg")


DOCX, WEBP, PAGE = b"PK\x03\x04private", b"RIFF\x10\x00\x00\x00WEBPprivate", b"<!DOCTYPE html><p>private"
NOT_FOUND_PICTURE = b"\x89PNG\r\n\x1a\nprivate"


@pytest.mark.parametrize(
    ("kind", "content", "sha256", "reason"),
    [
        pytest.param("image", JPEG, sha256(JPEG).hexdigest(), None, id="the announced one"),
        pytest.param("image", JPEG, b64encode(sha256(JPEG).digest()).decode(), None, id="hash in base64"),
        pytest.param(
            "image",
            NOT_FOUND_PICTURE,
            sha256(JPEG).hexdigest(),
            "url must have the announced file",
            id="another",
        ),
        pytest.param(
            "file",
            PAGE,
            sha256(JPEG).hexdigest(),
            "url must have the announced file",
            id="a page, announced otherwise",
        ),
        pytest.param("image", JPEG, None, None, id="image"),
        pytest.param("image", WEBP, None, None, id="sticker"),
        pytest.param("image", PAGE, None, "url must have a file of the kind image", id="a page for an image"),
        pytest.param("image", MP4, None, "url must have a file of the kind image", id="a video for an image"),
        pytest.param("video", MP4, None, None, id="video"),
        pytest.param("video", JPEG, None, "url must have a file of the kind video", id="an image for a video"),
        pytest.param("audio", b"OggS\x00private", None, None, id="audio"),
        pytest.param("voice", b"#!AMRprivate", None, None, id="voice"),
        pytest.param("audio", PAGE, None, "url must have a file of the kind audio", id="a page for audio"),
        pytest.param("file", b"%PDF-private", None, None, id="PDF"),
        pytest.param("file", DOCX, None, None, id="Office"),
        pytest.param("file", PAGE, None, "url must have a file of the kind file", id="a page for a document"),
    ],
)
def test_a_file_that_is_not_the_person_s(kind: Any, content: bytes, sha256: str | None, reason: str | None) -> None:
    source = {"url": "https://files.example/private"} | ({} if sha256 is None else {"sha256": sha256})
    made = client(Http(files=Answer(200, {}, content)), **STATIC)

    if reason is None:
        assert made.download(Attachment(kind, source)).content == content
        return
    with pytest.raises(Unreadable) as caught:
        made.download(Attachment(kind, source))
    assert (caught.value.reason, caught.value.retriable) == (reason, False)


UNREADABLE: dict[str, tuple[Attachment, Said | None, str, bool]] = {
    "an id alone": (attachment(id="1"), None, "Message Central has no call for files", False),
    "Meta's address": (
        attachment(url="https://x.example/private"),
        Answer(401, {}, b""),
        "url answers HTTP 401",
        True,
    ),
    "nothing there": (attachment(url="https://x.example/private"), Answer(200, {}, b""), "url is empty", True),
    "no address": (attachment(url="ftp://private"), None, "url is not an http or https address", False),
    "away": (
        attachment(url="https://x.example/private"),
        NotReached("ConnectTimeout"),
        "url cannot be fetched: ConnectTimeout",
        True,
    ),
}


@pytest.mark.parametrize(("given", "answer", "reason", "retriable"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_file_that_is_not_available(given: Attachment, answer: Said | None, reason: str, retriable: bool) -> None:
    with pytest.raises(Unreadable) as caught:
        client(Http(files=answer), **STATIC).download(given)

    assert (caught.value.reason, caught.value.retriable) == (reason, retriable)
    assert_public(caught.value)


def test_nothing_is_encrypted() -> None:
    element = {"type": "text"}

    assert client(Http(OK), **STATIC).open(element) == element


def test_a_proxys_401_brings_one_token_a_minute() -> None:
    notes = MemoryNotes()
    http = Http(
        Answer(401, {}, b""), tokens=[said(200, token_answer("private-1")), said(200, token_answer("private-2"))]
    )
    for number in range(5):
        assert outcomes(client(http, notes), broadcast(f"r{number}")) == [NotSent(f"HTTP 401 {PROXY}")]
    assert (len(http.asked), len(http.sent)) == (2, 6)


def test_a_login_that_a_proxy_refuses_is_not_tried_again_for_a_minute() -> None:
    notes, http = MemoryNotes(), Http(OK, tokens=[Answer(403, {}, b"<html>")])
    outcomes(client(http, notes), broadcast())
    assert outcomes(client(http, notes), broadcast()) == [NotSent("no token: refused less than a minute ago")]
    assert len(http.asked) == 1
    assert list(notes.seconds.values()) == [60]


def test_a_tokens_error_is_the_same_word_for_a_message() -> None:
    http = Http(said(401, {"status": 401, "message": "private"}))
    assert outcomes(client(http, token=samples.TOKEN), broadcast()) == [Rejected(1000, "Token refused", alarm=True)]
