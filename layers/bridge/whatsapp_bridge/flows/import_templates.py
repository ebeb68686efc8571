"""import: a page of an account's templates for CleverTap's import.

An import may replace all templates of the dashboard by the list, and a campaign whose template is gone stops. So a list
is never short by mistake: without one complete sync there is none, and none that is empty while the BSP has templates.
"""

from collections.abc import Callable, Mapping, Sequence
from time import time
from uuid import uuid4

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap import answers, template_import
from whatsapp_bridge.clevertap.answers import Answer
from whatsapp_bridge.clevertap.template_import import LeftOut, Page, Unreadable
from whatsapp_bridge.flows.template_sync import TemplateSync
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers import registry
from whatsapp_bridge.runtime.observability import count, count_of_account, log_failure, logger
from whatsapp_bridge.store.accounts import Accounts, BeyondBudget
from whatsapp_bridge.store.templates import Imports, Known, Registry, Syncs
from whatsapp_bridge.templates.statuses import status
from whatsapp_bridge.templates.template import Template

REFRESH_SECONDS = 5
"""How long a first page waits for the BSP: a marketer presses Import right after the approval."""
_FRESH_SECONDS = 60


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
        is_first = template_import.read_cursor(after) is None
        template_import.read_limit(limit)
        known = self._known(account, refresh=is_first)
        if known.listed_at == 0:
            return _no_list(account, "there was no complete sync yet")
        samples = {kind.upper(): address for kind, address in account.options.media_samples.items()}
        page = template_import.page(known.templates, samples, address, limit, after)
        _tell(account, page)
        if is_first:
            if page.entries == 0 and (reason := _why_none(known.templates)):
                return _no_list(account, reason)
            self._compare(account, known, samples)
        return Answer(200, page.body)

    # --- bringing up to date -----------------------------------------------------------------------------------------

    def _known(self, account: Account, *, refresh: bool) -> Known:
        known = self._registry.all(account.template_scope)
        templates = registry.templates_of(account, self._http, self._now) if refresh else None
        if templates is None or self._now() - known.listed_at <= _FRESH_SECONDS:
            return known
        self._http.end_in(REFRESH_SECONDS)
        try:
            self._sync.sync(account.name, templates)
        except Exception as error:  # noqa: BLE001 - what is known is shown
            log_failure("templates not brought up to date", error, account=account.name)
        return self._registry.all(account.template_scope)

    # --- what is lost ------------------------------------------------------------------------------------------------

    def _compare(self, account: Account, known: Known, samples: Mapping[str, str]) -> None:
        """With the last import. A fault here must not cost the marketer the import."""
        made = template_import.listing(known.templates, samples)
        titles = [template.title for template, entry in made if not isinstance(entry, LeftOut)]
        count("TemplateImports")
        try:
            before = self._imports.last(account.name)
            if before != titles:
                self._imports.keep(account.name, titles)
        except Exception as error:  # noqa: BLE001 - see above
            log_failure("import not compared with the last one", error, account=account.name)
            return
        if lost := template_import.lost(before, titles):
            count("TemplatesLost", len(lost))
            count_of_account("TemplatesLost", account.name)
            logger.warning("import lacks templates of the last one", extra={"account": account.name, "lost": lost})


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
