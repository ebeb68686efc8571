"""What a template takes from a message: its variables, header, buttons and cards, read from components in Meta's form.

Source: "Template components" of Meta's documentation, and the page of each kind of template.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from whatsapp_bridge.templates.template import Json

VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_]{1,256})\s*\}\}")


@lru_cache(maxsize=1000)
def _variables(text: str) -> Sequence[str]:
    names = list(dict.fromkeys(VARIABLE.findall(text)))
    return tuple(sorted(names, key=int) if all(name.isascii() and name.isdigit() for name in names) else names)


def variables(text: str) -> list[str]:
    """The names of a text's variables in the order in which a message has their values: numbers by size, names as they
    appear. One that occurs twice has one value."""
    return [*_variables(text)]


class ButtonShape(NamedTuple):
    """`kind` is Meta's. `url` is a URL button's, with its variable if it has one."""

    kind: str
    text: str = ""
    url: str = ""

    @property
    def is_dynamic(self) -> bool:
        return bool(variables(self.url))

    @property
    def base(self) -> str:
        """What stands before the variable: the value follows it."""
        return VARIABLE.split(self.url, maxsplit=1)[0]


class Shape(NamedTuple):
    """Of a template, or of a carousel's card. Texts are as approved; None for a part that it does not have."""

    header: str | None = None
    """The header's format: TEXT, IMAGE, VIDEO, DOCUMENT, LOCATION, or one that CleverTap does not have."""
    header_text: str = ""
    body: str | None = None
    footer: str | None = None
    buttons: Sequence[ButtonShape] = ()
    has_offer: bool = False
    offer_ends: bool | None = None
    """Whether the offer has an end, which each message names; None if the listing does not say."""
    cards: "Sequence[Shape] | None" = None
    others: Sequence[str] = ()
    """The types of components that are none of these."""

    @property
    def header_variables(self) -> list[str]:
        return variables(self.header_text)

    @property
    def body_variables(self) -> list[str]:
        return variables(self.body or "")


# What is known of a template is kept for a minute, and compared with each of its messages.
_MOST_KEPT: Final = 1000
_kept: dict[int, tuple[Sequence[Json], Shape]] = {}


def shape_of(components: Sequence[Json]) -> Shape:
    """The shape of components whose types and formats are in capitals (`Content`). They are never changed."""
    kept = _kept.get(id(components))
    if kept is not None and kept[0] is components:
        return kept[1]
    if len(_kept) >= _MOST_KEPT:
        _kept.clear()
    shape = _shape_of(components)
    _kept[id(components)] = components, shape
    return shape


def _shape_of(components: Sequence[Json]) -> Shape:
    parts: dict[str, Any] = {}
    others = []
    for component in components:
        match component.get("type"):
            case "HEADER":
                parts["header"] = _text(component.get("format")) or "TEXT"
                parts["header_text"] = _text(component.get("text"))
            case "BODY":
                parts["body"] = _text(component.get("text"))
            case "FOOTER":
                parts["footer"] = _text(component.get("text"))
            case "BUTTONS":
                parts["buttons"] = [_button(button) for button in _objects(component.get("buttons"))]
            case "LIMITED_TIME_OFFER":
                offer = component.get("limited_time_offer")
                ends = offer.get("has_expiration") if isinstance(offer, dict) else None
                parts["has_offer"], parts["offer_ends"] = True, ends if isinstance(ends, bool) else None
            case "CAROUSEL":
                cards = _objects(component.get("cards"))
                parts["cards"] = [_shape_of(_objects(card.get("components"))) for card in cards]
            case kind:
                others.append(_text(kind))
    return Shape(**parts, others=others)


def _button(button: Json) -> ButtonShape:
    return ButtonShape(_text(button.get("type")), _text(button.get("text")), _text(button.get("url")))


def _objects(value: Any) -> list[Json]:
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
