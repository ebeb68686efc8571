import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic_core import to_json

from tests.providers.conformance import PERSON, TEXT, assert_public
from tests.providers.gupshup import samples
from tests.providers.gupshup.samples import BSP_ID, SECONDS, Json
from tests.support.undecodable import CHARACTERS, VALUES, spoilt
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.capabilities import NO_TIME
from whatsapp_bridge.providers.contract.inbound import Callback, Notice, NotUnderstood, ReplyEvent
from whatsapp_bridge.providers.contract.replies import Attachment, Reply
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.providers.gupshup import inbound, replies

LAYER = Path(__file__).parents[3] / "layers" / "bridge"
ACCOUNT = parse_account("acme", samples.secret())
JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}


def events(raw: Any, headers: dict[str, str] = JSON, account: Any = ACCOUNT) -> list[Any]:
    body = raw if isinstance(raw, bytes) else json.dumps(raw).encode()
    return inbound.split(Callback("POST", headers, {}, body), account)


def event(raw: Any, **options: Any) -> Any:
    (found,) = events(raw, **options)
    return found


def status(name: str, **changes: Any) -> StatusEvent:
    fields: Json = {"reference": "1|2|3|4", "bsp_id": BSP_ID} | changes
    return StatusEvent(name, SECONDS, **fields)  # type: ignore[arg-type]


# --- envelopes -------------------------------------------------------------------------------------------------------

REPORT = samples.report()
QUERY = {name: str(value) for name, value in REPORT.items()}
PARTS = (
    b'--b-1\r\nContent-Disposition: form-data; name="response"\r\n\r\n'
    + json.dumps([REPORT]).encode()
    + b"\r\n--b-1--\r\n"
)
ENVELOPES: dict[str, Callback] = {
    "form response": Callback("POST", FORM, {}, samples.form(response=[REPORT])),
    "form response without a content type": Callback("POST", {}, {}, samples.form(response=[REPORT])),
    "form response of one object": Callback("POST", FORM, {}, samples.form(response=REPORT)),
    "JSON response": Callback("POST", JSON, {}, samples.response(REPORT)),
    "JSON response without a content type": Callback("POST", {}, {}, samples.response(REPORT)),
    "JSON response said to be a form": Callback("POST", FORM, {}, samples.response(REPORT)),
    "JSON response, a text of JSON": Callback(
        "POST", JSON, {}, json.dumps({"response": json.dumps([REPORT])}).encode()
    ),
    "JSON response of one object": Callback("POST", JSON, {}, json.dumps({"response": REPORT}).encode()),
    "bare list": Callback("POST", JSON, {}, json.dumps([REPORT]).encode()),
    "single object": Callback("POST", JSON, {}, json.dumps(REPORT).encode()),
    "form of one report's fields": Callback("POST", FORM, {}, samples.form(**QUERY)),
    "form in parts": Callback("POST", {"content-type": "multipart/form-data; boundary=b-1"}, {}, PARTS),
    "query": Callback("GET", {}, QUERY, b""),
    "query with the names of reports by GET": Callback(
        "GET",
        {},
        {
            "externalId": BSP_ID,
            "deliveredTS": str(SECONDS * 1000),
            "status": "SUCCESS",
            "cause": "SUCCESS",
            "phoneNo": PERSON,
            "errCode": "000",
            "noOfFrags": "1",
            "extra": "1|2|3|4",
        },
        b"",
    ),
    "query with the list": Callback("GET", {}, {"response": json.dumps([REPORT])}, b""),
}


@pytest.mark.parametrize("callback", ENVELOPES.values(), ids=ENVELOPES.keys())
def test_report_in_every_envelope(callback: Callback) -> None:
    assert inbound.split(callback, ACCOUNT) == [status("delivered")]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(b"Jos%E9", "Jos\u00e9", id="Latin-1"),
        pytest.param(b"Jos\xe9", "Jos\u00e9", id="Latin-1, not escaped"),
        pytest.param(b"ferm%E9%A0! %E0 c%F4t%E9", "ferm\u00e9\u00a0! \u00e0 c\u00f4t\u00e9", id="French in Latin-1"),
        pytest.param(b"\xe9t\xe9 %E0", "\u00e9t\u00e9 \u00e0", id="Latin-1, escaped in part"),
        pytest.param(b"%C3%A9t\xc3\xa9", "\u00e9t\u00e9", id="UTF-8, escaped in part"),
        pytest.param(b"%ED%A0%BD", "\ufffd", id="a surrogate"),
        pytest.param(b"%01%00", "\x01\x00", id="control characters"),
        pytest.param(b"%", "%", id="a lone percent sign"),
        pytest.param(b"%zz", "%zz", id="no escape"),
    ],
)
def test_form_with_what_cannot_be_decoded(written: bytes, read: str) -> None:
    message = {name: value for name, value in samples.message().items() if isinstance(value, str)} | {"text": "TEXT"}
    raw = samples.form(**message).replace(b"TEXT", written)

    found = event(raw, headers=FORM)

    assert isinstance(found, ReplyEvent)
    assert found.element["text"] == read
    to_json(found.element)


