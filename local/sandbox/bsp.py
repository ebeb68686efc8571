"""What the sandboxes of all BSPs share: a server, callbacks that are retried until acknowledged, delivered messages."""

import json
import random
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from local.sandbox import people
from local.sandbox.base import Sandbox
from local.sandbox.callbacks import Callback, CallbackSender
from local.sandbox.files import PATH as FILES_PATH
from local.sandbox.files import File, FileHost
from local.web import LoopbackHandler

type KmsClient = Callable[[str], Any]
"""Makes a KMS client for a region."""

STATUS_INTERVAL_SECONDS = 0.05


@dataclass(frozen=True)
class Delivered:
    """An accepted message: `wire` is the request, `content` and `file` what the person sees (decrypted, None for
    garbage).

    `message_id` is the BSP's id, `msg_id` is CleverTap's ("" if the request does not have it).
    """

    account: str
    message_id: str
    msg_id: str
    to: str
    wire: dict[str, Any]
    content: dict[str, Any] | None
    problem: str = ""
    encrypted: bool = False
    file: File | None = None


@dataclass(frozen=True)
class CallbackUrls:
    """The URLs to which the BSP posts an account's callbacks."""

    status: str
    incoming: str

    @classmethod
    def of(cls, name: str, account: dict[str, Any], bridge_url: str) -> Self:
        token = first_of(account["callback_token"])
        return cls(f"{bridge_url}/{name}/status/{token}", f"{bridge_url}/{name}/incoming/{token}")


def first_of(secrets: str | list[str]) -> str:
    """Of what may be several while it is rotated."""
    return secrets if isinstance(secrets, str) else secrets[0]


class BspSandbox(Sandbox):
    """`url` is the base URL to configure. `kms` makes a KMS client for a region.

    Subclasses answer the API's requests (`respond`), append to `_delivered` under `_changed`, post callbacks with
    `_sender`, and have the `person_...` methods.
    """

    def __init__(self, kms: KmsClient, seed: int | None = None) -> None:
        super().__init__()
        self._kms = kms
        self._random = random.Random(seed)
        self._delivered: list[Delivered] = []
        self._given_up: list[Callback] = []
        self._sender = CallbackSender(self._give_up)
        self._files = FileHost()

    @abstractmethod
    def add_account(self, name: str, account: dict[str, Any], bridge_url: str) -> None:
        """Simulate the BSP's side of an account (its JSON); callbacks go to `bridge_url`."""

    @abstractmethod
    def respond(self, request: LoopbackHandler, body: bytes) -> None:
        """Process a request to the BSP's API, call `before_answer`, then answer."""

    @abstractmethod
    def person_writes(self, account: str, sender: str, text: str, in_reply_to: Delivered | None = None) -> str:
        """A person writes a text, as a reply to a message or not; returns the id of their message."""

    def __enter__(self) -> Self:
        super().__enter__()
        self._sender.start()
        return self

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        self._sender.stop()

    @property
    def delivered(self) -> list[Delivered]:
        with self._changed:
            return list(self._delivered)

    @property
    def given_up(self) -> list[Callback]:
        """Callbacks that were never acknowledged."""
        with self._changed:
            return list(self._given_up)

    def wait_for(self, msg_id: str, timeout: float) -> Delivered | None:
        """The message with CleverTap's msgId, as soon as it is accepted."""

        def find() -> Delivered | None:
            return next((item for item in self._delivered if item.msg_id == msg_id), None)

        with self._changed:
            self._changed.wait_for(lambda: find() is not None, timeout)
            return find()

    def host_file(self, name: str, content: bytes, content_type: str) -> str:
        """Publish a file for CleverTap's messages and return its address; replaces one of that name."""
        return self.url + self._files.put(File(content, content_type, name))

    def wait_idle(self, timeout: float) -> bool:
        """Wait until all callbacks are acknowledged (or given up)."""
        return self._sender.wait_idle(timeout)

    def _respond(self, request: LoopbackHandler) -> None:
        body = request.read_body()
        if request.path.startswith(people.PATH):
            status, content = people.act(self, request.path, body)
            request.answer(status, json.dumps(content).encode(), [("Content-Type", "application/json")])
            return
        if request.path.startswith(FILES_PATH):
            request.answer(*self._files.answer(request.path, request.headers.get("If-None-Match", "")))
            return
        self.respond(request, body)

    def _give_up(self, callback: Callback) -> None:
        with self._changed:
            self._given_up.append(callback)
            self._changed.notify_all()
