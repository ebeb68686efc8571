import json
from base64 import b64encode
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urlencode
from zipfile import ZipFile

import pytest

from local.sandbox.message_central import ERRORS, SEND_PATH, TOKEN_PATH, Customer, MessageCentralSandbox
from tests.local.bridge import Bridge
from tests.providers.message_central.samples import jwt, secret
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.contract.inbound import Callback, NotUnderstood
from whatsapp_bridge.providers.message_central import codes, inbound
from whatsapp_bridge.providers.message_central.client import _form
from whatsapp_bridge.providers.message_central.sheets import CONTENT_TYPE, sheet
from whatsapp_bridge.providers.message_central.tokens import _lifetime

type Json = dict[str, Any]

PLACE = {"flowType": "WHATSAPP", "senderId": "27999000005", "countryCode": "27", "mobileNumber": "821230001"}
CHAT = {**PLACE, "type": "CHAT", "message": "Hi, you"}
BROADCAST = {**PLACE, "type": "BROADCAST", "templateName": "t", "langId": "en"}
BULK = {"flowType": "WHATSAPP", "senderId": "27999000005", "type": "BROADCAST", "templateName": "t", "langId": "en"}
LOGIN = {"customerId": "C", "key": b64encode(b"pass").decode(), "scope": "NEW"}


@pytest.fixture
def central(bridge: Bridge) -> Iterator[MessageCentralSandbox]:
    with MessageCentralSandbox(lambda region: None, seed=1) as sandbox:
        url = f"{bridge.server.url}/status"
        sandbox.add(Customer("asks", "27999000005", "C", "pass", "", url))
        sandbox.add(Customer("has", "27999000005", "", "", "a-token", url))
        yield sandbox


