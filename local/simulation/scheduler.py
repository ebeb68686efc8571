"""One clock and one thread for everything that happens at the same time.

A task is a piece of ordinary code in a greenlet. It runs until it sleeps or waits; then the task that is due next runs.
Nothing else interrupts it, so a run depends on nothing but the order in which tasks sleep and for how long.
"""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple, Self
from weakref import WeakKeyDictionary

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """The process of this task is gone: nothing that an `except Exception` could see."""


class TooManySteps(Exception):
    """The run does not end."""


class Owner:
    """What its tasks die with: an invocation."""

    def __init__(self) -> None:
        self.dead = False
        self.tasks: dict[Task, None] = {}
        """In the order in which they began."""


class Task:
    def __init__(self, scheduler: "Scheduler", function: Callable[[], object], owner: Owner | None) -> None:
        self.owner, self.ended, self.ticket = owner, False, 0
        self._scheduler, self._function = scheduler, function
        self._greenlet = greenlet(self._run, scheduler.hub)
        scheduler.tasks[self] = None
        if owner is not None:
            owner.tasks[self] = None

    def _run(self) -> None:
        try:
            self._function()
        except Killed:
            pass
        finally:
            self.ended = True
            self._forget()

    def _forget(self) -> None:
        self._scheduler.tasks.pop(self, None)
        if self.owner is not None:
            self.owner.tasks.pop(self, None)

    def resume(self) -> None:
        self._greenlet.switch()

    def end(self) -> None:
        """End it where it waits."""
        self.ended = True
        if self._greenlet:
            self._greenlet.throw(Killed)
        else:
            self._forget()


