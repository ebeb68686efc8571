"""Recording what has happened and must not be forgotten: what AWS does not take at once is tried again."""

from collections.abc import Callable, Sequence
from typing import Final

from whatsapp_bridge.flows.parallel import each
from whatsapp_bridge.runtime.observability import logger

_PAUSES_SECONDS: Final = (0.2, 0.5, 1, 2, 5)
# Of the invocation, for what is left to do: the next attempts must be queued too.
_LEFT_SECONDS: Final = 3


class Recording:
    """`time_left` says how many seconds the invocation has; `pause` waits for so many seconds."""

    def __init__(self, *, time_left: Callable[[], float], pause: Callable[[float], None]) -> None:
        self._time_left, self._pause = time_left, pause

    def each[T, R](self, record: Callable[[T], R], items: Sequence[T]) -> list[R | Exception]:
        """What `record` returns for each, or its last exception. It may be repeated."""
        results = each(record, items)
        for seconds in _PAUSES_SECONDS:
            left = [place for place, result in enumerate(results) if isinstance(result, Exception)]
            if not left or self._time_left() < seconds + _LEFT_SECONDS:
                break
            logger.warning("not recorded; trying again", extra={"items": len(left)})
            self._pause(seconds)
            for place, result in zip(left, each(record, [items[place] for place in left]), strict=True):
                results[place] = result
        return results
