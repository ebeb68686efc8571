"""Rules of headers, bodies and footers, but for their variables."""

import re
from collections.abc import Iterator
from typing import Final

from ops.templates.form import Body, BodySamples, Draft, Footer, Header
from ops.templates.rules.rule import CLEVERTAP, META, Problem, Rule, fixed, is_emoji, listed, offer_of, parts
from whatsapp_bridge.templates.shapes import VARIABLE, variables

_COMPONENTS: Final = f'{META}"Template components"'
_MOST: Final = 1024
_MOST_OF_OFFER: Final = 600
_MOST_OF_CARD: Final = 160


def _body_length(draft: Draft) -> Iterator[Problem]:
    most = _MOST_OF_OFFER if offer_of(draft) else _MOST
    for place, body, card in parts(draft, Body):
        limit = most if card is None else _MOST_OF_CARD
        if len(body.text or "") > limit:
            yield Problem((*place, "text"), f"has {len(body.text or '')} characters, {limit} at most")


_MOST_WITH_VALUES: Final = 1000


def _filled_length(draft: Draft) -> Iterator[Problem]:
    for place, body, _ in parts(draft, Body):
        length = len(_filled(body))
        if length > _MOST_WITH_VALUES:
            yield Problem((*place, "text"), f"has {length} characters with its samples, {_MOST_WITH_VALUES} fit")


def _filled(body: Body) -> str:
    text = body.text or ""
    given = body.example or BodySamples()
    samples = dict(zip(variables(text), listed(given.body_text), strict=False))
    samples |= {sample.param_name: sample.example for sample in given.body_text_named_params or []}
    return VARIABLE.sub(lambda match: samples.get(match[1], match[0]), text)


def _only_variables(draft: Draft) -> Iterator[Problem]:
    for place, body, _ in parts(draft, Body):
        if body.text and variables(body.text) and not any(map(str.isalnum, fixed(body.text))):
            yield Problem((*place, "text"), "must have words besides its variables")


_LINE_BREAKS: Final = re.compile(r"\n[ \t]*\n[ \t]*\n")


def _line_breaks(draft: Draft) -> Iterator[Problem]:
    for place, body, _ in parts(draft, Body):
        if _LINE_BREAKS.search(body.text or ""):
            yield Problem((*place, "text"), "has more than two line breaks in a row")


_MOST_EMOJI: Final = 10


def _many_emoji(draft: Draft) -> Iterator[Problem]:
    for place, body, _ in parts(draft, Body):
        if sum(map(is_emoji, body.text or "")) > _MOST_EMOJI:
            yield Problem((*place, "text"), f"has more than {_MOST_EMOJI} emoji")


# --- headers ---------------------------------------------------------------------------------------------------------

_MEDIA: Final = ("IMAGE", "VIDEO", "DOCUMENT")
_FORMATS: Final = ("TEXT", *_MEDIA, "LOCATION")
_MOST_OF_HEADER: Final = 60


def _text_headers(draft: Draft) -> Iterator[tuple[Header, Problem]]:
    """With a problem that has no reason yet."""
    for place, header, _ in parts(draft, Header):
        if header.format == "TEXT":
            yield header, Problem((*place, "text"), "")


def _header_text(draft: Draft) -> Iterator[Problem]:
    for header, problem in _text_headers(draft):
        if not (header.text or "").strip():
            yield problem._replace(reason="must be there, because the header's format is TEXT")
        elif len(header.text or "") > _MOST_OF_HEADER:
            yield problem._replace(reason=f"has {len(header.text or '')} characters, {_MOST_OF_HEADER} at most")


def _header_variables(draft: Draft) -> Iterator[Problem]:
    for header, problem in _text_headers(draft):
        if len(VARIABLE.findall(header.text or "")) > 1:
            yield problem._replace(reason="has more than one variable")


# Meta names the asterisk apart from other formatting. An underscore is formatting around words alone.
_MARKDOWN: Final = re.compile(r"[*~\n\r]|```|(?<!\w)_[^_\s](?:[^_]*[^_\s])?_(?!\w)")


def _header_is_plain(draft: Draft) -> Iterator[Problem]:
    for header, problem in _text_headers(draft):
        text = fixed(header.text or "")
        if _MARKDOWN.search(text) or any(map(is_emoji, text)):
            yield problem._replace(reason="has an emoji, an asterisk, formatting or a line break")


def _header_format(draft: Draft) -> Iterator[Problem]:
    for place, header, _ in parts(draft, Header):
        if header.format == "GIF":
            yield Problem((*place, "format"), "GIF is for Meta's marketing API alone")
        elif header.format not in (*_FORMATS, *_OF_PRODUCTS):
            yield Problem((*place, "format"), f"must be one of {', '.join(_FORMATS)}")


_OF_PRODUCTS: Final = ("PRODUCT",)


