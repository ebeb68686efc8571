"""The bridge as a BSP's sandbox sees it: callback URLs, and keys of client-side encryption."""

import json
import threading
from collections.abc import Iterator
from typing import Any

from local.sandbox.clickatell import ClickatellSandbox, Integration
from local.web import LoopbackHandler, LoopbackServer

REGION = "eu-west-1"
MT_KEY = "arn:aws:kms:eu-west-1:210987654321:key/0a1b2c3d-0000-4000-8000-000000000001"
MO_KEY = "arn:aws:kms:eu-west-1:210987654321:alias/mo"
OTHER_KEY = "arn:aws:kms:eu-west-1:210987654321:alias/other"


class Bridge:
    """The callback URLs: keeps what is posted, answers `statuses` in turn and 200 after that."""

    def __init__(self) -> None:
        self.received: list[tuple[str, Any]] = []
        self.statuses: list[int] = []
        self.changed = threading.Condition()
        bridge = self

        class Handler(LoopbackHandler):
            def respond(self) -> None:
                body = json.loads(self.read_body())
                with bridge.changed:
                    bridge.received.append((self.path, body))
                    status = bridge.statuses.pop(0) if bridge.statuses else 200
                    bridge.changed.notify_all()
                self.answer(status)

        self.server = LoopbackServer(Handler)

    @property
    def integrations(self) -> list[Integration]:
        """Clickatell's side of two accounts, in clear and encrypted."""
        return [
            Integration(
                "clear",
                "key-clear",
                "27999000001",
                self.url("clear/status"),
                self.url("clear/incoming"),
                broadcasts=True,
            ),
            Integration(
                "secure",
                "key-secure",
                "27999000002",
                self.url("secure/status"),
                self.url("secure/incoming"),
                MT_KEY,
                MO_KEY,
                broadcasts=True,
            ),
        ]

    def url(self, path: str) -> str:
        return f"{self.server.url}/{path}"

    def wait_for(self, count: int) -> list[tuple[str, Any]]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, 10)
            return list(self.received)

    def wait_at(self, path: str) -> Any:
        """The one callback at `path`."""
        with self.changed:
            assert self.changed.wait_for(lambda: any(at == path for at, _ in self.received), 10)
            [body] = [body for at, body in self.received if at == path]
            return body


def playing[Made: ClickatellSandbox](made: Made, bridge: Bridge) -> Iterator[Made]:
    """For a fixture: a sandbox at work with the bridge's two accounts."""
    with made as sandbox:
        for integration in bridge.integrations:
            sandbox.add(integration)
        yield sandbox


def one_api_codes(bridge: Bridge, count: int) -> list[int]:
    """Status codes of One API in the order of their time, once there are so many."""
    events = [body["event"]["messageStatusUpdate"][0] for _, body in bridge.wait_for(count)]
    return [event["statusCode"] for event in sorted(events, key=lambda event: event["timestamp"])]
