"""One API's status and error codes, and what they mean to CleverTap.

Titles are the vendor's descriptions, without its placeholders for numbers, names and limits: they reach CleverTap and
the logs.
"""

import re
from typing import Final

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.providers.clickatell_common.codes import (
    MEDIA_NOT_FOUND,
    ErrorRow,
    StatusRow,
    by_name,
    unlisted_status,
)

# --- statuses --------------------------------------------------------------------------------------------------------


_BAD_TEMPLATE: Final = CallbackError.INVALID_TEMPLATE_PARAMETERS
_OTHER: Final = CallbackError.OTHER

# Source: https://docs.clickatell.com/channels/one-api/one-api-message-status-table/, and "Status code comparison" of
# https://docs.clickatell.com/technical-faq/whatsapp/comparison-clickatells-first-generation-whatsapp-api-vs-new-one-api
# (134-138 are in the latter only, 100 in the former only). Clickatell gives 135-138 no description.
_STATUSES: Final = (
    # Callbacks are about messages that One API has accepted: one that it no longer finds will get no better status.
    StatusRow(1, "UNKNOWN", "failed", "Message not found", _OTHER),
    StatusRow(2, "QUEUED", "accepted", "Queued"),
    StatusRow(3, "SCHEDULED", "accepted", "Scheduled for later delivery"),
    StatusRow(4, "SENT_TO_SUPPLIER", "sent", "Sent to supplier"),
    StatusRow(5, "DEVICE_ACK", "delivered", "Device acknowledged delivery"),
    StatusRow(6, "READ", "read", "Read receipt"),
    # Clickatell's heading from here to 29: "Generic errors (shared by all channels)".
    # The phone could not be reached before the message expired.
    StatusRow(20, "EXPIRED", "failed", "Message has expired", CallbackError.TEMPORARILY_UNAVAILABLE),
    StatusRow(21, "STOPPED_BY_USER", "failed", "Message stopped by user", _OTHER),
    StatusRow(22, "STOPPED_BY_ADMIN", "failed", "Message stopped by admin", _OTHER),
    StatusRow(23, "DELIVERY_FAILURE", "failed", "Error delivering message", _OTHER),
    # Only simulated. Clickatell lists it among the errors, and nobody ever receives such a message.
    StatusRow(24, "EMULATED", "failed", "Emulated", _OTHER),
    StatusRow(25, "INSUFFICIENT_ACCOUNT_BALANCE", "failed", "Insufficient account balance", _OTHER, alarm=True),
    # These limits are the account's; CleverTap's 1004 is about one person's.
    StatusRow(26, "VOLUME_LIMIT", "failed", "Volume limit exceeded", _OTHER),
    StatusRow(27, "VOLUME_LIMIT_DAILY", "failed", "Daily volume limit exceeded", _OTHER),
    StatusRow(28, "VOLUME_LIMIT_MONTHLY", "failed", "Monthly volume limit exceeded", _OTHER),
    StatusRow(
        29,
        "RECIPIENT_DOES_NOT_EXIST",
        "failed",
        "Recipient does not exist on channel",
        CallbackError.TEMPORARILY_UNAVAILABLE,
    ),
    StatusRow(60, "ENCRYPTION_ACCESS_DENIED", "failed", "Security access denied", _OTHER),
    StatusRow(61, "ENCRYPTION_CONTENT_ERROR", "failed", "Content decryption failed", _OTHER),
    # CleverTap counts a template's media among its parameters.
    StatusRow(80, MEDIA_NOT_FOUND, "failed", "Media not found", _BAD_TEMPLATE),
    StatusRow(81, "MEDIA_SIZE_ERROR", "failed", "Media size error", _BAD_TEMPLATE),
    StatusRow(82, "MEDIA_CHECKSUM_FAILURE", "failed", "Media checksum failure", _BAD_TEMPLATE),
    StatusRow(83, "MEDIA_REJECTED_BY_SUPPLIER", "failed", "Channel supplier rejected media file", _BAD_TEMPLATE),
    StatusRow(
        84,
        "MEDIA_METADATA_ERROR",
        "failed",
        "Metadata for the media file was not found or does not match the message request",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        85,
        "MEDIA_ACCESS_ERROR",
        "failed",
        "An access/permissions-related error occurred when handling the media file",
        _BAD_TEMPLATE,
    ),
    StatusRow(100, "ROUTING_ERROR", "failed", "Routing error", _OTHER),
    # Clickatell's heading from here: "WhatsApp-related".
    StatusRow(130, "WHATSAPP_ACCOUNT_PAYMENT_ISSUE", "failed", "WhatsApp account payment issue", _OTHER, alarm=True),
    StatusRow(
        131, "WHATSAPP_RE_ENGAGEMENT_REQUIRED", "failed", "Re-engagement required", CallbackError.OUTSIDE_CHAT_WINDOW
    ),
    # Meta restricts a sender whose messages people block or report; this person is not the cause.
    StatusRow(
        132, "WHATSAPP_SPAM_RATE_LIMIT_REACHED", "failed", "Spam rate limit reached", CallbackError.BLOCKED_BY_META
    ),
    # WhatsApp slows the sender down; CleverTap's nearest code is "too many send requests".
    StatusRow(133, "WHATSAPP_SERVER_RATE_LIMIT", "failed", "WhatsApp server rate limit", CallbackError.TOO_MANY_SENDS),
    StatusRow(
        134,
        "WHATSAPP_HSM_NOT_AVAILABLE",
        "failed",
        "WhatsApp HSM request structure not available",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        135, "WHATSAPP_HSM_PARAM_COUNT_MISMATCH", "failed", "WhatsApp HSM parameter count mismatch", _BAD_TEMPLATE
    ),
    StatusRow(136, "WHATSAPP_HSM_IS_MISSING", "failed", "WhatsApp HSM is missing", _BAD_TEMPLATE),
    StatusRow(137, "WHATSAPP_HSM_DOWNLOAD_FAILED", "failed", "WhatsApp HSM download failed", _BAD_TEMPLATE),
    StatusRow(138, "WHATSAPP_HSM_PACK_IS_MISSING", "failed", "WhatsApp HSM pack is missing", _BAD_TEMPLATE),
    # Meta excludes some people from marketing messages as an experiment.
    StatusRow(
        139,
        "WHATSAPP_EXPERIMENTAL_NUMBER",
        "failed",
        "Non-delivery due to WhatsApp experimental number feature",
        CallbackError.BLOCKED_BY_META,
    ),
    StatusRow(
        140,
        "WHATSAPP_TEMPLATE_TEXT_TOO_LONG",
        "failed",
        "Length of the parameters and the template text exceeds the maximum allowed length",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        141,
        "WHATSAPP_TEMPLATE_FORMAT_MISMATCH",
        "failed",
        "Specified template header format not in the expected format",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        142,
        "WHATSAPP_TEMPLATE_FORMATTING_POLICY_VIOLATED",
        "failed",
        "Template header parameter formatting not allowed (bold, italics, etc.)",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        143,
        "WHATSAPP_TEMPLATE_MEDIA_FORMAT_UNSUPPORTED",
        "failed",
        "Correct media type used in template, but mime type is unsupported",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        144,
        "WHATSAPP_PARAMETER_MISSING",
        "failed",
        "Required parameter is missing for this message",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        145,
        "WHATSAPP_PARAMETER_INVALID",
        "failed",
        "A message parameter contains an invalid value",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        146,
        "WHATSAPP_PARAMETER_NOT_REQUIRED",
        "failed",
        "A parameter was specified for the message that is not required",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        147,
        "WHATSAPP_TEMPLATE_INVALID_URL",
        "failed",
        "Invalid hydrated URL received in template message",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        148,
        "WHATSAPP_TEMPLATE_INVALID_PHONE_NUMBER",
        "failed",
        "Phone number in template message is missing",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        149,
        "WHATSAPP_TEMPLATE_RECEIVER_NO_BUTTON_SUPPORT",
        "failed",
        "End-user device does not support buttons",
        CallbackError.DEVICE_CANNOT_RECEIVE,
    ),
)

