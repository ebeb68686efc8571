"""Circuit breakers of several processes on one table."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.failures import failing
from tests.support.world import World, world
from whatsapp_bridge.runtime.breaker import May
from whatsapp_bridge.store.breakers import Breakers

CACHED = 5
FIRST_PROBE = 15


@pytest.fixture
def made() -> Iterator[World]:
    with world() as made:
        yield made


def process(made: World) -> Breakers:
    return Breakers(made.table, "bsp")


def strike(process: Breakers, times: int = 1) -> list[bool]:
    return [process.struck("acme") for _ in range(times)]


def may(process: Breakers) -> May:
    return process.ask("acme").may


def item(made: World) -> dict[str, Any]:
    return made.table.get("breaker#bsp#acme") or {}


def calls(made: World, of: Callable[[], object]) -> list[str]:
    made.steps.clear()
    with made.invocation():
        of()
    return [step.removeprefix("before ") for step in made.steps if step.startswith("before")]


def test_strikes_of_all_processes_count_together(made: World) -> None:
    one, other = process(made), process(made)
    assert strike(one, 2) + strike(other, 3) == [False] * 4 + [True]
    assert may(other) is May.WAIT
    assert other.ask("acme").seconds == FIRST_PROBE
    made.now += CACHED
    assert may(one) is May.WAIT
    assert process(made).ask("another").may is May.SEND
    assert Breakers(made.table, "clevertap").ask("acme").may is May.SEND


def test_one_of_them_begins_the_pause(made: World) -> None:
    processes = [process(made) for _ in range(8)]
    assert sum(strike(each)[0] for each in processes) == 1


def test_a_success_between_them_counts_from_the_beginning(made: World) -> None:
    one = process(made)
    strike(one, 4)
    assert one.succeeded("acme") is False
    assert strike(one, 4) == [False] * 4
    assert may(one) is May.SEND


def test_what_changes_nothing_is_not_written_and_is_read_every_few_seconds(made: World) -> None:
    one = process(made)

    def asks_and_succeeds() -> None:
        one.ask("acme")
        one.succeeded("acme")

    assert calls(made, asks_and_succeeds) == ["GetItem"]
    made.now += CACHED - 1
    assert calls(made, asks_and_succeeds) == []
    made.now += 1
    assert calls(made, asks_and_succeeds) == ["GetItem"]


def open_and_due(made: World) -> tuple[Breakers, Breakers]:
    one, other = process(made), process(made)
    strike(one, 5)
    made.now += FIRST_PROBE
    return one, other


def test_one_probe_at_a_time(made: World) -> None:
    one, other = open_and_due(made)
    assert [may(one), may(other), may(one)] == [May.PROBE, May.WAIT, May.WAIT]


def test_a_probe_that_succeeds_ends_the_pause_on_probation(made: World) -> None:
    one, other = open_and_due(made)
    may(one)
    assert one.succeeded("acme") is True
    made.now += CACHED
    assert [may(one), may(other)] == [May.SEND, May.SEND]
    assert strike(other) == [True]


def test_a_second_success_ends_the_probation(made: World) -> None:
    one, other = open_and_due(made)
    may(one)
    assert [one.succeeded("acme"), one.succeeded("acme")] == [True, False]
    assert strike(other, 4) == [False] * 4


def test_a_probe_that_fails_makes_the_next_one_later(made: World) -> None:
    one, other = open_and_due(made)
    may(one)
    assert one.struck("acme") is False
    assert [one.ask("acme").seconds, other.ask("acme").seconds] == [30, 30]


def test_a_probe_that_did_not_leave_may_be_made_by_another(made: World) -> None:
    one, other = open_and_due(made)
    may(one)
    one.untried("acme")
    assert may(other) is May.PROBE


def test_a_probe_whose_process_died_is_made_by_another(made: World) -> None:
    one, other = open_and_due(made)
    may(one)
    made.now += 119
    assert may(other) is May.WAIT
    made.now += CACHED
    assert may(other) is May.PROBE
    # The first one comes too late to say anything.
    assert one.succeeded("acme") is False


def test_answers_that_were_under_way_when_it_opened_do_not_close_it(made: World) -> None:
    one, other = open_and_due(made)
    may(other)
    assert other.ask("acme").may is May.WAIT
    assert one.ask("acme").may is May.WAIT
    assert one.succeeded("acme") is False
    assert item(made)["probe_at"] > 0


def test_a_late_answer_does_not_undo_what_others_found_out(made: World) -> None:
    """A request hangs for so long that others pause and resume meanwhile."""
    late, other = process(made), process(made)
    strike(late, 1)
    strike(other, 4)
    made.now += 16
    may(other)
    assert other.succeeded("acme") is True
    before = item(made)
    assert late.succeeded("acme") is False
    assert item(made) == before
    assert late.held_at("acme") == int(made.now)


def test_an_answer_keeps_when_the_last_pause_ended(made: World) -> None:
    one, _ = open_and_due(made)
    may(one)
    one.succeeded("acme")
    one.succeeded("acme")
    assert (item(made)["strikes"], item(made)["failed_probes"]) == (0, 0)
    assert item(made)["resumed_at"] == int(made.now)


@pytest.mark.parametrize("operation", ["GetItem", "UpdateItem"])
def test_without_dynamodb_all_is_sent(made: World, counted: Callable[[], dict[str, int]], operation: str) -> None:
    one, _ = open_and_due(made)
    made.now += CACHED
    made.fail = failing(operation, 1, "breaker#bsp#acme")
    with made.invocation():
        assert may(one) is May.SEND
        assert one.succeeded("acme") is False
    assert counted()["BreakersUnavailable"] == 1


def test_a_strike_that_cannot_be_written_is_no_error(made: World, counted: Callable[[], dict[str, int]]) -> None:
    made.fail = failing("UpdateItem", 9, "breaker#bsp#acme")
    with made.invocation():
        assert strike(process(made), 9) == [False] * 9
    assert counted()["BreakersUnavailable"] == 9


def test_it_expires(made: World) -> None:
    strike(process(made))
    assert item(made)["expires_at"] == int(made.now) + 7 * 86_400


def test_the_pace_is_the_process_own(made: World) -> None:
    one, other = process(made), process(made)
    for _ in range(9):
        one.succeeded("acme")
    assert (one.pace("acme").at_once, other.pace("acme").at_once) == (8, 1)
    strike(one)
    assert one.pace("acme").at_once == 1


# --- a person's pause ------------------------------------------------------------------------------------------------


def test_persons_pause_holds_everything_and_no_probe_ends_it(made: World) -> None:
    operator, sender = process(made), process(made)

    assert (operator.pause("acme"), operator.pause("acme")) == (True, False)
    assert may(sender) is May.WAIT
    # Longer than any wait for a probe, and than the item's life.
    made.now += 20 * 86_400
    assert may(sender) is May.WAIT
    assert sender.ask("acme").seconds == 120
    assert "expires_at" not in item(made)
    assert may(process(made)) is May.WAIT
    assert process(made).ask("another").may is May.SEND


def test_resumed_side_is_asked_again(made: World) -> None:
    operator, sender = process(made), process(made)
    operator.pause("acme")
    assert may(sender) is May.WAIT

    assert (operator.resume("acme"), operator.resume("acme")) == (True, False)

    made.now += CACHED
    assert may(sender) is May.SEND
    assert item(made)["expires_at"] == int(made.now - CACHED) + 7 * 86_400


def test_what_is_under_way_when_the_pause_begins_changes_nothing(made: World) -> None:
    operator, sender = process(made), process(made)
    strike(sender, 3)
    operator.pause("acme")
    before = item(made)

    assert strike(sender, 5) == [False] * 5
    assert not sender.succeeded("acme")

    assert item(made) == before
    assert may(sender) is May.WAIT


@pytest.mark.parametrize("ends", ["succeeded", "struck", "untried"])
def test_probe_under_way_does_not_end_a_persons_pause(made: World, ends: str) -> None:
    operator, sender = process(made), process(made)
    strike(sender, 5)
    made.now += FIRST_PROBE
    assert may(sender) is May.PROBE
    operator.pause("acme")

    getattr(sender, ends)("acme")

    assert may(sender) is May.WAIT
    operator.resume("acme")
    made.now += 200
    # As it was before the pause: a probe first.
    assert may(process(made)) is May.PROBE


def test_probe_is_not_taken_when_the_pause_came_first(made: World) -> None:
    operator, sender = process(made), process(made)
    strike(sender, 5)
    made.now += FIRST_PROBE - 1
    assert may(sender) is May.WAIT
    operator.pause("acme")
    made.now += 1

    # It does not know of the pause yet, and the item does.
    assert may(sender) is May.WAIT


def test_known_pause_holds_while_dynamodb_is_away(made: World) -> None:
    operator, sender = process(made), process(made)
    operator.pause("acme")
    assert may(sender) is May.WAIT
    made.now += CACHED

    made.fail = failing("GetItem", 1, "breaker#bsp#acme")
    with made.invocation():
        assert may(sender) is May.WAIT


def test_state_is_what_the_item_says(made: World) -> None:
    breakers = process(made)
    assert not breakers.state("acme").paused_at
    strike(breakers, 5)
    breakers.pause("acme")

    assert (breakers.state("acme").strikes, breakers.state("acme").paused_at) == (5, int(made.now))
