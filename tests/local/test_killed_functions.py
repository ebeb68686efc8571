"""SIGKILL a function of the running stack at each thing that it does with the outside.

The functions run as processes under the real runtime client. A function dies when AWS has carried out its call, or when
the BSP or CleverTap has taken its request, and never learns of it. What it had from a queue comes back when the
visibility time-out is over, as it does on Lambda.

Two windows are open, each to its safe side: a message whose request may or may not have left fails, and what CleverTap
took without an answer is told again. `tests/flows/test_killed_between_steps.py` says why, and plays every kind of
message.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from local.aws import ACCOUNT_ID, Call
from local.demo.clickatell import CLEAR, SECURE
from local.demo.messages import template_message
from local.sandbox.bsp import Delivered
from local.sandbox.clevertap import Incoming, Status
from local.stack import REGION, Stack

# A visibility time-out of 360 s takes 6 s: a function that starts on a busy machine is done before it is over.
SPEED = 60
PATIENCE_SECONDS = 40

HOUR_SECONDS = 3600
# The members of a queue message that are times.
TIMES = {"accepted_at", "queued_at"}

# Who follows a link to a file, or imports templates, does so apart from all journeys.
APART = {"MediaFunction", "ImportFunction"}

# One API's QUEUED, SENT_TO_SUPPLIER, DEVICE_ACK and READ, and what CleverTap is told of them.
CODES, LADDER = (2, 4, 5, 6), ["sent", "delivered", "read"]
# The sandbox says nothing of messages to this ending by itself: statuses come one by one, and calls in one order.
SILENT = "9400"

BSP_TOOK_IT = Call("clickatell", "message", "DispatchFunction")
TOLD_STATUS = Call("clevertap", "status", "ForwardFunction")
TOLD_REPLY = Call("clevertap", "incoming", "ForwardFunction")


@dataclass(frozen=True)
class Position:
    """The `number`th such call (from 1) of a journey."""

    call: Call
    number: int

    def __str__(self) -> str:
        return f"{self.call.caller}: {self.call.service} {self.call.operation} {self.number}"


# The claim: died behind it, nobody knows whether the request left. The first one of a fresh process notes that the
# account sends.
LEAVING = Position(Call("dynamodb", "UpdateItem", "DispatchFunction"), 2)


class Assassin:
    """Kills the function that arrives at a position. Follows one journey at a time."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._scheduled = scheduled(stack)
        self._lock = threading.Lock()
        self._target: Position | None = None
        self._told: tuple[list[Status], list[Incoming]] = [], []
        self.seen: list[Position] = []
        self.struck = False
        self.unanswered: tuple[list[Status], list[Incoming]] = [], []
        """What CleverTap took from the victim without an answer."""

    def aim(self, target: Position | None) -> None:
        with self._lock:
            self._target, self.struck, self.seen, self.unanswered = target, False, [], ([], [])
            self._told = self._stack.clevertap.statuses, self._stack.clevertap.incoming

    def on_aws(self, phase: str, call: Call) -> None:
        # A schedule strikes in any journey, or in none.
        if phase == "after" and call.caller and call.caller not in self._scheduled:
            self._arrive(call)

    def on_bsp(self) -> None:
        self._arrive(BSP_TOOK_IT)

    def on_clevertap(self) -> None:
        clevertap = self._stack.clevertap
        before, self._told = self._told, (clevertap.statuses, clevertap.incoming)
        statuses, incoming = self._told[0][len(before[0]) :], self._told[1][len(before[1]) :]
        self._arrive(TOLD_REPLY if incoming else TOLD_STATUS, (statuses, incoming))

    def _arrive(self, call: Call, taken: tuple[list[Status], list[Incoming]] = ([], [])) -> None:
        with self._lock:
            position = Position(call, 1 + sum(seen.call == call for seen in self.seen))
            self.seen.append(position)
            if position != self._target:
                return
            self.struck, self.unanswered = True, taken
        self._stack.kill(call.caller)
        release_holds(self._stack)
        time_out(self._stack, call.caller)


def scheduled(stack: Stack) -> set[str]:
    return {schedule.function for schedule in stack.deployment.schedules}


def queues(stack: Stack, function: str | None = None) -> list[Any]:
    """moto's queues that feed a function, or all of those that feed one."""
    backend = sqs_backends[ACCOUNT_ID][REGION]
    return [
        backend.get_queue(stack.deployment.queue_by_arn(source.queue_arn).name)
        for source in stack.deployment.event_sources
        if function in (None, source.function)
    ]


