"""A status of a message, as adapters read it, `dispatch` makes it, and queues hold it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

NOTE_SECONDS = 30 * 86_400
"""How long the note of a status is kept (`StatusEvent.note`)."""

type Status = Literal["accepted", "sent", "delivered", "read", "failed", "clicked"]
"""CleverTap's statuses, and `accepted`: the BSP confirms that it has the message. That is not reported to CleverTap."""


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """One status of one message, correlated by `reference` (the echoed msgId), else by `bsp_id`."""

    status: Status
    timestamp: int
    """Seconds since 1970, or `NO_TIME`."""
    reference: str | None
    bsp_id: str | None
    error_code: int | None = None
    """CleverTap's 10xx, for `failed`."""
    error_title: str | None = None
    unlisted: bool = False
    """The BSP's tables do not list this status; it is counted."""
    bsp_code: str | None = field(default=None, compare=False, kw_only=True)
    """For `failed`: the BSP's own code (`common.bsp_codes`)."""
    recipient: str | None = field(default=None, repr=False)
    """The person's number in digits, if the message may have to be found by it (`Capabilities.no_bsp_id`). On queues it
    is the account's pseudonym of the number."""
    other_recipients: Sequence[str] = field(default=(), repr=False)
    """On queues: the number's pseudonyms under the account's other keys, if it has several."""
    user_id: str | None = field(default=None, repr=False)
    """WhatsApp's user id of the person, if the callback has it beside or in place of the number. Not on queues."""
    user_note: Sequence[str] = field(default=(), repr=False)
    """On queues: the note that keeps the number under the user id (`common.user_ids`), its key and text."""
    user_note_keys: Sequence[str] = field(default=(), repr=False)
    """On queues, if the message may have to be found by a person of whom the callback has only the user id: keys of the
    notes that may have their number (`common.user_ids.places`)."""
    alarm: bool = False
    """As in `Rejected`: some BSPs accept messages of such an account, which then fail."""
    note: str | None = None
    """Key of a note for the account's client, kept for `NOTE_SECONDS`: that this status occurred, and when."""
    url: str | None = field(default=None, repr=False)
    """For `clicked`: the target of the link; `short_url` is the tapped address, `user_agent` the person's browser."""
    short_url: str | None = field(default=None, repr=False)
    user_agent: str | None = field(default=None, repr=False)
