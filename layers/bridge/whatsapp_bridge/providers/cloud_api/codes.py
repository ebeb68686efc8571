"""Statuses and error codes of Meta's Cloud API, and what they mean to CleverTap.

Titles are Meta's, some of them shortened. They contain nothing of an answer or webhook.
"""

from typing import Any, Final, Literal, NamedTuple

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.providers.common.bsp_codes import bsp_code
from whatsapp_bridge.providers.common.values import number, text, word
from whatsapp_bridge.providers.contract.statuses import Status

# --- statuses --------------------------------------------------------------------------------------------------------


class StatusRow(NamedTuple):
    """One status. `status` is None if CleverTap cannot use it; `title` says why."""

    name: str
    status: Status | None
    title: str


# Source: "Status messages webhook reference" of Meta's documentation; only older versions have `deleted`.
_STATUSES: Final = (
    StatusRow("sent", "sent", "Sent"),
    StatusRow("delivered", "delivered", "Delivered"),
    StatusRow("read", "read", "Read"),
    # A voice message that was played has been read; CleverTap has no later status.
    StatusRow("played", "read", "Played"),
    StatusRow("failed", "failed", "Failed"),
    # The message was delivered and then deleted; the statuses already reported stay true.
    StatusRow("deleted", None, "deleted, which is not reported to CleverTap"),
)

STATUSES: Final = {row.name: row for row in _STATUSES}


def status(name: Any) -> StatusRow:
    """The row of a status. Meta does not say what one that is not listed means."""
    return STATUSES.get(word(name)) or StatusRow("", None, "unknown status")


# --- errors ----------------------------------------------------------------------------------------------------------

type Reaction = Literal["reject", "throttle", "overload", "retry", "stop"]
"""What to do about an error in the answer to a message.

reject    the message will never be accepted
throttle  not accepted; Meta asks for fewer requests
overload  not accepted; Meta is down or overloaded, for everybody
retry     not accepted; Meta asks for a retry
stop      no message of the account will be accepted until somebody acts: rejected, and an alarm is raised
"""


class ErrorRow(NamedTuple):
    """One error code. `error` is CleverTap's 10xx for a message that finally fails with it."""

    code: int
    reaction: Reaction
    title: str
    error: CallbackError
    listed: bool = True
    """False for a code that is not in the table."""


_CREDENTIALS: Final = CallbackError.INVALID_CREDENTIALS
_PARAMETERS: Final = CallbackError.INVALID_TEMPLATE_PARAMETERS
_NUMBER: Final = CallbackError.INVALID_PHONE_NUMBER
_UNREACHABLE: Final = CallbackError.TEMPORARILY_UNAVAILABLE
_BLOCKED: Final = CallbackError.BLOCKED_BY_META
_OTHER: Final = CallbackError.OTHER

# Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
#
# Weak sources: 135000 is there without a cause. 131062, 131064, 132008 and 137000 are not there: their titles and codes
# of CleverTap's are what public clients make of them, and for 137000 not even these say what it means.
_ERRORS: Final = (
    # Meta's heading: "Authorization errors".
    ErrorRow(0, "stop", "AuthException", _CREDENTIALS),
    ErrorRow(3, "stop", "API Method", _CREDENTIALS),
    ErrorRow(10, "stop", "Permission denied", _CREDENTIALS),
    ErrorRow(190, "stop", "Access token has expired", _CREDENTIALS),
    # "Throttling errors". The sender is too fast; CleverTap's nearest code is "too many send requests".
    ErrorRow(4, "throttle", "API Too Many Calls", CallbackError.TOO_MANY_SENDS),
    ErrorRow(80007, "throttle", "Rate limit issues", CallbackError.TOO_MANY_SENDS),
    ErrorRow(130429, "throttle", "Rate limit hit", CallbackError.TOO_MANY_SENDS),
    # People block or report the sender; waiting does not help.
    ErrorRow(131048, "stop", "Spam rate limit hit", _BLOCKED),
    ErrorRow(131056, "throttle", "Pair rate limit hit", CallbackError.TOO_MANY_SENDS),
    # "Integrity errors".
    ErrorRow(368, "stop", "Temporarily blocked for policies violations", _BLOCKED),
    ErrorRow(130497, "reject", "Restricted from messaging users in this country", _BLOCKED),
    ErrorRow(131031, "stop", "Account has been locked", _BLOCKED),
    # "Other errors", and those of messages, templates and registration below.
    ErrorRow(1, "retry", "API Unknown", _OTHER),
    ErrorRow(2, "overload", "API Service", _OTHER),
    # The business phone number is gone.
    ErrorRow(33, "stop", "Parameter value is not valid", _OTHER),
    ErrorRow(100, "reject", "Invalid parameter", _PARAMETERS),
    # On-Premises API's code for 131047, seen on older accounts.
    ErrorRow(470, "reject", "Re-engagement message", CallbackError.OUTSIDE_CHAT_WINDOW),
    # Meta excludes some people from marketing messages as an experiment.
    ErrorRow(130472, "reject", "User's number is part of an experiment", _BLOCKED),
    ErrorRow(131000, "retry", "Something went wrong", _OTHER),
    ErrorRow(131005, "stop", "Access denied", _CREDENTIALS),
    ErrorRow(131008, "reject", "Required parameter is missing", _PARAMETERS),
    ErrorRow(131009, "reject", "Parameter value is not valid", _PARAMETERS),
    ErrorRow(131016, "overload", "Service unavailable", _OTHER),
    ErrorRow(131021, "reject", "Recipient cannot be sender", _NUMBER),
    # Not on WhatsApp, an old version, or its terms not accepted: Meta does not say which.
    ErrorRow(131026, "reject", "Message undeliverable", _UNREACHABLE),
    # An app in development sends only to the numbers on its list.
    ErrorRow(131030, "reject", "Recipient phone number not in allowed list", _UNREACHABLE),
    ErrorRow(131036, "reject", "Failed on at least one of the user's devices", CallbackError.DEVICE_CANNOT_RECEIVE),
    ErrorRow(131037, "stop", "Display name needs approval", _OTHER),
    ErrorRow(131042, "stop", "Business eligibility payment issue", _OTHER),
    ErrorRow(131045, "stop", "Incorrect certificate", _OTHER),
    ErrorRow(131047, "reject", "Re-engagement message", CallbackError.OUTSIDE_CHAT_WINDOW),
    ErrorRow(131049, "reject", "Not delivered to maintain healthy ecosystem engagement", _BLOCKED),
    ErrorRow(131050, "reject", "User has stopped marketing messages", CallbackError.BLACKLISTED),
    ErrorRow(131051, "reject", "Unsupported message type", _PARAMETERS),
    # CleverTap counts a template's media among its parameters.
    ErrorRow(131052, "reject", "Media download error", _PARAMETERS),
    # Meta could not fetch the file from its address, or could not store it.
    ErrorRow(131053, "retry", "Media upload error", _PARAMETERS),
    ErrorRow(131057, "retry", "Account in maintenance mode", _OTHER),
    # Not on Meta's page; the recipient cannot be addressed in this way.
    ErrorRow(131062, "reject", "Recipient not supported", _NUMBER),
    # The account's setting disable_marketing_messages_on_cloud_api is on, and no campaign leaves until somebody acts.
    # Source: the page of Meta's Marketing Messages API.
    ErrorRow(131063, "stop", "Marketing templates disabled for Cloud API", _OTHER),
    # Public clients: the account's limit after templates in a wrong category.
    ErrorRow(131064, "stop", "Restricted for the category of templates", _BLOCKED),
    ErrorRow(132000, "reject", "Template param count mismatch", _PARAMETERS),
    ErrorRow(132001, "reject", "Template does not exist", _PARAMETERS),
    ErrorRow(132005, "reject", "Template hydrated text too long", _PARAMETERS),
    ErrorRow(132007, "reject", "Template format character policy violated", _PARAMETERS),
    # Not on Meta's page; public clients read it as a parameter's value with a wrong format.
    ErrorRow(132008, "reject", "Template param value invalid", _PARAMETERS),
    ErrorRow(132012, "reject", "Template parameter format mismatch", _PARAMETERS),
    ErrorRow(132015, "reject", "Template is paused", _PARAMETERS),
    ErrorRow(132016, "reject", "Template is disabled", _PARAMETERS),
    ErrorRow(132068, "reject", "Flow is blocked", _PARAMETERS),
    ErrorRow(132069, "reject", "Flow is throttled", _PARAMETERS),
    ErrorRow(133004, "overload", "Server temporarily unavailable", _OTHER),
    ErrorRow(133010, "stop", "Phone number not registered", _OTHER),
    ErrorRow(134011, "stop", "Payments terms of service not accepted", _OTHER),
    # Meta: an unknown error with the parameters of the request.
    ErrorRow(135000, "reject", "Generic user error", _PARAMETERS),
    # Seen by public clients, and documented by nobody.
    ErrorRow(137000, "reject", "Failed with Meta's error 137000", _OTHER),
)

ERRORS: Final = {row.code: row for row in _ERRORS}

NO_ERROR: Final = ErrorRow(-1, "reject", "Failed, without a reason", _OTHER)
"""For a message that failed without an error."""
WITHOUT_CODE: Final = ErrorRow(-1, "reject", "Error without a code", _OTHER, listed=False)
"""For an error in another form."""

# Meta lists them as one: "200-299, API Permission".
PERMISSIONS: Final = range(200, 300)

# As a code, or as the subcode of an invalid parameter: the number in the URL does not exist, or is not ours.
_INVALID_PARAMETER: Final = 100
NO_SUCH_OBJECT: Final = 33

# Only the details name the wrong parameter; CleverTap has a separate code for the recipient.
_OF_A_PARAMETER: Final = frozenset({_INVALID_PARAMETER, 131008, 131009})
_RECIPIENT: Final = ("parameter to ", "parameter 'to'", "parameter `to`", "recipient phone number", "recipient_id")


def error(code: int, details: str = "") -> ErrorRow:
    """The row of an error code; titles never contain `details`, Meta's text."""
    row = ERRORS.get(code)
    if row is None and code in PERMISSIONS:
        return ErrorRow(code, "stop", "API permission", _CREDENTIALS)
    if row is None:
        return ErrorRow(code, "reject", f"Unlisted error {code}", _OTHER, listed=False)
    if code in _OF_A_PARAMETER and any(word in f"{details.lower()} " for word in _RECIPIENT):
        return ErrorRow(code, "reject", f"{row.title}: recipient", _NUMBER)
    return row


def bsp_code_of(row: ErrorRow) -> str | None:
    return bsp_code(row.code) if row.code >= 0 else None


def error_of(holder: Any) -> ErrorRow | None:
    """The row of an error object, old (`{code, title}`) or new (with `error_data`); None if it has no code."""
    if not isinstance(holder, dict) or (code := number(holder.get("code"))) is None:
        return None
    if code == _INVALID_PARAMETER and number(holder.get("error_subcode")) == NO_SUCH_OBJECT:
        # So the Graph API says that the number does not exist, or not for this token.
        return ERRORS[NO_SUCH_OBJECT]
    data = holder.get("error_data")
    # Some webhooks have `details` in place of `error_data`.
    details = data.get("details") if isinstance(data, dict) else holder.get("details")
    return error(code, text(details))
