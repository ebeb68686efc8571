"""What an account of Meta's Cloud API configures."""

from typing import Annotated, Literal

from pydantic import Field

from whatsapp_bridge.accounts import Options as CommonOptions
from whatsapp_bridge.fields import BaseUrl, Config, Secret

# Parts of addresses. Meta's ids are digits; https://developers.facebook.com/docs/graph-api/changelog has the versions.
type Id = Annotated[str, Field(pattern=r"^[0-9]{1,32}$")]
type Version = Annotated[str, Field(pattern=r"^v[0-9]{1,3}\.[0-9]{1,3}$")]

# It goes into a header as it is: a line break pasted along with it would stop every request.
type Token = Annotated[str, Field(pattern=r"^[!-~]+$")]


class Settings(Config):
    type: Literal["meta"]
    phone_number_id: Id
    waba_id: Id
    access_token: Token
    app_secret: Secret
    """Signs the webhooks; without it nobody could tell Meta's from others'."""
    verify_token: Secret
    api_version: Version
    base_url: BaseUrl = "https://graph.facebook.com"


class Options(CommonOptions):
    """None of its own."""
