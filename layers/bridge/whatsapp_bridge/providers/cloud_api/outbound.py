"""CleverTap's messages in Meta's form, for every BSP that accepts it.

Source: the pages of the message types below
https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages, and "Template
components" and the page of each kind of template below
https://developers.facebook.com/documentation/business-messaging/whatsapp/templates. Only variables are sent: static
texts, static URLs, phone numbers and footers are part of the template.
"""

from collections.abc import Iterable
from typing import Final

from whatsapp_bridge.clevertap.messages import (
    BUTTON_SUB_TYPES,
    BodyComponent,
    Button,
    Carousel,
    Composed,
    CustomProps,
    FooterComponent,
    FreeformMessage,
    Header,
    HeaderComponent,
    LimitedTimeOffer,
    Location,
    Media,
    RenderedText,
    TemplateMessage,
    TextParameter,
)
from whatsapp_bridge.providers.capabilities import Json, Refused
from whatsapp_bridge.providers.common import whatsapp
from whatsapp_bridge.providers.common.limits import check_most_cards
from whatsapp_bridge.providers.common.values import blank

FREEFORM: Final = frozenset({"text", "image", "video", "audio", "file", "location"})
HEADERS: Final = frozenset({"text", "image", "video", "file", "location"})
BUTTONS: Final = frozenset(BUTTON_SUB_TYPES.values())
EXTRAS: Final = frozenset({"limited_time_offer", "carousel"})

# Meta's names for CleverTap's kinds of files.
KINDS: Final = {"image": "image", "video": "video", "audio": "audio", "file": "document"}


def body(message: TemplateMessage | FreeformMessage, reference: str, bsp: str) -> Json:
    """The body of a request with a message. Statuses echo `reference`; `bsp` is the name for reasons. Raises
    `Refused`."""
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        # Without the plus sign, Meta may read the number as a local one in the business's country.
        "to": f"+{message.to}",
        "biz_opaque_callback_data": reference,
        **(_template(message, bsp) if isinstance(message, TemplateMessage) else _freeform(message, bsp)),
    }


def _freeform(message: FreeformMessage, bsp: str) -> Json:
    if message.type == "text" and message.text is not None:
        text = whatsapp.text(message.text.body)
        return {"type": "text", "text": {"body": text, "preview_url": whatsapp.has_link(text)}}
    if message.type == "location" and message.location is not None:
        return {"type": "location", "location": located(message.location, "location")}
    if message.media is not None:
        kind, words = KINDS[message.type], whatsapp.caption(message.media, message.type)
        file = linked(message.media, message.type, message.type)
        return {"type": kind, kind: {**file, **({"caption": words} if words else {})}}
    raise Refused("type", f"{message.type} messages are not supported by {bsp}")


def _template(message: TemplateMessage, bsp: str) -> Json:
    template: Json = {"name": message.template.name, "language": {"code": message.template.language}}
    varying = components(message, bsp)
    return {"type": "template", "template": {**template, **({"components": varying} if varying else {})}}


def components(message: Composed, bsp: str) -> list[Json]:
    """`template.components`; empty without variables. `bsp` is the name for reasons. Raises `Refused`."""
    return list(_components(message, "components", f"not supported by {bsp}"))


def _components(composed: Composed, path: str, unsupported: str) -> Iterable[Json]:
    for index, component in enumerate(composed.components):
        place = f"{path}[{index}]"
        match component:
            case HeaderComponent():
                yield from _header(component.header, f"{place}.header", unsupported)
            case BodyComponent():
                yield from _texts("body", component.body, f"{place}.body")
            case Button():
                yield from _button(component, place, unsupported)
            case LimitedTimeOffer() if path == "components":
                yield from _offer(component)
            case Carousel() if path == "components":
                yield _carousel(component, place, unsupported)
            case FooterComponent() | CustomProps():
                pass
            case _:
                raise Refused(f"{place}.type", f"such components are {unsupported}")


def _texts(kind: str, text: RenderedText, path: str) -> Iterable[Json]:
    whatsapp.filled(text.parameters, path)
    if text.text_parameters:
        yield {"type": kind, "parameters": [_text(parameter) for parameter in text.text_parameters]}


