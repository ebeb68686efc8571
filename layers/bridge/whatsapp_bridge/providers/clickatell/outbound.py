"""CleverTap's messages as One API message objects.

Source: section "Outbound message request comparison" of the comparison page named in `codes`. One API identifies a
template by its name only and has no field for a language. Footer, static buttons and static texts are part of the
template.
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
    Location,
    TemplateMessage,
)
from whatsapp_bridge.providers.capabilities import Capabilities, Json, Refused
from whatsapp_bridge.providers.clickatell_common.outbound import by_place, caption, content, hsm, source
from whatsapp_bridge.providers.common import whatsapp
from whatsapp_bridge.providers.common.values import blank

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell.settings import Account

CAPABILITIES: Final = Capabilities(
    title="Clickatell One API",
    freeform=frozenset({"text", "location", "image", "video", "audio", "file"}),
    headers=frozenset({"text", "image", "video", "file"}),
    buttons=frozenset({"quickReply", "dynamicUrl", "staticUrl", "callPhone"}),
    incoming=frozenset({"text", "button", "location", "contacts", "image", "video", "audio", "file"}),
    statuses=frozenset({"sent", "delivered", "read", "failed"}),
    features=frozenset({"encryption", "reference", "batch"}),
    batch_size=100,
)

_MAX_QUICK_REPLIES: Final = 3
_URLS: Final = frozenset({"dynamicUrl", "staticUrl"})
_UNSUPPORTED: Final = f"not supported by {CAPABILITIES.title}"

type _Placed = tuple[str, Button]
"""A button and its path in CleverTap's message."""


def translate(message: TemplateMessage | FreeformMessage, reference: str, account: "Account") -> Json:
    """The message object for `messages[]` of POST /v1/message, unencrypted. Raises `Refused`.

    A file is `source` in place of `fileId`: {"kind", "url", "fileName"?}. `client` uploads it.
    """
    # A message without `channel` is an SMS.
    request: Json = {"channel": "whatsapp", "to": message.to, "clientMessageId": reference}
    if isinstance(message, FreeformMessage):
        return {**request, **_freeform(message)}
    if account.options.hsm:
        return {**request, "hsm": hsm(message, _refused_as_hsm)}
    return {**request, "template": _template(message)}


# --- freeform --------------------------------------------------------------------------------------------------------


def _freeform(message: FreeformMessage) -> Json:
    if message.type == "text" and message.text is not None:
        return content(message.text.body)
    if message.type == "location" and message.location is not None:
        return {"location": _location(message.location)}
    if message.media is not None:
        media = message.media
        return {"media": {"source": source(media, message.type, message.type), **caption(media, message.type)}}
    raise Refused("type", f"{message.type} messages are {_UNSUPPORTED}")


def _location(location: Location) -> Json:
    latitude, longitude = whatsapp.coordinates(location, "location")
    if float(latitude) == float(longitude) == 0:
        raise Refused("location", f"latitude 0 with longitude 0 is {_UNSUPPORTED}")
    words = {"name": location.name, "address": location.address}
    return {
        "longitude": longitude,
        "latitude": latitude,
        **{name: value for name, value in words.items() if not blank(value)},
    }


# --- templates -------------------------------------------------------------------------------------------------------


def _template(message: TemplateMessage) -> Json:
    # The samples omit `header` and `buttons` if there are none, but never `body`. A part without variables is an empty
    # object (a static header's "text": {}).
    template: Json = {"templateName": message.template.name, "body": {}}
    buttons: list[_Placed] = []
    for index, component in enumerate(message.components):
        path = f"components[{index}]"
        match component:
            case HeaderComponent():
                template["header"] = _header(component, path)
            case BodyComponent():
                template["body"] = _parameters(component.body.parameters, f"{path}.body")
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
    if buttons and (translated := _buttons(buttons)):
        template["buttons"] = translated
    return template


def _header(component: HeaderComponent, path: str) -> Json:
    header = component.header
    if header.type not in CAPABILITIES.headers:
        # A type that CleverTap does not document may be any text, so the reason does not repeat it.
        kind = header.type if header.type in Header.model_fields else "such"
        raise Refused(f"{path}.header.type", f"{kind} headers are {_UNSUPPORTED}")
    if header.media is not None:
        return {"type": "media", "media": {"source": source(header.media, header.type, f"{path}.header.{header.type}")}}
    parameters = header.text.parameters if header.text else []
    if len(parameters) > 1:
        raise Refused(f"{path}.header.text.parameters", "a text header takes at most one parameter")
    return {"type": "text", "text": _parameters(parameters, f"{path}.header.text")}


