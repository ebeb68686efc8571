"""Message Central's error codes, and what they mean to CleverTap. Statuses are Meta's: `cloud_api.codes`.

Titles are the vendor's descriptions: they reach CleverTap and the logs.
"""

import re
from typing import Final

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.net.halving import Heard
from whatsapp_bridge.providers.cloud_api import codes as meta
from whatsapp_bridge.providers.cloud_api.codes import ErrorRow
from whatsapp_bridge.providers.common.values import blank

_CREDENTIALS: Final = CallbackError.INVALID_CREDENTIALS
_PARAMETERS: Final = CallbackError.INVALID_TEMPLATE_PARAMETERS
_NUMBER: Final = CallbackError.INVALID_PHONE_NUMBER
_OTHER: Final = CallbackError.OTHER

# Source: the tables "Error Codes for Send Broadcast", "... for Chat Messages", "... for Create Template" (810-815, 826,
# 827) and "... for Get Template Status" (816, 817) of Message Central's documentation.
_ERRORS: Final = (
    ErrorRow(800, "stop", "Invalid Auth", _CREDENTIALS),
    # The sender is the account's own number; CleverTap has no code for that.
    ErrorRow(801, "stop", "Invalid sender", _OTHER),
    ErrorRow(802, "reject", "Invalid Template", _PARAMETERS),
    ErrorRow(803, "reject", "Contact list not found", _OTHER),
    ErrorRow(804, "reject", "Number of parameters doesn't match", _PARAMETERS),
    ErrorRow(805, "stop", "Insufficient credits", _OTHER),
    ErrorRow(810, "reject", "Required parameter is missing", _PARAMETERS),
    ErrorRow(811, "reject", "Invalid header_format", _PARAMETERS),
    ErrorRow(812, "reject", "File is not allowed in header_format TEXT", _PARAMETERS),
    ErrorRow(813, "reject", "Header is mandatory if header_format is TEXT", _PARAMETERS),
    ErrorRow(814, "reject", "File is mandatory if header_format is media type", _PARAMETERS),
    ErrorRow(815, "reject", "Header is not allowed if header_format is file type", _PARAMETERS),
    ErrorRow(816, "reject", "Provide a correct template name", _PARAMETERS),
    ErrorRow(817, "reject", "Template id and Template name are required", _PARAMETERS),
    ErrorRow(826, "reject", "Variable template but missing bodyValues field", _PARAMETERS),
    ErrorRow(827, "reject", "bodyValue does not match with number of placeholders", _PARAMETERS),
    ErrorRow(829, "reject", "mobileNumber is required", _NUMBER),
    ErrorRow(830, "reject", "message is required", _OTHER),
)

ERRORS: Final = {row.code: row for row in _ERRORS}

INVALID_AUTH: Final = 800
NO_SHEET: Final = 803
_TOO_FEW_CREDITS: Final = 805
# Errors of the template, or of the sheet as such: 132001, 132015 and 132016 are Meta's (does not exist, paused,
# disabled).
_OF_ALL_ROWS: Final = frozenset({802, NO_SHEET, 132001, 132015, 132016})
# It also carries Meta's own errors, in a text that begins with their code: "(#100) Param category must be ...".
_OF_META: Final = re.compile(r"\(#(\d{1,9})\)")
# Meta's errors also come without their code: "Unsupported get request. Object with ID ... does not exist".
_OF_CREDENTIALS: Final = re.compile(r"auth|token", re.IGNORECASE)


def error(code: int, message: str = "") -> ErrorRow:
    """The row of one of ERRORS' codes; titles never contain `message`, Message Central's text."""
    if code == INVALID_AUTH and (found := _OF_META.search(message)):
        return meta.error(int(found[1]), message)
    if code == INVALID_AUTH and not blank(message) and not _OF_CREDENTIALS.search(message):
        return ErrorRow(code, "reject", f"Unlisted error {code}", _OTHER, listed=False)
    return ERRORS[code]


def heard(code: int, message: str) -> Heard:
    """Whether a part of a sheet that is refused with one of ERRORS' codes may be taken: the values of one row, or its
    number, may be the cause. Not if rows before it may have left: see `may_end_in_the_middle`."""
    row = error(code, message)
    if row.reaction != "reject" or not row.listed or row.code in _OF_ALL_ROWS or may_end_in_the_middle(code, message):
        return Heard.NOTHING
    return Heard.REFUSED if row.error == _PARAMETERS else Heard.APART


def may_end_in_the_middle(code: int, message: str) -> bool:
    """Whether rows of a sheet may have been accepted before the one that met this error. Meta has no call for many
    messages; nothing says whether Message Central makes its calls before it answers. Errors of the account or of the
    template meet the first row."""
    if code == _TOO_FEW_CREDITS:
        return True
    if code != INVALID_AUTH or _OF_META.search(message) is None:
        return False
    row = error(code, message)
    return row.reaction != "stop" and row.code not in _OF_ALL_ROWS


def refuses_token(code: int, message: str) -> bool:
    return code == INVALID_AUTH and error(code, message) is ERRORS[code]
