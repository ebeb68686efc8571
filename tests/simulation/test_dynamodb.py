"""What DynamoDB does and moto does not."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.simulation.dynamodb import DynamoDb, Throughput, Units

DEFINITION = {
    "TableName": "t",
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "bsp_id", "AttributeType": "S"},
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "bsp_id",
            "KeySchema": [{"AttributeName": "bsp_id", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}


class Sim:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.dynamodb = DynamoDb(lambda: self.now)
        self.table = self.dynamodb.create(DEFINITION, "expires_at")

    def set(self, key: str, name: str, value: str, condition: str | None = None) -> None:
        given: dict[str, Any] = {} if condition is None else {"ConditionExpression": condition}
        self.dynamodb.update_item(
            TableName="t",
            Key={"pk": {"S": key}},
            UpdateExpression=f"SET {name} = :value",
            ExpressionAttributeValues={":value": {"S": value}},
            **given,
        )

    def get(self, key: str, *, consistent: bool = True) -> Any:
        answer = self.dynamodb.get_item(TableName="t", Key={"pk": {"S": key}}, ConsistentRead=consistent)
        return answer.get("Item")

    def found(self, bsp_id: str) -> list[str]:
        answer = self.dynamodb.query(
            TableName="t",
            IndexName="bsp_id",
            KeyConditionExpression="bsp_id = :id",
            ExpressionAttributeValues={":id": {"S": bsp_id}},
        )
        return [item["pk"]["S"] for item in answer["Items"]]


@pytest.mark.parametrize(
    ("writes", "units"),
    [
        pytest.param([("a", "note", "x")], Units(1, 0), id="a new item"),
        pytest.param([("a", "note", "x" * 1500)], Units(2, 0), id="by the KiB"),
        pytest.param([("a", "note", "x" * 1500), ("a", "note", "x")], Units(4, 0), id="the larger of before and after"),
        pytest.param([("a", "bsp_id", "1")], Units(1, 1), id="into the index"),
        pytest.param([("a", "bsp_id", "1"), ("a", "bsp_id", "2")], Units(2, 3), id="another key in the index"),
        pytest.param([("a", "bsp_id", "1"), ("a", "note", "x")], Units(2, 1), id="nothing that the index has"),
    ],
)
def test_written_units(writes: list[tuple[str, str, str]], units: Units) -> None:
    sim = Sim()
    for write in writes:
        sim.set(*write)
    assert sim.table.units == units


def test_a_failed_condition_is_billed_by_what_is_there() -> None:
    sim = Sim()
    sim.set("a", "note", "x" * 1500)
    with pytest.raises(ClientError, match="ConditionalCheckFailedException"):
        sim.set("a", "note", "y", "attribute_not_exists(pk)")
    assert sim.table.units == Units(4, 0)


@pytest.mark.parametrize(("consistent", "units"), [(True, 2.0), (False, 1.0)])
def test_read_units(consistent: bool, units: float) -> None:
    sim = Sim()
    sim.set("a", "note", "x" * 5000)
    sim.get("a", consistent=consistent)
    assert sim.table.units.reads == units


def test_the_index_lags() -> None:
    sim = Sim()
    sim.table.lag = lambda: 2.0
    sim.set("a", "bsp_id", "1")
    assert (sim.get("a")["bsp_id"], sim.found("1")) == ({"S": "1"}, [])
    sim.now += 1.9
    sim.set("a", "bsp_id", "2")
    sim.now += 0.2
    assert (sim.found("1"), sim.found("2")) == (["a"], [])
    sim.now += 2
    assert (sim.found("1"), sim.found("2")) == ([], ["a"])


def test_the_index_shows_writes_in_their_order() -> None:
    sim = Sim()
    lags = iter([5.0, 0.0])
    sim.table.lag = lambda: next(lags)
    sim.set("a", "bsp_id", "1")
    sim.set("a", "bsp_id", "2")
    assert (sim.found("1"), sim.found("2")) == ([], [])
    sim.now += 5
    assert (sim.found("1"), sim.found("2")) == ([], ["a"])


@pytest.mark.parametrize(
    ("limit", "others_go_on"),
    [
        pytest.param("writes", False, id="the table"),
        pytest.param("key_writes", True, id="one hot key"),
        pytest.param("index_writes", False, id="the index throttles the table"),
    ],
)
def test_throttled_writes(limit: str, others_go_on: bool) -> None:
    sim = Sim()
    setattr(sim.table.throughput, limit, 2)
    sim.set("a", "bsp_id", "1")
    sim.set("a", "extra_note", "x") if limit != "index_writes" else sim.set("b", "bsp_id", "1")
    before = dict(sim.table.items)
    with pytest.raises(ClientError, match="ProvisionedThroughputExceededException"):
        sim.set("a", "bsp_id", "2")
    assert sim.table.items == before
    if others_go_on:
        sim.set("c", "bsp_id", "1")
    else:
        with pytest.raises(ClientError, match="ProvisionedThroughputExceededException"):
            sim.set("c", "bsp_id", "1")
    sim.now += 1
    sim.set("a", "bsp_id", "2")


def test_a_new_table_takes_a_thousand_writes_of_one_key_and_four_thousand_of_all() -> None:
    sim = Sim()
    sim.table.throughput = Throughput.of_a_new_table()
    taken = 0
    for key in "abcde":
        for _ in range(1001):
            try:
                sim.set(key, "note", "x")
            except ClientError:
                break
            taken += 1
    assert taken == 4000


def test_throttled_reads() -> None:
    sim = Sim()
    sim.table.throughput.key_reads = 1
    sim.get("a")
    with pytest.raises(ClientError, match="ProvisionedThroughputExceededException"):
        sim.get("a")
    assert sim.get("b") is None


def test_throttled_keys_of_a_batch_are_named() -> None:
    sim = Sim()
    for key in "ab":
        sim.set(key, "note", "x")
    sim.table.throughput.full = lambda kind, of: (kind, of) == ("key_reads", "a")

    def read(*keys: str) -> Any:
        asked = [{"pk": {"S": key}} for key in keys]
        return sim.dynamodb.batch_get_item(RequestItems={"t": {"Keys": asked, "ConsistentRead": True}})

    answer = read("a", "b", "none")
    assert [item["pk"]["S"] for item in answer["Responses"]["t"]] == ["b"]
    assert answer["UnprocessedKeys"] == {"t": {"Keys": [{"pk": {"S": "a"}}], "ConsistentRead": True}}
    with pytest.raises(ClientError, match="ProvisionedThroughputExceededException"):
        read("a")


def test_a_batch_has_16_mb_at_most() -> None:
    sim = Sim()
    keys = [f"k{number}" for number in range(50)]
    for key in keys:
        sim.set(key, "note", "x" * 400_000)
    answer = sim.dynamodb.batch_get_item(RequestItems={"t": {"Keys": [{"pk": {"S": key}} for key in keys]}})
    assert len(answer["Responses"]["t"]) == 41
    assert len(answer["UnprocessedKeys"]["t"]["Keys"]) == 9


@pytest.mark.parametrize(
    ("used_up", "refused"),
    [
        pytest.param(("writes", ""), ["note of a", "note of b", "id of a"], id="the table"),
        pytest.param(("index_writes", "bsp_id"), ["id of a"], id="the index"),
        pytest.param(("key_writes", "a"), ["note of a", "id of a"], id="one hot key"),
        pytest.param(("key_reads", "a"), ["read of a"], id="reads of one hot key"),
    ],
)
def test_others_use_up_a_limit(used_up: tuple[str, str], refused: list[str]) -> None:
    sim = Sim()
    sim.table.throughput.full = lambda kind, of: (kind, of) == used_up
    calls: dict[str, Callable[[], object]] = {
        "note of a": lambda: sim.set("a", "note", "x"),
        "note of b": lambda: sim.set("b", "note", "x"),
        "id of a": lambda: sim.set("a", "bsp_id", "1"),
        "read of a": lambda: sim.get("a"),
        "read of b": lambda: sim.get("b"),
    }
    found = []
    for name, call in calls.items():
        try:
            call()
        except ClientError:
            found.append(name)
    assert found == refused


def test_expired_items_stay_until_they_are_deleted() -> None:
    sim = Sim()
    for key, expires in (("old", sim.now - 1000), ("new", sim.now - 10)):
        item = {"pk": {"S": key}, "bsp_id": {"S": key}, "expires_at": {"N": str(int(expires))}}
        sim.dynamodb.put_item(TableName="t", Item=item)
    units = Units(sim.table.units.writes, sim.table.units.index_writes)
    assert sim.get("old", consistent=False) is not None
    assert sim.table.delete_expired(sim.now - 500, sim.now) == 1
    assert (sim.found("old"), sim.found("new")) == ([], ["new"])
    assert (sim.table.units.writes, sim.table.units.index_writes) == (units.writes, units.index_writes)


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        pytest.param("", "note", "x", id="an empty key"),
        pytest.param("k" * 2049, "note", "x", id="a key that is too long"),
        pytest.param("a", "bsp_id", "", id="an empty key of the index"),
        pytest.param("a", "note", "x" * 410_000, id="an item that is too large"),
        pytest.param("a", "state", "x", id="a reserved word"),
    ],
)
def test_write_that_dynamodb_refuses(key: str, name: str, value: str) -> None:
    sim = Sim()
    with pytest.raises(ClientError, match="ValidationException"):
        sim.set(key, name, value)
    assert sim.table.items == {}


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("note = :unknown", "not defined"),
        ("note = ", "Syntax error"),
        ("note note", "Syntax error"),
        ("(note = :value", "Syntax error"),
        ("note = :value)", "Syntax error"),
        ("note ? :value", "Syntax error"),
        ("attribute_exists(:value)", "Syntax error"),
        ("note = :value AND " * 300 + "note = :value", "maximum allowed size"),
    ],
)
def test_condition_that_dynamodb_refuses(condition: str, words: str) -> None:
    with pytest.raises(ClientError, match="ValidationException") as raised:
        Sim().set("a", "note", "x", condition)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    "condition", ["size(note) < :value", "note BETWEEN :value AND :value", "contains(note, :value)"]
)
def test_what_is_not_simulated_is_an_error(condition: str) -> None:
    with pytest.raises(NotImplementedError):
        Sim().set("a", "note", "x", condition)
