"""Accounts share queues and invocations; one whose BSP hangs takes little of the others' time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.support.threads import forked
from tests.support.world import LOST, START, World, accept_all, account, status_update, template, world
from whatsapp_bridge.net.http import Answer

NAMES = ("acme", "a", "b", "c")
HANGS_SECONDS = 15
SLOTS, BATCH, MESSAGES = 8, 20, 120


def host(name: str) -> str:
    return f"https://{name}.example"


@contextmanager
def several() -> Iterator[World]:
    provider = account()["provider"]
    with world(**{name: account(provider=provider | {"base_url": host(name)}) for name in NAMES}) as made, forked(made):
        yield made


def waits(hanging: str | None, seconds: float) -> dict[str, list[float]]:
    """Per account: how long its messages waited for their request, if every BSP takes so many seconds for one."""
    found: dict[str, list[float]] = {name: [] for name in NAMES}
    with several() as made:

        def bsp(url: str, payload: Any) -> Answer | Exception:
            name = url.removeprefix("https://").partition(".")[0]
            found[name] += [made.now - START] * len(payload["messages"])
            return LOST if name == hanging else accept_all(url, payload)

        made.bsp = bsp
        made.http.takes = lambda url: HANGS_SECONDS if hanging and url.startswith(host(hanging)) else seconds
        for number in range(MESSAGES):
            for name in NAMES:
                made.send(template(f"{name}{number}"), account=name)
        run_side_by_side(made)
    return found


def run_side_by_side(made: World) -> None:
    """The campaign's invocations at the same time, until only messages are left that are held back."""
    (source,) = [each for each in made.deployment.event_sources if "Campaign" in each.queue_arn]
    source = replace(source, batch_size=BATCH)
    free_at = [START] * SLOTS
    while (slot := min(range(SLOTS), key=free_at.__getitem__)) is not None and free_at[slot] < START + 300:
        made.now = free_at[slot]
        made._poll(source)
        free_at[slot] = max(made.now, free_at[slot] + 1)


def late(waits: list[float]) -> float:
    """The 99th percentile."""
    return sorted(waits)[int(len(waits) * 0.99)]


def test_a_hanging_bsp_costs_the_others_little() -> None:
    without, beside = waits(None, 6), waits("acme", 6)
    assert len(beside["acme"]) <= SLOTS + 10
    for name in NAMES[1:]:
        assert len(beside[name]) == len(without[name]) == MESSAGES
        assert late(beside[name]) <= 1.5 * late(without[name])


def test_what_had_no_time_is_no_attempt_and_comes_back_soon() -> None:
    with several() as made:
        made.http.takes = lambda url: 6
        for number in range(60):
            made.send(template(f"m{number}"), account=NAMES[number % 2])
        made.warm()
        wait = made.run()
        assert wait is not None
        assert wait <= 5
        made.now += 6
        bodies = made.emptied("CampaignQueue")
        # One account begins with one message, then twice ten, and its time is over.
        assert {body["account"] for body in bodies} == {"a"}
        assert {(body["attempt"], body["hops"]) for body in bodies} == {(1, 1)}


def test_an_account_alone_has_all_of_the_time() -> None:
    with several() as made:
        made.http.takes = lambda url: 6
        for number in range(40):
            made.send(template(f"m{number}"))
        made.run()
        assert len(made.http.taken) == 4


@pytest.mark.parametrize("times_out", ["before a request", "in the middle of preparing"])
def test_a_message_without_time_is_released_uncounted(times_out: str) -> None:
    with several() as made:
        made.http.has_time_for_a_request = lambda: times_out != "before a request"  # type: ignore[method-assign]
        if times_out == "in the middle of preparing":
            from whatsapp_bridge.net.http import OutOfTime

            made.files = lambda url, headers: OutOfTime("no time left in this invocation")
        header = {"type": "header", "header": {"type": "image", "image": {"mediaURL": "https://shop.example/a.png"}}}
        made.send(template("m", components=[header, {"type": "body", "body": {"text": "x"}}]))
        made.run()
        made.now += 6
        (body,) = made.emptied("CampaignQueue")
        assert (body["attempt"], body["hops"]) == (1, 1)
        assert made.http.requests == []


# --- SQS's fair queues ----------------------------------------------------------------------------------------------


def test_everything_on_a_standard_queue_names_its_account() -> None:
    """Also what is sent again, the confirmation of a lost answer, and what is given up."""
    groups: Counter[tuple[str, str | None]] = Counter()

    def note(operation: str, parameters: Any) -> None:
        if operation in ("SendMessage", "SendMessageBatch"):
            queue = parameters["QueueUrl"].rpartition("/")[2]
            for entry in parameters.get("Entries", [parameters]):
                groups[queue, entry.get("MessageGroupId")] += 1

    with several() as made:
        made.fail = note
        answers = [LOST, Answer(429, {}, b""), accept_all]
        made.bsp = lambda url, payload: (
            answers.pop(0) if answers and answers[0] is not accept_all else accept_all(url, payload)
        )
        for name in ("m1", "m2"):
            made.send(template(name))
            made.run()
        made.callback(status_update("m2", 4))
        made.callback(status_update("nobody's", 4))
        made.pump(hours=0.1)
    standard = {(queue, group) for queue, group in groups if not queue.endswith(".fifo")}
    assert len({queue for queue, _ in standard}) == 2
    assert {group for _, group in standard} == {"acme"}
