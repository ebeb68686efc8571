import json
from typing import Any

import pytest

from tests.providers.conformance import (
    MEDIA,
    MESSAGES,
    OFFER,
    PERSON,
    PLACE,
    body,
    button,
    freeform,
    header,
    payload,
    suffix,
    template,
)
from tests.providers.gupshup import samples
from tests.providers.gupshup.samples import Json
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.gupshup.outbound import CAPABILITIES, translate

CARRIED = {
    name: kind
    for name in MESSAGES
    for group, kind in [name.split(":")]
    if group != "freeform" and kind in getattr(CAPABILITIES, group)
}
BY_TEXT = parse_account("acme", samples.secret(templates={"another": "9002"}))
BY_ID = parse_account("acme", samples.secret())
ENVELOPE = {"send_to": PERSON, "extra": "1|2|3|4"}
ADD_ID = (
    "the template's id at Gupshup: add it to the account's provider.templates, under the template's name in CleverTap"
)


def translated(message: Json, account: Any = BY_TEXT) -> Json:
    return translate(parse_message(json.dumps(message)), "1|2|3|4", account)


# --- session messages ------------------------------------------------------------------------------------------------

LONGEST = "k" * 4095
FREEFORM: dict[str, tuple[Json, Json]] = {
    "text": (
        freeform("text", {"body": "Good morning"}),
        {"method": "SendMessage", "msg_type": "TEXT", "msg": "Good morning", "data_encoding": "TEXT"},
    ),
    "text beyond ASCII": (
        freeform("text", {"body": "नमस्ते \N{GRINNING FACE}"}),
        {
            "method": "SendMessage",
            "msg_type": "TEXT",
            "msg": "नमस्ते \N{GRINNING FACE}",
            "data_encoding": "Unicode_text",
        },
    ),
    "longest text": (
        freeform("text", {"body": LONGEST}),
        {"method": "SendMessage", "msg_type": "TEXT", "msg": LONGEST, "data_encoding": "TEXT"},
    ),
    **{
        kind: (
            freeform(kind, {"mediaURL": "https://files.example/a.bin", "caption": "Look"}),
            {
                "method": "SendMediaMessage",
                "isHSM": "false",
                "msg_type": msg_type,
                "media_url": "https://files.example/a.bin",
                "caption": "Look",
                "data_encoding": "TEXT",
            },
        )
        for kind, msg_type in (("image", "IMAGE"), ("video", "VIDEO"))
    },
    "document": (
        freeform("file", {"mediaURL": "https://files.example/a.bin", "caption": "Look"}),
        {
            "method": "SendMediaMessage",
            "isHSM": "false",
            "msg_type": "DOCUMENT",
            "media_url": "https://files.example/a.bin",
            "caption": "Look",
            "filename": "a.bin",
            "data_encoding": "TEXT",
        },
    ),
    "audio": (
        freeform("audio", {"mediaURL": "https://files.example/a.mp3"}),
        {
            "method": "SendMediaMessage",
            "isHSM": "false",
            "msg_type": "AUDIO",
            "media_url": "https://files.example/a.mp3",
            "caption": "",
            "data_encoding": "TEXT",
        },
    ),
    "image without a caption": (
        freeform("image", {"mediaURL": "https://files.example/a.jpg", "caption": None}),
        {
            "method": "SendMediaMessage",
            "isHSM": "false",
            "msg_type": "IMAGE",
            "media_url": "https://files.example/a.jpg",
            "caption": "",
            "data_encoding": "TEXT",
        },
    ),
    "document with a name": (
        freeform("file", {"mediaURL": "files.example/a.pdf", "filename": "Invoice", "caption": "Yours"}),
        {
            "method": "SendMediaMessage",
            "isHSM": "false",
            "msg_type": "DOCUMENT",
            "media_url": "https://files.example/a.pdf",
            "caption": "Yours",
            "filename": "Invoice.pdf",
            "data_encoding": "TEXT",
        },
    ),
    "image with a name, which images do not have": (
        freeform("image", {"mediaURL": "https://files.example/a.jpg", "filename": "a.jpg"}),
        {
            "method": "SendMediaMessage",
            "isHSM": "false",
            "msg_type": "IMAGE",
            "media_url": "https://files.example/a.jpg",
            "caption": "",
            "data_encoding": "TEXT",
        },
    ),
}


