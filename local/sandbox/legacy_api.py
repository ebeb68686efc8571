"""Clickatell's legacy WhatsApp API: checks requests strictly, posts flat callbacks, follows the conventions that it
has.

Codes and texts: the tables "Status code comparison" and "Error code comparison" of Clickatell's comparison of its
legacy WhatsApp API with One API.
"""

import base64
import hashlib
import json
import time
import uuid
from typing import Any

from local.sandbox import encryption, media_types
from local.sandbox.bsp import Delivered
from local.sandbox.clickatell import (
    MAX_CONTENT,
    Answer,
    ClickatellSandbox,
    Integration,
    Seen,
    check_length,
    reader,
    seen_file,
)
from local.sandbox.conventions import NOT_APPROVED
from local.sandbox.one_api_requests import base64_bytes, map_texts
from local.sandbox.template_values import is_value

MESSAGE_PATH = "/wa/messages"
MAX_MESSAGES = 100

ERRORS: dict[int, str] = {
    1: "Invalid or missing Integration API Key.",
    100: "Empty message content",
    101: "Message content is too long",
    102: "Empty receivers list",
    103: "Content type for media file is not supported",
    105: "Request contains media files more than 20Mb in total",
    106: "HSM is incorrect",
    107: "SHA256 hash missing for encrypted media message",
    110: "Account exceeded daily quota",
    151: "Too long input phone",
    152: "Too short input phone",
    153: "Too many MSISDNs",
    158: "Invalid destination address.",
    159: "Not approved WhatsApp number.",
    161: "Resource does not exist",
    900: "Internal error",
    901: "Internal error - please retry",
}

# By One API's codes, which the conventions use. It has none for opted out (26), rate limit (43), no such media (33).
ERROR_OF = {19: 901, 27: 159, 44: 110}
STATUS_OF: dict[int, tuple[int, str]] = {
    2: (1001, "QUEUED"),
    4: (3, "DELIVERED_TO_GATEWAY"),
    5: (4, "RECEIVED_BY_RECIPIENT"),
    6: (27, "READ"),
    20: (9, "UNDELIVERED"),
    29: (28, "UNKNOWN_USER"),
    60: (40, "ERROR_WITH_MESSAGE"),
    61: (41, "ERROR_WITH_MESSAGE"),
    80: (30, "ERROR_WITH_MESSAGE"),
    81: (31, "ERROR_WITH_MESSAGE"),
    82: (32, "ERROR_WITH_MESSAGE"),
    131: (14, "REENGAGEMENT_REQUIRED"),
    132: (15, "SPAM_RATE_LIMIT"),
    145: (50, "HSM_NOT_AVAILABLE"),
}

_MEDIA = {"contentType", "caption", "sha256Hash"}
_FIELDS = {"to", "content", "previewFirstUrl", "clientMessageId", "encryptionKey", "hsm"} | _MEDIA
_PLACE = {"latitude": "latitude", "longitude": "longitude", "name": "locationName", "address": "locationAddress"}
# The members of every message from a person, null if its kind does not use them.
_EVERYWHERE = ("content", "caption", "contentType", "sha256Hash", *_PLACE.values())


