"""What becomes of a seed that breaks a promise: it is made smaller, and says how to replay it."""

from contextlib import ExitStack

import pytest

from local.simulation.__main__ import main
from local.simulation.defects import DEFECTS
from local.simulation.plan import draw
from local.simulation.run import play
from local.simulation.shrinking import smaller

SEED, DEFECT = 5, "messages go to another person"


def test_a_failing_plan_is_made_smaller() -> None:
    with ExitStack() as stack:
        DEFECTS[DEFECT].plant(stack)
        small = smaller(play(draw(SEED)))
    assert small.failed
    # One message is enough.
    assert (len(small.plan.events), len(small.plan.faults)) == (1, 0)
    assert set(small.plan.events) < set(draw(SEED).events)


def test_a_failing_seed_says_how_to_replay_it(capsys: pytest.CaptureFixture[str]) -> None:
    with ExitStack() as stack:
        DEFECTS[DEFECT].plant(stack)
        assert main(["--seeds", "1", "--first", str(SEED), "--jobs", "1", "--defects", "none"]) == 1
    said = capsys.readouterr()
    assert f"failed: make simulate SEED={SEED}\n" in said.err
    assert f"again, with every step: make simulate SEED={SEED}\n" in said.out
    figures = dict(line.split() for line in said.out.splitlines() if len(line.split()) == 2)
    assert int(figures["false"]) > 0
    assert {"conversations", "calls", "faults", "kills", "lost", "doubled", "silent"} <= figures.keys()


def test_a_seed_that_breaks_nothing_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "1", "--first", str(SEED), "--jobs", "1", "--defects", "none"]) == 0
    assert "1 seeds in" in capsys.readouterr().out
