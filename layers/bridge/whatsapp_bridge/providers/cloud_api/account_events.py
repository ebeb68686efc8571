"""Meta's webhooks about a number or a WhatsApp business account, as events.

Source: https://developers.facebook.com/documentation/business-messaging/whatsapp/, below "webhooks/reference":
account_update, account_alerts, account_review_update, business_capability_update, phone_number_quality_update. A number
has no id there: it is told by how it is displayed.
"""

from collections.abc import Iterator
from typing import Any, Final

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api.notices import field_of, is_about_a_template
from whatsapp_bridge.providers.common.values import detail, digits, each, identifier, seconds
from whatsapp_bridge.templates.news import AccountEvent

SOURCE: Final = "Meta's webhook"
_NUMBER: Final = "phone_number_quality_update"
_CAPABILITY: Final = "business_capability_update"
_REVIEW: Final = "account_review_update"
_ALERT: Final = "account_alerts"
_UPDATE: Final = "account_update"

# Events of `account_update` after which messages do not go out, or soon will not.
_RESTRICTED: Final = frozenset({"ACCOUNT_DELETED", "ACCOUNT_OFFBOARDED", "ACCOUNT_VIOLATION", "ACCOUNT_RESTRICTION"})
_BANNED: Final = "DISABLED_UPDATE"
_REINSTATED: Final = "REINSTATE"
# Older webhooks have the first two, newer ones the others.
_LIMITS: Final = ("current_limit", "max_daily_conversations_per_business", "max_daily_conversation_per_phone")
_LEAST_LIMITS: Final = ("max_phone_numbers_per_business", "max_phone_numbers_per_waba")
_NOTABLE: Final = frozenset({"CRITICAL", "WARNING"})


def account_events_of(entry: Json) -> Iterator[AccountEvent]:
    """The events of an entry; what it holds of templates is passed over."""
    waba_id, at = identifier(entry.get("id")) or "", seconds(entry.get("time"))
    for change in each(entry.get("changes")):
        value = change.get("value") if isinstance(change, dict) else None
        if isinstance(value, dict) and not is_about_a_template(value):
            found = _event(field_of(change), value)
            if found is not None:
                yield found._replace(waba_id=_own_id(value) or waba_id, at=at)


def _own_id(value: Json) -> str | None:
    """Some are about a business account that a partner has, and the entry is the partner's."""
    info = value.get("waba_info")
    return identifier(info.get("waba_id")) if isinstance(info, dict) else None


def _event(field: str, value: Json) -> AccountEvent | None:
    match field:
        case "phone_number_quality_update":
            return _of_number(value)
        case "business_capability_update":
            return _changed(field, _limits(value, (*_LIMITS, *_LEAST_LIMITS)), is_number=True)
        case "account_review_update":
            decision = _capitals(value.get("decision"))
            return _changed(field, decision, is_restricted=decision == "REJECTED")
        case "account_alerts":
            return _of_alert(value)
        case "account_update":
            return _of_update(value)
    return None


def _of_number(value: Json) -> AccountEvent:
    """`event` may say FLAGGED, DOWNGRADE or THROUGHPUT_UPGRADE; the limits stand beside it."""
    said = ", ".join(part for part in (_capitals(value.get("event")), _limits(value, _LIMITS)) if part)
    event = _changed(_NUMBER, said, before=_capitals(value.get("old_limit")), is_number=True)
    return event._replace(number=digits(value.get("display_phone_number")))


def _limits(value: Json, names: tuple[str, ...]) -> str:
    """-1 stands for no limit."""
    return ", ".join(f"{name} {limit}" for name in names if (limit := _capitals(value.get(name))))


def _of_alert(value: Json) -> AccountEvent:
    info = value.get("alert_info")
    alert = info if isinstance(info, dict) else value
    severity, kind = _capitals(alert.get("alert_severity")), _capitals(alert.get("alert_type"))
    said = ", ".join(part for part in (kind, severity, _capitals(alert.get("alert_status"))) if part)
    return _changed(_ALERT, said, _line(alert.get("alert_description")), is_number=severity in _NOTABLE)


def _of_update(value: Json) -> AccountEvent:
    event = _capitals(value.get("event"))
    if event != _BANNED:
        return _changed(_UPDATE, event, _restrictions(value), is_restricted=event in _RESTRICTED)
    info = value.get("ban_info")
    states = [_capitals(state) for state in each(info.get("waba_ban_state"))] if isinstance(info, dict) else []
    reason = _line(info.get("waba_ban_date")) if isinstance(info, dict) else ""
    said = ", ".join([event, *filter(None, states)])
    return _changed(_UPDATE, said, reason, is_restricted=_REINSTATED not in states)


def _restrictions(value: Json) -> str:
    """What is not allowed any more, and until when."""
    parts = []
    for holder in (*each(value.get("restriction_info")), *each(value.get("violation_info"))):
        if isinstance(holder, dict):
            kind = _capitals(holder.get("restriction_type")) or _capitals(holder.get("violation_type"))
            until = _line(holder.get("expiration"))
            parts.append(f"{kind} until {until}" if until else kind)
    return ", ".join(filter(None, parts))


def _changed(
    what: str,
    after: str,
    reason: str = "",
    *,
    before: str = "",
    is_restricted: bool = False,
    is_number: bool = False,
) -> AccountEvent:
    return AccountEvent("", 0, SOURCE, what, before, after, reason, is_restricted, is_number)


def _capitals(value: Any) -> str:
    return (identifier(value) or "").upper()


def _line(value: Any) -> str:
    """A text or a number in one line, "" for none."""
    return " ".join((detail(value) or "").split())
