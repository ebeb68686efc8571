"""Rules of the template as a whole: name, language, category, kinds of components, time to live."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from ops.templates.form import Body, Buttons, Draft, Footer, Header, Other, OtherButton
from ops.templates.rules.rule import CLEVERTAP, META, Problem, Rule, buttons_of, fixed, parts, texts
from whatsapp_bridge.templates.languages import normalised

_MANAGEMENT: Final = f'{META}"Template management"'
_NAME: Final = re.compile(r"[a-z0-9_]{1,512}")


def _name(draft: Draft) -> Iterator[Problem]:
    if not _NAME.fullmatch(draft.name):
        yield Problem(("name",), "must be 1 to 512 of a-z, 0-9 and _")


# The templates that each new WhatsApp business account begins with.
_SAMPLES: Final = frozenset(
    {"hello_world", "sample_flight_confirmation", "sample_happy_hour_announcement", "sample_issue_resolution"}
    | {"sample_movie_ticket_confirmation", "sample_purchase_feedback", "sample_shipping_confirmation"}
)


def _name_of_a_sample(draft: Draft) -> Iterator[Problem]:
    if draft.name in _SAMPLES:
        yield Problem(("name",), "is the name of one of Meta's sample templates")


_LONG_NAME: Final = 180


def _long_name(draft: Draft) -> Iterator[Problem]:
    if len(draft.name) > _LONG_NAME:
        yield Problem(("name",), f"has more than {_LONG_NAME} characters, which not every BSP takes")


_CODE: Final = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_PLAIN: Final = (
    "af sq ar az bn bg ca hr cs da nl en et fil fi fr ka de el gu ha he hi hu id ga it ja kn kk ko lo lv lt mk ms ml "
    "mr nb fa pl pa ro ru sr sk sl es sw sv ta te th tr uk ur uz vi zu"
)
_REGIONAL: Final = {
    "ar": "AE EG LB MA QA",
    "be": "BY",
    "bn": "IN",
    "zh": "CN HK TW",
    "prs": "AF",
    "nl": "BE",
    "en": "AE AU CA GB GH IE IN JM MY NZ QA SG UG US ZA",
    "fr": "BE CA CH CI MA",
    "de": "AT CH",
    "rw": "RW",
    "ky": "KG",
    "ps": "AF",
    "pt": "BR PT",
    "si": "LK",
    "es": "AR CL CO CR DO EC ES HN MX PA PE UY",
}
_LANGUAGES: Final = frozenset(_PLAIN.split()) | {
    f"{language}_{region}" for language, regions in _REGIONAL.items() for region in regions.split()
}


def _language(draft: Draft) -> Iterator[Problem]:
    if not _CODE.fullmatch(normalised(draft.language)):
        yield Problem(("language",), "must be a language of Meta's list, such as en or pt_BR")


def _unknown_language(draft: Draft) -> Iterator[Problem]:
    code = normalised(draft.language)
    if _CODE.fullmatch(code) and code not in _LANGUAGES:
        yield Problem(("language",), f"{code} is not in Meta's list of November 2025")


def _spelling(draft: Draft) -> Iterator[Problem]:
    code = normalised(draft.language)
    if code in _LANGUAGES and draft.language != code:
        yield Problem(("language",), f"is written {code} for Meta, which is what the bridge sends")


# The scripts that languages of Meta's list are written in, by the beginning of their letters' Unicode names. All others
# are written in Latin letters; in Serbian and Uzbek both occur.
_SCRIPTS: Final = {
    **dict.fromkeys(("ar", "fa", "ur", "ps", "prs"), ("ARABIC",)),
    **dict.fromkeys(("bg", "be", "mk", "ru", "uk", "ky", "kk"), ("CYRILLIC",)),
    **dict.fromkeys(("sr", "uz"), ("CYRILLIC", "LATIN")),
    **dict.fromkeys(("hi", "mr"), ("DEVANAGARI",)),
    "zh": ("CJK",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA"),
    "ko": ("HANGUL", "CJK"),
    "bn": ("BENGALI",),
    "el": ("GREEK",),
    "gu": ("GUJARATI",),
    "he": ("HEBREW",),
    "ka": ("GEORGIAN",),
    "kn": ("KANNADA",),
    "lo": ("LAO",),
    "ml": ("MALAYALAM",),
    "pa": ("GURMUKHI",),
    "si": ("SINHALA",),
    "ta": ("TAMIL",),
    "te": ("TELUGU",),
    "th": ("THAI",),
}
_FEW_LETTERS: Final = 10


def _another_script(draft: Draft) -> Iterator[Problem]:
    scripts = _SCRIPTS.get(normalised(draft.language).partition("_")[0], ("LATIN",))
    for place, text, _ in texts(draft):
        letters = [character for character in fixed(text) if character.isalpha()]
        own = sum(unicodedata.name(letter, "").startswith(scripts) for letter in letters)
        # Names of products stand in Latin letters in any language.
        if len(letters) >= _FEW_LETTERS and own < len(letters) / 4:
            yield Problem(place, f"does not look like {draft.language}")


_CATEGORIES: Final = ("MARKETING", "UTILITY", "AUTHENTICATION")


def _category(draft: Draft) -> Iterator[Problem]:
    if draft.category not in _CATEGORIES:
        yield Problem(("category",), f"must be one of {', '.join(_CATEGORIES)}")


def _not_sent(draft: Draft) -> Iterator[Problem]:
    if draft.category == "AUTHENTICATION":
        yield Problem(("category",), "CleverTap sends no authentication templates")
    for place, component, _ in parts(draft, Other):
        yield Problem(place, f"CleverTap sends no templates with {component.type}")
    for place, button, _ in buttons_of(draft, OtherButton):
        yield Problem(place, f"CleverTap sends no templates with a button {button.type}")


def _body_missing(draft: Draft) -> Iterator[Problem]:
    bodies = [part for part in parts(draft, Body) if part.card is None]
    if not bodies:
        yield Problem(("components",), "must have a BODY")
    elif not (bodies[0].value.text or "").strip() and draft.category != "AUTHENTICATION":
        yield Problem(bodies[0].place, "must have a text")


def _twice(draft: Draft) -> Iterator[Problem]:
    seen: set[tuple[int | None, str]] = set()
    for kind in (Header, Body, Footer, Buttons):
        for place, component, card in parts(draft, kind):
            if (card, component.type) in seen:
                yield Problem(place, f"is a second {component.type}")
            seen.add((card, component.type))


_DAYS_30: Final = 2_592_000
_TTL: Final = {"AUTHENTICATION": (30, 900), "UTILITY": (30, 43_200), "MARKETING": (43_200, _DAYS_30)}


def _ttl(draft: Draft) -> Iterator[Problem]:
    seconds = draft.message_send_ttl_seconds
    if seconds is None or draft.category not in _TTL:
        return
    least, most = _TTL[draft.category]
    if not least <= seconds <= most and not (seconds == -1 and draft.category != "MARKETING"):
        yield Problem(("message_send_ttl_seconds",), f"must be {least} to {most} for {draft.category}")


RULES: Final = (
    Rule("name", True, "The name has 1 to 512 of a-z, 0-9 and _", _MANAGEMENT, _name),
    Rule("name-of-a-sample", True, "It is none of Meta's sample templates", "Meta's error 2388155", _name_of_a_sample),
    Rule("long-name", False, "The name has at most 180 characters", "Gupshup, of another of its products", _long_name),
    Rule("language", True, "The language has the form en or en_GB", f'{META}"Supported languages"', _language),
    Rule(
        "unknown-language", False, "The language is in Meta's list", f'{META}"Supported languages"', _unknown_language
    ),
    Rule(
        "spelling-of-language", False, "The language is spelt as Meta does", f'{META}"Supported languages"', _spelling
    ),
    Rule(
        "another-language",
        False,
        "The text is in the script of its language",
        f'{CLEVERTAP}"WhatsApp Direct", best practices',
        _another_script,
    ),
    Rule("category", True, "The category is MARKETING, UTILITY or AUTHENTICATION", _MANAGEMENT, _category),
    Rule(
        "not-sent", False, "CleverTap can send it", f'{CLEVERTAP}"WhatsApp Direct", unsupported categories', _not_sent
    ),
    Rule("body-missing", True, "There is a body with a text", f'{META}"Template components"', _body_missing),
    Rule("twice", True, "Each component stands once", f'{META}"Template components"', _twice),
    Rule("ttl", True, "The time to live fits the category", f'{META}"Time-to-live"', _ttl),
)
