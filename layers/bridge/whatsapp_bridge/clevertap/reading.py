"""Reads CleverTap's messages: JSON becomes the models of `messages`, an error becomes a field and a reason."""

import re
from typing import Any, Final

from pydantic_core import ValidationError

from whatsapp_bridge.clevertap.codes import RequestError
from whatsapp_bridge.clevertap.messages import (
    MAX_MSG_ID_LENGTH,
    VALIDATION_TEMPLATE,
    FreeformMessage,
    TemplateMessage,
)
from whatsapp_bridge.runtime.json_text import read_json
from whatsapp_bridge.runtime.validation import first_problem

# The deepest published message, a carousel, has 12 levels.
MAX_DEPTH: Final = 64


class NotJson(Exception):
    """The body is not JSON, or is nested deeper than `MAX_DEPTH`."""


class InvalidMessage(Exception):
    """JSON that is not a message that can be sent.

    `code` is the 200x to answer, `field` the path in CleverTap's spelling (``components[1].body.parameters[0].text``;
    ``body`` is the whole). It never contains a submitted value, so the text may be answered and logged.
    """

    def __init__(self, code: int, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.code, self.field, self.reason = code, field, reason


def parse_message(raw: bytes | str) -> TemplateMessage | FreeformMessage:
    """The message in a request's body. Raises `NotJson` or `InvalidMessage`."""
    try:
        value = read_json(raw, MAX_DEPTH)
    except ValueError:
        raise NotJson from None
    return read_message(value)


def read_message(value: object) -> TemplateMessage | FreeformMessage:
    """The message in a JSON value, bare or as the ``body`` of an object. Raises `InvalidMessage`."""
    if not isinstance(value, dict):
        raise InvalidMessage(RequestError.OTHER, "body", "must be an object")
    fields = value["body"] if "isTemplate" not in value and isinstance(value.get("body"), dict) else value
    is_template = _is_template(fields)
    message = TemplateMessage if is_template else FreeformMessage
    try:
        return message.model_validate(fields | _numbers(fields) | {"isTemplate": is_template})
    except ValidationError as error:
        raise _invalid(error) from None


def normalise_number(value: object) -> str | None:
    """A phone number in digits with its country code (E.164: at most 15), or None if `value` is not one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    digits = (
        re.sub(r"[\s().-]", "", value).removeprefix("+").removeprefix("00") if isinstance(value, str) else str(value)
    )
    return digits if re.fullmatch(r"[1-9][0-9]{6,14}", digits) else None


def _is_template(fields: dict[str, Any]) -> bool:
    match fields.get("isTemplate"):
        case bool(value):
            return value
        case str(text) if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case None:
            raise InvalidMessage(RequestError.OTHER, "isTemplate", _MISSING)
    raise InvalidMessage(RequestError.OTHER, "isTemplate", "must be true or false")


def _numbers(fields: dict[str, Any]) -> dict[str, str]:
    template = fields.get("template")
    # CleverTap's documented provider validations have placeholders as numbers; nothing is sent to these.
    placeholders = isinstance(template, dict) and template.get("namespace") == VALIDATION_TEMPLATE
    numbers = {}
    for field, code in (("to", RequestError.INVALID_PHONE_NUMBER), ("wabaNumber", RequestError.OTHER)):
        number = normalise_number(fields.get(field))
        if number is None and not placeholders:
            raise InvalidMessage(code, field, _MISSING if fields.get(field) is None else _NOT_A_NUMBER)
        numbers[field] = number or ""
    return numbers


_MISSING: Final = "is missing"
_NOT_A_NUMBER: Final = "must be a phone number with its country code, 7 to 15 digits"
# For errors of the models' own validators, and for those of pydantic that need a better text here.
_REASONS: Final = {
    "missing": _MISSING,
    "repeated": "must occur only once",
    "unprintable": "must be printable characters",
    "string_too_long": f"must not be longer than {MAX_MSG_ID_LENGTH} characters",
    "greater_than_equal": "must not be negative",
    "literal_error": "must be text, image, video, file, audio or location",
}


def _invalid(error: ValidationError) -> InvalidMessage:
    place, reason = first_problem(error, _REASONS)
    path = ""
    for part in place:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith("#"):  # else the tag of a component, which is not a key of the message
            path += f".{part}" if path else part
    code = RequestError.INVALID_TEMPLATE_PARAMETERS if place[0] in ("template", "components") else RequestError.OTHER
    return InvalidMessage(code, path, reason)
