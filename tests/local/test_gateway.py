import base64
import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.gateway import Gateway, Request, Router, build_event, read_answer
from local.runtime import FunctionError
from local.simulation import rules
from local.template import Deployment, Route

SEND = Route("POST", "/{account}/send", "Send")
ROUTES = [
    SEND,
    Route("GET", "/{account}/status/{token}", "Status"),
    Route("POST", "/{account}/status/{token}", "Status"),
    Route("GET", "/{account}/status/{token+}", "StatusWithSlash"),
    Route("PUT", "/{account}/{path+}", "Others"),
    Route("ANY", "/{account}/files/{path+}", "Files"),
    Route("GET", "/me/files/list", "List"),
]


def event(
    body: bytes = b"", headers: list[tuple[str, str]] | None = None, target: str = "/acme/send"
) -> dict[str, Any]:
    request = Request("POST", target, [("Host", "api.test:80"), *(headers or [])], body, "192.0.2.1")
    return build_event(request, SEND, {"account": "acme"}, account_id="1", request_id="r1", now=1_500_000_000.25)


@pytest.mark.parametrize(
    ("method", "path", "function", "parameters"),
    [
        pytest.param("POST", "/acme/send", "Send", {"account": "acme"}, id="variable"),
        pytest.param("POST", "/a%20b%2Fc/send", "Send", {"account": "a b/c"}, id="variable is URL-decoded"),
        pytest.param("GET", "/acme/status/t", "Status", {"account": "acme", "token": "t"}, id="two variables"),
        pytest.param("PUT", "/acme/files/a/b", "Files", {"account": "acme", "path": "a/b"}, id="greedy, any method"),
        pytest.param(
            "PUT", "/acme/files/", "Others", {"account": "acme", "path": "files/"}, id="greedy, the longer path first"
        ),
        pytest.param("GET", "/me/files/list", "List", {}, id="literal path goes first"),
        pytest.param(
            "POST", "/me/files/list", "Files", {"account": "me", "path": "list"}, id="its method is another's"
        ),
        pytest.param("GET", "/acme/send", None, {}, id="wrong method"),
        pytest.param("POST", "/acme/send/", None, {}, id="trailing slash is another path"),
        pytest.param(
            "GET",
            "/acme/status/t/",
            "StatusWithSlash",
            {"account": "acme", "token": "t/"},
            id="trailing slash, greedy variable",
        ),
        pytest.param("GET", "/acme/status/t", "Status", {"account": "acme", "token": "t"}, id="greedy one goes last"),
        pytest.param("GET", "/acme/files/", None, {}, id="a greedy variable takes something"),
        pytest.param("POST", "/send", None, {}, id="too short"),
        pytest.param("POST", "//send", None, {}, id="empty variable"),
    ],
)
def test_routes(method: str, path: str, function: str | None, parameters: dict[str, str]) -> None:
    found = Router(ROUTES).find(method, path)
    assert (found[0].function, found[1]) == (function, parameters) if found else function is None


def test_event_of_payload_format_2() -> None:
    headers = [("Content-Type", "application/json"), ("X-A", "1"), ("x-a", "2"), ("User-Agent", "t/1")]
    assert event(b'{"a":1}', headers, "/acme/send?x=1&x=2&y=%20&z") == {
        "version": "2.0",
        "routeKey": "POST /{account}/send",
        "rawPath": "/acme/send",
        "rawQueryString": "x=1&x=2&y=%20&z",
        "headers": {"host": "api.test:80", "content-type": "application/json", "x-a": "1,2", "user-agent": "t/1"},
        "queryStringParameters": {"x": "1,2", "y": " ", "z": ""},
        "pathParameters": {"account": "acme"},
        "requestContext": {
            "accountId": "1",
            "apiId": "local",
            "domainName": "api.test:80",
            "domainPrefix": "api",
            "http": {
                "method": "POST",
                "path": "/acme/send",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "t/1",
            },
            "requestId": "r1",
            "routeKey": "POST /{account}/send",
            "stage": "$default",
            "time": "14/Jul/2017:02:40:00 +0000",
            "timeEpoch": 1_500_000_000_250,
        },
        "body": '{"a":1}',
        "isBase64Encoded": False,
    }


def test_cookies_and_absent_parts() -> None:
    assert event(headers=[("Cookie", "a=1; b=2")])["cookies"] == ["a=1", "b=2"]
    assert not {"body", "cookies", "queryStringParameters"} & set(event())


