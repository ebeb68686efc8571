"""Making templates at Message Central, whose form has less than Meta's."""

import json
from email.parser import BytesParser
from typing import Any

import pytest

from tests.ops.drafts import CODE, DYNAMIC, IMAGE, PHONE, REPLY, URL, body, buttons, draft, footer, header, offer
from tests.providers.message_central import samples
from tests.support.services import services
from whatsapp_bridge.net.http import Answer, AnswerLost, NotReached
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.template_admin import Made, NotDone, SampleFile
from whatsapp_bridge.providers.message_central.template_admin import Admin, refusals

type Json = dict[str, Any]

HEAD, BODY = header("Congratulations"), body("Hello {{1}}, your account is ready.", "Ada")
MADE = {"name": "order_update", "id": "790937216444187", "status": "PENDING", "category": "MARKETING"}
FILES = {"picture.png": SampleFile("picture.png", "image/png", b"png")}


class Http:
    """Gives these answers, one by one, and keeps what was asked, as fields."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, Json, str]] = []

    def request(self, method: str, url: str, raw: bytes | None = None, headers: Any = None) -> Answer:
        if "/auth/" in url:
            return Answer(200, {}, b'{"status": 200, "token": "another"}')
        message = BytesParser().parsebytes(
            b"Content-Type: " + headers["content-type"].encode() + b"\n\n" + (raw or b"")
        )
        parts: Any = message.get_payload()
        fields = {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True).decode()
            for part in parts
        }
        self.asked.append((method, url, fields, headers["authToken"]))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Answer(200, {}, json.dumps(answer).encode())


def admin(http: Http) -> Admin:
    given: Any = http
    return Admin(parse_account("acme", samples.secret("https://bsp.example")), services(given))


def create(template: Json, *answers: Any) -> tuple[Made | NotDone, Http]:
    http = Http(*answers)
    return admin(http).create(template, FILES), http


def taken(**changes: Any) -> Json:
    return {"responseCode": 200, "data": {"data": MADE | changes}}


@pytest.mark.parametrize(
    ("components", "fields"),
    [
        pytest.param(
            [HEAD, body("Hello, your account is ready.")],
            {"headerFormat": "TEXT", "header": "Congratulations", "body": "Hello, your account is ready."},
            id="text",
        ),
        pytest.param(
            [IMAGE, BODY],
            {"headerFormat": "IMAGE", "file": "png", "body": "Hello {{1}}, your account is ready.", "bodyValue": "Ada"},
            id="a file, and a variable",
        ),
        pytest.param(
            [HEAD, body("Hello {{1}}, use {{2}} today.", "Ada", "SAVE25"), footer("Bye")],
            {
                "headerFormat": "TEXT",
                "header": "Congratulations",
                "body": "Hello {{1}}, use {{2}} today.",
                "bodyValue": "Ada SAVE25",
                "footer": "Bye",
            },
            id="two variables and a footer",
        ),
    ],
)
def test_form_has_the_fields_of_the_documentation(components: list[Json], fields: Json) -> None:
    made, http = create(draft(*components), taken())

    assert made == Made("790937216444187", "order_update", "PENDING", "MARKETING")
    assert http.asked[0][:2] == ("POST", "https://bsp.example/verification/v3/template")
    same = {"phoneNumber": "27999000001", "name": "order_update", "language": "en", "category": "MARKETING"}
    assert http.asked[0][2] == same | fields


def test_buttons_are_written_as_message_central_shows_them() -> None:
    _, http = create(draft(HEAD, BODY, buttons(PHONE, URL, DYNAMIC, REPLY)), taken())

    assert json.loads(http.asked[0][2]["buttons"]) == [
        {"type": "PHONE_NUMBER", "text": "Call us", "value": "27999000001"},
        {"type": "URL", "text": "Open", "value": "https://shop.example/help"},
        {"type": "URL", "text": "Open", "url": "https://shop.example/{{1}}", "example": "https://shop.example/a"},
        {"type": "QUICK_REPLY", "text": "Tell me more"},
    ]


@pytest.mark.parametrize(
    ("components", "words"),
    [
        pytest.param([BODY], "a header is mandatory (its error 813)", id="no header"),
        pytest.param([{"type": "HEADER", "format": "LOCATION"}, BODY], "no header LOCATION", id="a place"),
        pytest.param(
            [header("Hi {{1}}!", "Ada"), BODY], "no field for the sample of a header's variable", id="variable"
        ),
        pytest.param([HEAD, body("Hello {{1}}, bye.", "Ada L")], "each must be one word", id="a sample of two words"),
        pytest.param([HEAD, BODY, buttons(CODE)], "no button COPY_CODE", id="a code"),
        pytest.param([HEAD, offer(), BODY], "no field for LIMITED_TIME_OFFER", id="an offer"),
        pytest.param(
            [{**IMAGE, "example": {"header_handle": ["4::a"]}}, BODY],
            "the header's sample must be a file",
            id="a handle",
        ),
    ],
)
def test_what_the_form_has_no_place_for_never_leaves(components: list[Json], words: str) -> None:
    made, http = create(draft(*components))

    assert isinstance(made, NotDone)
    assert (made.why, words in made.reason, http.asked) == ("refused", True, [])


def test_fitting_draft_has_no_refusals() -> None:
    assert refusals(draft(HEAD, BODY, footer(), buttons(URL, PHONE))) == []


def test_normalised_name_is_kept() -> None:
    made, _ = create(draft(HEAD, BODY, name="abhishek786"), taken(name="abhishek_786"))

    assert isinstance(made, Made)
    assert made.name == "abhishek_786"


@pytest.mark.parametrize(
    ("answer", "why", "reason"),
    [
        pytest.param(
            {"responseCode": 827, "message": "bodyValue does not match"},
            "refused",
            "bodyValue does not match (Message Central's error 827)",
            id="an error in its words",
        ),
        pytest.param({"responseCode": "429"}, "later", "refused (Message Central's error 429)", id="too many"),
        pytest.param(taken(id=None), "lost", "Message Central's answer names no template", id="no id"),
        pytest.param(AnswerLost("ReadTimeout"), "lost", "Message Central's answer was lost: ReadTimeout", id="lost"),
        pytest.param(
            NotReached("ConnectTimeout"), "later", "no connection to Message Central: ConnectTimeout", id="none"
        ),
    ],
)
def test_answer_that_made_nothing(answer: Any, why: str, reason: str) -> None:
    assert create(draft(HEAD, BODY), answer)[0] == NotDone(why, reason)  # type: ignore[arg-type]


def test_refused_token_is_renewed_once() -> None:
    refused = {"responseCode": 401, "message": "Unauthorized"}

    made, http = create(draft(HEAD, BODY), refused, taken())

    assert (isinstance(made, Made), len(http.asked)) == (True, 2)