# Source: the statuses of Clickatell's current API description, which has neither numbers nor descriptions of them.
_WITHOUT_NUMBERS: Final = (
    StatusRow(None, "STOP_MARKETING_MESSAGES", "failed", "Stop marketing messages", CallbackError.BLACKLISTED),
    StatusRow(
        None,
        "EXCESSIVE_MESSAGES_TO_RECIPIENT",
        "failed",
        "Excessive messages to recipient",
        CallbackError.TOO_MANY_SENDS,
    ),
    StatusRow(None, "MEDIA_TYPE_NOT_SUPPORTED", "failed", "Media type not supported", _BAD_TEMPLATE),
    # As 60 and 61.
    StatusRow(None, "ENCRYPTION_VALIDATION_ERROR", "failed", "Encryption validation error", _OTHER),
    # The bridge sends to phone numbers alone.
    StatusRow(None, "ANONYMOUS_USER_ID_INVALID", "failed", "Anonymous user id invalid", _OTHER),
    StatusRow(None, "ANONYMOUS_USER_ID_ERROR", "failed", "Anonymous user id error", _OTHER),
)

STATUSES: Final = {row.code: row for row in _STATUSES}
STATUSES_BY_NAME: Final = by_name((*_STATUSES, *_WITHOUT_NUMBERS))


