"""How often something may be asked for that is probably not there."""

from collections.abc import Callable
from time import monotonic


class Budget:
    """`at_once` questions, and after them one more every `seconds`. For a function that answers one request at a
    time."""

    def __init__(self, at_once: int, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self._most, self._seconds, self._clock = at_once, seconds, clock
        self._left, self._at = float(at_once), clock()

    def take(self) -> bool:
        """Whether one may be asked now."""
        now = self._clock()
        # After a start from a snapshot the clock may stand before that of the snapshot.
        earned = max(now - self._at, 0) / self._seconds
        self._left, self._at = min(self._left + earned, self._most), now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """It was there after all."""
        self._left = min(self._left + 1, self._most)
