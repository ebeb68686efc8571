"""Gupshup's list of templates and its reports about them, in Meta's form."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.providers.conformance import SECRET
from tests.providers.gupshup import samples
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached, TooLarge
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.templates import ListedPage, NotListed
from whatsapp_bridge.providers.gupshup.template_entries import events_in, of_flat_entry
from whatsapp_bridge.providers.registry import templates
from whatsapp_bridge.templates.template import Content

type Json = dict[str, Any]

LIST = "https://list.example"
ACCOUNT = parse_account("acme", samples.secret(templates_url=LIST))
NOW = 1_760_000_000.5


def flat(**changes: Any) -> Json:
    """An entry of the list; a member set to `...` is left out."""
    made = {
        "id": 5000001,
        "name": "order_ready",
        "category": "UTILITY",
        "language": "en",
        "type": "TEXT",
        "body": "Hi {{1}}, order {{2}} is ready.",
        "button_type": "NONE",
        "quality_score": "UNKNOWN",
        "status": "ENABLED",
        "creation_time": 1700000000000,
        "updation_time": 1700000100000,
    } | changes
    return {name: value for name, value in made.items() if value is not ...}


PHONE = {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+27999000001"}
BODY = {"type": "BODY", "text": "Hi {{1}}, order {{2}} is ready."}
CALLS = {"button_type": "CALL_TO_ACTION"}


def with_buttons(*buttons: Json) -> Json:
    return CALLS | {"buttons": list(buttons)}


CONTENTS: dict[str, tuple[Json, list[Json]]] = {
    "a body": ({}, [BODY]),
    "a text header": ({"header": "Order {{1}}"}, [{"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"}, BODY]),
    "an image": ({"type": "IMAGE"}, [{"type": "HEADER", "format": "IMAGE"}, BODY]),
    "a video": ({"type": "video"}, [{"type": "HEADER", "format": "VIDEO"}, BODY]),
    "a document": ({"type": "DOCUMENT"}, [{"type": "HEADER", "format": "DOCUMENT"}, BODY]),
    "a footer": ({"footer": "Reply STOP"}, [BODY, {"type": "FOOTER", "text": "Reply STOP"}]),
    "null for what it lacks": ({"header": None, "footer": "", "buttons": None}, [BODY]),
    "a static URL": (
        with_buttons({"type": "URL", "text": "Open", "url": "https://a.example/", "urlType": "STATIC"}),
        [BODY, {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Open", "url": "https://a.example/"}]}],
    ),
    "a dynamic URL without its variable": (
        with_buttons({"type": "URL", "text": "Open", "url": "https://a.example/", "urlType": "DYNAMIC"}),
        [BODY, {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Open", "url": "https://a.example/{{1}}"}]}],
    ),
    "a dynamic URL with it": (
        with_buttons({"type": "URL", "text": "Open", "url": "https://a.example/{{1}}", "urlType": "dynamic"}),
        [BODY, {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Open", "url": "https://a.example/{{1}}"}]}],
    ),
    "a phone number": (
        with_buttons({"type": "PHONE_NUMBER", "text": "Call", "phone_number": 27999000001}),
        [
            BODY,
            {"type": "BUTTONS", "buttons": [{"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+27999000001"}]},
        ],
    ),
    "a quick reply": (
        with_buttons({"type": "quick_reply", "text": "Yes"}),
        [BODY, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Yes"}]}],
    ),
}


@pytest.mark.parametrize(("changes", "components"), CONTENTS.values(), ids=CONTENTS.keys())
def test_content(changes: Json, components: list[Json]) -> None:
    news = of_flat_entry(flat(**changes), 1, "a list")
    assert news is not None
    # Nothing of the flat form is handed on.
    assert news.says["content"] == Content(components)


def test_buttons_that_did_not_come_leave_the_content_unknown() -> None:
    news = of_flat_entry(flat(**CALLS), 1, "a list")
    assert news is not None
    assert "content" not in news.says
    assert news.says["status"] == "APPROVED"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, {"status": "APPROVED", "quality": "UNKNOWN", "category": "UTILITY"}, id="enabled"),
        pytest.param({"status": "enabled"}, {"status": "APPROVED"}, id="in lower case"),
        pytest.param({"status": "REJECTED"}, {"status": "REJECTED"}, id="rejected"),
        pytest.param({"status": "DISABLED"}, {"status": "DISABLED"}, id="disabled"),
        pytest.param({"status": "NEW"}, {"status": "NEW"}, id="unknown"),
    ],
)
def test_says(changes: Json, expected: Json) -> None:
    news = of_flat_entry(flat(**changes), 1, "a list")
    assert news is not None
    assert news.says.items() >= expected.items()
    assert (news.id, news.is_listing) == ("5000001", True)


def test_previous_category() -> None:
    news = of_flat_entry(flat(previouscategory="MARKETING"), 1, "a list")
    assert news is not None
    assert news.says["content"] == Content([BODY], others={"previous_category": "MARKETING"})


@pytest.mark.parametrize("entry", [None, "x", {}, flat(name=""), flat(language=...)])
def test_no_entry(entry: Any) -> None:
    assert of_flat_entry(entry, 1, "a list") is None


class Http(HttpClient):
    """A list, or one answer."""

    def __init__(self, entries: list[Json], total: Any = None, answer: Answer | Exception | None = None) -> None:
        super().__init__()
        self._entries, self._total, self._answer = entries, len(entries) if total is None else total, answer
        self.asked: list[Json] = []
        self.filters = {"id"}
        """Those that are not passed over: no source says what becomes of one that the list does not know."""

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, *, max_bytes: int = 0) -> Answer:
        assert (method, url) == ("POST", f"{LIST}/GatewayAPI/rest")
        form = dict(parse_qsl(body.decode()))
        self.asked.append(form)
        assert (form["userid"], form["password"], form["method"]) == ("private-hsm", SECRET, "get_whatsapp_hsm")
        if isinstance(self._answer, Exception):
            raise self._answer
        if self._answer is not None:
            return self._answer
        offset, limit = int(form["offset"]), int(form["limit"])
        given = {name: form[name] for name in self.filters if name in form}
        found = [each for each in self._entries if given.items() <= {n: str(v) for n, v in each.items()}.items()]
        answer = {"data": found[offset : offset + limit], "meta": {"total": self._total}}
        return Answer(200, {}, json.dumps(answer).encode())


def made(http: Http) -> Any:
    return templates("gupshup")(ACCOUNT, http, lambda: NOW)


def test_pages() -> None:
    http = Http([flat(name=f"t{n}", id=n) for n in range(5)])
    names, after = [], None
    while True:
        page = made(http).page(after, 2)
        assert isinstance(page, ListedPage)
        names += [news.name for news in page.news]
        after = page.after
        if after is None:
            break
    assert names == ["t0", "t1", "t2", "t3", "t4"]
    assert [(form["offset"], form["limit"]) for form in http.asked] == [("0", "2"), ("2", "2"), ("4", "2")]
    assert json.loads(http.asked[0]["fields"]) == ["buttons", "previouscategory"]


def test_scope_is_the_account() -> None:
    assert made(Http([])).scope == "account:acme"


def test_empty_list() -> None:
    assert made(Http([])).page(None, 100) == ListedPage([], None)


@pytest.mark.parametrize("total", [9, "many", None])
def test_a_list_that_ends_before_its_total_is_not_complete(total: Any) -> None:
    http = Http([flat()], total=total if total is not None else {})
    page = made(http).page(None, 100)
    if isinstance(page, ListedPage):
        page = made(http).page(page.after, 100)
    assert isinstance(page, NotListed)
    assert page.why == "unknown"


def test_entries_that_cannot_be_read_count_for_the_total() -> None:
    assert made(Http([flat(), {}, flat(name="b")])).page(None, 100).unread == 1


def test_one() -> None:
    http = Http([flat(id=7), flat(id=8, name="other")])
    assert made(http).fetch("8").name == "other"
    assert made(http).fetch("9").why == "missing"


def test_by_name() -> None:
    http = Http([flat(), flat(language="de"), flat(name="order_ready_2")])
    assert [news.language for news in made(http).find("Order_Ready")] == ["en", "de"]
    assert http.asked[0]["name"] == "Order_Ready"


MANY = [flat(name=f"t{n:03}", id=n) for n in range(150)]


def test_by_name_where_the_list_takes_no_names() -> None:
    http = Http(MANY)
    found = made(http).find("t149")
    assert isinstance(found, NotListed)
    assert found.why == "unknown"


@pytest.mark.parametrize(("name", "number"), [("t149", 1), ("t150", 0)])
def test_by_name_where_the_total_is_of_all(name: str, number: int) -> None:
    http = Http(MANY)
    http.filters = {"name"}
    assert len(made(http).find(name)) == number


def test_one_where_the_list_takes_no_ids() -> None:
    http = Http(MANY)
    http.filters = set()
    found = made(http).fetch("149")
    assert isinstance(found, NotListed)
    assert found.why == "unknown"


def error(code: str) -> Answer:
    return Answer(200, {}, json.dumps({"status": "error", "id": code, "details": "private"}).encode())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(error("401"), "permission", id="unauthorised, under 200"),
        pytest.param(error("102"), "permission", id="authentication"),
        pytest.param(error("175"), "permission", id="the service is disabled"),
        pytest.param(error("100"), "unknown", id="an error of no cause"),
        pytest.param(Answer(200, {}, json.dumps(samples.refused("103")).encode()), "permission", id="as for messages"),
        pytest.param(Answer(200, {}, b"{}"), "unknown", id="no list"),
        pytest.param(Answer(200, {}, b"<html>"), "unknown", id="a page"),
        pytest.param(Answer(503, {}, b""), "later", id="503"),
        pytest.param(Answer(429, {}, b""), "later", id="429"),
        pytest.param(NotReached("ConnectTimeout"), "later", id="no connection"),
        pytest.param(AnswerLost("ReadTimeout"), "later", id="no answer"),
        pytest.param(TooLarge("answer too large"), "smaller", id="too large"),
    ],
)
def test_no_list(answer: Answer | Exception, why: str) -> None:
    found = made(Http([], answer=answer)).page(None, 100)
    assert isinstance(found, NotListed)
    assert found.why == why
    assert "private" not in found.reason


REPORT = {
    "event_id": 5250000000000000000,
    "field": "message_template_status_update",
    "event": "ENABLED",
    "message_template_name": "order_ready",
    "message_template_language": "en",
    "message_template_id": 7000001,
    "message_template_type": "TEXT",
    "account": 2000000001,
    "reason": "NONE",
    "time": 1_760_000_000,
}


@pytest.mark.parametrize("content", [[REPORT], REPORT, [{"eventType": "SENT"}, REPORT, None]])
def test_report(content: Any) -> None:
    (found,) = events_in(content)
    news = found.news
    assert (news.name, news.language, news.id, news.at, news.source) == (
        "order_ready",
        "en",
        "7000001",
        1_760_000_000,
        "Gupshup's report",
    )
    assert (dict(news.says), news.reason, found.event) == ({"status": "APPROVED"}, "", "APPROVED")


def test_report_of_a_rejection() -> None:
    (found,) = events_in([REPORT | {"event": "REJECTED", "reason": "SCAM"}])
    assert (dict(found.news.says), found.news.reason) == ({"status": "REJECTED"}, "SCAM")


@pytest.mark.parametrize("content", [None, {}, [], "x", [{"field": "other"}], {"response": []}])
def test_nothing_of_templates(content: Any) -> None:
    assert list(events_in(content)) == []
