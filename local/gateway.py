"""An API Gateway HTTP API in front of the functions, payload format 2.0.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from local.runtime import FunctionError
from local.simulation import rules
from local.template import Deployment, Route
from local.web import BodyTooLarge, LoopbackHandler, LoopbackServer

# Measured on the real service (github.com/ministackorg/ministack/pull/766): these arrive as text; everything else
# arrives base64-encoded, also application/x-www-form-urlencoded and a body without a content type.
_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/javascript"})

type Invoke = Callable[[str, bytes, float], bytes]
"""(function's logical id, event, seconds to wait) -> answer. Raises `FunctionError`, or `TimeoutError` in time."""


@dataclass(frozen=True)
class Request:
    """`target` is the path with its query as received; header names keep their spelling."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    source_ip: str = "127.0.0.1"
    protocol: str = "HTTP/1.1"


@dataclass(frozen=True)
class Response:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def message(status: int, text: str) -> Response:
    return Response(status, [("Content-Type", "application/json")], json.dumps({"message": text}).encode())


class Router:
    """Finds a request's route: paths without a greedy variable first, then those with one, the longer path first,
    `$default` last.

    Source: "Routing API requests" on
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html. A slash at the end makes
    another path, which no route can name ("EventSource HttpApi silently fails to add path with trailing slash",
    github.com/aws/serverless-application-model/issues/1949; github.com/storacha/w3infra/pull/166); only a greedy
    variable takes it. That one takes the rest of the path, at least a character (observed on the service:
    github.com/KensioSoftware/yulin/issues/299).
    """

    def __init__(self, routes: list[Route]) -> None:
        self._routes = [(self._pattern(route.path), route) for route in sorted(routes, key=self._rank)]

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and the values of its path variables (URL-decoded)."""
        for pattern, route in self._routes:
            match = pattern.fullmatch(path)
            if match and route.method in (method, "ANY"):
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
        return None

    @staticmethod
    def _rank(route: Route) -> tuple[bool, bool, int, int, bool]:
        is_greedy, parts = "+}" in route.path, route.path.count("/")
        variables = route.path.count("{")
        return route.path == "$default", is_greedy, -parts if is_greedy else 0, variables, route.method == "ANY"

    @staticmethod
    def _pattern(path: str) -> re.Pattern[str]:
        if path == "$default":
            return re.compile(".*", re.DOTALL)
        pattern = ""
        for part in re.split(r"(\{[^}]+\})", path):
            if part.endswith("+}"):
                pattern += f"(?P<{part[1:-2]}>.+)"
            elif part.startswith("{"):
                pattern += f"(?P<{part[1:-1]}>[^/]+)"
            else:
                pattern += re.escape(part)
        return re.compile(pattern)


def build_event(
    request: Request,
    route: Route,
    path_parameters: dict[str, str],
    *,
    account_id: str,
    stage: str = "$default",
    request_id: str,
    now: float,
) -> dict[str, Any]:
    """A request as the function gets it; `now` in seconds since 1970. Absent parts have no key."""
    path, _, query = request.target.partition("?")
    headers = _joined(request.headers)
    domain = headers.get("host", "localhost")
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": account_id,
            "apiId": "local",
            "domainName": domain,
            "domainPrefix": domain.split(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": request.protocol,
                "sourceIp": request.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": route.key,
            "stage": stage,
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if "cookie" in headers:
        event["cookies"] = [cookie.strip() for cookie in headers["cookie"].split(";")]
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True), ",", lower=False)
    if path_parameters:
        event["pathParameters"] = path_parameters
    if request.body:
        event["body"], event["isBase64Encoded"] = _encode_body(request.body, headers.get("content-type", ""))
    return event


def _joined(pairs: list[tuple[str, str]], separator: str = ",", *, lower: bool = True) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower() if lower else name
        joined[key] = f"{joined[key]}{separator}{value}" if key in joined else value
    return joined


def _encode_body(body: bytes, content_type: str) -> tuple[str, bool]:
    media_type = content_type.split(";")[0].strip().lower()
    if media_type.startswith("text/") or media_type in _TEXT_TYPES:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            # Bytes that are not text cannot be a JSON string.
            return base64.b64encode(body).decode(), True
    return base64.b64encode(body).decode(), True


def read_answer(answer: bytes) -> Response:
    """A function's answer as HTTP; 500 if the service cannot make a response from it."""
    try:
        result = json.loads(answer)
    except ValueError:
        return message(500, "Internal Server Error")
    if not isinstance(result, dict) or "statusCode" not in result:
        body = result if isinstance(result, str) else json.dumps(result)
        return Response(200, [("Content-Type", "application/json")], body.encode())
    body, status = result.get("body") or "", result["statusCode"]
    if not isinstance(body, str) or not str(status).isdigit():
        return message(500, "Internal Server Error")
    headers = [(str(name), str(value)) for name, value in (result.get("headers") or {}).items()]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "text/plain;charset=utf-8"))
    headers += [("Set-Cookie", str(cookie)) for cookie in result.get("cookies") or []]
    # The service sets the length.
    headers = [(name, value) for name, value in headers if name.lower() != "content-length"]
    return Response(int(status), headers, base64.b64decode(body) if result.get("isBase64Encoded") else body.encode())


class Gateway:
    """Turns requests into invocations of the deployment's functions."""

    def __init__(self, deployment: Deployment, invoke: Invoke) -> None:
        self._router = Router(deployment.routes)
        self._deployment, self._invoke = deployment, invoke

    def respond(self, request: Request) -> Response:
        found = self._router.find(request.method, request.target.partition("?")[0])
        if found is None:
            return message(404, "Not Found")
        route, path_parameters = found
        event = json.dumps(
            build_event(
                request,
                route,
                path_parameters,
                account_id=self._deployment.account_id,
                stage=self._deployment.stage,
                request_id=uuid.uuid4().hex[:16],
                now=time.time(),
            ),
            ensure_ascii=False,
        ).encode()
        if len(event) > rules.MAX_PAYLOAD_BYTES:
            return message(413, "Request Entity Too Large")
        try:
            return read_answer(self._invoke(route.function, event, rules.INTEGRATION_SECONDS))
        except FunctionError:
            return message(500, "Internal Server Error")
        except TimeoutError:
            return message(503, "Service Unavailable")

    def serve(self, port: int = 0) -> LoopbackServer:
        gateway = self

        class Handler(LoopbackHandler):
            max_body_bytes = rules.MAX_REQUEST_BYTES

            def respond(self) -> None:
                try:
                    body = self.read_body()
                except BodyTooLarge:
                    response = message(413, "Request Entity Too Large")
                else:
                    response = gateway.respond(gateway.received(self, body))
                headers = [*response.headers, ("Apigw-Requestid", uuid.uuid4().hex[:16])]
                self.answer(response.status, response.body, headers)

        return LoopbackServer(Handler, port)

    @staticmethod
    def received(handler: LoopbackHandler, body: bytes) -> Request:
        """The request with the headers the service adds."""
        ip = str(handler.client_address[0])
        added = [
            ("X-Amzn-Trace-Id", f"Root=1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"),
            ("X-Forwarded-For", ip),
            ("X-Forwarded-Port", str(handler.connection.getsockname()[1])),
            ("X-Forwarded-Proto", "http"),
        ]
        headers = [*handler.headers.items(), *added]
        return Request(handler.command, handler.path, headers, body, ip, handler.request_version)
