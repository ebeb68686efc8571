"""What an account of Clickatell's One API configures."""

from typing import Literal

from whatsapp_bridge.accounts import account
from whatsapp_bridge.accounts.fields import BaseUrl
from whatsapp_bridge.providers.clickatell_common.settings import EncryptionOptions, EncryptionSettings


class Settings(EncryptionSettings):
    type: Literal["clickatell"]
    base_url: BaseUrl = "https://platform.clickatell.com"


class Options(EncryptionOptions):
    broadcast_files: bool = False
    """Upload the files of freeform messages once for everybody. Clickatell allows that only for files that hold nothing
    personal and go to several people."""
    hsm: bool = False
    """Send template messages in the older API's form, which allows only text with body parameters."""


type Account = account.Account[Settings, Options]
