"""A message as its template needs it."""

import json
from typing import Any

import pytest

from tests.clevertap import payloads
from tests.clevertap.payloads import body as said
from tests.clevertap.payloads import button as tapped
from tests.clevertap.payloads import header as shown
from tests.clevertap.payloads import texts
from tests.templates.samples import DYNAMIC, Json, body, buttons, card, carousel, header, named_body, reply, template
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.clevertap.reading import parse_message, read_message
from whatsapp_bridge.providers.common.template_fitting import fitted, suffix
from whatsapp_bridge.templates.template import Template

HELLO = body("Hello.")


def message(*components: Any, **changes: Any) -> TemplateMessage:
    read = parse_message(json.dumps(payloads.template(*components, **changes)))
    assert isinstance(read, TemplateMessage)
    return read


def sent(given: TemplateMessage, approved: Template) -> Json:
    """What comes off the queue."""
    read = read_message(fitted(given, approved).wire())
    assert isinstance(read, TemplateMessage)
    return read.wire()


BASE = "https://shop.example/"


@pytest.mark.parametrize(
    ("base", "value", "expected"),
    [
        pytest.param(BASE, "cart", "cart", id="a suffix"),
        pytest.param(BASE, "https://shop.example/cart?a=1", "cart?a=1", id="the whole"),
        pytest.param(BASE, "HTTPS://Shop.Example/Cart", "Cart", id="scheme and host in capitals"),
        pytest.param(BASE, "https://shop.example/{{1}}", "{{1}}", id="the variable itself"),
        pytest.param(BASE, BASE, BASE, id="the base alone"),
        pytest.param(BASE, "https://shop.example", "https://shop.example", id="less than the base"),
        pytest.param(BASE, "https://other.example/cart", "https://other.example/cart", id="another site"),
        pytest.param("https://a.example/?to=", "https://shop.example/", "https://shop.example/", id="a URL as a value"),
        pytest.param(
            "https://a.example/Cart/", "https://a.example/cart/1", "https://a.example/cart/1", id="the path's case"
        ),
        pytest.param(BASE, "https://[shop.example/cart", "https://[shop.example/cart", id="malformed"),
    ],
)
def test_suffix(base: str, value: str, expected: str) -> None:
    assert suffix(base, value) == expected


def test_buttons() -> None:
    url = tapped(1, "dynamicUrl", "Open", *texts(f"{BASE}cart"))
    yes = tapped(0, "quickReply", "Yes")
    approved = template(HELLO, buttons(reply(), DYNAMIC))
    assert sent(message(said(), yes, url), approved)["components"] == [
        said(),
        yes,
        tapped(1, "dynamicUrl", "Open", *texts("cart")),
    ]


def test_buttons_of_cards() -> None:
    def told(value: str) -> Json:
        return {"type": "carousel", "cards": [card(tapped(0, "dynamicUrl", "Open", *texts(value)))] * 2}

    approved = template(HELLO, carousel(card(buttons(DYNAMIC)), card(buttons(DYNAMIC))))
    assert sent(message(said(), told(f"{BASE}cart")), approved)["components"] == [said(), told("cart")]


def test_name_and_language_are_the_bsps() -> None:
    given = message(template={"namespace": "Order_Ready", "languageCode": "en"})
    approved = template(language="en_US")
    assert sent(given, approved)["template"] == {"namespace": "order_ready", "languageCode": "en_US"}


def test_named_variables_have_their_names() -> None:
    given = message(shown("text", {"parameters": texts("81")}), said("", "Naledi", "today"))
    approved = template(header("Order {{no}}"), named_body("Hi {{name}}, {{day}}"), parameter_format="NAMED")
    components = sent(given, approved)["components"]
    assert components[0]["header"]["text"]["parameters"] == [{"type": "text", "text": "81", "parameter_name": "no"}]
    assert components[1]["body"]["parameters"] == [
        {"type": "text", "text": "Naledi", "parameter_name": "name"},
        {"type": "text", "text": "today", "parameter_name": "day"},
    ]


def test_a_message_that_needs_nothing_is_unchanged() -> None:
    given = message()
    assert sent(given, template()) == given.wire()
    assert sent(given, template(components=None)) == given.wire()
