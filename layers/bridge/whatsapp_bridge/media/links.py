"""Links to files from people: signed, so that one link does not give access to another, and valid for a limited time.

    {public URL}/{account}/media/{id}?expires={seconds since 1970}&signature={64 hex digits}

A link works as long as the stack has the signing key that made it.
"""

from collections.abc import Mapping
from re import ASCII, fullmatch
from typing import Final

from whatsapp_bridge.accounts.keys import AccountKeys
from whatsapp_bridge.runtime.constant_time import is_one_of

ID_PATTERN: Final = r"^[0-9a-f]{32}$"
_EXPIRES: Final = r"[1-9][0-9]{0,11}"


def media_id(keys: AccountKeys, message_id: str) -> str:
    """The id of the file in a person's message. It is always the same for that message and cannot be guessed."""
    return media_ids(keys, message_id)[0]


def media_ids(keys: AccountKeys, message_id: str) -> list[str]:
    """The same under each of the account's keys, the first one's first."""
    return [digest[:32] for digest in _digests(keys, f"media-id:{message_id}")]


def link(public_url: str, keys: AccountKeys, identifier: str, expires: int) -> str:
    """`expires` in seconds since 1970."""
    signature = _signatures(keys, identifier, str(expires))[0]
    return f"{public_url}/{keys.account}/media/{identifier}?expires={expires}&signature={signature}"


def is_good(keys: AccountKeys, identifier: str, query: Mapping[str, str], now: float, longest: float) -> bool:
    """Whether `link` made a link with this `query`, and it is still valid. None is valid for more than `longest`
    seconds from `now`."""
    expires, signature = query.get("expires", ""), query.get("signature", "")
    if not fullmatch(_EXPIRES, expires, ASCII) or not now < int(expires) <= now + longest:
        return False
    return is_one_of(signature, _signatures(keys, identifier, expires))


def _signatures(keys: AccountKeys, identifier: str, expires: str) -> list[str]:
    return _digests(keys, f"media-link:{keys.account}/{identifier}?{expires}")


def _digests(keys: AccountKeys, text: str) -> list[str]:
    return [digest.hex() for digest in keys.digests(text.encode("utf-8", "surrogatepass"))]
