from dataclasses import replace
from typing import Any

import pytest
from pydantic_core import to_json

from tests.providers.clickatell import samples as clickatell
from tests.providers.cloud_api import samples
from tests.providers.cloud_api.samples import SECONDS, Json, entry, events, webhook
from tests.providers.conformance import OTHER_PERSON, PERSON, TEXT, assert_public
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import NO_TIME
from whatsapp_bridge.providers.cloud_api import inbound, replies
from whatsapp_bridge.providers.contract.inbound import (
    Callback,
    Event,
    Ignored,
    NotACallback,
    Notice,
    NotUnderstood,
    ReplyEvent,
    ReportedError,
)
from whatsapp_bridge.providers.contract.replies import Attachment, Reply
from whatsapp_bridge.providers.contract.statuses import StatusEvent

# The dialect knows nothing of an account but its number.
ACCOUNT = parse_account("acme", clickatell.secret())


def split(raw: bytes) -> list[Event]:
    found = inbound.split(Callback("POST", {}, {}, raw))
    assert_public(found)
    return found


# --- envelopes -------------------------------------------------------------------------------------------------------

NO_WEBHOOKS = {
    "list": b'[{"entry": []}]',
    "another product's": b'{"object": "page", "entry": []}',
    "messages beside an empty entry": b'{"entry": [{"changes": []}], "value": {"messages": [{"private": 1}]}}',
    "an unknown list beside empty changes": b'{"entry": [{"id": "1", "changes": [], "messaging": [{"private": 1}]}]}',
    "an unknown member beside empty messages": b'{"messages": [], "private": {"private": 1}}',
    "entry missing": b'{"object": "whatsapp_business_account", "private": 1}',
}


@pytest.mark.parametrize("raw", NO_WEBHOOKS.values(), ids=NO_WEBHOOKS.keys())
def test_no_webhook(raw: bytes) -> None:
    with pytest.raises(NotACallback) as caught:
        split(raw)
    assert_public(caught.value)


@pytest.mark.parametrize("raw", [b'{"entry": []}', b'{"object": null, "entry": []}'], ids=["missing", "null"])
def test_object_may_be_missing(raw: bytes) -> None:
    assert split(raw) == []


def webhook_of(**members: Any) -> bytes:
    return to_json({"object": "whatsapp_business_account", **members})


SENT = StatusEvent("sent", SECONDS, "1|2|3|4", "wamid.1", recipient=PERSON)
ENVELOPES: dict[str, tuple[bytes, list[Any]]] = {
    "no entry": (webhook(), []),
    "no change": (webhook(entry()), []),
    "empty lists": (events(messages=[], statuses=[], errors=[]), []),
    "lists null": (events(messages=None), []),
    "messages and statuses together": (events(statuses=[samples.status()], messages=[samples.text()]), ["text", SENT]),
    "several of each": (
        events(messages=[samples.text("wamid.m1"), samples.button("wamid.m2")], statuses=[samples.status()] * 2),
        ["text", "button", SENT, SENT],
    ),
    "several changes": (
        webhook(entry(samples.change(messages=[samples.text()]), samples.change(statuses=[samples.status()]))),
        ["text", SENT],
    ),
    "several entries": (
        webhook(entry(samples.change(statuses=[samples.status()])), entry(samples.change(messages=[samples.text()]))),
        [SENT, "text"],
    ),
    "calls and echoes beside messages": (
        events(
            messages=[samples.text()],
            calls=[{"id": "private-call", "event": "connect"}],
            message_echoes=[samples.text("wamid.e1")],
            names_of_the_future={"private": True},
        ),
        [
            "text",
            NotUnderstood("calls", "another list", {"id": "private-call", "event": "connect"}),
            NotUnderstood("message_echoes", "another list", samples.text("wamid.e1")),
        ],
    ),
    "the welcome of a chat": (
        events(messages=[samples.message("request_welcome", None), samples.text()]),
        [Ignored("request_welcome"), "text"],
    ),
    "contacts beside statuses": (events(contacts=[{"wa_id": PERSON}], statuses=[samples.status()]), [SENT]),
    "one element without a list": (events(statuses=samples.status()), [SENT]),
    "an entry without a list": (webhook_of(entry=entry(samples.change(messages=[samples.text()]))), ["text"]),
    "a change without a list": (webhook({"changes": samples.change(messages=[samples.text()])}), ["text"]),
    "no entry around the changes": (webhook_of(changes=[samples.change(messages=[samples.text()])]), ["text"]),
    "no entry around the change": (webhook_of(**samples.change(messages=[samples.text()])), ["text"]),
    "entry null beside a change": (webhook_of(entry=None, **samples.change(messages=[samples.text()])), ["text"]),
    "nothing around the lists": (webhook_of(messages=[samples.text()], statuses=[samples.status()]), ["text", SENT]),
    "no field": (webhook(entry({"value": {"messages": [samples.text()]}})), ["text"]),
    "no metadata": (webhook(entry({"field": "messages", "value": {"statuses": [samples.status()]}})), [SENT]),
}


