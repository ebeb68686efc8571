"""CloudWatch: datapoints by minute, and the alarms of the template on them.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html. What is evaluated here is
what the template uses: a metric, metric math or a query by a dimension; a static threshold, M of N datapoints, missing
data as good, but for DynamoDB's metrics: an alarm on one of them keeps its state.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

type Key = tuple[str, str, tuple[tuple[str, str], ...]]


def key(namespace: str, metric: str, dimensions: Mapping[str, str]) -> Key:
    return namespace, metric, tuple(sorted(dimensions.items()))


class Datapoints:
    """`now` gives seconds since 1970."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.minutes: dict[Key, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(self, namespace: str, metric: str, dimensions: Mapping[str, str], value: float) -> None:
        self.minutes[key(namespace, metric, dimensions)][int(self._now() // 60)].append(value)

    def period(self, of: Key, start: int, minutes: int, statistic: str) -> float | None:
        """The statistic of some minutes; None without data."""
        known = self.minutes.get(of)
        values = [value for minute in range(start, start + minutes) for value in known.get(minute, ())] if known else []
        if not values:
            return None
        return _STATISTICS[statistic](values)


_STATISTICS: dict[str, Callable[[list[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
    "SampleCount": len,
    "Average": lambda values: sum(values) / len(values),
}


_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
    "LessThanOrEqualToThreshold": lambda value, threshold: value <= threshold,
}


# A query of Metrics Insights, as far as the template uses it: each group is watched on its own.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-metrics-insights-querylanguage.html
_QUERY = re.compile(
    r'SELECT SUM\((?P<metric>\w+)\) FROM SCHEMA\("(?P<namespace>[^"]+)", (?P<dimensions>[^)]+)\) '
    r'GROUP BY "(?P<by>\w+)" ORDER BY SUM\(\) DESC'
)


@dataclass(frozen=True)
class _Query:
    """A query finds the metrics that have all of its dimensions and no others."""

    namespace: str
    metric: str
    dimensions: tuple[str, ...]
    by: str

    def matches(self, of: Key) -> bool:
        namespace, metric, dimensions = of
        names = tuple(name for name, _ in dimensions)
        return (namespace, metric, names) == (self.namespace, self.metric, self.dimensions)


@dataclass(frozen=True)
class Alarm:
    """An alarm of the template, its properties resolved."""

    name: str
    properties: Mapping[str, Any] = field(repr=False)

    def rings(self, data: Datapoints, first: int, last: int, account: str | None = None) -> list[int]:
        """The minutes in which it goes into ALARM; the first one, if it has been there since before. One by account has
        a state for each: with `account`, its own."""
        return sorted({minute for values in self._series(data, account) for minute in self._rung(values, first, last)})

    def _rung(self, values: Callable[[int], float | None], first: int, last: int) -> list[int]:
        minutes = self._period_minutes()
        most = int(self.properties["EvaluationPeriods"])
        needed = int(self.properties.get("DatapointsToAlarm", most))
        compare = _COMPARISONS[self.properties["ComparisonOperator"]]
        threshold = float(self.properties["Threshold"])
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html, TreatMissingData
        keeps_state = self.properties.get("Namespace") == "AWS/DynamoDB"
        bad: list[bool] = []
        rung: list[int] = []
        ringing = False
        for start in range(first - first % minutes - most * minutes, last + 1, minutes):
            value = values(start)
            if value is None and keeps_state:
                continue
            bad.append(value is not None and compare(value, threshold))
            now = sum(bad[-most:]) >= needed
            if now and not (ringing and rung) and start + minutes > first:
                rung.append(start + minutes if not ringing else first)
            ringing = now
        return rung

    def _series(self, data: Datapoints, account: str | None) -> Iterable[Callable[[int], float | None]]:
        """What it watches: its value in the period that begins with a minute."""
        minutes = self._period_minutes()
        query = self._query()
        if query is None:
            return [lambda start: self._value(data, start, minutes)]
        return [
            partial(data.period, of, minutes=minutes, statistic="Sum")
            for of in list(data.minutes)
            if query.matches(of) and account in (None, dict(of[2])[query.by])
        ]

    def _query(self) -> "_Query | None":
        shown = self.properties.get("Metrics", [{}])[0]
        found = _QUERY.fullmatch(" ".join(str(shown.get("Expression", "")).split()))
        if found is None:
            return None
        of = tuple(sorted(re.findall(r'"(\w+)"', found["dimensions"])))
        return _Query(found["namespace"], found["metric"], of, found["by"])

    def _period_minutes(self) -> int:
        periods = [each.get("MetricStat", each).get("Period", 0) for each in self.properties.get("Metrics", ())]
        return int(max(periods, default=self.properties.get("Period", 60))) // 60

    def _value(self, data: Datapoints, start: int, minutes: int) -> float | None:
        if "Metrics" not in self.properties:
            return data.period(self._key(self.properties), start, minutes, self.properties.get("Statistic", "Average"))
        stats = {each["Id"]: each["MetricStat"] for each in self.properties["Metrics"] if "MetricStat" in each}
        (shown,) = [each for each in self.properties["Metrics"] if each.get("ReturnData", True) is not False]

        def stat(identifier: str, at: int) -> float | None:
            of = stats[identifier]
            return data.period(self._key(of["Metric"]), at, minutes, of["Stat"])

        if "Expression" not in shown:
            return stat(shown["Id"], start)
        return _calculated(ast.parse(shown["Expression"], mode="eval").body, stat, start, minutes)

    @staticmethod
    def _key(metric: Mapping[str, Any]) -> Key:
        dimensions = {each["Name"]: str(each["Value"]) for each in metric.get("Dimensions", [])}
        return key(metric["Namespace"], metric["MetricName"], dimensions)


def _calculated(node: ast.expr, stat: Callable[[str, int], float | None], start: int, minutes: int) -> float | None:
    """Metric math, as far as the template uses it; None without data.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
    """

    def of(part: ast.expr, at: int = start) -> float | None:
        return _calculated(part, stat, at, minutes)

    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Name(id=name):
            return stat(name, start)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _OPERATORS:
            a, b = of(left), of(right)
            return None if a is None or b is None else _OPERATORS[type(operator)](a, b)
        case ast.Compare(left=left, ops=[ast.Gt()], comparators=[right]):
            a, b = of(left), of(right)
            return None if a is None or b is None else float(a > b)
        case ast.Call(func=ast.Name(id="DIFF"), args=[part]):
            a, b = of(part), of(part, start - minutes)
            return None if a is None or b is None else a - b
        case ast.Call(func=ast.Name(id="FILL"), args=[part, ast.Constant(value=int() | float() as value)]):
            known_value = of(part)
            return float(value) if known_value is None else known_value
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            chosen = of(condition)
            return None if chosen is None else of(then if chosen else otherwise)
        case ast.Call(func=ast.Name(id="SUM"), args=[ast.List(elts=parts)]):
            # A metric without data adds nothing.
            known = [each for part in parts if (each := of(part)) is not None]
            return sum(known) if known else None
    raise NotImplementedError(f"metric math {ast.unparse(node)}")


_OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}
