"""Gupshup's sandbox: as strict as Gupshup, and its callbacks are what the adapter takes for Gupshup's."""

import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from local.sandbox.gupshup import PATH, REPORT_OF, GupshupSandbox
from local.sandbox.template_review import REVIEW_SECONDS
from local.web import LoopbackHandler, LoopbackServer
from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.inbound import Callback, Event, Notice, ReplyEvent
from whatsapp_bridge.providers.contract.replies import Reply
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.providers.contract.templates import ListedPage, NotListed
from whatsapp_bridge.providers.gupshup import inbound, replies
from whatsapp_bridge.providers.registry import templates
from whatsapp_bridge.templates.news import News

type Json = dict[str, Any]

PERSON, EXTRA = "27821230005", "1|2|3|4"
SECRET: Json = {
    "waba_number": "27999000004",
    "clevertap": {
        "authorization": [{"type": "basic", "username": "user", "password": "a-long-password"}],
        "status_url": "https://clevertap.example/status",
        "incoming_url": "https://clevertap.example/incoming",
    },
    "callback_token": "t" * 40,
    "provider": {
        "type": "gupshup",
        "hsm": {"user_id": "hsm", "password": "hsm-password"},
        "two_way": {"user_id": "two-way", "password": "two-way-password"},
    },
}
ACCOUNT: Account = parse_account("acme", SECRET)
PATHS = {"status": f"/acme/status/{'t' * 40}", "incoming": f"/acme/incoming/{'t' * 40}"}


class Bridge:
    """The callback URLs: keeps what is posted or asked for."""

    def __init__(self) -> None:
        self.received: list[tuple[str, Callback]] = []
        self.changed = threading.Condition()
        bridge = self

        class Handler(LoopbackHandler):
            def respond(self) -> None:
                parts = urlsplit(self.path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                callback = Callback(self.command, headers, dict(parse_qsl(parts.query)), self.read_body())
                with bridge.changed:
                    bridge.received.append((parts.path, callback))
                    bridge.changed.notify_all()
                self.answer(200)

        self.server = LoopbackServer(Handler)

    def events(self, count: int) -> list[Event]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, 10)
            return [event for _, callback in self.received for event in inbound.split(callback, ACCOUNT)]


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    made = Bridge()
    with made.server:
        yield made


@pytest.fixture
def sandbox(bridge: Bridge) -> Iterator[GupshupSandbox]:
    with GupshupSandbox(lambda region: None, seed=1) as made:
        made.add_account("acme", SECRET, bridge.server.url)
        yield made


LOGIN = {"v": "1.1", "auth_scheme": "plain", "format": "json"}
TEXT = LOGIN | {
    "userid": "two-way",
    "password": "two-way-password",
    "method": "SendMessage",
    "send_to": PERSON,
    "msg_type": "TEXT",
    "msg": "Hello",
    "extra": EXTRA,
}
HSM = TEXT | {"userid": "hsm", "password": "hsm-password", "isHSM": "true"}
BY_ID = {name: HSM[name] for name in HSM if name != "msg"} | {"whatsAppTemplateId": "1", "var1": "Ada"}
IMAGE = {name: TEXT[name] for name in TEXT if name != "msg"} | {
    "method": "SendMediaMessage",
    "msg_type": "IMAGE",
    "media_url": "https://files.example/a.jpg",
    "caption": "",
    "isHSM": "false",
}
OPT_IN = LOGIN | {
    "userid": "hsm",
    "password": "hsm-password",
    "method": "OPT_IN",
    "channel": "WHATSAPP",
    "phone_number": PERSON,
}


def without(form: Json, *names: str) -> Json:
    return {name: form[name] for name in form if name not in names}


def post(sandbox: GupshupSandbox, form: Json) -> requests.Response:
    return requests.post(sandbox.url + PATH, data=form, timeout=10)


def said(sandbox: GupshupSandbox, form: Json) -> tuple[str, str]:
    """The status, and the code of an error."""
    answer = post(sandbox, form)
    assert answer.status_code == 200
    response = answer.json()["response"]
    return response["status"], response["id"] if response["status"] == "error" else ""


