"""What the sandboxes of Clickatell's two APIs share: integrations, conventions, decryption, outcomes of messages.

The end of a number decides what happens to its messages: `conventions`.
"""

import hashlib
import json
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from local.sandbox import encryption, media_types
from local.sandbox.bsp import STATUS_INTERVAL_SECONDS, BspSandbox, CallbackUrls, Delivered, KmsClient
from local.sandbox.conventions import convention
from local.sandbox.files import File
from local.web import LoopbackHandler

MAX_CONTENT = 4096


type NoUploads = Literal["page", "error"]
WITHOUT_UPLOADS = "-without-uploads"
"""The end of the API key of an integration for which uploads are not enabled."""


@dataclass(frozen=True)
class Integration:
    """One API integration of one account: its key, its number and its callback URLs."""

    account: str
    api_key: str
    waba_number: str
    status_url: str
    incoming_url: str
    mt_key_arn: str = ""
    mo_key_arn: str = ""
    broadcasts: bool = False
    """Whether its files hold nothing personal, so that they may be uploaded for everybody."""
    without_uploads: NoUploads | None = None
    """What answers uploads if Clickatell has not enabled them: a gateway's page, or the API's error."""

    @property
    def encrypted(self) -> bool:
        return bool(self.mt_key_arn)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, JSON unless it is a file; `lost`: the connection closes instead."""

    status: int
    body: dict[str, Any] | File
    lost: bool = False


@dataclass
class Call:
    """A request as received, for assertions: its number of messages and its answer."""

    account: str
    path: str = field(repr=False)
    messages: int
    answer: Answer


class Unusable(Exception):
    """The message cannot be shown; `status` is One API's code of the failure, None if the person gets garbage."""

    def __init__(self, problem: str, status: int | None) -> None:
        super().__init__(problem, status)
        self.problem, self.status = problem, status


type Seen = tuple[dict[str, Any], File | None]
"""What a person sees of a message: its content, and its file."""


