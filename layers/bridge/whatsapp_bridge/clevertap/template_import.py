"""CleverTap's import of templates: the pages of its list, in exactly the form that it publishes.

Source: CleverTap's "Generic WhatsApp" page, section "Template Import", and its three samples. An import may replace all
templates of the dashboard by the list, so nothing is left out by mistake: what is, is named with its reason.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json import dumps
from typing import Any, Final, NamedTuple
from urllib.parse import unquote
from zlib import crc32

from pydantic_core import from_json, to_json

from whatsapp_bridge.clevertap import answers
from whatsapp_bridge.clevertap.answers import Answer
from whatsapp_bridge.clevertap.codes import RequestError
from whatsapp_bridge.templates.shapes import VARIABLE, variables
from whatsapp_bridge.templates.statuses import APPROVED
from whatsapp_bridge.templates.template import Json, Template

DEFAULT_LIMIT: Final = 50
MAX_LIMIT: Final = 500
# Lambda's answer may have 6 MB. It holds the body as a text, in which quotes and characters beyond ASCII are longer.
MAX_BYTES: Final = 5_500_000

WRONG_CREDENTIALS: Final = answers.INVALID_CREDENTIALS._replace(status=401)
NO_LIST: Final = answers.SERVER_ERROR._replace(status=503)
"""There was no complete sync yet: an empty list would delete what the dashboard has."""


class Unreadable(Exception):
    """A cursor or a limit that cannot be read. The text contains no value."""

    @property
    def answer(self) -> Answer:
        return answers.failure(RequestError.OTHER, str(self))._replace(status=400)


# --- entries ---------------------------------------------------------------------------------------------------------


class LeftOut(NamedTuple):
    """An approved template that is not in the list. `title` as in `Template.title`."""

    title: str
    reason: str


class _No(Exception):
    """Why a template is not in the list."""


# What CleverTap can send: its kinds of templates are basic, limited-time offer and carousel.
_CATEGORY_NOT_SENT: Final = "AUTHENTICATION"
_COMPONENTS: Final = frozenset({"HEADER", "BODY", "FOOTER", "BUTTONS", "LIMITED_TIME_OFFER", "CAROUSEL"})
_MEDIA: Final = frozenset({"IMAGE", "VIDEO", "DOCUMENT"})
_HEADERS: Final = _MEDIA | {"TEXT", "LOCATION"}
_BUTTONS: Final = frozenset({"URL", "QUICK_REPLY", "PHONE_NUMBER", "COPY_CODE"})

# Samples that a listing lacks. CleverTap's own are these.
_SAMPLE: Final = "Sample"
_SAMPLE_SUFFIX: Final = "sample"
_SAMPLE_CODE: Final = "SAMPLECODE"
# WhatsApp's text, which cannot be chosen ("Template components").
_COPY_CODE: Final = "Copy offer code"


def entry(template: Template, media_samples: Mapping[str, str]) -> Json | LeftOut:
    """An approved template in CleverTap's form. `media_samples`: an address for each kind of file (IMAGE, VIDEO,
    DOCUMENT), for templates whose listing has none."""
    try:
        return _entry(template, media_samples)
    except _No as reason:
        return LeftOut(template.title, str(reason))


def _entry(template: Template, media_samples: Mapping[str, str]) -> Json:
    if template.category == _CATEGORY_NOT_SENT:
        raise _No("CleverTap sends no authentication templates")
    content = template.content
    if content is None or not any(component.get("type") == "BODY" for component in content.components):
        raise _No("the BSP has not told its components")
    told = {"category": template.category, "id": template.id}
    return {
        "name": template.name,
        **content.others,
        "parameter_format": content.parameter_format,
        "components": _components(content.components, media_samples),
        "language": template.bsp_language,
        "status": APPROVED,
        **{name: value for name, value in told.items() if value},
    }


def _components(components: Iterable[Json], media_samples: Mapping[str, str]) -> list[Json]:
    return [_component(component, media_samples) for component in components]


def _component(component: Json, media_samples: Mapping[str, str]) -> Json:
    match component.get("type"):
        case "HEADER":
            return _header(component, media_samples)
        case "BODY":
            return _with_samples(component, "body_text")
        case "BUTTONS":
            return component | {"buttons": [_button(button) for button in _objects(component.get("buttons"))]}
        case "CAROUSEL":
            cards = _objects(component.get("cards"))
            return component | {"cards": [_card(card, media_samples) for card in cards]}
        case kind if kind in _COMPONENTS:
            return component
        case kind:
            raise _No(f"CleverTap sends no templates with a component {kind}")


def _card(card: Json, media_samples: Mapping[str, str]) -> Json:
    return card | {"components": _components(_objects(card.get("components")), media_samples)}


def _objects(value: Any) -> list[Json]:
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def _header(header: Json, media_samples: Mapping[str, str]) -> Json:
    kind = header.get("format")
    if kind not in _HEADERS:
        raise _No(f"CleverTap sends no templates with a header {kind}")
    if kind == "TEXT":
        return _with_samples(header, "header_text")
    if kind not in _MEDIA or _has_link(header):
        return header
    if kind not in media_samples:
        raise _No(f"the BSP has told no sample of its {kind.lower()}, and the account's option has none")
    return _with_example(header, header_handle=[media_samples[kind]])


def _has_link(header: Json) -> bool:
    """What is no address is a handle of Meta's, which nobody can open."""
    handles = _example(header).get("header_handle")
    first = handles[0] if isinstance(handles, list) and handles else handles
    return isinstance(first, str) and first.lower().startswith(("https://", "http://"))


