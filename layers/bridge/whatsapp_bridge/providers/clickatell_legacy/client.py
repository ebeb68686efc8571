"""Speaking to the legacy WhatsApp API: One API's way of asking and answering, under other names.

Source: https://docs.clickatell.com/archive/channels/whatsapp-restful-api-archived/whatsapp-restful-api-basic-commands/
and the section "Outbound message request acceptance response" of the comparison page named in `codes`. Answers are HTTP
202 with a result per message, also where all are refused; a wrong API key or IP address is 401, with `messages` empty.
"""

from typing import ClassVar, Final

from whatsapp_bridge.providers.clickatell.client import Client as OneApiClient
from whatsapp_bridge.providers.clickatell.client import Dialect
from whatsapp_bridge.providers.clickatell.encryption import Path
from whatsapp_bridge.providers.clickatell_legacy import codes

# Fields with One API's names; the page shows no encrypted message of the legacy API.
OUTGOING: Final[tuple[Path, ...]] = (
    ("content",),
    ("hsm", "parameters", "*"),
)
OUTGOING_CLEAR: Final[tuple[Path, ...]] = (
    ("to",),
    ("clientMessageId",),
    ("previewFirstUrl",),
    ("hsm", "template"),
)
INCOMING: Final[tuple[Path, ...]] = (
    ("content",),
    ("caption",),
    ("profileName",),
    ("locationName",),
    ("locationAddress",),
    ("latitude",),
    ("longitude",),
)


class Client(OneApiClient):
    dialect: ClassVar[Dialect] = Dialect(
        api="the legacy WhatsApp API",
        path="/wa/messages",
        bsp_id="messageId",
        code="errorCode",
        description="error",
        error=codes.error,
        outgoing=OUTGOING,
        incoming=INCOMING,
    )
