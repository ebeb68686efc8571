"""What both of Clickatell's APIs take in the same form: the text of a freeform message, parameters by place, and hsm.

Source: sections "Plain text" and "HSM (legacy support)" of the comparison page named in `codes`.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from whatsapp_bridge.clevertap.messages import BodyComponent, CustomProps, FooterComponent, TemplateMessage
from whatsapp_bridge.providers.capabilities import Json, Refused

_MAX_TEXT: Final = 4096
_LINK: Final = re.compile(r"https?://\S", re.IGNORECASE)


def content(text: str) -> Json:
    """The members of a freeform text message. Raises `Refused`."""
    if not text.strip():
        raise Refused("text.body", "is empty")
    if len(text) > _MAX_TEXT:
        raise Refused("text.body", f"is longer than {_MAX_TEXT} characters")
    preview = {"previewFirstUrl": True} if _LINK.search(text) else {}
    return {"content": text, **preview}


def by_place(values: Sequence[str], path: str) -> dict[str, str]:
    """Parameters by their place, "1" onwards; `path` is their owner's in CleverTap's message. Raises `Refused`."""
    for index, value in enumerate(values):
        if not value.strip():
            raise Refused(f"{path}.parameters[{index}].text", "is empty")
    return {str(place): value for place, value in enumerate(values, 1)}


def hsm(message: TemplateMessage, refused: Callable[[object, str], Refused]) -> Json:
    """A template whose only variables are those of its body, known by its name alone, without a language.

    `refused` makes the refusal of a component that has no place in it, of which it is told the path. Raises `Refused`.
    """
    parameters: dict[str, str] = {}
    for index, component in enumerate(message.components):
        path = f"components[{index}]"
        if isinstance(component, BodyComponent):
            parameters = by_place(component.body.parameters, f"{path}.body")
        elif not isinstance(component, FooterComponent | CustomProps):
            raise refused(component, path)
    # The samples show templates with parameters only; without them it is the same object, empty.
    return {"template": message.template.name, "parameters": parameters}
