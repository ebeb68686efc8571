"""What Gupshup's answer to a message means.

Sources: see `client`. Answers are JSON or text, and errors may have HTTP 200. An error has its code in the place of the
id.
"""

from dataclasses import dataclass

from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.answers import outcome_without_a_word
from whatsapp_bridge.providers.common.bsp_codes import bsp_code
from whatsapp_bridge.providers.common.values import identifier
from whatsapp_bridge.providers.contract.outcomes import Accepted, Outcome, Rejected, Throttled
from whatsapp_bridge.providers.gupshup import codes


@dataclass(frozen=True, slots=True)
class _Said:
    """Gupshup's own answer; `id` is the message's id, or the code of the error."""

    status: str
    id: str | None


def outcome(answer: Answer) -> Outcome:
    """The outcome of the message."""
    if answer.status == 429:
        return Throttled(answer.retry_after)
    said = _said(answer)
    if said is not None and said.status == "success":
        return Accepted(said.id)
    if said is not None and said.status == "error":
        row = codes.error(said.id or "")
        return Rejected(row.error, row.title, unlisted=not row.listed, alarm=row.alarm, bsp_code=bsp_code(row.code))
    return outcome_without_a_word(answer, "Gupshup")


def _said(answer: Answer) -> _Said | None:
    """None if the answer is not Gupshup's."""
    body = answer.json()
    if body is None:
        return _said_as_text(answer.body)
    response = body.get("response") if isinstance(body, dict) else None
    status = response.get("status") if isinstance(response, dict) else None
    if not isinstance(response, dict) or not isinstance(status, str):
        return None
    return _Said(status.strip().lower(), identifier(response.get("id")))


def _said_as_text(raw: bytes) -> _Said | None:
    """`success | <number> | <id>`, `error | <code> | <words>`."""
    words = [word.strip() for word in raw.decode(errors="replace").split("|")]
    if len(words) < 3:
        return None
    status = words[0].lower()
    return _Said(status, identifier(words[2] if status == "success" else words[1]))
