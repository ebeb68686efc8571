"""What Clickatell's One API accepts on POST /v1/message; the sandbox checks whether a file exists.

Codes and texts: the "Error code comparison" of Clickatell's comparison of its legacy WhatsApp API with One API.
"""

import base64
import re
from collections.abc import Callable, Set
from typing import Any

from local.sandbox import media_types
from local.sandbox.clickatell import MAX_CONTENT
from local.sandbox.template_values import MAX_BODY, MAX_HEADER, fit, is_value, is_value_of_url

MAX_MESSAGES = 100
MAX_QUICK_REPLIES = 3
_DEGREES = re.compile(r"-?[0-9]+(\.[0-9]+)?")

# code: (HTTP status, text)
ERRORS: dict[int, tuple[int, str]] = {
    1: (401, "Invalid or missing integration API Key"),
    18: (500, "Internal error"),
    19: (503, "Internal error, please retry"),
    21: (400, "Payload data is malformed."),
    22: (400, "Maximum messages per request payload exceeded"),
    23: (400, "Invalid or missing parameter: {} ."),
    24: (400, "Maximum message content size exceeded"),
    25: (400, "Invalid recipient address: {}"),
    26: (400, "Recipient opted out"),
    27: (400, "Recipient not available on channel."),
    30: (400, "Content type not supported"),
    31: (400, "Media file size exceeds limit of {} MB"),
    32: (400, "Media payload size exceeds limit of {} MB"),
    33: (400, "Media item not found"),
    39: (400, "Channel is not available on integration"),
    41: (400, "Resource does not exist"),
    42: (400, "HTTP method is not supported on this resource"),
    43: (400, "Rate limit"),
    44: (400, "FROM number is suspended"),
    45: (400, "FROM number is not related to integration"),
}


class Refused(Exception):
    """An error of ERRORS, of one message or of the whole request."""

    def __init__(self, code: int, parameter: str = "") -> None:
        super().__init__(code, parameter)
        self.code, self.http_status = code, ERRORS[code][0]
        self.description = ERRORS[code][1].format(parameter)

    def wire(self) -> dict[str, Any]:
        return {"code": self.code, "description": self.description}


_KINDS = frozenset({"content", "template", "media", "location", "contacts", "hsm"})
_FIELDS = _KINDS | {"channel", "to", "from", "clientMessageId", "previewFirstUrl", "encryptionKey"}


_CONTACT_NAME = frozenset({"firstName", "formattedName", "lastName", "middleName", "prefix", "suffix"})
_CONTACT_ORG = frozenset({"company", "department", "title"})
# A phone's WhatsApp number is `wa_id` here; in callbacks it is `waId`.
_CONTACT_LISTS = {
    "addresses": frozenset({"city", "country", "countryCode", "state", "street", "type", "zip"}),
    "emails": frozenset({"email", "type"}),
    "phones": frozenset({"phone", "type", "wa_id"}),
    "urls": frozenset({"url", "type"}),
}


def check_request(body: Any) -> list[dict[str, Any]]:
    """The messages of a request's JSON. Raises `Refused` with a global error."""
    if not isinstance(body, dict) or set(body) != {"messages"}:
        raise Refused(21)
    messages = body["messages"]
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        raise Refused(21)
    if len(messages) > MAX_MESSAGES:
        raise Refused(22)
    return messages


def template_of(message: dict[str, Any]) -> Any:
    """The name of a message's template; None if it has none."""
    template, hsm = message.get("template"), message.get("hsm")
    if isinstance(template, dict):
        return template.get("templateName")
    return hsm.get("template") if isinstance(hsm, dict) else None


def check_message(message: dict[str, Any], waba_number: str) -> None:
    """Raises `Refused` with the message's first error."""
    # Without a channel a message is an SMS, which a WhatsApp integration does not allow.
    if message.get("channel", "sms") != "whatsapp":
        raise Refused(39)
    check_recipient(message.get("to"))
    for name in sorted(set(message) - _FIELDS):
        raise Refused(23, name)
    if message.get("from", waba_number) != waba_number:
        raise Refused(45)
    for name in ("clientMessageId", "encryptionKey"):
        if name in message and not _is_text(message[name]):
            raise Refused(23, name)
    kinds = _KINDS & set(message)
    if kinds == {"content"}:
        _check_content(message)
        return
    if "previewFirstUrl" in message:
        raise Refused(23, "previewFirstUrl")
    if kinds == {"content", "media"}:
        _check_inline(message)
    elif len(kinds) != 1:
        raise Refused(23, "content")
    elif "media" in message:
        _check_object(message["media"], "media", required={"fileId"}, optional={"caption"})
        _check_file_id(message["media"], "media")
        _check_caption(message)
    elif "contacts" in message:
        _check_contacts(message["contacts"])
    elif "location" in message:
        _check_location(message["location"], encrypted="encryptionKey" in message)
    elif "hsm" in message:
        _check_hsm(message["hsm"])
    else:
        _check_template(message["template"])
    if "encryptionKey" not in message:
        check_values(message)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def check_recipient(to: Any) -> None:
    """Raises `Refused`."""
    if not isinstance(to, str) or not (to.isascii() and to.isdigit()) or not 7 <= len(to) <= 15:
        raise Refused(23, "to")
    if to.startswith("0"):
        raise Refused(25, to)


