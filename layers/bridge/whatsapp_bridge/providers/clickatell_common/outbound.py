"""What both of Clickatell's APIs accept in the same form: the text of a freeform message, a file's address and caption,
parameters by position, and hsm.

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
    """What `client` needs to fetch the file; `path` is the file's path in CleverTap's message. Raises `Refused`."""
    url = whatsapp.media_address(media, path)
    return {"kind": kind, "url": url, **({"fileName": media.filename} if media.filename else {})}


def caption(media: Media, kind: str) -> Json:
    """The caption of a freeform message's file. Raises `Refused`."""
    words = whatsapp.caption(media, kind)
    return {"caption": words} if words else {}


def by_place(values: Sequence[str], path: str) -> dict[str, str]:
    """Parameters by position, from "1"; `path` is that of their owner in CleverTap's message. Raises `Refused`."""
    return {str(place): value for place, value in enumerate(whatsapp.filled(values, path), 1)}


def hsm(message: TemplateMessage, refused: Callable[[object, str], Refused]) -> Json:
    """A template with variables in its body only, identified by its name without a language.

    `refused` makes the error for a component that hsm cannot hold, from the component and its path. Raises `Refused`.
    """
    parameters: dict[str, str] = {}
    for index, component in enumerate(message.components):
        path = f"components[{index}]"
        if isinstance(component, BodyComponent):
            parameters = by_place(component.body.parameters, f"{path}.body")
        elif not isinstance(component, FooterComponent | CustomProps):
            raise refused(component, path)
    # All samples have parameters; a template without any has the same object, empty.
    return {"template": message.template.name, "parameters": parameters}