@pytest.mark.parametrize("name", [*CHARACTERS, *VALUES, "byte-order mark"])
def test_form_with_reports_that_cannot_be_decoded(name: str) -> None:
    raw, _ = spoilt(json.dumps(REPORT).encode(), TEXT)[name]

    assert event(b"response=" + quote(raw).encode(), headers=FORM) == status("delivered")


def test_query_with_lone_surrogates() -> None:
    callback = Callback("GET", {}, QUERY | {"extra": "1|\ud800", "\udfff": ""}, b"")

    assert inbound.split(callback, ACCOUNT) == [status("delivered", reference="1|\ufffd")]


@pytest.mark.parametrize(
    "nothing", [{"response": None}, {"response": ""}, {"response": "[]"}, {"statuses": None}, {"statuses": []}]
)
def test_an_empty_envelope_beside_a_message_or_report(nothing: Json) -> None:
    message, report = samples.message() | nothing, REPORT | nothing

    assert isinstance(event(message), ReplyEvent)
    assert event(report) == status("delivered")


def test_a_message_beside_reports_in_a_form() -> None:
    message = {name: value for name, value in samples.message().items() if isinstance(value, str)}

    found = events(samples.form(response=[REPORT], **message), headers=FORM)

    assert [type(item) for item in found] == [StatusEvent, ReplyEvent]


@pytest.mark.parametrize("envelope", ["response", "statuses"])
def test_an_envelope_that_is_no_json_costs_no_message_beside_it(envelope: str) -> None:
    found = events(samples.message() | {envelope: "private"})

    assert [type(item) for item in found] == [NotUnderstood, ReplyEvent]


def test_several_envelopes_in_one_callback() -> None:
    generic = samples.generic_status("READ")

    found = events({"statuses": [generic], "response": [REPORT]} | samples.message())

    assert [type(item) for item in found] == [StatusEvent, StatusEvent, ReplyEvent]
    assert [item.status for item in found[:2]] == ["read", "delivered"]


@pytest.mark.parametrize("envelope", ["form", "response", "list"])
def test_many_reports_in_one_callback(envelope: str) -> None:
    elements = [samples.report("SENT", f"r{number}") for number in range(20)]
    raw = {"form": samples.form(response=elements), "response": samples.response(*elements)}.get(
        envelope, json.dumps(elements).encode()
    )

    assert [found.reference for found in events(raw)] == [f"r{number}" for number in range(20)]


OF_A_TEMPLATE = {"field": "message_template_status_update", "event": "ENABLED", "message_template_name": "offer"}


@pytest.mark.parametrize(
    "body", [OF_A_TEMPLATE, [OF_A_TEMPLATE], {"response": [OF_A_TEMPLATE]}], ids=["one", "list", "response"]
)
def test_a_report_of_a_template(body: Any) -> None:
    assert event(body) == Notice(OF_A_TEMPLATE)


def test_a_list_may_hold_reports_clicks_and_messages() -> None:
    found = events([samples.report("READ"), samples.click(), samples.message()])

    assert [type(item) for item in found] == [StatusEvent, StatusEvent, ReplyEvent]
    assert [item.status for item in found[:2]] == ["read", "clicked"]


# --- delivery reports ------------------------------------------------------------------------------------------------

