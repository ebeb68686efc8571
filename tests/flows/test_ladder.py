"""The ladder: CleverTap sees each message climb once, in order, without gaps."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whatsapp_bridge.clevertap.callbacks import StatusUpdate
from whatsapp_bridge.flows import ladder
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.store.leases import DELIVERED, FAILED, READ, SENT

NAMES = ("sent", "delivered", "read", "failed")


def event(text: str) -> StatusEvent:
    """`sent@10`: a status and its timestamp."""
    status, _, timestamp = text.partition("@")
    error = (1005, "out of reach") if status == "failed" else (None, None)
    return StatusEvent(status, int(timestamp or 1), "1|2|3|4", "b", error_code=error[0], error_title=error[1])  # type: ignore[arg-type]


def updates(reference: str, events: Sequence[StatusEvent], rung: int) -> list[StatusUpdate]:
    return [ladder.update(reference, status, event) for status, event in ladder.steps(events, rung)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(["sent"], SENT, id="sent"),
        pytest.param(["delivered", "sent"], DELIVERED, id="the highest"),
        pytest.param(["sent", "read", "delivered"], READ, id="read"),
        pytest.param(["failed"], FAILED, id="failed"),
        pytest.param(["sent", "failed"], FAILED, id="failed after sent"),
        pytest.param(["delivered", "failed"], FAILED, id="failed after delivered"),
        pytest.param(["failed", "read"], READ, id="what was read did arrive"),
    ],
)
def test_target(events: list[str], expected: int) -> None:
    assert ladder.target([event(text) for text in events]) == expected


@pytest.mark.parametrize(
    ("rung", "events", "expected"),
    [
        pytest.param(0, ["sent@1"], ["sent@1"], id="sent"),
        pytest.param(0, ["sent@1", "delivered@2", "read@3"], ["sent@1", "delivered@2", "read@3"], id="in order"),
        pytest.param(0, ["read@3", "sent@1", "delivered@2"], ["sent@1", "delivered@2", "read@3"], id="out of order"),
        pytest.param(0, ["read@3"], ["sent@3", "delivered@3", "read@3"], id="two skipped, with its timestamp"),
        pytest.param(0, ["delivered@2"], ["sent@2", "delivered@2"], id="one skipped"),
        pytest.param(0, ["sent@1", "read@3"], ["sent@1", "delivered@3", "read@3"], id="the middle one skipped"),
        pytest.param(SENT, ["read@3"], ["delivered@3", "read@3"], id="skipped above what was told"),
        pytest.param(SENT, ["sent@1"], [], id="told already"),
        pytest.param(DELIVERED, ["sent@1", "read@3"], ["read@3"], id="late one beside a new one"),
        pytest.param(READ, ["delivered@2"], [], id="late"),
        pytest.param(0, ["sent@5", "sent@1"], ["sent@1"], id="twice: the first counts"),
        pytest.param(0, ["failed@2"], ["failed@2"], id="failed at once, nothing added"),
        pytest.param(0, ["failed@2", "sent@1"], ["sent@1", "failed@2"], id="failed after sent"),
        pytest.param(SENT, ["failed@2"], ["failed@2"], id="failed later"),
        pytest.param(0, ["failed@2", "failed@3"], ["failed@2"], id="failed twice"),
        pytest.param(0, ["failed@2", "read@3"], ["sent@3", "delivered@3", "read@3"], id="failed beside read"),
        pytest.param(FAILED, ["failed@2"], [], id="failed already"),
        pytest.param(FAILED, ["delivered@2"], [], id="nothing behind a failure"),
    ],
)
def test_updates(rung: int, events: list[str], expected: list[str]) -> None:
    told = updates("1|2|3|4", [event(text) for text in events], rung)
    assert [f"{update.status}@{update.timestamp}" for update in told] == expected
    assert {update.msg_id for update in told} <= {"1|2|3|4"}
    for update in told:
        assert (update.error is not None) is (update.status == "failed")


@pytest.mark.parametrize(
    ("code", "title", "expected"),
    [
        pytest.param(1005, "out of reach", {"code": 1005, "title": "out of reach"}, id="as the adapter says"),
        pytest.param(None, None, {"code": 1009, "title": "failed"}, id="without a reason"),
        pytest.param(1002, "", {"code": 1002, "title": "failed"}, id="without a title"),
    ],
)
def test_errors(code: int | None, title: str | None, expected: dict[str, object]) -> None:
    failed = StatusEvent("failed", 1, "m", None, error_code=code, error_title=title)
    (update,) = updates("m", [failed], 0)
    assert update.wire()["error"] == expected


def climb(batches: Sequence[Sequence[str]]) -> list[str]:
    """What CleverTap is told when these batches are handled one after the other, as the table lets them."""
    rung, told = 0, []
    for batch in batches:
        events = [event(text) for text in batch]
        goal = ladder.target(events)
        # The condition of `Leases.begin`.
        if rung < (READ if goal == FAILED else goal):
            told += [update.status for update in updates("m", events, rung)]
            rung = goal
    return told


@given(st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5), max_size=8))
@settings(max_examples=500, deadline=None)
def test_any_order_in_any_batches_climbs_once(batches: list[list[str]]) -> None:
    told = climb(batches)
    climbed = [status for status in told if status != "failed"]
    assert climbed == list(NAMES[: len(climbed)])
    assert told.count("failed") <= 1
    assert "failed" not in told[:-1]
    everything = {status for batch in batches for status in batch}
    if "failed" not in everything:
        highest = max((NAMES.index(status) + 1 for status in everything), default=0)
        assert told == list(NAMES[:highest])
    elif "read" not in everything:
        assert told[-1] == "failed"
    else:
        assert told[-1] in ("read", "failed")
