"""WhatsApp's limits for what a message has, the same for every BSP: one table, and the check of a template message.

The limits of files are in `outgoing_files`. Sources:
Meta: https://developers.facebook.com/documentation/business-messaging/whatsapp/, "Template components", "Media card
carousel templates" and the pages of the message types.
Values: the sentence of Meta's own refusal, "Param text cannot have new-line/tab characters or more than 4 consecutive
spaces". Clickatell's guide has the same rule; its comparison page says "now allowed" where it means "not allowed".
CleverTap: "Generic WhatsApp", whose templates have a body of up to 1024 characters.
"""

from collections.abc import Sequence
from typing import Final

from whatsapp_bridge.clevertap.messages import (
    BodyComponent,
    Button,
    Card,
    Carousel,
    Composed,
    FooterComponent,
    HeaderComponent,
    RenderedText,
    TemplateMessage,
    has_placeholder,
)
from whatsapp_bridge.providers.capabilities import Refused

# Characters. Meta, the pages "Text messages" and those of files.
MAX_TEXT: Final = 4096
MAX_CAPTION: Final = 1024
# Characters of a template's parts, with their values filled in. Meta, "Template components". An older page of Meta's
# allows 32768 for a template that is a body alone; the template itself has 1024 at most.
MAX_HEADER: Final = 60
MAX_BODY: Final = 1024
MAX_FOOTER: Final = 60
# Meta, "Template components"; "Media card carousel templates".
MAX_BUTTONS: Final = 10
MIN_CARDS: Final = 2
MAX_CARDS: Final = 10

_NOT_IN_A_VALUE: Final = ("\n", "\r", "\t", " " * 5)
_VALUE_REASON: Final = "must have no line break, no tab and no more than 4 spaces in a row"
# A card's URL is dynamic or static as its template has it: WhatsApp shows the same button.
_SHOWN_ALIKE: Final = {"staticUrl": "dynamicUrl"}


def check(message: TemplateMessage) -> None:
    """Raises `Refused` for a template message that WhatsApp would refuse whatever its template is."""
    _check_parts(message, "components")


def _check_parts(composed: Composed, path: str) -> None:
    buttons = 0
    for index, component in enumerate(composed.components):
        place = f"{path}[{index}]"
        match component:
            case HeaderComponent() if component.header.type == "text" and component.header.text:
                _check_text(component.header.text, f"{place}.header.text", MAX_HEADER)
            case BodyComponent():
                _check_text(component.body, f"{place}.body", MAX_BODY)
            case FooterComponent():
                check_length(component.footer, f"{place}.footer", MAX_FOOTER)
            case Button():
                buttons += 1
                _check_button(component, place, buttons)
            case Carousel():
                _check_cards(component.cards, f"{place}.cards")


def _check_text(text: RenderedText, path: str, most: int) -> None:
    values = text.parameters
    for index, value in enumerate(values):
        _check_value(value, f"{path}.parameters[{index}].text")
    check_length(text.filled, f"{path}.text", most)
    # The text may be missing.
    if sum(map(len, values)) > most:
        raise Refused(f"{path}.parameters", f"are longer than {most} characters together")


def check_length(text: str, path: str, most: int) -> None:
    """Raises `Refused` for a text of more than `most` characters, with its path in CleverTap's message."""
    if len(text) > most:
        raise Refused(path, f"is longer than {most} characters")


def _check_value(value: str, path: str) -> None:
    if any(part in value for part in _NOT_IN_A_VALUE):
        raise Refused(path, _VALUE_REASON)


def _check_button(button: Button, path: str, number: int) -> None:
    if number > MAX_BUTTONS:
        raise Refused(path, f"a template has at most {MAX_BUTTONS} buttons")
    if button.sub_type == "dynamicUrl":
        for index, parameter in enumerate(button.parameters):
            place = f"{path}.parameters[{index}].text"
            _check_value(parameter.text or "", place)
            # WhatsApp would take it: the link leads nowhere.
            if has_placeholder(parameter.text or ""):
                raise Refused(place, "still has a placeholder: give it a value")


def _check_cards(cards: Sequence[Card], path: str) -> None:
    if len(cards) < MIN_CARDS:
        raise Refused(path, f"a carousel has at least {MIN_CARDS} cards")
    check_most_cards(cards, path)
    for index, card in enumerate(cards):
        place = f"{path}[{index}]"
        if _shape(card) != _shape(cards[0]):
            raise Refused(place, "must have the same components as the first card")
        _check_parts(card, f"{place}.components")


def check_most_cards(cards: Sequence[Card], path: str) -> None:
    """Raises `Refused` for more cards than a carousel may have; `path` is that of the cards."""
    if len(cards) > MAX_CARDS:
        raise Refused(f"{path}[{MAX_CARDS}]", f"a carousel has at most {MAX_CARDS} cards")


def _shape(card: Card) -> tuple[str | None, bool, list[str]]:
    buttons = sorted(card.buttons, key=lambda button: button.position)
    kinds = [_SHOWN_ALIKE.get(button.sub_type, button.sub_type) for button in buttons]
    return card.header.type if card.header else None, card.body is not None, kinds