@pytest.mark.parametrize(("raw", "expected"), ENVELOPES.values(), ids=ENVELOPES.keys())
def test_every_element_of_every_list(raw: bytes, expected: list[Any]) -> None:
    assert [event.element["type"] if isinstance(event, ReplyEvent) else event for event in split(raw)] == expected


BROKEN: dict[str, tuple[bytes, str, str, Any]] = {
    "entry null": (webhook(None), "entry", "no changes", None),
    "entry without changes": (webhook({"id": "1"}), "entry", "no changes", {"id": "1"}),
    "changes null": (webhook({"changes": None}), "entry", "no changes", {"changes": None}),
    "changes an empty object": (webhook({"changes": {}}), "change", "no value", {}),
    "change null": (webhook(entry(None)), "change", "no value", None),
    "change without a value": (webhook(entry({"field": "messages"})), "change", "no value", {"field": "messages"}),
    "value without a list": (
        webhook(entry(samples.change())),
        "messages",
        "no messages, statuses or errors",
        samples.change(),
    ),
    "old messages of the business app": (
        webhook(entry(samples.change("history", messages=[samples.text()]))),
        "history",
        "another field",
        samples.change("history", messages=[samples.text()]),
    ),
    "the business's own messages": (
        webhook(entry(samples.change("smb_message_echoes", message_echoes=[]))),
        "smb_message_echoes",
        "another field",
        samples.change("smb_message_echoes", message_echoes=[]),
    ),
    "a template's new status": (
        webhook(entry({"field": "message_template_status_update", "value": {"event": "PAUSED"}})),
        "message_template_status_update",
        "another field",
        {"field": "message_template_status_update", "value": {"event": "PAUSED"}},
    ),
    "field no text": (
        webhook(entry({"field": ["private"], "value": {}})),
        "unknown",
        "another field",
        {"field": ["private"], "value": {}},
    ),
    "field no name": (
        webhook(entry({"field": f"{TEXT}!", "value": {}})),
        "unknown",
        "another field",
        {"field": f"{TEXT}!", "value": {}},
    ),
    "error without a code": (
        events(errors=[samples.error(None)]),
        "errors",
        "error without a code",
        samples.error(None),
    ),
    "error a text": (events(errors=["private"]), "errors", "not an object", "private"),
    "message a text": (events(messages=["private"]), "messages", "not an object", "private"),
    "status null": (events(statuses=[None]), "statuses", "not an object", None),
}


@pytest.mark.parametrize(("raw", "kind", "reason", "element"), BROKEN.values(), ids=BROKEN.keys())
def test_what_is_none_is_kept(raw: bytes, kind: str, reason: str, element: Any) -> None:
    assert split(raw) == [NotUnderstood(kind, reason, element)]


PAUSED: Json = {"event": "PAUSED", "message_template_id": 7, "message_template_name": "offer"}
NOTICES: dict[str, Json] = {
    "a template's": {"field": "message_template_status_update", "value": PAUSED},
    "a template's under an unknown field": {"field": "new", "value": PAUSED},
    "a template's without a field": {"value": PAUSED},
    "a template's with its field inside": {"value": PAUSED | {"field": "message_template_status_update"}},
    **{
        field: {"field": field, "value": {"event": "private"}}
        for field in (
            "phone_number_quality_update",
            "business_capability_update",
            "account_update",
            "account_review_update",
            "account_alerts",
        )
    },
    "an account's with its field inside": {"value": {"field": "account_update", "event": "private"}},
}


@pytest.mark.parametrize("change", NOTICES.values(), ids=NOTICES.keys())
def test_notices_are_told_by_content_or_field(change: Json) -> None:
    raw = webhook(
        {"id": "77", "time": SECONDS, "changes": [change]}, entry(samples.change(statuses=[samples.status()]))
    )
    assert split(raw) == [Notice({"id": "77", "time": SECONDS, "changes": [change]}), SENT]


