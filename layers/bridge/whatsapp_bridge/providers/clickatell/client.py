"""Speaking to One API: upload, encrypt, send; and decrypt and fetch what people send.

The legacy WhatsApp API takes and answers requests in the same way under other names: `Dialect` holds these.

Source: https://www.clickatell.com/developers/api-documentation/one-api-request-parameters/ and the sections "Outbound
message request acceptance response" and "Error code comparison" of the comparison page named in `codes`. The endpoint
is /v1/message: the page's headings say /v1/messages, its endpoint table and examples do not.
"""

import os
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.files import File
from whatsapp_bridge.http import Answer, AnswerLost, NotReached
from whatsapp_bridge.providers.clickatell import codes, encryption
from whatsapp_bridge.providers.clickatell.answers import MediaLost, of_the_request, outcomes, refused_for_its_form
from whatsapp_bridge.providers.clickatell.dialect import Dialect
from whatsapp_bridge.providers.clickatell.downloads import check_hash, named, received
from whatsapp_bridge.providers.clickatell.media import FREEFORM, HEADERS
from whatsapp_bridge.providers.clickatell.uploads import Noted, Refusal, Stopped, Uploads
from whatsapp_bridge.providers.clickatell.values import blank
from whatsapp_bridge.providers.contract import (
    Attachment,
    Json,
    NotSent,
    Outcome,
    Outgoing,
    Rejected,
    Services,
    Throttled,
    Unknown,
    Unreadable,
)

if TYPE_CHECKING:
    from whatsapp_bridge.accounts import Account


ONE_API: Final = Dialect(
    api="One API",
    path="/v1/message",
    bsp_id="apiMessageId",
    code="code",
    description="description",
    error=codes.error,
    outgoing=encryption.OUTGOING,
    incoming=encryption.INCOMING,
    media_kind="moMedia",
)

# Finding the one bad message of a hundred takes 15 requests, two of them 27; `HttpClient` ends them when time is short.
_MAX_REQUESTS: Final = 30

# What says of a message with a file that there is one, from whom and when; nothing of it is ever encrypted.
_ALWAYS_CLEAR: Final = frozenset(
    {
        "kind",
        "messageId",
        "relatedMessageId",
        "relatedClientMessageId",
        "clientMessageId",
        "from",
        "timestamp",
        "contentType",
    }
)


