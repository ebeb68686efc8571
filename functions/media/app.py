"""GET and HEAD /{account}/media/{id}: signed links to files from people."""

from typing import Any

from whatsapp_bridge import startup
from whatsapp_bridge.flows.wiring import build_show_media
from whatsapp_bridge.runtime.events import answer
from whatsapp_bridge.runtime.observability import observed

show = build_show_media()
startup.done()


@observed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    path, head = event["pathParameters"], event["requestContext"]["http"]["method"] == "HEAD"
    query = event.get("queryStringParameters") or {}
    status, body, location = show(path["account"], path["id"].rstrip("/"), query, head=head)
    shown = answer(status, "" if head else body, "text/plain; charset=utf-8")
    shown["headers"] |= {"cache-control": "private, no-store", "referrer-policy": "no-referrer"}
    if location is not None:
        shown["headers"]["location"] = location
    return shown
