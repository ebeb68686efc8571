"""The services together: hooks, and what the smaller ones answer."""

from collections.abc import Mapping
from functools import partial
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from local import TEMPLATE
from local.simulation import rules
from local.simulation.cloud import Cloud
from local.simulation.service import Service
from local.template import read_template
from whatsapp_bridge.store import queues

KEY, OTHER = "arn:aws:kms:eu-west-1:123456789012:key/a", "arn:aws:kms:eu-west-1:123456789012:key/b"
TABLE = {
    "TableName": "t",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}


class Sim:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.cloud = Cloud(lambda: self.now, Random(1))
        self.cloud.sqs.create("q", "arn:q", "https://q", {})
        self.cloud.dynamodb.create(TABLE)
        self.cloud.secrets.put("a", "{}")
        self.cloud.s3.create("b")
        self.cloud.kms.create(KEY)


@pytest.fixture
def sim() -> Sim:
    return Sim()


CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sqs SendMessage": ("sqs", "send_message", {"QueueUrl": "https://q", "MessageBody": "a"}),
    "sqs ReceiveMessage": ("sqs", "receive_message", {"QueueUrl": "https://q"}),
    "dynamodb PutItem": ("dynamodb", "put_item", {"TableName": "t", "Item": {"pk": {"S": "a"}}}),
    "secretsmanager GetSecretValue": ("secretsmanager", "get_secret_value", {"SecretId": "a"}),
    "s3 PutObject": ("s3", "put_object", {"Bucket": "b", "Key": "k", "Body": b"x"}),
    "kms GenerateDataKey": ("kms", "generate_data_key", {"KeyId": KEY, "KeySpec": "AES_256"}),
}
FAILING: dict[str, tuple[str, str, dict[str, Any]]] = {
    "sqs SendMessage": ("sqs", "send_message", {"QueueUrl": "https://none", "MessageBody": "a"}),
    "dynamodb GetItem": ("dynamodb", "get_item", {"TableName": "none", "Key": {"pk": {"S": "a"}}}),
    "secretsmanager GetSecretValue": ("secretsmanager", "get_secret_value", {"SecretId": "none"}),
    "s3 GetObject": ("s3", "get_object", {"Bucket": "b", "Key": "none"}),
    "kms Decrypt": ("kms", "decrypt", {"KeyId": KEY, "CiphertextBlob": b"none"}),
}


class Hooks:
    def __init__(self, sim: Sim) -> None:
        self.seen: list[str] = []
        self.answers: list[Any] = []
        sim.cloud.hook(self._before, self._after)

    def _before(self, service: str, operation: str, parameters: Mapping[str, Any]) -> None:
        self.seen.append(f"before {service} {operation}")

    def _after(self, service: str, operation: str, parameters: Mapping[str, Any], answer: Any) -> None:
        self.seen.append(f"after {service} {operation}")
        self.answers.append(answer)


def call(sim: Sim, name: str, method: str, parameters: dict[str, Any]) -> Any:
    return getattr(sim.cloud.client(name), method)(**parameters)


@pytest.mark.parametrize("name", CALLS)
def test_hooks_around_a_call(sim: Sim, name: str) -> None:
    hooks = Hooks(sim)
    answer = call(sim, *CALLS[name])
    assert hooks.seen == [f"before {name}", f"after {name}"]
    assert hooks.answers == [answer]
    service: Service = sim.cloud.client(name.split()[0])
    assert service.calls == {name.split()[1]: 1}


@pytest.mark.parametrize("name", FAILING)
def test_hooks_around_an_error(sim: Sim, name: str) -> None:
    hooks = Hooks(sim)
    with pytest.raises(ClientError) as raised:
        call(sim, *FAILING[name])
    assert hooks.seen == [f"before {name}", f"after {name}"]
    assert hooks.answers == [raised.value]


def refuse(*_: Any) -> None:
    raise ReadTimeoutError(endpoint_url="https://aws")


def test_nothing_is_done_when_the_hook_before_raises(sim: Sim) -> None:
    sim.cloud.sqs.before = refuse
    with pytest.raises(ReadTimeoutError):
        call(sim, *CALLS["sqs SendMessage"])
    sim.cloud.sqs.before = lambda *_: None
    assert call(sim, *CALLS["sqs ReceiveMessage"]) == {}


def test_what_was_done_stays_when_the_answer_is_lost(sim: Sim) -> None:
    sim.cloud.sqs.after = refuse
    with pytest.raises(ReadTimeoutError):
        call(sim, *CALLS["sqs SendMessage"])
    sim.cloud.sqs.after = lambda *_: None
    assert len(call(sim, *CALLS["sqs ReceiveMessage"])["Messages"]) == 1


