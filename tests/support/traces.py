"""Everything that a world's flows leave where others can look: what they log and count, and what AWS is told and keeps.

Bodies of queue messages and of objects are left out. They are what the bridge carries: encrypted at rest, gone after
their queue's or bucket's time, and open to nobody who may not read messages. What describes them is not: names, groups
and attributes of queue messages stand in metrics, in CloudTrail and in consoles.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import CodeType
from typing import Any, Final, NamedTuple

import pytest

from tests.conftest import Log
from tests.support.private import Private
from tests.support.world import World
from whatsapp_bridge.runtime.observability import metrics

_TOOL: Final = 4
"""One of the numbers that `sys.monitoring` leaves free."""


class Trace(NamedTuple):
    place: str
    text: str


class Allowed(NamedTuple):
    """A place where content may stand, and why."""

    place: str
    reason: str


ALLOWED: Final = (
    Allowed("SendMessage MessageBody", "content: what the queue carries"),
    Allowed("PutObject Body", "content: what the bucket carries"),
    Allowed(
        "PutObject ContentDisposition",
        "the name that the person gave the file: who may read it (s3:GetObject) may read the file",
    ),
    Allowed("PutObject CacheControl", "the word `private` means something else there"),
    Allowed(
        "UpdateItem :its_payloads",
        "what the business wrote behind a quick reply, where the BSP does not bring it back: docs/architecture.md",
    ),
    Allowed("item payloads", "the same"),
)


class Traces:
    """Watch `world` between entering and leaving; calls to AWS are seen inside its invocations."""

    def __init__(self, world: World, log: Log, capture: pytest.CaptureFixture[str]) -> None:
        self._world, self._log, self._capture = world, log, capture
        self._called: list[Trace] = []
        self._raised: list[str] = []
        self.allowed: list[Trace] = []
        """What was left out, so that a test can see that it was there."""
        self.places: dict[str, str] = defaultdict(str)
        """All that `all` has found, by place."""

    @contextmanager
    def watched(self) -> Iterator[None]:
        fail = self._world.fail

        def noticing(operation: str, parameters: Any) -> Exception | None:
            self._called += _parameters(operation, parameters)
            return fail(operation, parameters)

        self._world.fail = noticing
        try:
            with _exceptions(self._raised):
                yield
        finally:
            self._world.fail = fail

    def all(self) -> Iterator[Trace]:
        """All but what is `ALLOWED`."""
        places = {allowed.place for allowed in ALLOWED}
        for trace in self._every():
            if trace.place in places:
                self.allowed.append(trace)
            else:
                self.places[trace.place] += f"{trace.text}\n"
                yield trace

    def leaks(self, private: Private) -> dict[str, set[str]]:
        """The names of the private values that show, by place."""
        found: dict[str, set[str]] = {}
        # Most lines and attributes come again and again.
        for place, text in dict.fromkeys(self.all()):
            if shown := private.found_in(text):
                found.setdefault(place, set()).update(shown)
        return found

    def _every(self) -> Iterator[Trace]:
        for line in self._log.text.splitlines():
            yield Trace("log", line)
        yield from (Trace("exception", text) for text in self._raised)
        # Metrics by account are printed at once, the others at an invocation's end.
        yield from (Trace("metric", line) for line in self._capture.readouterr().out.splitlines())
        if metrics.metric_set:
            yield Trace("metric", json.dumps(metrics.serialize_metric_set()))
        yield from self._called
        yield from self._kept()

    def _kept(self) -> Iterator[Trace]:
        """What is in the table and in the buckets at the end."""
        for page in self._world.dynamodb.get_paginator("scan").paginate(TableName=self._world.table.name):
            for item in page["Items"]:
                for name, value in item.items():
                    yield Trace("item attribute name", name)
                    yield Trace(f"item {name}" if name == "payloads" else "item", json.dumps(value, default=str))
        for bucket in self._world.deployment.buckets.values():
            for kept in self._world.s3.list_objects_v2(Bucket=bucket).get("Contents", []):
                place = {"Bucket": bucket, "Key": kept["Key"]}
                tags = self._world.s3.get_object_tagging(**place)["TagSet"]
                yield Trace("object", json.dumps([kept["Key"], tags, self._world.s3.head_object(**place)["Metadata"]]))


def _parameters(operation: str, parameters: Mapping[str, Any]) -> Iterator[Trace]:
    """Each parameter of a call with its name, the entries of a batch as if each was sent alone. What DynamoDB is asked
    for, and does not keep, is left out."""
    if operation in ("GetItem", "BatchGetItem", "Query"):
        return
    for entry in parameters.get("Entries", ()):
        yield from _parameters("SendMessage", entry)
    for name, value in parameters.items():
        if name == "ExpressionAttributeValues":
            for placeholder, given in value.items():
                named = placeholder if placeholder == ":its_payloads" else name
                yield Trace(f"{operation} {named}", json.dumps(given, default=str))
        # A key that is asked for is not kept by that; those of items are seen at the end.
        elif name not in ("Entries", "Key") or operation == "PutObject":
            yield Trace(f"{operation} {name}", json.dumps(value, default=str))


@contextmanager
def _exceptions(raised: list[str]) -> Iterator[None]:
    """What the exceptions of the bridge's own that are raised anywhere show: caught or not, the next version may log
    them."""

    def on_raise(code: CodeType, offset: int, error: BaseException) -> None:
        if type(error).__module__.startswith("whatsapp_bridge"):
            raised.append(f"{error} {error!r}")

    monitoring, event = sys.monitoring, sys.monitoring.events.RAISE
    monitoring.use_tool_id(_TOOL, "traces of the flows")
    monitoring.register_callback(_TOOL, event, on_raise)
    monitoring.set_events(_TOOL, event)
    try:
        yield
    finally:
        monitoring.set_events(_TOOL, 0)
        monitoring.free_tool_id(_TOOL)
