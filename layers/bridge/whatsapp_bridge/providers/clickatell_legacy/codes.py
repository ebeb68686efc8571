"""The legacy WhatsApp API's status and error codes, and what they mean to CleverTap.

The rows have One API's form. If Clickatell maps a code to one of One API's, both mean the same to CleverTap. Titles are
the vendor's descriptions, without its placeholders: they reach CleverTap and the logs.
"""

from typing import Final

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.providers.clickatell_common.codes import ErrorRow, StatusRow, by_name, unlisted_status

# --- statuses --------------------------------------------------------------------------------------------------------

_BAD_TEMPLATE: Final = CallbackError.INVALID_TEMPLATE_PARAMETERS
_UNAVAILABLE: Final = CallbackError.TEMPORARILY_UNAVAILABLE
_OTHER: Final = CallbackError.OTHER

# Source: "Legacy WhatsApp Status Codes" in "Status code comparison" of
# https://docs.clickatell.com/technical-faq/whatsapp/comparison-clickatells-first-generation-whatsapp-api-vs-new-one-api
_STATUSES: Final = (
    # The page spells it UNKOWN. Nothing is known yet, so it ends nothing; only One API's 1 says "message not found".
    StatusRow(1, "UNKNOWN", "accepted", "Unknown status"),
    StatusRow(2, "QUEUED", "accepted", "Message is queued for delivery"),
    StatusRow(3, "DELIVERED_TO_GATEWAY", "sent", "Message has been submitted to WhatsApp server"),
    StatusRow(4, "RECEIVED_BY_RECIPIENT", "delivered", "Message delivered to recipient"),
    StatusRow(7, "FAILED", "failed", "Message failed to send", _OTHER),
    StatusRow(
        9,
        "UNDELIVERED",
        "failed",
        "Message expired before it could be delivered to the business WhatsApp client application",
        _UNAVAILABLE,
    ),
    StatusRow(
        10,
        "WHATSAPP_DELIVERY_FAILED",
        "failed",
        "WhatsApp accepted the message, but could not deliver the message",
        _OTHER,
    ),
    StatusRow(11, "FAILED", "failed", "Message failed to send", _OTHER),
    # The page maps it to One API's 28 (monthly volume). Its text is that of 28 below, which is mapped to One API's 29
    # (recipient does not exist). So the 28 for 12 is probably a mistake.
    StatusRow(12, "UNKNOWN_USER", "failed", "The MSISDN is not on the WhatsApp network", _UNAVAILABLE),
    StatusRow(
        14,
        "REENGAGEMENT_REQUIRED",
        "failed",
        "Non-Message Template message sent more than 24 hours after the customer last messaged the business",
        CallbackError.OUTSIDE_CHAT_WINDOW,
    ),
    StatusRow(
        15,
        "SPAM_RATE_LIMIT",
        "failed",
        "Message blocked due to spam rate limit being hit on the WhatsApp server",
        CallbackError.BLOCKED_BY_META,
    ),
    StatusRow(
        16,
        "WHATSAPP_SERVER_THROTTLING",
        "failed",
        "Message throttled by the WhatsApp server",
        CallbackError.TOO_MANY_SENDS,
    ),
    StatusRow(27, "READ", "read", "Message read by recipient"),
    StatusRow(28, "UNKNOWN_USER", "failed", "The MSISDN is not on the WhatsApp network", _UNAVAILABLE),
    StatusRow(30, "ERROR_WITH_MESSAGE", "failed", "Media not found", _BAD_TEMPLATE),
    StatusRow(31, "ERROR_WITH_MESSAGE", "failed", "Media size error", _BAD_TEMPLATE),
    StatusRow(32, "ERROR_WITH_MESSAGE", "failed", "Media checksum failure", _BAD_TEMPLATE),
    StatusRow(
        33,
        "ERROR_WITH_MESSAGE",
        "failed",
        "The media file upload was rejected by the WhatsApp network",
        _BAD_TEMPLATE,
    ),
    StatusRow(
        34,
        "ERROR_WITH_MESSAGE",
        "failed",
        "Metadata for the media file was not found or does not match the message request",
        _BAD_TEMPLATE,
    ),
    StatusRow(40, "ERROR_WITH_MESSAGE", "failed", "Security access denied", _OTHER),
    StatusRow(41, "ERROR_WITH_MESSAGE", "failed", "Invalid content", _OTHER),
    StatusRow(50, "HSM_NOT_AVAILABLE", "failed", "The requested structure is not available", _BAD_TEMPLATE),
    StatusRow(1001, "QUEUED", "accepted", "Message accepted by MC2"),
    StatusRow(1002, "QUEUED", "accepted", "Message accepted by MC2"),
    StatusRow(1004, "VOLUME_LIMIT_EXCEED", "failed", "Monthly sandbox quota exceeded", _OTHER),
    StatusRow(1005, "VOLUME_LIMIT_EXCEED", "failed", "Daily sandbox quota exceeded", _OTHER),
    # Only simulated: nobody ever receives such a message.
    StatusRow(1006, "EMULATED", "failed", "Emulated", _OTHER),
    StatusRow(2000, "MEDIA_FILE_UPLOAD_FAILED", "failed", "Upload of media file has failed", _BAD_TEMPLATE),
    StatusRow(2001, "MEDIA_FILE_UPLOAD_EXPIRED", "failed", "Upload of media file has expired", _UNAVAILABLE),
)

