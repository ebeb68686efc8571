"""`make bench`: measures, prints a table, and exits with 1 if a target is missed."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from local.bench import memory, report, webhooks
from local.bench.cases import CASES, Case, secrets
from local.bench.interpreter import make_interpreter
from local.bench.measure import Bench, BenchError, Sample
from local.bench.peers import Peers


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every target is met, 1 if one is missed, 2 if something could not be measured."""
    options = _parser().parse_args(arguments)
    cases = [case for case in CASES if options.function in (None, case.folder)]
    with tempfile.TemporaryDirectory(prefix="whatsapp-bridge-bench-") as directory:
        log_path = Path(directory) / "functions.log"
        try:
            with Peers(secrets) as peers, log_path.open("ab", buffering=0) as log:
                bench = Bench(make_interpreter(Path(directory) / "python"), peers, log)
                lines, checks = _measure(bench, cases, options.runs)
                if options.function in (None, "dispatch"):
                    checks += memory.checks(bench, peers)
                if options.function in (None, "incoming"):
                    checks += [*webhooks.parsing(), webhooks.storing(bench, peers)]
        except BenchError as error:
            tail = log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
            print(*tail, f"bench: {error}", sep="\n", file=sys.stderr)
            return 2
    print(f"{_machine()}, {options.runs} processes each\n")
    print(report.table(lines, checks))
    passed = all(row.passed for row in lines) and all(check.passed for check in checks)
    if options.json:
        found = {
            "machine": _machine(),
            "runs": options.runs,
            "passed": passed,
            "lines": [row.as_json() for row in lines],
            "checks": [asdict(check) for check in checks],
        }
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0 if passed else 1


MIN_RUNS = 7


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.bench", description=__doc__)
    parser.add_argument("--runs", type=_runs, default=9, help="processes of each handler and each floor (9)")
    parser.add_argument("--function", choices=sorted({case.folder for case in CASES}), help="only this one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to FILE")
    return parser


def _runs(text: str) -> int:
    number = int(text)
    if number < MIN_RUNS:
        raise argparse.ArgumentTypeError(f"must be {MIN_RUNS} or more: the median of fewer says too little")
    return number


def _measure(bench: Bench, cases: Sequence[Case], runs: int) -> tuple[list[report.Line], list[report.Check]]:
    handlers: dict[str, list[Sample]] = {case.name: [] for case in cases}
    floors: dict[str, list[Sample]] = {case.name: [] for case in cases}
    # Run 0 compiles the sources and warms the disk cache; it does not count.
    for run in range(runs + 1):
        for case in cases:
            print(f"run {run} of {runs}: {case.name}", file=sys.stderr)
            sides = [(handlers, bench.handler), (floors, bench.floor)]
            # Measure both together and change the order, so that a busier or hotter machine affects both equally.
            for samples, measure in sides if run % 2 else reversed(sides):
                sample = measure(case)
                if run:
                    samples[case.name].append(sample)
    lines = [row for case in cases for row in report.lines(case, handlers[case.name], floors[case.name])]
    sends = [case for case in cases if case.folder == "send"]
    checks = [report.calls_check(case, handlers[case.name]) for case in sends]
    checks += [report.imports_check(case, bench.probe(case)) for case in sends]
    if sends:
        checks.append(report.known_check(handlers["send template"], handlers["send template, known"]))
    return lines, checks


def _machine() -> str:
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors"


if __name__ == "__main__":
    sys.exit(main())
