"""Messages of CleverTap against templates that fit them and templates that do not."""

import json
from typing import Any

import pytest

from tests.clevertap import payloads
from tests.clevertap.payloads import IMAGE, texts
from tests.clevertap.payloads import body as said
from tests.clevertap.payloads import button as tapped
from tests.clevertap.payloads import header as shown
from tests.templates.samples import (
    COUPON,
    DYNAMIC,
    PHONE,
    STATIC,
    Json,
    body,
    buttons,
    card,
    carousel,
    footer,
    header,
    media,
    named_body,
    offer,
    reply,
    template,
)
from whatsapp_bridge.clevertap.codes import RequestError
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.common.template_check import check, check_status, check_texts, is_rendered_from
from whatsapp_bridge.templates.statuses import STATUSES
from whatsapp_bridge.templates.template import Template

ORDER = body("Hello {{1}}, order {{2}} is ready.", "Naledi", "81")
PLAIN = body("Hello.")
SAID = said("Hello Naledi, order 81 is ready.", "Naledi", "81")
HELLO = said("Hello.")
CARD = card(media("IMAGE"), body("Card {{1}}", "a"), buttons(DYNAMIC))
TOLD_CARD = card(shown("image", IMAGE), said("Card a", "a"), tapped(0, "dynamicUrl", "Open", *texts("a")))
ENDS = [{"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_712_081_380_237}}]
COUPON_GIVEN = {"type": "coupon_code", "coupon_code": "SAMPLECODE"}
PAYLOAD = {"type": "payload", "payload": "yes"}


def message(*components: Any) -> TemplateMessage:
    read = parse_message(json.dumps(payloads.template(*components)))
    assert isinstance(read, TemplateMessage)
    return read


def ended(text: str = "Buy now", **changes: Any) -> Json:
    return {"type": "limited_time_offer", "text": text, "parameters": ENDS} | changes


def carried(*cards: Json) -> Json:
    return {"type": "carousel", "cards": list(cards)}


FITTING = {
    "values of the body": ([ORDER], [SAID]),
    "CleverTap's own values for a check": ([ORDER], [said("Hello 0, order 1 is ready.", "0", "1")]),
    "no value": ([PLAIN], [HELLO]),
    "no value, and no body": ([PLAIN, footer()], [{"type": "footer", "footer": "x"}]),
    "a variable that occurs twice": ([body("{{1}} and {{2}} and {{1}} again")], [said("x", "a", "b")]),
    "named variables": ([named_body("Hi {{name}}, {{order_no}} for {{name}}")], [said("x", "a", "b")]),
    "a text header with a value": ([header("Order {{1}}"), PLAIN], [shown("text", {"parameters": texts("81")}), HELLO]),
    "a text header without one": ([header("Order"), PLAIN], [shown("text", {"text": "Order"}), HELLO]),
    "a text header that only the template has": ([header("Order"), PLAIN], [HELLO]),
    "a text header that only the message has": ([PLAIN], [shown("text", {"text": "Order"}), HELLO]),
    "an image": ([media("IMAGE"), PLAIN], [shown("image", IMAGE), HELLO]),
    "a video": ([media("VIDEO"), PLAIN], [shown("video", IMAGE), HELLO]),
    "a document": ([media("DOCUMENT"), PLAIN], [shown("file", IMAGE), HELLO]),
    "a location": ([media("LOCATION"), PLAIN], [shown("location", {"latitude": "1", "longitude": "2"}), HELLO]),
    "a header that CleverTap does not have": ([media("GIF"), PLAIN], [shown("video", IMAGE), HELLO]),
    "a suffix": ([PLAIN, buttons(DYNAMIC)], [HELLO, tapped(0, "dynamicUrl", "Open", *texts("cart"))]),
    "a whole URL": ([PLAIN, buttons(DYNAMIC)], [HELLO, tapped(0, "dynamicUrl", "Open", *texts("https://a.example/x"))]),
    "the variable itself, as CleverTap checks": (
        [PLAIN, buttons(DYNAMIC)],
        [HELLO, tapped(0, "dynamicUrl", "Open", *texts("https://shop.example/{{1}}"))],
    ),
    "all buttons, static ones too": (
        [PLAIN, buttons(COUPON, DYNAMIC, STATIC, PHONE, reply(), reply("No"))],
        [
            HELLO,
            tapped(0, "copy_code", "Copy", COUPON_GIVEN),
            tapped(1, "dynamicUrl", "Open", *texts("cart")),
            tapped(2, "staticUrl", "Help", *texts("https://shop.example/help")),
            tapped(3, "callPhone", "Call", *texts("+27999000001")),
            tapped(4, "quickReply", "Yes"),
            tapped(5, "quickReply", "No", PAYLOAD),
        ],
    ),
    "two buttons with index 0 go by their order": (
        [PLAIN, buttons(DYNAMIC, PHONE)],
        [HELLO, tapped(0, "dynamicUrl", "Open", *texts("cart")), tapped(0, "callPhone", "Call", *texts("+27999"))],
    ),
    "static buttons that the message lacks": (
        [PLAIN, buttons(STATIC, DYNAMIC, PHONE, reply())],
        [HELLO, tapped(1, "dynamicUrl", "Open", *texts("cart"))],
    ),
    "static buttons that the template lacks": (
        [PLAIN],
        [HELLO, tapped(0, "callPhone", "Call"), tapped(1, "quickReply", "Yes")],
    ),
    "a static button of another kind": ([PLAIN, buttons(PHONE)], [HELLO, tapped(0, "staticUrl", "Open")]),
    "a button that CleverTap does not have": ([PLAIN, buttons({"type": "FLOW", "text": "x"})], [HELLO]),
    "an offer that ends": (
        [offer(), PLAIN, buttons(COUPON)],
        [ended(), HELLO, tapped(0, "copy_code", "Copy", COUPON_GIVEN)],
    ),
    "an offer without an end": ([offer(has_expiration=False), PLAIN], [HELLO]),
    "an offer of which nobody says whether it ends": ([offer(has_expiration=None), PLAIN], [ended(), HELLO]),
    "an offer's text alone": ([PLAIN], [ended(parameters=[]), HELLO]),
    "cards": ([PLAIN, carousel(CARD, CARD)], [HELLO, carried(TOLD_CARD, TOLD_CARD)]),
    "no body told by the listing": ([footer()], [said("x", "a", "b", "c")]),
}


@pytest.mark.parametrize(("approved", "sent"), FITTING.values(), ids=FITTING.keys())
def test_fitting(approved: list[Json], sent: list[Json]) -> None:
    check(message(*sent), template(*approved))


IT = "template order_ready (en)"
OF_BODY = "components[0].body.parameters"
UNFITTING = {
    # Error 132000: number of parameters.
    "too few values": ([ORDER], [said("x", "a")], OF_BODY, f"{IT} takes 2 body values, the message has 1"),
    "too many values": ([body("{{1}}")], [said("x", "a", "b")], OF_BODY, f"{IT} takes 1 body value, the message has 2"),
    "values, and the template has none": (
        [PLAIN],
        [said("x", "a")],
        OF_BODY,
        f"{IT} takes no body values, the message has 1",
    ),
    "no values": ([ORDER], [said("x")], OF_BODY, f"{IT} takes 2 body values, the message has none"),
    "no body": (
        [ORDER],
        [{"type": "footer", "footer": "x"}],
        "components",
        f"{IT} takes 2 body values, the message has none",
    ),
    "named variables": (
        [named_body("{{a}} {{b}}")],
        [said("x", "a")],
        OF_BODY,
        f"{IT} takes 2 body values, the message has 1",
    ),
    "an empty value": ([ORDER], [said("x", "a", " ")], "components[0].body.parameters[1].text", "is empty"),
    "no value of the header": (
        [header("Order {{1}}"), PLAIN],
        [shown("text", {"text": "Order"}), HELLO],
        "components[0].header.text.parameters",
        f"{IT} takes 1 header value, the message has none",
    ),
    "no header with its value": (
        [header("Order {{1}}"), PLAIN],
        [HELLO],
        "components",
        f"{IT} takes 1 header value, the message has none",
    ),
    "a value of a header that has none": (
        [header("Order"), PLAIN],
        [shown("text", {"parameters": texts("81")}), HELLO],
        "components[0].header.text.parameters",
        f"{IT} takes no header values, the message has 1",
    ),
    # Error 132012: kind of parameter.
    "no image": (
        [media("IMAGE"), PLAIN],
        [HELLO],
        "components",
        f"{IT} has an image in the header, the message has nothing",
    ),
    "an image too many": (
        [PLAIN],
        [shown("image", IMAGE), HELLO],
        "components[0]",
        f"{IT} has nothing in the header, the message has an image",
    ),
    "a video for an image": (
        [media("IMAGE"), PLAIN],
        [shown("video", IMAGE), HELLO],
        "components[0]",
        f"{IT} has an image in the header, the message has a video",
    ),
    "a text for a document": (
        [media("DOCUMENT"), PLAIN],
        [shown("text", {"text": "x"}), HELLO],
        "components[0]",
        f"{IT} has a document in the header, the message has a text",
    ),
    "an image for a text": (
        [header("Order"), PLAIN],
        [shown("image", IMAGE), HELLO],
        "components[0]",
        f"{IT} has a text in the header, the message has an image",
    ),
    "an image for a location": (
        [media("LOCATION"), PLAIN],
        [shown("image", IMAGE), HELLO],
        "components[0]",
        f"{IT} has a location in the header, the message has an image",
    ),
    # Error 131008: a button's value is missing; 132000 for one too many.
    "no dynamic URL": (
        [PLAIN, buttons(reply(), DYNAMIC)],
        [HELLO],
        "components",
        f"button 2 of {IT} is a dynamic URL, the message has nothing there",
    ),
    "a static URL for a dynamic one": (
        [PLAIN, buttons(DYNAMIC)],
        [HELLO, tapped(0, "staticUrl", "Open", *texts("https://shop.example/"))],
        "components[1]",
        f"button 1 of {IT} is a dynamic URL, the message has a static URL there",
    ),
    "a dynamic URL for a static one": (
        [PLAIN, buttons(STATIC)],
        [HELLO, tapped(0, "dynamicUrl", "Open", *texts("x"))],
        "components[1]",
        f"button 1 of {IT} is a static URL, the message has a dynamic URL there",
    ),
    "a value for a phone number": (
        [PLAIN, buttons(PHONE)],
        [HELLO, tapped(0, "quickReply", "Yes", PAYLOAD)],
        "components[1]",
        f"button 1 of {IT} is a phone number, the message has a quick reply there",
    ),
    "a coupon for a quick reply": (
        [PLAIN, buttons(reply())],
        [HELLO, tapped(0, "copy_code", "Copy", COUPON_GIVEN)],
        "components[1]",
        f"button 1 of {IT} is a quick reply, the message has a coupon code there",
    ),
    "no coupon": (
        [PLAIN, buttons(COUPON)],
        [HELLO],
        "components",
        f"button 1 of {IT} is a coupon code, the message has nothing there",
    ),
    "buttons at each other's place": (
        [PLAIN, buttons(DYNAMIC, PHONE)],
        [HELLO, tapped(0, "callPhone", "Call"), tapped(1, "dynamicUrl", "Open", *texts("x"))],
        "components[1]",
        f"button 1 of {IT} is a dynamic URL, the message has a phone number there",
    ),
    "a dynamic URL that the template lacks": (
        [PLAIN, buttons(PHONE)],
        [HELLO, tapped(0, "callPhone", "Call"), tapped(1, "dynamicUrl", "Open", *texts("x"))],
        "components[2]",
        f"{IT} has 1 button, the message has a value for button 2",
    ),
    "an empty coupon code": (
        [PLAIN, buttons(COUPON)],
        [HELLO, tapped(0, "copy_code", "Copy", {"type": "coupon_code", "coupon_code": " "})],
        "components[1].parameters[0].coupon_code",
        "is empty",
    ),
    "no suffix": (
        [PLAIN, buttons(DYNAMIC)],
        [HELLO, tapped(0, "dynamicUrl", "Open")],
        "components[1].parameters",
        f"button 1 of {IT} takes 1 value, the message has none",
    ),
    "two suffixes": (
        [PLAIN, buttons(DYNAMIC)],
        [HELLO, tapped(0, "dynamicUrl", "Open", *texts("a", "b"))],
        "components[1].parameters",
        f"button 1 of {IT} takes 1 value, the message has 2",
    ),
    "an empty suffix": (
        [PLAIN, buttons(DYNAMIC)],
        [HELLO, tapped(0, "dynamicUrl", "Open", *texts(""))],
        "components[1].parameters[0].text",
        "is empty",
    ),
    "an offer that the template lacks": (
        [PLAIN],
        [ended(), HELLO],
        "components[0]",
        f"{IT} has no limited-time offer, the message has one",
    ),
    "no end of an offer": (
        [offer(), PLAIN],
        [ended(parameters=[]), HELLO],
        "components[0]",
        f"{IT} has an offer that ends, the message does not say when",
    ),
    "no offer": (
        [offer(), PLAIN],
        [HELLO],
        "components",
        f"{IT} has an offer that ends, the message does not say when",
    ),
    "a card too few": (
        [PLAIN, carousel(CARD, CARD, CARD)],
        [HELLO, carried(TOLD_CARD, TOLD_CARD)],
        "components[1]",
        f"{IT} has 3 cards, the message has 2",
    ),
    "a card too many": (
        [PLAIN, carousel(CARD)],
        [HELLO, carried(TOLD_CARD, TOLD_CARD)],
        "components[1]",
        f"{IT} has 1 card, the message has 2",
    ),
    "no cards": ([PLAIN, carousel(CARD, CARD)], [HELLO], "components", f"{IT} has 2 cards, the message has none"),
    "cards that the template lacks": (
        [PLAIN],
        [HELLO, carried(TOLD_CARD, TOLD_CARD)],
        "components[1]",
        f"{IT} has no cards, the message has 2",
    ),
    "values of one card": (
        [PLAIN, carousel(CARD, card(media("IMAGE"), body("Card"), buttons(DYNAMIC)))],
        [HELLO, carried(TOLD_CARD, TOLD_CARD)],
        "components[1].cards[1].components[1].body.parameters",
        f"card 2 of {IT} takes no body values, the message has 1",
    ),
    "a card's header": (
        [PLAIN, carousel(card(media("VIDEO"), body("Card {{1}}"), buttons(DYNAMIC)), CARD)],
        [HELLO, carried(TOLD_CARD, TOLD_CARD)],
        "components[1].cards[0].components[0]",
        f"card 1 of {IT} has a video in the header, the message has an image",
    ),
    "a card's button": (
        [PLAIN, carousel(CARD, card(media("IMAGE"), body("Card {{1}}"), buttons(STATIC)))],
        [HELLO, carried(TOLD_CARD, TOLD_CARD)],
        "components[1].cards[1].components[2]",
        f"button 1 of card 2 of {IT} is a static URL, the message has a dynamic URL there",
    ),
}


@pytest.mark.parametrize(("approved", "sent", "field", "reason"), UNFITTING.values(), ids=UNFITTING.keys())
def test_unfitting(approved: list[Json], sent: list[Json], field: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        check(message(*sent), template(*approved))
    assert (refused.value.field, refused.value.reason) == (field, reason)
    assert refused.value.code == RequestError.INVALID_TEMPLATE_PARAMETERS


def test_a_template_of_which_only_events_told_is_not_judged() -> None:
    check(message(said("x", "a", "b", "c")), Template("order_ready", "en", status="APPROVED"))


WORDS = {
    "PENDING": "is in review at WhatsApp",
    "IN_APPEAL": "is in review at WhatsApp after an appeal",
    "REJECTED": "was rejected by WhatsApp",
    "PAUSED": "is paused by WhatsApp",
    "DISABLED": "is disabled by WhatsApp",
    "PENDING_DELETION": "is deleted",
    "DELETED": "is deleted",
    "ARCHIVED": "is archived",
    "LIMIT_EXCEEDED": "was not reviewed, because the WhatsApp account has too many templates",
}


@pytest.mark.parametrize("name", [*STATUSES, "TOOCRAZY", ""])
def test_status(name: str) -> None:
    if name not in WORDS:
        check_status(template(status=name))
        return
    with pytest.raises(Refused) as refused:
        check_status(template(status=name))
    assert (refused.value.field, refused.value.reason) == ("template.namespace", f"{IT} {WORDS[name]}")
    assert refused.value.code == RequestError.INVALID_TEMPLATE_PARAMETERS


def test_status_with_its_reason() -> None:
    with pytest.raises(Refused, match=r"was rejected by WhatsApp \(SCAM\)"):
        check_status(template(status="REJECTED", rejected_reason="SCAM"))


@pytest.mark.parametrize(
    ("approved", "rendered", "is_same"),
    [
        ("Hello {{1}}, order {{2}} is ready.", "Hello Naledi, order 81 is ready.", True),
        ("Hello {{1}}, order {{2}} is ready.", "hello  Naledi,\norder 81 is READY.", True),
        ("Hello {{1}}, order {{2}} is ready.", "Hello Naledi, order 81 is late.", False),
        ("Hello {{1}}, order {{2}} is ready.", "Hello Naledi, parcel 81 is ready.", False),
        ("Hello {{1}}, order {{2}} is ready.", "Hi Naledi, order 81 is ready.", False),
        ("Hello {{ name }}!", "Hello Naledi!", True),
        ("Hello {{1}}", "Hello ", True),
        ("Hello {{1}}{{2}}.", "Hello ab.", True),
        ("Hello {{1}} lo", "Hello", False),
        ("Hello.", "Hello.", True),
        ("Hello.", "Hello. More.", False),
        ("{{1}} {{2}} {{3}}", "anything", True),
    ],
)
def test_rendered(approved: str, rendered: str, is_same: bool) -> None:
    assert is_rendered_from(approved, rendered) == is_same


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        pytest.param([shown("text", {"text": "Order 81", "parameters": texts("81")}), SAID], None, id="the same"),
        pytest.param([said("", "Naledi", "81")], None, id="no texts"),
        pytest.param([said("Hello {{1}}, order {{2}} is ready.", "Naledi", "81")], None, id="not filled in"),
        pytest.param([said("Goodbye", "Naledi", "81")], "components[0]", id="another body"),
        pytest.param([SAID, {"type": "footer", "footer": "Bye"}], "components[1]", id="another footer"),
        pytest.param([shown("text", {"text": "Parcel 81"}), SAID], "components[0]", id="another header"),
    ],
)
def test_texts(sent: list[Json], field: str | None) -> None:
    approved = template(header("Order {{1}}"), ORDER, footer())
    if field is None:
        check_texts(message(*sent), approved)
        return
    with pytest.raises(Refused, match="has another text") as refused:
        check_texts(message(*sent), approved)
    assert refused.value.field == field
