"""What was promised, held against what happened.

    at most once          no message reaches a BSP twice
    reported, in order    CleverTap hears the end of each accepted message: sent, delivered, read, each once; or failed
    replies               each message from a person is reported, once, and a person's in order
    nothing given up      no dead letter, and no failure that a retry within the message's limit would have prevented
    no silence            what is lost, fails in numbers or stands still raises an alarm of the template

The one doubling that is documented: what CleverTap took while its answer, or the bridge's record of it, was lost.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from local.sandbox import cloud_api, gupshup
from local.sandbox.conventions import convention
from local.simulation.functions import Invocation
from local.simulation.internet import Exchange, Posted
from local.simulation.plan import START, Event, Fault

LIMITS = {"text": 600, "template": 6 * 3600}
"""Seconds after which a message must not be sent any more."""
_TOKEN = re.compile(r"n(\d+)n")
_LADDER = ("sent", "delivered", "read")
_NAMES = {4: "sent", 5: "delivered", 6: "read"}
# Seconds without any fault in which each message must get through: a pause ends, what waits comes back, and is sent.
_ENOUGH = {"text": 420.0, "template": 2400.0}
# Without these, nothing is accepted, or sent.
_OF_AWS = ("sqs", "secretsmanager", "lambda", "s3", "kms", "dynamodb")
# A limit is held between a check and a request.
_GRACE = 25.0


def token(number: int) -> str:
    """What stands in a message's text, by which it is known again."""
    return f"n{number}n"


@dataclass(frozen=True)
class Violation:
    """`kind`: lost, doubled, false, silent."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass
class Sent:
    """A message of CleverTap's."""

    event: Event
    accepted: float | None = None
    """When CleverTap first had `success`."""
    answers: list[str] = field(default_factory=list)


@dataclass
class Arrived:
    """A message that a BSP has."""

    at: float
    account: str
    delivered: Any


@dataclass(frozen=True)
class Told:
    """A status or reply that CleverTap took. `excused`: the bridge could not know that it did."""

    at: float
    content: Any
    exchange: Exchange

    @property
    def excused(self) -> bool:
        owner = self.exchange.owner
        return not self.exchange.answered or (isinstance(owner, Invocation) and (owner.dead or owner.harmed))


