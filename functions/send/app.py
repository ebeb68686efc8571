"""POST /{account}/send, with or without a slash at its end: CleverTap's messages."""

from typing import Any

from whatsapp_bridge import startup
from whatsapp_bridge.flows.wiring import build_accept
from whatsapp_bridge.runtime.events import answer, body_of, headers_of
from whatsapp_bridge.runtime.observability import count, observed

accept = build_accept()
startup.done()


@observed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    path = event["pathParameters"]
    # The route for the address with a slash at its end takes every other path, too.
    if path.get("proxy", "send").rstrip("/") != "send":
        count("PathsUnknown")
        return answer(404, '{"message":"Not Found"}')
    status, body = accept(path["account"], headers_of(event), body_of(event))
    return answer(status, body)
