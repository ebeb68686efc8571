import json
from typing import Any

import pytest

from tests.providers.clickatell_legacy import samples
from tests.providers.clickatell_legacy.samples import Json
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
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.clickatell_legacy.client import OUTGOING, OUTGOING_CLEAR
from whatsapp_bridge.providers.clickatell_legacy.outbound import translate

ACCOUNT = parse_account("acme", samples.secret())
ENVELOPE = {"to": PERSON, "clientMessageId": "1|2|3|4"}


def translated(message: Json) -> Json:
    return translate(parse_message(json.dumps(message)), "1|2|3|4", ACCOUNT)


LONGEST = "\N{GRINNING FACE}" * 4096
MESSAGES: dict[str, tuple[Json, Json]] = {
    "text": (freeform("text", {"body": "Good morning"}), {"content": "Good morning"}),
    "longest text": (freeform("text", {"body": LONGEST}), {"content": LONGEST}),
    "text with a link": (
        freeform("text", {"body": "see https://shop.example/x"}),
        {"content": "see https://shop.example/x", "previewFirstUrl": True},
    ),
    **{
        kind: (freeform(kind, MEDIA), {"source": {"kind": kind, "url": MEDIA["mediaURL"], "fileName": "private.pdf"}})
        for kind in ("image", "video", "audio", "file")
    },
    "image with a caption": (
        freeform("image", {"mediaURL": "files.example/a.jpg", "caption": "Good morning"}),
        {"source": {"kind": "image", "url": "https://files.example/a.jpg"}, "caption": "Good morning"},
    ),
    "template": (
        template(body("Ada", "Friday")),
        {"hsm": {"template": "order_update", "parameters": {"1": "Ada", "2": "Friday"}}},
    ),
    "template without parameters": (template(body()), {"hsm": {"template": "order_update", "parameters": {}}}),
    "template without a body": (
        template({"type": "footer", "footer": "Bye"}),
        {"hsm": {"template": "order_update", "parameters": {}}},
    ),
    "template with a footer and properties": (
        template(body("Ada"), {"type": "footer", "footer": "Bye"}, {"customProps": [{"k": "v"}]}),
        {"hsm": {"template": "order_update", "parameters": {"1": "Ada"}}},
    ),
}


@pytest.mark.parametrize(("message", "expected"), MESSAGES.values(), ids=MESSAGES.keys())
def test_message(message: Json, expected: Json) -> None:
    assert translated(message) == ENVELOPE | expected


REFUSED: dict[str, tuple[Json, str, str]] = {
    "location": (freeform("location", PLACE), "type", "location messages are "),
    "static text header": (
        template(header("text", {"text": "Hello", "parameters": []}), body("Ada")),
        "components[0].header.type",
        "text headers are ",
    ),
    "image header": (
        template(body("Ada"), header("image", MEDIA)),
        "components[1].header.type",
        "image headers are ",
    ),
    "quick reply": (
        template(body("Ada"), button("quickReply", payload("yes"))),
        "components[1].subType",
        "quickReply buttons are ",
    ),
    "static URL": (
        template(body("Ada"), button("staticUrl", suffix("https://shop.example"))),
        "components[1].subType",
        "staticUrl buttons are ",
    ),
    "limited-time offer": (
        template(body("Ada"), {"type": "limited_time_offer", "text": "Sale", "parameters": [OFFER]}),
        "components[1]",
        "limited-time offers are ",
    ),
    "carousel": (
        template({"type": "carousel", "cards": [{"components": [body("x")]}]}),
        "components[0]",
        "carousels are ",
    ),
    "unknown component": (
        template(body("Ada"), {"type": "poll", "x": 1}),
        "components[1].type",
        "such components are ",
    ),
}


@pytest.mark.parametrize(("message", "field", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused_with_a_reason_that_names_the_api(message: Json, field: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        translated(message)

    expected = f"{reason}not supported by Clickatell's legacy WhatsApp API"
    assert (caught.value.field, caught.value.reason, caught.value.code) == (field, expected, code_of(message))


INVALID: dict[str, tuple[Json, str, str]] = {
    "blank text": (freeform("text", {"body": " "}), "text.body", "is empty"),
    "text too long": (freeform("text", {"body": LONGEST + "k"}), "text.body", "is longer than 4096 characters"),
    "caption too long": (
        freeform("video", {**MEDIA, "caption": "k" * 1025}),
        "video.caption",
        "is longer than 1024 characters",
    ),
    "caption of audio": (
        freeform("audio", {**MEDIA, "caption": "k"}),
        "audio.caption",
        "WhatsApp shows no caption with audio",
    ),
    "no address": (
        freeform("file", {"mediaURL": "ftp://files.example/a"}),
        "file.mediaURL",
        "is not an http or https address",
    ),
    "blank parameter": (template(body("Ada", " ")), "components[0].body.parameters[1].text", "is empty"),
}


@pytest.mark.parametrize(("message", "field", "reason"), INVALID.values(), ids=INVALID.keys())
def test_refused_for_a_value(message: Json, field: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        translated(message)

    assert (caught.value.field, caught.value.reason) == (field, reason)


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if isinstance(value, dict):
        return [leaf for name, member in value.items() for leaf in leaves(member, (*path, name))]
    return [path]


@pytest.mark.parametrize("message", [message for message, _ in MESSAGES.values()], ids=MESSAGES.keys())
def test_every_leaf_is_in_one_of_the_tables(message: Json) -> None:
    request = translated(message)
    if request.pop("source", None):
        # What the client puts in its place.
        request |= {"content": "k", "contentType": "k", "sha256Hash": "k"}
    for leaf in leaves(request):
        tables = [
            table
            for table in (OUTGOING, OUTGOING_CLEAR)
            for path in table
            if len(path) == len(leaf) and all(step in (name, "*") for step, name in zip(path, leaf, strict=True))
        ]
        assert len(tables) == 1, leaf
