"""CleverTap's error codes, as literal tables.

Source: CleverTap's "Generic WhatsApp" page (docs.clevertap.com/docs/generic-whatsapp), sections "Expected API Response"
and "Callback Error Codes". The descriptions are CleverTap's.
"""

from enum import IntEnum
from typing import Final


class RequestError(IntEnum):
    """Codes of a ``failure`` answer to one of CleverTap's requests."""

    INVALID_CREDENTIALS = 2000
    INVALID_TEMPLATE_PARAMETERS = 2001
    INVALID_PHONE_NUMBER = 2002
    NOT_SUBSCRIBED = 2003
    OTHER = 2004


class CallbackError(IntEnum):
    """Codes of a ``failed`` status in a status callback."""

    INVALID_CREDENTIALS = 1000
    INVALID_TEMPLATE_PARAMETERS = 1001
    INVALID_PHONE_NUMBER = 1002
    NUMBER_NOT_ACTIVE = 1003
    TOO_MANY_SENDS = 1004
    TEMPORARILY_UNAVAILABLE = 1005
    BLACKLISTED = 1006
    DEVICE_CANNOT_RECEIVE = 1007
    OUTSIDE_CHAT_WINDOW = 1008
    OTHER = 1009
    BLOCKED_BY_META = 1010


# The codes of a refused message, by the member of CleverTap's message that is wrong: of the answer to its request, and
# of its status if it was accepted before. A freeform message has no template, so it never gets the codes of one.
_REFUSALS: Final = {
    "to": (RequestError.INVALID_PHONE_NUMBER, CallbackError.INVALID_PHONE_NUMBER),
    "template": (RequestError.INVALID_TEMPLATE_PARAMETERS, CallbackError.INVALID_TEMPLATE_PARAMETERS),
    "components": (RequestError.INVALID_TEMPLATE_PARAMETERS, CallbackError.INVALID_TEMPLATE_PARAMETERS),
}
_OTHER: Final = (RequestError.OTHER, CallbackError.OTHER)


def refusal_codes(field: str) -> tuple[RequestError, CallbackError]:
    """The codes for a message whose `field` (a path: ``components[1].body``) is wrong."""
    return _REFUSALS.get(field.partition(".")[0].partition("[")[0], _OTHER)


REQUEST_ERRORS: Final[dict[RequestError, str]] = {
    RequestError.INVALID_CREDENTIALS: "Invalid credentials",
    RequestError.INVALID_TEMPLATE_PARAMETERS: "Invalid template parameters",
    RequestError.INVALID_PHONE_NUMBER: "Invalid phone number",
    RequestError.NOT_SUBSCRIBED: "Phone number not subscribed",
    RequestError.OTHER: "Other",
}

CALLBACK_ERRORS: Final[dict[CallbackError, str]] = {
    CallbackError.INVALID_CREDENTIALS: "Invalid credentials",
    CallbackError.INVALID_TEMPLATE_PARAMETERS: "Invalid template parameters",
    CallbackError.INVALID_PHONE_NUMBER: "Invalid phone number",
    CallbackError.NUMBER_NOT_ACTIVE: "The phone number is no longer active",
    CallbackError.TOO_MANY_SENDS: "Too many send requests to phone numbers",
    CallbackError.TEMPORARILY_UNAVAILABLE: (
        "The phone number is temporarily unavailable or not in the provider network"
    ),
    CallbackError.BLACKLISTED: "Phone number is blacklisted",
    CallbackError.DEVICE_CANNOT_RECEIVE: "User device can't receive the message",
    CallbackError.OUTSIDE_CHAT_WINDOW: "This message is sent outside of the WhatsApp chat window",
    CallbackError.OTHER: "Other",
    CallbackError.BLOCKED_BY_META: "Blocked by Meta",
}
