"""The outcomes that the end of a recipient's number chooses, in the codes of Clickatell's One API.

Source of the codes: the tables "Status code comparison" and "Error code comparison" of Clickatell's comparison of its
legacy WhatsApp API with One API.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Convention:
    """What happens to messages for numbers with a certain ending."""

    statuses: tuple[int, ...] = (2, 4, 5, 6)
    error: int | None = None
    """Refused with this error ..."""
    times: int | None = None
    """... this many times for each clientMessageId; always if None."""
    answer_lost: bool = False
    """Accepted, but the connection closes without an answer."""
    of_files: bool = False
    """For messages with a file only."""
    nameless: bool = False
    """The answer does not say which message it is about, where it could."""


# The last four digits of a recipient choose the outcome of a message; any other number receives and reads it.
CONVENTIONS: dict[str, Convention] = {
    "9202": Convention(nameless=True),
    "9400": Convention(statuses=()),  # accepted, without any status
    "9402": Convention(statuses=(2, 4, 5)),  # delivered, never read
    "9403": Convention(error=26),
    "9404": Convention(statuses=(2, 29)),
    "9408": Convention(answer_lost=True),
    "9409": Convention(statuses=(), answer_lost=True),
    "9411": Convention(statuses=(2, 4, 6)),  # read, never reported as delivered
    "9412": Convention(statuses=(6, 5, 4, 2)),  # out of order
    "9420": Convention(statuses=(2, 4, 20)),
    "9427": Convention(error=27),
    "9429": Convention(error=43, times=2),
    "9431": Convention(statuses=(2, 131)),
    "9432": Convention(statuses=(2, 132)),
    "9433": Convention(error=33, times=1, of_files=True),
    "9444": Convention(error=44),
    "9480": Convention(statuses=(2, 80), of_files=True),
    "9503": Convention(error=19, times=1),
}

NOT_APPROVED = "not_approved"
"""A template of this name is not approved: refused as each BSP refuses such a template."""

STATUSES: dict[int, str] = {
    2: "QUEUED",
    4: "SENT_TO_SUPPLIER",
    5: "DEVICE_ACK",
    6: "READ",
    20: "EXPIRED",
    29: "RECIPIENT_DOES_NOT_EXIST",
    60: "ENCRYPTION_ACCESS_DENIED",
    61: "ENCRYPTION_CONTENT_ERROR",
    80: "MEDIA_NOT_FOUND",
    81: "MEDIA_SIZE_ERROR",
    82: "MEDIA_CHECKSUM_FAILURE",
    131: "WHATSAPP_RE_ENGAGEMENT_REQUIRED",
    132: "WHATSAPP_SPAM_RATE_LIMIT_REACHED",
    145: "WHATSAPP_PARAMETER_INVALID",
}


def convention(to: str, *, has_file: bool) -> Convention:
    found = CONVENTIONS.get(to[-4:], Convention())
    return Convention() if found.of_files and not has_file else found