REPORTS: dict[str, tuple[Json, StatusEvent]] = {
    "sent": (samples.report("SENT"), status("sent")),
    "delivered": (samples.report("DELIVERED"), status("delivered")),
    "read": (samples.report("READ"), status("read")),
    "failed": (samples.report("FAILED"), status("failed", error_code=1002, error_title="Unknown number")),
    "in lower case": (samples.report("delivered "), status("delivered")),
    "success by GET": (samples.report("SUCCESS"), status("delivered")),
    "success of being sent": (samples.report("SUCCESS", errorCode="025"), status("sent")),
    "success of being read": (samples.report("SUCCESS", errorCode=26), status("read")),
    "success without a code": (samples.report("SUCCESS", errorCode=...), status("delivered")),
    "failure by GET": (
        samples.report("FAILURE", cause="ABSENT_SUBSCRIBER", errorCode="001"),
        status("failed", error_code=1005, error_title="The person cannot be reached"),
    ),
    "unknown by GET": (samples.report("UNKNOWN"), status("accepted")),
    "undelivered": (
        samples.report("UNDELIV", cause="INBOXFULL", errorCode="011"),
        status("failed", error_code=1009, error_title="The inbox is full"),
    ),
    "expired": (
        samples.report("EXPIRED", cause="SMSCTIMEDOUT", errorCode="00c"),
        status("failed", error_code=1009, error_title="Timed out"),
    ),
    "no such event type, with a cause of failures": (
        samples.report("REJECTED", cause="UNKNOWN_SUBSCRIBER", errorCode="777"),
        status("failed", error_code=1002, error_title="Unknown number", unlisted=True),
    ),
    "no such event type, with a code of failures": (
        samples.report("REJECTED", cause="SOMETHING NEW", errorCode="007"),
        status("failed", error_code=1006, error_title="The number is blocked", unlisted=True),
    ),
    "failed for an unlisted cause": (
        samples.report("FAILED", cause="SOMETHING NEW", errorCode="99"),
        status("failed", error_code=1009, error_title="Unlisted cause 099", unlisted=True),
    ),
    "code as a number": (
        samples.report("FAILED", cause=..., errorCode=3),
        status("failed", error_code=1002, error_title="Unknown number"),
    ),
    "code in upper case": (
        samples.report("FAILED", cause="OTHER", errorCode="00B"),
        status("failed", error_code=1006, error_title="The sender is blocked by Gupshup"),
    ),
    "code under its other name": (
        samples.report("FAILED", cause="", errorCode=..., errCode="038"),
        status("failed", error_code=1001, error_title="The message does not match its template"),
    ),
    "cause with blanks": (
        samples.report("FAILED", cause=" unknown_subscriber ", errorCode=...),
        status("failed", error_code=1002, error_title="Unknown number"),
    ),
    "neither cause nor code": (
        samples.report("FAILED", cause=..., errorCode=...),
        status("failed", error_code=1009, error_title="Unlisted cause", unlisted=True),
    ),
    "no time": (samples.report(eventTs=None), StatusEvent("delivered", NO_TIME, "1|2|3|4", BSP_ID)),
    "time as a text": (samples.report(eventTs=str(SECONDS * 1000)), status("delivered")),
    "time in seconds": (samples.report(eventTs=SECONDS), status("delivered")),
    "time in seconds as a text": (samples.report(eventTs=str(SECONDS)), status("delivered")),
    "no extra": (samples.report(extra=...), status("delivered", reference=None)),
    "blank extra": (samples.report(extra=""), status("delivered", reference=None)),
    "no externalId": (samples.report(externalId=...), status("delivered", bsp_id=None)),
    "externalId a number": (samples.report(externalId=5001), status("delivered", bsp_id="5001")),
    "number without a plus": (samples.report(destAddr=PERSON), status("delivered")),
    "number a number": (samples.report(destAddr=int(PERSON)), status("delivered")),
    "channel in other letters": (samples.report(channel="Whatsapp"), status("delivered")),
    "no channel": (samples.report(channel=...), status("delivered")),
    "with conversation and pricing": (
        samples.report("SENT", hsmTemplateId="1", conversation={"id": "c"}, pricing={"category": "marketing"}),
        status("sent"),
    ),
}


@pytest.mark.parametrize(("body", "expected"), REPORTS.values(), ids=REPORTS.keys())
def test_report(body: Json, expected: StatusEvent) -> None:
    assert event(samples.response(body)) == expected


NOT_UNDERSTOOD: dict[str, tuple[Json, str, str]] = {
    "no event type": (samples.report(...), "report", "no eventType"),
    "no such event type, a success": (samples.report("SUBMITTED"), "report", "unknown eventType"),
    "no such event type, nothing known": (
        samples.report("ENQUEUED", cause="ENQUEUED", errorCode="777"),
        "report",
        "unknown eventType",
    ),
    "no such event type, no cause": (
        samples.report("ENQUEUED", cause=..., errorCode=...),
        "report",
        "unknown eventType",
    ),
    "no id": (samples.report(extra=None, externalId=None), "report", "neither extra nor externalId"),
    "an SMS": (samples.report(channel="SMS"), "report", "another channel"),
    "a click without extra": (samples.click(...), "click", "no extra"),
    "a click without its link": (samples.click(originalURL=""), "click", "no originalURL"),
    "a click without its short link": (samples.click(gsurl=None), "click", "no gsurl"),
    "a message without a type": (samples.message("text", type=..., text=...), "message", "unknown kind"),
    "a message from nobody": (samples.message(mobile=""), "text", "no mobile"),
}


