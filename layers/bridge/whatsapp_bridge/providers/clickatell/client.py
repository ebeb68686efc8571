"""Speaking to One API, which is given files before the messages that show them.

Source: https://www.clickatell.com/developers/api-documentation/one-api-request-parameters/ and the comparison page
named in `codes`. The endpoint is /v1/message: the page's headings say /v1/messages, its endpoint table and examples do
not.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from whatsapp_bridge.clevertap.codes import CallbackError
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.clickatell import codes, encryption
from whatsapp_bridge.providers.clickatell.answers import MediaLost, of_the_request
from whatsapp_bridge.providers.clickatell.base_client import BaseClient
from whatsapp_bridge.providers.clickatell.dialect import Dialect
from whatsapp_bridge.providers.clickatell.media import FREEFORM, HEADERS
from whatsapp_bridge.providers.clickatell.uploads import Noted, Uploads
from whatsapp_bridge.providers.common.outgoing_files import Refusal
from whatsapp_bridge.providers.contract import Json, NotSent, Outcome, Rejected, Services, Throttled

if TYPE_CHECKING:
    from whatsapp_bridge.accounts.account import Account

ONE_API: Final = Dialect(
    api="One API",
    path="/v1/message",
    bsp_id="apiMessageId",
    code="code",
    description="description",
    error=codes.error,
    outgoing=encryption.OUTGOING,
    incoming=encryption.INCOMING,
    hints=encryption.HINTS,
    media_kind="moMedia",
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
        self._uploads = Uploads(account, services, self._upload_refused, data_keys, entropy)
        self._noted: dict[str, Noted] = {}
        """By reference, for a fileId that turns out to be lost."""

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

    def _lost(self, reference: str, rejected: Rejected) -> Outcome:
        """A noted fileId that is lost is forgotten; the message's next try uploads the file again."""
        if reference not in self._noted:
            return rejected
        self._uploads.forget(self._noted[reference])
        return NotSent(rejected.title, verdict=rejected)

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


def _instead(media: Json, file_id: str) -> Json:
    return {"fileId": file_id, **{name: value for name, value in media.items() if name != "source"}}
