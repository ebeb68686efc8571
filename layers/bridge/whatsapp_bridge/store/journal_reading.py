"""Reads the journal in a message's item (`journal`), for operators: no function needs it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from whatsapp_bridge.store.journal import HELD, NOTHING, OUTCOMES, SLOTS, Failure
from whatsapp_bridge.store.leases import DELIVERED, FAILED, READ, SENT

_RUNGS: Final = (SENT, DELIVERED, READ, FAILED)


class Try(NamedTuple):
    number: int
    at: int
    outcome: str
    """One of the values of `OUTCOMES`."""
    bsp_code: str | None
    reason: str


class Holding(NamedTuple):
    reason: str
    times: int
    first_at: int
    last_at: int


class Reported(NamedTuple):
    """A status that CleverTap took `told_at`."""

    rung: int
    at: int
    heard_at: int
    told_at: int


class NotTaken(NamedTuple):
    """The last time that CleverTap did not take a status."""

    at: int
    attempt: int
    rung: int
    heard_at: int
    again_at: int | None
    """When it is told again, about; None if it is not."""
    until: int
    reason: str


class Journal(NamedTuple):
    """None and empty stand for what has not happened, or an older version has not written."""

    accepted_at: int | None
    time_limit: int | None
    held: Sequence[Holding]
    tries: Sequence[Try]
    """The last ones, the oldest first; of several with one number the last."""
    next_at: int | None
    """When the next one was due, after the last that was released."""
    reported: Sequence[Reported]
    """By their rungs."""
    failure: Failure | None
    not_taken: NotTaken | None
    confirmed_at: int | None
    clicks: int
    clicked_at: int | None


def read(item: Mapping[str, Any]) -> Journal:
    """The journal of a message's item."""
    accepted_at, time_limit = _numbers(item, "acc", 2) or (None, None)
    held = [Holding(why, *found) for why, name in HELD.items() if (found := _numbers(item, name, 3))]
    tries = sorted((_try(item[f"t{n}"]) for n in range(SLOTS) if f"t{n}" in item), key=lambda each: each[1::-1])
    reported = [Reported(rung, *found) for rung in _RUNGS if (found := _numbers(item, f"r{rung}", 3))]
    return Journal(
        accepted_at,
        time_limit,
        held,
        tries,
        _number(item, "nx"),
        reported,
        _failure(item.get("f")),
        _not_taken(item.get("x")),
        _number(item, "k"),
        int(item.get("cl", 0)),
        _number(item, "c1"),
    )


def _number(item: Mapping[str, Any], name: str) -> int | None:
    return int(item[name]) if name in item else None


def _numbers(item: Mapping[str, Any], name: str, count: int) -> tuple[int, ...] | None:
    return tuple(map(int, item[name].split(" ", count - 1))) if name in item else None


def _try(text: str) -> Try:
    number, at, outcome, code, reason = (*text.split(" ", 4), "", "")[:5]
    return Try(int(number), int(at), OUTCOMES[outcome], _known(code), reason)


def _failure(text: str | None) -> Failure | None:
    if text is None:
        return None
    code, bsp_code, title = text.split(" ", 2)
    return Failure(int(code), title, _known(bsp_code))


def _not_taken(text: str | None) -> NotTaken | None:
    if text is None:
        return None
    *numbers, reason = text.split(" ", 6)
    at, attempt, rung, heard_at, again_at, until = map(int, numbers)
    return NotTaken(at, attempt, rung, heard_at, again_at or None, until, reason)


def _known(code: str) -> str | None:
    return code if code not in ("", NOTHING) else None
