"""Many things in one request, where one that is refused takes the others with it, or where there are too many."""

from collections.abc import Callable, Iterator, Sequence
from math import inf


class InHalves[T, A]:
    """Posts things together, and halves what is `refused` until the bad one is alone. Safe under threads.

    Learns how many at once are taken: where all of a refused part are taken in smaller ones, its size was at fault, and
    no part of that size is posted again. `most` posts a call; one bad thing of n takes about 2 log2(n) + 1.
    """

    def __init__(self, refused: Callable[[A], bool], most: int) -> None:
        self._refused, self._most = refused, most
        self._too_many = inf

    def post(self, items: Sequence[T], post: Callable[[Sequence[T]], A]) -> Iterator[tuple[Sequence[T], A | None]]:
        """Each part of `items` with its answer; one that is refused is a single thing. Parts that were left after the
        last post come without an answer (None)."""
        if items:
            yield from self._part(items, post, iter(range(self._most)))

    def _part(
        self, part: Sequence[T], post: Callable[[Sequence[T]], A], posts: Iterator[int]
    ) -> Iterator[tuple[Sequence[T], A | None]]:
        posted = len(part) < self._too_many
        if posted:
            if next(posts, None) is None:
                yield part, None
                return
            answer = post(part)
            if len(part) == 1 or not self._refused(answer):
                yield part, answer
                return
        taken = 0
        for half in (part[: len(part) // 2], part[len(part) // 2 :]):
            for inner, answered in self._part(half, post, posts):
                taken += len(inner) if answered is not None and not self._refused(answered) else 0
                yield inner, answered
        if posted and taken == len(part):
            self._too_many = min(self._too_many, len(part))
