"""A WhatsApp business account at Meta with its templates, for tests of the flows in a world."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from local.sandbox.meta_templates import TemplateList
from tests.providers.meta import samples
from tests.support.world import BSP_URL, LOST, World, account
from tests.templates.samples import entry
from whatsapp_bridge.flows.template_sync import TemplateSync
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.registry import templates
from whatsapp_bridge.store.templates import Registry, Syncs
from whatsapp_bridge.templates.news import News

type Json = dict[str, Any]

WABA_ID = "102200000000001"
SCOPE = f"waba:{WABA_ID}"


def secret(options: Json | None = None, **provider: Any) -> Json:
    """Of an account with this WhatsApp business account, on the world's endpoints."""
    of_meta = samples.secret(base_url=BSP_URL, waba_id=WABA_ID, **provider)["provider"]
    return account(provider=of_meta, options=options or {})


class Waba:
    def __init__(self, made: World) -> None:
        self.world, self.listed = made, TemplateList()
        self.registry = Registry(made.table)
        self.asked: list[str] = []
        """What was asked for: the list (""), or a name."""
        self.lost: Callable[[], bool] = lambda: False
        """Whether the answer is lost."""
        self.messages: list[Json] = []
        self.takes = 0.0
        self.on_call: Callable[[int], None] = lambda call: None
        made.bsp = self._meta
        made.http.takes = lambda url: self.takes

    def has(self, *entries: Json) -> None:
        self.listed.entries = list(entries)

    def has_many(self, number: int, **changes: Any) -> None:
        self.has(*(entry(name=f"t{n:04}", id=str(10_000 + n), **changes) for n in range(number)))

    def sync(self) -> None:
        """A complete one, now; it is not among the questions."""
        read, http = parse_account("acme", secret()), self.world.http
        flow = TemplateSync(self.registry, Syncs(self.world.table), lambda: self.world.now, lambda: "a sync")
        flow.sync("acme", templates("meta")(read, http, lambda: self.world.now))  # type: ignore[arg-type]
        self.asked.clear()
        self.listed.calls = 0

    def heard(self, name: str, status: str, *, at: float | None = None, language: str = "en") -> None:
        news = News(name, language, int(self.world.now if at is None else at), "a webhook", says={"status": status})
        self.registry.take(SCOPE, [news])

    def _meta(self, url: str, payload: Any) -> Answer | Exception:
        split = urlsplit(url)
        query = dict(parse_qsl(split.query))
        if split.path.endswith("/messages"):
            self.messages.append(payload)
            taken = samples.taken(f"wamid.{len(self.messages)}")
            return Answer(200, {}, json.dumps(taken).encode())
        if split.path.endswith("/message_templates"):
            self.asked.append(query.get("name", ""))
            answer = self.listed.page(query, f"{BSP_URL}{split.path}")
        else:
            self.asked.append(split.path.rpartition("/")[2])
            answer = self.listed.one(self.asked[-1], query)
        self.on_call(len(self.asked))
        return LOST if self.lost() else Answer(answer.status, dict(answer.headers), answer.body)