@pytest.mark.parametrize(("body", "kind", "reason"), NOT_UNDERSTOOD.values(), ids=NOT_UNDERSTOOD.keys())
def test_not_understood_is_kept_whole(body: Json, kind: str, reason: str) -> None:
    assert event([body]) == NotUnderstood(kind, reason, body)


# --- clicks ----------------------------------------------------------------------------------------------------------

LINK = {"url": "https://shop.example/private", "user_agent": "private browser"}


def clicked(seconds: int = SECONDS, short_url: str = "www.gs.example/private", **changes: Any) -> StatusEvent:
    return StatusEvent("clicked", seconds, "1|2|3|4", None, **(LINK | {"short_url": short_url} | changes))


def in_zone(zone: str) -> Any:
    return parse_account("acme", samples.secret(options={"click_time_zone": zone}))


CLICKS: dict[str, tuple[Any, Any, StatusEvent]] = {
    "Gupshup's format": (samples.click(), ACCOUNT, clicked(samples.CLICK_SECONDS)),
    "in a list": ([samples.click()], ACCOUNT, clicked(samples.CLICK_SECONDS)),
    "as a form": (samples.form(**samples.click()), ACCOUNT, clicked(samples.CLICK_SECONDS)),
    "in UTC": (samples.click(), in_zone("UTC"), clicked(samples.CLICK_SECONDS + 19_800)),
    "in a summer time": (samples.click(), in_zone("Europe/Berlin"), clicked(samples.CLICK_SECONDS + 12_600)),
    "in a winter time": (
        samples.click(clickTime="2025-12-09 14:23:20"),
        in_zone("Europe/Berlin"),
        clicked(1_765_286_600),
    ),
    "with a zone": (samples.click(clickTime="2025-10-09 08:53:20+00:00"), ACCOUNT, clicked(samples.CLICK_SECONDS)),
    "in milliseconds": (
        samples.click(clickTime=samples.CLICK_SECONDS * 1000),
        ACCOUNT,
        clicked(samples.CLICK_SECONDS),
    ),
    "without a time": (samples.click(clickTime=...), ACCOUNT, clicked(NO_TIME)),
    "in another time format": (samples.click(clickTime="09/10/2025 14:23"), ACCOUNT, clicked(NO_TIME)),
    "before there were any": (samples.click(clickTime="0001-01-01 00:00:00"), ACCOUNT, clicked(NO_TIME)),
    "without a browser": (
        samples.click(userAgent=...),
        ACCOUNT,
        clicked(samples.CLICK_SECONDS, user_agent=None),
    ),
    "CleverTap's format": (
        samples.generic(samples.generic_click()),
        ACCOUNT,
        clicked(short_url="https://s.example/private"),
    ),
    "CleverTap's format with ts and a capital": (
        samples.generic(samples.generic_click(status="Clicked", timestamp=..., ts=str(SECONDS))),
        ACCOUNT,
        clicked(short_url="https://s.example/private"),
    ),
    "CleverTap's format in milliseconds": (
        samples.generic(samples.generic_click(timestamp=SECONDS * 1000)),
        ACCOUNT,
        clicked(short_url="https://s.example/private"),
    ),
    "CleverTap's format without a time": (
        samples.generic(samples.generic_click(timestamp=...)),
        ACCOUNT,
        clicked(NO_TIME, short_url="https://s.example/private"),
    ),
    "CleverTap's format without a browser": (
        samples.generic(samples.generic_click(userAgent="")),
        ACCOUNT,
        clicked(short_url="https://s.example/private", user_agent=None),
    ),
}


@pytest.mark.parametrize(("body", "account", "expected"), CLICKS.values(), ids=CLICKS.keys())
def test_click(body: Any, account: Any, expected: StatusEvent) -> None:
    found = event(body, account=account)

    assert found == expected
    assert_public(found)


