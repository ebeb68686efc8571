"""Converts API Gateway's HTTP API events (payload format 2.0) for the flows, and the flows' answers for API Gateway.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any


def body_of(event: Mapping[str, Any]) -> bytes:
    """The raw bytes of the request's body."""
    body: str = event.get("body") or ""
    return b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")


def headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    """Header names in lower case."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def answer(status: int, body: str, content_type: str = "application/json") -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": content_type}, "body": body}
