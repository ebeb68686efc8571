"""Clickatell's One API and its people.

Checks requests strictly (`one_api_requests`, `one_api_media`), answers in random order, reports statuses, and lets
people tap a button, write, and send places, contacts and files.
"""

import base64
import hashlib
import json
import time
import uuid
from typing import Any
from urllib.parse import urlencode

from local.sandbox import encryption, media_types, one_api_requests
from local.sandbox.bsp import Delivered, KmsClient
from local.sandbox.clickatell import (
    Answer,
    ClickatellSandbox,
    Integration,
    Seen,
    Unusable,
    check_length,
    reader,
    seen_file,
)
from local.sandbox.conventions import NOT_APPROVED, STATUSES
from local.sandbox.files import File
from local.sandbox.one_api_media import Uploads, check_upload, query_of
from local.sandbox.one_api_requests import Refused, map_texts

MESSAGE_PATH = "/v1/message"
MEDIA_PATH = "/v1/media"
# Known from clients of others, which tell no more of its answer.
BALANCE_PATH = "/v1/balance"
# The members of a person's message that are encrypted, with everything in them.
_SECRET = frozenset(
    {
        "content",
        "caption",
        "postbackData",
        "whatsapp",
        "contacts",
        "locationAddress",
        "locationName",
        "latitude",
        "longitude",
    }
)


