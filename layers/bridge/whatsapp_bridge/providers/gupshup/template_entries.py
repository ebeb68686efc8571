"""Gupshup's list of templates, and its reports of their statuses, as news in Meta's form.

Sources: names that several public clients of the API read; nothing of it is in Gupshup's documentation. A report is
from a comment in ackotech/django-templatestore. The list is flat: a type for the header, one text for each part.
"""

from collections.abc import Iterator
from typing import Any, Final

from whatsapp_bridge.providers.capabilities import Json
from whatsapp_bridge.providers.cloud_api.notices import TEMPLATE_STATUS
from whatsapp_bridge.providers.cloud_api.templates import events_of, of_entry
from whatsapp_bridge.providers.common.values import blank, digits, each, text, word
from whatsapp_bridge.templates.news import News, TemplateEvent
from whatsapp_bridge.templates.shapes import VARIABLE

SOURCE: Final = "Gupshup's report"

# Gupshup's words for Meta's statuses and events; the others are Meta's.
_STATUSES: Final = {"enabled": "APPROVED"}
_MEDIA: Final = frozenset({"image", "video", "document", "location"})
_NO_BUTTONS: Final = frozenset({"", "none"})
_VARIABLE: Final = "{{1}}"


def of_flat_entry(entry: Any, left: int, source: str) -> News | None:
    """What an entry of the list says, whose request left at `left`; None if it names no template."""
    if not isinstance(entry, dict):
        return None
    kept = {name: entry.get(name) for name in ("id", "name", "language", "category", "quality_score")}
    components = {} if _lacks_buttons(entry) else {"components": list(_components(entry))}
    previous = {} if blank(entry.get("previouscategory")) else {"previous_category": entry["previouscategory"]}
    return of_entry(kept | components | previous | {"status": _status(entry.get("status"))}, left, source)


def _status(value: Any) -> Any:
    return _STATUSES.get(word(value), value)


def _lacks_buttons(entry: Json) -> bool:
    """They come only when they are asked for: without them it would be another template."""
    return word(entry.get("button_type")) not in _NO_BUTTONS and not isinstance(entry.get("buttons"), list)


def _components(entry: Json) -> Iterator[Json]:
    kind = word(entry.get("type"))
    if kind in _MEDIA:
        yield {"type": "HEADER", "format": kind.upper()}
    elif not blank(entry.get("header")):
        yield {"type": "HEADER", "format": "TEXT", "text": text(entry["header"])}
    if not blank(entry.get("body")):
        yield {"type": "BODY", "text": text(entry["body"])}
    if not blank(entry.get("footer")):
        yield {"type": "FOOTER", "text": text(entry["footer"])}
    buttons = [_button(button) for button in each(entry.get("buttons")) if isinstance(button, dict)]
    if buttons:
        yield {"type": "BUTTONS", "buttons": buttons}


def _button(button: Json) -> Json:
    made: Json = {"type": word(button.get("type")).upper(), "text": text(button.get("text"))}
    if made["type"] == "URL":
        made["url"] = _url(text(button.get("url")), is_dynamic=word(button.get("urlType")) == "dynamic")
    if made["type"] == "PHONE_NUMBER":
        number = digits(button.get("phone_number"))
        made["phone_number"] = f"+{number}" if number else text(button.get("phone_number"))
    return made


def _url(url: str, *, is_dynamic: bool) -> str:
    """A dynamic one is created without its variable, and may be listed so."""
    return f"{url}{_VARIABLE}" if is_dynamic and not VARIABLE.search(url) else url


def events_in(content: Any) -> Iterator[TemplateEvent]:
    """The news in a callback: a list of reports, or one. What it holds else is passed over."""
    for report in each(content):
        if isinstance(report, dict) and report.get("field") == TEMPLATE_STATUS:
            value = report | {"event": _status(report.get("event"))}
            for event in events_of({"entry": [{"time": report.get("time"), "changes": [{"value": value}]}]}):
                yield event._replace(news=event.news._replace(source=SOURCE))