@pytest.mark.parametrize(
    ("content_type", "body", "encoded"),
    [
        pytest.param("application/json", b"{}", False, id="json"),
        pytest.param("Application/JSON; charset=utf-8", b"{}", False, id="json with parameters"),
        pytest.param("text/plain", b"x", False, id="text"),
        pytest.param("application/xml", b"<x/>", False, id="xml"),
        pytest.param("application/javascript", b"x", False, id="javascript"),
        pytest.param("application/x-www-form-urlencoded", b"a=b", True, id="form"),
        pytest.param("application/octet-stream", b"x", True, id="bytes"),
        pytest.param("", b"{}", True, id="no content type"),
        pytest.param("application/json", b"\xff\xfe", True, id="no UTF-8"),
    ],
)
def test_bodies(content_type: str, body: bytes, encoded: bool) -> None:
    made = event(body, [("Content-Type", content_type)] if content_type else [])
    assert made["isBase64Encoded"] is encoded
    assert (base64.b64decode(made["body"]) if encoded else made["body"].encode()) == body


@pytest.mark.parametrize(
    ("answer", "status", "headers", "body"),
    [
        pytest.param(
            {"statusCode": 202, "body": "x"}, 202, {"Content-Type": "text/plain;charset=utf-8"}, b"x", id="plain"
        ),
        pytest.param(
            {"statusCode": "200", "headers": {"content-type": "a/b"}, "body": "eA==", "isBase64Encoded": True},
            200,
            {"content-type": "a/b"},
            b"x",
            id="base64",
        ),
        pytest.param({"statusCode": 204}, 204, {"Content-Type": "text/plain;charset=utf-8"}, b"", id="no body"),
        pytest.param({"a": 1}, 200, {"Content-Type": "application/json"}, b'{"a": 1}', id="inferred from an object"),
        pytest.param("hi", 200, {"Content-Type": "application/json"}, b"hi", id="inferred from a text"),
        pytest.param(
            {"statusCode": 200, "cookies": ["a=1"], "headers": {"Content-Type": "a/b", "Content-Length": "9"}},
            200,
            {"Content-Type": "a/b", "Set-Cookie": "a=1"},
            b"",
            id="cookies; own content length",
        ),
        pytest.param(
            {"statusCode": 200, "body": {"a": 1}},
            500,
            {"Content-Type": "application/json"},
            b'{"message": "Internal Server Error"}',
            id="body that is no text",
        ),
        pytest.param(
            {"statusCode": "x"},
            500,
            {"Content-Type": "application/json"},
            b'{"message": "Internal Server Error"}',
            id="status that is no number",
        ),
    ],
)
def test_answers(answer: Any, status: int, headers: dict[str, str], body: bytes) -> None:
    response = read_answer(json.dumps(answer).encode())
    assert (response.status, dict(response.headers), response.body) == (status, headers, body)


@pytest.fixture
def served() -> Iterator[Callable[..., tuple[int, Any]]]:
    def invoke(function: str, event: bytes, seconds: float) -> bytes:
        body = json.loads(event).get("body", "")
        if body == "fail":
            raise FunctionError(function, "ValueError")
        if body == "slow":
            raise TimeoutError
        return json.dumps({"statusCode": 200, "body": json.dumps([function, len(body)])}).encode()

    gateway = Gateway(Deployment("st", "eu-west-1", "1", routes=ROUTES), invoke)
    with gateway.serve() as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)

        def post(path: str, body: Any, **options: Any) -> tuple[int, Any]:
            connection.request("POST", path, body, {"Content-Type": "text/plain"}, **options)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

        yield post
        connection.close()


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        pytest.param("/acme/send", b"x", (200, ["Send", 1]), id="served"),
        pytest.param("/acme/send", b"fail", (500, {"message": "Internal Server Error"}), id="failed function"),
        pytest.param("/acme/send", b"slow", (503, {"message": "Service Unavailable"}), id="integration time-out"),
        pytest.param("/nowhere", b"x", (404, {"message": "Not Found"}), id="no such route"),
        pytest.param("/acme/send", b"x" * 5_000_000, (200, ["Send", 5_000_000]), id="5 MB"),
        pytest.param(
            "/acme/send", b"x" * 7_000_000, (413, {"message": "Request Entity Too Large"}), id="event above 6 MB"
        ),
        pytest.param(
            "/acme/send",
            b"x" * (rules.MAX_REQUEST_BYTES + 1),
            (413, {"message": "Request Entity Too Large"}),
            id="above 10 MB",
        ),
    ],
)
def test_over_http(served: Callable[..., Any], path: str, body: bytes, expected: tuple[int, Any]) -> None:
    assert served(path, body) == expected
    assert served("/acme/send", b"again") == (200, ["Send", 5]), "the connection is still good"


def test_chunked_body(served: Callable[..., Any]) -> None:
    assert served("/acme/send", iter([b"ab", b"cde"]), encode_chunked=True) == (200, ["Send", 5])
