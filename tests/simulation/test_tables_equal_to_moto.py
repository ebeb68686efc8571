"""DynamoDB in memory answers as moto does, call by call."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from tests.simulation.twin import Twin, twin
from whatsapp_bridge.store.claims import Claims, Verdict
from whatsapp_bridge.store.items import Table
from whatsapp_bridge.store.journal import Begun, Failure, Told, Tried, Untold
from whatsapp_bridge.store.leases import Leases
from whatsapp_bridge.store.notes import StoredNotes
from whatsapp_bridge.store.once import Once
from whatsapp_bridge.store.waiting import Waiting

NAMES = {"#state": "state"}
BEGUN = Begun(1_700_000_000, 600, 1, {"paused": [2, 5, 9]})
TRIED = Tried(2, "t", "43", "throttled")
VALUES: dict[str, Any] = {":a": {"S": "a"}, ":b": {"S": "b"}, ":n": {"N": "5"}, ":m": {"N": "12"}}
ITEM: dict[str, Any] = {"pk": {"S": "there"}, "state": {"S": "a"}, "tally": {"N": "5"}, "note": {"S": "b"}}

CONDITIONS = [
    "attribute_exists(pk)",
    "attribute_not_exists(pk)",
    "attribute_exists(missing)",
    "#state = :a",
    "#state <> :a",
    "missing <> :a",
    "missing = :a",
    "missing < :n",
    "tally < :n",
    "tally <= :n",
    "tally > :n",
    "tally >= :n",
    "tally < :m",
    "note < :a",
    "note > :a",
    "#state IN (:a, :b)",
    "#state IN (:b)",
    "NOT #state = :a",
    "NOT (#state = :a OR note = :a) AND tally < :m",
    "#state = :b OR #state = :a AND note = :b",
    "(#state = :b OR #state = :a) AND note = :a",
    "attribute_not_exists(pk) OR (#state = :a AND (tally = :n OR note < :b))",
]
UPDATES = [
    "SET #state = :b",
    "SET #state = :b, note = :a",
    "SET tally = tally + :n",
    "SET tally = tally - :m",
    "SET tally = if_not_exists(tally, :m)",
    "SET fresh = if_not_exists(fresh, :m)",
    "SET fresh = if_not_exists(fresh, :n) + :m",
    "SET fresh = missing",
    "SET note = #state, #state = note",
    "SET tally = note + :n",
    "REMOVE note",
    "REMOVE note, missing",
    "SET #state = :b REMOVE note, tally",
    "REMOVE note SET #state = :b",
    "ADD tally :n",
    "ADD fresh :n",
    "SET bsp_id = :a",
    "REMOVE bsp_id",
    "SET pk = :a",
    "SET note = :a, note = :b",
    "SET note = :a SET #state = :b",
    "SET state = :a",
    "SET note = :unknown",
    "SET note",
    "",
]


@pytest.fixture(scope="module")
def both() -> Iterator[Twin]:
    with twin() as both:
        yield both


@pytest.fixture
def made(both: Twin) -> Twin:
    """With an empty table."""
    for key in list(next(iter(both.cloud.dynamodb.tables.values())).items):
        both.compare("dynamodb", "delete_item", TableName=table_name(both), Key={"pk": {"S": key}})
    return both


def table_name(made: Twin) -> str:
    (table,) = made.deployment.tables.values()
    return table.name


def update(made: Twin, key: str, update_expression: str, condition: str | None = None, **more: Any) -> None:
    text = f"{update_expression} {condition or ''}"
    given: dict[str, Any] = {"UpdateExpression": update_expression, "ReturnValues": "ALL_NEW", **more}
    if condition is not None:
        given |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    words = set(text.replace("(", " ").replace(")", " ").replace(",", " ").split())
    if values := {name: value for name, value in VALUES.items() if name in words}:
        given["ExpressionAttributeValues"] = values
    if names := {name: value for name, value in NAMES.items() if name in words}:
        given["ExpressionAttributeNames"] = names
    made.compare("dynamodb", "update_item", TableName=table_name(made), Key={"pk": {"S": key}}, **given)


def put(made: Twin, **changes: Any) -> None:
    made.compare("dynamodb", "put_item", TableName=table_name(made), Item=ITEM | changes)


def look(made: Twin, *keys: str) -> None:
    for key in keys:
        made.compare("dynamodb", "get_item", TableName=table_name(made), Key={"pk": {"S": key}}, ConsistentRead=True)


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(["there", "new"], id="one of two"),
        pytest.param(["new"], id="nothing"),
        pytest.param(["there", "there"], id="twice the same"),
        pytest.param([f"key {number}" for number in range(101)], id="more than a hundred"),
    ],
)
def test_several_at_once(made: Twin, keys: list[str]) -> None:
    put(made)
    asked = {table_name(made): {"Keys": [{"pk": {"S": key}} for key in keys], "ConsistentRead": True}}
    made.compare("dynamodb", "batch_get_item", RequestItems=asked)


@pytest.mark.parametrize("key", ["there", "new"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition(made: Twin, condition: str, key: str) -> None:
    put(made)
    update(made, key, "SET outcome = :a", condition)
    look(made, key)


@pytest.mark.parametrize("key", ["there", "new"])
@pytest.mark.parametrize("update_expression", UPDATES)
def test_update(made: Twin, update_expression: str, key: str) -> None:
    put(made)
    update(made, key, update_expression)
    look(made, key)


@pytest.mark.parametrize("wanted", ["NONE", "ALL_OLD", "ALL_NEW"])
def test_what_an_update_returns(made: Twin, wanted: str) -> None:
    put(made)
    for key in ("there", "new"):
        update(made, key, "SET note = :a", ReturnValues=wanted)


@pytest.mark.parametrize("more", [{"ExpressionAttributeValues": VALUES}, {"ExpressionAttributeNames": NAMES}])
def test_update_with_an_unused_placeholder(made: Twin, more: dict[str, Any]) -> None:
    update(made, "there", "REMOVE note", **more)


def test_delete(made: Twin) -> None:
    put(made, bsp_id={"S": "x"})
    refused = {"ConditionExpression": "note = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}
    for more in (refused, {}, {}):
        made.compare("dynamodb", "delete_item", TableName=table_name(made), Key={"pk": {"S": "there"}}, **more)
        look(made, "there")


@pytest.mark.parametrize("seed", range(6))
def test_table_on_a_random_way(made: Twin, seed: int) -> None:
    """The bridge's own writes, in any order, of a few messages and people."""
    random = Random(seed)
    table = Table(table_name(made), made.client("dynamodb"), made.time)
    waiting = Waiting(table, 35)
    claims, leases, once, notes = Claims(table, 35), Leases(table), Once(table), StoredNotes(table)

    def any_of(letters: str) -> str:
        return random.choice(letters)

    def steps() -> list[Callable[[], Any]]:
        message, owner = any_of("abc"), any_of("xy")
        # Of two messages with one id, an index gives either first.
        bsp_id = message + any_of("123")
        rung, now = random.choice([1, 2, 3, 9]), int(made.time.now * 1000)
        return [
            lambda: claims.claim(
                "acme", message, owner, "ann", any_of("gh"), sending=random.random() < 0.5, begun=BEGUN
            ),
            lambda: claims.release("acme", message, any_of("gh"), 5, Verdict(1004, "x", "43"), TRIED, now / 1000),
            lambda: claims.withdraw("acme", message, any_of("gh")),
            lambda: claims.settle("acme", message, random.choice(["accepted", "rejected", "released"]), bsp_id),
            lambda: claims.confirm("acme", message, random.choice([None, bsp_id])),
            lambda: claims.clicked("acme", message),
            lambda: claims.unconfirmed("acme", message),
            lambda: claims.reference_of("acme", bsp_id),
            lambda: leases.begin("acme", message, owner, rung, heard=random.random() < 0.5, bsp_id=bsp_id),
            lambda: leases.end("acme", message, owner, rung, [Told(rung, now, now)], Failure(1004, "x")),
            lambda: leases.leave("acme", message, owner, Untold(rung, now, 1, None, now, "HTTP 500")),
            lambda: leases.leave("acme", message, owner),
            lambda: once.begin_reply("acme", message, owner),
            lambda: once.end_reply("acme", message),
            lambda: once.leave_click("acme", message, owner),
            lambda: waiting.expect("acme", "ann", message, now, named=random.random() < 0.5),
            lambda: waiting.wait("acme", "ann", message),
            lambda: waiting.name("acme", "ann", message, bsp_id),
            lambda: waiting.bind("acme", ["ann"], bsp_id),
            lambda: waiting.dismiss("acme", "ann", message),
            lambda: notes.put("acme", message, "a note", 60),
            lambda: notes.get("acme", message),
        ]

    for _ in range(200):
        made.time.now += random.choice([0.0, 0.0, 1.0, 50.0, 130.0, 4000.0])
        random.choice(steps())()
