"""SQS: what a call holds, how batches are cut, and what its errors become."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from whatsapp_bridge.store.queues import MAX_MESSAGE_BYTES, Entry, FifoQueue, NotStored, Queue

URL = "https://sqs.example/queue"


class Sqs:
    """Takes calls; `fail` raises instead, `refuse` are the Ids a batch call does not take."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.fail: Exception | None = None
        self.refuse: dict[str, str] = {}

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> dict[str, Any]:
            if self.fail:
                raise self.fail
            self.calls.append((operation, arguments))
            entries = {entry["Id"] for entry in arguments.get("Entries", ())}
            return {"Failed": [{"Id": name, "Code": code} for name, code in self.refuse.items() if name in entries]}

        return call

    @property
    def batches(self) -> list[list[str]]:
        assert {operation for operation, _ in self.calls} <= {"send_message_batch"}
        return [[entry["MessageBody"] for entry in arguments["Entries"]] for _, arguments in self.calls]


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "secret-text"}}, "SendMessage")


@pytest.mark.parametrize(
    ("entry", "parameters"),
    [
        pytest.param(Entry("b"), {"MessageBody": "b"}, id="plain"),
        pytest.param(Entry("b", delay=900), {"MessageBody": "b", "DelaySeconds": 900}, id="delayed"),
        pytest.param(
            Entry("b", "g", "d"),
            {"MessageBody": "b", "MessageGroupId": "g", "MessageDeduplicationId": "d"},
            id="FIFO",
        ),
        pytest.param(Entry("b", "g"), {"MessageBody": "b", "MessageGroupId": "g"}, id="a fair queue"),
        pytest.param(Entry('"a\uffff\ufffe\ufffdb"'), {"MessageBody": '"a\\uffff\\ufffe\ufffdb"'}, id="no characters"),
    ],
)
def test_entries(entry: Entry, parameters: dict[str, Any]) -> None:
    sqs = Sqs()
    Queue(URL, sqs).send(entry)
    Queue(URL, sqs).send_all([entry])
    assert sqs.calls == [
        ("send_message", {"QueueUrl": URL, **parameters}),
        ("send_message_batch", {"QueueUrl": URL, "Entries": [{"Id": "0", **parameters}]}),
    ]


HALF = MAX_MESSAGE_BYTES // 2


@pytest.mark.parametrize(
    ("lengths", "batches"),
    [
        pytest.param([], [], id="nothing, no call"),
        pytest.param([1], [1], id="one"),
        pytest.param([1] * 10, [10], id="ten"),
        pytest.param([1] * 11, [10, 1], id="eleven"),
        pytest.param([1] * 25, [10, 10, 5], id="many"),
        pytest.param([HALF, HALF], [2], id="as large as one may be"),
        pytest.param([HALF, HALF, 1], [2, 1], id="a byte more"),
        pytest.param([MAX_MESSAGE_BYTES] * 3, [1, 1, 1], id="each as large as one may be"),
        pytest.param([1, MAX_MESSAGE_BYTES, 1], [1, 1, 1], id="a large one between small ones"),
        pytest.param([HALF, HALF, *[1] * 10], [2, 10], id="size and count start anew with each batch"),
    ],
)
def test_batches(lengths: list[int], batches: list[int]) -> None:
    sqs = Sqs()
    bodies = [chr(97 + number % 26) * length for number, length in enumerate(lengths)]
    Queue(URL, sqs).send_all(Entry(body) for body in bodies)
    assert [len(batch) for batch in sqs.batches] == batches
    assert [body for batch in sqs.batches for body in batch] == bodies
    assert [[entry["Id"] for entry in call["Entries"]] for _, call in sqs.calls] == [
        [str(number) for number in range(count)] for count in batches
    ]


