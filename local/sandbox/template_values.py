"""WhatsApp's rules for the values of a template, which every BSP passes on.

Source: Meta's own refusal, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces", and its
page "Template components".
"""

import re
from collections.abc import Iterable

MAX_HEADER = 60
MAX_BODY = 1024
MAX_FOOTER = 60
_FORBIDDEN = re.compile(r"[\r\n\t]| {5,}")
_PLACEHOLDER = re.compile(r"\{\{[^{}]*\}\}")


def is_value(text: str) -> bool:
    return bool(text.strip()) and not _FORBIDDEN.search(text)


def is_value_of_url(text: str) -> bool:
    """Whether it can stand behind a template's URL. WhatsApp takes a placeholder, too, and the link leads nowhere."""
    return is_value(text) and not _PLACEHOLDER.search(text)


def fit(values: Iterable[str], most: int) -> bool:
    """Whether a text with these values may have at most `most` characters."""
    return sum(map(len, values)) <= most


def is_rendered(text: str, most: int) -> bool:
    """Whether a text is one that a template may become."""
    return len(text) <= most and not _PLACEHOLDER.search(text)
