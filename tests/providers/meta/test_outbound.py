import json
from typing import Any

import pytest

from tests.providers.conformance import PERSON, body, code_of, freeform, template
from tests.providers.meta.samples import Json, secret
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.meta.outbound import translate

ACCOUNT = parse_account("acme", secret())
ENVELOPE = {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": f"+{PERSON}",
    "biz_opaque_callback_data": "1|2|3|4",
}


def translated(message: Json) -> Json:
    return translate(parse_message(json.dumps(message)), "1|2|3|4", ACCOUNT)


def media(url: str = "https://h.example/a.jpg", **members: Any) -> Json:
    return {"mediaURL": url, **members}


MESSAGES: dict[str, tuple[Json, Json]] = {
    "text": (freeform("text", {"body": " k\n"}), {"type": "text", "text": {"body": " k\n", "preview_url": False}}),
    "text with a link": (
        freeform("text", {"body": "see https://h.example"}),
        {"type": "text", "text": {"body": "see https://h.example", "preview_url": True}},
    ),
    "longest text": (
        freeform("text", {"body": "x" * 4096}),
        {"type": "text", "text": {"body": "x" * 4096, "preview_url": False}},
    ),
    "image": (freeform("image", media()), {"type": "image", "image": {"link": "https://h.example/a.jpg"}}),
    "image with a caption": (
        freeform("image", media(caption="x" * 1024)),
        {"type": "image", "image": {"link": "https://h.example/a.jpg", "caption": "x" * 1024}},
    ),
    "image, address without a scheme": (
        freeform("image", media("www.h.example/a.jpg")),
        {"type": "image", "image": {"link": "https://www.h.example/a.jpg"}},
    ),
    "video": (
        freeform("video", media("https://h.example/v.mp4", caption="k", filename="v.mp4")),
        {"type": "video", "video": {"link": "https://h.example/v.mp4", "caption": "k"}},
    ),
    "audio": (
        freeform("audio", media("https://h.example/a.mp3")),
        {"type": "audio", "audio": {"link": "https://h.example/a.mp3"}},
    ),
    "file": (
        freeform("file", media("https://h.example/d.pdf", caption="k", filename="bill")),
        {"type": "document", "document": {"link": "https://h.example/d.pdf", "filename": "bill.pdf", "caption": "k"}},
    ),
    "location": (
        freeform("location", {"latitude": "-33.9", "longitude": "18.6", "name": "Shop", "address": ""}),
        {"type": "location", "location": {"latitude": "-33.9", "longitude": "18.6", "name": "Shop"}},
    ),
    "template": (
        template(body("Ann")),
        {
            "type": "template",
            "template": {
                "name": "order_update",
                "language": {"code": "en_US"},
                "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ann"}]}],
            },
        },
    ),
    "template in which nothing varies": (
        template(body()) | {"template": {"namespace": "order_update", "languageCode": "en(UK)"}},
        {"type": "template", "template": {"name": "order_update", "language": {"code": "en_GB"}}},
    ),
}


@pytest.mark.parametrize(("message", "expected"), MESSAGES.values(), ids=MESSAGES.keys())
def test_request(message: Json, expected: Json) -> None:
    assert translated(message) == ENVELOPE | expected


REFUSED: dict[str, tuple[Json, str, str]] = {
    "blank text": (freeform("text", {"body": " \n"}), "text.body", "is empty"),
    "long text": (freeform("text", {"body": "x" * 4097}), "text.body", "is longer than 4096 characters"),
    "long caption": (
        freeform("file", media(caption="x" * 1025)),
        "file.caption",
        "is longer than 1024 characters",
    ),
    "caption of audio": (
        freeform("audio", media(caption="k")),
        "audio.caption",
        "WhatsApp shows no caption with audio",
    ),
    "no address": (freeform("image", media("ftp://h.example")), "image.mediaURL", "is not an http or https address"),
    "no place": (
        freeform("location", {"latitude": "north", "longitude": "0"}),
        "location.latitude",
        "must be decimal degrees from -90 to 90",
    ),
    "unknown component": (
        template(body("x"), {"type": "private"}),
        "components[1].type",
        "such components are not supported by Meta Cloud API",
    ),
}


@pytest.mark.parametrize(("message", "field", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(message: Json, field: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        translated(message)

    assert (caught.value.field, caught.value.reason, caught.value.code) == (field, reason, code_of(message))