class ClickatellSandbox(BspSandbox):
    """Accounts are integrations. `handle` processes requests; each API is a subclass."""

    def __init__(self, kms: KmsClient, seed: int | None = None) -> None:
        super().__init__(kms, seed)
        self._integrations: dict[str, Integration] = {}
        self._calls: list[Call] = []
        self._refusals: dict[tuple[str, str], int] = {}

    @abstractmethod
    def handle(self, method: str, path: str, authorization: str | None, body: bytes, content_type: str = "") -> Answer:
        """Process a request and answer it; `path` includes the query."""

    @abstractmethod
    def _see(self, integration: Integration, message: dict[str, Any], key: bytes | None) -> Seen:
        """A checked message as the person sees it, decrypted if it has a data key.

        Raises `Unusable`, `AccessDenied`, `ContentError`.
        """

    @abstractmethod
    def _report(self, integration: Integration, delivered: Delivered, code: int, delay: float) -> None:
        """Report a status (One API's code) in `delay` seconds."""

    def add_account(self, name: str, account: dict[str, Any], bridge_url: str) -> None:
        urls = CallbackUrls.of(name, account, bridge_url)
        keys = account["provider"].get("encryption") or {}
        self.add(
            Integration(
                account=name,
                api_key=account["provider"]["api_key"],
                waba_number=account["waba_number"].removeprefix("+"),
                status_url=urls.status,
                incoming_url=urls.incoming,
                mt_key_arn=keys.get("mt_key_arn", ""),
                mo_key_arn=keys.get("mo_key_arn", ""),
                broadcasts=account.get("options", {}).get("broadcast_files", False),
                without_uploads="page" if account["provider"]["api_key"].endswith(WITHOUT_UPLOADS) else None,
            )
        )

    def add(self, integration: Integration) -> None:
        self._integrations[integration.api_key] = integration

    def disable_uploads(self, account: str, answer: NoUploads = "page") -> None:
        """From now on this account's uploads are answered as where they are not enabled."""
        self.add(replace(self._of(account), without_uploads=answer))

    @property
    def calls(self) -> list[Call]:
        with self._changed:
            return list(self._calls)

    # Requests

    def respond(self, request: LoopbackHandler, body: bytes) -> None:
        headers = request.headers
        if "application/json" not in headers.get("Accept", ""):
            # As Clickatell's samples ask; not acceptable: RFC 9110, section 15.5.7.
            request.answer(406)
            return
        answer = self.handle(
            request.command, request.path, headers.get("Authorization"), body, headers.get("Content-Type", "")
        )
        if self.before_answer:
            self.before_answer()
        if answer.lost:
            request.close_connection = True
        elif isinstance(answer.body, File):
            request.answer(answer.status, answer.body.content, [("Content-Type", answer.body.content_type)])
        else:
            request.answer(answer.status, json.dumps(answer.body).encode(), [("Content-Type", "application/json")])

    def _note(
        self, integration: Integration | None, path: str, messages: Sequence[dict[str, Any]], answer: Answer
    ) -> Answer:
        with self._changed:
            account = integration.account if integration else ""
            self._calls.append(Call(account, path.partition("?")[0], len(messages), answer))
            self._changed.notify_all()
        return answer

    def _refusal(self, message: dict[str, Any], *, has_file: bool, count: bool = True) -> int | None:
        """The error (One API's code) that the number's convention has for this message now."""
        to = str(message.get("to"))
        found = convention(to, has_file=has_file)
        key = (to, str(message.get("clientMessageId")))
        with self._changed:
            seen = self._refusals.get(key, 0)
            if found.error is None or (found.times is not None and seen >= found.times):
                return None
            if count:
                self._refusals[key] = seen + 1
            return found.error

    def _named(self, message: dict[str, Any]) -> dict[str, Any]:
        """The members of a result that say which message it is about."""
        to = message.get("to")
        nameless = convention(str(to), has_file=False).nameless
        return {"to": to, "clientMessageId": None if nameless else message.get("clientMessageId")}

    def _is_answer_lost(self, results: Sequence[dict[str, Any]]) -> bool:
        return any(
            result["accepted"] and convention(str(result["to"]), has_file=False).answer_lost for result in results
        )

    # Outcomes of messages

    def _deliver(self, integration: Integration, message_id: str, message: dict[str, Any], *, has_file: bool) -> None:
        content, file, problem, failure = self._open(integration, message)
        delivered = Delivered(
            integration.account,
            message_id,
            str(message.get("clientMessageId", "")),
            str(message["to"]),
            message,
            content,
            problem,
            encrypted="encryptionKey" in message,
            file=file,
        )
        with self._changed:
            self._delivered.append(delivered)
            self._changed.notify_all()
        codes = (2, failure) if failure else convention(delivered.to, has_file=has_file).statuses
        for step, code in enumerate(codes, start=1):
            self._report(integration, delivered, code, step * STATUS_INTERVAL_SECONDS)

    def _open(
        self, integration: Integration, message: dict[str, Any]
    ) -> tuple[dict[str, Any] | None, File | None, str, int | None]:
        """What the person sees, the problem, and the status of the failure."""
        try:
            return *self._see(integration, message, self._data_key(integration, message.get("encryptionKey"))), "", None
        except Unusable as unusable:
            return None, None, unusable.problem, unusable.status
        except encryption.AccessDenied:
            return None, None, "the data key is not one of this integration's", 60
        except encryption.ContentError:
            return None, None, "a value is not encrypted with its data key", 61

    def _data_key(self, integration: Integration, wrapped: str | None) -> bytes | None:
        """The data key of a message or file; None if it is not encrypted. Raises `Unusable`, `AccessDenied`,
        `ContentError`."""
        if wrapped is None and integration.encrypted:
            # The real service would decrypt the plain text and deliver the result.
            raise Unusable("unencrypted text on an encrypted integration: delivered as garbage", None)
        if wrapped is not None and not integration.encrypted:
            raise Unusable("no key for client-side encryption on this integration", 60)
        return None if wrapped is None else encryption.unwrap(self._kms, integration.mt_key_arn, wrapped)

    def _of(self, account: str) -> Integration:
        return next(item for item in self._integrations.values() if item.account == account)


def reader(key: bytes | None) -> Callable[[str], str]:
    """The function that reads a value: it decrypts if there is a data key."""
    return (lambda value: encryption.decrypt(key, value)) if key else (lambda value: value)


def seen_file(raw: bytes, key: bytes | None, sha256: str | None, content_type: str, name: str) -> File:
    """A file as the person sees it. Raises `Unusable`, `ContentError`."""
    content = encryption.decrypt_bytes(key, raw) if key else raw
    if sha256 is not None and sha256 != hashlib.sha256(content).hexdigest():
        raise Unusable("the file does not match its hash", 82)
    if media_types.is_too_large(len(content), content_type):
        raise Unusable("the file is larger than WhatsApp accepts", 81)
    return File(content, media_types.plain(content_type), name)


def check_length(content: dict[str, Any]) -> None:
    """Raises `Unusable`."""
    if len(content.get("content", "")) > MAX_CONTENT:
        raise Unusable("the decrypted content is too long", 145)
