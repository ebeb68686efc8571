"""Brings the registry up to date with a BSP's list of templates.

The list is walked to its end. What breaks off goes on at the next sync where it stopped, for an hour, and has removed
nothing. What a complete list lacks is asked for once more, one by one: a list that changes while it is walked may pass
over a template that is there, and a template that is deleted by mistake would be missing in the next import.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from whatsapp_bridge.providers.contract.templates import ListedPage, NotListed
from whatsapp_bridge.runtime.observability import logger
from whatsapp_bridge.store.templates import Progress, Registry, Result, Seen, Syncs
from whatsapp_bridge.templates.template import Template

if TYPE_CHECKING:
    from whatsapp_bridge.providers.contract.templates import Templates
    from whatsapp_bridge.templates.news import News

SOURCE: Final = "a complete list"
_LIMIT: Final = 100
_LEAST_LIMIT: Final = 5
# Far above what any business may have: 6000 templates in pages of five.
_MOST_PAGES: Final = 1_500
# Half of the time for which a sync is nobody else's; a page takes less than the other half.
_CHECKPOINT_SECONDS: Final = 60
_RESUMED_FOR_SECONDS: Final = 3_600
# Of those that a list lacks. Each costs a call.
_MOST_CONFIRMED: Final = 50
_ROUND: Final = "the list comes back to a page that it had"


class Ended(Enum):
    COMPLETE = "complete"
    BUSY = "another sync is under way"
    BROKEN_OFF = "broken off"
    """The next one goes on."""
    FAILED = "failed"
    """The next one begins anew."""
    PERMISSION_MISSING = "permission missing"


@dataclass(frozen=True, slots=True)
class Report:
    """How a sync ended. `results` has the news of each template that was listed, `gone` those that were found to
    be deleted."""

    ended: Ended
    reason: str = ""
    retry_after: float | None = None
    results: Sequence[Result] = field(default=(), repr=False)
    gone: Sequence[Template] = field(default=(), repr=False)


_ENDED: Final = {"permission": Ended.PERMISSION_MISSING, "later": Ended.BROKEN_OFF, "smaller": Ended.BROKEN_OFF}


class TemplateSync:
    """`limit`: how many templates a page has, at most."""

    def __init__(
        self,
        registry: Registry,
        syncs: Syncs,
        now: Callable[[], float],
        new_id: Callable[[], str],
        limit: int = _LIMIT,
    ) -> None:
        self._registry, self._syncs, self._now, self._new_id, self._limit = registry, syncs, now, new_id, limit

    def sync(self, account: str, templates: "Templates") -> Report:
        """`account` is the one whose credentials are used."""
        grant = self._new_id()
        progress = self._syncs.begin(templates.scope, grant)
        if progress is None:
            return Report(Ended.BUSY)
        if self._now() - progress.began >= _RESUMED_FOR_SECONDS:
            progress = Progress(began=int(self._now()), limit=self._limit)
        report = _Walk(self._registry, self._syncs, self._now, templates, grant, progress).to_the_end()
        _tell(account, templates.scope, report)
        return report


class _Walk:
    """One sync from where the last one stopped."""

    def __init__(
        self,
        registry: Registry,
        syncs: Syncs,
        now: Callable[[], float],
        templates: "Templates",
        grant: str,
        progress: Progress,
    ) -> None:
        self._registry, self._syncs, self._now = registry, syncs, now
        self._templates, self._scope, self._grant = templates, templates.scope, grant
        self._reached, self._seen, self._cursors = progress, Seen(progress.seen), {progress.after}
        self._news: list[News] = []
        self._results: list[Result] = []
        self._kept_at = now()

    def to_the_end(self) -> Report:
        while self._reached.pages < _MOST_PAGES:
            page = self._templates.page(self._reached.after, self._reached.limit)
            if isinstance(page, NotListed):
                if page.why == "smaller" and self._reached.limit > _LEAST_LIMIT:
                    self._reached = self._reached._replace(limit=max(self._reached.limit // 2, _LEAST_LIMIT))
                    continue
                return self._stopped(_ENDED.get(page.why, Ended.FAILED), page.reason, page.retry_after)
            if page.news and all((news.name, news.language) in self._seen for news in page.news):
                # A list that goes by offsets has no cursor to tell it by.
                return self._stopped(Ended.FAILED, _ROUND)
            self._took(page)
            if page.after is None:
                return self._complete()
            if page.after in self._cursors:
                return self._stopped(Ended.FAILED, _ROUND)
            self._cursors.add(page.after)
            self._reached = self._reached._replace(after=page.after)
            if page.is_last_call:
                return self._stopped(Ended.BROKEN_OFF, "the BSP's budget is nearly spent", page.retry_after)
            if self._now() - self._kept_at >= _CHECKPOINT_SECONDS and not self._keep():
                return Report(Ended.BUSY, "another sync has taken over", results=self._results)
        return self._stopped(Ended.FAILED, "the list has no end")

    def _took(self, page: ListedPage) -> None:
        self._news += page.news
        for news in page.news:
            self._seen.add((news.name, news.language))
        unread = self._reached.unread or page.unread > 0
        self._reached = self._reached._replace(pages=self._reached.pages + 1, unread=unread)

    def _complete(self) -> Report:
        self._write()
        gone = [] if self._reached.unread else self._gone()
        self._write()
        deleted = self._registry.complete(self._scope, self._reached.began, SOURCE, gone)
        self._syncs.end(self._scope, self._grant)
        reason = "entries could not be read" if self._reached.unread else ""
        return Report(Ended.COMPLETE, reason, results=self._results, gone=deleted)

    def _gone(self) -> list[Template]:
        """Those that the list lacked and the BSP does not have: two answers say so. The next sync asks for the rest."""
        gone = []
        for template in self._registry.lacking(self._scope, self._reached.began, self._seen)[:_MOST_CONFIRMED]:
            answer = NotListed("missing", "") if template.id is None else self._templates.fetch(template.id)
            if not isinstance(answer, NotListed):
                self._news.append(answer)
            elif answer.why == "missing":
                gone.append(template)
            else:
                break
        return gone

    def _stopped(self, ended: Ended, reason: str, retry_after: float | None = None) -> Report:
        if ended is Ended.BROKEN_OFF:
            if self._keep():
                self._syncs.leave(self._scope, self._grant)
        else:
            # What was listed is true all the same.
            self._write()
            self._syncs.end(self._scope, self._grant)
        return Report(ended, reason, retry_after, self._results)

    def _keep(self) -> bool:
        """Write first: what is noted as seen must be in the registry if this process dies."""
        self._write()
        self._kept_at = self._now()
        return self._syncs.keep(self._scope, self._grant, self._reached._replace(seen=sorted(self._seen.hashes)))

    def _write(self) -> None:
        if self._news:
            self._results += self._registry.take(self._scope, self._news)
            self._news = []


def _tell(account: str, scope: str, report: Report) -> None:
    told = {"account": account, "scope": scope, "ended": report.ended.value, "reason": report.reason}
    if report.ended is Ended.COMPLETE:
        say = logger.warning if report.reason else logger.info
        say("templates synced", extra=told | {"listed": len(report.results), "gone": len(report.gone)})
    else:
        logger.warning("templates not synced to the end", extra=told)
