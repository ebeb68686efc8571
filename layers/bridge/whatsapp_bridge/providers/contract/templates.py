"""`templates` and `template_status` of an adapter: what the BSP says of templates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.net.http import HttpClient
    from whatsapp_bridge.providers.contract.client import Services
    from whatsapp_bridge.templates.news import News
    from whatsapp_bridge.templates.template import Template


type NotListedFor = Literal["permission", "later", "smaller", "missing", "unknown"]
"""Why a BSP gave no templates.

permission  the account's credentials may send, but not list, or not this; somebody has to act
later       not now: too many requests, an outage, no answer
smaller     it would be too much at once
missing     there is no such template, or it is not for these credentials to see
unknown     an error that no table lists, or an answer that cannot be read
"""


@dataclass(frozen=True, slots=True)
class NotListed:
    """`reason` contains nothing private. `retry_after` in seconds, None if the BSP does not say."""

    why: NotListedFor
    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of the BSP's list. `after` is the cursor of the next one, None on the last."""

    news: Sequence["News"]
    after: str | None
    unread: int = 0
    """Entries that cannot be read: nobody knows which templates they are of."""
    is_last_call: bool = False
    """The BSP's budget is nearly spent: the rest is left for what cannot wait."""
    retry_after: float | None = None
    """When there is a budget again, in seconds, if the BSP says."""


class Templates(Protocol):
    """One account's templates at the BSP. Times are those when the requests left."""

    @property
    def scope(self) -> str:
        """Whose templates they are: `waba:{id}`, which accounts may share, or `account:{name}`."""

    def page(self, after: str | None, limit: int) -> ListedPage | NotListed: ...

    def fetch(self, template_id: str) -> "News | NotListed":
        """One template, by the BSP's id."""

    def find(self, name: str) -> "Sequence[News] | NotListed":
        """The templates of this name, whatever its case, in all languages."""


class TemplateStatus(Protocol):
    def ask(self, template: "Template") -> "News | NotListed":
        """What the BSP says of a template that is known."""


class TemplateStatusFactory(Protocol):
    def __call__(
        self, account: "Account[Any, Any]", services: "Services", now: Callable[[], float]
    ) -> TemplateStatus: ...


class TemplatesFactory(Protocol):
    def __call__(self, account: "Account[Any, Any]", http: "HttpClient", now: Callable[[], float]) -> Templates: ...
