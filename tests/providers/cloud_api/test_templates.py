"""Meta's list of templates and its webhooks about them, as they really come."""

from typing import Any

import pytest

from tests.templates.samples import IMPORT_SAMPLES, body, buttons, entry, header, named_body
from whatsapp_bridge.providers.capabilities import NO_TIME
from whatsapp_bridge.providers.cloud_api.templates import Page, events_of, of_entry, page_of
from whatsapp_bridge.templates.news import Merged, Note, merged
from whatsapp_bridge.templates.template import Content, Template

type Json = dict[str, Any]

LEFT = 1_760_000_000
WABA = "102290000000001"


# --- listings --------------------------------------------------------------------------------------------------------


def read(made: Any) -> Template:
    news = of_entry(made, LEFT, "a listing")
    assert news is not None
    found = merged(None, news)
    assert isinstance(found, Merged)
    assert found.template is not None
    assert not found.fetch
    return found.template


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, {"id": "833839050000001", "status": "APPROVED", "category": "UTILITY"}, id="as documented"),
        pytest.param({"id": 833839050000001}, {"id": "833839050000001"}, id="the id as a number"),
        pytest.param({"id": ...}, {"id": None}, id="no id"),
        pytest.param({"status": "approved"}, {"status": "APPROVED"}, id="a status in lower case"),
        pytest.param({"status": "TOOCRAZY"}, {"status": "TOOCRAZY"}, id="a status unknown to everybody"),
        pytest.param({"status": ..., "category": ...}, {"status": "", "category": ""}, id="no status, no category"),
        pytest.param({"quality_score": {"score": "GREEN", "date": 1}}, {"quality": "GREEN"}, id="quality as an object"),
        pytest.param({"quality_score": "yellow"}, {"quality": "YELLOW"}, id="quality as a word"),
        pytest.param({"quality_score": {"score": None}}, {"quality": ""}, id="no quality"),
        pytest.param({"status": "REJECTED", "rejected_reason": "SCAM"}, {"reason": "SCAM"}, id="a reason"),
        pytest.param({"rejected_reason": "NONE"}, {"reason": ""}, id="no reason, in words"),
        pytest.param({"rejected_reason": None}, {"reason": ""}, id="null for a reason"),
        pytest.param(
            {"language": "en-US"}, {"language": "en_US", "bsp_language": "en-US"}, id="another spelling of the language"
        ),
        pytest.param({"name": "Summer 20"}, {"name": "Summer 20", "bsp_name": "Summer 20"}, id="a name with a blank"),
        pytest.param({"components": None}, {"content": None}, id="no components"),
    ],
)
def test_entry(changes: Json, expected: Json) -> None:
    found = read(entry(**changes))
    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    "made", [None, [], "name", {}, entry(name=""), entry(name=...), entry(language=...), entry(language="null")]
)
def test_no_entry(made: Any) -> None:
    assert of_entry(made, LEFT, "a listing") is None


@pytest.mark.parametrize("name", IMPORT_SAMPLES)
def test_components_stay_as_they_are(name: str) -> None:
    sample = IMPORT_SAMPLES[name]
    others = {each: sample[each] for each in ("message_send_ttl_seconds", "previous_category") if each in sample}
    assert read(sample).content == Content(sample["components"], "POSITIONAL", others)


def test_types_become_capitals_and_unknown_members_stay() -> None:
    card = {
        "components": [{"type": "buttons", "buttons": [{"type": "url", "text": "type", "url": "https://a.example"}]}]
    }
    found = read(
        entry(
            {"type": "header", "format": "image", "new": {"type": "kept"}},
            {"type": "carousel", "cards": [card, "no card"]},
            {"type": "buttons", "buttons": [{"type": "otp", "otp_type": "copy_code"}, 1]},
            sub_category="CUSTOM",
            new_in_2027={"a": 1},
        )
    )
    assert found.content is not None
    assert found.content.components == [
        {"type": "HEADER", "format": "IMAGE", "new": {"type": "kept"}},
        {
            "type": "CAROUSEL",
            "cards": [
                {
                    "components": [
                        {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "type", "url": "https://a.example"}]}
                    ]
                },
                "no card",
            ],
        },
        {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}, 1]},
    ]
    assert found.content.others == {"sub_category": "CUSTOM", "new_in_2027": {"a": 1}}


