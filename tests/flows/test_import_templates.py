"""CleverTap's import: a page of the account's templates, which is never short by mistake."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from local.sandbox.meta_templates import PAGE_UNDER_502, TemplateAnswer
from tests.conftest import Log
from tests.support.waba import SCOPE, Waba, secret
from tests.support.world import BASIC, world
from tests.templates.samples import entry, media
from whatsapp_bridge.clevertap.answers import Answer
from whatsapp_bridge.flows.import_templates import REFRESH_SECONDS
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.store.templates import Known, Registry, Syncs
from whatsapp_bridge.templates.news import News

type Json = dict[str, Any]

ADDRESS = "https://bridge.example/acme/templates"
LATER = TemplateAnswer(400, b'{"error":{"code":80008}}')
FORBIDDEN = TemplateAnswer(403, b'{"error":{"code":10}}')
IMAGE = "https://media.example/sample.jpg"


@pytest.fixture
def waba() -> Iterator[Waba]:
    with world(acme=secret()) as made:
        yield Waba(made)


def ask(waba: Waba, headers: dict[str, str] | None = None, account: str = "acme", **query: str) -> Answer:
    with waba.world.invocation():
        return waba.world.import_templates(account, BASIC if headers is None else headers, query, ADDRESS)


def shown(answer: Answer) -> Json:
    assert answer.status == 200
    read: Json = json.loads(answer.body)
    return read


def names(answer: Answer) -> list[str]:
    return [each["name"] for each in shown(answer)["data"]]


def walked(waba: Waba, **query: str) -> list[str]:
    """All names, by `next` from page to page."""
    found: list[str] = []
    while True:
        answer = ask(waba, **query)
        found += names(answer)
        following = shown(answer)["paging"].get("next")
        if following is None:
            return found
        assert following.startswith(f"{ADDRESS}?")
        query = {name: value for name, (value,) in parse_qs(urlsplit(following).query).items()}


# --- who may ask -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "account"),
    [
        pytest.param({}, "acme", id="no credentials"),
        pytest.param({"authorization": "Basic eDp5"}, "acme", id="wrong credentials"),
        pytest.param(BASIC, "nobody", id="unknown account"),
        pytest.param(BASIC, "../x", id="no account's name"),
    ],
)
def test_without_the_accounts_credentials(
    waba: Waba, counted: Callable[[], dict[str, int]], headers: dict[str, str], account: str
) -> None:
    answer = ask(waba, headers, account)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (401, 2000)
    assert waba.asked == []
    assert counted() == {"InvalidCredentials": 1}


# --- never short by mistake ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer", [LATER, FORBIDDEN, PAGE_UNDER_502], ids=["too many calls", "no permission", "an HTML page"]
)
def test_no_list_without_a_complete_sync(
    waba: Waba, counted: Callable[[], dict[str, int]], answer: TemplateAnswer
) -> None:
    waba.has_many(150)
    waba.listed.next_answers = [None, answer]
    assert ask(waba).status == 503
    assert counted() == {"TemplateListsMissing": 1}


def test_an_empty_list_where_a_complete_sync_found_none(waba: Waba) -> None:
    assert shown(ask(waba)) == {"data": [], "paging": {"cursors": {}}}


@pytest.mark.parametrize("status", ["PAUSED", "PENDING", "REJECTED", "DISABLED", "TOOCRAZY"])
def test_no_empty_list_while_there_are_templates(waba: Waba, log: Log, status: str) -> None:
    waba.has_many(2, status=status)
    assert ask(waba).status == 503
    assert "none of 2 templates can be imported" in log.text


def test_an_empty_list_where_all_are_deleted(waba: Waba) -> None:
    waba.has_many(2)
    ask(waba)
    waba.has()
    waba.world.now += 61
    assert names(ask(waba)) == []


@pytest.mark.parametrize("operation", ["BatchGetItem", "UpdateItem"])
def test_while_the_table_is_throttled(waba: Waba, operation: str) -> None:
    waba.has_many(3)
    waba.sync()
    waba.world.now += 61
    waba.world.fail = lambda name, parameters: RuntimeError() if name == operation else None
    answer = ask(waba)
    # What is known is enough, if it can be read.
    assert answer.status == (500 if operation == "BatchGetItem" else 200)


# --- up to date ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "query", "is_asked"),
    [
        pytest.param(60, {}, False, id="a minute old"),
        pytest.param(61, {}, True, id="older"),
        pytest.param(61, {"after": " "}, True, id="an empty cursor"),
    ],
)
def test_a_first_page_is_brought_up_to_date(waba: Waba, seconds: int, query: dict[str, str], is_asked: bool) -> None:
    waba.has_many(2)
    waba.sync()
    waba.listed.entries.append(entry(name="new", id="9"))
    waba.world.now += seconds
    assert ("new" in names(ask(waba, **query))) is is_asked
    assert waba.asked == ([""] if is_asked else [])


def test_other_pages_are_not(waba: Waba) -> None:
    waba.has_many(3)
    after = shown(ask(waba, limit="1"))["paging"]["cursors"]["after"]
    waba.world.now += 3_600
    waba.asked.clear()
    assert names(ask(waba, limit="1", after=after)) == ["t0001"]
    assert waba.asked == []


@pytest.mark.parametrize(
    "answer", [LATER, FORBIDDEN, PAGE_UNDER_502], ids=["too many calls", "no permission", "an HTML page"]
)
def test_a_list_that_breaks_off_shows_what_is_known(waba: Waba, answer: TemplateAnswer) -> None:
    waba.has_many(150)
    waba.sync()
    waba.has_many(120)
    waba.world.now += 61
    waba.listed.next_answers = [None, answer]
    assert len(walked(waba, limit="500")) == 150


def refused(waba: Waba) -> None:
    waba.listed.next_answers = [LATER]


def without_permission(waba: Waba) -> None:
    waba.listed.next_answers = [FORBIDDEN]


def lost(waba: Waba) -> None:
    waba.lost = lambda: True


def slow(waba: Waba) -> None:
    waba.takes = 6.0


def going_round(waba: Waba) -> None:
    waba.listed.next_answers = [None, waba.listed.page({"limit": "100"}, "x")]


def busy(waba: Waba) -> None:
    Syncs(waba.world.table).begin(SCOPE, "another")


def not_written(waba: Waba) -> None:
    waba.world.fail = lambda name, parameters: RuntimeError() if name == "UpdateItem" else None


UNREFRESHED = (refused, without_permission, lost, slow, going_round, busy, not_written)


@pytest.mark.parametrize("fault", UNREFRESHED, ids=[fault.__name__ for fault in UNREFRESHED])
def test_old_knowledge_takes_nothing_off_the_list(
    waba: Waba, log: Log, counted: Callable[[], dict[str, int]], fault: Callable[[Waba], None]
) -> None:
    waba.has_many(150)
    assert len(walked(waba)) == 150
    waba.heard("t0142", "PAUSED", at=waba.world.now + 1)
    # The pause has ended, and nobody tells.
    waba.world.now += 3 * 3_600
    fault(waba)
    assert ask(waba).status == 503
    assert counted()["TemplateListsMissing"] == 1
    assert "TemplatesLost" not in counted()
    assert "t0142 (en)" in log.text
    waba.lost, waba.takes, waba.world.fail = lambda: False, 0.0, lambda name, parameters: None
    waba.world.now += 300
    assert len(walked(waba)) == 150


def test_a_sync_that_goes_on_says_nothing_new_of_its_first_pages(waba: Waba) -> None:
    waba.has_many(150)
    assert len(walked(waba)) == 150
    waba.world.now += 3_600
    waba.listed.entries[2]["status"] = "PAUSED"
    waba.listed.next_answers = [None, LATER]
    waba.sync()
    waba.listed.entries[2]["status"] = "APPROVED"
    waba.world.now += 600
    assert ask(waba).status == 503
    assert len(walked(waba, limit="500")) == 150


def test_what_is_lost_is_not_known_to_be_if_the_last_import_cannot_be_read(waba: Waba) -> None:
    waba.has_many(3)
    ask(waba)
    waba.world.now += 3_600
    waba.world.fail = lambda name, parameters: RuntimeError() if name in ("UpdateItem", "GetItem") else None
    assert ask(waba).status == 503


def test_nobody_waits_for_a_slow_bsp(waba: Waba) -> None:
    waba.has_many(450)
    waba.sync()
    waba.world.now += 61
    waba.takes = 2.0
    began = waba.world.now
    assert len(names(ask(waba, limit="500"))) == 450
    assert waba.world.now - began <= REFRESH_SECONDS
    # The next one goes on.
    waba.asked.clear()
    ask(waba)
    assert len(waba.asked) == 2


# --- what is lost ----------------------------------------------------------------------------------------------------


def test_names_that_are_lost_are_told_once(waba: Waba, log: Log, counted: Callable[[], dict[str, int]]) -> None:
    waba.has_many(3)
    ask(waba, limit="1")
    assert "TemplatesLost" not in counted()
    waba.heard("t0002", "PAUSED", at=waba.world.now + 1)
    ask(waba)
    assert counted()["TemplatesLost"] == 1
    (lost,) = [entry["lost"] for entry in log.entries if "lost" in entry]
    assert lost == ["t0002 (en)"]
    ask(waba)
    assert counted()["TemplatesLost"] == 1
    assert counted()["TemplateImports"] == 3


def test_one_without_a_sample_is_left_out_and_named(waba: Waba, log: Log) -> None:
    waba.has(entry(), entry(media("IMAGE", None), *entry()["components"], name="pictured", id="2"))
    assert names(ask(waba)) == ["order_ready"]
    assert "pictured (en): the BSP has told no sample of its image" in log.text


def test_the_accounts_sample_is_shown() -> None:
    with world(acme=secret({"media_samples": {"image": IMAGE}})) as made:
        waba = Waba(made)
        waba.has(entry(media("IMAGE", None), *entry()["components"]))
        (only,) = shown(ask(waba))["data"]
    assert only["components"][0]["example"] == {"header_handle": [IMAGE]}


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", [{"limit": "x"}, {"limit": "0"}, {"after": "x"}, {"after": "eyJ4Ijox"}])
def test_what_cannot_be_read_is_refused(waba: Waba, query: dict[str, str]) -> None:
    waba.has_many(1)
    answer = ask(waba, **query)
    assert (answer.status, json.loads(answer.body)["status"]) == (400, "failure")
    assert waba.asked == []


def test_two_thousand_are_walked_while_the_registry_changes(waba: Waba) -> None:
    waba.has_many(2_000)
    waba.sync()
    read, pages = Registry.all, 0

    def changed(registry: Registry, scope: str) -> Known:
        # Before each page others come and go, in front of what the walk has seen and behind it.
        nonlocal pages
        pages += 1
        for name in (f"a{pages}", f"z{pages}"):
            registry.take(scope, [listed(name, waba.world.now)])
        for name in (f"a{pages - 1}", f"z{pages - 1}"):
            waba.heard(name, "PAUSED", at=waba.world.now + 1)
        return read(registry, scope)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Registry, "all", changed)
        found = [name for name in walked(waba, limit="300") if name.startswith("t")]
    assert pages > 6
    assert found == [f"t{number:04}" for number in range(2_000)]


def listed(name: str, at: float) -> News:
    news = of_entry(entry(name=name, id=name), int(at), "a listing")
    assert news is not None
    return news


def test_a_bsp_without_a_list_has_what_a_file_has_told() -> None:
    with world() as made:
        with made.invocation():
            answer = made.import_templates("acme", BASIC, {}, ADDRESS)
        assert answer.status == 503
        registry = Registry(made.table)
        registry.take("account:acme", [listed("of_a_file", made.now)])
        registry.complete("account:acme", int(made.now), "a file")
        with made.invocation():
            assert names(made.import_templates("acme", BASIC, {}, ADDRESS)) == ["of_a_file"]


def test_nothing_private_is_logged(waba: Waba, log: Log) -> None:
    waba.has_many(2)
    ask(waba)
    assert "private" not in log.text
