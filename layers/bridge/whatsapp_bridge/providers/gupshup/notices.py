"""Gupshup's reports of templates. How they are set up is not documented, so nothing relies on them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.gupshup.template_entries import events_in
from whatsapp_bridge.templates.news import AccountEvent, TemplateEvent

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account as AnyAccount
    from whatsapp_bridge.providers.gupshup.settings import Account


def read(element: Json) -> Iterator[TemplateEvent | AccountEvent]:
    yield from events_in(element)


def vouches(arrived: "Account", other: "AnyAccount") -> bool:
    """False: a report is of the account at which it arrives."""
    return False
