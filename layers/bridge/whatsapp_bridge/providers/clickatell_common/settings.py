"""Settings that accounts of Clickatell's two APIs share: client-side encryption."""

from typing import Annotated

from pydantic import Field

from whatsapp_bridge.accounts import account
from whatsapp_bridge.accounts.account import Options as CommonOptions
from whatsapp_bridge.accounts.account import ProviderSettings
from whatsapp_bridge.accounts.fields import BspKey, Config, form

# Clickatell owns the keys, usually in its own AWS account.
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


class EncryptionSettings(ProviderSettings):
    api_key: BspKey
    encryption: Encryption | None = None


class EncryptionOptions(CommonOptions):
    data_key_max_seconds: Annotated[int, Field(ge=0, le=3600)] = 300
    """How long a data key may be used (seconds), or kept for reading; 0 = a new key for each message, none kept."""
    data_key_max_messages: Annotated[int, Field(ge=0, le=100_000)] = 100
    """How many messages may share a data key; 0 = a new key for each message."""


type Account = account.Account[EncryptionSettings, EncryptionOptions]
