"""Many items in one request that is refused as a whole because of one item, or because they are too many."""

from collections.abc import Callable, Iterator, Sequence
from math import inf
from typing import Final

_ACCEPTED_UNTIL_LARGER: Final = 100


class InHalves[T, A]:
    """Posts items together, and halves a `refused` part until the bad item is alone. Safe to share between threads.

    Learns how many are accepted together: if all items of a refused part are accepted in smaller parts, the part was
    too large, and no part of that size is posted again, until a hundred parts almost as large were accepted. At most
    `most` posts per call; one bad item of n takes about 2 log2(n) + 1.
    """

    def __init__(self, refused: Callable[[A], bool], most: int) -> None:
        self._refused, self._most = refused, most
        self._too_many = inf
        self._accepted = 0

    def post(self, items: Sequence[T], post: Callable[[Sequence[T]], A]) -> Iterator[tuple[Sequence[T], A | None]]:
        """Each part of `items` with its answer; a refused part is a single item. Parts left after the last post have no
        answer (None)."""
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
            accepted = not self._refused(answer)
            if accepted:
                self._accept(len(part))
            if accepted or len(part) == 1:
                yield part, answer
                return
        taken = 0
        for half in (part[: len(part) // 2], part[len(part) // 2 :]):
            for inner, answered in self._part(half, post, posts):
                taken += len(inner) if answered is not None and not self._refused(answered) else 0
                yield inner, answered
        if posted and taken == len(part):
            self._too_many, self._accepted = min(self._too_many, len(part)), 0

    def _accept(self, size: int) -> None:
        """The other side may take more by now: ask it again after a while."""
        if 2 * size >= self._too_many:
            self._accepted += 1
        if self._accepted >= _ACCEPTED_UNTIL_LARGER:
            self._too_many, self._accepted = 2 * self._too_many, 0
