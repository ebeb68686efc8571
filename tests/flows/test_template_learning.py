"""News of templates gets into the registry, and the BSP is asked where the news does not say all."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.support.world import World, world
from tests.templates.samples import entry
from whatsapp_bridge.flows.template_learning import Learnt, TemplateLearning
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.providers.contract.templates import NotListed
from whatsapp_bridge.store.templates import Registry
from whatsapp_bridge.templates.news import News, Note
from whatsapp_bridge.templates.template import Template

LATER = NotListed("later", "no answer")
MISSING = NotListed("missing", "no such template")


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
def bsp(shared: World, request: pytest.FixtureRequest) -> "Bsp":
    return Bsp(shared, f"waba:{request.node.name}")


class Bsp:
    """A BSP that has one template, and a registry that no other test has."""

    def __init__(self, made: World, scope: str) -> None:
        self.world, self.scope = made, scope
        self.registry = Registry(made.table)
        self.has: Any = {}
        """Changes of the template's entry; or why there is none."""
        self.asked: list[tuple[str, str, float]] = []

    def page(self, after: str | None, limit: int) -> Any:
        raise AssertionError("nobody lists all for one")

    def fetch(self, template_id: str) -> News | NotListed:
        answer = self._answer("id", template_id)
        return answer if isinstance(answer, NotListed) else answer[0]

    def find(self, name: str) -> Sequence[News] | NotListed:
        return self._answer("name", name)

    def _answer(self, by: str, what: str) -> Sequence[News] | NotListed:
        self.asked.append((by, what, self.world.now))
        if isinstance(self.has, NotListed):
            return self.has
        news = of_entry(entry(id="7", **self.has), int(self.world.now), "a list")
        assert news is not None
        return [news]

    def learn(self, *news: News) -> Learnt:
        def pause(seconds: float) -> None:
            self.world.now += seconds

        return TemplateLearning(self.registry, lambda: self.world.now, pause).learn(self, news)

    def told(self, before: int = 0, **changes: Any) -> News:
        """An event that was so many seconds before now."""
        at = int(self.world.now) - before
        return News("order_ready", "en", at, "a webhook", id="7")._replace(**changes)

    @property
    def known(self) -> Template:
        (found,) = self.registry.all(self.scope).templates
        return found


@pytest.fixture(autouse=True)
def in_mid_second(shared: World) -> None:
    shared.now = int(shared.now) + 100.5


def test_what_says_all_is_not_asked_for(bsp: Bsp) -> None:
    bsp.learn(bsp.told(5, says={"status": "PAUSED"}))
    bsp.asked.clear()
    bsp.world.now += 10
    bsp.learn(bsp.told(0, says={"status": "REJECTED"}))
    assert bsp.asked == []
    assert bsp.known.status == "REJECTED"


def test_an_unknown_template_is_asked_for(bsp: Bsp) -> None:
    learnt = bsp.learn(bsp.told(5, says={"status": "APPROVED"}))
    assert [(by, what) for by, what, _ in bsp.asked] == [("id", "7")]
    assert learnt.not_asked is None
    assert bsp.known.content is not None


def test_without_an_id_it_is_asked_for_by_its_name(bsp: Bsp) -> None:
    bsp.learn(bsp.told(5, id=None, says={"status": "APPROVED"}))
    assert [(by, what) for by, what, _ in bsp.asked] == [("name", "order_ready")]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"note": Note("UNLOCKED"), "fetch": True}, id="an event without a state"),
        pytest.param({"fetch": True}, id="changed components"),
        pytest.param({"name": "", "says": {"status": "PAUSED"}}, id="an event without a name"),
        pytest.param({"at": 0, "says": {"status": "PAUSED"}, "fetch": True}, id="an event without a time"),
    ],
)
def test_what_does_not_say_all(bsp: Bsp, changes: Any) -> None:
    bsp.learn(bsp.told(50, says={"status": "APPROVED"}))
    bsp.asked.clear()
    bsp.has = {"status": "REJECTED"}
    bsp.world.now += 10
    bsp.learn(bsp.told(5, **changes))
    assert len(bsp.asked) == 1
    assert bsp.known.status == "REJECTED"


def test_two_answers_in_one_second_are_decided_in_the_next(bsp: Bsp) -> None:
    bsp.learn(bsp.told(50, says={"status": "APPROVED"}))
    bsp.asked.clear()
    second = int(bsp.world.now)
    bsp.learn(bsp.told(0, says={"status": "PAUSED"}), bsp.told(0, says={"status": "REJECTED"}))
    assert [int(at) for _, _, at in bsp.asked] == [second + 1]
    assert bsp.known.status == "APPROVED"
    assert bsp.known.learnt_of("status").at == second + 1


def test_a_clock_that_is_ahead_is_not_waited_for(bsp: Bsp) -> None:
    now = bsp.world.now
    bsp.learn(bsp.told(-3_600, says={"status": "PAUSED"}))
    assert bsp.world.now == now


def test_several_events_of_one_template_are_one_question(bsp: Bsp) -> None:
    bsp.learn(*[bsp.told(5 - n, note=Note("LOCKED"), fetch=True) for n in range(3)])
    assert len(bsp.asked) == 1


def test_no_answer_is_told(bsp: Bsp) -> None:
    bsp.has = LATER
    assert bsp.learn(bsp.told(5, says={"status": "PAUSED"})).not_asked == LATER
    assert bsp.known.status == "PAUSED"


def test_what_the_bsp_does_not_have_is_not_asked_for_again(bsp: Bsp) -> None:
    bsp.has = MISSING
    assert bsp.learn(bsp.told(5, says={"status": "DELETED"})).not_asked is None
    assert bsp.known.status == "DELETED"


def test_what_names_nothing(bsp: Bsp) -> None:
    bsp.learn(bsp.told(5, name="", id=None, fetch=True))
    assert bsp.asked == []
    assert bsp.registry.all(bsp.scope).templates == []


def test_again(bsp: Bsp) -> None:
    event = bsp.told(5, says={"status": "PAUSED"})
    bsp.learn(event)
    known = bsp.known
    bsp.asked.clear()
    bsp.learn(event)
    assert (bsp.known, bsp.asked) == (known, [])