@pytest.mark.parametrize(("message", "expected"), FREEFORM.values(), ids=FREEFORM.keys())
def test_session_message(message: Json, expected: Json) -> None:
    assert translated(message) == {"account": "two_way", "form": ENVELOPE | expected}


# --- templates by their text -----------------------------------------------------------------------------------------


def text(value: str) -> Json:
    return {"type": "body", "body": {"text": value, "parameters": [{"type": "text", "text": "Ada"}]}}


HELLO = text("Hello Ada")
HSM = {"method": "SendMessage", "isHSM": "true", "msg_type": "HSM", "msg": "Hello Ada", "data_encoding": "TEXT"}
TEMPLATE = HSM | {"msg_type": "TEXT", "isTemplate": "true"}
FOOTER = {"type": "footer", "footer": "Bye"}
WITH_IMAGE = {
    "method": "SendMediaMessage",
    "isHSM": "true",
    "msg_type": "IMAGE",
    "media_url": "https://files.example/a.jpg",
    "caption": "Hello Ada",
    "data_encoding": "TEXT",
}
IMAGE = header("image", {"mediaURL": "https://files.example/a.jpg"})


def url(index: str, ending: str) -> Json:
    return {"type": "button", "sub_type": "url", "index": index, "parameters": [suffix(ending)]}


TEMPLATES: dict[str, tuple[Json, Json]] = {
    "body": (template(HELLO), HSM),
    "body with properties": (template(HELLO, {"customProps": [{"k": "v"}]}), HSM),
    "body and footer": (template(HELLO, FOOTER), TEMPLATE | {"footer": "Bye"}),
    "longest footer": (template(HELLO, {"type": "footer", "footer": "k" * 60}), TEMPLATE | {"footer": "k" * 60}),
    "blank footer": (template(HELLO, {"type": "footer", "footer": " "}), HSM),
    "text header": (
        template(header("text", {"text": "Order 7", "parameters": [suffix("7")]}), HELLO),
        TEMPLATE | {"header": "Order 7"},
    ),
    "header, body and footer": (
        template(HELLO, header("text", {"text": "Order"}), FOOTER),
        TEMPLATE | {"header": "Order", "footer": "Bye"},
    ),
    "text beyond ASCII": (template(text("ok ✓")), HSM | {"msg": "ok ✓", "data_encoding": "Unicode_text"}),
    "dynamic URL": (
        template(HELLO, button("dynamicUrl", suffix("cart?a=b&c"))),
        TEMPLATE | {"buttonUrlParam": "cart?a=b&c"},
    ),
    "static URL": (template(HELLO, button("staticUrl", suffix("https://shop.example"))), TEMPLATE),
    "call": (template(HELLO, button("callPhone", suffix("+27820000000"))), TEMPLATE),
    "quick reply without a payload": (template(HELLO, button("quickReply")), TEMPLATE),
    "quick reply with its text for a payload": (template(HELLO, button("quickReply", payload("Tap"))), TEMPLATE),
    "quick reply with a payload, which stays here": (template(HELLO, button("quickReply", payload("yes"))), TEMPLATE),
    "quick replies": (
        template(
            HELLO, *(button("quickReply", payload(f"p{index}"), index=index, text=f"Tap {index}") for index in range(3))
        ),
        TEMPLATE,
    ),
    "URL and call": (
        template(HELLO, button("dynamicUrl", suffix("cart")), button("callPhone", suffix("+27820000000"), index=1)),
        TEMPLATE | {"buttonUrlParam": "cart"},
    ),
    "CleverTap's own sample with an image, a URL and a call, both of index 0": (
        template(IMAGE, HELLO, button("dynamicUrl", suffix("cart")), button("callPhone", suffix("+91994876856"))),
        WITH_IMAGE | {"buttonUrlParam": "cart", "isTemplate": "true"},
    ),
    "static URL and call": (
        template(HELLO, button("staticUrl", suffix("x")), button("callPhone", suffix("y"), index=1)),
        TEMPLATE,
    ),
    "call, quick reply and URL": (
        template(
            HELLO,
            button("callPhone", suffix("y")),
            button("quickReply", index=1),
            button("dynamicUrl", suffix("cart"), index=2),
        ),
        TEMPLATE | {"buttonUrlParam": "cart"},
    ),
    "two static URLs": (
        template(HELLO, button("staticUrl", suffix("x")), button("staticUrl", suffix("y"), index=1)),
        TEMPLATE | {"wa_template_json": '{"components":[]}'},
    ),
    "two dynamic URLs": (
        template(HELLO, button("dynamicUrl", suffix("a")), button("dynamicUrl", suffix("b"), index=1)),
        TEMPLATE
        | {"wa_template_json": json.dumps({"components": [url("0", "a"), url("1", "b")]}, separators=(",", ":"))},
    ),
    "static and dynamic URL": (
        template(HELLO, button("staticUrl", suffix("x")), button("dynamicUrl", suffix("b"), index=1)),
        TEMPLATE | {"wa_template_json": json.dumps({"components": [url("1", "b")]}, separators=(",", ":"))},
    ),
    "image header": (template(IMAGE, HELLO), WITH_IMAGE),
    "image header beside a text": (
        template(
            {"type": "header", "header": IMAGE["header"] | {"text": {"text": "Stale"}}},
            HELLO,
        ),
        WITH_IMAGE,
    ),
    "image header beside an empty text": (
        template({"type": "header", "header": IMAGE["header"] | {"text": {}}}, HELLO),
        WITH_IMAGE,
    ),
    "image header and footer": (template(IMAGE, HELLO, FOOTER), WITH_IMAGE | {"footer": "Bye", "isTemplate": "true"}),
    "image header and dynamic URL": (
        template(IMAGE, HELLO, button("dynamicUrl", suffix("cart"))),
        WITH_IMAGE | {"buttonUrlParam": "cart", "isTemplate": "true"},
    ),
    "video header": (
        template(header("video", {"mediaURL": "https://files.example/a.jpg"}), HELLO),
        WITH_IMAGE | {"msg_type": "VIDEO"},
    ),
    "document header": (
        template(header("file", {"mediaURL": "https://files.example/a.jpg", "filename": "Invoice.pdf"}), HELLO),
        WITH_IMAGE | {"msg_type": "DOCUMENT", "filename": "Invoice.pdf"},
    ),
}


