"""dispatch: compares a message with its template before it leaves, and asks the BSP before it refuses on old knowledge.

The BSP is asked for a name by one invocation at a time, and what it says is in the registry before the next one looks.
The others' messages wait meanwhile. Without an answer a message goes to the BSP, which has the last word.
"""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import uuid4

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.flows.known_templates import Compared, KnownTemplates
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.common.template_judging import judge, rules_of
from whatsapp_bridge.providers.contract.templates import NotListed
from whatsapp_bridge.runtime.observability import count, log_failure, logger
from whatsapp_bridge.store.templates import ASKED_AGAIN_SECONDS, Known, Questions, Registry, Turn
from whatsapp_bridge.templates.news import News
from whatsapp_bridge.templates.statuses import DELETED
from whatsapp_bridge.templates.template import FRESH_SECONDS, Template

if TYPE_CHECKING:
    from whatsapp_bridge.providers.contract.client import Services
    from whatsapp_bridge.providers.contract.templates import Templates, TemplateStatus

_SOURCE: Final = "a question to the BSP"


class Wait(Enum):
    """Another invocation asks the BSP for the message's template now."""

    WAIT = "wait"


class TemplateQuestions:
    """`now` gives seconds since 1970."""

    def __init__(
        self,
        *,
        known: KnownTemplates,
        registry: Registry,
        questions: Questions,
        http: HttpClient,
        services: "Callable[[], Services]",
        now: Callable[[], float],
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._known, self._registry, self._questions = known, registry, questions
        self._http, self._services, self._now, self._new_id = http, services, now, new_id
        self._silent_until: dict[tuple[str, str], float] = {}

    def compared(self, account: Account, message: TemplateMessage) -> Compared | Wait:
        """The message as its template needs it. Raises `Refused`."""
        scope, name = account.template_scope, message.template.name
        known = self._known.named(scope, name) if account.options.template_checks == "on" else None
        if known is None:
            return Compared(message)
        rules = rules_of(account, message)
        found = judge(message, known.templates, known.listed_at, self._now(), rules)
        if found.refused is not None and found.is_stale:
            learnt = self._asked(account, name, found.template)
            if isinstance(learnt, Wait):
                return learnt
            if learnt is not None:
                found = judge(message, learnt.templates, learnt.listed_at, self._now(), rules)
        if found.refused is not None and not found.is_stale:
            count("TemplateRefusals")
            raise found.refused
        return Compared.judged(message, found)

    def _asked(self, account: Account, name: str, template: Template | None) -> Known | Wait | None:
        """What is known after the BSP was asked; None without an answer."""
        question = self._question(account, name, template)
        if question is None or self._now() < self._silent_until.get(question.key, 0.0):
            return None
        try:
            return self._in_turn(question, account)
        except Exception as error:  # noqa: BLE001 - without an answer, the BSP has the last word
            log_failure("template not asked for", error, account=account.name)
            return None

    def _question(self, account: Account, name: str, template: Template | None) -> "_Question | None":
        """None if there is nobody to ask."""
        scope = account.template_scope
        templates = registry.templates_of(account, self._http, self._now)
        if templates is not None:
            return _Question(scope, name, name, lambda left: _told(templates, name, template, left))
        if template is None or account.provider_type not in registry.WITH_TEMPLATE_STATUS:
            return None
        status = registry.template_status(account.provider_type)(account, self._services(), self._now)
        return _Question(scope, name, template.title, lambda _: _told_of(status, template), is_of_all=False)

    def _in_turn(self, question: "_Question", account: Account) -> Known | Wait | None:
        grant = self._new_id()
        turn, answered_at = self._questions.begin(*question.key, grant, FRESH_SECONDS)
        match turn:
            case Turn.ANOTHERS:
                return Wait.WAIT
            case Turn.MINE:
                answered_at = self._ask(question, account, grant) or 0
        if not answered_at:
            # This process does not look again for each message.
            self._silent_until[question.key] = self._now() + ASKED_AGAIN_SECONDS
            return None
        return self._known.learnt(question.scope, question.name, answered_at if question.is_of_all else 0)

    def _ask(self, question: "_Question", account: Account, grant: str) -> int | None:
        """When the request left whose answer is in the registry now; None if there was none."""
        left, answered_at = int(self._now()), None
        try:
            answer = question.ask(left)
            if isinstance(answer, NotListed):
                logger.warning("template not asked for", extra={"account": account.name, "reason": answer.reason})
            else:
                self._registry.take(question.scope, answer)
                answered_at = left
        finally:
            self._questions.end(*question.key, grant, answered_at)
        return answered_at


class _Question(NamedTuple):
    """`subject`: whose turn it is to ask is decided for each. `is_of_all`: the answer has all templates of the name."""

    scope: str
    name: str
    subject: str
    ask: Callable[[int], list[News] | NotListed]
    """Given when it leaves."""
    is_of_all: bool = True

    @property
    def key(self) -> tuple[str, str]:
        return self.scope, self.subject


def _told_of(status: "TemplateStatus", template: Template) -> list[News] | NotListed:
    """None is deleted for an answer, which may be about credentials as well."""
    answer = status.ask(template)
    return answer if isinstance(answer, NotListed) else [answer]


def _told(templates: "Templates", name: str, template: Template | None, left: int) -> list[News] | NotListed:
    """What the BSP has by this name. A template that it does not list is asked for by its id, because a filter may lag:
    two answers say that it is gone."""
    found = templates.find(name)
    if isinstance(found, NotListed):
        return found
    if template is None or any((news.name, news.language) == template.key for news in found):
        return [*found]
    if template.id is not None:
        one = templates.fetch(template.id)
        if not isinstance(one, NotListed):
            return [*found, one]
        if one.why != "missing":
            return one
    gone = News(template.name, template.language, left, _SOURCE, says={"status": DELETED}, is_listing=True)
    return [*found, gone]
