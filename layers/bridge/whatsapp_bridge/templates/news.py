"""What a listing or an event says of a template, and what becomes of what was known: one rule for every source.

The clock of an event is when Meta made it; that of a listing, when its request left. Each aspect takes what is newer
than what is known of it, so that events may come twice, late and in any order. A second that has two answers, and an
event that does not say all, are decided by asking: the template is fetched, which is a listing of one.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from whatsapp_bridge.templates.statuses import DELETED
from whatsapp_bridge.templates.template import ASPECTS, MAX_CHANGES, Aspect, Change, Content, Learnt, Template


class Note(NamedTuple):
    """An event that is kept in the history, though it changes no aspect."""

    what: str
    after: str = ""
    reason: str = ""


class News(NamedTuple):
    """What a source says of one template. `language` is normalised; name or language may be missing ("") in an event,
    which then is only a reason to fetch."""

    name: str
    language: str
    at: int
    """Seconds since 1970."""
    source: str
    id: str | None = None
    says: Mapping[Aspect, str | Content] = {}
    reason: str = ""
    """Why it has the status that it says."""
    note: Note | None = None
    fetch: bool = False
    """It does not say all."""
    bsp_name: str = ""
    bsp_language: str = ""
    is_listing: bool = False
    """It says all that there is."""


class TemplateEvent(NamedTuple):
    """News of a template of a WhatsApp business account, "" if the webhook does not say of which. `event` is Meta's
    word for it, to count and to raise alarms by; `listed` is False for one that no table has."""

    waba_id: str
    news: News
    event: str
    listed: bool = True


class AccountEvent(NamedTuple):
    """News of a WhatsApp business account, or of its numbers. `what` is the webhook's name; `before` and `after` say
    what changed, in Meta's words."""

    waba_id: str
    at: int
    source: str
    what: str
    before: str
    after: str
    reason: str = ""
    is_restricted: bool = False
    """Messages do not go out, or soon will not."""
    is_of_numbers: bool = False
    """The quality, the throughput or a limit of numbers changes."""
    number: str | None = None
    """The number's digits as they are displayed; None if it is about all numbers."""


class Merged(NamedTuple):
    """`template` is None if nothing can be known of it yet. `fetch`: ask the BSP for it."""

    template: Template | None
    fetch: bool = False


def merged(known: Template | None, news: News) -> Merged:
    """What is known of a template after news of it."""
    if not news.name or not news.language:
        return Merged(known, fetch=True)
    if known is None:
        return _first(news)
    if known.id is not None and news.id is not None and known.id != news.id:
        return _another(known, news)
    return _asked_for(_taken(_named(known, news), news), news)


def missed(known: Template, at: int, source: str) -> Template:
    """What is known of a template that a complete listing, whose first request left at `at`, does not have: it is
    deleted, unless it was heard of since."""
    if known.status == DELETED or any(known.learnt_of(aspect).at >= at for aspect in ASPECTS):
        return known
    gone = News(known.name, known.language, at, source, says={"status": DELETED})
    return _taken(known, gone).template or known


def _first(news: News) -> Merged:
    blank = Template(news.name, news.language, bsp_name=news.name, bsp_language=news.language)
    return _asked_for(_taken(_named(blank, news), news), news)


def _asked_for(found: Merged, news: News) -> Merged:
    """Events have no components: while only they told of a template, each is a reason to ask for it."""
    has_content = found.template is not None and found.template.content is not None
    return found._replace(fetch=found.fetch or not (has_content or news.is_listing))


def _another(known: Template, news: News) -> Merged:
    """It was deleted and made anew: a listing says so, an event may be of either."""
    last = max(known.learnt_of(aspect).at for aspect in ASPECTS)
    if not news.is_listing:
        return Merged(known, fetch=True)
    if news.at <= last:
        return Merged(known, fetch=news.at == last)
    anew = Change(news.at, news.source, "id", known.id or "", news.id or "")
    made = Template(known.name, known.language, changes=(*known.changes, anew)[-MAX_CHANGES:])
    return _taken(_named(made, news), news)


def _named(known: Template, news: News) -> Template:
    return known._replace(
        id=known.id or news.id,
        bsp_name=news.bsp_name or known.bsp_name or known.name,
        bsp_language=news.bsp_language or known.bsp_language or known.language,
    )


def _taken(known: Template, news: News) -> Merged:
    template, fetch = known, news.fetch
    for aspect, value in news.says.items():
        last = known.learnt_of(aspect).at
        differs = not alike(getattr(known, aspect), value)
        if news.at == last and differs:
            fetch = True
        elif news.at > last:
            # What is learnt for the first time is no change.
            template = _with(template, aspect, value, news, changed=differs and aspect in known.learnt)
    if news.note is not None and news.at >= known.learnt_of("status").at:
        template = _noted(template, Change(news.at, news.source, news.note.what, "", news.note.after, news.note.reason))
    return Merged(template, fetch)


def alike(one: str | Content | None, other: str | Content) -> bool:
    """Whether it is the same but for the links to samples, which Meta signs anew each time."""
    if isinstance(one, Content) and isinstance(other, Content):
        return one._replace(components=_unlinked(one.components)) == other._replace(
            components=_unlinked(other.components)
        )
    return one == other


def _unlinked(value: Any) -> Any:
    match value:
        case dict():
            return {name: _unlinked(member) for name, member in value.items() if name != "header_handle"}
        case list() | tuple():
            return [_unlinked(element) for element in value]
    return value


def _with(template: Template, aspect: Aspect, value: Any, news: News, *, changed: bool) -> Template:
    before = getattr(template, aspect)
    of_status = aspect == "status"
    # A listing may leave out the reason that an event gave.
    reason = news.reason or (template.reason if value == before else "") if of_status else template.reason
    template = template._replace(
        **{aspect: value}, reason=reason, learnt={**template.learnt, aspect: Learnt(news.at, news.source)}
    )
    if not changed:
        return template
    words = ("", "") if isinstance(value, Content) else (str(before), str(value))
    return _noted(template, Change(news.at, news.source, aspect, *words, news.reason if of_status else ""))


def _noted(template: Template, change: Change) -> Template:
    if change in template.changes:
        return template
    return template._replace(changes=(*template.changes, change)[-MAX_CHANGES:])
