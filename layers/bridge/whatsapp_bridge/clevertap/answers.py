"""The answers CleverTap understands, body for body.

Source: CleverTap's "Generic WhatsApp" page, section "Expected API Response". CleverTap reads the body of an answer only
when its HTTP status is 200, so what is wrong with a message travels in a 200.
"""

import json
from typing import Final, NamedTuple

from whatsapp_bridge.clevertap.codes import REQUEST_ERRORS, RequestError


class Answer(NamedTuple):
    """An HTTP status and the JSON text that goes with it."""

    status: int
    body: str


def failure(code: int, message: str) -> Answer:
    """What CleverTap files under `code`, a `RequestError`."""
    return Answer(200, json.dumps({"status": "failure", "error": {"code": int(code), "message": message}}))


SUCCESS: Final = Answer(200, '{"status": "success"}')
INVALID_CREDENTIALS: Final = failure(RequestError.INVALID_CREDENTIALS, REQUEST_ERRORS[RequestError.INVALID_CREDENTIALS])
BAD_REQUEST: Final = Answer(403, '{"message": "Bad Request"}')
TOO_MANY: Final = Answer(429, '{"message": "Too many requests to process"}')
SERVER_ERROR: Final = Answer(500, '{"status": "failure", "error": {"message": "Unable to process the request"}}')
