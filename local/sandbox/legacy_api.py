"""Clickatell's legacy WhatsApp API: strict about requests, flat callbacks, numbers' conventions as far as it has them.

Codes and texts: the tables "Status code comparison" and "Error code comparison" of Clickatell's comparison of its
legacy WhatsApp API with One API.
"""

import json
import time
import uuid
from typing import Any

from local.sandbox import encryption, one_api
from local.sandbox.clickatell import Answer, Call, ClickatellSandbox, Delivered, Integration

MESSAGE_PATH = "/wa/messages"
MAX_MESSAGES = 100

ERRORS: dict[int, str] = {
    1: "Invalid or missing Integration API Key.",
    100: "Empty message content",
    101: "Message content is too long",
    102: "Empty receivers list",
    106: "HSM is incorrect",
    151: "Too long input phone",
    152: "Too short input phone",
    153: "Too many MSISDNs",
    158: "Invalid destination address.",
    159: "Not approved WhatsApp number.",
    161: "Resource does not exist",
    900: "Internal error",
    901: "Internal error - please retry",
}

# By One API's codes, in which the conventions are. Opted out (26) and rate limit (43) have no counterpart.
ERROR_OF = {19: 901, 27: 159}
STATUS_OF: dict[int, tuple[int, str]] = {
    2: (1001, "QUEUED"),
    4: (3, "DELIVERED_TO_GATEWAY"),
    5: (4, "RECEIVED_BY_RECIPIENT"),
    6: (27, "READ"),
    20: (9, "UNDELIVERED"),
    29: (28, "UNKNOWN_USER"),
    60: (40, "ERROR_WITH_MESSAGE"),
    61: (41, "ERROR_WITH_MESSAGE"),
    131: (14, "REENGAGEMENT_REQUIRED"),
    132: (15, "SPAM_RATE_LIMIT"),
    145: (50, "HSM_NOT_AVAILABLE"),
}

_FIELDS = {"to", "content", "previewFirstUrl", "clientMessageId", "encryptionKey", "hsm"}
_PLACE = {"latitude": "latitude", "longitude": "longitude", "name": "locationName", "address": "locationAddress"}


class Refused(Exception):
    """An error of ERRORS, of one message or of the whole request."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

    def wire(self) -> dict[str, Any]:
        return {"errorCode": self.code, "error": ERRORS[self.code]}


class LegacySandbox(ClickatellSandbox):
    """What becomes of a message is as in One API's sandbox; requests, answers and callbacks are the legacy API's."""

    def handle(self, method: str, path: str, authorization: str | None, body: bytes) -> Answer:
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
        with self._changed:
            self._state.calls.append(Call(integration.account if integration else "", len(messages), answer))
            self._changed.notify_all()
        return answer

    def _accept_all(self, integration: Integration, messages: list[dict[str, Any]]) -> Answer:
        results = [self._accept(integration, message) for message in messages]
        self._random.shuffle(results)
        lost = any(result["accepted"] and one_api.convention(str(result["to"])).answer_lost for result in results)
        return Answer(202, {"messages": results, "error": None}, lost)

    def _accept(self, integration: Integration, message: dict[str, Any]) -> dict[str, Any]:
        result = {"to": message.get("to"), "clientMessageId": message.get("clientMessageId")}
        try:
            _check_message(message)
            if code := ERROR_OF.get(self._refusal(message) or 0):
                raise Refused(code)
        except Refused as refused:
            return {**result, "messageId": None, "accepted": False, "error": refused.wire()}
        message_id = uuid.uuid4().hex
        self._deliver(integration, message_id, message)
        return {**result, "messageId": message_id, "accepted": True, "error": None}

    def _report(self, integration: Integration, delivered: Delivered, code: int, delay: float) -> None:
        status_code, status = STATUS_OF[code]
        callback = {
            **_integration(integration),
            "timestamp": round((time.time() + delay) * 1000),
            "statusCode": status_code,
            "status": status,
            "messageId": delivered.api_message_id,
            "clientMessageId": delivered.wire.get("clientMessageId"),
        }
        self._sender.post(integration.status_url, callback, delay)

    def person_writes(self, account: str, sender: str, text: str, in_reply_to: Delivered | None = None) -> str:
        return self._write_flat(account, sender, {"content": text}, in_reply_to)

    def person_sends_location(
        self, account: str, sender: str, place: dict[str, str], in_reply_to: Delivered | None = None
    ) -> str:
        """A person sends a place: `latitude`, `longitude`, maybe `name` and `address`; returns their message's id."""
        return self._write_flat(account, sender, {_PLACE[name]: text for name, text in place.items()}, in_reply_to)

    def _write_flat(self, account: str, sender: str, content: dict[str, str], related: Delivered | None) -> str:
        integration = self._of(account)
        secret, wrapped = {**content, "profileName": "A. Person"}, None
        if integration.encrypted:
            key, wrapped = encryption.new_data_key(self._kms, integration.mo_key_arn)
            secret = {name: encryption.encrypt(key, text) for name, text in secret.items()}
        message_id = uuid.uuid4().hex
        others = ("content", "caption", "contentType", "sha256Hash", *_PLACE.values())
        callback = {
            **_integration(integration),
            "messageId": message_id,
            "relatedMessageId": related.api_message_id if related else None,
            "clientMessageId": related.wire.get("clientMessageId") if related else None,
            "from": sender,
            "timestamp": round(time.time() * 1000),
            "encryptionKey": wrapped,
            **dict.fromkeys(others),
            **secret,
        }
        self._sender.post(integration.incoming_url, callback)
        return message_id


def _integration(integration: Integration) -> dict[str, str]:
    return {"integrationId": f"local-{integration.account}", "integrationName": integration.account}


def _check_request(body: bytes) -> list[dict[str, Any]]:
    """The messages of a request. Raises `Refused`; the API's table has no error for what is malformed."""
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
    elif "encryptionKey" not in message and len(message["content"]) > one_api.MAX_CONTENT:
        raise Refused(101)


def _check_hsm(message: dict[str, Any]) -> None:
    hsm = message["hsm"]
    if {"content", "previewFirstUrl"} & set(message) or not isinstance(hsm, dict):
        raise Refused(106)
    parameters = hsm.get("parameters")
    if set(hsm) != {"template", "parameters"} or not hsm["template"] or not isinstance(parameters, dict):
        raise Refused(106)
    places = {str(number) for number in range(1, len(parameters) + 1)}
    if set(parameters) != places or not all(isinstance(text, str) and text for text in parameters.values()):
        raise Refused(106)
