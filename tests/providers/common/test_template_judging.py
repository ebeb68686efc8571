"""What becomes of a message by what is known of its template, and how old that is."""

import json

import pytest

from tests.clevertap import payloads
from tests.templates.samples import NOW, Json, body, entry, template
from whatsapp_bridge.clevertap.messages import TemplateMessage
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.providers.common.template_judging import Judgement, Rules, judge
from whatsapp_bridge.templates.news import News, merged
from whatsapp_bridge.templates.template import FILE, FRESH_SECONDS, Template


def message(**named: str) -> TemplateMessage:
    """Of the template `order_ready` in English, with two values, unless another is named."""
    read = parse_message(
        json.dumps(payloads.template(template={"namespace": "order_ready", "languageCode": "en"} | named))
    )
    assert isinstance(read, TemplateMessage)
    return read


def of_file(**changes: object) -> Template:
    news = of_entry(entry(**changes), 1, FILE)
    assert news is not None
    found = merged(None, news).template
    assert found is not None
    return found


def heard(known: Template, at: int, status: str) -> Template:
    news = News(known.name, known.language, at, "a webhook", says={"status": status})
    return merged(known, news).template or known


ONE_VALUE: Json = {"components": [body("Hello {{1}}, order ready.")]}
OLD = NOW - FRESH_SECONDS - 1

REFUSED: dict[str, tuple[Template, bool]] = {
    "paused": (template(status="PAUSED"), False),
    "paused five minutes ago": (template(status="PAUSED", at=NOW - FRESH_SECONDS), False),
    "paused before that": (template(status="PAUSED", at=OLD), True),
    "paused now, known for long": (heard(template(at=OLD), NOW, "PAUSED"), False),
    "another number of values": (template(**ONE_VALUE), False),
    "another number of values, long ago": (template(**ONE_VALUE, at=OLD), True),
    "another number of values, and a new status": (heard(template(**ONE_VALUE, at=OLD), NOW, "APPROVED"), True),
    "another number of values, in a file": (of_file(**ONE_VALUE), False),
    "deleted": (template(status="DELETED"), False),
}


@pytest.mark.parametrize(("known", "is_stale"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(known: Template, is_stale: bool) -> None:
    found = judge(message(), [known], NOW, NOW)
    assert found.template == known
    assert found.refused is not None
    assert found.is_stale == is_stale


TAKEN: dict[str, Template] = {
    "it fits": template(),
    "it fitted long ago": template(at=OLD),
    "a status that nobody knows": template(status="TOOCRAZY"),
    "a file says that it is paused": of_file(status="PAUSED"),
    "an event alone told of it": Template("order_ready", "en", bsp_name="order_ready", status="APPROVED"),
}


@pytest.mark.parametrize("known", TAKEN.values(), ids=TAKEN.keys())
def test_taken(known: Template) -> None:
    assert judge(message(), [known], NOW, NOW) == Judgement(known)


def test_a_status_that_was_heard_of_counts_for_a_template_of_a_file() -> None:
    assert judge(message(), [heard(of_file(), NOW, "PAUSED")], 0, NOW).refused is not None


@pytest.mark.parametrize(
    ("listed_at", "rules", "is_refused", "is_stale"),
    [
        pytest.param(NOW, Rules(), False, False, id="unknown ones pass"),
        pytest.param(NOW, Rules(refuse_unknown=True), True, False, id="unknown ones are refused"),
        pytest.param(OLD, Rules(refuse_unknown=True), True, True, id="it may be new"),
        pytest.param(0, Rules(refuse_unknown=True), False, False, id="there is no list yet"),
    ],
)
def test_unknown(listed_at: int, rules: Rules, is_refused: bool, is_stale: bool) -> None:
    found = judge(message(namespace="nowhere"), [template()], listed_at, NOW, rules)
    assert (found.template, found.refused is not None, found.is_stale) == (None, is_refused, is_stale)
    in_german = judge(message(languageCode="de"), [template()], listed_at, NOW, rules)
    assert (in_german.template, in_german.refused is not None) == (None, is_refused)


@pytest.mark.parametrize(
    ("rules", "is_refused", "is_told"),
    [
        pytest.param(Rules(), False, True, id="the BSP takes values"),
        pytest.param(Rules(by_text=True), True, False, id="the BSP takes the text"),
    ],
)
def test_another_text(rules: Rules, is_refused: bool, is_told: bool) -> None:
    known = template(body("Good day {{1}}, parcel {{2}} is here.", "a", "b"))
    found = judge(message(), [known], NOW, NOW, rules)
    assert (found.refused is not None, found.has_another_text) == (is_refused, is_told)
