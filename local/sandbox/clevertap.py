"""CleverTap's end: the two callback URLs of each account, which check and keep what arrives.

Source: docs.clevertap.com/docs/generic-whatsapp.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.sandbox.base import Sandbox
from local.web import LoopbackHandler

STATUSES = frozenset({"sent", "delivered", "read", "failed", "clicked"})
ERROR_CODES = range(1000, 1011)
PAYLOAD_VERSION = "0.1"

# Type of an incoming message: the keys that its object must have, and the keys that it may have.
INCOMING: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "text": (frozenset({"body"}), frozenset()),
    "button": (frozenset({"payload", "text"}), frozenset()),
    "location": (frozenset({"latitude", "longitude"}), frozenset({"name", "address", "url"})),
    "image": (frozenset({"mediaURL", "mimeType"}), frozenset({"caption"})),
    "video": (frozenset({"mediaURL", "mimeType"}), frozenset({"caption"})),
    "audio": (frozenset({"mediaURL", "mimeType"}), frozenset()),
    "voice": (frozenset({"mediaURL", "mimeType"}), frozenset()),
    "file": (frozenset({"mediaURL", "mimeType"}), frozenset({"caption", "filename"})),
}


@dataclass(frozen=True)
class Status:
    """One status of a status callback; `error` is (code, title) of a failure."""

    account: str
    msg_id: str
    status: str
    timestamp: str
    error: tuple[int, str] | None
    received_at: float


@dataclass(frozen=True)
class Incoming:
    """One incoming message as posted."""

    account: str
    wire: dict[str, Any]
    received_at: float

    @property
    def type(self) -> str:
        return str(self.wire["type"])

    @property
    def context_id(self) -> str | None:
        context = self.wire.get("context")
        return str(context["id"]) if context else None


def status_violations(body: Any) -> list[str]:
    """The errors in the JSON of a status callback; the texts name fields, never values."""
    if not isinstance(body, dict):
        return ["body: not an object"]
    found = _violations(body, {"payloadVersion", "statuses"}, set(), "")
    if body.get("payloadVersion") != PAYLOAD_VERSION:
        found.append('payloadVersion: not the string "0.1"')
    statuses = body.get("statuses")
    if not isinstance(statuses, list) or not statuses:
        return [*found, "statuses: not a list with elements"]
    for index, status in enumerate(statuses):
        found += [f"statuses[{index}].{violation}" for violation in _one_status_violations(status)]
    return found


def _one_status_violations(status: Any) -> list[str]:
    if not isinstance(status, dict):
        return ["not an object"]
    name = status.get("status")
    required = {"msgId", "status", "timestamp"} | ({"error"} if name == "failed" else set())
    optional = {"url", "shortUrl", "userAgent"} if name == "clicked" else set()
    found = _violations(status, required, optional, "")
    if not _is_text(status.get("msgId")):
        found.append("msgId: not a text")
    if name not in STATUSES:
        found.append("status: not one of CleverTap's")
    if not _is_seconds(status.get("timestamp")):
        found.append("timestamp: not a string of seconds")
    error = status.get("error")
    if error is not None:
        found += _error_violations(error)
    return found


def _error_violations(error: Any) -> list[str]:
    if not isinstance(error, dict):
        return ["error: not an object"]
    found = _violations(error, {"code", "title"}, set(), "error.")
    code = error.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or code not in ERROR_CODES:
        found.append("error.code: not a number from 1000 to 1010")
    if not _is_text(error.get("title")):
        found.append("error.title: not a text")
    return found


def incoming_violations(body: Any) -> list[str]:
    """The errors in the JSON of an incoming message; the texts name fields, never values."""
    if not isinstance(body, dict):
        return ["body: not an object"]
    kind = body.get("type")
    if kind not in INCOMING:
        return ["type: not one of CleverTap's"]
    required = {"payloadVersion", "from", "wabaNumber", "timestamp", "type", kind}
    # An account option adds a copy of a file under `document`.
    optional = {"context"} | ({"document"} if kind == "file" else set())
    found = _violations(body, required, optional, "")
    if body.get("payloadVersion") != PAYLOAD_VERSION:
        found.append('payloadVersion: not the string "0.1"')
    found += [f"{name}: not digits" for name in ("from", "wabaNumber") if not str(body.get(name, "")).isdigit()]
    if not _is_seconds(body.get("timestamp")):
        found.append("timestamp: not a string of seconds")
    context = body.get("context")
    if "context" in body and not (isinstance(context, dict) and set(context) == {"id"} and _is_text(context["id"])):
        found.append("context: not an object with only the text id")
    content = body.get(kind)
    if not isinstance(content, dict):
        return [*found, f"{kind}: not an object"]
    must, may = INCOMING[kind]
    found += _violations(content, set(must), set(may), f"{kind}.")
    return found + [f"{kind}.{name}: not a string" for name, value in content.items() if not isinstance(value, str)]


def _violations(value: dict[str, Any], required: set[str], optional: set[str], where: str) -> list[str]:
    missing = [f"{where}{name}: missing" for name in sorted(required - set(value))]
    return missing + [f"{where}{name}: unknown" for name in sorted(set(value) - required - optional)]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_seconds(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == 10


_HANG = "hang"


class CleverTapSandbox(Sandbox):
    """Accounts' URLs are `{url}/{account}/status` and `{url}/{account}/incoming`."""

    def __init__(self) -> None:
        super().__init__()
        self._statuses: list[Status] = []
        self._incoming: list[Incoming] = []
        self._violations: list[str] = []
        self._requests = 0
        self._faults: list[int | str] = []
        self._closed = False

    def status_url(self, account: str) -> str:
        return f"{self.url}/{account}/status"

    def incoming_url(self, account: str) -> str:
        return f"{self.url}/{account}/incoming"

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        super().__exit__()

    def fail_next(self, count: int, status: int) -> None:
        """Answer the next `count` requests with `status`, without recording them."""
        with self._changed:
            self._faults += [status] * count

    def hang_next(self, count: int) -> None:
        """Do not answer the next `count` requests until their client gives up."""
        with self._changed:
            self._faults += [_HANG] * count

    @property
    def requests(self) -> int:
        """The number of requests, including those answered with a fault."""
        with self._changed:
            return self._requests

    @property
    def statuses(self) -> list[Status]:
        with self._changed:
            return list(self._statuses)

    @property
    def incoming(self) -> list[Incoming]:
        with self._changed:
            return list(self._incoming)

    @property
    def violations(self) -> list[str]:
        """Fields of requests that CleverTap would not understand."""
        with self._changed:
            return list(self._violations)

    def statuses_of(self, msg_id: str) -> list[str]:
        """Names of a message's statuses in the order of their arrival."""
        return [status.status for status in self.statuses if status.msg_id == msg_id]

    def wait_for_status(self, msg_id: str, name: str, timeout: float) -> Status | None:
        def find() -> Status | None:
            return next((item for item in self._statuses if (item.msg_id, item.status) == (msg_id, name)), None)

        with self._changed:
            self._changed.wait_for(lambda: find() is not None, timeout)
            return find()

    def wait_for_incoming(self, matches: Callable[[Incoming], bool], timeout: float) -> Incoming | None:
        def find() -> Incoming | None:
            return next((item for item in self._incoming if matches(item)), None)

        with self._changed:
            self._changed.wait_for(lambda: find() is not None, timeout)
            return find()

    def _respond(self, request: LoopbackHandler) -> None:
        body = request.read_body()
        fault = self._next_fault()
        if fault == _HANG:
            with self._changed:
                self._changed.wait_for(lambda: self._closed, _HANG_SECONDS)
            request.close_connection = True
        elif isinstance(fault, int):
            request.answer(fault, b"{}", [("Content-Type", "application/json")])
        else:
            status = self.receive(request.command, request.path, body)
            if self.before_answer:
                self.before_answer()
            request.answer(status, b"{}", [("Content-Type", "application/json")])

    def _next_fault(self) -> int | str | None:
        with self._changed:
            self._requests += 1
            self._changed.notify_all()
            return self._faults.pop(0) if self._faults else None

    def receive(self, method: str, path: str, body: bytes) -> int:
        """Check a request and record it; returns the HTTP status."""
        parts = path.strip("/").split("/")
        if method != "POST" or len(parts) != 2 or parts[1] not in ("status", "incoming"):
            return 404
        account, kind = parts
        try:
            parsed = json.loads(body)
        except ValueError:
            violations = ["body: not JSON"]
        else:
            violations = (status_violations if kind == "status" else incoming_violations)(parsed)
        with self._changed:
            if violations:
                self._violations += [f"{kind}: {violation}" for violation in violations]
            elif kind == "status":
                self._statuses += [_status(account, status) for status in parsed["statuses"]]
            else:
                self._incoming.append(Incoming(account, parsed, time.time()))
            self._changed.notify_all()
        return 400 if violations else 200


# Longer than any of our clients waits.
_HANG_SECONDS = 120


def _status(account: str, wire: dict[str, Any]) -> Status:
    error = wire.get("error")
    pair = (error["code"], error["title"]) if error else None
    return Status(account, wire["msgId"], wire["status"], wire["timestamp"], pair, time.time())
