"""Items side by side: each with its own result, none with another's trouble."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Semaphore, current_thread, main_thread
from typing import Any

import pytest

from whatsapp_bridge.flows.parallel import UnderWay, each, each_account

EITHER = pytest.mark.parametrize("run", [each, each_account])


@EITHER
def test_results_are_in_the_order_of_the_items(run: Callable[..., list[Any]]) -> None:
    assert run(lambda item: item * 2, range(50)) == [item * 2 for item in range(50)]
    assert run(lambda item: item, []) == []


@EITHER
@pytest.mark.parametrize("number", [1, 3])
def test_an_exception_stays_with_its_item(run: Callable[..., list[Any]], number: int) -> None:
    def work(item: int) -> float:
        return 1 / item

    first, *others = run(work, range(number))
    assert isinstance(first, ZeroDivisionError)
    assert others == [1 / item for item in range(1, number)]


@EITHER
def test_they_are_under_way_at_once(run: Callable[..., list[Any]]) -> None:
    barrier = Barrier(8)
    assert len(run(lambda item: barrier.wait(10), range(8))) == 8
    assert not barrier.broken


@EITHER
def test_one_alone_needs_no_thread(run: Callable[..., list[Any]]) -> None:
    assert run(lambda item: current_thread(), [1]) == [main_thread()]


def test_accounts_have_requests_and_requests_have_items_side_by_side() -> None:
    """Ten accounts with eight requests each, all of which wait for their items at the same time."""
    barrier = Barrier(80)

    def request(number: int) -> list[int | Exception]:
        barrier.wait(10)
        return each(lambda item: number * item, [1, 2, 3])

    def account(name: int) -> dict[int, object]:
        under_way = UnderWay(request)
        for number in range(8):
            under_way.start(number)
        found: dict[int, object] = {}
        while under_way:
            found |= dict(under_way.ended())
        return found

    assert each_account(account, range(10)) == [{n: [n, 2 * n, 3 * n] for n in range(8)}] * 10


def test_a_request_that_fails_ends_like_any_other() -> None:
    under_way = UnderWay(lambda item: 1 / item)
    under_way.start(0)
    ((request, result),) = under_way.ended()
    assert request == 0
    assert isinstance(result, ZeroDivisionError)
    assert not under_way


def test_what_ends_the_process_is_no_result_of_a_request() -> None:
    def work(item: int) -> None:
        raise SystemExit

    under_way = UnderWay(work)
    under_way.start(1)
    with pytest.raises(SystemExit):
        under_way.ended()


def test_one_call_leaves_threads_to_the_others() -> None:
    release, began = Event(), Semaphore(0)

    def hang(_: int) -> None:
        began.release()
        release.wait(10)

    with ThreadPoolExecutor(1) as beside:
        hanging = beside.submit(each, hang, range(50))
        for _ in range(8):
            assert began.acquire(timeout=10)
        assert each(lambda item: item, range(20)) == list(range(20))
        release.set()
        assert hanging.result(10) == [None] * 50


@EITHER
def test_what_ends_the_process_is_no_result(run: Callable[..., list[Any]]) -> None:
    def work(item: int) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        run(work, [1, 2])
