"""How many questions a budget allows, and when."""

import pytest

from whatsapp_bridge.store.budget import Budget


@pytest.mark.parametrize(
    ("asked_at", "allowed"),
    [
        pytest.param([0, 0, 0, 0], [True, True, True, False], id="three at once"),
        pytest.param([0, 0, 0, 9, 10, 10], [True, True, True, False, True, False], id="one more in ten seconds"),
        pytest.param([0, 0, 0, 5, 10, 15, 20], [True] * 3 + [False, True, False, True], id="refusals cost nothing"),
        pytest.param([0, 0, 0, 999, 999, 999, 999], [True] * 6 + [False], id="never more than three at once"),
        pytest.param([500, 500, 0, 0, 10], [True, True, True, False, True], id="the clock goes back"),
    ],
)
def test_budget(asked_at: list[float], allowed: list[bool]) -> None:
    # The first look is that of its making.
    budget = Budget(3, 10, iter([asked_at[0], *asked_at]).__next__)
    assert [budget.take() for _ in asked_at] == allowed


def test_what_is_given_back_is_there_again_and_no_more() -> None:
    budget = Budget(2, 10, lambda: 0)
    budget.give_back()
    assert [budget.take(), budget.take(), budget.take()] == [True, True, False]
    budget.give_back()
    assert [budget.take(), budget.take()] == [True, False]
