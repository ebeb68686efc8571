"""Client-side encryption at Clickatell's end.

It is written only from the format and shares no code with the bridge's module, so that both do not have the same error:
AES-256-CBC with PKCS#7, the 16-byte IV in front of the ciphertext, base64; the data key encrypted by KMS.
"""

import base64
import binascii
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from local.sandbox.bsp import KmsClient

_BLOCK = 16


class ContentError(Exception):
    """A value that its data key did not encrypt."""


class AccessDenied(Exception):
    """The account's key could not decrypt the data key."""


def _region(arn: str) -> str:
    return arn.split(":")[3]


def unwrap(kms: KmsClient, key_arn: str, encryption_key: str) -> bytes:
    """The data key (32 bytes). Raises `ContentError` if it is not base64, `AccessDenied` if KMS refuses it."""
    from botocore.exceptions import ClientError

    try:
        blob = base64.b64decode(encryption_key, validate=True)
    except binascii.Error:
        raise ContentError from None
    try:
        key: bytes = kms(_region(key_arn)).decrypt(CiphertextBlob=blob, KeyId=key_arn)["Plaintext"]
    except ClientError:
        raise AccessDenied from None
    return key


def new_data_key(kms: KmsClient, key_arn: str) -> tuple[bytes, str]:
    """A new data key and its `encryptionKey`."""
    made = kms(_region(key_arn)).generate_data_key(KeyId=key_arn, KeySpec="AES_256")
    return made["Plaintext"], base64.b64encode(made["CiphertextBlob"]).decode()


def decrypt(key: bytes, value: str) -> str:
    """Raises `ContentError`."""
    try:
        return decrypt_bytes(key, base64.b64decode(value, validate=True)).decode()
    except ValueError:
        raise ContentError from None


def decrypt_bytes(key: bytes, data: bytes) -> bytes:
    """A file, decrypted. Raises `ContentError`."""
    try:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(data[:_BLOCK])).decryptor()
        unpadder = PKCS7(_BLOCK * 8).unpadder()
        padded = decryptor.update(data[_BLOCK:]) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        raise ContentError from None


def encrypt(key: bytes, text: str) -> str:
    return base64.b64encode(encrypt_bytes(key, text.encode())).decode()


def encrypt_bytes(key: bytes, content: bytes) -> bytes:
    """A file, encrypted."""
    iv = os.urandom(_BLOCK)
    padder = PKCS7(_BLOCK * 8).padder()
    padded = padder.update(content) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(padded) + encryptor.finalize()