def status(code: int | None, name: str = "") -> StatusRow:
    """The row of a status, by its code, else by its name."""
    return STATUSES.get(code) or STATUSES_BY_NAME.get(name.upper()) or unlisted_status(code, name)


# --- errors ----------------------------------------------------------------------------------------------------------

NO_SUCH_RESOURCE: Final = 41

_CREDENTIALS: Final = CallbackError.INVALID_CREDENTIALS
_PARAMETERS: Final = CallbackError.INVALID_TEMPLATE_PARAMETERS
_NUMBER: Final = CallbackError.INVALID_PHONE_NUMBER
_UNREACHABLE: Final = CallbackError.TEMPORARILY_UNAVAILABLE
_MISCELLANEOUS: Final = CallbackError.OTHER

# Source: table "Error code comparison" of the comparison page above (29 and 34-37 are reserved there).
_ERRORS: Final = (
    ErrorRow(1, "stop", "Invalid or missing integration API Key", _CREDENTIALS),
    ErrorRow(2, "stop", "Account is not active", _CREDENTIALS),
    ErrorRow(3, "stop", "Integration is not active", _CREDENTIALS),
    ErrorRow(7, "stop", "Originating IP address is not approved in your account", _CREDENTIALS),
    # Unlike 19 it does not ask for a retry: as the answer to a whole request, parts may have been accepted.
    ErrorRow(18, "internal", "Internal error", _MISCELLANEOUS),
    ErrorRow(19, "overload", "Internal error, please retry", _MISCELLANEOUS),
    ErrorRow(20, "stop", "Insufficient account balance", _MISCELLANEOUS),
    # Also the answer where the template is not found or not approved.
    ErrorRow(21, "split", "Payload data is malformed", _PARAMETERS),
    ErrorRow(22, "too_much", "Maximum messages per request payload exceeded", _MISCELLANEOUS),
    ErrorRow(23, "reject", "Invalid or missing parameter", _PARAMETERS),
    ErrorRow(24, "reject", "Maximum message content size exceeded", _PARAMETERS),
    ErrorRow(25, "reject", "Invalid recipient address", _NUMBER),
    ErrorRow(26, "reject", "Recipient opted out", CallbackError.BLACKLISTED),
    ErrorRow(27, "reject", "Recipient not available on channel", _UNREACHABLE),
    ErrorRow(28, "reject", "Recipient not available on sandbox", _UNREACHABLE),
    ErrorRow(30, "reject", "Content type not supported", _PARAMETERS),
    ErrorRow(31, "reject", "Media file size exceeds limit", _PARAMETERS),
    ErrorRow(32, "reject", "Media payload size exceeds limit", _PARAMETERS),
    ErrorRow(33, "media_lost", "Media item not found", _PARAMETERS),
    ErrorRow(38, "stop", "Channel/feature is not active on integration", _MISCELLANEOUS),
    ErrorRow(39, "stop", "Channel is not available on integration", _MISCELLANEOUS),
    ErrorRow(40, "reject", "Character set is not supported", _MISCELLANEOUS),
    ErrorRow(NO_SUCH_RESOURCE, "reject", "Resource does not exist", _MISCELLANEOUS),
    ErrorRow(42, "reject", "HTTP method is not supported on this resource", _MISCELLANEOUS),
    ErrorRow(43, "throttle", "Rate limit", CallbackError.TOO_MANY_SENDS),
    ErrorRow(44, "stop", "FROM number is suspended", _MISCELLANEOUS),
    ErrorRow(45, "stop", "FROM number is not related to integration", _MISCELLANEOUS),
    ErrorRow(46, "stop", "Demo access has expired", _MISCELLANEOUS),
)

ERRORS: Final = {row.code: row for row in _ERRORS}

# Error 23 names the parameter at the end of its description ("Invalid or missing parameter: to ."). CleverTap has a
# separate code for the recipient.
_RECIPIENT_PARAMETER: Final = ErrorRow(23, "reject", "Invalid or missing parameter: to", _NUMBER)
_NAMES_RECIPIENT: Final = re.compile(r":\s*(?:messages\[\d+\]\.)?to\s*\.?\s*$")


def error(code: int, description: str = "") -> ErrorRow:
    """The row of an error code; `description` is One API's text; titles never contain it."""
    if code == 23 and _NAMES_RECIPIENT.search(description):
        return _RECIPIENT_PARAMETER
    row = ERRORS.get(code)
    return row or ErrorRow(code, "reject", f"Unlisted error {code}", _MISCELLANEOUS, listed=False)
