"""Items side by side: each with its own result, none with another's trouble."""

from collections.abc import Callable
from threading import Barrier, current_thread, main_thread
from typing import Any

import pytest

from whatsapp_bridge.flows.parallel import each, each_request

EITHER = pytest.mark.parametrize("run", [each, each_request])


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


def test_requests_may_handle_their_items_side_by_side() -> None:
    """As many as there are threads, all of which wait for their items at the same time."""
    barrier = Barrier(8)

    def request(number: int) -> list[int | Exception]:
        barrier.wait(10)
        return each(lambda item: number * item, [1, 2, 3])

    assert each_request(request, range(8)) == [[n, 2 * n, 3 * n] for n in range(8)]


@EITHER
def test_what_ends_the_process_is_no_result(run: Callable[..., list[Any]]) -> None:
    def work(item: int) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        run(work, [1, 2])
