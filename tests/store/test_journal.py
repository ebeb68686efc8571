"""The journal in a message's item: what is written is read, small, and shows nobody."""

from typing import Any

import pytest

from whatsapp_bridge.store import journal
from whatsapp_bridge.store.journal import Begun, Failure, Told, Tried, Untold
from whatsapp_bridge.store.journal_reading import Holding, NotTaken, Reported, Try, read

AT = 1_700_000_000
LONG = "ÄÖÜ \n" * 100


def entries(**more: Any) -> dict[str, Any]:
    return {"state": "sending", "rung": 0, **more}


@pytest.mark.parametrize(
    ("written", "name", "expected"),
    [
        pytest.param(
            journal.of_claim(Begun(AT + 0.7, 600, 1, {}), AT + 1, sending=True),
            "tries",
            [Try(1, AT + 1, "sending", None, "")],
            id="a claim to send",
        ),
        pytest.param(journal.of_claim(Begun(AT, 600, 1, {}), AT, sending=False), "tries", [], id="a claim to settle"),
        pytest.param(journal.of_claim(Begun(AT, 600, 1, {}), AT, sending=False), "time_limit", 600, id="its limit"),
        pytest.param(
            journal.of_claim(Begun(AT, 600, 1, {"paused": [3, AT, AT + 9], "newer": [1, AT, AT]}), AT, sending=True),
            "held",
            [Holding("paused", 3, AT, AT + 9)],
            id="held back",
        ),
        pytest.param(
            journal.of_try(Tried(2, "t", "130429"), AT), "tries", [Try(2, AT, "throttled", "130429", "")], id="a code"
        ),
        pytest.param(
            journal.of_try(Tried(2, "n", None, "not reached: ConnectTimeout"), AT),
            "tries",
            [Try(2, AT, "not sent", None, "not reached: ConnectTimeout")],
            id="a reason",
        ),
        pytest.param(
            journal.of_failure(Failure(1006, "Recipient opted out", "26")),
            "failure",
            Failure(1006, "Recipient opted out", "26"),
            id="a failure",
        ),
        pytest.param(journal.of_failure(Failure(1009, "", None)), "failure", Failure(1009, "", None), id="no title"),
        pytest.param(
            journal.of_told([Told(2, AT, AT + 1)], AT + 3), "reported", [Reported(2, AT, AT + 1, AT + 3)], id="told"
        ),
        pytest.param(
            journal.of_untold(Untold(1, AT, 2, AT + 9.5, AT + 99, "HTTP 500"), AT + 1),
            "not_taken",
            NotTaken(AT + 1, 2, 1, AT, AT + 9, AT + 99, "HTTP 500"),
            id="not taken",
        ),
        pytest.param(
            journal.of_untold(Untold(1, AT, 2, None, AT + 99, "HTTP 400"), AT + 1),
            "not_taken",
            NotTaken(AT + 1, 2, 1, AT, None, AT + 99, "HTTP 400"),
            id="given up",
        ),
        pytest.param({}, "accepted_at", None, id="an older version's"),
        pytest.param({}, "tries", [], id="an older version's attempts"),
    ],
)
def test_what_is_written_is_read(written: dict[str, Any], name: str, expected: Any) -> None:
    assert getattr(read(entries(**written)), name) == expected


def test_the_last_four_attempts_stay_in_order_of_time() -> None:
    item = entries()
    for number in range(1, 11):
        item |= journal.of_try(Tried(number, "s"), AT + number)
        item |= journal.of_try(Tried(number, "t"), AT + number)
    # A redriven message counts anew.
    item |= journal.of_try(Tried(1, "a"), AT + 100)

    assert [(each.number, each.outcome) for each in read(item).tries] == [
        (7, "throttled"),
        (8, "throttled"),
        (10, "throttled"),
        (1, "accepted"),
    ]


def test_reasons_for_holding_are_counted_apart() -> None:
    held: journal.Held = {}
    for reason, at in (("paused", 1), ("no room", 2), ("paused", 5.6)):
        held = journal.held_once_more(held, reason, at)

    assert held == {"paused": (2, 1, 5), "no room": (1, 2, 2)}


def size(item: dict[str, Any]) -> int:
    """Of attributes, as DynamoDB counts them."""
    return sum(len(name) + len(str(value).encode()) for name, value in item.items())


def test_the_longest_of_everything_is_bounded() -> None:
    far = 99_999_999_999
    held = dict.fromkeys(("paused", "no room"), (10**9, far, far))
    item: dict[str, Any] = {"k": far, "cl": 10**9, "c1": far, "nx": far, "vb": "C" * 24}
    item |= journal.of_claim(Begun(far, 345_600, 1, held), far, sending=True)
    for number in range(1000, 1008):
        item |= journal.of_try(Tried(number, "n", "C" * 99, LONG), far)
    item |= journal.of_told([Told(rung, far, far) for rung in (1, 2, 3, 9)], far)
    item |= journal.of_failure(Failure(1009, LONG, "C" * 99))
    item |= journal.of_untold(Untold(9, far, 400, far, far, LONG), far)

    assert size(item) <= journal.MAX_BYTES
    assert "\n" not in str(list(item.values()))
    assert len(read(item).tries) == 4