@dataclass
class Ledger:
    """`providers`: the provider type of each account."""

    providers: Mapping[str, str]
    sent: dict[int, Sent] = field(default_factory=dict)
    arrived: list[Arrived] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    exchanges: Sequence[Exchange] = ()
    clevertap_host: str = ""
    faults: Sequence[Fault] = ()
    interrupted: Collection[int] = ()
    """The messages whose outcome is unknown because dispatch has died."""

    def violations(self) -> list[Violation]:
        self._told_statuses: dict[str, list[Told]] = defaultdict(list)
        self._told_replies: list[Told] = []
        self._read_exchanges()
        self._by_number: dict[int, list[Arrived]] = defaultdict(list)
        for arrived in self.arrived:
            self._by_number[number_of(arrived.delivered)].append(arrived)
        self._news: dict[int, list[Posted]] = defaultdict(list)
        for posted in self.posted:
            if posted.kind == "status":
                self._news[number_of(posted.about)].append(posted)
        found: list[Violation] = []
        for number, arrived_of in self._by_number.items():
            if len(arrived_of) > 1:
                found.append(Violation("doubled", f"message {number} reached the BSP {len(arrived_of)} times"))
        for number, sent in self.sent.items():
            found += self._of_message(number, sent)
        return [*found, *self._of_replies()]

    def _read_exchanges(self) -> None:
        for exchange in self.exchanges:
            if exchange.host != self.clevertap_host or not exchange.taken:
                continue
            body = json.loads(exchange.body)
            if "statuses" in body:
                for status in body["statuses"]:
                    self._told_statuses[status["msgId"]].append(Told(exchange.at, status, exchange))
            else:
                self._told_replies.append(Told(exchange.at, body, exchange))

    # --- messages --------------------------------------------------------------------------------------------------

    def _of_message(self, number: int, sent: Sent) -> Iterable[Violation]:
        told = self._told_statuses.get(msg_id(sent.event), [])
        arrived = self._by_number.get(number, [])
        yield from self._repeats(number, told)
        # By the last time that each was told: what CleverTap took, and its answer was lost, may come again later.
        last = dict.fromkeys(reversed([each.content["status"] for each in told if each.content["status"] != "clicked"]))
        names = list(reversed(last))
        if not arrived:
            yield from self._of_undelivered(number, sent, told, names)
            return
        yield from self._late(number, sent, arrived[0])
        to, account = str(arrived[0].delivered.to).lstrip("+"), arrived[0].account
        if (to, account) != (sent.event.to, sent.event.account):
            yield Violation("false", f"message {number} went to somebody else, or from another account")
        yield from self._of_delivered(number, sent, told, names)

    def _repeats(self, number: int, told: Sequence[Told]) -> Iterable[Violation]:
        seen: dict[str, Told] = {}
        for each in told:
            key = (
                json.dumps(each.content, sort_keys=True)
                if each.content["status"] == "clicked"
                else each.content["status"]
            )
            if key in seen and not seen[key].excused:
                yield Violation("doubled", f"message {number}: CleverTap was told {each.content['status']} twice")
            seen[key] = each

    def _of_undelivered(self, number: int, sent: Sent, told: Sequence[Told], names: list[str]) -> Iterable[Violation]:
        if sent.accepted is None and not names:
            if "failure" in sent.answers:
                yield Violation("lost", f"message {number} was refused, though nothing is wrong with it")
            elif not self._aws_was_harsh():
                yield Violation("lost", f"message {number} was never accepted, though AWS was well")
            return
        if names != ["failed"]:
            kind = "false" if names else "lost"
            yield Violation(
                kind, f"message {number} never reached the BSP, and CleverTap was told {names or 'nothing'}"
            )
        elif self._could_be_sent(sent) and not self._has_old_credential(sent.event, told):
            yield Violation("lost", f"message {number} was given up, though nothing was wrong for long enough")

    def _could_be_sent(self, sent: Sent) -> bool:
        """Whether nothing was wrong for long enough within its time limit, and no request for it was in doubt."""
        event = sent.event
        if convention(event.to, has_file=event.kind == "template with a file").error is not None:
            return False
        kind = "text" if event.kind == "text" else "template"
        begin = (sent.accepted or 0) - START
        faults = [fault for fault in self.faults if fault.target in (event.account, *_OF_AWS)]
        edges = sorted({begin, begin + LIMITS[kind], *(edge for fault in faults for edge in (fault.start, fault.end))})
        inside = [edge for edge in edges if begin <= edge <= begin + LIMITS[kind]]
        return _longest_healthy(inside, faults) >= _ENOUGH[kind] and not self._in_doubt(event)

    def _has_old_credential(self, event: Event, told: Sequence[Told]) -> bool:
        """Whether the BSP has refused it in its own words: the bridge says so at once, in CleverTap's category, and
        never tries it again."""
        rotated = any(fault.name == "credential rotated" and fault.target == event.account for fault in self.faults)
        return rotated and any(each.content.get("error", {}).get("code") == 1000 for each in told)

    def _in_doubt(self, event: Event) -> bool:
        """Whether the BSP may have a request for it of which the bridge had no answer; or the process died between the
        mark that the request leaves and the request."""
        if event.number in self.interrupted:
            return True
        signs = (msg_id(event), token(event.number))
        return any(
            exchange.doubtful
            for exchange in self.exchanges
            if exchange.host != self.clevertap_host
            and any(sign in exchange.path or sign.encode() in exchange.body for sign in signs)
        )

    def _aws_was_harsh(self) -> bool:
        return any(fault.target in _OF_AWS for fault in self.faults)

    def _late(self, number: int, sent: Sent, arrived: Arrived) -> Iterable[Violation]:
        limit = LIMITS["text" if sent.event.kind == "text" else "template"]
        first = sent.accepted if sent.accepted is not None else sent.event.at + START
        if arrived.at - first > limit + _GRACE and not sent.event.repeats:
            yield Violation("false", f"message {number} was sent {arrived.at - first:.0f} s after it was accepted")

    def _of_delivered(self, number: int, sent: Sent, told: Sequence[Told], names: list[str]) -> Iterable[Violation]:
        news = [posted for posted in self._news.get(number, []) if posted.acknowledged is not None]
        if len(news) < len(self._news.get(number, [])) and not self._aws_was_harsh():
            yield Violation("lost", f"a callback with a status of message {number} was never acknowledged")
        expected = _ladder(self._statuses_of(sent.event)) if news else []
        if names == expected or (expected and _fails_early(names, expected)):
            return
        if names == ["failed"]:
            failed_at = next(each.at for each in told if each.content["status"] == "failed")
            first_news = min((posted.acknowledged or 0 for posted in news), default=None)
            if first_news is None or first_news > failed_at - _GRACE:
                # Nothing was heard of it in time.
                return
        yield Violation(
            "lost" if len(names) < len(expected) else "false",
            f"message {number}: the BSP reported {expected or 'nothing'}, CleverTap was told {names or 'nothing'}",
        )

    def _statuses_of(self, event: Event) -> list[str]:
        """The statuses that the BSP reports, in order."""
        codes = convention(event.to, has_file=event.kind == "template with a file").statuses
        provider = self.providers[event.account]
        if provider == "gupshup":
            codes = tuple(code for code in codes if code in gupshup.REPORT_OF)
        elif provider in ("meta", "message_central"):
            codes = tuple(code for code in codes if code in cloud_api.STATUS_OF or code in cloud_api.FAILURE_OF)
        return [_NAMES.get(code, "failed") for code in codes if code != 2]

    # --- replies ---------------------------------------------------------------------------------------------------

    def _of_replies(self) -> Iterable[Violation]:
        first_told: dict[int, Told] = {}
        events = {posted.about.number: posted.about for posted in self.posted if posted.kind == "reply"}
        for told in self._told_replies:
            number = number_of_text(json.dumps(told.content))
            of = events.get(number)
            if of is None or told.content["from"] != of.to or f"/{of.account}/" not in told.exchange.path:
                yield Violation("false", f"reply {number} was reported of somebody else, or to another account")
            if number in first_told and not first_told[number].excused:
                yield Violation("doubled", f"reply {number} was reported twice")
            first_told.setdefault(number, told)
            if told.excused:
                first_told[number] = told
        last: dict[tuple[str, str], tuple[int, float, float]] = {}
        for posted in sorted((each for each in self.posted if each.kind == "reply"), key=lambda each: each.begun):
            event: Event = posted.about
            if posted.acknowledged is None:
                if not self._aws_was_harsh():
                    yield Violation("lost", f"the callback with reply {event.number} was never acknowledged")
                continue
            if event.number not in first_told:
                yield Violation("lost", f"reply {event.number} was never reported")
                continue
            key, at = (event.account, event.to), self._first_at(event.number)
            if key in last and last[key][1] < posted.begun and at < last[key][2]:
                yield Violation("false", f"reply {event.number} was reported before reply {last[key][0]}")
            last[key] = (event.number, posted.acknowledged, at)

    def _first_at(self, number: int) -> float:
        return next(told.at for told in self._told_replies if number_of_text(json.dumps(told.content)) == number)


