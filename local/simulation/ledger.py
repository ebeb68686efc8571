"""What was promised, held against what happened.

    at most once          no message is sent to a BSP again after a request that may have arrived
    reported, in order    CleverTap hears the end of each accepted message: sent, delivered, read, each once; or failed
    replies               each message from a person is reported, once, a person's in order, with its text and its file,
                          and with the message that it answers
    nothing given up      no dead letter, and no failure that a retry within the message's limit would have prevented;
                          an outage of a BSP costs a handful of messages (`outages`)
    no silence            what is lost, fails in numbers or stands still raises an alarm of the template (`silence`)

The one doubling that is documented: what CleverTap took while its answer, or the bridge's record of it, was lost.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from local.sandbox import cloud_api, gupshup
from local.sandbox.conventions import convention
from local.simulation.contents import incomplete
from local.simulation.facts import (
    GRACE,
    LIMITS,
    REFUSED,
    Arrived,
    Sent,
    Told,
    Violation,
    msg_id,
    number_of,
    number_of_text,
    numbers_in,
)
from local.simulation.internet import Exchange, Posted
from local.simulation.outages import Outages
from local.simulation.plan import OLD_URLS, START, Event, Fault
from local.simulation.replies import Replies
from local.simulation.silence import Wait
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.common.message_ids import hidden

_LADDER = ("sent", "delivered", "read")
_UNCONFIRMED = 1009
_NAMES = {4: "sent", 5: "delivered", 6: "read"}
_QUEUED = 2
# These keep nothing from being sent.
_HARMLESS = {"slow", *OLD_URLS}
# Seconds without any fault in which each message must get through: a pause ends, what waits comes back, and is sent.
_ENOUGH = {"text": 420.0, "template": 2400.0}
# What gives a template no id when it takes it.
_WITHOUT_ID = {("message_central", "template"), ("message_central", "template with a file")}
# Seconds until a BSP's id that was told is recorded, and found in the index.
_FOUND_WITHIN = 60.0
# Seconds in which CleverTap repeats what is not answered, each answer included.
_TRIED_FOR = 200.0
# Without these, nothing is accepted.
_ACCEPTING = ("sqs", "secretsmanager", "lambda")
# What CleverTap hears of a try for which the account's concurrency had no room: others use it up, unless some is kept
# for send (`SendReservedConcurrency`). Each such try must raise an alarm (`silence`).
_NO_ROOM = "Throttled"
# Without these, nothing is sent; without KMS, nothing that is encrypted.
_SENDING = (*_ACCEPTING, "dynamodb")


@dataclass
class Ledger:
    """`providers`: the provider type of each account. `hosts`: whose host it is, an account's name for each BSP.
    `encrypted`: the accounts with client-side encryption."""

    providers: Mapping[str, str]
    hosts: Mapping[str, str]
    sent: dict[int, Sent] = field(default_factory=dict)
    arrived: list[Arrived] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    answers: Mapping[int, int | None] = field(default_factory=dict)
    """Of each message from a person: the message that it answers."""
    exchanges: Sequence[Exchange] = ()
    faults: Sequence[Fault] = ()
    encrypted: Collection[str] = ()
    interrupted: Collection[int] = ()
    """The messages that dispatch had in hand when it died, and whose outcome is unknown."""
    opened: Callable[[str], bytes | None] = lambda link: None
    """What a link to a person's file opens."""

    def __post_init__(self) -> None:
        self.told_statuses: dict[str, list[Told]] = defaultdict(list)
        self.told_replies: list[Told] = []
        self.requests: dict[int, list[Exchange]] = defaultdict(list)
        """The requests to a BSP that carry a message."""
        for exchange in self.exchanges:
            self._read(exchange)
        self.arrived_of: dict[int, list[Arrived]] = defaultdict(list)
        for arrived in self.arrived:
            self.arrived_of[number_of(arrived.delivered)].append(arrived)
        self._news: dict[int, list[Posted]] = defaultdict(list)
        for posted in self.posted:
            if posted.kind == "status":
                self._news[number_of(posted.about)].append(posted)

    def violations(self) -> list[Violation]:
        found: list[Violation] = []
        for number in {**self.sent, **self.arrived_of}:
            found += self._sent_twice(number)
        for number, sent in self.sent.items():
            found += self._of_message(number, sent)
        found += Outages(self.faults, self.exchanges, self.hosts, self.requests).violations()
        answers = {
            number: None if answered is None else msg_id(self.sent[answered].event)
            for number, answered in self.answers.items()
        }
        replies = Replies(self.told_replies, self.posted, answers, self._may_not_know, self.opened, self._may_lack_file)
        found += replies.violations()
        return found

    def _read(self, exchange: Exchange) -> None:
        whose = self.hosts.get(exchange.host)
        if whose == "clevertap":
            if exchange.taken:
                self._read_callback(exchange, json.loads(exchange.body))
        elif whose is not None:
            features = registry.outbound(self.providers[whose]).CAPABILITIES.features
            for number in numbers_in(exchange, by_id="reference" in features):
                self.requests[number].append(exchange)

    def _read_callback(self, exchange: Exchange, body: Any) -> None:
        if "statuses" not in body:
            self.told_replies.append(Told(exchange.at, body, exchange, "reply#"))
            return
        for status in body["statuses"]:
            account = status["msgId"].split("|")[2]
            record = f"click#{account}#" if status["status"] == "clicked" else f"msg#{account}#{status['msgId']}"
            self.told_statuses[status["msgId"]].append(Told(exchange.at, status, exchange, record))

    def _sent_twice(self, number: int) -> Iterable[Violation]:
        """A request may have arrived if it did, or if the bridge had no answer to it."""
        arrived = self.arrived_of.get(number, [])
        if len(arrived) > 1:
            yield Violation("doubled", f"message {number} reached the BSP {len(arrived)} times")
        doubtful = {exchange.at for exchange in self.requests.get(number, ()) if exchange.doubtful}
        if len(doubtful | {each.at for each in arrived}) > max(len(arrived), 1):
            yield Violation("doubled", f"message {number} was sent again, though a request for it may have arrived")

    # --- messages --------------------------------------------------------------------------------------------------

    def _of_message(self, number: int, sent: Sent) -> Iterable[Violation]:
        told = self.told_statuses.get(msg_id(sent.event), [])
        arrived = self.arrived_of.get(number, [])
        yield from self._repeats(number, told)
        # By the last time that each was told: what CleverTap took, and its answer was lost, may come again later.
        last = dict.fromkeys(reversed([each.content["status"] for each in _known(told)]))
        names = list(reversed(last))
        if not arrived:
            yield from self._of_undelivered(number, sent, told, names)
            return
        yield from self._late(number, sent, arrived[0])
        to, account = str(arrived[0].delivered.to).lstrip("+"), arrived[0].account
        if (to, account) != (sent.event.to, sent.event.account):
            yield Violation("false", f"message {number} went to somebody else, or from another account")
        yield from incomplete(sent.event, arrived[0], self.providers[sent.event.account])
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
            elif REFUSED not in sent.answers and not (self._harsh_at(sent.event.at) or set(sent.answers) == {_NO_ROOM}):
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
        begin = _begun(sent) - START
        needed = (event.account, *_SENDING, *(["kms"] if event.account in self.encrypted else []))
        faults = [fault for fault in self.faults if fault.target in needed and fault.name not in _HARMLESS]
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
        claim and the request."""
        if event.number in self.interrupted:
            return True
        return any(exchange.doubtful for exchange in self.requests.get(event.number, ()))

    def _harsh_at(self, at: float) -> bool:
        """Whether AWS was not well while CleverTap tried to send a message, from then on."""
        return any(
            fault.target in (*_ACCEPTING, "api") and fault.start < at + _TRIED_FOR and at < fault.end
            for fault in self.faults
        )

    def _late(self, number: int, sent: Sent, arrived: Arrived) -> Iterable[Violation]:
        limit = LIMITS["text" if sent.event.kind == "text" else "template"]
        late = arrived.at - _begun(sent)
        # What CleverTap repeats is accepted anew.
        if late > limit + GRACE + max(sent.event.repeats, default=0):
            yield Violation("false", f"message {number} was sent {late:.0f} s after it was accepted")

    def _of_delivered(self, number: int, sent: Sent, told: Sequence[Told], names: list[str]) -> Iterable[Violation]:
        news = [posted for posted in self._news.get(number, []) if posted.acknowledged is not None]
        if len(news) < len(self._news.get(number, [])):
            yield Violation("lost", f"a callback with a status of message {number} was never acknowledged")
        expected = _ladder(self._statuses_of(sent.event)) if news else []
        if names == expected or (expected and _fails_early(names, expected)):
            return
        if names == ["failed"]:
            failed_at = next(each.at for each in told if each.content["status"] == "failed")
            first_news = min((posted.acknowledged or 0 for posted in news), default=None)
            if first_news is None or first_news > failed_at - GRACE:
                # Nothing was heard of it in time.
                return
        yield Violation(
            "lost" if len(names) < len(expected) else "false",
            f"message {number}: the BSP reported {expected or 'nothing'}, CleverTap was told {names or 'nothing'}",
        )

    def _statuses_of(self, event: Event) -> list[str]:
        """The statuses that the BSP reports, in order."""
        return [_NAMES.get(code, "failed") for code in self._codes_of(event) if code != _QUEUED]

    def _codes_of(self, event: Event) -> Sequence[int]:
        codes = convention(event.to, has_file=event.kind == "template with a file").statuses
        provider = self.providers[event.account]
        if provider == "gupshup":
            codes = tuple(code for code in codes if code in gupshup.REPORT_OF)
        elif provider in ("meta", "message_central"):
            codes = tuple(code for code in codes if code in cloud_api.STATUS_OF or code in cloud_api.FAILURE_OF)
        return codes

    # --- replies ---------------------------------------------------------------------------------------------------

    def _may_not_know(self, event: Event, told: Told) -> bool:
        """Whether the bridge may not have known by its BSP's id the message that a reply answers: it learns it with the
        answer to the request, or with a status, and finds it a while later."""
        if self.providers[event.account].startswith("clickatell"):
            # The reply has CleverTap's own id.
            return False
        answered = self.answers[event.number]
        assert answered is not None
        of, latest = self.sent[answered].event, told.at - _FOUND_WITHIN
        if any(
            fault.target == "dynamodb" and START + fault.start < told.at < START + fault.end + _FOUND_WITHIN
            for fault in self.faults
        ):
            return True
        has_id = (self.providers[event.account], of.kind) not in _WITHOUT_ID
        if has_id and any(
            each.answered and each.at < latest and not (each.owner is None or each.owner.dead)
            for each in self.requests[answered]
        ):
            return False
        told_before = [each.content for each in self.told_statuses.get(msg_id(of), ()) if each.at < latest]
        return not any(_has_bsp_id(status) for status in told_before)

    def _may_lack_file(self, event: Event, told: Told) -> bool:
        """Whether a person's file may be reported as text: its BSP, or the key of its account, was away."""
        needed = (event.account, *(["kms"] if event.account in self.encrypted else []))
        return any(
            fault.target in needed and fault.start < told.at - START and event.at < fault.end
            for fault in self.faults
            if fault.name not in OLD_URLS
        )

    def nobody_knows(self, quarantined: Mapping[str, Any]) -> bool:
        """Whether it is a status by the BSP's id alone of a message whose answer, with the id, never came."""
        element = quarantined["element"]
        if quarantined["kind"] != "status" or element["reference"] is not None:
            return False
        return any(
            self._in_doubt(sent.event)
            for number, sent in self.sent.items()
            for arrived in self.arrived_of.get(number, ())
            if element["bsp_id"] in (known := arrived.delivered.message_id, hidden(arrived.account, known))
        )

    # --- who waited ------------------------------------------------------------------------------------------------

    def waits(self) -> Iterator[Wait]:
        """What waited for the bridge, and has gone on in the end."""
        for number, sent in self.sent.items():
            account, told = sent.event.account, self.told_statuses.get(msg_id(sent.event), [])
            left = self._left_at(number, told)
            if sent.accepted is not None and left is not None:
                yield Wait("text" if sent.event.kind == "text" else "template", account, sent.accepted, left)
            if told and (heard := self._heard_at(number, told)) is not None:
                yield Wait("status", account, heard, told[0].at)
        replies = {number_of_text(json.dumps(told.content)): told.at for told in reversed(self.told_replies)}
        for posted in self.posted:
            if posted.kind == "reply" and posted.acknowledged is not None and posted.about.number in replies:
                yield Wait("reply", posted.about.account, posted.acknowledged, replies[posted.about.number])

    def _left_at(self, number: int, told: Sequence[Told]) -> float | None:
        """When dispatch had done with a message: it arrived, may have arrived, or has failed. None if it died then."""
        left = [each.at for each in self.arrived_of.get(number, ())]
        left += [each.at for each in self.requests.get(number, ()) if each.doubtful]
        return min(left or ([] if number in self.interrupted else _failed_at(told)), default=None)

    def _heard_at(self, number: int, told: Sequence[Told]) -> float | None:
        """When the bridge had the first status to report, the BSP's or its own."""
        news = [each.acknowledged for each in self._to_report(number) if each.acknowledged is not None]
        return min(news or _failed_at(told), default=None)

    def _to_report(self, number: int) -> Sequence[Posted]:
        """The BSP's statuses of a message, without the one that says that it waits at the BSP."""
        posted = self._news.get(number, [])
        codes = self._codes_of(self.sent[number].event)
        if len(posted) != len(codes):
            return posted
        return [each for each, code in zip(posted, codes, strict=True) if code != _QUEUED]

    def failures(self) -> Iterator[Wait]:
        """The messages that have failed, though nothing is wrong with them or their numbers."""
        for sent in self.sent.values():
            event = sent.event
            told = self.told_statuses.get(msg_id(event), [])
            if {each.content["status"] for each in told} != {"failed"} or sent.accepted is None:
                continue
            asked_for = convention(event.to, has_file=event.kind == "template with a file")
            if asked_for.error is None and "failed" not in self._statuses_of(event):
                yield Wait("failed", event.account, sent.accepted, told[0].at)


