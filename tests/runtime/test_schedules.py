"""Retry schedules: what is waited after each attempt, and when it is given up."""

import pytest

from whatsapp_bridge.runtime.schedules import Schedule

SCHEDULE = Schedule((1, 2, 4, 600), 1200)
NO_JITTER = 0.5


def delays(schedule: Schedule, *, at_most: int = 43_200, limit: int | None = None) -> list[int]:
    """All delays in turn, until it is given up."""
    found: list[int] = []
    while (delay := schedule.delay(len(found) + 1, NO_JITTER, at_most=at_most, limit=limit)) is not None:
        found.append(delay)
        assert len(found) < 1000
    return found


@pytest.mark.parametrize(
    ("schedule", "options", "expected"),
    [
        pytest.param(SCHEDULE, {}, [1, 2, 4, 600, 593], id="the last one is repeated until the limit is reached"),
        pytest.param(SCHEDULE, {"limit": 3}, [1, 2], id="a lower limit of its own"),
        pytest.param(SCHEDULE, {"limit": 4}, [1, 2, 1], id="the last attempt comes at the limit"),
        pytest.param(SCHEDULE, {"limit": 0}, [], id="no limit, no second attempt"),
        pytest.param(SCHEDULE, {"at_most": 300}, [1, 2, 4, *[300] * 3, 293], id="cut to what the queue can hold back"),
        pytest.param(Schedule((5,), 12), {}, [5, 5, 2], id="one delay"),
        pytest.param(Schedule((5,), 12), {"limit": 99}, [5, 5, 2], id="a higher limit of its own does not count"),
        pytest.param(Schedule((5,), 0), {}, [], id="never"),
        pytest.param(Schedule((10, 20), 10), {}, [10], id="given up before the list ends"),
    ],
)
def test_delays(schedule: Schedule, options: dict[str, int], expected: list[int]) -> None:
    assert delays(schedule, **options) == expected


@pytest.mark.parametrize(
    ("attempt", "jitter", "at_most", "expected"),
    [
        pytest.param(4, 0.0, 43_200, 450, id="a quarter less"),
        pytest.param(4, 1.0, 43_200, 750, id="a quarter more"),
        pytest.param(4, 0.5, 43_200, 600, id="nominal"),
        pytest.param(4, 1.0, 700, 700, id="never more than the queue can hold back"),
        pytest.param(4, 0.0, 600, 450, id="less than the queue can hold back"),
        pytest.param(1, 0.0, 43_200, 1, id="never less than a second"),
    ],
)
def test_jitter(attempt: int, jitter: float, at_most: int, expected: int) -> None:
    assert SCHEDULE.delay(attempt, jitter, at_most=at_most) == expected


@pytest.mark.parametrize(
    ("attempt", "at_least", "at_most", "expected"),
    [
        pytest.param(1, 30.0, 900, 30, id="later than the schedule"),
        pytest.param(3, 1.0, 900, 4, id="sooner than the schedule"),
        pytest.param(1, 0.0, 900, 1, id="at once: not quite"),
        pytest.param(1, 3600.0, 900, 900, id="later than the queue can hold back"),
        pytest.param(1, 99_999.0, 43_200, 1200, id="later than the limit: a last attempt at the limit"),
        pytest.param(6, 30.0, 43_200, None, id="behind the limit"),
    ],
)
def test_what_the_other_side_asks_for(attempt: int, at_least: float, at_most: int, expected: int | None) -> None:
    assert SCHEDULE.delay(attempt, NO_JITTER, at_most=at_most, at_least=at_least) == expected


@pytest.mark.parametrize(
    ("attempt", "delay", "expected"),
    [
        pytest.param(1, 1, 2, id="as scheduled"),
        pytest.param(2, 1, 3, id="less, by jitter"),
        pytest.param(1, 3, 3, id="two delays in one"),
        pytest.param(1, 6, 4, id="not quite three"),
        pytest.param(1, 7, 4, id="three"),
        pytest.param(1, 607, 5, id="all of the list"),
        pytest.param(4, 1800, 7, id="the last one three times"),
    ],
)
def test_a_long_delay_takes_the_place_of_several(attempt: int, delay: int, expected: int) -> None:
    assert SCHEDULE.attempt_after(attempt, delay, at_most=43_200) == expected


@pytest.mark.parametrize(
    ("elapsed", "attempt"),
    [
        pytest.param(0, 1, id="the first"),
        pytest.param(0.9, 1, id="the second, early by jitter"),
        pytest.param(1, 2, id="the second"),
        pytest.param(1.25, 2, id="the second, late by jitter"),
        pytest.param(3, 3, id="the third"),
        pytest.param(20, 4, id="attempts take time too"),
        pytest.param(606, 4, id="the fourth, before the last delay is over"),
        pytest.param(607, 5, id="behind the list"),
        pytest.param(99_999, 5, id="all behind the list wait alike"),
    ],
)
def test_the_attempt_that_follows_from_the_time(elapsed: float, attempt: int) -> None:
    assert SCHEDULE.attempt_at(elapsed, at_most=43_200) == attempt


@pytest.mark.parametrize(
    ("elapsed", "limit", "expected"),
    [
        pytest.param(0, None, [1, 2, 4, 600, 593], id="as by attempts"),
        pytest.param(500, None, [600, 100], id="begun late"),
        pytest.param(1200, None, [], id="over"),
        pytest.param(0, 10, [1, 2, 4, 3], id="a lower limit of its own"),
        pytest.param(0, -5, [], id="a limit that is over before it begins"),
    ],
)
def test_delays_by_time(elapsed: float, limit: float | None, expected: list[int]) -> None:
    found: list[int] = []
    while True:
        attempt = SCHEDULE.attempt_at(elapsed, at_most=43_200)
        delay = SCHEDULE.delay(attempt, NO_JITTER, at_most=43_200, elapsed=elapsed, limit=limit)
        if delay is None:
            break
        found.append(delay)
        elapsed += delay
    assert found == expected


@pytest.mark.parametrize(
    ("elapsed", "expected"),
    [
        pytest.param(1199.7, 1, id="the rest of a second"),
        pytest.param(1200.0, None, id="at the limit"),
        pytest.param(0.0, 4, id="other attempts took less time"),
    ],
)
def test_a_limit_in_time_since_acceptance(elapsed: float, expected: int | None) -> None:
    assert SCHEDULE.delay(3, NO_JITTER, at_most=900, elapsed=elapsed) == expected


def test_the_end_does_not_depend_on_jitter() -> None:
    ends = [
        [SCHEDULE.delay(attempt, jitter, at_most=900) is None for attempt in range(1, 9)] for jitter in (0.0, 0.5, 1.0)
    ]
    assert ends == [[False] * 5 + [True] * 3] * 3


@pytest.mark.parametrize(
    ("delays", "limit"),
    [
        pytest.param((), 10, id="no delay"),
        pytest.param((1, 0), 10, id="no time between attempts"),
        pytest.param((-1,), 10, id="negative delay"),
        pytest.param((1,), -1, id="negative limit"),
    ],
)
def test_malformed(delays: tuple[int, ...], limit: int) -> None:
    with pytest.raises(ValueError, match="delays"):
        Schedule(delays, limit)
