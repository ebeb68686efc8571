"""Runs many short waits in parallel: AWS answers in milliseconds, one item per call; BSPs in less than a second.

Accounts wait for their requests, and requests for their items: each kind has a pool of its own, because a pool that
waits for itself waits forever. A call uses a few threads of its pool, so that one account's hanging BSP leaves the
others theirs.
"""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cache

_AT_ONCE = 8
# As many as a batch has messages. Threads are started when they are needed.
_THREADS = 100


@cache
def _pool(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_THREADS, thread_name_prefix=name)


def each[T, R](function: Callable[[T], R], items: Sequence[T]) -> list[R | Exception]:
    """The result of `function` for every item, or its exception: a failed item does not affect the others."""
    return _each("items", function, items, _AT_ONCE)


def each_account[T, R](function: Callable[[T], R], accounts: Sequence[T]) -> list[R | Exception]:
    """The same, all at once, for a `function` that uses `each` and `UnderWay` itself."""
    return _each("accounts", function, accounts, _THREADS)


class UnderWay[T, R]:
    """Requests that run beside their account, which waits for the first that ends. `function` may use `each`."""

    def __init__(self, function: Callable[[T], R]) -> None:
        self._function = function
        self._given: dict[Future[R | Exception], T] = {}

    def __len__(self) -> int:
        return len(self._given)

    def start(self, request: T) -> None:
        self._given[_submit("requests", _guarded(self._function), request)] = request

    def ended(self) -> list[tuple[T, R | Exception]]:
        """Waits for the first; with its result, or its exception."""
        done = [(self._given.pop(future), future) for future in _first_done(self._given)]
        return [(request, future.result()) for request, future in done]


def _guarded[T, R](function: Callable[[T], R]) -> Callable[[T], R | Exception]:
    def guarded(item: T) -> R | Exception:
        try:
            return function(item)
        except Exception as error:  # noqa: BLE001 - returned to the caller, who decides
            return error

    return guarded


def _each[T, R](pool: str, function: Callable[[T], R], items: Sequence[T], at_once: int) -> list[R | Exception]:
    guarded = _guarded(function)
    if len(items) < 2:
        return [guarded(item) for item in items]
    left = deque(enumerate(items))
    results: dict[int, R | Exception] = {}

    def work(_: object) -> None:
        while left:
            try:
                place, item = left.popleft()
            except IndexError:
                return
            results[place] = guarded(item)

    working = [_submit(pool, work, None) for _ in range(min(at_once, len(items)))]
    wait(working)
    for future in working:
        future.result()
    return [results[place] for place in range(len(items))]


def _submit[T, R](pool: str, function: Callable[[T], R], item: T) -> Future[R]:
    return _pool(pool).submit(function, item)


def _first_done[R](futures: Collection[Future[R]]) -> Collection[Future[R]]:
    return wait(futures, return_when=FIRST_COMPLETED).done
