"""Meta's webhooks about numbers and business accounts. Shapes as on Meta's pages below "webhooks/reference"."""

from typing import Any

import pytest

from whatsapp_bridge.providers.cloud_api.account_events import account_events_of
from whatsapp_bridge.templates.news import AccountEvent

type Json = dict[str, Any]

WABA, AT = "102290129340398", 1_760_000_000
NUMBER, LIMITS = "phone_number_quality_update", "business_capability_update"


def events(value: Any, field: str, at: Any = AT) -> list[AccountEvent]:
    return list(account_events_of({"id": WABA, "time": at, "changes": [{"field": field, "value": value}]}))


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        pytest.param(
            NUMBER,
            {
                "display_phone_number": "15550783881",
                "event": "THROUGHPUT_UPGRADE",
                "max_daily_conversations_per_business": "TIER_UNLIMITED",
                "current_limit": "TIER_UNLIMITED",
                "old_limit": "TIER_10K",
            },
            {
                "before": "TIER_10K",
                "after": "THROUGHPUT_UPGRADE, current_limit TIER_UNLIMITED, "
                "max_daily_conversations_per_business TIER_UNLIMITED",
                "is_of_numbers": True,
                "number": "15550783881",
            },
            id="throughput",
        ),
        pytest.param(
            NUMBER,
            {"display_phone_number": "+1 555-078-3881", "event": "FLAGGED", "current_limit": "TIER_10K"},
            {"after": "FLAGGED, current_limit TIER_10K", "is_of_numbers": True, "number": "15550783881"},
            id="quality, on older pages",
        ),
        pytest.param(
            LIMITS,
            {"max_daily_conversations_per_business": 2000, "max_phone_numbers_per_business": 25},
            {
                "after": "max_daily_conversations_per_business 2000, max_phone_numbers_per_business 25",
                "is_of_numbers": True,
            },
            id="limits as numbers",
        ),
        pytest.param(
            LIMITS,
            {"max_daily_conversations_per_business": -1},
            {"after": "max_daily_conversations_per_business -1", "is_of_numbers": True},
            id="no limit",
        ),
        pytest.param(
            "account_update",
            {
                "event": "ACCOUNT_RESTRICTION",
                "restriction_info": [
                    {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1641848057},
                    {"restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION"},
                ],
            },
            {
                "after": "ACCOUNT_RESTRICTION",
                "reason": "RESTRICTED_BIZ_INITIATED_MESSAGING until 1641848057, RESTRICTED_ADD_PHONE_NUMBER_ACTION",
                "is_restricted": True,
            },
            id="restricted",
        ),
        pytest.param(
            "account_update",
            {"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "SCAM"}},
            {"after": "ACCOUNT_VIOLATION", "reason": "SCAM", "is_restricted": True},
            id="a violation",
        ),
        pytest.param(
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE", "waba_ban_date": "April 17, 2025"}},
            {"after": "DISABLED_UPDATE, DISABLE", "reason": "April 17, 2025", "is_restricted": True},
            id="banned",
        ),
        pytest.param(
            "account_update",
            {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": ["REINSTATE"]}},
            {"after": "DISABLED_UPDATE, REINSTATE"},
            id="no longer banned",
        ),
        pytest.param(
            "account_update",
            {"event": "PARTNER_ADDED", "waba_info": {"waba_id": "77"}},
            {"after": "PARTNER_ADDED", "waba_id": "77"},
            id="a partner's, of another business account",
        ),
        pytest.param(
            "account_review_update", {"decision": "APPROVED"}, {"after": "APPROVED"}, id="the review: approved"
        ),
        pytest.param(
            "account_review_update",
            {"decision": "REJECTED"},
            {"after": "REJECTED", "is_restricted": True},
            id="the review: rejected",
        ),
        pytest.param(
            "account_alerts",
            {
                "entity_type": "PHONE_NUMBER",
                "entity_id": 123456,
                "alert_info": {
                    "alert_severity": "INFORMATIONAL",
                    "alert_status": "NONE",
                    "alert_type": "OBA_APPROVED",
                    "alert_description": "Your number is an official business account.",
                },
            },
            {
                "after": "OBA_APPROVED, INFORMATIONAL, NONE",
                "reason": "Your number is an official business account.",
            },
            id="for information",
        ),
        pytest.param(
            "account_alerts",
            {"alert_severity": "CRITICAL", "alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED"},
            {"after": "INCREASED_CAPABILITIES_ELIGIBILITY_FAILED, CRITICAL", "is_of_numbers": True},
            id="critical, without the inner object",
        ),
        pytest.param("account_update", {}, {}, id="nothing known"),
    ],
)
def test_event(field: str, value: Json, expected: Json) -> None:
    blank = AccountEvent(WABA, AT, "Meta's webhook", field, "", "")
    assert events(value, field) == [blank._replace(**expected)]


def test_the_field_may_stand_in_the_value() -> None:
    assert [event.what for event in events({"field": NUMBER, "event": "FLAGGED"}, "")] == [NUMBER]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        pytest.param({"event": "PAUSED", "message_template_id": 1}, "account_update", id="of a template"),
        pytest.param({"event": "x"}, "flows", id="another field"),
        pytest.param([1], "account_update", id="no object"),
        pytest.param(None, "account_update", id="null"),
    ],
)
def test_nothing_of_accounts(value: Any, field: str) -> None:
    assert events(value, field) == []
