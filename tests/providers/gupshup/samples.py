"""Made-up answers and callbacks in the shapes of Gupshup's enterprise API: those named in `gupshup.inbound`."""

import json
from typing import Any
from urllib.parse import urlencode

from tests.providers.conformance import PERSON, SECRET, TEXT
from whatsapp_bridge.providers.contract.outcomes import Outgoing

type Json = dict[str, Any]

SECONDS = 1_760_000_000
BSP_ID = "5001002003004005006-600700800900100200"
CLICK_TIME = "2025-10-09 14:23:20"
CLICK_SECONDS = 1_760_000_000
"""CLICK_TIME in Asia/Kolkata."""


def secret(base_url: str = "https://bsp.example", options: Json | None = None, **provider: Any) -> Json:
    settings = {
        "type": "gupshup",
        "hsm": {"user_id": "private-hsm", "password": SECRET},
        "two_way": {"user_id": "private-two-way", "password": SECRET},
        "templates": {"order_update": "9001"},
        "base_url": base_url,
    }
    return {
        "waba_number": "27999000001",
        "clevertap": {
            "authorization": [{"type": "basic", "username": "private-user", "password": "private-password"}],
            "status_url": "https://clevertap.example/status?private",
            "incoming_url": "https://clevertap.example/incoming?private",
        },
        "callback_token": "private-token-private-token-0123456789",
        "provider": settings | provider,
        "options": options or {},
    }


# --- answers ---------------------------------------------------------------------------------------------------------


def taken(bsp_id: str = BSP_ID) -> Json:
    return {"response": {"id": bsp_id, "phone": PERSON, "details": "", "status": "success"}}


def refused(code: str) -> Json:
    return {"response": {"id": code, "phone": PERSON, "details": "private words", "status": "error"}}


def to(outgoing: Outgoing) -> str:
    return str(outgoing.request["form"]["send_to"])


# --- delivery reports ------------------------------------------------------------------------------------------------


def report(event_type: Any = "DELIVERED", extra: Any = "1|2|3|4", **changes: Any) -> Json:
    """A report; `...` leaves a member out."""
    code, cause = {"SENT": ("025", "SENT"), "READ": ("026", "READ"), "FAILED": ("003", "UNKNOWN_SUBSCRIBER")}.get(
        event_type, ("000", "SUCCESS")
    )
    body = {
        "srcAddr": "PRIVAT",
        "extra": extra,
        "channel": "WHATSAPP",
        "externalId": BSP_ID,
        "cause": cause,
        "errorCode": code,
        "destAddr": f"+{PERSON}",
        "eventType": event_type,
        "eventTs": SECONDS * 1000 + 123,
    } | changes
    return {name: value for name, value in body.items() if value is not ...}


def response(*elements: Any) -> bytes:
    return json.dumps({"response": list(elements)}).encode()


def form(**fields: Any) -> bytes:
    return urlencode(
        {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    ).encode()


# --- clicks ----------------------------------------------------------------------------------------------------------


def click(extra: Any = "1|2|3|4", **changes: Any) -> Json:
    body = {
        "deviceType": "Mobile",
        "gsurl": "www.gs.example/private",
        "mobile": PERSON,
        "clickTime": CLICK_TIME,
        "originalURL": "https://shop.example/private",
        "userId": "private",
        "extra": extra,
        "userAgent": "private browser",
    } | changes
    return {name: value for name, value in body.items() if value is not ...}


def generic_click(msg_id: Any = "1|2|3|4", **changes: Any) -> Json:
    body = {
        "msgId": msg_id,
        "status": "clicked",
        "timestamp": SECONDS,
        "url": "https://shop.example/private",
        "shortUrl": "https://s.example/private",
        "userAgent": "private browser",
    } | changes
    return {name: value for name, value in body.items() if value is not ...}


def generic_status(name: Any, msg_id: Any = "1|2|3|4", **changes: Any) -> Json:
    return {"msgId": msg_id, "status": name, "timestamp": SECONDS} | changes


def generic(*statuses: Any) -> bytes:
    return json.dumps({"payloadVersion": 0.1, "statuses": list(statuses)}).encode()


# --- messages from people --------------------------------------------------------------------------------------------


def message(kind: str = "text", number: str = "m1", **changes: Any) -> Json:
    """`number` stands in the halves of the answered message's id, and in the time."""
    milliseconds = SECONDS * 1000 + sum(map(ord, number))
    body = {
        "waNumber": "27999000001",
        "mobile": PERSON,
        "name": "private name",
        "type": kind,
        "timestamp": str(milliseconds),
        "replyId": f"reply-{number}",
        "messageId": f"message-{number}",
        **CONTENTS.get(kind, {}),
    } | changes
    return {name: value for name, value in body.items() if value is not ...}


def file(mime_type: str = "image/jpeg", **changes: Any) -> str:
    """The value of a media field, which is JSON in a text."""
    parts = {"signature": "private-signature", "mime_type": mime_type, "url": "https://files.example/private.jpg?s="}
    return json.dumps(parts | changes)


CONTENTS: dict[str, Json] = {
    "text": {"text": TEXT},
    "image": {"image": file(caption=TEXT)},
    "video": {"video": file("video/mp4", caption=TEXT)},
    "audio": {"audio": file("audio/ogg; codecs=opus")},
    "voice": {"voice": file("audio/ogg; codecs=opus")},
    "document": {"document": file("application/pdf", caption=TEXT)},
    "location": {
        "location": json.dumps(
            {
                "longitude": "18.6",
                "latitude": "-33.9",
                "name": TEXT,
                "address": "private street",
                "url": "https://maps.example/private",
            }
        )
    },
    "button": {"button": json.dumps({"text": "private label", "payload": TEXT})},
    "interactive": {
        "interactive": json.dumps(
            {"type": "list_reply", "list_reply": {"id": "private-1", "title": TEXT, "description": "private"}}
        )
    },
    "contacts": {
        "contacts": json.dumps([{"name": {"formatted_name": TEXT}, "phones": [{"phone": "private", "type": "CELL"}]}])
    },
}
