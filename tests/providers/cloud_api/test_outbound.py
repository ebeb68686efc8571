import json
from typing import Any

import pytest

from tests.providers.conformance import body, button, header, payload, suffix, template
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.cloud_api.outbound import components

type Json = dict[str, Any]


def translated(*parts: Json) -> list[Json]:
    message = parse_message(json.dumps(template(*parts)))
    assert isinstance(message, TemplateMessage)
    return components(message, "the BSP")


def texts(kind: str, *values: str) -> Json:
    return {"type": kind, "parameters": [{"type": "text", "text": value} for value in values]}


def in_header(kind: str, content: Json) -> Json:
    return {"type": "header", "parameters": [{"type": kind, kind: content}]}


def tapped(sub_type: str, index: str, **parameter: str) -> Json:
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]}


def text_header(*values: str) -> Json:
    return header("text", {"text": "Hello", "parameters": [suffix(value) for value in values]})


def file_header(**media: str) -> Json:
    return header("file", media)


def coupon(code: Any, index: int = 0) -> Json:
    return button("copy_code", {"type": "coupon_code", "coupon_code": code}, index=index)


def offer(*parameters: Json) -> Json:
    return {"type": "limited_time_offer", "text": "Sale", "parameters": list(parameters)}


ENDS = {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_712_081_380_237}}
IMAGE = header("image", {"mediaURL": "https://h.example/i.png"})
SENT_IMAGE = in_header("image", {"link": "https://h.example/i.png"})


def carousel(*cards: list[Json]) -> Json:
    return {"type": "carousel", "cards": [{"components": card} for card in cards]}


COMPONENTS: dict[str, tuple[list[Json], list[Json]]] = {
    "nothing varies": ([body(), text_header(), {"type": "footer", "footer": "Stop?"}], []),
    "body": ([body("Ann", "7")], [texts("body", "Ann", "7")]),
    "named variables": (
        [{"type": "body", "body": {"text": "Hi", "parameters": [suffix("Ann") | {"parameter_name": "name"}]}}],
        [{"type": "body", "parameters": [{"type": "text", "parameter_name": "name", "text": "Ann"}]}],
    ),
    "text header": ([text_header("Ann"), body()], [texts("header", "Ann")]),
    "image header": ([IMAGE], [SENT_IMAGE]),
    "image header, address without a scheme": (
        [header("image", {"mediaURL": "www.h.example/i.png"})],
        [in_header("image", {"link": "https://www.h.example/i.png"})],
    ),
    "video header": (
        [header("video", {"mediaURL": "http://h.example/v.mp4"})],
        [in_header("video", {"link": "http://h.example/v.mp4"})],
    ),
    "document header": (
        [file_header(mediaURL="https://h.example/a/offer.pdf", filename="Offer.pdf")],
        [in_header("document", {"link": "https://h.example/a/offer.pdf", "filename": "Offer.pdf"})],
    ),
    "document header, name without an extension": (
        [file_header(mediaURL="https://h.example/a/new_offer.pdf?x=1.y", filename="New_offer")],
        [in_header("document", {"link": "https://h.example/a/new_offer.pdf?x=1.y", "filename": "New_offer.pdf"})],
    ),
    "document header without a name": (
        [file_header(mediaURL="https://h.example/a/new%20offer.pdf")],
        [in_header("document", {"link": "https://h.example/a/new%20offer.pdf", "filename": "new offer.pdf"})],
    ),
    "document header without any name": (
        [file_header(mediaURL="https://h.example/", filename=" ")],
        [in_header("document", {"link": "https://h.example/", "filename": "file"})],
    ),
    "location header": (
        [header("location", {"latitude": "-33.9", "longitude": "18.6", "name": "Shop", "address": "1 Road"})],
        [in_header("location", {"latitude": "-33.9", "longitude": "18.6", "name": "Shop", "address": "1 Road"})],
    ),
    "location header without words": (
        [header("location", {"latitude": 0, "longitude": 0, "name": "", "address": None})],
        [in_header("location", {"latitude": "0", "longitude": "0"})],
    ),
    "dynamic URL": (
        [button("dynamicUrl", suffix("cart"))],
        [tapped("url", "0", type="text", text="cart")],
    ),
    "dynamic URL, a whole one": (
        [button("dynamicUrl", suffix("https://h.example/cart"), index=1)],
        [tapped("url", "1", type="text", text="https://h.example/cart")],
    ),
    "quick reply": (
        [button("quickReply", payload("pay|yes"), index=2)],
        [tapped("quick_reply", "2", type="payload", payload="pay|yes")],
    ),
    "quick reply without a payload": ([button("quickReply")], []),
    "quick reply with an empty payload": ([button("quickReply", payload(" "))], []),
    "coupon": ([coupon("SAVE10")], [tapped("copy_code", "0", type="coupon_code", coupon_code="SAVE10")]),
    "what does not vary": (
        [button("staticUrl", suffix("https://h.example")), button("callPhone", suffix("+27"), index=1)],
        [],
    ),
    "places count what does not vary": (
        [button("staticUrl", index=0), button("dynamicUrl", suffix("x"), index=1)],
        [tapped("url", "1", type="text", text="x")],
    ),
    "places where all say 0": (
        [button("callPhone"), button("dynamicUrl", suffix("x")), coupon("C")],
        [tapped("url", "1", type="text", text="x"), tapped("copy_code", "2", type="coupon_code", coupon_code="C")],
    ),
    "limited-time offer": (
        [IMAGE, body("Ann"), offer(ENDS), coupon("C"), button("dynamicUrl", suffix("x"), index=1)],
        [
            SENT_IMAGE,
            texts("body", "Ann"),
            {
                "type": "limited_time_offer",
                "parameters": [
                    {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_712_081_380_237}}
                ],
            },
            tapped("copy_code", "0", type="coupon_code", coupon_code="C"),
            tapped("url", "1", type="text", text="x"),
        ],
    ),
    "limited-time offer without an end": ([offer()], []),
    "carousel": (
        [
            body("0"),
            carousel(
                [IMAGE, body("a"), button("quickReply", payload("p")), button("dynamicUrl", suffix("x"), index=1)],
                [IMAGE, body("b"), button("staticUrl"), button("dynamicUrl", suffix("y"), index=1)],
            ),
        ],
        [
            texts("body", "0"),
            {
                "type": "carousel",
                "cards": [
                    {
                        "card_index": 0,
                        "components": [
                            SENT_IMAGE,
                            texts("body", "a"),
                            tapped("quick_reply", "0", type="payload", payload="p"),
                            tapped("url", "1", type="text", text="x"),
                        ],
                    },
                    {
                        "card_index": 1,
                        "components": [SENT_IMAGE, texts("body", "b"), tapped("url", "1", type="text", text="y")],
                    },
                ],
            },
        ],
    ),
    "carousel of ten": (
        [carousel(*([IMAGE] for _ in range(10)))],
        [
            {
                "type": "carousel",
                "cards": [{"card_index": index, "components": [SENT_IMAGE]} for index in range(10)],
            }
        ],
    ),
    "the customer's own keys": ([body("x"), {"customProps": [{"k": "v"}]}], [texts("body", "x")]),
}


