"""Message Central's WhatsApp Now and its people.

Issues tokens, checks requests strictly, accepts templates one by one or as a sheet, gives an id only for chats, and
posts Meta's webhooks unsigned to one address per customer. The end of a number decides what happens to its messages:
`conventions`. Meta's refusals are returned as error 800 with Meta's text.

Source of calls and codes: Message Central's "WhatsApp Now API Documentation".
"""

import json
import uuid
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from io import BytesIO
from time import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.sandbox import central_templates, cloud_api
from local.sandbox.bsp import STATUS_INTERVAL_SECONDS, BspSandbox, CallbackUrls, Delivered, KmsClient
from local.sandbox.central_templates import PATH, CentralTemplates
from local.sandbox.conventions import NOT_APPROVED, Convention, convention
from local.sandbox.files import File
from local.sandbox.multipart import parts_of
from local.sandbox.template_values import MAX_BODY, fit, is_value, is_value_of_url
from local.sandbox.wamids import new_wamid
from local.web import LoopbackHandler

TOKEN_PATH, SEND_PATH = "/auth/v1/authentication/token", "/verification/v3/send"
TOKEN_SECONDS = 7 * 86_400
MAX_URLS = 2

ERRORS: dict[int, str] = {
    800: "Invalid Auth",
    801: "Invalid sender",
    802: "Invalid Template",
    803: "Contact list not found.",
    804: "Number of parameters doesn't match",
    829: "mobileNumber is required",
    830: "message is required",
}
_PARAMETERS = {
    "single": {"countryCode", "mobileNumber", "templateName", "langId", "variables", "ctaVariables"},
    "sheet": {"templateName", "langId"},
    "chat": {"countryCode", "mobileNumber", "message"},
}
_FIRST_COLUMNS = ["Country", "Mobile", "ctaVar1", "ctaVar2"]

type Json = dict[str, Any]


class Refused(Exception):
    """An error of ERRORS; `text` replaces the table's."""

    def __init__(self, code: int, text: str = "") -> None:
        super().__init__(code)
        self.code, self.text = code, text or ERRORS[code]


