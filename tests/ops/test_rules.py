"""Every rule of `bridge templates lint`: a template that breaks it, and a near one that does not."""

from typing import Any, NamedTuple

import pytest

from ops.templates.rules import BETWEEN, RULES
from tests.ops.drafts import (
    BODY,
    CODE,
    DYNAMIC,
    IMAGE,
    PHONE,
    REPLY,
    URL,
    body,
    buttons,
    card,
    carousel,
    draft,
    findings,
    footer,
    header,
    offer,
)


class Row(NamedTuple):
    """`place` is where the rule shows in `breaks`."""

    place: str
    breaks: Any
    keeps: Any


def named(text: str, *names: str, **members: Any) -> Any:
    samples = [{"param_name": name, "example": "Ada"} for name in names]
    component = {"type": "BODY", "text": text, "example": {"body_text_named_params": samples}}
    return draft(component, parameter_format="NAMED", **members)


ROWS: dict[str, Row] = {
    "name": Row("name", draft(name="Order-Update"), draft(name="order_update_2")),
    "name-of-a-sample": Row("name", draft(name="hello_world"), draft(name="hello_world_2")),
    "long-name": Row("name", draft(name="n" * 181), draft(name="n" * 180)),
    "language": Row("language", draft(language="English"), draft(language="en")),
    "unknown-language": Row("language", draft(language="en_XX"), draft(language="en_GB")),
    "spelling-of-language": Row("language", draft(language="en-GB"), draft(language="en_GB")),
    "another-language": Row("components[0].text", draft(language="ar"), draft(language="fr")),
    "category": Row("category", draft(category="OTP"), draft(category="utility")),
    "not-sent": Row("category", draft(category="AUTHENTICATION"), draft(category="UTILITY")),
    "body-missing": Row("components", draft(footer()), draft(BODY, footer())),
    "twice": Row("components[1]", draft(BODY, BODY), draft(BODY, footer())),
    "ttl": Row(
        "message_send_ttl_seconds",
        draft(message_send_ttl_seconds=60),
        draft(category="UTILITY", message_send_ttl_seconds=60),
    ),
    "body-length": Row("components[0].text", draft(body("x" * 1025)), draft(body("x" * 1024))),
    "filled-length": Row(
        "components[0].text",
        draft(body("x" * 990 + " {{1}} end", "a long value")),
        draft(body("x" * 900 + " {{1}} end", "a value")),
    ),
    "only-variables": Row("components[0].text", draft(body("- {{1}} !", "Ada")), draft(BODY)),
    "line-breaks": Row("components[0].text", draft(body("One.\n\n\nTwo.")), draft(body("One.\n\nTwo."))),
    "many-emoji": Row("components[0].text", draft(body("Hi " + "🎉" * 11)), draft(body("Hi " + "🎉" * 10))),
    "header-text": Row("components[0].text", draft(header("x" * 61), BODY), draft(header("x" * 60), BODY)),
    "header-variables": Row(
        "components[0].text",
        draft(header("Hi {{1}} and {{2}}!", "Ada", "Bob"), BODY),
        draft(header("Hi {{1}}!", "Ada"), BODY),
    ),
    "header-plain": Row("components[0].text", draft(header("Big *sale*"), BODY), draft(header("Big sale_now"), BODY)),
    "header-format": Row("components[0].format", draft({**IMAGE, "format": "GIF"}, BODY), draft(IMAGE, BODY)),
    "header-of-a-product": Row(
        "components[0].format", draft({"type": "HEADER", "format": "PRODUCT"}, BODY), draft(IMAGE, BODY)
    ),
    "header-sample": Row(
        "components[0]",
        draft({"type": "HEADER", "format": "VIDEO"}, BODY),
        draft({"type": "HEADER", "format": "VIDEO", "example": {"header_handle": ["4::aW"]}}, BODY),
    ),
    "header-file": Row(
        "components[0].example.header_file",
        draft({**IMAGE, "example": {"header_file": "picture.gif"}}, BODY),
        draft({**IMAGE, "example": {"header_file": "PICTURE.JPG"}}, BODY),
    ),
    "header-link": Row(
        "components[0].example.header_handle",
        draft({**IMAGE, "example": {"header_handle": ["https://scontent.example/a.png"]}}, BODY),
        draft({**IMAGE, "example": {"header_handle": ["4::aW"]}}, BODY),
    ),
    "location-header": Row(
        "components[0].format",
        draft({"type": "HEADER", "format": "LOCATION"}, BODY, category="AUTHENTICATION"),
        draft({"type": "HEADER", "format": "LOCATION"}, BODY, category="UTILITY"),
    ),
    "footer-length": Row("components[1].text", draft(BODY, footer("x" * 61)), draft(BODY, footer("x" * 60))),
    "footer-variables": Row("components[1].text", draft(BODY, footer("Hi {{1}}")), draft(BODY, footer("Hi"))),
    "braces": Row("components[0].text", draft(body("Hello {1}, welcome to us.")), draft(BODY)),
    "characters": Row("components[0].text", draft(body("Your order {{#1}} is here.")), draft(BODY)),
    "numbers": Row(
        "components[0].text",
        draft(body("Hello {{1}}, take {{3}} now, it is cheap.", "Ada", "one")),
        draft(body("Hello {{1}}, take {{2}} now, it is cheap.", "Ada", "one")),
    ),
    "mixed": Row(
        "components[0].text",
        draft(body("Hello {{first_name}}, it is here.")),
        named("Hello {{name}}, welcome.", "name"),
    ),
    "parameter-format": Row(
        "parameter_format", draft(parameter_format="LETTERS"), draft(parameter_format="positional")
    ),
    "names": Row(
        "components[0].text", named("Hello {{Name}}, welcome.", "Name"), named("Hello {{my_name}}, welcome.", "my_name")
    ),
    "names-with-digits": Row(
        "components[0].text", named("Hello {{name1}}, welcome.", "name1"), named("Hello {{name}}, welcome.", "name")
    ),
    "unique": Row(
        "components[0].text",
        named("Hello {{name}}, it is you, {{name}}, again.", "name"),
        named("Hello {{name}}, it is you, {{other}}, again.", "name", "other"),
    ),
    "edges": Row("components[0].text", draft(body("{{1}}, your order is here.", "Ada")), draft(BODY)),
    "side-by-side": Row(
        "components[0].text",
        draft(body("Hello {{1}} {{2}}, your order is here.", "Ada", "B")),
        draft(body("Hello {{1}} and {{2}}, your order is here.", "Ada", "B")),
    ),
    "words": Row("components[0].text", draft(body("Hi {{1}} now", "Ada")), draft(BODY)),
    "samples": Row("components[0].example", draft(body("Hello {{1}}, your order is here.")), draft(BODY)),
    "flat-samples": Row(
        "components[0].example.body_text", draft({**BODY, "example": {"body_text": ["Ada"]}}), draft(BODY)
    ),
    "sample-values": Row(
        "components[0].example.body_text",
        draft(body("Hello {{1}}, welcome.", "Ada\nLovelace")),
        draft(body("Hello {{1}}, welcome.", "Ada Lovelace")),
    ),
    "private-samples": Row(
        "components[0].example.body_text",
        draft(body("Write to {{1}} for help.", "ada@shop.example")),
        draft(body("Order {{1}} is here.", "860198-230332")),
    ),
    "button-count": Row(
        "components[1].buttons", draft(BODY, buttons(PHONE, PHONE)), draft(BODY, buttons(PHONE, URL, URL))
    ),
    "catalog": Row(
        "components[1].buttons",
        draft(BODY, buttons({"type": "CATALOG", "text": "View"}, URL)),
        draft(BODY, buttons({"type": "CATALOG", "text": "View"})),
    ),
    "button-order": Row(
        "components[1].buttons", draft(BODY, buttons(REPLY, URL, REPLY)), draft(BODY, buttons(URL, REPLY, REPLY))
    ),
    "many-replies": Row(
        "components[1].buttons", draft(BODY, buttons(*[REPLY] * 7)), draft(BODY, buttons(*[REPLY] * 6))
    ),
    "few-buttons": Row("components[1].buttons", draft(BODY, buttons(URL, REPLY)), draft(BODY, buttons(URL, PHONE))),
    "labels": Row(
        "components[1].buttons[0].text",
        draft(BODY, buttons({**REPLY, "text": "x" * 26})),
        draft(BODY, buttons({**REPLY, "text": "x" * 25})),
    ),
    "plain-labels": Row(
        "components[1].buttons[0].text", draft(BODY, buttons({**REPLY, "text": "Yes 🎉"})), draft(BODY, buttons(REPLY))
    ),
    "urls": Row(
        "components[1].buttons[0].url",
        draft(BODY, buttons({**URL, "url": "shop.example"})),
        draft(BODY, buttons({**URL, "url": "https://shop.example"})),
    ),
    "url-variable": Row(
        "components[1].buttons[0].url",
        draft(BODY, buttons({**DYNAMIC, "url": "https://shop.example/{{1}}/a"})),
        draft(BODY, buttons(DYNAMIC)),
    ),
    "url-sample": Row(
        "components[1].buttons[0].example",
        draft(BODY, buttons({**URL, "url": "https://shop.example/{{1}}"})),
        draft(BODY, buttons(DYNAMIC)),
    ),
    "short-links": Row(
        "components[1].buttons[0].url",
        draft(BODY, buttons({**URL, "url": "https://bit.ly/3abc"})),
        draft(BODY, buttons(URL)),
    ),
    "phones": Row(
        "components[1].buttons[0].phone_number",
        draft(BODY, buttons({**PHONE, "phone_number": "+27 999 000 001"})),
        draft(BODY, buttons(PHONE)),
    ),
    "codes": Row(
        "components[1].buttons[0].example",
        draft(BODY, buttons({**CODE, "example": "x" * 16})),
        draft(BODY, buttons({**CODE, "example": ["x" * 15]})),
    ),
    "code-label": Row(
        "components[1].buttons[0].text",
        draft(BODY, buttons({**CODE, "text": "Copy it"})),
        draft(BODY, buttons({**CODE, "text": "Copy offer code"})),
    ),
    "code-category": Row(
        "components[1].buttons[0]", draft(BODY, buttons(CODE), category="UTILITY"), draft(BODY, buttons(CODE))
    ),
    "offer-category": Row(
        "category",
        draft(offer(), BODY, buttons(CODE, URL), category="UTILITY"),
        draft(offer(), BODY, buttons(CODE, URL)),
    ),
    "offer-text": Row(
        "components[0].limited_time_offer.text",
        draft(offer("x" * 17), BODY, buttons(CODE, URL)),
        draft(offer("x" * 16), BODY, buttons(CODE, URL)),
    ),
    "offer-header": Row(
        "components[0].format",
        draft(header("Sale"), offer(), BODY, buttons(CODE, URL)),
        draft(IMAGE, offer(), BODY, buttons(CODE, URL)),
    ),
    "offer-footer": Row(
        "components[2]", draft(offer(), BODY, footer(), buttons(CODE, URL)), draft(offer(), BODY, buttons(CODE, URL))
    ),
    "offer-code": Row(
        "components",
        draft(offer(), BODY, buttons(URL)),
        draft(offer(has_expiration=False), BODY, buttons(URL)),
    ),
    "offer-buttons": Row(
        "components[2].buttons", draft(offer(), BODY, buttons(URL, CODE)), draft(offer(), BODY, buttons(CODE, URL))
    ),
    "offer-place": Row(
        "components[1]", draft(BODY, offer(), buttons(CODE, URL)), draft(offer(), BODY, buttons(CODE, URL))
    ),
    "carousel-category": Row("category", draft(BODY, carousel(), category="UTILITY"), draft(BODY, carousel())),
    "card-count": Row("components[1].cards", draft(BODY, carousel(card())), draft(BODY, carousel(card(), card()))),
    "card-headers": Row(
        "components[1].cards[0]",
        draft(BODY, carousel(card(buttons(URL)), card(buttons(URL)))),
        draft(BODY, carousel()),
    ),
    "card-buttons": Row(
        "components[1].cards[0]", draft(BODY, carousel(card(IMAGE), card(IMAGE))), draft(BODY, carousel())
    ),
    "cards-alike": Row(
        "components[1].cards[1]",
        draft(BODY, carousel(card(), card(IMAGE, body("A fern"), buttons(URL)))),
        draft(BODY, carousel(*[card(IMAGE, body("A fern"), buttons(URL))] * 2)),
    ),
    "card-urls-alike": Row(
        "components[1].cards[1].components[1].buttons[0].url",
        draft(BODY, carousel(card(), card(IMAGE, buttons(DYNAMIC)))),
        draft(BODY, carousel()),
    ),
    "beside-carousel": Row("components[2]", draft(BODY, carousel(), footer()), draft(BODY, carousel())),
}
"""By the rule's name."""

