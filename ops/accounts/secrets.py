"""The secrets of a stack's accounts, as they stand in Secrets Manager."""

import json
from typing import Any, Final, NamedTuple
from uuid import uuid4

from botocore.exceptions import ClientError

from ops.output import Exit, Failed
from ops.target import Target
from whatsapp_bridge.accounts.account import NAME_PATTERN
from whatsapp_bridge.accounts.fields import matching
from whatsapp_bridge.store.aws import error_code

CACHED_SECONDS: Final = 300
"""So long the functions may use an account as it was (`store.accounts`)."""
_ABSENT: Final = "ResourceNotFoundException"
_EXISTS: Final = "ResourceExistsException"
_BEING_DELETED: Final = "InvalidRequestException"


class Kept(NamedTuple):
    """A secret, when (seconds since 1970) this version of it was stored, and the version's id."""

    text: str
    stored_at: float
    version: str


class Secrets:
    """Its methods raise botocore's errors for what is said nowhere else."""

    def __init__(self, target: Target) -> None:
        self._secrets, self._accounts = target.aws("secretsmanager"), target.accounts()
        self._prefix, self._stack = target.secret_prefix, target.name

    def names(self) -> list[str]:
        """Of all accounts, sorted. One that was made just now may be missing for some minutes."""
        return sorted(self._accounts.names())

    def find(self, name: str) -> Kept | None:
        """None if there is none, or one that is marked for deletion. Raises `Failed` for a name that none can have."""
        checked_name(name)
        try:
            answer = self._secrets.get_secret_value(SecretId=self._prefix + name)
        except ClientError as error:
            if error_code(error) in (_ABSENT, _BEING_DELETED):
                return None
            raise
        return Kept(str(answer.get("SecretString", "")), answer["CreatedDate"].timestamp(), answer["VersionId"])

    def get(self, name: str) -> Kept:
        """Raises `Failed` if there is none."""
        kept = self.find(name)
        if kept is None:
            raise Failed(
                Exit.NOT_FOUND, f"{self._stack} has no account {name}: `bridge account list` shows those it has"
            )
        return kept

    def put(self, name: str, value: Any, before: Kept | None, kms_key: str | None = None) -> None:
        """Make the secret with an account's JSON, or a new version of it. One that is marked for deletion is taken back
        first. Raises `Failed` if somebody has changed it since it was `before`."""
        now = self.find(name)
        if (now and now.version) != (before and before.version):
            raise Failed(Exit.LATER, f"somebody has changed {name} meanwhile: look at it, and try again")
        secret, text, token = self._prefix + name, written(value), str(uuid4())
        encrypted: dict[str, Any] = {} if kms_key is None else {"KmsKeyId": kms_key}
        try:
            self._secrets.create_secret(Name=secret, SecretString=text, ClientRequestToken=token, **encrypted)
        except ClientError as error:
            if error_code(error) not in (_EXISTS, _BEING_DELETED):
                raise
            if "DeletedDate" in self._secrets.describe_secret(SecretId=secret):
                self._secrets.restore_secret(SecretId=secret)
            self._secrets.put_secret_value(SecretId=secret, SecretString=text, ClientRequestToken=token)

    def remove(self, name: str, days: int) -> None:
        """It can be taken back for so many days (7 to 30)."""
        self._secrets.delete_secret(SecretId=self._prefix + name, RecoveryWindowInDays=days)


def written(value: Any) -> str:
    """An account's JSON, as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def checked_name(name: str) -> str:
    """Raises `Failed`."""
    try:
        return matching(NAME_PATTERN, "")(name)
    except ValueError:
        raise Failed(Exit.USAGE, "an account's name is 1 to 40 of a-z 0-9 -") from None
