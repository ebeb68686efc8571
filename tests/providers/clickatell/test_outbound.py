import json
from typing import Any

import pytest

from tests.providers.clickatell import samples
from tests.providers.conformance import (
    MEDIA,
    PERSON,
    body,
    button,
    code_of,
    freeform,
    header,
    payload,
    suffix,
    template,
)
from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.clickatell.outbound import translate

type Json = dict[str, Any]

ACCOUNT = parse_account("acme", samples.secret())
HSM_ACCOUNT = parse_account("acme", samples.secret() | {"options": {"hsm": True}})
ENVELOPE = {"channel": "whatsapp", "to": PERSON, "clientMessageId": "1|2|3|4"}


def translated(message: Json, account: Account = ACCOUNT) -> Json:
    return translate(parse_message(json.dumps(message)), "1|2|3|4", account)


def place(latitude: Any = "-33.881037287485", longitude: Any = "18.635891216806", **words: Any) -> Json:
    return freeform("location", {"latitude": latitude, "longitude": longitude, **words})


def text_header(*values: str) -> Json:
    return header("text", {"text": "Hello", "parameters": [suffix(value) for value in values]})


def reply_button(index: int, *parameters: Json, text: str = "Tap") -> Json:
    return button("quickReply", *parameters, index=index, text=text)


def url_button(index: int, value: str = "cart") -> Json:
    return button("dynamicUrl", suffix(value), index=index)


def call_button(index: int) -> Json:
    return button("callPhone", suffix("+27110000000"), index=index)


def static_button(index: int) -> Json:
    return button("staticUrl", suffix("https://shop.example"), index=index)


LONGEST = "\N{GRINNING FACE}" * 4096
FREEFORM = {
    "text": ("Good morning", {"content": "Good morning"}),
    "one character": ("k", {"content": "k"}),
    "longest": (LONGEST, {"content": LONGEST}),
    "as it is": (" *bold*\n\ttab ", {"content": " *bold*\n\ttab "}),
    "link": ("see https://shop.example/x now", {"content": "see https://shop.example/x now", "previewFirstUrl": True}),
    "link in capitals": ("HTTP://SHOP.EXAMPLE", {"content": "HTTP://SHOP.EXAMPLE", "previewFirstUrl": True}),
    "host alone": ("shop.example", {"content": "shop.example"}),
    "scheme alone": ("http:// is a scheme", {"content": "http:// is a scheme"}),
}


@pytest.mark.parametrize(("text", "expected"), FREEFORM.values(), ids=FREEFORM.keys())
def test_freeform_text(text: str, expected: Json) -> None:
    assert translated(freeform("text", {"body": text})) == ENVELOPE | expected


POINT = {"longitude": "18.635891216806", "latitude": "-33.881037287485"}
LOCATIONS = {
    "point": (place(), POINT),
    "with name and address": (
        place(name="Shop", address="1 Example Street"),
        {**POINT, "name": "Shop", "address": "1 Example Street"},
    ),
    "with a name": (place(name="Shop", address=None), {**POINT, "name": "Shop"}),
    "with blank words": (place(name="", address=" "), POINT),
    "JSON numbers": (place(-33.5, 18), {"longitude": "18", "latitude": "-33.5"}),
    "JSON number with an exponent": (place(1e-7, 18), {"longitude": "18", "latitude": "0.0000001"}),
    "spaces and plus sign": (place(" +33.50 ", "18"), {"longitude": "18", "latitude": "33.50"}),
    "point at either end": (place(".5", "5."), {"longitude": "5", "latitude": "0.5"}),
    "north pole and date line": (place("90", "-180.0"), {"longitude": "-180.0", "latitude": "90"}),
    "on the equator": (place("0", "18"), {"longitude": "18", "latitude": "0"}),
    "on the prime meridian": (place("-33", "0.0"), {"longitude": "0.0", "latitude": "-33"}),
    "CleverTap's other spelling": (
        freeform("location", {"lattitude": "1", "longitude": "2"}),
        {"longitude": "2", "latitude": "1"},
    ),
}


