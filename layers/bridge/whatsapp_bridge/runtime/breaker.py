"""Circuit breaker: when to stop asking a side that fails, and how to begin again. Rules alone; `store.breakers` keeps
the state.

    closed ── strikes in a row ──▶ open ── its probe succeeds ──▶ on probation ── a success ──▶ closed
                                   ▲  ▲                                │
                                   │  └── one strike ─────────────────┘
                                   └── its probe fails: the next one comes later

A strike is a request that may have cost something and brought nothing: no connection, no answer, an answer without a
word of the side, overload. While the breaker is open one probe at a time asks whether the side is well again.

A person may pause the side, too (`bridge pause`): then nothing is asked of it, and no probe ends that. What the breaker
knew waits unchanged.
"""

from enum import Enum
from typing import Final, NamedTuple

OPENS_AT: Final = 5
"""Strikes in a row, of all processes together."""
LEASE_SECONDS: Final = 120
"""Longer than any function may run: an older probe's process is dead."""
MOST_AT_ONCE: Final = 8
PAUSED_SECONDS: Final = 120
"""How often whoever waits for a person asks again: a chat message may wait a day, and be received a thousand times."""
_PROBE_SECONDS: Final = (15, 30, 60, 120, 240, 300)
# A process whose last success is older begins anew with one request.
_RECENT_SECONDS: Final = 60


class Breaker(NamedTuple):
    """What all processes know of a side. Times in seconds since 1970; 0 means none."""

    strikes: int = 0
    failed_probes: int = 0
    probe_at: int = 0
    """When the next probe is due; set while it is open."""
    probe_until: int = 0
    """Until then somebody's probe is under way."""
    resumed_at: int = 0
    """When the last pause ended."""
    paused_at: int = 0
    """Since when a person pauses it."""

    @property
    def is_open(self) -> bool:
        return self.probe_at > 0


class May(Enum):
    SEND = "send"
    PROBE = "probe"
    """One may try, who takes the lease."""
    WAIT = "wait"


def asked(breaker: Breaker, now: float) -> May:
    if breaker.paused_at:
        return May.WAIT
    if not breaker.is_open:
        return May.SEND
    return May.PROBE if now >= max(breaker.probe_at, breaker.probe_until) else May.WAIT


def held_at(breaker: Breaker) -> int:
    """Until when the last pause made somebody wait, but for those who wait for another's probe; 0 if there was none.
    Whoever comes to an open breaker after the next probe is due makes it."""
    return breaker.probe_at if breaker.is_open else breaker.resumed_at


def seconds_to_probe(breaker: Breaker, now: float) -> float:
    """A probe that is under way ends sooner than its lease: the question is worth asking again soon. So it is while a
    person pauses the side."""
    if breaker.paused_at:
        return PAUSED_SECONDS
    if now < breaker.probe_at:
        return breaker.probe_at - now
    return min(_PROBE_SECONDS[0], max(breaker.probe_until - now, 0))


def opens(breaker: Breaker) -> bool:
    """Whether it must open now, after a strike was added."""
    return not breaker.is_open and breaker.strikes >= OPENS_AT


def opened(breaker: Breaker, now: float) -> Breaker:
    return breaker._replace(probe_at=int(now) + _until_probe(breaker.failed_probes), probe_until=0)


def after_failed_probe(breaker: Breaker, now: float) -> Breaker:
    return opened(breaker._replace(failed_probes=breaker.failed_probes + 1), now)


def after_probe(breaker: Breaker, now: float) -> Breaker:
    """On probation: the next strike opens it again, with the waits of before; the next success closes it."""
    return Breaker(strikes=OPENS_AT - 1, failed_probes=breaker.failed_probes, resumed_at=int(now))


def _until_probe(failed_probes: int) -> int:
    return _PROBE_SECONDS[min(failed_probes, len(_PROBE_SECONDS) - 1)]


class Pace(NamedTuple):
    """How much one process asks of a side at once: it doubles with each round of successes, is halved when the side
    asks for less, and a strike ends it. What an outage costs is what was under way when it began."""

    at_once: int = 1
    """Requests."""
    succeeded_at: float = 0

    @property
    def most_messages(self) -> int:
        """In one request."""
        most: int = 10 ** (self.at_once - 1)
        return most

    def at(self, now: float) -> "Pace":
        return self if now - self.succeeded_at <= _RECENT_SECONDS else Pace()

    def after_success(self, now: float) -> "Pace":
        return Pace(min(self.at(now).at_once + 1, MOST_AT_ONCE), now)

    def after_throttling(self, now: float) -> "Pace":
        return self.at(now)._replace(at_once=max(self.at(now).at_once // 2, 1))

    def after_strike(self) -> "Pace":
        return Pace()