@pytest.mark.parametrize(
    ("kind", "refused", "missing", "calls"),
    [
        pytest.param(Queue, {"3": "InternalError"}, [3, 13, 23], 3, id="one of each batch"),
        pytest.param(Queue, {"3": "InternalError", "7": "OverLimit"}, [3, 7, 13, 17, 23], 3, id="several"),
        pytest.param(FifoQueue, {"3": "InternalError"}, [3, *range(10, 25)], 1, id="in order: nothing behind it"),
    ],
)
def test_what_sqs_refuses_is_named_and_the_rest_is_sent(
    kind: type[Queue], refused: dict[str, str], missing: list[int], calls: int
) -> None:
    sqs = Sqs()
    sqs.refuse = refused
    with pytest.raises(NotStored) as raised:
        kind(URL, sqs).send_all(Entry(str(number)) for number in range(25))
    assert sorted(raised.value.missing) == missing
    assert raised.value.throttled is ("OverLimit" in refused.values())
    assert len(sqs.calls) == calls


def test_what_follows_a_call_that_failed_is_missing_too() -> None:
    class FailingSecond(Sqs):
        def __getattr__(self, operation: str) -> Any:
            if self.calls:
                self.fail = client_error("InternalError")
            return super().__getattr__(operation)

    sqs = FailingSecond()
    sqs.refuse = {"4": "InternalError"}
    with pytest.raises(NotStored) as raised:
        Queue(URL, sqs).send_all(Entry(str(number)) for number in range(25))
    assert list(raised.value.missing) == [4, *range(10, 25)]


def test_size_counts_bytes() -> None:
    sqs = Sqs()
    Queue(URL, sqs).send_all([Entry("ü" * (HALF // 2)), Entry("ü" * (HALF // 2)), Entry("x")])
    Queue(URL, sqs).send_all([Entry("\uffff" * (HALF // 6)), Entry("x" * HALF), Entry("x" * 6)])
    assert [len(batch) for batch in sqs.batches] == [2, 1, 2, 1]


@pytest.mark.parametrize(
    ("code", "throttled"),
    [
        pytest.param("ThrottlingException", True, id="throttling"),
        pytest.param("RequestThrottled", True, id="JSON protocol"),
        pytest.param("AWS.SimpleQueueService.RequestThrottled", True, id="query protocol"),
        pytest.param("OverLimit", True, id="over limit"),
        pytest.param("InternalError", False, id="internal"),
        pytest.param("AWS.SimpleQueueService.NonExistentQueue", False, id="no such queue"),
        pytest.param("", False, id="no code"),
    ],
)
def test_errors(code: str, throttled: bool) -> None:
    sqs = Sqs()
    sqs.fail = client_error(code)
    queue = Queue(URL, sqs)
    for call in (lambda: queue.send(Entry("x")), lambda: queue.send_all([Entry("x")]), lambda: queue.postpone("h", 1)):
        with pytest.raises(NotStored) as raised:
            call()
        assert raised.value.throttled is throttled
        assert "secret-text" not in str(raised.value)


def test_out_of_reach() -> None:
    sqs = Sqs()
    sqs.fail = EndpointConnectionError(endpoint_url="https://secret-text")
    with pytest.raises(NotStored) as raised:
        Queue(URL, sqs).send(Entry("x"))
    assert str(raised.value) == "SQS send_message: EndpointConnectionError"
    assert not raised.value.throttled


@pytest.mark.parametrize(
    ("refuse", "throttled"),
    [
        pytest.param({"3": "InternalError"}, False, id="one of the first batch"),
        pytest.param({"9": "RequestThrottled"}, True, id="throttled"),
    ],
)
def test_a_batch_that_is_accepted_in_part(refuse: dict[str, str], throttled: bool) -> None:
    sqs = Sqs()
    sqs.refuse = refuse
    with pytest.raises(NotStored) as raised:
        FifoQueue(URL, sqs).send_all([Entry(str(number)) for number in range(15)])
    assert raised.value.throttled is throttled
    # In order: what comes behind a failed batch is not sent, the caller sends it again.
    assert [len(batch) for batch in sqs.batches] == [10]


def test_postpone() -> None:
    sqs = Sqs()
    Queue(URL, sqs).postpone("handle", 30)
    assert sqs.calls == [
        ("change_message_visibility", {"QueueUrl": URL, "ReceiptHandle": "handle", "VisibilityTimeout": 30})
    ]


def test_a_body_does_not_show_in_a_repr() -> None:
    assert "secret-text" not in repr(Entry("secret-text"))
