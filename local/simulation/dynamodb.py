"""DynamoDB in memory: tables with a hash key and indexes, and the client methods that the bridge uses."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from local.simulation import rules
from local.simulation.expressions import (
    Compiled,
    ExpressionInvalid,
    Item,
    Names,
    Value,
    Values,
    changed,
    compiled,
)
from local.simulation.service import Refused, Service, operation

_EQUALS: Final = re.compile(r"\s*(#?\w+)\s*=\s*(:\w+)\s*")
_VALIDATION: Final = "ValidationException"
_THROTTLED: Final = "ProvisionedThroughputExceededException"


@dataclass
class Units:
    """What calls have consumed, as it is billed on demand."""

    writes: int = 0
    index_writes: int = 0
    reads: float = 0.0


@dataclass
class Throughput:
    """Units that are taken in each second; None for no limit. Beyond, calls are throttled before anything is done."""

    writes: float | None = None
    reads: float | None = None
    index_writes: float | None = None
    """Of each index. An index that is throttled throttles its table."""
    key_writes: float | None = None
    key_reads: float | None = None
    full: Callable[[str, str], bool] = lambda kind, of: False
    """Whether others have used up a limit, by its name and what it is of."""
    throttled: Callable[[Mapping[str, str]], None] = lambda reason: None
    """Is told the reason of each that is throttled, also of one of a batch, whose call does not fail."""
    _second: int = 0
    _used: dict[tuple[str, str], float] = field(default_factory=dict)

    @classmethod
    def of_a_new_table(cls) -> Self:
        """What a table on demand takes at first, without warm throughput."""
        return cls(
            writes=rules.NEW_TABLE_WRITES,
            reads=rules.NEW_TABLE_READS,
            index_writes=rules.NEW_TABLE_WRITES,
            key_writes=rules.PARTITION_WRITES,
            key_reads=rules.PARTITION_READS,
        )

    def take(self, now: float, asked: Iterable[tuple[str, str, float]]) -> None:
        """Use these units, (limit's name, of what, units), or none of them. Raises `Refused`."""
        if int(now) != self._second:
            self._second, self._used = int(now), {}
        taken = list(asked)
        for kind, of, units in taken:
            limit, used = getattr(self, kind), self._used.get((kind, of), 0.0)
            # A call that alone is above the limit is taken by an idle table, which borrows from the next seconds.
            if self.full(kind, of) or (limit is not None and used and used + units > limit):
                reason = _throttling(kind, of)
                self.throttled(reason)
                message = f"The level of configured throughput was exceeded ({kind})."
                raise Refused(_THROTTLED, message, ThrottlingReasons=[reason])
        for kind, of, units in taken:
            self._used[kind, of] = self._used.get((kind, of), 0.0) + units


def _throttling(kind: str, of: str) -> dict[str, str]:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ThrottlingReason.html"""
    index = "" if kind.startswith("key_") else of
    what = ("Index" if index else "Table") + ("Write" if kind.endswith("writes") else "Read")
    limit = "KeyRangeThroughputExceeded" if kind.startswith("key_") else "AccountLimitExceeded"
    return {"reason": what + limit, "resource": f"table/index/{index}" if index else "table"}


class Index:
    """A global secondary index, which shows a write only after the table's lag."""

    def __init__(self, definition: Mapping[str, Any], table_key: str) -> None:
        (schema,) = definition["KeySchema"]
        self.name: str = definition["IndexName"]
        self.key: str = schema["AttributeName"]
        projection = definition["Projection"]
        kept = {table_key, self.key, *projection.get("NonKeyAttributes", ())}
        self._projected = None if projection["ProjectionType"] == "ALL" else kept
        self._shown: dict[str, dict[str, Item]] = {}
        self._pending: deque[tuple[float, str, Item | None, Item | None]] = deque()

    def projected(self, item: Item | None) -> Item | None:
        """What the index has of an item; None if the item is not in it."""
        if item is None or self.key not in item:
            return None
        return item if self._projected is None else {n: v for n, v in item.items() if n in self._projected}

    def write(self, key: str, before: Item | None, after: Item | None, due: float) -> None:
        """Show `after` in the place of `before`, from `due` on; never before an earlier write."""
        self._pending.append((max(due, self._pending[-1][0]) if self._pending else due, key, before, after))

    def found(self, value: str, now: float) -> list[Item]:
        self.settle(now)
        return list(self._shown.get(value, {}).values())

    def settle(self, now: float) -> None:
        while self._pending and self._pending[0][0] <= now:
            _, key, before, after = self._pending.popleft()
            if before is not None:
                shown = self._shown[before[self.key]["S"]]
                del shown[key]
                if not shown:
                    del self._shown[before[self.key]["S"]]
            if after is not None:
                self._shown.setdefault(after[self.key]["S"], {})[key] = after


class Table:
    """`definition` are CreateTable's arguments, or CloudFormation's; `ttl_attribute` is '' if nothing expires."""

    def __init__(self, definition: Mapping[str, Any], ttl_attribute: str = "") -> None:
        (schema,) = definition["KeySchema"]
        types = {one["AttributeName"]: one["AttributeType"] for one in definition["AttributeDefinitions"]}
        if set(types.values()) != {"S"}:
            raise ValueError("only texts can be keys here")
        self.name: str = definition["TableName"]
        self.key: str = schema["AttributeName"]
        self.ttl_attribute = ttl_attribute
        self.indexes = {one["IndexName"]: Index(one, self.key) for one in definition.get("GlobalSecondaryIndexes", ())}
        self.items: dict[str, Item] = {}
        self.units = Units()
        self.throughput = Throughput()
        self.lag: Callable[[], float] = lambda: 0.0
        """Seconds after which the indexes show a write; asked for each one."""
        self._sizes: dict[str, int] = {}

    def size(self, key: str) -> int:
        return self._sizes.get(key, 0)

    def key_of(self, key: Item) -> str:
        """Raises `Refused`."""
        if key.keys() != {self.key} or "S" not in key[self.key]:
            raise Refused(_VALIDATION, "The provided key element does not match the schema")
        text: str = key[self.key]["S"]
        if not text:
            reason = "The AttributeValue for a key attribute cannot contain an empty string value."
            raise Refused(_VALIDATION, f"One or more parameter values are not valid. {reason} Key: {self.key}")
        if len(text.encode()) > rules.MAX_KEY_BYTES:
            reason = "Size of hashkey has exceeded the maximum size limit of2048 bytes"
            raise Refused(_VALIDATION, f"One or more parameter values were invalid: {reason}")
        return text

    def write(self, key: str, after: Item | None, now: float) -> None:
        """Put `after` in the item's place; None deletes it. Raises `Refused`."""
        before = self.items.get(key)
        size = 0 if after is None else item_size(after)
        if size > rules.MAX_ITEM_BYTES:
            raise Refused(_VALIDATION, "Item size to update has exceeded the maximum allowed size")
        moves = [(index, index.projected(before), index.projected(after)) for index in self.indexes.values()]
        for index, _, shown in moves:
            _check_index_key(index, shown)
        of_indexes = {index.name: _index_units(old, new, index) for index, old, new in moves}
        self._consume(key, rules.write_units(self.size(key), size), of_indexes, now)
        self._store(key, after, size, now)

    def _store(self, key: str, after: Item | None, size: int, now: float) -> None:
        before, due = self.items.get(key), now + self.lag()
        for index in self.indexes.values():
            old, new = index.projected(before), index.projected(after)
            if old != new:
                index.write(key, old, new, due)
                index.settle(now)
        if after is None:
            self.items.pop(key, None)
            self._sizes.pop(key, None)
        else:
            self.items[key], self._sizes[key] = after, size

    def refuse(self, key: str, now: float, *, tell: bool) -> Refused:
        """The error of a write whose condition fails, which is billed all the same."""
        self._consume(key, rules.write_units(self.size(key), 0), {}, now)
        item = self.items.get(key)
        members: dict[str, Any] = {"Item": dict(item)} if tell and item is not None else {}
        return Refused("ConditionalCheckFailedException", "The conditional request failed", **members)

    def _consume(self, key: str, units: int, of_indexes: Mapping[str, int], now: float) -> None:
        indexed = [("index_writes", name, float(count)) for name, count in of_indexes.items() if count]
        self.throughput.take(now, [("writes", "", units), ("key_writes", key, units), *indexed])
        self.units.writes += units
        self.units.index_writes += sum(of_indexes.values())

    def read(self, key: str, *, consistent: bool, now: float) -> Item | None:
        """Raises `Refused`."""
        units = rules.read_units(self.size(key), consistent=consistent)
        self.throughput.take(now, [("reads", "", units), ("key_reads", key, units)])
        self.units.reads += units
        return self.items.get(key)

    def query(self, index_name: str, key: str, limit: int | None, now: float) -> list[Item]:
        """Raises `Refused`."""
        items = self.indexes[index_name].found(key, now)[:limit]
        units = rules.read_units(sum(map(item_size, items)), consistent=False)
        self.throughput.take(now, [("reads", index_name, units)])
        self.units.reads += units
        return items

    def delete_expired(self, before: float, now: float) -> int:
        """What DynamoDB does within days, free of charge: delete the items that expired earlier than `before`."""
        expired = [
            key
            for key, item in self.items.items()
            if "N" in (expires := item.get(self.ttl_attribute, {})) and float(expires["N"]) < before
        ]
        for key in expired:
            self._store(key, None, 0, now)
        return len(expired)


class DynamoDb(Service):
    name = "dynamodb"

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.tables: dict[str, Table] = {}

    def create(self, definition: Mapping[str, Any], ttl_attribute: str = "") -> Table:
        table = Table(definition, ttl_attribute)
        self.tables[table.name] = table
        return table

    @operation("UpdateItem")
    def update_item(
        self,
        *,
        TableName: str,
        Key: Item,
        UpdateExpression: str,
        ConditionExpression: str | None = None,
        ExpressionAttributeNames: Names | None = None,
        ExpressionAttributeValues: Values | None = None,
        ReturnValues: str = "NONE",
        ReturnValuesOnConditionCheckFailure: str = "NONE",
    ) -> dict[str, Any]:
        names, values, now = ExpressionAttributeNames or {}, ExpressionAttributeValues or {}, self.clock()
        table = self._table(TableName)
        expression = _compiled(UpdateExpression, ConditionExpression, names, values)
        _check_targets(expression, table, names)
        key = table.key_of(Key)
        before = table.items.get(key)
        if not expression.test(before or {}, names, values):
            raise table.refuse(key, now, tell=ReturnValuesOnConditionCheckFailure == "ALL_OLD")
        after = _changed(expression, before if before is not None else Key, names, values)
        table.write(key, after, now)
        return _returned(ReturnValues, before, after)

    @operation("PutItem")
    def put_item(
        self,
        *,
        TableName: str,
        Item: Item,
        ConditionExpression: str | None = None,
        ExpressionAttributeNames: Names | None = None,
        ExpressionAttributeValues: Values | None = None,
        ReturnValuesOnConditionCheckFailure: str = "NONE",
    ) -> dict[str, Any]:
        condition = (ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues)
        table = self._table(TableName)
        key = table.key_of({table.key: Item[table.key]} if table.key in Item else {})
        self._check(table, key, *condition, tell=ReturnValuesOnConditionCheckFailure == "ALL_OLD")
        table.write(key, dict(Item), self.clock())
        return {}

    @operation("DeleteItem")
    def delete_item(
        self,
        *,
        TableName: str,
        Key: Item,
        ConditionExpression: str | None = None,
        ExpressionAttributeNames: Names | None = None,
        ExpressionAttributeValues: Values | None = None,
        ReturnValuesOnConditionCheckFailure: str = "NONE",
    ) -> dict[str, Any]:
        condition = (ConditionExpression, ExpressionAttributeNames, ExpressionAttributeValues)
        table = self._table(TableName)
        key = table.key_of(Key)
        self._check(table, key, *condition, tell=ReturnValuesOnConditionCheckFailure == "ALL_OLD")
        table.write(key, None, self.clock())
        return {}

    @operation("GetItem")
    def get_item(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> dict[str, Any]:
        table = self._table(TableName)
        item = table.read(table.key_of(Key), consistent=ConsistentRead, now=self.clock())
        return {} if item is None else {"Item": dict(item)}

    @operation("BatchGetItem")
    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        """Of a hundred keys at most. What is throttled, and what is behind 16 MB, is named as unprocessed; the call
        fails only if there is nothing else.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
        """
        _check_batch(RequestItems)
        responses: dict[str, list[Item]] = {name: [] for name in RequestItems}
        left: dict[str, Any] = {}
        size, throttled = 0, None
        for name, asked in RequestItems.items():
            table, consistent = self._table(name), asked.get("ConsistentRead", False)
            for given in asked["Keys"]:
                key = table.key_of(given)
                try:
                    too_much = size + table.size(key) > rules.MAX_BATCH_BYTES
                    item = None if too_much else table.read(key, consistent=consistent, now=self.clock())
                except Refused as refused:
                    too_much, throttled = True, refused
                if too_much:
                    left.setdefault(name, {**asked, "Keys": []})["Keys"].append(given)
                elif item is not None:
                    size += table.size(key)
                    responses[name].append(dict(item))
        if throttled is not None and sum(len(of["Keys"]) for of in left.values()) == _keys_in(RequestItems):
            raise throttled
        return {"Responses": responses, "UnprocessedKeys": left}

    @operation("Query")
    def query(
        self,
        *,
        TableName: str,
        IndexName: str,
        KeyConditionExpression: str,
        ExpressionAttributeValues: Values,
        ExpressionAttributeNames: Names | None = None,
        Limit: int | None = None,
    ) -> dict[str, Any]:
        """Of an index, for one value of its key."""
        table = self._table(TableName)
        value = _asked(table, IndexName, KeyConditionExpression, ExpressionAttributeNames or {})
        items = table.query(IndexName, ExpressionAttributeValues[value]["S"], Limit, self.clock())
        return {"Items": [dict(item) for item in items], "Count": len(items), "ScannedCount": len(items)}

    def _table(self, name: str) -> Table:
        try:
            return self.tables[name]
        except KeyError:
            raise Refused("ResourceNotFoundException", "Requested resource not found") from None

    def _check(
        self, table: Table, key: str, condition: str | None, names: Names | None, values: Values | None, *, tell: bool
    ) -> None:
        """Raises `Refused` if the condition of a put or delete fails."""
        given_names, given_values = names or {}, values or {}
        expression = _compiled(None, condition, given_names, given_values)
        if not expression.test(table.items.get(key, {}), given_names, given_values):
            raise table.refuse(key, self.clock(), tell=tell)


def _keys_in(asked: Mapping[str, Any]) -> int:
    return sum(len(of["Keys"]) for of in asked.values())


def _check_batch(asked: Mapping[str, Any]) -> None:
    """Raises `Refused`."""
    if not 1 <= _keys_in(asked) <= rules.MAX_BATCH_KEYS:
        raise Refused(_VALIDATION, "Too many items requested for the BatchGetItem call")
    for of in asked.values():
        keys = [str(sorted(key.items())) for key in of["Keys"]]
        if len(set(keys)) < len(keys):
            raise Refused(_VALIDATION, "Provided list of item keys contains duplicates")


def item_size(item: Item) -> int:
    """Bytes, about as DynamoDB counts them.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Value) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return len(content.encode())
    if kind == "N":
        return len(content) // 2 + 2
    if kind == "B":
        return len(content)
    return 1 if kind in ("BOOL", "NULL") else len(str(content))


def _index_units(before: Item | None, after: Item | None, index: Index) -> int:
    """Writes to an index: one if the item comes, goes or changes there, two if its key changes."""
    if before == after:
        return 0
    if before is None or after is None:
        return rules.write_units(item_size(before or after or {}), 0)
    if before[index.key] == after[index.key]:
        return rules.write_units(item_size(before), item_size(after))
    return rules.write_units(item_size(before), 0) + rules.write_units(0, item_size(after))


def _compiled(update: str | None, condition: str | None, names: Names, values: Values) -> Compiled:
    try:
        expression = compiled(update, condition)
    except ExpressionInvalid as error:
        raise Refused(_VALIDATION, str(error)) from None
    if expression.names != names.keys():
        raise Refused(_VALIDATION, _placeholders("Names", expression.names, names.keys()))
    if expression.values != values.keys():
        raise Refused(_VALIDATION, _placeholders("Values", expression.values, values.keys()))
    return expression


def _placeholders(kind: str, used: Iterable[str], given: Iterable[str]) -> str:
    unused = sorted(set(given) - set(used))
    if unused:
        return f"Value provided in ExpressionAttribute{kind} unused in expressions: keys: {{{', '.join(unused)}}}"
    undefined = sorted(set(used) - set(given))[0]
    what = "name used in the document path" if kind == "Names" else "value used in expression"
    which = "name" if kind == "Names" else "value"
    return f"An expression attribute {what} is not defined; attribute {which}: {undefined}"


def _check_targets(expression: Compiled, table: Table, names: Names) -> None:
    targets = [names.get(action.target, action.target) for action in expression.actions]
    if table.key in targets:
        reason = f"Cannot update attribute {table.key}. This attribute is part of the key"
        raise Refused(_VALIDATION, f"One or more parameter values were invalid: {reason}")
    if len(set(targets)) < len(targets):
        reason = "Two document paths overlap with each other; must remove or rewrite one of these paths"
        raise Refused(_VALIDATION, f"Invalid UpdateExpression: {reason}")


def _changed(expression: Compiled, item: Item, names: Names, values: Values) -> dict[str, Value]:
    try:
        return changed(expression.actions, item, names, values)
    except ExpressionInvalid as error:
        raise Refused(_VALIDATION, str(error)) from None


def _check_index_key(index: Index, item: Item | None) -> None:
    if item is not None and not item[index.key].get("S"):
        reason = "The AttributeValue for a key attribute cannot contain an empty string value, or another type."
        raise Refused(_VALIDATION, f"One or more parameter values are not valid. {reason} IndexName: {index.name}")


def _returned(wanted: str, before: Item | None, after: Item) -> dict[str, Any]:
    if wanted == "ALL_NEW":
        return {"Attributes": dict(after)}
    if wanted == "ALL_OLD":
        return {} if before is None else {"Attributes": dict(before)}
    if wanted != "NONE":
        raise NotImplementedError(f"ReturnValues {wanted} is not simulated")
    return {}


def _asked(table: Table, index_name: str, condition: str, names: Names) -> str:
    """The placeholder of the value that a query asks for."""
    if index_name not in table.indexes:
        raise Refused(_VALIDATION, f"The table does not have the specified index: {index_name}")
    match = _EQUALS.fullmatch(condition)
    if match is None or names.get(match[1], match[1]) != table.indexes[index_name].key:
        raise Refused(_VALIDATION, "Query condition missed key schema element")
    return match[2]
