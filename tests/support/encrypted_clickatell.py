"""Clickatell's One API with client-side encryption: what people write, and their files, come as ciphertext."""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from tests.providers.clickatell import samples
from tests.providers.clickatell.samples import Json
from tests.providers.clickatell.test_conformance import TestClickatell
from tests.support.bsp import Answer
from tests.support.world import World
from whatsapp_bridge.providers.clickatell.client import INCOMING
from whatsapp_bridge.providers.clickatell_common import encryption

_ARN: Final = "arn:aws:kms:eu-west-1:123456789012:alias/{}"
_MT, _MO = _ARN.format("mt"), _ARN.format("mo")


class EncryptedClickatell(TestClickatell):
    """In its world KMS has the keys, and Clickatell one data key under that for messages from people."""

    _data_key: dict[str, bytes]

    def secret(self, base_url: str) -> Json:
        return samples.secret(base_url, encryption={"mt_key_arn": _MT, "mo_key_arn": _MO})

    @contextmanager
    def world(self, secret: Json | None = None) -> Iterator[World]:
        with super().world(secret) as made:
            kms = made.client("kms")
            for arn in (_MT, _MO):
                alias = arn.rpartition(":")[2]
                kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
            self._data_key = kms.generate_data_key(KeyId=_MO, KeySpec="AES_256")
            yield made

    def file_answer(self, url: str, content: bytes) -> Answer:
        """A file is one ciphertext, as `EncryptedFile` makes them."""
        return Answer(200, b"".join(encryption.EncryptedFile(self._data_key["Plaintext"], content, bytes)))

    def sealed(self, raw: bytes) -> bytes:
        """A callback with the messages from people in it encrypted; another one as it is."""
        try:
            event = json.loads(raw)["event"]
            people = [element for name, kind in event.items() if name.startswith("mo") for element in kind]
            clear = [element for element in people if element["encryptionKey"] is None]
        except (ValueError, LookupError, TypeError, AttributeError):
            return raw
        for element in clear:
            element |= encryption.with_leaves(element, INCOMING, self._encrypted)
            element["encryptionKey"] = b64encode(self._data_key["CiphertextBlob"]).decode()
        return json.dumps(json.loads(raw) | {"event": event}).encode()

    def _encrypted(self, text: Any) -> str:
        return encryption.encrypt(self._data_key["Plaintext"], text, bytes)
