"""The schedule of syncs, and the queue `templates`: what BSPs tell of templates, and syncs that are due."""

from typing import Any

from whatsapp_bridge import startup
from whatsapp_bridge.flows.records import process_batch
from whatsapp_bridge.flows.wiring import build_templates
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.runtime.observability import observed

http = HttpClient()
templates = build_templates(http)
startup.done()


@observed
def handler(event: dict[str, Any], context: Any) -> Any:
    http.end_in(context.get_remaining_time_in_millis() / 1000)
    # The schedule's events have no records.
    return process_batch(event, templates.many) if "Records" in event else templates.plan()
