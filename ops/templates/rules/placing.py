"""Rules of variables and their samples."""

import re
from collections.abc import Iterator
from typing import Final

from ops.templates.form import Body, Draft, Header, NamedSample, Url
from ops.templates.rules.rule import CLEVERTAP, META, Problem, Rule, buttons_of, fixed, listed, parts, texts
from whatsapp_bridge.templates.shapes import VARIABLE, variables
from whatsapp_bridge.templates.template import NAMED, POSITIONAL

_COMPONENTS: Final = f'{META}"Template components"'
_SEED: Final = f'{CLEVERTAP}"WhatsApp Direct", reasons for rejection'
_EXACT: Final = re.compile(r"\{\{[A-Za-z0-9_]+\}\}")
_IN_BRACES: Final = re.compile(r"\{\{([^{}]*)\}\}")


def _braces(draft: Draft) -> Iterator[Problem]:
    for place, text, _ in texts(draft):
        rest = _IN_BRACES.sub("", text)
        if "{" in rest or "}" in rest:
            yield Problem(place, "has braces that belong to no variable: a variable is written {{1}}")


def _characters(draft: Draft) -> Iterator[Problem]:
    for place, text, _ in texts(draft):
        for inner in _IN_BRACES.findall(text):
            if not _EXACT.fullmatch(f"{{{{{inner}}}}}"):
                yield Problem(place, f"has {{{{{inner}}}}}: only letters, digits and _ stand in a variable's braces")


def _numbers(draft: Draft) -> Iterator[Problem]:
    for place, text, _ in texts(draft):
        names = variables(text)
        if _are_numbers(names) and names != [str(number) for number in range(1, len(names) + 1)]:
            yield Problem(place, f"has the variables {_shown(names)}; they count from {{{{1}}}} without a gap")


def _are_numbers(names: list[str]) -> bool:
    return all(name.isdigit() for name in names)


def _shown(names: list[str]) -> str:
    return ", ".join(f"{{{{{name}}}}}" for name in names)


def _mixed(draft: Draft) -> Iterator[Problem]:
    for place, text, _ in texts(draft):
        kinds = {name.isdigit() for name in variables(text)}
        if len(kinds) > 1:
            yield Problem(place, "has numbers and names as variables")
        elif False in kinds and draft.parameter_format != NAMED:
            yield Problem(place, "has names as variables, for which parameter_format must be NAMED")
        elif True in kinds and draft.parameter_format == NAMED:
            yield Problem(place, "has numbers as variables, and parameter_format is NAMED")


def _parameter_format(draft: Draft) -> Iterator[Problem]:
    if draft.parameter_format not in (None, NAMED, POSITIONAL):
        yield Problem(("parameter_format",), f"must be {POSITIONAL} or {NAMED}")


_NAME: Final = re.compile(r"[a-z0-9_]+")


def _names(draft: Draft) -> Iterator[Problem]:
    for place, text, _ in texts(draft):
        for name in variables(text):
            if not _NAME.fullmatch(name):
                yield Problem(place, f"has the variable {{{{{name}}}}}: names have a-z and _ alone")


def _names_with_digits(draft: Draft) -> Iterator[Problem]:
    for place, text, _ in texts(draft):
        for name in variables(text):
            if not name.isdigit() and any(map(str.isdigit, name)):
                yield Problem(place, f"has the variable {{{{{name}}}}}: Meta's page allows no digits in names")


def _unique(draft: Draft) -> Iterator[Problem]:
    for place, text, _ in texts(draft):
        names = VARIABLE.findall(text)
        twice = sorted({name for name in names if not name.isdigit() and names.count(name) > 1})
        if twice:
            yield Problem(place, f"has {_shown(twice)} twice")


def _edges(draft: Draft) -> Iterator[Problem]:
    for place, body, _ in parts(draft, Body):
        text = (body.text or "").strip()
        if VARIABLE.match(text):
            yield Problem((*place, "text"), "begins with a variable")
        if any(match.end() == len(text) for match in VARIABLE.finditer(text)):
            yield Problem((*place, "text"), "ends with a variable")


_SIDE_BY_SIDE: Final = re.compile(r"\}\}\s*\{\{")


def _side_by_side(draft: Draft) -> Iterator[Problem]:
    for place, text, _ in texts(draft):
        if _SIDE_BY_SIDE.search(text):
            yield Problem(place, "has two variables side by side")


# Meta publishes no number; this is below what its own samples have.
_FEWEST_WORDS: Final = 3


def _words(draft: Draft) -> Iterator[Problem]:
    for place, body, _ in parts(draft, Body):
        count = len(variables(body.text or ""))
        words = [word for word in fixed(body.text or "").split() if any(map(str.isalnum, word))]
        if count and len(words) < _FEWEST_WORDS * count:
            yield Problem((*place, "text"), f"may have too few words ({len(words)}) for its variables ({count})")


