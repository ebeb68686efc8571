"""The registry of an account's templates, and where its BSP tells of them."""

from collections.abc import Callable, Iterable, Sequence
from time import sleep, time
from typing import Any, Final, NamedTuple
from uuid import uuid4

from ops.output import Exit, Failed
from ops.target import Target
from ops.templates.files import Source
from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.flows.template_learning import TemplateLearning
from whatsapp_bridge.flows.template_sync import Ended, Report, TemplateSync
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers import registry as providers
from whatsapp_bridge.providers.capabilities import Capabilities
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.providers.contract.template_admin import NotDone
from whatsapp_bridge.providers.contract.templates import ListedPage, NotListed, Templates
from whatsapp_bridge.store.templates import Imports, Known, Registry, Syncs
from whatsapp_bridge.templates.languages import normalised
from whatsapp_bridge.templates.news import News, alike
from whatsapp_bridge.templates.statuses import DELETED
from whatsapp_bridge.templates.template import ASPECTS, FILE, Content, Template

_PAGE: Final = 100
_MOST_PAGES: Final = 1_500
_LATER: Final = frozenset({"later", "smaller", "lost"})
"""Why a BSP's refusal is none for good. For any other reason it is."""


class Difference(NamedTuple):
    """One template that the registry and the BSP have differently."""

    name: str
    language: str
    what: str
    registry: str
    bsp: str


