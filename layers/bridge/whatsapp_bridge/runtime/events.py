"""Converts API Gateway's HTTP API events (payload format 2.0) for the flows, and the flows' answers for API Gateway.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


def body_of(event: Mapping[str, Any]) -> bytes:
    """The raw bytes of the request's body."""
    body: str = event.get("body") or ""
    return b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass")


def headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    """Header names in lower case."""
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def answer(status: int, body: str, content_type: str = "application/json") -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": content_type}, "body": body}


def address_of(event: Mapping[str, Any], public_url: str) -> str:
    """The address that was called, without its query. `public_url` is the bridge's own base address: where its host was
    called, it also has the path of an API mapping, which API Gateway takes off."""
    domain = event["requestContext"]["domainName"]
    if urlsplit(public_url).netloc.lower() == domain.lower():
        return f"{public_url}{event['rawPath']}"
    # A local stack has no certificate.
    scheme = headers_of(event).get("x-forwarded-proto", "")
    return f"{'http' if scheme == 'http' else 'https'}://{domain}{event['rawPath']}"
