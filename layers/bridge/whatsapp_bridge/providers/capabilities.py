"""What an adapter can express: the part of `contract` that `send` needs, which starts without the rest of it."""

from dataclasses import dataclass
from typing import Any

from whatsapp_bridge.clevertap.codes import RequestError

type Json = dict[str, Any]


class Refused(Exception):
    """The BSP cannot express this message. `code` is CleverTap's 200x, `field` a path in CleverTap's spelling.

    Neither `field` nor `reason` ever carries a value of the message.
    """

    def __init__(self, field: str, reason: str, code: RequestError = RequestError.INVALID_TEMPLATE_PARAMETERS) -> None:
        super().__init__(f"{field}: {reason}")
        self.code, self.field, self.reason = code, field, reason


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a BSP can carry; `outbound.translate` refuses the rest, and the capability matrix is made from it."""

    title: str
    freeform: frozenset[str]
    """Freeform types: text, image, video, audio, file, location."""
    headers: frozenset[str]
    """Template header types: text, image, video, file, location."""
    buttons: frozenset[str]
    """Button subTypes: quickReply, dynamicUrl, staticUrl, callPhone, copy_code."""
    extras: frozenset[str] = frozenset()
    """limited_time_offer, carousel."""
    by_id: frozenset[str] = frozenset()
    """Of headers, buttons and extras: what a template carries only where the account has its id at the BSP."""
    incoming: frozenset[str] = frozenset()
    """Kinds of messages from people: text, button, image, video, audio, file, location, contacts."""
    statuses: frozenset[str] = frozenset()
    """sent, delivered, read, failed, clicked."""
    features: frozenset[str] = frozenset()
    """encryption, reference (our msgId comes back in statuses), batch."""
    batch_size: int = 1
    """Messages in one request, at the most (`Options.in_batches`)."""
    no_bsp_id: frozenset[str] = frozenset()
    """template, freeform: of which the BSP's answer names no id. The first unknown id that a status (with `recipient`)
    names belongs to the one that has waited longest for that person."""
