"""Made-up messages in the legacy WhatsApp API's shapes: those of the page named in `clickatell_legacy.codes`."""

import json
from base64 import b64encode
from typing import Any

from tests.providers.clickatell import samples as one_api
from tests.providers.conformance import PERSON, SECRET, TEXT
from whatsapp_bridge.providers.contract.outcomes import Outgoing

type Json = dict[str, Any]

SECONDS = one_api.SECONDS
ENCRYPTION = one_api.ENCRYPTION


def secret(base_url: str = "https://bsp.example", **provider: Any) -> Json:
    settings = {"type": "clickatell_legacy", "api_key": SECRET, "base_url": base_url, **provider}
    return one_api.secret(base_url) | {"provider": settings}


# --- answers ---------------------------------------------------------------------------------------------------------


def taken(reference: str | None, to: str = PERSON, bsp_id: str | None = None) -> Json:
    message_id = bsp_id or f"bsp-{reference}"
    return {"messageId": message_id, "accepted": True, "to": to, "error": None, "clientMessageId": reference}


def refused(reference: str | None, code: int, description: str = "private", to: str = PERSON) -> Json:
    error = {"errorCode": code, "error": description}
    return {"messageId": None, "accepted": False, "to": to, "error": error, "clientMessageId": reference}


def results(*messages: Json) -> Json:
    return {"messages": list(messages), "error": None}


def failure(code: int, description: str = "private") -> Json:
    return {"messages": [], "error": {"errorCode": code, "error": description}}


def to(outgoing: Outgoing) -> str:
    return str(outgoing.request["to"])


# --- callbacks -------------------------------------------------------------------------------------------------------


def raw(body: Any) -> bytes:
    return json.dumps(body).encode()


def status(code: Any, reference: Any = "1|2|3|4", **changes: Any) -> Json:
    return {
        "integrationId": "i",
        "integrationName": "private",
        "timestamp": SECONDS * 1000 + 860,
        "statusCode": code,
        "status": "private",
        "messageId": "bsp-1",
        "clientMessageId": reference,
    } | changes


def text(message_id: Any = "m1", **changes: Any) -> Json:
    return {
        "integrationId": "i",
        "integrationName": "private",
        "content": TEXT,
        "messageId": message_id,
        "relatedMessageId": "bsp-1",
        "from": PERSON,
        "timestamp": SECONDS * 1000,
        "clientMessageId": "1|2|3|4",
        "profileName": "private name",
        "caption": None,
        "contentType": None,
        "locationAddress": None,
        "latitude": None,
        "longitude": None,
        "locationName": None,
        "encryptionKey": None,
        "sha256Hash": None,
    } | changes


def location(message_id: Any = "m1", **changes: Any) -> Json:
    place = {"latitude": "-33.9", "longitude": "18.6", "locationName": TEXT, "locationAddress": "private street"}
    return text(message_id, content=None, **place) | changes


def media(raw: bytes = b"private", message_id: Any = "m1", **changes: Any) -> Json:
    encoded = {"content": b64encode(raw).decode(), "contentType": "image/jpeg", "caption": TEXT}
    return text(message_id) | encoded | changes


def contacts(message_id: Any = "m1", **changes: Any) -> Json:
    return text(message_id, content=None, contacts=[one_api.contact()]) | changes
