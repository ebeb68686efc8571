"""How a token is kept in the messages table for all processes, so that who reads the table cannot use it.

It is encrypted with AES-SIV (RFC 5297), its place as associated data. Key and place come from the account's secret:
from the credentials that asked for the token, so that others find none, and from the callback tokens, because a
password may be short enough to be tried out. When one of these changes, the next message asks for a token once more.
"""

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from whatsapp_bridge.providers.common.values import from_base64

if TYPE_CHECKING:
    from whatsapp_bridge.providers.message_central.settings import Account


def place(account: "Account") -> str:
    """The key of the note with the token."""
    return f"token#{_digest(account, b'place', 'sha256').hex()}"


def sealed(account: "Account", token: str) -> str:
    """The note's text."""
    return b64encode(_cipher(account).encrypt(token.encode(), [place(account).encode()])).decode()


def opened(account: "Account", note: str) -> str | None:
    """The token in the note; None if it is none of this account's."""
    from cryptography.exceptions import InvalidTag

    try:
        token: bytes = _cipher(account).decrypt(from_base64(note), [place(account).encode()])
    except (InvalidTag, ValueError):
        return None
    return token.decode()


def _cipher(account: "Account") -> Any:
    # Imported here because an account with a token of its own has no such note.
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    return AESSIV(_digest(account, b"key", "sha512"))


def _digest(account: "Account", purpose: bytes, algorithm: str) -> bytes:
    provider = account.provider
    credentials = [provider.base_url, provider.customer_id, provider.password, provider.country, provider.email]
    return hmac.digest(
        to_json([credentials, list(account.callback_tokens)]), b"message central token " + purpose, algorithm
    )
