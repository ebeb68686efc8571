"""What Message Central says of one template."""

from typing import Any

import pytest

from tests.providers.message_central import samples
from tests.providers.message_central.samples import Json, refused, said
from tests.support.services import services
from tests.templates.samples import template
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.templates import NotListed
from whatsapp_bridge.providers.message_central.template_status import TemplateStatus

NOW = 1_760_000_000
NAME, TEMPLATE_ID = "abhishek_786", "205681076471259"
BARE: Json = {
    "name": NAME,
    "components": [{"type": "BODY", "text": "Congratulations!"}],
    "language": "en_US",
    "status": "PENDING",
    "category": "UTILITY",
    "id": TEMPLATE_ID,
}
KNOWN = template(name=NAME, id=TEMPLATE_ID, language="en_US")


class Http(HttpClient):
    """Answers each request in turn; requests for tokens have a token of their own each."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[tuple[str, str, Any, dict[str, str]]] = []
        self.tokens = 0

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, *, max_bytes: int = 0) -> Answer:
        if samples.is_for_a_token(url):
            self.tokens += 1
            return said(200, samples.token_answer(f"token-{self.tokens}"))
        self.asked.append((method, url, body, headers))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Answer)
        return answer


def ask(http: Http, known: Any = KNOWN, **provider: Any) -> Any:
    account = parse_account("acme", samples.secret(**provider))
    return TemplateStatus(account, services(http), now=lambda: NOW).ask(known)


def test_it_is_asked_with_the_fields_of_a_form() -> None:
    http = Http(said(200, BARE))
    news = ask(http, token=samples.TOKEN)
    ((method, url, body, headers),) = http.asked
    assert (method, url) == ("GET", "https://bsp.example/verification/v3/template")
    assert headers["authToken"] == samples.TOKEN
    assert headers["content-type"].startswith("multipart/form-data; boundary=")
    fields = dict(part.split(b'name="')[1].split(b'"\r\n\r\n') for part in body.split(b"--")[1:] if b"name=" in part)
    assert {name.decode(): value.strip().decode() for name, value in fields.items()} == {
        "phoneNumber": "27999000001",
        "templateName": NAME,
        "templateId": TEMPLATE_ID,
        "templateLang": "en_US",
    }
    assert (news.name, news.language, news.at, news.source) == (NAME, "en_US", NOW, "Message Central's status")
    assert news.says["status"] == "PENDING"


def test_clevertaps_spelling_of_a_name_stays() -> None:
    known = KNOWN._replace(name="Abhishek786", bsp_name=NAME)
    news = ask(Http(said(200, BARE)), known, token=samples.TOKEN)
    assert (news.name, news.bsp_name) == ("Abhishek786", NAME)


def test_a_refused_token_is_renewed_once() -> None:
    http = Http(said(200, refused(800, "Invalid Auth")), said(200, BARE))
    assert ask(http).name == NAME
    assert [headers["authToken"] for _, _, _, headers in http.asked] == ["token-1", "token-2"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param(said(200, refused(816, "Provide a correct template name")), "missing", id="no such name"),
        pytest.param(said(200, refused(800, "Unsupported get request. Object")), "missing", id="Meta's own words"),
        pytest.param(said(200, refused(801, "Invalid sender")), "permission", id="not its number"),
        pytest.param(said(200, refused(817)), "unknown", id="a parameter is missing"),
        pytest.param(said(200, refused(429)), "later", id="too many"),
        pytest.param(said(200, BARE | {"name": "another"}), "unknown", id="another template"),
        pytest.param(said(200, {}), "unknown", id="nothing"),
        pytest.param(Answer(502, {}, b"<html>"), "later", id="a page under 502"),
        pytest.param(Answer(404, {}, b"<html>"), "unknown", id="a page under 404"),
        pytest.param(NotReached("ConnectTimeout"), "later", id="not reached"),
        pytest.param(AnswerLost("ReadTimeout"), "later", id="answer lost"),
    ],
)
def test_no_template(answer: Any, why: str) -> None:
    found = ask(Http(answer), token=samples.TOKEN)
    assert isinstance(found, NotListed)
    assert found.why == why
    assert "private" not in found.reason


def test_refused_credentials() -> None:
    found = ask(Http(*[said(200, refused(800, "Invalid Auth"))] * 3), token=samples.TOKEN)
    assert isinstance(found, NotListed)
    assert found.why == "permission"


def test_without_an_id_nothing_is_asked() -> None:
    http = Http()
    assert isinstance(ask(http, KNOWN._replace(id=None), token=samples.TOKEN), NotListed)
    assert http.asked == []
