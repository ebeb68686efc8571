"""Files for people: fetched from CleverTap's address, checked, and uploaded to One API, which gives a `fileId`.

Source: sections "Media file upload" and "Sending media by reference" of the comparison page named in `codes`. A file
is uploaded for one recipient. With the option `broadcast_files` the file of a freeform message is uploaded for
everybody; Clickatell keeps it for 30 days, and the note with its fileId ends a day earlier.

An integration may have no uploads: Clickatell enables them. Public clients have seen 404 with a page, or error 41, and
send the file in the message instead.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlencode

from pydantic_core import from_json, to_json

from whatsapp_bridge.media.fetch import Source
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.answers import guarded, of_a_step_before, without_asking
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.clickatell_common import encryption
from whatsapp_bridge.providers.clickatell_common.codes import FILES_LOST
from whatsapp_bridge.providers.clickatell_common.media import (
    MAX_INLINE_BYTES,
    MAX_UPLOAD_BYTES,
    check_ciphertext,
    is_within,
)
from whatsapp_bridge.providers.common.outgoing_files import (
    CannotPrepare,
    Fetched,
    FileRule,
    Refusal,
    checked,
    fetch,
    find,
    rejected,
)
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.outcomes import NotSent, Throttled
from whatsapp_bridge.runtime.observability import count, logger

if TYPE_CHECKING:
    from whatsapp_bridge.net.http import Body
    from whatsapp_bridge.providers.clickatell.settings import Account

MEDIA_PATH: Final = "/v1/media"
_NOTE_SECONDS: Final = 29 * 86_400
# After that it is tried again whether Clickatell has enabled uploads.
_NOT_ENABLED_SECONDS: Final = 300


class NotEnabled(Exception):
    """The integration takes no uploads. `fetched` is the file."""

    def __init__(self, fetched: Fetched) -> None:
        super().__init__("uploads are not enabled")
        self.fetched = fetched


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A fileId for all freeform messages with the same file."""

    key: str
    note: str = field(repr=False)

    @property
    def members(self) -> dict[str, Any]:
        """fileId; validator and sha256 of the uploaded file; lost (the value of the note `FILES_LOST` at that time)."""
        members: dict[str, Any] = from_json(self.note)
        return members


