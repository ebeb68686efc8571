"""May a message be sent again? Asked here for every BSP, wherever the BSP itself says nothing of the message.

An answer without a word of the BSP's own (an empty body, a page, other JSON) comes from a proxy, a gateway or a load
balancer on the way, or from the BSP's server before or after its own code ran. Its status is all there is to read.
Meanings: RFC 9110 (sections 15.4 to 15.6) and RFC 6585.
"""

from collections.abc import Callable
from typing import Final

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached
from whatsapp_bridge.providers.contract import Accepted, NotSent, Outcome, Rejected, Throttled, Unknown

_TOO_MANY: Final = 429

# A message may be with the BSP where one of these comes, although it was not taken by the words of the RFC.
_MAY_BE_TAKEN: Final = {
    408: "a part of the request came, and nobody knows how far it went",
    409: "the same request came before",
    425: "a repeated request, of which the first may have been taken",
    499: "whoever was in front gave up waiting for the BSP",
}

# The same request is refused each time.
_TOO_LARGE: Final = frozenset({413, 414, 431})


def outcome_without_a_word(answer: Answer, whose: str) -> Rejected | Throttled | NotSent | Unknown:
    """What an answer means that holds no word of the BSP's about the message; `whose` names the BSP's API.

    | status | outcome | because |
    |---|---|---|
    | 2xx | unknown | taken, by all appearances, but there is no id and no confirmation |
    | 3xx | not sent | no redirect is followed, and the address that was asked takes nothing |
    | 408, 409, 425, 499 | unknown | see `_MAY_BE_TAKEN` |
    | 413, 414, 431 | rejected | the request is too large, and would be the next time |
    | 429 | throttled | whoever counts requests does so before they are taken |
    | 401, 403 | not sent | a proxy's word on its own rules; no verdict on the account's credentials |
    | other 4xx | not sent | refused in front of the BSP, and passed on to nobody |
    | 5xx, others | unknown | the BSP may have taken it before it failed, or a gateway has lost its answer |
    """
    status = answer.status
    reason = f"HTTP {status} without {whose}'s answer"
    if status == _TOO_MANY:
        return Throttled(answer.retry_after)
    if status in _TOO_LARGE:
        return Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, f"Message is too large (HTTP {status})")
    if 300 <= status < 500 and status not in _MAY_BE_TAKEN:
        return NotSent(reason)
    return Unknown(reason)


def guarded(request: Callable[[], Answer]) -> Answer | NotSent | Unknown:
    """The answer to a request that sends a message, or what became of the message where none came."""
    try:
        return request()
    except NotReached as error:
        return NotSent(f"not reached: {error}")
    except AnswerLost as error:
        return Unknown(f"answer lost: {error}")


def of_a_step_before(what: str, outcome: Outcome) -> Accepted | Rejected | Throttled | NotSent:
    """The outcome of a request that comes before the message's own and may be repeated (an upload, a token, an opt-in):
    the message has not left, whatever became of that request. `what` names the step in the reason."""
    match outcome:
        case Unknown(reason):
            return NotSent(f"{what}: {reason}")
        case NotSent(reason, verdict):
            return NotSent(f"{what}: {reason}", verdict)
        case Accepted() | Rejected() | Throttled():
            return outcome
