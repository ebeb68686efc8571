"""Messages without the BSP's id, and ids without a message: each gets one of the other, whoever comes when."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.sandbox.wamids import wamid
from tests.support.world import World, world
from whatsapp_bridge.providers.common.message_ids import hidden

HOUR, DAY = 3600, 86_400

_numbers = count()


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    with world() as made:
        yield made


class Person:
    """Somebody who is sent messages, and the clock; each step is a second after the one before."""

    def __init__(self, made: World) -> None:
        self.world, self.waiting, self.recipient = made, made.waiting, f"p{next(_numbers)}"

    def expect(self, reference: str) -> None:
        self.waiting.expect("acme", self.recipient, reference, int(self.world.now * 1000), named=False)

    def expect_named(self, reference: str) -> None:
        self.waiting.expect("acme", self.recipient, reference, int(self.world.now * 1000), named=True)

    def wait(self, reference: str) -> None:
        self.waiting.wait("acme", self.recipient, reference)

    def name(self, reference: str, bsp_id: str) -> None:
        self.waiting.name("acme", self.recipient, reference, bsp_id)

    def dismiss(self, reference: str) -> None:
        self.waiting.dismiss("acme", self.recipient, reference)

    def bind(self, bsp_id: str, expected: str | None) -> None:
        assert self.waiting.bind("acme", [self.recipient], bsp_id) == expected

    def pass_time(self, seconds: int) -> None:
        self.world.now += seconds

    def play(self, *steps: tuple[Any, ...]) -> None:
        for name, *arguments in steps:
            getattr(self, name)(*arguments)
            self.world.now += 1

    @property
    def item(self) -> dict[str, Any]:
        key = {"pk": {"S": f"waiting#acme#{self.recipient}"}}
        found: dict[str, Any] = self.world.dynamodb.get_item(TableName=self.world.table.name, Key=key).get("Item", {})
        return found

    @property
    def attributes(self) -> set[str]:
        return set(self.item) - {"pk", "expires_at"}


@pytest.fixture
def person(shared: World) -> Person:
    return Person(shared)


WHATSAPPS = wamid("27820000001", "0123456789ABCDEF01")


def bound_names(person: Person) -> set[str]:
    return {name for name in person.attributes if name.startswith("b#")}


@pytest.mark.parametrize("bsp_id", [WHATSAPPS, "wamid.1"], ids=["WhatsApp's", "like WhatsApp's"])
@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([("expect", "t1"), ("bind", ..., "t1")], id="bound to what waits"),
        pytest.param([("expect_named", "t1"), ("name", "t1", ...)], id="in an answer"),
    ],
)
def test_a_bound_id_is_stored_hidden(person: Person, steps: list[tuple[Any, ...]], bsp_id: str) -> None:
    person.play(*[tuple(bsp_id if given is ... else given for given in step) for step in steps])
    assert bound_names(person) == {f"b#{hidden('acme', bsp_id)}"}


@pytest.mark.parametrize("bsp_id", [WHATSAPPS, "wamid.1"], ids=["WhatsApp's", "like WhatsApp's"])
def test_an_id_that_an_older_version_has_bound_is_found(person: Person, bsp_id: str) -> None:
    person.play(("expect", "t1"), ("expect", "t2"), ("bind", bsp_id, "t1"))
    (stored,) = bound_names(person)
    person.world.dynamodb.update_item(
        TableName=person.world.table.name,
        Key={"pk": person.item["pk"]},
        UpdateExpression="SET #whole = #hidden REMOVE #hidden",
        ExpressionAttributeNames={"#hidden": stored, "#whole": f"b#{bsp_id}"},
    )
    person.bind(bsp_id, "t1")


T1, T2, CHAT = ("expect", "t1"), ("expect", "t2"), ("expect_named", "c")


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([("bind", "w1", None)], id="nothing was ever sent to them"),
        pytest.param([T1, ("bind", "w1", "t1")], id="one, one"),
        pytest.param([T1, ("bind", "w1", "t1"), ("bind", "w1", "t1")], id="the same id again: the same message"),
        pytest.param([T1, ("bind", "w1", "t1"), ("bind", "w2", None)], id="a second id finds nothing"),
        pytest.param([T1, T2, ("bind", "w1", "t1"), ("bind", "w2", "t2")], id="two: the oldest first"),
        pytest.param(
            [T1, ("bind", "w1", "t1"), T2, ("bind", "w1", "t1"), ("bind", "w2", "t2")], id="one after another"
        ),
        pytest.param([("expect", "z"), ("expect", "a"), ("bind", "w1", "z")], id="by time, not by name"),
        pytest.param([T1, ("dismiss", "t1"), ("bind", "w1", None)], id="not taken"),
        pytest.param([T1, T2, ("dismiss", "t1"), ("bind", "w1", "t2")], id="the older one not taken"),
        pytest.param(
            [T1, ("dismiss", "t1"), T2, T1, ("bind", "w", "t2")], id="sent later after all: it waits since then"
        ),
        pytest.param([T1, ("wait", "t1"), ("bind", "w1", "t1")], id="answered without an id, as expected"),
        pytest.param([T1, ("name", "t1", "w1"), ("bind", "w1", "t1"), ("bind", "w2", None)], id="answered with an id"),
        pytest.param(
            [T1, ("bind", "w1", "t1"), ("wait", "t1"), ("bind", "w2", None)], id="bound before its answer came"
        ),
        pytest.param([CHAT, ("bind", "w1", None)], id="a chat under way: its id is not guessed at"),
        pytest.param([T1, CHAT, ("bind", "w1", None)], id="a chat under way: may be its id, wait"),
        pytest.param(
            [T1, CHAT, ("bind", "wc", None), ("name", "c", "wc"), ("bind", "wc", "c"), ("bind", "w1", "t1")],
            id="a chat's status before its answer: nobody else gets it",
        ),
        pytest.param([T1, CHAT, ("name", "c", "wc"), ("bind", "w1", "t1")], id="a chat in between"),
        pytest.param([T1, CHAT, ("dismiss", "c"), ("bind", "w1", "t1")], id="a chat that is not taken"),
        pytest.param([CHAT, ("wait", "c"), ("bind", "wc", "c")], id="a chat whose answer is lost"),
        pytest.param(
            [CHAT, T1, ("wait", "c"), ("bind", "wc", "c"), ("bind", "w1", "t1")], id="it waits since it was sent"
        ),
        pytest.param([CHAT, ("pass_time", 120), ("bind", "wc", "c")], id="a chat that died under way"),
        pytest.param([CHAT, ("pass_time", 117), ("bind", "wc", None)], id="a chat that takes its time"),
        pytest.param([T1, ("pass_time", DAY), ("bind", "w1", None)], id="nothing heard for a day"),
        pytest.param([T1, ("pass_time", DAY), T2, ("bind", "w1", "t2")], id="the first one given up"),
        pytest.param([("wait", "t1"), ("dismiss", "t1"), ("bind", "w1", None)], id="never begun"),
    ],
)
def test_which_message_an_id_belongs_to(person: Person, steps: list[tuple[Any, ...]]) -> None:
    person.play(*steps)


def test_nobody_gets_another_persons_message(shared: World) -> None:
    one, other = Person(shared), Person(shared)
    one.play(T1)
    other.play(("bind", "w1", None))
    assert shared.waiting.bind("other-account", [one.recipient], "w1") is None
    one.play(("bind", "w1", "t1"))


@pytest.mark.parametrize("step", [("wait", "t1"), ("dismiss", "t1"), ("bind", "w1", None)], ids=lambda step: step[0])
def test_a_missing_message_leaves_no_trace(person: Person, step: tuple[Any, ...]) -> None:
    person.play(step)
    assert person.item == {}


def test_ids_at_once_get_a_message_each(person: Person) -> None:
    messages = [f"t{number}" for number in range(8)]
    person.play(*(("expect", reference) for reference in messages))
    ids = [f"w{number}" for number in range(10)] * 2
    with ThreadPoolExecutor(8) as pool:
        found = dict(zip(ids, pool.map(lambda w: person.waiting.bind("acme", [person.recipient], w), ids), strict=True))
    again = {w: person.waiting.bind("acme", [person.recipient], w) for w in ids}
    assert sorted(filter(None, again.values())) == messages
    assert {w: reference for w, reference in found.items() if reference} == {w: r for w, r in again.items() if r}


def test_the_item_does_not_grow(person: Person) -> None:
    for number in range(60):
        person.play(("expect_named", f"c{number}"), ("name", f"c{number}", f"w{number}"), ("pass_time", 600))
    # What is younger than an hour, and twenty old ones at the most.
    assert len(person.attributes) <= 27


def test_binding_clears_what_is_old(person: Person) -> None:
    person.play(T1, ("bind", "w1", "t1"), ("expect", "never"), ("pass_time", DAY), T2, ("bind", "w2", "t2"))
    assert person.attributes == {"b#w2"}


@pytest.mark.parametrize("order", [1, -1], ids=["new hash first", "old hash first"])
def test_a_person_with_two_hashes_is_one(shared: World, order: int) -> None:
    """While the account has two tokens. Messages and ids are matched over both items, the oldest first."""
    new, old = Person(shared), Person(shared)

    def bind(bsp_id: str) -> str | None:
        return shared.waiting.bind("acme", [new.recipient, old.recipient][::order], bsp_id)

    old.play(T1)
    new.play(T2)
    old.play(("expect", "t3"), ("expect_named", "c"))
    assert bind("w1") is None, "the chat's answer may bring this id"
    old.play(("name", "c", "w1"))
    assert [bind(f"w{number}") for number in (1, 2, 3, 4, 5)] == ["c", "t1", "t2", "t3", None]
    assert [bind(f"w{number}") for number in (4, 3, 2, 1)] == ["t3", "t2", "t1", "c"]


def test_many_old_attributes_are_removed_in_steps(person: Person) -> None:
    # An expression that named them all would be longer than DynamoDB takes.
    # Written at once: each one by itself would be written as in the other tests.
    old = {f"w#1700000000|{number}|0|1": {"N": str(int(person.world.now * 1000))} for number in range(500)}
    person.expect("the first")
    table = person.waiting._table
    person.world.dynamodb.put_item(TableName=table.name, Item=person.item | old)
    person.pass_time(DAY)
    person.play(T1, ("bind", "w1", "t1"), T2, ("bind", "w2", "t2"))
    assert len(person.attributes) == 501 - 2 * 20 + 2


def test_the_item_expires_as_late_as_the_messages(person: Person) -> None:
    person.play(T1)
    assert int(person.item["expires_at"]["N"]) == int(person.world.now) - 1 + 35 * DAY


@pytest.mark.parametrize("step", [T1, ("wait", "t1"), ("name", "t1", "w"), ("dismiss", "t1"), ("bind", "w", None)])
def test_table_errors_are_raised(person: Person, step: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(person.waiting._table, "name", "another-table")
    with pytest.raises(ClientError):
        person.play(step)
