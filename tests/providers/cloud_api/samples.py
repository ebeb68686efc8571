"""Made-up webhooks in Meta's shapes: those of the pages named in `cloud_api.webhooks`."""

import json
from typing import Any

from tests.providers.conformance import OTHER_PERSON, PERSON, TEXT

type Json = dict[str, Any]

SECONDS = 1_760_000_000
NUMBER_ID = "106500000000001"
METADATA = {"display_phone_number": "27999000001", "phone_number_id": NUMBER_ID}


# --- envelopes -------------------------------------------------------------------------------------------------------


def webhook(*entries: Any) -> bytes:
    return json.dumps({"object": "whatsapp_business_account", "entry": list(entries)}).encode()


def entry(*changes: Any) -> Json:
    return {"id": "private-waba-id", "changes": list(changes)}


def change(field: str = "messages", **lists: Any) -> Json:
    return {"field": field, "value": {"messaging_product": "whatsapp", "metadata": METADATA, **lists}}


def events(**lists: Any) -> bytes:
    """A webhook with these lists (messages, statuses, errors, contacts) in one change."""
    return webhook(entry(change(**lists)))


# --- statuses --------------------------------------------------------------------------------------------------------


def status(name: Any = "sent", reference: Any = "1|2|3|4", **changes: Any) -> Json:
    return {
        "id": "wamid.1",
        "status": name,
        "timestamp": str(SECONDS),
        "recipient_id": PERSON,
        "conversation": {"id": "private-conversation", "origin": {"type": "marketing"}},
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "marketing"},
        "biz_opaque_callback_data": reference,
    } | changes


def error(code: Any, details: str = "private", **changes: Any) -> Json:
    """An error as since Meta's version 16."""
    return {
        "code": code,
        "title": "private title",
        "message": "private title",
        "error_data": {"details": details},
        "href": "https://private.example/error-codes",
    } | changes


# --- messages from people --------------------------------------------------------------------------------------------


def message(kind: Any, content: Any, message_id: Any = "wamid.m1", **changes: Any) -> Json:
    return {
        "from": PERSON,
        "id": message_id,
        "timestamp": str(SECONDS),
        "type": kind,
        kind if isinstance(kind, str) else "text": content,
        "context": {"from": "27999000001", "id": "wamid.1"},
    } | changes


def text(message_id: Any = "wamid.m1", **changes: Any) -> Json:
    return message("text", {"body": TEXT}, message_id, **changes)


def file(kind: str, message_id: Any = "wamid.m1", **changes: Any) -> Json:
    content = {
        "id": "private-media-1",
        "mime_type": MIME_TYPES[kind],
        "sha256": "private-hash",
        "url": "https://lookaside.fbsbx.com/private",
    }
    return message(kind, content | changes, message_id)


MIME_TYPES = {
    "image": "image/jpeg",
    "video": "video/mp4",
    "audio": "audio/ogg; codecs=opus",
    "voice": "audio/ogg; codecs=opus",
    "document": "application/pdf",
    "sticker": "image/webp",
}


def button(message_id: Any = "wamid.m1", **changes: Any) -> Json:
    return message("button", {"payload": TEXT, "text": "private label"} | changes, message_id)


def location(message_id: Any = "wamid.m1", **changes: Any) -> Json:
    place = {"latitude": -33.918861, "longitude": 18.4233, "name": TEXT, "address": "private street"}
    return message("location", place | changes, message_id)


def interactive(kind: str, content: Any, message_id: Any = "wamid.m1") -> Json:
    return message("interactive", {"type": kind, kind: content}, message_id)


def contacts(message_id: Any = "wamid.m1", *more: Json) -> Json:
    return message("contacts", [contact(), *more], message_id)


def contact() -> Json:
    return {
        "addresses": [
            {
                "city": "private city",
                "country": "private country",
                "country_code": "za",
                "state": "private state",
                "street": "private street",
                "type": "HOME",
                "zip": "8001",
            }
        ],
        "birthday": "1980-01-31",
        "emails": [{"email": "private@shop.example", "type": "WORK"}],
        "name": {"formatted_name": TEXT, "first_name": "private first", "last_name": "private last"},
        "org": {"company": "private company", "department": "private department"},
        "phones": [
            {"phone": f"+{PERSON}", "wa_id": PERSON, "type": "HOME"},
            {"phone": f"+{OTHER_PERSON}", "wa_id": "27830000000", "type": "WORK"},
        ],
        "urls": [{"url": "https://private.example", "type": "WORK"}],
    }


def order(**changes: Any) -> Json:
    items = [
        {"product_retailer_id": "private-1", "quantity": 2, "item_price": 30, "currency": "ZAR"},
        {"product_retailer_id": "private-2", "quantity": "1", "item_price": 99.5, "currency": "ZAR"},
    ]
    return message("order", {"catalog_id": "c1", "text": TEXT, "product_items": items} | changes)