@dataclass(frozen=True)
class Customer:
    """A customer with one number: one account. Without a password, the customer has a permanent token."""

    account: str
    number: str
    customer_id: str
    password: str
    token: str
    webhook_url: str


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `lost`: the connection closes instead."""

    status: int
    body: Json
    lost: bool = False


@dataclass(frozen=True)
class Call:
    """A checked call: its recipients, and what each of them sees."""

    kind: str
    messages: tuple[tuple[str, Json], ...]
    file: File | None = None


class MessageCentralSandbox(BspSandbox):
    """Messages have no msgId: `Delivered.msg_id` is empty, and `content` is what the person sees."""

    def __init__(self, kms: KmsClient, seed: int | None = None) -> None:
        super().__init__(kms, seed)
        self._customers: list[Customer] = []
        self._tokens: dict[str, Customer] = {}
        self._refusals: dict[str, int] = {}
        self.templates: dict[str, CentralTemplates] = {}
        """By account."""
        self.sheets = 0
        """The number of accepted sheets."""

    def add_account(self, name: str, account: dict[str, Any], bridge_url: str) -> None:
        provider = account["provider"]
        self.add(
            Customer(
                account=name,
                number=account["waba_number"].removeprefix("+"),
                customer_id=provider.get("customer_id", ""),
                password=provider.get("password", ""),
                token=provider.get("token", ""),
                webhook_url=CallbackUrls.of(name, account, bridge_url).status,
            )
        )

    def add(self, customer: Customer) -> None:
        self._customers.append(customer)
        if customer.token:
            self._tokens[customer.token] = customer

    def revoke_tokens(self) -> None:
        """Refuse all tokens issued so far."""
        with self._changed:
            self._tokens = {token: customer for token, customer in self._tokens.items() if customer.token == token}

    # The API

    def respond(self, request: LoopbackHandler, body: bytes) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self.handle(request.command, request.path, headers, body)
        if self.before_answer:
            self.before_answer()
        if answer.lost:
            request.close_connection = True
            return
        request.answer(answer.status, json.dumps(answer.body).encode(), [("Content-Type", "application/json")])

    def handle(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Process a request and answer it. Header names in lower case."""
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if (method, parts.path) == ("GET", TOKEN_PATH):
            return self._hand_out(query)
        if (method, parts.path) not in (("POST", SEND_PATH), ("GET", PATH), ("POST", PATH)):
            return Answer(404, {"status": 404, "error": "Not Found", "path": parts.path})
        customer = self._tokens.get(headers.get("authtoken", ""))
        try:
            if customer is None:
                raise Refused(800)
            if parts.path == PATH:
                return self._template(customer, method, headers, body)
            return self._send(customer, _checked(query, headers, body, customer.number))
        except Refused as refused:
            status = 401 if refused.code == 800 and customer is None else 200
            return Answer(status, {"responseCode": refused.code, "message": refused.text, "data": None})

    def _template(self, customer: Customer, method: str, headers: dict[str, str], body: bytes) -> Answer:
        """Make a template, or tell of one."""
        fields, files = parts_of(headers.get("content-type", ""), body)
        templates = self.templates.setdefault(customer.account, CentralTemplates(customer.number))
        try:
            if method == "GET":
                return Answer(200, templates.status(fields))
            return Answer(200, {"responseCode": 200, "data": {"data": templates.create(fields, files)}})
        except central_templates.Refused as refused:
            return Answer(200, {"responseCode": refused.code, "message": central_templates.ERRORS[refused.code]})

    def _hand_out(self, query: dict[str, str]) -> Answer:
        for customer in self._customers:
            key = b64encode(customer.password.encode()).decode()
            if customer.password and (query.get("customerId"), query.get("key")) == (customer.customer_id, key):
                token = _jwt(customer.customer_id)
                with self._changed:
                    self._tokens[token] = customer
                return Answer(200, {"status": 200, "token": token})
        return Answer(401, {"status": 401, "message": "Invalid credentials"})

    def _send(self, customer: Customer, call: Call) -> Answer:
        fates = [convention(to, has_file=call.file is not None) for to, _ in call.messages]
        if call.kind != "sheet":
            self._refuse(fates[0], json.dumps(call.messages))
        wamids = [self._deliver(customer, call, *pair) for pair in zip(call.messages, fates, strict=True)]
        if call.kind == "sheet":
            with self._changed:
                self.sheets += 1
        data = _chat(call.messages[0][0], wamids[0]) if call.kind == "chat" else None
        body = {"responseCode": 200, "message": "SUCCESS", "data": data}
        return Answer(200, body, lost=any(fate.answer_lost for fate in fates))

    def _refuse(self, fate: Convention, message: str) -> None:
        with self._changed:
            seen = self._refusals.get(message, 0)
            if fate.error is None or (fate.times is not None and seen >= fate.times):
                return
            self._refusals[message] = seen + 1
        code = cloud_api.ERROR_OF[fate.error]
        raise Refused(800, f"(#{code}) {cloud_api.ERRORS[code][1]}")

    def _deliver(self, customer: Customer, call: Call, message: tuple[str, Json], fate: Convention) -> str:
        to, content = message
        wamid = new_wamid(to, sent=True)
        with self._changed:
            self._delivered.append(Delivered(customer.account, wamid, "", to, content, content, file=call.file))
            self._changed.notify_all()
        for step, code in enumerate(fate.statuses, start=1):
            delay, failure = step * STATUS_INTERVAL_SECONDS, cloud_api.FAILURE_OF.get(code)
            if failure or code in cloud_api.STATUS_OF:
                name = cloud_api.STATUS_OF.get(code, "failed")
                self._post(customer, delay, statuses=[cloud_api.status(name, wamid, to, None, delay, failure)])
        return wamid

    # What people do

    def person_taps_button(self, delivered: Delivered, number: int, button_text: str) -> str:
        """A person taps a quick reply of a template, whose payload is its text; returns the id of their message."""
        content = {"payload": button_text, "text": button_text}
        return self._write(delivered.account, delivered.to, "button", content, delivered)

    def person_writes(self, account: str, sender: str, text: str, in_reply_to: Delivered | None = None) -> str:
        return self._write(account, sender, "text", {"body": text}, in_reply_to)

    def person_sends_media(self, account: str, sender: str, kind: str, content_type: str, caption: str) -> str:
        """A person sends a file, which stays with Meta; returns the id of their message."""
        file = {"id": uuid.uuid4().hex, "mime_type": content_type, "sha256": "made-up", "caption": caption}
        return self._write(account, sender, kind, file, None)

    def _write(self, account: str, sender: str, kind: str, content: Json, related: Delivered | None) -> str:
        wamid = new_wamid(sender, sent=False)
        message = cloud_api.message(wamid, sender, kind, content, related.message_id if related else None)
        customer = next(customer for customer in self._customers if customer.account == account)
        self._post(customer, 0, contacts=[{"profile": {"name": "A. Person"}, "wa_id": sender}], messages=[message])
        return wamid

    def another_number_is_written_to(self, account: str, number: str, sender: str, text: str) -> None:
        """A person writes to another number of the account's customer; it is posted to the same webhook URL."""
        wamid = new_wamid(sender, sent=False)
        message = cloud_api.message(wamid, sender, "text", {"body": text}, None)
        customer = next(customer for customer in self._customers if customer.account == account)
        raw = cloud_api.webhook("106500000000006", number, messages=[message])
        self._sender.post(customer.webhook_url, raw, 0)

    def _post(self, customer: Customer, delay: float, **lists: Any) -> None:
        self._sender.post(customer.webhook_url, cloud_api.webhook("106500000000005", customer.number, **lists), delay)


