"""What people got, held against what they were sent: a message's words and its file."""

import json
from collections.abc import Iterator
from typing import Any

from local.simulation.facts import Arrived, Violation, token
from local.simulation.plan import Event

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)
"""What each file in a run holds."""
WITHOUT_PICTURES = {"message_central", "clickatell_legacy"}
"""The providers whose templates have no file of a message's own."""


def picture_name(number: int) -> str:
    """Of the file of a message; some share one."""
    return f"picture-{number % 3}.png"


def incomplete(event: Event, arrived: Arrived, provider: str) -> Iterator[Violation]:
    """What a message lacks that has arrived."""
    delivered = arrived.delivered
    if token(event.number) not in json.dumps(delivered.content):
        yield Violation("false", f"message {event.number} arrived without its text")
    if event.kind == "template with a file" and provider not in WITHOUT_PICTURES:
        got = delivered.file.content == PICTURE if delivered.file else _has_address(event, delivered.wire)
        if not got:
            yield Violation("false", f"message {event.number} arrived without its file")


def _has_address(event: Event, wire: Any) -> bool:
    """Whether the BSP has the file's address, from where it fetches it itself."""
    return picture_name(event.number) in json.dumps(wire)


def link_of(content: dict[str, Any]) -> str | None:
    """To the file of a message from a person, as CleverTap gets it; None if there is none."""
    file = content.get(content.get("type", ""))
    return file.get("mediaURL") if isinstance(file, dict) else None