def test_zones_are_known_where_the_system_has_no_database_of_them() -> None:
    """As on Lambda: the layer brings its own."""
    program = (
        "import sys; from whatsapp_bridge.providers.accounts import parse_account;"
        " from whatsapp_bridge.providers.gupshup import statuses; import json; given = json.load(sys.stdin);"
        " parse_account('acme', given['secret']);"
        " print(statuses.click(given['click'], 'Europe/Berlin').timestamp)"
    )
    given = {"secret": samples.secret(options={"click_time_zone": "Europe/Berlin"}), "click": samples.click()}
    run = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(given).encode(),
        capture_output=True,
        check=True,
        env={"PYTHONPATH": str(LAYER), "PYTHONTZPATH": ""},
    )

    assert int(run.stdout) == samples.CLICK_SECONDS + 12_600


GENERIC: dict[str, tuple[Any, str]] = {
    "no object": ("private", "not an object"),
    "an unknown status": (samples.generic_click(status="private"), "unknown status"),
    "no status": (samples.generic_click(status=...), "unknown status"),
    "no msgId": (samples.generic_click(...), "no msgId"),
    "no url": (samples.generic_click(url=...), "no url"),
    "no shortUrl": (samples.generic_click(shortUrl=" "), "no shortUrl"),
}


@pytest.mark.parametrize(("bad", "reason"), GENERIC.values(), ids=GENERIC.keys())
def test_a_bad_click_harms_no_other(bad: Any, reason: str) -> None:
    first, kept, last = events(samples.generic(samples.generic_click("a"), bad, samples.generic_click("b")))

    assert (first.reference, last.reference) == ("a", "b")
    assert (type(kept), kept.reason, kept.element) == (NotUnderstood, reason, bad)


def generic(name: str, **changes: Any) -> StatusEvent:
    fields: Json = {"reference": "1|2|3|4", "bsp_id": None} | changes
    return StatusEvent(name, SECONDS, **fields)  # type: ignore[arg-type]


GENERIC_STATUSES: dict[str, tuple[Json, StatusEvent]] = {
    "sent": (samples.generic_status("sent"), generic("sent")),
    "delivered": (samples.generic_status("Delivered"), generic("delivered")),
    "read": (samples.generic_status("read"), generic("read")),
    "failed": (
        samples.generic_status("failed", error={"code": 1008, "title": "private"}),
        generic("failed", error_code=1008, error_title="Failed, in CleverTap's form"),
    ),
    "failed, code as text": (
        samples.generic_status("failed", error={"code": "1002"}),
        generic("failed", error_code=1002, error_title="Failed, in CleverTap's form"),
    ),
    "failed for another reason": (
        samples.generic_status("failed", error={"code": 7}),
        generic("failed", error_code=1009, error_title="Failed, in CleverTap's form", unlisted=True),
    ),
    "failed without an error": (
        samples.generic_status("failed"),
        generic("failed", error_code=1009, error_title="Failed, in CleverTap's form", unlisted=True),
    ),
}


@pytest.mark.parametrize(("body", "expected"), GENERIC_STATUSES.values(), ids=GENERIC_STATUSES.keys())
def test_statuses_in_the_form_of_clevertap(body: Json, expected: StatusEvent) -> None:
    assert event(samples.generic(body)) == expected


# --- messages from people --------------------------------------------------------------------------------------------


def replied(body: Any, headers: dict[str, str] = JSON) -> Any:
    found = event(body, headers=headers)
    assert isinstance(found, ReplyEvent)
    assert found.sender == PERSON
    return replies.reply(found.element, ACCOUNT)


FROM_PERSON = {"payloadVersion": "0.1", "from": PERSON, "wabaNumber": "27999000001", "timestamp": str(SECONDS)}


def said(*lines: str) -> Json:
    return {"type": "text", "text": {"body": "\n".join(lines)}}


def tapped(payload: str, text: str) -> Json:
    return {"type": "button", "button": {"payload": payload, "text": text}}