@pytest.mark.parametrize(("message", "expected"), LOCATIONS.values(), ids=LOCATIONS.keys())
def test_freeform_location(message: Json, expected: Json) -> None:
    assert translated(message) == {**ENVELOPE, "location": expected}


ONE = {"parameters": {"1": "Ada"}}
TEMPLATES = {
    "body alone": ([body("Ada")], {"body": ONE}),
    "body without parameters": ([body()], {"body": {}}),
    "no body": ([text_header("Ada")], {"body": {}, "header": {"type": "text", "text": ONE}}),
    "twelve parameters": (
        [body(*"abcdefghijkl")],
        {"body": {"parameters": {str(place): letter for place, letter in enumerate("abcdefghijkl", 1)}}},
    ),
    "parameter as it is": ([body(" 1\n2 ")], {"body": {"parameters": {"1": " 1\n2 "}}}),
    "header with a parameter": (
        [text_header("Ada"), body("x")],
        {"header": {"type": "text", "text": ONE}, "body": {"parameters": {"1": "x"}}},
    ),
    "static header": ([text_header(), body("Ada")], {"header": {"type": "text", "text": {}}, "body": ONE}),
    "footer": ([body("Ada"), {"type": "footer", "footer": "Bye"}], {"body": ONE}),
    "custom properties": ([body("Ada"), {"customProps": [{"k": "v"}]}], {"body": ONE}),
    "quick replies with payloads": (
        [body("Ada"), reply_button(0, payload("yes")), reply_button(1, payload("no"))],
        {"body": ONE, "buttons": {"suggestedResponse": {"postbackData": {"1": "yes", "2": "no"}}}},
    ),
    "quick replies by their index": (
        [reply_button(2, payload("c")), reply_button(0, payload("a")), reply_button(1, payload("b")), body("Ada")],
        {"body": ONE, "buttons": {"suggestedResponse": {"postbackData": {"1": "a", "2": "b", "3": "c"}}}},
    ),
    "quick replies with the same index": (
        [body("Ada"), reply_button(0, payload("a")), reply_button(0, payload("b"))],
        {"body": ONE, "buttons": {"suggestedResponse": {"postbackData": {"1": "a", "2": "b"}}}},
    ),
    "quick replies without payloads": ([body("Ada"), reply_button(0), reply_button(1)], {"body": ONE}),
    "quick replies, one without payload": (
        [body("Ada"), reply_button(0, text="Yes"), reply_button(1, payload("no"))],
        {"body": ONE, "buttons": {"suggestedResponse": {"postbackData": {"1": "Yes", "2": "no"}}}},
    ),
    "dynamic URL": (
        [body("Ada"), url_button(0)],
        {"body": ONE, "buttons": {"websiteUrl": [{"listPosition": 1, "parameters": {"1": "cart"}}]}},
    ),
    "call, then dynamic URL": (
        [body("Ada"), call_button(0), url_button(1)],
        {"body": ONE, "buttons": {"websiteUrl": [{"listPosition": 2, "parameters": {"1": "cart"}}]}},
    ),
    "dynamic URL and call, both index 0": (
        [body("Ada"), url_button(0), call_button(0)],
        {"body": ONE, "buttons": {"websiteUrl": [{"listPosition": 1, "parameters": {"1": "cart"}}]}},
    ),
    "dynamic URL behind a gap": (
        [body("Ada"), url_button(5), call_button(3)],
        {"body": ONE, "buttons": {"websiteUrl": [{"listPosition": 2, "parameters": {"1": "cart"}}]}},
    ),
    "static URL and call": ([body("Ada"), static_button(0), call_button(1)], {"body": ONE}),
    **{
        f"dynamic URL {value}": (
            [body("Ada"), url_button(0, value)],
            {"body": ONE, "buttons": {"websiteUrl": [{"listPosition": 1, "parameters": {"1": value}}]}},
        )
        for value in ("0", "https://shop.example/cart")
    },
}


