"""DynamoDB's expressions, compiled once per text: what the bridge uses of them, anything else is an error.

Grammar: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html. Not here: nested paths, sets
and lists, BETWEEN, and the functions besides attribute_exists, attribute_not_exists and if_not_exists.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, Final, NamedTuple

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from local.simulation import rules

type Value = Mapping[str, Any]
"""In the form of the wire: {"S": "text"}."""
type Item = Mapping[str, Value]
type Names = Mapping[str, str]
type Values = Mapping[str, Value]
type Operand = Callable[[Item, Names, Values], Value | None]
"""None for an attribute that the item does not have."""
type Test = Callable[[Item, Names, Values], bool]

_TOKEN: Final = re.compile(r"\s*(?:([#:]\w+|[A-Za-z_]\w*)|(<>|<=|>=|[=<>+\-(),])|(\S))")
_COMPARED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": lambda one, other: bool(one < other),
    "<=": lambda one, other: bool(one <= other),
    ">": lambda one, other: bool(one > other),
    ">=": lambda one, other: bool(one >= other),
}
_CLAUSES: Final = ("SET", "REMOVE", "ADD", "DELETE")


class ExpressionInvalid(Exception):
    """What DynamoDB answers with a ValidationException."""


class Action(NamedTuple):
    """`value` is None where the attribute is removed; `target` is its name or placeholder."""

    target: str
    value: Operand | None


class Compiled(NamedTuple):
    """`names` and `values` are the placeholders that the expressions use."""

    actions: tuple[Action, ...]
    test: Test
    names: frozenset[str]
    values: frozenset[str]


@lru_cache(maxsize=2048)
def compiled(update: str | None, condition: str | None) -> Compiled:
    """Raises `ExpressionInvalid`."""
    names: set[str] = set()
    values: set[str] = set()
    actions: tuple[Action, ...] = ()
    test: Test = _always
    if update is not None:
        actions = _Parser("UpdateExpression", update, names, values).update()
    if condition is not None:
        test = _Parser("ConditionExpression", condition, names, values).condition()
    return Compiled(actions, test, frozenset(names), frozenset(values))


def changed(actions: tuple[Action, ...], item: Item, names: Names, values: Values) -> dict[str, Value]:
    """The item after the update. Raises `ExpressionInvalid`."""
    after = dict(item)
    for target, operand in actions:
        name = names.get(target, target)
        if operand is None:
            after.pop(name, None)
            continue
        value = operand(item, names, values)
        if value is None:
            raise ExpressionInvalid("The provided expression refers to an attribute that does not exist in the item")
        after[name] = value
    return after


def number(text: str) -> int | Decimal:
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


def same(one: Value | None, other: Value | None) -> bool:
    if one == other:
        return True
    return bool(one and other and "N" in one and "N" in other and number(one["N"]) == number(other["N"]))


def _always(item: Item, names: Names, values: Values) -> bool:
    return True


@cache
def _reserved() -> frozenset[str]:
    return frozenset(ReservedKeywords.get_reserved_keywords())


class _Parser:
    """Recursive descent. The placeholders that it meets go to `names` and `values`."""

    def __init__(self, kind: str, text: str, names: set[str], values: set[str]) -> None:
        self._kind, self._names, self._values = kind, names, values
        if len(text.encode()) > rules.MAX_EXPRESSION_BYTES:
            raise self._invalid("Expression size has exceeded the maximum allowed size;")
        self._tokens: list[str] = []
        for word, sign, other in _TOKEN.findall(text.strip()):
            if other:
                raise self._invalid(f'Syntax error; token: "{other}", near: "{text}"')
            self._tokens.append(word or sign)
        self._tokens.append("")
        self._place = 0

    def _invalid(self, reason: str) -> ExpressionInvalid:
        return ExpressionInvalid(f"Invalid {self._kind}: {reason}")

    def _peek(self) -> str:
        return self._tokens[self._place]

    def _next(self) -> str:
        token = self._tokens[self._place]
        self._place += 1
        return token

    def _accept(self, word: str) -> bool:
        if self._peek().upper() != word:
            return False
        self._place += 1
        return True

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise self._unexpected()

    def _unexpected(self) -> ExpressionInvalid:
        near = " ".join(self._tokens[max(0, self._place - 1) : self._place + 2]).strip()
        return self._invalid(f'Syntax error; token: "{self._peek() or "<EOF>"}", near: "{near}"')

    # --- operands ----------------------------------------------------------------------------------------------------

    def _name(self) -> str:
        """An attribute's name or placeholder."""
        token = self._peek()
        if not token or not (token[0] in "#_" or token[0].isalpha()):
            raise self._unexpected()
        if token[0] == "#":
            self._names.add(token)
        elif token.upper() in _reserved():
            raise self._invalid(f"Attribute name is a reserved keyword; reserved keyword: {token}")
        return self._next()

    def _operand(self) -> Operand:
        if not self._peek().startswith(":"):
            return _attribute(self._name())
        value = self._next()
        self._values.add(value)
        return lambda item, names, values: values[value]

    # --- updates -----------------------------------------------------------------------------------------------------

    def update(self) -> tuple[Action, ...]:
        actions: list[Action] = []
        clauses: set[str] = set()
        while self._peek():
            clause = self._peek().upper()
            if clause not in _CLAUSES:
                raise self._unexpected()
            if clause in clauses:
                raise self._invalid(f'The "{clause}" section can only be used once in an update expression;')
            clauses.add(clause)
            self._next()
            actions.append(self._action(clause))
            while self._accept(","):
                actions.append(self._action(clause))
        if not actions:
            raise self._invalid("The expression can not be empty;")
        return tuple(actions)

    def _action(self, clause: str) -> Action:
        target = self._name()
        if clause == "REMOVE":
            return Action(target, None)
        if clause == "SET":
            self._expect("=")
            return Action(target, self._sum())
        if clause == "ADD":
            return Action(target, _calculated(_or(_attribute(target), _zero), "+", self._operand()))
        raise NotImplementedError("DELETE in update expressions is not simulated")

    def _sum(self) -> Operand:
        operand = self._settable()
        if self._peek() in ("+", "-"):
            return _calculated(operand, self._next(), self._settable())
        return operand

    def _settable(self) -> Operand:
        if self._tokens[self._place + 1 : self._place + 2] != ["("]:
            return self._operand()
        if not self._accept("IF_NOT_EXISTS"):
            raise NotImplementedError(f"{self._peek()} in update expressions is not simulated")
        self._expect("(")
        present = _attribute(self._name())
        self._expect(",")
        default = self._settable()
        self._expect(")")
        return _or(present, default)

    # --- conditions --------------------------------------------------------------------------------------------------

    def condition(self) -> Test:
        test = self._either()
        if self._peek():
            raise self._unexpected()
        return test

    def _either(self) -> Test:
        tests = [self._all()]
        while self._accept("OR"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda *given: any(test(*given) for test in tests)

    def _all(self) -> Test:
        tests = [self._negated()]
        while self._accept("AND"):
            tests.append(self._negated())
        return tests[0] if len(tests) == 1 else lambda *given: all(test(*given) for test in tests)

    def _negated(self) -> Test:
        if not self._accept("NOT"):
            return self._single()
        test = self._negated()
        return lambda *given: not test(*given)

    def _single(self) -> Test:
        if self._accept("("):
            test = self._either()
            self._expect(")")
            return test
        if self._tokens[self._place + 1 : self._place + 2] == ["("]:
            return self._function()
        left = self._operand()
        if self._accept("IN"):
            return self._in(left)
        sign = self._next()
        if sign in ("=", "<>"):
            return _equality(left, self._operand(), expected=sign == "=")
        if sign in _COMPARED:
            return _order(left, self._operand(), _COMPARED[sign])
        if sign.upper() == "BETWEEN":
            raise NotImplementedError("BETWEEN in condition expressions is not simulated")
        self._place -= 1
        raise self._unexpected()

    def _function(self) -> Test:
        exists = self._accept("ATTRIBUTE_EXISTS")
        if not exists and not self._accept("ATTRIBUTE_NOT_EXISTS"):
            raise NotImplementedError(f"{self._peek()} in condition expressions is not simulated")
        self._expect("(")
        name = self._name()
        self._expect(")")
        if exists:
            return lambda item, names, values: names.get(name, name) in item
        return lambda item, names, values: names.get(name, name) not in item

    def _in(self, left: Operand) -> Test:
        self._expect("(")
        operands = [self._operand()]
        while self._accept(","):
            operands.append(self._operand())
        self._expect(")")

        def test(item: Item, names: Names, values: Values) -> bool:
            value = left(item, names, values)
            return value is not None and any(same(value, operand(item, names, values)) for operand in operands)

        return test


def _attribute(name: str) -> Operand:
    if name.startswith("#"):
        return lambda item, names, values: item.get(names[name])
    return lambda item, names, values: item.get(name)


def _zero(item: Item, names: Names, values: Values) -> Value:
    return {"N": "0"}


def _or(present: Operand, default: Operand) -> Operand:
    def operand(item: Item, names: Names, values: Values) -> Value | None:
        value = present(item, names, values)
        return default(item, names, values) if value is None else value

    return operand


def _calculated(left: Operand, sign: str, right: Operand) -> Operand:
    def operand(item: Item, names: Names, values: Values) -> Value | None:
        one, other = left(item, names, values), right(item, names, values)
        if one is None or other is None:
            return None
        if "N" not in one or "N" not in other:
            raise ExpressionInvalid("An operand in the update expression has an incorrect data type")
        first, second = number(one["N"]), number(other["N"])
        return {"N": str(first + second if sign == "+" else first - second)}

    return operand


def _equality(left: Operand, right: Operand, *, expected: bool) -> Test:
    def test(item: Item, names: Names, values: Values) -> bool:
        one, other = left(item, names, values), right(item, names, values)
        # An attribute that is not there differs from every value.
        return (one is not None and other is not None and same(one, other)) is expected

    return test


def _order(left: Operand, right: Operand, compared: Callable[[Any, Any], bool]) -> Test:
    def test(item: Item, names: Names, values: Values) -> bool:
        one, other = left(item, names, values), right(item, names, values)
        if one is None or other is None:
            return False
        if "N" in one and "N" in other:
            return compared(number(one["N"]), number(other["N"]))
        if "S" in one and "S" in other:
            return compared(one["S"].encode(), other["S"].encode())
        return False

    return test
