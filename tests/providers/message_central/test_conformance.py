from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, ClassVar

from tests.providers.cloud_api import samples as meta
from tests.providers.conformance import READ_SECONDS, ProviderConformance
from tests.providers.message_central import samples
from tests.providers.message_central.samples import Json
from tests.support.bsp import Answer
from tests.support.services import MemoryNotes, services
from tests.support.world import World
from whatsapp_bridge.net.http import Answer as HttpAnswer
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.net.limits import Patience
from whatsapp_bridge.providers.contract.client import Client
from whatsapp_bridge.providers.contract.outcomes import Outgoing
from whatsapp_bridge.providers.message_central import kept_tokens
from whatsapp_bridge.providers.message_central.client import Client as MessageCentral

_INCOMING = {"text": meta.text, "button": meta.button, "location": meta.location, "contacts": meta.contacts}


class TestMessageCentral(ProviderConformance):
    provider = "message_central"
    names_documents = False

    required: ClassVar = ["customer_id", "password"]
    wrong: ClassVar = {
        "password empty": ("provider.password", ""),
        "customer id of two words": ("provider.customer_id", "private id"),
        "country a name": ("provider.country", "private"),
        "country true": ("provider.country", True),
        "e-mail of two words": ("provider.email", "private @central.example"),
        "e-mail no text": ("provider.email", 7),
        "bulk a word": ("options.bulk", "private"),
        "unknown option": ("options.colour", True),
    }
    not_callbacks: ClassVar = {
        "another BSP's": b'{"integrationId": "private", "event": {}}',
        "another object": b'{"object": "private", "entry": []}',
    }
    empty_callbacks: ClassVar = {
        "no entry": meta.webhook(),
        "no change": meta.webhook(meta.entry()),
        "no status": meta.events(statuses=[]),
    }
    bad_elements: ClassVar = {
        "text": "private",
        "null": None,
        "no status": meta.status(None, None),
        "no id": meta.status("sent", None, id=None),
    }
    unknown_status_fails: ClassVar = False
    final_statuses: ClassVar = {400}
    files_need_credentials = False
    pages_are_refusals = True

    def secret(self, base_url: str) -> Json:
        return samples.secret(base_url)

    def client(self, base_url: str) -> Client:
        """With a token from an earlier message."""
        account, notes = self.account(base_url), MemoryNotes()
        made = services(HttpClient(patience=Patience(read=READ_SECONDS)), notes=notes)
        notes.put("acme", kept_tokens.place(account), kept_tokens.sealed(account, samples.TOKEN), 3600)
        return MessageCentral(account, made)

    def batch(self) -> list[Outgoing]:
        """One: freeform messages travel alone."""
        (prepared, *_) = [self.client("https://bsp.example").prepare(outgoing) for outgoing in super().batch()]
        assert isinstance(prepared, Outgoing)
        return [prepared]

    def with_steps_before(self, answer: Callable[[str, Any], HttpAnswer]) -> Callable[[str, Any], HttpAnswer]:
        def with_token(url: str, payload: Any) -> HttpAnswer:
            return samples.said(200, samples.token_answer()) if samples.is_for_a_token(url) else answer(url, payload)

        return with_token

    @contextmanager
    def world(self, secret: Json | None = None) -> Iterator[World]:
        with super().world(secret) as made:
            account = self.account()
            made.notes.put("acme", kept_tokens.place(account), kept_tokens.sealed(account, samples.TOKEN), 3600)
            yield made

    def accepting(self, batch: Sequence[Outgoing]) -> Answer:
        (outgoing,) = batch
        return Answer(200, samples.sent(f"bsp-{outgoing.reference}"))

    def rejecting(self, batch: Sequence[Outgoing]) -> Answer:
        return Answer(200, samples.refused(829))

    def refusing_credentials(self) -> Answer:
        return Answer(200, samples.refused(800))

    def throttling(self) -> Answer:
        # The tables of errors have none for it.
        return Answer(429)

    def secret_in_batches(self) -> Json:
        return samples.secret(options={"bulk": True})

    def refusing_content(self) -> Answer:
        return Answer(200, samples.refused(804))

    def recipients(self, url: str, payload: Any) -> list[str]:
        return samples.recipients(url, payload)

    def refusing_some(self, batch: Sequence[Outgoing], bad: Collection[str]) -> Answer:
        answer = super().refusing_some(batch[:1], bad) if len(batch) == 1 else None
        refused = not bad.isdisjoint(outgoing.request["to"] for outgoing in batch)
        return answer or (self.refusing_content() if refused else Answer(200, samples.sent()))

    def tapped(self, request: tuple[str, Any], number: int, label: str) -> bytes:
        tap = meta.button(f"tap{number}", payload=label, text=label)
        return meta.events(messages=[tap | {"context": {"id": "bsp-r1"}}])

    def status(self, status: str, reference: str = "1|2|3|4") -> bytes:
        errors = {"errors": [meta.error(131026)]} if status == "failed" else {}
        return samples.statuses(status, wamid=f"bsp-{reference}", **errors)

    def unknown_status(self) -> bytes:
        return samples.statuses("private")

    def incoming(self, kind: str, message_id: str = "m1") -> bytes:
        return meta.events(messages=[_INCOMING[kind](message_id)])

    def unknown_kind(self) -> tuple[bytes, Any]:
        element = meta.change("account_update", messages=[meta.text()])
        return meta.webhook(meta.entry(element)), element

    def mixed_callbacks(self, bad: Any) -> Sequence[bytes]:
        good = [meta.status("sent", None, id=f"bsp-r{place}") for place in (1, 2)]
        return [meta.events(statuses=[good[0], bad, good[1]])]

    def file_callback(self, kind: str, content: bytes, content_type: Any, name: Any = None) -> bytes:
        changes = {
            "mime_type": content_type,
            "filename": name,
            "sha256": sha256(content).hexdigest(),
            "url": "https://files.example/7",
        }
        return meta.events(messages=[meta.file("document" if kind == "file" else kind, **changes)])

    def callback_with(self, event: Any) -> bytes:
        return meta.events(statuses=event, messages=event)
