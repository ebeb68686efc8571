"""Lambda's partial batch answers: which records come back, when, and that order is kept per group."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.conftest import Log
from whatsapp_bridge.flows.records import (
    FifoSource,
    Postponed,
    Record,
    Unprocessable,
    is_fifo,
    pause_after_failure,
    process_batch,
    process_fifo,
)
from whatsapp_bridge.store.queues import Entry, NotStored

ARN = "arn:aws:sqs:eu-west-1:123456789012:replies.fifo"
FIRST_RECEIVED = 1_700_000_001.5


def event(*names: str, arn: str = ARN) -> dict[str, Any]:
    """Records named by group and number: a1, a2, b1."""
    return {
        "Records": [
            {
                "messageId": name,
                "receiptHandle": f"handle-{name}",
                "body": f"body-{name}",
                "attributes": {
                    "ApproximateReceiveCount": "3",
                    "SentTimestamp": "1700000000250",
                    "ApproximateFirstReceiveTimestamp": "1700000001500",
                    "MessageGroupId": name[0],
                },
                "eventSource": "aws:sqs",
                "eventSourceARN": arn,
            }
            for name in names
        ]
    }


class Handler:
    """Raises what it is told for a record; remembers the order."""

    def __init__(self, **raises: Exception) -> None:
        self.raises = raises
        self.seen: list[str] = []

    def __call__(self, record: Record) -> None:
        self.seen.append(record.id)
        if record.id in self.raises:
            raise self.raises[record.id]


class Queue:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.postponed: list[tuple[str, int]] = []
        self.sent: list[Entry] = []

    def postpone(self, receipt_handle: str, seconds: int) -> None:
        if self.error:
            raise self.error
        self.postponed.append((receipt_handle.removeprefix("handle-"), seconds))

    def send(self, entry: Entry) -> None:
        if self.error:
            raise self.error
        self.sent.append(entry)


def fifo(names: Sequence[str], handler: Handler, queue: Queue, dead_letters: Queue | None = None) -> list[str]:
    """The records that are reported as failed."""
    source = FifoSource(queue, dead_letters or Queue(), lambda: FIRST_RECEIVED + 20)  # type: ignore[arg-type]
    return failed(process_fifo(event(*names), source, handler))


def failed(answer: dict[str, Any]) -> list[str]:
    assert list(answer) == ["batchItemFailures"]
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


@pytest.mark.parametrize(
    ("names", "raises", "handled", "back", "postponed"),
    [
        pytest.param(["a1", "b1"], {}, ["a1", "b1"], [], [], id="all done"),
        pytest.param(
            ["a1", "a2", "b1"],
            {"a1": Postponed(30)},
            ["a1", "b1"],
            ["a1", "a2"],
            [("a1", 30), ("a2", 30)],
            id="postponed with what follows, others go on",
        ),
        pytest.param(
            ["a1", "b1", "a2", "a3"],
            {"a2": Postponed(5)},
            ["a1", "b1", "a2"],
            ["a2", "a3"],
            [("a2", 5), ("a3", 5)],
            id="what came before is done",
        ),
        pytest.param(
            ["a1", "b1", "a2", "b2"],
            {"a1": Postponed(5), "b1": Postponed(60)},
            ["a1", "b1"],
            ["a1", "b1", "a2", "b2"],
            [("a1", 5), ("b1", 60), ("a2", 5), ("b2", 60)],
            id="each group its own delay",
        ),
        pytest.param(
            ["a1", "a2", "b1"],
            {"a1": RuntimeError("Canary")},
            ["a1", "b1"],
            ["a1", "a2"],
            [("a1", 20), ("a2", 20)],
            id="an unexpected failure comes back soon",
        ),
        pytest.param(
            ["a1", "b1"],
            {"a1": RuntimeError("Canary"), "b1": RuntimeError("Canary")},
            ["a1", "b1"],
            ["a1", "b1"],
            [("a1", 20), ("b1", 20)],
            id="all fail, and the invocation does not",
        ),
    ],
)
def test_fifo(
    log: Log,
    names: list[str],
    raises: dict[str, Exception],
    handled: list[str],
    back: list[str],
    postponed: list[tuple[str, int]],
) -> None:
    handler, queue = Handler(**raises), Queue()
    assert fifo(names, handler, queue) == back
    assert handler.seen == handled
    assert queue.postponed == postponed
    unexpected = [name for name, error in raises.items() if isinstance(error, RuntimeError)]
    assert [(entry["record"], entry["error"]) for entry in log.entries] == [
        (name, "RuntimeError") for name in unexpected
    ]
    assert "Canary" not in log.text


@pytest.mark.parametrize(
    ("elapsed", "expected"),
    [
        pytest.param(-1, 5, id="SQS's clock is ahead"),
        pytest.param(0, 5, id="at its first delivery"),
        pytest.param(12.7, 12, id="as long as it has tried"),
        pytest.param(120, 60, id="two minutes of retries before"),
        pytest.param(4 * 86_400, 60, id="for days"),
    ],
)
def test_the_pause_after_a_failure_goes_by_time(elapsed: float, expected: int) -> None:
    assert pause_after_failure(elapsed) == expected


def test_a_record_that_cannot_be_postponed_comes_back_all_the_same(log: Log) -> None:
    handler, queue = Handler(a1=Postponed(30)), Queue(NotStored("SQS change_message_visibility: InternalError"))
    assert fifo(["a1", "a2", "b1"], handler, queue) == ["a1", "a2"]
    assert handler.seen == ["a1", "b1"]
    assert [entry["record"] for entry in log.entries] == ["a1", "a2"]


def test_what_cannot_be_processed_is_dead_lettered_and_holds_up_nobody(log: Log) -> None:
    handler, queue, dead_letters = Handler(a1=Unprocessable("no such account")), Queue(), Queue()
    assert fifo(["a1", "a2", "b1"], handler, queue, dead_letters) == []
    assert handler.seen == ["a1", "a2", "b1"]
    assert dead_letters.sent == [Entry("body-a1", "a", "a1")]
    assert queue.sent == queue.postponed == []
    assert [(entry["record"], entry["reason"]) for entry in log.entries] == [("a1", "no such account")]


def test_what_cannot_be_dead_lettered_comes_back(log: Log) -> None:
    handler, dead_letters = (
        Handler(a1=Unprocessable("no such account")),
        Queue(NotStored("SQS send_message: InternalError")),
    )
    assert fifo(["a1", "a2", "b1"], handler, Queue(), dead_letters) == ["a1", "a2"]
    assert handler.seen == ["a1", "b1"]


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        pytest.param([], [], id="all done"),
        pytest.param(["b1"], ["b1"], id="one comes back"),
        pytest.param(["b1", "b1"], ["b1"], id="named twice"),
        pytest.param(["a1", "b1", "c1"], ["a1", "b1", "c1"], id="all come back, and the invocation does not fail"),
    ],
)
def test_batch(back: list[str], expected: list[str]) -> None:
    seen: list[Record] = []

    def handle(records: list[Record]) -> list[str]:
        seen.extend(records)
        return back

    assert failed(process_batch(event("a1", "b1", "c1"), handle)) == expected
    assert seen[0] == Record("a1", "body-a1", "handle-a1", 3, 1_700_000_000.25, 1_700_000_001.5, "a")
    assert [record.id for record in seen] == ["a1", "b1", "c1"]


def test_a_batch_that_fails_as_a_whole_comes_back_as_a_whole() -> None:
    def handle(records: list[Record]) -> list[str]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        process_batch(event("a1"), handle)


@pytest.mark.parametrize(
    ("arn", "expected"),
    [
        pytest.param(ARN, True, id="FIFO"),
        pytest.param(ARN.removesuffix(".fifo"), False, id="standard"),
        pytest.param("arn:aws:sqs:eu-west-1:123456789012:my.fifo-like", False, id="fifo within the name"),
    ],
)
def test_is_fifo(arn: str, expected: bool) -> None:
    assert is_fifo(event("a1", arn=arn)) is expected


def test_a_record_shows_nothing_of_its_body() -> None:
    assert repr(Record("a1", "Canary", "Canary", 1, 2.0, 3.0, "Canary")) == (
        "Record(id='a1', attempt=1, sent_at=2.0, first_received_at=3.0)"
    )


@pytest.mark.parametrize(
    ("raises", "returned"),
    [
        pytest.param({}, 0, id="none"),
        pytest.param({"a1": Postponed(30)}, 0, id="a retry in order waits by intention"),
        pytest.param({"a1": RuntimeError("Canary")}, 2, id="a fault, with what waits behind it"),
        pytest.param({"a1": Postponed(30), "b1": RuntimeError("Canary")}, 1, id="a fault beside a retry"),
    ],
)
def test_records_that_come_back_by_a_fault_are_counted(
    raises: dict[str, Exception], returned: int, counted: Callable[[], dict[str, int]]
) -> None:
    fifo(["a1", "a2", "b1"], Handler(**raises), Queue())
    assert counted().get("RecordsReturned", 0) == returned


def test_records_of_a_standard_queue_that_come_back_are_counted_once(counted: Callable[[], dict[str, int]]) -> None:
    process_batch(event("a1", "a2", "b1", arn=ARN.removesuffix(".fifo")), lambda records: ["a1", "b1", "a1"])
    assert counted() == {"RecordsReturned": 2}
