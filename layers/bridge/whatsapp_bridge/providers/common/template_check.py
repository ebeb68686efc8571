"""A message against its template: what WhatsApp would refuse because they do not fit, in words for a marketer.

What WhatsApp refuses whatever the template is, is in `limits`. Only what the BSP would surely refuse is refused: parts
of a template that CleverTap does not have are not judged, and neither is a template whose components nobody has told.
Source: "Template components" of Meta's documentation and its error 132000, 132012 and 131008.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

from whatsapp_bridge.clevertap.messages import (
    BodyComponent,
    Button,
    Carousel,
    Composed,
    FooterComponent,
    HeaderComponent,
    LimitedTimeOffer,
    RenderedText,
    TemplateMessage,
)
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.common import whatsapp
from whatsapp_bridge.templates.shapes import VARIABLE, ButtonShape, Shape, shape_of
from whatsapp_bridge.templates.statuses import status
from whatsapp_bridge.templates.template import Template

# Meta's formats of a header, CleverTap's types, and their words.
_HEADERS: Final = {
    "TEXT": ("text", "a text"),
    "IMAGE": ("image", "an image"),
    "VIDEO": ("video", "a video"),
    "DOCUMENT": ("file", "a document"),
    "LOCATION": ("location", "a location"),
}
_WORDS: Final = dict(_HEADERS.values())
_BUTTONS: Final = {
    "dynamicUrl": "a dynamic URL",
    "staticUrl": "a static URL",
    "quickReply": "a quick reply",
    "callPhone": "a phone number",
    "copy_code": "a coupon code",
}
# Kinds of buttons that a message has no value for, and those that it may have one for, by Meta's names.
_FIXED: Final = {"URL": "a static URL", "PHONE_NUMBER": "a phone number"}
_FIELD: Final = "template.namespace"


def check_status(template: Template) -> None:
    """Raises `Refused` for a template that cannot be sent now."""
    row = status(template.status)
    if row.sendable is False:
        reason = f" ({template.reason})" if template.reason else ""
        raise Refused(_FIELD, f"template {template.title} {row.words}{reason}")


def check(message: TemplateMessage, template: Template) -> None:
    """Raises `Refused` for a message that does not fit its template."""
    shape = _shape(template)
    if shape is not None:
        _check_parts(message, shape, "components", f"template {template.title}")


def _shape(template: Template) -> Shape | None:
    """None if it is not known: every template has a body."""
    shape = shape_of(template.content.components) if template.content is not None else None
    return shape if shape is not None and shape.body is not None else None


class _Parts:
    """The components of a message or card by their types, with their paths: looked through once, because looking for
    each would take longer than all the comparing."""

    def __init__(self, composed: Composed, path: str) -> None:
        self.path = path
        self.buttons: dict[int, tuple[Button, str]] = {}
        self._others: dict[type, tuple[Any, str]] = {}
        for index, component in enumerate(composed.components):
            place = f"{path}[{index}]"
            if type(component) is Button:
                self.buttons[component.position] = component, place
            else:
                self._others[type(component)] = component, place

    def first[T](self, kind: type[T]) -> tuple[T | None, str]:
        """The component of a kind, and its path; that of all if there is none."""
        return self._others.get(kind, (None, self.path))


def _check_parts(composed: Composed, shape: Shape, path: str, title: str) -> None:
    parts = _Parts(composed, path)
    _check_header(*parts.first(HeaderComponent), shape, title)
    body, place = parts.first(BodyComponent)
    _check_values(body.body if body else None, shape.body_variables, f"{place}.body" if body else place, title, "body")
    _check_buttons(parts, shape.buttons, title)
    _check_offer(*parts.first(LimitedTimeOffer), shape, title)
    _check_cards(*parts.first(Carousel), shape, title)


# --- header and body -------------------------------------------------------------------------------------------------


def _check_header(component: HeaderComponent | None, place: str, shape: Shape, title: str) -> None:
    header = component.header if component else None
    wanted, given = shape.header, header.type if header else None
    if wanted is not None and wanted not in _HEADERS:
        return
    if wanted in (None, "TEXT") and given in (None, "text"):
        # A text without values is not sent: WhatsApp has it, or not.
        text_place = f"{place}.header.text" if header else place
        _check_values(header.text if header else None, shape.header_variables, text_place, title, "header")
        return
    kind, words = _HEADERS[wanted] if wanted is not None else (None, "nothing")
    if kind != given:
        has = _WORDS.get(given, "something else") if given else "nothing"
        raise Refused(place, f"{title} has {words} in the header, the message has {has}")


def _check_values(text: RenderedText | None, names: Sequence[str], place: str, title: str, part: str) -> None:
    values = text.parameters if text else []
    if len(values) != len(names):
        takes = _counted(len(names), f"{part} value")
        field = f"{place}.parameters" if text else place
        raise Refused(field, f"{title} takes {takes}, the message has {len(values) or 'none'}")
    whatsapp.filled(values, place)


def _counted(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


# --- buttons ---------------------------------------------------------------------------------------------------------


def _check_buttons(parts: _Parts, wanted: Sequence[ButtonShape], title: str) -> None:
    for place, shape in enumerate(wanted):
        button, path = parts.buttons.get(place, (None, parts.path))
        _check_button(button, shape, path, f"button {place + 1} of {title}")
    for place, (button, path) in parts.buttons.items():
        if place >= len(wanted) and _has_value(button):
            has = _counted(len(wanted), "button")
            raise Refused(path, f"{title} has {has}, the message has a value for button {place + 1}")


def _check_button(button: Button | None, shape: ButtonShape, path: str, title: str) -> None:
    has = "nothing" if button is None else _BUTTONS.get(button.sub_type, "something else")
    match shape.kind:
        case "URL" if shape.is_dynamic:
            if button is None or button.sub_type != "dynamicUrl":
                raise Refused(path, f"{title} is a dynamic URL, the message has {has} there")
            _check_one(button, path, title, "text")
        case "COPY_CODE":
            if button is None or button.sub_type != "copy_code":
                raise Refused(path, f"{title} is a coupon code, the message has {has} there")
            _check_one(button, path, title, "coupon_code")
        case "QUICK_REPLY":
            if button is not None and button.sub_type != "quickReply" and _has_value(button):
                raise Refused(path, f"{title} is a quick reply, the message has {has} there")
        case "URL" | "PHONE_NUMBER":
            if button is not None and _has_value(button):
                raise Refused(path, f"{title} is {_FIXED[shape.kind]}, the message has {has} there")


def _check_one(button: Button, path: str, title: str, member: str) -> None:
    values = [getattr(parameter, member) for parameter in button.parameters]
    if len(values) != 1:
        raise Refused(f"{path}.parameters", f"{title} takes 1 value, the message has {len(values) or 'none'}")
    if not (values[0] or "").strip():
        raise Refused(f"{path}.parameters[0].{member}", "is empty")


def _has_value(button: Button) -> bool:
    """Whether a BSP gets something for this button. Static ones are sent by CleverTap, and not on to WhatsApp."""
    if button.sub_type == "quickReply":
        return any((parameter.payload or "").strip() for parameter in button.parameters)
    return button.sub_type in ("dynamicUrl", "copy_code")


# --- special templates -----------------------------------------------------------------------------------------------


def _check_offer(offer: LimitedTimeOffer | None, place: str, shape: Shape, title: str) -> None:
    ends = offer.expiration_time_ms if offer else None
    if ends is not None and not shape.has_offer:
        raise Refused(place, f"{title} has no limited-time offer, the message has one")
    if ends is None and shape.offer_ends:
        raise Refused(place, f"{title} has an offer that ends, the message does not say when")


def _check_cards(carousel: Carousel | None, place: str, shape: Shape, title: str) -> None:
    cards, wanted = carousel.cards if carousel else [], shape.cards or []
    if len(cards) != len(wanted):
        has = len(cards) or "none"
        raise Refused(place, f"{title} has {_counted(len(wanted), 'card')}, the message has {has}")
    for index, (card, card_shape) in enumerate(zip(cards, wanted, strict=True)):
        _check_parts(card, card_shape, f"{place}.cards[{index}].components", f"card {index + 1} of {title}")


# --- texts -----------------------------------------------------------------------------------------------------------


def check_texts(message: TemplateMessage, template: Template) -> None:
    """Raises `Refused` for a text whose fixed parts are not those that WhatsApp has approved; case and blanks do not
    count. A BSP refuses that only if it is given the text in place of the values."""
    shape = _shape(template)
    if shape is None:
        return
    title, parts = f"template {template.title}", _Parts(message, "components")
    header, of_header = parts.first(HeaderComponent)
    body, of_body = parts.first(BodyComponent)
    footer, of_footer = parts.first(FooterComponent)
    texts = [
        (shape.body or "", body.body.filled if body else "", of_body),
        (shape.footer or "", footer.footer if footer else "", of_footer),
    ]
    if shape.header == "TEXT" and header is not None and header.header.text is not None:
        texts.append((shape.header_text, header.header.text.filled, of_header))
    for approved, rendered, place in texts:
        # The template has it, so a message may omit it.
        if rendered.strip() and not is_rendered_from(approved, rendered):
            raise Refused(place, f"{title} has another text")


def is_rendered_from(approved: str, rendered: str) -> bool:
    """Whether a text is the approved one with values for its variables; case and blanks do not count."""
    first, *between = _fixed_parts(approved)
    left = _bare(rendered)
    if not between:
        return left == first
    last = between.pop()
    if not left.startswith(first) or not left[len(first) :].endswith(last):
        return False
    left = left[len(first) : len(left) - len(last)]
    for part in between:
        _, found, left = left.partition(part) if part else ("", "", left)
        if part and not found:
            return False
    return True


@lru_cache(maxsize=1000)
def _fixed_parts(approved: str) -> Sequence[str]:
    return tuple(_bare(part) for part in VARIABLE.split(approved)[::2])


def _bare(text: str) -> str:
    return "".join(text.split()).casefold()