# --- samples ---------------------------------------------------------------------------------------------------------


def _samples(draft: Draft) -> Iterator[Problem]:
    for place, body, _ in parts(draft, Body):
        given = body.example
        positional, named = (given.body_text, given.body_text_named_params) if given else (None, None)
        yield from _missing((*place, "example"), "body_text", body.text or "", listed(positional), named or [])
    for place, header, _ in parts(draft, Header):
        sample = header.example
        positional, named = (sample.header_text, sample.header_text_named_params) if sample else (None, None)
        yield from _missing((*place, "example"), "header_text", header.text or "", positional or [], named or [])


def _missing(
    place: tuple[str | int, ...], member: str, text: str, positional: list[str], named: list[NamedSample]
) -> Iterator[Problem]:
    names = variables(text)
    if not names:
        return
    if _are_numbers(names):
        if len(positional) != len(names):
            yield Problem(place, f"must have as many samples in {member} as there are variables: {len(names)}")
    elif sorted(sample.param_name for sample in named) != sorted(names):
        yield Problem(place, f"must have a sample for {_shown(names)} each in {member}_named_params")


def _flat_samples(draft: Draft) -> Iterator[Problem]:
    for place, body, _ in parts(draft, Body):
        given = body.example.body_text if body.example else None
        if given and not all(isinstance(each, list) for each in given):
            yield Problem((*place, "example", "body_text"), "is a list in a list on most of Meta's pages")


def _every_sample(draft: Draft) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for place, body, _ in parts(draft, Body):
        if body.example:
            for sample in listed(body.example.body_text):
                yield (*place, "example", "body_text"), sample
            for named in body.example.body_text_named_params or []:
                yield (*place, "example", "body_text_named_params"), named.example
    for place, header, _ in parts(draft, Header):
        if header.example:
            for sample in header.example.header_text or []:
                yield (*place, "example", "header_text"), sample
            for named in header.example.header_text_named_params or []:
                yield (*place, "example", "header_text_named_params"), named.example
    for place, button, _ in buttons_of(draft, Url):
        for sample in listed(button.example):
            yield (*place, "example"), sample


def _sample_values(draft: Draft) -> Iterator[Problem]:
    for place, sample in _every_sample(draft):
        if not sample.strip():
            yield Problem(place, "has an empty sample")
        elif any(character in sample for character in "\n\r\t") or "     " in sample:
            yield Problem(place, "has a sample with a line break, a tab or five blanks")


_ADDRESS: Final = re.compile(r"[^\s@]+@[^\s@]+\.[a-z]{2,}", re.IGNORECASE)
# With its plus, or as digits alone: numbers of orders have other signs between theirs.
_NUMBER: Final = re.compile(r"\+\d(?:[ ()-]?\d){6,}|\b\d{10,15}\b")


def _private_samples(draft: Draft) -> Iterator[Problem]:
    for place, sample in _every_sample(draft):
        if _ADDRESS.search(sample) or _NUMBER.search(sample):
            yield Problem(place, "has a sample that looks like somebody's number or address")


RULES: Final = (
    Rule("braces", True, "Braces belong to variables, two on each side", _SEED, _braces),
    Rule("characters", True, "A variable's braces have no blank, #, $ or %", _SEED, _characters),
    Rule("numbers", True, "Numbers count from {{1}} without a gap in each component", _SEED, _numbers),
    Rule(
        "mixed", True, "Names need `parameter_format: NAMED`, and numbers do not stand beside them", _COMPONENTS, _mixed
    ),
    Rule("parameter-format", True, "`parameter_format` is POSITIONAL or NAMED", _COMPONENTS, _parameter_format),
    Rule("names", True, "Names have a-z and _", _COMPONENTS, _names),
    Rule(
        "names-with-digits", False, "Names have no digits", "Meta's page against what its API takes", _names_with_digits
    ),
    Rule("unique", True, "A name stands once", _COMPONENTS, _unique),
    Rule("edges", True, "The body neither begins nor ends with a variable", "Meta's error 2388299", _edges),
    Rule("side-by-side", True, "Words stand between two variables", _SEED, _side_by_side),
    Rule("words", False, "There are words enough for the variables", "Meta's error 2388293, without a number", _words),
    Rule("samples", True, "Each variable has a sample", "Meta's error 2388043", _samples),
    Rule("flat-samples", False, "`body_text` is a list in a list", "Meta's pages differ", _flat_samples),
    Rule(
        "sample-values",
        True,
        "A sample is not empty, and has no line break, tab or five blanks",
        "Clickatell, guide to templates; netflie/whatsapp-cloud-api#201",
        _sample_values,
    ),
    Rule("private-samples", False, "Samples are nobody's data", _COMPONENTS, _private_samples),
)
