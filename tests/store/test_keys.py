"""KMS: region and key from the ARN, and which errors another try may mend."""

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.support.world import REGION, world
from whatsapp_bridge.providers.contract.client import KeyFailure
from whatsapp_bridge.store.keys import KmsKeys

ARN = "arn:aws:kms:af-south-1:123456789012:key/0a-1b"


# KMS answers with the key's own ARN, also where it is asked by an alias.
KEY = "arn:aws:kms:af-south-1:123456789012:key/own"


class Kms:
    def __init__(self) -> None:
        self.regions: list[str] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.fail: Exception | None = None

    def __call__(self, region: str) -> "Kms":
        self.regions.append(region)
        return self

    def _answer(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, arguments))
        if self.fail:
            raise self.fail
        return {"Plaintext": b"p" * 32, "CiphertextBlob": b"blob", "KeyId": KEY}

    def generate_data_key(self, **arguments: Any) -> dict[str, Any]:
        return self._answer("generate_data_key", arguments)

    def decrypt(self, **arguments: Any) -> dict[str, Any]:
        return self._answer("decrypt", arguments)


def test_generate() -> None:
    kms = Kms()
    assert KmsKeys(kms).generate(ARN) == (b"p" * 32, b"blob", KEY)
    assert kms.regions == ["af-south-1"]
    assert kms.calls == [("generate_data_key", {"KeyId": ARN, "KeySpec": "AES_256"})]


def test_decrypt_names_the_key() -> None:
    kms = Kms()
    assert KmsKeys(kms).decrypt(ARN, b"blob") == b"p" * 32
    assert kms.regions == ["af-south-1"]
    assert kms.calls == [("decrypt", {"KeyId": ARN, "CiphertextBlob": b"blob"})]


@pytest.mark.parametrize(
    ("error", "reason", "retriable"),
    [
        pytest.param("InvalidCiphertextException", "InvalidCiphertextException", False, id="not a blob of KMS"),
        pytest.param("IncorrectKeyException", "IncorrectKeyException", False, id="another key's"),
        pytest.param("AccessDeniedException", "AccessDeniedException", True, id="no permission (yet)"),
        pytest.param("KMSInvalidStateException", "KMSInvalidStateException", True, id="key disabled"),
        pytest.param("ThrottlingException", "ThrottlingException", True, id="throttled"),
        pytest.param(ReadTimeoutError(endpoint_url="https://x"), "ReadTimeoutError", True, id="out of reach"),
    ],
)
def test_failures(error: str | Exception, reason: str, retriable: bool) -> None:
    kms = Kms()
    text = {"Error": {"Code": error, "Message": "secret-text"}}
    kms.fail = ClientError(text, "Decrypt") if isinstance(error, str) else error
    keys = KmsKeys(kms)
    for operation, call in (
        ("decrypt", lambda: keys.decrypt(ARN, b"blob")),
        ("generate_data_key", lambda: keys.generate(ARN)),
    ):
        with pytest.raises(KeyFailure) as raised:
            call()
        assert str(raised.value) == raised.value.reason == f"KMS {operation}: {reason}"
        assert raised.value.retriable is retriable


def test_the_real_exchange() -> None:
    with world() as made:
        kms = made.client("kms")
        keys = KmsKeys(lambda region: kms if region == REGION else None)
        arn = kms.create_key()["KeyMetadata"]["Arn"]
        plaintext, blob, _ = keys.generate(arn)
        assert len(plaintext) == 32
        assert keys.decrypt(arn, blob) == plaintext
        kms.create_alias(AliasName="alias/to-people", TargetKeyId=arn)
        assert keys.generate(arn.rpartition(":")[0] + ":alias/to-people")[2] == arn
        with pytest.raises(KeyFailure) as raised:
            keys.decrypt(arn, b"no blob of KMS")
        assert not raised.value.retriable
