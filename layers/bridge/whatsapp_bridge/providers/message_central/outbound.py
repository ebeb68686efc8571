"""CleverTap's messages as parameters of Message Central's send call.

Source: sections "Send Broadcast" and "Send Chat Messages" of Message Central's "WhatsApp Now API Documentation". A
BROADCAST has a template's name and language, and the values of its body and of up to two URLs in one text each,
separated by commas without any escape. It has no place for a header's values or file, nor for payloads of quick
replies. A CHAT has a text, and an image or video with it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from whatsapp_bridge.clevertap.messages import (
    BUTTON_SUB_TYPES,
    BodyComponent,
    Button,
    Carousel,
    CustomProps,
    FooterComponent,
    FreeformMessage,
    Header,
    HeaderComponent,
    LimitedTimeOffer,
    Media,
    TemplateMessage,
)
from whatsapp_bridge.providers.capabilities import Capabilities, Json, Refused
from whatsapp_bridge.providers.common import whatsapp

if TYPE_CHECKING:
    from whatsapp_bridge.providers.message_central.settings import Account

CAPABILITIES: Final = Capabilities(
    title="Message Central WhatsApp Now",
    freeform=frozenset({"text", "image", "video"}),
    headers=frozenset(),
    buttons=frozenset({"dynamicUrl", "staticUrl", "callPhone"}),
    incoming=frozenset({"text", "button", "location", "contacts"}),
    statuses=frozenset({"sent", "delivered", "read", "failed"}),
    features=frozenset({"batch"}),
    # Message Central names no limit for the rows of a sheet; as many as the queue hands out together.
    batch_size=100,
    no_bsp_id=frozenset({"template"}),
)

_MAX_URLS: Final = 2
_UNSUPPORTED: Final = f"not supported by {CAPABILITIES.title}"


def translate(message: TemplateMessage | FreeformMessage, reference: str, account: "Account") -> Json:
    """Parameters by their names at Message Central, those with several values as lists; `client` splits `to`.

    There is no place for `reference`. Raises `Refused`.
    """
    if isinstance(message, FreeformMessage):
        return {"type": "CHAT", "to": message.to, **_chat(message)}
    return {"type": "BROADCAST", "to": message.to, **_broadcast(message, account)}


# --- freeform --------------------------------------------------------------------------------------------------------


def _chat(message: FreeformMessage) -> Json:
    if message.type == "text" and message.text is not None:
        return {"message": whatsapp.text(message.text.body)}
    if message.type not in CAPABILITIES.freeform or message.media is None:
        raise Refused("type", f"{message.type} messages are {_UNSUPPORTED}")
    return _file(message.media, message.type)


def _file(media: Media, kind: str) -> Json:
    file = {"kind": kind, "url": whatsapp.media_address(media, kind), "name": media.filename}
    words = (whatsapp.caption(media, kind) or "").strip()
    # The client puts the file's name in place of a message that is missing, for there has to be one (error 830).
    return {**({"message": words} if words else {}), "file": file}


# --- templates -------------------------------------------------------------------------------------------------------


def _broadcast(message: TemplateMessage, account: "Account") -> Json:
    variables: list[str] = []
    buttons: list[tuple[str, Button]] = []
    for index, component in enumerate(message.components):
        path = f"components[{index}]"
        match component:
            case HeaderComponent():
                _check_header(component.header, f"{path}.header", message.template.name, account)
            case BodyComponent():
                variables = _values(component.body.parameters, f"{path}.body")
            case Button():
                buttons.append((path, component))
            case FooterComponent() | CustomProps():
                pass
            case LimitedTimeOffer():
                raise Refused(path, f"limited-time offers are {_UNSUPPORTED}")
            case Carousel():
                raise Refused(path, f"carousels are {_UNSUPPORTED}")
            case _:
                raise Refused(f"{path}.type", f"such components are {_UNSUPPORTED}")
    return {
        "templateName": message.template.name,
        "langId": message.template.language,
        "variables": variables,
        "ctaVariables": _urls(buttons),
    }


def _check_header(header: Header, path: str, template: str, account: "Account") -> None:
    """What a header consists of is the template's own; nothing of the message can go along."""
    if header.type == "text":
        if header.text is not None and header.text.parameters:
            raise Refused(f"{path}.text.parameters", f"variables in a text header are {_UNSUPPORTED}")
        return
    # A type that CleverTap does not document is a value of the message: it is not repeated.
    kind = header.type if header.type in Header.model_fields else "such"
    if header.media is None or kind == "such":
        raise Refused(f"{path}.type", f"{kind} headers are {_UNSUPPORTED}")
    if template not in account.options.template_media:
        # Whether CleverTap's file is the template's, nothing in the message says.
        raise Refused(
            f"{path}.type", f"{kind} headers are {_UNSUPPORTED}, unless options.template_media has the template"
        )


def _urls(buttons: Sequence[tuple[str, Button]]) -> list[str]:
    """The values of dynamic URLs in their order; whatever else is a button is the template's own."""
    urls: list[str] = []
    for path, button in sorted(buttons, key=lambda placed: placed[1].position):
        match button.sub_type:
            case "dynamicUrl":
                urls += _url(path, button)
            case "quickReply":
                _check_quick_reply(path, button)
            case "staticUrl" | "callPhone":
                pass
            case _:
                kind = button.sub_type if button.sub_type in BUTTON_SUB_TYPES.values() else "such"
                raise Refused(f"{path}.subType", f"{kind} buttons are {_UNSUPPORTED}")
        if len(urls) > _MAX_URLS:
            raise Refused(path, f"more than {_MAX_URLS} dynamic URLs")
    return urls


def _url(path: str, button: Button) -> list[str]:
    if len(button.parameters) != 1:
        raise Refused(f"{path}.parameters", "a dynamic URL takes exactly one parameter")
    return _values([button.parameters[0].text or ""], path)


def _check_quick_reply(path: str, button: Button) -> None:
    # Without a payload of its own a quick reply brings back its text, as Meta has it: what says the same is no loss.
    for index, parameter in enumerate(button.parameters):
        if parameter.payload and parameter.payload.strip() not in ("", button.text.strip()):
            raise Refused(f"{path}.parameters[{index}].payload", f"quickReply payloads are {_UNSUPPORTED}")


def _values(values: Sequence[str], path: str) -> list[str]:
    for index, value in enumerate(whatsapp.filled(values, path)):
        if "," in value:
            raise Refused(f"{path}.parameters[{index}].text", f"a comma in a value is {_UNSUPPORTED}")
    return list(values)
