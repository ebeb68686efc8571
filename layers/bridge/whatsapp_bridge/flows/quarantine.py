"""The quarantine queues: elements that are authenticated but cannot be used, kept unchanged. Messages of people whose
number nobody knows have one of their own, whose alarm counts people.

{"account", "kind", "reason", "received" (seconds), "element"}

Of a callback with many of them, the whole is kept once, with "elements", their number: whoever has a token could else
write thousands of queue messages and objects with one request.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import Any, Final

from whatsapp_bridge.providers.contract.inbound import NotUnderstood
from whatsapp_bridge.runtime.observability import count, logger
from whatsapp_bridge.store.payloads import Payloads
from whatsapp_bridge.store.queues import Entry, QuarantineQueue

# A kind may come from the callback, where it can be any text: a number, a person's words.
LOGGED_KIND: Final = re.compile(r"[A-Za-z][A-Za-z_]{0,63}")
# What SQS takes in one call. Up to here each is kept by itself, so that it can be understood and replayed by itself.
_MOST_BY_THEMSELVES: Final = 10
_MOST_REASONS: Final = 5


class Quarantine:
    def __init__(self, *, queue: QuarantineQueue, payloads: Payloads, now: Callable[[], float] = time) -> None:
        self._queue, self._payloads, self._now = queue, payloads, now

    def put(
        self, account: str, events: Sequence[NotUnderstood], names: Sequence[Mapping[str, Any]] | None = None
    ) -> None:
        """Store, count and log, with the `names` of each where they are known. Raises `NotStored`."""
        self._queue.send_all([self._entry(account, event) for event in events])
        for event, more in zip(events, [{}] * len(events) if names is None else names, strict=True):
            count("EventsQuarantined")
            _log(account, event.kind, event.reason, **more)

    def put_callback(self, account: str, events: Sequence[NotUnderstood], whole: Callable[[], dict[str, Any]]) -> None:
        """As `put`, for what one callback holds; `whole` makes the element that keeps all of it."""
        if len(events) <= _MOST_BY_THEMSELVES:
            self.put(account, events)
            return
        reasons = Counter((event.kind, event.reason) for event in events).most_common()
        kept = NotUnderstood("body", _said(events), whole())
        self._queue.send_all([self._entry(account, kept, elements=len(events))])
        count("EventsQuarantined", len(events))
        for (kind, reason), number in reasons[:_MOST_REASONS]:
            _log(account, kind, reason, elements=number)

    def _entry(self, account: str, event: NotUnderstood, **more: int) -> Entry:
        kept = {"account": account, "kind": event.kind, "reason": event.reason, "element": event.element, **more}
        return Entry(self._payloads.pack({**kept, "received": int(self._now())}))


def _said(events: Sequence[NotUnderstood]) -> str:
    reasons = Counter(event.reason for event in events).most_common()
    said = [f"{reason} ({number})" for reason, number in reasons[:_MOST_REASONS]]
    if len(reasons) > _MOST_REASONS:
        said.append("others")
    return f"{len(events)} elements: {', '.join(said)}"


def _log(account: str, kind: str, reason: str, **more: Any) -> None:
    shown = kind if LOGGED_KIND.fullmatch(kind) else "unknown"
    logger.warning("quarantined", extra={"account": account, "kind": shown, "reason": reason, **more})
