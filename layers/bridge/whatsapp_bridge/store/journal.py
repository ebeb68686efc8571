"""The journal of a message: what became of it and when, in the message's own item (`claims`).

Each attribute goes along with a write that is made anyway, so the journal costs no call. All are texts of a bounded
size, with words that one blank separates; times are seconds since 1970; `-` stands for what is not known. There is no
number, no text of a message and no id of the BSP in it.

    attribute     written by                what it says
    acc           claim                     "{accepted at} {time limit in seconds}"
    wp, wr        claim                     held back before: "{times} {first at} {last at}"; wp while the account was
                                            paused, wr because a batch had no room for it. Of templates alone: a
                                            freeform message stays the same queue message, which carries nothing
    t0 t1 t2 t3   claim, withdraw,          an attempt: "{number} {at} {outcome} {BSP's code} {reason}", in the slot
                  release, settle           number % 4, so the last four stay. Outcomes: `OUTCOMES`
    vb            release                   the BSP's code of `verdict` (`claims`)
    nx            release                   when the next attempt is due
    f             settle, end of a lease    the failure: "{CleverTap's code} {BSP's code} {title}"
    r1 r2 r3 r9   end of a lease            a status that CleverTap has taken, by its rung (`leases`):
                                            "{the BSP's time} {when we heard it} {when CleverTap took it}"
    x             release of a lease        the last time that CleverTap did not take a status:
                                            "{at} {attempt} {rung} {when we heard it} {when it is told again, about;
                                            0 for never} {when it is given up} {why}"
    k             confirm                   when the BSP confirmed that it has a message whose answer was lost
    cl, c1        clicked                   reports of clicks, and when the first came. A BSP may report a click
                                            several times

Sizes in bytes, names included: 19 with the claim and 18 for an attempt that is accepted, 34 for each status; with the
longest of everything `MAX_BYTES`. DynamoDB bills writes by 1 KB of the whole item, which an ordinary message stays
below. An item of an older version has none of these.

Not here: replies, which write no item of the message that they answer.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

MAX_BYTES: Final = 1024
"""What the journal may add to an item."""

OUTCOMES: Final = {
    "s": "sending",
    "a": "accepted",
    "r": "rejected",
    "u": "answer lost",
    "t": "throttled",
    "n": "not sent",
    "o": "not tried",
    "g": "given up",
}
"""Of an attempt. `s` stays where the function died before it could record the outcome, `o` is one that found no time;
`g` is the last one, which was throttled or not sent."""

SLOTS: Final = 4
_MAX_CODE: Final = 24
_MAX_REASON: Final = 64
_MAX_TITLE: Final = 120
HELD: Final = {"paused": "wp", "no room": "wr"}
NOTHING: Final = "-"

type Held = Mapping[str, Sequence[int]]
"""By reason (`paused`, `no room`): how often a message was held back, first and last at."""


class Begun(NamedTuple):
    """A claim. `time_limit` in seconds from `accepted_at`."""

    accepted_at: float
    time_limit: int
    attempt: int
    held: Held


class Tried(NamedTuple):
    """What came of an attempt; `outcome` is one of `OUTCOMES`."""

    number: int
    outcome: str
    bsp_code: str | None = None
    reason: str = ""


class Failure(NamedTuple):
    """`code` is CleverTap's; `title` and `bsp_code` are the BSP's."""

    code: int
    title: str
    bsp_code: str | None = None


class Told(NamedTuple):
    """A status that CleverTap has taken: the BSP's time, and when it came here."""

    rung: int
    at: int
    heard_at: int


class Untold(NamedTuple):
    """A status that CleverTap has not taken, at this attempt. `again_at` is when the next one is due, about; None if
    there is none."""

    rung: int
    heard_at: int
    attempt: int
    again_at: float | None
    until: float
    reason: str


def of_claim(begun: Begun, now: float, *, sending: bool) -> dict[str, str]:
    entries = {"acc": f"{int(begun.accepted_at)} {begun.time_limit}"}
    for reason, (times, first, last) in begun.held.items():
        # A newer version may know others.
        if reason in HELD:
            entries[HELD[reason]] = f"{min(times, 9999)} {first} {last}"
    return entries | (of_try(Tried(begun.attempt, "s"), now) if sending else {})


def of_try(tried: Tried | None, now: float) -> dict[str, str]:
    if tried is None:
        return {}
    text = f"{tried.number} {int(now)} {tried.outcome}"
    if tried.bsp_code or tried.reason:
        text += f" {_code(tried.bsp_code)} {_cut(tried.reason, _MAX_REASON)}"
    return {f"t{tried.number % SLOTS}": text.rstrip()}


def of_failure(failure: Failure | None) -> dict[str, str]:
    if failure is None:
        return {}
    return {"f": f"{int(failure.code)} {_code(failure.bsp_code)} {_cut(failure.title, _MAX_TITLE)}"}


def of_told(told: Sequence[Told], now: float) -> dict[str, str]:
    return {f"r{each.rung}": f"{each.at} {each.heard_at} {int(now)}" for each in told}


def of_untold(untold: Untold | None, now: float) -> dict[str, str]:
    if untold is None:
        return {}
    reason = _cut(untold.reason, _MAX_REASON)
    times = f"{untold.heard_at} {int(untold.again_at or 0)} {int(untold.until)}"
    return {"x": f"{int(now)} {untold.attempt} {untold.rung} {times} {reason}"}


def held_once_more(held: Held, reason: str, now: float) -> dict[str, Sequence[int]]:
    times, first, _ = held.get(reason, (0, int(now), 0))
    return {**held, reason: (times + 1, first, int(now))}


def _code(code: str | None) -> str:
    return _cut(code or NOTHING, _MAX_CODE).replace(" ", "_")


def _cut(text: str, most: int) -> str:
    """In ASCII, so that a character is a byte."""
    seen = text.encode("ascii", "replace").decode()
    return "".join(c if c.isprintable() else " " for c in seen)[:most]