@pytest.mark.parametrize(("components", "expected"), TEMPLATES.values(), ids=TEMPLATES.keys())
def test_template(components: list[Json], expected: Json) -> None:
    assert translated(template(*components)) == {**ENVELOPE, "template": {"templateName": "order_update", **expected}}


ADA = body("Ada")
NO_LATITUDE, NO_LONGITUDE = "must be decimal degrees from -90 to 90", "must be decimal degrees from -180 to 180"
NO_PLACE = "latitude 0 with longitude 0 is not supported by Clickatell One API"
OFFER = {"type": "limited_time_offer", "text": "Today"}
CARDS = {"type": "carousel", "cards": [{"components": [ADA]}]}
REFUSED = {
    "text too long": (freeform("text", {"body": "k" * 4097}), "text.body", "is longer than 4096 characters"),
    "text of spaces": (freeform("text", {"body": " \n"}), "text.body", "is empty"),
    "location header": (
        template(header("location", {"latitude": "1", "longitude": "2"}), ADA),
        "components[0].header.type",
        "location headers are not supported by Clickatell One API",
    ),
    "audio header": (
        template(header("audio", MEDIA), ADA),
        "components[0].header.type",
        "audio headers are not supported by Clickatell One API",
    ),
    "coupon": (
        template(ADA, button("copy_code", {"type": "coupon_code", "coupon_code": "x"})),
        "components[1].subType",
        "copy_code buttons are not supported by Clickatell One API",
    ),
    "limited-time offer": (
        template(ADA, OFFER),
        "components[1]",
        "limited-time offers are not supported by Clickatell One API",
    ),
    "carousel": (template(ADA, CARDS), "components[1]", "carousels are not supported by Clickatell One API"),
    "undocumented component": (
        template(ADA, {"type": "x"}),
        "components[1].type",
        "such components are not supported by Clickatell One API",
    ),
    "latitude a word": (place("north"), "location.latitude", NO_LATITUDE),
    "latitude empty": (place(""), "location.latitude", NO_LATITUDE),
    "latitude in minutes": (place("33 52.8"), "location.latitude", NO_LATITUDE),
    "latitude with a comma": (place("33,5"), "location.latitude", NO_LATITUDE),
    "latitude no number": (place("nan"), "location.latitude", NO_LATITUDE),
    "latitude in other digits": (place("\u0663"), "location.latitude", NO_LATITUDE),
    "beyond the pole": (place("-90.000001"), "location.latitude", NO_LATITUDE),
    "longitude a word": (place("1", "east"), "location.longitude", NO_LONGITUDE),
    "beyond the date line": (place("1", "180.1"), "location.longitude", NO_LONGITUDE),
    "0, 0": (place("0", "0"), "location", NO_PLACE),
    "0, 0 in other words": (place("-0.0", "0e5"), "location", NO_PLACE),
    "two header parameters": (
        template(ADA, text_header("a", "b")),
        "components[1].header.text.parameters",
        "a text header takes at most one parameter",
    ),
    "empty header parameter": (
        template(ADA, text_header(" ")),
        "components[1].header.text.parameters[0].text",
        "is empty",
    ),
    "empty body parameter": (
        template(body("Ada", "", "x")),
        "components[0].body.parameters[1].text",
        "is empty",
    ),
    "four quick replies": (
        template(ADA, *(reply_button(place) for place in range(4))),
        "components[4]",
        "more than 3 quick replies",
    ),
    "quick reply with two parameters": (
        template(ADA, reply_button(0, payload("a"), payload("b"))),
        "components[1].parameters",
        "a quick reply takes at most one parameter",
    ),
    "quick reply with neither payload nor text": (
        template(ADA, reply_button(0, payload("a")), reply_button(1, text="")),
        "components[2].parameters",
        "must have a payload, because another quick reply has one",
    ),
    "quick replies and an action": (
        template(ADA, reply_button(0), reply_button(1), url_button(2)),
        "components[3].subType",
        "quick replies mixed with actions are not supported by Clickatell One API",
    ),
    "actions and a quick reply": (
        template(reply_button(2), ADA, url_button(0), call_button(1)),
        "components[0].subType",
        "quick replies mixed with actions are not supported by Clickatell One API",
    ),
    "two URLs": (template(ADA, url_button(0), static_button(1)), "components[2]", "more than one URL button"),
    "two calls": (template(ADA, call_button(0), call_button(1)), "components[2]", "more than one call button"),
    "dynamic URL without parameter": (
        template(ADA, button("dynamicUrl")),
        "components[1].parameters",
        "a dynamic URL takes exactly one parameter",
    ),
    "dynamic URL with two": (
        template(ADA, button("dynamicUrl", suffix("a"), suffix("b"))),
        "components[1].parameters",
        "a dynamic URL takes exactly one parameter",
    ),
    "dynamic URL empty": (template(ADA, url_button(0, "")), "components[1].parameters[0].text", "is empty"),
    "dynamic URL with a payload": (
        template(ADA, button("dynamicUrl", payload("x"))),
        "components[1].parameters[0].text",
        "is empty",
    ),
}