@pytest.mark.parametrize(
    ("changes", "components", "expected"),
    [
        pytest.param({"parameter_format": "NAMED"}, [named_body("Hi {{name}}")], "NAMED", id="named"),
        pytest.param({"parameter_format": "named"}, [named_body("Hi {{name}}")], "NAMED", id="in lower case"),
        pytest.param({"parameter_format": "POSITIONAL"}, [body("Hi {{1}}")], "POSITIONAL", id="positional"),
        pytest.param({"parameter_format": ...}, [named_body("Hi {{name}}")], "NAMED", id="missing, and named"),
        pytest.param({"parameter_format": ...}, [header("Hi {{name}}"), body("x")], "NAMED", id="named in the header"),
        pytest.param({"parameter_format": ...}, [body("Hi {{1}}")], "POSITIONAL", id="missing, and positional"),
        pytest.param({"parameter_format": None}, [buttons()], "POSITIONAL", id="missing, and no text"),
    ],
)
def test_parameter_format(changes: Json, components: list[Json], expected: str) -> None:
    content = read(entry(*components, **changes)).content
    assert content is not None
    assert content.parameter_format == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param({"data": [1], "paging": {"cursors": {"after": "a"}, "next": "x"}}, Page([1], "a"), id="more"),
        pytest.param({"data": [1], "paging": {"cursors": {"after": "a"}}}, Page([1], None), id="last, with a cursor"),
        pytest.param({"data": [1], "paging": {"cursors": {"after": "a"}, "next": None}}, Page([1], None), id="null"),
        pytest.param({"data": [1]}, Page([1], None), id="no paging"),
        pytest.param({"data": []}, Page([], None), id="empty"),
        pytest.param({"data": [1], "paging": {"next": "x"}}, None, id="more, and no cursor"),
        pytest.param({"data": {"0": 1}}, None, id="no list"),
        pytest.param({"error": {"code": 100}}, None, id="an error"),
        pytest.param(None, None, id="no JSON"),
    ],
)
def test_page(answer: Any, expected: Page | None) -> None:
    assert page_of(answer) == expected


# --- webhooks --------------------------------------------------------------------------------------------------------


def webhook(value: Json, field: str = "message_template_status_update", at: Any = LEFT, **beside: Any) -> Json:
    """A webhook about a template; a member set to `...` is left out."""
    named = {
        "message_template_id": 1689550000000001,
        "message_template_name": "order_ready",
        "message_template_language": "en-US",
    }
    given = {name: member for name, member in (named | value).items() if member is not ...}
    change = {"field": field, "value": given} | beside
    return {"object": "whatsapp_business_account", "entry": [{"id": WABA, "time": at, "changes": [change]}]}


PAUSE = {
    "event": "PAUSED",
    "reason": None,
    "disable_info": {"disable_date": 1751234563},
    "other_info": {"title": "FIRST_PAUSE", "description": "Paused for low quality."},
}
REJECTION = {"reason": "Two variables side by side.", "recommendation": "Put words between them."}
QUALITY = {"previous_quality_score": "GREEN", "new_quality_score": "YELLOW"}
COMPONENTS = "message_template_components_update"
CATEGORY = "template_category_update"


