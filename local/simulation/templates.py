"""Templates in a run: what Meta has of them, tells and lists, what CleverTap imports, and what an import must have.

The bridge begins with what was true an hour ago, when CleverTap imported all: then the template of all messages was
paused, and nobody has told since that it is not.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.sandbox import cloud_api
from local.sandbox.meta_templates import TemplateAnswer, error
from local.simulation.facts import Violation, credentials_of
from local.simulation.functions import Failed, Functions, Throttled
from local.simulation.plan import HOUR, MINUTE, START, TEMPLATES, Event, Plan
from local.simulation.scheduler import Scheduler
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.store.items import Table
from whatsapp_bridge.store.templates import Imports, Registry

type Json = dict[str, Any]

_PER_PAGE = 3
_TOO_MANY = TemplateAnswer(400, json.dumps(error(80008, "too many calls")).encode())
# A template that was approved for so long must be in an import, if the one before had it: what is known of it may be
# five minutes old, and is learnt by then.
_SETTLED = 15 * MINUTE
_LANGUAGE = "en_GB"
# How long Lambda waits before it invokes again what a schedule has invoked in vain.
_AGAIN_SECONDS = (60.0, 120.0)


@dataclass(frozen=True)
class Import:
    """`names`: None where there was no list, or it broke off."""

    account: str
    begun: float
    names: frozenset[str] | None


@dataclass
class Templates:
    """`failed`: called where API Gateway answers 5xx."""

    plan: Plan
    scheduler: Scheduler
    functions: Functions
    sandboxes: Mapping[str, Any]
    accounts: Mapping[str, Json]
    failed: Callable[[], None]
    broken_off: set[str] = field(default_factory=set)
    """Whose list breaks off behind its first page."""
    imports: list[Import] = field(default_factory=list)

    @property
    def of(self) -> list[str]:
        """The accounts that have templates."""
        return sorted({event.account for event in self.plan.events if event.kind == "import"})

    def begin(self, table: Table) -> None:
        for name in self.of:
            listed = self._list(name)
            listed.entries = [_entry(place, each) for place, each in enumerate(TEMPLATES)]
            whole = listed.page
            listed.page = partial(self._page, name, whole)
            then = [entry | ({"status": "PAUSED"} if entry["name"] == TEMPLATES[0] else {}) for entry in listed.entries]
            news = [of_entry(entry, int(START - HOUR), "a list") for entry in then]
            registry, scope = Registry(table), f"waba:{self._waba(name)}"
            registry.take(scope, [each for each in news if each is not None])
            registry.complete(scope, int(START - HOUR), "a list")
            Imports(table).keep(name, [f"{each} ({_LANGUAGE})" for each in sorted(TEMPLATES)])

    def _page(self, account: str, whole: Callable[..., TemplateAnswer], query: Mapping[str, str], url: str) -> Any:
        if account in self.broken_off and "after" in query:
            return _TOO_MANY
        return whole({**query, "limit": str(_PER_PAGE)}, url)

    def _waba(self, account: str) -> str:
        return str(self.accounts[account]["provider"]["waba_id"])

    def _list(self, account: str) -> Any:
        return self.sandboxes[account].templates[self._waba(account)]

    # --- what happens ------------------------------------------------------------------------------------------------

    def happen(self, event: Event) -> None:
        match event.kind:
            case "templates due":
                self._invoke_by_schedule()
            case "template changes":
                self._change(event)
            case "list breaks off":
                self.broken_off.add(event.account)
            case "list is whole":
                self.broken_off.discard(event.account)
            case "import":
                begun = self.scheduler.now - START
                self.imports.append(Import(event.account, begun, self._imported(event.account)))

    def _invoke_by_schedule(self) -> None:
        for wait in (*_AGAIN_SECONDS, 0.0):
            try:
                self.functions.invoke("TemplatesFunction", lambda process: process.run({}, False))
            except (Failed, Throttled):
                self.scheduler.sleep(wait)
            else:
                return

    def _change(self, event: Event) -> None:
        entry = self._list(event.account).named(event.to)
        entry["status"] = event.status
        if event.told:
            value = cloud_api.template_event(entry, event.status, "NONE")
            self.sandboxes[event.account].post_change(event.account, "message_template_status_update", value)

    def _imported(self, account: str) -> frozenset[str] | None:
        """By `next` from page to page."""
        headers = credentials_of(self.accounts[account])
        address, query, names = f"https://bridge.example/{account}/templates", {"limit": "5"}, set()
        while True:
            ask = partial(_asked, account=account, headers=headers, query=query, address=address)
            try:
                status, body = self.functions.invoke("ImportFunction", ask)
            except (Failed, Throttled):
                status, body = 500, ""
            if status != 200:
                self.failed()
                return None
            page = json.loads(body)
            names |= {entry["name"] for entry in page["data"]}
            if "next" not in page["paging"]:
                return frozenset(names)
            query = dict(parse_qsl(urlsplit(page["paging"]["next"]).query))

    # --- what was promised -------------------------------------------------------------------------------------------

    def violations(self) -> Iterator[Violation]:
        for account in self.of:
            lists = [each for each in self.imports if each.account == account and each.names is not None]
            first = Import(account, -HOUR, frozenset(TEMPLATES))
            for before, now in pairwise([first, *sorted(lists, key=lambda each: each.begun)]):
                lacking = [name for name in (before.names or ()) if name not in (now.names or ())]
                lost = sorted(name for name in lacking if self._is_settled(account, name, now.begun))
                if lost:
                    yield Violation("lost", f"the import of {account} at {now.begun:.0f} lacks {', '.join(lost)}")

    def _is_settled(self, account: str, name: str, at: float) -> bool:
        changes = [
            event
            for event in self.plan.events
            if (event.kind, event.account, event.to) == ("template changes", account, name) and event.at <= at
        ]
        return not changes or (changes[-1].status == "APPROVED" and changes[-1].at <= at - _SETTLED)


def _asked(process: Any, **asked: Any) -> Any:
    return process.run(asked["account"], asked["headers"], asked["query"], asked["address"])


def _entry(place: int, name: str) -> Json:
    header = [{"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["https://files.example/a.png"]}}]
    body = {"type": "BODY", "text": "Order {{1}}.", "example": {"body_text": [["1042"]]}}
    return {
        "name": name,
        "id": str(700 + place),
        "language": _LANGUAGE,
        "status": "APPROVED",
        "category": "UTILITY",
        "parameter_format": "POSITIONAL",
        "components": [*(header if name == TEMPLATES[1] else []), body],
    }
