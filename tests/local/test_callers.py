"""Every port of the local stack is for programs on this machine, and for no web page."""

import json
import socket
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import boto3
import pytest
from botocore.config import Config

from local.aws import CREDENTIALS
from local.bench.peers import Peers
from local.callers import refusal
from local.stack import REGION, Stack
from tests.local import toy

SECRET = "made-up-"
_bound: list[socket.socket] | None = None


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.bind" and _bound is not None:
        _bound.append(arguments[0])


sys.addaudithook(_note)


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, list[int]]]:
    """The stack, and every port that it listens on: the API, AWS, CleverTap, the BSPs, Lambda's runtime."""
    global _bound
    _bound = []
    with Stack(template=toy.write(tmp_path_factory.mktemp("toy"))) as stack:
        bound, _bound = _bound, None
        yield stack, sorted({one.getsockname()[1] for one in bound})


def ask(
    port: int, headers: dict[str, str], method: str = "GET", body: bytes | None = None, path: str = "/nothing"
) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        for one in value.split("\n"):
            connection.putheader(name, one.replace("PORT", str(port)))
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


HERE = {"Host": "127.0.0.1:PORT"}
FOREIGN = {
    "another site": {**HERE, "Origin": "https://attacker.example"},
    "another port of this machine": {**HERE, "Origin": "http://127.0.0.1:3000"},
    "the port by another scheme": {**HERE, "Origin": "https://127.0.0.1:PORT"},
    "this machine's name at the beginning of another": {**HERE, "Origin": "http://localhost.attacker.example:PORT"},
    "a file, or a page in a sandbox": {**HERE, "Origin": "null"},
    "two origins": {**HERE, "Origin": "http://127.0.0.1:PORT\nhttps://attacker.example"},
    "an image of another site": {**HERE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"},
    "a script of another port": {**HERE, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    "another site in a frame": {
        **HERE,
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "iframe",
    },
    "a name that leads here": {"Host": "attacker.example:PORT"},
    "a name that leads here, as its own origin": {
        "Host": "attacker.example:PORT",
        "Origin": "http://attacker.example:PORT",
    },
    "this machine's name with more behind it": {"Host": "127.0.0.1.attacker.example:PORT"},
    "AWS's own name": {"Host": "secretsmanager.eu-west-1.amazonaws.com"},
    "another port": {"Host": "127.0.0.1:1"},
    "no port": {"Host": "127.0.0.1"},
    "no host": {},
    "two hosts": {"Host": "127.0.0.1:PORT\nattacker.example:PORT"},
}
OWN = {
    "a program": HERE,
    "by name": {"Host": "LocalHost:PORT"},
    "in IPv6": {"Host": "[::1]:PORT"},
    "S3's name of a bucket": {"Host": "bucket-1.localhost:PORT"},
    "the port's own page": {**HERE, "Origin": "http://localhost:PORT", "Sec-Fetch-Site": "same-origin"},
    "somebody types the address": {**HERE, "Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
    "somebody follows a link": {
        **HERE,
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    },
}


def is_refused(answer: HTTPResponse, text: str) -> bool:
    sentences = ("This port is for this machine alone: call http:", "This port is not for web pages of other sites:")
    return answer.status == 403 and text.startswith(sentences)


def test_there_are_ports(ports: tuple[Stack, list[int]]) -> None:
    stack, every = ports
    urls = [stack.url, stack.aws_url, stack.clevertap.url, *(bsp.url for bsp in stack.bsps.values())]
    assert {int(url.rpartition(":")[2]) for url in urls} < set(every)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "HEAD"])
@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_no_port_answers_a_web_page(ports: tuple[Stack, list[int]], headers: dict[str, str], method: str) -> None:
    for port in ports[1]:
        answer, text = ask(port, headers, method, b"{}" if method == "POST" else None)
        assert answer.status == 403
        assert method == "HEAD" or is_refused(answer, text)
        assert f"http://127.0.0.1:{port}" in text or method == "HEAD"
        assert "attacker" not in text
        assert cors(answer) == []


@pytest.mark.parametrize("headers", OWN.values(), ids=OWN)
def test_every_port_answers_this_machine(ports: tuple[Stack, list[int]], headers: dict[str, str]) -> None:
    # Lambda's runtime keeps waiting for an event at one path alone, which this is not.
    for port in ports[1]:
        answer, text = ask(port, headers)
        assert not is_refused(answer, text)
        assert cors(answer) == []


def cors(answer: HTTPResponse) -> list[str]:
    return [name for name, _ in answer.getheaders() if name.lower().startswith("access-control-")]


def test_a_preflight_is_refused(ports: tuple[Stack, list[int]]) -> None:
    wish = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-amz-target"}
    for port in ports[1]:
        answer, text = ask(port, {**HERE, "Origin": "https://attacker.example", **wish}, "OPTIONS")
        assert is_refused(answer, text)
        assert cors(answer) == []


def test_a_large_body_does_not_hide_the_refusal(ports: tuple[Stack, list[int]]) -> None:
    for port in ports[1]:
        assert is_refused(*ask(port, FOREIGN["another site"], "POST", b"x" * 4_000_000))


TARGET = {"X-Amz-Target": "secretsmanager.GetSecretValue", "Content-Type": "text/plain"}


def signed(service: str) -> dict[str, str]:
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/{service}/aws4_request, x"}


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        pytest.param(HERE, True, id="a program"),
        pytest.param(FOREIGN["another site"], False, id="a web page"),
        pytest.param(FOREIGN["a name that leads here"], False, id="a name that leads here"),
    ],
)
def test_secrets(ports: tuple[Stack, list[int]], headers: dict[str, str], told: bool) -> None:
    stack, _ = ports
    port = int(stack.aws_url.rpartition(":")[2])
    body = json.dumps({"SecretId": "local/accounts/acme"}).encode()
    answer, text = ask(port, {**headers, **TARGET, **signed("secretsmanager")}, "POST", body, "/")
    assert (SECRET in text) is told
    assert cors(answer) == []


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_botocore(ports: tuple[Stack, list[int]], style: str) -> None:
    stack, _ = ports
    make: Any = boto3.client
    keys = {"aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": "any"}
    options = {"region_name": REGION, "endpoint_url": stack.aws_url, **keys}
    assert make("sqs", **options).list_queues()["QueueUrls"]
    s3 = make("s3", **options, config=Config(s3={"addressing_style": style}))
    s3.create_bucket(Bucket=f"of-{style}", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=f"of-{style}", Key="a", Body=b"content")
    assert s3.get_object(Bucket=f"of-{style}", Key="a")["Body"].read() == b"content"


