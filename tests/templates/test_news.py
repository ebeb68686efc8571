"""What is known of a template after listings and events, in whatever order they come."""

import pytest

from tests.templates.samples import entry, media, template
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.templates.news import Merged, News, Note, merged, missed
from whatsapp_bridge.templates.statuses import STATUSES, event, status
from whatsapp_bridge.templates.template import MAX_CHANGES, Aspect, Change, Content, Template, of_stored, to_stored

HOOK = "Meta's webhook"


def told(at: int, note: Note | None = None, fetch: bool = False, reason: str = "", **says: str) -> News:
    """An event about the template of the samples."""
    aspects: dict[Aspect, str | Content] = {
        name: says[name] for name in ("status", "quality", "category") if name in says
    }
    return News("order_ready", "en", at, HOOK, says=aspects, note=note, fetch=fetch, reason=reason)


def listed(at: int, **changes: object) -> News:
    news = of_entry(entry(**changes), at, "a listing")
    assert news is not None
    return news


def after(*each: News, known: Template | None = None) -> Merged:
    """What is known after all of them; `fetch` is that of the last."""
    last = Merged(known)
    for news in each:
        last = merged(last.template, news)
    return last


def known_after(*each: News) -> Template:
    found = after(*each).template
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("news", "expected", "fetch"),
    [
        pytest.param([listed(1)], "APPROVED", False, id="a listing"),
        pytest.param([listed(1), told(2, status="PAUSED")], "PAUSED", False, id="a later event"),
        pytest.param([listed(2), told(1, status="PAUSED")], "APPROVED", False, id="an earlier event"),
        pytest.param([told(2, status="PAUSED"), listed(1)], "PAUSED", False, id="a listing that left before the event"),
        pytest.param([told(2, status="PAUSED"), listed(3)], "APPROVED", False, id="a pause that has ended"),
        pytest.param([listed(1), told(1, status="PAUSED")], "APPROVED", True, id="an event in the listing's second"),
        pytest.param([told(1, status="PAUSED"), listed(1)], "PAUSED", True, id="a listing in the event's second"),
        pytest.param([listed(1), told(1, status="APPROVED")], "APPROVED", False, id="a second with one answer"),
        pytest.param(
            [told(2, status="PAUSED"), told(2, status="APPROVED")], "PAUSED", True, id="two events in a second"
        ),
        pytest.param(
            [listed(1), told(2, status="PAUSED"), told(2, status="PAUSED")], "PAUSED", False, id="an event twice"
        ),
        pytest.param(
            [listed(1), told(3, status="APPROVED"), told(2, status="PAUSED")], "APPROVED", False, id="out of order"
        ),
        pytest.param([told(1, status="PAUSED")], "PAUSED", True, id="an event of an unknown template"),
        pytest.param([listed(1), told(2, Note("FLAGGED"))], "APPROVED", False, id="flagged"),
        pytest.param(
            [listed(1), told(2, Note("UNLOCKED"), fetch=True)], "APPROVED", True, id="an event without a state"
        ),
        pytest.param([listed(1), told(2, quality="RED")], "APPROVED", False, id="another aspect"),
    ],
)
def test_status(news: list[News], expected: str, fetch: bool) -> None:
    found = after(*news)
    assert found.template is not None
    assert (found.template.status, found.fetch) == (expected, fetch)


def test_each_aspect_has_its_own_clock() -> None:
    found = known_after(listed(1), told(5, status="PAUSED"), told(4, quality="RED"), told(3, category="MARKETING"))
    assert (found.status, found.quality, found.category) == ("PAUSED", "RED", "MARKETING")
    assert {aspect: learnt.at for aspect, learnt in found.learnt.items()} == {
        "status": 5,
        "quality": 4,
        "category": 3,
        "content": 1,
    }


def test_what_says_nothing_new_is_newer_all_the_same() -> None:
    confirmed = known_after(listed(100), listed(200))
    assert confirmed.learnt_of("status").at == 200
    assert after(told(150, status="PAUSED"), known=confirmed) == (confirmed, False)
    heard = known_after(listed(100), told(200, status="APPROVED"))
    assert after(told(150, status="PAUSED"), known=heard) == (heard, False)


def test_history() -> None:
    found = known_after(
        listed(1),
        told(2, Note("FLAGGED", reason="on 2025-10-09")),
        told(3, status="PAUSED", reason="FIRST_PAUSE"),
        told(3, status="PAUSED", reason="FIRST_PAUSE"),
        told(2, Note("FLAGGED", reason="on 2025-10-09")),
        listed(4, category="MARKETING"),
    )
    assert found.changes == (
        Change(2, HOOK, "FLAGGED", "", "", "on 2025-10-09"),
        Change(3, HOOK, "status", "APPROVED", "PAUSED", "FIRST_PAUSE"),
        Change(4, "a listing", "status", "PAUSED", "APPROVED"),
        Change(4, "a listing", "category", "UTILITY", "MARKETING"),
    )