class Refused(Exception):
    """An error of ERRORS, of one message or of the whole request."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    def wire(self) -> dict[str, Any]:
        return {"errorCode": self.code, "error": ERRORS[self.code]}


class LegacySandbox(ClickatellSandbox):
    def handle(self, method: str, path: str, authorization: str | None, body: bytes, content_type: str = "") -> Answer:
        integration = self._integrations.get(authorization or "")
        messages: list[dict[str, Any]] = []
        try:
            if integration is None:
                raise Refused(1)
            if (method, path) != ("POST", MESSAGE_PATH):
                raise Refused(161)
            messages = _check_request(body)
            answer = self._accept_all(integration, messages)
        except Refused as refused:
            answer = Answer(401 if refused.code == 1 else 202, {"messages": [], "error": refused.wire()})
        return self._note(integration, path, messages, answer)

    def _accept_all(self, integration: Integration, messages: list[dict[str, Any]]) -> Answer:
        results = [self._accept(integration, message) for message in messages]
        self._random.shuffle(results)
        return Answer(202, {"messages": results, "error": None}, self._is_answer_lost(results))

    def _accept(self, integration: Integration, message: dict[str, Any]) -> dict[str, Any]:
        result = self._named(message)
        has_file = "contentType" in message
        try:
            _check_message(message)
            if code := ERROR_OF.get(self._refusal(message, has_file=has_file) or 0):
                raise Refused(code)
        except Refused as refused:
            return {**result, "messageId": None, "accepted": False, "error": refused.wire()}
        message_id = uuid.uuid4().hex
        self._deliver(integration, message_id, message, has_file=has_file)
        return {**result, "messageId": message_id, "accepted": True, "error": None}

    def _see(self, integration: Integration, message: dict[str, Any], key: bytes | None) -> Seen:
        read = reader(key)
        content = {name: value for name, value in message.items() if name != "encryptionKey"}
        if "hsm" in content:
            return {
                **content,
                "hsm": {**content["hsm"], "parameters": map_texts(content["hsm"]["parameters"], read)},
            }, None
        if "contentType" not in content:
            content["content"] = read(content["content"])
            check_length(content)
            return content, None
        raw, content_type = base64.b64decode(content.pop("content")), content["contentType"]
        file = seen_file(raw, key, content.get("sha256Hash"), content_type, "")
        return content | ({"caption": read(content["caption"])} if "caption" in content else {}), file

    def _report(self, integration: Integration, delivered: Delivered, code: int, delay: float) -> None:
        status_code, status = STATUS_OF[code]
        callback = {
            **_integration(integration),
            "timestamp": round((time.time() + delay) * 1000),
            "statusCode": status_code,
            "status": status,
            "messageId": delivered.message_id,
            "clientMessageId": delivered.wire.get("clientMessageId"),
        }
        self._sender.post(integration.status_url, callback, delay)

    def person_writes(self, account: str, sender: str, text: str, in_reply_to: Delivered | None = None) -> str:
        return self._write(account, sender, {"content": text}, in_reply_to)

    def person_sends_location(
        self, account: str, sender: str, place: dict[str, str], in_reply_to: Delivered | None = None
    ) -> str:
        """A person sends a place: `latitude`, `longitude`, maybe `name` and `address`; returns their message's id."""
        return self._write(account, sender, {_PLACE[name]: text for name, text in place.items()}, in_reply_to)

    def person_sends_contacts(
        self, account: str, sender: str, contacts: list[dict[str, Any]], in_reply_to: Delivered | None = None
    ) -> str:
        """A person sends contacts in the form of callbacks; returns the id of their message."""
        return self._write(account, sender, {"contacts": contacts}, in_reply_to)

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
        """A person sends a file, for whose name this API has no member; returns the id of their message."""
        members = {"contentType": content_type, "sha256Hash": hashlib.sha256(content).hexdigest()}
        return self._write(account, sender, {"caption": caption}, in_reply_to, (content, members))

    def _write(
        self,
        account: str,
        sender: str,
        secret: dict[str, Any],
        related: Delivered | None,
        file: tuple[bytes, dict[str, str]] | None = None,
    ) -> str:
        """`secret` and a file's content are encrypted if this integration encrypts; a file's other members are not."""
        integration = self._of(account)
        content, members = file or (b"", {})
        secret, wrapped = {**secret, "profileName": "A. Person"}, None
        if integration.encrypted:
            key, wrapped = encryption.new_data_key(self._kms, integration.mo_key_arn)
            secret = map_texts(secret, lambda text: encryption.encrypt(key, text))
            content = encryption.encrypt_bytes(key, content)
        if file:
            members = {**members, "content": base64.b64encode(content).decode()}
        callback = {
            **_integration(integration),
            "messageId": uuid.uuid4().hex,
            "relatedMessageId": related.message_id if related else None,
            "clientMessageId": related.wire.get("clientMessageId") if related else None,
            "from": sender,
            "timestamp": round(time.time() * 1000),
            "encryptionKey": wrapped,
            **dict.fromkeys(_EVERYWHERE),
            **secret,
            **members,
        }
        self._sender.post(integration.incoming_url, callback)
        return str(callback["messageId"])


def _integration(integration: Integration) -> dict[str, str]:
    return {"integrationId": f"local-{integration.account}", "integrationName": integration.account}


def _check_request(body: bytes) -> list[dict[str, Any]]:
    """The messages of a request. Raises `Refused`; the API's table has no error for a malformed request."""
    try:
        request = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise Refused(900) from None
    messages = request.get("messages") if isinstance(request, dict) else None
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise Refused(900)
    if not messages:
        raise Refused(102)
    if len(messages) > MAX_MESSAGES:
        raise Refused(153)
    files = (base64_bytes(message.get("content")) for message in messages if "contentType" in message)
    if sum(len(content) for content in files if content) > media_types.MAX_INLINE_BYTES:
        raise Refused(105)
    return messages


def _check_message(message: dict[str, Any]) -> None:
    to = message.get("to")
    if not to:
        raise Refused(102)
    if not isinstance(to, str) or not (to.isascii() and to.isdigit()) or to.startswith("0"):
        raise Refused(158)
    if not 7 <= len(to) <= 15:
        raise Refused(152 if len(to) < 7 else 151)
    if set(message) - _FIELDS or not isinstance(message.get("previewFirstUrl", True), bool):
        raise Refused(900)
    if "hsm" in message:
        _check_hsm(message)
    elif not isinstance(message.get("content"), str) or not message["content"].strip():
        raise Refused(100)
    elif "contentType" in message:
        _check_media(message)
    elif _MEDIA & set(message):
        raise Refused(900)
    elif "encryptionKey" not in message and len(message["content"]) > MAX_CONTENT:
        raise Refused(101)


def _check_media(message: dict[str, Any]) -> None:
    texts = [message[name] for name in _MEDIA & set(message)]
    if "previewFirstUrl" in message or not all(isinstance(text, str) and text for text in texts):
        raise Refused(900)
    if not media_types.is_taken(message["contentType"]):
        raise Refused(103)
    if "encryptionKey" in message and "sha256Hash" not in message:
        raise Refused(107)
    if not base64_bytes(message["content"]):
        raise Refused(100)
    if "encryptionKey" not in message and len(message.get("caption", "")) > media_types.MAX_CAPTION:
        raise Refused(101)


def _check_hsm(message: dict[str, Any]) -> None:
    hsm = message["hsm"]
    if ({"content", "previewFirstUrl"} | _MEDIA) & set(message) or not isinstance(hsm, dict):
        raise Refused(106)
    parameters = hsm.get("parameters")
    if (
        set(hsm) != {"template", "parameters"}
        or hsm["template"] in ("", NOT_APPROVED)
        or not isinstance(parameters, dict)
    ):
        raise Refused(106)
    places = {str(number) for number in range(1, len(parameters) + 1)}
    if set(parameters) != places or not all(isinstance(text, str) and text for text in parameters.values()):
        raise Refused(106)
    if "encryptionKey" not in message and not all(map(is_value, parameters.values())):
        raise Refused(106)
