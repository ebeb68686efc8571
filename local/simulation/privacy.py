"""Private: no log holds a person's number, a text or a credential."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.simulation.facts import Violation
from local.simulation.plan import Plan

_DIGITS = re.compile(r"\d{8,}")
_TEXT = re.compile(r"\bn\d+n\b")
"""What each text in a run has (`facts.token`)."""
_CREDENTIALS = {
    "password", "value", "callback_token", "api_key", "access_token", "app_secret", "verify_token", "status_url",
    "incoming_url",
}  # fmt: skip


class Private:
    """Reads each line of a log. `accounts`: as their secrets have them; credentials may be rotated."""

    def __init__(self, plan: Plan, accounts: Mapping[str, Mapping[str, Any]]) -> None:
        self._numbers = {event.to for event in plan.events if event.to}
        # A rotated one differs in its first letter.
        self._credentials = {value[1:] for account in accounts.values() for value in _credentials(account)}
        self._shown: dict[tuple[str, str, str], None] = {}

    def read(self, function: str, message: str, extra: Mapping[str, Any] | None) -> None:
        line = f"{message} {dict(extra or {})}"
        if not self._numbers.isdisjoint(_DIGITS.findall(line)):
            self._shown["a person's number", function, message] = None
        if _TEXT.search(line):
            self._shown["a text", function, message] = None
        if any(credential in line for credential in self._credentials):
            self._shown["a credential", function, message] = None

    def violations(self) -> Iterator[Violation]:
        for what, function, message in self._shown:
            # Only what each such line begins with is told.
            yield Violation("false", f"a log of {function} shows {what}: {' '.join(message.split()[:2])} …")


def _credentials(part: Any) -> Iterator[str]:
    if isinstance(part, Mapping):
        for name, value in part.items():
            if name in _CREDENTIALS and isinstance(value, str):
                yield value
            else:
                yield from _credentials(value)
    elif isinstance(part, list):
        for value in part:
            yield from _credentials(value)
