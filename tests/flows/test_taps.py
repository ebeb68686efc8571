"""A tapped quick reply brings back the payload that CleverTap sent, also where the BSP says only the label."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.conftest import Log
from tests.providers.cloud_api import samples as meta
from tests.providers.gupshup import samples
from tests.providers.message_central import samples as central
from tests.support.world import BSP_URL, World, account, freeform, json_answer, mo_text, template, world
from whatsapp_bridge.clevertap.answers import SUCCESS
from whatsapp_bridge.net.http import Answer

type Json = dict[str, Any]

PERSON = "27820000001"
PAYLOADS = {"Yes, please": "25596363|yes", "No": "25596363|no"}


def gupshup() -> Json:
    """Whose templates are sent by their text, which has no place for payloads."""
    settings = samples.secret(BSP_URL, templates={})["provider"]
    return account(provider=settings, options={"click_time_zone": "Asia/Kolkata", "send_template_validations": True})


def asked(msg_id: str = "a", payloads: dict[str, str | None] | None = None) -> Json:
    """A template with a quick reply for each label."""
    buttons = [
        {
            "type": "button",
            "index": index,
            "subType": "quickReply",
            "buttonText": label,
            "parameters": [{"type": "payload", "payload": payload}] if payload else [],
        }
        for index, (label, payload) in enumerate((PAYLOADS if payloads is None else payloads).items())
    ]
    body = {"type": "body", "body": {"text": "Coming?", "parameters": []}}
    return template(msg_id, PERSON) | {"components": [body, *buttons]}


def take(url: str, raw: Any) -> Answer:
    return json_answer(200, samples.taken(f"5001-{dict(parse_qsl(raw.decode()))['extra']}"))


@pytest.fixture
def made() -> Iterator[World]:
    with world(acme=gupshup()) as fresh:
        fresh.bsp = take
        yield fresh


def send(made: World, *messages: Json) -> None:
    for message in messages:
        assert made.send(message) == SUCCESS
        made.pump()


def tap(made: World, label: str, of: str | None = "a", **changes: Any) -> None:
    """As Gupshup reports it: the label is the payload too."""
    content = json.dumps({"text": label, "payload": label})
    answered = {"replyId": "5001", "messageId": of} if of else {"replyId": ..., "messageId": ...}
    element = samples.message("button", mobile=PERSON, button=content, **answered, **changes)
    assert made.callback(element).status == 200


def told(made: World) -> list[tuple[str, str, str | None]]:
    """Label, payload and the answered message of each tap that CleverTap got."""
    taps = [(reply["button"], reply.get("context", {}).get("id")) for reply in made.replies]
    return [(button["text"], button["payload"], answered) for button, answered in taps]


ALMOST = {"yes": "a", "YES": "b", "Stop": "c"}
TAPS: dict[str, tuple[dict[str, str | None], str, str]] = {
    "as it was sent": ({**PAYLOADS}, "Yes, please", "25596363|yes"),
    "another one": ({**PAYLOADS}, "No", "25596363|no"),
    "in another case": ({**PAYLOADS}, "NO", "25596363|no"),
    "with other blanks": ({**PAYLOADS}, " Yes,\u00a0 please", "25596363|yes"),
    "with a sign that nobody sees": ({**PAYLOADS}, "\u200eNo\ufe0f", "25596363|no"),
    "composed otherwise": ({"Cafe\u0301": "c"}, "Caf\u00e9", "c"),
    "of another template": ({**PAYLOADS}, "Maybe", "Maybe"),
    "one of two that differ in their case": ({**ALMOST}, "YES", "b"),
    "which of two that differ in their case is not known": ({**ALMOST}, "Yes", "Yes"),
    "of a button without a payload": ({**PAYLOADS, "Stop": None}, "Stop", "Stop"),
    "of a template without payloads": ({"Yes": None}, "Yes", "Yes"),
}


@pytest.mark.parametrize(("payloads", "label", "payload"), TAPS.values(), ids=TAPS.keys())
def test_the_label_leads_to_the_payload(
    made: World, log: Log, payloads: dict[str, str | None], label: str, payload: str
) -> None:
    send(made, asked(payloads=payloads))
    tap(made, label)
    made.pump()

    assert told(made) == [(label, payload, "a")]
    assert not any(private in log.text for private in ("25596363|", "please"))


def test_what_stands_beside_a_tap_hides_its_payload_from_nobody_at_gupshup(made: World) -> None:
    send(made, asked())
    tap(made, "No", type="poll", poll='{"question": "Coming?"}')
    made.pump()

    assert told(made) == [("No\n[poll: question: Coming?]", "25596363|no", "a")]


def test_an_ad_beside_a_tap_hides_its_payload_from_nobody_at_message_central() -> None:
    with world(acme=account(provider=central.secret(BSP_URL, token=central.TOKEN)["provider"])) as made:
        made.bsp = lambda url, payload: central.said(200, central.sent())
        send(made, asked())
        ad = {"referral": {"headline": "Sale"}, "context": {"id": "wamid.1"}}
        element = meta.button(payload="No", text="No") | {"from": PERSON} | ad
        assert made.callback(meta.events(messages=[element])).status == 200
        made.pump()

        assert told(made) == [("No\n[referral: headline: Sale]", "25596363|no", "a")]


def test_each_message_has_its_own_payloads(made: World) -> None:
    send(made, asked("a"), asked("b", {"No": "other|no"}))
    for name in ("b", "a"):
        tap(made, "No", name)
        made.pump()

    assert told(made) == [("No", "other|no", "b"), ("No", "25596363|no", "a")]


def test_a_tap_on_no_known_message_is_told_as_it_came(made: World) -> None:
    send(made, asked())
    tap(made, "No", "of somebody else")
    tap(made, "No", None, timestamp="1760000001000")
    made.pump()

    assert told(made) == [("No", "No", None)] * 2


def test_a_tap_before_the_message_is_recorded_waits_for_its_payload(made: World) -> None:
    def quick(url: str, raw: Any) -> Answer:
        tap(made, "No")
        made.run()
        assert made.replies == [], "the id of the message is not known yet"
        return take(url, raw)

    made.bsp = quick
    send(made, asked())

    assert told(made) == [("No", "25596363|no", "a")]


def test_a_message_that_is_sent_later_keeps_its_payloads(made: World) -> None:
    answers = iter([Answer(429, {}, b"")])
    made.bsp = lambda url, raw: next(answers, None) or take(url, raw)
    send(made, asked())
    tap(made, "No")
    made.pump()

    assert told(made) == [("No", "25596363|no", "a")]


def test_a_sample_of_clevertap_s_has_its_payloads_too(made: World) -> None:
    send(made, asked("0|0|0|0"))
    # Before it, the BSP was asked for the template.
    *_, (_, raw, _) = made.bsp_requests
    tap(made, "No", dict(parse_qsl(raw.decode()))["extra"])
    made.pump()

    assert told(made) == [("No", "25596363|no", "0|0|0|0")]


def test_a_message_of_an_older_version_has_no_payloads(made: World) -> None:
    send(made, asked())
    made.dynamodb.update_item(
        TableName=made.table.name, Key={"pk": {"S": "msg#acme#a"}}, UpdateExpression="REMOVE payloads"
    )
    tap(made, "No")
    made.pump()

    assert told(made) == [("No", "No", "a")]


@pytest.mark.parametrize("payload", ["25596363|no", None], ids=["with", "without"])
def test_payloads_cost_no_write_and_a_tap_one_read(made: World, payload: str | None) -> None:
    """Of the message's record: its claim, its outcome, and what a tap brings back."""
    asked_of_it = requests_for(made, "msg#acme#a")
    send(made, asked("a", {"No": payload}))
    assert asked_of_it == ["UpdateItem", "UpdateItem"]
    tap(made, "No")
    made.pump()

    assert asked_of_it[2:] == ["GetItem"]


