"""Payloads of quick replies, for BSPs that bring back only the label of the button that was tapped."""

from typing import Any

import pytest

from tests.providers.conformance import _parsed as parsed
from tests.providers.conformance import body, button, payload, template
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.providers.capabilities import Refused
from whatsapp_bridge.providers.common.whatsapp import check_payloads, payloads_by_label


def message(*pairs: tuple[str, str | None]) -> TemplateMessage:
    """A template with a quick reply for each label and payload."""
    buttons = [
        button("quickReply", *([] if value is None else [payload(value)]), index=index, text=label)
        for index, (label, value) in enumerate(pairs)
    ]
    made = parsed(template(body("Ada"), button("staticUrl", index=9), *buttons))
    assert isinstance(made, TemplateMessage)
    return made


CARRIED: dict[str, tuple[list[tuple[str, str | None]], dict[str, str]]] = {
    "none": ([], {}),
    "no payload": ([("Yes", None), ("No", None)], {}),
    "blank payload": ([("Yes", " ")], {}),
    "the label": ([("Yes", "Yes")], {}),
    "a payload": ([("Yes", "25596363|click")], {"Yes": "25596363|click"}),
    "as it is, with its blanks": ([("Yes", " y ")], {"Yes": " y "}),
    "some": ([("Yes", "y"), ("No", None)], {"Yes": "y", "No": "No"}),
    "labels that differ in their case": ([("Yes", "a"), ("YES", "b")], {"Yes": "a", "YES": "b"}),
    "the same label and payload twice": ([("Yes", "y"), ("Yes", "y")], {"Yes": "y"}),
    "a button without a label and a payload": ([("", None), ("No", "n")], {"No": "n"}),
}


@pytest.mark.parametrize(("pairs", "kept"), CARRIED.values(), ids=CARRIED.keys())
def test_payloads_by_label(pairs: list[tuple[str, str | None]], kept: dict[str, str]) -> None:
    check_payloads(message(*pairs))

    assert payloads_by_label(message(*pairs)) == kept


REFUSED: dict[str, tuple[list[tuple[str, str | None]], str, str, dict[str, str]]] = {
    "a payload without a label": (
        [("", "y"), ("No", "n")],
        "components[2].buttonText",
        "is empty; only by its label a tap leads back to its payload",
        {"No": "n"},
    ),
    "a label with two payloads": (
        [("Yes", "a"), ("No", "n"), ("Yes", "b")],
        "components[4].buttonText",
        "is that of another quick reply, which has another payload",
        {"No": "n"},
    ),
    "a label with a payload and without": (
        [("Yes", None), ("Yes", "b")],
        "components[3].buttonText",
        "is that of another quick reply, which has another payload",
        {},
    ),
    "payloads that would make the record large": (
        [("Yes", "k" * 4094)],
        "components",
        "labels and payloads of quick replies are longer than 4096 bytes",
        {},
    ),
}


@pytest.mark.parametrize(("pairs", "field", "reason", "certain"), REFUSED.values(), ids=REFUSED.keys())
def test_a_payload_that_no_label_leads_to_is_refused(
    pairs: list[tuple[str, str | None]], field: str, reason: str, certain: dict[str, str]
) -> None:
    """Where the BSP has a place for it, it is not refused, and what is certain is kept."""
    with pytest.raises(Refused) as caught:
        check_payloads(message(*pairs))

    assert (caught.value.field, caught.value.reason, caught.value.code) == (field, reason, 2001)
    assert payloads_by_label(message(*pairs)) == certain


@pytest.mark.parametrize(("value", "kept"), [("k" * 4093, 1), ("\N{DEVANAGARI LETTER KA}" * 1365, 0)])
def test_the_limit_counts_bytes(value: str, kept: Any) -> None:
    assert len(payloads_by_label(message(("Yes", value)))) == kept