def time_out(stack: Stack, function: str) -> None:
    """The visibility time-outs of what a function was at work on are over."""
    for queue in queues(stack, function):
        with queue.changed:
            for message in queue._messages:
                message.visible_at = min(message.visible_at, stack.aws.clock.now_ms())
            queue.changed.notify_all()


def release_holds(stack: Stack) -> None:
    """A visibility time-out is longer than the time for which a delivery holds its message; the table's clock is the
    wall's."""
    for definition in stack.deployment.tables.values():
        for item in list(dynamodb_backends[ACCOUNT_ID][REGION].tables[definition.name].all_items()):
            for until in {"held_until", "climb_until"} & set(item.attrs):
                item.attrs[until].value = "0"


def an_hour_passes(stack: Stack) -> None:
    """What is on a queue is an hour older: delays are over, and a confirmation trusts the queue's counts.

    The functions' clock is the wall's, which no speed of the stack changes.
    """
    for queue in queues(stack):
        with queue.changed:
            for message in queue._messages:
                message.delayed_until = min(message.delayed_until, stack.aws.clock.now_ms())
                message.sent_timestamp -= HOUR_SECONDS * 1000 * SPEED
                payload = json.loads(message.body)
                payload.update({key: payload[key] - HOUR_SECONDS for key in payload.keys() & TIMES})
                message.body = json.dumps(payload)
            queue.changed.notify_all()


def settled(stack: Stack, *, delayed: bool = True) -> bool:
    """Wait until everything is acknowledged and no message is under way; `delayed` ones may be left."""

    def is_quiet(queue: Any) -> bool:
        return all(delayed and message.delayed for message in queue._messages)

    def wait(queue: Any) -> bool:
        with queue.changed:
            return bool(queue.changed.wait_for(lambda: is_quiet(queue), PATIENCE_SECONDS))

    # One round follows the work from queue to queue; in the second nothing moves any more.
    return stack.bsp("clickatell").wait_idle(PATIENCE_SECONDS) and all(wait(queue) for queue in queues(stack) * 2)


@dataclass(frozen=True)
class Journey:
    """A template message to one person, its statuses, and a reply."""

    account: str
    number: int

    @property
    def msg_id(self) -> str:
        return f"{self.number}|7|7|7"

    @property
    def person(self) -> str:
        return f"2782{self.number:03}{SILENT}"

    def play(self, stack: Stack) -> None:
        self._send(stack)
        assert settled(stack)
        for delivered in self.delivered(stack)[:1]:
            for code in CODES:
                stack.bsp("clickatell")._report(stack.bsp("clickatell")._of(self.account), delivered, code, 0)
                assert settled(stack)
            stack.bsp("clickatell").person_writes(self.account, self.person, "thanks", in_reply_to=delivered)
            assert settled(stack)
        an_hour_passes(stack)
        assert settled(stack, delayed=False)

    def _send(self, stack: Stack) -> None:
        """CleverTap's request, and its repeat when it is not answered."""
        secret = stack.accounts[self.account]
        message = template_message(self.msg_id, self.person, secret["waba_number"])
        login = secret["clevertap"]["authorization"][0]
        credentials: dict[str, Any] = (
            {"auth": (login["username"], login["password"])}
            if login["type"] == "basic"
            else {"headers": {login["name"]: login["value"]}}
        )
        answers = (
            requests.post(f"{stack.url}/{self.account}/send", json=message, timeout=30, **credentials) for _ in range(2)
        )
        taken = next(answer for answer in answers if answer.status_code == 200)
        assert taken.json() == {"status": "success"}

    def delivered(self, stack: Stack) -> list[Delivered]:
        return [message for message in stack.bsp("clickatell").delivered if message.msg_id == self.msg_id]

    def statuses(self, stack: Stack) -> list[Status]:
        return [status for status in stack.clevertap.statuses if status.msg_id == self.msg_id]

    def replies(self, stack: Stack) -> list[Incoming]:
        return [incoming for incoming in stack.clevertap.incoming if incoming.wire["from"] == self.person]


