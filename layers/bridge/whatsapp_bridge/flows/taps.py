"""Payloads of quick replies that the BSP has no place for.

CleverTap wants the payload that it has sent back with the tap. Where the BSP says only the label, the payloads are kept
with the message's record: dispatch writes them with the claim, so that they are there before anybody can tap, and
forward looks the label up.
"""

from collections.abc import Mapping
from typing import Final
from unicodedata import category, normalize

from pydantic_core import from_json, to_json

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.callbacks import IncomingMessage
from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.common import whatsapp
from whatsapp_bridge.store.claims import Claims

# They choose how the character before is drawn; a label may have lost them on its way.
_VARIATION_SELECTORS: Final = range(0xFE00, 0xFE10)


def payloads_to_keep(account: Account, message: TemplateMessage | FreeformMessage) -> str | None:
    """The text for the message's record; None if the BSP brings all payloads back."""
    if not isinstance(message, TemplateMessage) or not _keeps_payloads(account):
        return None
    payloads = whatsapp.payloads_by_label(message)
    return to_json(payloads).decode() if payloads else None


def put_back(claims: Claims, account: Account, reference: str, message: IncomingMessage) -> IncomingMessage:
    """A tap on the message `reference`, with the payload that was sent with the button. All else is unchanged."""
    if message.button is None or not _keeps_payloads(account):
        return message
    kept = claims.payloads_of(account.name, reference)
    # A message of an older version has none.
    payloads = {} if kept is None else from_json(kept)
    label = message.button.text
    # Lines behind the label are the bridge's own, of what stands beside the tap (`contents.with_asides`).
    payload = _found(payloads, label) or _found(payloads, label.partition("\n")[0])
    if payload is None:
        return message
    return message.model_copy(update={"button": message.button.model_copy(update={"payload": payload})})


def _keeps_payloads(account: Account) -> bool:
    return registry.outbound(account.provider_type).CAPABILITIES.keeps_payloads


def _found(payloads: Mapping[str, str], label: str) -> str | None:
    """The payload of the button with this label; else the only one whose label differs in nothing that matters: the
    template's label, which a tap brings, may be written otherwise in CleverTap."""
    if label in payloads:
        return payloads[label]
    alike = {payload for written, payload in payloads.items() if _plain(written) == _plain(label)}
    return alike.pop() if len(alike) == 1 else None


def _plain(label: str) -> str:
    """Without case, blanks too many, and what nobody sees."""
    seen = (c for c in normalize("NFKC", label) if category(c) != "Cf" and ord(c) not in _VARIATION_SELECTORS)
    return " ".join("".join(seen).casefold().split())
