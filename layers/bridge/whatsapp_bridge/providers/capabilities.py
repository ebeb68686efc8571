"""What an adapter can express, and what else of the contract the `send` function needs: it starts without the rest of
`contract`."""

from typing import Any, Final, NamedTuple

from whatsapp_bridge.clevertap.codes import refusal_codes

type Json = dict[str, Any]

NO_TIME: Final = 0
"""In place of a time that a callback does not say, or that cannot be read: the flows put in when the callback came."""


class Refused(Exception):
    """The BSP cannot express this message. `code` is CleverTap's 200x, `later` its 10xx where the message was accepted
    before; `field` is a path in CleverTap's spelling.

    Neither `field` nor `reason` ever contains a value of the message.
    """

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.code, self.later = refusal_codes(field)
        self.field, self.reason = field, reason


# No dataclass: every start of send would pay for making it.
class Capabilities(NamedTuple):
    """What a BSP can carry. `outbound.translate` refuses the rest; the capability matrix is made from this."""

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
    """The headers, buttons and extras that a template may have only if the account lists its id at the BSP."""
    keeps_payloads: bool = False
    """The BSP has no place for the payload of a quick reply, or not in every template: the bridge keeps it, and puts it
    back when the button is tapped."""
    incoming: frozenset[str] = frozenset()
    """Kinds of messages from people: text, button, image, video, audio, file, location, contacts."""
    statuses: frozenset[str] = frozenset()
    """sent, delivered, read, failed, clicked."""
    features: frozenset[str] = frozenset()
    """encryption, reference (statuses contain our msgId), batch."""
    templates: frozenset[str] = frozenset()
    """What can be done with templates: list, create, edit, delete, status (ask for one that is known), unpause,
    archive."""
    batch_size: int = 1
    """Most messages in one request (`Options.in_batches`)."""
    no_bsp_id: frozenset[str] = frozenset()
    """template, freeform: messages for which the BSP's answer has no id. The first unknown id in a status (with
    `recipient`) belongs to that person's message that has waited longest."""
