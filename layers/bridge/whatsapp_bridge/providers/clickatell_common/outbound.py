"""What both of Clickatell's APIs take in the same form: the text of a freeform message, a file's address and caption,
parameters by place, and hsm.

Source: sections "Plain text", "Inline media" and "HSM (legacy support)" of the comparison page named in `codes`.
"""

from collections.abc import Callable, Sequence

from whatsapp_bridge.clevertap.messages import BodyComponent, CustomProps, FooterComponent, Media, TemplateMessage
from whatsapp_bridge.providers.capabilities import Json, Refused
from whatsapp_bridge.providers.common import whatsapp


def content(text: str) -> Json:
    """The members of a freeform text message. Raises `Refused`."""
    preview = {"previewFirstUrl": True} if whatsapp.has_link(text) else {}
    return {"content": whatsapp.text(text), **preview}


def source(media: Media, kind: str, path: str) -> Json:
    """What `client` needs to fetch the file; `path` is the media's in CleverTap's message. Raises `Refused`."""
    url = whatsapp.media_address(media, path)
    return {"kind": kind, "url": url, **({"fileName": media.filename} if media.filename else {})}


def caption(media: Media, kind: str) -> Json:
    """The caption of a freeform message's file. Raises `Refused`."""
    words = whatsapp.caption(media, kind)
    return {"caption": words} if words else {}


def by_place(values: Sequence[str], path: str) -> dict[str, str]:
    """Parameters by their place, "1" onwards; `path` is their owner's in CleverTap's message. Raises `Refused`."""
    return {str(place): value for place, value in enumerate(whatsapp.filled(values, path), 1)}


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
