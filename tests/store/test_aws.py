"""The clients: one per service and region, with time-outs that fit into a function's."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, EndpointConnectionError

from whatsapp_bridge.store import aws


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    aws.client.cache_clear()
    aws._session.cache_clear()


def test_made_once_per_service_and_region() -> None:
    one = aws.client("sqs")
    assert aws.client("sqs") is one
    assert aws.client("sqs", "af-south-1") is not one
    assert (one.meta.region_name, aws.client("sqs", "af-south-1").meta.region_name) == ("eu-west-1", "af-south-1")


def test_a_dead_connection_is_noticed_within_the_shortest_function() -> None:
    config = aws.client("sqs").meta.config
    # send, incoming and status have 10 seconds, and botocore waits up to a second between two tries.
    tries = config.retries["total_max_attempts"]
    assert (config.connect_timeout + config.read_timeout) * tries < 10


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "af-south-1"])
def test_links_to_s3_are_for_the_buckets_region_and_of_the_newer_signature(region: str) -> None:
    place = {"Bucket": "a-bucket", "Key": "media/acme/1"}
    link = aws.client("s3", region).generate_presigned_url("get_object", Params=place, ExpiresIn=300)
    assert link.startswith(f"https://a-bucket.s3.{region}.amazonaws.com/media/acme/1?X-Amz-Algorithm=AWS4-HMAC-SHA256&")


def test_links_to_a_local_s3_have_the_bucket_in_their_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    place = {"Bucket": "a-bucket", "Key": "media/acme/1"}
    link = aws.client("s3").generate_presigned_url("get_object", Params=place, ExpiresIn=300)
    assert link.startswith("http://127.0.0.1:5000/a-bucket/media/acme/1?X-Amz-Algorithm=AWS4-HMAC-SHA256&")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(ClientError({"Error": {"Code": "A"}}, "X"), "A", id="code"),
        pytest.param(ClientError({}, "X"), "", id="no error"),
        pytest.param(ValueError("A"), "", id="another exception"),
    ],
)
def test_error_code(error: Exception, code: str) -> None:
    assert aws.error_code(error) == code


@pytest.mark.parametrize(
    ("call", "status", "code", "sent"),
    [
        pytest.param("batch_get_secret_value", 400, "ThrottlingException", 1, id="several, throttled: not again"),
        pytest.param("batch_get_secret_value", 500, "InternalServiceError", 1, id="several, failed: not again"),
        pytest.param("batch_get_secret_value", 400, "AccessDeniedException", 1, id="several, denied"),
        pytest.param("batch_get_secret_value", None, None, 3, id="several, out of reach"),
        pytest.param("get_secret_value", 400, "ThrottlingException", 3, id="one, throttled"),
        pytest.param("get_secret_value", 500, "InternalServiceError", 3, id="one, failed"),
        pytest.param("get_secret_value", 400, "AccessDeniedException", 1, id="one, denied"),
    ],
)
def test_what_is_refused_of_several_secrets_is_not_tried_again(
    monkeypatch: pytest.MonkeyPatch, call: str, status: int | None, code: str | None, sent: int
) -> None:
    """Each of them is read by itself at once; botocore would wait for seconds first."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))
    requests: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        requests.append(request)
        if status is None:
            raise EndpointConnectionError(endpoint_url="https://aws.example")
        raw = SimpleNamespace(stream=lambda *_, **__: iter([json.dumps({"__type": code}).encode()]))
        return AWSResponse(request.url, status, {"content-type": "application/x-amz-json-1.1"}, raw)

    client = aws.client("secretsmanager")
    client.meta.events.register("before-send.secrets-manager", answer)
    parameters: dict[str, Any] = {"SecretId": "a"} if call == "get_secret_value" else {"SecretIdList": ["a", "b"]}
    with pytest.raises((ClientError, EndpointConnectionError)) as raised:
        getattr(client, call)(**parameters)
    assert aws.error_code(raised.value) == (code or "")
    assert len(requests) == sent
