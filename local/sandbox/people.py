"""People at their phones, controlled by hand: `make run` prints curl commands for them.

POST /people/taps       {"msgId": of a template message, "button": from 1, "text": the button's label}
POST /people/writes     {"msgId": of the answered message, "text"} POST /people/sends-file {"msgId": of the answered
message, "file": base64, "contentType", "fileName", "caption"}
"""

import base64
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from local.sandbox.bsp import BspSandbox, Delivered

PATH = "/people/"


@runtime_checkable
class WithButtons(Protocol):
    """A BSP whose messages have buttons."""

    def person_taps_button(self, delivered: "Delivered", number: int, button_text: str) -> str:
        """A person taps quick reply `number` (from 1) of a template; returns the id of their message."""


@runtime_checkable
class WithFiles(Protocol):
    """A BSP that passes on files from people."""

    def person_sends_media(
        self,
        account: str,
        sender: str,
        content: bytes,
        content_type: str,
        file_name: str,
        caption: str | None = None,
        in_reply_to: "Delivered | None" = None,
    ) -> str:
        """A person sends a file, as a reply to a message or not; returns the id of their message."""


def act(sandbox: "BspSandbox", path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """HTTP status and body of the answer."""
    does = _WISHES.get(path.removeprefix(PATH))
    if does is None:
        return 404, {"error": f"people do {', '.join(PATH + wish for wish in _WISHES)}"}
    try:
        wish = json.loads(body)
        return 200, {"messageId": does(sandbox, _message(sandbox, wish["msgId"]), wish)}
    except (ValueError, TypeError, KeyError) as error:
        return 400, {"error": f"{type(error).__name__}: {error}"}


def _message(sandbox: "BspSandbox", msg_id: str) -> "Delivered":
    for delivered in reversed(sandbox.delivered):
        if delivered.msg_id == msg_id:
            return delivered
    raise ValueError("no message has this msgId")


def _taps(sandbox: "BspSandbox", message: "Delivered", wish: dict[str, Any]) -> str:
    if not isinstance(sandbox, WithButtons):
        raise TypeError("messages of this BSP have no buttons")
    return sandbox.person_taps_button(message, int(wish["button"]), str(wish["text"]))


def _writes(sandbox: "BspSandbox", message: "Delivered", wish: dict[str, Any]) -> str:
    return sandbox.person_writes(message.account, message.to, str(wish["text"]), in_reply_to=message)


def _sends_file(sandbox: "BspSandbox", message: "Delivered", wish: dict[str, Any]) -> str:
    if not isinstance(sandbox, WithFiles):
        raise TypeError("this BSP passes on no files")
    content, caption = base64.b64decode(wish["file"], validate=True), wish.get("caption")
    return sandbox.person_sends_media(
        message.account,
        message.to,
        content,
        str(wish["contentType"]),
        str(wish["fileName"]),
        str(caption) if caption else None,
        in_reply_to=message,
    )


_WISHES: dict[str, Callable[["BspSandbox", "Delivered", dict[str, Any]], str]] = {
    "taps": _taps,
    "writes": _writes,
    "sends-file": _sends_file,
}