PLACE = {"latitude": "-33.9", "longitude": "18.6"}
REPLIES: dict[str, tuple[Json, Json]] = {
    "text": (samples.message(), {"type": "text", "text": {"body": TEXT}}),
    "text without a type": (samples.message(type=...), {"type": "text", "text": {"body": TEXT}}),
    "text of digits": (samples.message(text=482913), {"type": "text", "text": {"body": "482913"}}),
    "text of digits without a type": (
        samples.message(type=..., text=482913),
        {"type": "text", "text": {"body": "482913"}},
    ),
    "text of blanks": (samples.message(text="\u00a0 "), {"type": "text", "text": {"body": "\u00a0 "}}),
    "button of other types": (samples.message("button", button={"payload": True, "text": []}), tapped("true", "true")),
    "button with an object for a payload": (
        samples.message("button", button={"payload": {"a": 1}, "text": "Yes"}),
        tapped('{"a":1}', "Yes"),
    ),
    "type in capitals": (samples.message(type="TEXT"), {"type": "text", "text": {"body": TEXT}}),
    "location": (
        samples.message("location"),
        {
            "type": "location",
            "location": PLACE | {"name": TEXT, "address": "private street", "url": "https://maps.example/private"},
        },
    ),
    "location of numbers, an object": (
        samples.message("location", location={"latitude": -33.9, "longitude": 18.6, "name": "", "address": None}),
        {"type": "location", "location": PLACE},
    ),
    "button": (samples.message("button"), tapped(TEXT, "private label")),
    "button without a payload": (samples.message("button", button='{"text": "Yes"}'), tapped("Yes", "Yes")),
    "button without a text": (samples.message("button", button={"payload": "yes"}), tapped("yes", "yes")),
    "button with a number for a payload": (
        samples.message("button", button={"payload": 42, "text": "Yes"}),
        tapped("42", "Yes"),
    ),
    "button with blanks": (samples.message("button", button={"payload": " a ", "text": "Yes "}), tapped(" a ", "Yes ")),
    "choice with a number for an id": (
        samples.message("interactive", interactive={"type": "list_reply", "list_reply": {"id": 7, "title": "Seven"}}),
        tapped("7", "Seven"),
    ),
    "choice with a number for a title": (
        samples.message("interactive", interactive={"type": "list_reply", "list_reply": {"title": 7}}),
        tapped("7", "7"),
    ),
    "choice of a list": (samples.message("interactive"), tapped("private-1", f"{TEXT}\nprivate")),
    "choice without its type": (
        samples.message("interactive", interactive={"button_reply": {"id": "1", "title": "Yes"}}),
        tapped("1", "Yes"),
    ),
    "form": (
        samples.message(
            "interactive",
            interactive={"type": "nfm_reply", "nfm_reply": {"response_json": '{"size": "M", "flow_token": "private"}'}},
        ),
        said("size: M"),
    ),
    "form without answers": (
        samples.message("interactive", interactive={"type": "nfm_reply", "nfm_reply": {"body": "Sent"}}),
        said("Sent"),
    ),
    "interactive a list": (samples.message("interactive", interactive="[1]"), said("[interactive]", "1")),
    "reaction": (samples.message("reaction", reaction={"message_id": "x", "emoji": "\U0001f44d"}), said("\U0001f44d")),
    "reaction that is no object": (samples.message("reaction", reaction="\U0001f44d"), said("\U0001f44d")),
    "reaction that is taken back": (
        samples.message("reaction", reaction={"message_id": "x", "emoji": ""}),
        said("[reaction removed]"),
    ),
    "reaction in capitals, of nothing": (samples.message("REACTION"), said("[reaction]")),
    "order": (
        samples.message("order", order={"text": TEXT, "product_items": [{"product_retailer_id": "p", "quantity": 2}]}),
        said(TEXT, "2 x p"),
    ),
    "order of nothing": (samples.message("order", order={}), said("[order]")),
    "sticker without its file": (samples.message("sticker", sticker="private"), said("[sticker]", "private")),
    "opted in": (samples.message("OPT_IN"), said("[opted in]")),
    "opted out": (samples.message("OPT_OUT"), said("[opted out]")),
    "opted out in words": (samples.message("OPT_OUT", text="STOP"), said("[opted out]", "STOP")),
    "a type of the future": (samples.message("poll", poll='{"question": "Red?"}'), said("[poll]", "question: Red?")),
    "a type of the future, without content": (samples.message("poll"), said("[poll]")),
    "words below a file that nobody can fetch": (
        samples.message("image", image=json.dumps({"caption": TEXT})),
        said(f"[image not available] {TEXT}"),
    ),
    "words beside a file that nobody can fetch": (
        samples.message("document", document="", text=TEXT),
        said(TEXT),
    ),
    "a type of the future in capitals": (
        samples.message("POLL", poll='{"question": "Red?"}'),
        said("[poll]", "question: Red?"),
    ),
    "a type of the future, both in capitals": (
        samples.message("POLL", POLL='{"question": "Red?"}'),
        said("[POLL]", "question: Red?"),
    ),
    "a type that is a number": (samples.message(type=7), said(TEXT)),
    "a known content under a type of the future": (samples.message("poll", text=TEXT), said(TEXT)),
    "a known content beside that of a type of the future": (
        samples.message("poll", poll='{"question": "Red?"}', text=TEXT),
        said(TEXT, "[poll: question: Red?]"),
    ),
    "a choice as a type of its own": (
        samples.message("list_reply", list_reply='{"id": "1", "title": "Yes"}', text=...),
        tapped("1", "Yes"),
    ),
    "a form as a type of its own": (
        samples.message("nfm_reply", nfm_reply={"response_json": '{"size": "M", "flow_token": "private"}'}, text=...),
        said("size: M"),
    ),
    "a choice whose members stand beside its type": (
        samples.message("interactive", interactive={"type": "button_reply", "id": "1", "title": "Yes"}),
        tapped("1", "Yes"),
    ),
    "a button under a type of the future": (
        samples.message("quick_reply", button='{"text": "Yes", "payload": "yes"}'),
        tapped("yes", "Yes"),
    ),
    "a button without a type": (samples.message("button", type=...), tapped(TEXT, "private label")),
    "reply button": (
        samples.message(
            "interactive", interactive={"type": "button_reply", "button_reply": {"id": "1", "title": "Yes"}}
        ),
        tapped("1", "Yes"),
    ),
    "contacts in Meta's shape": (
        samples.message("contacts"),
        {"type": "text", "text": {"body": f"{TEXT}\nprivate (CELL)"}},
    ),
    "contacts in another shape": (
        samples.message("contacts", contacts='[{"displayName": "Ada", "vcard": {"tel": [123, "456"], "fn": "Ada"}}]'),
        {"type": "text", "text": {"body": "tel: 123\ntel: 456\nfn: Ada\ndisplayName: Ada"}},
    ),
    "contacts in Meta's shape, as plain texts": (
        samples.message("contacts", contacts=[{"name": TEXT, "phones": [PERSON], "emails": ["private@shop.example"]}]),
        said(TEXT, PERSON, "private@shop.example"),
    ),
    "contacts as a text": (
        samples.message("contacts", contacts="BEGIN:VCARD"),
        {"type": "text", "text": {"body": "BEGIN:VCARD"}},
    ),
}


