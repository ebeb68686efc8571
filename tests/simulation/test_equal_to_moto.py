"""The services in memory answer as moto does, call by call, where they are not made harsher than it."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from local.simulation.queue import State
from tests.simulation.twin import Receipt, Twin, twin
from whatsapp_bridge.store.claims import Claims
from whatsapp_bridge.store.items import Table
from whatsapp_bridge.store.leases import Leases
from whatsapp_bridge.store.notes import StoredNotes
from whatsapp_bridge.store.once import Once
from whatsapp_bridge.store.waiting import Waiting

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
    "comes back": (CAMPAIGN, [send("a"), receive(), 539.0, receive(), 1.5, receive(), delete(1), receive()]),
    "sent back at once": (CAMPAIGN, [send("a"), receive(), hide(0, 0), receive()]),
    "hidden for longer": (CAMPAIGN, [send("a"), receive(), hide(0, 3000), 2999.0, receive(), 1.5, receive()]),
    "seen without being taken": (CAMPAIGN, [send("a"), receive(VisibilityTimeout=0), receive(), COUNT]),
    "an earlier receipt deletes": (CAMPAIGN, [send("a"), receive(), 541.0, receive(), delete(0), COUNT, delete(1)]),
    "given up": (CAMPAIGN, [send("a"), *[receive(), 541.0] * 11, COUNT]),
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


NAMES = {"#state": "state"}
VALUES: dict[str, Any] = {":a": {"S": "a"}, ":b": {"S": "b"}, ":n": {"N": "5"}, ":m": {"N": "12"}}
ITEM: dict[str, Any] = {"pk": {"S": "there"}, "state": {"S": "a"}, "count": {"N": "5"}, "note": {"S": "b"}}

CONDITIONS = [
    "attribute_exists(pk)",
    "attribute_not_exists(pk)",
    "attribute_exists(missing)",
    "#state = :a",
    "#state <> :a",
    "missing <> :a",
    "missing = :a",
    "missing < :n",
    "tally < :n",
    "tally <= :n",
    "tally > :n",
    "tally >= :n",
    "tally < :m",
    "note < :a",
    "note > :a",
    "#state IN (:a, :b)",
    "#state IN (:b)",
    "NOT #state = :a",
    "NOT (#state = :a OR note = :a) AND tally < :m",
    "#state = :b OR #state = :a AND note = :b",
    "(#state = :b OR #state = :a) AND note = :a",
    "attribute_not_exists(pk) OR (#state = :a AND (tally = :n OR note < :b))",
]
UPDATES = [
    "SET #state = :b",
    "SET #state = :b, note = :a",
    "SET tally = tally + :n",
    "SET tally = tally - :m",
    "SET tally = if_not_exists(tally, :m)",
    "SET fresh = if_not_exists(fresh, :m)",
    "SET fresh = if_not_exists(fresh, :n) + :m",
    "SET fresh = missing",
    "SET note = #state, #state = note",
    "SET tally = note + :n",
    "REMOVE note",
    "REMOVE note, missing",
    "SET #state = :b REMOVE note, tally",
    "REMOVE note SET #state = :b",
    "ADD tally :n",
    "ADD fresh :n",
    "SET bsp_id = :a",
    "REMOVE bsp_id",
    "SET pk = :a",
    "SET note = :a, note = :b",
    "SET note = :a SET #state = :b",
    "SET state = :a",
    "SET note = :unknown",
    "SET note",
    "",
]


def update(made: Twin, key: str, update_expression: str, condition: str | None = None, **more: Any) -> None:
    text = f"{update_expression} {condition or ''}"
    given: dict[str, Any] = {"UpdateExpression": update_expression, "ReturnValues": "ALL_NEW", **more}
    if condition is not None:
        given |= {"ConditionExpression": condition, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    words = set(text.replace("(", " ").replace(")", " ").replace(",", " ").split())
    if values := {name: value for name, value in VALUES.items() if name in words}:
        given["ExpressionAttributeValues"] = values
    if names := {name: value for name, value in NAMES.items() if name in words}:
        given["ExpressionAttributeNames"] = names
    made.compare("dynamodb", "update_item", TableName=table_name(made), Key={"pk": {"S": key}}, **given)


def table_name(made: Twin) -> str:
    (table,) = made.deployment.tables.values()
    return table.name


def put(made: Twin, **changes: Any) -> None:
    item = {name: value for name, value in (ITEM | {"tally": {"N": "5"}} | changes).items() if name != "count"}
    made.compare("dynamodb", "put_item", TableName=table_name(made), Item=item)


def look(made: Twin, *keys: str) -> None:
    for key in keys:
        made.compare("dynamodb", "get_item", TableName=table_name(made), Key={"pk": {"S": key}}, ConsistentRead=True)


@pytest.mark.parametrize("key", ["there", "new"])
@pytest.mark.parametrize("condition", CONDITIONS)
def test_condition(made: Twin, condition: str, key: str) -> None:
    put(made)
    update(made, key, "SET outcome = :a", condition)
    look(made, key)


@pytest.mark.parametrize("key", ["there", "new"])
@pytest.mark.parametrize("update_expression", UPDATES)
def test_update(made: Twin, update_expression: str, key: str) -> None:
    put(made)
    update(made, key, update_expression)
    look(made, key)


@pytest.mark.parametrize("wanted", ["NONE", "ALL_OLD", "ALL_NEW"])
def test_what_an_update_returns(made: Twin, wanted: str) -> None:
    put(made)
    for key in ("there", "new"):
        update(made, key, "SET note = :a", ReturnValues=wanted)


@pytest.mark.parametrize("more", [{"ExpressionAttributeValues": VALUES}, {"ExpressionAttributeNames": NAMES}])
def test_update_with_an_unused_placeholder(made: Twin, more: dict[str, Any]) -> None:
    update(made, "there", "REMOVE note", **more)


def test_delete(made: Twin) -> None:
    put(made, bsp_id={"S": "x"})
    refused = {"ConditionExpression": "note = :a", "ExpressionAttributeValues": {":a": {"S": "a"}}}
    for more in (refused, {}, {}):
        made.compare("dynamodb", "delete_item", TableName=table_name(made), Key={"pk": {"S": "there"}}, **more)
        look(made, "there")


@pytest.mark.parametrize("seed", range(6))
def test_table_on_a_random_way(made: Twin, seed: int) -> None:
    """The bridge's own writes, in any order, of a few messages and people."""
    random = Random(seed)
    table = Table(table_name(made), made.client("dynamodb"), made.time)
    waiting = Waiting(table, 35)
    claims, leases, once, notes = Claims(table, 35, waiting), Leases(table), Once(table), StoredNotes(table)

    def any_of(letters: str) -> str:
        return random.choice(letters)

    def steps() -> list[Callable[[], Any]]:
        message, owner = any_of("abc"), any_of("xy")
        # Of two messages with one id, an index gives either first.
        bsp_id = message + any_of("123")
        rung, now = random.choice([1, 2, 3, 9]), int(made.time.now * 1000)
        return [
            lambda: claims.claim("acme", message, owner, "ann", any_of("gh")),
            lambda: claims.begin_sending("acme", message, any_of("gh")),
            lambda: claims.settle("acme", message, random.choice(["accepted", "rejected", "released"]), bsp_id),
            lambda: claims.confirm("acme", message, random.choice([None, bsp_id])),
            lambda: claims.unconfirmed("acme", message),
            lambda: claims.reference_of("acme", bsp_id),
            lambda: leases.begin("acme", message, owner, rung, heard=random.random() < 0.5, bsp_id=bsp_id),
            lambda: leases.end("acme", message, owner, rung),
            lambda: leases.leave("acme", message, owner),
            lambda: once.begin_reply("acme", message, owner),
            lambda: once.end_reply("acme", message),
            lambda: once.leave_click("acme", message, owner),
            lambda: waiting.expect("acme", "ann", message, now, named=random.random() < 0.5),
            lambda: waiting.wait("acme", "ann", message),
            lambda: waiting.name("acme", "ann", message, bsp_id),
            lambda: waiting.bind("acme", "ann", bsp_id),
            lambda: waiting.dismiss("acme", "ann", message),
            lambda: notes.put("acme", message, "a note", 60),
            lambda: notes.get("acme", message),
        ]

    for _ in range(200):
        made.time.now += random.choice([0.0, 0.0, 1.0, 50.0, 130.0, 4000.0])
        random.choice(steps())()


def test_secrets(made: Twin) -> None:
    made.moto["secretsmanager"].create_secret(Name="test/accounts/acme", SecretString="{}")
    made.cloud.secrets.put("test/accounts/acme", "{}")
    for name in ("test/accounts/acme", "test/accounts/none"):
        made.compare("secretsmanager", "get_secret_value", SecretId=name)


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
