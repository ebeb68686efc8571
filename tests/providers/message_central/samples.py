"""Made-up messages in the shapes of Message Central's "WhatsApp Now API Documentation"; webhooks are Meta's."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.providers.cloud_api.samples import events, status
from whatsapp_bridge.net.http import Answer

type Json = dict[str, Any]

TOKEN = "private-token.private-claims.private-signature"
PASSWORD = "private-secret"


def secret(base_url: str = "https://bsp.example", options: Json | None = None, **provider: Any) -> Json:
    """With a password; `token` in its place."""
    login = {"customer_id": "private-customer", "password": PASSWORD, "country": "27", "email": "private@shop.example"}
    return {
        "waba_number": "27999000001",
        "clevertap": {
            "authorization": [{"type": "basic", "username": "private-user", "password": "private-password"}],
            "status_url": "https://clevertap.example/status?private",
            "incoming_url": "https://clevertap.example/incoming?private",
        },
        "callback_token": "private-token-private-token-0123456789",
        "provider": {
            "type": "message_central",
            "base_url": base_url,
            **({} if "token" in provider else login),
            **provider,
        },
        "options": options or {},
    }


# --- answers ---------------------------------------------------------------------------------------------------------


def sent(wamid: str | None = None, code: Any = 200) -> Json:
    """The answer to a BROADCAST, with `wamid` that to a CHAT."""
    if wamid is None:
        return {"responseCode": code, "message": "SUCCESS", "data": None}
    chat = dict.fromkeys(("verificationId", "errorMessage", "timeout", "smsCLI"))
    return {
        "responseCode": code,
        "message": "SUCCESS",
        "data": {**chat, "mobileNumber": "private", "responseCode": "200", "transactionId": wamid},
    }


def refused(code: Any, message: str = "private auth") -> Json:
    return {"responseCode": code, "message": message, "data": None}


def said(status: int, body: Any, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode())


def token_answer(token: str = TOKEN) -> Json:
    return {"status": 200, "token": token}


def jwt(payload: Any) -> str:
    encoded = (
        urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "HS512"}, payload)
    )
    return f"{'.'.join(encoded)}.private-signature"


# --- requests --------------------------------------------------------------------------------------------------------


def is_for_a_token(url: str) -> bool:
    return urlsplit(url).path.endswith("/auth/v1/authentication/token")


def query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True))


def file_of(body: bytes, headers: Mapping[str, str]) -> tuple[str, str, bytes]:
    """Name, content type and content of a form's only part, the file."""
    from email.parser import BytesParser
    from email.policy import HTTP

    head = f"content-type: {headers['content-type']}\r\n\r\n".encode()
    (part,) = BytesParser(policy=HTTP).parsebytes(head + body).iter_parts()  # type: ignore[attr-defined]
    assert part.get_param("name", header="content-disposition") == "file"
    return part.get_filename(), part.get_content_type(), part.get_payload(decode=True)


def recipients(url: str, body: bytes | None) -> list[str]:
    """Whom a call is for: one person, or those of the sheet in a form."""
    if body is None:
        asked = query(url)
        return [asked["countryCode"] + asked["mobileNumber"]] if "mobileNumber" in asked else []
    from openpyxl import load_workbook

    _, *rows = load_workbook(BytesIO(body[body.index(b"PK") :])).worksheets[0].iter_rows(values_only=True)
    return [f"{row[0]}{row[1]}" for row in rows]


# --- webhooks --------------------------------------------------------------------------------------------------------


def statuses(*names: str, wamid: str = "wamid.1", **changes: Any) -> bytes:
    """A webhook of statuses as Message Central passes them on: with no word of ours in them."""
    return events(statuses=[status(name, None, id=wamid, **changes) for name in names])