def _example(component: Json) -> Json:
    example = component.get("example")
    return example if isinstance(example, dict) else {}


def _with_example(component: Json, **samples: Any) -> Json:
    return component | {"example": _example(component) | samples}


def _with_samples(component: Json, member: str) -> Json:
    """A text with a sample for each of its variables: those of the listing, made-up ones behind them."""
    text = component.get("text")
    names = variables(text) if isinstance(text, str) else []
    if not names:
        return component
    if not all(name.isdigit() for name in names):
        named = f"{member}_named_params"
        known = {each.get("param_name"): each for each in _objects(_example(component).get(named))}
        made = [known.get(name) or {"param_name": name, "example": _SAMPLE} for name in names]
        return _with_example(component, **{named: made})
    given = _flat(_example(component).get(member))
    samples = [*given, *[_SAMPLE] * (len(names) - len(given))]
    # Of the body it is a list of lists.
    return _with_example(component, **{member: [samples] if member == "body_text" else samples})


def _flat(value: Any) -> list[Any]:
    """Samples as a list: some listings have a list in a list, a list or a text for the same."""
    while isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
        value = value[0]
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) else []


def _button(button: Json) -> Json:
    kind = button.get("type")
    if kind not in _BUTTONS:
        raise _No(f"CleverTap sends no templates with a button {kind}")
    given = _flat(button.get("example"))
    if kind == "COPY_CODE":
        return button | {"text": button.get("text") or _COPY_CODE, "example": given or [_SAMPLE_CODE]}
    url = button.get("url")
    if kind == "URL" and isinstance(url, str) and VARIABLE.search(url):
        return button | {"example": given or [VARIABLE.sub(_SAMPLE_SUFFIX, url)]}
    return button


# --- pages -----------------------------------------------------------------------------------------------------------


class Page(NamedTuple):
    body: str
    entries: int
    left_out: Sequence[LeftOut]
    """Between this page's beginning and its end."""


type Listed = tuple[Template, Json | LeftOut]


def listing(
    known: Iterable[Template], media_samples: Mapping[str, str], begin: tuple[str, str] | None = None
) -> Iterator[Listed]:
    """What CleverTap gets of the known templates, and what it does not: all, or what comes behind `begin`. By name and
    language: a page begins behind the one before, whatever has changed since."""
    approved = (each for each in known if each.status == APPROVED and (begin is None or each.key > begin))
    for template in sorted(approved, key=lambda each: each.key):
        yield template, entry(template, media_samples)


def page(listed: Iterable[Listed], address: str, most: int, max_bytes: int = MAX_BYTES) -> Page:
    """The first page of what `listing` gives, of so many entries at most. `address` is the one that was called, without
    a query."""
    texts: list[str] = []
    keys: list[tuple[str, str]] = []
    left_out: list[LeftOut] = []
    size, is_last = 0, True
    for template, made in listed:
        if isinstance(made, LeftOut):
            left_out.append(made)
            continue
        text = to_json(made).decode()
        size += len(dumps(text)) + 1
        if len(texts) == most or (texts and size > max_bytes):
            is_last = False
            break
        texts.append(text)
        keys.append(template.key)
    paging = to_json(_paging(keys, is_last, f"{address}?limit={most}")).decode()
    return Page(f'{{"data":[{",".join(texts)}],"paging":{paging}}}', len(keys), left_out)


def _paging(keys: Sequence[tuple[str, str]], is_last: bool, address: str) -> Json:
    if not keys:
        return {"cursors": {}}
    before, after = {"before": cursor(keys[0])}, {"after": cursor(keys[-1])}
    # A cursor on the last page would be asked for too.
    return {"cursors": before} if is_last else {"cursors": before | after, "next": f"{address}&after={after['after']}"}


def read_limit(given: str | None) -> int:
    """Raises `Unreadable`."""
    if not (given or "").strip():
        return DEFAULT_LIMIT
    digits = _bare(given or "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS and int(digits) > 0):
        raise Unreadable(f"limit: must be a number from 1 to {MAX_LIMIT}")
    return min(int(digits), MAX_LIMIT)


_MAX_DIGITS: Final = 9


def cursor(key: tuple[str, str]) -> str:
    """The cursor of what follows this template. Its sum shows where a part of it got lost."""
    raw = to_json(key)
    return urlsafe_b64encode(raw + crc32(raw).to_bytes(_SUM_BYTES)).decode().rstrip("=")


_SUM_BYTES: Final = 4


def read_cursor(given: str | None) -> tuple[str, str] | None:
    """The template behind which the page begins; None for the first page. Raises `Unreadable`: the first page once more
    would be taken for another one."""
    if not (given or "").strip():
        return None
    text = _bare(given or "")
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        raw, sum_given = data[:-_SUM_BYTES], data[-_SUM_BYTES:]
        if crc32(raw).to_bytes(_SUM_BYTES) != sum_given:
            raise ValueError
        name, language = from_json(raw)
    except (ValueError, TypeError):
        raise Unreadable("after: is no cursor of this list") from None
    return name, language


def _bare(given: str) -> str:
    """Without what CleverTap's published call has around it: a stray quote, blanks, percent-encoding of these."""
    for _ in range(_MOST_ENCODINGS):
        given = unquote(given)
    return given.strip(_AROUND)


_MOST_ENCODINGS: Final = 3
_AROUND: Final = " \t\r\n+=\"'`\u201c\u201d\u2018\u2019"


def lost(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """The names of the last import that this one does not have: their campaigns stop."""
    return sorted(set(before) - set(now))
