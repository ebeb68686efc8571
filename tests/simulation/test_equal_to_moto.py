"""SQS, Secrets Manager and S3 in memory answer as moto does, call by call, where they are not made harsher than it."""

from random import Random
from typing import Any

import pytest

from local.simulation.queue import State
from tests.simulation.twin import Receipt, Twin, twin

CAMPAIGN, CONVERSATION, REPLIES = "CampaignQueue", "ConversationQueue", "RepliesQueue"
DEAD = {CAMPAIGN: "CampaignDeadLetterQueue", CONVERSATION: "ConversationDeadLetterQueue"}
COUNTS = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "Delayed", "NotVisible")]

type Step = tuple[str, dict[str, Any]] | float
"""A call to a queue, or seconds that pass."""


def send(body: str, **more: Any) -> Step:
    return "send_message", {"MessageBody": body, **more}


def in_group(body: str, group: str, deduplication: str = "") -> Step:
    return send(body, MessageGroupId=group, MessageDeduplicationId=deduplication or body)


def batch(*bodies: str, **more: Any) -> Step:
    entries = [{"Id": str(place), "MessageBody": body, **more} for place, body in enumerate(bodies)]
    return "send_message_batch", {"Entries": entries}


def receive(most: int = 10, **more: Any) -> Step:
    return "receive_message", {"MaxNumberOfMessages": most, "AttributeNames": ["All"], **more}


def delete(number: int) -> Step:
    return "delete_message", {"ReceiptHandle": Receipt(number)}


def delete_all(*numbers: int) -> Step:
    entries = [{"Id": str(number), "ReceiptHandle": Receipt(number)} for number in numbers]
    return "delete_message_batch", {"Entries": entries}


def hide(number: int, seconds: int) -> Step:
    return "change_message_visibility", {"ReceiptHandle": Receipt(number), "VisibilityTimeout": seconds}


COUNT: Step = ("get_queue_attributes", {"AttributeNames": COUNTS})

SCRIPTS: dict[str, tuple[str, list[Step]]] = {
    "sent, received, deleted": (
        CAMPAIGN,
        [send("a"), send("b"), COUNT, receive(1), COUNT, delete(0), COUNT, receive()],
    ),
    "delayed": (CAMPAIGN, [send("a", DelaySeconds=900), receive(), COUNT, 899.0, receive(), 1.5, receive()]),
    "comes back": (CAMPAIGN, [send("a"), receive(), 540.0, receive(), 1.5, receive(), delete(1), receive()]),
    "sent back at once": (CAMPAIGN, [send("a"), receive(), hide(0, 0), receive()]),
    "hidden for longer": (CAMPAIGN, [send("a"), receive(), hide(0, 3000), 2999.0, receive(), 1.5, receive()]),
    "seen without being taken": (CAMPAIGN, [send("a"), receive(VisibilityTimeout=0), receive(), COUNT]),
    "an earlier receipt deletes": (CAMPAIGN, [send("a"), receive(), 542.0, receive(), delete(0), COUNT, delete(1)]),
    "given up": (CAMPAIGN, [send("a"), *[receive(), 542.0] * 101, COUNT]),
    "a batch": (CAMPAIGN, [batch("a", "b", "c"), receive(2), receive(2), delete_all(0, 2), COUNT]),
    "a batch with a delay that is too long": (CAMPAIGN, [batch("a", "b", DelaySeconds=901), receive()]),
    "a batch of eleven": (CAMPAIGN, [batch(*"abcdefghijk"), receive()]),
    "an empty batch": (CAMPAIGN, [delete_all()]),
    "the same id twice": (CAMPAIGN, [send("a"), receive(), delete_all(0, 0)]),
    "a delay that is too long": (CAMPAIGN, [send("a", DelaySeconds=901), receive()]),
    "eleven at once": (CAMPAIGN, [receive(11)]),
    "a tenant of a standard queue": (CAMPAIGN, [send("a", MessageGroupId="acme"), receive()]),
    "a character that XML has not": (CAMPAIGN, [send("a\x00"), receive()]),
    "a batch with such a character": (CAMPAIGN, [batch("a", "\ufffe", "c"), receive()]),
    "hidden for too long": (CAMPAIGN, [send("a"), 50_000.0, receive(), 10.0, hide(0, 43_195), hide(0, 43_180), COUNT]),
    "hidden when it is visible again": (CAMPAIGN, [send("a"), receive(), 541.0, hide(0, 10), receive()]),
    "hidden when it is deleted": (CAMPAIGN, [send("a"), receive(), delete(0), COUNT]),
    "more than an hour hidden": (CAMPAIGN, [send("a"), receive(), 3600.0, receive()]),
    "a trace header": (
        CAMPAIGN,
        [
            send("a", MessageSystemAttributes={"AWSTraceHeader": {"StringValue": "Root=1", "DataType": "String"}}),
            receive(),
        ],
    ),
    "groups": (CONVERSATION, [in_group("a1", "a"), in_group("b1", "b"), in_group("a2", "a"), receive(1), receive()]),
    "a group waits": (
        CONVERSATION,
        [in_group("a1", "a"), in_group("a2", "a"), receive(1), receive(), delete(0), receive()],
    ),
    "a group keeps its order": (
        CONVERSATION,
        [in_group("a1", "a"), in_group("a2", "a"), receive(), hide(0, 0), receive(), hide(1, 0), receive()],
    ),
    "a duplicate": (CONVERSATION, [in_group("a1", "a", "x"), in_group("a2", "a", "x"), COUNT]),
    "a duplicate after deletion": (
        CONVERSATION,
        [in_group("a1", "a", "x"), receive(), delete(0), in_group("a2", "a", "x"), COUNT],
    ),
    "a duplicate in another group": (CONVERSATION, [in_group("a1", "a", "x"), in_group("b1", "b", "x"), COUNT]),
    "no duplicate after five minutes": (
        CONVERSATION,
        [in_group("a1", "a", "x"), 299.0, in_group("a2", "a", "x"), COUNT, 1.5, in_group("a3", "a", "x"), COUNT],
    ),
    "no group": (CONVERSATION, [send("a"), COUNT]),
    "no deduplication id": (CONVERSATION, [send("a", MessageGroupId="a"), COUNT]),
    "no delay on a FIFO queue": (
        CONVERSATION,
        [send("a", MessageGroupId="a", MessageDeduplicationId="a", DelaySeconds=1)],
    ),
}


