from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from tests.providers.cloud_api import samples as webhooks
from tests.providers.cloud_api.samples import NUMBER_ID, Json
from tests.providers.conformance import TEXT, ProviderConformance
from tests.providers.conformance_files import ACCOUNT, LATER, MISSING, NEVER
from tests.providers.meta import samples
from tests.support.bsp import Answer
from whatsapp_bridge.providers.contract.outcomes import Outgoing

_INCOMING: Mapping[str, Callable[[str], Json]] = {
    "text": webhooks.text,
    "button": webhooks.button,
    "location": webhooks.location,
    "contacts": webhooks.contacts,
    "image": lambda message_id: webhooks.file("image", message_id, caption=TEXT),
    "video": lambda message_id: webhooks.file("video", message_id, caption=TEXT),
    "audio": lambda message_id: webhooks.file("audio", message_id),
    "file": lambda message_id: webhooks.file("document", message_id, filename="private.pdf", caption=TEXT),
}


class TestMeta(ProviderConformance):
    provider = "meta"

    required: ClassVar = [
        "access_token",
        "phone_number_id",
        "waba_id",
        "app_secret",
        "verify_token",
        "api_version",
    ]
    wrong: ClassVar = {
        "access_token empty": ("provider.access_token", ""),
        "access_token of two words": ("provider.access_token", "private secret"),
        "phone_number_id a phone number": ("provider.phone_number_id", "+27999000001"),
        "phone_number_id a path": ("provider.phone_number_id", "1/private"),
        "phone_number_id a number": ("provider.phone_number_id", 17),
        "waba_id a name": ("provider.waba_id", "private"),
        "app_secret empty": ("provider.app_secret", ""),
        "app_secret of two words": ("provider.app_secret", "private secret"),
        "app_secret null": ("provider.app_secret", None),
        "app_secret an empty list": ("provider.app_secret", []),
        "app_secret an object": ("provider.app_secret", {"new": "private"}),
        "app_secrets under a name of their own": ("provider.app_secrets", ["private"]),
        "verify_token empty": ("provider.verify_token", ""),
        "api_version without a v": ("provider.api_version", "23.0"),
        "api_version a path": ("provider.api_version", "v23.0/private"),
        "unknown option": ("options.colour", True),
    }
    not_callbacks: ClassVar = {
        "another product's": b'{"object": "page", "entry": []}',
        "another BSP's": b'{"event": {"moText": []}}',
    }
    empty_callbacks: ClassVar = {
        "no entry": webhooks.webhook(),
        "entry null": b'{"object": "whatsapp_business_account", "entry": null}',
        "the object alone": b'{"object": "whatsapp_business_account"}',
        "no change": webhooks.webhook(webhooks.entry()),
        "no element": webhooks.events(messages=[], statuses=[]),
    }
    bad_elements: ClassVar = {
        "null": None,
        "text": "private",
        "number": 5,
        "list": [{"status": "sent"}],
        "empty": {},
        "no status": webhooks.status(None),
        "status a word": webhooks.status("private"),
        "status deleted": webhooks.status("deleted"),
        "no id at all": webhooks.status("sent", None, id=None),
        "ids no text": webhooks.status("sent", ["private"], id={}),
        "of a group": webhooks.status(recipient_type="group"),
    }
    unknown_status_fails = False
    file_words: ClassVar = {
        **{
            f"{code} under HTTP 400": (Answer(400, samples.failure(code)), LATER)
            for code in (1, 2, 4, 80007, 130429, 131000, 131016)
        },
        "130429 under HTTP 403": (Answer(403, samples.failure(130429)), LATER),
        "one that passes, unlisted": (Answer(400, {"error": {"code": 987, "is_transient": True}}), LATER),
        "one that does not pass, unlisted": (Answer(400, {"error": {"code": 987}}), NEVER),
        **{
            f"the token expired, HTTP {status}": (Answer(status, samples.failure(190)), ACCOUNT)
            for status in (400, 401, 500)
        },
        "no permission": (Answer(400, samples.failure(10)), ACCOUNT),
        "account locked": (Answer(400, samples.failure(131031)), ACCOUNT),
        "no such file": (Answer(400, {"error": {"code": 100, "error_subcode": 33}}), MISSING),
        "a parameter": (Answer(400, samples.failure(100)), NEVER),
    }

    def secret(self, base_url: str) -> Json:
        return samples.secret(base_url)

    def proof(self, raw: bytes) -> Mapping[str, str]:
        return {"x-hub-signature-256": samples.signature(raw)}

    def accepting(self, batch: Sequence[Outgoing]) -> Answer:
        (outgoing,) = batch
        return Answer(200, samples.taken(f"bsp-{outgoing.reference}"))

    def rejecting(self, batch: Sequence[Outgoing]) -> Answer:
        return Answer(400, samples.failure(131026))

    def refusing_credentials(self) -> Answer:
        return Answer(401, samples.failure(190))

    def throttling(self) -> Answer:
        return Answer(400, samples.failure(130429))

    def refusing_content(self) -> Answer:
        return Answer(400, samples.failure(132001))

    def status(self, status: str, reference: str = "1|2|3|4") -> bytes:
        errors = {"errors": [webhooks.error(131049)]} if status == "failed" else {}
        return webhooks.events(statuses=[webhooks.status(status, reference, **errors)])

    def unknown_status(self) -> bytes:
        return webhooks.events(statuses=[webhooks.status("private")])

    def incoming(self, kind: str, message_id: str = "m1") -> bytes:
        return webhooks.events(messages=[_INCOMING[kind](message_id)])

    def tapped(self, request: tuple[str, Any], number: int, label: str) -> bytes:
        parts = request[1]["template"]["components"]
        given = {
            part["index"]: part["parameters"][0]["payload"] for part in parts if part.get("sub_type") == "quick_reply"
        }
        tap = webhooks.button(f"tap{number}", payload=given.get(str(number - 1), label), text=label)
        return webhooks.events(messages=[tap | {"context": {"id": "bsp-r1"}}])

    def to_another_number(self, raw: bytes) -> bytes:
        return raw.replace(NUMBER_ID.encode(), b"106500000000002")

    def unknown_kind(self) -> tuple[bytes, Any]:
        element = webhooks.change("message_template_status_update", event="private")
        return webhooks.webhook(webhooks.entry(element)), element

    def mixed_callbacks(self, bad: Any) -> Sequence[bytes]:
        return [webhooks.events(statuses=[webhooks.status("sent", "r1"), bad, webhooks.status("read", "r2")])]

    def file_answer(self, url: str, content: bytes) -> Answer:
        # Meta gives an address first, on a host of its own.
        described = {"url": "https://lookaside.fbsbx.com/private"}
        return Answer(200, content if url == described["url"] else described)

    def file_callback(self, kind: str, content: bytes, content_type: Any, name: Any = None) -> bytes:
        of_meta = "document" if kind == "file" else kind
        changes = {"mime_type": content_type, "filename": name, "sha256": None}
        return webhooks.events(messages=[webhooks.file(of_meta, **changes)])

    def callback_with(self, event: Any) -> bytes:
        kinds = ("text", "image", "interactive", "order", "contacts", "system", "poll")
        messages = [webhooks.message(kind, event) for kind in kinds]
        lists = webhooks.change(statuses=event, errors=[event], messages=[event, *messages])
        return webhooks.webhook(event, webhooks.entry(event, lists, {"field": event, "value": event}))
