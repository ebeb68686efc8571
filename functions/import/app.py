"""GET /{account}/templates, with or without a slash at its end: CleverTap's import of templates."""

from typing import Any

from whatsapp_bridge import startup
from whatsapp_bridge.flows.wiring import build_import_templates
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.net.limits import WHILE_IMPORTING
from whatsapp_bridge.runtime.events import address_of, answer, headers_of
from whatsapp_bridge.runtime.observability import count, observed

http = HttpClient(patience=WHILE_IMPORTING)
show, public_url = build_import_templates(http)
startup.done()


@observed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    path, query = event["pathParameters"], event.get("queryStringParameters") or {}
    # The route for the address with a slash at its end takes every other path, too.
    if path.get("proxy", "templates").rstrip("/") != "templates":
        count("PathsUnknown")
        return answer(404, '{"message":"Not Found"}')
    status, body = show(path["account"], headers_of(event), query, address_of(event, public_url))
    return answer(status, body)
