"""Finds all mistakes of an account's JSON at once, each with its place. The functions stop at the first one
(`providers.accounts`), by the same rules."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from ops.accounts.positions import NotJsonAt, Place, Position, Positions
from ops.output import Exit, Failed
from whatsapp_bridge.accounts.account import Account, AccountInvalid
from whatsapp_bridge.accounts.fields import NotMeant, as_meant
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.runtime.json_text import read_json, text_of, trimmed
from whatsapp_bridge.runtime.validation import Problem, problems

_TAGS: Final = ("basic", "header")
_CREDENTIALS: Final = "must have the type basic or header"
_REASONS: Final = {"union_tag_invalid": _CREDENTIALS, "union_tag_not_found": _CREDENTIALS}
_MOST_BYTES: Final = 65_536
"""Of a secret. Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html"""


class Mistake(NamedTuple):
    """`reason` contains no value. `position` is None for what has no text."""

    field: str
    reason: str
    position: Position | None = None


def read_file(file: Path) -> bytes:
    """Raises `Failed`."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise Failed(Exit.USAGE, f"{file}: {error.strerror}") from None


def mistakes(name: str, raw: bytes) -> list[Mistake]:
    """All that are found in an account's JSON, as they stand there."""
    if len(raw) > _MOST_BYTES:
        return [Mistake("secret", f"is larger than {_MOST_BYTES} bytes, which Secrets Manager does not take")]
    text = text_of(raw)
    try:
        positions = Positions(text)
        value = read_json(raw)
    except NotJsonAt as error:
        return [Mistake("secret", f"must be JSON: {error.reason}", error.position)]
    except ValueError:
        return [Mistake("secret", "must be JSON", Position(1, 1))]
    found = [Problem(place, "stands here twice") for place in positions.repeated]
    found += problems_of(value)
    if not found:
        found = _first(name, value)
    by_place = sorted(dict.fromkeys(found), key=lambda problem: positions.of(problem.place))
    return [Mistake(_field(problem.place), problem.reason, positions.of(problem.place)) for problem in by_place]


def _field(place: Place) -> str:
    return ".".join(map(str, place)) or "secret"


def _first(name: str, value: Any) -> list[Problem]:
    """What the functions find; the last word is theirs."""
    try:
        parse_account(name, value)
    except AccountInvalid as error:
        return [Problem(tuple(error.field.split(".")), error.reason)]
    return []


def problems_of(value: Any) -> list[Problem]:
    """All of an account's JSON."""
    if not isinstance(value, dict):
        return [Problem((), "must be a JSON object")]
    not_meant = list(_texts_not_meant(value, ()))
    bad = {problem.place for problem in not_meant}
    # A placeholder says nothing else of itself; its field is not missing.
    return not_meant + [problem for problem in _problems(_trimmed(value)) if problem.place not in bad]


def _texts_not_meant(value: Any, place: Place) -> Iterator[Problem]:
    match value:
        case str():
            try:
                as_meant(value)
            except NotMeant as error:
                yield Problem(place, error.reason)
        case dict():
            for name, member in value.items():
                inner = (*place, trimmed(name))
                yield from _texts_not_meant(name, inner)
                yield from _texts_not_meant(member, inner)
        case list():
            for number, element in enumerate(value):
                yield from _texts_not_meant(element, (*place, number))


def _trimmed(value: Any) -> Any:
    match value:
        case str():
            return trimmed(value)
        case dict():
            return {trimmed(name): _trimmed(member) for name, member in value.items()}
        case list():
            return [_trimmed(element) for element in value]
    return value


def _problems(fields: dict[str, Any]) -> list[Problem]:
    provider = fields.get("provider")
    kind = provider.get("type") if isinstance(provider, dict) else None
    found: list[Problem] = []
    parts: dict[str, Any] = {}
    if not isinstance(kind, str) or kind not in registry.PROVIDERS:
        found.append(Problem(("provider", "type"), f"must be one of {', '.join(sorted(registry.PROVIDERS))}"))
    else:
        adapter = registry.settings(kind)
        models = (("provider", adapter.Settings, provider), ("options", adapter.Options, fields.get("options", {})))
        for part, model, given in models:
            try:
                parts[part] = model.model_validate(given)
            except ValidationError as error:
                found += [_placed(problem, part) for problem in problems(error, _REASONS)]
    try:
        Account.model_validate({"options": {}, **fields, **parts, "name": "a"})
    except ValidationError as error:
        # What has been looked at by the BSP's own model.
        found += [
            p for p in map(_placed, problems(error, _REASONS)) if p.place[:1] not in (("provider",), ("options",))
        ]
    return found


def _placed(problem: Problem, *before: str) -> Problem:
    # pydantic adds the chosen member of a union to the path, and what is wrong with a name.
    of_union = problem.place[:2] == ("clevertap", "authorization")
    steps = tuple(step for step in problem.place if not (of_union and step in _TAGS) and step != "[key]")
    return Problem((*before, *steps), problem.reason)
