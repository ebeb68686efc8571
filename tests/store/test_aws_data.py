"""The clients call the same addresses, signed for the same regions, as with botocore's own data."""

from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import UnknownServiceError

from whatsapp_bridge.store.aws_data import SERVICES, LeanLoader

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
    made = botocore.session.Session()
    made.set_credentials("key", "secret", "token")
    if lean:
        made.register_component("data_loader", LeanLoader())
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


def test_regions_are_many() -> None:
    assert {"eu-west-1", "af-south-1", "ap-south-1", "cn-north-1", "us-gov-west-1"} < set(regions())


def test_a_service_that_is_not_listed_is_refused() -> None:
    with pytest.raises(UnknownServiceError):
        session(True).create_client("sns", region_name="eu-west-1")
