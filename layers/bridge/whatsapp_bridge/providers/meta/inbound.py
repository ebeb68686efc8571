"""Meta's webhooks: authentication and content.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/create-webhook-endpoint
"""

import hmac
from typing import TYPE_CHECKING

from whatsapp_bridge.providers.cloud_api import inbound as dialect
from whatsapp_bridge.providers.contract.inbound import Callback, Event
from whatsapp_bridge.runtime.constant_time import is_one_of, is_same

if TYPE_CHECKING:
    from whatsapp_bridge.providers.meta.settings import Account


def authentic(callback: Callback, account: "Account") -> bool:
    """Whether one of the app's secrets signed the raw bytes."""
    given = callback.headers.get("x-hub-signature-256", "")
    signed = [hmac.digest(secret.encode(), callback.body, "sha256").hex() for secret in account.provider.app_secrets]
    return is_one_of(given, [f"sha256={each}" for each in signed])


def challenge(callback: Callback, account: "Account") -> str | None:
    """`hub.challenge`, if `hub.verify_token` is the account's."""
    if not is_same(callback.query.get("hub.verify_token", ""), account.provider.verify_token):
        return None
    return callback.query.get("hub.challenge") if callback.query.get("hub.mode") == "subscribe" else None


def split(callback: Callback, account: "Account") -> list[Event]:
    """The events of this account's number. An app's webhook gets those of all its customers' numbers, unless a number
    or customer overrides the address. Raises `NotACallback` or `BodyUnreadable`."""
    return dialect.split(callback, dialect.Wanted(account.provider.phone_number_id, account.waba_number))
