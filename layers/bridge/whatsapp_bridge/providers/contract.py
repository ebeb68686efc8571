"""What every BSP adapter provides, and the values that adapters and flows exchange.

An adapter is a folder of modules with fixed names. `registry` loads them one at a time, so that a function imports only
the parts it uses:

    settings   Settings (the account's `provider` object) and Options (the account's `options`)
    outbound   CAPABILITIES, translate(): a CleverTap message to a BSP request; pure
    inbound    authentic(), challenge(), split(): BSP callbacks to events; pure
    replies    reply(): a message from a person in CleverTap's form; pure. Separate from `inbound`, which starts without
               CleverTap's models
    codes      the vendor's status and error tables, row by row
    client     Client: prepare (encrypt, upload), send, open (decrypt), download; only it, `templates` and
               `template_status` have I/O
    templates  Templates: the BSP's list of templates. Only adapters whose BSP has one (`registry.WITH_TEMPLATES`)
    template_admin  Admin: makes and changes templates, as far as `Capabilities.templates` says. For the command line,
               not for functions
    template_status  TemplateStatus: what became of a known template. Only adapters whose BSP has no list, and can be
               asked for one (`registry.WITH_TEMPLATE_STATUS`)
    notices    read(), vouches(): what a `Notice` says of templates and numbers; pure. Only adapters whose `inbound`
               makes them (`registry.WITH_NOTICES`)

CleverTap's models are the common language: `outbound` reads them, `replies` writes them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from whatsapp_bridge.providers.capabilities import NO_TIME as NO_TIME
from whatsapp_bridge.providers.capabilities import Capabilities as Capabilities
from whatsapp_bridge.providers.capabilities import Json as Json
from whatsapp_bridge.providers.capabilities import Refused as Refused

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account, Options, ProviderSettings
    from whatsapp_bridge.clevertap.callbacks import IncomingMessage, MediaKind
    from whatsapp_bridge.clevertap.messages import FreeformMessage, TemplateMessage
    from whatsapp_bridge.media.fetch import File, Files
    from whatsapp_bridge.net.http import HttpClient
    from whatsapp_bridge.templates.news import AccountEvent, News, TemplateEvent
    from whatsapp_bridge.templates.template import Template


# --- sending ---------------------------------------------------------------------------------------------------------


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


class Outbound(Protocol):
    CAPABILITIES: Capabilities

    def translate(
        self, message: "TemplateMessage | FreeformMessage", reference: str, account: "Account[Any, Any]"
    ) -> Json:
        """The BSP's message object. Pure. Raises `Refused` for what the BSP cannot express."""


class KeyFailure(Exception):
    """There is no data key. `retriable` is False if the encrypted data key itself is wrong."""

    def __init__(self, reason: str, *, retriable: bool) -> None:
        super().__init__(reason)
        self.reason, self.retriable = reason, retriable


class KeyService(Protocol):
    """Data keys for client-side encryption, under keys that may belong to another AWS account and region."""

    def generate(self, key_arn: str) -> tuple[bytes, bytes, str]:
        """A new 256-bit data key: plaintext, encrypted by the key, the ARN of that key (where `key_arn` is an alias's).
        Raises `KeyFailure`."""

    def decrypt(self, key_arn: str, blob: bytes) -> bytes:
        """The plaintext of an encrypted data key, which must be one of `key_arn`'s. Raises `KeyFailure`."""


class Notes(Protocol):
    """Small facts kept across invocations: a token, a file's id at the BSP. A lost note costs only one more call."""

    def get(self, account: str, key: str) -> str | None:
        """The note; None if there is none or it has expired."""

    def put(self, account: str, key: str, note: str, seconds: int) -> None:
        """Keep `note` for `seconds`; replaces an earlier one."""

    def keep(self, account: str, key: str, note: str, seconds: int) -> None:
        """The same for a note that is often put again: a read, and a write where it is new or half its time is over."""

    def forget(self, account: str, key: str, note: str) -> None:
        """Delete this note; one that has replaced it stays."""


@dataclass(frozen=True, slots=True)
class Services:
    """What an adapter's client may use outside itself."""

    http: "HttpClient"
    keys: KeyService
    notes: Notes
    files: "Files"
    """Files at public addresses: in messages to people, and from people if the BSP needs no credentials."""


