"""`python -m local.matrix`: write what each provider can do into README.md, as its adapter declares it."""

import sys
from operator import attrgetter

from local import ROOT
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.contract import Capabilities

README = ROOT / "README.md"
BEGIN, END = "<!-- matrix -->", "<!-- /matrix -->"

# A row per field of `Capabilities`: all that it can hold, in words.
ROWS: dict[str, tuple[str, dict[str, str]]] = {
    "Freeform messages": (
        "freeform",
        {kind: kind for kind in ("text", "image", "video", "audio", "file", "location")},
    ),
    "Template headers": (
        "headers",
        {kind: kind for kind in ("text", "image", "video", "file", "location")},
    ),
    "Template buttons": (
        "buttons",
        {
            "quickReply": "quick reply",
            "dynamicUrl": "dynamic URL",
            "staticUrl": "static URL",
            "callPhone": "call",
            "copy_code": "copy code",
        },
    ),
    "Special templates": ("extras", {"limited_time_offer": "limited-time offer", "carousel": "carousel"}),
    "Replies": (
        "incoming",
        {
            "text": "text",
            "button": "button tap",
            **{kind: kind for kind in ("image", "video", "audio", "file", "location", "contacts")},
        },
    ),
    "Statuses": ("statuses", {kind: kind for kind in ("sent", "delivered", "read", "failed", "clicked")}),
    "Features": (
        "features",
        {
            "encryption": "client-side encryption with KMS",
            "reference": "msgId in statuses",
            "batch": "several messages per request",
        },
    ),
}

# The rows that `Capabilities.by_id` is about; a value that needs the id in part has other words there.
BY_ID_ROWS = ("headers", "buttons", "extras")
BY_ID_WORDS = {"quickReply": "quick reply with a payload of its own"}


def matrix() -> str:
    """The table in Markdown: a column per provider of the registry, with what is not carried behind "not"."""
    providers = [registry.outbound(name).CAPABILITIES for name in registry.PROVIDERS]
    lines = [
        ["", *(provider.title for provider in providers)],
        ["---", *("---" for _ in providers)],
        *([row, *(_cell(provider, *ROWS[row]) for provider in providers)] for row in ROWS),
        ["Messages per request", *(f"up to {provider.batch_size}" for provider in providers)],
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(provider: Capabilities, field: str, words: dict[str, str]) -> str:
    declared: frozenset[str] = attrgetter(field)(provider)
    carried = ", ".join(word for value, word in words.items() if value in declared)
    missing = ", ".join(word for value, word in words.items() if value not in declared)
    by_id = ", ".join(
        BY_ID_WORDS.get(value, word)
        for value, word in words.items()
        if field in BY_ID_ROWS and value in declared & provider.by_id
    )
    notes = (carried, by_id and f"of these, only with a template id: {by_id}", missing and f"not: {missing}")
    return "; ".join(part for part in notes if part)


def with_matrix(text: str) -> str:
    """README's text with the table of today between the markers. Raises ValueError where these are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{BEGIN} and {END} must stand in the text")
    return f"{before}{begin}\n{matrix()}\n{end}{after}"


def main() -> int:
    README.write_text(with_matrix(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