@pytest.mark.parametrize(("message", "expected"), TEMPLATES.values(), ids=TEMPLATES.keys())
def test_template_by_its_text(message: Json, expected: Json) -> None:
    assert translated(message) == {"account": "hsm", "form": ENVELOPE | expected}


NEED_ID: dict[str, tuple[Json, str, str]] = {
    "location header": (
        template(header("location", PLACE), HELLO),
        "components[0].header.type",
        "location headers need",
    ),
    "coupon": (
        template(HELLO, button("copy_code", {"type": "coupon_code", "coupon_code": "SAVE"})),
        "components[1].subType",
        "copy_code buttons need",
    ),
    "coupon among other buttons": (
        template(
            HELLO,
            button("staticUrl", suffix("x")),
            button("copy_code", {"type": "coupon_code", "coupon_code": "SAVE"}, index=1),
        ),
        "components[2].subType",
        "copy_code buttons need",
    ),
    "limited-time offer": (
        template(HELLO, {"type": "limited_time_offer", "text": "Sale", "parameters": [OFFER]}),
        "components[1]",
        "limited-time offers need",
    ),
    "carousel": (
        template(HELLO, {"type": "carousel", "cards": [{"components": [HELLO]}]}),
        "components[1]",
        "carousels need",
    ),
    "no body": (template(FOOTER), "components", "a template without a body needs"),
    "no rendered text": (
        template({"type": "body", "body": {"parameters": [suffix("Ada")]}}),
        "components[0].body.text",
        "is empty; without its text a template needs",
    ),
    "a placeholder without a value": (
        template({"type": "body", "body": {"text": "Hi Ada, order {{2}}", "parameters": [suffix("Ada")]}}),
        "components[0].body.text",
        "has a placeholder without a value; without its text a template needs",
    ),
    "a placeholder with a name": (
        template({"type": "body", "body": {"text": "Hi {{first_name}}", "parameters": [suffix("Ada")]}}),
        "components[0].body.text",
        "has a placeholder without a value; without its text a template needs",
    ),
    "a value that is a placeholder": (
        template({"type": "body", "body": {"text": "Hi {{1}}", "parameters": [suffix("{{1}}")]}}),
        "components[0].body.text",
        "has a placeholder without a value; without its text a template needs",
    ),
    "no rendered header": (
        template(header("text", {"parameters": [suffix("Ada")]}), HELLO),
        "components[0].header.text.text",
        "is empty; without its text a template needs",
    ),
}


