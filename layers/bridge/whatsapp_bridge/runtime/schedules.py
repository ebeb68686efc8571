"""Retry schedules as data.

A schedule reads no clock: its result depends only on its arguments, so that a queue with a faster clock makes the same
steps sooner.
"""

from dataclasses import dataclass
from random import SystemRandom
from typing import Self

# A delay varies by up to a quarter, so that messages that failed together do not come back together.
_JITTER = 0.25

# Environments restored from one snapshot would share an ordinary generator's state and its random numbers.
system_jitter = SystemRandom().random


@dataclass(frozen=True, slots=True)
class Schedule:
    """`delays` in seconds; the last one is repeated until the sum reaches `limit` (seconds)."""

    delays: tuple[int, ...]
    limit: int

    def __post_init__(self) -> None:
        if not self.delays or min(self.delays) < 1 or self.limit < 0:
            raise ValueError("delays must be at least one second each")

    def delay(
        self,
        attempt: int,
        jitter: float,
        *,
        at_most: int,
        elapsed: float | None = None,
        limit: float | None = None,
        at_least: float | None = None,
    ) -> int | None:
        """Seconds to wait after attempt `attempt` (from 1) failed; None if there must be no further one.

        `jitter` is a random number from 0 to 1; `at_most` is the queue's longest delay; `elapsed` is the time that
        counts towards the limit (by default that of the attempts); `limit` is a lower limit than the schedule's own;
        `at_least` is the delay that the other side asks for. The last attempt is at the limit.
        """
        waited = self._waited(attempt, at_most) if elapsed is None else elapsed
        left = min(self.limit, self.limit if limit is None else limit) - waited
        if left <= 0:
            return None
        return max(1, round(min(self.pause(attempt, jitter, at_most=at_most, at_least=at_least), left)))

    def pause(self, attempt: int, jitter: float, *, at_most: int, at_least: float | None = None) -> int:
        """Seconds to wait after attempt `attempt`, for those whose end goes by the clock."""
        nominal = self._nominal(attempt, at_most) * (1 - _JITTER + 2 * _JITTER * jitter)
        return max(1, min(round(max(nominal, at_least or 0)), at_most))

    def attempt_at(self, elapsed: float, *, at_most: int) -> int:
        """The number of the attempt whose turn it is `elapsed` seconds after the first. One that comes early, by
        jitter, has the same number again."""
        attempt = 1
        while attempt <= len(self.delays) and self._waited(attempt + 1, at_most) <= elapsed:
            attempt += 1
        return attempt

    def attempt_after(self, attempt: int, delay: int, *, at_most: int) -> int:
        """The number of the attempt after `delay`: a long delay asked for by the other side counts as several."""
        following = attempt + 1
        if delay > self._nominal(attempt, at_most) * (1 + _JITTER) + 1:
            waited = self._waited(attempt, at_most) + delay
            while self._waited(following, at_most) < waited:
                following += 1
        return following

    @classmethod
    def read(cls, text: str) -> Self:
        """`2,10,60/3600`: the delays, then the limit. Raises ValueError."""
        delays, _, limit = text.partition("/")
        return cls(tuple(int(delay) for delay in delays.split(",")), int(limit))

    def _nominal(self, attempt: int, at_most: int) -> int:
        return min(self.delays[min(attempt, len(self.delays)) - 1], at_most)

    def _waited(self, attempt: int, at_most: int) -> int:
        listed = sum(self._nominal(number, at_most) for number in range(1, min(attempt, len(self.delays) + 1)))
        return listed + max(0, attempt - 1 - len(self.delays)) * self._nominal(attempt, at_most)


# One class per schedule, so that the type checker finds two schedules that are swapped.


class DispatchRetry(Schedule):
    """For a message that the BSP has not accepted."""

    __slots__ = ()


class ForwardRetry(Schedule):
    """For callbacks that CleverTap has not accepted, and for replies that cannot be read yet."""

    __slots__ = ()


class CorrelationRetry(Schedule):
    """For a status whose message is not known yet."""

    __slots__ = ()