UNSUPPORTED = samples.message("unsupported", {"type": "poll"}, errors=[samples.error(131051)])
LOCKED_OUT = samples.text(errors=samples.error(131005))
IN_ANOTHER_FORM = samples.text(errors=["private", {"title": "private"}, {}, None])
ERRORS: dict[str, tuple[bytes, list[Event]]] = {
    "of no message": (
        events(errors=[samples.error(130429)]),
        [
            ReportedError(1004, "Rate limit hit"),
            NotUnderstood("errors", "error 130429", samples.error(130429)),
        ],
    ),
    "of the account": (
        events(errors=[samples.error(131031)]),
        [
            ReportedError(1010, "Account has been locked", alarm=True),
            NotUnderstood("errors", "error 131031", samples.error(131031)),
        ],
    ),
    "in a message": (
        events(messages=[UNSUPPORTED]),
        [ReportedError(1001, "Unsupported message type"), ReplyEvent("wamid.m1", PERSON, UNSUPPORTED)],
    ),
    "of the account, in a message": (
        events(messages=[LOCKED_OUT]),
        [ReportedError(1000, "Access denied", alarm=True), ReplyEvent("wamid.m1", PERSON, LOCKED_OUT)],
    ),
    "in a message, in another form": (
        events(messages=[IN_ANOTHER_FORM]),
        [ReportedError(1009, "Error without a code")] * 2 + [ReplyEvent("wamid.m1", PERSON, IN_ANOTHER_FORM)],
    ),
}