@pytest.mark.parametrize(("message", "field", "reason"), NEED_ID.values(), ids=NEED_ID.keys())
def test_refused_without_an_id_and_says_how_to_add_it(message: Json, field: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        translated(message)

    assert (caught.value.field, caught.value.reason, caught.value.code) == (field, f"{reason} {ADD_ID}", 2001)


REFUSED: dict[str, tuple[Json, str, str]] = {
    "location": (freeform("location", PLACE), "type", "location messages are not supported by Gupshup"),
    "blank text": (freeform("text", {"body": " "}), "text.body", "is empty"),
    "text too long": (freeform("text", {"body": "k" * 4096}), "text.body", "must be shorter than 4096 characters"),
    "no address": (freeform("image", {"mediaURL": "ftp://x"}), "image.mediaURL", "is not an http or https address"),
    "audio with a caption": (
        freeform("audio", {"mediaURL": "https://x.example", "caption": "k"}),
        "audio.caption",
        "WhatsApp shows no caption with audio",
    ),
    "caption too long": (
        freeform("image", {"mediaURL": "https://x.example", "caption": "k" * 1025}),
        "image.caption",
        "is longer than 1024 characters",
    ),
    "no address in a header": (
        template(header("video", {"mediaURL": "ftp://x"}), HELLO),
        "components[0].header.video.mediaURL",
        "is not an http or https address",
    ),
    "body too long": (
        template(text("k" * 4096)),
        "components[0].body.text",
        "must be shorter than 4096 characters",
    ),
    "footer too long": (
        template(HELLO, {"type": "footer", "footer": "k" * 61}),
        "components[1].footer",
        "is longer than 60 characters",
    ),
    "audio header": (
        template(header("audio", MEDIA), HELLO),
        "components[0].header.type",
        "audio headers are not supported by Gupshup",
    ),
    "unknown header": (
        template({"type": "header", "header": {"type": "poll", "poll": {}}}, HELLO),
        "components[0].header.type",
        "such headers are not supported by Gupshup",
    ),
    "unknown button": (
        template(HELLO, button("flow")),
        "components[1].subType",
        "such buttons are not supported by Gupshup",
    ),
    "unknown component": (
        template(HELLO, {"type": "poll"}),
        "components[1].type",
        "such components are not supported by Gupshup",
    ),
    "dynamic URL without a value": (
        template(HELLO, button("dynamicUrl")),
        "components[1].parameters",
        "a dynamic URL takes exactly one parameter",
    ),
    "dynamic URL with two values": (
        template(HELLO, button("dynamicUrl", suffix("a"), suffix("b"))),
        "components[1].parameters",
        "a dynamic URL takes exactly one parameter",
    ),
    "blank dynamic URL": (
        template(HELLO, button("dynamicUrl", suffix(" "))),
        "components[1].parameters[0].text",
        "is empty",
    ),
    "two payloads": (
        template(HELLO, button("quickReply", payload("a"), payload("b"))),
        "components[1].parameters",
        "a quick reply takes at most one parameter",
    ),
}


@pytest.mark.parametrize(("message", "field", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(message: Json, field: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        translated(message)

    assert (caught.value.field, caught.value.reason) == (field, reason)


# --- templates by their id -------------------------------------------------------------------------------------------

IDENTIFIED = {"method": "SendMessage", "isHSM": "true", "whatsAppTemplateId": "9001", "data_encoding": "TEXT"}
BODY = body("Ada", "Friday")
PLAIN = IDENTIFIED | {"msg_type": "HSM", "var1": "Ada", "var2": "Friday"}
PARTS = PLAIN | {"msg_type": "TEXT", "isTemplate": "true"}
URL = {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "cart"}]}
STOP = {
    "type": "button",
    "sub_type": "quick_reply",
    "index": "1",
    "parameters": [{"type": "payload", "payload": "stop"}],
}
COUPON = {
    "type": "button",
    "sub_type": "copy_code",
    "index": "0",
    "parameters": [{"type": "coupon_code", "coupon_code": "SAVE"}],
}
LIMITED = {
    "type": "limited_time_offer",
    "parameters": [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_900_000_000_000}}],
}
CARD = {
    "components": [header("image", {"mediaURL": "files.example/1.jpg"}), body("Red"), button("dynamicUrl", suffix("1"))]
}
IDS: dict[str, tuple[Json, Json, list[Json] | None]] = {
    "variables": (template(BODY), PLAIN, None),
    "no variables": (template(body()), IDENTIFIED | {"msg_type": "HSM"}, None),
    "no body": (template(FOOTER), IDENTIFIED | {"msg_type": "TEXT", "isTemplate": "true"}, None),
    "footer and properties": (template(BODY, FOOTER, {"customProps": [{"k": "v"}]}), PARTS, None),
    "text header": (
        template(header("text", {"text": "Order 7", "parameters": [suffix("7")]}), BODY),
        PARTS | {"hvar1": "7"},
        None,
    ),
    "static text header": (template(header("text", {"text": "Order"}), BODY), PARTS, None),
    "image header": (
        template(IMAGE, BODY),
        PLAIN | {"method": "SendMediaMessage", "msg_type": "IMAGE", "media_url": "https://files.example/a.jpg"},
        None,
    ),
    "document header": (
        template(header("file", {"mediaURL": "https://files.example/a", "filename": "a.pdf"}), BODY),
        PLAIN
        | {
            "method": "SendMediaMessage",
            "msg_type": "DOCUMENT",
            "media_url": "https://files.example/a",
            "filename": "a.pdf",
        },
        None,
    ),
    "location header": (
        template(header("location", PLACE | {"address": "1 Street"}), BODY),
        PARTS
        | {
            "msg_type": "LOCATION",
            "location": '{"latitude":"-33.9","longitude":"18.6","name":"private place","address":"1 Street"}',
        },
        None,
    ),
    "location header without words": (
        template(header("location", {"latitude": 1, "longitude": "-2.50"}), BODY),
        PARTS | {"msg_type": "LOCATION", "location": '{"latitude":"1","longitude":"-2.50"}'},
        None,
    ),
    "one dynamic URL": (template(BODY, button("dynamicUrl", suffix("cart"))), PARTS | {"buttonUrlParam": "cart"}, None),
    "one static URL": (template(BODY, button("staticUrl", suffix("x"))), PARTS, None),
    "one quick reply without a payload": (template(BODY, button("quickReply")), PARTS, None),
    "one quick reply with a payload": (
        template(BODY, button("quickReply", payload("stop"), index=1)),
        PARTS,
        [STOP],
    ),
    "two static buttons": (
        template(BODY, button("staticUrl", suffix("x")), button("callPhone", suffix("y"), index=1)),
        PARTS,
        [],
    ),
    "dynamic URL and quick reply, with their places": (
        template(BODY, button("quickReply", payload("stop"), index=1), button("dynamicUrl", suffix("cart"), index=0)),
        PARTS,
        [STOP, URL],
    ),
    "coupon": (
        template(BODY, button("copy_code", {"type": "coupon_code", "coupon_code": "SAVE"})),
        PARTS,
        [COUPON],
    ),
    "limited-time offer without an end": (
        template(BODY, {"type": "limited_time_offer", "text": "Sale"}),
        PARTS,
        None,
    ),
    "limited-time offer and dynamic URL": (
        template(
            BODY,
            {"type": "limited_time_offer", "text": "Sale", "parameters": [OFFER]},
            button("dynamicUrl", suffix("cart")),
        ),
        PARTS,
        [LIMITED, URL],
    ),
    "carousel": (
        template(BODY, {"type": "carousel", "cards": [CARD, {"components": [body(), button("quickReply")]}]}),
        PARTS,
        [
            {
                "type": "carousel",
                "cards": [
                    {
                        "card_index": 0,
                        "components": [
                            {
                                "type": "header",
                                "parameters": [{"type": "image", "image": {"link": "https://files.example/1.jpg"}}],
                            },
                            {"type": "body", "parameters": [{"type": "text", "text": "Red"}]},
                            {**URL, "parameters": [{"type": "text", "text": "1"}]},
                        ],
                    },
                    {"card_index": 1, "components": []},
                ],
            }
        ],
    ),
}


