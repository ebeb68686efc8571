"""Client-side encryption as Clickatell's end of it does it.

Written from the format alone and apart from the bridge's own module, so that an error of one is not an error of both:
AES-256-CBC with PKCS#7, the 16-byte IV in front of the ciphertext, base64; the data key wrapped by KMS.
"""

import base64
import binascii
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from local.sandbox.bsp import KmsClient

_BLOCK = 16


class ContentError(Exception):
    """A value that is no ciphertext under its data key."""


class AccessDenied(Exception):
    """The data key could not be unwrapped under the account's key."""


def _region(arn: str) -> str:
    return arn.split(":")[3]


def unwrap(kms: KmsClient, key_arn: str, encryption_key: str) -> bytes:
    """The data key (32 bytes). Raises `ContentError` for what is not base64, `AccessDenied` for what KMS refuses."""
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
    """A fresh data key and its `encryptionKey`."""
    made = kms(_region(key_arn)).generate_data_key(KeyId=key_arn, KeySpec="AES_256")
    return made["Plaintext"], base64.b64encode(made["CiphertextBlob"]).decode()


def decrypt(key: bytes, value: str) -> str:
    """Raises `ContentError`."""
    try:
        return decrypt_bytes(key, base64.b64decode(value, validate=True)).decode()
    except ValueError:
        raise ContentError from None


def decrypt_bytes(key: bytes, data: bytes) -> bytes:
    """A file. Raises `ContentError`."""
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
    """A file."""
    iv = os.urandom(_BLOCK)
    padder = PKCS7(_BLOCK * 8).padder()
    padded = padder.update(content) + padder.finalize()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return iv + encryptor.update(padded) + encryptor.finalize()