@pytest.mark.parametrize(("parts", "expected"), COMPONENTS.values(), ids=COMPONENTS.keys())
def test_components(parts: list[Json], expected: list[Json]) -> None:
    assert translated(*parts) == expected


REFUSED: dict[str, tuple[list[Json], str, str]] = {
    "empty parameter": ([body("x", " ")], "components[0].body.parameters[1].text", "is empty"),
    "empty header parameter": ([text_header("")], "components[0].header.text.parameters[0].text", "is empty"),
    "two header parameters": (
        [body(), text_header("a", "b")],
        "components[1].header.text.parameters",
        "a text header takes at most one parameter",
    ),
    "audio header": (
        [header("audio", {"mediaURL": "https://h.example/a.mp3"})],
        "components[0].header.type",
        "audio headers are not supported by the BSP",
    ),
    "unknown header": (
        [header("private", {"x": 1})],
        "components[0].header.type",
        "such headers are not supported by the BSP",
    ),
    "no address": (
        [header("image", {"mediaURL": "ftp://h.example/i.png"})],
        "components[0].header.image.mediaURL",
        "is not an http or https address",
    ),
    "location beyond the pole": (
        [header("location", {"latitude": "90.1", "longitude": "0"})],
        "components[0].header.location.latitude",
        "must be decimal degrees from -90 to 90",
    ),
    "location without a longitude": (
        [header("location", {"latitude": "9", "longitude": "east"})],
        "components[0].header.location.longitude",
        "must be decimal degrees from -180 to 180",
    ),
    "dynamic URL without a parameter": (
        [button("dynamicUrl")],
        "components[0].parameters",
        "a dynamic URL takes exactly one parameter",
    ),
    "dynamic URL with two": (
        [button("dynamicUrl", suffix("a"), suffix("b"))],
        "components[0].parameters",
        "a dynamic URL takes exactly one parameter",
    ),
    "dynamic URL, empty": ([button("dynamicUrl", suffix(""))], "components[0].parameters[0].text", "is empty"),
    "dynamic URL with a payload": (
        [button("dynamicUrl", payload("x"))],
        "components[0].parameters[0].text",
        "is empty",
    ),
    "coupon without a code": (
        [button("copy_code")],
        "components[0].parameters",
        "a coupon takes exactly one parameter",
    ),
    "coupon, empty": ([coupon("")], "components[0].parameters[0].coupon_code", "is empty"),
    "quick reply with two payloads": (
        [button("quickReply", payload("a"), payload("b"))],
        "components[0].parameters",
        "a quick reply takes at most one parameter",
    ),
    "unknown button": ([button("private")], "components[0].subType", "such buttons are not supported by the BSP"),
    "unknown component": ([{"type": "private"}], "components[0].type", "such components are not supported by the BSP"),
    "eleven cards": (
        [carousel(*([IMAGE] for _ in range(11)))],
        "components[0].cards[10]",
        "a carousel has at most 10 cards",
    ),
    "in a card": (
        [body(), carousel([IMAGE], [body("x", "")])],
        "components[1].cards[1].components[0].body.parameters[1].text",
        "is empty",
    ),
    "carousel in a card": (
        [carousel([carousel([IMAGE])])],
        "components[0].cards[0].components[0].type",
        "such components are not supported by the BSP",
    ),
    "offer in a card": (
        [carousel([offer(ENDS)])],
        "components[0].cards[0].components[0].type",
        "such components are not supported by the BSP",
    ),
}


@pytest.mark.parametrize(("parts", "field", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(parts: list[Json], field: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        translated(*parts)

    assert (caught.value.field, caught.value.reason, caught.value.code) == (field, reason, 2001)