@pytest.mark.parametrize(("message", "expected", "components"), IDS.values(), ids=IDS.keys())
def test_template_by_its_id(message: Json, expected: Json, components: list[Json] | None) -> None:
    request = translated(message, BY_ID)

    form = request["form"]
    assert request["account"] == "hsm"
    found = form.pop("wa_template_json", None)
    assert (None if found is None else json.loads(found)) == (
        None if components is None else {"components": components}
    )
    assert form == ENVELOPE | expected


REFUSED_BY_ID: dict[str, tuple[Json, str, str]] = {
    "blank variable": (template(body("Ada", " ")), "components[0].body.parameters[1].text", "is empty"),
    "blank header variable": (
        template(header("text", {"text": "x", "parameters": [suffix(" ")]})),
        "components[0].header.text.parameters[0].text",
        "is empty",
    ),
    "no latitude": (
        template(header("location", PLACE | {"latitude": "91"})),
        "components[0].header.location.latitude",
        "must be decimal degrees from -90 to 90",
    ),
    "no longitude": (
        template(header("location", PLACE | {"longitude": "east"})),
        "components[0].header.location.longitude",
        "must be decimal degrees from -180 to 180",
    ),
    "coupon without a code": (
        template(BODY, button("copy_code")),
        "components[1].parameters",
        "a coupon takes exactly one parameter",
    ),
    "blank coupon": (
        template(BODY, button("copy_code", {"type": "coupon_code", "coupon_code": " "})),
        "components[1].parameters[0].coupon_code",
        "is empty",
    ),
    "card with a blank variable": (
        template({"type": "carousel", "cards": [{"components": [body(" ")]}]}),
        "components[0].cards[0].components[0].body.parameters[0].text",
        "is empty",
    ),
    "carousel in a carousel": (
        template({"type": "carousel", "cards": [{"components": [{"type": "carousel", "cards": [CARD]}]}]}),
        "components[0].cards[0].components[0].type",
        "such components are not supported by Gupshup",
    ),
    "unknown button of a card": (
        template({"type": "carousel", "cards": [{"components": [button("flow")]}]}),
        "components[0].cards[0].components[0].subType",
        "such buttons are not supported by Gupshup",
    ),
}


