"""Meta's list of templates, and its webhooks about them, as news.

Sources: https://developers.facebook.com/documentation/business-messaging/whatsapp/, "Template management", and below
"webhooks/reference": message_template_status_update, message_template_quality_update,
message_template_components_update, template_category_update. BSPs pass entries on in the same form.

A webhook about templates has no phone number id: `entry[].id` is the WhatsApp business account's, and `entry[].time`
the only clock. What it is about is told by its content: Meta's page shows a change of quality under the field of a
change of status.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from whatsapp_bridge.providers.capabilities import NO_TIME, Json
from whatsapp_bridge.providers.cloud_api.notices import is_about_a_template
from whatsapp_bridge.providers.common.values import blank, detail, each, empty, identifier, number, seconds, text
from whatsapp_bridge.templates import statuses
from whatsapp_bridge.templates.languages import normalised
from whatsapp_bridge.templates.news import News, Note, TemplateEvent
from whatsapp_bridge.templates.shapes import variables
from whatsapp_bridge.templates.template import NAMED, POSITIONAL, Aspect, Content

FIELDS: Final = (
    *("id", "name", "language", "status", "category", "components", "parameter_format", "quality_score"),
    *("rejected_reason", "previous_category", "correct_category", "sub_category", "message_send_ttl_seconds"),
    *("cta_url_link_tracking_opted_out", "library_template_name"),
)
"""What to ask for: quality, reason and the correct category come only when they are."""

# --- listings --------------------------------------------------------------------------------------------------------

_READ: Final = frozenset(
    {"id", "name", "language", "status", "category", "components", "parameter_format", "quality_score"}
    | {"rejected_reason", "correct_category"}
)
_NO_REASON: Final = frozenset({"", "NONE"})


def of_entry(entry: Any, left: int, source: str) -> News | None:
    """What an entry of the list says, whose request left at `left`; None if it names no template. An entry without a
    language cannot be told from its translations."""
    name = _line(entry.get("name")) if isinstance(entry, dict) else ""
    language = _line(entry.get("language")) if name else ""
    if not language:
        return None
    says: dict[Aspect, str | Content] = {}
    if status := _capitals(entry.get("status")):
        says["status"] = status
    if quality := _quality(entry.get("quality_score")):
        says["quality"] = quality
    if category := _capitals(entry.get("category")):
        says["category"] = category
    if isinstance(entry.get("components"), list):
        says["content"] = _content(entry)
    return News(
        name,
        normalised(language),
        left,
        source,
        id=identifier(entry.get("id")),
        says=says,
        reason=_reason(entry.get("rejected_reason")),
        bsp_name=name,
        bsp_language=language,
        is_listing=True,
    )


def _quality(value: Any) -> str:
    """A word, or an object with it."""
    return _capitals(value.get("score") if isinstance(value, dict) else value)


def _content(entry: Json) -> Content:
    components = [_component(component) for component in entry["components"] if isinstance(component, dict)]
    given = _capitals(entry.get("parameter_format"))
    others = {name: value for name, value in entry.items() if name not in _READ and value is not None}
    return Content(components, given if given in (NAMED, POSITIONAL) else _format_of(components), others)


def _format_of(components: list[Json]) -> str:
    """Older lists do not say it."""
    texts = [text(component.get("text")) for component in components]
    names = [name for written in texts for name in variables(written)]
    return POSITIONAL if all(name.isdigit() for name in names) else NAMED


def _component(component: Json) -> Json:
    """With its types and formats in capitals, those of its buttons and cards too: some lists have them in lower
    case."""
    made = {name: _in_capitals(name, value) for name, value in component.items()}
    if isinstance(made.get("buttons"), list):
        made["buttons"] = [_component(inner) if isinstance(inner, dict) else inner for inner in made["buttons"]]
    if isinstance(made.get("cards"), list):
        made["cards"] = [_card(card) for card in made["cards"]]
    return made


def _card(card: Any) -> Any:
    if not isinstance(card, dict) or not isinstance(card.get("components"), list):
        return card
    inner = [_component(component) if isinstance(component, dict) else component for component in card["components"]]
    return {**card, "components": inner}


def _in_capitals(name: str, value: Any) -> Any:
    return value.strip().upper() if name in ("type", "format", "otp_type") and isinstance(value, str) else value


class Page(NamedTuple):
    """A page of the list. `after` is the cursor of the next one; None on the last."""

    entries: list[Any]
    after: str | None


def page_of(answer: Any) -> Page | None:
    """The page in an answer; None if it is none, or says that there is a next one and not where."""
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
        return None
    paging = answer.get("paging")
    # The last page has a cursor behind itself too: only `next` says that there is more.
    if not isinstance(paging, dict) or blank(paging.get("next")):
        return Page(answer["data"], None)
    cursors = paging.get("cursors")
    after = identifier(cursors.get("after")) if isinstance(cursors, dict) else None
    return None if after is None else Page(answer["data"], after)


# --- webhooks --------------------------------------------------------------------------------------------------------

SOURCE: Final = "Meta's webhook"
ANNOUNCED: Final = "category announced"
SUSPECTED: Final = "category suspected"
_COMPONENTS: Final = frozenset({"title", "element", "footer", "buttons"})


def events_of(webhook: Any) -> Iterator[TemplateEvent]:
    """The news of templates in a webhook; what it holds else is passed over."""
    for entry in each(webhook.get("entry")) if isinstance(webhook, dict) else []:
        if isinstance(entry, dict):
            for change in each(entry.get("changes")):
                yield from _of_change(change, identifier(entry.get("id")) or "", seconds(entry.get("time")))


def _of_change(change: Any, waba_id: str, at: int) -> Iterator[TemplateEvent]:
    value = change.get("value") if isinstance(change, dict) else None
    if not isinstance(value, dict) or not is_about_a_template(value):
        return
    found = _of_quality(value) or _of_category(value) or _of_components(value) or _of_status(change, value)
    news = found.news._replace(
        name=_line(value.get("message_template_name")),
        language=normalised(_line(value.get("message_template_language"))),
        id=identifier(value.get("message_template_id")),
        at=at,
        # Without a time it cannot be told from what is known already.
        fetch=found.news.fetch or at == NO_TIME,
    )
    yield found._replace(waba_id=waba_id, news=news)


_NOTHING: Final = News("", "", NO_TIME, SOURCE)


def _of_quality(value: Json) -> TemplateEvent | None:
    quality = _quality(value.get("new_quality_score"))
    return TemplateEvent("", _NOTHING._replace(says={"quality": quality}), "QUALITY") if quality else None


def _of_category(value: Json) -> TemplateEvent | None:
    """`new_category` is the present one, whether a change is announced or made."""
    present, coming = _capitals(value.get("new_category")), _capitals(value.get("correct_category"))
    if present:
        note = Note(ANNOUNCED, coming, _day(value.get("category_update_timestamp"))) if coming else None
        event = "CATEGORY_ANNOUNCED" if coming else "CATEGORY"
        return TemplateEvent("", _NOTHING._replace(says={"category": present}, note=note), event)
    if coming:
        return TemplateEvent("", _NOTHING._replace(note=Note(SUSPECTED, coming)), "CATEGORY_SUSPECTED")
    return None


def _of_components(value: Json) -> TemplateEvent | None:
    """It has no media header, no quick replies, no samples, no cards and no offer: the whole is fetched."""
    if not any(not empty(value.get(f"message_template_{name}")) for name in _COMPONENTS):
        return None
    return TemplateEvent("", _NOTHING._replace(fetch=True), "COMPONENTS")


def _of_status(change: Json, value: Json) -> TemplateEvent:
    row = statuses.event(_capitals(value.get("event")))
    says: dict[Aspect, str | Content] = {} if row.status is None else {"status": row.status}
    if category := _capitals(value.get("message_template_category")):
        says["category"] = category
    reason = _reasons(change, value)
    # An event that is also the name of its status is in the history as such.
    note = None if row.status == row.name else Note(row.name or "unknown event", reason=reason)
    news = _NOTHING._replace(says=says, reason=reason, note=note, fetch=row.fetch)
    return TemplateEvent("", news, row.name, row.listed)


def _reasons(change: Json, value: Json) -> str:
    """All that a webhook says of the reason, in one line. Meta's page shows `rejection_info` inside and beside the
    value."""
    rejection = next((holder for holder in (value.get("rejection_info"), change.get("rejection_info")) if holder), None)
    parts = [_reason(value.get("reason"))]
    for holder, names in (
        (rejection, ("reason", "recommendation")),
        (value.get("other_info"), ("title", "description")),
    ):
        if isinstance(holder, dict):
            parts += [_line(holder.get(name)) for name in names]
    disabled = value.get("disable_info")
    if isinstance(disabled, dict) and (day := _day(disabled.get("disable_date"))):
        parts.append(f"From {day}")
    return ". ".join(dict.fromkeys(part.rstrip(".") for part in parts if part))


def _day(value: Any) -> str:
    """A time as a day; words as they are."""
    at = seconds(value)
    if at == NO_TIME:
        return "" if number(value) is not None else _line(value)
    # Imported here because `send` has no use for it.
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at, UTC).date().isoformat()


def _reason(value: Any) -> str:
    reason = _line(value)
    return "" if reason.upper() in _NO_REASON else reason


def _capitals(value: Any) -> str:
    return (identifier(value) or "").upper()


def _line(value: Any) -> str:
    """A text in one line, "" for none."""
    return " ".join((detail(value) or "").split())
