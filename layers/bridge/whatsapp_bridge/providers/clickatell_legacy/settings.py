"""What an account of Clickatell's legacy WhatsApp API configures."""

from typing import Literal

from whatsapp_bridge.accounts.fields import BaseUrl, Config, HeaderSecret
from whatsapp_bridge.providers.clickatell_common.settings import Encryption, EncryptionOptions


class Settings(Config):
    type: Literal["clickatell_legacy"]
    api_key: HeaderSecret
    base_url: BaseUrl = "https://platform.clickatell.com"
    encryption: Encryption | None = None


class Options(EncryptionOptions):
    """Those of client-side encryption alone."""
