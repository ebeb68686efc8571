"""KMS: data keys for client-side encryption."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from whatsapp_bridge.providers.contract.client import KeyFailure
from whatsapp_bridge.store.aws import client, error_code

# Errors that a retry cannot fix: that key did not encrypt this blob.
_FINAL = {"InvalidCiphertextException", "IncorrectKeyException"}


class KmsKeys:
    """Data keys under keys that may be in another AWS account and region; both are read from the ARN."""

    def __init__(self, kms: Callable[[str], Any] = lambda region: client("kms", region)) -> None:
        self._kms = kms

    def generate(self, key_arn: str) -> tuple[bytes, bytes, str]:
        """A new 256-bit data key: plaintext, encrypted by the key, the ARN of that key (where `key_arn` is an alias's).
        Raises `KeyFailure`."""
        answer = self._call(key_arn, "generate_data_key", KeyId=key_arn, KeySpec="AES_256")
        return answer["Plaintext"], answer["CiphertextBlob"], answer["KeyId"]

    def decrypt(self, key_arn: str, blob: bytes) -> bytes:
        """The plaintext of an encrypted data key, which must be one of `key_arn`'s. Raises `KeyFailure`."""
        plaintext: bytes = self._call(key_arn, "decrypt", KeyId=key_arn, CiphertextBlob=blob)["Plaintext"]
        return plaintext

    def _call(self, key_arn: str, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._kms(key_arn.split(":")[3]), operation)(**arguments)
        except ClientError as error:
            code = error_code(error)
            raise KeyFailure(f"KMS {operation}: {code}", retriable=code not in _FINAL) from None
        except BotoCoreError as error:
            raise KeyFailure(f"KMS {operation}: {type(error).__name__}", retriable=True) from None
