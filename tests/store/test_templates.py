"""The registry: what is known of templates, shared by all processes."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.world import World, world
from tests.templates.samples import body, card, carousel, entry, media
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.store import templates
from whatsapp_bridge.store.items import HOLD_SECONDS, Table
from whatsapp_bridge.store.templates import Conflict, Known, Progress, Registry, Seen, Syncs
from whatsapp_bridge.templates.news import AccountEvent, News, Note
from whatsapp_bridge.templates.template import MAX_CHANGES


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
def scope(request: pytest.FixtureRequest) -> str:
    """One that no other test has."""
    return f"waba:{request.node.name}"


@pytest.fixture
def registry(shared: World) -> Registry:
    return Registry(shared.table)


@pytest.fixture
def syncs(shared: World) -> Syncs:
    return Syncs(shared.table)


def listed(at: int = 100, **changes: Any) -> News:
    components = changes.pop("parts", ())
    news = of_entry(entry(*components, **changes), at, "a listing")
    assert news is not None
    return news


def told(at: int, status: str, **changes: Any) -> News:
    return News("order_ready", "en", at, "a webhook", says={"status": status})._replace(**changes)


def states(known: Known) -> dict[tuple[str, str], str]:
    return {template.key: template.status for template in known.templates}


def seen(*news: News) -> Seen:
    found = Seen()
    for each in news:
        found.add((each.name, each.language))
    return found


def test_nothing(registry: Registry, scope: str) -> None:
    assert registry.named(scope, "order_ready") == registry.all(scope) == Known([], 0)
    assert registry.take(scope, []) == []


def test_taken_and_read(registry: Registry, scope: str) -> None:
    news = [listed(name=f"t{n}", language=language) for n in range(30) for language in ("en", "de")]
    results = registry.take(scope, news)
    assert [result.news for result in results] == news
    assert all(result.before is None and not result.merged.fetch for result in results)
    assert states(registry.all(scope)) == {(each.name, each.language): "APPROVED" for each in news}
    assert {("t7", "en"), ("t7", "de")} <= set(states(registry.named(scope, "T7")))


def test_scopes_are_apart(registry: Registry, scope: str) -> None:
    registry.take(f"{scope}1", [listed()])
    assert registry.all(f"{scope}2").templates == []


def test_what_is_read_is_what_was_merged(registry: Registry, scope: str) -> None:
    news = [
        listed(parts=[body("Hello {{1}} \u00e9", "a"), carousel(card(media("VIDEO")))], sub_category="CUSTOM"),
        told(101, "APPROVED", says={}, note=Note("FLAGGED", reason="x")),
        told(102, "PAUSED", reason="FIRST_PAUSE"),
    ]
    *_, last = registry.take(scope, news)
    assert registry.all(scope).templates == [last.merged.template]
    assert last.before is not None
    assert last.before.status == "APPROVED"


def test_an_event_of_an_unknown_template_asks_for_it(registry: Registry, scope: str) -> None:
    (result,) = registry.take(scope, [told(100, "PAUSED")])
    assert result.merged.fetch
    assert states(registry.all(scope)) == {("order_ready", "en"): "PAUSED"}
    (result,) = registry.take(scope, [told(100, "PAUSED", name="")])
    assert result.merged == (None, True)
    assert len(registry.all(scope).templates) == 1


@pytest.fixture
def calls(shared: World) -> Iterator[Counter[str]]:
    counted: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        counted[model.name] += 1

    shared.dynamodb.meta.events.register("before-call", count)
    yield counted
    shared.dynamodb.meta.events.unregister("before-call", count)


def test_reading_is_one_call(registry: Registry, scope: str, calls: Counter[str]) -> None:
    registry.named(scope, "order_ready")
    assert calls == {"BatchGetItem": 1}
    registry.all(scope)
    assert calls == {"BatchGetItem": 2}


def test_what_is_older_is_not_written(registry: Registry, scope: str, calls: Counter[str]) -> None:
    registry.take(scope, [listed(100)])
    calls.clear()
    registry.take(scope, [listed(100), told(99, "PAUSED")])
    assert calls == {"BatchGetItem": 1}


def test_a_late_event_does_not_undo_what_was_confirmed_since(registry: Registry, scope: str) -> None:
    registry.take(scope, [listed(100)])
    registry.take(scope, [listed(200)])
    registry.take(scope, [told(150, "PAUSED")])
    assert states(registry.all(scope)) == {("order_ready", "en"): "APPROVED"}
    registry.take(scope, [told(250, "PAUSED")])
    assert states(registry.all(scope)) == {("order_ready", "en"): "PAUSED"}


def test_complete_listing(registry: Registry, scope: str) -> None:
    stays, goes, comes = listed(100), listed(100, name="goes"), listed(210, name="comes")
    registry.take(scope, [stays, goes])
    registry.take(scope, [listed(200), comes])
    lacking = registry.lacking(scope, 200, seen(stays))
    assert [template.name for template in lacking] == ["goes"]
    assert [template.name for template in registry.complete(scope, 200, "a listing", lacking)] == ["goes"]
    assert registry.all(scope).listed_at == registry.named(scope, "x").listed_at == 200
    assert states(registry.all(scope)) == {
        ("order_ready", "en"): "APPROVED",
        ("goes", "en"): "DELETED",
        ("comes", "en"): "APPROVED",
    }
    # Not forgotten, and not deleted twice.
    assert registry.lacking(scope, 300, seen(stays, comes)) == []
    assert registry.complete(scope, 300, "a listing", lacking) == []


def test_heard_of_before_it_was_recorded_as_deleted(registry: Registry, scope: str) -> None:
    registry.take(scope, [listed(100)])
    lacking = registry.lacking(scope, 200, Seen())
    registry.take(scope, [told(201, "PAUSED")])
    assert registry.complete(scope, 200, "a listing", lacking) == []
    assert states(registry.all(scope)) == {("order_ready", "en"): "PAUSED"}


def test_an_empty_listing_is_a_complete_one(registry: Registry, scope: str) -> None:
    assert registry.lacking(scope, 200, Seen()) == []
    assert registry.complete(scope, 200, "a listing") == []
    assert registry.all(scope) == Known([], 200)


def test_an_older_listing_is_not_the_last_one(registry: Registry, scope: str) -> None:
    registry.complete(scope, 200, "a listing")
    registry.complete(scope, 100, "a listing")
    assert registry.all(scope).listed_at == 200


class Racing:
    """A table in which somebody else writes before each of the first writes."""

    def __init__(self, table: Table, times: int, other: Any) -> None:
        self._table, self._left, self._other = table, times, other

    def __getattr__(self, name: str) -> Any:
        return getattr(self._table, name)

    def try_update(self, *arguments: Any) -> Any:
        if self._left:
            self._left -= 1
            self._other(self._left)
        return self._table.try_update(*arguments)


def racing(shared: World, scope: str, times: int) -> Registry:
    def other(left: int) -> None:
        Registry(shared.table).take(scope, [told(1000 - left, ("PAUSED", "REJECTED")[left % 2])])

    made: Any = Racing(shared.table, times, other)
    return Registry(made)


def test_two_that_write_at_once_lose_nothing(shared: World, scope: str) -> None:
    Registry(shared.table).take(scope, [listed(100)])
    racing(shared, scope, 3).take(scope, [told(200, "APPROVED", says={"quality": "RED"})])
    (known,) = Registry(shared.table).all(scope).templates
    assert (known.status, known.quality) == ("PAUSED", "RED")


def test_two_that_write_a_new_part_at_once_lose_nothing(shared: World, scope: str) -> None:
    racing(shared, scope, 1).take(scope, [listed(100)])
    (known,) = Registry(shared.table).all(scope).templates
    assert known.content is not None
    assert known.status == "PAUSED"


def test_others_who_write_all_the_time(shared: World, scope: str) -> None:
    Registry(shared.table).take(scope, [listed(100)])
    with pytest.raises(Conflict):
        racing(shared, scope, 100).take(scope, [told(2000, "APPROVED")])


def test_a_part_that_gets_too_large_loses_histories(
    registry: Registry, scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = [told(200 + n, ("PAUSED", "APPROVED")[n % 2], reason=f"reason {n}") for n in range(40)]
    registry.take(scope, [listed(100), *history])
    (known,) = registry.all(scope).templates
    assert len(known.changes) == MAX_CHANGES
    monkeypatch.setattr(templates, "_MAX_BYTES", 100)
    registry.take(scope, [told(999, "PAUSED")])
    (known,) = registry.all(scope).templates
    assert (known.status, known.changes) == ("PAUSED", ())


def test_six_thousand_fit(shared: World, scope: str) -> None:
    """Meta's limit for a verified business; each with ten cards."""
    cards = carousel(*[card(media("IMAGE"), body("A card of {{1}}", "x"))] * 10)
    parts = Counter(templates._part_of(f"template_{n}") for n in range(6000))
    largest, number = parts.most_common(1)[0]
    names = [f"template_{n}" for n in range(6000) if templates._part_of(f"template_{n}") == largest]
    registry = Registry(shared.table)
    registry.take(scope, [listed(name=name, parts=[body(f"{name} {{{{1}}}}", "x"), cards]) for name in names])
    assert len(registry.all(scope).templates) == number


