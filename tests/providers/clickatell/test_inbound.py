from typing import Any

import pytest
from pydantic_core import to_json

from tests.providers.clickatell import samples
from tests.providers.clickatell.samples import SECONDS, Json
from tests.providers.conformance import OTHER_PERSON, PERSON, TEXT, callback
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import NO_TIME
from whatsapp_bridge.providers.clickatell import inbound, replies
from whatsapp_bridge.providers.contract.inbound import Ignored, NotUnderstood, ReplyEvent
from whatsapp_bridge.providers.contract.replies import Reply
from whatsapp_bridge.providers.contract.statuses import StatusEvent

ACCOUNT = parse_account("acme", samples.secret())


def events(raw: bytes) -> list[Any]:
    return inbound.split(callback(raw), ACCOUNT)


# --- statuses --------------------------------------------------------------------------------------------------------

STATUSES = {
    "sent": (samples.status(4), StatusEvent("sent", SECONDS, "1|2|3|4", "bsp-1")),
    "queued": (samples.status(2), StatusEvent("accepted", SECONDS, "1|2|3|4", "bsp-1")),
    "failed": (
        samples.status(131),
        StatusEvent("failed", SECONDS, "1|2|3|4", "bsp-1", 1008, "Re-engagement required"),
    ),
    "unlisted": (
        samples.status(777),
        StatusEvent("failed", SECONDS, "1|2|3|4", "bsp-1", 1009, "Unlisted status 777", unlisted=True),
    ),
    "code as text": (samples.status(" 5 "), StatusEvent("delivered", SECONDS, "1|2|3|4", "bsp-1")),
    "code with a fraction": (samples.status(6.0), StatusEvent("read", SECONDS, "1|2|3|4", "bsp-1")),
    "unlisted, its name is not": (
        samples.status(777, status="DEVICE_ACK"),
        StatusEvent("delivered", SECONDS, "1|2|3|4", "bsp-1"),
    ),
    "unlisted, name and code": (
        samples.status(777, status="HELD_BY_MOON"),
        StatusEvent("failed", SECONDS, "1|2|3|4", "bsp-1", 1009, "Unlisted status HELD_BY_MOON", unlisted=True),
    ),
    "no code, a known name": (
        samples.status(None, status="read"),
        StatusEvent("read", SECONDS, "1|2|3|4", "bsp-1"),
    ),
    "no code, an unknown name": (
        samples.status(None, status="HELD_BY_MOON"),
        StatusEvent("failed", SECONDS, "1|2|3|4", "bsp-1", 1009, "Unlisted status HELD_BY_MOON", unlisted=True),
    ),
    "a name without a number": (
        samples.status(None, status="STOP_MARKETING_MESSAGES"),
        StatusEvent("failed", SECONDS, "1|2|3|4", "bsp-1", 1006, "Stop marketing messages"),
    ),
    "a name without a listed number": (
        samples.status(151, status="EXCESSIVE_MESSAGES_TO_RECIPIENT"),
        StatusEvent("failed", SECONDS, "1|2|3|4", "bsp-1", 1004, "Excessive messages to recipient"),
    ),
    "a listed code decides": (
        samples.status(5, status="EXPIRED"),
        StatusEvent("delivered", SECONDS, "1|2|3|4", "bsp-1"),
    ),
    "channel as in the samples": (
        samples.status(4, channel="whatsapp/sms "),
        StatusEvent("sent", SECONDS, "1|2|3|4", "bsp-1"),
    ),
    "no channel": (samples.status(4, channel=None), StatusEvent("sent", SECONDS, "1|2|3|4", "bsp-1")),
    "no clientMessageId": (samples.status(4, None), StatusEvent("sent", SECONDS, None, "bsp-1")),
    "clientMessageId null as text": (samples.status(4, "null"), StatusEvent("sent", SECONDS, None, "bsp-1")),
    "clientMessageId blank": (samples.status(4, " "), StatusEvent("sent", SECONDS, None, "bsp-1")),
    "clientMessageId a number": (samples.status(4, 1234), StatusEvent("sent", SECONDS, "1234", "bsp-1")),
    "no messageId": (samples.status(4, messageId=None), StatusEvent("sent", SECONDS, "1|2|3|4", None)),
    "time in seconds": (samples.status(4, timestamp=SECONDS), StatusEvent("sent", SECONDS, "1|2|3|4", "bsp-1")),
    "time as text": (
        samples.status(4, timestamp=f"{SECONDS}999"),
        StatusEvent("sent", SECONDS, "1|2|3|4", "bsp-1"),
    ),
    "no time": (samples.status(4, timestamp=None), StatusEvent("sent", NO_TIME, "1|2|3|4", "bsp-1")),
    "time with a fraction": (
        samples.status(4, timestamp=SECONDS * 1000 + 0.5),
        StatusEvent("sent", SECONDS, "1|2|3|4", "bsp-1"),
    ),
}


