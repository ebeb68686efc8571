"""Templates for the rules' rows: one that breaks none, and what rows change in it."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from ops.templates.files import Source
from ops.templates.lint import Finding, lint

type Json = dict[str, Any]

BODY: Json = {
    "type": "BODY",
    "text": "Hello {{1}}, your order is on its way to you.",
    "example": {"body_text": [["Ada"]]},
}
REPLY: Json = {"type": "QUICK_REPLY", "text": "Tell me more"}
URL: Json = {"type": "URL", "text": "Open", "url": "https://shop.example/help"}
DYNAMIC: Json = {**URL, "url": "https://shop.example/{{1}}", "example": ["https://shop.example/a"]}
PHONE: Json = {"type": "PHONE_NUMBER", "text": "Call us", "phone_number": "+27999000001"}
CODE: Json = {"type": "COPY_CODE", "example": "SAVE25"}
IMAGE: Json = {"type": "HEADER", "format": "IMAGE", "example": {"header_file": "picture.png"}}


def draft(*components: Json, **members: Any) -> Json:
    """A template with these components, or with the body alone."""
    made = {"name": "order_update", "language": "en", "category": "MARKETING", "components": components or [BODY]}
    return deepcopy(made | {"components": list(components or [BODY])} | members)


def body(text: str, *samples: str, **members: Any) -> Json:
    made: Json = {"type": "BODY", "text": text} | members
    return made | ({"example": {"body_text": [list(samples)]}} if samples else {})


def header(text: str, *samples: str) -> Json:
    made: Json = {"type": "HEADER", "format": "TEXT", "text": text}
    return made | ({"example": {"header_text": list(samples)}} if samples else {})


def footer(text: str = "Reply STOP to opt out") -> Json:
    return {"type": "FOOTER", "text": text}


def buttons(*each: Json) -> Json:
    return {"type": "BUTTONS", "buttons": list(each)}


def offer(text: str = "Ends soon!", **members: Any) -> Json:
    return {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": text, "has_expiration": True} | members}


def card(*components: Json) -> Json:
    return {"components": list(components or [IMAGE, buttons(URL)])}


def carousel(*cards: Json) -> Json:
    return {"type": "CAROUSEL", "cards": list(cards or [card(), card()])}


def findings(*values: Any) -> list[Finding]:
    sources = [Source(Path(f"{number}.yaml"), value, {}) for number, value in enumerate(values)]
    return [finding for linted in lint(sources) for finding in linted.findings]
