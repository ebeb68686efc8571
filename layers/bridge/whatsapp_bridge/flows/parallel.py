"""Many small waits at once: AWS answers in milliseconds, one item at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

_THREADS = 8


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS)


def each[T, R](function: Callable[[T], R], items: Sequence[T]) -> list[R | Exception]:
    """`function` of every item, or the exception that it raised: one item's trouble is no other's."""

    def guarded(item: T) -> R | Exception:
        try:
            return function(item)
        except Exception as error:  # noqa: BLE001 - handed to the caller, who decides about it
            return error

    return [guarded(item) for item in items] if len(items) < 2 else list(_pool().map(guarded, items))
