"""Runs many short waits in parallel: AWS answers in milliseconds, one item per call; BSPs in less than a second."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

_THREADS = 8


@cache
def _pool(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix=name)


def each[T, R](function: Callable[[T], R], items: Sequence[T]) -> list[R | Exception]:
    """The result of `function` for every item, or its exception: a failed item does not affect the others."""
    return _each("items", function, items)


def each_request[T, R](function: Callable[[T], R], requests: Sequence[T]) -> list[R | Exception]:
    """The same for a `function` that itself uses `each`: with one shared pool, it would wait for itself forever."""
    return _each("requests", function, requests)


def _each[T, R](pool: str, function: Callable[[T], R], items: Sequence[T]) -> list[R | Exception]:
    def guarded(item: T) -> R | Exception:
        try:
            return function(item)
        except Exception as error:  # noqa: BLE001 - returned to the caller, who decides
            return error

    return [guarded(item) for item in items] if len(items) < 2 else list(_pool(pool).map(guarded, items))
