"""The clients call the same addresses, signed for the same regions, with the same handlers, as botocore's own."""

from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import UnknownServiceError

from whatsapp_bridge.store.aws import lean_session
from whatsapp_bridge.store.aws_data import SERVICES

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "sqs": ("send_message", {"QueueUrl": "https://sqs.example/1/q", "MessageBody": "x"}),
    "secretsmanager": ("get_secret_value", {"SecretId": "x"}),
    "dynamodb": ("update_item", {"TableName": "t", "Key": {"pk": {"S": "x"}}}),
    "kms": ("generate_data_key", {"KeyId": "k", "KeySpec": "AES_256"}),
}


class Caught(Exception):
    """Carries a request that was about to leave."""

    def __init__(self, request: AWSPreparedRequest) -> None:
        super().__init__()
        self.request = request


def catch(request: AWSPreparedRequest, **_: Any) -> None:
    raise Caught(request)


@cache
def session(lean: bool) -> botocore.session.Session:
    made = lean_session() if lean else botocore.session.Session()
    made.set_credentials("key", "secret", "token")
    return made


def called(service: str, region: str, lean: bool) -> tuple[str, str, str, list[str], str]:
    """Method, URL, the client's own address, and the region, service and algorithm of the signature."""
    client = session(lean).create_client(service, region_name=region)
    client.meta.events.register("before-send", catch)
    operation, arguments = CALLS[service]
    with pytest.raises(Caught) as caught:
        getattr(client, operation)(**arguments)
    request = caught.value.request
    header = request.headers["Authorization"]
    algorithm, _, credential = (header.decode() if isinstance(header, bytes) else header).partition(" Credential=")
    scope = credential.split(",")[0].split("/")[2:]
    return request.method, request.url, client.meta.endpoint_url, scope, algorithm


def regions() -> list[str]:
    stock = session(False)
    return [region for name in stock.get_available_partitions() for region in stock.get_available_regions("sqs", name)]


@pytest.mark.parametrize("service", SERVICES)
def test_every_region(service: str) -> None:
    different = {
        region: (lean, stock)
        for region in regions()
        if (lean := called(service, region, True)) != (stock := called(service, region, False))
    }
    assert different == {}


EVENTS = (
    "before-parameter-build",
    "provide-client-params",
    "before-endpoint-resolution",
    "choose-signer",
    "before-call",
    "request-created",
    "before-sign",
    "before-send",
    "response-received",
    "needs-retry",
    "before-parse",
    "after-call",
    "after-call-error",
)
"""What a call emits, with service and operation behind it."""


def handlers(service: str, lean: bool) -> dict[str, list[str]]:
    """The handlers of each event of each operation, in the order in which botocore calls them."""
    client = session(lean).create_client(service, region_name="eu-west-1")
    emitter = client.meta.events._emitter
    named = client.meta.service_model.service_id.hyphenize()
    return {
        event: [
            getattr(handler, "__qualname__", type(handler).__name__)
            for handler in emitter._handlers.prefix_search(event)
        ]
        for operation in client.meta.service_model.operation_names
        for event in (f"{kind}.{named}.{operation}" for kind in EVENTS)
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_call_meets_the_same_handlers(service: str) -> None:
    assert handlers(service, True) == handlers(service, False)


def test_a_call_names_the_functions_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without this header AWS cannot see that functions call each other in a circle.
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "send")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1;Lineage=1:abc:0")
    client = session(True).create_client("sqs", region_name="eu-west-1")
    client.meta.events.register("before-send", catch)
    with pytest.raises(Caught) as caught:
        client.list_queues()
    assert caught.value.request.headers["X-Amzn-Trace-Id"] in ("Root=1;Lineage=1:abc:0", b"Root=1;Lineage=1:abc:0")


def test_regions_are_many() -> None:
    assert {"eu-west-1", "af-south-1", "ap-south-1", "cn-north-1", "us-gov-west-1"} < set(regions())


def test_a_service_that_is_not_listed_is_refused() -> None:
    with pytest.raises(UnknownServiceError):
        session(True).create_client("sns", region_name="eu-west-1")