@pytest.mark.parametrize(("message", "field", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(message: Json, field: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        translated(message)

    assert (caught.value.code, caught.value.field, caught.value.reason) == (code_of(message), field, reason)


# --- templates in the older form -------------------------------------------------------------------------------------

HSM = {
    "body": ([ADA], {"template": "order_update", "parameters": {"1": "Ada"}}),
    "two parameters": (
        [body("Ada", "Friday")],
        {"template": "order_update", "parameters": {"1": "Ada", "2": "Friday"}},
    ),
    "body without parameters": ([body()], {"template": "order_update", "parameters": {}}),
    "no body": ([{"customProps": [{"k": "v"}]}], {"template": "order_update", "parameters": {}}),
    "footer": ([ADA, {"type": "footer", "footer": "Bye"}], {"template": "order_update", "parameters": {"1": "Ada"}}),
}


@pytest.mark.parametrize(("components", "expected"), HSM.values(), ids=HSM.keys())
def test_hsm(components: list[Json], expected: Json) -> None:
    assert translated(template(*components), HSM_ACCOUNT) == {**ENVELOPE, "hsm": expected}


@pytest.mark.parametrize(
    ("message", "expected"),
    [(freeform("text", {"body": "Hi"}), {"content": "Hi"}), (place(), {"location": POINT})],
    ids=["text", "location"],
)
def test_freeform_is_the_same_beside_hsm(message: Json, expected: Json) -> None:
    assert translated(message, HSM_ACCOUNT) == ENVELOPE | expected


AS_HSM = "not supported by Clickatell One API as hsm"
NOT_AS_HSM = {
    "text header": ([text_header("Ada"), ADA], "components[0]", f"headers are {AS_HSM}"),
    "static header": ([ADA, text_header()], "components[1]", f"headers are {AS_HSM}"),
    "image header": ([header("image", MEDIA), ADA], "components[0]", f"headers are {AS_HSM}"),
    "quick reply": ([ADA, reply_button(0)], "components[1]", f"buttons are {AS_HSM}"),
    "static URL": ([ADA, static_button(0)], "components[1]", f"buttons are {AS_HSM}"),
    "limited-time offer": ([ADA, OFFER], "components[1]", f"limited-time offers are {AS_HSM}"),
    "carousel": ([ADA, CARDS], "components[1]", f"carousels are {AS_HSM}"),
    "undocumented component": ([ADA, {"type": "x"}], "components[1].type", f"such components are {AS_HSM}"),
    "empty parameter": ([body("Ada", " ")], "components[0].body.parameters[1].text", "is empty"),
}


@pytest.mark.parametrize(("components", "field", "reason"), NOT_AS_HSM.values(), ids=NOT_AS_HSM.keys())
def test_refused_as_hsm(components: list[Json], field: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        translated(template(*components), HSM_ACCOUNT)

    assert (caught.value.code, caught.value.field, caught.value.reason) == (2001, field, reason)