class OneApiSandbox(ClickatellSandbox):
    def __init__(self, kms: KmsClient, seed: int | None = None) -> None:
        super().__init__(kms, seed)
        self._uploads = Uploads()

    # Requests

    def handle(self, method: str, path: str, authorization: str | None, body: bytes, content_type: str = "") -> Answer:
        integration = self._integrations.get(authorization or "")
        messages: list[dict[str, Any]] = []
        try:
            resource = path.partition("?")[0]
            if resource not in (MESSAGE_PATH, MEDIA_PATH, BALANCE_PATH):
                raise Refused(41)
            if method != ("GET" if resource == BALANCE_PATH else "POST") and (resource, method) != (MEDIA_PATH, "GET"):
                raise Refused(42)
            if integration is None:
                raise Refused(1)
            if resource == BALANCE_PATH:
                answer = Answer(200, {"balance": 100.0})
            elif resource == MESSAGE_PATH:
                messages = one_api_requests.check_request(_parse(body))
                answer = self._accept_all(integration, messages, len(body))
            elif method == "POST":
                answer = self._upload(integration, query_of(path), content_type, body)
            else:
                answer = Answer(200, self._uploads.fetch(integration, query_of(path).get("fileId", "")))
        except Refused as refused:
            answer = Answer(refused.http_status, {"error": refused.wire()})
        return self._note(integration, path, messages, answer)

    def _upload(self, integration: Integration, query: dict[str, str], content_type: str, body: bytes) -> Answer:
        if integration.without_uploads == "page":
            return Answer(404, File(b"<html><body>404 Not Found</body></html>", "text/html", ""))
        if integration.without_uploads == "error":
            raise Refused(41)
        try:
            upload = check_upload(integration, query, content_type, body)
        except Refused as refused:
            return Answer(refused.http_status, {"fileId": None, "accepted": False, "error": refused.wire()})
        self._uploads.put(upload)
        return Answer(201, {"fileId": upload.file_id, "accepted": True, "error": None})

    def _accept_all(self, integration: Integration, messages: list[dict[str, Any]], size: int) -> Answer:
        self._refuse_as_a_whole(messages)
        results = [self._accept(integration, message, size) for message in messages]
        accepted = [result["accepted"] for result in results]
        # The real API does not guarantee an order either.
        self._random.shuffle(results)
        status = 202 if all(accepted) else 207 if any(accepted) else 400
        return Answer(status, {"messages": results, "error": None}, self._is_answer_lost(results))

    def _refuse_as_a_whole(self, messages: list[dict[str, Any]]) -> None:
        """A template that is not approved, and 5xx conventions: no message of such a request is accepted."""
        if any(one_api_requests.template_of(message) == NOT_APPROVED for message in messages):
            raise Refused(21)
        codes = [self._refusal(message, has_file=False, count=False) for message in messages]
        failing = [
            (code, message)
            for code, message in zip(codes, messages, strict=True)
            if code and one_api_requests.ERRORS[code][0] >= 500
        ]
        # One failure of the request is one for each of them.
        for _, message in failing:
            self._refusal(message, has_file=False)
        for code, _ in failing:
            raise Refused(code)

    def _accept(self, integration: Integration, message: dict[str, Any], size: int) -> dict[str, Any]:
        # This API leaves out what it does not know.
        result = {name: value for name, value in self._named(message).items() if value is not None or name == "to"}
        has_file = _media(message) is not None
        try:
            if size > media_types.MAX_REQUEST_BYTES:
                raise Refused(32, "30")
            one_api_requests.check_message(message, integration.waba_number)
            self._check_file(integration, message)
            if code := self._refusal(message, has_file=has_file):
                raise Refused(code)
        except Refused as refused:
            return {**result, "accepted": False, "error": refused.wire()}
        api_message_id = uuid.uuid4().hex
        self._deliver(integration, api_message_id, message, has_file=has_file)
        return {**result, "apiMessageId": api_message_id, "accepted": True}

    def _check_file(self, integration: Integration, message: dict[str, Any]) -> None:
        media = _media(message)
        if media is not None and "fileId" in media:
            self._uploads.find(integration, media["fileId"], message["to"], in_template="template" in message)

    # Outcomes of messages

    def _see(self, integration: Integration, message: dict[str, Any], key: bytes | None) -> Seen:
        content = one_api_requests.map_values(message, reader(key))
        file = self._file(integration, message, key)
        if "media" not in content:
            check_length(content)
        elif "content" in content:
            content = {name: value for name, value in content.items() if name != "content"}
        try:
            one_api_requests.check_values(content)
        except Refused:
            raise Unusable("WhatsApp refuses the decrypted values", 145) from None
        if "location" in content:
            try:
                one_api_requests.check_place(content["location"])
            except Refused:
                raise Unusable("the decrypted location is not a place on earth", 145) from None
        return content, file

    def _file(self, integration: Integration, message: dict[str, Any], key: bytes | None) -> File | None:
        media = _media(message)
        if media is None:
            return None
        if "fileId" not in media:
            raw = base64.b64decode(message["content"])
            return seen_file(raw, key, media.get("sha256Hash"), media["contentType"], media["fileName"])
        upload = self._uploads.find(integration, media["fileId"], message["to"], in_template="template" in message)
        key = self._data_key(integration, upload.encryption_key)
        return seen_file(upload.raw, key, upload.sha256, upload.content_type, upload.name)

    def _report(self, integration: Integration, delivered: Delivered, code: int, delay: float) -> None:
        event: dict[str, Any] = {
            "channel": "whatsapp",
            "timestamp": round((time.time() + delay) * 1000),
            "statusCode": code,
            "status": STATUSES[code],
            "messageId": delivered.message_id,
            "clientMessageId": delivered.wire.get("clientMessageId"),
        }
        self._sender.post(integration.status_url, _callback(integration, "messageStatusUpdate", event), delay)

    # What people do

    def person_taps_button(self, delivered: Delivered, number: int, button_text: str) -> str:
        """A person taps quick reply `number` (from 1) of a template; returns the id of their message.

        `button_text` is the text in the approved template, which requests do not have. A button without postback data
        arrives as a plain text message.
        """
        buttons = (delivered.content or {}).get("template", {}).get("buttons", {})
        postback = buttons.get("suggestedResponse", {}).get("postbackData", {}).get(str(number))
        kind = "moText" if postback is None else "moSuggestedResponse"
        extra = {} if postback is None else {"postbackData": postback}
        return self._write(delivered.account, delivered.to, kind, {"content": button_text, **extra}, delivered)

    def person_writes(self, account: str, sender: str, text: str, in_reply_to: Delivered | None = None) -> str:
        content = {"content": text, "sms": {"udh": None, "network": None}}
        return self._write(account, sender, "moText", content, in_reply_to)

    def person_sends_location(
        self, account: str, sender: str, place: dict[str, str], in_reply_to: Delivered | None = None
    ) -> str:
        """A person sends a place: `latitude`, `longitude`, maybe `name` and `address`; returns their message's id."""
        # Clickatell's samples have this spelling unencrypted, and the right one encrypted.
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
        """A person sends contacts in the form of callbacks; returns the id of their message."""
        return self._write(account, sender, "moContacts", {"contacts": contacts}, in_reply_to)

    def person_sends_media(
        self,
        account: str,
        sender: str,
        content: bytes,
        content_type: str,
        file_name: str,
        caption: str | None = None,
        in_reply_to: Delivered | None = None,
        *,
        inline: bool = False,
    ) -> str:
        """A person sends a file, by reference or `inline`; returns the id of their message."""
        integration = self._of(account)
        key = self._new_key(integration)
        raw = encryption.encrypt_bytes(key[0], content) if key else content
        event = self._event(integration, sender, {"caption": caption}, in_reply_to)
        if key:
            event = _sealed(event, key)
        if inline:
            event |= {"contentType": content_type, "content": base64.b64encode(raw).decode()}
        else:
            event["files"] = [self._offered(integration, content, raw, content_type, file_name)]
        self.post_event(account, "moMedia", event)
        return str(event["messageId"])

    def _offered(
        self, integration: Integration, content: bytes, raw: bytes, content_type: str, file_name: str
    ) -> dict[str, Any]:
        file_id = self._uploads.offer(integration, raw, content_type, file_name)
        sha256 = hashlib.sha256(content).hexdigest()
        query = urlencode({"fileId": file_id, "sha256Hash": sha256, "source": "client"})
        return {
            "contentType": content_type,
            "downloadUrl": f"{self.url}{MEDIA_PATH}?{query}",
            "sha256Hash": sha256,
            "byteSize": len(raw),
            "fileName": file_name,
        }

    def post_event(self, account: str, kind: str, event: dict[str, Any]) -> None:
        """Post an event of any kind, unchanged, to the URL for incoming messages."""
        integration = self._of(account)
        self._sender.post(integration.incoming_url, _callback(integration, kind, event))

    def _write(self, account: str, sender: str, kind: str, content: dict[str, Any], related: Delivered | None) -> str:
        integration = self._of(account)
        event = self._event(integration, sender, content, related)
        if key := self._new_key(integration):
            event = _sealed(event, key)
        self.post_event(account, kind, event)
        return str(event["messageId"])

    def _event(
        self, integration: Integration, sender: str, content: dict[str, Any], related: Delivered | None
    ) -> dict[str, Any]:
        return {
            "channel": "whatsapp",
            "messageId": uuid.uuid4().hex,
            "relatedMessageId": related.message_id if related else None,
            "relatedClientMessageId": related.wire.get("clientMessageId") if related else None,
            "from": sender,
            "to": integration.waba_number,
            "timestamp": round(time.time() * 1000),
            "encryptionKey": None,
            "charset": None,
            "whatsapp": {"profileName": "A. Person"},
            **content,
        }

    def _new_key(self, integration: Integration) -> tuple[bytes, str] | None:
        """A data key and its `encryptionKey`, if this integration encrypts."""
        return encryption.new_data_key(self._kms, integration.mo_key_arn) if integration.encrypted else None


def _sealed(event: dict[str, Any], key: tuple[bytes, str]) -> dict[str, Any]:
    secret = {
        name: map_texts(event[name], lambda text: encryption.encrypt(key[0], text)) for name in _SECRET & event.keys()
    }
    return {**event, **secret, "encryptionKey": key[1]}


def _media(message: dict[str, Any]) -> dict[str, Any] | None:
    """The object that names the file of a freeform or template message."""
    found = message.get("media")
    if found is None and isinstance(template := message.get("template"), dict):
        header = template.get("header")
        found = header.get("media") if isinstance(header, dict) else None
    return found if isinstance(found, dict) else None


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