def requests_for(made: World, key: str) -> list[str]:
    """From now on."""
    found: list[str] = []

    def note(operation: str, parameters: Any) -> None:
        if parameters.get("Key") == {"pk": {"S": key}}:
            found.append(operation)

    made.fail = note
    return found


def test_the_record_has_nothing_that_is_not_needed(made: World) -> None:
    send(made, asked("a"), asked("b", {"Yes": None}), freeform("c", PERSON))
    items = {name: made.table.get(f"msg#acme#{name}") or {} for name in "abc"}

    assert {name: json.loads(item.get("payloads", "null")) for name, item in items.items()} == {
        "a": PAYLOADS,
        "b": None,
        "c": None,
    }


def test_a_bsp_that_brings_payloads_back_is_not_helped() -> None:
    with world() as made:
        send(made, template("a", PERSON))
        item = made.table.get("msg#acme#a")
        assert item is not None
        assert "payloads" not in item
        asked_of_it = requests_for(made, "msg#acme#a")
        made.callback({"event": {"moSuggestedResponse": [tapped("Yes", "pay|yes")]}})
        made.pump()

        assert (told(made), asked_of_it) == ([("Yes", "pay|yes", "a")], [])


def tapped(label: str, data: str) -> Json:
    element: Json = mo_text(label, relatedClientMessageId="a")["event"]["moText"][0]
    return element | {"postbackData": data}