BY_NAME = {rule.name: rule for rule in RULES}


def test_each_rule_has_a_row_and_a_source() -> None:
    assert set(ROWS) == set(BY_NAME)
    assert len(BY_NAME) == len(RULES)
    assert all(rule.source and rule.words for rule in (*RULES, *BETWEEN))


@pytest.mark.parametrize("name", ROWS)
def test_template_that_breaks_the_rule(name: str) -> None:
    found = [finding for finding in findings(ROWS[name].breaks) if finding.rule.name == name]

    assert [(finding.where, finding.refuses) for finding in found][:1] == [(ROWS[name].place, BY_NAME[name].refuses)]


@pytest.mark.parametrize("name", ROWS)
def test_template_that_keeps_the_rule(name: str) -> None:
    assert name not in [finding.rule.name for finding in findings(ROWS[name].keeps)]


@pytest.mark.parametrize(
    ("name", "place", "first", "second", "near"),
    [
        ("same-key", "name", draft(), draft(language="en"), draft(language="fr")),
        ("one-category", "category", draft(), draft(language="fr", category="UTILITY"), draft(language="fr")),
        ("duplicate", "components", draft(), draft(name="another"), draft(body("Other words."), name="another")),
    ],
)
def test_rules_between_templates(name: str, place: str, first: Any, second: Any, near: Any) -> None:
    broken = [finding.where for finding in findings(first, second) if finding.rule.name == name]

    assert broken == [place]
    assert name not in [finding.rule.name for finding in findings(first, near)]


def test_every_rule_between_templates_is_tried() -> None:
    assert {rule.name for rule in BETWEEN} == {"same-key", "one-category", "duplicate"}


def test_card_has_its_own_limit_for_the_body() -> None:
    cards = carousel(*[card(IMAGE, body("x" * 161), buttons(URL))] * 2)

    places = [each.where for each in findings(draft(BODY, cards)) if each.rule.name == "body-length"]

    assert places == ["components[1].cards[0].components[1].text", "components[1].cards[1].components[1].text"]


def test_offer_has_its_own_limit_for_the_body() -> None:
    long = draft(offer(), body("x" * 601), buttons(CODE, URL))

    assert [each.reason for each in findings(long) if each.refuses] == ["has 601 characters, 600 at most"]