def call(
    central: MessageCentralSandbox, query: dict[str, str], body: bytes = b"", token: str = "a-token", **headers: str
) -> tuple[int, Json]:
    named = {"authtoken": token, **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = central.handle("POST", f"{SEND_PATH}?{urlencode(query)}", named, body)
    return answer.status, answer.body


def upload(central: MessageCentralSandbox, query: dict[str, str], content: bytes) -> Json:
    body, headers = _form(("messages.xlsx", content, CONTENT_TYPE))
    return call(central, query, body, content_type=headers["content-type"])[1]


def row(mobile: str, *variables: str, urls: tuple[str, ...] = ()) -> Json:
    number = {"countryCode": "27", "mobileNumber": mobile}
    return {**number, "variables": list(variables), "ctaVariables": list(urls)}


def statuses(bridge: Bridge, count: int) -> list[Json]:
    """In the order in which things happened."""
    bodies = [body for path, body in bridge.wait_for(count) if path == "/status"]
    found = [body["entry"][0]["changes"][0]["value"]["statuses"][0] for body in bodies]
    return sorted(found, key=lambda status: ["sent", "delivered", "read", "failed"].index(status["status"]))


def test_token(central: MessageCentralSandbox) -> None:
    answer = central.handle("GET", f"{TOKEN_PATH}?{urlencode(LOGIN)}", {}, b"")

    token = answer.body["token"]
    assert (answer.status, answer.body["status"]) == (200, 200)
    assert _lifetime(token, 0) > 7 * 86_400
    assert call(central, CHAT, token=token)[1]["responseCode"] == 200
    central.revoke_tokens()
    assert call(central, CHAT, token=token) == (401, {"responseCode": 800, "message": ERRORS[800], "data": None})
    assert call(central, CHAT)[1]["responseCode"] == 200


@pytest.mark.parametrize("changes", [{"customerId": "D"}, {"key": "pass"}, {"key": ""}], ids=str)
def test_no_token(central: MessageCentralSandbox, changes: dict[str, str]) -> None:
    assert central.handle("GET", f"{TOKEN_PATH}?{urlencode(LOGIN | changes)}", {}, b"").status == 401


@pytest.mark.parametrize(
    ("query", "token", "code"),
    [
        pytest.param(CHAT, jwt({"sub": "C"}), 800, id="nobody's token"),
        pytest.param(CHAT | {"senderId": "27999000009"}, "a-token", 801, id="another sender"),
        pytest.param(CHAT | {"message": " "}, "a-token", 830, id="no message"),
        pytest.param(CHAT | {"mobileNumber": ""}, "a-token", 829, id="no number"),
        pytest.param(CHAT | {"mobileNumber": "+2782"}, "a-token", 829, id="number with a sign"),
        pytest.param(BROADCAST | {"templateName": ""}, "a-token", 802, id="no template"),
        pytest.param(BROADCAST | {"templateName": "not_approved"}, "a-token", 802, id="not approved"),
        pytest.param(BROADCAST | {"langId": ""}, "a-token", 802, id="no language"),
        pytest.param(BROADCAST | {"variables": "a,,b"}, "a-token", 804, id="empty variable"),
        pytest.param(BROADCAST | {"ctaVariables": "a,b,c"}, "a-token", 804, id="three URLs"),
        pytest.param(BROADCAST | {"header": "a"}, "a-token", 804, id="parameter that is not there"),
        pytest.param(BROADCAST | {"flowType": "SMS"}, "a-token", 804, id="another flow"),
    ],
)
def test_refused(central: MessageCentralSandbox, query: dict[str, str], token: str, code: int) -> None:
    _, body = call(central, query, token=token)

    assert body == {"responseCode": code, "message": ERRORS[code], "data": None}
    assert central.delivered == []


@pytest.mark.parametrize(
    "values", [{"variables": "a\tb"}, {"ctaVariables": "h.example/{{1}}"}], ids=["a tab", "a placeholder for a URL"]
)
def test_a_value_that_whatsapp_refuses(central: MessageCentralSandbox, values: dict[str, str]) -> None:
    _, body = call(central, BROADCAST | values)

    assert (body["responseCode"], body["message"]) == (800, "(#100) Invalid parameter")
    assert central.delivered == []


def test_errors_are_the_documentation_s() -> None:
    assert ERRORS.keys() <= codes.ERRORS.keys()


def test_template(central: MessageCentralSandbox, bridge: Bridge) -> None:
    status, body = call(central, BROADCAST | {"variables": "Ada, Friday", "ctaVariables": "x"})

    assert (status, body) == (200, {"responseCode": 200, "message": "SUCCESS", "data": None})
    (delivered,) = central.delivered
    assert (delivered.to, delivered.wire) == (
        "27821230001",
        {"template": "t", "language": "en", "variables": ["Ada", "Friday"], "ctaVariables": ["x"]},
    )
    found = statuses(bridge, 3)
    assert [status["status"] for status in found] == ["sent", "delivered", "read"]
    assert {(status["id"], status["recipient_id"]) for status in found} == {(delivered.message_id, "27821230001")}


def test_chat_with_a_file(central: MessageCentralSandbox, bridge: Bridge) -> None:
    body, headers = _form(("cat.jpg", b"\xff\xd8\xff", "image/jpeg"))

    _, answer = call(central, CHAT, body, content_type=headers["content-type"])

    (delivered,) = central.delivered
    assert answer["data"]["transactionId"] == delivered.message_id
    assert delivered.wire == {"message": "Hi, you"}
    assert delivered.file is not None
    assert (delivered.file.content, delivered.file.content_type) == (b"\xff\xd8\xff", "image/jpeg")
    assert len(statuses(bridge, 3)) == 3


def test_sheet(central: MessageCentralSandbox) -> None:
    answer = upload(central, BULK, sheet([row("821230001", "Ada", urls=("x",)), row("821230002", "=1+1")]))

    assert (answer["responseCode"], central.sheets) == (200, 1)
    assert [(delivered.to, delivered.wire["variables"]) for delivered in central.delivered] == [
        ("27821230001", ["Ada"]),
        ("27821230002", ["=1+1"]),
    ]


def packed(**parts: bytes | None) -> bytes:
    """A sheet with other parts, or without; `_` is a slash in their names, `__` a full stop."""
    changed = {name.replace("__", ".").replace("_", "/"): content for name, content in parts.items()}
    raw = BytesIO()
    with ZipFile(BytesIO(SHEET)) as sheet_, ZipFile(raw, "w") as made:
        for name in sheet_.namelist():
            content = changed.get(name, sheet_.read(name))
            if content is not None:
                made.writestr(name, content)
    return raw.getvalue()


def damaged() -> list[bytes]:
    """Sheets with one wrong byte, at each place where something is packed."""
    start = SHEET.index(b"xl/worksheets/sheet1.xml") + 24
    return [SHEET[:place] + bytes([SHEET[place] ^ 255]) + SHEET[place + 1 :] for place in range(start, start + 60)]


SHEET = sheet([row("821230001", "Ada")])


@pytest.mark.parametrize("content", damaged(), ids=range(60))
def test_a_damaged_sheet_is_answered(central: MessageCentralSandbox, content: bytes) -> None:
    assert upload(central, BULK, content)["responseCode"] in (200, 803, 804, 829)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", 803, id="empty"),
        pytest.param(SHEET[:700], 803, id="cut off"),
        pytest.param(packed(xl_workbook__xml=None), 803, id="without its workbook"),
        pytest.param(packed(xl_workbook__xml=b"<a"), 803, id="half a workbook"),
        pytest.param(packed(xl_worksheets_sheet1__xml=b"\xff"), 803, id="a page that is no XML"),
        pytest.param(packed(xl_worksheets_sheet1__xml=b"<a/>"), 803, id="an empty page"),
        pytest.param(b"no sheet", 803, id="no sheet"),
        pytest.param(sheet([row("821230001", "Ada"), row("821230002", "")]), 804, id="a row with too little"),
        pytest.param(sheet([row("", "Ada")]), 829, id="a row without a number"),
        pytest.param(sheet([row("821230001", "a\ufffe")]), 803, id="no XML"),
    ],
)
def test_refused_sheets(central: MessageCentralSandbox, content: bytes, code: int) -> None:
    assert upload(central, BULK, content)["responseCode"] == code
    assert (central.delivered, central.sheets) == ([], 0)


