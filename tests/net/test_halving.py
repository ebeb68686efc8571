"""One bad thing takes no other along, and how many are taken at once is learned."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from math import inf, log2
from random import Random

import pytest

from whatsapp_bridge.net.halving import Heard, InHalves


class Side:
    """Takes up to `at_once` things, none of them `bad`; says nothing (None) after the `most` posts of a call."""

    def __init__(self, bad: Sequence[int] = (), at_once: int = 1000, most: float = inf) -> None:
        self.bad, self.at_once, self.most = set(bad), at_once, most
        self.posts: list[int] = []
        self.times = Counter[int]()

    def post(self, part: Sequence[int]) -> bool | None:
        if len(self.posts) >= self.most:
            return None
        self.posts.append(len(part))
        self.times.update(part)
        return len(part) <= self.at_once and not self.bad & set(part)


_HEARD = {True: Heard.ACCEPTED, False: Heard.REFUSED, None: Heard.NOTHING}


def halving(kind_of: Callable[[int], Hashable] = lambda item: None) -> InHalves[int, bool | None]:
    return InHalves(lambda part, answer: _HEARD[answer], kind_of)


def sorted_out(side: Side, number: int, halves: InHalves[int, bool | None]) -> tuple[list[int], list[int], list[int]]:
    """What is taken, refused, and left."""
    found: dict[bool | None, list[int]] = {True: [], False: [], None: []}
    for part, taken, _ in halves.post(range(number), side.post):
        found[taken] += part
    return found[True], found[False], found[None]


@pytest.mark.parametrize(
    ("number", "bad", "posts"),
    [
        pytest.param(0, [], 0, id="nothing"),
        pytest.param(1, [], 1, id="one"),
        pytest.param(1, [0], 1, id="one, bad"),
        pytest.param(500, [], 1, id="all good"),
        pytest.param(500, [0], 19, id="the first"),
        pytest.param(500, [499], 19, id="the last"),
        pytest.param(500, [250], 19, id="in the middle"),
        pytest.param(500, [100, 400], 35, id="two"),
        pytest.param(4, [0, 1, 2, 3], 7, id="all"),
    ],
)
def test_the_bad_ones_are_found(number: int, bad: list[int], posts: int) -> None:
    side = Side(bad)
    taken, refused, left = sorted_out(side, number, halving())
    assert (refused, left) == (bad, [])
    assert taken == [item for item in range(number) if item not in bad]
    assert len(side.posts) <= posts


def test_what_is_left_after_the_last_post_was_not_tried() -> None:
    side = Side(bad=range(0, 500, 25), most=40)
    taken, refused, left = sorted_out(side, 500, halving())
    assert len(side.posts) == 40
    assert sorted([*taken, *refused, *left]) == list(range(500))
    assert set(refused) <= side.bad
    assert not side.bad & set(taken)


def test_each_call_comes_nearer_to_the_end() -> None:
    side, halves, waiting = Side(bad=range(0, 500, 25), most=40), halving(), list(range(500))
    for _ in range(20):
        left: list[int] = []
        side.posts.clear()
        for part, taken, _ in halves.post(waiting, side.post):
            left += part if taken is None else []
        assert len(left) < len(waiting)
        waiting = left
        if not waiting:
            break
    assert waiting == []


@pytest.mark.parametrize(
    ("bad", "at_once", "calls"),
    [
        pytest.param(range(0), 1000, 1, id="all are good"),
        pytest.param([3, 250, 499], 1000, 2, id="three are bad"),
        pytest.param(range(0, 500, 25), 1000, 8, id="twenty are bad"),
        pytest.param(range(0, 500, 25), 10, 8, id="twenty are bad, and ten are taken at once"),
        pytest.param(range(0), 10, 4, id="ten are taken at once"),
        pytest.param(range(0), 1, 14, id="one at a time"),
    ],
)
def test_of_five_hundred_only_the_bad_ones_are_refused(bad: Sequence[int], at_once: int, calls: int) -> None:
    side, halves, waiting = Side(bad, at_once, most=40), halving(), list(range(500))
    taken, refused, called = list[int](), list[int](), 0
    while waiting:
        called, left = called + 1, list[int]()
        side.posts.clear()
        for part, answer, _ in halves.post(waiting, side.post):
            {True: taken, False: refused, None: left}[answer].extend(part)
        waiting = left
    assert (sorted(refused), sorted(taken)) == (list(bad), [item for item in range(500) if item not in bad])
    assert called <= calls


def test_more_are_tried_again_after_a_while() -> None:
    side, halves = Side(at_once=10), halving()
    sorted_out(side, 500, halves)
    side.at_once = 1000
    for _ in range(120):
        side.posts.clear()
        sorted_out(side, 500, halves)
    assert side.posts == [500]


def test_trying_more_costs_little_where_it_is_still_too_much() -> None:
    side, halves = Side(at_once=10), halving()
    sorted_out(side, 500, halves)
    side.posts.clear()
    for _ in range(20):
        assert sorted_out(side, 500, halves)[0] == list(range(500))
    refused = [size for size in side.posts if size > 10]
    assert 0 < len(refused) < len(side.posts) / 20


def test_learns_how_many_are_accepted_together() -> None:
    side, halves = Side(at_once=10), halving()
    assert sorted_out(side, 500, halves)[0] == list(range(500))
    first = [size for size in side.posts if size > 10]
    side.posts.clear()
    assert sorted_out(side, 500, halves)[0] == list(range(500))
    assert len(first) < 12
    assert max(side.posts) <= 15


def test_a_bad_one_teaches_nothing_of_the_size() -> None:
    halves = halving()
    sorted_out(Side(bad=[7]), 64, halves)
    side = Side()
    sorted_out(side, 64, halves)
    assert side.posts == [64]


@pytest.mark.parametrize("most", [5, 10, 17])
@pytest.mark.parametrize("bad", [range(100), range(0, 100, 2), [7, 31, 32, 33, 90]], ids=["all", "half", "five"])
def test_a_call_goes_on_where_the_one_before_had_no_time(bad: Sequence[int], most: int) -> None:
    side, refused_with = Side(bad, most=most), dict[int, int]()
    taken, refused, waiting = list[int](), list[int](), list(range(100))
    for _ in range(100):
        halves = InHalves[int, bool | None](lambda part, answer: _HEARD[answer], lambda item: "kind", refused_with.get)
        left: list[int] = []
        for part, answer, before in halves.post(waiting, side.post):
            {True: taken, False: refused, None: left}[answer].extend(part)
            refused_with |= dict.fromkeys(part, before) if before is not None else {}
        side.posts.clear()
        waiting = left
    assert waiting == []
    assert (sorted(refused), sorted(taken)) == (list(bad), [item for item in range(100) if item not in bad])
    assert max(side.times.values()) <= log2(100) + 2


# --- what items have in common ---------------------------------------------------------------------------------------

_ALL = range(100)


@pytest.mark.parametrize(
    ("bad", "kinds", "posts"),
    [
        pytest.param(_ALL, 1, 20, id="the whole kind"),
        pytest.param([item for item in _ALL if item != 24], 1, 199, id="all but one, which is the last of its part"),
        pytest.param([item for item in _ALL if item != 50], 1, 199, id="all but one, which is the first of its part"),
        pytest.param([0], 1, 15, id="the first alone"),
        pytest.param([0, 1, 2], 1, 16, id="three that happen to be the first"),
        pytest.param([0, 1, 2, 4, 9, 99], 1, 34, id="three, and others"),
        pytest.param([0, 1, 2, *range(6, 100)], 1, 199, id="all but three, which are posted together"),
        pytest.param(range(0, 100, 2), 1, 199, id="every second one"),
        pytest.param(range(0, 100, 2), 2, 19, id="one kind of two, which alternate"),
        pytest.param(range(0, 100, 10), 10, 17, id="one kind of ten, which alternate"),
        pytest.param([*range(0, 100, 10), 55], 10, 27, id="a kind, and one of another"),
        pytest.param(_ALL, 10, 119, id="ten kinds"),
        pytest.param([5], 100, 15, id="one of a hundred kinds"),
        pytest.param(_ALL, 100, 199, id="a hundred kinds"),
        pytest.param([0, 3], 50, 30, id="too few of a kind to tell"),
    ],
)
def test_a_kind_that_is_at_fault_is_soon_known_and_takes_no_other_along(
    bad: Sequence[int], kinds: int, posts: int
) -> None:
    side = Side(bad)

    taken, refused, left = sorted_out(side, 100, halving(lambda item: item % kinds))

    assert (sorted(taken), sorted(refused), left) == ([item for item in _ALL if item not in bad], sorted(bad), [])
    assert len(side.posts) <= posts
    assert max(side.times.values()) <= log2(100) + 2


def test_what_is_too_large_says_nothing_of_the_kind() -> None:
    halves = InHalves[int, Heard](lambda part, heard: heard, lambda item: "kind")
    posts: list[Sequence[int]] = []

    def too_much(part: Sequence[int]) -> Heard:
        posts.append(part)
        return Heard.APART

    parts = [part for part, *_ in halves.post(range(8), too_much)]

    assert [list(part) for part in parts] == [[item] for item in range(8)]


@pytest.mark.parametrize(
    ("share", "batches", "posts"),
    [
        pytest.param(0.02, 0, 23, id="2 %"),
        pytest.param(0.1, 0, 74, id="10 %"),
        pytest.param(0.3, 0, 140, id="30 %"),
        pytest.param(0.5, 1, 175, id="50 %"),
        pytest.param(0.7, 10, 190, id="70 %"),
        pytest.param(1, 0, 20, id="all"),
    ],
)
def test_bad_values_in_a_share_of_the_items_do_not_condemn_the_good_ones(
    share: float, batches: int, posts: float
) -> None:
    """Of a thousand batches of a hundred items of one kind: how many lose good ones, and the mean of their posts."""
    random, condemned, posted = Random(20261201), 0, 0
    for _ in range(1000):
        side = Side([item for item in _ALL if random.random() < share])

        taken, refused, left = sorted_out(side, 100, halving(lambda item: "kind"))

        assert sorted([*taken, *refused, *left]) == list(_ALL)
        assert left == []
        assert side.bad <= set(refused)
        assert max(side.times.values()) <= log2(100) + 2
        condemned += len(refused) > len(side.bad)
        posted += len(side.posts)
    assert condemned <= batches
    assert posted / 1000 <= posts


@pytest.mark.parametrize("said", [Heard.NOTHING, Heard.APART])
def test_a_kind_that_nobody_can_judge_is_not_condemned(said: Heard) -> None:
    """Three are refused alone, and those that are posted alone to be sure say nothing of the kind: as where the other
    side takes no more requests by then."""
    halves, alone = InHalves[int, Heard](lambda part, heard: heard, lambda item: "kind"), list[int]()

    def post(part: Sequence[int]) -> Heard:
        if len(part) > 1:
            return Heard.REFUSED
        alone.extend(part)
        return Heard.REFUSED if len(alone) <= 3 else said

    answers = {item: heard for part, heard, _ in halves.post(range(16), post) for item in part}

    assert [item for item, heard in sorted(answers.items()) if heard is Heard.REFUSED] == alone[:3]
    assert sorted(answers) == list(range(16))


def test_what_is_left_of_a_kind_at_fault_has_the_answer_to_its_content_and_not_to_its_size() -> None:
    """A hundred are too many, and all are bad: the half that is left when the kind is suspected was never refused for
    its content."""
    halves = InHalves[int, Heard](lambda part, heard: heard, lambda item: "kind")

    def post(part: Sequence[int]) -> Heard:
        return Heard.APART if len(part) > 50 else Heard.REFUSED

    answers = {item: heard for part, heard, _ in halves.post(range(100), post) for item in part}

    assert answers == dict.fromkeys(range(100), Heard.REFUSED)
