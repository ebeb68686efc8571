"""Circuit breakers of all processes: one item per side that is asked, key `breaker#{side}#{name}` (`runtime.breaker`).

While a person pauses the side (`paused_at`), nothing else in the item changes, and it does not expire.

The item is read at most every few seconds and written only when something changes. Without DynamoDB everything is sent
as if the breaker were closed: it is there to save messages, and must never be what stops them.
"""

from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any, Literal, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from whatsapp_bridge.runtime import breaker as rules
from whatsapp_bridge.runtime.breaker import LEASE_SECONDS, Breaker, May, Pace
from whatsapp_bridge.runtime.observability import count, log_failure
from whatsapp_bridge.store.items import Attempt, Table

_CACHED_SECONDS = 5
# Since the last change. Whoever finds an old item that is open makes a probe.
_KEPT_SECONDS = 7 * 86_400


class Permission(NamedTuple):
    """`PROBE`: for this caller alone, who must say what came of it. `WAIT`: for `seconds`, then ask again."""

    may: May
    seconds: float = 0


class _Known(NamedTuple):
    """What this process knows. `lease` is the end of the probe that it makes now, 0 for none."""

    breaker: Breaker
    read_at: float
    lease: int
    pace: Pace


_NOTHING = _Known(Breaker(), 0, 0, Pace())


