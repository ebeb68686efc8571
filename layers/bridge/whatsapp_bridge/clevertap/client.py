"""Callbacks to CleverTap."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from whatsapp_bridge.net.http import AnswerLost, HttpClient, NotReached, OutOfTime

# 401 and 403 say nothing about the callback: the URL's secret has changed, until the account's secret has the new URL.
_LATER: Final = frozenset({401, 403, 408, 429})
# A page of HTML. Not told by the content type, which some servers call text/html for any body.
_PAGE: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype )?html\b", re.I | re.S
)
_LOOKED_AT_BYTES: Final = 2048


@dataclass(frozen=True, slots=True)
class Taken:
    """CleverTap accepted the callback."""


@dataclass(frozen=True, slots=True)
class TryLater:
    """CleverTap cannot be reached, throttles, fails or does not know the URL (429, 5xx, 403). `retry_after` in seconds,
    if it says so. `strike`: it is away, rather than busy."""

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
        # A page is of something in front of CleverTap, as in a maintenance: nobody has taken the callback.
        page = _PAGE.match(answer.body[:_LOOKED_AT_BYTES])
        return TryLater(f"HTTP {answer.status} with a page", answer.retry_after) if page else Taken()
    if answer.status in _LATER or answer.status >= 500:
        return TryLater(f"HTTP {answer.status}", answer.retry_after, strike=answer.status != 429)
    return RefusedCallback(answer.status)
