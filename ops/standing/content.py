"""What a message of a queue is about, without anything private."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from ops.queues import Message
from ops.target import Target
from whatsapp_bridge.store.aws import error_code
from whatsapp_bridge.store.payloads import PayloadGone, Payloads

_UNKNOWN: Final = "unknown"


class Content(NamedTuple):
    """`what`: which kind of thing it is; `name`: its msgId or the like, "" if it has none. `payload` is private."""

    account: str
    what: str
    name: str
    payload: Any


class Contents:
    """Reads messages' payloads, from the bucket where they are too large for a queue."""

    def __init__(self, target: Target) -> None:
        self._payloads = Payloads(target.bucket, lambda: target.aws("s3"))

    def payload(self, message: Message) -> Any:
        """None if the bucket has it no longer, or it cannot be read. Raises botocore's errors."""
        try:
            return self._payloads.unpack(message.body)
        except (PayloadGone, ValueError, TypeError):
            return None
        except ClientError as error:
            # Without permission to list, S3 says that of what is not there.
            if error_code(error) != "AccessDenied":
                raise
            return None

    def of(self, word: str, message: Message) -> Content:
        """`word` is the queue's in `ops.queues`."""
        payload = self.payload(message)
        if not isinstance(payload, dict):
            return Content(_UNKNOWN, "cannot be read", "", payload)
        what, name = _ABOUT[word](payload)
        accounts = payload.get("sync")
        account = ", ".join(map(str, accounts)) if isinstance(accounts, list) else str(payload.get("account", _UNKNOWN))
        return Content(account, what, name, payload)


def _message(payload: dict[str, Any]) -> tuple[str, str]:
    message = payload.get("message")
    is_template = isinstance(message, dict) and message.get("isTemplate") is True
    return "template message" if is_template else "freeform message", str(payload.get("reference", ""))


def _status(payload: dict[str, Any]) -> tuple[str, str]:
    if "confirm" in payload:
        return "confirmation", str(payload["confirm"])
    status = payload.get("status")
    fields = status if isinstance(status, dict) else {}
    return f"status {fields.get('status')}", str(fields.get("reference") or "")


def _reply(payload: dict[str, Any]) -> tuple[str, str]:
    # A message's id at some BSPs has the person's number in it.
    return "message from a person", ""


def _template(payload: dict[str, Any]) -> tuple[str, str]:
    return ("sync" if "sync" in payload else "notice"), ""


_ABOUT: Final[dict[str, Callable[[dict[str, Any]], tuple[str, str]]]] = {
    "conversation": _message,
    "campaign": _message,
    "statuses": _status,
    "replies": _reply,
    "templates": _template,
}
