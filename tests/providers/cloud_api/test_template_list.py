"""Asking Meta for templates: what is asked, and what an answer means."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.sandbox.meta_templates import PAGE_UNDER_502, TemplateAnswer, TemplateList, error
from tests.providers.conformance import SECRET
from tests.providers.meta import samples
from tests.templates.samples import entry
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached, TooLarge
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.cloud_api.template_list import usage
from whatsapp_bridge.providers.cloud_api.templates import FIELDS
from whatsapp_bridge.providers.contract.templates import ListedPage, NotListed
from whatsapp_bridge.providers.registry import WITH_TEMPLATES, templates

ACCOUNT = parse_account("acme", samples.secret())
LIST = "https://bsp.example/v23.0/102200000000001/message_templates"
NOW = 1_760_000_000.9


def answered(answer: TemplateAnswer) -> Answer:
    return Answer(answer.status, dict(answer.headers), answer.body)


class Http(HttpClient):
    """Meta's list, or one answer."""

    def __init__(self, listed: TemplateList | None = None, answer: Answer | Exception | None = None) -> None:
        super().__init__()
        self._list, self._answer = listed or TemplateList(), answer
        self.asked: list[tuple[str, dict[str, str]]] = []

    def request(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None, *, max_bytes: int = 0
    ) -> Answer:
        assert method == "GET"
        assert headers == {"authorization": f"Bearer {SECRET}"}
        split = urlsplit(url)
        path, query = f"{split.scheme}://{split.netloc}{split.path}", dict(parse_qsl(split.query))
        self.asked.append((path, query))
        if isinstance(self._answer, Exception):
            raise self._answer
        if self._answer is not None:
            return self._answer
        if path == LIST:
            return answered(self._list.page(query, path))
        return answered(self._list.one(path.rpartition("/")[2], query))


def made(http: Http) -> Any:
    return templates("meta")(ACCOUNT, http, lambda: NOW)


def test_scope_is_the_whatsapp_account() -> None:
    assert made(Http()).scope == "waba:102200000000001"
    assert "meta" in WITH_TEMPLATES


def test_pages() -> None:
    http = Http(TemplateList([entry(name=f"t{n}", id=str(n), quality_score={"score": "RED"}) for n in range(3)]))
    first = made(http).page(None, 2)
    assert http.asked == [(LIST, {"fields": ",".join(FIELDS), "limit": "2"})]
    assert [(news.name, news.at, news.says["quality"]) for news in first.news] == [
        ("t0", 1_760_000_000, "RED"),
        ("t1", 1_760_000_000, "RED"),
    ]
    last = made(http).page(first.after, 2)
    assert http.asked[1][1]["after"] == first.after
    # It has a cursor all the same.
    assert ([news.name for news in last.news], last.after) == (["t2"], None)


def test_entry_that_cannot_be_read() -> None:
    page = made(Http(TemplateList([entry(), {"id": "2"}, entry(name="b", language=...)]))).page(None, 9)
    assert (len(page.news), page.unread) == (1, 2)


def test_one() -> None:
    http = Http(TemplateList([entry(id="7")]))
    assert made(http).fetch("7").name == "order_ready"
    assert http.asked == [("https://bsp.example/v23.0/7", {"fields": ",".join(FIELDS)})]
    assert made(http).fetch("8").why == "missing"


def test_by_name_which_meta_matches_in_parts() -> None:
    listed = [entry(name=f"order{n}", id=str(n)) for n in range(150)]
    listed += [entry(name="order", language=language, id=language) for language in ("en", "de")]
    found = made(Http(TemplateList(listed))).find("order")
    assert [(news.name, news.language) for news in found] == [("order", "en"), ("order", "de")]
    assert made(Http(TemplateList(listed))).find("orde") == []


def test_by_name_from_a_list_that_goes_round() -> None:
    round_ = {"data": [], "paging": {"cursors": {"after": "a"}, "next": "x"}}
    found = made(Http(answer=Answer(200, {}, json.dumps(round_).encode()))).find("order")
    assert found.why == "unknown"


