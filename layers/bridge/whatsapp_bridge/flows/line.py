"""What one account has left to send in this batch, in the order in which it may leave."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from whatsapp_bridge.flows import correlation
from whatsapp_bridge.flows.jobs import Job
from whatsapp_bridge.providers import registry


class Part(NamedTuple):
    """The messages of one request; `place` is the position of the first among all of the batch."""

    place: int
    jobs: Sequence[Job]


class Line:
    """If the BSP gives no ids, only the order tells messages to one person apart: of those one at a time is under
    way."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        account = jobs[0].account
        capabilities = registry.outbound(account.provider_type).CAPABILITIES
        self._most = capabilities.batch_size if account.options.in_batches else 1
        self._left = deque(enumerate(jobs))
        self._busy: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._left)

    def take(self, most: int) -> Part | None:
        """The next ones, at most so many; None if all have to wait for those under way."""
        taken: list[tuple[int, Job]] = []
        passed: list[tuple[int, Job]] = []
        while self._left and len(taken) < min(most, self._most):
            place, job = self._left.popleft()
            (passed if self._ordered(job) and job.recipient in self._busy else taken).append((place, job))
        self._left.extendleft(reversed(passed))
        if not taken:
            return None
        self._busy |= {job.recipient for _, job in taken if self._ordered(job)}
        return Part(taken[0][0], [job for _, job in taken])

    def ended(self, part: Part) -> None:
        self._busy -= {job.recipient for job in part.jobs if self._ordered(job)}

    def rest(self) -> list[Job]:
        """All that is left, which then is nothing."""
        rest = [job for _, job in self._left]
        self._left.clear()
        return rest

    def _ordered(self, job: Job) -> bool:
        return correlation.by_order(job.account, job.message)
