"""CleverTap's messages as requests of Gupshup's enterprise API: the form's fields, without the credentials.

Source: Gupshup's "Enterprise Messaging APIs for WhatsApp Business", https://docs.gupshup.io/, and public clients of the
API. Freeform messages use the two-way account, templates the HSM account. Gupshup identifies a template by its rendered
text, which CleverTap sends too; what a text cannot express needs the template's id at Gupshup.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pydantic_core import to_json

from whatsapp_bridge.clevertap.messages import (
    BodyComponent,
    Button,
    Carousel,
    FooterComponent,
    FreeformMessage,
    HeaderComponent,
    LimitedTimeOffer,
    RenderedText,
    TemplateMessage,
)
from whatsapp_bridge.providers.capabilities import Capabilities, Json, Refused
from whatsapp_bridge.providers.cloud_api.outbound import BUTTONS, EXTRAS, HEADERS, components, linked
from whatsapp_bridge.providers.common import whatsapp
from whatsapp_bridge.providers.common.limits import MAX_FOOTER, check_length

if TYPE_CHECKING:
    from whatsapp_bridge.providers.gupshup.settings import Account

CAPABILITIES: Final = Capabilities(
    title="Gupshup",
    freeform=frozenset({"text", "image", "video", "audio", "file"}),
    headers=HEADERS,
    buttons=BUTTONS,
    extras=EXTRAS,
    # Refused by `_by_text`.
    by_id=frozenset({"location", "copy_code", *EXTRAS}),
    # By text; by its id a template has a place for them.
    keeps_payloads=True,
    incoming=frozenset({"text", "button", "image", "video", "audio", "file", "location", "contacts"}),
    statuses=frozenset({"sent", "delivered", "read", "failed", "clicked"}),
    features=frozenset({"reference"}),
    templates=frozenset({"list", "create", "edit", "status"}),
)

_URLS: Final = frozenset({"dynamicUrl", "staticUrl"})
# Gupshup's names for CleverTap's kinds of files.
_MEDIA_TYPES: Final = {"image": "IMAGE", "video": "VIDEO", "audio": "AUDIO", "file": "DOCUMENT"}
_TEXT_LIMIT: Final = 4096
"""Characters; a text must be shorter."""
_NEEDS_ID: Final = (
    "the template's id at Gupshup: add it to the account's provider.templates, under the template's name in CleverTap"
)

type Fields = dict[str, str]


def translate(message: TemplateMessage | FreeformMessage, reference: str, account: "Account") -> Json:
    """{"account": "hsm" | "two_way", "form": the fields}; `client` adds the login. Raises `Refused`."""
    if isinstance(message, FreeformMessage):
        login, fields = "two_way", _session(message)
    else:
        login, fields = "hsm", _template(message, account.provider.templates.get(message.template.name))
    # Gupshup's reports return `extra`.
    form = {"send_to": message.to, "extra": reference, **fields}
    ascii_only = all(value.isascii() for value in form.values())
    return {"account": login, "form": {**form, "data_encoding": "TEXT" if ascii_only else "Unicode_text"}}


# --- freeform --------------------------------------------------------------------------------------------------------


def _session(message: FreeformMessage) -> Fields:
    if message.type == "text" and message.text is not None:
        return {"method": "SendMessage", "msg_type": "TEXT", "msg": _text(message.text.body, "text.body")}
    if message.media is None or message.type not in CAPABILITIES.freeform:
        raise Refused("type", f"{message.type} messages are not supported by {CAPABILITIES.title}")
    file = linked(message.media, message.type, message.type)
    # Gupshup refuses null and accepts "".
    words = whatsapp.caption(message.media, message.type) or ""
    return {"method": "SendMediaMessage", "isHSM": "false", "caption": words, **_media(file, message.type)}


def _text(text: str, path: str) -> str:
    if not text.strip():
        raise Refused(path, "is empty")
    if len(text) >= _TEXT_LIMIT:
        raise Refused(path, f"must be shorter than {_TEXT_LIMIT} characters")
    return text


def _media(file: Json, kind: str) -> Fields:
    """`file` is Meta's media object, `kind` CleverTap's."""
    named = {"filename": file["filename"]} if "filename" in file else {}
    return {"msg_type": _MEDIA_TYPES[kind], "media_url": file["link"], **named}


# --- templates -------------------------------------------------------------------------------------------------------


def _template(message: TemplateMessage, template_id: str | None) -> Fields:
    # All variables, in Meta's form, which Gupshup accepts for parts without a field of their own.
    varying = components(message, CAPABILITIES.title)
    file = _file(message, varying)
    footer = (message.footer or "").strip()
    parts = bool((message.header and not file) or footer or message.buttons or message.other)
    fields: Fields = {
        "method": "SendMediaMessage" if file else "SendMessage",
        "isHSM": "true",
        "msg_type": "TEXT" if parts else "HSM",
        **({"isTemplate": "true"} if parts else {}),
        **file,
    }
    if template_id is None:
        return fields | _by_text(message, varying, "caption" if file else "msg")
    return fields | _by_id(message, varying, template_id)


def _file(message: TemplateMessage, varying: Sequence[Json]) -> Fields:
    """The fields of a header that is a file."""
    header = message.header
    if header is None or header.media is None:
        return {}
    (parameter,) = next(part["parameters"] for part in varying if part["type"] == "header")
    return _media(parameter[parameter["type"]], header.type)


def _by_text(message: TemplateMessage, varying: Sequence[Json], body: str) -> Fields:
    """The rendered texts, by which Gupshup finds the template; `body` is the field for the body's text."""
    whatsapp.check_payloads(message)
    fields: Fields = {}
    for index, component in enumerate(message.components):
        path = f"components[{index}]"
        match component:
            case HeaderComponent(header=header) if header.type == "location":
                raise Refused(f"{path}.header.type", f"location headers need {_NEEDS_ID}")
            case HeaderComponent(header=header) if header.type == "text" and header.text is not None:
                fields["header"] = _rendered(header.text, f"{path}.header.text.text")
            case BodyComponent():
                fields[body] = _text(_rendered(component.body, f"{path}.body.text"), f"{path}.body.text")
            case FooterComponent() if component.footer.strip():
                fields["footer"] = _footer(component.footer, path)
            case Button(sub_type="copy_code"):
                raise Refused(f"{path}.subType", f"copy_code buttons need {_NEEDS_ID}")
            case LimitedTimeOffer():
                raise Refused(path, f"limited-time offers need {_NEEDS_ID}")
            case Carousel():
                raise Refused(path, f"carousels need {_NEEDS_ID}")
    if body not in fields:
        raise Refused("components", f"a template without a body needs {_NEEDS_ID}")
    return fields | _links(message.buttons, varying)