def wire(code: int, **more: Any) -> bytes:
    return json.dumps(error(code, "private", **more)).encode()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(Answer(401, {}, wire(190)), "permission", id="token expired"),
        pytest.param(Answer(403, {}, wire(10)), "permission", id="no permission"),
        pytest.param(Answer(403, {}, wire(200)), "permission", id="no permission of a range"),
        pytest.param(Answer(400, {}, wire(100, error_subcode=33)), "permission", id="no such account"),
        pytest.param(Answer(400, {}, wire(100)), "permission", id="the id of something else"),
        pytest.param(Answer(400, {}, wire(80008)), "later", id="too many calls to the account"),
        pytest.param(Answer(400, {}, wire(80012)), "later", id="too many calls to a template"),
        pytest.param(Answer(400, {}, wire(80007)), "later", id="too many calls"),
        pytest.param(Answer(400, {}, wire(4)), "later", id="too many calls of the app"),
        pytest.param(Answer(500, {}, wire(2)), "later", id="an outage"),
        pytest.param(Answer(500, {}, wire(1)), "smaller", id="too much data"),
        pytest.param(Answer(400, {}, wire(9999, is_transient=True)), "later", id="an error that passes"),
        pytest.param(Answer(400, {}, wire(9999)), "unknown", id="an error of no table"),
        pytest.param(answered(PAGE_UNDER_502), "later", id="an HTML page under 502"),
        pytest.param(Answer(429, {}, b""), "later", id="429 without a word"),
        pytest.param(Answer(404, {}, b"<html>"), "unknown", id="another page"),
        pytest.param(Answer(200, {}, b"{}"), "unknown", id="200 without a list"),
        pytest.param(Answer(200, {}, b'{"data":{"0":{}}}'), "unknown", id="200 with an object for a list"),
        pytest.param(NotReached("ConnectTimeout"), "later", id="no connection"),
        pytest.param(AnswerLost("ReadTimeout"), "later", id="no answer"),
        pytest.param(TooLarge("answer too large"), "smaller", id="an answer that is too large"),
    ],
)
def test_no_list(answer: Answer | Exception, why: str) -> None:
    found = made(Http(answer=answer)).page(None, 100)
    assert isinstance(found, NotListed)
    assert found.why == why
    assert "private" not in found.reason


@pytest.mark.parametrize("template_id", ["me/businesses", "..", "1/../2", "1?fields=x", "1#x", "", "\u0661", "1\n"])
def test_an_id_that_is_none_of_metas_is_not_asked_for(template_id: str) -> None:
    """It may come from another BSP's callback, which nobody has signed, and must not choose a call of the Graph API."""
    http = Http(answer=Answer(200, {}, b"{}"))
    found = made(http).fetch(template_id)
    assert isinstance(found, NotListed)
    assert (found.why, http.asked) == ("missing", [])


def test_a_cursor_that_meta_no_longer_takes_is_not_a_missing_permission() -> None:
    assert made(Http(answer=Answer(400, {}, wire(100)))).page("old", 100).why == "unknown"
    assert made(Http(answer=Answer(400, {}, wire(100, error_subcode=33)))).page("old", 100).why == "permission"


def test_budget() -> None:
    listed = TemplateList([entry(id=str(n)) for n in range(9)], budget=10)
    pages = [made(Http(listed)).page(None, 1) for _ in range(10)]
    assert [page.is_last_call for page in pages] == [*[False] * 8, True, True]
    assert pages[-1] == ListedPage(pages[-1].news, pages[-1].after, 0, True, 720.0)
    over = made(Http(listed)).page(None, 1)
    assert (over.why, over.retry_after) == ("later", 720.0)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, (0, None)),
        ("", (0, None)),
        ("no JSON", (0, None)),
        ("[]", (0, None)),
        ('{"1": [{"call_count": 5, "total_time": 40}], "2": [{"call_count": 30}]}', (40, None)),
        ('{"1": {"call_count": "95", "estimated_time_to_regain_access": 2}}', (95, 120.0)),
        ('{"1": [null, {"call_count": null}]}', (0, None)),
    ],
)
def test_usage(header: str | None, expected: tuple[int, float | None]) -> None:
    headers = {} if header is None else {"x-business-use-case-usage": header}
    assert usage(Answer(200, headers, b"")) == expected