def test_what_is_learnt_for_the_first_time_is_no_change() -> None:
    assert known_after(told(1, status="PAUSED"), listed(2, status="PAUSED"), told(3, quality="GREEN")).changes == ()


def test_history_is_the_last_twenty() -> None:
    found = known_after(listed(1), *(told(2 + n, status=("PAUSED", "APPROVED")[n % 2]) for n in range(30)))
    assert len(found.changes) == MAX_CHANGES
    assert found.changes[-1].at == 31


def test_reason_stays_while_the_status_does() -> None:
    rejected = known_after(listed(1), told(2, status="REJECTED", reason="INVALID_FORMAT: say more"))
    assert rejected.reason == "INVALID_FORMAT: say more"
    assert known_after(told(2, status="REJECTED", reason="SCAM"), listed(3, status="REJECTED")).reason == "SCAM"
    assert known_after(told(2, status="REJECTED", reason="SCAM"), listed(3)).reason == ""


def test_edited_content() -> None:
    other = [{"type": "BODY", "text": "Hello {{1}}"}]
    found = known_after(listed(1), listed(2, components=other))
    assert found.content is not None
    assert found.content.components == other
    assert found.changes == (Change(2, "a listing", "content", "", ""),)


def test_a_sample_with_a_new_signature_is_taken_and_is_no_change() -> None:
    first, second = (listed(at, components=[media("IMAGE", f"https://m.example/i?oe={at}")]) for at in (1, 2))
    found = known_after(first, second)
    assert found.content == second.says["content"]
    assert found.changes == ()
    assert not after(first, second._replace(at=1)).fetch


def test_made_anew_under_another_id() -> None:
    first, second = listed(1, id="1", status="REJECTED"), listed(5, id="2")
    found = known_after(first, second)
    assert (found.id, found.status, found.changes[-1]) == ("2", "APPROVED", Change(5, "a listing", "id", "1", "2"))
    # A listing that left before the last news may still have the old one.
    assert after(second, first) == (known_after(second), False)
    assert after(second, listed(5, id="3")) == (known_after(second), True)
    # An event may be of either.
    assert after(second, told(9, status="DELETED")._replace(id="1")) == (known_after(second), True)


def test_an_event_without_name_or_language_is_a_reason_to_fetch() -> None:
    nameless = told(9, status="PAUSED")._replace(name="")
    assert merged(template(), nameless) == (template(), True)
    assert merged(None, nameless) == (None, True)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        pytest.param(template(at=1), "DELETED", id="known before"),
        pytest.param(template(at=5), "APPROVED", id="known since"),
        pytest.param(known_after(listed(1), told(6, quality="RED")), "APPROVED", id="heard of since"),
    ],
)
def test_missing_in_a_complete_listing(known: Template, expected: str) -> None:
    found = missed(known, 5, "a listing")
    assert found.status == expected
    assert found.content == known.content


def test_deleted_one_that_is_missing_again_is_unchanged() -> None:
    once = missed(template(at=1), 5, "a listing")
    assert missed(once, 9, "a listing") == once


@pytest.mark.parametrize(
    "known",
    [
        pytest.param(template(), id="listed"),
        pytest.param(known_after(told(1, status="PAUSED", reason="x")), id="known by an event alone"),
        pytest.param(
            known_after(listed(1, previous_category="UTILITY"), told(2, Note("FLAGGED")), told(3, status="PAUSED")),
            id="with a history",
        ),
    ],
)
def test_stored(known: Template) -> None:
    stored = to_stored(known)
    assert of_stored(stored) == known
    assert of_stored({**stored, "of a later version": 1}) == known


SENDABLE = {"APPROVED"}
GONE = {"PENDING_DELETION", "DELETED"}


def test_statuses() -> None:
    assert {row.name for row in STATUSES.values() if row.sendable} == SENDABLE
    assert {row.name for row in STATUSES.values() if row.gone} == GONE
    assert status("TOOCRAZY").sendable is None


@pytest.mark.parametrize(
    ("name", "becomes", "fetch", "listed_"),
    [
        ("APPROVED", "APPROVED", False, True),
        ("PENDING", "PENDING", False, True),
        ("IN_APPEAL", "IN_APPEAL", False, True),
        ("REJECTED", "REJECTED", False, True),
        ("PAUSED", "PAUSED", False, True),
        ("DISABLED", "DISABLED", False, True),
        ("PENDING_DELETION", "PENDING_DELETION", False, True),
        ("DELETED", "DELETED", False, True),
        ("ARCHIVED", "ARCHIVED", False, True),
        ("LIMIT_EXCEEDED", "LIMIT_EXCEEDED", False, True),
        ("FLAGGED", None, False, True),
        ("REINSTATED", "APPROVED", False, True),
        ("LOCKED", None, True, True),
        ("UNLOCKED", None, True, True),
        ("UNARCHIVED", None, True, True),
        ("NEW_IN_2027", None, True, False),
    ],
)
def test_events(name: str, becomes: str | None, fetch: bool, listed_: bool) -> None:
    row = event(name)
    assert (row.status, row.fetch, row.listed) == (becomes, fetch, listed_)
