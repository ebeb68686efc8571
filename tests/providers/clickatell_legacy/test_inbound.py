from typing import Any

import pytest

from tests.providers.clickatell_legacy import samples
from tests.providers.clickatell_legacy.samples import SECONDS, Json
from tests.providers.conformance import PERSON, TEXT, callback
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import NO_TIME
from whatsapp_bridge.providers.clickatell_legacy import inbound, replies
from whatsapp_bridge.providers.contract.inbound import NotUnderstood, ReplyEvent
from whatsapp_bridge.providers.contract.replies import Attachment, Reply
from whatsapp_bridge.providers.contract.statuses import StatusEvent

ACCOUNT = parse_account("acme", samples.secret())


def event(body: Json) -> Any:
    (found,) = inbound.split(callback(samples.raw(body)), ACCOUNT)
    return found


STATUSES = {
    "sent": (samples.status(3), StatusEvent("sent", SECONDS, "1|2|3|4", "bsp-1")),
    "delivered": (samples.status(4), StatusEvent("delivered", SECONDS, "1|2|3|4", "bsp-1")),
    "read": (samples.status(27), StatusEvent("read", SECONDS, "1|2|3|4", "bsp-1")),
    "queued": (samples.status(1001), StatusEvent("accepted", SECONDS, "1|2|3|4", "bsp-1")),
    "failed": (
        samples.status(12),
        StatusEvent("failed", SECONDS, "1|2|3|4", "bsp-1", 1005, "The MSISDN is not on the WhatsApp network"),
    ),
    "One API's read is unlisted here": (
        samples.status(6),
        StatusEvent("failed", SECONDS, "1|2|3|4", "bsp-1", 1009, "Unlisted status 6", unlisted=True),
    ),
    "not known": (samples.status(1), StatusEvent("accepted", SECONDS, "1|2|3|4", "bsp-1")),
    "no code, a known name": (
        samples.status(None, status="RECEIVED_BY_RECIPIENT"),
        StatusEvent("delivered", SECONDS, "1|2|3|4", "bsp-1"),
    ),
    "a name of several meanings": (
        samples.status(None, status="ERROR_WITH_MESSAGE"),
        StatusEvent("failed", SECONDS, "1|2|3|4", "bsp-1", 1009, "Unlisted status ERROR_WITH_MESSAGE", unlisted=True),
    ),
    "code as text": (samples.status("4"), StatusEvent("delivered", SECONDS, "1|2|3|4", "bsp-1")),
    "no time": (samples.status(4, timestamp=None), StatusEvent("delivered", NO_TIME, "1|2|3|4", "bsp-1")),
    "no clientMessageId": (samples.status(4, None), StatusEvent("delivered", SECONDS, None, "bsp-1")),
    "no messageId": (samples.status(4, messageId=None), StatusEvent("delivered", SECONDS, "1|2|3|4", None)),
}


@pytest.mark.parametrize(("body", "expected"), STATUSES.values(), ids=STATUSES.keys())
def test_status(body: Json, expected: StatusEvent) -> None:
    assert event(body) == expected


NOT_UNDERSTOOD: dict[str, tuple[Json, str, str]] = {
    "nothing": (samples.text(content=None), "unknown", "unknown kind"),
    "One API's": ({"integrationId": "i", "event": {"moText": []}}, "event", "One API's callback"),
    "text without a sender": (samples.text(**{"from": "ada"}), "text", "no sender"),
    "status of nothing": (
        samples.status(4, None, messageId="null"),
        "status",
        "neither clientMessageId nor messageId",
    ),
    "status without a number": (samples.status("x"), "status", "no statusCode"),
}


