"""What happened in a run, as the ledger and its parts read it: messages, requests and what CleverTap was told."""

import json
import re
import zipfile
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from local.simulation.functions import Invocation
from local.simulation.internet import Exchange
from local.simulation.plan import Event

LIMITS = {"text": 600, "template": 6 * 3600}
"""Seconds after which a message must not be sent any more."""
GRACE = 25.0
"""Seconds by which a limit may be passed: it is held between a check and a request."""
_TOKEN = re.compile(r"n(\d+)n")
_MSG_ID = re.compile(r"(\d+)\|1700000000\|")


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
    """A status or reply that CleverTap took. `record`: how the key of the item begins that says so."""

    at: float
    content: Any
    exchange: Exchange
    record: str

    @property
    def excused(self) -> bool:
        """Whether the bridge could not know that CleverTap has it: the answer was lost, or the record of it, because
        that write failed or the invocation died before it."""
        owner = self.exchange.owner
        if not self.exchange.answered:
            return True
        if not isinstance(owner, Invocation):
            return False
        writes = [done for key, at, done in owner.writes if key.startswith(self.record) and at >= self.at]
        return not any(writes) and (owner.dead or bool(writes))


def token(number: int) -> str:
    """What stands in a message's text, by which it is known again."""
    return f"n{number}n"


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


def numbers_in(exchange: Exchange, *, by_id: bool) -> set[int]:
    """The messages that a request to a BSP carries: by their ids, where the BSP gets them, else by their texts."""
    text = unquote(f"{exchange.path} {exchange.body.decode('utf-8', 'replace')}")
    if by_id:
        # What is encrypted, or a key in base64, may look like a token.
        return {int(number) for number in _MSG_ID.findall(text)}
    text += " ".join(_sheets(exchange.body))
    return {int(number) for number in _TOKEN.findall(text)}


def _sheets(body: bytes) -> Iterator[str]:
    """The texts of a spreadsheet."""
    start = body.find(b"PK\x03\x04")
    if start >= 0:
        with zipfile.ZipFile(BytesIO(body[start:])) as sheet:
            for name in sheet.namelist():
                yield sheet.read(name).decode("utf-8", "replace")


def counted(violations: Iterable[Violation]) -> Counter[str]:
    return Counter(violation.kind for violation in violations)


def credentials_of(account: Mapping[str, Any]) -> dict[str, str]:
    """The headers by which CleverTap shows who it is."""
    login = account["clevertap"]["authorization"][0]
    if login["type"] != "basic":
        return {login["name"].lower(): login["value"]}
    return {"authorization": f"Basic {b64encode(f'{login["username"]}:{login["password"]}'.encode()).decode()}"}
