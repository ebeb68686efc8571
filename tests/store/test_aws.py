"""The clients: one per service and region, with time-outs that fit into a function's."""

import pytest
from botocore.exceptions import ClientError

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