TAKEN: dict[str, Json] = {
    "text": TEXT,
    "text beyond ASCII": TEXT | {"msg": "नमस्ते", "data_encoding": "Unicode_text"},
    "image": IMAGE,
    "template": HSM | {"msg_type": "HSM"},
    "template of parts": HSM | {"isTemplate": "true", "header": "h", "footer": "f", "buttonUrlParam": "x"},
    "template with an image": without(IMAGE, "isHSM")
    | {"userid": "hsm", "password": "hsm-password", "isHSM": "true", "caption": "k"},
    "template by its id": BY_ID,
    "template with components": BY_ID | {"isTemplate": "true", "wa_template_json": '{"components": []}'},
    "template of two URLs by its text": HSM | {"isTemplate": "true", "wa_template_json": '{"components": []}'},
    "template of buttons by its text": HSM
    | {
        "isTemplate": "true",
        "wa_template_json": json.dumps({"components": [{"type": "button", "sub_type": "url", "index": "1"}]}),
    },
    "template with a place": BY_ID
    | {"isTemplate": "true", "msg_type": "LOCATION", "location": '{"latitude": "1", "longitude": "2"}'},
    "opt-in": OPT_IN,
}


@pytest.mark.parametrize("form", TAKEN.values(), ids=TAKEN.keys())
def test_taken(sandbox: GupshupSandbox, form: Json) -> None:
    assert said(sandbox, form) == ("success", "")


REFUSED: dict[str, tuple[Json, str]] = {
    "no login": (without(TEXT, "userid"), "101"),
    "unknown login": (TEXT | {"userid": "x"}, "103"),
    "wrong password": (TEXT | {"password": "x"}, "102"),
    "another scheme": (TEXT | {"auth_scheme": "basic"}, "102"),
    "another version": (TEXT | {"v": "1.0"}, "107"),
    "another method": (TEXT | {"method": "Send"}, "106"),
    "no number": (without(TEXT, "send_to"), "101"),
    "number with a plus": (TEXT | {"send_to": f"+{PERSON}"}, "105"),
    "no text": (TEXT | {"msg": " "}, "101"),
    "text too long": (TEXT | {"msg": "k" * 4096}, "101"),
    "unknown field": (TEXT | {"colour": "red"}, "101"),
    "beyond ASCII as TEXT": (TEXT | {"msg": "ü"}, "101"),
    "template on the two-way account": (TEXT | {"isHSM": "true"}, "318"),
    "text on the HSM account": (without(HSM, "isHSM"), "318"),
    "parts without isTemplate": (HSM | {"footer": "f"}, "101"),
    "footer too long": (HSM | {"isTemplate": "true", "footer": "f" * 61}, "101"),
    "header too long": (HSM | {"isTemplate": "true", "header": "h" * 61}, "318"),
    "body too long": (HSM | {"msg": "k" * 1025}, "318"),
    "a placeholder that is left": (HSM | {"msg": "Hi {{1}}"}, "318"),
    "line break in a value": (BY_ID | {"var1": "a\nb"}, "101"),
    "text and id": (BY_ID | {"msg": "Hello"}, "101"),
    "variables without an id": (HSM | {"var1": "Ada"}, "101"),
    "coupon by its text": (
        HSM
        | {
            "isTemplate": "true",
            "wa_template_json": json.dumps({"components": [{"type": "button", "sub_type": "copy_code"}]}),
        },
        "101",
    ),
    "carousel by its text": (
        HSM | {"isTemplate": "true", "wa_template_json": json.dumps({"components": [{"type": "carousel"}]})},
        "101",
    ),
    "components by text without isTemplate": (HSM | {"wa_template_json": '{"components": []}'}, "101"),
    "components that are none": (BY_ID | {"isTemplate": "true", "wa_template_json": "[]"}, "101"),
    "components that are no JSON": (BY_ID | {"isTemplate": "true", "wa_template_json": "{"}, "101"),
    "place of another type": (BY_ID | {"location": "{}"}, "101"),
    "a placeholder for a URL": (HSM | {"isTemplate": "true", "buttonUrlParam": "{{1}}"}, "101"),
    "a blank in an address": (IMAGE | {"media_url": "https://h.example/a b.png"}, "101"),
    "a path as a name": (IMAGE | {"msg_type": "DOCUMENT", "filename": "a/b.pdf"}, "101"),
    "media without an address": (IMAGE | {"media_url": "a.jpg"}, "101"),
    "caption null": (IMAGE | {"caption": "null"}, "101"),
    "no caption": (without(IMAGE, "caption"), "101"),
    "opt-in on the two-way account": (OPT_IN | {"userid": "two-way", "password": "two-way-password"}, "101"),
    "opt-in of no number": (OPT_IN | {"phone_number": "x"}, "105"),
}


