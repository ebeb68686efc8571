"""`template_admin` of an adapter: templates made and changed at the BSP."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from whatsapp_bridge.providers.capabilities import Json

if TYPE_CHECKING:
    from whatsapp_bridge.templates.template import Template


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A file for a header's sample."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """The BSP has the template. `name` is its spelling; the category may be another one than was asked for."""

    id: str | None
    name: str
    status: str
    category: str


type NotDoneFor = Literal["refused", "exists", "permission", "later", "lost"]
"""Why a template was not made or changed.

refused     the BSP does not take it
exists      it has one of this name and language, or has not yet deleted it: it is looked up
permission  these credentials may not do it
later       certainly not done: too many requests, no connection
lost        it may have been done, and nobody said so: it is looked up before a second try
"""


@dataclass(frozen=True, slots=True)
class NotDone:
    """`reason` is in the BSP's own words where it has said something, whatever their language."""

    why: NotDoneFor
    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """`failed`: ids for which it was not done."""

    failed: Sequence[str] = ()


class MakesTemplates(Protocol):
    """`templates` of the capabilities has `create`. A draft is Meta's request with its types in capitals, and maybe
    `example.header_file`, which is a key of `files`."""

    @staticmethod
    def refusals(draft: Json) -> list[str]:
        """What of a draft, which keeps WhatsApp's rules, this BSP's call has no place for. Pure."""

    def create(self, draft: Json, files: Mapping[str, SampleFile]) -> Made | NotDone: ...


class EditsTemplates(Protocol):
    """It has `edit`. All components are replaced; `changes` is a draft with the members that change."""

    def edit(self, template: "Template", changes: Json, files: Mapping[str, SampleFile]) -> Done | NotDone: ...


class DeletesTemplates(Protocol):
    """It has `delete`."""

    def delete(self, name: str, template_id: str | None) -> Done | NotDone:
        """One, or the name in all languages without an id."""


class UnpausesTemplates(Protocol):
    """It has `unpause`."""

    def unpause(self, template_id: str) -> Done | NotDone: ...


class ArchivesTemplates(Protocol):
    """It has `archive`."""

    def archive(self, template_ids: Sequence[str]) -> Done | NotDone: ...

    def unarchive(self, template_ids: Sequence[str]) -> Done | NotDone: ...
