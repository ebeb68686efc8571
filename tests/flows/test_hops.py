"""Whether SQS has moved a queue message back from a dead-letter queue: only its own date tells."""

from typing import Any

import pytest

from whatsapp_bridge.flows.hops import is_redriven, next_hop, without_hops

AT = 1_700_000_000
AGAIN = {"hops": 2, "queued_hop": 2, "queued_at": AT}


@pytest.mark.parametrize(
    ("payload", "sent_at", "expected"),
    [
        pytest.param({}, AT, False, id="its first message"),
        pytest.param({}, AT + 61, True, id="its first message, redriven"),
        pytest.param({"hops": 0}, AT + 61, True, id="given up before, redriven"),
        pytest.param(AGAIN, AT + 60, False, id="sent again; the clocks differ"),
        pytest.param(AGAIN, AT + 61, True, id="sent again, redriven"),
        pytest.param({**AGAIN, "hops": 3}, AT + 61, False, id="sent again by an older version that copies the date"),
        pytest.param({"hops": 3}, AT + 61, False, id="sent again by a version that tells no date"),
    ],
)
def test_is_redriven(payload: dict[str, Any], sent_at: float, expected: bool) -> None:
    assert is_redriven(payload, sent_at, first_sent_at=AT) is expected


def test_hops_are_counted_with_their_date() -> None:
    first = next_hop({"account": "acme"}, AT + 0.7)
    assert first == {"hops": 1, "queued_hop": 1, "queued_at": AT}
    assert next_hop(first, AT + 900) == {"hops": 2, "queued_hop": 2, "queued_at": AT + 900}


def test_what_begins_anew_has_no_hops() -> None:
    assert without_hops({"account": "acme", **AGAIN}) == {"account": "acme", "hops": 0}
