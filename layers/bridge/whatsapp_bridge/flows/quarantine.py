"""The quarantine queues: elements that are authenticated but cannot be used, kept unchanged. Messages of people whose
number nobody knows have one of their own, whose alarm counts people.

{"account", "kind", "reason", "received" (seconds), "element"}
"""

import re
from collections.abc import Callable, Sequence
from time import time
from typing import Final

from whatsapp_bridge.providers.contract import NotUnderstood
from whatsapp_bridge.runtime.observability import count, logger
from whatsapp_bridge.store.payloads import Payloads
from whatsapp_bridge.store.queues import Entry, QuarantineQueue

# A kind may come from the callback, where it can be any text: a number, a person's words.
LOGGED_KIND: Final = re.compile(r"[A-Za-z][A-Za-z_]{0,63}")


class Quarantine:
    def __init__(self, *, queue: QuarantineQueue, payloads: Payloads, now: Callable[[], float] = time) -> None:
        self._queue, self._payloads, self._now = queue, payloads, now

    def put(self, account: str, events: Sequence[NotUnderstood]) -> None:
        """Store, count and log. Raises `NotStored`."""
        self._queue.send_all([self._entry(account, event) for event in events])
        for event in events:
            count("EventsQuarantined")
            kind = event.kind if LOGGED_KIND.fullmatch(event.kind) else "unknown"
            logger.warning("quarantined", extra={"account": account, "kind": kind, "reason": event.reason})

    def _entry(self, account: str, event: NotUnderstood) -> Entry:
        kept = {"account": account, "kind": event.kind, "reason": event.reason, "element": event.element}
        return Entry(self._payloads.pack({**kept, "received": int(self._now())}))