@pytest.mark.parametrize("as_form", [False, True], ids=["JSON", "form"])
@pytest.mark.parametrize(("body", "expected"), REPLIES.values(), ids=REPLIES.keys())
def test_reply(body: Json, expected: Json, as_form: bool) -> None:
    answer = replied(samples.form(**body), FORM) if as_form else replied(body)

    assert isinstance(answer, Reply)
    assert answer.message.wire() == FROM_PERSON | expected
    assert (answer.answers_reference, answer.answers_bsp_id) == (None, "reply-m1-message-m1")
    assert answer.attachment is None


ADDRESS = {"url": "https://files.example/private.jpg?s=private-signature"}
FILES: dict[str, tuple[Json, Attachment, str]] = {
    "image": (
        samples.message("image"),
        Attachment("image", ADDRESS, "image/jpeg", None, TEXT),
        f"[image not available] {TEXT}",
    ),
    "video": (
        samples.message("video"),
        Attachment("video", ADDRESS, "video/mp4", None, TEXT),
        f"[video not available] {TEXT}",
    ),
    "audio": (
        samples.message("audio"),
        Attachment("audio", ADDRESS, "audio/ogg; codecs=opus"),
        "[audio not available]",
    ),
    "voice": (
        samples.message("voice"),
        Attachment("audio", ADDRESS, "audio/ogg; codecs=opus"),
        "[audio not available]",
    ),
    "document": (
        samples.message("document"),
        Attachment("file", ADDRESS, "application/pdf", None, TEXT),
        f"[file not available] {TEXT}",
    ),
    "sticker": (
        samples.message("sticker", sticker=samples.file("image/webp")),
        Attachment("image", ADDRESS, "image/webp"),
        "[image not available]",
    ),
    "under a type of the future": (
        samples.message("view_once", image=samples.file()),
        Attachment("image", ADDRESS, "image/jpeg"),
        "[image not available]",
    ),
    "document with a name, an object": (
        samples.message("document", document=json.loads(samples.file("application/pdf", filename="a.pdf"))),
        Attachment("file", ADDRESS, "application/pdf", "a.pdf"),
        "[file not available]",
    ),
    "signature in the address": (
        samples.message("image", image=samples.file(signature="", url=ADDRESS["url"])),
        Attachment("image", ADDRESS, "image/jpeg"),
        "[image not available]",
    ),
    "caption beside the image": (
        samples.message("image", image=samples.file(), caption="Look"),
        Attachment("image", ADDRESS, "image/jpeg", None, "Look"),
        "[image not available] Look",
    ),
    "words beside the image": (
        samples.message("image", image=samples.file(), text="Look"),
        Attachment("image", ADDRESS, "image/jpeg", None, "Look"),
        "[image not available] Look",
    ),
    "beside a type of the future": (
        samples.message("view_once", image=samples.file(), view_once='{"seconds": 5}'),
        Attachment("image", ADDRESS, "image/jpeg", None, "[view_once: seconds: 5]"),
        "[image not available] [view_once: seconds: 5]",
    ),
    "no content type": (
        samples.message("image", image=samples.file(mime_type=None)),
        Attachment("image", ADDRESS),
        "[image not available]",
    ),
}


