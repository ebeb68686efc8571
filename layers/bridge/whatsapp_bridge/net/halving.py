"""Many items in one request that is refused as a whole: because of one item, of what some have in common, or because
they are too many."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from enum import Enum
from math import inf
from typing import Final, NamedTuple

_ACCEPTED_UNTIL_LARGER: Final = 100
# One bad item says nothing of the others. Three that are refused alone, while nothing is accepted, raise a suspicion.
_ALONE_UNTIL_SUSPECTED: Final = 3


class Heard(Enum):
    """What the answer to a request says about its items."""

    ACCEPTED = "accepted"
    """It was read: items may have been refused on their own, but not for the sake of the others."""
    REFUSED = "refused"
    """For the content of an item, or of what the items have in common."""
    APART = "apart"
    """Refused too, but for its size or for one item's own sake: it says nothing of what they have in common."""
    NOTHING = "nothing"
    """It says something else, for each of them."""


class Posted[T, A](NamedTuple):
    """A part with its answer. `refused_with` is the size of the smallest larger part of it that was refused, None if
    none was."""

    part: Sequence[T]
    answer: A
    refused_with: int | None


class InHalves[T, A]:
    """Posts items together, and halves a refused part until the bad item is alone. Safe to share between threads.

    `heard` says what the answer to a part means. `kind_of` says what an item has in common with others (a template);
    None: nothing. If three items of a kind are refused alone and none is accepted, the kind is suspected: of each part
    that is left, the first and the last item are posted alone. If all are refused, the kind itself is at fault, and the
    rest have the answer to the part that they were refused with. As soon as one is accepted, nothing is suspected any
    more. So a kind of n items that is at fault takes about 3 log2(n) posts, not 2 n.

    The other side does not say whether the kind is at fault or many items are. 13 of a hundred are refused alone before
    the kind is blamed. If every second item is bad, that happens once in about 8000 times.

    Learns how many are accepted together: if all items of a refused part are accepted in smaller parts, the part was
    too large, and no part of that size is posted again, until a hundred parts almost as large were accepted.

    One bad item of n takes about 2 log2(n) + 1 posts. No item is posted more than about log2(n) + 2 times, even if a
    call ends before all is said: `refused_with` of an item is the size of the smallest part with which an earlier call
    has seen it refused (`Posted`), None without one. The item is then posted with half as many at the most.
    """

    def __init__(
        self,
        heard: Callable[[Sequence[T], A], Heard],
        kind_of: Callable[[T], Hashable] = lambda item: None,
        refused_with: Callable[[T], int | None] = lambda item: None,
    ) -> None:
        self._heard, self._kind_of, self._refused_with = heard, kind_of, refused_with
        self._too_many = inf
        self._accepted = 0

    def post(self, items: Sequence[T], post: Callable[[Sequence[T]], A]) -> Iterator[Posted[T, A]]:
        """Each part of `items` with its answer."""
        if items:
            call = _Call(post)
            yield from self._part(items, call, None, None)
            while call.waiting:
                yield from self._judged(*call.waiting.popitem(), call)

    def _part(
        self, part: Sequence[T], call: "_Call[T, A]", refusal: A | None, refused_with: int | None
    ) -> Iterator[Posted[T, A]]:
        """`refusal` is the answer to a larger part, if that was refused for what it holds; `refused_with` its size,
        whatever it was refused for."""
        kinds = {self._kind_of(item) for item in part}
        if refusal is not None and (suspect := call.suspect(kinds)) is not None:
            call.waiting[suspect].append(Posted(part, refusal, refused_with))
            return
        if len(part) > 1 and not self._may_be_posted(part):
            yield from self._halves(part, call, refusal, refused_with)
            return
        answer = call.post(part)
        heard = self._heard(part, answer)
        if heard is Heard.ACCEPTED:
            self._accept(len(part))
            call.cleared |= kinds
        if heard in (Heard.ACCEPTED, Heard.NOTHING):
            yield Posted(part, answer, refused_with)
        elif len(part) == 1:
            if heard is Heard.REFUSED:
                call.alone[self._kind_of(part[0])] += 1
            yield Posted(part, answer, refused_with)
        else:
            taken = 0
            for inner in self._halves(part, call, answer if heard is Heard.REFUSED else None, len(part)):
                taken += len(inner.part) if self._heard(inner.part, inner.answer) is Heard.ACCEPTED else 0
                yield inner
            if taken == len(part):
                self._too_many, self._accepted = min(self._too_many, len(part)), 0

    def _may_be_posted(self, part: Sequence[T]) -> bool:
        """Not if it is too large: for the other side, or for an item that was refused with so many before."""
        before = [number for item in part if (number := self._refused_with(item)) is not None]
        return len(part) < self._too_many and (not before or 2 * len(part) <= min(before) + 1)

    def _judged(self, kind: Hashable, parts: Sequence[Posted[T, A]], call: "_Call[T, A]") -> Iterator[Posted[T, A]]:
        """Parts of a suspected kind, each with the answer to a larger one."""
        left = []
        for part, refusal, refused_with in parts:
            rest = part
            for end, without in ((slice(0, 1), slice(1, None)), (slice(-1, None), slice(0, -1))):
                if rest and kind not in call.cleared:
                    answer = call.post(rest[end])
                    if self._heard(rest[end], answer) is not Heard.REFUSED:
                        # Accepted, or it says nothing of the kind: then nobody may be refused for its sake.
                        call.cleared.add(kind)
                    yield Posted(rest[end], answer, refused_with)
                    rest = rest[without]
            if rest:
                left.append(Posted(rest, refusal, refused_with))
        for waiting in left:
            if kind in call.cleared:
                yield from self._part(waiting.part, call, waiting.answer, waiting.refused_with)
            else:
                yield waiting

    def _halves(
        self, part: Sequence[T], call: "_Call[T, A]", refusal: A | None, refused_with: int | None
    ) -> Iterator[Posted[T, A]]:
        for half in self._cut(part):
            yield from self._part(half, call, refusal, refused_with)

    def _cut(self, part: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
        """In the middle; where there are several kinds, at the border between two that is nearest to it, so that a kind
        that is at fault is soon alone."""
        by_kind: dict[Hashable, list[T]] = defaultdict(list)
        for item in part:
            by_kind[self._kind_of(item)].append(item)
        half = len(part) // 2
        if len(by_kind) == 1:
            return part[:half], part[half:]
        ordered, borders = list[T](), list[int]()
        for items in by_kind.values():
            ordered += items
            borders.append(len(ordered))
        border = min(borders[:-1], key=lambda place: abs(place - half))
        return ordered[:border], ordered[border:]

    def _accept(self, size: int) -> None:
        """The other side may take more by now: ask it again after a while."""
        if 2 * size >= self._too_many:
            self._accepted += 1
        if self._accepted >= _ACCEPTED_UNTIL_LARGER:
            self._too_many, self._accepted = 2 * self._too_many, 0


class _Call[T, A]:
    """What one call has found out so far."""

    def __init__(self, post: Callable[[Sequence[T]], A]) -> None:
        self.post = post
        self.cleared: set[Hashable] = set()
        """Kinds that are not at fault as a whole: something was accepted; or nobody can say."""
        self.alone: dict[Hashable, int] = defaultdict(int)
        """How many of a kind were refused alone."""
        self.waiting: dict[Hashable, list[Posted[T, A]]] = defaultdict(list)
        """Parts of a kind that is suspected, each with the answer to a larger one that was refused."""

    def suspect(self, kinds: set[Hashable]) -> Hashable:
        """The one kind of these that may be at fault as a whole; None if there is none."""
        if len(kinds) > 1:
            return None
        (kind,) = kinds
        return kind if self.alone[kind] >= _ALONE_UNTIL_SUSPECTED and kind not in self.cleared else None
