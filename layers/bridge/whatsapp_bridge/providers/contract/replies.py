"""`replies` of an adapter: a person's message in CleverTap's form."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from whatsapp_bridge.providers.capabilities import Json

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.clevertap.callbacks import IncomingMessage, MediaKind
    from whatsapp_bridge.providers.contract.inbound import NotUnderstood


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a message from a person. `source` is what the adapter's `Client.download` needs."""

    kind: "MediaKind"
    source: Json = field(repr=False)
    content_type: str | None = None
    """As the BSP has it."""
    file_name: str | None = field(default=None, repr=False)
    caption: str | None = field(default=None, repr=False)
    guessed: bool = False
    """The BSP does not say the kind, so the file decides."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A message from a person in CleverTap's form, and the message that it answers: our msgId or the BSP's id. The
    message's timestamp may be `NO_TIME`.

    With an `attachment`, `message` is what CleverTap gets if the file cannot be fetched (`attachments`).
    """

    message: "IncomingMessage" = field(repr=False)
    answers_reference: str | None = None
    answers_bsp_id: str | None = None
    attachment: Attachment | None = None
    or_bsp_id: str | None = None
    """`answers_bsp_id` in another form, looked for where the first finds no message."""


class Replies(Protocol):
    def reply(self, element: Json, account: "Account[Any, Any]") -> "Reply | NotUnderstood":
        """A decrypted `ReplyEvent.element` in CleverTap's form."""