def _begun(sent: Sent) -> float:
    """When it was accepted, or queued although CleverTap had no answer."""
    return sent.accepted if sent.accepted is not None else START + sent.event.at


def _failed_at(told: Sequence[Told]) -> list[float]:
    """When the bridge, or the BSP, has said so."""
    return [float(each.content["timestamp"]) for each in told if each.content["status"] == "failed"]


def _longest_healthy(edges: Sequence[float], faults: Sequence[Fault]) -> float:
    """The longest time (seconds) without a fault, between the first and the last edge."""
    longest = run = 0.0
    for start, end in pairwise(edges):
        run = 0.0 if any(fault.active(start) for fault in faults) else run + end - start
        longest = max(longest, run)
    return longest


def _ladder(statuses: Sequence[str]) -> list[str]:
    """What CleverTap must be told in the end: no rung skipped, nothing after a failure."""
    rungs = [_LADDER.index(status) for status in statuses if status in _LADDER]
    ladder = list(_LADDER[: max(rungs) + 1]) if rungs else []
    return [*ladder, "failed"] if "failed" in statuses and "read" not in ladder else ladder


def _fails_early(names: Sequence[str], expected: Sequence[str]) -> bool:
    """A failure that comes before lower rungs ends the ladder: those that come later are dropped."""
    return names[-1:] == expected[-1:] == ["failed"] and names[:-1] == expected[: len(names) - 1]


def _known(told: Sequence[Told]) -> list[Told]:
    """A message's statuses, without clicks, and without a failure that the bridge goes on from: CleverTap has taken it
    without an answer, and news came then."""
    statuses = [each for each in told if each.content["status"] != "clicked"]
    return [
        each for each in statuses if not (each.content["status"] == "failed" and each.excused and each != statuses[-1])
    ]


def _has_bsp_id(status: Mapping[str, Any]) -> bool:
    """Whether it came from the BSP with its id: neither a click nor the end of a message whose answer was lost."""
    return not (status["status"] == "clicked" or status.get("error", {}).get("code") == _UNCONFIRMED)
