"""What Message Central's answer to a message means.

Neither the body of an error nor its HTTP status is documented. `responseCode`, a number or text, decides if there is
one, else a `status` of 401 or 403, as the answer to a request for a token has it. An answer with neither is a proxy's.
A CHAT's answer may have a second one, for the chat itself, inside `data`.
"""

from typing import Any, Final

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.net.halving import Heard
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.answers import outcome_without_a_word
from whatsapp_bridge.providers.cloud_api.answers import reaction
from whatsapp_bridge.providers.common.values import identifier, number
from whatsapp_bridge.providers.contract.outcomes import Accepted, Outcome, Rejected, Throttled, Unknown
from whatsapp_bridge.providers.message_central import codes

_TAKEN: Final = 200
# Of a `status`: others come from a framework, which says nothing of the message.
_OF_CREDENTIALS: Final = frozenset({401, 403})
# Its server could not read the request, and could not the next time. The part of it that refuses decides whether there
# is JSON, a page or nothing beside it.
_BAD: Final = 400
_BAD_REQUEST: Final = Rejected(
    CallbackError.INVALID_TEMPLATE_PARAMETERS, "Refused without a code (HTTP 400)", unlisted=True
)
_UNAUTHORIZED: Final = 401
_TOO_MANY: Final = 429
_OVERLOAD: Final = 503
_TOO_LARGE: Final = frozenset({413, 414, 431})

# HTTP statuses that come as `responseCode`.
_LIKE_HTTP: Final = {
    401: Rejected(CallbackError.INVALID_CREDENTIALS, "Credentials refused (HTTP 401)", alarm=True),
    403: Rejected(CallbackError.INVALID_CREDENTIALS, "Credentials refused (HTTP 403)", alarm=True),
    # Everything except a file is in the URL.
    413: Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, "Message is too large (HTTP 413)"),
    414: Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, "Message is too large (HTTP 414)"),
    431: Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, "Message is too large (HTTP 431)"),
}


def wordless(answer: Answer) -> bool:
    """Whether the answer is not Message Central's own."""
    return said(answer)[0] is None


def refuses_token(answer: Answer) -> bool:
    """Whether another token might be accepted."""
    code, message = said(answer)
    if code is None:
        return answer.status == _UNAUTHORIZED
    return code == _UNAUTHORIZED or codes.refuses_token(code, message)


def outcome(answer: Answer) -> Outcome:
    """The outcome of the message, or of each row of a sheet."""
    code, message = said(answer)
    if code is None:
        return _BAD_REQUEST if answer.status == _BAD else outcome_without_a_word(answer, "Message Central")
    if code == _TAKEN:
        return Accepted(_wamid(answer.json()))
    if code == _TOO_MANY:
        return Throttled(answer.retry_after)
    if code == _OVERLOAD:
        return Throttled(answer.retry_after, overload=True)
    if code in _LIKE_HTTP:
        return _LIKE_HTTP[code]
    if code not in codes.ERRORS:
        # It may mean that the message was accepted, or some rows of a sheet.
        return Unknown(f"unlisted responseCode {code}")
    return reaction(codes.error(code, message), answer)


def takes_no_sheet(answer: Answer | Outcome) -> bool:
    """Message Central cannot read the sheet: each message may be taken on its own."""
    return isinstance(answer, Answer) and said(answer)[0] == codes.NO_SHEET


def outcome_of_sheet(answer: Answer) -> Outcome:
    """The outcome of each row of a sheet of several that share this answer."""
    code, message = said(answer)
    if code in codes.ERRORS and codes.may_end_in_the_middle(code, message):
        return Unknown(f"error {code} may have come in the middle of the sheet")
    return outcome(answer)


def heard(answer: Answer | Outcome) -> Heard:
    """What an answer says about the rows of a sheet, which have the template in common."""
    if not isinstance(answer, Answer):
        return Heard.NOTHING
    code, message = said(answer)
    if code == _TAKEN:
        return Heard.ACCEPTED
    if code is None and answer.status == _BAD:
        return Heard.REFUSED
    if (answer.status if code is None else code) in _TOO_LARGE:
        return Heard.APART
    return codes.heard(code, message) if code in codes.ERRORS else Heard.NOTHING


def said(answer: Answer) -> tuple[int | None, str]:
    """The code and its text; an error's code comes before a success's."""
    body = answer.json()
    outer = _code(body, "message")
    inner = _code(body.get("data"), "errorMessage") if isinstance(body, dict) else (None, "")
    return inner if outer[0] == _TAKEN and inner[0] is not None else outer


def _code(holder: Any, text: str) -> tuple[int | None, str]:
    if not isinstance(holder, dict):
        return None, ""
    code, status, words = number(holder.get("responseCode")), number(holder.get("status")), holder.get(text)
    if code is None and status in _OF_CREDENTIALS:
        code = status
    return code, words if isinstance(words, str) else ""


def _wamid(body: Any) -> str | None:
    """The wamid of a CHAT; a BROADCAST has none."""
    data = body.get("data") if isinstance(body, dict) else None
    return identifier(data.get("transactionId")) if isinstance(data, dict) else None
