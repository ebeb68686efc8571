"""The outcome of each message, from the answer to its request.

Source: section "Outbound message request acceptance response" of the comparison page named in `codes`. Clickatell's two
APIs answer in the same form, with the names that `Dialect` lists.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.net.halving import Heard
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.answers import FileVerdict, FileWord, outcome_without_a_word
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.clickatell_common import codes
from whatsapp_bridge.providers.clickatell_common.dialect import Dialect
from whatsapp_bridge.providers.common.bsp_codes import bsp_code
from whatsapp_bridge.providers.common.values import digits, identifier, number
from whatsapp_bridge.providers.contract.outcomes import (
    Accepted,
    NotSent,
    Outcome,
    Outgoing,
    Rejected,
    Throttled,
    Unknown,
)

# The meaning of an HTTP status whose error the table does not list. Errors 1, 7 and 20 come with 401 and 402.
_BY_STATUS: Final = {
    401: Rejected(CallbackError.INVALID_CREDENTIALS, "Credentials refused (HTTP 401)", alarm=True),
    402: Rejected(CallbackError.OTHER, "Insufficient account balance", alarm=True),
    403: Rejected(CallbackError.INVALID_CREDENTIALS, "Credentials refused (HTTP 403)", alarm=True),
}


@dataclass(frozen=True, slots=True)
class MediaLost(Rejected):
    """Clickatell does not find the file behind the fileId."""

    @property
    def rejected(self) -> Rejected:
        """The same as the end of the message."""
        return Rejected(self.code, self.title, bsp_code=self.bsp_code)


def outcomes(batch: Sequence[Outgoing], answer: Answer | Outcome, dialect: Dialect) -> dict[str, Outcome]:
    """The outcome of each message of a request, by its reference."""
    if not isinstance(answer, Answer):
        return {outgoing.reference: answer for outgoing in batch}
    results = _results(answer)
    if not results:
        outcome = of_the_request(answer, dialect)
        return {outgoing.reference: outcome for outgoing in batch}
    matched = _match(batch, results)
    # Clickatell's own sample: nothing says which of a person's messages is which, and all are accepted.
    all_accepted = _tells_of_all(batch, results) and all(result.get("accepted") is True for result in results)
    lost = Accepted(None) if all_accepted else Unknown("not in the answer")
    return {
        outgoing.reference: _of_one(matched[outgoing.reference], answer, dialect)
        if outgoing.reference in matched
        else lost
        for outgoing in batch
    }


# --- which result is whose -------------------------------------------------------------------------------------------


def _results(answer: Answer) -> list[Json]:
    """The results per message. They come with any HTTP status: 202, 200, 207, 400 (all refused), 500."""
    body = answer.json()
    messages = body.get("messages") if isinstance(body, dict) else None
    return [result for result in messages if isinstance(result, dict)] if isinstance(messages, list) else []


def _tells_of_all(batch: Sequence[Outgoing], results: Sequence[Json]) -> bool:
    """Whether there is a result for each message, even if nothing says which one."""
    if len(batch) == len(results) == 1:
        return True
    names = [identifier(result.get("clientMessageId")) for result in results]
    return names.count(None) == sum(outgoing.reference not in names for outgoing in batch)


def _match(batch: Sequence[Outgoing], results: Sequence[Json]) -> dict[str, Json]:
    """Results by reference. Clickatell does not promise an order, and some answers have no clientMessageId: those are
    matched by recipient if exactly one message and one result are left for it. Nothing else is guessed."""
    if len(batch) == len(results) == 1:
        return {batch[0].reference: results[0]}
    references = {outgoing.reference for outgoing in batch}
    matched: dict[str, Json] = {}
    without_reference: dict[str, list[Json]] = defaultdict(list)
    for result in results:
        reference = identifier(result.get("clientMessageId"))
        if reference in references:
            # If one message has two results, "accepted" wins: an accepted message must not be sent again.
            if matched.get(reference, {}).get("accepted") is not True:
                matched[reference] = result
        elif reference is None:
            without_reference[digits(result.get("to")) or ""].append(result)
    waiting: dict[str, list[str]] = defaultdict(list)
    for outgoing in batch:
        if outgoing.reference not in matched:
            waiting[outgoing.request["to"]].append(outgoing.reference)
    for to, candidates in waiting.items():
        if len(candidates) == len(without_reference[to]) == 1:
            matched[candidates[0]] = without_reference[to][0]
    return matched


# --- what a result means ---------------------------------------------------------------------------------------------


def _of_one(result: Json, answer: Answer, dialect: Dialect) -> Outcome:
    accepted, error = result.get("accepted"), _error_row(result, dialect)
    bsp_id = identifier(result.get(dialect.bsp_id))
    if accepted is True or (accepted is None and error is None and bsp_id is not None):
        return Accepted(bsp_id)
    if error is not None:
        return _reaction(error, answer)
    if accepted is False:
        return Rejected(CallbackError.OTHER, "Not accepted, without a reason")
    return Unknown("unreadable answer")


def of_the_request(answer: Answer, dialect: Dialect) -> Rejected | Throttled | NotSent | Unknown:
    """The outcome of every message of a request whose answer has no results per message."""
    row = _error_row(answer.json(), dialect)
    if row is None or 300 <= answer.status < 400 or (answer.status == 429 and row.reaction != "throttle"):
        return outcome_without_a_word(answer, dialect.api)
    if row.listed and row.reaction != "internal":
        return _reaction(row, answer)
    if answer.status in _BY_STATUS:
        return _BY_STATUS[answer.status]
    if 400 <= answer.status < 500:
        return _reaction(row, answer)
    if answer.status == 503:
        return outcome_without_a_word(answer, dialect.api)
    # Parts of the request may have been accepted.
    return Unknown(f"HTTP {answer.status} without an answer per message")


def _reaction(row: codes.ErrorRow, answer: Answer) -> Rejected | Throttled | NotSent:
    match row.reaction:
        case "throttle":
            return Throttled(answer.retry_after, Rejected(row.error, row.title, bsp_code=bsp_code(row.code)))
        case "overload":
            return Throttled(answer.retry_after, overload=True)
        case "internal":
            return NotSent(row.title)
        case "media_lost":
            return MediaLost(row.error, row.title, bsp_code=bsp_code(row.code))
        case "stop":
            return Rejected(row.error, row.title, alarm=True, bsp_code=bsp_code(row.code))
        case "reject" | "split" | "too_much":
            return Rejected(row.error, row.title, unlisted=not row.listed, bsp_code=bsp_code(row.code))


# An error that is not in this table is about a message; the HTTP status decides.
_OF_A_FILE: Final[dict[codes.Reaction, FileVerdict]] = {
    "throttle": "later",
    "overload": "later",
    "internal": "later",
    "stop": "account",
    "media_lost": "missing",
}


def of_a_file(answer: Answer, dialect: Dialect) -> FileWord | None:
    """What an error says in place of a file; None if that is not said."""
    row = _error_row(answer.json(), dialect)
    verdict = _OF_A_FILE.get(row.reaction) if row is not None and row.listed else None
    return FileWord(verdict, row.title) if row is not None and verdict is not None else None


def nothing_there(answer: Answer, code: int, dialect: Dialect) -> bool:
    """Whether nothing is at an address that takes requests of this kind: the error `code`, or a 404 without any."""
    row = _error_row(answer.json(), dialect)
    return answer.status == 404 if row is None else row.code == code


# --- what an answer says about a request with several messages -------------------------------------------------------


_OF_THE_WHOLE: Final[dict[codes.Reaction, Heard]] = {"split": Heard.REFUSED, "too_much": Heard.APART}


def heard(batch: Sequence[Outgoing], answer: Answer | Outcome, dialect: Dialect) -> Heard:
    """Whether One API has read the messages of a request."""
    if not isinstance(answer, Answer) or 300 <= answer.status < 400 or answer.status == 429:
        return Heard.NOTHING
    row, results = _error_row(answer.json(), dialect), _results(answer)
    # Messages that a 4xx does not list are refused too; those that another answer does not list may be accepted.
    if results and not 400 <= answer.status < 500 and not _tells_of_all(batch, results):
        return Heard.ACCEPTED
    if results:
        return _heard_in(results, dialect)
    if row is None and answer.status == 413:
        # A gateway in front of Clickatell answers so, without Clickatell's error, if the body is too large.
        return Heard.APART
    return _OF_THE_WHOLE.get(row.reaction, Heard.NOTHING) if row is not None else Heard.NOTHING


def _heard_in(results: Sequence[Json], dialect: Dialect) -> Heard:
    """The legacy API reports an error of the whole request for each message."""
    rows = [_error_row(result, dialect) for result in results if result.get("accepted") is False]
    found = {None if row is None else _OF_THE_WHOLE.get(row.reaction) for row in rows}
    if len(rows) < len(results) or None in found:
        return Heard.ACCEPTED
    return Heard.REFUSED if Heard.REFUSED in found else Heard.APART


def kind_of(outgoing: Outgoing) -> str | None:
    """What a message has in common with others of its template: the name, and the places of the values. None if it has
    no template."""
    template = outgoing.request.get("template") or outgoing.request.get("hsm")
    if template is None:
        return None
    return to_json([template.get("templateName", template.get("template")), _places(template)]).decode()


def _places(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _places(value[name]) for name in sorted(value)}
    return [_places(member) for member in value] if isinstance(value, list) else None


def _error_row(holder: Any, dialect: Dialect) -> codes.ErrorRow | None:
    """The error of an answer or of one result; None if there is none or it cannot be read."""
    error = holder.get("error") if isinstance(holder, dict) else None
    if not isinstance(error, dict) or (code := number(error.get(dialect.code))) is None:
        return None
    return dialect.error(code, str(error.get(dialect.description, "")))