@pytest.mark.parametrize(("element", "expected"), STATUSES.values(), ids=STATUSES.keys())
def test_status(element: Json, expected: StatusEvent) -> None:
    assert events(samples.statuses([element])) == [expected]


FALLBACK = {
    "channel": "whatsapp",
    "timestamp": SECONDS * 1000,
    "statusDescription": 5,
    "status": "DEVICE_ACK",
    "messageId": "bsp-1",
    "clientMessageId": "1|2|3|4",
}
FALLBACKS = {
    "as documented": (FALLBACK, StatusEvent("delivered", SECONDS, "1|2|3|4", "bsp-1")),
    "with a description in words": (
        FALLBACK | {"statusDescription": "private"},
        StatusEvent("delivered", SECONDS, "1|2|3|4", "bsp-1"),
    ),
    "failed": (
        FALLBACK | {"statusDescription": "29", "status": "RECIPIENT_DOES_NOT_EXIST"},
        StatusEvent("failed", SECONDS, "1|2|3|4", "bsp-1", 1005, "Recipient does not exist on channel"),
    ),
    "that says nothing": (
        FALLBACK | {"statusDescription": None, "status": ""},
        NotUnderstood("messageFallback", "no statusCode", FALLBACK | {"statusDescription": None, "status": ""}),
    ),
}


@pytest.mark.parametrize(("element", "expected"), FALLBACKS.values(), ids=FALLBACKS.keys())
def test_status_of_a_fallback(element: Json, expected: StatusEvent | NotUnderstood) -> None:
    assert events(samples.callback(messageFallback=[element])) == [expected]


def test_one_element_without_a_list() -> None:
    assert events(samples.callback(messageStatusUpdate=samples.status(4))) == [
        StatusEvent("sent", SECONDS, "1|2|3|4", "bsp-1")
    ]


def test_kinds_together_in_their_order() -> None:
    raw = samples.callback(
        moText=[samples.text("m1"), samples.text("m2")],
        statusIsTyping=[{"from": PERSON}],
        messageStatusUpdate=[samples.status(4), samples.status(5)],
        moSuggestedResponse=[samples.tap("m3")],
    )

    assert [getattr(event, "id", None) or getattr(event, "status", None) or event.kind for event in events(raw)] == [
        "m1",
        "m2",
        "statusIsTyping",
        "sent",
        "delivered",
        "m3",
    ]


@pytest.mark.parametrize("kind", ["", "x"])
def test_other_kinds_are_not_understood(kind: str) -> None:
    assert events(samples.callback(**{kind: [{"a": 1}]})) == [NotUnderstood(kind, "unknown kind", {"a": 1})]


def test_events_in_a_list() -> None:
    event = {"moText": [samples.text("m1")]}

    found = events(to_json({"integrationId": "i", "event": [event, {"moText": samples.text("m2")}]}))

    assert [reply.id for reply in found] == ["m1", "m2"]


def test_typing_is_ignored() -> None:
    assert events(samples.callback(statusIsTyping=[{"from": PERSON}])) == [Ignored("statusIsTyping")]


# --- messages from people --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "expected"),
    [(PERSON, PERSON), (f"+{PERSON}", PERSON), (int(PERSON), PERSON), (f" {PERSON} ", PERSON)],
    ids=["digits", "plus sign", "number", "spaces"],
)
def test_sender(sender: Any, expected: str) -> None:
    (event,) = events(samples.callback(moText=[samples.text(**{"from": sender})]))

    assert (event.id, event.sender) == ("m1", expected)
    assert event.element == samples.text(**{"from": sender}) | {"kind": "moText"}


@pytest.mark.parametrize("sender", [None, "", "null", "ada", "\u0663\u0664", True, ["1"], "27 or 83"])
def test_without_a_sender_it_is_not_understood(sender: Any) -> None:
    element = samples.text(**{"from": sender})

    assert events(samples.callback(moText=[element])) == [NotUnderstood("moText", "no sender", element)]


