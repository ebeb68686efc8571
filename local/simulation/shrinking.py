"""Makes a failing plan smaller, as long as it still fails with a broken promise of the same kind."""

from local.simulation.facts import counted
from local.simulation.plan import Plan
from local.simulation.run import Result, play

_MOST_RUNS = 150


def smaller(result: Result) -> Result:
    """The smallest failing run that is found by taking out faults one by one, and events in ever smaller parts."""
    kinds = set(counted(result.violations))
    runs = 0

    def still_fails(plan: Plan) -> Result | None:
        nonlocal runs
        runs += 1
        tried = play(plan)
        return tried if tried.failed and (not kinds or kinds & set(counted(tried.violations))) else None

    at = 0
    while at < len(result.plan.faults) and runs < _MOST_RUNS:
        found = still_fails(result.plan.without(faults=1, at=at))
        result, at = (found, at) if found else (result, at + 1)
    size = len(result.plan.events) // 2
    while size and runs < _MOST_RUNS:
        at = 0
        while at < len(result.plan.events) and runs < _MOST_RUNS:
            found = still_fails(result.plan.without(events=size, at=at))
            result, at = (found, at) if found else (result, at + size)
        size //= 2
    return result
