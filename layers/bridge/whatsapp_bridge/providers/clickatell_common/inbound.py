"""A status of a sent message, and a person's message. Both of Clickatell's APIs use the same members for what is read
here; only the codes differ.

Source: sections "Inbound message callback comparisons" and "Inbound message status callback comparison" of the
comparison page named in `codes`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from pydantic_core import to_json

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.clickatell_common.codes import FILES_LOST, MEDIA_NOT_FOUND, StatusRow
from whatsapp_bridge.providers.common.bsp_codes import bsp_code
from whatsapp_bridge.providers.common.message_ids import made_of
from whatsapp_bridge.providers.common.values import digits, identifier, number, seconds
from whatsapp_bridge.providers.contract.inbound import NotUnderstood, ReplyEvent
from whatsapp_bridge.providers.contract.statuses import StatusEvent

if TYPE_CHECKING:
    from whatsapp_bridge.providers.clickatell_common.settings import Account

INTEGRATION: Final = frozenset({"integrationId", "integrationName"})
"""Members of a callback that say whose it is and nothing else."""


def status_event(
    kind: str, element: Json, row_of: Callable[[int | None, str], StatusRow]
) -> StatusEvent | NotUnderstood:
    """`kind` names a malformed status in quarantine; `row_of` is the API's table."""
    # messageFallback has the code in `statusDescription`, which elsewhere is a text.
    codes = (number(element.get(member)) for member in ("statusCode", "statusDescription"))
    code = next((code for code in codes if code is not None), None)
    name, timestamp = identifier(element.get("status")) or "", seconds(element.get("timestamp"))
    reference, bsp_id = identifier(element.get("clientMessageId")), identifier(element.get("messageId"))
    row = row_of(code, name)
    if code is None and not row.name:
        return NotUnderstood(kind, "no statusCode", element)
    if reference is None and bsp_id is None:
        return NotUnderstood(kind, "neither clientMessageId nor messageId", element)
    return StatusEvent(
        row.status,
        timestamp,
        reference,
        bsp_id,
        error_code=row.error,
        error_title=row.title if row.error is not None else None,
        unlisted=not row.listed,
        alarm=row.alarm,
        note=FILES_LOST if row.name == MEDIA_NOT_FOUND else None,
        bsp_code=bsp_code(code, row.name) if row.error is not None else None,
    )


def reply_event(kind: str, element: Json, account: "Account") -> ReplyEvent | NotUnderstood:
    """`kind` becomes a member of the element, for `replies`."""
    sender, to = digits(element.get("from")), digits(element.get("to"))
    if to is not None and not account.has_number(to):
        return NotUnderstood(kind, "another number's", element)
    if sender is None:
        return NotUnderstood(kind, "no sender", element)
    # A repeated callback has the same text, so the element itself can serve as the id where there is none.
    message_id = identifier(element.get("messageId")) or made_of(to_json(element))
    return ReplyEvent(message_id, sender, {**element, "kind": kind})