def _longest_healthy(edges: Sequence[float], faults: Sequence[Fault]) -> float:
    """The longest time (seconds) without a fault, between the first and the last edge."""
    longest = run = 0.0
    for start, end in pairwise(edges):
        run = 0.0 if any(fault.active(start) for fault in faults) else run + end - start
        longest = max(longest, run)
    return longest


def msg_id(event: Event) -> str:
    return f"{event.number}|1700000000|{event.account}|1"


def number_of(about: Any) -> int:
    """Of a delivered message, or of an event."""
    if isinstance(about, Event):
        return about.number
    if about.msg_id:
        return int(about.msg_id.split("|")[0])
    return number_of_text(json.dumps(about.content or about.wire, default=str))


def number_of_text(text: str) -> int:
    found = _TOKEN.search(text)
    return int(found.group(1)) if found else 0


def _ladder(statuses: Sequence[str]) -> list[str]:
    """What CleverTap must be told in the end: no rung skipped, nothing after a failure."""
    rungs = [_LADDER.index(status) for status in statuses if status in _LADDER]
    ladder = list(_LADDER[: max(rungs) + 1]) if rungs else []
    return [*ladder, "failed"] if "failed" in statuses and "read" not in ladder else ladder


def _fails_early(names: Sequence[str], expected: Sequence[str]) -> bool:
    """A failure that comes before lower rungs ends the ladder: those that come later are dropped."""
    return names[-1:] == expected[-1:] == ["failed"] and names[:-1] == expected[: len(names) - 1]


def counted(violations: Iterable[Violation]) -> Counter[str]:
    return Counter(violation.kind for violation in violations)
