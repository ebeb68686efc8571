"""What happens in one run: accounts, messages, what people do, and faults. Everything is drawn from the seed.

A plan is data. Whatever is taken out of it leaves the rest as it was, so a failing plan can be made smaller.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Literal

from local.accounts import SAMPLE

START = 1_700_000_000.0
MINUTE, HOUR = 60.0, 3600.0

type Kind = Literal[
    "template", "template with a file", "text", "person writes", "person taps", "person sends a file", "click",
    "deployment", "redrive", "templates due", "template changes", "list breaks off", "list is whole", "import",
]  # fmt: skip

TEMPLATES = ("order_shipped", "order_pictured", *(f"spring_{number}" for number in range(6)))
"""Of a Meta account: that of its messages, that of those with a file, and others."""


@dataclass(frozen=True)
class Event:
    """`at`: seconds from the start. `repeats`: when CleverTap sends the same message again, seconds after the first."""

    at: float
    kind: Kind
    account: str = ""
    number: int = 0
    """Of the message, unique in the plan."""
    to: str = ""
    repeats: tuple[float, ...] = ()
    status: str = ""
    """The new one of the template `to`."""
    told: bool = True
    """Whether the BSP tells of it."""


@dataclass(frozen=True)
class Fault:
    """`start` and `end` in seconds from the start. `target`: an account's BSP, `clevertap`, or a service of AWS.

    `share`: of the requests that it concerns. `of`: the account whose secret it is, for a fault of one secret.
    """

    name: str
    target: str
    start: float
    end: float
    share: float = 1.0
    of: str = ""

    @property
    def kind(self) -> str:
        """Its name, whatever the answer asks for."""
        return self.name.removesuffix(" with retry-after")

    def active(self, elapsed: float) -> bool:
        return self.start <= elapsed < self.end


@dataclass(frozen=True)
class Plan:
    seed: int
    accounts: Mapping[str, Mapping[str, Any]]
    events: tuple[Event, ...]
    faults: tuple[Fault, ...]
    concurrency: int = 1000
    """Of the AWS account."""
    spread: float = 2.0
    """Seconds by which callbacks are late at most."""
    twice: float = 0.1
    """The share of callbacks and queue messages that come twice."""

    def without(self, *, faults: int = 0, events: int = 0, at: int = 0) -> "Plan":
        """A smaller plan: without so many faults or events from place `at`."""
        return replace(
            self,
            faults=self.faults[:at] + self.faults[at + faults :] if faults else self.faults,
            events=self.events[:at] + self.events[at + events :] if events else self.events,
        )


# The last four digits of a number choose an outcome at the sandbox (`local/sandbox/conventions.py`); the others arrive
# and are read.
ENDINGS = ("9400", "9402", "9403", "9404", "9408", "9409", "9411", "9412", "9420", "9429", "9431", "9503")

_HTTP_FAULTS = (
    "down", "hangs", "slow", "500", "500 with retry-after", "502", "502 with retry-after", "503",
    "503 with retry-after", "504", "504 with retry-after", "answers lost", "429", "429 with retry-after", "403",
    "maintenance page",
)  # fmt: skip
BSP_FAULTS = (*_HTTP_FAULTS, "credential rotated", "credential rotated")
CLEVERTAP_FAULTS = (*_HTTP_FAULTS, "10 at a time")
AWS_FAULTS = (
    ("dynamodb", "throttled"), ("dynamodb", "index throttled"), ("dynamodb", "hot key throttled"),
    ("dynamodb", "answers lost"), ("dynamodb", "away"), ("index", "lags"), ("sqs", "partial failures"),
    ("sqs", "answers lost"), ("secretsmanager", "away"), ("secretsmanager", "denied"), ("secretsmanager", "slow"),
    ("secretsmanager", "broken secret"), ("kms", "away"), ("kms", "denied"), ("kms", "slow"), ("s3", "away"),
    ("s3", "denied"), ("s3", "slow"), ("lambda", "killed"), ("lambda", "killed"), ("lambda", "killed"),
    ("lambda", "out of memory"), ("lambda", "out of memory"), ("lambda", "throttled"),
)  # fmt: skip


_SOME = [0.05, 0.3, 0.3, 1.0]
_LIMITED = [0.05, 0.3, 0.3, 0.8]
_AWS_SHARES = {
    "killed": [0.002, 0.01, 0.05],
    "out of memory": [0.02, 0.1, 0.4],
    "throttled": _SOME,
    # A limit of writes a second never refuses them all.
    "index throttled": _LIMITED,
    "hot key throttled": _LIMITED,
    "answers lost": _SOME,
    "partial failures": _SOME,
}
_OF_ALL = {"credential rotated", "broken secret"}


def sample_accounts() -> dict[str, dict[str, Any]]:
    """Of `make run`, one of each kind."""
    accounts: dict[str, dict[str, Any]] = json.loads(Path(SAMPLE).read_text(encoding="utf-8"))
    for account in accounts.values():
        account.get("options", {}).pop("source_networks", None)
    return accounts


def draw(seed: int) -> Plan:
    """The plan of a seed."""
    random = Random(f"plan {seed}")
    available = sample_accounts()
    names = random.sample(sorted(available), random.choice([1, 1, 2, 2, 3, 4]))
    accounts = {name: available[name] for name in names}
    events = _Events(random, accounts)
    for name in names:
        events.conversations(name)
    events.campaigns()
    events.operations()
    of_templates = _events_of_templates(Random(f"templates {seed}"), accounts)
    return Plan(
        seed,
        accounts,
        tuple(sorted([*events.made, *of_templates], key=lambda event: event.at)),
        tuple(_faults(random, names, [event.at for event in events.made])),
        concurrency=random.choice([1000, 1000, 1000, 50, 12]),
        spread=random.choice([0.5, 5, 60]),
        twice=random.choice([0, 0.05, 0.3]),
    )


class _Events:
    def __init__(self, random: Random, accounts: Mapping[str, Mapping[str, Any]]) -> None:
        self._random, self._accounts = random, accounts
        self._numbers = 0
        self.made: list[Event] = []

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def _person(self, usual: float = 0.8) -> str:
        ending = (
            self._random.choice(ENDINGS) if self._random.random() > usual else f"{1000 + self._random.randrange(7000)}"
        )
        return f"27{82_000 + self._number() % 18_000}{ending}"

    def _repeats(self) -> tuple[float, ...]:
        if self._random.random() > 0.06:
            return ()
        return tuple(self._random.choice([0.3, 5, 60, 400, 5000]) for _ in range(self._random.choice([1, 1, 2])))

    def _file(self, usual: Kind, with_file: Kind) -> Kind:
        return with_file if self._random.random() < 0.1 else usual

    def conversations(self, account: str) -> None:
        """A few people who chat: in each, messages both ways."""
        provider = self._accounts[account]["provider"]["type"]
        for _ in range(self._random.choice([0, 2, 4, 8])):
            to, at = self._person(usual=0.9), self._random.uniform(0, 20 * MINUTE)
            for _ in range(self._random.randrange(1, 5)):
                at += self._random.choice([0.2, 5, 60, 300])
                wish = self._random.random()
                if wish < 0.5:
                    kind: Kind = "text"
                elif wish < 0.85 or provider == "message_central":
                    kind = "person writes"
                elif wish < 0.95:
                    kind = "person sends a file"
                else:
                    kind = "click" if provider == "gupshup" else "person taps"
                # Where only the order tells a person's messages apart, a lost one takes the statuses of the next:
                # docs/architecture.md, "Found by its recipient".
                person = self._person(usual=0.9) if (provider, kind) == ("message_central", "text") else to
                repeats = self._repeats() if kind == "text" else ()
                self.made.append(Event(at, kind, account, self._number(), person, repeats))

    def campaigns(self) -> None:
        size = self._random.choice([5, 10, 10, 20, 20, 40, 40, 80, 150])
        if self._random.random() < 0.008:
            size = self._random.choice([1500, 3000])
        for account in self._accounts:
            start = self._random.uniform(0, 10 * MINUTE)
            # CleverTap sends up to 1,500 at once.
            rate = self._random.choice([2.0, 50.0, 500.0])
            of_account = max(size // len(self._accounts), 1)
            for place in range(of_account):
                kind = self._file("template", "template with a file") if of_account < 100 else "template"
                self.made.append(
                    Event(start + place / rate, kind, account, self._number(), self._person(), self._repeats())
                )

    def operations(self) -> None:
        for kind in ("deployment", "redrive"):
            if self._random.random() < 0.3:
                self.made.append(Event(self._random.uniform(0, 2 * HOUR), kind))


def _events_of_templates(random: Random, accounts: Mapping[str, Mapping[str, Any]]) -> list[Event]:
    """With a stream of their own, so that they leave the rest of a plan as it is."""
    of_meta = [name for name, account in accounts.items() if account["provider"]["type"] == "meta"]
    if not of_meta or random.random() < 0.3:
        return []
    first = random.uniform(0, 20 * MINUTE)
    made = [Event(first + hour * HOUR, "templates due") for hour in range(5)]
    for account in of_meta:
        for name in TEMPLATES[2:]:
            made += _pauses(random, account, name)
        made += [Event(random.uniform(0, 5 * HOUR), "import", account) for _ in range(random.choice([2, 4, 6]))]
        if random.random() < 0.7:
            at = random.uniform(0, 4 * HOUR)
            made.append(Event(at, "list breaks off", account))
            made.append(Event(at + random.choice([10 * MINUTE, HOUR, 3 * HOUR]), "list is whole", account))
    return made


def _pauses(random: Random, account: str, name: str) -> list[Event]:
    made, at = [], random.uniform(0, HOUR)
    for _ in range(random.choice([0, 1, 2])):
        made.append(Event(at, "template changes", account, to=name, status="PAUSED", told=random.random() < 0.7))
        at += random.choice([10 * MINUTE, HOUR])
        made.append(Event(at, "template changes", account, to=name, status="APPROVED", told=random.random() < 0.5))
        at += random.uniform(20 * MINUTE, HOUR)
    return made


def _faults(random: Random, names: list[str], busy: list[float]) -> list[Fault]:
    """`busy`: when something begins. A fault begins shortly before such a moment."""
    found = []
    for _ in range(random.choice([0, 1, 1, 2, 2, 3])):
        start = max(random.choice(busy or [0.0]) - random.choice([0, 2, 20, 300]), 0)
        lasts = random.choice([20, 2 * MINUTE, 15 * MINUTE, HOUR, 3 * HOUR, 9 * HOUR])
        share = random.choice([0.1, 0.5, 1.0, 1.0])
        kind = random.random()
        if kind < 0.4:
            name, target = random.choice(BSP_FAULTS), random.choice(names)
        elif kind < 0.65:
            name, target = random.choice(CLEVERTAP_FAULTS), "clevertap"
            lasts = random.choice([lasts, 30 * HOUR]) if name in ("down", "503") else lasts
        else:
            target, name = random.choice(AWS_FAULTS)
            share = random.choice(_AWS_SHARES.get(name, [share]))
            lasts = min(lasts, 2 * HOUR)
        of = random.choice(names) if name == "broken secret" else ""
        found.append(Fault(name, target, start, start + lasts, 1.0 if name in _OF_ALL else share, of))
    return found
