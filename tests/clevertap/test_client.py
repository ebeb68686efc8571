"""Which answers of CleverTap's callback URLs say that it has the callback, and which that it may take it later."""

import pytest

from whatsapp_bridge.clevertap.client import RefusedCallback, Taken, TryLater, deliver
from whatsapp_bridge.net.http import Answer, HttpClient

PAGE = b"<html><body>We will be back soon.</body></html>"


class Answering(HttpClient):
    """Each request has the same answer."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def post_json(self, *_: object) -> Answer:
        return self.answer


def delivery(status: int, body: bytes = b"", **headers: str) -> object:
    return deliver(Answering(Answer(status, headers, body)), "https://clevertap.example", {})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"OK", id="a word"),
        pytest.param(b'{"status": "success"}', id="JSON"),
        pytest.param(b"\xff", id="not UTF-8"),
        pytest.param(b"<ok/>", id="another XML than a page"),
        pytest.param(b'"<html>"', id="a page in JSON"),
        pytest.param(b"<!--" * 100_000, id="comments without an end"),
    ],
)
def test_taken(body: bytes) -> None:
    assert delivery(200, body) == Taken()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(PAGE, id="a page"),
        pytest.param(b"\xef\xbb\xbf\r\n <!DOCTYPE html>\n" + PAGE, id="after a byte-order mark"),
        pytest.param(b"<!-- cached -->\n<!-- 2 -->" + PAGE, id="after comments"),
        pytest.param(b'<?xml version="1.0"?>\n<!doctype html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN">', id="XHTML"),
        pytest.param(b"<HTML lang=en>", id="capitals"),
    ],
)
def test_a_page_is_not_clevertaps_word(body: bytes) -> None:
    assert delivery(200, body) == TryLater("HTTP 200 with a page")


@pytest.mark.parametrize("status", [401, 403, 408, 500, 502, 503, 504, 520])
def test_tried_later(status: int) -> None:
    assert delivery(status, PAGE, **{"retry-after": "120"}) == TryLater(f"HTTP {status}", 120.0)


def test_too_many_requests_are_no_outage() -> None:
    assert delivery(429) == TryLater("HTTP 429", strike=False)


@pytest.mark.parametrize("status", [301, 400, 404, 405, 410, 413, 422])
def test_refused(status: int) -> None:
    assert delivery(status, PAGE) == RefusedCallback(status)
