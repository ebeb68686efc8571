"""Makes templates at the BSP: once, whatever happens to its answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from ops.output import Exit, Failed
from ops.templates.files import Source
from ops.templates.registry import Books, refused
from whatsapp_bridge.providers import registry as providers
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.providers.contract.template_admin import Done, Made, NotDone, SampleFile
from whatsapp_bridge.providers.contract.templates import NotListed
from whatsapp_bridge.templates.news import News
from whatsapp_bridge.templates.statuses import DELETED
from whatsapp_bridge.templates.template import Template

SOURCE: Final = "the BSP's answer"
_TYPES: Final = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".mp4": "video/mp4",
    ".pdf": "application/pdf",
}
_MOST_BYTES: Final = 100 * 1024 * 1024


class Created(NamedTuple):
    """`taken_over`: the answer was lost, and the template was found there."""

    made: Made
    taken_over: bool = False


def able(own: Books, what: str) -> Any:
    """The adapter's `Admin`. Raises `Failed` for what the BSP offers no way to do."""
    if what not in own.capabilities.templates:
        raise Failed(Exit.USAGE, f"{own.capabilities.title} has no call for it ({what}): its own dashboard may")
    return providers.template_admin(own.account.provider_type)(own.account, own.services)


def files_of(source: Source, draft: Json) -> dict[str, SampleFile]:
    """The files that a draft names, by their paths. Raises `Failed`."""
    return {path: _file(source, path) for path in _paths(draft)}


def _paths(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["header_file"]} if isinstance(part.get("header_file"), str) else set()
        return own.union(*map(_paths, part.values()))
    return set().union(*map(_paths, part)) if isinstance(part, list) else set()


def _file(source: Source, path: str) -> SampleFile:
    place = source.file.parent / path
    try:
        if place.stat().st_size > _MOST_BYTES:
            raise Failed(Exit.USAGE, f"{place}: is larger than WhatsApp takes")
        return SampleFile(Path(path).name, _TYPES[place.suffix.lower()], place.read_bytes())
    except OSError as error:
        raise Failed(Exit.USAGE, f"{place}: {error.strerror}") from None


def create(own: Books, draft: Json, files: Mapping[str, SampleFile]) -> Created:
    """Raises `Failed`. Creating is not safe to repeat: after a lost answer the name is looked up first."""
    admin = able(own, "create")
    outcome = NotDone("lost", "")
    for attempt in (1, 2):
        answer: Made | NotDone = admin.create(draft, files)
        if isinstance(answer, Made):
            return Created(answer)
        outcome = answer
        if outcome.why not in ("lost", "exists"):
            raise refused(outcome)
        there = _looked_up(own, draft)
        if there is not None and (outcome.why == "lost" or attempt == 2):
            # What exists after a lost answer is what that call made.
            return Created(there, taken_over=True)
        if there is not None:
            raise Failed(Exit.BSP, f"{outcome.reason}; it is there with status {there.status}")
        if outcome.why == "exists":
            raise Failed(Exit.BSP, f"{outcome.reason}; it is not in the BSP's list, so it is still being deleted")
    raise refused(outcome)


def _looked_up(own: Books, draft: Json) -> Made | None:
    """Raises `Failed` if nobody can say."""
    if own.bsp is None:
        raise Failed(Exit.LATER, "the BSP's answer was lost, and it lists no templates: look into its dashboard first")
    answer = own.bsp.find(draft["name"])
    if isinstance(answer, NotListed):
        raise Failed(Exit.LATER, f"the BSP's answer was lost, and it cannot be asked ({answer.reason}): try `status`")
    for news in answer:
        if (news.name, news.language) == (draft["name"], draft["language"]):
            says = news.says
            status, category = str(says.get("status", "PENDING")), str(says.get("category", draft["category"]))
            return Made(news.id, news.name, status, category)
    return None


def remember(own: Books, draft: Json, made: Made) -> Template:
    """Put what was made in the registry, with the BSP's spelling of its name. Raises `Failed`."""
    entry = {**_without_files(draft), "id": made.id, "status": made.status, "category": made.category}
    known = [each for each in own.known().templates if each.name == draft["name"]]
    news = of_entry(entry, own.after(known), SOURCE)
    if news is None:
        raise Failed(Exit.USAGE, "the draft has no name or language")
    own.registry.take(own.scope, [news._replace(bsp_name=made.name)])
    return own.named(draft["name"], draft["language"])[0]


def _without_files(part: Any) -> Any:
    """The paths of this machine are nothing for the registry."""
    if isinstance(part, list):
        return [_without_files(element) for element in part]
    if not isinstance(part, dict):
        return part
    return {name: _without_files(member) for name, member in part.items() if name != "header_file"}


def forget(own: Books, template: Template) -> None:
    """Put in the registry that it is deleted."""
    at = own.after([template])
    news = News(template.name, template.language, at, SOURCE, id=template.id, says={"status": DELETED})
    own.registry.take(own.scope, [news])


def done(outcome: Done | NotDone) -> Done:
    """Raises `Failed`."""
    if isinstance(outcome, NotDone):
        raise refused(outcome)
    return outcome
