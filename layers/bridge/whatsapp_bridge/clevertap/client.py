"""Callbacks to CleverTap."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whatsapp_bridge.net.http import AnswerLost, HttpClient, NotReached, OutOfTime


@dataclass(frozen=True, slots=True)
class Taken:
    """CleverTap accepted the callback."""


@dataclass(frozen=True, slots=True)
class TryLater:
    """CleverTap cannot be reached, throttles or fails (429, 5xx). `retry_after` in seconds, if it says so. `strike`: it
    is away, rather than busy."""

    reason: str
    retry_after: float | None = None
    strike: bool = True


@dataclass(frozen=True, slots=True)
class NotTried:
    """No request was made, for a reason of ours."""


@dataclass(frozen=True, slots=True)
class RefusedCallback:
    """CleverTap will never accept this callback (any other answer)."""

    status: int


type Delivery = Taken | TryLater | NotTried | RefusedCallback


def deliver(http: HttpClient, url: str, payload: Mapping[str, Any]) -> Delivery:
    """POST a callback to a URL from CleverTap's dashboard, unchanged (the URL is the secret)."""
    try:
        answer = http.post_json(url, payload)
    except OutOfTime:
        return NotTried()
    except (NotReached, AnswerLost) as error:
        # A lost answer is retried too: CleverTap may get a status twice, which is better than never.
        return TryLater(type(error).__name__)
    if 200 <= answer.status < 300:
        return Taken()
    if answer.status in (408, 429) or answer.status >= 500:
        return TryLater(f"HTTP {answer.status}", answer.retry_after, strike=answer.status != 429)
    return RefusedCallback(answer.status)