@pytest.mark.parametrize(("form", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(sandbox: GupshupSandbox, form: Json, code: str) -> None:
    assert said(sandbox, form) == ("error", code)
    assert sandbox.delivered == []


def test_answers_as_text(sandbox: GupshupSandbox) -> None:
    assert post(sandbox, without(TEXT, "format")).text.startswith(f"success | {PERSON} | 5")
    assert post(sandbox, without(TEXT, "format") | {"password": "x"}).text.startswith("error | 102 | ")


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", PATH, {"content-type": "application/x-www-form-urlencoded"}),
        ("POST", "/", {"content-type": "application/x-www-form-urlencoded"}),
        ("POST", PATH, {"content-type": "application/json"}),
    ],
    ids=["GET", "another path", "JSON"],
)
def test_no_form_to_the_api(sandbox: GupshupSandbox, method: str, path: str, headers: dict[str, str]) -> None:
    answer = requests.request(method, sandbox.url + path, data=urlencode(TEXT), headers=headers, timeout=10)

    assert answer.status_code == 404
    assert sandbox.delivered == []


def test_a_password_is_not_kept(sandbox: GupshupSandbox) -> None:
    post(sandbox, HSM)

    assert "password" not in sandbox.calls[0].form
    assert "password" not in sandbox.delivered[0].wire


ENDS: dict[str, list[str]] = {
    "0005": ["sent", "delivered", "read"],
    "9402": ["sent", "delivered"],
    "9404": ["failed"],
    "9411": ["sent", "read"],
    "9420": ["sent", "failed"],
    "9432": ["failed"],
}


@pytest.mark.parametrize(("end", "statuses"), ENDS.items(), ids=ENDS.keys())
def test_reports_by_the_end_of_the_number(
    sandbox: GupshupSandbox, bridge: Bridge, end: str, statuses: list[str]
) -> None:
    post(sandbox, TEXT | {"send_to": f"2782123{end}"})

    events = bridge.events(len(statuses))

    assert [event.status for event in events if isinstance(event, StatusEvent)] == statuses
    assert {(event.reference, event.bsp_id) for event in events if isinstance(event, StatusEvent)} == {
        (EXTRA, sandbox.delivered[0].message_id)
    }


def test_every_report_is_listed_and_every_envelope_understood(sandbox: GupshupSandbox, bridge: Bridge) -> None:
    for number in range(2):
        post(sandbox, TEXT | {"extra": f"m{number}"})

    events = bridge.events(6)

    assert all(isinstance(event, StatusEvent) and not event.unlisted for event in events)
    methods = [callback.method for _, callback in bridge.received]
    shapes = {callback.body[:1] for _, callback in bridge.received}
    assert (methods.count("GET"), shapes) == (1, {b"r", b"{", b"[", b""})
    assert {row[0] for row in REPORT_OF.values()} == {"SENT", "DELIVERED", "READ", "FAILED"}


@pytest.mark.parametrize(
    ("end", "status", "said"),
    [("9402", "sent", ("SUCCESS", "025")), ("9404", "failed", ("FAILURE", "003"))],
    ids=["sent", "failed"],
)
def test_reports_by_get_have_other_names(
    sandbox: GupshupSandbox, bridge: Bridge, end: str, status: str, said: tuple[str, str]
) -> None:
    for number in range(4):
        post(sandbox, TEXT | {"send_to": "27821239404", "extra": f"m{number}"})
    bridge.events(4)
    post(sandbox, TEXT | {"send_to": f"2782123{end}"})
    bridge.events(5)

    (report,) = [callback for _, callback in bridge.received if callback.method == "GET"]
    (event,) = inbound.split(report, ACCOUNT)
    assert isinstance(event, StatusEvent)
    assert (event.status, event.reference, event.bsp_id) == (status, None, sandbox.delivered[-1].message_id)
    assert (report.query["status"], report.query["errCode"]) == said
    assert report.query.keys() == {
        "externalId",
        "deliveredTS",
        "status",
        "cause",
        "phoneNo",
        "errCode",
        "noOfFrags",
    }


def test_refused_by_the_end_of_the_number(sandbox: GupshupSandbox) -> None:
    opted_out = HSM | {"send_to": "27821239403"}

    assert said(sandbox, opted_out) == ("error", "312")
    assert said(sandbox, OPT_IN | {"phone_number": "27821239403"}) == ("success", "")
    assert said(sandbox, opted_out) == ("success", "")
    assert said(sandbox, TEXT | {"send_to": "27821239427"}) == ("error", "105")
    too_fast = TEXT | {"send_to": "27821239429"}
    assert [post(sandbox, too_fast).status_code for _ in range(3)] == [429, 429, 200]


