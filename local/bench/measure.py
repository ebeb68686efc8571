"""Starts a process, gives it events, records the times."""

import os
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

from pydantic_core import from_json

from local import ROOT, TEMPLATE
from local.bench.cases import STACK, Case
from local.bench.peers import Peers
from local.runtime import FunctionError, FunctionProcess, Invocation
from local.template import Deployment, Function, read_template

REGION = "eu-west-1"
WARM_EVENTS = 50
# The first events after the start run some code for the first time.
_SETTLING_EVENTS = 5
_PROBE = Path(__file__).with_name("probe")


class BenchError(Exception):
    """A handler did not do its work, so there is no measurement; the text names the case."""


@dataclass(frozen=True)
class Sample:
    """One process: milliseconds from its start to its first answer, and the median of those per event after that."""

    cold: float
    warm: float
    calls: Counter[str] = field(default_factory=Counter)
    """The calls that `WARM_EVENTS` events make to AWS and others."""


class Bench:
    """Measures handlers under `python`, against `peers`; their output goes to `log`."""

    def __init__(self, python: Path, peers: Peers, log: BinaryIO) -> None:
        self._python, self._peers, self._log = python, peers, log
        self._deployment: Deployment = read_template(
            TEMPLATE, stack=STACK, region=REGION, account_id="123456789012", aws_url=peers.url
        )

    def handler(self, case: Case) -> Sample:
        return self._sample(case, self._function(case))

    def floor(self, case: Case) -> Sample:
        return self._sample(case, replace(self._function(case), code=case.floor))

    def probe(self, case: Case) -> dict[str, Any]:
        """The process's `modules`, and the paths of the files that it `opened`, after its first answer."""
        function = self._function(case)
        process = self._process(replace(function, code=_PROBE), {"PROBED_CODE": str(function.code)})
        try:
            probed: dict[str, Any] = from_json(process.invoke(case.read_event()).answer or b"")
        except FunctionError as error:
            raise BenchError(f"{case.name}: {error}") from None
        finally:
            process.kill()
        if not case.succeeded(probed["answer"]):
            raise BenchError(f"{case.name}: the handler did not succeed")
        return probed

    def process(self, function: str) -> FunctionProcess:
        """A process of a function (logical id); the caller must kill it."""
        return self._process(self._deployment.functions[function], {})

    def _function(self, case: Case) -> Function:
        function = self._deployment.functions[case.function]
        return replace(function, environment={**function.environment, **case.environment})

    def _process(self, function: Function, environment: Mapping[str, str]) -> FunctionProcess:
        layers = os.pathsep.join(str(self._deployment.layers[layer]) for layer in function.layers)
        return FunctionProcess(
            function,
            {**_environment(self._peers.url), "PYTHONPATH": layers, **environment},
            output=self._log,
            python=str(self._python),
        ).start()

    def _sample(self, case: Case, function: Function) -> Sample:
        event = case.read_event()
        process = self._process(function, {})
        try:
            first = process.invoke(event)
            _check(case, first)
            cold = 1000 * (_answered_at(first) - process.started_at)
            for _ in range(_SETTLING_EVENTS):
                process.invoke(event)
            before = self._peers.calls()
            warm = [process.invoke(event) for _ in range(WARM_EVENTS)]
            calls = self._peers.calls() - before
        except FunctionError as error:
            raise BenchError(f"{case.name}: {function.code.relative_to(ROOT)}: {error}") from None
        finally:
            process.kill()
        _check(case, warm[-1])
        return Sample(cold, statistics.median(map(_handling, warm)), calls)


def _answered_at(invocation: Invocation) -> float:
    assert invocation.answered_at is not None
    return invocation.answered_at


def _handling(invocation: Invocation) -> float:
    """Milliseconds from event to answer."""
    assert invocation.taken_at is not None
    return 1000 * (_answered_at(invocation) - invocation.taken_at)


def _check(case: Case, invocation: Invocation) -> None:
    if not case.succeeded(from_json(invocation.answer or b"null")):
        raise BenchError(f"{case.name}: the handler did not succeed")


def _environment(url: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_SESSION_TOKEN": "local",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": url,
        # The functions must not use this machine's own configuration.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PEERS_URL": url,
    }
