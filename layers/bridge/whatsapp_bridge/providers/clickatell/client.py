"""Calls One API. Files are uploaded before the messages that show them, or go with them.

Source: https://www.clickatell.com/developers/api-documentation/one-api-request-parameters/ and the comparison page
named in `codes`. The endpoint is /v1/message: the page's headings say /v1/messages, its endpoint table and examples do
not.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.answers import of_a_step_before
from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.clickatell import codes
from whatsapp_bridge.providers.clickatell.media import MEDIA_PATH, NotEnabled, UploadedFile, Uploads
from whatsapp_bridge.providers.clickatell_common import encryption
from whatsapp_bridge.providers.clickatell_common.answers import MediaLost, nothing_there, of_the_request
from whatsapp_bridge.providers.clickatell_common.client import BaseClient
from whatsapp_bridge.providers.clickatell_common.dialect import Dialect
from whatsapp_bridge.providers.clickatell_common.encryption import CONTACTS, Path
from whatsapp_bridge.providers.clickatell_common.media import FREEFORM, HEADERS, MAX_INLINE_BYTES, inline
from whatsapp_bridge.providers.common.outgoing_files import MB, CannotPrepare, Refusal, rejected
from whatsapp_bridge.providers.contract.client import Services
from whatsapp_bridge.providers.contract.outcomes import NotSent, Outcome, Rejected

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell.settings import Account

OUTGOING: Final[tuple[Path, ...]] = (
    ("content",),
    ("location", "longitude"),
    ("location", "latitude"),
    ("location", "name"),
    ("location", "address"),
    ("media", "caption"),
    ("hsm", "parameters", "*"),
    ("template", "header", "text", "parameters", "*"),
    ("template", "body", "parameters", "*"),
    ("template", "buttons", "suggestedResponse", "postbackData", "*"),
    ("template", "buttons", "websiteUrl", "*", "parameters", "*"),
)
# Everything that One API reads unencrypted. Together the two tables hold every leaf that `outbound` writes.
OUTGOING_CLEAR: Final[tuple[Path, ...]] = (
    ("channel",),
    ("to",),
    ("clientMessageId",),
    ("previewFirstUrl",),
    ("media", "fileId"),
    ("media", "contentType"),
    ("media", "fileName"),
    ("media", "sha256Hash"),
    ("hsm", "template"),
    ("template", "templateName"),
    ("template", "header", "type"),
    ("template", "header", "media", "fileId"),
    ("template", "buttons", "websiteUrl", "*", "listPosition"),
)
INCOMING: Final[tuple[Path, ...]] = (
    ("content",),
    ("caption",),
    ("postbackData",),
    ("locationName",),
    ("locationAddress",),
    ("latitude",),
    # The spelling of the unencrypted sample; the encrypted one has the other.
    ("latitute",),
    ("longitude",),
    *CONTACTS,
    # moButtonResponse has no sample. These fields hold what the person sees and what the tap returns, which is
    # ciphertext in every other kind. If they are not encrypted, the reply is quarantined, not lost.
    ("title",),
    ("selectedItem", "title"),
    ("selectedItem", "postbackData"),
)


ONE_API: Final = Dialect(
    api="One API",
    path="/v1/message",
    bsp_id="apiMessageId",
    code="code",
    description="description",
    error=codes.error,
    outgoing=OUTGOING,
    incoming=INCOMING,
    media_kind="moMedia",
    media_path=MEDIA_PATH,
)


class Client(BaseClient):
    """One account's client, for one batch. `data_keys` and `entropy` (n to n unpredictable bytes) are for tests."""

    dialect: ClassVar[Dialect] = ONE_API

    def __init__(
        self,
        account: "Account",
        services: Services,
        data_keys: encryption.DataKeys = encryption.SHARED,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        super().__init__(account, services, data_keys, entropy)
        self._broadcasts = account.options.broadcast_files
        self._uploads = Uploads(account, services, self._upload_refused, data_keys, entropy)
        self._noted: dict[str, UploadedFile] = {}
        """By reference, to find the fileId that Clickatell has lost."""

    def _with_file(self, reference: str, request: Json, key: encryption.DataKey | None) -> Json:
        """Replace `source` by `fileId`, or by the file itself. Raises `CannotPrepare`, `KeyFailure`."""
        if "source" in request.get("media", {}):
            return self._with_media(reference, request, key)
        header = request.get("template", {}).get("header", {})
        if "source" in header.get("media", {}):
            header = {**header, "media": self._of_a_header(header["media"], request["to"])}
            return {**request, "template": {**request["template"], "header": header}}
        return request

    def _with_media(self, reference: str, request: Json, key: encryption.DataKey | None) -> Json:
        media, source = request["media"], request["media"]["source"]
        try:
            if self._broadcasts:
                noted = self._uploads.for_everybody(source, FREEFORM[source["kind"]])
                self._noted[reference] = noted
                file_id = noted.members["fileId"]
            else:
                file_id = self._uploads.for_recipient(
                    source, FREEFORM[source["kind"]], request["to"], may_be_inline=True
                )
        except NotEnabled as without:
            return {**request, **self._inline(media, without, key)}
        return {**request, "media": _instead(media, fileId=file_id)}

    def _inline(self, media: Json, without: NotEnabled, key: encryption.DataKey | None) -> Json:
        """The message's members that hold the file. Raises `CannotPrepare`."""
        fetched = without.fetched
        if not self._uploads.fits_inline(fetched.content):
            raise _cannot_upload(media, f"without it a message holds at most {MAX_INLINE_BYTES // MB} MB")
        file = inline(fetched.content, key, self._entropy)
        return {
            "content": file.pop("content"),
            "media": _instead(media, contentType=fetched.type.content_type, fileName=fetched.name, **file),
        }

    def _of_a_header(self, media: Json, to: str) -> Json:
        source = media["source"]
        try:
            file_id = self._uploads.for_recipient(source, HEADERS[source["kind"]], to, may_be_inline=False)
        except NotEnabled:
            raise _cannot_upload(media, "without it a template has no file") from None
        return _instead(media, fileId=file_id)

    def _lost(self, reference: str, rejected: Rejected) -> Outcome:
        """Forget a stored fileId that is lost; the message's next attempt uploads the file again."""
        if reference not in self._noted:
            return rejected
        self._uploads.forget(self._noted[reference])
        return NotSent(rejected.title, verdict=rejected)

    def _upload_refused(self, answer: Answer) -> Refusal | None:
        if nothing_there(answer, codes.NO_SUCH_RESOURCE, self.dialect):
            return None
        outcome = of_the_request(answer, self.dialect)
        if isinstance(outcome, MediaLost):
            outcome = outcome.rejected
        return of_a_step_before("upload", outcome)


def _cannot_upload(media: Json, why: str) -> CannotPrepare:
    verdict = rejected(f"{media['source']['kind']}: file upload is not enabled on the integration; {why}")
    return CannotPrepare(of_a_step_before("upload", replace(verdict, alarm=True)))


def _instead(media: Json, **file: str) -> Json:
    return {**file, **{name: value for name, value in media.items() if name != "source"}}
