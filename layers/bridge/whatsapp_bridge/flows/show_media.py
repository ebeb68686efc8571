"""media: redirect a signed link to the file that a person has sent."""

from collections.abc import Callable, Mapping
from re import fullmatch
from time import time
from typing import NamedTuple

from whatsapp_bridge.media.links import ID_PATTERN, is_good
from whatsapp_bridge.runtime.observability import count
from whatsapp_bridge.store.accounts import Accounts, BeyondBudget
from whatsapp_bridge.store.media import MediaStore


class Shown(NamedTuple):
    """`location` is the address in S3, None if there is no file to show; `body` is for people."""

    status: int
    body: str
    location: str | None = None


FORBIDDEN = Shown(403, "This link is not valid or has expired.")
TOO_MANY = Shown(429, "Too many requests. Try again in some minutes.")


class ShowMedia:
    def __init__(self, *, accounts: Accounts, media: MediaStore, now: Callable[[], float] = time) -> None:
        self._accounts, self._media, self._now = accounts, media, now

    def __call__(self, account_name: str, identifier: str, query: Mapping[str, str], *, head: bool = False) -> Shown:
        """Unknown accounts, wrong signatures and expired links get the same answer. `head`: whoever asks wants to know
        the file's size and type, and not to open it."""
        account = None
        if fullmatch(ID_PATTERN, identifier):
            # After a change of the token, forward may use the new one for links before this function reads it.
            try:
                account = self._accounts.matching(
                    account_name, lambda known: is_good(known, identifier, query, self._now())
                )
            except BeyondBudget:
                return TOO_MANY
        if account is None:
            count("MediaForbidden")
            return FORBIDDEN
        if not head:
            count("MediaShown")
        return Shown(302, "", self._media.link(account.name, identifier, head=head))
