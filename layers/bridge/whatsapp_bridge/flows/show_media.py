"""media: redirect a signed link to the file that a person has sent."""

from collections.abc import Callable, Mapping
from re import fullmatch
from time import time
from typing import NamedTuple

from whatsapp_bridge.media.links import ID_PATTERN, is_good
from whatsapp_bridge.runtime.observability import count
from whatsapp_bridge.store.media import MediaStore
from whatsapp_bridge.store.signing import SigningKey


class Shown(NamedTuple):
    """`location` is the address in S3, None if there is no file to show; `body` is for people."""

    status: int
    body: str
    location: str | None = None


FORBIDDEN = Shown(403, "This link is not valid or has expired.")
TOO_MANY = Shown(429, "Too many requests. Try again in some minutes.")


class ShowMedia:
    """Links are valid for `days` at most."""

    def __init__(self, *, signing: SigningKey, media: MediaStore, days: int, now: Callable[[], float] = time) -> None:
        self._signing, self._media, self._longest, self._now = signing, media, days * 86_400, now

    def __call__(self, account: str, identifier: str, query: Mapping[str, str], *, head: bool = False) -> Shown:
        """Unknown accounts, wrong signatures and expired links get the same answer. `head`: whoever asks wants to know
        the file's size and type, and not to open it."""
        now = self._now()
        # After a change of the key, forward may use the new one for links before this function reads it.
        if not fullmatch(ID_PATTERN, identifier) or not self._signing.matching(
            account, lambda keys: is_good(keys, identifier, query, now, self._longest)
        ):
            count("MediaForbidden")
            return FORBIDDEN
        if not head:
            count("MediaShown")
        return Shown(302, "", self._media.link(account, identifier, head=head))