STATUSES: Final = {row.code: row for row in _STATUSES}
STATUSES_BY_NAME: Final = by_name(_STATUSES)


def status(code: int | None, name: str = "") -> StatusRow:
    """The row of a status, by its code, else by its name."""
    return STATUSES.get(code) or STATUSES_BY_NAME.get(name.upper()) or unlisted_status(code, name)


# --- errors ----------------------------------------------------------------------------------------------------------

_CREDENTIALS: Final = CallbackError.INVALID_CREDENTIALS
_PARAMETERS: Final = CallbackError.INVALID_TEMPLATE_PARAMETERS
_NUMBER: Final = CallbackError.INVALID_PHONE_NUMBER
_UNREACHABLE: Final = CallbackError.TEMPORARILY_UNAVAILABLE
_MISCELLANEOUS: Final = CallbackError.OTHER

# Source: "Legacy WhatsApp Error Codes" in "Error code comparison" of the page above. 1, 2, 3, 7, 105, 109 and 161 are
# about the whole request, the others about one message; 301, 900 and 901 about either.
_ERRORS: Final = (
    ErrorRow(1, "stop", "Invalid or missing Integration API Key", _CREDENTIALS),
    ErrorRow(2, "stop", "Integration is not active", _CREDENTIALS),
    ErrorRow(3, "stop", "Account is not active", _CREDENTIALS),
    ErrorRow(7, "stop", "IP lockdown violation", _CREDENTIALS),
    ErrorRow(100, "reject", "Empty message content", _PARAMETERS),
    ErrorRow(101, "reject", "Message content is too long", _PARAMETERS),
    ErrorRow(102, "reject", "Empty receivers list", _NUMBER),
    ErrorRow(103, "reject", "Content type for media file is not supported", _PARAMETERS),
    ErrorRow(104, "reject", "WhatsApp media file is too big", _PARAMETERS),
    ErrorRow(105, "reject", "Request contains media files more than 20Mb in total", _PARAMETERS),
    ErrorRow(106, "reject", "HSM is incorrect", _PARAMETERS),
    ErrorRow(107, "reject", "SHA256 hash missing for encrypted media message", _PARAMETERS),
    # One API has no code like 108 and 110. Both are about the account; CleverTap's 1004 is about one person.
    ErrorRow(108, "reject", "You have exceeded the allowed amount of whitelisted numbers", _MISCELLANEOUS),
    ErrorRow(109, "stop", "IP lockdown violation. Request is forbidden according to settings", _CREDENTIALS),
    ErrorRow(110, "stop", "Account exceeded daily quota", _MISCELLANEOUS),
    ErrorRow(111, "reject", "Client message id too long", _PARAMETERS),
    ErrorRow(150, "reject", "Invalid country code found for the input phone", _NUMBER),
    ErrorRow(151, "reject", "Too long input phone", _NUMBER),
    ErrorRow(152, "reject", "Too short input phone", _NUMBER),
    ErrorRow(153, "too_much", "Too many MSISDNs", _MISCELLANEOUS),
    ErrorRow(158, "reject", "Invalid destination address", _NUMBER),
    ErrorRow(159, "reject", "Number is not approved WhatsApp number", _UNREACHABLE),
    ErrorRow(160, "reject", "Sandbox number without WhatsApp", _UNREACHABLE),
    ErrorRow(161, "reject", "Resource does not exist", _MISCELLANEOUS),
    ErrorRow(301, "stop", "Not enough money", _MISCELLANEOUS),
    # Unlike 901 it does not ask for a retry: as the answer to a whole request, parts may have been accepted.
    ErrorRow(900, "internal", "Internal error", _MISCELLANEOUS),
    ErrorRow(901, "overload", "Internal error - please retry", _MISCELLANEOUS),
)

ERRORS: Final = {row.code: row for row in _ERRORS}


def error(code: int, description: str = "") -> ErrorRow:
    """The row of an error code. `description`, which One API's table needs, is not used here."""
    row = ERRORS.get(code)
    return row or ErrorRow(code, "reject", f"Unlisted error {code}", _MISCELLANEOUS, listed=False)
