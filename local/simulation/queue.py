"""One SQS queue in memory: what waits, what is hidden, what has expired.

Time is the caller's: `now` in seconds since 1970. Sending, receiving and what follows cost O(log n), whatever waits.
"""

from collections import deque
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from heapq import heappop, heappush
from math import inf
from random import Random
from typing import Any

from local.simulation import rules


class State(Enum):
    WAITING = "waiting"
    DELAYED = "delayed"
    IN_FLIGHT = "in flight"
    GONE = "gone"
    """Deleted, expired, or moved to another queue."""


@dataclass(slots=True, eq=False)
class Message:
    """`sent_at` is where its retention begins; `trace` is its AWSTraceHeader; `sequence` is a FIFO queue's."""

    id: str
    body: str = field(repr=False)
    sent_at: float
    group: str | None = None
    deduplication: str | None = None
    trace: str | None = None
    sequence: str | None = None
    number: int = 0
    """The place in the order of the queue."""
    state: State = State.WAITING
    receives: int = 0
    first_received_at: float | None = None
    received_at: float = 0.0
    visible_at: float = 0.0
    deleted: bool = False
    """Somebody has deleted it; a copy may be left all the same."""
    shown: bool = False
    """The next receive may take it, also while it is in flight. For standard queues."""


@dataclass
class Harshness:
    """What SQS may do to messages of standard queues. None of it by default.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/standard-queues-at-least-once-delivery.html
    """

    disorder: float = 0.0
    """Seconds by which a message may overtake another; 0 keeps the order."""
    twice: float = 0.0
    """How probably a received message stays visible, and so is received a second time at the same time."""
    undead: float = 0.0
    """How probably a deleted message stays, and is received again when its visibility is over."""
    stale: float = 0.0
    """How probably a deletion with a receipt that is not the last one does nothing."""
    old_counts: float = 0.0
    """By how many seconds the counts that it tells may be old."""


@dataclass
class _Group:
    """A message group of a FIFO queue, in order."""

    messages: deque[Message] = field(default_factory=deque)
    in_flight: int = 0


@dataclass
class _Choice:
    """Of a receive: what it takes, what was received too often, and the groups it looked at."""

    taken: list[Message] = field(default_factory=list)
    given_up: list[Message] = field(default_factory=list)
    groups: dict[str, None] = field(default_factory=dict)


def _waits(message: Message) -> bool:
    return message.state is State.WAITING


class ReceiptExpired(Exception):
    """The visibility is over: a FIFO queue no longer accepts this receipt."""


class NotInFlight(Exception):
    """The message waits: there is no visibility to change."""


class TooLong(Exception):
    """The visibility would end more than twelve hours after the receive."""


