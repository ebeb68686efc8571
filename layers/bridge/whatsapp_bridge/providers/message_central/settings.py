"""What an account of Message Central configures."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from whatsapp_bridge.accounts import account
from whatsapp_bridge.accounts.account import Options as CommonOptions
from whatsapp_bridge.accounts.account import ProviderSettings
from whatsapp_bridge.accounts.fields import BaseUrl, Key, PortalPassword, form, is_key


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# Message Central documents it as an integer but sends it as text.
type Country = Annotated[
    str, BeforeValidator(_text), form(r"[0-9]{1,3}", "must be a country calling code, 1 to 3 digits")
]


# A JWT. The shortest signature that one has, with HS256, takes 43 characters (RFC 7518, section 3.2).
type _Token = Annotated[str, AfterValidator(is_key(43))]


class Settings(ProviderSettings):
    """Either `token`, a permanent one from Message Central, or the fields to request a token with."""

    type: Literal["message_central"]
    base_url: BaseUrl = "https://cpaas.messagecentral.com"
    token: _Token | None = None
    password: PortalPassword | None = Field(default=None, validate_default=True)
    customer_id: Key | None = Field(default=None, validate_default=True)
    country: Country | None = None
    """The country calling code of the customer, optional in the request for a token."""
    email: Key | None = None

    @field_validator("password")
    @classmethod
    def _either(cls, password: str | None, info: ValidationInfo) -> str | None:
        token = info.data.get("token")
        if password is None and token is None:
            raise ValueError("is missing: set either password or token")
        if password is not None and token is not None:
            raise ValueError("must not be set together with token: only one of them is used")
        return password

    @field_validator("customer_id")
    @classmethod
    def _with_the_password(cls, customer_id: str | None, info: ValidationInfo) -> str | None:
        if customer_id is None and info.data.get("password") is not None:
            raise ValueError("is missing: it must be set together with password")
        return customer_id


class Options(CommonOptions):
    bulk: bool = False
    """Send messages of one template that arrive together as one sheet."""
    template_media: list[Annotated[str, Field(min_length=1)]] = Field(default=[])
    """Templates whose header is a file that Message Central got with the template; no other file can be sent."""

    @property
    def in_batches(self) -> bool:
        return self.bulk


type Account = account.Account[Settings, Options]
