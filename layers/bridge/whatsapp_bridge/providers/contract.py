"""What every BSP adapter provides, and the values that cross the border between adapters and flows.

An adapter is one folder of modules with fixed names, loaded one at a time by `registry`, so that a function imports
only the part it uses:

    settings   Settings (the account's `provider` object) and Options (the account's `options`)
    outbound   CAPABILITIES, translate(): a CleverTap message to a BSP request; pure
    inbound    authentic(), challenge(), split(): BSP callbacks to events; pure
    replies    reply(): a message from a person in CleverTap's form; pure. Apart from `inbound`, which starts without
               CleverTap's models
    codes      the vendor's status and error tables, row by row
    client     Client: prepare (encrypt, upload), send, open (decrypt), download; the only part with I/O

CleverTap's models are the common language: `outbound` reads them, `replies` writes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from whatsapp_bridge.providers.capabilities import Capabilities as Capabilities
from whatsapp_bridge.providers.capabilities import Json as Json
from whatsapp_bridge.providers.capabilities import Refused as Refused

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account, Options, ProviderSettings
    from whatsapp_bridge.clevertap.callbacks import IncomingMessage, MediaKind
    from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage
    from whatsapp_bridge.media.fetch import File, Files
    from whatsapp_bridge.net.http import HttpClient


# --- sending ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """The BSP took the message. `bsp_id` is its own id for it, None where it gives none (`Capabilities.no_bsp_id`)."""

    bsp_id: str | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """The BSP never will take the message. `code` is CleverTap's 10xx; `title` carries nothing private."""

    code: int
    title: str
    unlisted: bool = False
    """The BSP's tables do not list this error; it is counted."""
    alarm: bool = False
    """The account is to blame and not the message: none will be taken until somebody acts. It is counted."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Surely not taken: the BSP asks for less. `retry_after` in seconds, None where it does not say.

    `verdict` is what the message is rejected with once its time is up, where there is more to say than that.
    """

    retry_after: float | None = None
    verdict: Rejected | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """Surely not taken: the request never left, or the BSP said it failed and asked for a repeat.

    `verdict` as in `Throttled`.
    """

    reason: str
    verdict: Rejected | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request was sent and its answer lost. Such a message is never sent again."""

    reason: str


type Outcome = Accepted | Rejected | Throttled | NotSent | Unknown


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One translated message. `reference` is what the BSP echoes (msgId); `request` the BSP's message object."""

    reference: str
    request: Json = field(repr=False)


class Outbound(Protocol):
    CAPABILITIES: Capabilities

    def translate(
        self, message: "TemplateMessage | FreeformMessage", reference: str, account: "Account[Any, Any]"
    ) -> Json:
        """The BSP's message object. Pure. Raises `Refused` for what the BSP cannot express."""


class KeyFailure(Exception):
    """There is no data key for now, or never: `retriable` is False when the encrypted data key itself is wrong."""

    def __init__(self, reason: str, *, retriable: bool) -> None:
        super().__init__(reason)
        self.reason, self.retriable = reason, retriable


class KeyService(Protocol):
    """Data keys for client-side encryption, under keys that may belong to another AWS account and region."""

    def generate(self, key_arn: str) -> tuple[bytes, bytes]:
        """A new 256-bit data key: (plaintext, encrypted by the key). Raises `KeyFailure`."""

    def decrypt(self, key_arn: str, blob: bytes) -> bytes:
        """The plaintext of an encrypted data key, which must be one of `key_arn`'s. Raises `KeyFailure`."""


class Notes(Protocol):
    """Small facts kept across invocations: a token, a file's id at the BSP. Losing one costs a call, no more."""

    def get(self, account: str, key: str) -> str | None:
        """The note, None where there is none or its time is over."""

    def put(self, account: str, key: str, note: str, seconds: int) -> None:
        """Keep `note` for so many seconds, in place of the one that was there."""

    def forget(self, account: str, key: str, note: str) -> None:
        """Drop this note; another that has taken its place stays."""


@dataclass(frozen=True, slots=True)
class Services:
    """What an adapter's client may use of the world outside."""

    http: "HttpClient"
    keys: KeyService
    notes: Notes
    files: "Files"
    """Files at public addresses: those that messages to people name, those of people at a BSP that asks for no key."""


class Client(Protocol):
    def prepare(self, outgoing: Outgoing) -> Outgoing | Rejected | Throttled | NotSent:
        """What has to happen before the request proper: client-side encryption, uploads. May be repeated safely."""

    def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        """As few requests as the BSP lets it be (at most `batch_size` messages, references distinct); outcomes in the
        batch's order."""

    def open(self, element: Json) -> Json:
        """A reply's element made readable: decrypted. Raises `Unreadable`."""

    def download(self, attachment: "Attachment") -> "File":
        """The file that a person has sent, in clear. Raises `Unreadable`."""


