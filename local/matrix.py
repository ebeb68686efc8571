"""`python -m local.matrix`: writes what each BSP can carry into README.md, as its adapter declares it."""

import sys
from typing import NamedTuple

from local import ROOT
from local.marked import rows, with_part
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.capabilities import Capabilities

README = ROOT / "README.md"


class Group(NamedTuple):
    """Rows of one field of `Capabilities`: each possible value and its label."""

    title: str
    field: str
    rows: dict[str, str]


GROUPS = (
    Group(
        "Freeform messages",
        "freeform",
        {kind: kind for kind in ("text", "image", "video", "audio")} | {"file": "document", "location": "location"},
    ),
    Group(
        "Template headers",
        "headers",
        {kind: kind for kind in ("text", "image", "video")} | {"file": "document", "location": "location"},
    ),
    Group(
        "Template buttons",
        "buttons",
        {
            "quickReply": "quick reply",
            "dynamicUrl": "dynamic URL",
            "staticUrl": "static URL",
            "callPhone": "call",
            "copy_code": "copy code",
        },
    ),
    Group("Special templates", "extras", {"limited_time_offer": "limited-time offer", "carousel": "carousel"}),
    Group(
        "Messages from people",
        "incoming",
        {"text": "text", "button": "button tap"}
        | {kind: kind for kind in ("image", "video", "audio")}
        | {"file": "document", "location": "location", "contacts": "contacts, as text"},
    ),
    Group(
        "Statuses",
        "statuses",
        {kind: kind for kind in ("sent", "delivered", "read", "failed")} | {"clicked": "clicked link"},
    ),
    Group(
        "Features",
        "features",
        {
            "encryption": "client-side encryption with KMS",
            "reference": "msgId in statuses",
            "batch": "several messages per request",
        },
    ),
    Group(
        "Templates, by `bridge templates`",
        "templates",
        {
            "list": "list",
            "create": "create",
            "edit": "edit",
            "delete": "delete",
            "status": "ask for one",
            "unpause": "end a pause",
            "archive": "archive",
        },
    ),
)
# The BSP's answer has its id for these messages, unless `Capabilities.no_bsp_id` has them.
ANSWERS = Group(
    "Message id in the BSP's answer", "no_bsp_id", {"freeform": "to a freeform message", "template": "to a template"}
)

BY_ID = "Only with the template's id at the BSP in the account's secret."
KEPT = "The BSP has no place for its payload, or not by text: the bridge keeps it and puts it back at the tap."


class Note(NamedTuple):
    """A fact about one BSP's value that `Capabilities` cannot hold; `option` is the account's option that it names."""

    text: str
    option: str | None = None


_OWN_FILE = Note("Only a file that the BSP got with the template; see `template_media`.", "template_media")
NOTES: dict[tuple[str, str, str], Note] = {
    ("clickatell", "headers", "location"): Note(
        "Not yet: newer guides of Clickatell list them, but show no request for them."
    ),
    ("message_central", "headers", "text"): Note("Only a text without variables."),
    **{("message_central", "headers", kind): _OWN_FILE for kind in ("image", "video", "file")},
    **{
        ("gupshup", "templates", kind): Note("Known from a guide of 2021 and a few clients alone; unverified.")
        for kind in ("create", "edit")
    },
    ("message_central", "templates", "create"): Note(
        "Only with a header, and with samples of one word; see [what its form has no place for]"
        "(docs/providers/message_central.md#templates)."
    ),
    ("message_central", "features", "batch"): Note("Only templates, with the option `bulk`.", "bulk"),
}


def matrix() -> str:
    """The table in Markdown, a column per provider of the registry, and its notes below."""
    notes: list[str] = []
    providers = {name: registry.outbound(name).CAPABILITIES for name in registry.PROVIDERS}
    lines = [["", *(f"[{provider.title}](docs/providers/{name}.md)" for name, provider in providers.items())]]
    for group in (*GROUPS, ANSWERS):
        lines.append([f"**{group.title}**", *("" for _ in providers)])
        lines += (
            [words, *(_cell(name, provider, group.field, value, notes) for name, provider in providers.items())]
            for value, words in group.rows.items()
        )
    lines.append(["**Messages per request, at most**", *(str(provider.batch_size) for provider in providers.values())])
    return "\n".join([rows(lines), "", *(f"{number}. {note}" for number, note in enumerate(notes, 1))])


def _cell(name: str, provider: Capabilities, field: str, value: str, notes: list[str]) -> str:
    declared = value in getattr(provider, field)
    cell = "yes" if declared is not (field == ANSWERS.field) else "no"
    note = _note(name, provider, field, value)
    if note is None:
        return cell
    if note not in notes:
        notes.append(note)
    return f"{cell} ({notes.index(note) + 1})"


def _note(name: str, provider: Capabilities, field: str, value: str) -> str | None:
    if (name, field, value) in NOTES:
        return NOTES[name, field, value].text
    if field in ("headers", "buttons", "extras") and value in provider.by_id:
        return BY_ID
    if field == "buttons" and value == "quickReply" and provider.keeps_payloads:
        return KEPT
    return None


def with_matrix(text: str) -> str:
    """README's text with the current table. Raises ValueError if its markers are missing."""
    return with_part(text, "matrix", matrix())


def main() -> int:
    README.write_text(with_matrix(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
