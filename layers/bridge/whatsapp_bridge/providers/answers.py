"""Decides whether a message may be sent again when the BSP's answer does not say, and whether a person's file may be
fetched again.

An answer that is not the BSP's own (an empty body, a page, other JSON) comes from a proxy, a gateway or a load balancer
in between, or from the BSP's server before or after its own code ran. Only its HTTP status can be read. Meanings: RFC
9110 (sections 15.4 to 15.6) and RFC 6585.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal, NamedTuple

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.media.fetch import NOT_NOW
from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached, OutOfTime
from whatsapp_bridge.providers.contract.client import NoFile
from whatsapp_bridge.providers.contract.outcomes import NotSent, Outcome, Rejected, Throttled, Unknown
from whatsapp_bridge.runtime.observability import log_failure

_OK: Final = 200
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
    """The answer to a request, or what came of it without one."""
    try:
        return request()
    except OutOfTime as error:
        return NotSent(str(error), no_time=True)
    except NotReached as error:
        return NotSent(f"not reached: {error}", unreached=True)
    except AnswerLost as error:
        return Unknown(f"answer lost: {error}")


def posted(request: Callable[[], Answer], account: str) -> Answer | NotSent | Unknown:
    """As `guarded`, for `Client.send`, which raises nothing: the other requests of a batch have outcomes of their own.
    What nobody has expected may have come after the request left."""
    try:
        return guarded(request)
    except Exception as error:  # noqa: BLE001 - logged, and becomes an outcome
        log_failure("call failed", error, account=account)
        return Unknown(f"failed: {type(error).__name__}")


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


def refused_with[O: Outcome](outcome: O, number: int | None) -> O:
    """The outcome of a message that was in a refused request of so many before: its next attempt goes on from there."""
    if number is None or not isinstance(outcome, Throttled | NotSent):
        return outcome
    return replace(outcome, refused_with=number)


# --- files from people -----------------------------------------------------------------------------------------------

type FileVerdict = Literal["later", "account", "missing", "never"]
"""What an answer in place of a person's file means.

later    another attempt may get it
account  the same, but it needs somebody to act: an alarm is raised
missing  there is no file. It may be there in a moment: a webhook can be quicker than the file
never    no attempt will get it
"""


class FileWord(NamedTuple):
    """A BSP's own error in place of a file. `title` contains nothing private."""

    verdict: FileVerdict
    title: str


_OF_THE_ACCOUNT: Final = frozenset({401, 402, 403})
_NO_CONTENT: Final = frozenset({200, 204, 205, 404})


def no_file(answer: Answer, word: FileWord | None, *, credentials: bool = True) -> NoFile | None:
    """Why an answer to the request for a file is no file; None if it is one.

    `word` is the BSP's own error, which decides before the status: BSPs send throttling as 400. `credentials`: whether
    the account's went along.

    | status | verdict | because |
    |---|---|---|
    | 200 with content | | it is the file |
    | 200 without, 204, 205, 404 | missing | an empty file is no file |
    | 3xx | missing | it is elsewhere, and no redirect is followed, or not this one |
    | 401, 402, 403 | account | a new token or a payment opens the way |
    | the same without credentials | missing | storage services answer so for what is not there |
    | 202, 407, 408, 409, 423, 425, 429, 499, 5xx | later | not now |
    | other 2xx, other 4xx | never | not the whole file; gone; refused |
    """
    if answer.status == _OK and answer.body:
        return None
    verdict = word.verdict if word is not None else _verdict(answer.status, credentials)
    reason = "the file is empty" if answer.status == _OK else f"download: HTTP {answer.status}"
    return NoFile(
        f"{reason}, {word.title}" if word is not None else reason,
        retriable=verdict != "never",
        once=verdict == "missing",
        alarm=verdict == "account",
    )


def _verdict(status: int, credentials: bool) -> FileVerdict:
    if status in NOT_NOW or status >= 500:
        return "later"
    if status in _OF_THE_ACCOUNT:
        return "account" if credentials else "missing"
    return "missing" if status in _NO_CONTENT or 300 <= status < 400 else "never"
