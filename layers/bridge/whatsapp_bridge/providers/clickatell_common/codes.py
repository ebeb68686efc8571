"""The form of the rows in Clickatell's status and error tables; each of its two APIs has its own tables."""

from typing import Final, Literal, NamedTuple

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.providers.contract import Status

MEDIA_NOT_FOUND: Final = "MEDIA_NOT_FOUND"
FILES_LOST: Final = "files-lost"
"""Key of the note that Clickatell did not find a file: no fileId from before is trusted."""


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
    """True if the cause is the account, not the message."""


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