@pytest.mark.parametrize("missing", [None, "", "null", {}])
def test_message_without_an_id_is_known_by_its_content(missing: Any) -> None:
    first, repeat, other = (
        events(samples.callback(moText=[element]))[0].id
        for element in (samples.text(missing), samples.text(missing), samples.text(missing, content="more"))
    )

    assert first == repeat != other
    assert len(first) == 72


def replied(kind: str, element: Json) -> Any:
    (event,) = events(samples.callback(**{kind: [element]}))
    assert isinstance(event, ReplyEvent)
    return replies.reply(event.element, ACCOUNT)


FROM_PERSON = {
    "payloadVersion": "0.1",
    "from": PERSON,
    "wabaNumber": "27999000001",
    "timestamp": str(SECONDS),
}


def location(latitude: str = "37.536033630371094", longitude: str = "-122.25885772705078", **words: str) -> Json:
    return {"type": "location", "location": {"latitude": latitude, "longitude": longitude, **words}}


CONTACT = f"""{TEXT}
private company
{PERSON} (private home)
{OTHER_PERSON}, WhatsApp 27830000000 (private work)
private@shop.example (private home)
https://private.example (private home)
private street, private city, private state, 1010, private country, 10 (private home)
1980-01-31"""
REPLIES = {
    "text": ("moText", samples.text(), {"type": "text", "text": {"body": TEXT}}),
    "text as it is": ("moText", samples.text(content=" k\n"), {"type": "text", "text": {"body": " k\n"}}),
    "text that says null": ("moText", samples.text(content="null"), {"type": "text", "text": {"body": "null"}}),
    "tap": (
        "moSuggestedResponse",
        samples.tap(),
        {"type": "button", "button": {"payload": TEXT, "text": "private label"}},
    ),
    "tap without postback data": (
        "moSuggestedResponse",
        samples.tap(postbackData=None),
        {"type": "button", "button": {"payload": "private label", "text": "private label"}},
    ),
    "tap without label": (
        "moSuggestedResponse",
        samples.tap(content=None),
        {"type": "button", "button": {"payload": TEXT, "text": TEXT}},
    ),
    "button response": (
        "moButtonResponse",
        samples.button_response(),
        {"type": "button", "button": {"payload": TEXT, "text": "private label"}},
    ),
    "button response with content": (
        "moButtonResponse",
        samples.button_response(title=None, content="private label"),
        {"type": "button", "button": {"payload": TEXT, "text": "private label"}},
    ),
    "button response with a selected item": (
        "moButtonResponse",
        samples.button_response(title=None, postbackData=None, selectedItem={"title": "Yes", "postbackData": "yes"}),
        {"type": "button", "button": {"payload": "yes", "text": "Yes"}},
    ),
    "button response, title alone": (
        "moButtonResponse",
        samples.button_response(postbackData=None, selectedItem="private"),
        {"type": "button", "button": {"payload": "private label", "text": "private label"}},
    ),
    "location": ("moLocation", samples.location(), location(name=TEXT, address="private street")),
    "location spelt right": (
        "moLocation",
        samples.location(latitute=None, latitude="1.50"),
        location("1.50", name=TEXT, address="private street"),
    ),
    "location of numbers": (
        "moLocation",
        samples.location(latitute=-33.5, longitude=18),
        location("-33.5", "18", name=TEXT, address="private street"),
    ),
    "location without words": ("moLocation", samples.location(locationName=None, locationAddress=None), location()),
    "location, null as text": ("moLocation", samples.location(locationName="null", locationAddress=" "), location()),
    "location, words no text": (
        "moLocation",
        samples.location(locationName=[TEXT], locationAddress={}),
        location(name=f'["{TEXT}"]'),
    ),
    "text that is no text": ("moText", samples.text(content={"x": 1}), {"type": "text", "text": {"body": '{"x":1}'}}),
    "digits that have lost their quotes": (
        "moText",
        samples.text(content=482913),
        {"type": "text", "text": {"body": "482913"}},
    ),
    "postback data that has lost its quotes": (
        "moSuggestedResponse",
        samples.tap(postbackData=17),
        {"type": "button", "button": {"payload": "17", "text": "private label"}},
    ),
    "postback data that is an object": (
        "moSuggestedResponse",
        samples.tap(postbackData={"a": 1}),
        {"type": "button", "button": {"payload": '{"a":1}', "text": "private label"}},
    ),
    "contact of a name alone": (
        "moContacts",
        samples.contacts(contacts=[{}, None, "x", {"name": {}}]),
        {"type": "text", "text": {"body": "x"}},
    ),
    "location 0, 0": (
        "moLocation",
        samples.location(latitute="0", longitude="0.0", locationName=None, locationAddress=None),
        location("0", "0.0"),
    ),
    "contacts": ("moContacts", samples.contacts(), {"type": "text", "text": {"body": CONTACT}}),
    "contacts in another form": (
        "moContacts",
        samples.contacts(
            contacts=[{"name": TEXT, "phones": [PERSON], "emails": ["private@shop.example"], "nickname": "private"}]
        ),
        {"type": "text", "text": {"body": f"{TEXT}\n{PERSON}\nprivate@shop.example\nnickname: private"}},
    ),
    "a card alone": (
        "moContacts",
        samples.contacts(contacts=[{"vcard": f"TEL:{PERSON}"}]),
        {"type": "text", "text": {"body": f"TEL:{PERSON}"}},
    ),
    "two contacts": (
        "moContacts",
        samples.contacts("m1", {"name": {"formattedName": "Ben"}, "phones": [{"phone": OTHER_PERSON}]}),
        {"type": "text", "text": {"body": f"{CONTACT}\n\nBen\n{OTHER_PERSON}"}},
    ),
}