def test_unread_keys_are_asked_for_again(shared: World, scope: str) -> None:
    registry = Registry(shared.table)
    registry.take(scope, [listed()])

    class OneByOne:
        """DynamoDB, as if one item were 16 MB."""

        def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803
            ((name, asked),) = RequestItems.items()
            first, *rest = asked["Keys"]
            answer = shared.dynamodb.batch_get_item(RequestItems={name: {**asked, "Keys": [first]}})
            return answer | {"UnprocessedKeys": {name: {**asked, "Keys": rest}} if rest else {}}

    made: Any = Table(shared.table.name, OneByOne(), shared.table.now)
    assert states(Registry(made).named(scope, "order_ready")) == {("order_ready", "en"): "APPROVED"}


# --- one sync at a time ----------------------------------------------------------------------------------------------


def test_one_sync_at_a_time(shared: World, syncs: Syncs, scope: str) -> None:
    assert syncs.begin(scope, "one") == Progress()
    assert syncs.begin(scope, "two") is None
    # Another delivery of its own event.
    assert syncs.begin(scope, "one") == Progress()
    syncs.end(scope, "one")
    assert syncs.begin(scope, "two") == Progress()


def test_a_sync_whose_process_died_is_taken_over(shared: World, syncs: Syncs, scope: str) -> None:
    syncs.begin(scope, "one")
    shared.now += HOLD_SECONDS + 1
    assert syncs.begin(scope, "two") == Progress()
    assert not syncs.keep(scope, "one", Progress(1))
    syncs.end(scope, "one")
    assert syncs.begin(scope, "three") is None


