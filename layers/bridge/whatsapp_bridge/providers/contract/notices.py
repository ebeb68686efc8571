"""`notices` of an adapter: what a `Notice` says of templates and numbers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from whatsapp_bridge.providers.capabilities import Json

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.templates.news import AccountEvent, TemplateEvent


class Notices(Protocol):
    def read(self, element: Json) -> "Iterator[TemplateEvent | AccountEvent]":
        """What a `Notice.element` says."""

    def vouches(self, arrived: "Account[Any, Any]", other: "Account[Any, Any]") -> bool:
        """Whether what arrived at one account is proved for another account of the same business account too."""