class Uploads:
    """One account's. `refused` gives the outcome of an answer without a fileId, None if the integration takes no
    uploads; `entropy(n)` gives n unpredictable bytes."""

    def __init__(
        self,
        account: "Account",
        services: Services,
        refused: Callable[[Answer], Refusal | None],
        data_keys: encryption.DataKeys,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._account, self._services, self._refused = account, services, refused
        self._data_keys, self._entropy = data_keys, entropy
        self._throttled: Throttled | None = None
        self._has_noted = False

    def for_recipient(self, source: Json, rule: FileRule, to: str, *, may_be_inline: bool) -> str:
        """The fileId of a file for `to` only. `may_be_inline`: the message can hold the file itself, so what takes no
        uploads is not asked again and again.

        Raises `CannotPrepare`, `KeyFailure`, `NotEnabled`.
        """
        fetched = fetch(self._services, self._account, source, rule)
        if may_be_inline:
            self._check_enabled(fetched)
        return self._upload(fetched, source["kind"], {"to": to})

    def for_everybody(self, source: Json, rule: FileRule) -> UploadedFile:
        """The stored fileId of a file for freeform messages; uploads the file again if the source has changed.

        Raises `CannotPrepare`, `KeyFailure`, `NotEnabled`.
        """
        key = self._key(source)
        lost = self._services.notes.get(self._account.name, FILES_LOST)
        noted = self._noted(key, lost)
        validator = noted.members["validator"] if noted else None
        try:
            found = find(self._services, self._account, source, rule.max_bytes, validator)
        except CannotPrepare as stopped:
            # Clickatell has the file, so a source that is not available now does not matter.
            if noted is not None and isinstance(stopped.outcome, NotSent):
                return noted
            raise
        if noted is not None and found is None:
            return noted
        fetched = checked(source, cast("Source", found), rule)
        hashed = sha256(fetched.content).hexdigest()
        if noted is not None and noted.members["sha256"] == hashed:
            # Some hosts send a new ETag or date for the same bytes each time.
            return noted
        self._check_enabled(fetched)
        file_id = self._upload(fetched, source["kind"], {"broadcastAllowed": "true"})
        note = {"fileId": file_id, "validator": fetched.validator, "sha256": hashed, "lost": lost}
        made = UploadedFile(key, to_json(note).decode())
        self._services.notes.put(self._account.name, key, made.note, _NOTE_SECONDS)
        return made

    def forget(self, noted: UploadedFile) -> None:
        """Clickatell no longer finds the file: the next message uploads it again."""
        self._services.notes.forget(self._account.name, noted.key, noted.note)

    def fits_inline(self, content: bytes) -> bool:
        """Whether a message can hold this file."""
        return is_within(content, MAX_INLINE_BYTES, encrypted=self._account.provider.encryption is not None)

    def _check_enabled(self, fetched: Fetched) -> None:
        """Raises `NotEnabled` if the integration took no upload a moment ago, and the message can hold the file."""
        key = self._not_enabled
        if self.fits_inline(fetched.content) and self._services.notes.get(self._account.name, key) is not None:
            raise NotEnabled(fetched)

    @property
    def _not_enabled(self) -> str:
        """Key of the note that this integration takes no uploads."""
        provider = self._account.provider
        return f"uploads-not-enabled#{sha256(to_json([provider.base_url, provider.api_key])).hexdigest()}"

    def _noted(self, key: str, lost: str | None) -> UploadedFile | None:
        note = self._services.notes.get(self._account.name, key)
        noted = None if note is None else UploadedFile(key, note)
        # Do not trust a file that was uploaded before one was lost. That note outlives those of all earlier files.
        return None if noted is None or (lost is not None and noted.members["lost"] != lost) else noted

    def _key(self, source: Json) -> str:
        """A fileId belongs to one API key, one file name, and one choice of encrypted or not."""
        provider = self._account.provider
        arn = provider.encryption.mt_key_arn if provider.encryption else None
        serves = [source["url"], source["kind"], source.get("fileName"), arn, provider.base_url, provider.api_key]
        return f"file#{sha256(to_json(serves)).hexdigest()}"

    def _upload(self, fetched: Fetched, kind: str, audience: dict[str, str]) -> str:
        if self._throttled is not None:
            # Clickatell has throttled an upload: the rest of the batch waits without another request.
            raise CannotPrepare(self._throttled)
        body, secrets = self._sealed(fetched, kind)
        # A space as %20: "+" means a space only if the server reads the query as a form.
        query = urlencode({"fileName": fetched.name, **audience, **secrets}, quote_via=quote)
        provider = self._account.provider
        headers = {
            "authorization": provider.api_key,
            "accept": "application/json",
            "content-type": fetched.type.content_type,
        }
        url = f"{provider.base_url}{MEDIA_PATH}?{query}"
        answer = guarded(lambda: self._services.http.request("POST", url, body, headers))
        if isinstance(answer, Answer):
            return self._file_id(answer, fetched)
        raise CannotPrepare(of_a_step_before("upload", answer))

    def _sealed(self, fetched: Fetched, kind: str) -> "tuple[Body, dict[str, str]]":
        """The bytes to upload and the encryption members; the file has its own data key."""
        settings = self._account.provider.encryption
        if settings is None:
            return fetched.content, {}
        check_ciphertext(fetched.content, kind, MAX_UPLOAD_BYTES)
        key = self._data_keys.fresh(self._services.keys, settings.mt_key_arn)
        secrets = {
            "encryptionKey": key.encryption_key,
            "kmsArn": key.key_arn,
            "sha256FileHash": sha256(fetched.content).hexdigest(),
        }
        return encryption.EncryptedFile(key.plaintext, fetched.content, self._entropy), secrets

    def _file_id(self, answer: Answer, fetched: Fetched) -> str:
        body = answer.json()
        file_id = body.get("fileId") if isinstance(body, dict) else None
        if 200 <= answer.status < 300 and isinstance(file_id, str) and file_id and body.get("accepted") is not False:
            # Seen for a file name or content type that One API does not know.
            if file_id.endswith(".unsupported"):
                raise CannotPrepare(of_a_step_before("upload", rejected("Content type not supported")))
            return file_id
        outcome = self._refused(answer)
        if outcome is None:
            self._note_not_enabled()
            raise NotEnabled(fetched)
        if isinstance(outcome, Throttled):
            self._throttled = without_asking(outcome)
        raise CannotPrepare(outcome)

    def _note_not_enabled(self) -> None:
        count("UploadsNotEnabled")
        if not self._has_noted:
            # Once for the batch: all of a campaign's messages would write one item.
            self._has_noted = True
            self._services.notes.put(self._account.name, self._not_enabled, "", _NOT_ENABLED_SECONDS)
            logger.warning("uploads are not enabled on the integration", extra={"account": self._account.name})
