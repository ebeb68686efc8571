"""What both of Clickatell's APIs take in the same form: the text of a freeform message, a file's address and caption,
parameters by place, and hsm.

Source: sections "Plain text", "Inline media" and "HSM (legacy support)" of the comparison page named in `codes`.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from whatsapp_bridge.addresses import address
from whatsapp_bridge.clevertap.messages import BodyComponent, CustomProps, FooterComponent, Media, TemplateMessage
from whatsapp_bridge.providers.capabilities import Json, Refused

_MAX_TEXT: Final = 4096
_MAX_CAPTION: Final = 1024
"""WhatsApp's, in characters."""
_LINK: Final = re.compile(r"https?://\S", re.IGNORECASE)


def content(text: str) -> Json:
    """The members of a freeform text message. Raises `Refused`."""
    if not text.strip():
        raise Refused("text.body", "is empty")
    if len(text) > _MAX_TEXT:
        raise Refused("text.body", f"is longer than {_MAX_TEXT} characters")
    preview = {"previewFirstUrl": True} if _LINK.search(text) else {}
    return {"content": text, **preview}


def source(media: Media, kind: str, path: str) -> Json:
    """What `client` needs to fetch the file; `path` is the media's in CleverTap's message. Raises `Refused`."""
    try:
        url = address(media.media_url)
    except ValueError as error:
        raise Refused(f"{path}.mediaURL", str(error)) from None
    return {"kind": kind, "url": url, **({"fileName": media.filename} if media.filename else {})}


def caption(media: Media, kind: str) -> Json:
    """The caption of a freeform message's file. Raises `Refused`."""
    if not media.caption:
        return {}
    if kind == "audio":
        raise Refused("audio.caption", "WhatsApp shows no caption with audio")
    if len(media.caption) > _MAX_CAPTION:
        raise Refused(f"{kind}.caption", f"is longer than {_MAX_CAPTION} characters")
    return {"caption": media.caption}


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
