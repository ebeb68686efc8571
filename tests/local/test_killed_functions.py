"""SIGKILL a function of the running stack at each call that it makes to AWS.

The functions run as processes under the real runtime client; a kill leaves what Lambda leaves: a message that comes
back after its queue's visibility time-out. `tests/flows/test_killed_between_steps.py` takes the same journey with
every kind of message, and says which two windows are open and to which side they fall.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from moto.sqs.models import sqs_backends

from local.aws import ACCOUNT_ID, Call
from local.demo import CLEAR, template_message
from local.stack import REGION, Stack

# The visibility time-out of six minutes takes 1.2 s, the 15 minutes for a lost answer 3 s.
SPEED = 300
PATIENCE_SECONDS = 40


class Assassin:
    """Kills the function that makes the `number`th call (from 1) to AWS after `aim`."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._lock = threading.Lock()
        self._number = 0
        self.seen: list[Call] = []

    def aim(self, number: int) -> None:
        with self._lock:
            self._number, self.seen = number, []

    def __call__(self, phase: str, call: Call) -> None:
        if phase != "after" or not call.caller:
            return
        with self._lock:
            self.seen.append(call)
            if len(self.seen) != self._number:
                return
        self._stack.kill(call.caller)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(speed=SPEED) as made:
        yield made


def send(stack: Stack, msg_id: str, to: str) -> None:
    """CleverTap's request, and its repeat when it is not answered."""
    secret = stack.accounts[CLEAR]
    login = secret["clevertap"]["authorization"][0]
    message = template_message(msg_id, to, secret["waba_number"])
    for _ in range(3):
        answer = requests.post(
            f"{stack.url}/{CLEAR}/send", json=message, auth=(login["username"], login["password"]), timeout=30
        )
        if answer.status_code == 200:
            assert answer.json() == {"status": "success"}
            return
    raise AssertionError("never answered")


def journey(stack: Stack, number: int) -> tuple[list[str], list[dict[str, Any]]]:
    """A message, its statuses and a reply; the statuses and replies that CleverTap was told of."""
    msg_id, person = f"{number}|7|7|7", f"2782555{number:04}"
    send(stack, msg_id, person)
    ended = stack.clevertap.wait_until(
        lambda: {"read", "failed"} & {s.status for s in stack.clevertap._statuses if s.msg_id == msg_id},
        PATIENCE_SECONDS,
    )
    assert ended
    delivered = [message for message in stack.clickatell.delivered if message.client_message_id == msg_id]
    if delivered:
        stack.clickatell.person_writes(CLEAR, person, "thanks", in_reply_to=delivered[0])
        assert stack.clevertap.wait_for_incoming(lambda incoming: incoming.wire["from"] == person, PATIENCE_SECONDS)
    assert drained(stack)
    replies = [incoming.wire for incoming in stack.clevertap.incoming if incoming.wire["from"] == person]
    return stack.clevertap.statuses_of(msg_id), replies


def drained(stack: Stack) -> bool:
    """Wait until nothing is under way any more."""
    backend: Any = sqs_backends[ACCOUNT_ID][REGION]
    sources = [stack.deployment.queue_by_arn(source.queue_arn).name for source in stack.deployment.event_sources]
    return all(is_empty(backend.get_queue(name)) for name in sources)


def is_empty(queue: Any) -> bool:
    with queue.changed:
        return bool(queue.changed.wait_for(lambda: not queue._messages, PATIENCE_SECONDS))


def test_nothing_is_lost_or_doubled(stack: Stack, subtests: pytest.Subtests) -> None:
    assassin = Assassin(stack)
    with stack.aws.observed(assassin):
        assert journey(stack, 9000)[0] == ["sent", "delivered", "read"]
        assassin.aim(0)
        journey(stack, 9001)
        calls = len(assassin.seen)
        for number in range(1, calls + 1):
            assassin.aim(number)
            with subtests.test(f"killed after call {number}"):
                statuses, replies = journey(stack, number)
                sent = Counter(message.client_message_id for message in stack.clickatell.delivered)
                if statuses == ["failed"]:
                    assert assassin.seen[number - 1] == Call("dynamodb", "UpdateItem", "DispatchFunction")
                    assert sent[f"{number}|7|7|7"] == 0
                    continue
                assert sent[f"{number}|7|7|7"] == 1
                # Told twice when the kill fell between CleverTap's answer and its record; never out of order.
                assert list(dict.fromkeys(statuses)) == ["sent", "delivered", "read"]
                assert replies == [replies[0]] * len(replies)
                assert len(replies) <= 2
    assert stack.clevertap.violations == []
    assert [name for name, depth in stack.queue_depths().items() if depth] == []
