"""pydantic's errors as texts without values: its own texts may quote submitted values."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails, ValidationError

# Keys are pydantic's error types: https://docs.pydantic.dev/latest/errors/validation_errors/
_REASONS: Final = {
    "missing": "is missing",
    "extra_forbidden": "is not known",
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "list_type": "must be a list",
    "too_short": "must not be empty",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "bool_parsing": "must be true or false",
    "literal_error": "is not one of the known values",
}


class Problem(NamedTuple):
    """`place` is the path to the value: names and numbers."""

    place: tuple[str | int, ...]
    reason: str


def first_problem(error: "ValidationError", own: Mapping[str, str] | None = None) -> Problem:
    """The first of `problems`."""
    return _problem(error.errors(include_url=False, include_input=False)[0], own or {})


def problems(error: "ValidationError", own: Mapping[str, str] | None = None) -> list[Problem]:
    """`own` has the caller's texts for some of pydantic's errors and for the caller's own.

    A `ValueError` from one of our validators keeps its text, which contains no value.
    """
    return [_problem(found, own or {}) for found in error.errors(include_url=False, include_input=False)]


def _problem(found: "ErrorDetails", own: Mapping[str, str]) -> Problem:
    place = (*found["loc"], *found.get("ctx", {}).get("place", ()))
    kind = found["type"]
    if kind == "value_error":
        return Problem(place, found["msg"].removeprefix("Value error, "))
    return Problem(place, own.get(kind) or _REASONS.get(kind, "is not valid"))