def test_s3s_virtual_hosts(ports: tuple[Stack, list[int]]) -> None:
    stack, _ = ports
    s3 = stack.aws.client("s3")
    s3.create_bucket(Bucket="virtual-1", CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket="virtual-1", Key="nothing", Body=b"content")
    s3.put_bucket_cors(
        Bucket="virtual-1", CORSConfiguration={"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}]}
    )
    port = int(stack.aws_url.rpartition(":")[2])
    answer, text = ask(port, {"Host": "virtual-1.localhost:PORT", **signed("s3")})
    assert (answer.status, text) == (200, "content")
    assert cors(answer) == []


def test_the_ports_of_a_measurement() -> None:
    with Peers(lambda url: {}) as peers:
        port = int(peers.url.rpartition(":")[2])
        assert is_refused(*ask(port, FOREIGN["another site"]))
        assert is_refused(*ask(port, FOREIGN["a name that leads here"]))
        assert peers.calls() == {}


@pytest.mark.parametrize(
    ("host", "port", "taken"), [("localhost", 80, True), ("localhost", 8080, False), ("localhost:080", 80, True)]
)
def test_the_port_of_an_address_without_one(host: str, port: int, taken: bool) -> None:
    assert (refusal(lambda name: {"Host": host}.get(name, ""), port) == "") is taken
