"""Templates in the simulation: plans have them, and an import that lacks one is found."""

from typing import Any

import pytest

from local.simulation.__main__ import SEEDS
from local.simulation.plan import HOUR, MINUTE, TEMPLATES, Event, Plan, draw, sample_accounts
from local.simulation.run import Run
from local.simulation.templates import Import, Templates

META = "acme-meta"
ALL, NAME = frozenset(TEMPLATES), TEMPLATES[2]
OTHERS = ALL - {NAME}


def changes(at: float, status: str) -> Event:
    return Event(at, "template changes", META, to=NAME, status=status)


def plan(*events: Event) -> Plan:
    return Plan(3, {META: sample_accounts()[META]}, (*events, Event(9 * HOUR, "import", META)), (), twice=0.0)


PAUSED, OVER = changes(0, "PAUSED"), changes(MINUTE, "APPROVED")


@pytest.mark.parametrize(
    ("events", "imported", "is_found"),
    [
        pytest.param((), [OTHERS], True, id="approved all the time"),
        pytest.param((), [ALL], False, id="it has it"),
        pytest.param((), [None], False, id="there is no list"),
        pytest.param((PAUSED,), [OTHERS], False, id="paused"),
        pytest.param((PAUSED, OVER), [OTHERS], True, id="approved again an hour ago"),
        pytest.param((PAUSED, changes(HOUR - MINUTE, "APPROVED")), [OTHERS], False, id="approved again a minute ago"),
        pytest.param((PAUSED, changes(2 * HOUR, "APPROVED")), [OTHERS], False, id="approved again later"),
        pytest.param((PAUSED, changes(2 * HOUR, "APPROVED")), [OTHERS, OTHERS], False, id="the one before had it not"),
        pytest.param((PAUSED, OVER), [ALL, None, OTHERS], True, id="the one before the last had it"),
    ],
)
def test_an_import_that_lacks_a_template(
    events: tuple[Event, ...], imported: list[frozenset[str] | None], is_found: bool
) -> None:
    nothing: Any = None
    templates = Templates(plan(*events), nothing, nothing, {}, {}, nothing)
    templates.imports = [Import(META, HOUR * place, names) for place, names in enumerate(imported, 1)]
    assert [NAME in str(violation) for violation in templates.violations()] == ([True] if is_found else [])


def test_a_run_syncs_and_imports() -> None:
    due = [Event(MINUTE + hour * HOUR, "templates due") for hour in range(2)]
    imports = [Event(at, "import", META) for at in (2 * MINUTE, 20 * MINUTE, 3 * HOUR)]
    run = Run(plan(*due, changes(10 * MINUTE, "PAUSED"), *imports))
    result = run.play()
    assert (result.violations, result.error) == ([], "")
    assert [each.names for each in run.templates.imports] == [ALL, OTHERS, OTHERS, OTHERS]
    # Two schedules, two syncs and a notice.
    assert run.functions.counts["TemplatesFunction"] == 5


def test_plans_have_templates() -> None:
    kinds = {event.kind for seed in range(SEEDS) for event in draw(seed).events}
    assert {"templates due", "template changes", "list breaks off", "list is whole", "import"} <= kinds


@pytest.mark.parametrize("seed", range(20))
def test_templates_leave_the_rest_of_a_plan_as_it_is(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = draw(seed)
    monkeypatch.setattr("local.simulation.plan._events_of_templates", lambda random, accounts: [])
    without = draw(seed)
    assert set(without.events) <= set(drawn.events)
    assert (without.faults, without.concurrency, without.twice) == (drawn.faults, drawn.concurrency, drawn.twice)
