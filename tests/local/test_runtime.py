import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from local.runtime import FunctionError, FunctionPool, FunctionProcess
from local.simulation.rules import Lineage, lineage_name, read_lineage
from local.template import Function
from tests.local import toy


def function(directory: Path, name: str = "web", timeout: int = 5, handler: str = "app.handler") -> Function:
    return Function("Web", "st-Web", directory / name, handler, timeout, 256, {"FROM_TEMPLATE": "1"})


def environment(directory: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(directory / "layer"), "AWS_REGION": "eu-west-1"}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("toy")
    toy.write(directory)
    return directory


@pytest.fixture
def pool(directory: Path, tmp_path: Path) -> Iterator[FunctionPool]:
    with (tmp_path / "log").open("ab") as output:
        made = FunctionPool(function(directory, timeout=2), environment(directory), limit=2, output=output)
        yield made
        made.close()


def call(pool: FunctionPool, what: str) -> dict[str, Any]:
    answer = json.loads(pool.invoke(json.dumps({"what": what}).encode()))
    return dict(json.loads(answer["body"]))


def test_context_and_environment(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "of-this-machine")
    arn = "arn:aws:lambda:eu-west-1:1:function:st-Web"
    with (tmp_path / "log").open("ab") as output:
        process = FunctionProcess(function(directory), environment(directory), arn=arn, output=output).start()
        try:
            invocation = process.invoke(b'{"what": "?"}')
        finally:
            process.kill()
    assert invocation.taken_at is not None
    assert invocation.answered_at is not None
    assert process.api.ready_at is not None
    assert process.started_at < process.api.ready_at <= invocation.taken_at < invocation.answered_at
    seen = json.loads(json.loads(invocation.answer or b"")["body"])
    assert (seen["cwd"], seen["shared"]) == (str(directory / "web"), "layer")
    assert (seen["request_id"], seen["arn"]) == (invocation.request_id, arn)
    assert (seen["function"], seen["memory"]) == ("st-Web", "256")
    assert 0 < seen["remaining"] <= 5000
    variables = seen["environment"]
    assert variables["_HANDLER"] == "app.handler"
    assert variables["LAMBDA_TASK_ROOT"] == str(directory / "web")
    assert (variables["FROM_TEMPLATE"], variables["AWS_REGION"]) == ("1", "eu-west-1")
    assert "AWS_PROFILE" not in variables
    assert "HOME" not in variables


@pytest.mark.parametrize(
    ("what", "kind", "same_process"),
    [
        pytest.param("raise", "ValueError", True, id="the handler raises"),
        pytest.param("large", "Function.ResponseSizeTooLarge", True, id="an answer above 6 MB"),
        pytest.param("exit", "Runtime.ExitError", False, id="the process ends"),
        pytest.param("hang", "Sandbox.Timedout", False, id="its time runs out"),
    ],
)
def test_failures(pool: FunctionPool, what: str, kind: str, same_process: bool) -> None:
    before = call(pool, "fine")
    with pytest.raises(FunctionError) as failure:
        call(pool, what)
    assert failure.value.kind == kind
    assert (call(pool, "fine")["pid"] == before["pid"]) is same_process


def test_a_function_that_does_not_import(directory: Path, tmp_path: Path) -> None:
    with (tmp_path / "log").open("ab") as output:
        broken = FunctionPool(function(directory, handler="nothing.handler"), {}, limit=1, output=output)
        with pytest.raises(FunctionError) as failure:
            broken.warm()
        with pytest.raises(FunctionError):
            broken.invoke(b"{}")
        broken.close()
    assert failure.value.kind == "Runtime.ImportModuleError"
    assert "nothing" in failure.value.payload["errorMessage"]


