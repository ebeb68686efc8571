"""What the steps of all BSPs share: send as CleverTap, and check both ends. Everything raises `StepFailed`."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import requests

from local.sandbox.bsp import Delivered
from local.sandbox.clevertap import Incoming
from local.sandbox.files import File
from local.stack import Stack

STEP_SECONDS = 20
"""How long a step may take; on an idle machine each takes a few seconds."""

_MAX_TEXT = 500
"""Characters to show of a text; inline files are much longer."""

type Step = tuple[str, Callable[[], None]]
"""A title and an action."""


class StepFailed(Exception):
    """A step failed."""


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise StepFailed(f"not true: {what}")
    print(f"  ok: {what}", flush=True)


def show(what: str, value: Any) -> None:
    print(f"  {what}: {json.dumps(_shortened(value), ensure_ascii=False)}", flush=True)


def _shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        return f"{value[:_MAX_TEXT]}... ({len(value)} characters)"
    return value


def show_file(what: str, file: File) -> None:
    show(what, {"name": file.name, "contentType": file.content_type, "bytes": len(file.content)})


class Conversation:
    """Between CleverTap, the bridge and the BSPs of a running stack, for all accounts."""

    def __init__(self, stack: Stack, day: str) -> None:
        self.stack = stack
        self._day = day
        self._numbers = itertools.count(1)
        self._ids: list[str] = []

    def new_id(self) -> str:
        """A new msgId, of a message that must reach its BSP exactly once."""
        self._ids.append(f"4200{next(self._numbers)}|1700000000|{self._day}|1")
        return self._ids[-1]

    def waba_number(self, account: str) -> str:
        return str(self.stack.accounts[account]["waba_number"])

    def send(self, account: str, message: dict[str, Any]) -> None:
        """CleverTap sends a message, which the bridge must accept."""
        credentials = self.stack.accounts[account]["clevertap"]["authorization"][0]
        basic = credentials["type"] == "basic"
        answer = requests.post(
            f"{self.stack.url}/{account}/send",
            json=message,
            auth=(credentials["username"], credentials["password"]) if basic else None,
            headers={} if basic else {credentials["name"]: credentials["value"]},
            timeout=STEP_SECONDS,
        )
        show(f"CleverTap sent to {account}", message)
        show(f"and was answered {answer.status_code} in {answer.elapsed.total_seconds() * 1000:.0f} ms", answer.json())
        expect(answer.status_code == 200 and answer.json() == {"status": "success"}, "the bridge accepted it")

    def delivered(self, account: str, msg_id: str) -> Delivered:
        """The message as the account's BSP got it; the BSP must accept it."""
        bsp = self.stack.bsp(self.stack.accounts[account]["provider"]["type"])
        delivered: Delivered | None = bsp.wait_for(msg_id, STEP_SECONDS)
        if delivered is None:
            raise StepFailed("the BSP did not get the message")
        show("The BSP got", delivered.wire)
        if delivered.content is None:
            raise StepFailed(f"the BSP could not use the message: {delivered.problem}")
        if delivered.encrypted:
            show("and decrypted", delivered.content)
        if delivered.file:
            show_file("with the file", delivered.file)
        return delivered

    def reply(self, account: str, kind: str, sender: str) -> Incoming:
        """The first message of this kind that CleverTap gets from this person."""

        def matches(incoming: Incoming) -> bool:
            return (incoming.account, incoming.type, incoming.wire["from"]) == (account, kind, sender)

        reply = self.stack.clevertap.wait_for_incoming(matches, STEP_SECONDS)
        if reply is None:
            raise StepFailed(f"CleverTap got no {kind} message")
        show("CleverTap got", reply.wire)
        return reply

    def expect_linked(self, account: str, url: str, content: bytes, content_type: str) -> None:
        """Check that the link to a person's file returns it through S3."""
        expect(url.startswith(f"{self.stack.url}/{account}/media/"), "the link is the bridge's")
        answer = requests.get(url, timeout=STEP_SECONDS)
        expect([hop.status_code for hop in answer.history] == [302], "it redirects")
        expect(answer.url.startswith(self.stack.aws_url), "to S3")
        expect(answer.status_code == 200 and answer.content == content, "the file is the person's")
        expect(answer.headers["Content-Type"] == content_type, f"it is {content_type}")

    def expect_ladder(self, msg_id: str) -> None:
        self.stack.clevertap.wait_for_status(msg_id, "read", STEP_SECONDS)
        names = self.stack.clevertap.statuses_of(msg_id)
        show("CleverTap got the statuses", names)
        expect(names == ["sent", "delivered", "read"], "sent, delivered, read: each once and in order")

    def expect_failed(self, msg_id: str, code: int) -> None:
        """`code` is CleverTap's."""
        failed = self.stack.clevertap.wait_for_status(msg_id, "failed", STEP_SECONDS)
        if failed is None or failed.error is None:
            raise StepFailed("CleverTap got no failed status with an error")
        show("CleverTap got", {"msgId": msg_id, "status": "failed", "error": failed.error})
        expect(failed.error[0] == code, f"the code is {code}")
        expect("delivered" not in self.stack.clevertap.statuses_of(msg_id), "it was not reported as delivered")

    def conclude(self) -> None:
        """Check that nothing is left over, sent twice, or malformed."""
        expect(self.stack.clevertap.violations == [], "CleverTap understood every callback")
        left = {name: depth for name, depth in self.stack.queue_depths().items() if depth and _is_for_failures(name)}
        expect(left == {}, f"no dead letters and nothing in quarantine{f': {left}' if left else ''}")
        everything = [delivered for bsp in self.stack.bsps.values() for delivered in bsp.delivered]
        # Some BSPs get no msgId; for these, count the messages.
        ids = [delivered.msg_id for delivered in everything if delivered.msg_id]
        once = len(set(ids)) == len(ids) and set(ids) <= set(self._ids) and len(everything) == len(self._ids)
        expect(once, "every message was sent exactly once")


def _is_for_failures(queue: str) -> bool:
    return "DeadLetter" in queue or "Quarantine" in queue
