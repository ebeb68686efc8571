"""What an account of Meta's Cloud API configures."""

from typing import Annotated, Literal

from pydantic import Field

from whatsapp_bridge.accounts import account
from whatsapp_bridge.accounts.account import Options as CommonOptions
from whatsapp_bridge.accounts.account import ProviderSettings
from whatsapp_bridge.accounts.fields import BaseUrl, Key, Secret, form, one_or_several, visible

# Parts of addresses. Meta's ids are digits; https://developers.facebook.com/docs/graph-api/changelog has the versions.
type Id = Annotated[str, form(r"[0-9]{1,32}", "must be an id from Meta: digits only")]
type Version = Annotated[str, form(r"v[0-9]{1,3}\.[0-9]{1,3}", "must be a version of the Graph API, like v25.0")]


class Settings(ProviderSettings):
    type: Literal["meta"]
    phone_number_id: Id
    waba_id: Id
    access_token: Key
    app_secrets: Annotated[list[Key], one_or_several(visible), Field(alias="app_secret", min_length=1)]
    """Sign the webhooks, which proves that they are Meta's: one, or several while it is rotated. All are accepted."""
    verify_token: Secret
    api_version: Version
    base_url: BaseUrl = "https://graph.facebook.com"

    @property
    def whatsapp_account(self) -> str:
        return self.waba_id


class Options(CommonOptions):
    """No options of its own."""


type Account = account.Account[Settings, Options]
