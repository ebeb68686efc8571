"""What became of a message at the BSP, and the message that goes there."""

from dataclasses import dataclass, field

from whatsapp_bridge.providers.capabilities import Json


@dataclass(frozen=True, slots=True)
class Accepted:
    """The BSP accepted the message. `bsp_id` is its own id for it, or None (`Capabilities.no_bsp_id`)."""

    bsp_id: str | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The BSP will never accept the message. `code` is CleverTap's 10xx; `title` contains nothing private."""

    code: int
    title: str
    unlisted: bool = False
    """The BSP's tables do not list this error; it is counted."""
    alarm: bool = False
    """The cause is the account, not the message: no message will be accepted until somebody acts. It is counted."""
    of_a_step: bool = field(default=False, compare=False)
    """The BSP was asked, for a step before the message (an upload, a token, an opt-in), and this came of it."""
    bsp_code: str | None = field(default=None, compare=False)
    """The BSP's own code of this error (`common.bsp_codes`)."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Certainly not accepted: the BSP asks for fewer requests. `retry_after` in seconds, None if it does not say.

    `verdict` is the rejection to report when the time limit is over, if there is a better reason than that.
    """

    retry_after: float | None = None
    verdict: Rejected | None = None
    overload: bool = False
    """The BSP cannot take requests of anybody now, which is an outage; else this account sends too many."""
    of_a_step: bool = field(default=False, compare=False)
    """As in `Rejected`."""
    refused_with: int | None = field(default=None, compare=False)
    """As in `Outgoing`, if it is news."""


@dataclass(frozen=True, slots=True)
class NotSent:
    """Certainly not accepted: the request never left, or the BSP said that it failed and asked for a retry.

    `verdict` as in `Throttled`.
    """

    reason: str
    verdict: Rejected | None = None
    unreached: bool = False
    """The BSP does not answer, or without a word of its own: an outage."""
    no_time: bool = False
    """Nothing was tried, because the invocation would have ended first: no attempt."""
    of_a_step: bool = field(default=False, compare=False)
    """As in `Rejected`."""
    refused_with: int | None = field(default=None, compare=False)
    """As in `Outgoing`, if it is news."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have left, and its answer was lost. Such a message is never sent again."""

    reason: str


type Outcome = Accepted | Rejected | Throttled | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One translated message. `reference` is what the BSP echoes (msgId); `request` the BSP's message object."""

    reference: str
    request: Json = field(repr=False)
    refused_with: int | None = None
    """So many were in the smallest request that was refused as a whole with this message in it. None if none was."""
