"""AWS Lambda on one machine: functions run unchanged under AWS's own runtime client.

Each process has its own Runtime API, like each execution environment of Lambda
(https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
"""

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self
from urllib.parse import unquote

from local.simulation import rules
from local.template import Function
from local.web import LoopbackHandler, LoopbackServer


class FunctionError(Exception):
    """An invocation failed: the handler raised, its process ended, or its time ran out.

    `kind` is Lambda's error type (an exception's name, `Runtime.ExitError`, `Sandbox.Timedout`, ...), `payload` the
    error object from the runtime client, {} if there is none.
    """

    def __init__(self, function: str, kind: str, payload: dict[str, Any] | None = None) -> None:
        super().__init__(f"{function}: {kind}")
        self.function, self.kind, self.payload = function, kind, payload or {}


@dataclass
class Invocation:
    """One event in a process; times are `time.monotonic()` seconds."""

    event: bytes
    timeout: float
    lineage: rules.Lineage = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    taken_at: float | None = None
    answered_at: float | None = None
    answer: bytes | None = None
    error: tuple[str, dict[str, Any]] | None = None

    @property
    def done(self) -> bool:
        return self.answered_at is not None


class RuntimeApi:
    """The HTTP interface from which one function process gets events, and to which it sends answers."""

    def __init__(self, function_arn: str = "arn:aws:lambda:eu-west-1:123456789012:function:local") -> None:
        self._arn = function_arn
        self._changed = threading.Condition()
        self._current: Invocation | None = None
        self._closed = False
        self.ready_at: float | None = None
        """When the process first asked for an event, which ends its start."""
        self.init_error: tuple[str, dict[str, Any]] | None = None
        api = self

        class Handler(LoopbackHandler):
            def respond(self) -> None:
                api._handle(self)

        self._server = LoopbackServer(Handler)

    @property
    def address(self) -> str:
        """host:port, for AWS_LAMBDA_RUNTIME_API."""
        return self._server.url.removeprefix("http://")

    def start(self) -> Self:
        self._server.start()
        return self

    def close(self) -> None:
        """Wake all waiting threads, and stop listening."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.stop()

    def wait_ready(self, timeout: float) -> bool:
        """Wait until the process asks for its first event; False if it failed, closed or took too long."""
        with self._changed:
            self._changed.wait_for(lambda: self.ready_at or self.init_error or self._closed, timeout)
            return self.ready_at is not None

    def invoke(self, invocation: Invocation) -> bool:
        """Give the process an event and wait for its answer; False if none came in time or the API closed."""
        with self._changed:
            self._current = invocation
            self._changed.notify_all()
            starting = self.ready_at is None
            limit = time.monotonic() + invocation.timeout + (rules.INIT_SECONDS if starting else 0)
            self._changed.wait_for(lambda: invocation.taken_at or self.init_error or self._closed, limit)
            if invocation.taken_at:
                left = invocation.taken_at + invocation.timeout - time.monotonic()
                self._changed.wait_for(lambda: invocation.done or self._closed, left)
            self._current = None
            return invocation.done

    def _handle(self, request: LoopbackHandler) -> None:
        body = request.read_body()
        match [unquote(part) for part in request.path.split("/")[2:]]:
            case ["runtime", "invocation", "next"]:
                self._next(request)
            case ["runtime", "invocation", request_id, "response"]:
                self._finish(request, request_id, body, None)
            case ["runtime", "invocation", request_id, "error"]:
                self._finish(request, request_id, None, _reported(request, body))
            case ["runtime", "init", "error"]:
                with self._changed:
                    self.init_error = _reported(request, body)
                    self._changed.notify_all()
                request.answer(202)
            case _:
                request.answer(404)

    def _next(self, request: LoopbackHandler) -> None:
        with self._changed:
            self.ready_at = self.ready_at or time.monotonic()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or (self._current and not self._current.taken_at))
            invocation = self._current
            if self._closed or invocation is None:
                request.close_connection = True
                return
            invocation.taken_at = time.monotonic()
            self._changed.notify_all()
        headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(int((time.time() + invocation.timeout) * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", self._arn),
            ("Lambda-Runtime-Trace-Id", rules.write_lineage(_new_trace(), invocation.lineage)),
        ]
        request.answer(200, invocation.event, headers)

    def _finish(
        self, request: LoopbackHandler, request_id: str, answer: bytes | None, error: tuple[str, dict[str, Any]] | None
    ) -> None:
        with self._changed:
            invocation = self._current
            if invocation is None or invocation.request_id != request_id:
                request.answer(400, b'{"errorType":"InvalidRequestID","errorMessage":"Invalid request ID"}')
                return
            if answer is not None and len(answer) > rules.MAX_PAYLOAD_BYTES:
                error = ("Function.ResponseSizeTooLarge", {})
            invocation.answer, invocation.error = answer, error
            invocation.answered_at = time.monotonic()
            self._changed.notify_all()
        request.answer(202, b'{"status":"OK"}')


def _new_trace() -> str:
    return f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]};Sampled=0"


def _reported(request: LoopbackHandler, body: bytes) -> tuple[str, dict[str, Any]]:
    payload = json.loads(body or b"{}")
    kind = payload.get("errorType") or request.headers.get("Lambda-Runtime-Function-Error-Type") or "Runtime.Unknown"
    return kind, payload


class FunctionProcess:
    """One process of a function under `python -m awslambdaric`, and its Runtime API.

    `environment` is all that the process gets besides Lambda's own variables; its output goes to `output`, or to
    stderr. `python` is the interpreter, which must find awslambdaric. One invocation at a time.
    """

    def __init__(
        self,
        function: Function,
        environment: Mapping[str, str],
        *,
        arn: str = "",
        output: BinaryIO | None = None,
        python: str = sys.executable,
    ) -> None:
        self.function = function
        self._python = python
        self.api = RuntimeApi(arn or f"arn:aws:lambda:eu-west-1:123456789012:function:{function.name}")
        self._environment = {**_lambda_environment(function), **function.environment, **environment}
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        """`time.monotonic()` at the start of the process."""

    def start(self) -> Self:
        self.api.start()
        self.started_at = time.monotonic()
        self._process = subprocess.Popen(
            [self._python, "-m", "awslambdaric", self.function.handler],
            cwd=self.function.code,
            env={**self._environment, "AWS_LAMBDA_RUNTIME_API": self.api.address},
            stdin=subprocess.DEVNULL,
            stdout=self._output if self._output is not None else sys.stderr,
            stderr=subprocess.STDOUT,
            # Ctrl-C in the terminal must reach only the stack, which ends its processes itself.
            start_new_session=True,
        )
        threading.Thread(target=self._watch, args=(self._process,), daemon=True).start()
        return self

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        self.api.close()

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def invoke(self, event: bytes, lineage: rules.Lineage | None = None) -> Invocation:
        """Run the handler on an event (JSON). Raises `FunctionError`; after a timeout the process cannot be used.

        `lineage` is what all that it sends inherits.
        """
        invocation = Invocation(event, self.function.timeout, lineage or {})
        answered = self.api.invoke(invocation)
        error = invocation.error if answered else self._failure(invocation)
        if error:
            raise FunctionError(self.function.logical_id, *error)
        return invocation

    def _failure(self, invocation: Invocation) -> tuple[str, dict[str, Any]]:
        if self.api.init_error:
            return self.api.init_error
        if not self.alive:
            return "Runtime.ExitError", {}
        return ("Sandbox.Timedout" if invocation.taken_at else "Sandbox.InitTimedout"), {}

    def kill(self) -> None:
        """End the process immediately (SIGKILL) and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self.api.close()


