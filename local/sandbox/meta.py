"""Meta's Cloud API and its people.

Checks requests strictly (`cloud_api.py`), answers, posts signed webhooks, verifies their address, keeps files from
people, and lets a person tap a button or write. The end of a number decides what happens to its messages:
`conventions`, and `cloud_api.OTHER_WA_ID`.
"""

import hmac
import json
import time
import uuid
from base64 import b64encode
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import requests

from local.sandbox import cloud_api, template_review
from local.sandbox.bsp import STATUS_INTERVAL_SECONDS, BspSandbox, CallbackUrls, Delivered, KmsClient, first_of
from local.sandbox.cloud_api import Json, Refused
from local.sandbox.conventions import Convention, convention
from local.sandbox.files import File
from local.sandbox.meta_review import ReviewedTemplates
from local.sandbox.meta_templates import TemplateAnswer
from local.sandbox.wamids import new_wamid
from local.web import LoopbackHandler

_MEDIA = "/lookaside"
_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Number:
    """A business phone number of an app: one account."""

    account: str
    number_id: str
    number: str
    access_token: str
    app_secret: str
    verify_token: str
    api_version: str
    webhook_url: str
    waba_id: str = ""
    app_id: str = ""

    def sign(self, body: bytes) -> dict[str, str]:
        return {"X-Hub-Signature-256": f"sha256={hmac.digest(self.app_secret.encode(), body, 'sha256').hex()}"}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `lost`: the connection closes instead."""

    status: int
    body: bytes
    content_type: str = "application/json"
    lost: bool = False
    headers: tuple[tuple[str, str], ...] = ()


class MetaSandbox(BspSandbox):
    """Accounts are numbers, each with its own app."""

    def __init__(self, kms: KmsClient, seed: int | None = None) -> None:
        super().__init__(kms, seed)
        self._numbers: list[Number] = []
        self._media: dict[str, tuple[str, File]] = {}
        self._refusals: dict[tuple[str, str], int] = {}
        self.templates: dict[str, ReviewedTemplates] = _Lists(self)
        """By WhatsApp business account."""

    def add_account(self, name: str, account: dict[str, Any], bridge_url: str) -> None:
        provider = account["provider"]
        self.add(
            Number(
                account=name,
                number_id=provider["phone_number_id"],
                number=account["waba_number"].removeprefix("+"),
                access_token=provider["access_token"],
                app_secret=first_of(provider["app_secret"]),
                verify_token=provider["verify_token"],
                api_version=provider["api_version"],
                # An app has one address for all events.
                webhook_url=CallbackUrls.of(name, account, bridge_url).incoming,
                waba_id=provider["waba_id"],
                app_id=provider.get("app_id", ""),
            )
        )

    def add(self, number: Number) -> None:
        self._numbers.append(number)

    def verify_webhook(self, account: str, token: str | None = None) -> bool:
        """Verify address and token, as the app's dashboard does before it saves them."""
        number = self._of(account)
        challenge = uuid.uuid4().hex
        asked = {"hub.mode": "subscribe", "hub.verify_token": token or number.verify_token, "hub.challenge": challenge}
        answer = requests.get(number.webhook_url, params=asked, timeout=_TIMEOUT_SECONDS, allow_redirects=False)
        return answer.status_code == 200 and answer.text == challenge

    # The API

    def respond(self, request: LoopbackHandler, body: bytes) -> None:
        offset = request.headers.get("file_offset")
        answer = self.handle(request.command, request.path, request.headers.get("Authorization"), body, offset)
        if self.before_answer:
            self.before_answer()
        if answer.lost:
            request.close_connection = True
            return
        request.answer(answer.status, answer.body, [("Content-Type", answer.content_type), *answer.headers])

    def handle(
        self, method: str, path: str, authorization: str | None, body: bytes, offset: str | None = None
    ) -> Answer:
        """Process a request and answer it. `offset`: where a part of an upload begins."""
        # Uploads have the older word for the same token.
        token = (authorization or "").replace("OAuth ", "Bearer ", 1)
        owned = [number for number in self._numbers if token == f"Bearer {number.access_token}"]
        try:
            if not owned:
                raise Refused(190)
            for number in owned:
                if (method, path) == ("POST", f"/{number.api_version}/{number.number_id}/messages"):
                    return self._send(number, body)
            changed = self._changed_template(owned, method, path, body, offset)
            if changed is not None:
                return changed
            if method == "GET":
                return self._listed(owned, path) or self._file(owned, path)
            raise Refused(100, "Unsupported request")
        except Refused as refused:
            return Answer(refused.http_status, json.dumps(refused.wire()).encode())

    def _send(self, number: Number, body: bytes) -> Answer:
        message = _parsed(body)
        recipient = cloud_api.check_message(message, number.number)
        fate = convention(recipient, has_file=cloud_api.link_of(message) is not None)
        self._refuse(fate, recipient, message)
        wamid = new_wamid(cloud_api.wa_id(recipient), sent=True)
        self._deliver(number, fate, wamid, recipient, message)
        answer = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": message["to"], "wa_id": cloud_api.wa_id(recipient)}],
            "messages": [{"id": wamid, "message_status": "accepted"}],
        }
        return Answer(200, json.dumps(answer).encode(), lost=fate.answer_lost)

    def _refuse(self, fate: Convention, recipient: str, message: Json) -> None:
        key = (recipient, str(message.get("biz_opaque_callback_data")))
        with self._changed:
            seen = self._refusals.get(key, 0)
            if fate.error is None or (fate.times is not None and seen >= fate.times):
                return
            self._refusals[key] = seen + 1
        raise Refused(cloud_api.ERROR_OF[fate.error])

    def _deliver(self, number: Number, fate: Convention, wamid: str, recipient: str, message: Json) -> None:
        reference = message.get("biz_opaque_callback_data")
        link = cloud_api.link_of(message)
        file = _fetched(link) if link else None
        delivered = Delivered(number.account, wamid, str(reference or ""), recipient, message, message, file=file)
        with self._changed:
            self._delivered.append(delivered)
            self._changed.notify_all()
        # Meta accepts a message before it has fetched the file.
        codes = (4, 80) if link and file is None else fate.statuses
        for step, code in enumerate(codes, start=1):
            delay, failure = step * STATUS_INTERVAL_SECONDS, cloud_api.FAILURE_OF.get(code)
            if failure or code in cloud_api.STATUS_OF:
                name, wa_id = cloud_api.STATUS_OF.get(code, "failed"), cloud_api.wa_id(recipient)
                self._post(number, delay, statuses=[cloud_api.status(name, wamid, wa_id, reference, delay, failure)])

    # Templates

    def _listed(self, owned: list[Number], path: str) -> Answer | None:
        """None if it asks for something else."""
        asked = urlsplit(path)
        query = dict(parse_qsl(asked.query))
        for number in owned:
            templates = self.templates[number.waba_id]
            _, _, place = asked.path.partition(f"/{number.api_version}/")
            if place == f"{number.waba_id}/message_templates":
                return _template_answer(templates.page(query, f"{self.url}{asked.path}"))
            if place in templates.ids:
                return _template_answer(templates.one(place, query))
        return None

    def _changed_template(
        self, owned: list[Number], method: str, path: str, body: bytes, offset: str | None
    ) -> Answer | None:
        """None if it asks for something else."""
        asked = urlsplit(path)
        for number in owned:
            _, _, place = asked.path.partition(f"/{number.api_version}/")
            templates = self.templates[number.waba_id]
            if place in templates.uploads or place == f"{number.app_id}/uploads":
                return _template_answer(templates.upload(method, place, offset, body))
            first, _, rest = place.partition("/")
            is_theirs = first in templates.ids or (first == number.waba_id and rest.startswith("message_templates"))
            if method != "GET" and is_theirs:
                payload = _parsed(body) if body else {}
                return _template_answer(templates.change(method, place, dict(parse_qsl(asked.query)), payload))
        return None

    def review(self, account: str, entry: Json) -> None:
        """Take a template for review, which ends as its name says (`template_review`); its events come twice."""
        self.templates[self._of(account).waba_id].hand_in(dict(entry))

    def tell_of_review(self, waba_id: str, entry: Json, step: template_review.Step, delay: float) -> None:
        """Post the event of a step, which arrives at one account of the business account alone."""
        account = next(number.account for number in self._numbers if number.waba_id == waba_id)
        value = cloud_api.template_event(entry, step.status, step.reason, step.title)
        for _ in range(2):
            self.post_change(account, "message_template_status_update", value, delay)

    def post_change(
        self, account: str, field: str, value: Json, delay: float = 0, at: float | None = None, waba_id: str = ""
    ) -> None:
        """Post an event of the business account; it may be one that another account of the app has. `at` is when it
        happened, now if it is None."""
        number = self._of(account)
        happened = int(time.time() + delay if at is None else at)
        body = cloud_api.waba_webhook(waba_id or number.waba_id, field, value, happened)
        self._sender.post(number.webhook_url, body, delay, number.sign)

    # Files

    def _file(self, owned: list[Number], path: str) -> Answer:
        place, _, media_id = path.rpartition("/")
        account, file = self._media.get(media_id, ("", None))
        if file is None or account not in [number.account for number in owned]:
            raise Refused(100, "There is no such file")
        if place == _MEDIA:
            return Answer(200, file.content, file.content_type)
        if place not in [f"/{number.api_version}" for number in owned]:
            raise Refused(100, "Unknown version")
        described = {
            "messaging_product": "whatsapp",
            "url": f"{self.url}{_MEDIA}/{media_id}",
            "mime_type": file.content_type,
            "sha256": sha256(file.content).hexdigest(),
            "file_size": len(file.content),
            "id": media_id,
        }
        return Answer(200, json.dumps(described).encode())

    # What people do

    def person_taps_button(self, delivered: Delivered, number: int, button_text: str) -> str:
        """A person taps quick reply `number` (from 1) of a template; returns the id of their message.

        `button_text` is the text in the approved template, and the payload if the button was sent without one.
        """
        buttons = {
            component["index"]: component["parameters"][0]["payload"]
            for component in delivered.wire.get("template", {}).get("components", [])
            if component.get("sub_type") == "quick_reply"
        }
        content = {"payload": buttons.get(str(number - 1), button_text), "text": button_text}
        return self._write(delivered.account, delivered.to, "button", content, delivered)

    def person_writes(self, account: str, sender: str, text: str, in_reply_to: Delivered | None = None) -> str:
        """A person writes a text, as a reply to a message or not; returns the id of their message."""
        return self._write(account, sender, "text", {"body": text}, in_reply_to)

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
        """A person sends a file; returns the id of their message. Only documents have a name."""
        media_id = str(self._random.randrange(10**14, 10**15))
        self._media[media_id] = (account, File(content, content_type, file_name))
        group = content_type.partition("/")[0]
        kind = group if group in ("image", "video", "audio") else "document"
        described: Json = {
            "id": media_id,
            "mime_type": content_type,
            "sha256": b64encode(sha256(content).digest()).decode(),
            **({"caption": caption} if caption else {}),
            **({"filename": file_name} if kind == "document" else {}),
        }
        return self._write(account, sender, kind, described, in_reply_to)

    def post_webhook(self, account: str, **lists: Any) -> None:
        """Post lists of events unchanged."""
        self._post(self._of(account), 0, **lists)

    def _write(self, account: str, sender: str, kind: str, content: Json, related: Delivered | None) -> str:
        # A person writes from the number that WhatsApp knows.
        wa_id = cloud_api.wa_id(sender)
        wamid = new_wamid(wa_id, sent=False)
        message = cloud_api.message(wamid, wa_id, kind, content, related.message_id if related else None)
        contact = {"profile": {"name": "A. Person"}, "wa_id": wa_id}
        self._post(self._of(account), 0, contacts=[contact], messages=[message])
        return wamid

    def _post(self, number: Number, delay: float, **lists: Any) -> None:
        body = cloud_api.webhook(number.number_id, number.number, **lists)
        self._sender.post(number.webhook_url, body, delay, number.sign)

    def _of(self, account: str) -> Number:
        return next(number for number in self._numbers if number.account == account)


class _Lists(dict[str, ReviewedTemplates]):
    """Makes the list of a business account when it is first asked for."""

    def __init__(self, sandbox: MetaSandbox) -> None:
        super().__init__()
        self._sandbox = sandbox

    def __missing__(self, waba_id: str) -> ReviewedTemplates:
        self[waba_id] = ReviewedTemplates(partial(self._sandbox.tell_of_review, waba_id))
        return self[waba_id]


def _template_answer(answer: TemplateAnswer) -> Answer:
    headers = tuple(answer.headers.items())
    return Answer(answer.status, answer.body, answer.content_type, lost=answer.lost, headers=headers)


def _fetched(link: Json) -> File | None:
    """The file at the address in a message; None if it cannot be fetched."""
    try:
        answer = requests.get(link["link"], timeout=_TIMEOUT_SECONDS)
    except requests.RequestException:
        return None
    name = link.get("filename") or unquote(urlsplit(link["link"]).path.rpartition("/")[2])
    return File(answer.content, answer.headers.get("Content-Type", ""), name) if answer.status_code == 200 else None


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(100, "The request is not JSON") from None
