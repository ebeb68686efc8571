"""Checks templates offline: every rule, with its place and whether it refuses or warns."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from ops.templates.files import Place, Source
from ops.templates.form import Draft, wire
from ops.templates.rules import BETWEEN, RULES
from ops.templates.rules.between import RuleBetween
from ops.templates.rules.rule import Problem, Rule
from whatsapp_bridge.providers import registry as providers

STRUCTURE: Final = Rule("structure", True, "It has the form of Meta's requests", "Meta, Graph API", lambda _: iter(()))
UNKNOWN: Final = Rule("unknown-member", False, "Its members are known", "Meta adds members", lambda _: iter(()))


class Finding(NamedTuple):
    """One broken rule. `place` as in the file: ``components[1].text``."""

    source: Source
    rule: Rule | RuleBetween
    place: Place
    reason: str

    @property
    def refuses(self) -> bool:
        return self.rule.refuses

    @property
    def line(self) -> int:
        return self.source.line(self.place)

    @property
    def where(self) -> str:
        return written(self.place)


class Linted(NamedTuple):
    """`draft` is None if it has not the form of a template."""

    source: Source
    draft: Draft | None
    findings: list[Finding]

    @property
    def refused(self) -> bool:
        return any(finding.refuses for finding in self.findings)


OF_THE_BSP: Final = Rule("bsp", True, "The BSP's call has a place for it", "the BSP's page", lambda _: iter(()))


def lint(sources: Iterable[Source], provider: str | None = None) -> list[Linted]:
    """Each template checked by itself and against those before it; with a provider, also for what its call takes."""
    done: list[Linted] = []
    before: list[Draft] = []
    for source in sources:
        draft, findings = _read(source)
        if draft is not None:
            findings += (Finding(source, rule, *problem) for rule, problem in _problems(draft, before))
            before.append(draft)
            # What breaks other rules may have no form that an adapter could look at.
            if provider is not None and not any(finding.refuses for finding in findings):
                unfit = providers.template_admin(provider).refusals(wire(draft))
                findings += (Finding(source, OF_THE_BSP, ("components",), reason) for reason in unfit)
        done.append(Linted(source, draft, sorted(findings, key=lambda finding: (finding.line, not finding.refuses))))
    return done


def _problems(draft: Draft, before: list[Draft]) -> Iterator[tuple[Rule | RuleBetween, Problem]]:
    for rule in RULES:
        yield from ((rule, problem) for problem in rule.check(draft))
    for between in BETWEEN:
        yield from ((between, problem) for problem in between.check(draft, before))


def _read(source: Source) -> tuple[Draft | None, list[Finding]]:
    """The draft, without members that are not known."""
    value: Any = source.value
    findings: list[Finding] = []
    for _ in range(2):
        try:
            return Draft.model_validate(value), findings
        except ValidationError as error:
            found = [_finding(source, one) for one in error.errors(include_url=False, include_input=False)]
        unknown = [finding for finding in found if finding.rule is UNKNOWN]
        findings += unknown
        if len(unknown) < len(found):
            return None, [*findings, *(finding for finding in found if finding.rule is STRUCTURE)]
        value = _without(value, {finding.place for finding in unknown})
    return None, findings


def _finding(source: Source, error: Mapping[str, Any]) -> Finding:
    place = _in_file(source.value, error["loc"])
    if error["type"] == "extra_forbidden":
        return Finding(source, UNKNOWN, place, "is no member that this program knows of; it is left out")
    return Finding(source, STRUCTURE, place, _REASONS.get(error["type"], str(error["msg"]).lower()))


_REASONS: Final = {
    "missing": "is missing",
    "string_type": "must be a text; put it in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must have members",
    "dict_type": "must have members",
    "literal_error": "has another type here",
}


def _in_file(value: Any, steps: tuple[str | int, ...]) -> Place:
    """The place of an error: pydantic's path also has the names of the members of unions."""
    place: list[str | int] = []
    for number, step in enumerate(steps):
        is_last = number == len(steps) - 1
        if isinstance(value, dict) and (step in value or is_last):
            place.append(step)
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            place.append(step)
            value = value[step]
    return tuple(place)


def _without(value: Any, places: set[Place], place: Place = ()) -> Any:
    if isinstance(value, dict):
        kept = {name: member for name, member in value.items() if (*place, name) not in places}
        return {name: _without(member, places, (*place, name)) for name, member in kept.items()}
    if isinstance(value, list):
        return [_without(member, places, (*place, number)) for number, member in enumerate(value)]
    return value


def written(place: Place) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".") or "template"
