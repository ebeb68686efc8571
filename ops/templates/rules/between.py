"""Rules between several templates."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from ops.templates.form import Body, Draft, Footer
from ops.templates.rules.rule import CLEVERTAP, Problem, parts
from whatsapp_bridge.templates.languages import normalised


class RuleBetween(NamedTuple):
    """As `Rule`; `check` compares a template with those before it."""

    name: str
    refuses: bool
    words: str
    source: str
    check: Callable[[Draft, Sequence[Draft]], Iterator[Problem]]


def _same_key(draft: Draft, others: Sequence[Draft]) -> Iterator[Problem]:
    if any(_key(other) == _key(draft) for other in others):
        yield Problem(("name",), f"stands in {normalised(draft.language)} twice")


def _key(draft: Draft) -> tuple[str, str]:
    return draft.name, normalised(draft.language)


def _categories(draft: Draft, others: Sequence[Draft]) -> Iterator[Problem]:
    other = next((each for each in others if each.name == draft.name and each.category != draft.category), None)
    if other:
        yield Problem(("category",), f"is {other.category} for {other.name} in {normalised(other.language)}")


def _duplicates(draft: Draft, others: Sequence[Draft]) -> Iterator[Problem]:
    if draft.category == "AUTHENTICATION":
        return
    other = next((each for each in others if each.name != draft.name and _words(each) == _words(draft)), None)
    if other:
        yield Problem(("components",), f"have the body and footer of {other.name}")


def _words(draft: Draft) -> list[str]:
    found = [part.value.text for kind in (Body, Footer) for part in parts(draft, kind) if part.card is None]
    return [" ".join((text or "").split()).casefold() for text in found]


RULES: Final = (
    RuleBetween("same-key", True, "A name stands once in each language", "Meta's error 2388024", _same_key),
    RuleBetween("one-category", True, "A name has the same category in all languages", "Meta's error 100", _categories),
    RuleBetween(
        "duplicate",
        False,
        "No two have the same body and footer",
        f'{CLEVERTAP}"WhatsApp Direct", reasons for rejection',
        _duplicates,
    ),
)
