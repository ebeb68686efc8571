"""`make simulate`: runs many seeds on all cores, and holds every promise against each.

Ends with figures, and with 1 if a promise was broken; it prints the command that replays a seed.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Final

from local.simulation.facts import counted
from local.simulation.plan import draw
from local.simulation.run import Result, play
from local.simulation.shrinking import smaller

SEEDS: Final = 300
"""What `make test` runs; each planted defect is found among them."""
_PROGRESS_SECONDS = 5.0
_SHOWN = 5
"""Failed seeds that are shown in full."""


def main(arguments: list[str] | None = None) -> int:
    given = _parsed(arguments)
    if given.seed is not None:
        return _replay(given.seed)
    if given.defect:
        return _self_test(given.jobs, given.defect)
    failed = 0 if given.defects == "only" else _many(given.first, given.seeds, given.jobs)
    return failed if given.defects == "none" else max(failed, _self_test(given.jobs))


def _parsed(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many seeds to run (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="run this seed alone, and print every step")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument(
        "--defects",
        choices=["also", "only", "none"],
        default="also",
        help="whether to plant known defects, each of which must be found (default: after the seeds)",
    )
    parser.add_argument("--defect", help="plant those known defects alone that have these words in their names")
    return parser.parse_args(arguments)


def _self_test(jobs: int, words: str = "") -> int:
    from local.simulation.defects import hunt

    print("\nplanted defects, and the first seed that finds each:", flush=True)
    return hunt(SEEDS, jobs, words)


# --- one seed --------------------------------------------------------------------------------------------------------


def _replay(seed: int) -> int:
    result = play(draw(seed), print)
    print(described(result))
    if result.failed:
        small = smaller(result)
        print(f"the smallest plan that still fails: {len(small.plan.events)} events, {len(small.plan.faults)} faults")
        for event in small.plan.events:
            print(f"  {event}")
        print(described(small))
    return int(result.failed)


def described(result: Result) -> str:
    lines = [f"seed {result.plan.seed}: {len(result.violations)} broken promises"]
    lines += [f"  fault {fault}" for fault in result.plan.faults]
    lines += [f"  {violation}" for violation in result.violations[:20]]
    if result.error:
        lines.append(result.error)
    return "\n".join(lines)


# --- many seeds ------------------------------------------------------------------------------------------------------


def run_seed(seed: int) -> Result:
    return play(draw(seed))


def _many(first: int, seeds: int, jobs: int) -> int:
    begun = shown = time.monotonic()
    figures: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    failed: list[Result] = []
    for done, result in enumerate(results(range(first, first + seeds), jobs), 1):
        figures += result.figures
        if result.failed:
            failed.append(result)
            broken += counted(result.violations)
            print(f"failed: make simulate SEED={result.plan.seed}", file=sys.stderr, flush=True)
        if time.monotonic() - shown > _PROGRESS_SECONDS:
            shown = time.monotonic()
            print(f"{done} of {seeds} seeds, {len(failed)} failed", file=sys.stderr, flush=True)
    failed.sort(key=lambda result: result.plan.seed)
    for result in failed[:_SHOWN]:
        print(described(result))
        print(f"  again, with every step: make simulate SEED={result.plan.seed}\n")
    if len(failed) > _SHOWN:
        print(f"failed seeds: {', '.join(str(result.plan.seed) for result in failed)}\n")
    for name in ("conversations", "calls", "requests", "faults", "kills"):
        print(f"{name:14}{figures[name]:>12,}")
    for kind in ("lost", "doubled", "false", "silent"):
        print(f"{kind:14}{broken[kind]:>12,}")
    print(f"{seeds} seeds in {time.monotonic() - begun:.0f} s, {len(failed)} failed")
    return int(bool(failed))


def results(seeds: range, jobs: int) -> Iterator[Result]:
    """As they are done."""
    if jobs == 1:
        yield from map(run_seed, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(run_seed, seed) for seed in seeds]):
            yield done.result()


if __name__ == "__main__":
    sys.exit(main())