def test_unknown_parameters_are_an_error(sim: Sim) -> None:
    with pytest.raises(TypeError):
        sim.cloud.dynamodb.get_item(TableName="t", Key={"pk": {"S": "a"}}, Consistent=True)


def test_a_secret_changes_at_once(sim: Sim) -> None:
    for text in ("{}", "[]"):
        sim.cloud.secrets.put("a", text)
        assert sim.cloud.secrets.get_secret_value(SecretId="a")["SecretString"] == text
    sim.cloud.secrets.delete("a")
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        sim.cloud.secrets.get_secret_value(SecretId="a")


def test_secrets_are_read_together_a_hundred_times_a_second(sim: Sim) -> None:
    read = partial(sim.cloud.secrets.batch_get_secret_value, SecretIdList=["a"])
    for _ in range(100):
        read()
    with pytest.raises(ClientError, match="ThrottlingException"):
        read()
    assert sim.cloud.secrets.get_secret_value(SecretId="a")
    sim.now += 1
    assert [secret["Name"] for secret in read()["SecretValues"]] == ["a"]


def test_a_link_to_an_object_expires(sim: Sim) -> None:
    where = {"Bucket": "b", "Key": "media/ann's photo"}
    sim.cloud.s3.put_object(**where, Body=b"x", ContentType="image/png")
    link = sim.cloud.s3.generate_presigned_url("get_object", Params=where, ExpiresIn=300)
    opened = sim.cloud.s3.opened(link)
    assert opened is not None
    assert (opened.content, opened.headers["content-type"]) == (b"x", "image/png")
    sim.now += 301
    assert sim.cloud.s3.opened(link) is None


def test_a_data_key_is_decrypted_by_its_own_key_only(sim: Sim) -> None:
    made = sim.cloud.kms.generate_data_key(KeyId=KEY, KeySpec="AES_256")
    blob = made["CiphertextBlob"]
    assert sim.cloud.kms.decrypt(KeyId=KEY, CiphertextBlob=blob)["Plaintext"] == made["Plaintext"]
    for key, blob_given, code in (
        (OTHER, blob, "NotFoundException"),
        (KEY, b"?", "InvalidCiphertextException"),
    ):
        with pytest.raises(ClientError, match=code):
            sim.cloud.kms.decrypt(KeyId=key, CiphertextBlob=blob_given)
    sim.cloud.kms.create(OTHER)
    with pytest.raises(ClientError, match="IncorrectKeyException"):
        sim.cloud.kms.decrypt(KeyId=OTHER, CiphertextBlob=blob)


def test_the_template_keeps_the_rules() -> None:
    aws_url = "https://sqs.eu-west-1.amazonaws.com"
    given = {"stack": "test", "region": "eu-west-1", "account_id": "123456789012", "aws_url": aws_url}
    deployment = read_template(TEMPLATE, **given)
    cloud = Cloud(lambda: 0.0, Random(1))
    cloud.deploy(deployment)
    for queue in cloud.sqs.queues.values():
        assert queue.retention <= rules.MAX_RETENTION
        assert queue.visibility <= rules.MAX_VISIBILITY
        assert queue.max_receives <= rules.MAX_RECEIVE_COUNT
        assert queue.max_bytes <= rules.MAX_MESSAGE_BYTES
        assert queue.dead_letters is None or queue.dead_letters.fifo is queue.fifo
    for source in deployment.event_sources:
        fifo = deployment.queue_by_arn(source.queue_arn).fifo
        assert source.batch_size <= (rules.MAX_SOURCE_BATCH_FIFO if fifo else rules.MAX_SOURCE_BATCH)
        assert source.window <= rules.MAX_WINDOW
        assert source.window or source.batch_size <= rules.UNWINDOWED_BATCH
        assert source.maximum_concurrency is not None
        assert rules.MIN_MAXIMUM_CONCURRENCY <= source.maximum_concurrency <= rules.MAX_MAXIMUM_CONCURRENCY


def test_the_bridge_keeps_the_rules() -> None:
    assert queues.MAX_DELAY_SECONDS <= rules.MAX_DELAY
    assert queues.MAX_VISIBILITY_SECONDS <= rules.MAX_VISIBILITY
    assert queues.MAX_MESSAGE_BYTES <= rules.MAX_MESSAGE_BYTES


def test_everything_follows_from_the_random_numbers() -> None:
    def ids() -> list[Any]:
        sim = Sim()
        sent = call(sim, *CALLS["sqs SendMessage"])
        return [sent["MessageId"], call(sim, *CALLS["kms GenerateDataKey"])]

    assert ids() == ids()
