"""Lambda: the deployed flows in simulated processes, with timeouts, limits of concurrency, and deaths in the middle."""

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from random import Random
from typing import Any, cast

from local.simulation.metrics import Datapoints
from local.simulation.rules import (
    POLLER_GROWTH_PER_MINUTE,
    POLLER_MOST,
    ends_chain,
    next_link,
    read_lineage,
    source_concurrency,
)
from local.simulation.scheduler import Killed, Owner, Scheduler, Task
from local.simulation.sqs import Sqs, event_record, receive_batch
from local.template import Deployment, EventSource, Function
from whatsapp_bridge.flows.records import process_batch, process_fifo
from whatsapp_bridge.flows.wiring import (
    Outside,
    build_accept,
    build_dispatch,
    build_forward,
    build_import_templates,
    build_receive,
    build_show_media,
    build_templates,
)
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.net.limits import USUAL, WHILE_IMPORTING, WHILE_SENDING

type Json = dict[str, Any]


class Throttled(Exception):
    """No concurrency is left."""


class Failed(Exception):
    """The invocation ended without an answer: an exception, a timeout, a kill."""


class Invocation(Owner):
    """`lineage`: see `rules`. `writes` to DynamoDB: of which item, when, and whether one was carried out. `died_of`:
    why it died before its time was over."""

    def __init__(self, function: str, started: float) -> None:
        super().__init__()
        self.function, self.started = function, started
        self.lineage: Mapping[str, int] = {}
        self.counted: list[tuple[str, Mapping[str, str], float]] = []
        self.writes: list[tuple[str, float, bool]] = []
        self.died_of = ""
        self.ended: float | None = None
        self.caller: Task | None = None


class Process:
    """One environment of a function: what its module makes when it is imported. `run` is its handler."""

    def __init__(self, function: Function, outside: Outside, clock: Callable[[], float]) -> None:
        self.http = HttpClient(clock, patience=_PATIENCE.get(function.logical_id, USUAL))
        self.run = _HANDLERS[function.logical_id](self.http, outside)


def _send(http: HttpClient, outside: Outside) -> Callable[..., Any]:
    return build_accept(outside._replace(hasty_http=lambda: http))


def _receive(http: HttpClient, outside: Outside) -> Callable[..., Any]:
    return build_receive(outside)


def _media(http: HttpClient, outside: Outside) -> Callable[..., Any]:
    return build_show_media(outside)


def _import(http: HttpClient, outside: Outside) -> Callable[..., Any]:
    return build_import_templates(http, outside).show


def _dispatch(http: HttpClient, outside: Outside) -> Callable[..., Any]:
    dispatch, conversation = build_dispatch(http, outside)

    def run(event: Json, fifo: bool) -> Any:
        return process_fifo(event, conversation, dispatch.one) if fifo else process_batch(event, dispatch.many)

    return run


def _forward(http: HttpClient, outside: Outside) -> Callable[..., Any]:
    replies, source, statuses = build_forward(http, outside)

    def run(event: Json, fifo: bool) -> Any:
        return process_fifo(event, source, replies) if fifo else process_batch(event, statuses)

    return run


def _templates(http: HttpClient, outside: Outside) -> Callable[..., Any]:
    templates = build_templates(http, outside)
    # The schedule's events have no records.
    return lambda event, fifo: process_batch(event, templates.many) if "Records" in event else templates.plan()


_PATIENCE = {"SendFunction": WHILE_SENDING, "ImportFunction": WHILE_IMPORTING}
"""Of those that answer somebody who waits."""

_HANDLERS: dict[str, Callable[[HttpClient, Outside], Callable[..., Any]]] = {
    "SendFunction": _send,
    "IncomingFunction": _receive,
    "StatusFunction": _receive,
    "MediaFunction": _media,
    "ImportFunction": _import,
    "DispatchFunction": _dispatch,
    "ForwardFunction": _forward,
    "TemplatesFunction": _templates,
}


