"""Secrets Manager's secrets by their names, one by one or two in one request."""

from typing import Any

from botocore.exceptions import ClientError

from whatsapp_bridge.runtime.observability import logger
from whatsapp_bridge.store.aws import error_code

_NO_SUCH_SECRET = {"ResourceNotFoundException", "InvalidRequestException"}


def read(secrets: Any, name: str) -> str | None:
    """The text of a secret; None if there is none, or it is marked for deletion. Raises botocore's errors."""
    try:
        answer = secrets.get_secret_value(SecretId=name)
    except ClientError as error:
        if error_code(error) in _NO_SUCH_SECRET:
            return None
        raise
    return _text(answer)


def read_together(secrets: Any, *names: str) -> dict[str, str | None]:
    """The same of several, by name or ARN, in one request. Whatever is missing in the answer, `read` says.

    AWS allows a hundred such requests a second, and ten thousand for one secret. So what it refuses, as when many
    processes start at once, is read one by one, and not tried again (`store.aws`). Raises botocore's errors, but none
    of Secrets Manager's own.

    Source: BatchGetSecretValue in https://docs.aws.amazon.com/secretsmanager/latest/apireference/
    """
    try:
        answer = secrets.batch_get_secret_value(SecretIdList=list(names))
    except ClientError as error:
        logger.info("secrets are read one by one", extra={"reason": error_code(error)})
        return {}
    found: dict[str, str | None] = {}
    for secret in answer.get("SecretValues", ()):
        found |= {secret[known_as]: _text(secret) for known_as in ("Name", "ARN") if known_as in secret}
    for refused in answer.get("Errors", ()):
        if refused.get("ErrorCode") in _NO_SUCH_SECRET:
            found[refused["SecretId"]] = None
    return found


def _text(secret: Any) -> str:
    """'' for a binary one."""
    text: str = secret.get("SecretString", "")
    return text