@pytest.fixture
def made() -> Any:
    with twin() as made:
        yield made


def play(made: Twin, queue: str, steps: list[Step]) -> None:
    for step in steps:
        if isinstance(step, float):
            made.time.now += step
            continue
        method, parameters = step
        made.compare("sqs", method, QueueUrl=made.url(queue), **parameters)


@pytest.mark.parametrize("name", SCRIPTS)
def test_queue(made: Twin, name: str) -> None:
    queue, steps = SCRIPTS[name]
    play(made, queue, steps)
    if queue in DEAD:
        play(made, DEAD[queue], [COUNT, receive()])


@pytest.mark.parametrize("queue", [CAMPAIGN, CONVERSATION])
@pytest.mark.parametrize("seed", range(8))
def test_queue_on_a_random_way(made: Twin, queue: str, seed: int) -> None:
    random = Random(seed)
    for number in range(150):
        step = random_step(made, queue, random, number)
        if step is not None:
            play(made, queue, [step])
    assert made.calls > 50


def random_step(made: Twin, queue: str, random: Random, number: int) -> Step | None:
    """None for a call whose answer differs by design: about a message that is not in flight."""
    kind = random.choice(["send", "send", "batch", "receive", "receive", "delete", "hide", "count", "time"])
    fifo = queue == CONVERSATION
    group, same = random.choice("abc"), str(random.randrange(40))
    of_group = {"MessageGroupId": group, "MessageDeduplicationId": same} if fifo else {}
    if kind == "send":
        delay = {} if fifo or random.random() < 0.5 else {"DelaySeconds": random.randrange(950)}
        return send(f"body {number}", **of_group, **delay)
    if kind == "batch":
        return batch(*(f"body {number}.{place}" for place in range(random.randrange(1, 5))), **of_group)
    if kind == "receive":
        return receive(random.randrange(1, 11))
    if kind == "count":
        return COUNT
    if kind == "time":
        return random.choice([0.7, 13.3, 301.1, 545.9])
    chosen = random.randrange(made.receipts) if made.receipts else None
    if chosen is None or not in_flight(made, queue, chosen):
        return None
    return delete(chosen) if kind == "delete" else hide(chosen, random.choice([0, 5, 600]))


def in_flight(made: Twin, queue: str, number: int) -> bool:
    """Whether it is, and this is its last receipt."""
    of_queue = made.cloud.sqs.queues[made.url(queue)]
    of_queue.settle(made.time.now + 0.0015)
    message_id, _, receive_number = made.own_receipt(number).rpartition("#")
    message = of_queue.messages.get(message_id)
    return message is not None and message.state is State.IN_FLIGHT and message.receives == int(receive_number)


def test_secrets(made: Twin) -> None:
    made.moto["secretsmanager"].create_secret(Name="test/accounts/acme", SecretString="{}")
    made.cloud.secrets.put("test/accounts/acme", "{}")
    for name in ("test/accounts/acme", "test/accounts/none"):
        made.compare("secretsmanager", "get_secret_value", SecretId=name)
    made.compare("secretsmanager", "batch_get_secret_value", SecretIdList=["test/accounts/acme"])
    both = ["test/accounts/acme", "test/accounts/none"]
    answers = [
        side.batch_get_secret_value(SecretIdList=both) for side in (made.moto["secretsmanager"], made.cloud.secrets)
    ]
    told = [
        (
            [(secret["Name"], secret["SecretString"]) for secret in answer["SecretValues"]],
            [(error["SecretId"], error["ErrorCode"]) for error in answer["Errors"]],
        )
        for answer in answers
    ]
    assert told[0] == told[1] == ([("test/accounts/acme", "{}")], [("test/accounts/none", "ResourceNotFoundException")])
    made.moto["secretsmanager"].create_secret(Name="test/other", SecretString="{}")
    made.cloud.secrets.put("test/other", "{}")
    filters = [{"Key": "name", "Values": ["test/accounts/"]}]
    for side in (made.moto["secretsmanager"], made.cloud.secrets):
        found = side.list_secrets(Filters=filters, MaxResults=100)
        assert [secret["Name"] for secret in found["SecretList"]] == ["test/accounts/acme"]
        assert "NextToken" not in found


def test_objects(made: Twin) -> None:
    (bucket,) = made.deployment.buckets.values()
    s3 = {"Bucket": bucket, "Key": "payloads/a"}
    made.compare("s3", "get_object", **s3)
    made.moto["s3"].put_object(**s3, Body=b"content", ContentType="application/json")
    made.cloud.s3.put_object(**s3, Body=b"content", ContentType="application/json")
    for side in (made.moto["s3"], made.cloud.s3):
        answer = side.get_object(**s3)
        assert (answer["Body"].read(), answer["ContentLength"]) == (b"content", 7)
        assert answer["ContentType"] == "application/json"
