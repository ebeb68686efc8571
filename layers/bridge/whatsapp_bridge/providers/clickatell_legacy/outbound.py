"""CleverTap's messages as message objects of the legacy WhatsApp API: texts, files, and text templates.

Source: the columns "Legacy WhatsApp API" of the comparison page named in `codes`. The API has no locations, and no
templates except `hsm`.
"""

from typing import TYPE_CHECKING, Final

from whatsapp_bridge.clevertap.messages import (
    BUTTON_SUB_TYPES,
    Button,
    Carousel,
    FreeformMessage,
    Header,
    HeaderComponent,
    LimitedTimeOffer,
    TemplateMessage,
)
from whatsapp_bridge.providers.capabilities import Capabilities, Json, Refused
from whatsapp_bridge.providers.clickatell_common.outbound import caption, content, hsm, source

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell_legacy.settings import Account

CAPABILITIES: Final = Capabilities(
    title="Clickatell legacy WhatsApp API",
    freeform=frozenset({"text", "image", "video", "audio", "file"}),
    headers=frozenset(),
    buttons=frozenset(),
    incoming=frozenset({"text", "location", "contacts", "image", "video", "audio", "file"}),
    statuses=frozenset({"sent", "delivered", "read", "failed"}),
    features=frozenset({"encryption", "reference", "batch"}),
    # Error 153 shows that there is a limit, which is not documented. This is One API's; `Client` sends halves on 153.
    batch_size=100,
)

_BY_LEGACY: Final = "not supported by Clickatell's legacy WhatsApp API"


def translate(message: TemplateMessage | FreeformMessage, reference: str, account: "Account") -> Json:
    """The message object for `messages[]` of POST /wa/messages, unencrypted. Raises `Refused`.

    A file is `source`: {"kind", "url", "fileName"?}. `client` replaces it by `content` and `contentType`.
    """
    request: Json = {"to": message.to, "clientMessageId": reference}
    if isinstance(message, TemplateMessage):
        return {**request, "hsm": hsm(message, _refused)}
    if message.type == "text" and message.text is not None:
        return {**request, **content(message.text.body)}
    if message.media is not None:
        file = source(message.media, message.type, message.type)
        return {**request, "source": file, **caption(message.media, message.type)}
    raise Refused("type", f"{message.type} messages are {_BY_LEGACY}")


def _refused(component: object, path: str) -> Refused:
    # A type that CleverTap does not document may be any text, so the reason does not repeat it.
    match component:
        case HeaderComponent(header=header):
            kind = header.type if header.type in Header.model_fields else "such"
            return Refused(f"{path}.header.type", f"{kind} headers are {_BY_LEGACY}")
        case Button(sub_type=sub_type):
            kind = sub_type if sub_type in BUTTON_SUB_TYPES.values() else "such"
            return Refused(f"{path}.subType", f"{kind} buttons are {_BY_LEGACY}")
        case LimitedTimeOffer():
            return Refused(path, f"limited-time offers are {_BY_LEGACY}")
        case Carousel():
            return Refused(path, f"carousels are {_BY_LEGACY}")
        case _:
            return Refused(f"{path}.type", f"such components are {_BY_LEGACY}")