@pytest.mark.parametrize(("kind", "element", "expected"), REPLIES.values(), ids=REPLIES.keys())
def test_reply(kind: str, element: Json, expected: Json) -> None:
    answer = replied(kind, element)

    assert isinstance(answer, Reply)
    assert answer.message.wire() == FROM_PERSON | expected
    assert (answer.answers_reference, answer.answers_bsp_id) == ("1|2|3|4", "bsp-1")


@pytest.mark.parametrize(
    ("reference", "bsp_id", "expected"),
    [
        ("a|b", "c", ("a|b", "c")),
        (None, "c", (None, "c")),
        ("c", "c", (None, "c")),
        ("null", "c", (None, "c")),
        ("", "null", (None, None)),
        (None, None, (None, None)),
    ],
)
def test_what_a_reply_answers(reference: Any, bsp_id: Any, expected: tuple[Any, Any]) -> None:
    answer = replied("moText", samples.text(relatedClientMessageId=reference, relatedMessageId=bsp_id))

    assert (answer.answers_reference, answer.answers_bsp_id) == expected


def test_contacts_of_one_message_in_several_elements_are_messages_of_their_own() -> None:
    raw = samples.callback(
        moContacts=[samples.contacts("m1"), samples.contacts("m2"), samples.contacts("m1"), samples.contacts("m1")]
    )

    assert [event.id for event in events(raw)] == ["m1", "m2", "m1.2", "m1.3"]
    assert events(raw) == events(raw)


def test_other_messages_with_the_same_id_are_repeats() -> None:
    raw = samples.callback(moText=[samples.text("m1"), samples.text("m1")])

    assert [event.id for event in events(raw)] == ["m1", "m1"]


NO_REPLIES = {
    "no content": ("moText", samples.text(content=None), "no content"),
    "empty content": ("moText", samples.text(content=""), "no content"),
    "tap without anything": ("moSuggestedResponse", samples.tap(content=None, postbackData=None), "no content"),
    "button response without anything": (
        "moButtonResponse",
        samples.button_response(title=None, postbackData="", selectedItem={"title": None}),
        "no content",
    ),
    "no latitude": ("moLocation", samples.location(latitute=None), "no content"),
    "latitude a word": ("moLocation", samples.location(latitute="private"), "no content"),
    "latitude true": ("moLocation", samples.location(latitute=True), "no content"),
    "latitude beyond the pole": ("moLocation", samples.location(latitute="90.1"), "no content"),
    "no longitude": ("moLocation", samples.location(longitude="null"), "no content"),
    "longitude beyond the date line": ("moLocation", samples.location(longitude=-181), "no content"),
    "contacts null": ("moContacts", samples.contacts(contacts=None), "no content"),
    "no contact": ("moContacts", samples.contacts(contacts=[]), "no content"),
    "contacts that say nothing": ("moContacts", samples.contacts(contacts=[{}, None, {"name": {}}]), "no content"),
}


@pytest.mark.parametrize(("kind", "element", "reason"), NO_REPLIES.values(), ids=NO_REPLIES.keys())
def test_reply_that_says_nothing(kind: str, element: Json, reason: str) -> None:
    assert replied(kind, element) == NotUnderstood(kind, reason, element | {"kind": kind})


def test_clickatell_gives_no_proof_of_its_own() -> None:
    request = callback(samples.callback())

    assert inbound.authentic(request, ACCOUNT) is True
    assert inbound.challenge(request, ACCOUNT) is None
