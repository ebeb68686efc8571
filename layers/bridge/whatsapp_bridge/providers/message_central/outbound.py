"""CleverTap's messages as parameters of Message Central's send call.

Source: sections "Send Broadcast" and "Send Chat Messages" of Message Central's "WhatsApp Now API Documentation". A
BROADCAST has a template's name and language, and the values of its body and of up to two URLs: one text each, separated
by commas without an escape. It has no field for a header's values or file, or for payloads of quick replies: a tap
brings back the label, and the bridge puts the payload in its place. A CHAT has a text, and may have an image or video.
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
    buttons=frozenset({"quickReply", "dynamicUrl", "staticUrl", "callPhone"}),
    keeps_payloads=True,
    incoming=frozenset({"text", "button", "location", "contacts"}),
    statuses=frozenset({"sent", "delivered", "read", "failed"}),
    features=frozenset({"batch"}),
    templates=frozenset({"create", "status"}),
    # Message Central documents no limit for the rows of a sheet; this is what the queue delivers together.
    batch_size=100,
    no_bsp_id=frozenset({"template"}),
)

_MAX_URLS: Final = 2
_UNSUPPORTED: Final = f"not supported by {CAPABILITIES.title}"


def translate(message: TemplateMessage | FreeformMessage, reference: str, account: "Account") -> Json:
    """Message Central's parameters by name, those with several values as lists; `client` splits `to`.

    There is no field for `reference`. Raises `Refused`.
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
    # `message` is mandatory (error 830): the client uses the file's name if there is none.
    return {**({"message": words} if words else {}), "file": file}


# --- templates -------------------------------------------------------------------------------------------------------


def _broadcast(message: TemplateMessage, account: "Account") -> Json:
    whatsapp.check_payloads(message)
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
    """The header is part of the template; nothing of the message can be sent for it."""
    if header.type == "text":
        if header.text is not None and header.text.parameters:
            raise Refused(f"{path}.text.parameters", f"variables in a text header are {_UNSUPPORTED}")
        return
    # A type that CleverTap does not document may be any text, so the reason does not repeat it.
    kind = header.type if header.type in Header.model_fields else "such"
    if header.media is None or kind in ("such", "audio"):
        # WhatsApp has no audio in headers.
        raise Refused(f"{path}.type", f"{kind} headers are {_UNSUPPORTED}")
    if template not in account.options.template_media:
        # The message does not say whether CleverTap's file is the template's.
        raise Refused(
            f"{path}.type", f"{kind} headers are {_UNSUPPORTED}, unless options.template_media has the template"
        )


def _urls(buttons: Sequence[tuple[str, Button]]) -> list[str]:
    """The values of dynamic URLs in their order; all other buttons are part of the template."""
    urls: list[str] = []
    for path, button in sorted(buttons, key=lambda placed: placed[1].position):
        match button.sub_type:
            case "dynamicUrl":
                urls += _url(path, button)
            case "quickReply" | "staticUrl" | "callPhone":
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


def _values(values: Sequence[str], path: str) -> list[str]:
    for index, value in enumerate(whatsapp.filled(values, path)):
        if "," in value:
            raise Refused(f"{path}.parameters[{index}].text", f"a comma in a value is {_UNSUPPORTED}")
    return list(values)