@dataclass
class Queue:
    """`attributes` are CloudFormation's. `on_lost` is told of each message that expires without having been deleted."""

    name: str
    arn: str
    url: str
    attributes: dict[str, Any]
    random: Random
    harshness: Harshness
    on_lost: Callable[["Queue", Message], None]
    dead_letters: "Queue | None" = None
    sent: int = 0
    """How many messages were sent to it; SQS's own moves do not count, as in NumberOfMessagesSent."""
    arrivals: list[float] = field(default_factory=list)
    """When each message came there, however it came."""

    def __post_init__(self) -> None:
        given = self.attributes
        self.fifo = bool(given.get("FifoQueue"))
        self.visibility = int(given.get("VisibilityTimeout", 30))
        self.retention = int(given.get("MessageRetentionPeriod", rules.DEFAULT_RETENTION))
        self.delay = int(given.get("DelaySeconds", 0))
        self.max_bytes = int(given.get("MaximumMessageSize", rules.MAX_MESSAGE_BYTES))
        self.max_receives = int(given.get("RedrivePolicy", {}).get("maxReceiveCount", 0))
        self.deduplicates_by_group = given.get("DeduplicationScope") == "messageGroup"
        if given.get("ContentBasedDeduplication") or (self.fifo and self.delay):
            raise ValueError(f"{self.name}: deduplication by content and delays on FIFO queues are not simulated")
        self.messages: dict[str, Message] = {}
        self.count = dict.fromkeys(State, 0)
        self.told_count, self._counted_at = self.count, -inf
        """What GetQueueAttributes says."""
        self._waiting: list[tuple[float, int, Message]] = []
        self._hidden: list[tuple[float, int, Message]] = []
        self._by_age: list[tuple[float, int, Message]] = []
        self._groups: dict[str, _Group] = {}
        self._ready: list[tuple[int, str]] = []
        """The groups with nothing in flight, by the place of their first message. For FIFO queues."""
        self._seen: dict[tuple[str | None, str], float] = {}
        self._number = 0

    # --- adding ------------------------------------------------------------------------------------------------------

    def send(self, message: Message, delay: int | None, now: float) -> None:
        """Add a new message; a FIFO queue ignores it if it is a duplicate."""
        self.settle(now)
        self.sent += 1
        if self.fifo and self._is_duplicate(message, now):
            return
        self._add(message, now + (self.delay if delay is None else delay), now)

    def _is_duplicate(self, message: Message, now: float) -> bool:
        while self._seen:
            oldest = next(iter(self._seen))
            if now - self._seen[oldest] < rules.DEDUPLICATION:
                break
            del self._seen[oldest]
        key = (message.group if self.deduplicates_by_group else None, message.deduplication or "")
        if key in self._seen:
            return True
        self._seen[key] = now
        return False

    def _add(self, message: Message, visible_at: float, now: float) -> None:
        self._number += 1
        self.arrivals.append(now)
        message.number, message.visible_at = self._number, visible_at
        self.messages[message.id] = message
        heappush(self._by_age, (message.sent_at, message.number, message))
        if self.fifo:
            self._join_group(message)
        message.state = State.DELAYED if visible_at > now else State.WAITING
        self.count[message.state] += 1
        if message.state is State.DELAYED:
            heappush(self._hidden, (visible_at, message.number, message))
        elif not self.fifo:
            self._show(message)

    def _join_group(self, message: Message) -> None:
        name = message.group or ""
        group = self._groups.setdefault(name, _Group())
        group.messages.append(message)
        if len(group.messages) == 1:
            heappush(self._ready, (message.number, name))

    def put_back(self, new_id: str, message: Message, now: float) -> None:
        """Add a redriven message, as a new one that is not deduplicated."""
        sequence = f"{self._number:020}" if self.fifo else None
        self._add(
            replace(message, id=new_id, sent_at=now, sequence=sequence, receives=0, first_received_at=None), now, now
        )

    def drain(self, now: float) -> list[Message]:
        """Take away all that waits, in order."""
        self.settle(now)
        taken = sorted((m for m in self.messages.values() if m.state is State.WAITING), key=lambda m: m.number)
        moved = [replace(message, shown=False) for message in taken]
        for message in taken:
            self._let_go(message)
        return moved

    # --- time --------------------------------------------------------------------------------------------------------

    def settle(self, now: float) -> None:
        """Show what has waited long enough, and let go what has waited too long."""
        hidden = self._hidden
        while hidden and hidden[0][0] <= now:
            at, _, message = heappop(hidden)
            # An entry is out of date when the visibility was changed, or the message is gone.
            if at == message.visible_at and message.state in (State.DELAYED, State.IN_FLIGHT):
                self._wait(message)
        by_age = self._by_age
        while by_age:
            sent_at, _, message = by_age[0]
            if message.state is not State.GONE:
                if not rules.expired(sent_at, now, self.retention):
                    break
                self._let_go(message)
                if not message.deleted:
                    self.on_lost(self, message)
            heappop(by_age)
        if self.harshness.old_counts and now - self._counted_at >= self.harshness.old_counts:
            self.told_count, self._counted_at = dict(self.count), now

    def due_at(self, now: float) -> float | None:
        """When the next message can be received, at the earliest; None if there is none."""
        self.settle(now)
        hidden = self._hidden
        while hidden and (hidden[0][2].state is State.GONE or hidden[0][0] != hidden[0][2].visible_at):
            heappop(hidden)
        if rules.has_room(self.count[State.IN_FLIGHT]) and (
            self._first_ready() if self.fifo else self._first_waiting()
        ):
            return now
        return hidden[0][0] if hidden else None

    def age(self, now: float) -> float:
        """The metric ApproximateAgeOfOldestMessage: a standard queue leaves out what was received three times.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
        """
        self.settle(now)
        oldest = (m.sent_at for m in self.messages.values() if self.fifo or m.receives < rules.LEFT_OUT_OF_AGE)
        return now - min(oldest, default=now)

    # --- receiving ---------------------------------------------------------------------------------------------------

    def receive(self, most: int, visibility: int | None, now: float) -> list[Message]:
        """At most `most` messages; those that were received too often go to the dead-letter queue."""
        self.settle(now)
        hold = self.visibility if visibility is None else visibility
        room = min(most, rules.MAX_IN_FLIGHT - self.count[State.IN_FLIGHT])
        choice = self._choose_of_groups(room) if self.fifo else self._choose(room)
        for message in choice.given_up:
            self._move(message, now)
        for message in choice.taken:
            self._mark(message, hold, now)
        for message in choice.taken:
            self._after_receive(message, hold)
        for name in choice.groups:
            self._make_ready(name)
        return choice.taken

    def _choose(self, most: int) -> _Choice:
        choice = _Choice()
        while len(choice.taken) < most and (message := self._first_waiting()) is not None:
            heappop(self._waiting)
            message.shown = False
            self._judge(message, choice)
        return choice

    def _choose_of_groups(self, most: int) -> _Choice:
        """In the order of the queue, from all groups with nothing in flight; several may be of one group."""
        choice = _Choice()
        begun: list[tuple[int, Message, Iterator[Message]]] = []
        while len(choice.taken) < most:
            message = self._first_ready(choice.groups)
            if message is not None and not (begun and begun[0][0] < message.number):
                heappop(self._ready)
                name = message.group or ""
                choice.groups[name] = None
                members: Iterator[Message] = filter(_waits, self._groups[name].messages)
                next(members)
            elif begun:
                _, message, members = heappop(begun)
            else:
                break
            self._judge(message, choice)
            following = next(members, None)
            if following is not None:
                heappush(begun, (following.number, following, members))
        return choice

    def _judge(self, message: Message, choice: _Choice) -> None:
        dead = self.dead_letters is not None and message.receives >= self.max_receives
        (choice.given_up if dead else choice.taken).append(message)

    def _first_waiting(self) -> Message | None:
        waiting = self._waiting
        while waiting:
            message = waiting[0][2]
            if message.state is not State.GONE:
                return message
            heappop(waiting)
        return None

    def _first_ready(self, besides: Container[str] = ()) -> Message | None:
        """The first message of the group whose turn it is, of those `besides` these."""
        ready = self._ready
        while ready:
            number, name = ready[0]
            group = self._groups.get(name)
            if group is not None and not group.in_flight and name not in besides:
                first = group.messages[0]
                if first.number == number:
                    return first
            heappop(ready)
        return None

    def _move(self, message: Message, now: float) -> None:
        to = self.dead_letters
        assert to is not None
        sent_at = rules.sent_at_in_dead_letter_queue(message.sent_at, now, fifo=to.fifo)
        moved = replace(message, sent_at=sent_at, shown=False)
        self._let_go(message)
        to.settle(now)
        to._add(moved, now, now)

    def _mark(self, message: Message, hold: int, now: float) -> None:
        message.receives += 1
        message.received_at, message.visible_at = now, now + hold
        if message.first_received_at is None:
            message.first_received_at = now
        if message.state is State.WAITING:
            self._change(message, State.IN_FLIGHT)
            if self.fifo:
                self._groups[message.group or ""].in_flight += 1

    def _after_receive(self, message: Message, hold: int) -> None:
        if not hold:
            self._wait(message)
            return
        heappush(self._hidden, (message.visible_at, message.number, message))
        if not self.fifo and self._happens(self.harshness.twice):
            self._show(message)

    # --- after the receive -------------------------------------------------------------------------------------------

    def delete(self, message: Message, receive: int, now: float) -> None:
        """Delete it with the receipt of its `receive`th receive. Raises `ReceiptExpired`."""
        self.settle(now)
        if message.state is State.GONE:
            return
        last = receive == message.receives
        if self.fifo:
            if not last or message.state is not State.IN_FLIGHT:
                raise ReceiptExpired
        elif not last and self._happens(self.harshness.stale):
            return
        message.deleted = True
        if self.fifo or not self._happens(self.harshness.undead):
            self._let_go(message)

    def hide(self, message: Message, visibility: int, now: float) -> None:
        """Make it visible in `visibility` seconds. Raises `NotInFlight`, `TooLong`."""
        self.settle(now)
        if message.state is not State.IN_FLIGHT:
            raise NotInFlight
        if not rules.visibility_allowed(message.received_at, now, visibility):
            raise TooLong
        message.visible_at = now + visibility
        if visibility:
            heappush(self._hidden, (message.visible_at, message.number, message))
        else:
            self._wait(message)

    def _happens(self, probability: float) -> bool:
        return bool(probability) and self.random.random() < probability

    # --- states ------------------------------------------------------------------------------------------------------

    def _wait(self, message: Message) -> None:
        was_in_flight = message.state is State.IN_FLIGHT
        self._change(message, State.WAITING)
        if not self.fifo:
            self._show(message)
        elif was_in_flight:
            self._leave_flight(message)

    def _show(self, message: Message) -> None:
        if message.shown:
            return
        message.shown = True
        spread = self.harshness.disorder
        key = message.visible_at + self.random.random() * spread if spread else 0.0
        heappush(self._waiting, (key, message.number, message))

    def _let_go(self, message: Message) -> None:
        was_in_flight = message.state is State.IN_FLIGHT
        self._change(message, State.GONE)
        del self.messages[message.id]
        if self.fifo:
            if was_in_flight:
                self._leave_flight(message)
            else:
                self._make_ready(message.group or "")

    def _leave_flight(self, message: Message) -> None:
        name = message.group or ""
        self._groups[name].in_flight -= 1
        self._make_ready(name)

    def _make_ready(self, name: str) -> None:
        """It is the group's turn if nothing of it is in flight."""
        group = self._groups.get(name)
        if group is None:
            return
        messages = group.messages
        while messages and messages[0].state is State.GONE:
            messages.popleft()
        if not messages:
            del self._groups[name]
        elif not group.in_flight:
            heappush(self._ready, (messages[0].number, name))

    def _change(self, message: Message, state: State) -> None:
        self.count[message.state] -= 1
        message.state = state
        self.count[state] += 1
