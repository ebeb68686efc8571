"""`inbound` of an adapter: a BSP's callback, and the events that it is split into."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.contract.statuses import StatusEvent

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account


@dataclass(frozen=True, slots=True)
class Callback:
    """One HTTP request of a BSP. Header names are lower case; `body` is the raw bytes, which the signature covers."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    source: str = field(default="", repr=False)
    """The IP address of the sender, as API Gateway saw it."""


class BodyUnreadable(Exception):
    """Nothing of the body can be read: it is quarantined whole. The text contains no value of it."""


class NotACallback(Exception):
    """What can be read is not one of this BSP's callbacks: it is quarantined whole. The text contains no value of
    it."""


@dataclass(frozen=True, slots=True)
class ReplyEvent:
    """One message from a person, still in the BSP's form (and encrypted, if it arrived so).

    `id` is the BSP's message id, which identifies duplicates, with `sender`: the person's number in digits, or their
    user id where the callback has no number.
    """

    id: str
    sender: str = field(repr=False)
    element: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """An authenticated element of a callback that the bridge does not understand: quarantined with `reason`,
    counted."""

    kind: str = field(repr=False)
    """May be taken from the callback, so it can be any text."""
    reason: str
    element: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReportedError:
    """An error that the BSP reports beside its events, of no message to a person: logged, and an alarm is raised if it
    is about the account. `code` is CleverTap's 10xx; `title` contains nothing private."""

    code: int
    title: str
    alarm: bool = False
    """As in `Rejected`."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """An element that says nothing to CleverTap, such as a typing notice: counted."""

    kind: str


@dataclass(frozen=True, slots=True)
class Notice:
    """News of templates, of a number or of the business account: nothing for CleverTap. The adapter's `notices` reads
    the element later."""

    element: Json = field(repr=False)


NO_NUMBER = "no phone number, only a user id"
"""The reason why what is of somebody who was never seen with a number is not understood."""

type Event = StatusEvent | ReplyEvent | NotUnderstood | ReportedError | Ignored | Notice


class Inbound(Protocol):
    def authentic(self, callback: Callback, account: "Account[Any, Any]") -> bool:
        """Whether the BSP's own proof (HMAC, Basic) is valid for the raw bytes; True if the BSP gives none."""

    def challenge(self, callback: Callback, account: "Account[Any, Any]") -> str | None:
        """The body of the answer to a verification GET; None if this is not a valid one."""

    def split(self, callback: Callback, account: "Account[Any, Any]") -> list[Event]:
        """Every element of every list as an event; a malformed one becomes `NotUnderstood` and affects no other.

        No event of a callback that says nothing, such as the BSP's own test of the URL. Raises `NotACallback` if the
        whole is not one of this BSP's callbacks, and `BodyUnreadable`. What a callback says is read with
        `common.bodies`.
        """
