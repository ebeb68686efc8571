"""What every adapter with a list of templates has to do, on its sandbox: walk to the end, never take a fault for an
end, and tell of each template what the import and the checks need."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.sandbox.bsp import BspSandbox
from local.sandbox.bsps import SANDBOXES
from local.simulation import internet
from tests.conftest import Log
from tests.providers.conformance import PRIVATE
from tests.providers.gupshup import samples as gupshup
from tests.providers.meta import samples as meta
from tests.templates.samples import entry
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached, TooLarge
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.templates import ListedPage, NotListed, Templates
from whatsapp_bridge.templates.news import News

type Json = dict[str, Any]

BSP = "https://bsp.example"
NOW = 1_760_000_000
NUMBER = 23
"""Of templates, besides one in another language."""


def of_meta(sandbox: Any) -> None:
    waba_id = meta.secret()["provider"]["waba_id"]
    entries = [entry(name=f"Offer_{place}", id=str(100 + place)) for place in range(NUMBER)]
    sandbox.templates[waba_id].entries = [*entries, entry(name="Offer_7", id="999", language="de")]


def of_gupshup(sandbox: Any) -> None:
    def flat(name: str, template_id: int, language: str = "en") -> Json:
        made = {"id": template_id, "name": name, "language": language, "category": "UTILITY", "status": "ENABLED"}
        return made | {"type": "TEXT", "body": "Hello {{1}}", "button_type": "NONE"}

    entries = [flat(f"Offer_{place}", 100 + place) for place in range(NUMBER)]
    sandbox.templates["acme"].entries = [*entries, flat("Offer_7", 999, "de")]


CASES: dict[str, tuple[Json, Callable[[Any], None]]] = {
    "meta": (meta.secret(base_url=BSP), of_meta),
    "gupshup": (gupshup.secret(templates_url=BSP), of_gupshup),
}


class Http(HttpClient):
    """Requests go to a sandbox. `fault` is what comes of the next ones in place of its answer."""

    def __init__(self, sandbox: BspSandbox) -> None:
        super().__init__()
        self._sandbox = sandbox
        self.fault: Answer | Exception | None = None

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, *, max_bytes: int = 0) -> Answer:
        if isinstance(self.fault, Exception):
            raise self.fault
        given = internet.ask(self._sandbox, method, url.removeprefix(BSP), headers, body or b"")
        return self.fault or Answer(given.status, given.headers, given.body)


@contextmanager
def listing(provider: str) -> Iterator[tuple[Templates, Http]]:
    secret, fill = CASES[provider]
    sandbox = SANDBOXES[provider](lambda region: None)
    try:
        sandbox.add_account("acme", secret, "https://bridge.example")
        fill(sandbox)
        http = Http(sandbox)
        yield registry.templates(provider)(parse_account("acme", secret), http, lambda: NOW), http
    finally:
        sandbox._server.stop()


def walked(templates: Templates, limit: int) -> list[News]:
    news: list[News] = []
    after = None
    for _ in range(2 * NUMBER):
        page = templates.page(after, limit)
        assert isinstance(page, ListedPage)
        assert page.unread == 0
        news += page.news
        after = page.after
        if after is None:
            return news
    raise AssertionError("the list has no end")


def test_every_adapter_with_a_list_is_here() -> None:
    assert set(CASES) == registry.WITH_TEMPLATES


@pytest.mark.parametrize("limit", [5, 7, NUMBER + 1, 100])
@pytest.mark.parametrize("provider", CASES)
def test_a_walk_has_each_template_once(provider: str, limit: int) -> None:
    with listing(provider) as (templates, _):
        news = walked(templates, limit)
    expected = {(f"Offer_{place}", "en") for place in range(NUMBER)} | {("Offer_7", "de")}
    assert len(news) == len(expected)
    assert {(each.name, each.language) for each in news} == expected


@pytest.mark.parametrize("provider", CASES)
def test_what_is_told_of_a_template(provider: str) -> None:
    with listing(provider) as (templates, _):
        news = walked(templates, 100)
    for each in news:
        assert (each.at, each.is_listing, each.says["status"]) == (NOW, True, "APPROVED")
        assert {"status", "category", "content"} <= set(each.says)
        assert each.id
        assert (each.bsp_name, each.bsp_language) == (each.name, each.language)


@pytest.mark.parametrize("provider", CASES)
def test_one_by_its_id(provider: str) -> None:
    with listing(provider) as (templates, _):
        found, missing = templates.fetch("107"), templates.fetch("555")
    assert isinstance(found, News)
    assert (found.name, found.language) == ("Offer_7", "en")
    assert isinstance(missing, NotListed)
    assert missing.why == "missing"


@pytest.mark.parametrize(
    ("name", "languages"),
    [pytest.param("Offer_7", ["de", "en"], id="all languages"), pytest.param("Offer_", [], id="a part of names")],
)
@pytest.mark.parametrize("provider", CASES)
def test_those_of_a_name(provider: str, name: str, languages: list[str]) -> None:
    with listing(provider) as (templates, _):
        found = templates.find(name)
    assert not isinstance(found, NotListed)
    assert sorted(news.language for news in found) == languages


@pytest.mark.parametrize("provider", CASES)
def test_whose_templates_they_are(provider: str) -> None:
    with listing(provider) as (templates, _):
        assert templates.scope == "account:acme" or templates.scope.startswith("waba:")


PAGE = b"<html><body>private words</body></html>"


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        pytest.param(NotReached("ConnectTimeout"), "later", id="not reached"),
        pytest.param(AnswerLost("ReadTimeout"), "later", id="answer lost"),
        pytest.param(TooLarge("answer too large"), "smaller", id="too large"),
        pytest.param(Answer(502, {}, PAGE), "later", id="a page under 502"),
        pytest.param(Answer(429, {}, b""), "later", id="too many requests"),
        pytest.param(Answer(200, {}, PAGE), "unknown", id="a page under 200"),
        pytest.param(Answer(200, {}, b"{}"), "unknown", id="an empty object"),
        pytest.param(Answer(200, {}, b'{"data": null}'), "unknown", id="null in place of the list"),
        pytest.param(Answer(404, {}, b""), "unknown", id="nothing there"),
    ],
)
@pytest.mark.parametrize("provider", CASES)
def test_a_fault_is_never_an_end(provider: str, fault: Any, why: str, log: Log) -> None:
    with listing(provider) as (templates, http):
        http.fault = fault
        for answer in (templates.page(None, 10), templates.fetch("107"), templates.find("Offer_7")):
            assert isinstance(answer, NotListed)
            assert answer.why == why
            assert not [private for private in PRIVATE if private in answer.reason + log.text]
