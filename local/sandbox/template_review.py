"""What becomes of a template that was handed in, by how its name ends.

…_rejected   rejected
…_paused     approved, paused, and approved again: a pause ends without a word
…_disabled   approved, then disabled
any other    approved
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

type Json = dict[str, Any]

REVIEW_SECONDS = 0.2
"""Between two steps. WhatsApp takes minutes or a day."""


class Step(NamedTuple):
    """A template's next status; `told` is whether there is an event of it. `title` is what `other_info` says."""

    status: str
    told: bool = True
    reason: str = "NONE"
    title: str = ""


_COURSES: dict[str, tuple[Step, ...]] = {
    "_rejected": (Step("REJECTED", reason="INVALID_FORMAT"),),
    "_paused": (Step("APPROVED"), Step("PAUSED", title="FIRST_PAUSE"), Step("APPROVED", told=False)),
    "_disabled": (Step("APPROVED"), Step("DISABLED", title="DISABLED")),
}


def course(name: str) -> tuple[Step, ...]:
    return next((steps for ending, steps in _COURSES.items() if name.endswith(ending)), (Step("APPROVED"),))


@dataclass(kw_only=True, eq=False)
class Changing:
    """Entries that change as time goes on. `clock`: seconds."""

    clock: Callable[[], float] = time.monotonic
    _due: list[tuple[float, Json, Json]] = field(default_factory=list, init=False, repr=False)

    def later(self, seconds: float, entry: Json, **changes: Any) -> None:
        """In `seconds` an entry changes."""
        self._due.append((self.clock() + seconds, entry, changes))

    def _settle(self) -> None:
        """What is due happens."""
        for due in [each for each in self._due if each[0] <= self.clock()]:
            due[1].update(due[2])
            self._due.remove(due)
