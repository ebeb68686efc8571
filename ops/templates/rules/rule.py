"""What a rule is, and what rules look at."""

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from ops.templates.files import Place
from ops.templates.form import Body, Buttons, Card, Carousel, Draft, Header, LimitedTimeOffer
from whatsapp_bridge.templates.shapes import VARIABLE

META: Final = "Meta, "
CLEVERTAP: Final = "CleverTap, "


class Problem(NamedTuple):
    """`reason` continues the sentence that the place begins: "must ...", "has ..."."""

    place: Place
    reason: str


class Rule(NamedTuple):
    """`refuses`: WhatsApp does not take the template; else it is a warning. `words` and `source` are for people."""

    name: str
    refuses: bool
    words: str
    source: str
    check: Callable[[Draft], Iterator[Problem]]


class Part[T](NamedTuple):
    place: Place
    value: T
    card: int | None = None
    """The card's number, if it stands in one."""


def parts[T](draft: Draft, kind: type[T]) -> Iterator[Part[T]]:
    """The components of a kind, those of cards too."""
    for number, component in enumerate(draft.components):
        place: Place = ("components", number)
        if isinstance(component, kind):
            yield Part(place, component)
        if isinstance(component, Carousel):
            for card_number, card in enumerate(component.cards):
                for inner_number, inner in enumerate(card.components):
                    if isinstance(inner, kind):
                        yield Part((*place, "cards", card_number, "components", inner_number), inner, card_number)


def buttons_of[T](draft: Draft, kind: type[T]) -> Iterator[Part[T]]:
    """The buttons of a kind, those of cards too."""
    for place, component, card in parts(draft, Buttons):
        for number, button in enumerate(component.buttons):
            if isinstance(button, kind):
                yield Part((*place, "buttons", number), button, card)


def texts(draft: Draft) -> Iterator[Part[str]]:
    """The texts of headers and bodies, which may have variables."""
    for kind in (Header, Body):
        for place, component, card in parts(draft, kind):
            if component.text:
                yield Part((*place, "text"), component.text, card)


def fixed(text: str) -> str:
    """A text without its variables."""
    return VARIABLE.sub("", text)


def offer_of(draft: Draft) -> Part[LimitedTimeOffer] | None:
    return next(parts(draft, LimitedTimeOffer), None)


def carousel_of(draft: Draft) -> Part[Carousel] | None:
    return next(parts(draft, Carousel), None)


def in_card[T](card: Card, kind: type[T]) -> T | None:
    return next((component for component in card.components if isinstance(component, kind)), None)


def listed(value: list[list[str]] | list[str] | str | None) -> list[str]:
    """Samples as a list, whichever of the forms of Meta's pages they have."""
    if isinstance(value, str):
        return [value]
    flat: list[str] = []
    for each in value or []:
        flat += [each] if isinstance(each, str) else each
    return flat


def is_emoji(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _EMOJI)


# The blocks of pictures; what only changes one before it (a colour, a joiner) is none.
_EMOJI: Final = ((0x1F000, 0x1F3FA), (0x1F400, 0x1FAFF), (0x2600, 0x27BF), (0x2B00, 0x2BFF), (0x2300, 0x23FF))
