"""What Clickatell's One API accepts on POST /v1/message, as far as messages without media go.

Codes and texts: the "Error code comparison" of Clickatell's comparison of its legacy WhatsApp API with One API.
"""

import re
from collections.abc import Callable, Set
from dataclasses import dataclass
from typing import Any

MAX_MESSAGES = 100
MAX_CONTENT = 4096
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
    33: (400, "Media item not found"),
    38: (400, "Channel/feature is not active on integration"),
    39: (400, "Channel is not available on integration"),
    41: (400, "Resource does not exist"),
    42: (400, "HTTP method is not supported on this resource"),
    43: (400, "Rate limit"),
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


def check_message(message: dict[str, Any], waba_number: str) -> None:
    """Raises `Refused` with the message's first error."""
    # Without a channel a message is an SMS, which a WhatsApp integration does not have.
    if message.get("channel", "sms") != "whatsapp":
        raise Refused(39)
    _check_recipient(message.get("to"))
    for name in sorted(set(message) - _FIELDS):
        raise Refused(23, name)
    if message.get("from", waba_number) != waba_number:
        raise Refused(45)
    for name in ("clientMessageId", "encryptionKey"):
        if name in message and not _is_text(message[name]):
            raise Refused(23, name)
    kinds = _KINDS & set(message)
    if kinds & {"media", "contacts"}:
        raise Refused(38)
    if len(kinds) != 1:
        raise Refused(23, "content")
    if "content" in message:
        _check_content(message)
    elif "previewFirstUrl" in message:
        raise Refused(23, "previewFirstUrl")
    elif "location" in message:
        _check_location(message["location"], encrypted="encryptionKey" in message)
    elif "hsm" in message:
        _check_hsm(message["hsm"])
    else:
        _check_template(message["template"])


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _check_recipient(to: Any) -> None:
    if not isinstance(to, str) or not (to.isascii() and to.isdigit()) or not 7 <= len(to) <= 15:
        raise Refused(23, "to")
    if to.startswith("0"):
        raise Refused(25, to)


def _check_content(message: dict[str, Any]) -> None:
    if not _is_text(message["content"]) or not message["content"].strip():
        raise Refused(23, "content")
    # The length of a ciphertext says nothing of its text; that is checked once it is decrypted.
    if "encryptionKey" not in message and len(message["content"]) > MAX_CONTENT:
        raise Refused(24)
    if not isinstance(message.get("previewFirstUrl", True), bool):
        raise Refused(23, "previewFirstUrl")


def _check_location(location: Any, *, encrypted: bool) -> None:
    _check_object(location, "location", required={"longitude", "latitude"}, optional={"name", "address"})
    for name, value in location.items():
        if not _is_text(value):
            raise Refused(23, f"location.{name}")
    # Ciphertexts are no numbers; what is in them is checked once they are decrypted.
    if not encrypted:
        check_place(location)


def check_place(location: dict[str, str]) -> None:
    """Raises `Refused` where a location in clear is no place on earth, or the one that One API excludes."""
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
        raise Refused(33)
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


def map_values(message: dict[str, Any], function: Callable[[str], str]) -> dict[str, Any]:
    """A checked message with `function` applied to each value that is a ciphertext in an encrypted message."""
    mapped = {key: value for key, value in message.items() if key != "encryptionKey"}
    if "content" in mapped:
        return {**mapped, "content": function(mapped["content"])}
    if "location" in mapped:
        return {**mapped, "location": {name: function(text) for name, text in mapped["location"].items()}}
    kind = "hsm" if "hsm" in mapped else "template"
    return {**mapped, kind: _map_parameters(mapped[kind], function)}


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


@dataclass(frozen=True)
class Convention:
    """What happens to messages for numbers with a certain ending."""

    statuses: tuple[int, ...] = (2, 4, 5, 6)
    error: int | None = None
    """Refused with this error ..."""
    times: int | None = None
    """... this many times for each clientMessageId, always where None."""
    answer_lost: bool = False
    """Accepted, but the connection closes without an answer."""


# The last four digits of a recipient choose what becomes of a message; any other number gets it and reads it.
CONVENTIONS: dict[str, Convention] = {
    "9400": Convention(statuses=()),  # accepted, never heard of again
    "9402": Convention(statuses=(2, 4, 5)),  # delivered, never read
    "9403": Convention(error=26),
    "9404": Convention(statuses=(2, 29)),
    "9408": Convention(answer_lost=True),
    "9409": Convention(statuses=(), answer_lost=True),
    "9411": Convention(statuses=(2, 4, 6)),  # read, never reported as delivered
    "9412": Convention(statuses=(6, 5, 4, 2)),  # out of order
    "9420": Convention(statuses=(2, 4, 20)),
    "9427": Convention(error=27),
    "9429": Convention(error=43, times=2),
    "9431": Convention(statuses=(2, 131)),
    "9432": Convention(statuses=(2, 132)),
    "9503": Convention(error=19, times=1),
}

STATUSES: dict[int, str] = {
    2: "QUEUED",
    4: "SENT_TO_SUPPLIER",
    5: "DEVICE_ACK",
    6: "READ",
    20: "EXPIRED",
    29: "RECIPIENT_DOES_NOT_EXIST",
    60: "ENCRYPTION_ACCESS_DENIED",
    61: "ENCRYPTION_CONTENT_ERROR",
    131: "WHATSAPP_RE_ENGAGEMENT_REQUIRED",
    132: "WHATSAPP_SPAM_RATE_LIMIT_REACHED",
    145: "WHATSAPP_PARAMETER_INVALID",
}


def convention(to: str) -> Convention:
    return CONVENTIONS.get(to[-4:], Convention())
