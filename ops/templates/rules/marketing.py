"""Rules of limited-time offers and carousels."""

from collections.abc import Iterator
from typing import Final

from ops.templates.form import Body, Buttons, Card, CopyCode, Draft, Footer, Header, OtherComponent, Url
from ops.templates.rules.rule import META, Problem, Rule, buttons_of, carousel_of, in_card, offer_of, parts

_OFFERS: Final = f'{META}"Limited-time offer templates"'
_CAROUSELS: Final = f'{META}"Media card carousel templates"'


# --- offers ----------------------------------------------------------------------------------------------------------


def _offer_category(draft: Draft) -> Iterator[Problem]:
    if offer_of(draft) and draft.category != "MARKETING":
        yield Problem(("category",), "must be MARKETING for a limited-time offer")


_MOST_TEXT: Final = 16


def _offer_text(draft: Draft) -> Iterator[Problem]:
    offer = offer_of(draft)
    if offer and not 1 <= len((offer.value.limited_time_offer.text or "").strip()) <= _MOST_TEXT:
        yield Problem((*offer.place, "limited_time_offer", "text"), f"must have 1 to {_MOST_TEXT} characters")


def _offer_header(draft: Draft) -> Iterator[Problem]:
    if offer_of(draft):
        for place, header, _ in parts(draft, Header):
            if header.format not in ("IMAGE", "VIDEO"):
                yield Problem((*place, "format"), "must be IMAGE or VIDEO beside a limited-time offer")


def _offer_footer(draft: Draft) -> Iterator[Problem]:
    if offer_of(draft):
        for place, _, _ in parts(draft, Footer):
            yield Problem(place, "cannot stand beside a limited-time offer")


def _offer_code(draft: Draft) -> Iterator[Problem]:
    offer = offer_of(draft)
    if offer and offer.value.limited_time_offer.has_expiration and not any(buttons_of(draft, CopyCode)):
        yield Problem(("components",), "must have a button COPY_CODE for an offer with an expiration")


def _offer_buttons(draft: Draft) -> Iterator[Problem]:
    if not offer_of(draft):
        return
    for place, component, _ in parts(draft, Buttons):
        kinds = [button.type for button in component.buttons]
        if kinds not in (["COPY_CODE", "URL"], ["URL"]):
            yield Problem((*place, "buttons"), "are a code and then a URL on Meta's page of limited-time offers")


def _offer_place(draft: Draft) -> Iterator[Problem]:
    offer, body = offer_of(draft), next(parts(draft, Body), None)
    if offer and body and body.place < offer.place:
        yield Problem(offer.place, "stands before the body on Meta's page")


# --- carousels -------------------------------------------------------------------------------------------------------


def _cards(draft: Draft) -> Iterator[tuple[tuple[str | int, ...], Card]]:
    if carousel := carousel_of(draft):
        for number, card in enumerate(carousel.value.cards):
            yield (*carousel.place, "cards", number), card


def _carousel_category(draft: Draft) -> Iterator[Problem]:
    if carousel_of(draft) and draft.category != "MARKETING":
        yield Problem(("category",), "must be MARKETING for a carousel")


_FEWEST_CARDS: Final = 2
_MOST_CARDS: Final = 10


def _card_count(draft: Draft) -> Iterator[Problem]:
    carousel = carousel_of(draft)
    if carousel and not _FEWEST_CARDS <= len(carousel.value.cards) <= _MOST_CARDS:
        yield Problem((*carousel.place, "cards"), f"must be {_FEWEST_CARDS} to {_MOST_CARDS} cards")


_OF_CARDS: Final = ("IMAGE", "VIDEO", "PRODUCT")


def _card_headers(draft: Draft) -> Iterator[Problem]:
    for place, card in _cards(draft):
        header = in_card(card, Header)
        if header is None or header.format not in _OF_CARDS:
            yield Problem(place, "must have a header IMAGE or VIDEO")


_MOST_CARD_BUTTONS: Final = 2


def _card_buttons(draft: Draft) -> Iterator[Problem]:
    for place, card in _cards(draft):
        buttons = in_card(card, Buttons)
        if buttons is None or not 1 <= len(buttons.buttons) <= _MOST_CARD_BUTTONS:
            yield Problem(place, f"must have 1 or {_MOST_CARD_BUTTONS} buttons")


def _alike(draft: Draft) -> Iterator[Problem]:
    cards = list(_cards(draft))
    for place, card in cards[1:]:
        first, own = _outline(cards[0][1]), _outline(card)
        different = [part for part in ("header", "body", "buttons") if first[part] != own[part]]
        if different:
            yield Problem(place, f"differs from the first card in its {' and '.join(different)}")


def _outline(card: Card) -> dict[str, object]:
    header, buttons = in_card(card, Header), in_card(card, Buttons)
    return {
        "header": header.format if header else None,
        "body": in_card(card, Body) is not None,
        "buttons": [button.type for button in buttons.buttons] if buttons else None,
    }


def _dynamic_alike(draft: Draft) -> Iterator[Problem]:
    dynamic: dict[int, bool] = {}
    for place, button, card in buttons_of(draft, Url):
        if card is not None:
            number = int(place[-1])
            if dynamic.setdefault(number, "{{" in button.url) != ("{{" in button.url):
                yield Problem((*place, "url"), "has a variable and the first card's has not, or the other way round")


def _beside_carousel(draft: Draft) -> Iterator[Problem]:
    if carousel_of(draft):
        for kind in (Header, Footer, Buttons, OtherComponent):
            for place, component, card in parts(draft, kind):
                if card is None:
                    yield Problem(place, f"{component.type} does not stand beside a carousel on Meta's page")


RULES: Final = (
    Rule("offer-category", True, "A limited-time offer is MARKETING", _OFFERS, _offer_category),
    Rule("offer-text", True, "Its text has 1 to 16 characters", _OFFERS, _offer_text),
    Rule("offer-header", True, "Its header is an image, a video or none", _OFFERS, _offer_header),
    Rule("offer-footer", True, "It has no footer", _OFFERS, _offer_footer),
    Rule("offer-code", True, "With an expiration it has a button COPY_CODE", _OFFERS, _offer_code),
    Rule(
        "offer-buttons",
        False,
        "Its buttons are a code and a URL, in this order",
        "Meta's page; CleverTap's sample has seven",
        _offer_buttons,
    ),
    Rule(
        "offer-place",
        False,
        "It stands before the body",
        "Meta's page; in CleverTap's sample it stands behind",
        _offer_place,
    ),
    Rule("carousel-category", True, "A carousel is MARKETING", _CAROUSELS, _carousel_category),
    Rule("card-count", True, "It has 2 to 10 cards", _CAROUSELS, _card_count),
    Rule("card-headers", True, "Each card has an image or a video", _CAROUSELS, _card_headers),
    Rule("card-buttons", True, "Each card has 1 or 2 buttons", _CAROUSELS, _card_buttons),
    Rule("cards-alike", True, "All cards have the same components, files and buttons", _CAROUSELS, _alike),
    Rule(
        "card-urls-alike",
        False,
        "A button's URL has a variable on all cards or on none",
        "Meta's page; CleverTap's sample request mixes them",
        _dynamic_alike,
    ),
    Rule("beside-carousel", False, "Beside a carousel stands the body alone", _CAROUSELS, _beside_carousel),
)
