"""What WhatsApp just takes. What it refuses is in the conformance suite."""

import json

import pytest

from tests.providers.conformance import MEDIA, body, button, header, suffix, template
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers.common import limits


def carousel(*cards: list[object]) -> dict[str, object]:
    return {"type": "carousel", "cards": [{"components": card} for card in cards]}


TAKEN = {
    "four spaces in a row": [body("a    b")],
    "a line break in the template's own text": [{"type": "body", "body": {"text": "a\n\nb\tc      d"}}],
    "a line break in a quick reply's payload": [
        body("a"),
        button("quickReply", {"type": "payload", "payload": "a\nb"}),
    ],
    "a line break in what is not sent": [body("a"), button("staticUrl", suffix("a\nb"))],
    "longest header": [header("text", {"text": "k" * 60}), body("a")],
    "longest body": [{"type": "body", "body": {"text": "k" * 1024}}],
    "longest body, with its values": [
        {"type": "body", "body": {"text": "k" * 1000 + "{{1}}", "parameters": [suffix("k" * 24)]}}
    ],
    "longest footer": [body("a"), {"type": "footer", "footer": "k" * 60}],
    "ten buttons": [body("a"), *(button("quickReply", index=index) for index in range(10))],
    "two cards": [carousel([body("a")], [body("b")])],
    "ten cards": [carousel(*[[body("a")]] * 10)],
    # As in one of CleverTap's published messages.
    "cards with a dynamic and a static URL": [
        carousel(
            *([header("image", MEDIA), body("a"), button(kind, suffix("0"))] for kind in ("dynamicUrl", "staticUrl"))
        )
    ],
    "cards with their buttons in another order": [
        carousel(
            [body("a"), button("quickReply", index=0), button("callPhone", index=1)],
            [body("a"), button("callPhone", index=1), button("quickReply", index=0)],
        )
    ],
}


@pytest.mark.parametrize("components", TAKEN.values(), ids=TAKEN.keys())
def test_taken(components: list[dict[str, object]]) -> None:
    message = parse_message(json.dumps(template(*components)))
    assert isinstance(message, TemplateMessage)

    limits.check(message)