class Breakers:
    """Of one side: the BSPs by account, or CleverTap by callback URL. Safe to share between threads."""

    def __init__(self, table: Table, side: Literal["bsp", "clevertap"]) -> None:
        self._table, self._side = table, side
        self._known: dict[str, _Known] = {}
        self._lock = Lock()

    def ask(self, name: str) -> Permission:
        """Whether to send now. Asked before anything is claimed, and between the requests of a batch."""
        breaker, now = self._read(name), self._table.now()
        may = rules.asked(breaker, now)
        if may is May.PROBE:
            may = self._take_probe(name, breaker, now)
        return Permission(may, rules.seconds_to_probe(self._of(name).breaker, now) if may is May.WAIT else 0)

    def pace(self, name: str) -> Pace:
        return self._of(name).pace.at(self._table.now())

    def probing(self, name: str) -> bool:
        """Whether this process makes the probe now."""
        return self._of(name).lease > self._table.now()

    def succeeded(self, name: str) -> bool:
        """The side has answered in its own words. True if that ended a pause."""
        return self._answered(name, Pace.after_success)

    def throttled(self, name: str) -> bool:
        """The same, and it asks for fewer requests."""
        return self._answered(name, Pace.after_throttling)

    def _answered(self, name: str, following_pace: Callable[[Pace, float], Pace]) -> bool:
        known = self._change(name, lambda known, now: known._replace(pace=following_pace(known.pace, now)))
        if known.lease:
            following = rules.after_probe(known.breaker, self._table.now())
            return self._write(name, following, "probe_until = :held", {":held": known.lease})
        if known.breaker.strikes and not known.breaker.is_open:
            self._forget_strikes(name, known.breaker)
        return False

    def struck(self, name: str) -> bool:
        """The side has failed. True if that began a pause."""
        known = self._change(name, lambda known, now: known._replace(pace=known.pace.after_strike()))
        now = self._table.now()
        if known.lease:
            following = rules.after_failed_probe(known.breaker, now)
            self._write(name, following, "probe_until = :held", {":held": known.lease})
            return False
        if known.breaker.is_open:
            return False
        struck = self._add_strike(name)
        return rules.opens(struck) and self._write(name, rules.opened(struck, now), _CLOSED, {":none": 0})

    def untried(self, name: str) -> None:
        """A probe that was allowed did not leave, for a reason of our own: the next one may be made at once."""
        known = self._of(name)
        if known.lease:
            left = known.breaker._replace(probe_until=0)
            self._write(name, left, "probe_until = :held", {":held": known.lease})

    def held_at(self, name: str) -> int:
        """Until when its last pause held something back (seconds since 1970), as far as this process knows."""
        return rules.held_at(self._read(name))

    # --- a person's pause --------------------------------------------------------------------------------------------

    def state(self, name: str) -> Breaker:
        """As the item says it now. Raises botocore's errors, like the next two."""
        return _breaker(self._table.get(self._key(name)) or {})

    def pause(self, name: str) -> bool:
        """Until `resume`. False if it is paused already. Other processes know it within seconds."""
        update, values = "SET paused_at = :now REMOVE expires_at", {":now": int(self._table.now())}
        return self._table.try_update(self._key(name), update, _NOT_PAUSED, values).done

    def resume(self, name: str) -> bool:
        """False if nobody pauses it. What the breaker knew before the pause counts again."""
        values = {":expires": int(self._table.now()) + _KEPT_SECONDS}
        update = "REMOVE paused_at SET expires_at = :expires"
        return self._table.try_update(self._key(name), update, "attribute_exists(paused_at)", values).done

    # --- the item ----------------------------------------------------------------------------------------------------

    def _read(self, name: str) -> Breaker:
        known, now = self._of(name), self._table.now()
        if now - known.read_at < _CACHED_SECONDS:
            return known.breaker
        # Also what could not be read is not asked for again at once.
        item = self._without_fail(name, lambda: self._table.get(self._key(name)) or {})
        return self._of(name).breaker if item is None else self._learn(name, _breaker(item))

    def _take_probe(self, name: str, breaker: Breaker, now: float) -> May:
        until = int(now) + LEASE_SECONDS
        following = breaker._replace(probe_until=until)
        condition = "probe_at = :due AND (attribute_not_exists(probe_until) OR probe_until <= :now)"
        taken = self._try(name, following, condition, {":due": breaker.probe_at, ":now": int(now)})
        if taken is None:
            return May.SEND
        if not taken:
            # Somebody else was faster; what the item says now is known.
            now_known = self._of(name).breaker
            return May.WAIT if now_known.is_open or now_known.paused_at else May.SEND
        self._change(name, lambda known, _: known._replace(lease=until))
        return May.PROBE

    def _add_strike(self, name: str) -> Breaker:
        attempt = self._update(name, "ADD strikes :one SET expires_at = :expires", _CLOSED, {":one": 1, ":none": 0})
        return self._of(name).breaker if attempt is None else _breaker(attempt.item)

    def _forget_strikes(self, name: str, known: Breaker) -> None:
        """Unless others have struck or paused since: the request may have been under way for long."""
        self._update(
            name,
            "SET strikes = :none, failed_probes = :none, expires_at = :expires",
            f"({_CLOSED}) AND strikes = :strikes AND (attribute_not_exists(resumed_at) OR resumed_at = :resumed)",
            {":none": 0, ":strikes": known.strikes, ":resumed": known.resumed_at},
        )

    def _write(self, name: str, following: Breaker, condition: str, values: dict[str, int]) -> bool:
        """Whether this process made the change."""
        done = self._try(name, following, condition, values)
        self._change(name, lambda known, _: known._replace(lease=0))
        return bool(done)

    def _try(self, name: str, following: Breaker, condition: str, values: dict[str, int]) -> bool | None:
        """None without DynamoDB."""
        attempt = self._update(
            name,
            "SET strikes = :strikes, failed_probes = :failed, probe_at = :at, probe_until = :until, "
            "resumed_at = :resumed, expires_at = :expires",
            condition,
            {
                **values,
                ":strikes": following.strikes,
                ":failed": following.failed_probes,
                ":at": following.probe_at,
                ":until": following.probe_until,
                ":resumed": following.resumed_at,
            },
        )
        return None if attempt is None else attempt.done

    def _update(self, name: str, update: str, condition: str, values: Mapping[str, int]) -> Attempt | None:
        """Write the item and learn what it says then; `:expires` is given. None without DynamoDB."""
        expires = int(self._table.now()) + _KEPT_SECONDS
        attempt = self._without_fail(
            name,
            lambda: self._table.try_update(
                self._key(name), update, f"({condition}) AND {_NOT_PAUSED}", {**values, ":expires": expires}
            ),
        )
        if attempt is not None:
            self._learn(name, _breaker(attempt.item))
        return attempt

    def _without_fail[R](self, name: str, call: Callable[[], R]) -> R | None:
        try:
            return call()
        except (ClientError, BotoCoreError) as error:
            count("BreakersUnavailable")
            log_failure("breaker not available; sending as if it were closed", error, side=self._side, of=name)
            # A person's pause is not for saving messages: what is known of it stays.
            self._learn(name, Breaker(paused_at=self._of(name).breaker.paused_at))
            return None

    def _key(self, name: str) -> str:
        return f"breaker#{self._side}#{name}"

    # --- what this process knows -------------------------------------------------------------------------------------

    def _of(self, name: str) -> _Known:
        with self._lock:
            return self._known.get(name, _NOTHING)

    def _learn(self, name: str, breaker: Breaker) -> Breaker:
        return self._change(name, lambda known, now: known._replace(breaker=breaker, read_at=now)).breaker

    def _change(self, name: str, change: Callable[[_Known, float], _Known]) -> _Known:
        with self._lock:
            changed = change(self._known.get(name, _NOTHING), self._table.now())
            self._known[name] = changed
            return changed


_NOT_PAUSED = "attribute_not_exists(paused_at)"
_CLOSED = "attribute_not_exists(probe_at) OR probe_at = :none"


def _breaker(item: dict[str, Any]) -> Breaker:
    return Breaker(
        strikes=int(item.get("strikes", 0)),
        failed_probes=int(item.get("failed_probes", 0)),
        probe_at=int(item.get("probe_at", 0)),
        probe_until=int(item.get("probe_until", 0)),
        resumed_at=int(item.get("resumed_at", 0)),
        paused_at=int(item.get("paused_at", 0)),
    )
