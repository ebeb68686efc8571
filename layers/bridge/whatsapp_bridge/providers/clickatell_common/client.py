"""What the clients of Clickatell's two APIs share: encrypt and send; decrypt messages and fetch files from people.

Source: the section "Outbound message request acceptance response" and the samples of encrypted messages on the
comparison page named in `codes`.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Final

from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.net.halving import InHalves
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.answers import posted, refused_with
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.clickatell_common import encryption
from whatsapp_bridge.providers.clickatell_common.answers import MediaLost, heard, kind_of, outcomes
from whatsapp_bridge.providers.clickatell_common.dialect import Dialect
from whatsapp_bridge.providers.clickatell_common.downloads import check_hash, named, received
from whatsapp_bridge.providers.common.outgoing_files import CannotPrepare, Refusal
from whatsapp_bridge.providers.common.values import blank, each
from whatsapp_bridge.providers.contract.client import KeyFailure, NoFile, Services, Unreadable
from whatsapp_bridge.providers.contract.outcomes import NotSent, Outcome, Outgoing, Rejected
from whatsapp_bridge.providers.contract.replies import Attachment
from whatsapp_bridge.runtime.observability import count

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell_common.settings import Account

# The members that say that a message has a file, from whom and when; they are never encrypted.
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


class BaseClient(ABC):
    """One account's client, for one batch. `data_keys` and `entropy` (n to n unpredictable bytes) are for tests."""

    dialect: ClassVar[Dialect]

    def __init__(
        self,
        account: "Account",
        services: Services,
        data_keys: encryption.DataKeys = encryption.SHARED,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._account, self._services = account, services
        self._data_keys, self._entropy = data_keys, entropy

    # --- messages to people ------------------------------------------------------------------------------------------

    def prepare(self, outgoing: Outgoing) -> Outgoing | Refusal:
        """Encrypt if the account says so, and add the file. Without a data key the message waits: it never leaves
        unencrypted."""
        try:
            key = self._data_key()
            request = self._with_file(outgoing.reference, self._sealed(outgoing, key), key)
            return replace(outgoing, request=request)
        except KeyFailure as failure:
            return NotSent(failure.reason)
        except CannotPrepare as stopped:
            return stopped.outcome

    def _data_key(self) -> encryption.DataKey | None:
        """The message's data key; None if the account does not encrypt. Raises `KeyFailure`."""
        settings, options = self._account.provider.encryption, self._account.options
        if settings is None:
            return None
        return self._data_keys.for_sending(
            self._services.keys, settings.mt_key_arn, options.data_key_max_seconds, options.data_key_max_messages
        )

    def _sealed(self, outgoing: Outgoing, key: encryption.DataKey | None) -> Json:
        if key is None:
            return outgoing.request
        # Send the key even if nothing is encrypted: the integration expects encrypted messages.
        request = encryption.with_leaves(
            outgoing.request, self.dialect.outgoing, lambda text: encryption.encrypt(key.plaintext, text, self._entropy)
        )
        return {**request, "encryptionKey": key.encryption_key}

    @abstractmethod
    def _with_file(self, reference: str, request: Json, key: encryption.DataKey | None) -> Json:
        """The request with the file in place of `source`. Raises `CannotPrepare`, `KeyFailure`."""

    # --- messages from people ----------------------------------------------------------------------------------------

    def open(self, element: Json) -> Json:
        """A reply's element, decrypted except for its file. Raises `Unreadable`."""
        if element.get("kind") == self.dialect.media_kind:
            return self._open_with_file(element)
        key = self._key_of(element)
        if key is None:
            return element
        try:
            clear: Json = encryption.with_leaves(element, self.dialect.incoming, key.read)
        except encryption.Undecipherable as error:
            raise Unreadable(str(error), retriable=False) from None
        return {**clear, "encryptionKey": None}

    def _open_with_file(self, element: Json) -> Json:
        """A message with a file is reported even if nothing of it can be decrypted: then without those parts."""
        try:
            key = self._key_of(element)
        except Unreadable as error:
            rest = {**_clear(element), "unreadable": error.reason}
            if error.retriable:
                raise Unreadable(error.reason, retriable=True, rest=rest) from None
            return rest
        if key is None:
            return element
        opened = {**element, "encryptionKey": None, "fileKey": key.encryption_key}
        try:
            return {**opened, "caption": encryption.with_leaves(element.get("caption"), ((),), key.read)}
        except encryption.Undecipherable:
            count("CaptionsUnreadable")
            return {**opened, "caption": None}

    def _key_of(self, element: Json) -> encryption.DataKey | None:
        """The data key of a message from a person. Raises `Unreadable`. None if it is not encrypted: each of
        Clickatell's encrypted samples has a key."""
        encryption_key = element.get("encryptionKey")
        return None if blank(encryption_key) else self._reading_key(str(encryption_key))

    def _reading_key(self, encryption_key: str) -> encryption.DataKey:
        """Raises `Unreadable`."""
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
        raw, of_type = received(attachment, self._account, self._services.http, self.dialect)
        content = raw
        if "fileKey" in attachment.source:
            key = self._reading_key(attachment.source["fileKey"])
            try:
                content = encryption.decrypt_bytes(key.plaintext, raw)
            except encryption.Undecipherable as error:
                raise Unreadable(str(error), retriable=False) from None
        if not content:
            raise NoFile("the file is empty", retriable=False)
        check_hash(attachment, self._account, content, raw)
        return named(attachment, content, of_type)

    # --- sending -----------------------------------------------------------------------------------------------------

    def send(self, batch: Sequence[Outgoing]) -> list[Outcome]:
        """One request for the batch. If the whole request is refused as malformed (One API's error 21) or as too large,
        its parts are sent on their own, so that one bad message does not fail a hundred, and a template that is not
        approved not the others."""
        known: dict[str, Outcome] = {}
        # `HttpClient` stops them when time is short.
        halves = InHalves[Outgoing, Answer | Outcome](
            partial(heard, dialect=self.dialect), kind_of, refused_with=lambda outgoing: outgoing.refused_with
        )
        for part, answer, before in halves.post(batch, self._post):
            for reference, outcome in outcomes(part, answer, self.dialect).items():
                known[reference] = refused_with(outcome, before)
        settled = [(outgoing.reference, known[outgoing.reference]) for outgoing in batch]
        return [
            self._lost(reference, outcome.rejected) if isinstance(outcome, MediaLost) else outcome
            for reference, outcome in settled
        ]

    def _lost(self, reference: str, rejected: Rejected) -> Outcome:
        """The outcome if Clickatell does not find the message's file."""
        return rejected

    def _post(self, batch: Sequence[Outgoing]) -> Answer | Outcome:
        return posted(
            lambda: self._services.http.post_json(
                f"{self._account.provider.base_url}{self.dialect.path}",
                {"messages": [outgoing.request for outgoing in batch]},
                {"authorization": self._account.provider.api_key, "accept": "application/json"},
            ),
            self._account.name,
        )


def _clear(element: Json) -> Json:
    """The part of a message with a file that can be read without its key."""
    first = next(iter(each(element.get("files"))), None)
    clear = {name: value for name, value in element.items() if name in _ALWAYS_CLEAR}
    return {**clear, "files": [{"contentType": first.get("contentType")}]} if isinstance(first, dict) else clear
