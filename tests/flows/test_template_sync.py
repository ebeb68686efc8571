"""Bringing the registry up to date with Meta's list: to its end, whatever happens on the way."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from local.sandbox.meta_templates import PAGE_UNDER_502, TemplateAnswer, TemplateList, error
from tests.conftest import Log
from tests.providers.meta import samples
from tests.support.world import LOST, World, world
from tests.templates.samples import entry
from whatsapp_bridge.flows.template_sync import Ended, Report, TemplateSync
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.registry import templates
from whatsapp_bridge.store.items import HOLD_SECONDS
from whatsapp_bridge.store.templates import Registry, Syncs
from whatsapp_bridge.templates.news import News
from whatsapp_bridge.templates.template import Template

type Json = dict[str, Any]

LATER = TemplateAnswer(400, b'{"error":{"code":80008}}')
FORBIDDEN = TemplateAnswer(403, b'{"error":{"code":10}}')
NO_LIST = TemplateAnswer(200, b"{}")


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
def waba(shared: World, request: pytest.FixtureRequest) -> "Waba":
    return Waba(shared, str(10**15 + abs(hash(request.node.name)) % 10**14))


class Waba:
    """A WhatsApp business account that no other test has, with its list at Meta."""

    def __init__(self, made: World, waba_id: str) -> None:
        self.world, self.scope = made, f"waba:{waba_id}"
        self.account = parse_account("acme", samples.secret(waba_id=waba_id))
        self.listed = TemplateList()
        self.registry, self.syncs = Registry(made.table), Syncs(made.table)
        self.lost: set[int] = set()
        """The calls whose answer is lost."""
        self.on_call: dict[int, Any] = {}
        """What happens when the so-many-th call arrives."""
        self.takes, self.limit = 1.0, 10
        made.bsp = self._meta
        made.http.takes = lambda url: self.takes
        self._grants = 0

    def has(self, number: int, **changes: Any) -> None:
        self.listed.entries = [entry(name=f"t{n:03}", id=str(1000 + n), **changes) for n in range(number)]

    def sync(self) -> Report:
        def new_id() -> str:
            self._grants += 1
            return f"grant {self._grants}"

        flow = TemplateSync(self.registry, self.syncs, lambda: self.world.now, new_id, self.limit)
        http: Any = self.world.http
        with self.world.invocation():
            return flow.sync("acme", templates("meta")(self.account, http, lambda: self.world.now))

    def _meta(self, url: str, _: Any) -> Answer | Exception:
        split = urlsplit(url)
        query = dict(parse_qsl(split.query))
        if split.path.endswith("/message_templates"):
            answer = self.listed.page(query, f"https://bsp.example{split.path}")
        else:
            answer = self.listed.one(split.path.rpartition("/")[2], query)
        self.on_call.get(self.listed.calls, lambda: None)()
        return LOST if self.listed.calls in self.lost else Answer(answer.status, dict(answer.headers), answer.body)

    @property
    def known(self) -> dict[str, Template]:
        return {template.name: template for template in self.registry.all(self.scope).templates}

    def states(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for template in self.known.values():
            found[template.status] = found.get(template.status, 0) + 1
        return found

    @property
    def listed_at(self) -> int:
        return self.registry.all(self.scope).listed_at


def test_to_the_end(waba: Waba) -> None:
    waba.has(25)
    began = int(waba.world.now)
    report = waba.sync()
    assert report.ended is Ended.COMPLETE
    assert len(report.results) == 25
    assert (waba.listed.calls, waba.states(), waba.listed_at) == (3, {"APPROVED": 25}, began)


def test_none(waba: Waba) -> None:
    assert waba.sync().ended is Ended.COMPLETE
    assert (waba.states(), waba.listed_at) == ({}, int(waba.world.now) - 1)


def test_what_is_no_longer_listed_is_deleted_and_not_forgotten(waba: Waba) -> None:
    waba.has(3)
    waba.sync()
    waba.listed.entries.pop(1)
    report = waba.sync()
    assert [template.name for template in report.gone] == ["t001"]
    assert waba.known["t001"].status == "DELETED"
    assert waba.known["t001"].content is not None
    assert waba.sync().gone == []


def test_what_the_list_passed_over_stays(waba: Waba) -> None:
    waba.has(25)
    waba.sync()
    waba.world.now += 60
    waba.listed.calls = 0

    def move() -> None:
        waba.listed.entries.append(waba.listed.entries.pop(0))

    # The 11th moves to the page before, which was read.
    waba.on_call[1] = move
    report = waba.sync()
    assert (report.ended, report.gone, waba.listed.calls) == (Ended.COMPLETE, [], 4)
    assert waba.states() == {"APPROVED": 25}
    assert waba.known["t010"].learnt_of("status").at > waba.listed_at


@pytest.mark.parametrize(
    "answer", [pytest.param(LATER, id="too many calls"), pytest.param(FORBIDDEN, id="permission missing")]
)
def test_what_could_not_be_asked_for_stays(waba: Waba, answer: TemplateAnswer) -> None:
    waba.has(3)
    waba.sync()
    waba.world.now += 60
    waba.listed.entries.pop()
    waba.listed.next_answers = [None, answer]
    assert waba.sync().ended is Ended.COMPLETE
    assert waba.states() == {"APPROVED": 3}
    waba.world.now += 60
    assert len(waba.sync().gone) == 1


def test_what_came_while_the_list_was_walked_stays(waba: Waba) -> None:
    waba.has(15)

    def come() -> None:
        news = News("new", "en", int(waba.world.now), "a webhook", says={"status": "APPROVED"})
        waba.registry.take(waba.scope, [news])

    waba.on_call[2] = come
    assert waba.sync().gone == []
    assert waba.states() == {"APPROVED": 16}


def test_a_webhook_while_the_list_was_walked_is_newer(waba: Waba) -> None:
    waba.has(15)

    def pause() -> None:
        news = News("t000", "en", int(waba.world.now), "a webhook", says={"status": "PAUSED"})
        waba.registry.take(waba.scope, [news])

    waba.on_call[2] = pause
    waba.sync()
    assert waba.known["t000"].status == "PAUSED"
    waba.sync()
    assert waba.known["t000"].status == "APPROVED"


BREAKS = {
    "no answer": "lost",
    "too many calls": LATER,
    "an HTML page under 502": PAGE_UNDER_502,
}


@pytest.mark.parametrize("how", BREAKS.values(), ids=BREAKS.keys())
def test_a_sync_that_broke_off_removes_nothing_and_goes_on(waba: Waba, how: Any) -> None:
    waba.has(25)
    waba.sync()
    waba.listed.entries = waba.listed.entries[:24]
    last, waba.listed.calls = waba.listed_at, 0
    waba.world.now += 60
    began = int(waba.world.now)
    if how == "lost":
        waba.lost.add(2)
    else:
        waba.listed.next_answers = [None, how]
    report = waba.sync()
    assert report.ended is Ended.BROKEN_OFF
    assert (len(report.results), waba.states(), waba.listed_at) == (10, {"APPROVED": 25}, last)

    waba.world.now += 600
    report = waba.sync()
    # Two pages more, and one call for what they lacked.
    assert (report.ended, waba.listed.calls) == (Ended.COMPLETE, 5)
    assert (len(report.results), waba.states()) == (14, {"APPROVED": 24, "DELETED": 1})
    # All that it says was true when the first request left, and later.
    assert waba.listed_at == began


def test_a_sync_that_broke_off_long_ago_begins_anew(waba: Waba) -> None:
    waba.has(15)
    waba.listed.next_answers = [None, LATER]
    assert waba.sync().ended is Ended.BROKEN_OFF
    waba.world.now += 3_601
    began = int(waba.world.now)
    assert len(waba.sync().results) == 15
    assert waba.listed_at == began


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        pytest.param(FORBIDDEN, Ended.PERMISSION_MISSING, id="permission missing"),
        pytest.param(NO_LIST, Ended.FAILED, id="no list"),
        pytest.param(TemplateAnswer(400, b'{"error":{"code":100}}'), Ended.FAILED, id="the cursor is refused"),
    ],
)
def test_a_sync_that_failed_removes_nothing_and_begins_anew(waba: Waba, answer: TemplateAnswer, ended: Ended) -> None:
    waba.has(25)
    waba.sync()
    last = waba.listed_at
    waba.world.now += 60
    waba.listed.entries, waba.listed.calls = waba.listed.entries[:15], 0
    waba.listed.next_answers = [None, answer]
    assert waba.sync().ended is ended
    assert (waba.states(), waba.listed_at) == ({"APPROVED": 25}, last)
    report = waba.sync()
    assert (len(report.results), len(report.gone)) == (15, 10)
    # Two pages, and one call for each that they lacked.
    assert waba.listed.calls == 2 + 2 + 10


def test_without_the_permission_there_is_no_complete_list(waba: Waba) -> None:
    waba.has(3)
    waba.listed.next_answers = [FORBIDDEN]
    report = waba.sync()
    assert report.ended is Ended.PERMISSION_MISSING
    assert "whatsapp_business_management" in report.reason
    assert waba.listed_at == 0


def test_a_list_that_goes_round_fails(waba: Waba) -> None:
    waba.has(15)
    page = waba.listed.page({"limit": "10"}, "x")
    waba.listed.next_answers = [None, page]
    assert waba.sync().ended is Ended.FAILED
    assert waba.listed_at == 0


def test_budget_that_is_nearly_spent_breaks_off(waba: Waba) -> None:
    waba.has(120)
    waba.listed.budget = 10
    report = waba.sync()
    assert (report.ended, waba.listed.calls) == (Ended.BROKEN_OFF, 9)
    assert waba.states() == {"APPROVED": 90}
    waba.listed.calls = 0
    waba.world.now += 600
    assert waba.sync().ended is Ended.COMPLETE
    assert waba.states() == {"APPROVED": 120}


def test_pages_get_smaller_where_they_are_too_large(waba: Waba) -> None:
    waba.has(60)
    waba.limit = 100
    waba.listed = TemplateList(waba.listed.entries, most=30)
    assert waba.sync().ended is Ended.COMPLETE
    # 100, 50, then three of 25.
    assert waba.listed.calls == 5
    assert waba.states() == {"APPROVED": 60}


def test_what_is_too_large_in_the_smallest_page_too(waba: Waba) -> None:
    waba.has(10)
    waba.listed = TemplateList(waba.listed.entries, most=1)
    assert waba.sync().ended is Ended.BROKEN_OFF
    assert waba.listed_at == 0


def test_an_entry_that_cannot_be_read_deletes_nothing(waba: Waba, log: Log) -> None:
    waba.has(3)
    waba.sync()
    waba.listed.entries[1] = {"id": "1001", "name": "t001"}
    waba.world.now += 60
    report = waba.sync()
    assert (report.ended, report.reason) == (Ended.COMPLETE, "entries could not be read")
    # Nobody else tells that it is missing in CleverTap's import.
    assert [told["level"] for told in log.entries if told["message"] == "templates synced"] == ["INFO", "WARNING"]
    assert waba.states() == {"APPROVED": 3}


def test_one_at_a_time(waba: Waba) -> None:
    waba.has(3)
    waba.syncs.begin(waba.scope, "another")
    assert waba.sync().ended is Ended.BUSY
    assert waba.listed.calls == 0
    waba.world.now += HOLD_SECONDS + 1
    assert waba.sync().ended is Ended.COMPLETE


def test_a_long_sync_stays_the_only_one(waba: Waba) -> None:
    waba.has(60)
    waba.takes = 50.0
    others: list[Any] = []
    for call in range(2, 7):
        waba.on_call[call] = lambda: others.append(waba.syncs.begin(waba.scope, "another"))
    assert waba.sync().ended is Ended.COMPLETE
    assert others == [None] * 5


def test_a_sync_whose_right_was_lost_stops(waba: Waba) -> None:
    waba.has(30)

    def hang() -> None:
        waba.world.now += HOLD_SECONDS + 1
        assert waba.syncs.begin(waba.scope, "another") is not None

    waba.on_call[2] = hang
    assert waba.sync().ended is Ended.BUSY
    assert waba.listed.calls == 2
    assert waba.listed_at == 0


def test_two_answers_in_one_second_are_asked_for(waba: Waba) -> None:
    waba.has(1)
    news = News("t000", "en", int(waba.world.now), "a webhook", says={"status": "PAUSED"})
    waba.registry.take(waba.scope, [news])
    (result,) = waba.sync().results
    assert result.merged.fetch


def test_changes_are_reported(waba: Waba) -> None:
    waba.has(2)
    waba.sync()
    waba.listed.entries[0]["status"] = "PAUSED"
    waba.world.now += 60
    changed = [
        (result.before.status, result.merged.template.status)
        for result in waba.sync().results
        if result.before is not None and result.merged.template is not None and result.before.status != "PAUSED"
    ]
    assert changed == [("APPROVED", "PAUSED"), ("APPROVED", "APPROVED")]


def test_error_texts_do_not_matter(waba: Waba) -> None:
    waba.has(1)
    told = error(80008, "Zu viele Anfragen", error_user_msg="Bitte warte einen Moment")
    waba.listed.next_answers = [TemplateAnswer(400, str(told).replace("'", '"').encode())]
    assert waba.sync().ended is Ended.BROKEN_OFF