def _check_content(message: dict[str, Any]) -> None:
    if not _is_text(message["content"]) or not message["content"].strip():
        raise Refused(23, "content")
    # The length of a ciphertext is not that of its text, which is checked after decryption.
    if "encryptionKey" not in message and len(message["content"]) > MAX_CONTENT:
        raise Refused(24)
    if not isinstance(message.get("previewFirstUrl", True), bool):
        raise Refused(23, "previewFirstUrl")


def _check_file_id(media: dict[str, Any], where: str) -> None:
    if not _is_text(media["fileId"]):
        raise Refused(23, f"{where}.fileId")


def _check_inline(message: dict[str, Any]) -> None:
    media = message["media"]
    _check_object(media, "media", required={"contentType", "fileName"}, optional={"caption", "sha256Hash"})
    for name in ("contentType", "fileName", *(["sha256Hash"] if "encryptionKey" in message else [])):
        if not _is_text(media.get(name)):
            raise Refused(23, f"media.{name}")
    _check_caption(message)
    if not media_types.is_taken(media["contentType"]):
        raise Refused(30)
    if media_types.extension(media["fileName"], media["contentType"]) is None:
        raise Refused(23, "media.fileName")
    content = base64_bytes(message["content"])
    if not content:
        raise Refused(23, "content")
    if len(content) > media_types.MAX_INLINE_BYTES:
        raise Refused(31, "20")


