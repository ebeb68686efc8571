"""Links to files from people: signed, so that one link does not give access to another, and valid for a limited time.

    {public URL}/{account}/media/{id}?expires={seconds since 1970}&signature={64 hex digits}

The key comes from the account's callback token: a change of the token ends all links.
"""

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from whatsapp_bridge.accounts.fields import is_same

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account

ID_PATTERN: Final = r"^[0-9a-f]{32}$"


def media_id(account: "Account", message_id: str) -> str:
    """The id of the file in a person's message. It is always the same for that message and cannot be guessed."""
    return _digest(account, f"media-id:{message_id}")[:32]


def link(public_url: str, account: "Account", identifier: str, expires: int) -> str:
    """`expires` in seconds since 1970."""
    signature = _signature(account, identifier, str(expires))
    return f"{public_url}/{account.name}/media/{identifier}?expires={expires}&signature={signature}"


def is_good(account: "Account", identifier: str, query: Mapping[str, str], now: float) -> bool:
    """Whether `link` made a link with this `query`, and it is still valid."""
    expires, signature = query.get("expires", ""), query.get("signature", "")
    expected = _signature(account, identifier, expires)
    if not is_same(signature, expected):
        return False
    return now < int(expires)


def _signature(account: "Account", identifier: str, expires: str) -> str:
    return _digest(account, f"media-link:{account.name}/{identifier}?{expires}")


def _digest(account: "Account", text: str) -> str:
    return hmac.digest(account.callback_token.encode(), text.encode("utf-8", "surrogatepass"), "sha256").hex()
