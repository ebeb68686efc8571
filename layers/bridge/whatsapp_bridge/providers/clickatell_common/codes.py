"""The rows of Clickatell's tables of statuses and errors; each of its two APIs has tables of its own."""

from typing import Final, Literal, NamedTuple

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.providers.contract import Status

MEDIA_NOT_FOUND: Final = "MEDIA_NOT_FOUND"
FILES_LOST: Final = "files-lost"
"""Key of the note that Clickatell did not find a file: no fileId of one from before is to be trusted."""


class StatusRow(NamedTuple):
    """One status code. `error` is CleverTap's 10xx, for `failed` only."""

    code: int
    name: str
    status: Status
    title: str
    error: CallbackError | None = None
    listed: bool = True
    """False for a code that is not in the table."""
    alarm: bool = False
    """True for what is wrong with the account, and not with the message."""


type Reaction = Literal["reject", "stop", "throttle", "retry", "internal", "split", "media_lost"]
"""What to do about an error.

reject    the message never will be taken
stop      nor will any other of the account's, until somebody acts
throttle  not taken; One API asks for less
retry     not taken; One API asks for a repeat
internal  not taken, where One API says so of the very message (`accepted` false); else its fate is open
split     the whole request was refused for its form, of which one message of many may be the cause
media_lost  the file behind a fileId is gone: never, with this fileId
"""


class ErrorRow(NamedTuple):
    """One error code. `error` is CleverTap's 10xx."""

    code: int
    reaction: Reaction
    title: str
    error: CallbackError
    listed: bool = True
    """False for a code that is not in the table."""
