"""Requests in the shapes CleverTap publishes, with content of our own."""

from copy import deepcopy
from typing import Any

type Json = dict[str, Any]


def texts(*values: object) -> list[Json]:
    return [{"type": "text", "text": value} for value in values]


def header(kind: str, content: Any) -> Json:
    return {"type": "header", "header": {"type": kind, kind: content}}


def body(text: str = "Hello Naledi, order 81 is ready.", *values: object) -> Json:
    return {"type": "body", "body": {"text": text, "parameters": texts(*values)}}


def button(index: object, sub_type: str, label: str, *parameters: Json) -> Json:
    made: Json = {"type": "button", "index": index, "subType": sub_type, "buttonText": label}
    return made | ({"parameters": list(parameters)} if parameters else {})


def template(*components: Any, **changes: Any) -> Json:
    """A template message of these components; a key set to `...` is left out."""
    message = {
        "payloadVersion": 0.1,
        "to": "27821230001",
        "wabaNumber": "27999000001",
        "isTemplate": True,
        "msgId": "7001|1700000001|20231114|7001",
        "template": {"namespace": "order_ready", "languageCode": "en"},
        "components": list(components) or [body("Hello Naledi, order 81 is ready.", "Naledi", "81")],
    }
    return _changed(message, changes)


def freeform(kind: str, content: Any, **changes: Any) -> Json:
    """A freeform message of this kind; a key set to `...` is left out."""
    message = {
        "payloadVersion": 0.1,
        "to": "27821230001",
        "wabaNumber": "27999000001",
        "isTemplate": False,
        "msgId": "7001|1700000001|20231114|7001",
        "type": kind,
        kind: content,
    }
    return _changed(message, changes)


def _changed(message: Json, changes: Json) -> Json:
    return {key: value for key, value in deepcopy(message | changes).items() if value is not ...}


IMAGE = {"mediaURL": "https://media.example/shelf.png"}
FILE = {"mediaURL": "media.example/receipt", "filename": "receipt"}

QUICK_REPLY = button(0, "quickReply", "Collect", {"type": "payload", "payload": "7001|collect"})
DYNAMIC_URL = button(1, "dynamicUrl", "Track", *texts("orders/81"))
STATIC_URL = button(2, "staticUrl", "Shop", *texts("https://shop.example"))
CALL_PHONE = button(3, "callPhone", "Call us", *texts("+27115550100"))
COPY_CODE = button(4, "copy_code", "Copy offer code", {"type": "coupon_code", "coupon_code": "SAVE10"})

OFFER = {
    "type": "limited_time_offer",
    "text": "Two for one",
    "parameters": [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1700086400000}}],
}
CAROUSEL = {
    "type": "carousel",
    "cards": [
        {
            "components": [
                header("image", IMAGE),
                body("Blue mug, 90", "90"),
                button(0, "dynamicUrl", "Buy", *texts("b")),
            ]
        },
        {"components": [header("image", IMAGE), body("Red mug, 80", "80"), button(0, "quickReply", "Later")]},
    ],
}
CUSTOM_PROPS = {"customProps": [{"segment": "gold"}, {"till": 4}]}

VALIDATION = {
    "payloadVersion": 0.1,
    "wabaNumber": "2799XXXXXXXX",
    "to": "2782XXXXXXXX",
    "isTemplate": True,
    "template": {"namespace": "whatsapp:hsm:technology:generic:verify", "languageCode": "en"},
    "components": [body("1 code: 2.Valid for 3 minutes.", "1", "2", "3")],
    "msgId": "0|0|0|0",
}

# Every published shape, in the form in which the bridge writes it.
SHAPES = {
    "text header": template(
        header("text", {"text": "Order 81", "parameters": texts("81")}), body("Hello Naledi", "Naledi")
    ),
    "image header": template(header("image", IMAGE), body()),
    "video header": template(header("video", {"mediaURL": "https://media.example/tour.mp4"}), body()),
    "file header": template(header("file", FILE), body()),
    "audio header": template(header("audio", {"mediaURL": "https://media.example/jingle.mp3"}), body()),
    "location header": template(header("location", {"latitude": "-26.2", "longitude": "28.04"}), body()),
    "named location header": template(
        header("location", {"latitude": "-26.2", "longitude": "28.04", "name": "Till 4", "address": "1 Main"}), body()
    ),
    "body alone": template(body()),
    "body without parameters": template({"type": "body", "body": {"text": "We moved."}}),
    "footer": template(body(), {"type": "footer", "footer": "Reply STOP to opt out"}),
    "every button": template(body(), QUICK_REPLY, DYNAMIC_URL, STATIC_URL, CALL_PHONE, COPY_CODE),
    "quick replies without payload": template(body(), button(0, "quickReply", "Yes"), button(1, "quickReply", "No")),
    "limited time offer": template(header("image", IMAGE), body(), OFFER, COPY_CODE),
    "carousel": template(body(), CAROUSEL),
    "custom properties": template(body(), CUSTOM_PROPS),
    "text": freeform("text", {"body": "We open at nine."}),
    "image": freeform("image", IMAGE | {"caption": "The shelf"}),
    "video": freeform("video", {"mediaURL": "https://media.example/tour.mp4", "caption": "The tour"}),
    "audio": freeform("audio", {"mediaURL": "https://media.example/jingle.mp3"}),
    "file": freeform("file", FILE | {"caption": "Your receipt"}),
    "location": freeform("location", {"latitude": "-26.2", "longitude": "28.04"}),
}
