import json
from typing import Any

import pytest

from tests.providers.clickatell import samples
from tests.providers.conformance import (
    MEDIA,
    PERSON,
    body,
    button,
    freeform,
    header,
    payload,
    suffix,
    template,
)
from whatsapp_bridge.accounts import parse_account
from whatsapp_bridge.clevertap.messages import parse_message
from whatsapp_bridge.providers.clickatell.outbound import translate
from whatsapp_bridge.providers.contract import Refused

type Json = dict[str, Any]

ACCOUNT = parse_account("acme", samples.secret())
ENVELOPE = {"channel": "whatsapp", "to": PERSON, "clientMessageId": "1|2|3|4"}


def translated(message: Json) -> Json:
    return translate(parse_message(json.dumps(message)), "1|2|3|4", ACCOUNT)


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
        for value in ("0", "https://shop.example/cart", "https://shop.example/{{1}}")
    },
}


@pytest.mark.parametrize(("components", "expected"), TEMPLATES.values(), ids=TEMPLATES.keys())
def test_template(components: list[Json], expected: Json) -> None:
    assert translated(template(*components)) == {**ENVELOPE, "template": {"templateName": "order_update", **expected}}


ADA = body("Ada")
REFUSED = {
    "text too long": (freeform("text", {"body": "k" * 4097}), "text.body", "is longer than 4096 characters"),
    "text of spaces": (freeform("text", {"body": " \n"}), "text.body", "is empty"),
    "image": (freeform("image", MEDIA), "type", "image messages are not supported for Clickatell"),
    "image header": (
        template(header("image", MEDIA), ADA),
        "components[0].header.type",
        "image headers are not supported for Clickatell",
    ),
    "two header parameters": (
        template(ADA, text_header("a", "b")),
        "components[1].header.text.parameters",
        "a text header takes one parameter at the most",
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
        "a quick reply takes one parameter at the most",
    ),
    "quick reply with neither payload nor text": (
        template(ADA, reply_button(0, payload("a")), reply_button(1, text="")),
        "components[2].parameters",
        "a payload is needed where another quick reply has one",
    ),
    "quick replies and an action": (
        template(ADA, reply_button(0), reply_button(1), url_button(2)),
        "components[3].subType",
        "quick replies and actions cannot be mixed for Clickatell",
    ),
    "actions and a quick reply": (
        template(reply_button(2), ADA, url_button(0), call_button(1)),
        "components[0].subType",
        "quick replies and actions cannot be mixed for Clickatell",
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

    assert (caught.value.code, caught.value.field, caught.value.reason) == (2001, field, reason)
