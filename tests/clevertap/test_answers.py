"""Answers and codes are CleverTap's, to the letter."""

import json

import pytest

from whatsapp_bridge.clevertap import answers
from whatsapp_bridge.clevertap.codes import CALLBACK_ERRORS, REQUEST_ERRORS, CallbackError, RequestError


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (answers.SUCCESS, 200, {"status": "success"}),
        (
            answers.INVALID_CREDENTIALS,
            200,
            {"status": "failure", "error": {"code": 2000, "message": "Invalid credentials"}},
        ),
        (
            answers.failure(RequestError.INVALID_PHONE_NUMBER, 'to: must be "digits"'),
            200,
            {"status": "failure", "error": {"code": 2002, "message": 'to: must be "digits"'}},
        ),
        (answers.failure(2004, "é"), 200, {"status": "failure", "error": {"code": 2004, "message": "é"}}),
        (answers.BAD_REQUEST, 403, {"message": "Bad Request"}),
        (answers.TOO_MANY, 429, {"message": "Too many requests to process"}),
        (answers.SERVER_ERROR, 500, {"status": "failure", "error": {"message": "Unable to process the request"}}),
    ],
    ids=["success", "credentials", "failure", "not ASCII", "not JSON", "throttled", "own fault"],
)
def test_answers(answer: answers.Answer, status: int, body: object) -> None:
    assert (answer.status, json.loads(answer.body)) == (status, body)


def test_request_errors() -> None:
    assert {int(code): text for code, text in REQUEST_ERRORS.items()} == {
        2000: "Invalid credentials",
        2001: "Invalid template parameters",
        2002: "Invalid phone number",
        2003: "Phone number not subscribed",
        2004: "Other",
    }
    assert set(REQUEST_ERRORS) == set(RequestError)


def test_callback_errors() -> None:
    assert {int(code): text for code, text in CALLBACK_ERRORS.items()} == {
        1000: "Invalid credentials",
        1001: "Invalid template parameters",
        1002: "Invalid phone number",
        1003: "The phone number is no longer active",
        1004: "Too many send requests to phone numbers",
        1005: "The phone number is temporarily unavailable or not in the provider network",
        1006: "Phone number is blacklisted",
        1007: "User device can't receive the message",
        1008: "This message is sent outside of the WhatsApp chat window",
        1009: "Other",
        1010: "Blocked by Meta",
    }
    assert set(CALLBACK_ERRORS) == set(CallbackError)
