"""`client` of an adapter, and what it may use outside itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.contract.outcomes import NotSent, Outcome, Outgoing, Rejected, Throttled

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account
    from whatsapp_bridge.media.fetch import File, Files
    from whatsapp_bridge.net.http import HttpClient
    from whatsapp_bridge.providers.contract.replies import Attachment


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