class Scheduler:
    """`now` in seconds since 1970. `most_steps` ends a run that does not end by itself."""

    def __init__(self, start: float, most_steps: int = 1_500_000) -> None:
        self.now = start
        self.hub = getcurrent()
        self.current: Task | None = None
        self.tasks: dict[Task, None] = {}
        """Those that have not ended, in the order in which they began."""
        self.steps = 0
        self._most_steps = most_steps
        self._due: list[tuple[float, int, int, Task | Callable[[], object]]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    @property
    def owner(self) -> Owner | None:
        """Of the running task."""
        return self.current.owner if self.current else None

    # --- tasks -----------------------------------------------------------------------------------------------------

    def start(self, function: Callable[[], object], *, after: float = 0, owner: Owner | None = None) -> Task:
        """Run `function` as a task after some seconds. It dies with `owner`."""
        task = Task(self, function, owner)
        self._push(after, task, task.ticket)
        return task

    def call(self, function: Callable[[], object], *, after: float = 0) -> None:
        """Run `function`, which does not wait, between the tasks."""
        self._push(after, function, 0)

    def sleep(self, seconds: float) -> None:
        """Let others run for so long. Raises `Killed` if the running task's owner has died. Outside of tasks nothing
        takes time."""
        task = self.current
        if task is None:
            return
        task.ticket += 1
        self._push(seconds, task, task.ticket)
        self._switch(task)

    def wait(self, seconds: float | None = None) -> None:
        """Let others run until `wake`, or for so long."""
        task = self.current
        assert task is not None, "only a task can wait"
        task.ticket += 1
        if seconds is not None:
            self._push(seconds, task, task.ticket)
        self._switch(task)

    def wake(self, task: Task) -> None:
        task.ticket += 1
        self._push(0, task, task.ticket)

    def kill(self, owner: Owner) -> None:
        """End an owner's tasks where they wait; the running one at its next step."""
        owner.dead = True
        self.call(lambda: self._reap(owner))

    def _switch(self, task: Task) -> None:
        if task.owner is not None and task.owner.dead:
            raise Killed
        self.hub.switch()
        if task.owner is not None and task.owner.dead:
            raise Killed

    def close(self) -> None:
        """End the tasks that still wait. The collector cannot see what they hold, which is the whole run."""
        for task in list(self.tasks):
            if task.owner is not None:
                task.owner.dead = True
            task.end()

    @staticmethod
    def _reap(owner: Owner) -> None:
        for task in list(owner.tasks):
            task.end()

    # --- the run ---------------------------------------------------------------------------------------------------

    def run(self, until: float) -> None:
        """Run what is due, in order, until that time or until nothing is left."""
        while self._due and self._due[0][0] <= until:
            at, _, ticket, what = heapq.heappop(self._due)
            self.now = max(self.now, at)
            if not isinstance(what, Task):
                what()
                continue
            if what.ended or what.ticket != ticket:
                continue
            self.steps += 1
            if self.steps > self._most_steps:
                raise TooManySteps(f"{self.steps} steps and no end")
            self.current = what
            try:
                what.resume()
            finally:
                self.current = None
        self.now = max(self.now, until) if not self._due else self.now

    @property
    def next_due(self) -> float | None:
        return self._due[0][0] if self._due else None

    def _push(self, after: float, what: Task | Callable[[], object], ticket: int) -> None:
        heapq.heappush(self._due, (self.now + max(after, 0), next(self._order), ticket, what))


class Lock:
    """In the place of `threading.Lock`. Tasks take turns in the order in which they came."""

    scheduler: Scheduler

    def __init__(self) -> None:
        self._held = False
        self._waiting: deque[Task] = deque()

    def acquire(self) -> bool:
        while self._held:
            task = self.scheduler.current
            assert task is not None, "a lock is held, and nobody can release it"
            self._waiting.append(task)
            self.scheduler.wait()
        self._held = True
        return True

    def release(self) -> None:
        self._held = False
        while self._waiting:
            task = self._waiting.popleft()
            if not task.ended:
                self.scheduler.wake(task)
                return

    def locked(self) -> bool:
        return self._held

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class TaskLocal:
    """In the place of `threading.local`: attributes of the running task's own."""

    def __init__(self, scheduler: Scheduler) -> None:
        object.__setattr__(self, "_scheduler", scheduler)
        object.__setattr__(self, "_values", WeakKeyDictionary())

    def _own(self) -> dict[str, Any]:
        own: dict[str, Any] = self._values.setdefault(self._scheduler.current or self._scheduler, {})
        return own

    def __getattr__(self, name: str) -> Any:
        try:
            return self._own()[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._own()[name] = value


class Future[R]:
    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self._done = False
        self._result: R
        self._error: BaseException | None = None
        self.waiting: list[Task] = []

    def settle(self, function: Callable[[], R]) -> None:
        try:
            self._result = function()
        except Exception as error:  # noqa: BLE001 - it is raised where the result is asked for
            self._error = error
        self._done = True
        for task in self.waiting:
            if not task.ended:
                self.scheduler.wake(task)

    def done(self) -> bool:
        return self._done

    def result(self) -> R:
        wait_for([self])
        if self._error is not None:
            raise self._error
        return self._result


class Waited[R](NamedTuple):
    done: list[Future[R]]
    not_done: list[Future[R]]


def wait_for[R](futures: Collection[Future[R]], return_when: str = "ALL_COMPLETED") -> Waited[R]:
    """In the place of `concurrent.futures.wait`; what is done is in the order in which it was given."""
    for future in futures:
        task = future.scheduler.current
        while not future.done():
            assert task is not None, "only a task can wait for a result"
            others = futures if return_when == "FIRST_COMPLETED" else [future]
            if others is futures and any(other.done() for other in futures):
                break
            for other in others:
                other.waiting.append(task)
            future.scheduler.wait()
            for other in others:
                if task in other.waiting:
                    other.waiting.remove(task)
    done = [future for future in futures if future.done()]
    return Waited(done, [future for future in futures if not future.done()])


class Pool:
    """In the place of `ThreadPoolExecutor`: so many workers for each owner, because each invocation has its own
    process."""

    scheduler: Scheduler

    def __init__(self, max_workers: int = 8, thread_name_prefix: str = "") -> None:
        self._most = max_workers
        self._busy: dict[Owner | None, int] = {}
        self._queued: dict[Owner | None, deque[Callable[[], None]]] = {}

    def submit[R](self, function: Callable[..., R], *given: Any) -> Future[R]:
        future: Future[R] = Future(self.scheduler)
        owner = self.scheduler.owner
        self._queued.setdefault(owner, deque()).append(lambda: future.settle(lambda: function(*given)))
        if self._busy.get(owner, 0) < self._most:
            self._busy[owner] = self._busy.get(owner, 0) + 1
            self.scheduler.start(lambda: self._work(owner), owner=owner)
        return future

    def map[T, R](self, function: Callable[[T], R], items: Iterable[T]) -> Sequence[R]:
        return [future.result() for future in [self.submit(function, item) for item in items]]

    def _work(self, owner: Owner | None) -> None:
        queued = self._queued[owner]
        while queued:
            queued.popleft()()
        self._busy[owner] -= 1
        if not self._busy[owner]:
            self._busy.pop(owner)
            self._queued.pop(owner, None)

    def shutdown(self, **_: Any) -> None:
        """Workers end by themselves."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Workers end by themselves."""
