"""The answers that CleverTap understands, with their exact bodies.

Source: CleverTap's "Generic WhatsApp" page, section "Expected API Response". CleverTap reads an answer's body only if
the HTTP status is 200, so an error of a message is answered with 200.
"""

import json
from typing import Final, NamedTuple

from whatsapp_bridge.clevertap.codes import REQUEST_ERRORS, RequestError


class Answer(NamedTuple):
    """An HTTP status and its JSON body."""

    status: int
    body: str


def failure(code: int, message: str) -> Answer:
    """A refusal; `code` is a `RequestError`."""
    return Answer(200, json.dumps({"status": "failure", "error": {"code": int(code), "message": message}}))


SUCCESS: Final = Answer(200, '{"status": "success"}')
INVALID_CREDENTIALS: Final = failure(RequestError.INVALID_CREDENTIALS, REQUEST_ERRORS[RequestError.INVALID_CREDENTIALS])
BAD_REQUEST: Final = Answer(403, '{"message": "Bad Request"}')
TOO_MANY: Final = Answer(429, '{"message": "Too many requests to process"}')
SERVER_ERROR: Final = Answer(500, '{"status": "failure", "error": {"message": "Unable to process the request"}}')