def test_a_sync_that_broke_off_goes_on(syncs: Syncs, scope: str) -> None:
    reached = Progress(began=100, after="cursor", pages=2, limit=50, unread=True, seen=["a", "b"])
    syncs.begin(scope, "one")
    assert syncs.keep(scope, "one", reached)
    syncs.leave(scope, "one")
    assert syncs.begin(scope, "two") == reached
    syncs.end(scope, "two")
    assert syncs.begin(scope, "three") == Progress()


def test_a_long_sync_keeps_its_right(shared: World, syncs: Syncs, scope: str) -> None:
    syncs.begin(scope, "one")
    for page in range(3):
        shared.now += HOLD_SECONDS - 1
        assert syncs.keep(scope, "one", Progress(pages=page))
    assert syncs.begin(scope, "two") is None


# --- the history of a business account -------------------------------------------------------------------------------


def of_account(at: int, after: str = "FLAGGED") -> AccountEvent:
    return AccountEvent("77", at, "a webhook", "phone_number_quality_update", "", after)


def test_notes_of_an_account_are_kept_once_and_in_order(registry: Registry, scope: str) -> None:
    assert registry.notes(scope) == []
    assert [registry.note(scope, of_account(at)) for at in (20, 10, 20)] == [True, True, False]
    assert [change.at for change in registry.notes(scope)] == [10, 20]
    assert registry.all(scope).templates == []


def test_the_last_notes_of_an_account_are_kept(registry: Registry, scope: str) -> None:
    for at in range(30):
        registry.note(scope, of_account(at))
    assert [change.at for change in registry.notes(scope)] == list(range(30 - MAX_CHANGES, 30))


def test_when_a_list_was_complete(registry: Registry, scope: str) -> None:
    assert registry.listed_at(scope) == 0
    registry.complete(scope, 50, "a listing")
    assert registry.listed_at(scope) == 50
