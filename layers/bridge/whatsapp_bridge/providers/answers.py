"""Decides whether a message may be sent again when the BSP's answer does not say.

An answer that is not the BSP's own (an empty body, a page, other JSON) comes from a proxy, a gateway or a load balancer
in between, or from the BSP's server before or after its own code ran. Only its HTTP status can be read. Meanings: RFC
9110 (sections 15.4 to 15.6) and RFC 6585.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached, OutOfTime
from whatsapp_bridge.providers.contract import NotSent, Rejected, Throttled, Unknown

_TOO_MANY: Final = 429
_OVERLOAD: Final = 503

# With these statuses the BSP may have the message, although the RFC says that the request was not processed.
_MAY_BE_TAKEN: Final = {
    408: "a part of the request arrived, and nobody knows how much was processed",
    409: "the same request arrived before",
    425: "a repeated request; the first may have been accepted",
    499: "a proxy gave up waiting for the BSP",
}

# A retry of the same request would fail again.
_TOO_LARGE: Final = frozenset({413, 414, 431})


def outcome_without_a_word(answer: Answer, whose: str) -> Rejected | Throttled | NotSent | Unknown:
    """The outcome for an answer that is not the BSP's own; `whose` names the BSP's API.

    | status | outcome | because |
    |---|---|---|
    | 2xx | unknown | probably accepted, but there is no id and no confirmation |
    | 3xx | not sent | redirects are not followed, and this address did not accept the message |
    | 408, 409, 425, 499 | unknown | see `_MAY_BE_TAKEN` |
    | 413, 414, 431 | rejected | the request is too large, and a retry would be too |
    | 429 | throttled | rate limits are checked before a request is accepted |
    | 401, 403 | not sent | a proxy applies its own rules; this says nothing about the account's credentials |
    | other 4xx | not sent | refused before the request reached the BSP |
    | 503 | throttled | overload or maintenance: "currently unable to handle the request"; asked before it is taken |
    | other 5xx, others | unknown | the BSP may have accepted it before it failed, or a gateway has lost its answer |
    """
    status = answer.status
    reason = f"HTTP {status} without {whose}'s answer"
    if status == _TOO_MANY:
        return Throttled(answer.retry_after)
    if status == _OVERLOAD:
        return Throttled(answer.retry_after, overload=True)
    if status in _TOO_LARGE:
        return Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, f"Message is too large (HTTP {status})")
    if 300 <= status < 500 and status not in _MAY_BE_TAKEN:
        return NotSent(reason)
    return Unknown(reason)


def guarded(request: Callable[[], Answer]) -> Answer | NotSent | Unknown:
    """The answer to a request that sends a message, or the message's outcome if there is no answer."""
    try:
        return request()
    except OutOfTime as error:
        return NotSent(str(error), no_time=True)
    except NotReached as error:
        return NotSent(f"not reached: {error}", unreached=True)
    except AnswerLost as error:
        return Unknown(f"answer lost: {error}")


def of_a_step_before(what: str, outcome: Rejected | Throttled | NotSent | Unknown) -> Rejected | Throttled | NotSent:
    """What the failure of a request before the message (an upload, a token, an opt-in) means for the message: it has
    not left, even if that request's outcome is unknown, and the request may be repeated. `what` names the step in the
    reason."""
    match outcome:
        case Unknown(reason):
            return NotSent(f"{what}: {reason}", unreached=True, of_a_step=True)
        case NotSent(reason):
            return replace(outcome, reason=f"{what}: {reason}", of_a_step=True)
        case Rejected() | Throttled():
            return replace(outcome, of_a_step=True)


def without_asking[R: Rejected | Throttled | NotSent](outcome: R) -> R:
    """The outcome of a step as that of another message, for which the BSP is not asked again."""
    return replace(outcome, of_a_step=False)
