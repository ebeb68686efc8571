"""The measured cases: an event of `events/` for each function, and the targets."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local import ROOT
from local.bench.peers import WITHOUT_UPLOADS

EVENTS = ROOT / "events"
FLOORS = Path(__file__).with_name("floors")
STACK = "local"
ACCOUNT = "acme"
SECURE_ACCOUNT = "acme-secure"
WITHOUT_UPLOADS_ACCOUNT = "acme-without-uploads"
KNOWN_ACCOUNT = "acme-known"
"""Whose template the registry has."""
META_ACCOUNT = "account-meta"
"""The event file with this account."""

type Answer = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """`function` is a logical id. Targets are upper limits of the ratio to the floor, or None."""

    name: str
    function: str
    event: str
    succeeded: Callable[[Answer], bool]
    cold_target: float | None = None
    warm_target: float | None = None
    account: str | None = None
    """In place of the event's."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """In place of the function's."""

    @property
    def folder(self) -> str:
        """The folder of the function and of its floor."""
        return self.function.removesuffix("Function").lower()

    @property
    def floor(self) -> Path:
        return FLOORS / self.folder

    def read_event(self) -> bytes:
        event = (EVENTS / f"{self.event}.json").read_bytes()
        if self.account is None:
            return event
        changed = json.loads(event)
        changed["pathParameters"]["account"] = self.account
        return json.dumps(changed).encode()


def _taken(answer: Answer) -> bool:
    return bool(answer["statusCode"] == 200 and json.loads(answer["body"]) == {"status": "success"})


def _acknowledged(answer: Answer) -> bool:
    return bool(answer["statusCode"] == 200)


def _led_on(answer: Answer) -> bool:
    return bool(answer["statusCode"] == 302)


def _all_done(answer: Answer) -> bool:
    return answer == {"batchItemFailures": []}


def _planned(answer: Answer | None) -> bool:
    """A schedule gets no answer; what fails is no answer either, but an error."""
    return answer is None


CASES = (
    Case("send template", "SendFunction", "send-template", _taken, 1.15, 1.15),
    Case("send freeform", "SendFunction", "send-freeform-text", _taken, 1.15, 1.15),
    Case("send template, known", "SendFunction", "send-template", _taken, None, 1.15, KNOWN_ACCOUNT),
    Case("incoming", "IncomingFunction", "incoming-text", _acknowledged, 1.4),
    Case("status", "StatusFunction", "status-delivered", _acknowledged, 1.4),
    Case("dispatch campaign", "DispatchFunction", "dispatch-campaign", _all_done, 1.5),
    Case("dispatch conversation", "DispatchFunction", "dispatch-conversation", _all_done, 1.5),
    Case("forward status", "ForwardFunction", "forward-status", _all_done, 1.5),
    Case("forward reply", "ForwardFunction", "forward-reply", _all_done, 1.5),
    # Its link is valid until 2100.
    Case("media", "MediaFunction", "media-link", _led_on, environment={"MEDIA_TTL_DAYS": "36500"}),
    Case("import", "ImportFunction", "import-page", _acknowledged, account=KNOWN_ACCOUNT),
    # What it does with a list takes as long as the BSP does.
    Case("templates schedule", "TemplatesFunction", "templates-schedule", _planned),
)


def secrets(peers_url: str) -> dict[str, str]:
    """The accounts of the events and their signing key, as Secrets Manager returns them, with the BSP and CleverTap at
    `peers_url`."""
    return {
        f"{STACK}-SigningKey": (EVENTS / "signing-key.json").read_text(encoding="utf-8"),
        f"{STACK}/accounts/{ACCOUNT}": _secret("account", peers_url),
        f"{STACK}/accounts/{KNOWN_ACCOUNT}": _secret("account", peers_url),
        f"{STACK}/accounts/{SECURE_ACCOUNT}": _secret("account-secure", peers_url),
        f"{STACK}/accounts/{WITHOUT_UPLOADS_ACCOUNT}": _secret("account-secure", peers_url, WITHOUT_UPLOADS),
        f"{STACK}/accounts/acme-meta": _secret(META_ACCOUNT, peers_url),
    }


def _secret(event: str, peers_url: str, base_path: str = "") -> str:
    account = json.loads((EVENTS / f"{event}.json").read_text(encoding="utf-8"))
    account["provider"]["base_url"] = f"{peers_url}{base_path}"
    account["clevertap"] |= {"status_url": f"{peers_url}/clevertap", "incoming_url": f"{peers_url}/clevertap"}
    return json.dumps(account)