def _rendered(text: RenderedText, path: str) -> str:
    without = f"without its text a template needs {_NEEDS_ID}"
    if not text.filled.strip():
        raise Refused(path, f"is empty; {without}")
    if not text.is_filled:
        # Gupshup would take it for the value, and the person would read it.
        raise Refused(path, f"has a placeholder without a value; {without}")
    return text.filled


def _footer(text: str, path: str) -> str:
    check_length(text, f"{path}.footer", MAX_FOOTER)
    return text


def _links(buttons: Sequence[Button], varying: Sequence[Json]) -> Fields:
    """The endings of dynamic URLs. All else about buttons is part of the template: public clients send nothing for it,
    whatever their number. Of two URLs the one field does not say which it is for; public clients then send Meta's
    components, "must" also where both are static."""
    dynamic = [part for part in varying if part.get("sub_type") == "url"]
    if sum(button.sub_type in _URLS for button in buttons) > 1:
        return _components(dynamic)
    return {"buttonUrlParam": dynamic[0]["parameters"][0]["text"]} if dynamic else {}


def _components(parts: Sequence[Json]) -> Fields:
    return {"wa_template_json": to_json({"components": parts}).decode()}


def _by_id(message: TemplateMessage, varying: Sequence[Json], template_id: str) -> Fields:
    """Variables by position, and Meta's components for parts without a field. With several buttons the list is sent
    even if it is empty. Source: public clients; few of them do this."""
    fields: Fields = {"whatsAppTemplateId": template_id}
    rest: list[Json] = []
    for part in varying:
        match part["type"]:
            case "body":
                fields |= _numbered("var", part["parameters"])
            case "header":
                fields |= _header(part["parameters"])
            case _:
                rest.append(part)
    buttons = len(message.buttons)
    if buttons == len(rest) == 1 and rest[0].get("sub_type") == "url":
        fields["buttonUrlParam"] = rest[0]["parameters"][0]["text"]
    elif rest or buttons > 1:
        fields |= _components(rest)
    return fields


def _header(parameters: Sequence[Json]) -> Fields:
    match parameters:
        case [{"type": "location", "location": place}]:
            return {"msg_type": "LOCATION", "location": to_json(place).decode()}
        case [{"type": "text"}, *_]:
            return _numbered("hvar", parameters)
    return {}


def _numbered(prefix: str, parameters: Sequence[Json]) -> Fields:
    return {f"{prefix}{place}": parameter["text"] for place, parameter in enumerate(parameters, 1)}
