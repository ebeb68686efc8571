"""What an account of Clickatell's One API configures."""

from typing import Annotated, Literal

from pydantic import Field

from whatsapp_bridge.accounts.account import Options as CommonOptions
from whatsapp_bridge.accounts.fields import BaseUrl, Config, HeaderSecret, form

# Clickatell owns the keys, usually in an account of its own.
type KeyArn = Annotated[
    str,
    form(
        r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[A-Za-z0-9/_-]+",
        "must be the ARN of a KMS key or of an alias: arn:aws:kms:<region>:<account>:key/<id>",
    ),
]


class Encryption(Config):
    """Client-side encryption: messages to people under the MT key, messages from people under the MO key."""

    mt_key_arn: KeyArn
    mo_key_arn: KeyArn


class Settings(Config):
    type: Literal["clickatell"]
    api_key: HeaderSecret
    base_url: BaseUrl = "https://platform.clickatell.com"
    encryption: Encryption | None = None


class EncryptionOptions(CommonOptions):
    data_key_max_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """How long a data key may serve (seconds), or be kept for reading; 0 = a fresh key for each message, none kept."""
    data_key_max_messages: Annotated[int, Field(ge=0, le=100_000)] = 100
    """How many messages a data key may serve; 0 = a fresh key for each message."""


class Options(EncryptionOptions):
    hsm: bool = False
    """Send template messages in the form of the older API, which knows texts with body parameters only."""