def check(stack: Stack, journey: Journey, assassin: Assassin, target: Position | None) -> None:
    statuses, replies = journey.statuses(stack), journey.replies(stack)
    assert not [name for name, depth in stack.queue_depths().items() if depth]
    if target == LEAVING:
        assert journey.delivered(stack) == []
        assert [(status.status, status.error) for status in statuses] == [
            ("failed", (1009, "delivery could not be confirmed"))
        ]
        assert replies == []
        return
    (delivered,) = journey.delivered(stack)
    assert (delivered.encrypted, delivered.problem) == (journey.account == SECURE, "")
    # A repeat is the very same again, right behind the first: without the one that was not answered all is as ever.
    unanswered_statuses, unanswered_replies = assassin.unanswered
    assert [status.status for status in without(statuses, unanswered_statuses, told)] == LADDER
    (reply,) = without(replies, unanswered_replies, lambda incoming: incoming.wire)
    assert (reply.context_id, reply.wire["text"]) == (journey.msg_id, {"body": "thanks"})
    # Only such a kill makes a repeat, and it does.
    assert (len(unanswered_statuses), len(unanswered_replies)) == (
        int(target is not None and target.call == TOLD_STATUS),
        int(target is not None and target.call == TOLD_REPLY),
    )


def told(status: Status) -> tuple[str, str]:
    return status.status, status.timestamp


def without[T](everything: list[T], unanswered: list[T], content: Callable[[T], Any]) -> list[T]:
    """What is left when what was not answered is taken out. It was told again."""
    if not unanswered:
        return everything
    place = everything.index(unanswered[0])
    again = everything[place + len(unanswered) :]
    assert [content(item) for item in again[: len(unanswered)]] == [content(item) for item in unanswered]
    return everything[:place] + again


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(speed=SPEED) as made:
        yield made


@pytest.fixture(scope="module")
def assassin(stack: Stack) -> Iterator[Assassin]:
    made = Assassin(stack)
    stack.bsp("clickatell").before_answer = made.on_bsp
    stack.clevertap.before_answer = made.on_clevertap
    with stack.aws.observed(made.on_aws):
        yield made


def positions(stack: Stack, assassin: Assassin, account: str, number: int) -> list[Position]:
    """Everything that freshly started functions do in a journey."""
    for function in stack.deployment.functions:
        stack.kill(function)
    journey = Journey(account, number)
    assassin.aim(None)
    journey.play(stack)
    check(stack, journey, assassin, None)
    apart = APART | scheduled(stack)
    assert {position.call.caller for position in assassin.seen} == set(stack.deployment.functions) - apart
    return assassin.seen


def touches_ciphertext(position: Position) -> bool:
    return position.call.service == "kms" or position.call in (BSP_TOOK_IT, TOLD_REPLY) or position == LEAVING


@pytest.mark.parametrize(
    ("account", "first", "chosen", "least"),
    [
        pytest.param(
            CLEAR,
            100,
            lambda position: True,
            {
                LEAVING,
                Position(BSP_TOOK_IT, 1),
                *(Position(TOLD_STATUS, number) for number in (1, 2, 3)),
                Position(TOLD_REPLY, 1),
            },
            id="in clear",
        ),
        pytest.param(
            SECURE,
            200,
            touches_ciphertext,
            {
                Position(Call("kms", "GenerateDataKey", "DispatchFunction"), 1),
                Position(Call("kms", "Decrypt", "ForwardFunction"), 1),
                LEAVING,
                Position(BSP_TOOK_IT, 1),
                Position(TOLD_REPLY, 1),
            },
            id="encrypted",
        ),
    ],
)
def test_nothing_is_lost_or_doubled(
    stack: Stack,
    assassin: Assassin,
    subtests: pytest.Subtests,
    account: str,
    first: int,
    chosen: Callable[[Position], bool],
    least: set[Position],
) -> None:
    targets = [position for position in positions(stack, assassin, account, first) if chosen(position)]
    assert least <= set(targets)
    for number, target in enumerate(targets, first + 1):
        with subtests.test(f"killed after {target}"):
            # A fresh process asks for the account's secret, for a data key, for its breaker and for what is known of
            # its templates, and notes that the account sends; one at work has done so.
            reads = target.call.operation in ("GetItem", "BatchGetItem")
            of_a_fresh_one = target.call.service in ("secretsmanager", "kms") or reads
            if of_a_fresh_one or target.call == LEAVING.call:
                stack.kill(target.call.caller)
            journey = Journey(account, number)
            assassin.aim(target)
            journey.play(stack)
            assert assassin.struck
            check(stack, journey, assassin, target)
    assert stack.clevertap.violations == []
    assert set(Counter(message.msg_id for message in stack.bsp("clickatell").delivered).values()) == {1}
