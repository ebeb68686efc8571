"""Calls the legacy WhatsApp API: like One API, but with other names and with files inline.

Source: https://docs.clickatell.com/archive/channels/whatsapp-restful-api-archived/whatsapp-restful-api-basic-commands/
and the section "Outbound message request acceptance response" of the comparison page named in `codes`. The answer is
HTTP 202 with a result per message, even if all are refused; for a wrong API key or IP address it is 401, with
`messages` empty.
"""

from typing import ClassVar, Final

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.clickatell_common.client import BaseClient
from whatsapp_bridge.providers.clickatell_common.dialect import Dialect
from whatsapp_bridge.providers.clickatell_common.encryption import CONTACTS, DataKey, Path
from whatsapp_bridge.providers.clickatell_common.media import INLINE, MAX_INLINE_BYTES, check_ciphertext, inline
from whatsapp_bridge.providers.clickatell_legacy import codes
from whatsapp_bridge.providers.common.outgoing_files import fetch

# The same fields as in One API; the page shows no encrypted message of the legacy API.
OUTGOING: Final[tuple[Path, ...]] = (
    ("content",),
    ("caption",),
    ("hsm", "parameters", "*"),
)
OUTGOING_CLEAR: Final[tuple[Path, ...]] = (
    ("to",),
    ("clientMessageId",),
    ("previewFirstUrl",),
    ("contentType",),
    ("sha256Hash",),
    ("hsm", "template"),
)
INCOMING: Final[tuple[Path, ...]] = (
    ("content",),
    ("caption",),
    ("locationName",),
    ("locationAddress",),
    ("latitude",),
    ("longitude",),
    *CONTACTS,
)


class Client(BaseClient):
    dialect: ClassVar[Dialect] = Dialect(
        api="the legacy WhatsApp API",
        path="/wa/messages",
        bsp_id="messageId",
        code="errorCode",
        description="error",
        error=codes.error,
        outgoing=OUTGOING,
        incoming=INCOMING,
        media_kind="media",
        media_path=None,
    )

    def _with_file(self, reference: str, request: Json, key: DataKey | None) -> Json:
        source = request.get("source")
        if source is None:
            return request
        fetched = fetch(self._services, self._account, source, INLINE[source["kind"]])
        if key is not None:
            check_ciphertext(fetched.content, source["kind"], MAX_INLINE_BYTES)
        file = {"contentType": fetched.type.content_type, **inline(fetched.content, key, self._entropy)}
        return {**{name: value for name, value in request.items() if name != "source"}, **file}
