"""Gupshup's enterprise API and its people.

Checks forms strictly (`gupshup_requests`), answers in JSON or text, reports in each envelope in turn, and lets people
write, tap buttons and links, and send files. The end of a number decides what happens to its messages, if Gupshup has
that outcome: `conventions`.
"""

import itertools
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from local.sandbox import gupshup_templates, template_review
from local.sandbox.bsp import STATUS_INTERVAL_SECONDS, BspSandbox, CallbackUrls, Delivered, KmsClient
from local.sandbox.callbacks import Encoding
from local.sandbox.conventions import convention
from local.sandbox.files import File
from local.sandbox.gupshup_requests import ERRORS, Login, Refused, check
from local.sandbox.gupshup_templates import FlatList
from local.sandbox.multipart import parts_of
from local.web import LoopbackHandler

PATH = "/GatewayAPI/rest"
_PARTS = "multipart/form-data"
CLICK_ZONE = ZoneInfo("Asia/Kolkata")
_FORM_TYPE = "application/x-www-form-urlencoded"

# By One API's codes, which the conventions use: event type, cause and error code of Gupshup's report. Gupshup does not
# report that a message is queued.
REPORT_OF: dict[int, tuple[str, str, str]] = {
    4: ("SENT", "SENT", "025"),
    5: ("DELIVERED", "SUCCESS", "000"),
    6: ("READ", "READ", "026"),
    20: ("FAILED", "DEFERRED", "010"),
    29: ("FAILED", "UNKNOWN_SUBSCRIBER", "003"),
    80: ("FAILED", "OTHER", "00a"),
    131: ("FAILED", "OTHER", "00a"),
    132: ("FAILED", "BLOCKED", "007"),
}
# Error 26: the person has opted out. 27: the person cannot be reached. None: HTTP 429.
ERROR_OF: dict[int, str | None] = {26: "312", 27: "105", 43: None}

# The fields and event types of reports by GET, which have no `extra`.
_BY_GET = {"externalId": "externalId", "eventTs": "deliveredTS", "cause": "cause", "errorCode": "errCode"}


def _query(report: dict[str, Any]) -> dict[str, str]:
    status = "FAILURE" if report["eventType"] == "FAILED" else "SUCCESS"
    named = {theirs: str(report[ours]) for ours, theirs in _BY_GET.items()}
    return named | {"status": status, "phoneNo": report["destAddr"].removeprefix("+"), "noOfFrags": "1"}


