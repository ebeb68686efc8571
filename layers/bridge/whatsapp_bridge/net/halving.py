"""Many items in one request. If one makes all be refused, the halves are sent on their own until it is alone."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence


def in_halves[T, A](
    items: Sequence[T], post: Callable[[Sequence[T]], A], refused: Callable[[A], bool], most: int
) -> Iterator[tuple[Sequence[T], A | None]]:
    """Each part of `items` with its answer; a `refused` part is always a single item.

    After `most` posts the rest is returned without an answer (None). One bad item of n takes about 2 log2(n) + 1 posts.
    """
    parts = deque([items] if items else [])
    for _ in range(most):
        if not parts:
            return
        part = parts.popleft()
        answer = post(part)
        if len(part) > 1 and refused(answer):
            parts.extend((part[: len(part) // 2], part[len(part) // 2 :]))
        else:
            yield part, answer
    for part in parts:
        yield part, None