def _jwt(customer_id: str) -> str:
    claims = {"sub": customer_id, "iat": int(time()), "exp": int(time()) + TOKEN_SECONDS, "jti": uuid.uuid4().hex}
    parts = (json.dumps(part).encode() for part in ({"alg": "HS512"}, claims))
    return ".".join([*(urlsafe_b64encode(part).decode().rstrip("=") for part in parts), "made-up-signature"])


def _chat(to: str, wamid: str) -> Json:
    nothing = dict.fromkeys(("verificationId", "errorMessage", "timeout", "smsCLI"))
    return {**nothing, "mobileNumber": to, "responseCode": "200", "transactionId": wamid}


# --- checking --------------------------------------------------------------------------------------------------------


def _checked(query: dict[str, str], headers: dict[str, str], body: bytes, number: str) -> Call:
    """Raises `Refused`, with 804 for anything that is not documented, such as an unknown parameter."""
    file = _file(headers, body)
    kind = {"CHAT": "chat", "BROADCAST": "sheet" if file else "single"}.get(query.get("type", ""), "")
    if (
        query.get("flowType") != "WHATSAPP"
        or not kind
        or set(query)
        - _PARAMETERS[kind]
        - {
            "flowType",
            "type",
            "senderId",
        }
    ):
        raise Refused(804)
    if query.get("senderId") != number:
        raise Refused(801)
    if kind == "chat":
        return Call(kind, ((_number(query), _said(query)),), file)
    if query.get("templateName", "") in ("", NOT_APPROVED) or not query.get("langId"):
        raise Refused(802)
    template = {"template": query["templateName"], "language": query["langId"]}
    if file is not None:
        return Call(kind, tuple((to, template | values) for to, values in _rows(file.content)))
    values = {name: _values(query.get(name)) for name in ("variables", "ctaVariables")}
    _check_urls(values["ctaVariables"])
    return Call(kind, ((_number(query), template | values),))


def _number(query: dict[str, str]) -> str:
    country, mobile = query.get("countryCode", ""), query.get("mobileNumber", "")
    if not (country + mobile).isdigit() or not 1 <= len(country) <= 3 or not mobile:
        raise Refused(829)
    return country + mobile


def _said(query: dict[str, str]) -> Json:
    if not query.get("message", "").strip():
        raise Refused(830)
    return {"message": query["message"]}


def _values(text: str | None) -> list[str]:
    """Values are split at commas and stripped."""
    values = [value.strip() for value in text.split(",")] if text is not None else []
    _check_values(values)
    return values


def _check_values(values: list[str]) -> None:
    if not all(values):
        raise Refused(804)
    if not all(map(is_value, values)) or not fit(values, MAX_BODY):
        # Meta's own refusal.
        raise Refused(800, "(#100) Invalid parameter")


def _check_urls(values: list[str]) -> None:
    if len(values) > MAX_URLS:
        raise Refused(804)
    if not all(map(is_value_of_url, values)):
        raise Refused(800, "(#100) Invalid parameter")


def _file(headers: dict[str, str], body: bytes) -> File | None:
    """The only part of a form."""
    if not body:
        return None
    head = f"content-type: {headers.get('content-type', '')}\r\n\r\n".encode()
    whole = BytesParser(policy=HTTP).parsebytes(head + body)
    parts = [part for part in whole.walk() if not part.is_multipart()]
    if not whole.is_multipart() or len(parts) != 1:
        raise Refused(803)
    (part,) = parts
    content = part.get_payload(decode=True)
    if part.get_param("name", header="content-disposition") != "file" or not isinstance(content, bytes):
        raise Refused(803)
    return File(content, part.get_content_type(), part.get_filename() or "")


def _rows(content: bytes) -> list[tuple[str, Json]]:
    """Number and values of each row of a sheet."""
    from openpyxl import load_workbook

    try:
        header, *rows = load_workbook(BytesIO(content)).worksheets[0].iter_rows(values_only=True)
    except Exception:  # noqa: BLE001 - those of zip, zlib, XML and the tables in it; they all mean that it is broken
        raise Refused(803) from None
    places = [f"var{place}" for place in range(1, len(header) - len(_FIRST_COLUMNS) + 1)]
    if list(header) != [*_FIRST_COLUMNS, *places] or not rows:
        raise Refused(803)
    return [_row(row) for row in rows]


def _row(row: tuple[Any, ...]) -> tuple[str, Json]:
    country, mobile, *values = ("" if cell is None else str(cell) for cell in row)
    _check_values(values[MAX_URLS:])
    urls = [value for value in values[:MAX_URLS] if value]
    _check_urls(urls)
    to = _number({"countryCode": country, "mobileNumber": mobile})
    return to, {"variables": values[MAX_URLS:], "ctaVariables": urls}