class Books:
    """One account's templates, as the bridge knows them and as its BSP has them."""

    def __init__(
        self,
        target: Target,
        account: Account[Any, Any],
        http: HttpClient,
        now: Callable[[], float] = time,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        table = target.table
        self.account, self._table = account, table
        self.services = target.services(http)
        self.now, self.pause = now, pause
        self.registry = Registry(table)
        self.bsp: Templates | None = providers.templates_of(account, http, now)

    @property
    def scope(self) -> str:
        return self.account.template_scope

    def last_import(self) -> list[str]:
        """The titles that CleverTap's last import got."""
        return Imports(self._table).last(self.account.name)

    def known(self) -> Known:
        return self.registry.all(self.scope)

    def after(self, known: Iterable[Template]) -> int:
        """A time at which what was learnt of these in this second is older."""
        return max([int(self.now()), *(each.learnt_of(aspect).at + 1 for each in known for aspect in ASPECTS)])

    def named(self, name: str, language: str | None = None) -> list[Template]:
        """By the name that CleverTap or the BSP has, in one language or all. Raises `Failed` if there is none."""
        wanted = normalised(language) if language else None
        found = [
            template
            # Not by its name alone, which may be a second old: it may have been written just now.
            for template in self.known().templates
            if name in (template.name, template.bsp_name) and wanted in (None, template.language)
        ]
        if not found:
            where = f" in {wanted}" if wanted else ""
            raise Failed(Exit.NOT_FOUND, f"{self.account.name} has no template {name}{where}; `sync` asks the BSP")
        return sorted(found, key=lambda template: template.key)

    def listing(self) -> Templates:
        """Raises `Failed` for a BSP that has no list."""
        if self.bsp is None:
            reason = f"{self.account.provider_type} lists no templates: give the bridge a file of them with `import`"
            raise Failed(Exit.USAGE, reason)
        return self.bsp

    def sync(self) -> Report:
        syncs = Syncs(self._table)
        report = TemplateSync(self.registry, syncs, self.now, lambda: uuid4().hex).sync(
            self.account.name, self.listing()
        )
        if report.ended is Ended.PERMISSION_MISSING:
            raise Failed(Exit.BSP, report.reason)
        if report.ended is not Ended.COMPLETE:
            raise Failed(Exit.LATER, f"{report.ended.value}: {report.reason}" if report.reason else report.ended.value)
        return report

    def ask_all(self) -> list[Template]:
        """Those that are known, of a BSP that has no list and tells of each. Raises `Failed`."""
        names = {template.name for template in self.known().templates if template.status != DELETED}
        return [template for name in sorted(names) for template in self.asked(name)]

    @property
    def tells_of_each(self) -> bool:
        return self.bsp is None and self.account.provider_type in providers.WITH_TEMPLATE_STATUS

    def asked(self, name: str) -> list[Template]:
        """The templates of a name, after the BSP was asked, if it tells. Raises `Failed` for no answer."""
        if self.bsp is None:
            return self._asked_one_by_one(name)
        answer = self.bsp.find(name)
        if isinstance(answer, NotListed):
            raise refused(answer)
        self.learn([news for news in answer if news.name.casefold() == name.casefold()])
        return self.named(name)

    def _asked_one_by_one(self, name: str) -> list[Template]:
        """Of a BSP that tells of those that it is given the ids of; of any other, what is known."""
        known = self.named(name)
        if not self.tells_of_each:
            return known
        status = providers.template_status(self.account.provider_type)(self.account, self.services, self.now)
        for template in known:
            answer = status.ask(template)
            if isinstance(answer, NotListed):
                raise refused(answer)
            self.learn([answer])
        return self.named(name)

    @property
    def capabilities(self) -> Capabilities:
        return providers.outbound(self.account.provider_type).CAPABILITIES

    def learn(self, news: Sequence[News]) -> None:
        if self.bsp is None:
            self.registry.take(self.scope, news)
        else:
            TemplateLearning(self.registry, self.now, self.pause).learn(self.bsp, news)

    def listed(self, told: Callable[[int], None]) -> list[News]:
        """All that the BSP has now; nothing is written. `told` gets their number after each page. Raises `Failed`."""
        found: list[News] = []
        seen: set[tuple[str, str]] = set()
        after: str | None = None
        for _ in range(_MOST_PAGES):
            page = self.listing().page(after, _PAGE)
            if not isinstance(page, ListedPage):
                raise refused(page)
            keys = {(news.name, news.language) for news in page.news}
            if keys and keys <= seen:
                raise Failed(Exit.BSP, "the list comes back to a page that it had")
            found += page.news
            seen |= keys
            told(len(found))
            if page.after is None:
                return found
            after = page.after
        raise Failed(Exit.BSP, "the list has no end")


def refused(answer: NotListed | NotDone) -> Failed:
    """The end of a command that the BSP has not done."""
    later = f"; again in {answer.retry_after:.0f} s" if answer.retry_after else ""
    return Failed(Exit.LATER if answer.why in _LATER else Exit.BSP, f"{answer.reason}{later}")


def news_of(sources: Sequence[Source], now: int) -> list[News]:
    """What files say of templates, as a list does. Raises `Failed` for one that cannot be read."""
    news = []
    for source in sources:
        entry = source.value if isinstance(source.value, dict) else {}
        # Who gives the bridge a template by hand has it approved.
        read = of_entry({"status": "APPROVED", **entry}, now, FILE)
        if read is None or "content" not in read.says:
            raise Failed(Exit.USAGE, f"{source.file}:{source.line(())}: needs name, language and components")
        news.append(read)
    return news


def differences(known: Sequence[Template], listed: Sequence[News]) -> list[Difference]:
    """What differs, by name and language."""
    found = []
    by_key = {template.key: template for template in known if template.status != DELETED}
    for news in listed:
        template = by_key.pop((news.name, news.language), None)
        if template is None:
            found.append(Difference(news.name, news.language, "template", "missing", str(news.says.get("status", ""))))
            continue
        for aspect, value in news.says.items():
            mine = getattr(template, aspect)
            if not alike(mine, value):
                words = ("other", "other") if isinstance(value, Content) else (str(mine), str(value))
                found.append(Difference(*template.key, aspect, *words))
    found += (Difference(*key, "template", template.status, "missing") for key, template in by_key.items())
    return sorted(found)
