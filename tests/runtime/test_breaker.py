"""The rules of the circuit breaker: when it opens, when it probes, how fast a process begins."""

import pytest

from whatsapp_bridge.runtime.breaker import (
    Breaker,
    May,
    Pace,
    after_failed_probe,
    after_probe,
    asked,
    held_at,
    opened,
    opens,
    seconds_to_probe,
)

OPEN = Breaker(strikes=5, probe_at=1000)
PROBED = Breaker(strikes=5, probe_at=1000, probe_until=1120)


@pytest.mark.parametrize(
    ("breaker", "now", "may", "seconds"),
    [
        pytest.param(OPEN, 990, May.WAIT, 10, id="the probe is not due"),
        pytest.param(OPEN, 1000, May.PROBE, 0, id="the probe is due"),
        pytest.param(PROBED, 1001, May.WAIT, 15, id="somebody probes: it will be known soon"),
        pytest.param(PROBED, 1119, May.WAIT, 1, id="the end of a lease"),
        pytest.param(PROBED, 1120, May.PROBE, 0, id="who probed is dead"),
    ],
)
def test_what_an_open_one_allows(breaker: Breaker, now: float, may: May, seconds: float) -> None:
    assert asked(breaker, now) is may
    assert seconds_to_probe(breaker, now) == seconds


@pytest.mark.parametrize("strikes", [0, 4])
def test_a_closed_one_allows_all(strikes: int) -> None:
    assert asked(Breaker(strikes=strikes), 1) is May.SEND


@pytest.mark.parametrize(("strikes", "expected"), [(4, False), (5, True), (6, True)])
def test_it_opens_after_five_in_a_row(strikes: int, expected: bool) -> None:
    assert opens(Breaker(strikes=strikes)) is expected
    assert not opens(Breaker(strikes=strikes, probe_at=1))


def test_probes_come_less_and_less_often() -> None:
    breaker, waits = opened(Breaker(strikes=5), 0), []
    for _ in range(8):
        waits.append(breaker.probe_at)
        breaker = after_failed_probe(breaker, 0)
    assert waits == [15, 30, 60, 120, 240, 300, 300, 300]


def test_after_a_probe_one_strike_opens_it_again_with_the_waits_of_before() -> None:
    on_probation = after_probe(Breaker(strikes=5, failed_probes=2, probe_at=1000, probe_until=1120), 1100)
    assert asked(on_probation, 1000) is May.SEND
    struck = Breaker(strikes=on_probation.strikes + 1, failed_probes=on_probation.failed_probes)
    assert opens(struck)
    assert opened(struck, 1000).probe_at == 1060


def test_a_process_begins_with_one_message_and_doubles_with_each_round() -> None:
    pace, rounds = Pace(), []
    for _ in range(5):
        rounds.append((pace.at_once, min(pace.most_messages, 100)))
        for _ in range(pace.at_once):
            pace = pace.after_success(10)
    assert rounds == [(1, 1), (2, 10), (4, 100), (8, 100), (8, 100)]


@pytest.mark.parametrize(("waited", "at_once"), [(60, 3), (61, 1)])
def test_a_success_of_long_ago_says_nothing(waited: float, at_once: int) -> None:
    pace = Pace().after_success(100).after_success(100)
    assert pace.at(100 + waited).at_once == at_once


@pytest.mark.parametrize(("before", "after"), [(1, 1), (2, 1), (7, 3), (8, 4)])
def test_too_many_requests_halve_it(before: int, after: int) -> None:
    assert Pace(before, 100).after_throttling(110) == Pace(after, 100)


def test_after_a_strike_it_begins_anew() -> None:
    assert Pace().after_success(100).after_strike() == Pace()


@pytest.mark.parametrize(
    ("breaker", "expected"),
    [
        pytest.param(Breaker(), 0, id="never paused"),
        pytest.param(Breaker(strikes=4), 0, id="not paused yet"),
        pytest.param(opened(Breaker(strikes=5), 1000), 1015, id="paused: whoever comes later makes the probe"),
        pytest.param(after_probe(opened(Breaker(strikes=5), 1000), 1020), 1020, id="on probation"),
        pytest.param(Breaker(resumed_at=1020), 1020, id="closed again"),
    ],
)
def test_until_when_somebody_was_made_to_wait(breaker: Breaker, expected: int) -> None:
    assert held_at(breaker) == expected
