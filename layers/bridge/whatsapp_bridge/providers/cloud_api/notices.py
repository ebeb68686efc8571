"""Which of Meta's webhooks are news of templates, of a number or of the WhatsApp business account.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/, "webhooks/reference". They have no
phone number id, and concern every account of the WhatsApp business account. What is in them is read later
(`templates`, `account_events`): a callback is acknowledged at once.
"""

from typing import Any, Final

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.common.values import blank, text
from whatsapp_bridge.providers.contract.inbound import Notice

TEMPLATE_STATUS: Final = "message_template_status_update"
_ACCOUNT_FIELDS: Final = frozenset(
    {
        "phone_number_quality_update",
        "business_capability_update",
        "account_update",
        "account_review_update",
        "account_alerts",
    }
)


def is_about_a_template(value: Json) -> bool:
    """Whether the value of a change is news of a template: nothing else has a template's id or name."""
    return not blank(value.get("message_template_id")) or not blank(value.get("message_template_name"))


def field_of(change: Json) -> str:
    """It stands in the change, or in its value."""
    value = change.get("value")
    inner = value.get("field") if isinstance(value, dict) else None
    return text(change.get("field")) or text(inner)


def notice_in(entry: Json, change: Json, value: Json) -> Notice | None:
    """The change as a notice, with the entry's id and time; None if it is none."""
    if field_of(change) not in _ACCOUNT_FIELDS and not is_about_a_template(value):
        return None
    kept: dict[str, Any] = {name: entry[name] for name in ("id", "time") if name in entry}
    return Notice(kept | {"changes": [change]})
