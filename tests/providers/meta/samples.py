"""Made-up answers in Meta's shapes; its webhooks are in `cloud_api.samples`."""

import hmac
from typing import Any

from tests.providers.cloud_api.samples import NUMBER_ID
from tests.providers.conformance import PERSON, SECRET

type Json = dict[str, Any]

APP_SECRET = "private-app-secret"
VERIFY_TOKEN = "private-verify-token"


def secret(base_url: str = "https://bsp.example", **provider: Any) -> Json:
    return {
        "waba_number": "27999000001",
        "clevertap": {
            "authorization": [{"type": "basic", "username": "private-user", "password": "private-password"}],
            "status_url": "https://clevertap.example/status?private",
            "incoming_url": "https://clevertap.example/incoming?private",
        },
        "callback_token": "private-token-private-token-0123456789",
        "provider": {
            "type": "meta",
            "phone_number_id": NUMBER_ID,
            "waba_id": "102200000000001",
            "access_token": SECRET,
            "app_secret": APP_SECRET,
            "verify_token": VERIFY_TOKEN,
            "api_version": "v23.0",
            "base_url": base_url,
            **provider,
        },
        "options": {},
    }


def signature(raw: bytes, secret: str = APP_SECRET) -> str:
    return f"sha256={hmac.digest(secret.encode(), raw, 'sha256').hex()}"


def taken(bsp_id: str = "wamid.1", wa_id: Any = PERSON) -> Json:
    return {
        "messaging_product": "whatsapp",
        "contacts": [{"input": f"+{PERSON}", "wa_id": wa_id}],
        "messages": [{"id": bsp_id, "message_status": "accepted"}],
    }


def failure(code: Any, details: str = "private", **changes: Any) -> Json:
    error = {
        "message": f"(#{code}) private",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details},
        "fbtrace_id": "private",
    }
    return {"error": error | changes}
