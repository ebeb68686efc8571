"""Messages as CleverTap sends them."""

from typing import Any

BUTTONS = ("Track my order", "Stop")
VALIDATION_ID = "0|0|0|0"

VALIDATION = {
    "body": {
        "payloadVersion": 0.1,
        "wabaNumber": "9199XXXXXXXX",
        "to": "9189XXXXXXXX",
        "isTemplate": True,
        "template": {"namespace": "whatsapp:hsm:technology:generic:verify", "languageCode": "en"},
        "components": [
            {
                "type": "body",
                "body": {
                    "text": "1 code: 2. Valid for 3 minutes.",
                    "parameters": [{"type": "text", "text": text} for text in ("1", "2", "3")],
                },
            }
        ],
        "msgId": VALIDATION_ID,
    }
}


def template_message(msg_id: str, to: str, waba_number: str, header: dict[str, Any] | None = None) -> dict[str, Any]:
    """`header` replaces the text header."""
    text = {"type": "text", "text": {"text": "Order 1042", "parameters": [{"type": "text", "text": "1042"}]}}
    return message_of(
        msg_id,
        to,
        waba_number,
        isTemplate=True,
        template={"namespace": "order_shipped", "languageCode": "en(UK)"},
        components=[
            {"type": "header", "header": header or text},
            {
                "type": "body",
                "body": {
                    "text": "Hello Thandi, your order arrives on Friday.",
                    "parameters": [{"type": "text", "text": "Thandi"}, {"type": "text", "text": "Friday"}],
                },
            },
            {"type": "footer", "footer": "Sample shop"},
            *(
                {
                    "type": "button",
                    "index": index,
                    "subType": "quickReply",
                    "buttonText": text,
                    "parameters": [{"type": "payload", "payload": f"payload-of-button-{index}"}],
                }
                for index, text in enumerate(BUTTONS)
            ),
        ],
    )


def freeform_message(msg_id: str, to: str, waba_number: str, kind: str, content: dict[str, str]) -> dict[str, Any]:
    """A message of a kind other than a template: text, location, image, video, audio, file."""
    return message_of(msg_id, to, waba_number, isTemplate=False, type=kind, **{kind: content})


def text_message(msg_id: str, to: str, waba_number: str, body: str) -> dict[str, Any]:
    return freeform_message(msg_id, to, waba_number, "text", {"body": body})


def location_message(msg_id: str, to: str, waba_number: str, place: dict[str, str]) -> dict[str, Any]:
    return freeform_message(msg_id, to, waba_number, "location", place)


def message_of(msg_id: str, to: str, waba_number: str, **parts: Any) -> dict[str, Any]:
    return {"payloadVersion": 0.1, "to": f"+{to}", "wabaNumber": waba_number, "msgId": msg_id, **parts}
