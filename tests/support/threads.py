"""Threads of the flows without threads: the world's clock forks for each, and joins where one waits for them."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from tests.support.world import World
from whatsapp_bridge.flows import parallel


class _Task:
    """What a thread does: done at once, and over when the clock says so."""

    def __init__(self, made: World, function: Callable[[Any], Any], item: Any) -> None:
        began = made.now
        self._result = function(item)
        self.ends, made.now = made.now, began

    def result(self) -> Any:
        return self._result


@contextmanager
def forked(made: World) -> Iterator[None]:
    """While it lasts, waits of `parallel` take the world's time, and no other."""

    def submit(_: str, function: Callable[[Any], Any], item: Any) -> _Task:
        return _Task(made, function, item)

    def first_done(tasks: Collection[_Task]) -> list[_Task]:
        made.now = max(made.now, min(task.ends for task in tasks))
        return [task for task in tasks if task.ends <= made.now]

    def each(_: str, function: Callable[[Any], Any], items: Sequence[Any], at_once: int) -> list[Any]:
        free_at, results, guarded = [made.now] * min(at_once, max(len(items), 1)), [], parallel._guarded(function)
        for item in items:
            thread = free_at.index(min(free_at))
            made.now = free_at[thread]
            results.append(guarded(item))
            free_at[thread] = made.now
        made.now = max(free_at)
        return results

    with ExitStack() as patches:
        for name, replacement in (("_submit", submit), ("_first_done", first_done), ("_each", each)):
            patches.enter_context(patch.object(parallel, name, replacement))
        yield
