"""What an account's invocations tell each other about the last minutes, in notes: which accounts are sending, and whose
statuses came back.
"""

from collections.abc import Callable
from threading import Lock
from time import time
from typing import ClassVar, Final

from whatsapp_bridge.providers.contract.client import Notes
from whatsapp_bridge.runtime.observability import log_failure

# A process writes each note once in so many seconds.
_AGAIN_SECONDS: Final = 60


class _Recent:
    """Safe to share between threads. `now` gives seconds since 1970."""

    key: ClassVar[str]
    kept_seconds: ClassVar[int]

    def __init__(self, *, notes: Notes, now: Callable[[], float] = time) -> None:
        self._notes, self._now = notes, now
        self._noted: dict[str, float] = {}
        self._lock = Lock()

    def note(self, account: str) -> None:
        now = self._now()
        with self._lock:
            if now < self._noted.get(account, 0) + _AGAIN_SECONDS:
                return
            self._noted[account] = now
        try:
            self._notes.put(account, self.key, "yes", self.kept_seconds)
        except Exception as error:  # noqa: BLE001 - logged; nothing waits for a note
            log_failure("not noted", error, account=account, note=self.key)

    def known_of(self, account: str) -> bool:
        """Whether it was noted in the last `kept_seconds`, or a minute less."""
        return self._notes.get(account, self.key) is not None


class RecentSending(_Recent):
    """dispatch notes that a request is about to leave, and forward asks.

    A person may answer a message before its id is recorded. A reply to a message that is not found waits for it a
    little, but only while its account sends: else it answers a message of another system.
    """

    key = "sending"
    # A request, the record of its answer, and a lost answer's first status come within a minute.
    kept_seconds = 2 * _AGAIN_SECONDS


class RecentReturns(_Recent):
    """forward notes that statuses have come back, because the invocation died that had them. They may do so for hours,
    if it dies each time, and what they say is not known until then."""

    key = "returned"
    # What dies again comes back after the queue's visibility timeout of six minutes; once it may die before its note.
    kept_seconds = 900
