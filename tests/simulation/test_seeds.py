"""The deployed flows under AWS's rules and faults: no seed breaks a promise (docs/simulation.md)."""

import gc
import os
import weakref

import pytest

from local.simulation.__main__ import SEEDS, results
from local.simulation.plan import Plan, draw
from local.simulation.run import Run, play

CHUNK = 50


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_no_seed_breaks_a_promise(first: int) -> None:
    broken = {
        result.plan.seed: [str(violation) for violation in result.violations] or result.error
        for result in results(range(first, first + CHUNK), os.cpu_count() or 1)
        if result.failed
    }
    assert broken == {}, "replay one with: make simulate SEED=n"


def test_a_run_depends_on_nothing_but_its_seed() -> None:
    seed = 3
    first, second = play(draw(seed)), play(draw(seed))
    assert first.figures == second.figures
    assert first.figures["calls"] > 1000


@pytest.mark.parametrize("take", [{"faults": 1}, {"events": 5}], ids=["a fault", "events"])
def test_what_is_taken_out_of_a_plan_leaves_the_rest(take: dict[str, int]) -> None:
    plan: Plan = draw(3)
    smaller = plan.without(**take, at=0)
    assert set(smaller.events) <= set(plan.events)
    assert set(smaller.faults) <= set(plan.faults)
    assert (len(smaller.events), len(smaller.faults)) == (
        len(plan.events) - take.get("events", 0),
        len(plan.faults) - take.get("faults", 0),
    )


def test_a_run_leaves_nothing_behind() -> None:
    """Thousands of them are made in one process. Some tasks still wait when a run is over."""
    run = Run(draw(4))
    run.play()
    assert not run.scheduler.tasks
    left = weakref.ref(run)
    del run
    gc.collect()
    assert left() is None