@pytest.mark.parametrize(("message", "field", "reason"), REFUSED_BY_ID.values(), ids=REFUSED_BY_ID.keys())
def test_refused_by_id(message: Json, field: str, reason: str) -> None:
    with pytest.raises(Refused) as caught:
        translated(message, BY_ID)

    assert (caught.value.field, caught.value.reason) == (field, reason)


BY_THEIR_TEXT = [message for message, _ in (*FREEFORM.values(), *TEMPLATES.values())]
ALL = [*BY_THEIR_TEXT, *(message for message, *_ in IDS.values())]


@pytest.mark.parametrize("account", [BY_TEXT, BY_ID], ids=["by text", "by id"])
def test_a_request_is_all_texts_and_none_of_them_a_credential(account: Any) -> None:
    for message in ALL if account is BY_ID else BY_THEIR_TEXT:
        form = translated(message, account)["form"]
        assert all(isinstance(value, str) for value in form.values())
        assert not {"userid", "password"} & form.keys()
        assert not {"private-secret", "private-hsm", "private-two-way"} & set(form.values())


@pytest.mark.parametrize(("name", "kind"), CARRIED.items(), ids=CARRIED.keys())
def test_what_is_declared_to_need_an_id_does(name: str, kind: str) -> None:
    message, _ = MESSAGES[name]
    assert translated(message, BY_ID)["account"] == "hsm"

    if kind not in CAPABILITIES.by_id:
        assert translated(message)["account"] == "hsm"
        return
    with pytest.raises(Refused) as refused:
        translated(message)
    assert ADD_ID in refused.value.reason
