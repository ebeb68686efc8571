"""An adapter as a whole, by which mypy holds each adapter's modules against the contract (`registry`)."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

from whatsapp_bridge.providers.contract.client import ClientFactory
from whatsapp_bridge.providers.contract.inbound import Inbound
from whatsapp_bridge.providers.contract.outbound import Outbound
from whatsapp_bridge.providers.contract.replies import Replies

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Options, ProviderSettings


class SettingsModule(Protocol):
    @property
    def Settings(self) -> "type[ProviderSettings]":  # noqa: N802 - a class
        """The account's `provider` object."""

    @property
    def Options(self) -> "type[Options]":  # noqa: N802 - a class
        """The account's `options`: the common ones, and the BSP's own."""


class Adapter(NamedTuple):
    settings: SettingsModule
    outbound: Outbound
    inbound: Inbound
    replies: Replies
    client: ClientFactory
