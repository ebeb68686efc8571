"""What an account of Gupshup's enterprise API configures."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field

from whatsapp_bridge.accounts import account
from whatsapp_bridge.accounts.account import Options as CommonOptions
from whatsapp_bridge.accounts.account import ProviderSettings
from whatsapp_bridge.accounts.fields import BaseUrl, Config, Key, PortalPassword, Secret


def _zone(value: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        # zoneinfo's own errors quote the value, and it reads an empty name as a directory.
        raise ValueError("must be the name of a time zone, like Asia/Kolkata or UTC") from None
    return value


type ZoneName = Annotated[str, AfterValidator(_zone)]


class Login(Config):
    """One of the two Gupshup accounts."""

    user_id: Key
    password: PortalPassword


class Settings(ProviderSettings):
    type: Literal["gupshup"]
    hsm: Login
    """Sends templates."""
    two_way: Login
    """Sends freeform messages."""
    opt_in: Literal["off", "once", "always"] = "off"
    """When to opt a person in: never, before the first template, before each template."""
    templates: dict[Secret, Key] = Field(default={})
    """Gupshup's template ids by the templates' names in CleverTap."""
    base_url: BaseUrl = "https://mediaapi.smsgupshup.com"
    templates_url: BaseUrl = "https://wamedia.smsgupshup.com"
    """Where Gupshup tells which templates there are."""

    def sends_text_of(self, template: str) -> bool:
        return template not in self.templates

    def with_template_id(self, name: str, template_id: str) -> Self:
        own = self.templates
        return self if name in own else self.model_copy(update={"templates": {**own, name: template_id}})


class Options(CommonOptions):
    click_time_zone: ZoneName = "Asia/Kolkata"
    """Gupshup's `clickTime` has no time zone; Gupshup is in India."""


type Account = account.Account[Settings, Options]
