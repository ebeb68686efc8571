"""Making and editing templates at Gupshup, as one guide and a few clients show it."""

import json
from email.parser import BytesParser
from typing import Any

import pytest

from tests.ops.drafts import CODE, DYNAMIC, IMAGE, PHONE, REPLY, URL, body, buttons, carousel, draft, footer, header
from tests.providers.gupshup import samples
from tests.support.services import services
from whatsapp_bridge.net.http import Answer, AnswerLost
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.template_admin import Done, Made, NotDone, SampleFile
from whatsapp_bridge.providers.gupshup.template_admin import Admin, refusals
from whatsapp_bridge.templates.template import Template

type Json = dict[str, Any]

BODY = body("Hi {{1}}, our sale ends soon! See you there.", "Pablo")
FILES = {"picture.png": SampleFile("picture.png", "image/png", b"png")}
COMMON = {"v": "1.1", "format": "json", "auth_scheme": "plain", "category": "MARKETING", "language": "en"}


class Http:
    """Gives one answer, and keeps the fields that were asked with."""

    def __init__(self, answer: Any) -> None:
        self._answer, self.fields, self.url = answer, {}, ""

    fields: Json

    def request(self, method: str, url: str, raw: bytes, headers: Any) -> Answer:
        self.url = url
        message = BytesParser().parsebytes(b"Content-Type: " + headers["content-type"].encode() + b"\n\n" + raw)
        parts: Any = message.get_payload()
        for part in parts:
            name = part.get_param("name", header="content-disposition")
            self.fields[name] = part.get_payload(decode=True).decode()
        if isinstance(self._answer, Exception):
            raise self._answer
        return Answer(200, {}, json.dumps(self._answer).encode())


def admin(http: Http) -> Admin:
    given: Any = http
    return Admin(parse_account("acme", samples.secret("https://bsp.example")), services(given))


def create(template: Json, answer: Any) -> tuple[Made | NotDone, Json]:
    http = Http(answer)
    return admin(http).create(template, FILES), http.fields


TAKEN = {"status": "success", "details": [{"template_id": 4711}]}


@pytest.mark.parametrize(
    ("components", "fields"),
    [
        pytest.param(
            [header("Summer sale"), BODY, footer("Reply STOP"), buttons(REPLY, DYNAMIC)],
            {
                "type": "text",
                "header": "Summer sale",
                "footer": "Reply STOP",
                "quick_reply_buttons": '["Tell me more"]',
                "call_to_action_buttons": '[{"type":"url","text":"Open","urlType":"dynamic",'
                '"url":"https://shop.example/","example":["https://shop.example/a"]}]',
                "quickReplyFirst": "true",
            },
            id="text and buttons",
        ),
        pytest.param([IMAGE, BODY], {"type": "image", "header_examples": "png"}, id="a picture"),
        pytest.param([{"type": "HEADER", "format": "LOCATION"}, BODY], {"type": "location"}, id="a place"),
        pytest.param(
            [BODY, buttons(URL, PHONE)],
            {
                "type": "text",
                "call_to_action_buttons": '[{"type":"url","text":"Open","urlType":"static",'
                '"url":"https://shop.example/help"},'
                '{"type":"phone_number","text":"Call us","phone_number":"+27999000001"}]',
            },
            id="a URL and a phone number",
        ),
    ],
)
def test_form_has_the_fields_of_the_guide(components: list[Json], fields: Json) -> None:
    made, sent = create(draft(*components), TAKEN)

    assert made == Made("4711", "order_update", "PENDING", "MARKETING")
    text = {"template": BODY["text"], "template_variable_examples": '["Pablo"]', "template_name": "order_update"}
    login = {"userid": sent["userid"], "password": sent["password"], "method": "create_whatsapp_hsm"}
    assert sent == COMMON | login | text | fields


@pytest.mark.parametrize(
    ("components", "words"),
    [
        pytest.param([BODY, carousel()], "Gupshup has no field for CAROUSEL", id="a carousel"),
        pytest.param([BODY, buttons(CODE)], "Gupshup has no button COPY_CODE", id="a code"),
        pytest.param(
            [{**IMAGE, "example": {"header_handle": ["4::a"]}}, BODY],
            "Gupshup has no field for a handle of Meta's: the header's sample must be a file, example.header_file",
            id="a handle",
        ),
    ],
)
def test_what_no_source_shows_never_leaves(components: list[Json], words: str) -> None:
    assert refusals(draft(*components)) == [words]
    assert create(draft(*components), TAKEN) == (NotDone("refused", words), {})


@pytest.mark.parametrize(
    ("answer", "why", "reason"),
    [
        pytest.param(
            {"response": {"status": "error", "id": "102", "details": "Falsches Passwort"}},
            "permission",
            "Falsches Passwort (Gupshup's error 102)",
            id="credentials, under 200",
        ),
        pytest.param(
            {"status": "error", "id": "101", "details": "template_name missing"},
            "refused",
            "template_name missing (Gupshup's error 101)",
            id="an error in its words",
        ),
        pytest.param({"status": "success"}, "lost", "Gupshup's answer has no template_id", id="no id"),
        pytest.param(AnswerLost("ReadTimeout"), "lost", "Gupshup's answer was lost: ReadTimeout", id="lost"),
    ],
)
def test_answer_that_made_nothing(answer: Any, why: str, reason: str) -> None:
    assert create(draft(BODY), answer)[0] == NotDone(why, reason)  # type: ignore[arg-type]


def test_edit_names_the_id() -> None:
    http = Http({"status": "success"})
    known = Template("order_update", "en", id="4711", category="MARKETING")

    done = admin(http).edit(known, {"components": [BODY]}, {})

    assert (done, http.fields["method"], http.fields["id"]) == (Done(), "update_whatsapp_hsm", "4711")
    assert http.url == "https://wamedia.smsgupshup.com/GatewayAPI/rest"
