import pytest

from tests.providers.message_central.samples import refused, said, sent
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.contract.outcomes import Accepted, NotSent, Outcome, Rejected, Throttled, Unknown
from whatsapp_bridge.providers.message_central import answers, codes

# Every code of the documentation's tables of errors: CleverTap's 10xx, and whether somebody has to see to the account.
ERRORS: dict[int, tuple[int, bool]] = {
    800: (1000, True),
    801: (1009, True),
    802: (1001, False),
    803: (1009, False),
    804: (1001, False),
    805: (1009, True),
    810: (1001, False),
    811: (1001, False),
    812: (1001, False),
    813: (1001, False),
    814: (1001, False),
    815: (1001, False),
    816: (1001, False),
    817: (1001, False),
    826: (1001, False),
    827: (1001, False),
    829: (1002, False),
    830: (1009, False),
}


@pytest.mark.parametrize(
    "body",
    [b"{}", b'{"status": 400, "error": "private"}', b'{"message": "private"}', b"[]", b"", b"<html>private"],
    ids=str,
)
def test_a_bad_request_without_a_code_is_not_made_again(body: bytes) -> None:
    outcome = answers.outcome(Answer(400, {}, body))
    assert outcome == Rejected(1001, "Refused without a code (HTTP 400)", unlisted=True)


@pytest.mark.parametrize("as_text", [False, True], ids=["number", "text"])
@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("code", ERRORS)
def test_error(code: int, status: int, as_text: bool) -> None:
    outcome = answers.outcome(said(status, refused(str(code) if as_text else code)))

    error, alarm = ERRORS[code]
    assert outcome == Rejected(error, codes.ERRORS[code].title, alarm=alarm)


def test_no_code_is_left_out() -> None:
    assert codes.ERRORS.keys() == ERRORS.keys()


OF_META: dict[str, tuple[str, Outcome]] = {
    "parameter": ("(#100) Param category must be one of {private}", Rejected(1001, "Invalid parameter")),
    "no such template": ("(#132001) private", Rejected(1001, "Template does not exist")),
    "too fast": ("(#130429) private", Throttled(None, Rejected(1004, "Rate limit hit"))),
    "please retry": ("(#131000) private", NotSent("Something went wrong", Rejected(1009, "Something went wrong"))),
    "payment": ("(#131042) x", Rejected(1009, "Business eligibility payment issue", alarm=True)),
    "unlisted": ("(#999999) private", Rejected(1009, "Unlisted error 999999", unlisted=True)),
    "no code in it": ("Unsupported get request.", Rejected(1009, "Unlisted error 800", unlisted=True)),
    "the documentation's words": ("Invalid Auth", Rejected(1000, "Invalid Auth", alarm=True)),
    "other words for them": ("JWT TOKEN private", Rejected(1000, "Invalid Auth", alarm=True)),
    "no words": (" ", Rejected(1000, "Invalid Auth", alarm=True)),
}


@pytest.mark.parametrize(("text", "expected"), OF_META.values(), ids=OF_META.keys())
def test_errors_of_meta_in_800(text: str, expected: Outcome) -> None:
    answer = said(200, refused(800, text))

    assert answers.outcome(answer) == expected
    assert answers.refuses_token(answer) is (expected == Rejected(1000, "Invalid Auth", alarm=True))


CHAT = sent("wamid.1")
ANSWERS: dict[str, tuple[Answer, Outcome]] = {
    "broadcast": (said(200, sent()), Accepted(None)),
    "broadcast, code as text": (said(200, sent(code="200")), Accepted(None)),
    "broadcast, under another HTTP status": (said(201, sent()), Accepted(None)),
    "the body decides": (said(500, sent()), Accepted(None)),
    "chat": (said(200, CHAT), Accepted("wamid.1")),
    "chat, code as text": (said(200, sent("wamid.1", "200")), Accepted("wamid.1")),
    "chat, an error inside": (
        said(200, CHAT | {"data": {"responseCode": "829", "errorMessage": "private"}}),
        Rejected(1002, "mobileNumber is required"),
    ),
    "chat, no code inside": (said(200, CHAT | {"data": {"transactionId": "wamid.2"}}), Accepted("wamid.2")),
    "chat without an id": (said(200, CHAT | {"data": {"transactionId": None}}), Accepted(None)),
    "unlisted": (said(200, refused(899)), Unknown("unlisted responseCode 899")),
    "accepted, by another code": (said(202, refused(202)), Unknown("unlisted responseCode 202")),
    "HTTP's 400 in the body": (said(400, refused(400)), Unknown("unlisted responseCode 400")),
    "HTTP's 401 in the body": (
        said(200, refused(401)),
        Rejected(1000, "Credentials refused (HTTP 401)", alarm=True),
    ),
    "HTTP's 429 in the body": (said(200, refused(429), retry_after="3"), Throttled(3.0)),
    "HTTP's 500 in the body": (said(200, refused("500")), Unknown("unlisted responseCode 500")),
    "another framework's error": (
        said(404, {"timestamp": "x", "status": 404, "error": "Not Found"}),
        NotSent("HTTP 404 without Message Central's answer"),
    ),
    "code a word": (said(200, refused("private")), Unknown("HTTP 200 without Message Central's answer")),
    "address too long": (Answer(414, {}, b""), Rejected(1001, "Message is too large (HTTP 414)")),
    "headers too long": (Answer(431, {}, b"<html>"), Rejected(1001, "Message is too large (HTTP 431)")),
    "body too long": (Answer(413, {}, b""), Rejected(1001, "Message is too large (HTTP 413)")),
    "408": (Answer(408, {}, b""), Unknown("HTTP 408 without Message Central's answer")),
    "409": (Answer(409, {}, b"<html>"), Unknown("HTTP 409 without Message Central's answer")),
    "gateway's 503": (Answer(503, {}, b"<html>"), Throttled(None, overload=True)),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_answer(answer: Answer, expected: Outcome) -> None:
    assert answers.outcome(answer) == expected
