from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from tests.providers.clickatell_legacy import samples
from tests.providers.clickatell_legacy.samples import Json
from tests.providers.conformance import CONTENT_TYPES, FILES, TEXT, ProviderConformance
from tests.providers.conformance_files import ACCOUNT, LATER, NEVER
from tests.support.bsp import Answer
from whatsapp_bridge.providers.contract.outcomes import Outgoing

_INCOMING = {"text": samples.text, "location": samples.location, "contacts": samples.contacts}
_CODES = {"sent": 3, "delivered": 4, "read": 27, "failed": 12}


class TestClickatellLegacy(ProviderConformance):
    provider = "clickatell_legacy"
    names_documents = False

    files_come_inline = True
    texts_have_no_type = True
    required: ClassVar = ["api_key"]
    file_words: ClassVar = {
        "901 under HTTP 400": (Answer(400, samples.failure(901)), LATER),
        "900 under HTTP 400": (Answer(400, samples.failure(900)), LATER),
        "1 under HTTP 400": (Answer(400, samples.failure(1)), ACCOUNT),
        "301 under HTTP 402": (Answer(402, samples.failure(301)), ACCOUNT),
        "unlisted": (Answer(400, samples.failure(987)), NEVER),
    }
    wrong: ClassVar = {
        "api_key empty": ("provider.api_key", ""),
        "api_key of two words": ("provider.api_key", "private secret"),
        "encryption no object": ("provider.encryption", "private"),
        "MT key no ARN": ("provider.encryption.mt_key_arn", "private"),
        "data keys for a day": ("options.data_key_max_seconds", 86_400),
        "unknown option": ("options.colour", True),
    }
    not_callbacks: ClassVar = {
        "another BSP's": b'{"object": "private", "entry": []}',
    }
    empty_callbacks: ClassVar = {
        "the integration alone": samples.raw({"integrationId": "i", "integrationName": "private"}),
        "null for the rest": samples.raw({"integrationId": "i", "content": None, "messageId": None}),
    }
    bad_elements: ClassVar = {
        "nothing but an id": {"integrationId": "i", "messageId": "m1"},
        "no statusCode": samples.status(None),
        "statusCode a word": samples.status("private"),
        "statusCode true": samples.status(True),
        "no id at all": samples.status(4, None, messageId=None),
        "ids blank": samples.status(4, " ", messageId="null"),
        "message without a sender": samples.text(**{"from": None}),
        "One API's": {"integrationId": "i", "event": {"moText": [{"content": "private"}]}},
    }

    def secret(self, base_url: str) -> Json:
        return samples.secret(base_url)

    def accepting(self, batch: Sequence[Outgoing]) -> Answer:
        taken = [samples.taken(outgoing.reference, samples.to(outgoing)) for outgoing in reversed(batch)]
        return Answer(202, samples.results(*taken))

    def rejecting(self, batch: Sequence[Outgoing]) -> Answer:
        refused = [samples.refused(outgoing.reference, 158, to=samples.to(outgoing)) for outgoing in batch]
        return Answer(202, samples.results(*refused))

    def refusing_credentials(self) -> Answer:
        return Answer(401, samples.failure(1))

    def throttling(self) -> Answer:
        # The table of errors has none for it.
        return Answer(429)

    def refusing_content(self) -> Answer:
        raise AssertionError("it refuses each message on its own")

    def refusing_some(self, batch: Sequence[Outgoing], bad: Collection[str]) -> Answer:
        results = [
            samples.refused(outgoing.reference, 106, to=samples.to(outgoing))
            if samples.to(outgoing) in bad
            else samples.taken(outgoing.reference, samples.to(outgoing))
            for outgoing in batch
        ]
        return Answer(202, samples.results(*results))

    def status(self, status: str, reference: str = "1|2|3|4") -> bytes:
        return samples.raw(samples.status(_CODES[status], reference))

    def unknown_status(self) -> bytes:
        return samples.raw(samples.status(777))

    def incoming(self, kind: str, message_id: str = "m1") -> bytes:
        if kind in FILES:
            caption = None if kind == "audio" else TEXT
            return samples.raw(samples.media(FILES[kind], message_id, contentType=CONTENT_TYPES[kind], caption=caption))
        return samples.raw(_INCOMING[kind](message_id))

    def to_another_number(self, raw: bytes) -> bytes:
        return raw.replace(b'"from"', b'"to": "27999000002", "from"')

    def unknown_kind(self) -> tuple[bytes, Any]:
        element = samples.text(content=None, reaction="private")
        return samples.raw(element), element

    def mixed_callbacks(self, bad: Any) -> Sequence[bytes]:
        return [samples.raw(body) for body in (samples.status(3, "r1"), bad, samples.status(4, "r2"))]

    def file_callback(self, kind: str, content: bytes, content_type: Any, name: Any = None) -> bytes:
        return samples.raw(samples.media(content, contentType=content_type, fileName=name))

    def callback_with(self, event: Any) -> bytes:
        envelope = {"integrationId": "i", "integrationName": "private"}
        members = dict.fromkeys(samples.status(4) | samples.text(), event)
        return samples.raw(envelope | (event if isinstance(event, dict) else members))