@pytest.mark.parametrize(
    ("value", "says", "expected"),
    [
        pytest.param({"event": "APPROVED", "reason": "NONE"}, {"status": "APPROVED"}, {}, id="approved"),
        pytest.param({"event": "APPROVED", "reason": None}, {"status": "APPROVED"}, {}, id="a reason of null"),
        pytest.param({"event": "APPROVED"}, {"status": "APPROVED"}, {}, id="no reason"),
        pytest.param(
            {"event": "APPROVED", "message_template_category": "MARKETING"},
            {"status": "APPROVED", "category": "MARKETING"},
            {},
            id="with its category",
        ),
        pytest.param(
            {"event": "REJECTED", "reason": "INVALID_FORMAT", "rejection_info": REJECTION},
            {"status": "REJECTED"},
            {"reason": "INVALID_FORMAT. Two variables side by side. Put words between them"},
            id="rejected",
        ),
        pytest.param(
            PAUSE, {"status": "PAUSED"}, {"reason": "FIRST_PAUSE. Paused for low quality. From 2025-06-29"}, id="paused"
        ),
        pytest.param({"event": "REINSTATED"}, {"status": "APPROVED"}, {"note": Note("REINSTATED")}, id="reinstated"),
        pytest.param(
            {"event": "FLAGGED", "disable_info": {"disable_date": "June 29"}},
            {},
            {"note": Note("FLAGGED", reason="From June 29"), "reason": "From June 29"},
            id="flagged",
        ),
        pytest.param({"event": "LOCKED"}, {}, {"note": Note("LOCKED"), "fetch": True}, id="locked"),
        pytest.param({"event": "UNLOCKED"}, {}, {"note": Note("UNLOCKED"), "fetch": True}, id="unlocked"),
        pytest.param({"event": "UNARCHIVED"}, {}, {"note": Note("UNARCHIVED"), "fetch": True}, id="unarchived"),
        pytest.param({"event": "NEW"}, {}, {"note": Note("NEW"), "fetch": True}, id="an unknown event"),
        pytest.param({}, {}, {"note": Note("unknown event"), "fetch": True}, id="no event"),
        pytest.param({"event": "DELETED", "reason": None}, {"status": "DELETED"}, {}, id="deleted"),
        pytest.param(QUALITY, {"quality": "YELLOW"}, {}, id="quality, under the field of the status"),
        pytest.param(
            {"new_category": "UTILITY", "correct_category": "MARKETING", "category_update_timestamp": 1746169200},
            {"category": "UTILITY"},
            {"note": Note("category announced", "MARKETING", "2025-05-02")},
            id="a category is announced",
        ),
        pytest.param(
            {"previous_category": "UTILITY", "new_category": "MARKETING"},
            {"category": "MARKETING"},
            {},
            id="it changed",
        ),
        pytest.param({"new_category": "MARKETING"}, {"category": "MARKETING"}, {}, id="the new category alone"),
        pytest.param(
            {"category": "UTILITY", "correct_category": "MARKETING"},
            {},
            {"note": Note("category suspected", "MARKETING")},
            id="a suspicion",
        ),
        pytest.param({"message_template_element": "Hi {{1}}"}, {}, {"fetch": True}, id="components"),
        pytest.param(
            {"message_template_buttons": [{"message_template_button_type": "URL"}]}, {}, {"fetch": True}, id="buttons"
        ),
    ],
)
def test_event(value: Json, says: Json, expected: Json) -> None:
    (found,) = events_of(webhook(value))
    assert found.waba_id == WABA
    news = found.news
    assert (news.name, news.language, news.id, news.at) == ("order_ready", "en_US", "1689550000000001", LEFT)
    assert dict(news.says) == says
    assert {"reason": news.reason, "note": news.note, "fetch": news.fetch} == (
        {"reason": "", "note": None, "fetch": False} | expected
    )


@pytest.mark.parametrize("field", ["message_template_quality_update", "message_template_status_update", "", None])
def test_content_and_not_the_field_tells_the_kind(field: str | None) -> None:
    (found,) = events_of(webhook(QUALITY, field=field or ""))
    assert (dict(found.news.says), found.event) == ({"quality": "YELLOW"}, "QUALITY")


def test_rejection_beside_the_value() -> None:
    (found,) = events_of(webhook({"event": "REJECTED", "reason": "INVALID_FORMAT"}, rejection_info=REJECTION))
    assert found.news.reason == "INVALID_FORMAT. Two variables side by side. Put words between them"


def test_without_a_time_the_template_is_fetched() -> None:
    (found,) = events_of(webhook({"event": "PAUSED"}, at=None))
    assert (found.news.at, found.news.fetch) == (NO_TIME, True)


def test_unknown_events_are_told_apart_from_known_ones() -> None:
    assert [found.listed for event in ("FLAGGED", "NEW") for found in events_of(webhook({"event": event}))] == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        {},
        {"entry": None},
        {"entry": [None, {"id": WABA}, {"id": WABA, "changes": [None, {"value": []}]}]},
        {"entry": [{"changes": [{"field": "account_update", "value": {"event": "ACCOUNT_VIOLATION"}}]}]},
        {"entry": [{"changes": [{"field": "messages", "value": {"statuses": []}}]}]},
        {"entry": [{"changes": [{"value": {"display_phone_number": "1", "event": "FLAGGED"}}]}]},
    ],
)
def test_nothing_of_templates(told: Any) -> None:
    assert list(events_of(told)) == []
