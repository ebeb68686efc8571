"""Clickatell's One API and the people behind it.

Checks requests strictly (`one_api.py`), decrypts what is encrypted, answers in an order of its own, reports statuses,
and lets a person tap a button or write. What happens to a message is decided by the end of its number: CONVENTIONS.
"""

import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

from local.sandbox import encryption, one_api, people
from local.sandbox.callbacks import Callback, CallbackSender
from local.sandbox.encryption import KmsClient
from local.sandbox.one_api import STATUSES, Refused
from local.web import LoopbackHandler, LoopbackServer

STATUS_INTERVAL_SECONDS = 0.05
MESSAGE_PATH = "/v1/message"
# What of a person's message is encrypted, with everything in it.
_SECRET = (
    "content",
    "postbackData",
    "whatsapp",
    "contacts",
    "locationAddress",
    "locationName",
    "latitude",
    "longitude",
)


@dataclass(frozen=True)
class Integration:
    """One API integration of one account: its key, its number and where its callbacks go."""

    account: str
    api_key: str
    waba_number: str
    status_url: str
    incoming_url: str
    mt_key_arn: str = ""
    mo_key_arn: str = ""

    @property
    def encrypted(self) -> bool:
        return bool(self.mt_key_arn)


@dataclass(frozen=True)
class Delivered:
    """An accepted message: `wire` as it came, `content` what the person sees (decrypted), None when it was garbage."""

    account: str
    api_message_id: str
    wire: dict[str, Any]
    content: dict[str, Any] | None
    problem: str = ""

    @property
    def to(self) -> str:
        return str(self.wire["to"])

    @property
    def client_message_id(self) -> str:
        return str(self.wire.get("clientMessageId", ""))

    @property
    def encrypted(self) -> bool:
        return "encryptionKey" in self.wire


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `lost`: the connection closes instead."""

    status: int
    body: dict[str, Any]
    lost: bool = False


@dataclass
class Call:
    """A request as received, for assertions: how many messages it had, what it was answered."""

    account: str
    messages: int
    answer: Answer


@dataclass
class _State:
    delivered: list[Delivered] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    given_up: list[Callback] = field(default_factory=list)
    refusals: dict[tuple[str, str], int] = field(default_factory=dict)


class ClickatellSandbox:
    """A context manager; `url` is the base URL to configure. `kms` makes a KMS client for a region."""

    def __init__(self, kms: KmsClient, seed: int | None = None) -> None:
        self._kms = kms
        self._random = random.Random(seed)
        self._integrations: dict[str, Integration] = {}
        self._state = _State()
        self._changed = threading.Condition()
        self._sender = CallbackSender(self._gave_up)
        self.before_answer: Callable[[], None] | None = None
        """Called when a request was carried out, before it is answered."""
        sandbox = self

        class Handler(LoopbackHandler):
            def respond(self) -> None:
                sandbox._respond(self)

        self._server = LoopbackServer(Handler)

    @property
    def url(self) -> str:
        return self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        self._sender.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()
        self._sender.stop()

    def add(self, integration: Integration) -> None:
        self._integrations[integration.api_key] = integration

    @property
    def delivered(self) -> list[Delivered]:
        with self._changed:
            return list(self._state.delivered)

    @property
    def calls(self) -> list[Call]:
        with self._changed:
            return list(self._state.calls)

    @property
    def given_up(self) -> list[Callback]:
        """Callbacks that nobody acknowledged."""
        with self._changed:
            return list(self._state.given_up)

    def wait_for(self, client_message_id: str, timeout: float) -> Delivered | None:
        """The message with this id, as soon as it was accepted."""

        def find() -> Delivered | None:
            return next((item for item in self._state.delivered if item.client_message_id == client_message_id), None)

        with self._changed:
            self._changed.wait_for(lambda: find() is not None, timeout)
            return find()

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait for a condition on what arrived."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def wait_idle(self, timeout: float) -> bool:
        """Wait until all callbacks are acknowledged (or given up)."""
        return self._sender.wait_idle(timeout)

    # The API

    def _respond(self, request: LoopbackHandler) -> None:
        body = request.read_body()
        if request.path.startswith(people.PATH):
            status, content = people.act(self, request.path, body)
            request.answer(status, json.dumps(content).encode(), [("Content-Type", "application/json")])
            return
        answer = self.handle(request.command, request.path, request.headers.get("Authorization"), body)
        if self.before_answer:
            self.before_answer()
        if answer.lost:
            request.close_connection = True
            return
        headers = [("Content-Type", "application/json")]
        request.answer(answer.status, json.dumps(answer.body).encode(), headers)

    def handle(self, method: str, path: str, authorization: str | None, body: bytes) -> Answer:
        """Carry out a request and answer it."""
        integration = self._integrations.get(authorization or "")
        messages: list[dict[str, Any]] = []
        try:
            if path.partition("?")[0] != MESSAGE_PATH:
                raise Refused(41)
            if method != "POST":
                raise Refused(42)
            if integration is None:
                raise Refused(1)
            messages = one_api.check_request(_parse(body))
            answer = self._accept_all(integration, messages)
        except Refused as refused:
            answer = Answer(refused.http_status, {"error": refused.wire()})
        with self._changed:
            self._state.calls.append(Call(integration.account if integration else "", len(messages), answer))
            self._changed.notify_all()
        return answer

    def _accept_all(self, integration: Integration, messages: list[dict[str, Any]]) -> Answer:
        self._refuse_as_a_whole(messages)
        results = [self._accept(integration, message) for message in messages]
        accepted = [result["accepted"] for result in results]
        # The order of the answers is not guaranteed by the real API either.
        self._random.shuffle(results)
        status = 202 if all(accepted) else 207 if any(accepted) else 400
        lost = any(result["accepted"] and one_api.convention(str(result["to"])).answer_lost for result in results)
        return Answer(status, {"messages": results, "error": None}, lost)

    def _refuse_as_a_whole(self, messages: list[dict[str, Any]]) -> None:
        """5xx conventions: nothing of such a request is taken."""
        for message in messages:
            code = self._refusal(message, count=False)
            if code and one_api.ERRORS[code][0] >= 500:
                self._refusal(message)
                raise Refused(code)

    def _refusal(self, message: dict[str, Any], *, count: bool = True) -> int | None:
        """The error its number's convention has for this message now."""
        to = str(message.get("to"))
        convention = one_api.convention(to)
        key = (to, str(message.get("clientMessageId")))
        with self._changed:
            seen = self._state.refusals.get(key, 0)
            if convention.error is None or (convention.times is not None and seen >= convention.times):
                return None
            if count:
                self._state.refusals[key] = seen + 1
            return convention.error

    def _accept(self, integration: Integration, message: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {"to": message.get("to")}
        if "clientMessageId" in message:
            result["clientMessageId"] = message["clientMessageId"]
        try:
            one_api.check_message(message, integration.waba_number)
            if code := self._refusal(message):
                raise Refused(code)
        except Refused as refused:
            return {**result, "accepted": False, "error": refused.wire()}
        api_message_id = uuid.uuid4().hex
        self._deliver(integration, api_message_id, message)
        return {**result, "apiMessageId": api_message_id, "accepted": True}

    # What becomes of a message

    def _deliver(self, integration: Integration, api_message_id: str, message: dict[str, Any]) -> None:
        content, problem, failure = self._open(integration, message)
        delivered = Delivered(integration.account, api_message_id, message, content, problem)
        with self._changed:
            self._state.delivered.append(delivered)
            self._changed.notify_all()
        codes = (2, failure) if failure else one_api.convention(delivered.to).statuses
        for step, code in enumerate(codes, start=1):
            self._report(integration, delivered, code, step * STATUS_INTERVAL_SECONDS)

    def _open(self, integration: Integration, message: dict[str, Any]) -> tuple[dict[str, Any] | None, str, int | None]:
        """What the person sees, what is wrong with it, and the status of the failure."""
        wrapped = message.get("encryptionKey")
        if wrapped is None:
            if integration.encrypted:
                # The real service takes the clear text for ciphertext and delivers what comes out of it.
                return None, "clear text on an encrypted integration: delivered as garbage", None
            return message, "", None
        if not integration.encrypted:
            return None, "no key for client-side encryption on this integration", 60
        try:
            key = encryption.unwrap(self._kms, integration.mt_key_arn, wrapped)
            content = one_api.map_values(message, lambda value: encryption.decrypt(key, value))
        except encryption.AccessDenied:
            return None, "the data key is not one of this integration's", 60
        except encryption.ContentError:
            return None, "a value is no ciphertext under its data key", 61
        if len(content.get("content", "")) > one_api.MAX_CONTENT:
            return None, "the decrypted content is too long", 145
        if "location" in content:
            try:
                one_api.check_place(content["location"])
            except Refused:
                return None, "the decrypted location is no place", 145
        return content, "", None

    def _report(self, integration: Integration, delivered: Delivered, code: int, delay: float) -> None:
        event: dict[str, Any] = {
            "channel": "whatsapp",
            "timestamp": round((time.time() + delay) * 1000),
            "statusCode": code,
            "status": STATUSES[code],
            "messageId": delivered.api_message_id,
            "clientMessageId": delivered.wire.get("clientMessageId"),
        }
        self._sender.post(integration.status_url, _callback(integration, "messageStatusUpdate", event), delay)

    # What people do

    def person_taps_button(self, delivered: Delivered, number: int, button_text: str) -> str:
        """A person taps quick reply `number` (from 1) of a template; returns the id of their message.

        `button_text` is the text in the approved template, which a request does not carry. A button without
        postback data arrives as a plain text message.
        """
        buttons = (delivered.content or {}).get("template", {}).get("buttons", {})
        postback = buttons.get("suggestedResponse", {}).get("postbackData", {}).get(str(number))
        kind = "moText" if postback is None else "moSuggestedResponse"
        extra = {} if postback is None else {"postbackData": postback}
        return self._write(delivered.account, delivered.to, kind, {"content": button_text, **extra}, delivered)

    def person_writes(self, account: str, sender: str, text: str, in_reply_to: Delivered | None = None) -> str:
        """A person writes a text, as a reply to a message or not; returns the id of their message."""
        content = {"content": text, "sms": {"udh": None, "network": None}}
        return self._write(account, sender, "moText", content, in_reply_to)

    def person_sends_location(
        self,
        account: str,
        sender: str,
        place: dict[str, str],
        in_reply_to: Delivered | None = None,
    ) -> str:
        """A person sends a place: `latitude`, `longitude`, maybe `name` and `address`; returns their message's id."""
        # Clickatell's samples spell it so in clear, and right where it is encrypted.
        latitude = "latitude" if self._of(account).encrypted else "latitute"
        content = {
            "locationAddress": place.get("address"),
            "locationName": place.get("name"),
            latitude: place["latitude"],
            "longitude": place["longitude"],
        }
        return self._write(account, sender, "moLocation", content, in_reply_to)

    def person_sends_contacts(
        self, account: str, sender: str, contacts: list[dict[str, Any]], in_reply_to: Delivered | None = None
    ) -> str:
        """A person sends contacts in One API's form; returns the id of their message."""
        return self._write(account, sender, "moContacts", {"contacts": contacts}, in_reply_to)

    def post_event(self, account: str, kind: str, event: dict[str, Any]) -> None:
        """Post an event of any kind, as it is, to the URL for incoming messages."""
        integration = self._of(account)
        self._sender.post(integration.incoming_url, _callback(integration, kind, event))

    def _write(self, account: str, sender: str, kind: str, content: dict[str, Any], related: Delivered | None) -> str:
        integration = self._of(account)
        message_id = uuid.uuid4().hex
        event: dict[str, Any] = {
            "channel": "whatsapp",
            "messageId": message_id,
            "relatedMessageId": related.api_message_id if related else None,
            "relatedClientMessageId": related.wire.get("clientMessageId") if related else None,
            "from": sender,
            "to": integration.waba_number,
            "timestamp": round(time.time() * 1000),
            "encryptionKey": None,
            "charset": None,
            "whatsapp": {"profileName": "A. Person"},
            **content,
        }
        if integration.encrypted:
            event = self._encrypt(integration, event)
        self.post_event(account, kind, event)
        return message_id

    def _encrypt(self, integration: Integration, event: dict[str, Any]) -> dict[str, Any]:
        key, wrapped = encryption.new_data_key(self._kms, integration.mo_key_arn)
        secret = {name: _map_texts(event[name], partial(encryption.encrypt, key)) for name in _SECRET if name in event}
        return {**event, **secret, "encryptionKey": wrapped}

    def _of(self, account: str) -> Integration:
        return next(item for item in self._integrations.values() if item.account == account)

    def _gave_up(self, callback: Callback) -> None:
        with self._changed:
            self._state.given_up.append(callback)
            self._changed.notify_all()


def _map_texts(value: Any, function: Callable[[str], str]) -> Any:
    """`value` with `function` applied to every text in it; null stays null."""
    if isinstance(value, dict):
        return {name: _map_texts(item, function) for name, item in value.items()}
    if isinstance(value, list):
        return [_map_texts(item, function) for item in value]
    return function(value) if isinstance(value, str) else value


def _callback(integration: Integration, kind: str, event: dict[str, Any]) -> dict[str, Any]:
    return {
        "integrationId": f"local-{integration.account}",
        "integrationName": integration.account,
        "event": {kind: [event]},
    }


def _parse(body: bytes) -> Any:
    try:
        return json.loads(body.decode())
    except (ValueError, RecursionError):
        raise Refused(21) from None