def test_kill_fails_what_is_under_way_and_the_next_gets_a_new_process(pool: FunctionPool) -> None:
    pid = call(pool, "fine")["pid"]
    failures: list[str] = []

    def hang() -> None:
        try:
            call(pool, "hang")
        except FunctionError as error:
            failures.append(error.kind)

    thread = threading.Thread(target=hang)
    thread.start()
    while not any(process.api._current for process in pool._all):
        os.sched_yield()
    assert pool.kill() == 1
    thread.join(10)
    assert failures == ["Runtime.ExitError"]
    assert call(pool, "fine")["pid"] != pid


def test_a_process_that_died_while_idle_is_replaced(pool: FunctionPool) -> None:
    pid = call(pool, "fine")["pid"]
    os.kill(pid, signal.SIGKILL)
    [process] = pool._all
    assert process._process is not None
    process._process.wait(10)
    assert call(pool, "fine")["pid"] != pid


def test_never_more_processes_than_the_limit(pool: FunctionPool, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[int] = []
    start = FunctionProcess.start

    def counted(process: FunctionProcess) -> FunctionProcess:
        at_once.append(len(pool._all))
        return start(process)

    monkeypatch.setattr(FunctionProcess, "start", counted)

    def hang() -> None:
        with pytest.raises(FunctionError, match=r"Sandbox\.Timedout"):
            call(pool, "hang")

    threads = [threading.Thread(target=hang) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    # The first two end together: the third starts beside the second of them, or alone.
    assert at_once in ([1, 2, 2], [1, 2, 1])


def lineage_seen(answer: bytes) -> Lineage:
    """What a function would hand on with each of its calls to AWS."""
    return read_lineage(json.loads(json.loads(answer)["body"])["environment"]["_X_AMZN_TRACE_ID"])


@pytest.mark.parametrize(
    ("may_recurse", "before", "refused"),
    [
        pytest.param(False, 15, False, id="the sixteenth invocation"),
        pytest.param(False, 16, True, id="the next one"),
        pytest.param(True, 16, False, id="of a function that may recurse"),
    ],
)
def test_a_chain_of_invocations_has_an_end(
    directory: Path, tmp_path: Path, may_recurse: bool, before: int, refused: bool
) -> None:
    name = lineage_name("Web")
    came_by: list[Lineage] = [{name: 1}, {name: before, "68fd508a": 2}]
    with (tmp_path / "log").open("ab") as output:
        code = replace(function(directory), may_recurse=may_recurse)
        pool = FunctionPool(code, environment(directory), limit=1, output=output)
        try:
            if refused:
                with pytest.raises(FunctionError, match="RecursiveInvocationException"):
                    pool.invoke(b'{"what": "?"}', came_by)
            else:
                answer = pool.invoke(b'{"what": "?"}', came_by)
                assert lineage_seen(answer) == {name: before + 1, "68fd508a": 2}
        finally:
            pool.close()


def test_an_invocation_from_outside_begins_a_chain(pool: FunctionPool) -> None:
    assert lineage_seen(pool.invoke(b'{"what": "?"}')) == {lineage_name("Web"): 1}


def test_the_account_has_no_concurrency_left(directory: Path, tmp_path: Path) -> None:
    account = threading.Semaphore(1)
    with (tmp_path / "log").open("ab") as output:
        pool = FunctionPool(function(directory), environment(directory), limit=2, output=output, account=account)
        try:
            with account, pytest.raises(FunctionError, match="TooManyRequestsException"):
                pool.invoke(b'{"what": "?"}')
            for _ in range(2):
                pool.invoke(b'{"what": "?"}')
        finally:
            pool.close()


def test_output_goes_where_it_should(directory: Path, tmp_path: Path) -> None:
    with (tmp_path / "log").open("ab") as output:
        pool = FunctionPool(function(directory), environment(directory), limit=1, output=output)
        call(pool, "print")
        pool.close()
    assert (tmp_path / "log").read_text() == "printed by the function\n"


def test_a_closed_pool_starts_nothing(pool: FunctionPool) -> None:
    pool.close()
    with pytest.raises(FunctionError, match=r"Sandbox\.Closed"):
        pool.invoke(b"{}")
