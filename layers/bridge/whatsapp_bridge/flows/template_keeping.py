"""templates: keeps the registry, by syncs that a schedule asks for and by what the BSPs tell meanwhile.

Several accounts may share their templates: a notice arrives at one of them and concerns all, a sync is done once with
the credentials of the first that may. What cannot be finished now comes back on its queue.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.flows import template_watching as watching
from whatsapp_bridge.flows.records import Postponed, Record, pause_after_failure
from whatsapp_bridge.flows.template_learning import TemplateLearning
from whatsapp_bridge.flows.template_queue import NoticeWork, SyncWork, sync_entry, work_of
from whatsapp_bridge.flows.template_sync import Ended, TemplateSync
from whatsapp_bridge.providers import registry as providers
from whatsapp_bridge.providers.capabilities import NO_TIME
from whatsapp_bridge.providers.contract.templates import NotListed
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.store.queues import MAX_DELAY_SECONDS, MAX_VISIBILITY_SECONDS, NotStored, TemplatesQueue
from whatsapp_bridge.store.templates import Registry
from whatsapp_bridge.templates import statuses
from whatsapp_bridge.templates.news import AccountEvent, News

if TYPE_CHECKING:
    from whatsapp_bridge.providers.contract.client import Services
    from whatsapp_bridge.providers.contract.templates import Templates
    from whatsapp_bridge.store.accounts import Accounts

_RETRY_SECONDS: Final = 60
_LONGEST_RETRY_SECONDS: Final = 900
# What a notice says is in the next list too.
_NOTICE_SECONDS: Final = 21_600
# So many syncs may fail before somebody is told.
_MISSED_SYNCS: Final = 3


class Sharing(NamedTuple):
    """Accounts that share the templates of a scope."""

    scope: str
    accounts: Sequence[Account]
    has_list: bool = True

    @property
    def names(self) -> list[str]:
        return [account.name for account in self.accounts]


class TemplateKeeping:
    """`interval`: seconds between the syncs that the schedule asks for."""

    def __init__(
        self,
        *,
        accounts: "Accounts",
        registry: Registry,
        sync: TemplateSync,
        learning: TemplateLearning,
        queue: TemplatesQueue,
        services: "Callable[[], Services]",
        interval: int,
        jitter: Callable[[], float],
        now: Callable[[], float],
    ) -> None:
        self._accounts, self._registry, self._sync, self._learning = accounts, registry, sync, learning
        self._queue, self._services, self._http, self._interval = queue, services, services().http, interval
        self._jitter, self._now = jitter, now

    # --- the schedule ------------------------------------------------------------------------------------------------

    def plan(self) -> None:
        """Put a sync of all templates on the queue, once for those who share them, and each at a time of its own."""
        now = self._now()
        spread = min(MAX_DELAY_SECONDS, self._interval // 2)
        sharing = self._sharing()
        self._queue.send_all([sync_entry(each.names, now, int(self._jitter() * spread)) for each in sharing])
        for each in sharing:
            listed_at = self._registry.listed_at(each.scope)
            # What was never listed is told of where that fails.
            if each.has_list and listed_at and now - listed_at > _MISSED_SYNCS * self._interval:
                watching.say_too_old(each.names, each.scope, listed_at)

    # --- the queue ---------------------------------------------------------------------------------------------------

    def many(self, records: list[Record]) -> list[str]:
        """The ids of the records that must come back."""
        return [record.id for record in records if not self._is_done(record)]

    def _is_done(self, record: Record) -> bool:
        try:
            work = work_of(record.body)
            if isinstance(work, SyncWork):
                self._bring_up_to_date(work)
            else:
                self._learn(work)
        except Postponed as error:
            seconds = error.seconds
        except Exception as error:  # noqa: BLE001 - logged; the record comes back
            log_failure("record failed", error, record=record.id)
            # Each minute, a hundred receives would be over before an outage of hours is.
            seconds = pause_after_failure(self._now() - record.first_received_at, _LONGEST_RETRY_SECONDS)
        else:
            return True
        try:
            self._queue.postpone(record.receipt_handle, seconds)
        except NotStored as error:
            log_failure("could not postpone; the queue's visibility timeout applies", error, record=record.id)
        return False

    def _bring_up_to_date(self, work: SyncWork) -> None:
        """With the credentials of the first account that may list the templates."""
        for account in filter(None, map(self._account, work.accounts)):
            templates = self._templates(account)
            if templates is None:
                self._ask_one_by_one(account, work)
                continue
            is_first_list = not self._registry.listed_at(templates.scope)
            report = self._sync.sync(account.name, templates)
            # A list and an event may be of the same second. What is not answered, the next list decides.
            results = self._learning.asked(templates, report.results).results
            watching.say(results, work.accounts, is_first_list=is_first_list)
            if report.ended is Ended.PERMISSION_MISSING:
                watching.say_permission_missing(account.name, report.reason)
                continue
            if report.ended is Ended.FAILED:
                count("TemplateSyncsFailed")
            if report.ended is Ended.BROKEN_OFF:
                # The schedule asks for the next one.
                self._come_back(work.at, self._interval, report.retry_after)
            if is_first_list and report.ended in (Ended.FAILED, Ended.BROKEN_OFF):
                # A plan sees only lists that get old.
                watching.say_too_old(work.accounts, templates.scope, 0)
            return

    def _ask_one_by_one(self, account: Account, work: SyncWork) -> None:
        """For a BSP without a list: what became of the templates that are known, such as those of a file. None is
        deleted for an answer, which may be about credentials as well."""
        if account.provider_type not in providers.WITH_TEMPLATE_STATUS:
            return
        status = providers.template_status(account.provider_type)(account, self._services(), self._now)
        scope = account.template_scope
        for template in self._registry.all(scope).templates:
            # What was asked for since the sync was asked for has its answer.
            if statuses.status(template.status).gone or template.learnt_of("status").at >= work.at:
                continue
            answer = status.ask(template)
            if not isinstance(answer, NotListed):
                watching.say(self._registry.take(scope, [answer]), [account.name])
                continue
            told = {"account": account.name, "template": template.title, "reason": answer.reason}
            logger.warning("template not asked for", extra=told)
            if answer.why == "permission":
                watching.say_permission_missing(account.name, answer.reason)
                return
            if answer.why == "later":
                self._come_back(work.at, self._interval, answer.retry_after)
                return

    def _learn(self, work: NoticeWork) -> None:
        arrived = self._account(work.account)
        if arrived is None:
            logger.warning("notice for an account that is gone", extra={"account": work.account})
            return
        news: dict[str, list[News]] = {}
        found: dict[str, Sharing] = {}
        for event in providers.notices(arrived.provider_type).read(work.notice):
            sharing = self._concerned(arrived, event.waba_id)
            if sharing is None:
                count("TemplateEventsUnclaimed")
                logger.info("notice of a WhatsApp account that no account has", extra={"account": arrived.name})
            elif isinstance(event, AccountEvent):
                self._tell(sharing, event if event.at != NO_TIME else event._replace(at=work.at))
            else:
                watching.say_unlisted(event)
                # A report of the BSP's own has the BSP's id, which `template_source` does not know.
                is_bsps_own = arrived.template_source is not None and not event.waba_id
                told = event.news._replace(id=None) if is_bsps_own else event.news
                # What is of the future would be newer than all lists until then.
                news.setdefault(sharing.scope, []).append(told._replace(at=min(told.at, work.at)))
                found[sharing.scope] = sharing
        for scope, of_scope in news.items():
            self._take(found[scope], of_scope, work)

    def _take(self, sharing: Sharing, news: Sequence[News], work: NoticeWork) -> None:
        for account in sharing.accounts:
            templates = self._templates(account)
            if templates is None:
                continue
            learnt = self._learning.learn(templates, news)
            watching.say(learnt.results, sharing.names)
            if learnt.not_asked is None:
                return
            if learnt.not_asked.why != "permission":
                self._come_back(work.at, _NOTICE_SECONDS, learnt.not_asked.retry_after)
                return
            watching.say_permission_missing(account.name, learnt.not_asked.reason)
        # Nobody may ask, or can: what the news itself says is known all the same.
        watching.say(self._registry.take(sharing.scope, news), sharing.names)

    def _tell(self, sharing: Sharing, event: AccountEvent) -> None:
        number = event.number
        owners = [account.name for account in sharing.accounts if number is None or account.has_number(number)]
        if self._registry.note(sharing.scope, event):
            watching.say_of_account(event, owners)

    def _come_back(self, asked_at: int, longest: int, retry_after: float | None) -> None:
        """Raises `Postponed`, unless it would be too late."""
        elapsed = self._now() - asked_at
        wait = retry_after or min(max(elapsed, _RETRY_SECONDS), _LONGEST_RETRY_SECONDS)
        seconds = int(min(wait, MAX_VISIBILITY_SECONDS))
        if elapsed + seconds < longest:
            raise Postponed(seconds)
        count("TemplateWorkGivenUp")
        logger.warning("work on templates given up; the next sync does it", extra={"elapsed": int(elapsed)})

    # --- who has what ------------------------------------------------------------------------------------------------

    def _concerned(self, arrived: Account, waba_id: str) -> Sharing | None:
        """The accounts of the WhatsApp business account that a notice is of; None if nobody proves that it is."""
        scope = arrived.template_scope
        # Some say of no business account: they are of the account at which they arrive.
        of_waba = f"waba:{waba_id}" if waba_id else scope
        if scope.startswith("account:"):
            return Sharing(scope, [arrived])
        others = [account for account in self._sharing_of(of_waba) if account.name != arrived.name]
        if scope == of_waba:
            return Sharing(of_waba, [arrived, *others])
        vouches = providers.notices(arrived.provider_type).vouches
        proved = [account for account in others if vouches(arrived, account)]
        return Sharing(of_waba, proved) if proved else None

    def _sharing_of(self, scope: str) -> Iterable[Account]:
        return next((each.accounts for each in self._sharing() if each.scope == scope), ())

    def _sharing(self) -> list[Sharing]:
        by_scope: dict[str, list[Account]] = {}
        alone: list[Sharing] = []
        for account in filter(None, map(self._account, self._accounts.names())):
            templates = self._templates(account)
            if templates is not None:
                by_scope.setdefault(templates.scope, []).append(account)
            elif account.provider_type in providers.WITH_TEMPLATE_STATUS:
                alone.append(Sharing(account.template_scope, [account], has_list=False))
        return [*(Sharing(scope, accounts) for scope, accounts in by_scope.items()), *alone]

    def _templates(self, account: Account) -> "Templates | None":
        return providers.templates_of(account, self._http, self._now)

    def _account(self, name: str) -> Account | None:
        """None also for one whose secret is broken, which `Accounts` has told: the others go on."""
        return self._accounts.readable(name)
