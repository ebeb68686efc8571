"""People at their telephones, moved by hand: what `make run` prints curl lines for.

POST /people/taps     {"msgId": of a template message, "button": from 1, "text": the button's label}
POST /people/writes   {"msgId": of the message that is answered, "text"}
"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.sandbox.clickatell import ClickatellSandbox, Delivered

PATH = "/people/"


def act(sandbox: "ClickatellSandbox", path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """HTTP status and body of the answer."""
    try:
        wish = json.loads(body)
        message = _message(sandbox, wish["msgId"])
        text = str(wish["text"])
        if path == PATH + "taps":
            return 200, {"messageId": sandbox.person_taps_button(message, int(wish["button"]), text)}
        if path == PATH + "writes":
            return 200, {"messageId": sandbox.person_writes(message.account, message.to, text, in_reply_to=message)}
    except (ValueError, TypeError, KeyError) as error:
        return 400, {"error": f"{type(error).__name__}: {error}"}
    return 404, {"error": f"people do {PATH}taps and {PATH}writes"}


def _message(sandbox: "ClickatellSandbox", msg_id: str) -> "Delivered":
    for delivered in reversed(sandbox.delivered):
        if delivered.client_message_id == msg_id:
            return delivered
    raise ValueError("nobody has a message with this msgId")
