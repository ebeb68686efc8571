"""Each kind of fault is drawn, strikes, and breaks no promise on its own."""

from functools import cache

import pytest

from local.simulation.__main__ import SEEDS
from local.simulation.plan import (
    AWS_FAULTS,
    BSP_FAULTS,
    CALLER_FAULTS,
    CLEVERTAP_FAULTS,
    Event,
    Fault,
    Plan,
    draw,
    sample_accounts,
)
from local.simulation.run import Run

ACME = "acme-secure"  # with KMS
KINDS = sorted(
    {
        *((ACME, name) for name in BSP_FAULTS),
        *(("clevertap", name) for name in CLEVERTAP_FAULTS),
        *((ACME if target is True else str(target), name) for target, name in CALLER_FAULTS),
        *AWS_FAULTS,
    }
)
RARE = {
    "killed": 0.05,
    "out of memory": 0.4,
    "index throttled": 0.8,
    "answers lost": 0.3,
    "partial failures": 0.3,
    "throttled": 0.5,
}


@cache
def drawn() -> frozenset[tuple[str, str]]:
    """The kinds in the plans of the seeds that are run with the tests."""
    accounts = set(sample_accounts())
    faults = [fault for seed in range(SEEDS) for fault in draw(seed).faults]
    return frozenset((ACME if fault.target in accounts else fault.target, fault.name) for fault in faults)


def plan(target: str, name: str) -> Plan:
    """A conversation and a small campaign, in the first minutes of the fault."""
    fault = Fault(name, target, 0.0, 1200.0, RARE.get(name, 1.0), ACME if name == "broken secret" else "")
    numbers = iter(range(1, 1000))
    events = [Event(2.0 * place, "template", ACME, next(numbers), f"27821{place:02d}1000") for place in range(40)]
    for place in range(12):
        at, to = 30.0 + 10 * place, f"27822{place % 4:02d}1000"
        events.append(Event(at, "text", ACME, next(numbers), to))
        events.append(Event(at + 4, "person sends a file" if place % 3 else "person writes", ACME, next(numbers), to))
    return Plan(7, {ACME: sample_accounts()[ACME]}, tuple(events), (fault,), spread=0.5, twice=0.0)


@pytest.mark.parametrize(("target", "name"), KINDS, ids=lambda part: str(part).replace(ACME, "the BSP"))
def test_a_kind_of_fault_is_drawn_strikes_and_breaks_no_promise(target: str, name: str) -> None:
    run = Run(plan(target, name))
    result = run.play()
    assert run.weather.strikes[0]
    assert [str(violation) for violation in result.violations] == []
    assert (target, name) in drawn()


@pytest.mark.parametrize(
    ("name", "index"), [("throttled", None), ("hot key throttled", None), ("index throttled", "bsp_id")]
)
def test_what_dynamodb_throttles_is_counted_of_the_table_or_of_the_index(name: str, index: str | None) -> None:
    run = Run(plan("dynamodb", name))
    run.play()
    counted = {
        (metric, dict(dimensions).get("GlobalSecondaryIndexName"))
        for _, metric, dimensions in run.data.minutes
        if metric.endswith("ThrottleEvents")
    }
    assert ("WriteThrottleEvents", index) in counted
    assert {of for _, of in counted} == {index}
