"""Templates as listings have them: the shapes that Meta and CleverTap publish, with content of our own."""

from typing import Any

from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.templates.news import merged
from whatsapp_bridge.templates.template import Template

type Json = dict[str, Any]

NOW = 1_760_000_000
VIDEO = "https://scontent.example/v/t61.29466-34/clip.mp4"


def header(text: str, *samples: str) -> Json:
    made: Json = {"type": "HEADER", "format": "TEXT", "text": text}
    return made | ({"example": {"header_text": list(samples)}} if samples else {})


def media(kind: str, sample: str | None = VIDEO) -> Json:
    made: Json = {"type": "HEADER", "format": kind}
    return made | ({"example": {"header_handle": [sample]}} if sample else {})


def body(text: str, *samples: str) -> Json:
    made: Json = {"type": "BODY", "text": text}
    return made | ({"example": {"body_text": [list(samples)]}} if samples else {})


def named_body(text: str, **samples: str) -> Json:
    examples = [{"param_name": name, "example": sample} for name, sample in samples.items()]
    return {"type": "BODY", "text": text} | ({"example": {"body_text_named_params": examples}} if samples else {})


def footer(text: str = "Reply STOP to opt out") -> Json:
    return {"type": "FOOTER", "text": text}


def url(address: str, sample: str | None = None, text: str = "Open") -> Json:
    made: Json = {"type": "URL", "text": text, "url": address}
    return made | ({"example": [sample]} if sample else {})


def reply(text: str = "Yes") -> Json:
    return {"type": "QUICK_REPLY", "text": text}


PHONE: Json = {"type": "PHONE_NUMBER", "text": "Call us", "phone_number": "+27999000001"}
COUPON: Json = {"type": "COPY_CODE", "text": "Copy offer code", "example": ["SAVE25"]}
DYNAMIC = url("https://shop.example/{{1}}", "https://shop.example/test")
STATIC = url("https://shop.example/help")


def buttons(*each: Json) -> Json:
    return {"type": "BUTTONS", "buttons": list(each)}


def offer(text: str = "Buy now", **changes: Any) -> Json:
    return {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": text, "has_expiration": True} | changes}


def card(*components: Json) -> Json:
    return {"components": list(components)}


def carousel(*cards: Json) -> Json:
    return {"type": "CAROUSEL", "cards": list(cards)}


def entry(*components: Json, **changes: Any) -> Json:
    """An entry of Meta's list; a key set to `...` is left out."""
    made = {
        "name": "order_ready",
        "parameter_format": "POSITIONAL",
        "components": list(components) or [body("Hello {{1}}, order {{2}} is ready.", "Naledi", "81")],
        "language": "en",
        "status": "APPROVED",
        "category": "UTILITY",
        "id": "833839050000001",
    } | changes
    return {name: value for name, value in made.items() if value is not ...}


def template(*components: Json, at: int = NOW, **changes: Any) -> Template:
    """What the registry has of such an entry."""
    news = of_entry(entry(*components, **changes), at, "a listing")
    assert news is not None
    found = merged(None, news).template
    assert found is not None
    return found


# CleverTap's three samples of its import.

TRACK_ORDER: Json = {
    "name": "track_order",
    "message_send_ttl_seconds": 30,
    "previous_category": "MARKETING",
    "parameter_format": "POSITIONAL",
    "components": [
        body("Hello {{1}}, your order is out for delivery. Track it here", "Sample"),
        buttons(url("https://shop.example/{{1}}", "https://shop.example/test", "Track order")),
    ],
    "language": "en",
    "status": "APPROVED",
    "category": "UTILITY",
    "id": "833839050000002",
}

_CARD = card(media("VIDEO"), body("A clip"), buttons(url("http://shop.example/", text="Watch")))
CAROUSEL: Json = {
    "name": "carousel_test_01",
    "message_send_ttl_seconds": 54000,
    "parameter_format": "POSITIONAL",
    "components": [body("hello {{1}}, welcome", "Naledi"), carousel(_CARD, _CARD)],
    "language": "bg",
    "status": "APPROVED",
    "category": "MARKETING",
    "id": "1498361540000001",
}

OFFER: Json = {
    "name": "offer_import",
    "message_send_ttl_seconds": 86400,
    "parameter_format": "POSITIONAL",
    "components": [
        media("VIDEO"),
        body("Celebrate with a sparkle!\nHello {{1}},\nour sale is here—enjoy it.", "sample"),
        offer(),
        buttons(
            COUPON,
            url("https://shop.example/{{1}}", "https://shop.example/test", "Dynamic Button"),
            url("https://shop.example/{{1}}", "https://shop.example/test", "Click tracking"),
            PHONE,
            reply("Show More"),
            reply("Coupon Code"),
            reply("STOP"),
        ),
    ],
    "language": "en",
    "status": "APPROVED",
    "category": "MARKETING",
    "id": "271528450000001",
}
IMPORT_SAMPLES = {"basic": TRACK_ORDER, "carousel": CAROUSEL, "offer": OFFER}
