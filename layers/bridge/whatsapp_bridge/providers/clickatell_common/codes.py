"""The form of the rows in Clickatell's status and error tables; each of its two APIs has its own tables."""

import re
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.providers.contract.statuses import Status

MEDIA_NOT_FOUND: Final = "MEDIA_NOT_FOUND"
FILES_LOST: Final = "files-lost"
"""Key of the note that Clickatell did not find a file: no fileId from before is trusted."""


class StatusRow(NamedTuple):
    """One status code. `error` is CleverTap's 10xx, for `failed` only."""

    code: int | None
    """None for one that has only a name."""
    name: str
    status: Status
    title: str
    error: CallbackError | None = None
    listed: bool = True
    """False for a code that is not in the table."""
    alarm: bool = False
    """True if the cause is the account, not the message."""


_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]{2,63}")


def by_name(rows: Iterable[StatusRow]) -> dict[str, StatusRow]:
    """The rows by their names, without the names that stand for several meanings."""
    known: dict[str, StatusRow] = {}
    ambiguous = set()
    for row in rows:
        first = known.setdefault(row.name, row)
        if (first.status, first.error) != (row.status, row.error):
            ambiguous.add(row.name)
    return {name: row for name, row in known.items() if name not in ambiguous}


def unlisted_status(code: int | None, name: str) -> StatusRow:
    """Clickatell says to treat a status that is not listed as a failure. `name` is "" in the row if it is none."""
    # A text of any other form is not a name and could be anything.
    name = name if _NAME.fullmatch(name) else ""
    return StatusRow(code, name, "failed", f"Unlisted status {name or code}", CallbackError.OTHER, listed=False)


type Reaction = Literal["reject", "stop", "throttle", "overload", "internal", "split", "too_much", "media_lost"]
"""What to do about an error.

reject    the message will never be accepted
stop      no message of the account will be accepted until somebody acts
throttle  not accepted; One API asks for fewer requests
overload  not accepted; One API cannot take it now (HTTP 503) and asks for a retry
internal  not accepted if One API says so of this message (`accepted` false); otherwise unknown
split     the whole request was refused as malformed; its template may be the cause, or one message of many
too_much  the whole request was refused for its size
media_lost  the file of this fileId is gone; a retry needs a new upload
"""


class ErrorRow(NamedTuple):
    """One error code. `error` is CleverTap's 10xx."""

    code: int
    reaction: Reaction
    title: str
    error: CallbackError
    listed: bool = True
    """False for a code that is not in the table."""