class Client(Protocol):
    def prepare(self, outgoing: Outgoing) -> Outgoing | Rejected | Throttled | NotSent:
        """The steps before the message's own request: client-side encryption, uploads. Safe to repeat."""

    def send(self, batch: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Send in as few requests as the BSP allows (at most `batch_size` messages, distinct references); outcomes in
        the batch's order."""

    def open(self, element: Json) -> Json:
        """A reply's element, decrypted. Raises `Unreadable`."""

    def download(self, attachment: "Attachment") -> "File":
        """The file that a person has sent, decrypted. Raises `NoFile`, or `Unreadable` if it cannot be decrypted."""


class ClientFactory(Protocol):
    def __call__(self, account: "Account[Any, Any]", services: Services) -> Client: ...


class Unreadable(Exception):
    """A reply, or its file, cannot be fetched or decrypted. `retriable`: another attempt may help (KMS is down).

    `reason` contains nothing private. `rest` is the reply's element without the unreadable part, to report to CleverTap
    after the last attempt; without `rest` the reply is quarantined.
    """

    def __init__(self, reason: str, *, retriable: bool, rest: Json | None = None) -> None:
        super().__init__(reason)
        self.reason, self.retriable, self.rest = reason, retriable, rest


class NoFile(Unreadable):
    """There is no file (`providers.answers.no_file`). `once`: another attempt may help, but only one, and soon.
    `alarm`: the cause is the account, not the file."""

    def __init__(self, reason: str, *, retriable: bool, once: bool = False, alarm: bool = False) -> None:
        super().__init__(reason, retriable=retriable)
        self.once, self.alarm = once, alarm


# --- templates -------------------------------------------------------------------------------------------------------

type NotListedFor = Literal["permission", "later", "smaller", "missing", "unknown"]
"""Why a BSP gave no templates.

permission  the account's credentials may send, but not list, or not this; somebody has to act
later       not now: too many requests, an outage, no answer
smaller     it would be too much at once
missing     there is no such template, or it is not for these credentials to see
unknown     an error that no table lists, or an answer that cannot be read
"""


@dataclass(frozen=True, slots=True)
class NotListed:
    """`reason` contains nothing private. `retry_after` in seconds, None if the BSP does not say."""

    why: NotListedFor
    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A page of the BSP's list. `after` is the cursor of the next one, None on the last."""

    news: Sequence["News"]
    after: str | None
    unread: int = 0
    """Entries that cannot be read: nobody knows which templates they are of."""
    is_last_call: bool = False
    """The BSP's budget is nearly spent: the rest is left for what cannot wait."""
    retry_after: float | None = None
    """When there is a budget again, in seconds, if the BSP says."""


class Templates(Protocol):
    """One account's templates at the BSP. Times are those when the requests left."""

    @property
    def scope(self) -> str:
        """Whose templates they are: `waba:{id}`, which accounts may share, or `account:{name}`."""

    def page(self, after: str | None, limit: int) -> ListedPage | NotListed: ...

    def fetch(self, template_id: str) -> "News | NotListed":
        """One template, by the BSP's id."""

    def find(self, name: str) -> "Sequence[News] | NotListed":
        """The templates of this name, whatever its case, in all languages."""


class TemplateStatus(Protocol):
    def ask(self, template: "Template") -> "News | NotListed":
        """What the BSP says of a template that is known."""


class TemplateStatusFactory(Protocol):
    def __call__(
        self, account: "Account[Any, Any]", services: Services, now: Callable[[], float]
    ) -> TemplateStatus: ...


class Notices(Protocol):
    def read(self, element: Json) -> "Iterator[TemplateEvent | AccountEvent]":
        """What a `Notice.element` says."""

    def vouches(self, arrived: "Account[Any, Any]", other: "Account[Any, Any]") -> bool:
        """Whether what arrived at one account is proved for another account of the same business account too."""


class TemplatesFactory(Protocol):
    def __call__(self, account: "Account[Any, Any]", http: "HttpClient", now: Callable[[], float]) -> Templates: ...


@dataclass(frozen=True, slots=True)
class SampleFile:
    """A file for a header's sample."""

    name: str
    content_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Made:
    """The BSP has the template. `name` is its spelling; the category may be another one than was asked for."""

    id: str | None
    name: str
    status: str
    category: str


type NotDoneFor = Literal["refused", "exists", "permission", "later", "lost"]
"""Why a template was not made or changed.

refused     the BSP does not take it
exists      it has one of this name and language, or has not yet deleted it: it is looked up
permission  these credentials may not do it
later       certainly not done: too many requests, no connection
lost        it may have been done, and nobody said so: it is looked up before a second try
"""


@dataclass(frozen=True, slots=True)
class NotDone:
    """`reason` is in the BSP's own words where it has said something, whatever their language."""

    why: NotDoneFor
    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """`failed`: ids for which it was not done."""

    failed: Sequence[str] = ()


class MakesTemplates(Protocol):
    """`templates` of the capabilities has `create`. A draft is Meta's request with its types in capitals, and maybe
    `example.header_file`, which is a key of `files`."""

    @staticmethod
    def refusals(draft: Json) -> list[str]:
        """What of a draft, which keeps WhatsApp's rules, this BSP's call has no place for. Pure."""

    def create(self, draft: Json, files: Mapping[str, SampleFile]) -> Made | NotDone: ...


class EditsTemplates(Protocol):
    """It has `edit`. All components are replaced; `changes` is a draft with the members that change."""

    def edit(self, template: "Template", changes: Json, files: Mapping[str, SampleFile]) -> Done | NotDone: ...


class DeletesTemplates(Protocol):
    """It has `delete`."""

    def delete(self, name: str, template_id: str | None) -> Done | NotDone:
        """One, or the name in all languages without an id."""


class UnpausesTemplates(Protocol):
    """It has `unpause`."""

    def unpause(self, template_id: str) -> Done | NotDone: ...


class ArchivesTemplates(Protocol):
    """It has `archive`."""

    def archive(self, template_ids: Sequence[str]) -> Done | NotDone: ...

    def unarchive(self, template_ids: Sequence[str]) -> Done | NotDone: ...


# --- receiving -------------------------------------------------------------------------------------------------------


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


NOTE_SECONDS = 30 * 86_400
"""How long the note of a status is kept (`StatusEvent.note`)."""

type Status = Literal["accepted", "sent", "delivered", "read", "failed", "clicked"]
"""CleverTap's statuses, and `accepted`: the BSP confirms that it has the message. That is not reported to CleverTap."""


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """One status of one message, correlated by `reference` (the echoed msgId), else by `bsp_id`."""

    status: Status
    timestamp: int
    """Seconds since 1970, or `NO_TIME`."""
    reference: str | None
    bsp_id: str | None
    error_code: int | None = None
    """CleverTap's 10xx, for `failed`."""
    error_title: str | None = None
    unlisted: bool = False
    """The BSP's tables do not list this status; it is counted."""
    bsp_code: str | None = field(default=None, compare=False, kw_only=True)
    """For `failed`: the BSP's own code (`common.bsp_codes`)."""
    recipient: str | None = field(default=None, repr=False)
    """The person's number in digits, if the message may have to be found by it (`Capabilities.no_bsp_id`). On queues it
    is the account's pseudonym of the number."""
    other_recipients: Sequence[str] = field(default=(), repr=False)
    """On queues: the number's pseudonyms under the account's other keys, if it has several."""
    user_id: str | None = field(default=None, repr=False)
    """WhatsApp's user id of the person, if the callback has it beside or in place of the number. Not on queues."""
    user_note: Sequence[str] = field(default=(), repr=False)
    """On queues: the note that keeps the number under the user id (`common.user_ids`), its key and text."""
    user_note_keys: Sequence[str] = field(default=(), repr=False)
    """On queues, if the message may have to be found by a person of whom the callback has only the user id: keys of the
    notes that may have their number (`common.user_ids.places`)."""
    alarm: bool = False
    """As in `Rejected`: some BSPs accept messages of such an account, which then fail."""
    note: str | None = None
    """Key of a note for the account's client, kept for `NOTE_SECONDS`: that this status occurred, and when."""
    url: str | None = field(default=None, repr=False)
    """For `clicked`: the target of the link; `short_url` is the tapped address, `user_agent` the person's browser."""
    short_url: str | None = field(default=None, repr=False)
    user_agent: str | None = field(default=None, repr=False)


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


class Replies(Protocol):
    def reply(self, element: Json, account: "Account[Any, Any]") -> Reply | NotUnderstood:
        """A decrypted `ReplyEvent.element` in CleverTap's form."""


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
