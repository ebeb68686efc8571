"""`outbound` of an adapter."""

from typing import TYPE_CHECKING, Any, Protocol

from whatsapp_bridge.providers.capabilities import Capabilities, Json

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage


class Outbound(Protocol):
    CAPABILITIES: Capabilities

    def translate(
        self, message: "TemplateMessage | FreeformMessage", reference: str, account: "Account[Any, Any]"
    ) -> Json:
        """The BSP's message object. Pure. Raises `Refused` for what the BSP cannot express."""
