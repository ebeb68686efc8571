"""What an account of Clickatell's One API configures."""

from typing import Literal

from whatsapp_bridge.accounts.fields import BaseUrl, Config, HeaderSecret
from whatsapp_bridge.providers.clickatell_common.settings import Encryption, EncryptionOptions


class Settings(Config):
    type: Literal["clickatell"]
    api_key: HeaderSecret
    base_url: BaseUrl = "https://platform.clickatell.com"
    encryption: Encryption | None = None


class Options(EncryptionOptions):
    hsm: bool = False
    """Send template messages in the form of the older API, which knows texts with body parameters only."""
