"""Queue messages of any size."""

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.world import World, world
from whatsapp_bridge.store.payloads import PayloadGone, Payloads
from whatsapp_bridge.store.queues import MAX_MESSAGE_BYTES

# {"t":"..."} around the text.
FRAME = 8


@pytest.fixture(scope="module")
def made() -> Iterator[World]:
    with world() as shared:
        yield shared


@pytest.fixture
def payloads(made: World) -> Payloads:
    numbers = count(1)
    return Payloads("test-payloadsbucket", lambda: made.s3, lambda: f"id-{next(numbers)}")


@pytest.mark.parametrize(
    ("text", "in_queue"),
    [
        pytest.param("a", True, id="small"),
        pytest.param("a" * (MAX_MESSAGE_BYTES - FRAME), True, id="as large as a message may be"),
        pytest.param("a" * (MAX_MESSAGE_BYTES - FRAME + 1), False, id="a byte more"),
        pytest.param("ü" * (MAX_MESSAGE_BYTES // 2 - FRAME // 2), True, id="bytes, not characters: fits"),
        pytest.param("ü" * (MAX_MESSAGE_BYTES // 2), False, id="bytes, not characters: too large"),
        pytest.param("\uffff" * (MAX_MESSAGE_BYTES // 4), False, id="as SQS takes it: too large"),
        pytest.param("a" * 5_000_000, False, id="five megabytes"),
    ],
)
def test_round_trip(payloads: Payloads, made: World, text: str, in_queue: bool) -> None:
    body = payloads.pack({"t": text})
    assert len(body.encode()) <= MAX_MESSAGE_BYTES
    assert payloads.unpack(body) == {"t": text}
    assert (json.loads(body) == {"t": text}) if in_queue else (json.loads(body) == {"s3": "payloads/id-1"})
    if not in_queue:
        stored = made.s3.get_object(Bucket="test-payloadsbucket", Key="payloads/id-1")
        assert json.loads(stored["Body"].read()) == {"t": text}


def test_each_has_a_key_of_its_own(payloads: Payloads) -> None:
    bodies = [payloads.pack({"t": letter * MAX_MESSAGE_BYTES}) for letter in "ab"]
    assert [payloads.unpack(body)["t"][0] for body in bodies] == ["a", "b"]


@pytest.mark.parametrize(
    "payload",
    [pytest.param({"s3": "x", "more": 1}, id="a key beside it"), pytest.param({"S3": "x"}, id="another key")],
)
def test_only_a_key_alone_is_a_reference(payloads: Payloads, payload: dict[str, Any]) -> None:
    assert payloads.unpack(json.dumps(payload)) == payload


def test_small_ones_need_no_client() -> None:
    assert Payloads("bucket").unpack(Payloads("bucket").pack({"t": "a"})) == {"t": "a"}


def test_failures_are_raised(payloads: Payloads) -> None:
    with pytest.raises(PayloadGone):
        payloads.unpack('{"s3": "payloads/none"}')
    with pytest.raises(ClientError):
        Payloads("no-such-bucket", payloads._s3).unpack('{"s3": "payloads/none"}')
    with pytest.raises(ClientError):
        Payloads("no-such-bucket", payloads._s3).pack({"t": "a" * MAX_MESSAGE_BYTES})