@pytest.mark.parametrize(("raw", "expected"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_of_no_message_of_ours(raw: bytes, expected: list[Event]) -> None:
    assert split(raw) == expected


# --- statuses --------------------------------------------------------------------------------------------------------


def failed(code: int, title: str, *, unlisted: bool = False, alarm: bool = False) -> StatusEvent:
    return replace(SENT, status="failed", error_code=code, error_title=title, unlisted=unlisted, alarm=alarm)


HELD_BACK = "Not delivered to maintain healthy ecosystem engagement"
STATUSES: dict[str, tuple[Json, StatusEvent]] = {
    "sent": (samples.status("sent"), SENT),
    "delivered": (samples.status("delivered"), replace(SENT, status="delivered")),
    "read": (samples.status("read"), replace(SENT, status="read")),
    "played": (samples.status("played"), replace(SENT, status="read")),
    "time a number": (samples.status(timestamp=SECONDS), SENT),
    "no time": (samples.status(timestamp=None), replace(SENT, timestamp=NO_TIME)),
    "time a placeholder": (samples.status(timestamp="TIMESTAMP"), replace(SENT, timestamp=NO_TIME)),
    "no reference": (samples.status("sent", None), replace(SENT, reference=None)),
    "no id": (samples.status(id=None), replace(SENT, bsp_id=None)),
    "no phone number": (
        samples.status(recipient_id=None, recipient_user_id="ZA.1"),
        replace(SENT, recipient=None, user_id="ZA.1"),
    ),
    "neither conversation nor price": (samples.status(conversation=None, pricing=None), SENT),
    "failed": (samples.status("failed", errors=[samples.error(131049)]), failed(1010, HELD_BACK)),
    "failed in the older form": (
        samples.status("failed", errors=[{"code": 131049, "title": "private"}]),
        failed(1010, HELD_BACK),
    ),
    "failed, code as text": (samples.status("failed", errors=[samples.error("131049")]), failed(1010, HELD_BACK)),
    "failed, one error without a list": (
        samples.status("failed", errors=samples.error(131049)),
        failed(1010, HELD_BACK),
    ),
    "failed for its recipient": (
        samples.status("failed", errors=[samples.error(131009, "Parameter to is no phone number.")]),
        failed(1002, "Parameter value is not valid: recipient"),
    ),
    "failed twice": (
        samples.status("failed", errors=[samples.error(131049), samples.error(131026)]),
        failed(1010, HELD_BACK),
    ),
    "failed, one of two known": (
        samples.status("failed", errors=[samples.error(999_999), samples.error(131049)]),
        failed(1010, HELD_BACK),
    ),
    "failed, broken errors": (
        samples.status("failed", errors=[None, "private", {}, samples.error(131049)]),
        failed(1010, HELD_BACK),
    ),
    "failed, unlisted": (
        samples.status("failed", errors=[samples.error(999_999)]),
        failed(1009, "Unlisted error 999999", unlisted=True),
    ),
    "failed, the account to blame": (
        samples.status("failed", errors=[samples.error(131042)]),
        failed(1009, "Business eligibility payment issue", alarm=True),
    ),
    "failed without errors": (samples.status("failed"), failed(1009, "Failed, without a reason")),
    "failed, errors no list": (samples.status("failed", errors="private"), failed(1009, "Failed, without a reason")),
}


@pytest.mark.parametrize(("element", "expected"), STATUSES.values(), ids=STATUSES.keys())
def test_status(element: Json, expected: StatusEvent) -> None:
    assert split(events(statuses=[element])) == [expected]


NO_STATUSES = {
    "deleted": (samples.status("deleted"), "deleted, which is not reported to CleverTap"),
    "unknown": (samples.status("private"), "unknown status"),
    "null": (samples.status(None), "unknown status"),
    "no text": (samples.status(["sent"]), "unknown status"),
    "no id at all": (samples.status("sent", None, id=""), "neither biz_opaque_callback_data nor id"),
    "of a group": (samples.status(recipient_type="group", recipient_id="private"), "of a group"),
}


@pytest.mark.parametrize(("element", "reason"), NO_STATUSES.values(), ids=NO_STATUSES.keys())
def test_status_that_says_nothing(element: Json, reason: str) -> None:
    assert split(events(statuses=[element])) == [NotUnderstood("statuses", reason, element)]


# --- messages from people --------------------------------------------------------------------------------------------


def test_message() -> None:
    assert split(events(messages=[samples.text()])) == [ReplyEvent("wamid.m1", PERSON, samples.text())]


@pytest.mark.parametrize("missing", [None, "", "null", {}])
def test_message_without_an_id_is_known_by_its_content(missing: Any) -> None:
    first, repeat, other = (
        split(events(messages=[element]))[0].id  # type: ignore[union-attr]
        for element in (samples.text(missing), samples.text(missing), samples.text(missing, text={"body": "more"}))
    )

    assert first == repeat != other
    assert len(first) == 72


NO_MESSAGES = {
    "no sender": (samples.text(**{"from": None}), "text", "no sender"),
    "sender a placeholder": (samples.text(**{"from": "PHONE_NUMBER"}), "text", "no sender"),
    "in a group": (samples.text(group_id="private"), "text", "in a group"),
    "type no name": (samples.text(**{"from": None, "type": f"{TEXT}!", "text": None}), "unknown", "no sender"),
    "no type": (samples.location() | {"from": None, "type": None}, "location", "no sender"),
    "no type and no content": ({"id": "wamid.m1"}, "unknown", "no sender"),
}


@pytest.mark.parametrize(("element", "kind", "reason"), NO_MESSAGES.values(), ids=NO_MESSAGES.keys())
def test_message_of_nobody(element: Json, kind: str, reason: str) -> None:
    assert split(events(messages=[element])) == [NotUnderstood(kind, reason, element)]


def replied(element: Json) -> Any:
    *_, event = split(events(messages=[element]))
    assert isinstance(event, ReplyEvent)
    answer = replies.reply(event.element, ACCOUNT)
    assert_public(answer)
    return answer


FROM_PERSON = {"payloadVersion": "0.1", "from": PERSON, "wabaNumber": "27999000001", "timestamp": str(SECONDS)}


def said(*lines: str) -> Json:
    return {"type": "text", "text": {"body": "\n".join(lines)}}


def tapped(payload: str, label: str) -> Json:
    return {"type": "button", "button": {"payload": payload, "text": label}}


def place(**words: str) -> Json:
    return {"type": "location", "location": {"latitude": "-33.918861", "longitude": "18.4233", **words}}


CONTACT = (
    TEXT,
    "private company, private department",
    f"+{PERSON} (HOME)",
    f"+{OTHER_PERSON}, WhatsApp 27830000000 (WORK)",
    "private@shop.example (WORK)",
    "https://private.example (WORK)",
    "private street, private city, private state, 8001, private country, za (HOME)",
    "1980-01-31",
)
FORM = '{"screen": {"size": "M", "gift": true}, "dates": [1, 2], "note": null, "flow_token": "private"}'
FILLED_IN = ("screen.size: M", "screen.gift: true", "dates: 1", "dates: 2")
PRODUCT = {"catalog_id": "9", "product_retailer_id": "private-1"}
POLL = {"question": TEXT, "options": [{"name": "yes"}, {"name": "no"}], "open": False}
REPLIES: dict[str, tuple[Json, Json]] = {
    "text": (samples.text(), said(TEXT)),
    "text as it is": (samples.text(text={"body": " k\n"}), said(" k\n")),
    "text that says null": (samples.text(text={"body": "null"}), said("null")),
    "text that is no object": (samples.text(text=TEXT), said(TEXT)),
    "digits that have lost their quotes": (samples.text(text={"body": 482913}), said("482913")),
    "blanks alone": (samples.text(text={"body": "\u00a0 "}), said("\u00a0 ")),
    "button reply with a number for an id": (
        samples.interactive("button_reply", {"id": 3, "title": "Yes"}),
        tapped("3", "Yes"),
    ),
    "button with an object for a payload": (samples.button(payload={"a": 1}), tapped('{"a":1}', "private label")),
    "text of an ad": (
        samples.text(
            referral={"source_type": "ad", "headline": "private\nheadline", "image_url": "private", "ctwa_clid": "c1"}
        ),
        said(TEXT, "[referral: source_type: ad, headline: private headline, ctwa_clid: c1]"),
    ),
    "question about a product": (
        samples.text(context={"id": "wamid.1", "referred_product": PRODUCT}),
        said(TEXT, "[referred_product: catalog_id: 9, product_retailer_id: private-1]"),
    ),
    "tapped button of an ad": (
        samples.button() | {"referral": {"source_type": "ad", "image_url": "private"}},
        tapped(TEXT, "private label\n[referral: source_type: ad]"),
    ),
    "choice in a question about a product": (
        samples.interactive("list_reply", {"id": "l1", "title": "Express", "description": "private"})
        | {"context": {"id": "wamid.1", "referred_product": PRODUCT}},
        tapped("l1", "Express\nprivate\n[referred_product: catalog_id: 9, product_retailer_id: private-1]"),
    ),
    "location of an ad": (
        samples.location(name=None) | {"referral": {"source_type": "ad"}},
        place(name="[referral: source_type: ad]", address="private street"),
    ),
    "location with a name, of an ad": (
        samples.location() | {"referral": {"source_type": "ad"}},
        place(name=f"{TEXT}\n[referral: source_type: ad]", address="private street"),
    ),
    "reaction to an ad": (
        samples.message("reaction", {"message_id": "wamid.1", "emoji": "\U0001f44d"}, referral={"source_type": "ad"}),
        said("\U0001f44d", "[referral: source_type: ad]"),
    ),
    "text, its type in capitals": (samples.text(type="Text"), said(TEXT)),
    "text without a type": (samples.text(type=None), said(TEXT)),
    "button": (samples.button(), tapped(TEXT, "private label")),
    "button without a payload": (samples.button(payload=None), tapped("private label", "private label")),
    "button without a label": (samples.button(text=""), tapped(TEXT, TEXT)),
    "button reply": (samples.interactive("button_reply", {"id": "b1", "title": "Yes"}), tapped("b1", "Yes")),
    "list reply": (
        samples.interactive("list_reply", {"id": "l1", "title": "Express", "description": "private"}),
        tapped("l1", "Express\nprivate"),
    ),
    "list reply, description alone": (
        samples.interactive("list_reply", {"id": "l1", "description": "private"}),
        tapped("l1", "private"),
    ),
    "list reply without an id": (
        samples.interactive("list_reply", {"title": "Express", "description": "private"}),
        tapped("Express", "Express\nprivate"),
    ),
    "button reply without its type": (
        samples.message("interactive", {"button_reply": {"id": "b1", "title": "Yes"}}),
        tapped("b1", "Yes"),
    ),
    "list reply under an unknown type": (
        samples.message("interactive", {"type": "private", "list_reply": {"id": "l1", "title": "Express"}}),
        tapped("l1", "Express"),
    ),
    "form without its type": (samples.message("interactive", {"nfm_reply": {"response_json": FORM}}), said(*FILLED_IN)),
    "form": (
        samples.interactive("nfm_reply", {"name": "flow", "body": "Sent", "response_json": FORM}),
        said(*FILLED_IN),
    ),
    "form of a token alone": (
        samples.interactive("nfm_reply", {"name": "flow", "response_json": '{"flow_token": "private"}'}),
        said("[form]"),
    ),
    "form that is no JSON": (samples.interactive("nfm_reply", {"response_json": "{private"}), said("{private")),
    "form without answers": (samples.interactive("nfm_reply", {"body": "Sent"}), said("Sent")),
    "a choice as a type of its own": (
        samples.message("list_reply", {"id": "l1", "title": "Express"}),
        tapped("l1", "Express"),
    ),
    "another interactive type": (
        samples.interactive("call_permission_reply", {"response": "accept"}),
        said("[interactive]", "type: call_permission_reply", "call_permission_reply.response: accept"),
    ),
    "interactive without anything": (samples.message("interactive", None), said("[interactive]")),
    "location": (samples.location(), place(name=TEXT, address="private street")),
    "location with a link": (
        samples.location(url="https://private.example"),
        place(name=TEXT, address="private street", url="https://private.example"),
    ),
    "location as text": (
        samples.location(latitude="-33.918861", longitude="18.4233", name=None, address=""),
        place(),
    ),
    "contacts": (samples.contacts(), said(*CONTACT)),
    "contacts in another form": (
        samples.message(
            "contacts",
            [{"name": TEXT, "phones": [PERSON], "emails": ["private@shop.example"], "nickname": "private"}],
        ),
        said(TEXT, PERSON, "private@shop.example", "nickname: private"),
    ),
    "a card alone": (samples.message("contacts", [{"vcard": f"TEL:{PERSON}"}]), said(f"TEL:{PERSON}")),
    "two contacts": (
        samples.contacts("wamid.m1", {"name": {"formatted_name": "Ben"}, "phones": [{"wa_id": OTHER_PERSON}]}),
        said(*CONTACT, "", "Ben", f"WhatsApp {OTHER_PERSON}"),
    ),
    "order": (samples.order(), said(TEXT, "2 x private-1, 30 ZAR", "1 x private-2, 99.5 ZAR")),
    "order without words": (
        samples.order(text=None, product_items=[{"product_retailer_id": "p1"}, None, {}]),
        said("1 x p1"),
    ),
    "number changed": (
        samples.message("system", {"type": "user_changed_number", "body": TEXT, "wa_id": OTHER_PERSON}),
        said(f"[{TEXT}]"),
    ),
    "number changed, without words": (
        samples.message("system", {"type": "user_changed_number", "wa_id": OTHER_PERSON}),
        said(f"[system: type: user_changed_number, wa_id: {OTHER_PERSON}]"),
    ),
    "notice of nothing": (samples.message("system", None), said("[system]")),
    "edited text": (
        samples.message("edit", {"original_message_id": "wamid.m0", "message": samples.text()}),
        said("[edited]", TEXT),
    ),
    "edited text that is no object": (samples.message("edit", {"message": {"text": TEXT}}), said("[edited]", TEXT)),
    "edited caption": (
        samples.message("edit", {"message": {"type": "image", "image": {"id": "1", "caption": TEXT}}}),
        said("[edited]", TEXT),
    ),
    "edited picture without a caption": (
        samples.message("edit", {"message": {"type": "image", "image": {"id": "1", "sha256": "private"}}}),
        said("[edited]", "[image]"),
    ),
    "edited without its type": (
        samples.message("edit", {"message": {"text": {"body": TEXT}}}),
        said("[edited]", TEXT),
    ),
    "edited otherwise": (
        samples.message("edit", {"message": {"type": "poll", "poll": {"question": TEXT}}}),
        said("[edited]", "type: poll", f"poll.question: {TEXT}"),
    ),
    "revoked": (samples.message("revoke", {"original_message_id": "wamid.m0"}), said("[message deleted]")),
    "unsupported": (
        samples.message("unsupported", {"type": "poll"}, errors=[samples.error(131051)]),
        said("[unsupported message: poll]"),
    ),
    "unsupported in the older form": (
        samples.message("unknown", None, errors=[{"code": 131051, "title": "private"}]),
        said("[unsupported message]"),
    ),
    "a type of the future": (
        samples.message("poll", POLL),
        said("[poll]", f"question: {TEXT}", "options.name: yes", "options.name: no", "open: false"),
    ),
    "a known content under a type of the future": (samples.text(type="poll"), said(TEXT)),
    "a known content under a type that has another": (samples.text(type="image"), said(TEXT)),
    "a known content under an unsupported type": (samples.text(type="unsupported"), said(TEXT)),
    "a known content beside that of an unsupported type": (
        samples.text(type="unsupported", unsupported={"type": "poll"}),
        said(TEXT, "[unsupported message: poll]"),
    ),
    "a known content beside that of a type of the future": (
        samples.text(type="poll", poll=POLL),
        said(TEXT, f"[poll: question: {TEXT}, options.name: yes, options.name: no, open: false]"),
    ),
    "a tap beside a type of the future": (
        samples.button() | {"type": "offer", "offer": {"code": "private"}},
        tapped(TEXT, "private label\n[offer: code: private]"),
    ),
    "a place under a type of the future": (
        samples.location() | {"type": "live_location"},
        place(name=TEXT, address="private street"),
    ),
    "a type of the future in capitals": (
        samples.message("poll", {"question": TEXT}, type="POLL"),
        said("[poll]", f"question: {TEXT}"),
    ),
    "a type of the future, both in capitals": (
        samples.message("POLL", {"question": TEXT}),
        said("[POLL]", f"question: {TEXT}"),
    ),
    "words below a file that nobody can fetch": (
        samples.message("image", {"mime_type": "image/png", "caption": TEXT}),
        said(f"[image not available] {TEXT}"),
    ),
    "a known type in capitals": (samples.text(type="TEXT"), said(TEXT)),
    "a type of the future, with another name": (
        samples.message("poll-v2", POLL["options"]),
        said("[poll-v2]", "name: yes", "name: no"),
    ),
    "a type of the future, a list": (samples.message("votes", ["yes", 2]), said("[votes]", "yes", "2")),
    "a type of the future, without content": (samples.message("poll", None), said("[poll]")),
}


@pytest.mark.parametrize(("element", "expected"), REPLIES.values(), ids=REPLIES.keys())
def test_reply(element: Json, expected: Json) -> None:
    answer = replied(element)

    assert isinstance(answer, Reply)
    assert answer.message.wire() == FROM_PERSON | expected
    assert (answer.answers_reference, answer.answers_bsp_id, answer.attachment) == (None, "wamid.1", None)


REACTION = {"message_id": "wamid.7", "emoji": "\U0001f44d"}
ANSWERED: dict[str, tuple[Json, str | None]] = {
    "a message": (samples.text(), "wamid.1"),
    "none": (samples.text(context=None), None),
    "a message of their own": (samples.text(context={"from": PERSON, "id": "wamid.3"}), None),
    "a message of their own, their number in another form": (
        samples.text(**{"from": "5511988887777", "context": {"from": "+55 11 8888-7777", "id": "wamid.3"}}),
        None,
    ),
    "a message of nobody known": (samples.text(context={"from": None, "id": "wamid.3"}), "wamid.3"),
    "forwarded": (samples.text(context={"forwarded": True}), None),
    "often forwarded": (samples.text(context={"frequently_forwarded": True}), None),
    "a product": (samples.text(context={"id": "wamid.3", "referred_product": {"catalog_id": "1"}}), "wamid.3"),
    "context no object": (samples.text(context="private"), None),
    "a reaction": (samples.message("reaction", REACTION, context=None), "wamid.7"),
    "a reaction that is taken back": (samples.message("reaction", {"message_id": "wamid.7"}), "wamid.7"),
}


@pytest.mark.parametrize(("element", "expected"), ANSWERED.values(), ids=ANSWERED.keys())
def test_what_a_reply_answers(element: Json, expected: str | None) -> None:
    answer = replied(element)

    assert (answer.answers_reference, answer.answers_bsp_id) == (None, expected)


@pytest.mark.parametrize(
    ("reaction", "words"),
    [
        (REACTION, "\U0001f44d"),
        ({"message_id": "wamid.7"}, "[reaction removed]"),
        ({"message_id": "wamid.7", "emoji": ""}, "[reaction removed]"),
    ],
    ids=["set", "removed", "removed, emoji empty"],
)
def test_reaction(reaction: Json, words: str) -> None:
    assert replied(samples.message("reaction", reaction)).message.wire() == FROM_PERSON | said(words)


SOURCE = {"id": "private-media-1", "url": "https://lookaside.fbsbx.com/private", "sha256": "private-hash"}
OGG = "audio/ogg; codecs=opus"
FILES: dict[str, tuple[Json, Attachment, str]] = {
    "image": (samples.file("image"), Attachment("image", SOURCE, "image/jpeg"), "[image not available]"),
    "image with a caption": (
        samples.file("image", caption=TEXT),
        Attachment("image", SOURCE, "image/jpeg", None, TEXT),
        f"[image not available] {TEXT}",
    ),
    "video": (samples.file("video"), Attachment("video", SOURCE, "video/mp4"), "[video not available]"),
    "audio": (samples.file("audio"), Attachment("audio", SOURCE, OGG), "[audio not available]"),
    "voice message": (samples.file("audio", voice=True), Attachment("audio", SOURCE, OGG), "[audio not available]"),
    "voice message of a type of its own": (
        samples.file("voice"),
        Attachment("audio", SOURCE, OGG),
        "[audio not available]",
    ),
    "document": (
        samples.file("document", filename="private.pdf", caption=TEXT),
        Attachment("file", SOURCE, "application/pdf", "private.pdf", TEXT),
        f"[file not available] {TEXT}",
    ),
    "sticker": (
        samples.file("sticker", animated=True),
        Attachment("image", SOURCE, "image/webp"),
        "[image not available]",
    ),
    "under a type of the future": (
        samples.file("image") | {"type": "view_once"},
        Attachment("image", SOURCE, "image/jpeg"),
        "[image not available]",
    ),
    "with a question about a product": (
        samples.file("image", caption=TEXT) | {"context": {"referred_product": PRODUCT}},
        Attachment(
            "image",
            SOURCE,
            "image/jpeg",
            None,
            f"{TEXT}\n[referred_product: catalog_id: 9, product_retailer_id: private-1]",
        ),
        f"[image not available] {TEXT}\n[referred_product: catalog_id: 9, product_retailer_id: private-1]",
    ),
    "content type no text": (
        samples.file("image", mime_type=["private"]),
        Attachment("image", SOURCE),
        "[image not available]",
    ),
    "by its id alone": (
        samples.file("image", url=None, sha256=None, mime_type=None),
        Attachment("image", {"id": "private-media-1"}),
        "[image not available]",
    ),
    "id a number": (
        samples.file("image", id=17, url=None, sha256=None),
        Attachment("image", {"id": "17"}, "image/jpeg"),
        "[image not available]",
    ),
    "by its address alone": (
        samples.file("image", id=None, sha256=None),
        Attachment("image", {"url": "https://lookaside.fbsbx.com/private"}, "image/jpeg"),
        "[image not available]",
    ),
}


@pytest.mark.parametrize(("element", "attachment", "words"), FILES.values(), ids=FILES.keys())
def test_file(element: Json, attachment: Attachment, words: str) -> None:
    answer = replied(element)

    assert answer.attachment == attachment
    assert answer.message.wire() == FROM_PERSON | said(words)


NO_REPLIES = {
    "empty text": (samples.text(text={"body": ""}), "text", "no content"),
    "button without anything": (samples.button(payload=None, text=None), "button", "no content"),
    "button reply without anything": (samples.interactive("button_reply", {}), "interactive", "no content"),
    "form without anything": (samples.interactive("nfm_reply", {}), "interactive", "no content"),
    "no latitude": (samples.location(latitude=None), "location", "no content"),
    "latitude a placeholder": (samples.location(latitude="LATITUDE"), "location", "no content"),
    "longitude beyond the date line": (samples.location(longitude=180.5), "location", "no content"),
    "file without id and address": (samples.file("image", id=None, url=None), "image", "no content"),
    "file no object": (samples.message("image", "private"), "image", "no content"),
    "contacts null": (samples.message("contacts", None), "contacts", "no content"),
    "order of nothing": (samples.order(text=None, product_items=None), "order", "no content"),
    "reaction null": (samples.message("reaction", None), "reaction", "no content"),
    "no type and no content": (samples.text(type=None) | {"text": None}, "unknown", "no content"),
}


@pytest.mark.parametrize(("element", "kind", "reason"), NO_REPLIES.values(), ids=NO_REPLIES.keys())
def test_reply_that_says_nothing(element: Json, kind: str, reason: str) -> None:
    assert replied(element) == NotUnderstood(kind, reason, element)


def test_webhook_of_a_thousand_updates() -> None:
    statuses = [samples.status("delivered", f"r{place}", id=f"wamid.{place}") for place in range(500)]
    messages = [samples.text(f"wamid.m{place}", text={"body": "x" * 5000}) for place in range(500)]
    raw = webhook(
        *(
            entry(samples.change(statuses=[status], messages=[message]))
            for status, message in zip(statuses, messages, strict=True)
        )
    )

    found = split(raw)

    assert [event.reference for event in found if isinstance(event, StatusEvent)] == [f"r{n}" for n in range(500)]
    assert [event.id for event in found if isinstance(event, ReplyEvent)] == [f"wamid.m{n}" for n in range(500)]
    assert len(found) == 1000