# Reports use these envelopes in turn.
ENVELOPES: tuple[tuple[Encoding, Callable[[dict[str, Any]], Any]], ...] = (
    ("form", lambda report: {"response": json.dumps([report])}),
    ("json", lambda report: {"response": [report]}),
    ("json", lambda report: [report]),
    ("json", lambda report: report),
    ("query", _query),
)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `lost`: the connection closes instead."""

    status: int
    body: str
    lost: bool = False


@dataclass(frozen=True)
class Call:
    """A request as received: its login, and its form without the password."""

    account: str
    form: dict[str, str]


class GupshupSandbox(BspSandbox):
    """Each account of the bridge is two logins here: HSM and two-way."""

    def __init__(self, kms: KmsClient, seed: int | None = None) -> None:
        super().__init__(kms, seed)
        self._logins: dict[str, Login] = {}
        self._urls: dict[str, tuple[CallbackUrls, str]] = {}
        self._calls: list[Call] = []
        self._refusals: dict[tuple[str, str], int] = {}
        self.templates: defaultdict[str, FlatList] = defaultdict(FlatList)
        """By account."""
        self._opted_in: set[tuple[str, str]] = set()
        self._ids, self._reports = itertools.count(1), itertools.count()

    def add_account(self, name: str, account: dict[str, Any], bridge_url: str) -> None:
        for kind in ("hsm", "two_way"):
            login = account["provider"][kind]
            self._logins[login["user_id"]] = Login(name, kind, login["password"])
        self._urls[name] = CallbackUrls.of(name, account, bridge_url), account["waba_number"].removeprefix("+")

    @property
    def calls(self) -> list[Call]:
        with self._changed:
            return list(self._calls)

    # Requests

    def respond(self, request: LoopbackHandler, body: bytes) -> None:
        answer = self.handle(request.command, request.path, request.headers.get("Content-Type", ""), body)
        if self.before_answer:
            self.before_answer()
        if answer.lost:
            request.close_connection = True
        else:
            request.answer(answer.status, answer.body.encode(), [("Content-Type", "text/plain; charset=utf-8")])

    def handle(self, method: str, path: str, content_type: str, body: bytes) -> Answer:
        """Process a request and answer it."""
        if (method, path) == ("POST", PATH) and content_type.startswith(_PARTS):
            return Answer(200, json.dumps(self._made(*parts_of(content_type, body))))
        if (method, path) != ("POST", PATH) or content_type.partition(";")[0].strip() != _FORM_TYPE:
            return Answer(404, "")
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        if form.get("method", "").upper() == gupshup_templates.METHOD:
            return Answer(200, json.dumps(self._listed(form)))
        try:
            login = check(form, self._logins)
            self._note(login.account, form)
            person = form.get("send_to") or form["phone_number"]
            if form["method"].upper() == "OPT_IN":
                self._opted_in.add((login.account, person))
                return _answer(form, "success", person, f"{next(self._ids)}", "")
            return self._take(login, form, person)
        except Refused as refused:
            return _answer(form, "error", form.get("send_to", ""), refused.code, ERRORS[refused.code])

    def _listed(self, form: dict[str, str]) -> dict[str, Any]:
        refused = gupshup_templates.refused(form, self._logins)
        return refused or self.templates[self._logins[form["userid"]].account].page(form)

    def _made(self, form: dict[str, str], files: dict[str, File]) -> dict[str, Any]:
        """A template that is made, or edited, and goes to review."""
        refused = gupshup_templates.refused(form, self._logins)
        if refused:
            return refused
        account = self._logins[form["userid"]].account
        entries = self.templates[account].entries
        if form.get("method") == gupshup_templates.EDIT:
            known = [entry for entry in entries if str(entry["id"]) == form.get("id")]
            if not known:
                return {"status": "error", "id": "101", "details": "No such template."}
            entries.remove(known[0])
        elif form.get("method") != gupshup_templates.CREATE:
            return {"status": "error", "id": "106", "details": ERRORS["106"]}
        made = gupshup_templates.made(form, files, int(form.get("id", 4_700_000 + len(entries))))
        if isinstance(made, str):
            return {"status": "error", "id": "101", "details": made}
        self.review(account, made)
        return {"status": "success", "details": [{"template_id": made["id"]}]}

    def review(self, account: str, entry: dict[str, Any]) -> None:
        """Take a template for review, which ends as its name says (`template_review`); a report comes of each event."""
        listed = entry | {"status": "PENDING"}
        self.templates[account].entries.append(listed)
        for place, step in enumerate(template_review.course(entry["name"]), start=1):
            delay, status = place * template_review.REVIEW_SECONDS, step.status.replace("APPROVED", "ENABLED")
            self.templates[account].later(delay, listed, status=status)
            if step.told:
                report = {
                    "event_id": next(self._ids),
                    "field": "message_template_status_update",
                    "event": status,
                    "message_template_name": entry["name"],
                    "message_template_language": entry["language"],
                    "message_template_id": entry["id"],
                    "message_template_type": entry["type"],
                    "reason": step.reason,
                    "time": int(time.time() + delay),
                }
                self._sender.post(self._urls[account][0].status, [report], delay)

    def _note(self, account: str, form: dict[str, str]) -> None:
        with self._changed:
            self._calls.append(Call(account, {name: form[name] for name in form if name != "password"}))
            self._changed.notify_all()

    def _take(self, login: Login, form: dict[str, str], person: str) -> Answer:
        chosen = convention(person, has_file="media_url" in form)
        key = (person, form.get("extra", ""))
        opted_in = (login.account, person) in self._opted_in and chosen.error == 26
        if chosen.error is not None and chosen.error in ERROR_OF and not opted_in:
            with self._changed:
                seen = self._refusals[key] = self._refusals.get(key, 0) + 1
            if chosen.times is None or seen <= chosen.times:
                error = ERROR_OF[chosen.error]
                if error is None:
                    return Answer(429, "")
                raise Refused(error)
        message_id = f"{5_000_000_000_000_000_000 + next(self._ids)}-{self._random.getrandbits(60)}"
        wire = {name: form[name] for name in form if name != "password"}
        delivered = Delivered(login.account, message_id, form.get("extra", ""), person, wire, wire)
        with self._changed:
            self._delivered.append(delivered)
            self._changed.notify_all()
        for step, code in enumerate((code for code in chosen.statuses if code in REPORT_OF), start=1):
            self._report(delivered, code, step * STATUS_INTERVAL_SECONDS)
        return Answer(200, _answer(form, "success", person, message_id, "").body, chosen.answer_lost)

    def _report(self, delivered: Delivered, code: int, delay: float) -> None:
        event_type, cause, error_code = REPORT_OF[code]
        urls, waba_number = self._urls[delivered.account]
        report = {
            "srcAddr": waba_number,
            "extra": delivered.msg_id,
            "channel": "WHATSAPP",
            "externalId": delivered.message_id,
            "cause": cause,
            "errorCode": error_code,
            "destAddr": f"+{delivered.to}",
            "eventType": event_type,
            "eventTs": round((time.time() + delay) * 1000),
        }
        encoding, envelope = ENVELOPES[next(self._reports) % len(ENVELOPES)]
        self._sender.post(urls.status, envelope(report), delay, encoding=encoding)

    # What people do

    def person_writes(self, account: str, sender: str, text: str, in_reply_to: Delivered | None = None) -> str:
        return self._write(account, sender, "text", text, in_reply_to)

    def person_taps_button(self, delivered: Delivered, number: int, button_text: str) -> str:
        """A person taps quick reply `number` (from 1); without its own payload, its text is returned."""
        components = json.loads(delivered.wire.get("wa_template_json", "{}")).get("components", [])
        payloads = {
            component["index"]: component["parameters"][0]["payload"]
            for component in components
            if component.get("sub_type") == "quick_reply"
        }
        button = {"text": button_text, "payload": payloads.get(str(number - 1), button_text)}
        return self._write(delivered.account, delivered.to, "button", json.dumps(button), delivered)

    def person_sends_media(
        self,
        account: str,
        sender: str,
        content: bytes,
        content_type: str,
        file_name: str,
        caption: str | None = None,
        in_reply_to: Delivered | None = None,
    ) -> str:
        """A person sends a file; its address is in two parts, which must be joined."""
        address, kind = self.host_file(file_name, content, content_type), content_type.partition("/")[0]
        half = len(address) // 2
        file = {"signature": address[half:], "mime_type": content_type, "url": address[:half]}
        field = kind if kind in ("image", "video", "audio") else "document"
        value = json.dumps(file | ({"caption": caption} if caption else {}))
        return self._write(account, sender, field, value, in_reply_to)

    def person_opens_link(self, delivered: Delivered, url: str, *, generic: bool = False) -> None:
        """A person opens a link that Gupshup tracks. It is reported twice, because callbacks may be repeated."""
        urls, _ = self._urls[delivered.account]
        now, short_url = int(time.time()), f"https://gs.example/{delivered.message_id[-6:]}"
        browser = "Mozilla/5.0 (Linux; Android 15) Mobile"
        click: dict[str, Any] = {
            "gsurl": short_url,
            "originalURL": url,
            "clickTime": datetime.fromtimestamp(now, CLICK_ZONE).strftime("%Y-%m-%d %H:%M:%S"),
            "mobile": delivered.to,
            "extra": delivered.msg_id,
            "userAgent": browser,
        }
        if generic:
            status = {"msgId": delivered.msg_id, "status": "clicked", "timestamp": now, "url": url}
            click = {"payloadVersion": 0.1, "statuses": [status | {"shortUrl": short_url, "userAgent": browser}]}
        for delay in (0.0, STATUS_INTERVAL_SECONDS):
            self._sender.post(urls.status, click, delay)

    def _write(self, account: str, sender: str, kind: str, value: str, related: Delivered | None) -> str:
        urls, waba_number = self._urls[account]
        reply_id, _, message_id = (related.message_id if related else "").partition("-")
        timestamp = round(time.time() * 1000)
        fields = {
            "waNumber": waba_number,
            "mobile": sender,
            "name": "A. Person",
            "type": kind,
            "timestamp": str(timestamp),
            kind: value,
            **({"replyId": reply_id, "messageId": message_id} if related else {}),
        }
        self._sender.post(urls.incoming, fields, encoding="form")
        # Messages from people have no id; this one is for the caller.
        return f"{sender}-{timestamp}"


def _answer(form: dict[str, str], status: str, phone: str, identifier: str, details: str) -> Answer:
    """Always HTTP 200, in the requested format: JSON, or text by default."""
    if form.get("format", "").lower() == "json":
        body = {"response": {"id": identifier, "phone": phone, "details": details, "status": status}}
        return Answer(200, json.dumps(body))
    words = (status, phone, identifier) if status == "success" else (status, identifier, details)
    return Answer(200, " | ".join(words))