def _parameters(values: Sequence[str], path: str) -> Json:
    """Values by position, from "1"; {} if there are none."""
    return {"parameters": by_place(values, path)} if values else {}


# --- templates in the older form -------------------------------------------------------------------------------------


def _refused_as_hsm(component: object, path: str) -> Refused:
    unsupported = f"{_UNSUPPORTED} as hsm"
    match component:
        case HeaderComponent():
            return Refused(path, f"headers are {unsupported}")
        case Button():
            return Refused(path, f"buttons are {unsupported}")
        case LimitedTimeOffer():
            return Refused(path, f"limited-time offers are {unsupported}")
        case Carousel():
            return Refused(path, f"carousels are {unsupported}")
        case _:
            return Refused(f"{path}.type", f"such components are {unsupported}")


# --- buttons ---------------------------------------------------------------------------------------------------------


def _buttons(buttons: Sequence[_Placed]) -> Json:
    for path, button in buttons:
        if button.sub_type not in CAPABILITIES.buttons:
            kind = button.sub_type if button.sub_type in BUTTON_SUB_TYPES.values() else "such"
            raise Refused(f"{path}.subType", f"{kind} buttons are {_UNSUPPORTED}")
    ordered = sorted(buttons, key=lambda placed: placed[1].position)
    replies = [placed for placed in ordered if placed[1].sub_type == "quickReply"]
    actions = [placed for placed in ordered if placed[1].sub_type != "quickReply"]
    # In both dashboards a template has either quick replies or actions.
    if replies and actions:
        fewer = min(replies, actions, key=len)
        raise Refused(f"{fewer[0][0]}.subType", f"quick replies mixed with actions are {_UNSUPPORTED}")
    return _suggested_response(replies) if replies else _actions(actions)


def _suggested_response(replies: Sequence[_Placed]) -> Json:
    """Postback data by position among the quick replies; these templates have no other buttons."""
    if len(replies) > _MAX_QUICK_REPLIES:
        raise Refused(replies[_MAX_QUICK_REPLIES][0], f"more than {_MAX_QUICK_REPLIES} quick replies")
    payloads = [whatsapp.payload_of(button, path) for path, button in replies]
    if not any(payloads):
        # One API then returns the button's text as a plain message.
        return {}
    # The samples give postback data to all buttons or to none. A button without a payload gets its text as the payload,
    # which CleverTap would get anyway.
    postback = [payload or button.text for payload, (_, button) in zip(payloads, replies, strict=True)]
    for (path, _), data in zip(replies, postback, strict=True):
        if not data.strip():
            raise Refused(f"{path}.parameters", "must have a payload, because another quick reply has one")
    return {"suggestedResponse": {"postbackData": {str(place): data for place, data in enumerate(postback, 1)}}}


def _actions(actions: Sequence[_Placed]) -> Json:
    """Parameters of the URL button, with its position among the actions: at most one URL and one call, in any order.

    Static URLs and phone numbers are part of the template; only their positions matter here.
    """
    urls = [path for path, button in actions if button.sub_type in _URLS]
    calls = [path for path, button in actions if button.sub_type == "callPhone"]
    for paths, kind in ((urls, "URL"), (calls, "call")):
        if len(paths) > 1:
            raise Refused(paths[1], f"more than one {kind} button")
    websites = [
        {"listPosition": place, "parameters": {"1": _suffix(path, button)}}
        for place, (path, button) in enumerate(actions, 1)
        if button.sub_type == "dynamicUrl"
    ]
    return {"websiteUrl": websites} if websites else {}


def _suffix(path: str, button: Button) -> str:
    """What One API appends to the base URL in the template.

    CleverTap's samples show suffixes ("cart"), "0", whole URLs and URLs with a placeholder. Only Meta knows the base
    URL, and a variable may be a whole URL (behind a redirector), so the value is passed on unchanged.
    """
    if len(button.parameters) != 1:
        raise Refused(f"{path}.parameters", "a dynamic URL takes exactly one parameter")
    value = button.parameters[0].text
    if value is None or not value.strip():
        raise Refused(f"{path}.parameters[0].text", "is empty")
    return value
