import json
from typing import Any

import pytest

from tests.providers.conformance import (
    MEDIA,
    OFFER,
    PERSON,
    PLACE,
    body,
    button,
    code_of,
    freeform,
    header,
    payload,
    suffix,
    template,
)
from tests.providers.message_central import samples
from tests.providers.message_central.samples import Json
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.message_central.outbound import translate

PLAIN: Json = {}
OF_THE_TEMPLATE: Json = {"template_media": ["another", "order_update"]}


def translated(message: Json, options: Json = PLAIN) -> Json:
    account = parse_account("acme", samples.secret(options=options))
    return translate(parse_message(json.dumps(message)), "1|2|3|4", account)


def chat(**content: Any) -> Json:
    return {"type": "CHAT", "to": PERSON, **content}


def broadcast(*variables: str, urls: tuple[str, ...] = (), language: str = "en_US") -> Json:
    values = {"variables": list(variables), "ctaVariables": list(urls)}
    return {"type": "BROADCAST", "to": PERSON, "templateName": "order_update", "langId": language, **values}


def url(value: str, index: int = 0) -> Json:
    return button("dynamicUrl", suffix(value), index=index)


IMAGE = {"mediaURL": "files.example/a.jpg", "caption": " Look ", "filename": "a.jpg"}
LONGEST = "\N{GRINNING FACE}" * 4096
MESSAGES: dict[str, tuple[Json, Json, Json]] = {
    "text": (freeform("text", {"body": "Good morning, Ada"}), PLAIN, chat(message="Good morning, Ada")),
    "longest text": (freeform("text", {"body": LONGEST}), PLAIN, chat(message=LONGEST)),
    "image with a caption": (
        freeform("image", IMAGE),
        PLAIN,
        chat(message="Look", file={"kind": "image", "url": "https://files.example/a.jpg", "name": "a.jpg"}),
    ),
    "video without a caption": (
        freeform("video", {"mediaURL": "https://files.example/v"}),
        PLAIN,
        chat(file={"kind": "video", "url": "https://files.example/v", "name": None}),
    ),
    "blank caption": (
        freeform("image", IMAGE | {"caption": " "}),
        PLAIN,
        chat(file={"kind": "image", "url": "https://files.example/a.jpg", "name": "a.jpg"}),
    ),
    "template": (template(body("Ada", "Friday")), PLAIN, broadcast("Ada", "Friday")),
    "template without variables": (template(body()), PLAIN, broadcast()),
    "template without a body": (template({"type": "footer", "footer": "Bye"}), PLAIN, broadcast()),
    "footer and properties": (
        template(body("Ada"), {"type": "footer", "footer": "a, b"}, {"customProps": [{"k": "v"}]}),
        PLAIN,
        broadcast("Ada"),
    ),
    "language as CleverTap writes it": (
        template(body("Ada")) | {"template": {"namespace": "order_update", "languageCode": "en(UK)"}},
        PLAIN,
        broadcast("Ada", language="en_GB"),
    ),
    "static text header": (
        template(header("text", {"text": "Hi", "parameters": []}), body("A")),
        PLAIN,
        broadcast("A"),
    ),
    "image header of the template's own": (
        template(header("image", MEDIA), body("Ada")),
        OF_THE_TEMPLATE,
        broadcast("Ada"),
    ),
    "document header of the template's own": (
        template(header("file", MEDIA), body("Ada")),
        OF_THE_TEMPLATE,
        broadcast("Ada"),
    ),
    "one dynamic URL": (template(body("Ada"), url("cart")), PLAIN, broadcast("Ada", urls=("cart",))),
    "two dynamic URLs, by place": (
        template(body("Ada"), url("second", 1), url("first", 0)),
        PLAIN,
        broadcast("Ada", urls=("first", "second")),
    ),
    "a dynamic URL behind a static one": (
        template(body("Ada"), button("staticUrl", suffix("https://a.example")), url("cart", 1)),
        PLAIN,
        broadcast("Ada", urls=("cart",)),
    ),
    "call button": (template(body("Ada"), button("callPhone", suffix("+27"))), PLAIN, broadcast("Ada")),
    "quick reply without a payload": (template(body("Ada"), button("quickReply")), PLAIN, broadcast("Ada")),
    "quick reply with an empty payload": (
        template(body("Ada"), button("quickReply", payload(" "))),
        PLAIN,
        broadcast("Ada"),
    ),
    "quick reply with a payload, which stays here": (
        template(body("Ada"), button("quickReply", payload("yes"), text="Yes")),
        PLAIN,
        broadcast("Ada"),
    ),
    "quick reply with its text for a payload": (
        template(body("Ada"), button("quickReply", payload("Yes"), text="Yes")),
        PLAIN,
        broadcast("Ada"),
    ),
}


