"""Files from people: fetched from the BSP once, stored, and linked in the message to CleverTap.

A note keeps the state of a message's file, so that a message that is reported again is reported in the same way, even
if the BSP no longer has the file:

    tried {n}              n attempts; it could not be fetched yet
    tried {n} missing      the same, and at the last one there was none
    gone                   it can never be fetched
    stored {at} {type}     it has been in S3 since `at` (seconds since 1970)
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import time
from typing import Final

from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.callbacks import IncomingMessage, Media
from whatsapp_bridge.flows.records import Postponed
from whatsapp_bridge.media.links import link, media_ids
from whatsapp_bridge.providers.common.attachments import kind_of
from whatsapp_bridge.providers.common.message_ids import hidden
from whatsapp_bridge.providers.contract.client import Client, NoFile, Notes, Unreadable
from whatsapp_bridge.providers.contract.replies import Attachment
from whatsapp_bridge.runtime.observability import count, count_with_account, logger
from whatsapp_bridge.runtime.schedules import ForwardRetry, system_jitter
from whatsapp_bridge.store.media import MediaStore
from whatsapp_bridge.store.queues import MAX_VISIBILITY_SECONDS

# For all attempts to fetch a file together, because the person's next messages wait meanwhile.
_PATIENCE_SECONDS: Final = 900
_GONE: Final = "gone"
_MISSING: Final = " missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleFiles:
    """Links begin with `public_url` and are valid for `days`."""

    store: MediaStore
    public_url: str
    days: int
    notes: Notes
    retry: ForwardRetry
    jitter: Callable[[], float] = field(default=system_jitter)
    now: Callable[[], float] = field(default=time)

    def linked(
        self, client: Client, account: Account, message_id: str, message: IncomingMessage, attachment: Attachment
    ) -> IncomingMessage:
        """The message with a link to its file; unchanged if the file cannot be fetched. Raises `Postponed`."""
        identifier, note = self._noted(account, message_id)
        if note is None or note.startswith("tried "):
            note = self._fetched(client, account, message_id, identifier, attachment, note or "tried 0")
        if note == _GONE:
            return message
        _, stored, content_type = note.split(" ", 2)
        address = link(self.public_url, account.keys, identifier, int(stored) + self._good_for)
        return message.with_media(
            kind_of(content_type) if attachment.guessed else attachment.kind,
            Media(media_url=address, mime_type=content_type, caption=attachment.caption),
            document_copy=account.options.document_copy,
        )

    def _noted(self, account: Account, message_id: str) -> tuple[str, str | None]:
        """The file's id and note. An earlier attempt may have made them with another of the account's keys."""
        identifiers = media_ids(account.keys, message_id)
        for identifier in identifiers:
            note = self.notes.get(account.name, f"media#{identifier}")
            if note is not None:
                return identifier, note
        return identifiers[0], None

    @property
    def _good_for(self) -> int:
        return self.days * 86_400

    def _fetched(
        self, client: Client, account: Account, message_id: str, identifier: str, attachment: Attachment, tried: str
    ) -> str:
        """Fetch and store the file; returns the note of the result. `tried` is the note so far."""
        try:
            file = client.download(attachment)
        except Unreadable as error:
            return self._failed(account, message_id, identifier, error, tried)
        self.store.put(account.name, identifier, file)
        note = f"stored {int(self.now())} {file.content_type}"
        self.notes.put(account.name, f"media#{identifier}", note, self._good_for)
        count("MediaStored")
        return note

    def _failed(self, account: Account, message_id: str, identifier: str, error: Unreadable, tried: str) -> str:
        keys = {"account": account.name, "id": hidden(account.name, message_id), "reason": error.reason}
        if isinstance(error, NoFile) and error.alarm:
            count_with_account("ProviderAccountAlarms", account.name)
            logger.error("the BSP refuses the account", extra=keys)
        tries, missing = int(tried.split()[1]) + 1, isinstance(error, NoFile) and error.once
        delay = self._delay(error, tries, missing, missing_before=tried.endswith(_MISSING))
        note = _GONE if delay is None else f"tried {tries}{_MISSING if missing else ''}"
        self.notes.put(account.name, f"media#{identifier}", note, self._good_for)
        if error.retriable and not missing:
            count("MediaNotFetched")
        if delay is not None:
            logger.warning("file could not be fetched; will be retried", extra=keys)
            raise Postponed(delay)
        count("MediaUnavailable")
        logger.error("file could not be fetched", extra=keys)
        return note

    def _delay(self, error: Unreadable, tries: int, missing: bool, missing_before: bool) -> int | None:
        """None if there must be no further attempt."""
        if not error.retriable or (missing and missing_before):
            return None
        if missing:
            return self.retry.pause(1, self.jitter(), at_most=MAX_VISIBILITY_SECONDS)
        return self.retry.delay(tries, self.jitter(), at_most=MAX_VISIBILITY_SECONDS, limit=_PATIENCE_SECONDS)
