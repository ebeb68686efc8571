"""Meta's webhooks about templates, numbers and business accounts: what they say, and for which accounts."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api.account_events import account_events_of
from whatsapp_bridge.providers.cloud_api.templates import events_of
from whatsapp_bridge.runtime.constant_time import is_one_of
from whatsapp_bridge.templates.news import AccountEvent, TemplateEvent

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account as AnyAccount
    from whatsapp_bridge.providers.meta.settings import Account


def read(element: Json) -> Iterator[TemplateEvent | AccountEvent]:
    yield from events_of({"entry": [element]})
    yield from account_events_of(element)


def vouches(arrived: "Account", other: "AnyAccount") -> bool:
    """Whether the two accounts belong to the same app, whose secret has signed the webhook: the owner of another app
    could say anything of this one's templates."""
    theirs = getattr(other.provider, "app_secrets", [])
    return any(is_one_of(secret, theirs) for secret in arrived.provider.app_secrets)
