"""POST and GET /{account}/status/{token}: a BSP's callbacks of every kind (same as incoming)."""

from typing import Any

from whatsapp_bridge import startup
from whatsapp_bridge.flows.receive import callback_of
from whatsapp_bridge.flows.wiring import build_receive
from whatsapp_bridge.runtime.events import answer
from whatsapp_bridge.runtime.observability import observed

receive = build_receive()
startup.done()


@observed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    path = event["pathParameters"]
    status, body = receive(path["account"], path["token"], callback_of(event))
    return answer(status, body, "text/plain; charset=utf-8")
