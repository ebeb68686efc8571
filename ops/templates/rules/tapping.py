"""Rules of buttons."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

from ops.templates.form import Buttons, CopyCode, Draft, PhoneNumber, QuickReply, Url
from ops.templates.rules.rule import CLEVERTAP, META, Problem, Rule, buttons_of, is_emoji, listed, parts
from whatsapp_bridge.templates.shapes import VARIABLE

_COMPONENTS: Final = f'{META}"Template components"'
_DASHBOARD: Final = f'{CLEVERTAP}"WhatsApp Direct", buttons'
_MOST: Final = 10
_MOST_OF: Final = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "CATALOG": 1}


def _count(draft: Draft) -> Iterator[Problem]:
    for place, component, _ in parts(draft, Buttons):
        kinds = Counter(button.type for button in component.buttons)
        if not component.buttons:
            yield Problem((*place, "buttons"), "must have a button")
        if len(component.buttons) > _MOST:
            yield Problem((*place, "buttons"), f"has {len(component.buttons)} buttons, {_MOST} at most")
        for kind, most in _MOST_OF.items():
            if kinds[kind] > most:
                yield Problem((*place, "buttons"), f"has {kinds[kind]} buttons {kind}, {most} at most")


def _catalog(draft: Draft) -> Iterator[Problem]:
    for place, component, _ in parts(draft, Buttons):
        if len(component.buttons) > 1 and any(button.type == "CATALOG" for button in component.buttons):
            yield Problem((*place, "buttons"), "has a button CATALOG, which stands alone")


def _order(draft: Draft) -> Iterator[Problem]:
    for place, component, _ in parts(draft, Buttons):
        replies = [isinstance(button, QuickReply) for button in component.buttons]
        changes = sum(one != other for one, other in pairwise(replies))
        if changes > 1:
            yield Problem((*place, "buttons"), "must have its quick replies together, before or after all others")


_MOST_REPLIES: Final = 6


def _many_replies(draft: Draft) -> Iterator[Problem]:
    for place, component, _ in parts(draft, Buttons):
        replies = sum(isinstance(button, QuickReply) for button in component.buttons)
        if replies > _MOST_REPLIES:
            yield Problem((*place, "buttons"), f"has {replies} quick replies; CleverTap knows five and an opt-out")


_FEW_REPLIES: Final = 3


def _few(draft: Draft) -> Iterator[Problem]:
    for place, component, card in parts(draft, Buttons):
        kinds = Counter(button.type for button in component.buttons)
        replies = kinds["QUICK_REPLY"]
        both = replies and kinds["URL"] + kinds["PHONE_NUMBER"]
        if card is None and (both or replies > _FEW_REPLIES or kinds["URL"] > 1):
            reason = "is more than older dashboards show: a URL and a phone number, or three quick replies"
            yield Problem((*place, "buttons"), reason)


_MOST_LABEL: Final = 25


def _labels(draft: Draft) -> Iterator[Problem]:
    for kind in (QuickReply, Url, PhoneNumber):
        for place, button, _ in buttons_of(draft, kind):
            if not 1 <= len(button.text.strip()) <= _MOST_LABEL:
                yield Problem((*place, "text"), f"must have 1 to {_MOST_LABEL} characters")


def _plain_labels(draft: Draft) -> Iterator[Problem]:
    for kind in (QuickReply, Url, PhoneNumber):
        for place, button, _ in buttons_of(draft, kind):
            if VARIABLE.search(button.text) or "\n" in button.text or any(map(is_emoji, button.text)):
                reason = "has a variable, a line break or an emoji; one of Meta's pages allows letters and digits alone"
                yield Problem((*place, "text"), reason)


# --- URLs ------------------------------------------------------------------------------------------------------------

_MOST_URL: Final = 2000


def _urls(draft: Draft) -> Iterator[Problem]:
    for place, button, _ in buttons_of(draft, Url):
        if len(button.url) > _MOST_URL:
            yield Problem((*place, "url"), f"has more than {_MOST_URL} characters")
        elif not _is_address(button.url):
            yield Problem((*place, "url"), "must be a whole address: https://...")


def _is_address(url: str) -> bool:
    try:
        parts_of_it = urlsplit(url)
        return parts_of_it.scheme in ("http", "https") and bool(parts_of_it.hostname) and not set(url) & set(" \n\t")
    except ValueError:
        return False


def _url_variable(draft: Draft) -> Iterator[Problem]:
    for place, button, _ in buttons_of(draft, Url):
        rest = VARIABLE.sub("", button.url)
        found = list(VARIABLE.finditer(button.url))
        if "{" in rest or "}" in rest:
            yield Problem((*place, "url"), "has braces that belong to no variable")
        elif len(found) > 1 or (found and found[0].end() != len(button.url)):
            yield Problem((*place, "url"), "has one variable at most, at its very end")
        elif found and (button.url[: found[0].start()].count("/") < _SLASHES_BEFORE_THE_PATH):
            yield Problem((*place, "url"), "has a variable for the host: it must stand behind it")


_SLASHES_BEFORE_THE_PATH: Final = 3


def _url_sample(draft: Draft) -> Iterator[Problem]:
    for place, button, _ in buttons_of(draft, Url):
        if VARIABLE.search(button.url) and len(listed(button.example)) != 1:
            yield Problem((*place, "example"), "must have one sample for the address's variable")


_SHORTENERS: Final = frozenset(
    {"bit.ly", "tinyurl.com", "goo.gl", "t.co", "ow.ly", "is.gd", "buff.ly", "rebrand.ly", "cutt.ly", "t.ly", "wa.me"}
)


def _short_links(draft: Draft) -> Iterator[Problem]:
    for place, button, _ in buttons_of(draft, Url):
        host = urlsplit(button.url).hostname if _is_address(button.url) else None
        if (host or "").removeprefix("www.") in _SHORTENERS:
            yield Problem((*place, "url"), "is a short link, for which templates are rejected")


# --- phone numbers and codes -----------------------------------------------------------------------------------------

_MOST_PHONE: Final = 20


def _phones(draft: Draft) -> Iterator[Problem]:
    for place, button, _ in buttons_of(draft, PhoneNumber):
        digits = button.phone_number.removeprefix("+")
        if not (digits.isascii() and digits.isdigit() and len(button.phone_number) <= _MOST_PHONE):
            yield Problem((*place, "phone_number"), f"must be a number with its country code, {_MOST_PHONE} at most")


_MOST_CODE: Final = 15


def _codes(draft: Draft) -> Iterator[Problem]:
    for place, button, _ in buttons_of(draft, CopyCode):
        samples = listed(button.example)
        if len(samples) != 1 or not 1 <= len(samples[0]) <= _MOST_CODE:
            yield Problem((*place, "example"), f"must be a sample code of 1 to {_MOST_CODE} characters")


# WhatsApp's text in the lists of Meta and in CleverTap's sample.
_CODE_LABEL: Final = "copy offer code"


def _code_label(draft: Draft) -> Iterator[Problem]:
    for place, button, _ in buttons_of(draft, CopyCode):
        if button.text is not None and button.text.casefold() != _CODE_LABEL:
            yield Problem((*place, "text"), "is WhatsApp's own and cannot be chosen")


def _code_category(draft: Draft) -> Iterator[Problem]:
    for place, _, _ in buttons_of(draft, CopyCode):
        if draft.category == "UTILITY":
            yield Problem(place, "is not for UTILITY, by Gupshup's page")


RULES: Final = (
    Rule(
        "button-count",
        True,
        "There are 1 to 10 buttons, at most 2 URL, 1 PHONE_NUMBER, 1 COPY_CODE, 1 CATALOG",
        _COMPONENTS,
        _count,
    ),
    Rule("catalog", True, "A button CATALOG stands alone", f'{META}"Catalog templates"', _catalog),
    Rule("button-order", True, "Quick replies stand together, before or after all others", _COMPONENTS, _order),
    Rule("many-replies", False, "There are at most five quick replies and an opt-out", _DASHBOARD, _many_replies),
    Rule(
        "few-buttons",
        False,
        "There are a URL and a phone number, or three quick replies",
        f"{_DASHBOARD}; Message Central",
        _few,
    ),
    Rule("labels", True, "A label has 1 to 25 characters", _COMPONENTS, _labels),
    Rule("plain-labels", False, "A label has letters and digits", "Meta's pages differ", _plain_labels),
    Rule("urls", True, "A URL is absolute and has at most 2000 characters", _COMPONENTS, _urls),
    Rule("url-variable", True, "A URL has one variable at most, at its end", _COMPONENTS, _url_variable),
    Rule("url-sample", True, "A URL's variable has a sample", _COMPONENTS, _url_sample),
    Rule("short-links", False, "A URL is no short link", f'{CLEVERTAP}"WhatsApp Direct", best practices', _short_links),
    Rule("phones", True, "A phone number has at most 20 characters", _COMPONENTS, _phones),
    Rule("codes", True, "A code has a sample of at most 15 characters", f'{META}"Coupon code templates"', _codes),
    Rule("code-label", False, "The label of COPY_CODE is WhatsApp's", f'{META}"Coupon code templates"', _code_label),
    Rule("code-category", False, "COPY_CODE is not for UTILITY", "Gupshup, guide to templates", _code_category),
)
