"""import: a page of an account's templates for CleverTap's import.

An import may replace all templates of the dashboard by the list, and a campaign whose template is gone stops. So a list
is never short by mistake: without one complete sync there is none, none that is empty while the BSP has templates, and
none that lacks for old knowledge what the last one had.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from time import time
from uuid import uuid4

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap import answers, template_import
from whatsapp_bridge.clevertap.answers import Answer
from whatsapp_bridge.clevertap.template_import import LeftOut, Listed, Page, Unreadable
from whatsapp_bridge.flows.template_sync import Ended, TemplateSync
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers import registry
from whatsapp_bridge.runtime.observability import count, count_of_account, log_failure, logger
from whatsapp_bridge.store.accounts import Accounts, BeyondBudget
from whatsapp_bridge.store.templates import Imports, Known, Registry, Syncs
from whatsapp_bridge.templates.statuses import status
from whatsapp_bridge.templates.template import FRESH_SECONDS, Template

REFRESH_SECONDS = 5
"""How long a first page waits for the BSP: a marketer presses Import right after the approval."""
_UP_TO_DATE_SECONDS = 60


class ImportTemplates:
    """`http` has the patience of somebody who waits; `now` gives seconds since 1970."""

    def __init__(
        self,
        *,
        accounts: Accounts,
        registry: Registry,
        syncs: Syncs,
        imports: Imports,
        http: HttpClient,
        now: Callable[[], float] = time,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._accounts, self._registry, self._imports = accounts, registry, imports
        self._http, self._now = http, now
        self._sync = TemplateSync(registry, syncs, now, new_id)

    def __call__(self, account_name: str, headers: Mapping[str, str], query: Mapping[str, str], address: str) -> Answer:
        """`address` is the one that was called. Header names in lower case."""
        try:
            account = self._accounts.authenticated(account_name, headers)
            if account is None:
                count("InvalidCredentials")
                return template_import.WRONG_CREDENTIALS
            return self._page(account, query.get("limit"), query.get("after"), address)
        except BeyondBudget:
            return answers.TOO_MANY
        except Unreadable as error:
            logger.info("import refused", extra={"account": account_name, "reason": str(error)})
            return error.answer
        except Exception as error:  # noqa: BLE001 - any other failure is ours, and a list would be short
            log_failure("templates could not be listed", error)
            return answers.SERVER_ERROR

    def _page(self, account: Account, limit: str | None, after: str | None, address: str) -> Answer:
        begin, most = template_import.read_cursor(after), template_import.read_limit(limit)
        known, is_current = self._known(account, refresh=begin is None)
        if known.listed_at == 0:
            return _no_list(account, "there was no complete sync yet")
        samples = {kind.upper(): address for kind, address in account.options.media_samples.items()}
        listed: Iterable[Listed] = template_import.listing(known.templates, samples, begin)
        if begin is None:
            listed = [*listed]
            if reason := self._why_no_list(account, known.templates, listed, is_current=is_current):
                return _no_list(account, reason)
            count("TemplateImports")
        page = template_import.page(listed, address, most)
        _tell(account, page)
        return Answer(200, page.body)

    # --- bringing up to date -----------------------------------------------------------------------------------------

    def _known(self, account: Account, *, refresh: bool) -> tuple[Known, bool]:
        """What is known, and whether that is all that can be known now."""
        known = self._registry.all(account.template_scope)
        templates = registry.templates_of(account, self._http, self._now) if refresh else None
        if templates is None or self._now() - known.listed_at <= _UP_TO_DATE_SECONDS:
            return known, True
        self._http.end_in(REFRESH_SECONDS)
        is_complete = False
        try:
            is_complete = self._sync.sync(account.name, templates).ended is Ended.COMPLETE
        except Exception as error:  # noqa: BLE001 - what is known is shown
            log_failure("templates not brought up to date", error, account=account.name)
        known = self._registry.all(account.template_scope)
        # One that broke off has gone on: its first pages may be an hour old.
        return known, is_complete and self._now() - known.listed_at <= FRESH_SECONDS

    # --- what is lost ------------------------------------------------------------------------------------------------

    def _why_no_list(
        self, account: Account, known: Sequence[Template], listed: Sequence[Listed], *, is_current: bool
    ) -> str:
        """Why there is no list; "" if there is. Then it is noted, and compared with the one of the last import."""
        titles = [template.title for template, made in listed if not isinstance(made, LeftOut)]
        if not titles and (reason := _why_none(known)):
            return reason
        before = self._last(account)
        if before is None:
            return "" if is_current else "what the last import had cannot be read"
        lost = template_import.lost(before, titles)
        if not is_current and (doubtful := self._doubtful(known, lost)):
            return f"nobody can say whether these are in use again: {', '.join(doubtful)}"
        if before != titles:
            self._keep(account, titles)
        if lost:
            count("TemplatesLost", len(lost))
            count_of_account("TemplatesLost", account.name)
            logger.warning("import lacks templates of the last one", extra={"account": account.name, "lost": lost})
        return ""

    def _last(self, account: Account) -> list[str] | None:
        """None if it cannot be read. A fault here must not cost the marketer a list that is surely whole."""
        try:
            return self._imports.last(account.name)
        except Exception as error:  # noqa: BLE001 - see above
            log_failure("import not compared with the last one", error, account=account.name)
            return None

    def _keep(self, account: Account, titles: Sequence[str]) -> None:
        try:
            self._imports.keep(account.name, titles)
        except Exception as error:  # noqa: BLE001 - see above
            log_failure("import not noted", error, account=account.name)

    def _doubtful(self, known: Sequence[Template], lost: Sequence[str]) -> list[str]:
        """Of those that are lost, the ones that may be approved again: a pause ends without a word, and an event may
        get lost."""
        by_title = {template.title: template for template in known if not status(template.status).gone}
        return [
            title
            for title in lost
            if title in by_title and self._now() - by_title[title].learnt_of("status").at > FRESH_SECONDS
        ]


def _why_none(known: Sequence[Template]) -> str:
    """Why the list must not be empty; "" if the BSP has no templates."""
    there = [template for template in known if not status(template.status).gone]
    return f"none of {len(there)} templates can be imported" if there else ""


def _no_list(account: Account, reason: str) -> Answer:
    count("TemplateListsMissing")
    logger.warning("no templates to import", extra={"account": account.name, "reason": reason})
    return template_import.NO_LIST


def _tell(account: Account, page: Page) -> None:
    left_out = [f"{title}: {reason}" for title, reason in page.left_out]
    told = {"account": account.name, "templates": page.entries, "leftOut": left_out}
    logger.info("templates listed for CleverTap", extra=told)
