"""The statuses of a template, and the events that Meta's webhooks tell, as literal tables.

Sources, below https://developers.facebook.com/documentation/business-messaging/whatsapp/: "Template review",
"Template quality", "Template pausing", "Template archival", and "message_template_status_update webhook reference".
"""

from typing import Final, NamedTuple

APPROVED: Final = "APPROVED"
DELETED: Final = "DELETED"


class StatusRow(NamedTuple):
    """One status. `sendable` is None if nobody says what it means. `words` follow "template order_update (en)"."""

    name: str
    sendable: bool | None
    words: str
    gone: bool = False
    """The BSP has it no longer, or not for long."""


_STATUSES: Final = (
    StatusRow(APPROVED, True, "is approved"),
    # Review takes minutes, at most 24 hours ("Template review").
    StatusRow("PENDING", False, "is in review at WhatsApp"),
    StatusRow("IN_APPEAL", False, "is in review at WhatsApp after an appeal"),
    StatusRow("REJECTED", False, "was rejected by WhatsApp"),
    # For three hours the first time, six the second, or until somebody ends it ("Template pausing").
    StatusRow("PAUSED", False, "is paused by WhatsApp"),
    StatusRow("DISABLED", False, "is disabled by WhatsApp"),
    # Messages under way keep a deleted template for up to 30 days ("Template management").
    StatusRow("PENDING_DELETION", False, "is deleted", gone=True),
    StatusRow(DELETED, False, "is deleted", gone=True),
    # Deleted 28 days later. That it cannot be sent meanwhile is concluded from "unarchive", nowhere written.
    StatusRow("ARCHIVED", False, "is archived"),
    # That it cannot be sent is concluded: it was never reviewed.
    StatusRow("LIMIT_EXCEEDED", False, "was not reviewed, because the WhatsApp account has too many templates"),
)

STATUSES: Final = {row.name: row for row in _STATUSES}


def status(name: str) -> StatusRow:
    """The row of a status. One that is not listed is neither imported nor refused."""
    return STATUSES.get(name) or StatusRow(name, None, "has a status that the bridge does not know")


class EventRow(NamedTuple):
    """One event. `status` is the template's new one, None if it keeps the one that it has. `fetch`: the event does not
    say all, so the template is fetched."""

    name: str
    status: str | None
    fetch: bool = False
    listed: bool = True
    """False for an event that is not in the table."""


_EVENTS: Final = (
    *(EventRow(row.name, row.name) for row in _STATUSES),
    # People complain; it is still sent. `disable_info` has the day when that may end.
    EventRow("FLAGGED", None),
    # No longer flagged or disabled.
    EventRow("REINSTATED", APPROVED),
    # Whether it can be edited, which changes nothing for messages.
    EventRow("LOCKED", None, fetch=True),
    EventRow("UNLOCKED", None, fetch=True),
    # It has its former status again, and the event does not say which.
    EventRow("UNARCHIVED", None, fetch=True),
)

EVENTS: Final = {row.name: row for row in _EVENTS}


def event(name: str) -> EventRow:
    """The row of an event; one that is not listed changes nothing, and the template is fetched."""
    return EVENTS.get(name) or EventRow(name, None, fetch=True, listed=False)