def _lambda_environment(function: Function) -> dict[str, str]:
    """The variables that Lambda sets (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html)."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(function.code),
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
    }


class FunctionPool:
    """Runs a function's invocations, at most `limit` at a time, each in a free or new process.

    `account` are the slots that all functions share.
    """

    def __init__(
        self,
        function: Function,
        environment: Mapping[str, str],
        limit: int,
        *,
        arn: str = "",
        output: BinaryIO | None,
        account: threading.Semaphore | None = None,
    ) -> None:
        self.function = function
        self._environment, self._arn, self._output = dict(environment), arn, output
        self._slots = threading.Semaphore(limit)
        self._account = account or threading.Semaphore(rules.ACCOUNT_CONCURRENCY)
        self._lock = threading.Lock()
        self._idle: list[FunctionProcess] = []
        self._all: set[FunctionProcess] = set()
        self._closed = False

    def invoke(self, event: bytes, came_by: Iterable[rules.Lineage] = (), patience: float = 0) -> bytes:
        """The handler's answer (JSON). Raises `FunctionError`.

        `came_by` are the lineages of the messages in the event; Lambda refuses what ends a chain. `patience`: how many
        seconds the caller tries when the account's concurrency is used up.
        """
        name = rules.lineage_name(self.function.logical_id)
        lineage = rules.next_link(name, came_by)
        if rules.ends_chain(name, lineage, may_recurse=self.function.may_recurse):
            raise FunctionError(self.function.logical_id, "RecursiveInvocationException")
        with self._slots:
            if not self._account.acquire(timeout=patience):
                raise FunctionError(self.function.logical_id, "TooManyRequestsException")
            try:
                return self._invoke(event, lineage)
            finally:
                self._account.release()

    def _invoke(self, event: bytes, lineage: rules.Lineage) -> bytes:
        process = self._take()
        try:
            answer = process.invoke(event, lineage).answer
        except FunctionError as error:
            # After an exception the process stays in use, as on Lambda; after an exit or a timeout it does not.
            self._give_back(process, healthy=not error.kind.startswith(("Runtime.", "Sandbox.")))
            raise
        self._give_back(process, healthy=True)
        return answer or b"null"

    def warm(self) -> None:
        """Start one process. Raises `FunctionError` if the function does not start."""
        process = self._take()
        ready = process.api.wait_ready(rules.INIT_SECONDS + self.function.timeout)
        self._give_back(process, healthy=ready)
        if not ready:
            raise FunctionError(self.function.logical_id, *(process.api.init_error or ("Runtime.ExitError", {})))

    def kill(self) -> int:
        """SIGKILL every process; running invocations fail. Returns the number of processes."""
        with self._lock:
            processes, self._all = list(self._all), set()
            self._idle.clear()
        for process in processes:
            process.kill()
        return len(processes)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        self.kill()

    def _take(self) -> FunctionProcess:
        with self._lock:
            if self._closed:
                raise FunctionError(self.function.logical_id, "Sandbox.Closed")
            while self._idle:
                process = self._idle.pop()
                if process.alive:
                    return process
                self._all.discard(process)
            process = FunctionProcess(self.function, self._environment, arn=self._arn, output=self._output)
            self._all.add(process)
            return process.start()

    def _give_back(self, process: FunctionProcess, *, healthy: bool) -> None:
        with self._lock:
            if healthy and process.alive and process in self._all:
                self._idle.append(process)
                return
            self._all.discard(process)
        process.kill()