def test_an_answer_may_be_lost(sandbox: GupshupSandbox, bridge: Bridge) -> None:
    with pytest.raises(requests.ConnectionError):
        post(sandbox, TEXT | {"send_to": "27821239408"})

    assert len(bridge.events(3)) == 3


def replied(bridge: Bridge, count: int = 1) -> Reply:
    *_, event = [event for event in bridge.events(count) if isinstance(event, ReplyEvent)]
    reply = replies.reply(event.element, ACCOUNT)
    assert isinstance(reply, Reply)
    return reply


def test_people_write(sandbox: GupshupSandbox, bridge: Bridge) -> None:
    post(sandbox, TEXT | {"send_to": "27821239400"})
    (message,) = sandbox.delivered
    sandbox.person_writes("acme", message.to, "Hello back", message)

    reply = replied(bridge)

    assert bridge.received[0][0] == PATHS["incoming"]
    assert (reply.message.wire()["text"], reply.answers_bsp_id) == ({"body": "Hello back"}, message.message_id)


@pytest.mark.parametrize(
    ("components", "payload"),
    [
        ([], "Stop"),
        (
            [
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": "1",
                    "parameters": [{"type": "payload", "payload": "p"}],
                }
            ],
            "p",
        ),
    ],
    ids=["without a payload", "with a payload"],
)
def test_people_tap(sandbox: GupshupSandbox, bridge: Bridge, components: list[Json], payload: str) -> None:
    form = BY_ID | {"isTemplate": "true", "wa_template_json": json.dumps({"components": components})}
    post(sandbox, form | {"send_to": "27821239400"})
    (message,) = sandbox.delivered
    sandbox.person_taps_button(message, 2, "Stop")

    assert replied(bridge).message.wire()["button"] == {"payload": payload, "text": "Stop"}


def test_people_send_files(sandbox: GupshupSandbox, bridge: Bridge) -> None:
    sandbox.person_sends_media("acme", PERSON, b"jpeg", "image/jpeg", "a.jpg", "Look")

    attachment = replied(bridge).attachment

    assert attachment is not None
    assert (attachment.kind, attachment.content_type, attachment.caption) == ("image", "image/jpeg", "Look")
    assert requests.get(attachment.source["url"], timeout=10).content == b"jpeg"


@pytest.mark.parametrize("generic", [False, True])
def test_people_open_links(sandbox: GupshupSandbox, bridge: Bridge, generic: bool) -> None:
    post(sandbox, TEXT | {"send_to": "27821239400"})
    (message,) = sandbox.delivered
    sandbox.person_opens_link(message, "https://shop.example", generic=generic)

    first, again = bridge.events(2)

    assert first == again
    assert isinstance(first, StatusEvent)
    assert (first.status, first.reference, first.url) == ("clicked", EXTRA, "https://shop.example")
    assert bridge.received[0][0] == PATHS["status"]


FLAT: Json = {"id": 7, "name": "offer", "language": "en", "type": "TEXT", "category": "MARKETING", "body": "Hi"}


def test_templates_of_the_hsm_login(sandbox: GupshupSandbox, bridge: Bridge) -> None:
    account = parse_account("acme", SECRET | {"provider": SECRET["provider"] | {"templates_url": sandbox.url}})
    asked = templates("gupshup")(account, HttpClient(), lambda: 1_760_000_000)
    now = [0.0]
    sandbox.templates["acme"].clock = lambda: now[0]
    sandbox.review("acme", FLAT)
    page = asked.page(None, 10)
    assert isinstance(page, ListedPage)
    assert [news.says["status"] for news in page.news] == ["PENDING"]
    now[0] += REVIEW_SECONDS
    found = asked.fetch("7")
    assert isinstance(found, News)
    assert found.says["status"] == "APPROVED"
    (event,) = bridge.events(1)
    assert isinstance(event, Notice)
    sandbox.templates["acme"].hidden = 1
    assert isinstance(asked.page("1", 10), NotListed)


def test_templates_are_for_the_hsm_login_alone(sandbox: GupshupSandbox) -> None:
    wrong = SECRET["provider"] | {"templates_url": sandbox.url, "hsm": {"user_id": "hsm", "password": "wrong-password"}}
    asked = templates("gupshup")(parse_account("acme", SECRET | {"provider": wrong}), HttpClient(), lambda: 0)
    answer = asked.page(None, 10)
    assert isinstance(answer, NotListed)
    assert answer.why == "permission"
