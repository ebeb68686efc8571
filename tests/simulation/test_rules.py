"""Rules that no emulator has."""

import pytest

from local.simulation import rules

HOUR = 3600
ROOT = "Root=1-5759e988-bd862e3fe1be46a994272793"


@pytest.mark.parametrize(
    ("header", "lineage"),
    [
        pytest.param(None, {}, id="none"),
        pytest.param(f"{ROOT};Sampled=0", {}, id="without a lineage"),
        pytest.param(f"{ROOT};Sampled=0;Lineage=68fd508a:5", {"68fd508a": 5}, id="one function"),
        pytest.param(f"{ROOT};Lineage=68fd508a:5|c512fbe3:2", {"68fd508a": 5, "c512fbe3": 2}, id="two functions"),
        pytest.param(f"{ROOT};Lineage=68fd508a:5%7Cc512fbe3:2", {"68fd508a": 5, "c512fbe3": 2}, id="from botocore"),
    ],
)
def test_lineage_in_a_trace_header(header: str | None, lineage: dict[str, int]) -> None:
    assert rules.read_lineage(header) == lineage
    if header is not None:
        assert rules.read_lineage(rules.write_lineage(header, lineage)) == lineage


def test_new_lineage_takes_the_place_of_the_old_one() -> None:
    header = rules.write_lineage(f"{ROOT};Lineage=68fd508a:5;Sampled=0", {"c512fbe3": 1})
    assert header == f"{ROOT};Sampled=0;Lineage=c512fbe3:1"


@pytest.mark.parametrize(
    ("messages", "lineage"),
    [
        pytest.param([{}], {"f": 1}, id="a first link"),
        pytest.param([{"f": 3}], {"f": 4}, id="a further link"),
        pytest.param([{"g": 3}], {"g": 3, "f": 1}, id="another function before"),
        pytest.param([{"f": 3, "g": 1}, {"f": 7}, {}], {"f": 8, "g": 1}, id="a batch has the highest count of each"),
    ],
)
def test_lineage_of_an_invocation(messages: list[dict[str, int]], lineage: dict[str, int]) -> None:
    assert rules.next_link("f", messages) == lineage


@pytest.mark.parametrize(
    ("before", "may_recurse", "refused"),
    [(15, False, False), (16, False, True), (16, True, False), (5000, True, False)],
)
def test_end_of_a_chain(before: int, may_recurse: bool, refused: bool) -> None:
    lineage = rules.next_link("f", [{"f": before}])
    assert rules.ends_chain("f", lineage, may_recurse=may_recurse) is refused


def test_chain_of_another_function_does_not_count() -> None:
    assert not rules.ends_chain("f", rules.next_link("f", [{"g": 100}]), may_recurse=False)


@pytest.mark.parametrize(
    ("now", "visibility", "allowed"),
    [
        pytest.param(0, 12 * HOUR, True, id="twelve hours from the receive"),
        pytest.param(0, 12 * HOUR + 1, False, id="more"),
        pytest.param(HOUR, 11 * HOUR, True, id="what is left"),
        pytest.param(HOUR, 11 * HOUR + 1, False, id="more than is left"),
        pytest.param(0, -1, False, id="the past"),
    ],
)
def test_visibility(now: float, visibility: float, allowed: bool) -> None:
    assert rules.visibility_allowed(1000, 1000 + now, visibility) is allowed


@pytest.mark.parametrize(("fifo", "sent_at"), [(False, 100), (True, 900)])
def test_retention_in_a_dead_letter_queue(fifo: bool, sent_at: float) -> None:
    assert rules.sent_at_in_dead_letter_queue(100, 900, fifo=fifo) == sent_at


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("a", True),
        ("\t\n\r", True),
        ("\x00", False),
        ("\x1f", False),
        ("é\ud7ff\ue000\ufffd", True),
        ("\ufffe", False),
        ("\uffff", False),
        ("\U0001f600\U0010ffff", True),
        ("\ud800", False),
    ],
)
def test_text_of_a_message(text: str, allowed: bool) -> None:
    assert rules.is_message_text(text) is allowed


@pytest.mark.parametrize(
    ("seconds", "maximum", "batches"),
    [(0, None, 5), (0, 2, 2), (60, None, 305), (60, 50, 50), (600, None, 1250), (600, 1000, 1000)],
)
def test_batches_of_an_event_source(seconds: float, maximum: int | None, batches: int) -> None:
    assert rules.source_concurrency(seconds, maximum) == batches


@pytest.mark.parametrize(("size", "requests"), [(0, 1), (65_536, 1), (65_537, 2), (1_048_576, 16)])
def test_billed_requests(size: int, requests: int) -> None:
    assert rules.sqs_requests(size) == requests


@pytest.mark.parametrize(
    ("before", "after", "units"), [(0, 0, 1), (0, 1024, 1), (0, 1025, 2), (3000, 100, 3), (100, 3000, 3)]
)
def test_write_units(before: int, after: int, units: int) -> None:
    assert rules.write_units(before, after) == units


@pytest.mark.parametrize(
    ("size", "consistent", "units"),
    [(0, True, 1), (4096, True, 1), (4097, True, 2), (4097, False, 1), (10, False, 0.5)],
)
def test_read_units(size: int, consistent: bool, units: float) -> None:
    assert rules.read_units(size, consistent=consistent) == units
