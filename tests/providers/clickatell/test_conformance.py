from collections.abc import Sequence
from typing import Any, ClassVar

from tests.providers.clickatell import samples
from tests.providers.clickatell.samples import Json
from tests.providers.conformance import CONTENT_TYPES, FILES, TEXT, ProviderConformance
from tests.providers.conformance_files import ACCOUNT, LATER, MISSING, NEVER
from tests.support.bsp import Answer
from whatsapp_bridge.providers.contract.outcomes import Outgoing

_INCOMING = {
    "text": ("moText", samples.text),
    "button": ("moSuggestedResponse", samples.tap),
    "location": ("moLocation", samples.location),
    "contacts": ("moContacts", samples.contacts),
}
_CODES = {"sent": 4, "delivered": 5, "read": 6, "failed": 29}


class TestClickatell(ProviderConformance):
    provider = "clickatell"

    required: ClassVar = ["api_key"]
    file_words: ClassVar = {
        **{
            f"{code} under HTTP {status}": (Answer(status, samples.failure(code)), LATER)
            for code, status in ((43, 400), (43, 404), (18, 400), (19, 400))
        },
        **{
            f"{code} under HTTP {status}": (Answer(status, samples.failure(code)), ACCOUNT)
            for code, status in ((1, 400), (2, 404), (7, 401), (20, 402))
        },
        "media item not found": (Answer(400, samples.failure(33)), MISSING),
        "no such resource": (Answer(404, samples.failure(41)), MISSING),
        "a parameter": (Answer(400, samples.failure(23)), NEVER),
        "unlisted": (Answer(400, samples.failure(987)), NEVER),
    }
    wrong: ClassVar = {
        "api_key empty": ("provider.api_key", ""),
        "api_key no text": ("provider.api_key", ["private"]),
        "api_key of two words": ("provider.api_key", "private secret"),
        "api_key not ASCII": ("provider.api_key", "private-\u20ac"),
        "encryption no object": ("provider.encryption", "private"),
        "MT key no ARN": ("provider.encryption.mt_key_arn", "private"),
        "data keys for a day": ("options.data_key_max_seconds", 86_400),
        "data keys for -1 messages": ("options.data_key_max_messages", -1),
        "hsm no boolean": ("options.hsm", "private"),
        "broadcast_files no boolean": ("options.broadcast_files", "private"),
        "unknown option": ("options.colour", True),
    }
    not_callbacks: ClassVar = {
        "a message beside an empty event": b'{"integrationId": "i", "event": {}, "moText": [{"private": 1}]}',
        "a message beside an event of null": b'{"integrationId": "i", "event": null, "moText": [{"private": 1}]}',
        "another BSP's": b'{"object": "private", "entry": []}',
        "event a text": b'{"event": "private"}',
        "event a list of texts": b'{"event": ["private"]}',
    }
    empty_callbacks: ClassVar = {
        "no kind": samples.callback(),
        "the integration alone": b'{"integrationId": "private", "integrationName": "private", "event": null}',
        "event an empty list": b'{"integrationId": "private", "event": []}',
        "no element": samples.callback(moText=[], messageStatusUpdate=[]),
        "null for a list": samples.callback(moText=None),
    }
    bad_elements: ClassVar = {
        "null": None,
        "text": "private",
        "number": 5,
        "list": [{"statusCode": 5}],
        "empty": {},
        "no statusCode": samples.status(None),
        "statusCode a word": samples.status("private"),
        "statusCode true": samples.status(True),
        "no id at all": samples.status(5, None, messageId=None),
        "ids blank": samples.status(5, " ", messageId="null"),
        "ids no text": samples.status(5, ["private"], messageId={}),
        "an SMS": samples.status(5, channel="sms"),
    }

    def secret(self, base_url: str) -> Json:
        return samples.secret(base_url)

    def accepting(self, batch: Sequence[Outgoing]) -> Answer:
        taken = [samples.taken(outgoing.reference, samples.to(outgoing)) for outgoing in reversed(batch)]
        return Answer(202, samples.results(*taken))

    def rejecting(self, batch: Sequence[Outgoing]) -> Answer:
        refused = [samples.refused(outgoing.reference, 25, to=samples.to(outgoing)) for outgoing in batch]
        return Answer(400, samples.results(*refused))

    def refusing_credentials(self) -> Answer:
        return Answer(401, samples.failure(1))

    def throttling(self) -> Answer:
        return Answer(400, samples.failure(43))

    def refusing_content(self) -> Answer:
        return Answer(400, samples.failure(21))

    def status(self, status: str, reference: str = "1|2|3|4") -> bytes:
        return samples.statuses([samples.status(_CODES[status], reference)])

    def unknown_status(self) -> bytes:
        return samples.statuses([samples.status(777)])

    def incoming(self, kind: str, message_id: str = "m1") -> bytes:
        if kind in FILES:
            caption = None if kind == "audio" else TEXT
            file = samples.file(CONTENT_TYPES[kind])
            return samples.callback(moMedia=[samples.media(message_id, file, caption=caption)])
        name, sample = _INCOMING[kind]
        return samples.callback(**{name: [sample(message_id)]})

    def tapped(self, request: tuple[str, Any], number: int, label: str) -> bytes:
        (sent,) = request[1]["messages"]
        data = sent["template"]["buttons"]["suggestedResponse"]["postbackData"][str(number)]
        tap = samples.tap(f"tap{number}", content=label, postbackData=data, relatedClientMessageId="r1")
        return samples.callback(moSuggestedResponse=[tap])

    def upload_answer(self, url: str) -> Answer | None:
        created = {"fileId": "private-1.jpg", "accepted": True, "error": None}
        return Answer(201, created) if "/v1/media?" in url else None

    def unknown_kind(self) -> tuple[bytes, Any]:
        element = samples.text(reaction="private")
        return samples.callback(moReaction=[element]), element

    def mixed_callbacks(self, bad: Any) -> Sequence[bytes]:
        return [samples.statuses([samples.status(4, "r1"), bad, samples.status(5, "r2")])]

    def file_callback(self, kind: str, content: bytes, content_type: Any, name: Any = None) -> bytes:
        file = samples.file(content_type, fileName=name, downloadUrl="https://bsp.example/v1/media?fileId=a")
        return samples.callback(moMedia=[samples.media("m1", file)])

    def callback_with(self, event: Any) -> bytes:
        kinds = ("messageStatusUpdate", "moText", "moButtonResponse", "moLocation", "moContacts", "other")
        return samples.callback(moSuggestedResponse=[event], **dict.fromkeys(kinds, event))
