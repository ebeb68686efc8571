"""KMS in memory: data keys under symmetric keys, which are named by their ARNs."""

from collections.abc import Callable
from random import Random
from typing import Any

from local.simulation.service import Refused, Service, operation


class Kms(Service):
    """One for all regions and AWS accounts: both are in a key's ARN."""

    name = "kms"

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        super().__init__(clock)
        self._random = random
        self._keys: set[str] = set()
        self._encrypted: dict[bytes, tuple[str, bytes]] = {}
        """The key and the plaintext of each blob."""

    def create(self, arn: str) -> None:
        self._keys.add(arn)

    @operation("GenerateDataKey")
    def generate_data_key(self, *, KeyId: str, KeySpec: str) -> dict[str, Any]:
        if KeySpec != "AES_256":
            raise NotImplementedError(f"{KeySpec} is not simulated")
        self._check(KeyId)
        plaintext, blob = self._random.randbytes(32), self._random.randbytes(184)
        self._encrypted[blob] = (KeyId, plaintext)
        return {"KeyId": KeyId, "Plaintext": plaintext, "CiphertextBlob": blob}

    @operation("Decrypt")
    def decrypt(self, *, KeyId: str, CiphertextBlob: bytes) -> dict[str, Any]:
        self._check(KeyId)
        if CiphertextBlob not in self._encrypted:
            raise Refused("InvalidCiphertextException", "")
        key, plaintext = self._encrypted[CiphertextBlob]
        if key != KeyId:
            message = "The key ID in the request does not identify a CMK that can perform this operation."
            raise Refused("IncorrectKeyException", message)
        return {"KeyId": key, "Plaintext": plaintext, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}

    def _check(self, key: str) -> None:
        if key not in self._keys:
            raise Refused("NotFoundException", f"Key '{key}' does not exist")