@pytest.mark.parametrize(("body", "kind", "reason"), NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_not_understood_is_kept_whole(body: Json, kind: str, reason: str) -> None:
    assert event(body) == NotUnderstood(kind, reason, body)


def test_several_in_a_list() -> None:
    first, second, third = inbound.split(
        callback(samples.raw([samples.text("m1"), "private", samples.status(4)])),  # type: ignore[arg-type]
        ACCOUNT,
    )

    assert isinstance(first, ReplyEvent)
    assert second == NotUnderstood("callback", "not an object", "private")
    assert isinstance(third, StatusEvent)


@pytest.mark.parametrize("missing", [None, "", "null"])
def test_message_without_an_id_is_known_by_its_content(missing: Any) -> None:
    first, repeat, other = (
        event(body).id for body in (samples.text(missing), samples.text(missing), samples.text(missing, content="k"))
    )

    assert first == repeat != other


def replied(body: Json) -> Any:
    found = event(body)
    assert isinstance(found, ReplyEvent)
    return replies.reply(found.element, ACCOUNT)


FROM_PERSON = {"payloadVersion": "0.1", "from": PERSON, "wabaNumber": "27999000001", "timestamp": str(SECONDS)}
REPLIES: dict[str, tuple[Json, Json]] = {
    "text": (samples.text(), {"type": "text", "text": {"body": TEXT}}),
    "digits that have lost their quotes": (
        samples.text(content=482913),
        {"type": "text", "text": {"body": "482913"}},
    ),
    "text that is no text": (samples.text(content={"x": 1}), {"type": "text", "text": {"body": '{"x":1}'}}),
    "text that says null": (samples.text(content="null"), {"type": "text", "text": {"body": "null"}}),
    "location": (
        samples.location(),
        {
            "type": "location",
            "location": {"latitude": "-33.9", "longitude": "18.6", "name": TEXT, "address": "private street"},
        },
    ),
    "location without name and address": (
        samples.location(locationName=None, locationAddress=None),
        {"type": "location", "location": {"latitude": "-33.9", "longitude": "18.6"}},
    ),
    "contacts": (
        samples.contacts(contacts=[{"name": {"formattedName": TEXT}, "phones": [{"phone": PERSON, "waId": PERSON}]}]),
        {"type": "text", "text": {"body": f"{TEXT}\n{PERSON}"}},
    ),
    "contacts in another form": (
        samples.contacts(
            contacts=[{"name": TEXT, "phones": [PERSON], "emails": ["private@shop.example"], "nickname": "private"}]
        ),
        {"type": "text", "text": {"body": f"{TEXT}\n{PERSON}\nprivate@shop.example\nnickname: private"}},
    ),
    "a card alone": (
        samples.contacts(contacts=[{"vcard": f"TEL:{PERSON}"}]),
        {"type": "text", "text": {"body": f"TEL:{PERSON}"}},
    ),
    "location in numbers": (
        samples.location(latitude=-33.9, longitude=18, locationName=None, locationAddress=None),
        {"type": "location", "location": {"latitude": "-33.9", "longitude": "18"}},
    ),
}


# By the members that say something; the rest is null in every message.
KINDS: dict[str, tuple[Json, str]] = {
    "text": (samples.text(), "text"),
    "empty text": (samples.text(content=""), "text"),
    "location": (samples.location(), "location"),
    "half a location": (samples.location(longitude=None), "location"),
    "media": (samples.media(), "media"),
    "media with a place": (samples.media(latitude="1", longitude="2"), "media"),
    "media without content": (samples.media(content=None), "media"),
    "text with a blank status code": (samples.text(statusCode=""), "text"),
    "text with a blank type": (samples.text(contentType=" "), "text"),
    "contacts": (samples.contacts(), "contacts"),
    "text beside a status": (samples.text(status="private"), "text"),
}


@pytest.mark.parametrize(("body", "kind"), KINDS.values(), ids=KINDS.keys())
def test_kind(body: Json, kind: str) -> None:
    found = event(body)

    assert isinstance(found, ReplyEvent)
    assert found.element == body | {"kind": kind}


MEDIA: dict[str, tuple[Json, Attachment]] = {
    "image": (
        samples.media(),
        Attachment("image", {"content": "cHJpdmF0ZQ=="}, "image/jpeg", None, TEXT),
    ),
    "document with a hash": (
        samples.media(contentType="application/pdf", caption=None, sha256Hash="ab"),
        Attachment("file", {"content": "cHJpdmF0ZQ==", "sha256Hash": "ab"}, "application/pdf", None, None),
    ),
    "nothing but its type": (samples.media(content=None), Attachment("image", {}, "image/jpeg", None, TEXT)),
}


@pytest.mark.parametrize(("body", "expected"), MEDIA.values(), ids=MEDIA.keys())
def test_media(body: Json, expected: Attachment) -> None:
    answer = replied(body)

    assert answer.attachment == expected
    words = f"[{expected.kind} not available]" + (f" {expected.caption}" if expected.caption else "")
    assert answer.message.wire() == FROM_PERSON | {"type": "text", "text": {"body": words}}
    assert (answer.answers_reference, answer.answers_bsp_id) == ("1|2|3|4", "bsp-1")


@pytest.mark.parametrize(("body", "expected"), REPLIES.values(), ids=REPLIES.keys())
def test_reply(body: Json, expected: Json) -> None:
    answer = replied(body)

    assert isinstance(answer, Reply)
    assert answer.message.wire() == FROM_PERSON | expected
    assert (answer.answers_reference, answer.answers_bsp_id) == ("1|2|3|4", "bsp-1")


@pytest.mark.parametrize(
    ("reference", "bsp_id", "expected"),
    [
        ("a|b", "c", ("a|b", "c")),
        (None, "c", (None, "c")),
        ("c", "c", (None, "c")),
        ("null", "null", (None, None)),
        (None, None, (None, None)),
    ],
)
def test_what_a_reply_answers(reference: Any, bsp_id: Any, expected: tuple[Any, Any]) -> None:
    answer = replied(samples.text(clientMessageId=reference, relatedMessageId=bsp_id))

    assert (answer.answers_reference, answer.answers_bsp_id) == expected


NO_REPLIES: dict[str, tuple[Json, str, str]] = {
    "empty text": (samples.text(content=""), "text", "no content"),
    "contacts that say nothing": (samples.contacts(contacts=[{}]), "contacts", "no content"),
    "no longitude": (samples.location(longitude=None), "location", "latitude and longitude must be decimal degrees"),
    "latitude no number": (
        samples.location(latitude=True),
        "location",
        "latitude and longitude must be decimal degrees",
    ),
}


@pytest.mark.parametrize(("body", "kind", "reason"), NO_REPLIES.values(), ids=NO_REPLIES.keys())
def test_reply_that_says_nothing(body: Json, kind: str, reason: str) -> None:
    assert replied(body) == NotUnderstood(kind, reason, body | {"kind": kind})


def test_clickatell_gives_no_proof_of_its_own() -> None:
    request = callback(samples.raw(samples.status(4)))

    assert inbound.authentic(request, ACCOUNT) is True
    assert inbound.challenge(request, ACCOUNT) is None
