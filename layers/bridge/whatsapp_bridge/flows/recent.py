"""Which accounts are sending: dispatch notes it, and forward asks.

A person may answer a message before its id is recorded. A reply to a message that is not found waits for it a little,
but only while its account sends: else it answers a message of another system.
"""

from collections.abc import Callable
from threading import Lock
from time import time
from typing import Final

from whatsapp_bridge.providers.contract import Notes
from whatsapp_bridge.runtime.observability import log_failure

_KEY: Final = "sending"
# A request, the record of its answer, and a lost answer's first status come within a minute.
_AGAIN_SECONDS: Final = 60
_KEPT_SECONDS: Final = 2 * _AGAIN_SECONDS


class RecentSending:
    """Safe to share between threads. `now` gives seconds since 1970."""

    def __init__(self, *, notes: Notes, now: Callable[[], float] = time) -> None:
        self._notes, self._now = notes, now
        self._noted: dict[str, float] = {}
        self._lock = Lock()

    def note(self, account: str) -> None:
        """A request is about to leave. A process writes that once a minute."""
        now = self._now()
        with self._lock:
            if now < self._noted.get(account, 0) + _AGAIN_SECONDS:
                return
            self._noted[account] = now
        try:
            self._notes.put(account, _KEY, "yes", _KEPT_SECONDS)
        except Exception as error:  # noqa: BLE001 - logged; a reply may lose its context, but messages leave
            log_failure("sending not noted", error, account=account)

    def known_of(self, account: str) -> bool:
        """Whether the account has sent something in the last minute, or two at most."""
        return self._notes.get(account, _KEY) is not None
