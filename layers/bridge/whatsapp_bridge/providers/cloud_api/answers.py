"""What an answer in Meta's form means, for every BSP that uses it.

Source: the pages named in `codes`.
"""

from typing import Any, Final

from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.answers import FileVerdict, FileWord, outcome_without_a_word
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api import codes
from whatsapp_bridge.providers.common.values import identifier
from whatsapp_bridge.providers.contract.outcomes import Accepted, NotSent, Outcome, Rejected, Throttled, Unknown

# "1 message every 6 seconds to the same user", beyond a burst of 45.
_PAIR_RATE: Final = 131056
_PAIR_RATE_SECONDS: Final = 6.0


def outcome(answer: Answer, whose: str) -> Outcome:
    """The outcome of the message; `whose` names the BSP."""
    body = answer.json()
    error = body.get("error") if isinstance(body, dict) else None
    row = codes.error_of(error)
    # Meta says to decide by the code. It documents throttling as 400, but also sends 403 and 429.
    if row is not None and row.listed:
        return reaction(row, answer)
    if answer.status == 429:
        return Throttled(answer.retry_after)
    if row is not None:
        return _unlisted(row, error, answer)
    if 200 <= answer.status < 300:
        bsp_id = identifier(first(body, "messages").get("id"))
        return Accepted(bsp_id) if bsp_id else outcome_without_a_word(answer, whose)
    return outcome_without_a_word(answer, whose)


def reaction(row: codes.ErrorRow, answer: Answer) -> Rejected | Throttled | NotSent:
    """The outcome of an error in the tables."""
    rejected = Rejected(
        row.error,
        row.title,
        unlisted=not row.listed,
        alarm=row.reaction == "stop",
        bsp_code=codes.bsp_code_of(row),
    )
    match row.reaction:
        case "throttle":
            least = _PAIR_RATE_SECONDS if row.code == _PAIR_RATE else None
            return Throttled(answer.retry_after or least, rejected)
        case "overload":
            return Throttled(answer.retry_after, rejected, overload=True)
        case "retry":
            return NotSent(row.title, rejected)
        case "reject" | "stop":
            return rejected


def _unlisted(row: codes.ErrorRow, error: Any, answer: Answer) -> Outcome:
    if _is_transient(error):
        return NotSent(row.title)
    if answer.status == 503:
        return Throttled(answer.retry_after, overload=True)
    # With other 5xx, the error may have occurred after the message was accepted.
    return reaction(row, answer) if answer.status < 500 else Unknown(f"HTTP {answer.status}: {row.title}")


def _is_transient(error: Any) -> bool:
    return error.get("is_transient") is True


# An error that is not in this table is about a message; the HTTP status decides.
_OF_A_FILE: Final[dict[codes.Reaction, FileVerdict]] = {
    "throttle": "later",
    "overload": "later",
    "retry": "later",
    "stop": "account",
}


def of_a_file(answer: Answer) -> FileWord | None:
    """What an error says in place of a file; None if that is not said."""
    body = answer.json()
    error = body.get("error") if isinstance(body, dict) else None
    row = codes.error_of(error)
    if row is None:
        return None
    if row.code == codes.NO_SUCH_OBJECT:
        return FileWord("missing", "No such file")
    if not row.listed:
        return FileWord("later", row.title) if _is_transient(error) else None
    verdict = _OF_A_FILE.get(row.reaction)
    return FileWord(verdict, row.title) if verdict is not None else None


def first(body: Any, name: str) -> Json:
    """The first element of a list in the answer; {} if there is none."""
    elements = body.get(name) if isinstance(body, dict) else None
    first = elements[0] if isinstance(elements, list) and elements else None
    return first if isinstance(first, dict) else {}
