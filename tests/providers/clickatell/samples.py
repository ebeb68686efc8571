"""Made-up messages in One API's shapes: section by section those of the page named in `clickatell.codes`."""

import json
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from tests.providers.conformance import OTHER_PERSON, PERSON, SECRET, TEXT
from whatsapp_bridge.providers.contract.outcomes import Outgoing

type Json = dict[str, Any]

MT_KEY = "arn:aws:kms:eu-west-1:111122223333:key/0b8f0d0e-0000-4000-8000-00000000000a"
MO_KEY = "arn:aws:kms:eu-west-1:111122223333:alias/from-people"
SECONDS = 1_760_000_000


def secret(base_url: str = "https://bsp.example", **provider: Any) -> Json:
    return {
        "waba_number": "27999000001",
        "clevertap": {
            "authorization": [{"type": "basic", "username": "private-user", "password": "private-password"}],
            "status_url": "https://clevertap.example/status?private",
            "incoming_url": "https://clevertap.example/incoming?private",
        },
        "callback_token": "private-token-private-token-0123456789",
        "provider": {"type": "clickatell", "api_key": SECRET, "base_url": base_url, **provider},
        "options": {},
    }


ENCRYPTION = {"mt_key_arn": MT_KEY, "mo_key_arn": MO_KEY}


# --- answers ---------------------------------------------------------------------------------------------------------


def taken(reference: str | None, to: str = PERSON, bsp_id: str | None = None) -> Json:
    named = {} if reference is None else {"clientMessageId": reference}
    return {"apiMessageId": bsp_id or f"bsp-{reference}", "accepted": True, "to": to, **named}


def refused(reference: str | None, code: int, description: str = "private", to: str = PERSON) -> Json:
    named = {} if reference is None else {"clientMessageId": reference}
    return {"error": {"code": code, "description": description}, "accepted": False, "to": to, **named}


def results(*messages: Json) -> Json:
    return {"messages": list(messages), "error": None}


def failure(code: int, description: str = "private") -> Json:
    return {"error": {"code": code, "description": description}}


def to(outgoing: Outgoing) -> str:
    return str(outgoing.request["to"])


# --- callbacks -------------------------------------------------------------------------------------------------------


def callback(**kinds: Any) -> bytes:
    return json.dumps({"integrationId": "i", "integrationName": "private", "event": kinds}).encode()


def status(code: Any, reference: Any = "1|2|3|4", **changes: Any) -> Json:
    return {
        "channel": "whatsapp",
        "timestamp": SECONDS * 1000 + 123,
        "statusCode": code,
        "status": "private",
        "messageId": "bsp-1",
        "clientMessageId": reference,
    } | changes


def text(message_id: Any = "m1", **changes: Any) -> Json:
    return {
        "channel": "whatsapp",
        "messageId": message_id,
        "relatedMessageId": "bsp-1",
        "relatedClientMessageId": "1|2|3|4",
        "from": PERSON,
        "to": "27999000001",
        "timestamp": SECONDS * 1000 + 999,
        "encryptionKey": None,
        "whatsapp": {"profileName": "private name"},
        "charset": None,
        "content": TEXT,
        "sms": {"udh": None, "network": None},
    } | changes


def tap(message_id: Any = "m1", **changes: Any) -> Json:
    return text(message_id, content="private label", postbackData=TEXT) | changes


def location(message_id: Any = "m1", **changes: Any) -> Json:
    return (
        _without_text(message_id)
        | {
            "locationAddress": "private street",
            "locationName": TEXT,
            "latitute": "37.536033630371094",
            "longitude": "-122.25885772705078",
        }
        | changes
    )


def contacts(message_id: Any = "m1", *more: Json, **changes: Any) -> Json:
    return _without_text(message_id) | {"contacts": [contact(), *more]} | changes


def contact(**changes: Any) -> Json:
    return {
        "addresses": [
            {
                "city": "private city",
                "country": "private country",
                "countryCode": "10",
                "state": "private state",
                "street": "private street",
                "type": "private home",
                "zip": "1010",
            }
        ],
        "birthday": "1980-01-31",
        "emails": [{"email": "private@shop.example", "type": "private home"}],
        "name": {"firstName": "private first", "formattedName": TEXT, "lastName": "private last"},
        "org": {"company": "private company"},
        "phones": [
            {"phone": PERSON, "type": "private home"},
            {"phone": OTHER_PERSON, "type": "private work", "waId": "27830000000"},
        ],
        "urls": [{"url": "https://private.example", "type": "private home"}],
    } | changes


def media(message_id: Any = "m1", *files: Json, **changes: Any) -> Json:
    """A file by reference, one unless others are named."""
    return _without_text(message_id) | {"caption": TEXT, "files": list(files or (file(),))} | changes


def file(content_type: Any = "image/jpeg", base_url: str = "https://bsp.example", **changes: Any) -> Json:
    return {
        "contentType": content_type,
        "downloadUrl": f"{base_url}/v1/media?fileId=private-1.jpeg&source=client",
        "sha256Hash": None,
        "byteSize": 12345,
        "fileName": "private.jpeg",
    } | changes


def inline(raw: bytes, message_id: Any = "m1", **changes: Any) -> Json:
    encoded = {"contentType": "image/jpeg", "content": b64encode(raw).decode(), "caption": TEXT}
    return _without_text(message_id) | encoded | changes


def _without_text(message_id: Any) -> Json:
    element = text(message_id)
    return {name: element[name] for name in element if name not in ("content", "sms")}


def button_response(message_id: Any = "m1", **changes: Any) -> Json:
    return _without_text(message_id) | {"title": "private label", "postbackData": TEXT} | changes


def statuses(elements: Sequence[Any]) -> bytes:
    return callback(messageStatusUpdate=list(elements))
