"""The life of a message as steps in their order, from its journal (`store.journal`). Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from whatsapp_bridge.flows.status_queue import CONFIRMATION_SECONDS
from whatsapp_bridge.runtime.breaker import LEASE_SECONDS, Breaker
from whatsapp_bridge.store.journal import Failure
from whatsapp_bridge.store.journal_reading import Journal, Reported, Try
from whatsapp_bridge.store.leases import DELIVERED, FAILED, READ, SENT

RUNGS = {SENT: "sent", DELIVERED: "delivered", READ: "read", FAILED: "failed"}

_HELD = {
    "paused": "the account was paused, because its BSP failed",
    "no room": "its batch had no time or no room for it",
}


class Step(NamedTuple):
    """`at` in seconds since 1970. `name` is for scripts, `text` for people."""

    at: int
    name: str
    text: str


def steps(journal: Journal) -> list[Step]:
    """In order of time; what happened in the same second, in the order of a message's life."""
    return sorted(_steps(journal), key=lambda step: step.at)


def _steps(journal: Journal) -> Iterator[Step]:
    if journal.accepted_at is not None:
        yield Step(journal.accepted_at, "accepted", "accepted from CleverTap")
    for held in journal.held:
        times = "once" if held.times == 1 else f"{held.times} times"
        yield Step(held.first_at, "held", f"held back {times}: {_HELD[held.reason]}")
        if held.last_at > held.first_at:
            yield Step(held.last_at, "held", "held back for the last time")
    for each in journal.tries:
        # Only the last ones are kept.
        before = each.number - 1 if each is journal.tries[0] else 0
        kept = (
            f"; {before} before it are not kept" if before > 1 else "; the one before it is not kept" if before else ""
        )
        yield Step(each.at, "attempt", _tried(each) + kept)
    if journal.confirmed_at is not None:
        yield Step(journal.confirmed_at, "confirmed", "the BSP confirmed that it has the message")
    for reported in journal.reported:
        yield from _reported(reported, journal.failure)
    if journal.not_taken is not None:
        missed = journal.not_taken
        text = f"CleverTap did not take {RUNGS[missed.rung]}, attempt {missed.attempt}: {missed.reason}"
        yield Step(missed.at, "not_told", text)
    if journal.clicked_at is not None:
        yield Step(journal.clicked_at, "clicked", f"first click on a link (reported {_times(journal.clicks)} in all)")


def _tried(each: Try) -> str:
    said = ", ".join(filter(None, (each.reason.removeprefix(f"{each.outcome}: "), _of_bsp(each.bsp_code))))
    outcome = "accepted by the BSP" if each.outcome == "accepted" else each.outcome
    return f"attempt {each.number}: {outcome}" + (f" ({said})" if said else "")


def _reported(reported: Reported, failure: Failure | None) -> Iterator[Step]:
    name = RUNGS[reported.rung]
    text = f"the BSP says {name}, at {_clock(reported.at)} by its clock"
    if reported.rung == FAILED and failure is not None:
        text = f"failed: {described(failure)}"
    yield Step(reported.heard_at, f"heard_{name}", text)
    yield Step(reported.told_at, f"told_{name}", f"CleverTap took {name}")


def described(failure: Failure) -> str:
    """CleverTap's code, the BSP's, and the title."""
    return ", ".join(filter(None, (f"{failure.code}", _of_bsp(failure.bsp_code), failure.title)))


def _of_bsp(code: str | None) -> str:
    return f"the BSP's code {code}" if code else ""


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _clock(at: int) -> str:
    hours, seconds = divmod(at % 86_400, 3600)
    return f"{hours:02}:{seconds // 60:02}:{seconds % 60:02}Z"


# --- what happens next -----------------------------------------------------------------------------------------------


class Pauses(NamedTuple):
    """When the next probe of an open breaker is due (seconds since 1970), 0 where it is closed. `by_person`: somebody
    has paused sending."""

    sending: int
    reporting: int
    by_person: bool = False


class Next(NamedTuple):
    """`at` and `until` in seconds since 1970, None where nobody knows. `ended`: nothing follows any more."""

    text: str
    at: int | None = None
    until: int | None = None
    ended: bool = False


def following(item: Mapping[str, Any], journal: Journal, pauses: Pauses, now: float) -> Next:
    """What will happen to the message of this item."""
    rung, missed = int(item.get("rung", 0)), journal.not_taken
    if int(item.get("climb_until", 0)) > now:
        return Next("a status is being told to CleverTap now")
    if missed is not None and rung < missed.rung and rung != READ:
        name = RUNGS[missed.rung]
        if missed.again_at is None or missed.until <= now:
            return Next(
                f"{name} was given up: it is among the dead letters of the statuses, until somebody redrives it"
            )
        paused = "; CleverTap is paused" if pauses.reporting else ""
        at = max(missed.again_at, pauses.reporting)
        return Next(f"CleverTap is told {name} again{paused}", at, missed.until)
    if rung in (READ, FAILED):
        return Next("nothing: CleverTap knows its end", ended=True)
    return _before_its_end(item, journal, pauses, now, rung)


def _before_its_end(item: Mapping[str, Any], journal: Journal, pauses: Pauses, now: float, rung: int) -> Next:
    end = None
    if journal.accepted_at is not None and journal.time_limit is not None:
        end = journal.accepted_at + journal.time_limit
    match item.get("state"):
        case "released" if pauses.by_person:
            return Next("a person has paused the account: `bridge resume` lets it go on", None, end)
        case "released" if pauses.sending:
            return Next("tried again when the account's pause ends; the next probe decides", pauses.sending, end)
        case "released":
            return Next("tried again", journal.next_at, end)
        case "claimed":
            return Next("another delivery of its queue message goes on", None, end)
        case "sending" if int(item.get("held_until", 0)) > now:
            return Next("its request is under way, or the function has died", int(item["held_until"]), end)
        case "sending":
            return Next("nobody has recorded an answer: it is settled as lost when its queue message comes back")
        case "unknown":
            due = journal.tries[-1].at + CONFIRMATION_SECONDS if journal.tries else None
            return Next("CleverTap is told failed, unless the BSP reports a status before; it is never sent again", due)
        case "rejected":
            return Next("CleverTap is told failed as soon as the statuses' queue comes to it")
        case _:
            waited = "a status" if rung == 0 else "a later status"
            return Next(f"waits for {waited} of the BSP's", max(pauses.reporting, 0) or None)


def pause_ends(breaker: Breaker) -> int:
    """When the next probe is due (seconds since 1970); 0 if nothing is paused."""
    return max(breaker.probe_at, breaker.probe_until - LEASE_SECONDS) if breaker.is_open else 0
