"""A message as its template needs it, where CleverTap has it another way.

The name and the language are the BSP's, which are the ones that WhatsApp knows. Of a dynamic URL only what follows the
template's base is sent; CleverTap may have the whole. Named variables are sent with their names; CleverTap has their
values in the order in which the names appear.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from whatsapp_bridge.clevertap.messages import (
    BodyComponent,
    Button,
    Card,
    Carousel,
    Composed,
    HeaderComponent,
    RenderedText,
    TemplateMessage,
)
from whatsapp_bridge.templates.shapes import ButtonShape, Shape, shape_of
from whatsapp_bridge.templates.template import NAMED, Template


def named(message: TemplateMessage, template: Template) -> TemplateMessage:
    """The message with the name and the language that the BSP knows."""
    given = message.template
    if (given.name, given.language_code) == (template.bsp_name, template.bsp_language):
        return message
    as_known = {"name": template.bsp_name, "language_code": template.bsp_language}
    return message.model_copy(update={"template": message.template.model_copy(update=as_known)})


def fitted(message: TemplateMessage, template: Template) -> TemplateMessage:
    """The message for a template that it fits (`template_check`)."""
    content = template.content
    if content is None:
        return named(message, template)
    is_named, shape = content.parameter_format == NAMED, shape_of(content.components)
    if not (is_named or shape.cards or any(button.is_dynamic for button in shape.buttons)):
        return named(message, template)
    changed = message.model_copy(update={"components": _components(message, shape, is_named)})
    return named(changed, template)


def _components(composed: Composed, shape: Shape, is_named: bool) -> list[Any]:
    return [_component(component, shape, is_named) for component in composed.components]


def _component(component: Any, shape: Shape, is_named: bool) -> Any:
    match component:
        case Button() if component.position < len(shape.buttons):
            return _button(component, shape.buttons[component.position])
        case BodyComponent() if is_named:
            return component.model_copy(update={"body": _with_names(component.body, shape.body_variables)})
        case HeaderComponent() if is_named and component.header.text is not None:
            text = _with_names(component.header.text, shape.header_variables)
            return component.model_copy(update={"header": component.header.model_copy(update={"text": text})})
        case Carousel() if shape.cards:
            pairs = zip(component.cards, shape.cards, strict=True)
            return component.model_copy(update={"cards": [_card(card, inner, is_named) for card, inner in pairs]})
    return component


def _card(card: Card, shape: Shape, is_named: bool) -> Card:
    return card.model_copy(update={"components": _components(card, shape, is_named)})


def _with_names(text: RenderedText, names: Sequence[str]) -> RenderedText:
    pairs = zip(text.text_parameters or (), names, strict=True)
    named = [parameter.model_copy(update={"parameter_name": name}) for parameter, name in pairs]
    return text.model_copy(update={"text_parameters": named}) if named else text


def _button(button: Button, shape: ButtonShape) -> Button:
    if button.sub_type != "dynamicUrl" or not shape.is_dynamic:
        return button
    parameters = [
        parameter.model_copy(update={"text": suffix(shape.base, parameter.text)}) if parameter.text else parameter
        for parameter in button.parameters
    ]
    return button.model_copy(update={"button_parameters": parameters})


def suffix(base: str, value: str) -> str:
    """What follows the template's base in a URL that begins with it; any other value as it is. WhatsApp takes no empty
    one, so the base alone stays too."""
    if _bare_host(value).startswith(_bare_host(base)) and len(value) > len(base):
        return value[len(base) :]
    return value


def _bare_host(url: str) -> str:
    """Scheme and host in lower case: they mean the same in any."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if not parts.netloc:
        return url
    length = len(parts.scheme) + len("://") + len(parts.netloc)
    return url[:length].lower() + url[length:]
