"""Makes verdicts, a table and JSON from samples."""

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from local.bench.cases import Case
from local.bench.measure import WARM_EVENTS, BenchError, Sample

# Modules that only dispatch and forward need.
_NOT_FOR_SEND = re.compile(
    r"(cryptography|requests|whatsapp_bridge\.(media\.(fetch|file_types)|store\.keys|providers\.\w+\.(client|encryption)))(\..*)?"
)
_SERVICE_FILE = re.compile(r".*/botocore/data/([a-z0-9-]+)/\d{4}-\d\d-\d\d/service-2\.json(\.gz)?")
_SERVICES_OF_SEND = {"sqs", "secretsmanager"}
# What is known of a message's template is in the table.
_SERVICES_OF_TEMPLATES = _SERVICES_OF_SEND | {"dynamodb"}
# Above the time without anything known of the template.
_MOST_FOR_A_TEMPLATE = 1.05


@dataclass(frozen=True)
class Spread:
    """Milliseconds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        ordered = sorted(values)
        return cls(statistics.median(ordered), ordered[0], ordered[-1])

    def __str__(self) -> str:
        return f"{self.median:.1f} ({self.least:.1f} to {self.most:.1f})"


@dataclass(frozen=True)
class Line:
    """One row of the table: `what` is cold or warm, `ratio` that of the medians."""

    case: str
    what: str
    handler: Spread
    floor: Spread
    target: float | None

    @property
    def ratio(self) -> float:
        return self.handler.median / self.floor.median

    @property
    def passed(self) -> bool:
        return self.target is None or self.ratio <= self.target

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "passed": self.passed}


@dataclass(frozen=True)
class Check:
    """A condition that is met or not; `found` is the measured value."""

    name: str
    passed: bool
    found: str


def lines(case: Case, handler: Sequence[Sample], floor: Sequence[Sample]) -> list[Line]:
    """The rows of a case. Raises `BenchError` if floor and handler usually make different calls."""
    calls, floors_calls = _usual_calls(handler), _usual_calls(floor)
    if calls != floors_calls:
        raise BenchError(f"{case.name}: the handler calls {dict(calls)}, its floor {dict(floors_calls)}")
    return [
        Line(case.name, "cold", Spread.of(s.cold for s in handler), Spread.of(s.cold for s in floor), case.cold_target),
        Line(case.name, "warm", Spread.of(s.warm for s in handler), Spread.of(s.warm for s in floor), case.warm_target),
    ]


def _usual_calls(samples: Sequence[Sample]) -> Counter[str]:
    """What most processes called: on a busy machine, one may take so long that its circuit breaker is read again."""
    return max((sample.calls for sample in samples), key=[sample.calls for sample in samples].count)


def calls_check(case: Case, samples: Sequence[Sample]) -> Check:
    """send makes exactly one call per message."""
    seen = sorted({f"{name} x {number / WARM_EVENTS:g}" for sample in samples for name, number in sample.calls.items()})
    return Check(f"{case.name}: calls per warm event", seen == ["AmazonSQS.SendMessage x 1"], ", ".join(seen))


def imports_check(case: Case, probed: dict[str, Any]) -> Check:
    """send's process has loaded nothing that only sending and encryption need."""
    services = {match[1] for path in probed["opened"] if (match := _SERVICE_FILE.fullmatch(path))}
    surplus = [name for name in probed["modules"] if _NOT_FOR_SEND.fullmatch(name)]
    of_case = _SERVICES_OF_TEMPLATES if case.event == "send-template" else _SERVICES_OF_SEND
    surplus += [f"botocore's {service}" for service in sorted(services - of_case)]
    if not services >= _SERVICES_OF_SEND and not surplus:
        raise BenchError(f"{case.name}: the probe saw clients for {sorted(services)}")
    return Check(f"{case.name}: imports", not surplus, ", ".join(surplus) or "only what it uses")


def known_check(without: Sequence[Sample], known: Sequence[Sample]) -> Check:
    """A warm message whose template is known takes hardly longer than one of which nothing is known."""
    ratio = statistics.median(s.warm for s in known) / statistics.median(s.warm for s in without)
    return Check("send template: known over not known, warm", ratio <= _MOST_FOR_A_TEMPLATE, f"{ratio:.3f}")


def table(rows: Sequence[Line], checks: Sequence[Check]) -> str:
    header = ("case", "", "handler ms", "floor ms", "ratio", "target", "")
    cells = [header]
    for row in rows:
        target, verdict = (f"{row.target:.2f}", _verdict(row.passed)) if row.target is not None else ("", "")
        cells.append((row.case, row.what, str(row.handler), str(row.floor), f"{row.ratio:.2f}", target, verdict))
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    text += ["", *(f"{check.name}: {check.found}  {_verdict(check.passed)}" for check in checks)]
    return "\n".join(text)


def _verdict(passed: bool) -> str:
    return "ok" if passed else "MISSED"
