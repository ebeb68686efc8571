"""Meta's webhooks about templates and numbers, in case they are passed on: the documentation names `messages` alone."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api.account_events import account_events_of
from whatsapp_bridge.providers.cloud_api.templates import events_of
from whatsapp_bridge.templates.news import AccountEvent, TemplateEvent

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account as AnyAccount
    from whatsapp_bridge.providers.message_central.settings import Account


def read(element: Json) -> Iterator[TemplateEvent | AccountEvent]:
    yield from events_of({"entry": [element]})
    yield from account_events_of(element)


def vouches(arrived: "Account", other: "AnyAccount") -> bool:
    """False: nothing proves that it is Meta's."""
    return False