@pytest.mark.parametrize(("message", "options", "expected"), MESSAGES.values(), ids=MESSAGES.keys())
def test_message(message: Json, options: Json, expected: Json) -> None:
    assert translated(message, options) == expected


NO = "not supported by Message Central WhatsApp Now"
REFUSED: dict[str, tuple[Json, str, str]] = {
    **{kind: (freeform(kind, MEDIA), "type", f"{kind} messages are {NO}") for kind in ("audio", "file")},
    "location": (freeform("location", PLACE), "type", f"location messages are {NO}"),
    "blank text": (freeform("text", {"body": " \n"}), "text.body", "is empty"),
    "text too long": (freeform("text", {"body": "k" * 4097}), "text.body", "is longer than 4096 characters"),
    "caption too long": (
        freeform("image", IMAGE | {"caption": "k" * 1025}),
        "image.caption",
        "is longer than 1024 characters",
    ),
    "no address": (freeform("image", {"mediaURL": "ftp://x"}), "image.mediaURL", "is not an http or https address"),
    "comma in a value": (
        template(body("Ada", "1,000")),
        "components[0].body.parameters[1].text",
        f"a comma in a value is {NO}",
    ),
    "comma in a URL": (
        template(body("Ada"), url("a,b")),
        "components[1].parameters[0].text",
        f"a comma in a value is {NO}",
    ),
    "empty value": (template(body("Ada", " ")), "components[0].body.parameters[1].text", "is empty"),
    "empty URL": (template(body("Ada"), url("")), "components[1].parameters[0].text", "is empty"),
    "URL without a value": (
        template(body("Ada"), button("dynamicUrl")),
        "components[1].parameters",
        "a dynamic URL takes exactly one parameter",
    ),
    "three dynamic URLs": (
        template(body("Ada"), url("a"), url("b", 1), url("c", 2)),
        "components[3]",
        "more than 2 dynamic URLs",
    ),
    "header variable": (
        template(header("text", {"text": "Hi", "parameters": [suffix("Ada")]}), body("Ada")),
        "components[0].header.text.parameters",
        f"variables in a text header are {NO}",
    ),
    "image header": (
        template(header("image", MEDIA), body("Ada")),
        "components[0].header.type",
        f"image headers are {NO}, unless options.template_media has the template",
    ),
    "audio header": (
        template(header("audio", MEDIA), body("Ada")),
        "components[0].header.type",
        f"audio headers are {NO}",
    ),
    "location header": (
        template(header("location", PLACE), body("Ada")),
        "components[0].header.type",
        f"location headers are {NO}",
    ),
    "quick-reply payload without a label": (
        template(body("Ada"), button("quickReply", payload("yes"), text=" ")),
        "components[1].buttonText",
        "is empty; only by its label a tap leads back to its payload",
    ),
    "coupon": (
        template(body("Ada"), button("copy_code", {"type": "coupon_code", "coupon_code": "K1"})),
        "components[1].subType",
        f"copy_code buttons are {NO}",
    ),
    "limited-time offer": (
        template(body("Ada"), {"type": "limited_time_offer", "text": "Now", "parameters": [OFFER]}),
        "components[1]",
        f"limited-time offers are {NO}",
    ),
    "carousel": (
        template(body("Ada"), {"type": "carousel", "cards": [{"components": [body("Ada")]}]}),
        "components[1]",
        f"carousels are {NO}",
    ),
    "unknown component": (template(body("Ada"), {"type": "poll"}), "components[1].type", f"such components are {NO}"),
}


@pytest.mark.parametrize(("message", "field", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(message: Json, field: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        translated(message)

    assert (caught.value.field, caught.value.reason, caught.value.code) == (field, reason, code_of(message))


@pytest.mark.parametrize(
    ("kind", "content"), [("text", {"text": "Hi", "parameters": [suffix("Ada")]}), ("location", PLACE)]
)
def test_no_option_carries_what_there_is_no_place_for(kind: str, content: Json) -> None:
    with pytest.raises(Refused):
        translated(template(header(kind, content), body("Ada")), OF_THE_TEMPLATE)
