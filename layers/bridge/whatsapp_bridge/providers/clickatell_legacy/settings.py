"""What an account of Clickatell's legacy WhatsApp API configures."""

from typing import Literal

from whatsapp_bridge.accounts import account
from whatsapp_bridge.accounts.fields import BaseUrl
from whatsapp_bridge.providers.clickatell_common.settings import EncryptionOptions, EncryptionSettings


class Settings(EncryptionSettings):
    type: Literal["clickatell_legacy"]
    base_url: BaseUrl = "https://platform.clickatell.com"


class Options(EncryptionOptions):
    """Only those of client-side encryption."""


type Account = account.Account[Settings, Options]
