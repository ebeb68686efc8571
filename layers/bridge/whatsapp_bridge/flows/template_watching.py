"""Says aloud what an operator has to know of templates, numbers and accounts: a metric of each account that it
concerns, and a line of the log. What is worth it is decided here, and is in the registry's history too.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from whatsapp_bridge.runtime.observability import count, count_of_account, logger
from whatsapp_bridge.store.templates import Result
from whatsapp_bridge.templates.news import AccountEvent, TemplateEvent

# From good to bad; UNKNOWN is neither.
_QUALITIES: Final = ("GREEN", "YELLOW", "RED")
_FLAGGED: Final = "FLAGGED"


class Said(NamedTuple):
    """A metric to count, and what happened in words for the log."""

    metric: str
    before: str
    after: str
    reason: str


def worth_saying(result: Result, *, is_first_list: bool = False) -> list[Said]:
    """What news of a template is worth saying; of a first list only what changes is news, and nothing has changed."""
    before, after = result.before, result.merged.template
    if after is None or (before is None and is_first_list):
        return []
    was = before.status if before is not None else ""
    said = [] if after.status == was else _of_status(was, after.status, after.reason)
    note, seen = result.news.note, before.changes if before is not None else ()
    if note is not None and note.what == _FLAGGED and after.changes != seen:
        said.append(Said("TemplatesQualityFalls", after.quality, _FLAGGED, note.reason))
    if before is not None and _falls(before.quality, after.quality):
        said.append(Said("TemplatesQualityFalls", before.quality, after.quality, ""))
    if before is not None and before.category and after.category != before.category:
        said.append(Said("TemplateCategoriesChanged", before.category, after.category, ""))
    return said


def _of_status(before: str, after: str, reason: str) -> list[Said]:
    match after:
        # With the second it is not reviewed, because there are too many.
        case "REJECTED" | "LIMIT_EXCEEDED":
            return [Said("TemplatesRejected", before, after, reason)]
        case "PAUSED":
            return [Said("TemplatesPaused", before, after, reason)]
        case "DISABLED":
            return [Said("TemplatesDisabled", before, after, reason)]
    return []


def _falls(before: str, after: str) -> bool:
    rank = {quality: place for place, quality in enumerate(_QUALITIES)}
    return after in rank and rank[after] > rank.get(before, 0)


def say(results: Iterable[Result], accounts: Sequence[str], *, is_first_list: bool = False) -> None:
    """Count and log what is worth it, for each account that has the templates."""
    for result in results:
        for said in worth_saying(result, is_first_list=is_first_list):
            told = {"template": result.merged.template.title} if result.merged.template is not None else {}
            told |= {"before": said.before, "after": said.after, "reason": said.reason}
            _count_of_each(said.metric, "template changed", accounts, told)


def say_of_account(event: AccountEvent, accounts: Sequence[str]) -> None:
    told = {"webhook": event.what, "before": event.before, "after": event.after, "reason": event.reason}
    if event.is_restricted:
        _count_of_each("AccountsRestricted", "the WhatsApp account is restricted", accounts, told)
    elif event.is_of_numbers:
        _count_of_each("NumbersChanged", "quality, throughput or limit of a number changed", accounts, told)
    else:
        logger.info("the WhatsApp account changed", extra={"accounts": list(accounts), **told})


def say_unlisted(event: TemplateEvent) -> None:
    if not event.listed:
        count("TemplateEventsUnlisted")
        logger.warning("event of a template that is not listed", extra={"event": event.event})


def say_permission_missing(account: str, reason: str) -> None:
    _count_of_each("TemplatesPermissionMissing", "templates may not be listed", [account], {"reason": reason})


def say_too_old(accounts: Sequence[str], scope: str, listed_at: int) -> None:
    told = {"scope": scope, "listed_at": listed_at}
    _count_of_each("TemplatesSyncOld", "the last complete list of templates is too old", accounts, told)


def _count_of_each(metric: str, message: str, accounts: Sequence[str], told: Mapping[str, object]) -> None:
    for account in accounts:
        count_of_account(metric, account)
    logger.warning(message, extra={"accounts": list(accounts), **told})
