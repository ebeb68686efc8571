"""Small facts: kept for their time, dropped only by who knows what they say."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.world import World, world
from whatsapp_bridge.store.items import Table
from whatsapp_bridge.store.notes import StoredNotes


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    with world() as made:
        yield made


@pytest.fixture
def notes(shared: World, request: pytest.FixtureRequest) -> "Account":
    return Account(shared, request.node.name)


class Account:
    """The notes of an account that no other test has."""

    def __init__(self, made: World, name: str) -> None:
        self.world, self.name = made, name

    def get(self, key: str = "token") -> str | None:
        return self.world.notes.get(self.name, key)

    def put(self, note: str, seconds: int = 60, key: str = "token") -> None:
        self.world.notes.put(self.name, key, note, seconds)

    def forget(self, note: str, key: str = "token") -> None:
        self.world.notes.forget(self.name, key, note)


def test_none(notes: Account) -> None:
    assert notes.get() is None


def test_kept_and_replaced(notes: Account) -> None:
    notes.put("first")
    assert notes.get() == "first"
    notes.put('{"second": "ü"}')
    assert notes.get() == '{"second": "ü"}'


@pytest.mark.parametrize(
    ("waited", "left"), [pytest.param(59, "note", id="in time"), pytest.param(60, None, id="its time is over")]
)
def test_time(notes: Account, waited: int, left: str | None) -> None:
    notes.put("note", seconds=60)
    notes.world.now += waited
    assert notes.get() == left


def test_a_new_one_has_its_own_time(notes: Account) -> None:
    notes.put("old", seconds=60)
    notes.world.now += 100
    notes.put("new", seconds=60)
    assert notes.get() == "new"


@pytest.mark.parametrize(
    ("waited", "note", "left"),
    [
        pytest.param(29, "note", 31, id="not written again in the first half of its time"),
        pytest.param(30, "note", 60, id="written again in the second half"),
        pytest.param(100, "note", 60, id="written again when its time is over"),
        pytest.param(1, "another", 60, id="another one is written at once"),
    ],
)
def test_keep(notes: Account, waited: int, note: str, left: int) -> None:
    for each in ("note", note):
        notes.world.notes.keep(notes.name, "token", each, 60)
        assert notes.get() == each
        notes.world.now += waited
    notes.world.now += left - waited - 1
    assert notes.get() == note
    notes.world.now += 1
    assert notes.get() is None


def test_keys_and_accounts_are_apart(notes: Account) -> None:
    other = Account(notes.world, f"{notes.name}-other")
    notes.put("mine")
    other.put("theirs")
    notes.put("key", key="another")
    assert (notes.get(), other.get(), notes.get("another")) == ("mine", "theirs", "key")


@pytest.mark.parametrize(
    ("known", "left"),
    [pytest.param("note", None, id="this one"), pytest.param("older", "note", id="another has taken its place")],
)
def test_forget(notes: Account, known: str, left: str | None) -> None:
    notes.put("note")
    notes.forget(known)
    assert notes.get() == left


def test_forget_what_is_not_there(notes: Account) -> None:
    notes.forget("note")
    assert notes.get() is None


def test_forgotten_and_noted_again(notes: Account) -> None:
    notes.put("note")
    notes.forget("note")
    notes.put("note")
    assert notes.get() == "note"


def test_the_table_removes_them_by_itself(notes: Account) -> None:
    notes.put("note", seconds=60)
    table = next(iter(notes.world.deployment.tables.values()))
    item = notes.world.dynamodb.get_item(TableName=table.name, Key={"pk": {"S": f"note#{notes.name}#token"}})["Item"]
    assert item == {
        "pk": {"S": f"note#{notes.name}#token"},
        "note": {"S": "note"},
        "expires_at": {"N": str(int(notes.world.now) + 60)},
    }


def test_failures_are_raised(shared: World) -> None:
    lost = StoredNotes(Table("no-such-table", shared.dynamodb))
    calls: list[Any] = [
        lambda: lost.get("a", "b"),
        lambda: lost.put("a", "b", "c", 1),
        lambda: lost.forget("a", "b", "c"),
    ]
    for call in calls:
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            call()
