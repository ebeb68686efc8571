"""Message Central's webhook: Meta's, passed through to one URL per customer.

Source: section "Setup Webhook for WhatsApp Messages" of Message Central's documentation. It signs nothing and verifies
no URLs.
"""

from typing import TYPE_CHECKING

from whatsapp_bridge.providers.cloud_api import inbound as dialect
from whatsapp_bridge.providers.contract.inbound import Callback, Event

if TYPE_CHECKING:
    from whatsapp_bridge.providers.message_central.settings import Account


def authentic(callback: Callback, account: "Account") -> bool:
    """True: nothing is signed; the token in the callback's path is the only proof."""
    return True


def challenge(callback: Callback, account: "Account") -> str | None:
    """None: Message Central does not verify callback URLs."""
    return None


def split(callback: Callback, account: "Account") -> list[Event]:
    """The events of this account's number. The customer's one URL gets those of all its numbers. Raises
    `NotACallback` or `BodyUnreadable`."""
    # Meta echoes Message Central's own value: Message Central never gets CleverTap's msgId.
    return dialect.split(callback, dialect.Wanted(number=account.waba_number, echoes=False))