def _header_of_a_product(draft: Draft) -> Iterator[Problem]:
    for place, header, _ in parts(draft, Header):
        if header.format in _OF_PRODUCTS:
            yield Problem((*place, "format"), "CleverTap sends no templates of products")


def _header_sample(draft: Draft) -> Iterator[Problem]:
    for place, header, _ in parts(draft, Header):
        sample = header.example
        if header.format in _MEDIA and not (sample and (sample.header_file or sample.header_handle)):
            yield Problem(place, "must have a sample: example.header_file, the path of a file")


def _header_file(draft: Draft) -> Iterator[Problem]:
    for place, header, _ in parts(draft, Header):
        file = header.example.header_file if header.example else None
        if file is not None and not file.lower().endswith(_ENDINGS.get(header.format, ())):
            endings = ", ".join(_ENDINGS.get(header.format, ()))
            reason = f"must end in {endings}" if endings else f"is for {', '.join(_MEDIA)} alone"
            yield Problem((*place, "example", "header_file"), reason)


_ENDINGS: Final = {"IMAGE": (".jpg", ".jpeg", ".png"), "VIDEO": (".mp4",), "DOCUMENT": (".pdf",)}


def _header_link(draft: Draft) -> Iterator[Problem]:
    for place, header, _ in parts(draft, Header):
        handles = (header.example.header_handle if header.example else None) or []
        if any(handle.startswith(("http://", "https://")) for handle in handles):
            reason = "is a link as lists have them, which Meta does not take: give a file as header_file"
            yield Problem((*place, "example", "header_handle"), reason)


def _location_header(draft: Draft) -> Iterator[Problem]:
    for place, header, _ in parts(draft, Header):
        if header.format == "LOCATION" and draft.category not in ("MARKETING", "UTILITY"):
            yield Problem((*place, "format"), "LOCATION is for MARKETING and UTILITY")


# --- footers ---------------------------------------------------------------------------------------------------------


def _footer_length(draft: Draft) -> Iterator[Problem]:
    for place, footer, _ in parts(draft, Footer):
        if not (footer.text or "").strip() and draft.category != "AUTHENTICATION":
            yield Problem(place, "must have a text")
        if len(footer.text or "") > _MOST_OF_HEADER:
            yield Problem((*place, "text"), f"has {len(footer.text or '')} characters, {_MOST_OF_HEADER} at most")


def _footer_variables(draft: Draft) -> Iterator[Problem]:
    for place, footer, _ in parts(draft, Footer):
        if VARIABLE.search(footer.text or ""):
            yield Problem((*place, "text"), "has a variable, which a footer cannot have")


_CAPTURED: Final = "Meta's sentence in an answer"
RULES: Final = (
    Rule(
        "body-length",
        True,
        "The body has at most 1024 characters, 600 with a limited-time offer, 160 on a card",
        f"{_COMPONENTS} and the pages of each kind",
        _body_length,
    ),
    Rule(
        "filled-length",
        False,
        "The body has at most 1000 characters with its values",
        f'{CLEVERTAP}"WhatsApp Direct", message variables',
        _filled_length,
    ),
    Rule("only-variables", True, "The body has words besides its variables", _CAPTURED, _only_variables),
    Rule("line-breaks", True, "The body has at most two line breaks in a row", _CAPTURED, _line_breaks),
    Rule("many-emoji", True, "The body has at most 10 emoji", _CAPTURED, _many_emoji),
    Rule("header-text", True, "A text header has 1 to 60 characters", _COMPONENTS, _header_text),
    Rule("header-variables", True, "A text header has at most one variable", _COMPONENTS, _header_variables),
    Rule(
        "header-plain",
        True,
        "A text header has no line break, formatting, asterisk or emoji",
        "Meta's error 2388072",
        _header_is_plain,
    ),
    Rule("header-format", True, "The header's format is one of Meta's", _COMPONENTS, _header_format),
    Rule(
        "header-of-a-product",
        False,
        "The header shows no product",
        f'{CLEVERTAP}"WhatsApp Direct", unsupported categories',
        _header_of_a_product,
    ),
    Rule(
        "header-sample", True, "An image, video or document header has a sample", "Meta's error 2388273", _header_sample
    ),
    Rule(
        "header-file", True, "The sample is a pdf, jpg, jpeg, png or mp4", f'{META}"Resumable Upload API"', _header_file
    ),
    Rule(
        "header-link",
        # CleverTap's samples of its import have such links.
        False,
        "The sample is no link of a list, which expires",
        "fazer-ai/chatwoot#349",
        _header_link,
    ),
    Rule("location-header", True, "A location header is for MARKETING and UTILITY", _COMPONENTS, _location_header),
    Rule("footer-length", True, "The footer has 1 to 60 characters", _COMPONENTS, _footer_length),
    Rule("footer-variables", True, "The footer has no variable", _COMPONENTS, _footer_variables),
)
