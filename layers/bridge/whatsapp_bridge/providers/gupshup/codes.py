"""Gupshup's errors, event types and causes, and what they mean to CleverTap.

Titles are ours: Gupshup's texts may contain numbers and parts of messages, and titles reach CleverTap and the logs.
"""

import re
from typing import Final, NamedTuple

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.providers.contract.statuses import Status

_BAD_TEMPLATE: Final = CallbackError.INVALID_TEMPLATE_PARAMETERS
_UNAVAILABLE: Final = CallbackError.TEMPORARILY_UNAVAILABLE
_BLACKLISTED: Final = CallbackError.BLACKLISTED
_OTHER: Final = CallbackError.OTHER
_SERVICE_DISABLED: Final = "175"
_CODE: Final = re.compile(r"[0-9A-Za-z]{1,8}")

# --- answers ---------------------------------------------------------------------------------------------------------


class ErrorRow(NamedTuple):
    """One error of an answer. `error` is CleverTap's 10xx."""

    code: str
    title: str
    error: CallbackError
    listed: bool = True
    """False for a code that is not in the table."""

    @property
    def alarm(self) -> bool:
        """Whether no message of the account will be accepted until somebody acts."""
        return self.error == CallbackError.INVALID_CREDENTIALS or self.code == _SERVICE_DISABLED


# Source: the errors of Gupshup's enterprise API document ("API Errors"), and public clients of it. The choice of
# CleverTap's codes is ours.
_ERRORS: Final = (
    ErrorRow("100", "Unknown error", _OTHER),
    ErrorRow("101", "A parameter is missing", _BAD_TEMPLATE),
    ErrorRow("102", "Authentication failed", CallbackError.INVALID_CREDENTIALS),
    ErrorRow("103", "No such user", CallbackError.INVALID_CREDENTIALS),
    ErrorRow("104", "The account is disabled", CallbackError.INVALID_CREDENTIALS),
    ErrorRow("105", "The phone number is not valid", CallbackError.INVALID_PHONE_NUMBER),
    ErrorRow("106", "The method is not supported", _OTHER),
    ErrorRow("107", "The version is not supported", _OTHER),
    ErrorRow("108", "The mask is not valid", _OTHER),
    ErrorRow(_SERVICE_DISABLED, "The service is disabled for the account", _OTHER),
    # CleverTap's "not subscribed" (2003) is only for answers; the nearest callback code is "blacklisted".
    ErrorRow("312", "The person has not opted in", _BLACKLISTED),
    ErrorRow("318", "No approved template matches the message", _BAD_TEMPLATE),
)

ERRORS: Final = {row.code: row for row in _ERRORS}


def error(code: str) -> ErrorRow:
    """The row of an error code, "" where the answer has none."""
    return ERRORS.get(code) or ErrorRow(code, _unlisted("error", code), _OTHER, listed=False)


# --- delivery reports ------------------------------------------------------------------------------------------------

# Source: https://docs.gupshup.io/docs/real-time-delivery-reports, and CleverTap's page on Gupshup for READ. SUCCESS,
# FAILURE and UNKNOWN are the `status` of reports by GET, UNDELIV and EXPIRED are in public clients.
STATUSES: Final[dict[str, Status]] = {
    "SENT": "sent",
    "DELIVERED": "delivered",
    "READ": "read",
    "FAILED": "failed",
    "SUCCESS": "delivered",
    "FAILURE": "failed",
    "UNDELIV": "failed",
    "EXPIRED": "failed",
    # Gupshup has the message but does not know what happened to it.
    "UNKNOWN": "accepted",
}

# A report by GET says SUCCESS for each of these; the code tells them apart.
SUCCESSES: Final[dict[str, Status]] = {"000": "delivered", "025": "sent", "026": "read"}


class CauseRow(NamedTuple):
    """Why a message failed. `codes` come with this cause; `error` is CleverTap's 10xx."""

    cause: str
    codes: tuple[str, ...]
    title: str
    error: CallbackError
    listed: bool = True
    """False for a cause that is not in the table."""


