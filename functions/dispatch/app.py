"""The queues `conversation` and `campaign`: messages for the BSP."""

from typing import Any

from whatsapp_bridge import startup
from whatsapp_bridge.flows.records import is_fifo, process_batch, process_fifo
from whatsapp_bridge.flows.wiring import build_dispatch
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.runtime.observability import observed

http = HttpClient()
dispatch, conversation = build_dispatch(http)
startup.done()


@observed
def handler(event: dict[str, Any], context: Any) -> Any:
    http.end_in(context.get_remaining_time_in_millis() / 1000)
    if is_fifo(event):
        return process_fifo(event, conversation, dispatch.one)
    return process_batch(event, dispatch.many)
