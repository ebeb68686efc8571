"""Reads CleverTap's messages: JSON becomes the models of `messages`, an error becomes a field and a reason."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from pydantic_core import ValidationError

from whatsapp_bridge.clevertap.codes import refusal_codes
from whatsapp_bridge.clevertap.messages import (
    MAX_MSG_ID_LENGTH,
    VALIDATION_MSG_ID,
    FreeformMessage,
    TemplateMessage,
    is_verification,
)
from whatsapp_bridge.clevertap.numbers import normalise_number, recipient_number, written
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

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.code, self.field, self.reason = refusal_codes(field)[0], field, reason


type ReadNumber = Callable[[object], str | None]
"""A person's number in digits, from what a message has for it; None if it is not one."""


def parse_message(raw: bytes | str, default_country: str | None = None) -> TemplateMessage | FreeformMessage:
    """The message in a request's body; `default_country` is a calling code. Raises `NotJson` or `InvalidMessage`."""
    try:
        value = read_json(raw, MAX_DEPTH)
    except ValueError:
        raise NotJson from None
    return read_message(value, partial(recipient_number, default_country=default_country))


def msg_id_in(raw: bytes | str) -> object:
    """The `msgId` of a body that may be no message; None if there is none."""
    try:
        value = read_json(raw, MAX_DEPTH)
    except ValueError:
        return None
    fields = _fields(value) if isinstance(value, dict) else {}
    return fields.get("msgId")


def read_message(value: object, read_number: ReadNumber = normalise_number) -> TemplateMessage | FreeformMessage:
    """The message in a JSON value, bare or as the ``body`` of an object. Raises `InvalidMessage`."""
    if not isinstance(value, dict):
        raise InvalidMessage("body", "must be an object")
    fields = _fields(value)
    is_template = _is_template(fields)
    message = TemplateMessage if is_template else FreeformMessage
    try:
        return message.model_validate(fields | _numbers(fields, read_number) | {"isTemplate": is_template})
    except ValidationError as error:
        raise _invalid(error) from None


def _fields(value: dict[str, Any]) -> dict[str, Any]:
    return value["body"] if "isTemplate" not in value and isinstance(value.get("body"), dict) else value


def _is_template(fields: dict[str, Any]) -> bool:
    match fields.get("isTemplate"):
        case bool(value):
            return value
        case str(text) if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case None:
            raise InvalidMessage("isTemplate", _MISSING)
    raise InvalidMessage("isTemplate", "must be true or false")


def _numbers(fields: dict[str, Any], read_number: ReadNumber) -> dict[str, str]:
    template = fields.get("template")
    # CleverTap's documented provider validations have placeholders as numbers; nothing is sent to these.
    placeholders = isinstance(template, dict) and is_verification(template.get("namespace"))
    # Its validations of saved templates have numbers that no country has.
    made_up = fields.get("msgId") == VALIDATION_MSG_ID
    readers = {"to": normalise_number if made_up else read_number, "wabaNumber": normalise_number}
    numbers = {field: read(fields.get(field)) for field, read in readers.items()}
    for field, number in numbers.items():
        if number is None and not placeholders:
            raise InvalidMessage(field, _no_number(field, fields.get(field)))
    return {field: number or "" for field, number in numbers.items()}


def _no_number(field: str, value: object) -> str:
    if value is None:
        return _MISSING
    found = written(value)
    # As it is dialled within a country.
    at_home = field == "to" and found is not None and found.digits.startswith("0")
    return _OF_NO_COUNTRY if at_home or normalise_number(value) is not None else _NOT_A_NUMBER


_MISSING: Final = "is missing"
_NOT_A_NUMBER: Final = "must be a phone number with its country code, 7 to 15 digits"
_OF_NO_COUNTRY: Final = (
    "is a number that no country has, or that two may have: send it with a plus sign and its country code, "
    "or set the account's option default_country"
)
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
    return InvalidMessage(path, reason)