def test_what_meta_refuses_is_an_error_with_its_words(central: MessageCentralSandbox) -> None:
    limited = BROADCAST | {"mobileNumber": "821239429"}

    texts = [call(central, limited)[1]["message"] for _ in range(3)]

    assert texts == ["(#130429) Rate limit hit"] * 2 + ["SUCCESS"]


def test_what_fails_later(central: MessageCentralSandbox, bridge: Bridge) -> None:
    call(central, BROADCAST | {"mobileNumber": "821239404"})

    (failed,) = statuses(bridge, 1)
    assert (failed["status"], failed["errors"][0]["code"]) == ("failed", 131026)


def test_people(central: MessageCentralSandbox, bridge: Bridge) -> None:
    call(central, BROADCAST | {"mobileNumber": "821239400"})
    (delivered,) = central.delivered
    central.person_taps_button(delivered, 1, "Yes")
    (_, body) = bridge.wait_for(1)[0]

    (message,) = body["entry"][0]["changes"][0]["value"]["messages"]
    assert (message["from"], message["context"]) == ("27821239400", {"id": delivered.message_id})
    assert message["button"] == {"payload": "Yes", "text": "Yes"}


def test_another_number_of_the_customer(central: MessageCentralSandbox, bridge: Bridge) -> None:
    central.another_number_is_written_to("asks", "27999000009", "27821230001", "Hello")
    (_, body) = bridge.wait_for(1)[0]

    account = parse_account("acme", secret() | {"waba_number": "27999000005"})
    (event,) = inbound.split(Callback("POST", {}, {}, json.dumps(body).encode()), account)
    assert isinstance(event, NotUnderstood)
    assert (event.reason, event.element["value"]["metadata"]["display_phone_number"]) == (
        "another number's",
        "27999000009",
    )
