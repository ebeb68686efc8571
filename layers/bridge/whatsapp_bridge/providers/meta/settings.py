"""What an account of Meta's Cloud API configures."""

from typing import Annotated, Literal

from pydantic import Field

from whatsapp_bridge.accounts import account
from whatsapp_bridge.accounts.account import Options as CommonOptions
from whatsapp_bridge.accounts.account import ProviderSettings
from whatsapp_bridge.accounts.fields import BaseUrl, BspKey, GraphVersion, MetaId, bsp_key, chosen, one_or_several


class Settings(ProviderSettings):
    type: Literal["meta"]
    phone_number_id: MetaId
    waba_id: MetaId
    access_token: BspKey
    app_secrets: Annotated[list[BspKey], one_or_several(bsp_key), Field(alias="app_secret", min_length=1)]
    """Sign the webhooks, which proves that they are Meta's: one, or several while it is rotated. All are accepted."""
    verify_token: Annotated[str, chosen(8)]
    """Stands behind the callback token in the address, which is long."""
    api_version: GraphVersion
    base_url: BaseUrl = "https://graph.facebook.com"
    app_id: MetaId | None = None
    """The app to which the token belongs: for uploads of templates' samples alone."""

    @property
    def whatsapp_account(self) -> str:
        return self.waba_id


class Options(CommonOptions):
    """No options of its own."""


type Account = account.Account[Settings, Options]