@pytest.mark.parametrize("as_form", [False, True], ids=["JSON", "form"])
@pytest.mark.parametrize(("body", "attachment", "words"), FILES.values(), ids=FILES.keys())
def test_file(body: Json, attachment: Attachment, words: str, as_form: bool) -> None:
    answer = replied(samples.form(**body), FORM) if as_form else replied(body)

    assert answer.attachment == attachment
    assert answer.message.wire() == FROM_PERSON | {"type": "text", "text": {"body": words}}
    assert_public(answer)


NO_REPLIES: dict[str, tuple[Json, str]] = {
    "empty text": (samples.message(text=""), "no content"),
    "no file": (samples.message("image", image=...), "no content"),
    "file not JSON": (samples.message("image", image="private"), "no content"),
    "file without an address": (samples.message("image", image=samples.file(url=None)), "no content"),
    "location not JSON": (samples.message("location", location="here"), "no content"),
    "location without a longitude": (samples.message("location", location={"latitude": 1}), "no content"),
    "location beyond the poles": (samples.message("location", location={"latitude": 91, "longitude": 1}), "no content"),
    "button of no values": (samples.message("button", button={"payload": {}, "text": []}), "no content"),
    "empty button": (samples.message("button", button={}), "no content"),
    "form without anything": (
        samples.message("interactive", interactive={"type": "nfm_reply", "nfm_reply": {}}),
        "no content",
    ),
    "no contacts": (samples.message("contacts", contacts=[]), "no content"),
}


@pytest.mark.parametrize(("body", "reason"), NO_REPLIES.values(), ids=NO_REPLIES.keys())
def test_reply_that_says_nothing_is_kept(body: Json, reason: str) -> None:
    assert replied(body) == NotUnderstood(body["type"], reason, body)


@pytest.mark.parametrize(
    ("halves", "expected"),
    [
        ({}, ("reply-m1-message-m1", "message-m1-reply-m1")),
        ({"replyId": 12, "messageId": 34}, ("12-34", "34-12")),
        ({"replyId": ...}, (None, None)),
        ({"messageId": ...}, (None, None)),
        ({"replyId": "", "messageId": "b"}, (None, None)),
        ({"replyId": "null", "messageId": "b"}, (None, None)),
    ],
    ids=["both", "numbers", "no replyId", "no messageId", "blank replyId", "null replyId"],
)
def test_what_a_reply_answers(halves: Json, expected: tuple[str | None, str | None]) -> None:
    answer = replied(samples.message(**halves))

    assert (answer.answers_bsp_id, answer.or_bsp_id) == expected


SECOND: dict[str, tuple[Json, bool]] = {
    "the same": (samples.message(), True),
    "in another order": (dict(reversed(samples.message().items())), True),
    "another answer to the same message": (samples.message(text="k"), False),
    "a moment later": (samples.message(timestamp=str(SECONDS * 1000 + 999)), False),
    "from somebody else": (samples.message(mobile="27837654321"), False),
}


@pytest.mark.parametrize(("body", "same"), SECOND.values(), ids=SECOND.keys())
def test_a_message_is_known_by_what_it_says(body: Json, same: bool) -> None:
    assert (event(body).id == event(samples.message()).id) is same


def test_gupshup_gives_no_proof_of_its_own_and_verifies_nothing() -> None:
    callback = Callback("GET", {}, {"hub.challenge": "x"}, b"")

    assert inbound.authentic(callback, ACCOUNT) is True
    assert inbound.challenge(callback, ACCOUNT) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("offer", {"order_update": "9001", "offer": "7"}, id="another"),
        pytest.param("order_update", {"order_update": "9001"}, id="the account's own comes first"),
    ],
)
def test_ids_of_templates_that_are_known(name: str, expected: dict[str, str]) -> None:
    known = ACCOUNT.provider.with_template_id(name, "7")
    assert known.templates == expected  # type: ignore[attr-defined]
    assert ACCOUNT.provider.templates == {"order_update": "9001"}  # type: ignore[attr-defined]