def base64_bytes(text: Any) -> bytes | None:
    """None if it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        return None


def _check_caption(message: dict[str, Any]) -> None:
    caption = message["media"].get("caption", "-")
    if not _is_text(caption) or ("encryptionKey" not in message and len(caption) > media_types.MAX_CAPTION):
        raise Refused(23, "media.caption")


def _check_contacts(contacts: Any) -> None:
    if not isinstance(contacts, list) or not contacts:
        raise Refused(23, "contacts")
    for contact in contacts:
        _check_object(contact, "contacts", required={"name"}, optional={"birthday", "org", *_CONTACT_LISTS})
        if len(contact) < 2:
            raise Refused(23, "contacts")
        _check_members(contact["name"], "contacts.name", _CONTACT_NAME)
        if "org" in contact:
            _check_members(contact["org"], "contacts.org", _CONTACT_ORG)
        if not _is_text(contact.get("birthday", "-")):
            raise Refused(23, "contacts.birthday")
        for name in sorted(_CONTACT_LISTS.keys() & contact.keys()):
            if not isinstance(contact[name], list) or not contact[name]:
                raise Refused(23, f"contacts.{name}")
            for item in contact[name]:
                _check_members(item, f"contacts.{name}", _CONTACT_LISTS[name])


def _check_members(value: Any, where: str, members: Set[str]) -> None:
    _check_object(value, where, optional=members)
    if not value or not all(_is_text(text) for text in value.values()):
        raise Refused(23, where)


def _check_location(location: Any, *, encrypted: bool) -> None:
    _check_object(location, "location", required={"longitude", "latitude"}, optional={"name", "address"})
    for name, value in location.items():
        if not _is_text(value):
            raise Refused(23, f"location.{name}")
    # Ciphertexts are not numbers; their content is checked after decryption.
    if not encrypted:
        check_place(location)


def check_place(location: dict[str, str]) -> None:
    """Raises `Refused` if an unencrypted location is not a place on earth, or is the one that One API excludes."""
    for name, most in (("longitude", 180), ("latitude", 90)):
        if not _DEGREES.fullmatch(location[name]) or abs(float(location[name])) > most:
            raise Refused(23, f"location.{name}")
    if float(location["longitude"]) == float(location["latitude"]) == 0:
        raise Refused(23, "location")


def _check_hsm(hsm: Any) -> None:
    _check_object(hsm, "hsm", required={"template", "parameters"})
    if not _is_text(hsm["template"]):
        raise Refused(23, "hsm.template")
    _check_parameters(hsm["parameters"], "hsm.parameters")


def _check_template(template: Any) -> None:
    _check_object(template, "template", required={"templateName", "body"}, optional={"header", "buttons"})
    if not _is_text(template["templateName"]):
        raise Refused(23, "template.templateName")
    if "header" in template:
        _check_header(template["header"])
    _check_object(template["body"], "template.body", optional={"parameters"})
    _check_parameters(template["body"].get("parameters", {}), "template.body.parameters")
    if "buttons" in template:
        _check_buttons(template["buttons"])


def _check_header(header: Any) -> None:
    kind = header.get("type") if isinstance(header, dict) else None
    if kind == "media":
        _check_object(header, "template.header", required={"type", "media"})
        _check_object(header["media"], "template.header.media", required={"fileId"})
        _check_file_id(header["media"], "template.header.media")
        return
    _check_object(header, "template.header", required={"type", "text"})
    if kind != "text":
        raise Refused(23, "template.header.type")
    _check_object(header["text"], "template.header.text", optional={"parameters"})
    _check_parameters(header["text"].get("parameters", {}), "template.header.text.parameters", most=1)


def _check_buttons(buttons: Any) -> None:
    _check_object(buttons, "template.buttons", optional={"suggestedResponse", "websiteUrl"})
    if not buttons:
        raise Refused(23, "template.buttons")
    if "suggestedResponse" in buttons:
        where = "template.buttons.suggestedResponse"
        _check_object(buttons["suggestedResponse"], where, required={"postbackData"})
        postback = buttons["suggestedResponse"]["postbackData"]
        _check_parameters(postback, f"{where}.postbackData", least=1, most=MAX_QUICK_REPLIES)
    if "websiteUrl" in buttons:
        _check_website_url(buttons["websiteUrl"])


def _check_website_url(urls: Any) -> None:
    where = "template.buttons.websiteUrl"
    if not isinstance(urls, list) or len(urls) != 1:
        raise Refused(23, where)
    _check_object(urls[0], where, required={"listPosition", "parameters"})
    position = urls[0]["listPosition"]
    if isinstance(position, bool) or position not in (1, 2):
        raise Refused(23, f"{where}.listPosition")
    _check_parameters(urls[0]["parameters"], f"{where}.parameters", least=1, most=1)


def _check_object(
    value: Any, where: str, *, required: Set[str] = frozenset(), optional: Set[str] = frozenset()
) -> None:
    if not isinstance(value, dict) or not required <= set(value) or set(value) - required - optional:
        raise Refused(23, where)


def _check_parameters(parameters: Any, where: str, *, least: int = 0, most: int | None = None) -> None:
    """Keys "1".."n" without a gap, in any order; values are texts that are not empty."""
    if not isinstance(parameters, dict) or not all(_is_text(value) for value in parameters.values()):
        raise Refused(23, where)
    if set(parameters) != {str(number) for number in range(1, len(parameters) + 1)}:
        raise Refused(23, where)
    if len(parameters) < least or (most is not None and len(parameters) > most):
        raise Refused(23, where)


def check_values(message: dict[str, Any]) -> None:
    """Whether WhatsApp takes the values of a message in clear."""
    template = message.get("template", {})
    for where, holder, most in (
        ("hsm.parameters", message.get("hsm", {}), MAX_BODY),
        ("template.body.parameters", template.get("body", {}), MAX_BODY),
        ("template.header.text.parameters", template.get("header", {}).get("text", {}), MAX_HEADER),
    ):
        values = holder.get("parameters", {}).values()
        if not all(map(is_value, values)) or not fit(values, most):
            raise Refused(23, where)
    for website in template.get("buttons", {}).get("websiteUrl", []):
        if not all(map(is_value_of_url, website["parameters"].values())):
            raise Refused(23, "template.buttons.websiteUrl")


def map_values(message: dict[str, Any], function: Callable[[str], str]) -> dict[str, Any]:
    """A checked message with `function` applied to each value that is a ciphertext in an encrypted message."""
    mapped = {key: value for key, value in message.items() if key != "encryptionKey"}
    if "media" in mapped:
        # The `content` of an inline file is a ciphertext of bytes.
        caption = {name: function(text) for name, text in mapped["media"].items() if name == "caption"}
        return {**mapped, "media": mapped["media"] | caption}
    if "content" in mapped:
        return {**mapped, "content": function(mapped["content"])}
    if "location" in mapped:
        return {**mapped, "location": {name: function(text) for name, text in mapped["location"].items()}}
    if "contacts" in mapped:
        return {**mapped, "contacts": map_texts(mapped["contacts"], function)}
    kind = "hsm" if "hsm" in mapped else "template"
    return {**mapped, kind: _map_parameters(mapped[kind], function)}


def map_texts(value: Any, function: Callable[[str], str]) -> Any:
    """`value` with `function` applied to every text in it; null stays null."""
    if isinstance(value, dict):
        return {name: map_texts(item, function) for name, item in value.items()}
    if isinstance(value, list):
        return [map_texts(item, function) for item in value]
    return function(value) if isinstance(value, str) else value


def _map_parameters(value: Any, function: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_map_parameters(item, function) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: {name: function(text) for name, text in item.items()}
        if key in ("parameters", "postbackData")
        else _map_parameters(item, function)
        for key, item in value.items()
    }
