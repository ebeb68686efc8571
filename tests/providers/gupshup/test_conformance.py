import json
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from tests.providers.conformance import ProviderConformance
from tests.providers.gupshup import samples
from tests.providers.gupshup.samples import Json
from tests.support.bsp import Answer
from whatsapp_bridge.providers.contract.outcomes import Outgoing

_EVENT_TYPES = {"sent": "SENT", "delivered": "DELIVERED", "read": "READ", "failed": "FAILED"}
_KINDS = {"file": "document"}


class TestGupshup(ProviderConformance):
    """The account has an id for the template of the suite; test_outbound has those without."""

    provider = "gupshup"
    files_need_credentials = False
    unknown_status_fails = False

    required: ClassVar = [
        "two_way.password",
        "two_way.user_id",
        "two_way",
        "hsm.user_id",
        "hsm.password",
        "hsm",
    ]
    wrong: ClassVar = {
        "user_id empty": ("provider.hsm.user_id", ""),
        "user_id of two words": ("provider.hsm.user_id", "private id"),
        "password a number": ("provider.two_way.password", 7),
        "unknown opt_in": ("provider.opt_in", "private"),
        "template id a number": ("provider.templates.order_update", 9001),
        "template id empty": ("provider.templates.order_update", ""),
        "unknown key of a login": ("provider.hsm.token", "private"),
        "unknown time zone": ("options.click_time_zone", "Private/Zone"),
        "time zone outside of the database": ("options.click_time_zone", "../private"),
        "empty time zone": ("options.click_time_zone", ""),
        "time zone a number": ("options.click_time_zone", 5),
        "unknown option": ("options.colour", True),
    }
    not_callbacks: ClassVar = {
        "another BSP's": b'{"object": "private", "entry": []}',
        "Gupshup's self-serve API": b'{"app": "private", "type": "message", "payload": {"id": "private"}}',
        "an envelope of its own": b'{"event_type": "private", "messageobj": {"text": "private"}}',
        "null beside another envelope": b'{"response": null, "messageobj": {"text": "private"}}',
        "another form": b"private=1&more=2",
    }
    unreadable: ClassVar = {
        "response a text": b'{"response": "private"}',
        "response cut off": b"response=%5B%7B%22extra%22",
        "form that is not UTF-8": b"response=%ff&x=\xff",
    }
    empty_callbacks: ClassVar = {
        "statuses an empty text": b'{"statuses": ""}',
        "statuses null": b'{"payloadVersion": 0.1, "statuses": null}',
        "empty response": b'{"response": []}',
        "empty response in a form": b"response=%5B%5D",
        "empty statuses": b'{"payloadVersion": 0.1, "statuses": []}',
    }
    bad_elements: ClassVar = {
        "null": None,
        "text": "private",
        "list": ["private"],
        "number": 7,
        "empty object": {},
        "no eventType": samples.report(...),
        "eventType a number": samples.report(7),
        "eventType blank": samples.report(" "),
        "neither extra nor externalId": samples.report(extra=..., externalId=...),
        "ids blank": samples.report(extra="null", externalId=" "),
        "SMS": samples.report(channel="SMS"),
        "click without extra": samples.click(...),
        "click without originalURL": samples.click(originalURL=...),
        "click without gsurl": samples.click(gsurl=...),
        "message without a sender": samples.message(mobile=...),
        "message from a word": samples.message(mobile="private"),
    }

    def secret(self, base_url: str) -> Json:
        return samples.secret(base_url)

    def accepting(self, batch: Sequence[Outgoing]) -> Answer:
        (outgoing,) = batch
        return Answer(200, samples.taken(f"bsp-{outgoing.reference}"))

    def rejecting(self, batch: Sequence[Outgoing]) -> Answer:
        return Answer(200, samples.refused("105"))

    def refusing_credentials(self) -> Answer:
        return Answer(200, samples.refused("102"))

    def throttling(self) -> Answer:
        # Gupshup publishes no limit, and no error for one.
        return Answer(429)

    def refusing_content(self) -> Answer:
        return Answer(200, samples.refused("318"))

    def secrets_of_taps(self) -> Sequence[Json]:
        return [self.secret("https://bsp.example"), samples.secret(templates={})]

    def tapped(self, request: tuple[str, Any], number: int, label: str) -> bytes:
        """By its text a template brings no payloads to Gupshup."""
        _, form = request
        sent = json.loads(dict(parse_qsl(form.decode())).get("wa_template_json", "{}"))
        given = {part["index"]: part["parameters"][0]["payload"] for part in sent.get("components", [])}
        content = json.dumps({"payload": given.get(str(number - 1), label), "text": label})
        return json.dumps(samples.message("button", button=content, replyId="bsp", messageId="r1")).encode()

    def status(self, status: str, reference: str = "1|2|3|4") -> bytes:
        if status == "clicked":
            return json.dumps(samples.click(reference)).encode()
        return samples.response(samples.report(_EVENT_TYPES[status], reference))

    def unknown_status(self) -> bytes:
        return samples.response(samples.report("PRIVATE"))

    def incoming(self, kind: str, message_id: str = "m1") -> bytes:
        return json.dumps(samples.message(_KINDS.get(kind, kind), message_id)).encode()

    def unknown_kind(self) -> tuple[bytes, Any]:
        element = samples.message(type=..., text=...)
        return json.dumps(element).encode(), element

    def mixed_callbacks(self, bad: Any) -> Sequence[bytes]:
        return [samples.response(samples.report("SENT", "r1"), bad, samples.report("READ", "r2"))]

    def file_callback(self, kind: str, content: bytes, content_type: Any, name: Any = None) -> bytes:
        of_gupshup = _KINDS.get(kind, kind)
        file = samples.file(content_type, filename=name)
        return json.dumps(samples.message(of_gupshup, **{of_gupshup: file})).encode()

    def callback_with(self, event: Any) -> bytes:
        members = dict.fromkeys(samples.report() | samples.message(), event)
        elements = [event, members, samples.click() | members, samples.message() | {"image": event}]
        return json.dumps({"response": elements} if not isinstance(event, list) else event).encode()
