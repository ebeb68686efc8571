"""Links to files from people: signed, so that one link does not give access to another, and valid for a limited time.

    {public URL}/{account}/media/{id}?expires={seconds since 1970}&signature={64 hex digits}

The key comes from the account's callback token: a link works as long as the account has the token that made it.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from whatsapp_bridge.accounts.fields import is_one_of

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account

ID_PATTERN: Final = r"^[0-9a-f]{32}$"


def media_id(account: "Account", message_id: str) -> str:
    """The id of the file in a person's message. It is always the same for that message and cannot be guessed."""
    return media_ids(account, message_id)[0]


def media_ids(account: "Account", message_id: str) -> list[str]:
    """The same under each of the account's callback tokens, the first one's first."""
    return [digest[:32] for digest in _digests(account, f"media-id:{message_id}")]


def link(public_url: str, account: "Account", identifier: str, expires: int) -> str:
    """`expires` in seconds since 1970."""
    signature = _signatures(account, identifier, str(expires))[0]
    return f"{public_url}/{account.name}/media/{identifier}?expires={expires}&signature={signature}"


def is_good(account: "Account", identifier: str, query: Mapping[str, str], now: float) -> bool:
    """Whether `link` made a link with this `query`, and it is still valid."""
    expires, signature = query.get("expires", ""), query.get("signature", "")
    if not is_one_of(signature, _signatures(account, identifier, expires)):
        return False
    return now < int(expires)


def _signatures(account: "Account", identifier: str, expires: str) -> list[str]:
    return _digests(account, f"media-link:{account.name}/{identifier}?{expires}")


def _digests(account: "Account", text: str) -> list[str]:
    return [digest.hex() for digest in account.digests(text.encode("utf-8", "surrogatepass"))]
