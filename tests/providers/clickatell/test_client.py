import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.clickatell import samples
from tests.providers.clickatell.samples import Json, failure, refused, results, taken
from tests.providers.conformance import OTHER_PERSON, PERSON, PROPERTY, SECRET, assert_public
from tests.support.services import services
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.clickatell.client import Client
from whatsapp_bridge.providers.contract.outcomes import (
    Accepted,
    NotSent,
    Outcome,
    Outgoing,
    Rejected,
    Throttled,
    Unknown,
)


class Http(HttpClient):
    """Answers in turn; the last answer serves for all that follow."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.requests: list[tuple[str, Json, Any]] = []

    def post_json(self, url: str, payload: Any, headers: Any = None) -> Answer:
        self.requests.append((url, payload, headers))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        answer = answer(payload) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer


def said(status: int, body: Json, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode())


def client(http: HttpClient) -> Client:
    return Client(parse_account("acme", samples.secret("https://bsp.example/base/")), services(http))


def outgoing(reference: str, to: str = PERSON) -> Outgoing:
    return Outgoing(reference, {"channel": "whatsapp", "to": to, "clientMessageId": reference, "content": "k"})


RATE_LIMIT = Rejected(1004, "Rate limit")
TWO = [outgoing("r1"), outgoing("r2", OTHER_PERSON)]
SAME_PERSON = [outgoing("r1"), outgoing("r2")]
LOST = Unknown("not in the answer")


def test_request() -> None:
    http = Http(said(202, results(taken("r1"), taken("r2"))))

    client(http).send(TWO)

    assert http.requests == [
        (
            "https://bsp.example/base/v1/message",
            {"messages": [message.request for message in TWO]},
            {"authorization": SECRET, "accept": "application/json"},
        )
    ]


# --- answers per message ---------------------------------------------------------------------------------------------

NAMELESS = taken(None, bsp_id="b1")
MATCHED: dict[str, tuple[list[Outgoing], Answer, list[Outcome]]] = {
    "202": (TWO, said(202, results(taken("r1"), taken("r2"))), [Accepted("bsp-r1"), Accepted("bsp-r2")]),
    "200": (TWO, said(200, results(taken("r1"), taken("r2"))), [Accepted("bsp-r1"), Accepted("bsp-r2")]),
    "in another order": (TWO, said(202, results(taken("r2"), taken("r1"))), [Accepted("bsp-r1"), Accepted("bsp-r2")]),
    "207": (
        TWO,
        said(207, results(refused("r2", 27, to=OTHER_PERSON), taken("r1"))),
        [Accepted("bsp-r1"), Rejected(1005, "Recipient not available on channel")],
    ),
    "400, all refused": (
        TWO,
        said(400, results(refused("r1", 26), refused("r2", 23, "Invalid or missing parameter: to ."))),
        [Rejected(1006, "Recipient opted out"), Rejected(1002, "Invalid or missing parameter: to")],
    ),
    "rate limit for one": (
        TWO,
        said(207, results(refused("r1", 43), taken("r2"))),
        [Throttled(None, RATE_LIMIT), Accepted("bsp-r2")],
    ),
    "rate limit with a time": (
        TWO,
        said(400, results(refused("r1", 43), refused("r2", 43)), retry_after="30"),
        [Throttled(30.0, RATE_LIMIT)] * 2,
    ),
    "internal errors": (
        TWO,
        said(500, results(refused("r1", 18), refused("r2", 19))),
        [NotSent("Internal error"), Throttled(None, overload=True)],
    ),
    "unlisted error": (
        TWO,
        said(207, results(refused("r1", 99), taken("r2"))),
        [Rejected(1009, "Unlisted error 99", unlisted=True), Accepted("bsp-r2")],
    ),
    "code as text": (TWO[:1], said(400, results(refused("r1", "25"))), [Rejected(1002, "Invalid recipient address")]),  # type: ignore[arg-type]
    "malformed for one": (
        TWO[:1],
        said(400, results(refused("r1", 21))),
        [Rejected(1001, "Payload data is malformed")],
    ),
    "refused without a reason": (
        TWO[:1],
        said(400, results({"accepted": False, "clientMessageId": "r1"})),
        [Rejected(1009, "Not accepted, without a reason")],
    ),
    "neither yes nor no": (TWO[:1], said(202, results({"clientMessageId": "r1"})), [Unknown("unreadable answer")]),
    "yes without saying so": (
        TWO[:1],
        said(202, results({"clientMessageId": "r1", "apiMessageId": "b1"})),
        [Accepted("b1")],
    ),
    "no id": (TWO[:1], said(202, results(taken("r1") | {"apiMessageId": "null"})), [Accepted(None)]),
    "one is missing": (TWO, said(202, results(taken("r2"))), [LOST, Accepted("bsp-r2")]),
    "one too many": (
        TWO,
        said(202, results(taken("r1"), taken("r3"), taken("r2"))),
        [Accepted("bsp-r1"), Accepted("bsp-r2")],
    ),
    "broken results": (
        TWO,
        said(202, {"messages": [None, "x", 5, [], taken("r2")]}),
        [LOST, Accepted("bsp-r2")],
    ),
    "a yes outweighs a no": (
        TWO[:1],
        said(207, results(refused("r1", 19), taken("r1"), refused("r1", 19))),
        [Accepted("bsp-r1")],
    ),
    "nameless, by recipient": (
        TWO,
        said(202, results(taken(None, OTHER_PERSON, "b2"), NAMELESS)),
        [Accepted("b1"), Accepted("b2")],
    ),
    "nameless, with a plus sign": (
        TWO,
        said(202, results(taken("r2"), taken(None, f"+{PERSON}", "b1"))),
        [Accepted("b1"), Accepted("bsp-r2")],
    ),
    "nameless, one of them": (TWO, said(202, results(NAMELESS, taken("r2"))), [Accepted("b1"), Accepted("bsp-r2")]),
    "nameless, name null": (
        TWO,
        said(202, results(NAMELESS | {"clientMessageId": None}, taken("r2") | {"clientMessageId": "r2"})),
        [Accepted("b1"), Accepted("bsp-r2")],
    ),
    "nameless, name no text": (
        TWO,
        said(202, results(NAMELESS | {"clientMessageId": ["r1"]}, taken("r2"))),
        [Accepted("b1"), Accepted("bsp-r2")],
    ),
    "name a number": (
        [outgoing("7"), TWO[1]],
        said(202, results(taken("r2"), taken("7") | {"clientMessageId": 7})),
        [Accepted("bsp-7"), Accepted("bsp-r2")],
    ),
    "nameless, one person twice": (
        SAME_PERSON,
        said(202, results(NAMELESS, NAMELESS | {"apiMessageId": "b2"})),
        [Accepted(None), Accepted(None)],
    ),
    "nameless, one person twice, one refused": (
        SAME_PERSON,
        said(207, results(NAMELESS, refused(None, 27))),
        [LOST, LOST],
    ),
    "nameless, one person twice, neither yes nor no": (
        SAME_PERSON,
        said(202, results(NAMELESS, {"to": PERSON, "apiMessageId": "b2"})),
        [LOST, LOST],
    ),
    "nameless, one person twice, one named": (
        SAME_PERSON,
        said(202, results(taken("r2"), NAMELESS)),
        [Accepted("b1"), Accepted("bsp-r2")],
    ),
    "nameless, two for one message": (
        TWO,
        said(202, results(NAMELESS, NAMELESS, taken("r2"))),
        [LOST, Accepted("bsp-r2")],
    ),
    "nameless, nobody's": (
        TWO,
        said(202, results(taken(None, "999", "b1"), taken("r2"))),
        [Accepted(None), Accepted("bsp-r2")],
    ),
    "alone, another name": (TWO[:1], said(202, results(taken("cut", "999", "b1"))), [Accepted("b1")]),
}


@pytest.mark.parametrize(("batch", "answer", "expected"), MATCHED.values(), ids=MATCHED.keys())
def test_answers_per_message(batch: list[Outgoing], answer: Answer, expected: list[Outcome]) -> None:
    http = Http(answer)

    outcomes = client(http).send(batch)

    assert outcomes == expected
    assert_public(outcomes)
    assert len(http.requests) == 1


# --- answers to the request as a whole -------------------------------------------------------------------------------

WHOLE: dict[str, tuple[Any, Outcome]] = {
    "1": (said(401, failure(1)), Rejected(1000, "Invalid or missing integration API Key", alarm=True)),
    "2": (said(400, failure(2)), Rejected(1000, "Account is not active", alarm=True)),
    "7 with empty messages": (
        said(401, {"messages": [], **failure(7)}),
        Rejected(1000, "Originating IP address is not approved in your account", alarm=True),
    ),
    "20": (said(402, failure(20)), Rejected(1009, "Insufficient account balance", alarm=True)),
    "402 alone": (said(402, {}), NotSent("HTTP 402 without One API's answer")),
    "43": (said(400, failure(43)), Throttled(None, RATE_LIMIT)),
    "43 with a time": (said(400, failure(43), retry_after="5"), Throttled(5.0, RATE_LIMIT)),
    "429 with another error": (said(429, failure(99), retry_after="5"), Throttled(5.0)),
    "19": (said(503, failure(19)), Throttled(None, overload=True)),
    "18": (said(500, failure(18)), Unknown("HTTP 500 without an answer per message")),
    **{
        f"{code}, about the account": (said(400, failure(code)), Rejected(1009, title, alarm=True))
        for code, title in {
            38: "Channel/feature is not active on integration",
            39: "Channel is not available on integration",
            44: "FROM number is suspended",
            45: "FROM number is not related to integration",
            46: "Demo access has expired",
        }.items()
    },
    "41": (said(400, failure(41)), Rejected(1009, "Resource does not exist")),
    "unlisted": (said(400, failure(99)), Rejected(1009, "Unlisted error 99", unlisted=True)),
    "unlisted with 401": (said(401, failure(99)), Rejected(1000, "Credentials refused (HTTP 401)", alarm=True)),
    "unlisted with 500": (said(500, failure(99)), Unknown("HTTP 500 without an answer per message")),
    "redirected, with an error": (said(302, failure(99)), NotSent("HTTP 302 without One API's answer")),
    "unlisted with 202": (said(202, failure(99)), Unknown("HTTP 202 without an answer per message")),
    "20 with 202": (
        said(202, {"messages": [], **failure(20)}),
        Rejected(1009, "Insufficient account balance", alarm=True),
    ),
    "messages null": (said(202, {"messages": None, "error": None}), Unknown("HTTP 202 without One API's answer")),
    "messages no list": (said(202, {"messages": {}}), Unknown("HTTP 202 without One API's answer")),
    "error without code": (said(400, {"error": {}}), NotSent("HTTP 400 without One API's answer")),
    "error a text": (said(400, {"error": "private"}), NotSent("HTTP 400 without One API's answer")),
    "404 of a gateway": (Answer(404, {}, b"<html>"), NotSent("HTTP 404 without One API's answer")),
    "not reached": (NotReached("ConnectionError"), NotSent("not reached: ConnectionError", unreached=True)),
    "answer lost": (AnswerLost("ReadTimeout"), Unknown("answer lost: ReadTimeout")),
}


@pytest.mark.parametrize(("answer", "expected"), WHOLE.values(), ids=WHOLE.keys())
def test_answers_to_the_request(answer: Any, expected: Outcome) -> None:
    http = Http(answer)

    assert client(http).send(TWO) == [expected, expected]
    assert len(http.requests) == 1


_MEMBERS = st.sampled_from(["clientMessageId", "accepted", "error", "apiMessageId", "to", "code"])
_VALUES = st.sampled_from(["r1", "r2", PERSON, True, False, None, 21, 43, "null", 1e999]) | st.floats() | st.text()
_RESULTS = st.recursive(
    _VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_MEMBERS, inner, max_size=5), max_leaves=12
)


@PROPERTY
@given(status=st.sampled_from([200, 202, 207, 302, 400, 401, 429, 500, 503]), messages=_RESULTS, error=_RESULTS)
def test_any_answer_gives_each_message_an_outcome(status: int, messages: Any, error: Any) -> None:
    outcomes = client(Http(said(status, {"messages": messages, "error": error}))).send(TWO)

    assert [type(outcome) in (Accepted, Rejected, Throttled, NotSent, Unknown) for outcome in outcomes] == [True, True]


# --- a request refused as malformed ----------------------------------------------------------------------------------


def malformed(*references: str, code: int = 21) -> Any:
    """One API with messages that it cannot read: it refuses every request that holds one of them."""

    def answer(payload: Json) -> Answer:
        given = [message["clientMessageId"] for message in payload["messages"]]
        if set(given) & set(references):
            return said(400, failure(code))
        return said(202, results(*(taken(reference) for reference in given)))

    return answer


BATCH = [outgoing(f"r{place}") for place in range(100)]
BAD = Rejected(1001, "Payload data is malformed")


@pytest.mark.parametrize("bad", ["r0", "r42", "r99"])
def test_one_malformed_message_takes_no_other_down(bad: str) -> None:
    http = Http(malformed(bad))

    outcomes = client(http).send(BATCH)

    expected = [BAD if message.reference == bad else Accepted(f"bsp-{message.reference}") for message in BATCH]
    assert outcomes == expected
    assert len(http.requests) <= 15


def test_each_message_is_in_one_successful_request_only() -> None:
    http = Http(malformed("r7", "r70"))

    client(http).send(BATCH)

    refused_for = {"r7", "r70"}
    successful = [
        reference
        for _, payload, _ in http.requests
        if not refused_for & {message["clientMessageId"] for message in payload["messages"]}
        for reference in (message["clientMessageId"] for message in payload["messages"])
    ]
    assert sorted(successful) == sorted({message.reference for message in BATCH} - refused_for)


def of_template(reference: str, *values: str) -> Outgoing:
    parameters = {str(place): value for place, value in enumerate(values, 1)}
    template = {"templateName": "private", "body": {"parameters": parameters}}
    return Outgoing(
        reference, {"channel": "whatsapp", "to": PERSON, "clientMessageId": reference, "template": template}
    )


def test_a_template_that_is_refused_is_known_after_a_few_requests() -> None:
    batch = [of_template(f"r{place}", f"private {place}") for place in range(100)]
    http = Http(malformed(*(message.reference for message in batch)))

    assert client(http).send(batch) == [BAD] * 100
    assert len(http.requests) <= 20


def test_values_in_other_places_are_no_fault_of_the_template() -> None:
    """As one with a value too few: those with all of them are another kind."""
    short = [of_template(f"s{place}", "private") for place in range(50)]
    batch = [
        message
        for pair in zip(short, (of_template(f"r{n}", "a", "b") for n in range(50)), strict=True)
        for message in pair
    ]
    http = Http(malformed(*(message.reference for message in short)))

    outcomes = client(http).send(batch)

    expected = [BAD if message in short else Accepted(f"bsp-{message.reference}") for message in batch]
    assert outcomes == expected
    assert len(http.requests) <= 19


def test_messages_without_a_template_have_nothing_in_common() -> None:
    http = Http(malformed(*(message.reference for message in BATCH[:-1])))

    assert client(http).send(BATCH) == [*[BAD] * 99, Accepted("bsp-r99")]


NOT_LISTED: dict[str, tuple[int, Json, int]] = {
    # status, body, requests
    "accepted, it may be": (202, results(refused("r1", 21)), 1),
    "accepted, it may be, of several": (207, results(refused("r1", 21), refused("r1", 21)), 1),
    "the server has failed meanwhile": (500, results(refused("r1", 21)), 1),
    "refused, as everything under 400 is": (400, results(refused("r1", 21)), 3),
    "listed without its name": (202, results(refused("r1", 21), refused(None, 21, to=OTHER_PERSON)), 3),
}


@pytest.mark.parametrize(("status", "body", "requests"), NOT_LISTED.values(), ids=NOT_LISTED.keys())
def test_a_message_that_may_be_accepted_is_not_posted_again_for_the_refusal_of_another(
    status: int, body: Json, requests: int
) -> None:
    http = Http(said(status, body), said(400, failure(21)))

    outcomes = client(http).send(TWO)

    assert len(http.requests) == requests
    assert outcomes == ([BAD, LOST] if requests == 1 else [BAD, BAD])


def test_one_message_alone_is_rejected() -> None:
    assert client(Http(malformed("r1"))).send(TWO[:1]) == [BAD]


def test_too_many_messages_go_in_parts() -> None:
    def at_most_fifty(payload: Json) -> Answer:
        given = [message["clientMessageId"] for message in payload["messages"]]
        return said(400, failure(22)) if len(given) > 50 else said(202, results(*(taken(name) for name in given)))

    assert client(Http(at_most_fifty)).send(BATCH) == [Accepted(f"bsp-{message.reference}") for message in BATCH]


def test_lost_answer_of_a_part_is_unknown() -> None:
    http = Http(said(400, failure(21)), AnswerLost("ReadTimeout"), said(202, results(taken("r2"))))

    assert client(http).send(TWO) == [Unknown("answer lost: ReadTimeout"), Accepted("bsp-r2")]