class Functions:
    """`has_room`: whether one more may run beside so many, of all functions together."""

    def __init__(
        self,
        scheduler: Scheduler,
        random: Random,
        deployment: Deployment,
        outside: Callable[[Function], Outside],
        datapoints: Datapoints,
        has_room: Callable[[int], bool],
    ) -> None:
        self._scheduler, self._random, self._deployment = scheduler, random, deployment
        self._outside, self._datapoints, self._has_room = outside, datapoints, has_room
        self._idle: dict[str, list[Process]] = {name: [] for name in deployment.functions}
        self.running: set[Invocation] = set()
        self.counts: Counter[str] = Counter()
        """By function: invocations; with ` timeout`, ` failed` or what they died of: how they ended."""
        self.milliseconds: Counter[str] = Counter()
        self.died: list[Invocation] = []
        self.throttled: list[tuple[str, float]] = []
        """The function, and when."""

    def deploy(self) -> None:
        """New versions: each next invocation has a new process; those that run go on."""
        for processes in self._idle.values():
            processes.clear()

    def invoke(self, name: str, run: Callable[[Process], Any], lineage: Mapping[str, int] | None = None) -> Any:
        """The answer of `run` with a process of the function. Raises `Throttled`, `Failed`."""
        if not self._has_room(len(self.running)):
            self._datapoints.add("AWS/Lambda", "Throttles", {"FunctionName": self._deployment.functions[name].name}, 1)
            self.throttled.append((name, self._scheduler.now))
            raise Throttled
        function = self._deployment.functions[name]
        invocation = Invocation(name, self._scheduler.now)
        invocation.lineage = lineage or next_link(name, [])
        self.running.add(invocation)
        self.counts[name] += 1
        self._datapoints.add("AWS/Lambda", "Invocations", {"FunctionName": function.name}, 1)
        try:
            return self._run(invocation, function, run)
        finally:
            invocation.ended = self._scheduler.now
            self.milliseconds[name] += int((invocation.ended - invocation.started) * 1000)
            self.running.discard(invocation)

    def _run(self, invocation: Invocation, function: Function, run: Callable[[Process], Any]) -> Any:
        caller = self._scheduler.current
        assert caller is not None
        invocation.caller = caller
        ended: list[tuple[bool, Any]] = []

        def work() -> None:
            process = self._process(function)
            process.http.end_in(invocation.started + function.timeout - self._scheduler.now)
            try:
                answer = run(process)
            except Killed:
                raise
            except Exception as error:  # noqa: BLE001 - what Lambda counts as an error
                ended.append((False, error))
            else:
                ended.append((True, answer))
            self._idle[function.logical_id].append(process)
            self._scheduler.wake(caller)

        self._scheduler.start(work, owner=invocation)
        # The timeout counts from the start of the handler.
        self._scheduler.wait(function.timeout)
        if not ended:
            how = invocation.died_of or "timeout"
            self._scheduler.kill(invocation)
            self.died.append(invocation)
            self._count_error(function, how)
            raise Failed(how)
        succeeded, answer = ended[0]
        for metric, dimensions, value in invocation.counted:
            self._datapoints.add(self._namespace(function), metric, dimensions, value)
        if not succeeded:
            self._count_error(function, "failed")
            raise Failed(type(answer).__name__) from answer
        return answer

    def _process(self, function: Function) -> Process:
        idle = self._idle[function.logical_id]
        if idle:
            return idle.pop()
        self._scheduler.sleep(self._random.uniform(0.2, 1.0))
        return Process(function, self._outside(function), self._scheduler.time)

    def die(self, invocation: Invocation, of: str) -> None:
        """End a running invocation now, wherever it is."""
        invocation.died_of = of
        self._scheduler.kill(invocation)
        if invocation.caller is not None:
            self._scheduler.wake(invocation.caller)

    def _namespace(self, function: Function) -> str:
        return function.environment["POWERTOOLS_METRICS_NAMESPACE"]

    def _count_error(self, function: Function, how: str) -> None:
        self.counts[f"{function.logical_id} {how}"] += 1
        self._datapoints.add("AWS/Lambda", "Errors", {"FunctionName": function.name}, 1)


class Poller:
    """Lambda's event source mapping of one queue. How many batches it runs at once grows while there is a backlog.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """

    def __init__(
        self,
        scheduler: Scheduler,
        functions: Functions,
        deployment: Deployment,
        source: EventSource,
        sqs: Sqs,
    ) -> None:
        self._scheduler, self._functions, self._sqs, self._source = scheduler, functions, sqs, source
        self._queue = deployment.queue_by_arn(source.queue_arn)
        self._function, self._region = deployment.functions[source.function], deployment.region
        self._busy, self._backlog_since, self._ran = 0, scheduler.now, 0
        self._task = scheduler.start(self._poll)
        self._asleep = False

    def wake(self) -> None:
        """A message was sent, or a batch is done."""
        if self._asleep:
            self._asleep = False
            self._scheduler.wake(self._task)

    def _poll(self) -> None:
        while True:
            now = self._scheduler.now
            at_once = source_concurrency(now - self._backlog_since, self._source.maximum_concurrency, self._ran)
            has_room = self._busy < at_once
            received = receive_batch(self._sqs, self._queue.url, self._source.batch_size) if has_room else []
            if received:
                self._busy += 1
                self._scheduler.start(partial(self._invoke, received))
                continue
            if has_room:
                self._backlog_since, self._ran = now, self._busy
                seconds = self._until_due()
            else:
                grows = at_once < (self._source.maximum_concurrency or POLLER_MOST)
                seconds = 60 / POLLER_GROWTH_PER_MINUTE if grows else None
            self._asleep = True
            self._scheduler.wait(seconds)
            self._asleep = False
            if self._source.window:
                # The window fills the batch.
                self._scheduler.sleep(self._source.window)

    def _until_due(self) -> float | None:
        due, now = self._sqs.queues[self._queue.url].due_at(self._scheduler.now), self._scheduler.now
        return None if due is None else max(due - now, 0.01)

    def _invoke(self, received: list[Json]) -> None:
        try:
            failed = self._failed(received)
        finally:
            self._busy -= 1
        done = [message for message in received if message["MessageId"] not in failed]
        for start in range(0, len(done), 10):
            entries = [
                {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]}
                for place, message in enumerate(done[start : start + 10])
            ]
            self._sqs.delete_message_batch(QueueUrl=self._queue.url, Entries=entries)
        self.wake()

    def _failed(self, received: list[Json]) -> set[str]:
        """The ids of the messages that come back."""
        everything = {message["MessageId"] for message in received}
        name = self._function.logical_id
        lineage = next_link(name, [read_lineage(message["Attributes"].get("AWSTraceHeader")) for message in received])
        if ends_chain(name, lineage, may_recurse=self._function.may_recurse):
            return everything
        event = {"Records": [event_record(message, self._queue.arn, self._region) for message in received]}
        end = self._scheduler.now + self._queue.visibility_timeout
        while True:
            try:
                answer = self._functions.invoke(
                    name, lambda process: cast("Any", process.run)(event, self._queue.fifo), lineage
                )
            except Throttled:
                # A throttled batch is tried until its visibility is over.
                self._scheduler.sleep(5)
                if self._scheduler.now + 5 >= end:
                    return everything
            except Failed:
                return everything
            else:
                return {item["itemIdentifier"] for item in answer["batchItemFailures"]}
