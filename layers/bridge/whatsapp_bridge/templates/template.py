"""A template, as the bridge knows it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

type Json = dict[str, Any]

type Aspect = Literal["status", "quality", "category", "content"]
"""What is learnt together. Each has its own clock: news of the quality says nothing about the status."""

ASPECTS: Final[Sequence[Aspect]] = ("status", "quality", "category", "content")
POSITIONAL: Final = "POSITIONAL"
NAMED: Final = "NAMED"
FILE: Final = "a file"
"""The source of what an operator has imported, for a BSP without a list."""


class Learnt(NamedTuple):
    """When (seconds since 1970) and from where an aspect was learnt."""

    at: int
    source: str


_NEVER: Final = Learnt(0, "")


class Change(NamedTuple):
    """One entry of a template's history. `what` is an aspect, or an event that changes none."""

    at: int
    source: str
    what: str
    before: str
    after: str
    reason: str = ""


class Content(NamedTuple):
    """What WhatsApp has approved, or has to. Types and formats are in capitals, all else is as it came."""

    components: Sequence[Json]
    parameter_format: str = POSITIONAL
    others: Mapping[str, Any] = {}
    """The other members of the listing's entry, such as `message_send_ttl_seconds`."""


# No dataclass: every start of send would pay for making it.
class Template(NamedTuple):
    """A template in one language. Name and language identify it; the id may change when it is made anew."""

    name: str
    """As CleverTap has it."""
    language: str
    """`languages.normalised`."""
    id: str | None = None
    """The BSP's."""
    bsp_name: str = ""
    """The name as the BSP spells it, which must be sent."""
    bsp_language: str = ""
    status: str = ""
    """In Meta's words, "" if it is not known; so is the quality (GREEN, YELLOW, RED, UNKNOWN) and the category."""
    reason: str = ""
    """Why it has its status."""
    quality: str = ""
    category: str = ""
    content: Content | None = None
    """None while only events told of it."""
    learnt: Mapping[str, Learnt] = {}
    """By aspect."""
    changes: Sequence[Change] = ()
    """The last `MAX_CHANGES`, the newest last."""

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.language

    @property
    def title(self) -> str:
        """For people: ``order_update (en)``."""
        return f"{self.name} ({self.language})"

    def learnt_of(self, aspect: Aspect) -> Learnt:
        return self.learnt.get(aspect, _NEVER)


MAX_CHANGES: Final = 20
FRESH_SECONDS: Final = 300
"""How long what was learnt is a reason to refuse a message, or to leave out of a list what it had before."""


def to_stored(template: Template) -> Json:
    """As JSON for the registry; without what has its default."""
    stored = {name: value for name, value in template._asdict().items() if value not in ("", None, {}, ())}
    if template.content is not None:
        stored["content"] = {name: value for name, value in template.content._asdict().items() if value != {}}
    stored["learnt"] = {aspect: list(learnt) for aspect, learnt in template.learnt.items()}
    stored["changes"] = [list(change) for change in template.changes]
    return stored


def of_stored(stored: Json) -> Template:
    """The template of a stored one; members that a later version has added are left out."""
    known = {name: value for name, value in stored.items() if name in Template._fields}
    if "content" in known:
        known["content"] = Content(**{n: v for n, v in known["content"].items() if n in Content._fields})
    known["learnt"] = {aspect: Learnt(*learnt[:2]) for aspect, learnt in stored.get("learnt", {}).items()}
    known["changes"] = tuple(Change(*change[: len(Change._fields)]) for change in stored.get("changes", []))
    return Template(**known)