class Client:
    """One account's client, for one batch. `data_keys` and `entropy` (n to n unpredictable bytes) are for tests."""

    dialect: ClassVar[Dialect] = ONE_API

    def __init__(
        self,
        account: "Account",
        services: Services,
        data_keys: encryption.DataKeys = encryption.SHARED,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._account, self._services = account, services
        self._data_keys, self._entropy = data_keys, entropy
        self._uploads = Uploads(account, services, self._upload_refused, data_keys, entropy)
        self._noted: dict[str, Noted] = {}
        """By reference, for a fileId that turns out to be lost."""

    # --- what people are sent ----------------------------------------------------------------------------------------

    def prepare(self, outgoing: Outgoing) -> Outgoing | Refusal:
        """Encrypt where the account says so, and bring the file there. Without a key the message waits: it never leaves
        in clear."""
        from whatsapp_bridge.store.keys import KeyFailure

        try:
            key = self._data_key()
            return Outgoing(outgoing.reference, self._with_file(outgoing.reference, self._sealed(outgoing, key), key))
        except KeyFailure as failure:
            return NotSent(failure.reason)
        except Stopped as stopped:
            return stopped.outcome

    def _data_key(self) -> encryption.DataKey | None:
        """The message's; None where the account does not encrypt. Raises `KeyFailure`."""
        settings, options = self._account.provider.encryption, self._account.options
        if settings is None:
            return None
        return self._data_keys.for_sending(
            self._services.keys, settings.mt_key_arn, options.data_key_max_seconds, options.data_key_max_messages
        )

    def _sealed(self, outgoing: Outgoing, key: encryption.DataKey | None) -> Json:
        if key is None:
            return outgoing.request
        # The key goes along even where there is nothing to encrypt: the integration expects encrypted messages.
        request = encryption.with_leaves(
            outgoing.request, self.dialect.outgoing, lambda text: encryption.encrypt(key.plaintext, text, self._entropy)
        )
        return {**request, "encryptionKey": key.encryption_key}

    def _with_file(self, reference: str, request: Json, key: encryption.DataKey | None) -> Json:
        """`fileId` in place of `source`. Raises `Stopped`, `KeyFailure`."""
        if "source" in request.get("media", {}):
            source = request["media"]["source"]
            noted = self._uploads.for_everybody(source, FREEFORM[source["kind"]])
            self._noted[reference] = noted
            return {**request, "media": _instead(request["media"], noted.members["fileId"])}
        header = request.get("template", {}).get("header", {})
        if "source" in header.get("media", {}):
            source = header["media"]["source"]
            file_id = self._uploads.for_recipient(source, HEADERS[source["kind"]], request["to"])
            header = {**header, "media": _instead(header["media"], file_id)}
            return {**request, "template": {**request["template"], "header": header}}
        return request

    # --- what people send --------------------------------------------------------------------------------------------

    def open(self, element: Json) -> Json:
        """A reply's element in clear, its file aside; one that came in clear as it is. Raises `Unreadable`.

        A message with a file is told of even where nothing of it can be read: then it comes without all that.
        """
        if element.get("kind") != self.dialect.media_kind:
            return self._open(element, self.dialect.incoming)
        fields = tuple(path for path in self.dialect.incoming if path != ("content",))
        try:
            return {"fileKey": element.get("encryptionKey"), **self._open(element, fields)}
        except Unreadable as error:
            if error.retriable:
                raise
            return {**_clear(element), "unreadable": error.reason}

    def _open(self, element: Json, fields: tuple[encryption.Path, ...]) -> Json:
        encryption_key = element.get("encryptionKey")
        settings = self._account.provider.encryption
        if blank(encryption_key):
            # Clickatell's own sample of an encrypted moText shows no key. Without one it is nothing but garbage.
            if settings is not None and encryption.looks_encrypted(element, fields):
                raise Unreadable("encrypted, but without an encryptionKey", retriable=False)
            return element
        key = self._reading_key(str(encryption_key))
        try:
            clear: Json = encryption.with_leaves(element, fields, lambda text: encryption.decrypt(key.plaintext, text))
        except encryption.Undecipherable as error:
            raise Unreadable(str(error), retriable=False) from None
        return {**clear, "encryptionKey": None}

    def _reading_key(self, encryption_key: str) -> encryption.DataKey:
        """Raises `Unreadable`."""
        from whatsapp_bridge.store.keys import KeyFailure

        settings, options = self._account.provider.encryption, self._account.options
        if settings is None:
            raise Unreadable("encrypted, but the account has no provider.encryption.mo_key_arn", retriable=True)
        try:
            return self._data_keys.for_reading(
                self._services.keys, settings.mo_key_arn, encryption_key, options.data_key_max_seconds
            )
        except KeyFailure as failure:
            raise Unreadable(failure.reason, retriable=failure.retriable) from None
        except encryption.Undecipherable as error:
            raise Unreadable(str(error), retriable=False) from None

    def download(self, attachment: Attachment) -> File:
        """The file of a person's message, decrypted. Raises `Unreadable`."""
        raw = received(attachment, self._account, self._services.http)
        content = raw
        if "fileKey" in attachment.source:
            key = self._reading_key(attachment.source["fileKey"])
            try:
                content = encryption.decrypt_bytes(key.plaintext, raw)
            except encryption.Undecipherable as error:
                raise Unreadable(str(error), retriable=False) from None
        if not content:
            raise Unreadable("the file is empty", retriable=False)
        check_hash(attachment, self._account, content, raw)
        return named(attachment, content)

    # --- sending -----------------------------------------------------------------------------------------------------

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """One request for the batch. Where all of it is refused for its form (One API's errors 21, 22), the halves are
        sent for themselves, so that one bad message does not take a hundred down."""
        known: dict[str, Outcome] = {}
        parts = deque([list(batch)] if batch else [])
        for _ in range(_MAX_REQUESTS):
            if not parts:
                break
            part = parts.popleft()
            answer = self._post(part)
            if len(part) > 1 and isinstance(answer, Answer) and refused_for_its_form(answer, self.dialect):
                parts.extend((part[: len(part) // 2], part[len(part) // 2 :]))
            else:
                known.update(outcomes(part, answer, self.dialect))
        later = NotSent("request refused for its form")
        return [self._unless_lost(outgoing.reference, known.get(outgoing.reference, later)) for outgoing in batch]

    def _unless_lost(self, reference: str, outcome: Outcome) -> Outcome:
        """A noted fileId that is lost is forgotten; the message's next try uploads the file again."""
        if not isinstance(outcome, MediaLost):
            return outcome
        rejected = Rejected(outcome.code, outcome.title)
        if reference not in self._noted:
            return rejected
        self._uploads.forget(self._noted[reference])
        return NotSent(outcome.title, verdict=rejected)

    def _upload_refused(self, answer: Answer) -> Refusal:
        outcome = of_the_request(answer, self.dialect)
        if answer.status == 413 and isinstance(outcome, NotSent):
            return Rejected(CallbackError.INVALID_TEMPLATE_PARAMETERS, "File too large (HTTP 413)")
        if isinstance(outcome, MediaLost):
            return Rejected(outcome.code, outcome.title)
        # An upload can be repeated; whether this one was taken does not matter.
        if isinstance(outcome, Rejected | Throttled | NotSent):
            return outcome
        return NotSent(f"upload: HTTP {answer.status}")

    def _post(self, batch: Sequence[Outgoing]) -> Answer | Outcome:
        try:
            return self._services.http.post_json(
                f"{self._account.provider.base_url}{self.dialect.path}",
                {"messages": [outgoing.request for outgoing in batch]},
                {"authorization": self._account.provider.api_key},
            )
        except NotReached as error:
            return NotSent(f"not reached: {error}")
        except AnswerLost as error:
            return Unknown(f"answer lost: {error}")


def _clear(element: Json) -> Json:
    """What can be read of a message with a file without its key."""
    files = element.get("files")
    first = files[0] if isinstance(files, list) and files else None
    clear = {name: value for name, value in element.items() if name in _ALWAYS_CLEAR}
    return {**clear, "files": [{"contentType": first.get("contentType")}]} if isinstance(first, dict) else clear


def _instead(media: Json, file_id: str) -> Json:
    return {"fileId": file_id, **{name: value for name, value in media.items() if name != "source"}}
