"""Many small waits at once: AWS answers in milliseconds, one item at a time; BSPs in less than a second."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

_THREADS = 8


@cache
def _pool(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix=name)


def each[T, R](function: Callable[[T], R], items: Sequence[T]) -> list[R | Exception]:
    """`function` of every item, or the exception that it raised: one item's trouble is no other's."""
    return _each("items", function, items)


def each_request[T, R](function: Callable[[T], R], requests: Sequence[T]) -> list[R | Exception]:
    """The same, where `function` itself goes through `each`: waiting in one pool for a turn in it would never end."""
    return _each("requests", function, requests)


def _each[T, R](pool: str, function: Callable[[T], R], items: Sequence[T]) -> list[R | Exception]:
    def guarded(item: T) -> R | Exception:
        try:
            return function(item)
        except Exception as error:  # noqa: BLE001 - handed to the caller, who decides about it
            return error

    return [guarded(item) for item in items] if len(items) < 2 else list(_pool(pool).map(guarded, items))