class ClientFactory(Protocol):
    def __call__(self, account: "Account[Any, Any]", services: Services) -> Client: ...


class Unreadable(Exception):
    """A reply, or its file, cannot be had in clear. `retriable`: another try may help (KMS away), else it never will.

    `reason` holds nothing private. `rest` is the reply's element without what cannot be read, where CleverTap is to be
    told that much once no try is left; without it the reply is quarantined.
    """

    def __init__(self, reason: str, *, retriable: bool, rest: Json | None = None) -> None:
        super().__init__(reason)
        self.reason, self.retriable, self.rest = reason, retriable, rest


# --- receiving -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Callback:
    """One HTTP request of a BSP. Header names are lower case; `body` is what was signed: the raw bytes."""

    method: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    source: str = field(default="", repr=False)
    """The IP address that it came from, as API Gateway saw it."""


class NotACallback(Exception):
    """The body is not a callback of this BSP at all (answered with 400). The text carries no value of it."""


NOTE_SECONDS = 30 * 86_400
"""How long the note of a status is kept (`StatusEvent.note`)."""

type Status = Literal["accepted", "sent", "delivered", "read", "failed", "clicked"]
"""CleverTap's statuses, and `accepted`: the BSP confirms that it has the message, which CleverTap is not told."""


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """One status of one message, correlated by `reference` (the echoed msgId), else by `bsp_id`."""

    status: Status
    timestamp: int
    """Seconds since 1970."""
    reference: str | None
    bsp_id: str | None
    error_code: int | None = None
    """CleverTap's 10xx, for `failed`."""
    error_title: str | None = None
    unlisted: bool = False
    """The BSP's tables do not list this status; it is counted."""
    recipient: str | None = field(default=None, repr=False)
    """The person, in digits, where a message may have to be found by that (`Capabilities.no_bsp_id`). On queues it is
    the account's pseudonym for them."""
    alarm: bool = False
    """As in `Rejected`: some BSPs take messages of such an account, and let them fail."""
    note: str | None = None
    """Key of a note for the account's client, kept for `NOTE_SECONDS`: that there was such a status, and when."""
    url: str | None = field(default=None, repr=False)
    """For `clicked`: where the link leads; `short_url` is what was tapped, `user_agent` what it was opened with."""
    short_url: str | None = field(default=None, repr=False)
    user_agent: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ReplyEvent:
    """One message from a person, still in the BSP's form (and encrypted, where it came so).

    `id` is the BSP's message id, by which repeats are known; `sender` the person's number in digits.
    """

    id: str
    sender: str = field(repr=False)
    element: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """An authenticated element of a callback with no meaning to us: quarantined with `reason` and counted."""

    kind: str = field(repr=False)
    """May be the callback's own word, and so anything."""
    reason: str
    element: Any = field(repr=False)


type Event = StatusEvent | ReplyEvent | NotUnderstood


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a message from a person. `source` is the adapter's own: what its `Client.download` has to know."""

    kind: "MediaKind"
    source: Json = field(repr=False)
    content_type: str | None = None
    """As the BSP has it."""
    file_name: str | None = field(default=None, repr=False)
    caption: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A message from a person in CleverTap's form, and which message it answers: by our msgId or the BSP's id.

    With an `attachment`, `message` is what CleverTap is told in case that the file cannot be had (`attachments`).
    """

    message: "IncomingMessage" = field(repr=False)
    answers_reference: str | None = None
    answers_bsp_id: str | None = None
    attachment: Attachment | None = None


class Inbound(Protocol):
    def authentic(self, callback: Callback, account: "Account[Any, Any]") -> bool:
        """Whether the BSP's own proof (HMAC, Basic) holds on the raw bytes; True where the BSP gives none."""

    def challenge(self, callback: Callback, account: "Account[Any, Any]") -> str | None:
        """The body to answer to a verification GET, None when this is no (right) verification."""

    def split(self, callback: Callback, account: "Account[Any, Any]") -> list[Event]:
        """Every element of every list as an event; a broken one becomes `NotUnderstood` and harms no other.

        Raises `NotACallback` when the body as a whole is none of this BSP's.
        """


class Replies(Protocol):
    def reply(self, element: Json, account: "Account[Any, Any]") -> Reply | NotUnderstood:
        """A readable `ReplyEvent.element` in CleverTap's form."""


# --- an adapter as a whole -------------------------------------------------------------------------------------------


class SettingsModule(Protocol):
    @property
    def Settings(self) -> "type[ProviderSettings]":  # noqa: N802 - a class
        """The account's `provider` object."""

    @property
    def Options(self) -> "type[Options]":  # noqa: N802 - a class
        """The account's `options`: the common ones, and the BSP's own."""


class Adapter(NamedTuple):
    settings: SettingsModule
    outbound: Outbound
    inbound: Inbound
    replies: Replies
    client: ClientFactory