def _text(parameter: TextParameter) -> Json:
    named = {} if parameter.parameter_name is None else {"parameter_name": parameter.parameter_name}
    return {"type": "text", **named, "text": parameter.text}


# --- headers ---------------------------------------------------------------------------------------------------------


def _header(header: Header, path: str, unsupported: str) -> Iterable[Json]:
    if header.type not in HEADERS:
        # A type that CleverTap does not document may be any text, so the reason does not repeat it.
        kind = header.type if header.type in Header.model_fields else "such"
        raise Refused(f"{path}.type", f"{kind} headers are {unsupported}")
    if header.media is not None:
        kind = KINDS[header.type]
        content = {kind: linked(header.media, header.type, f"{path}.{header.type}")}
        yield {"type": "header", "parameters": [{"type": kind, **content}]}
    elif header.location is not None and header.type == "location":
        place = located(header.location, f"{path}.location")
        yield {"type": "header", "parameters": [{"type": "location", "location": place}]}
    elif header.text is not None:
        if len(header.text.parameters) > 1:
            raise Refused(f"{path}.text.parameters", "a text header takes at most one parameter")
        yield from _texts("header", header.text, f"{path}.text")


def linked(media: Media, kind: str, path: str) -> Json:
    """Meta's media object for a file by its address, without a caption; `kind` is CleverTap's. Raises `Refused`."""
    url = whatsapp.media_address(media, path)
    if kind != "file":
        return {"link": url}
    # Imported here because send starts without it.
    from whatsapp_bridge.media.file_types import file_name

    return {"link": url, "filename": file_name(media.filename, url, None)}


def located(location: Location, path: str) -> Json:
    """Meta's location object. Raises `Refused`."""
    latitude, longitude = whatsapp.coordinates(location, path)
    words = {"name": location.name, "address": location.address}
    return {
        "latitude": latitude,
        "longitude": longitude,
        **{name: value for name, value in words.items() if not blank(value)},
    }


# --- buttons ---------------------------------------------------------------------------------------------------------


def _button(button: Button, path: str, unsupported: str) -> Iterable[Json]:
    match button.sub_type:
        case "dynamicUrl":
            # Meta appends it to the template's base URL, which the bridge does not know, so it is passed on unchanged.
            yield _placed(button, "url", {"type": "text", "text": _one(button, path, "text", "a dynamic URL")})
        case "copy_code":
            code = _one(button, path, "coupon_code", "a coupon")
            yield _placed(button, "copy_code", {"type": "coupon_code", "coupon_code": code})
        case "quickReply":
            # Without a payload, Meta uses the button's text.
            if payload := whatsapp.payload_of(button, path):
                yield _placed(button, "quick_reply", {"type": "payload", "payload": payload})
        case "staticUrl" | "callPhone":
            pass
        case _:
            raise Refused(f"{path}.subType", f"such buttons are {unsupported}")


def _placed(button: Button, sub_type: str, parameter: Json) -> Json:
    # Meta's samples have the index as a number and as text; its reference says text.
    return {"type": "button", "sub_type": sub_type, "index": str(button.position), "parameters": [parameter]}


def _one(button: Button, path: str, member: str, what: str) -> str:
    if len(button.parameters) != 1:
        raise Refused(f"{path}.parameters", f"{what} takes exactly one parameter")
    value: str | None = getattr(button.parameters[0], member)
    if value is None or not value.strip():
        raise Refused(f"{path}.parameters[0].{member}", "is empty")
    return value


# --- special templates -----------------------------------------------------------------------------------------------


def _offer(offer: LimitedTimeOffer) -> Iterable[Json]:
    """An offer without an end has no parameter: the template itself has no end."""
    ends = offer.expiration_time_ms
    if ends is not None:
        parameter = {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": ends}}
        yield {"type": "limited_time_offer", "parameters": [parameter]}


def _carousel(carousel: Carousel, path: str, unsupported: str) -> Json:
    check_most_cards(carousel.cards, f"{path}.cards")
    return {
        "type": "carousel",
        "cards": [
            {
                "card_index": index,
                "components": list(_components(card, f"{path}.cards[{index}].components", unsupported)),
            }
            for index, card in enumerate(carousel.cards)
        ],
    }