# Source: the table of https://docs.gupshup.io/docs/real-time-delivery-reports. The choice of CleverTap's codes is ours;
# from 00c on, Gupshup gives no description.
_CAUSES: Final = (
    CauseRow("ABSENT_SUBSCRIBER", ("001",), "The person cannot be reached", _UNAVAILABLE),
    CauseRow("CALL_BARRED", ("002",), "The person's number takes no messages", _OTHER),
    CauseRow("UNKNOWN_SUBSCRIBER", ("003", "023"), "Unknown number", CallbackError.INVALID_PHONE_NUMBER),
    CauseRow("SERVICE_DOWN", ("004",), "The operator's service is down", _OTHER),
    CauseRow("SYSTEM_FAILURE", ("005",), "Failure in the operator's systems", _OTHER),
    CauseRow("DND_FAIL", ("006",), "The number does not want to be disturbed", _BLACKLISTED),
    CauseRow("BLOCKED", ("007",), "The number is blocked", _BLACKLISTED),
    CauseRow("DND_TIMEOUT", ("008",), "Not known in time whether the number may be disturbed", _BLACKLISTED),
    CauseRow("OUTSIDE_WORKING_HOURS", ("009",), "Outside working hours", _OTHER),
    CauseRow(
        "OTHER",
        ("00a", "014", "015", "016", "017", "018", "019", "01a", "01b", "01c", "020", "024"),
        "Not delivered",
        _OTHER,
    ),
    CauseRow("BLOCKED_MASK", ("00b",), "The sender is blocked by Gupshup", _BLACKLISTED),
    CauseRow("SMSCTIMEDOUT", ("00c",), "Timed out", _OTHER),
    CauseRow("CANCEL_CAUSEID", ("00d",), "Cancelled", _OTHER),
    CauseRow("CANCEL_SCHEDULE", ("00e",), "Cancelled by its schedule", _OTHER),
    CauseRow("DEFERRED", ("010",), "Deferred", _UNAVAILABLE),
    CauseRow("INBOXFULL", ("011",), "The inbox is full", _OTHER),
    CauseRow("CONGESTION", ("012",), "Congestion", _OTHER),
    CauseRow("NO_ACK_FROM_OPERATOR", ("013",), "No acknowledgement from the operator", _OTHER),
    CauseRow("BLOCKED_FOR_USER", ("022",), "The number is blocked for the sender", _BLACKLISTED),
    CauseRow("MSG_DOES_NOT_MATCH_TEMPLATE", ("038",), "The message does not match its template", _BAD_TEMPLATE),
)

CAUSES: Final = {row.cause: row for row in _CAUSES}
CAUSES_BY_CODE: Final = {code: row for row in _CAUSES for code in row.codes}
_FAMILIES: Final = {"BLOCKED": "The number is blocked", "DND": "The number does not want to be disturbed"}


def cause(name: str, code: str) -> CauseRow:
    """The row of a failure, by its cause, else by its code; "" for one that the report does not have."""
    row = CAUSES.get(name)
    if row is not None and name != "OTHER":
        return row
    for family, title in _FAMILIES.items():
        if name.startswith(family):
            return CauseRow(name, (code,), title, _BLACKLISTED)
    # OTHER has no meaning of its own, but its code may.
    return CAUSES_BY_CODE.get(code) or row or CauseRow(name, (code,), _unlisted("cause", code), _OTHER, listed=False)


def of_clevertap(code: int | None) -> CauseRow:
    """The row of a failure in CleverTap's own format for statuses. The title that comes with it is not repeated."""
    error = next((error for error in CallbackError if error == code), None)
    return CauseRow("", (), "Failed, in CleverTap's form", error or _OTHER, listed=error is not None)


def _unlisted(kind: str, code: str) -> str:
    # A text of any other form is not a code and could be anything.
    return f"Unlisted {kind} {code}" if _CODE.fullmatch(code) else f"Unlisted {kind}"
