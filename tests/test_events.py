"""Every file in events/, run through the handler it is for."""

import importlib.util
import io
import json
import re
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from local.sandbox import encryption, one_api_requests
from tests.support import sample_files
from tests.support.world import (
    INCOMING_URL,
    LOST,
    PUBLIC_URL,
    START,
    STATUS_URL,
    World,
    accept_all,
    json_answer,
    keys_of,
    world,
)
from tests.templates.samples import entry
from whatsapp_bridge.clevertap.template_import import cursor
from whatsapp_bridge.flows.status_queue import queued_status
from whatsapp_bridge.media.links import link, media_id
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.clickatell_common.encryption import SHARED, DataKeys
from whatsapp_bridge.providers.cloud_api import templates
from whatsapp_bridge.providers.common.message_ids import hidden
from whatsapp_bridge.providers.contract.statuses import Status, StatusEvent
from whatsapp_bridge.runtime.observability import logger, metrics
from whatsapp_bridge.store import aws
from whatsapp_bridge.store.templates import Registry

ROOT = Path(__file__).parents[1]
EVENTS = ROOT / "events"
CONTEXT = SimpleNamespace(
    aws_request_id="a-request",
    function_name="a-function",
    memory_limit_in_mb=512,
    get_remaining_time_in_millis=lambda: 60_000,
)

# What nobody may find in a log: the people and texts in the events, and the secrets of the account.
PRIVATE = (
    "27820000001",
    "27820000002",
    "27820000009",
    "Thandi",
    "Sipho",
    "Friday",
    "delivery-yes",
    "My door",
    "friday.jpg",
    "33.9",
    "18.4",
    "Example Street",
    "made-up-",
    "another-password",
    "another-callback-token",
    "clevertap.example",
    "203.0.113.7",
)
_TIME_OF_DAY = re.compile(r"\d\d:\d\d:\d\d\.\d+")


def load(name: str) -> Any:
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


def queued(name: str, record: int = 0) -> Any:
    """The body of a queue message in an event file."""
    return json.loads(load(name)["Records"][record]["body"])


def requested(name: str) -> Any:
    """The body of an HTTP request in an event file."""
    return json.loads(load(name)["body"])


ACCOUNTS = {"account", "account-secure", "account-legacy", "account-gupshup", "account-central", "account-meta"}
SECURE, LEGACY, META = load("account-secure"), load("account-legacy"), load("account-meta")
GUPSHUP = load("account-gupshup")
KEYS = SECURE["provider"]["encryption"]


# --- running --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Handlers:
    """The deployed handlers on a world's AWS, BSP and CleverTap; `log` is what they log."""

    world: World
    modules: dict[str, ModuleType]
    log: io.StringIO

    def run(self, name: str, complete: Callable[[World, Any], None] = lambda made, event: None) -> Any:
        event = load(name)
        complete(self.world, event)
        return self.modules[function_of(name)].handler(event, CONTEXT)


def function_of(name: str) -> str:
    """The function that an event file is for, by the beginning of the file's name."""
    return name.split("-")[0]


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Handlers]:
    with world(**{name.replace("account", "sample"): load(name) for name in sorted(ACCOUNTS)}) as made:
        kms = made.client("kms")
        for arn in KEYS.values():
            alias = arn.rpartition(":")[2]
            kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        # Data keys of the process are of another test's KMS.
        monkeypatch.setattr(SHARED, "__dict__", DataKeys(lambda: made.now).__dict__)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        # Powertools reads these when it is imported, which may have been before any environment was set.
        monkeypatch.setattr(metrics.provider, "namespace", "CleverTapWhatsAppBridge/tests")
        monkeypatch.setattr(metrics.provider, "service", "tests")
        metrics.clear_metrics()
        log = io.StringIO()
        monkeypatch.setattr(logger.registered_handler, "stream", log)
        modules = {
            logical_id.removesuffix("Function").lower(): _handler(function.code, function.environment, monkeypatch)
            for logical_id, function in made.deployment.functions.items()
        }
        # The same flows over the world's HTTP and clock; what the environment made of them has been proved by loading.
        modules["send"].accept = made.accept
        modules["import"].show = made.import_templates
        modules["dispatch"].dispatch, modules["dispatch"].conversation = made.dispatch, made.conversation
        modules["incoming"].receive = modules["status"].receive = made.receive
        modules["forward"].forward_replies, modules["forward"].replies = made.forward_replies, made.replies_source
        modules["forward"].forward_statuses = made.forward_statuses
        modules["templates"].templates = made.templates
        yield Handlers(made, modules, log)
        # Clients made here belong to this test's AWS.
        aws.client.cache_clear()


def _handler(code: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location(f"app_{code.name}", code / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- what is expected -----------------------------------------------------------------------------------------------


def ok(body: Any) -> dict[str, Any]:
    """An HTTP answer; text for a BSP, JSON for CleverTap."""
    return answered(200, body)


def answered(status: int, body: Any) -> dict[str, Any]:
    return {"status": status, "body": body}


def failure(code: int, message: str) -> dict[str, Any]:
    return ok({"status": "failure", "error": {"code": code, "message": message}})


def comes_back(*names: str) -> list[str]:
    """The records of these event files that stay on their queue."""
    return [record["messageId"] for name in names for record in load(name)["Records"]]


SUCCESS = ok({"status": "success"})
DONE = comes_back()


@dataclass(frozen=True)
class Case:
    """One event file: what it is answered, what it leaves on queues, and what leaves to the BSP and CleverTap."""

    event: str
    answer: Any
    queues: dict[str, Sequence[Any]] = field(default_factory=dict)
    posts: Sequence[tuple[str, Any]] = ()
    before: Callable[[Handlers], None] = lambda handlers: None
    complete: Callable[[World, Any], None] = lambda made, event: None
    """Puts into the event what no file can hold."""
    variant: str = ""


def sent(handlers: Handlers) -> None:
    """The messages that the statuses are about have gone out."""
    handlers.run("dispatch-campaign")


def sent_by_meta(handlers: Handlers) -> None:
    """Meta takes what there is; the message that the reply answers has gone out."""
    meta_takes(handlers)
    handlers.run("dispatch-campaign-meta")


def meta_takes(handlers: Handlers) -> None:
    answer = {"messages": [{"id": requested_of_meta("incoming-text-meta", "messages")["context"]["id"]}]}
    handlers.world.bsp = lambda url, payload: json_answer(200, answer)


def requested_of_meta(name: str, elements: str, place: int = 0) -> Any:
    """An element of a webhook in an event file."""
    return requested(name)["entry"][0]["changes"][0]["value"][elements][place]


def without_an_id(handlers: Handlers) -> None:
    """Message Central takes everything, and names no id of it."""
    handlers.world.bsp = lambda url, payload: json_answer(
        200, {"responseCode": 200, "message": "SUCCESS", "data": None}
    )


def sent_without_an_id(handlers: Handlers) -> None:
    without_an_id(handlers)
    handlers.run("dispatch-campaign-message-central")


def answer_lost(handlers: Handlers) -> None:
    """They have gone out, and nobody knows whether they arrived."""
    handlers.world.bsp = lambda url, payload: LOST
    handlers.run("dispatch-campaign")


def unconfirmed(handlers: Handlers) -> None:
    """The answer was lost, and the confirmation is due for a minute; nothing else is on the queue."""
    answer_lost(handlers)
    handlers.world.now += 960
    handlers.world.emptied("StatusesQueue")


def with_files(handlers: Handlers) -> None:
    """There is a picture at each address, for people and from them; Clickatell takes it, and messages."""
    made = handlers.world
    made.files = lambda url, headers: Answer(200, {}, sample_files.JPEG)

    def one_api(url: str, payload: Any) -> Answer:
        if payload is None:
            return Answer(200, {}, sample_files.JPEG)
        if "/v1/media" in url:
            return json_answer(201, {"fileId": FILE_ID, "accepted": True, "error": None})
        return accept_all(url, payload)

    made.bsp = one_api


def without_files(handlers: Handlers) -> None:
    handlers.world.bsp = lambda url, payload: Answer(410, {}, b"")


def gupshup_takes(handlers: Handlers) -> None:
    """Gupshup answers that it has the message."""
    body = {"response": {"id": GUPSHUP_ID, "phone": "27820000001", "details": "", "status": "success"}}
    handlers.world.bsp = lambda url, payload: json_answer(200, body)


def sent_by_gupshup(handlers: Handlers) -> None:
    gupshup_takes(handlers)
    handlers.run("dispatch-campaign-gupshup")


def under_the_mo_key(made: World, event: Any) -> None:
    """A data key is good for one KMS key alone, which the file cannot know: the reply as Clickatell would send it."""
    key, encryption_key = encryption.new_data_key(lambda region: made.client("kms", region), KEYS["mo_key_arn"])
    (record,) = event["Records"]
    body = json.loads(record["body"])
    body["reply"]["element"] |= {
        "encryptionKey": encryption_key,
        "content": encryption.encrypt(key, "Friday is perfect, thank you."),
        "whatsapp": {"profileName": encryption.encrypt(key, "Thandi")},
    }
    record["body"] = json.dumps(body)


def status(reference: str, name: str, **error: Any) -> dict[str, Any]:
    return {"msgId": reference, "status": name, "timestamp": "1700000060"} | error


def statuses(*updates: dict[str, Any]) -> tuple[str, Any]:
    return STATUS_URL, {"payloadVersion": "0.1", "statuses": list(updates)}


def incoming(url: str = INCOMING_URL, waba_number: str = "27999000001", **content: Any) -> tuple[str, Any]:
    kind = next(iter(content))
    envelope = {"payloadVersion": "0.1", "from": "27820000001", "wabaNumber": waba_number, "timestamp": "1700000120"}
    return url, envelope | {"type": kind, "context": {"id": FIRST}} | content


def from_legacy(**content: Any) -> tuple[str, Any]:
    return incoming(LEGACY["clevertap"]["incoming_url"], LEGACY["waba_number"], **content)


def linked(name: str, caption: str) -> dict[str, Any]:
    """CleverTap's form of the picture in an event file, which has just been stored."""
    reply = queued(name)
    owner = keys_of(reply["account"])
    identifier = media_id(owner, reply["reply"]["id"])
    address = link(PUBLIC_URL, owner, identifier, int(START) + 30 * 86_400)
    return {"mediaURL": address, "mimeType": "image/jpeg", "caption": caption}


def to_legacy(message: dict[str, Any]) -> tuple[str, Any]:
    return "https://bsp.example/wa/messages", {"messages": [message]}


def to_bsp(*messages: dict[str, Any]) -> tuple[str, Any]:
    return "https://bsp.example/v1/message", {"messages": [{"channel": "whatsapp", **message} for message in messages]}


def quarantined(kind: str, reason: str, element: Any, account: str = "sample") -> dict[str, Any]:
    return {"account": account, "kind": kind, "reason": reason, "element": element, "received": 1_700_000_000}


def element(name: str, kind: str, place: int = 0) -> Any:
    return requested(name)["event"][kind][place]


def unreadable(name: str, reason: str) -> dict[str, Any]:
    """A reply of the account with keys, kept as it came."""
    return quarantined("reply", reason, queued(name)["reply"]["element"], "sample-secure")


GUPSHUP_ID = "5001002003004005006-600700800900100200"


def whole(name: str, body: bytes) -> dict[str, Any]:
    """A callback of a shape that Clickatell's have not, kept as it came."""
    element = {
        "base64": b64encode(body).decode(),
        "content_type": load(name)["headers"]["content-type"],
        "query": {},
    }
    return quarantined("body", "no event object", element)


GUPSHUP_STATUS = {"account": "sample-gupshup", "accepted_at": int(START), "attempt": 1, "waits": 1}
CENTRAL, CENTRAL_NAME = "1700000000|1|0|1005", "Message Central WhatsApp Now"
BROADCAST = (
    "flowType=WHATSAPP&senderId=27999000005&type=BROADCAST&countryCode=27&mobileNumber=820000001"
    "&templateName=order_update&langId=en&variables=Thandi%2CFriday"
)
FIRST, SECOND, TEXT = "1700000000|1|0|1001", "1700000000|1|0|1002", "1700000000|1|0|1003"
LOCATION = "1700000000|1|0|1004"
MEDIA_ID = "ea56c0324d8e8529213d616fa9a59859"
HEADER, IMAGE = "1700000000|1|0|1005", "1700000000|1|0|1007"
FILE_ID = "00000000-0000-4000-8000-000000000002.jpg"
UPLOAD = "https://bsp.example/v1/media?fileName=friday.jpg&"

UPDATE: dict[str, Any] = {
    "to": "27820000001",
    "clientMessageId": FIRST,
    "template": {
        "templateName": "order_update",
        "header": {"type": "text", "text": {"parameters": {"1": "1042"}}},
        "body": {"parameters": {"1": "Thandi", "2": "Friday"}},
        "buttons": {"suggestedResponse": {"postbackData": {"1": "delivery-yes", "2": "delivery-other"}}},
    },
}
TRACKING: dict[str, Any] = {
    "to": "27820000002",
    "clientMessageId": SECOND,
    "template": {
        "templateName": "order_tracking",
        "body": {"parameters": {"1": "Sipho"}},
        "buttons": {"websiteUrl": [{"listPosition": 1, "parameters": {"1": "1043"}}]},
    },
}
ENCRYPTED = {"encryptionKey": KEYS["mt_key_arn"]}
"""What `readable_request` makes of the data key of a message that the MT key opens."""

SEND = [
    Case("send-template", SUCCESS, {"CampaignQueue": [queued("dispatch-campaign")]}),
    Case("send-gupshup-template", SUCCESS, {"CampaignQueue": [queued("dispatch-campaign-gupshup")]}),
    Case("send-freeform-text", SUCCESS, {"ConversationQueue": [queued("dispatch-conversation")]}),
    Case("send-freeform-location", SUCCESS, {"ConversationQueue": [queued("dispatch-conversation-location")]}),
    Case("send-provider-validation", SUCCESS),
    Case("send-provider-validation-wrapped", SUCCESS),
    Case("send-template-validation", SUCCESS),
    Case("send-wrong-credentials", failure(2000, "Invalid credentials")),
    Case("send-unknown-account", failure(2000, "Invalid credentials")),
    Case("send-another-number", failure(2004, "wabaNumber: is not this account's number")),
    Case("send-freeform-image", SUCCESS, {"ConversationQueue": [queued("dispatch-conversation-image")]}),
    Case("send-image-header", SUCCESS, {"CampaignQueue": [queued("dispatch-campaign-image-header")]}),
    Case(
        "send-location-header",
        failure(2001, "components[0].header.type: location headers are not supported by Clickatell One API"),
    ),
    Case(
        "send-bad-phone-number",
        failure(2002, "to: must be a phone number with its country code, 7 to 15 digits"),
    ),
    Case("send-not-json", answered(403, {"message": "Bad Request"})),
    Case("send-message-central", SUCCESS, {"CampaignQueue": [queued("dispatch-campaign-message-central")]}),
    Case(
        "send-message-central-comma",
        failure(
            2001,
            f"components[0].body.parameters[1].text: a comma in a value is not supported by {CENTRAL_NAME}",
        ),
    ),
]

DISPATCH = [
    Case("dispatch-campaign", DONE, posts=[to_bsp(UPDATE), to_bsp(TRACKING)]),
    Case("dispatch-campaign-encrypted", DONE, posts=[to_bsp(UPDATE | ENCRYPTED), to_bsp(TRACKING | ENCRYPTED)]),
    Case(
        "dispatch-campaign-gupshup",
        DONE,
        posts=[
            (
                "https://bsp.example/GatewayAPI/rest",
                {
                    "userid": "2000000001",
                    "password": "made-up-hsm-password",
                    "v": "1.1",
                    "auth_scheme": "plain",
                    "format": "json",
                    "method": "SendMessage",
                    "send_to": "27820000001",
                    "extra": FIRST,
                    "isHSM": "true",
                    "isTemplate": "true",
                    "msg_type": "TEXT",
                    "header": "Order 1042",
                    "msg": "Hello Thandi, your order arrives on Friday. Is that fine?",
                    "data_encoding": "TEXT",
                },
            )
        ],
        before=gupshup_takes,
    ),
    Case(
        "dispatch-campaign-message-central",
        DONE,
        posts=[(f"https://bsp.example/verification/v3/send?{BROADCAST}", None)],
        before=without_an_id,
    ),
    Case("dispatch-campaign-unknown-account", comes_back("dispatch-campaign-unknown-account")),
    Case(
        "dispatch-conversation",
        DONE,
        posts=[
            to_bsp(
                {
                    "to": "27820000001",
                    "clientMessageId": TEXT,
                    "content": "Friday it is. Directions: https://shop.example/map",
                    "previewFirstUrl": True,
                }
            )
        ],
    ),
    Case(
        "dispatch-conversation-location",
        DONE,
        posts=[
            to_bsp(
                {
                    "to": "27820000001",
                    "clientMessageId": LOCATION,
                    "location": {
                        "longitude": "18.424055",
                        "latitude": "-33.924868",
                        "name": "Sample shop",
                        "address": "1 Example Street, Cape Town",
                    },
                }
            )
        ],
    ),
    Case(
        "dispatch-campaign-image-header",
        DONE,
        posts=[
            (f"{UPLOAD}to=27820000001", sample_files.JPEG),
            to_bsp(
                {
                    "to": "27820000001",
                    "clientMessageId": HEADER,
                    "template": {
                        "templateName": "order_update",
                        "header": {"type": "media", "media": {"fileId": FILE_ID}},
                        "body": {},
                    },
                }
            ),
        ],
        before=with_files,
    ),
    Case(
        "dispatch-conversation-image",
        DONE,
        posts=[
            (f"{UPLOAD}to=27820000001", sample_files.JPEG),
            to_bsp(
                {
                    "to": "27820000001",
                    "clientMessageId": IMAGE,
                    "media": {"fileId": FILE_ID, "caption": "See you on Friday."},
                }
            ),
        ],
        before=with_files,
    ),
    Case(
        "dispatch-campaign-legacy",
        DONE,
        posts=[
            to_legacy(
                {
                    "to": "27820000001",
                    "clientMessageId": FIRST,
                    "hsm": {"template": "order_update", "parameters": {"1": "Thandi", "2": "Friday"}},
                }
            )
        ],
    ),
    Case(
        "dispatch-conversation-image-legacy",
        DONE,
        posts=[
            to_legacy(
                {
                    "to": "27820000001",
                    "clientMessageId": IMAGE,
                    "caption": "See you on Friday.",
                    "contentType": "image/jpeg",
                    "content": b64encode(sample_files.JPEG).decode(),
                }
            )
        ],
        before=with_files,
    ),
    Case(
        "dispatch-conversation-unknown-account",
        DONE,
        {"ConversationDeadLetterQueue": [queued("dispatch-conversation-unknown-account")]},
    ),
]

RECEIVE = [
    Case("incoming-text", ok(""), {"RepliesQueue": [queued("forward-reply")]}),
    Case("incoming-button", ok(""), {"RepliesQueue": [queued("forward-reply-button")]}),
    Case("incoming-location", ok(""), {"RepliesQueue": [queued("forward-reply-location")]}),
    Case("incoming-contacts", ok(""), {"RepliesQueue": [queued("forward-reply-contacts")]}),
    Case("incoming-encrypted", ok(""), {"RepliesQueue": [queued("forward-reply-encrypted")]}),
    Case("incoming-image", ok(""), {"RepliesQueue": [queued("forward-reply-image")]}),
    Case("incoming-text-legacy", ok(""), {"RepliesQueue": [queued("forward-reply-legacy")]}),
    Case("incoming-image-legacy", ok(""), {"RepliesQueue": [queued("forward-reply-image-legacy")]}),
    Case(
        "incoming-not-a-callback",
        ok(""),
        {"QuarantineQueue": [whole("incoming-not-a-callback", b"event=moText&content=hello")]},
    ),
    Case("incoming-wrong-token", answered(403, "forbidden")),
    Case("incoming-verification", answered(400, "empty")),
    Case("status-delivered", ok(""), {"StatusesQueue": [queued("forward-status")]}),
    Case("status-legacy", ok(""), {"StatusesQueue": [queued("forward-status") | {"account": "sample-legacy"}]}),
    Case(
        "status-gupshup-form",
        ok(""),
        {"StatusesQueue": [GUPSHUP_STATUS | {"status": queued("forward-status")["status"] | {"bsp_id": GUPSHUP_ID}}]},
    ),
    Case(
        "status-gupshup-query",
        ok(""),
        {
            "StatusesQueue": [
                GUPSHUP_STATUS
                | {"status": queued("forward-status")["status"] | {"bsp_id": GUPSHUP_ID, "reference": None}}
            ]
        },
    ),
    Case(
        "status-gupshup-click",
        ok(""),
        {"StatusesQueue": [GUPSHUP_STATUS | {"status": queued("forward-click")["status"]}]},
    ),
    Case("status-gupshup-elsewhere", answered(403, "forbidden")),
    Case("incoming-gupshup-form", ok(""), {"RepliesQueue": [queued("forward-reply-gupshup")]}),
    Case("status-message-central", ok(""), {"StatusesQueue": [queued("forward-status-message-central")]}),
    Case("status-failed", ok(""), {"StatusesQueue": [queued("forward-status-failed")]}),
    Case(
        "status-unlisted-code",
        ok(""),
        {
            "StatusesQueue": [
                {
                    "account": "sample",
                    "accepted_at": int(START),
                    "attempt": 1,
                    "waits": 1,
                    "status": queued("forward-status")["status"]
                    | {
                        "status": "failed",
                        "error_code": 1009,
                        "error_title": "Unlisted status NEW_STATUS",
                        "bsp_code": "999",
                        "unlisted": True,
                    },
                }
            ]
        },
    ),
    Case(
        "status-unknown-kind",
        ok(""),
        {
            "QuarantineQueue": [
                quarantined("messageEdited", "unknown kind", element("status-unknown-kind", "messageEdited"))
            ]
        },
    ),
    Case(
        "status-one-of-two-broken",
        ok(""),
        {
            "StatusesQueue": [queued("forward-status")],
            "QuarantineQueue": [
                quarantined(
                    "messageStatusUpdate",
                    "no statusCode",
                    element("status-one-of-two-broken", "messageStatusUpdate"),
                )
            ],
        },
    ),
    Case("status-wrong-token", answered(403, "forbidden")),
    Case(
        "status-not-a-callback",
        ok(""),
        {"QuarantineQueue": [whole("status-not-a-callback", b'{"hello": "world"}')]},
    ),
]


def status_of_meta(place: int, name: Status, **error: Any) -> Any:
    """What a status of `status-meta` becomes on its queue."""
    told = requested_of_meta("status-meta", "statuses", place)
    person = keys_of("sample-meta").pseudonym(told["recipient_id"])
    known_as = hidden("sample-meta", told["id"])
    event = StatusEvent(name, 1_700_000_060, told["biz_opaque_callback_data"], known_as, recipient=person, **error)
    return json.loads(queued_status("sample-meta", event, START).body)


META_URL, META_INCOMING_URL = (
    "https://bsp.example/v23.0/106500000000003/messages",
    "https://clevertap.example/incoming?a=3",
)
META_MESSAGE = {
    "messaging_product": "whatsapp",
    "recipient_type": "individual",
    "to": "+27820000001",
    "biz_opaque_callback_data": "1700000000|1|0|3001",
    "type": "template",
    "template": {
        "name": "order_update",
        "language": {"code": "en"},
        "components": [
            {"type": "header", "parameters": [{"type": "text", "text": "1042"}]},
            {
                "type": "body",
                "parameters": [{"type": "text", "text": "Thandi"}, {"type": "text", "text": "Friday"}],
            },
            *(
                {
                    "type": "button",
                    "sub_type": "quick_reply",
                    "index": index,
                    "parameters": [{"type": "payload", "payload": payload}],
                }
                for index, payload in (("0", "delivery-yes"), ("1", "delivery-other"))
            ),
        ],
    },
}
HELD_BACK = {
    "error_code": 1010,
    "error_title": "Not delivered to maintain healthy ecosystem engagement",
    "bsp_code": "131049",
}

META_CASES = [
    Case("dispatch-campaign-meta", DONE, posts=[(META_URL, META_MESSAGE)], before=meta_takes),
    Case("incoming-verification-meta", ok("1158201444")),
    Case("incoming-text-meta", ok(""), {"RepliesQueue": [queued("forward-reply-meta")]}),
    Case("incoming-wrong-signature-meta", answered(403, "forbidden")),
    Case(
        "status-meta",
        ok(""),
        {"StatusesQueue": [status_of_meta(0, "delivered"), status_of_meta(1, "failed", **HELD_BACK)]},
    ),
    Case(
        "forward-reply-meta",
        DONE,
        posts=[
            incoming(
                META_INCOMING_URL,
                "27999000003",
                text={"body": "Friday is perfect, thank you."},
                context={"id": "1700000000|1|0|3001"},
            )
        ],
        before=sent_by_meta,
    ),
]

FORWARD = [
    Case(
        "forward-status",
        DONE,
        posts=[statuses(status(FIRST, "sent"), status(FIRST, "delivered"))],
        before=sent,
    ),
    Case(
        "forward-status-message-central",
        DONE,
        posts=[
            (
                load("account-central")["clevertap"]["status_url"],
                statuses(status(CENTRAL, "sent"), status(CENTRAL, "delivered"))[1],
            )
        ],
        before=sent_without_an_id,
    ),
    Case(
        "forward-status-failed",
        DONE,
        posts=[
            statuses(
                status(SECOND, "failed", error={"code": 1005, "title": "Recipient does not exist on channel"}),
            )
        ],
        before=sent,
    ),
    Case(
        "forward-status-of-nothing",
        DONE,
        {
            "StatusesQueue": [
                queued("forward-status-of-nothing") | {"waits": 2, "hops": 1, "queued_hop": 1, "queued_at": int(START)}
            ]
        },
        before=sent,
    ),
    Case(
        "forward-confirm",
        DONE,
        posts=[
            statuses(
                status(FIRST, "failed", error={"code": 1009, "title": "delivery could not be confirmed"})
                | {"timestamp": "1700000960"}
            )
        ],
        before=unconfirmed,
    ),
    Case(
        "forward-click",
        DONE,
        posts=[
            statuses(
                status(FIRST, "clicked")
                | {
                    "timestamp": "1700000120",
                    "url": "https://shop.example/orders/1042",
                    "shortUrl": "www.gs.example/a1b2",
                    "userAgent": "Mozilla/5.0",
                }
            )
        ],
        before=sent,
    ),
    Case(
        "forward-reply-gupshup",
        DONE,
        posts=[
            incoming(
                GUPSHUP["clevertap"]["incoming_url"], "27999000003", text={"body": "Friday is perfect, thank you."}
            )
        ],
        before=sent_by_gupshup,
    ),
    Case("forward-reply", DONE, posts=[incoming(text={"body": "Friday is perfect, thank you."})]),
    Case("forward-reply-button", DONE, posts=[incoming(button={"payload": "delivery-yes", "text": "Yes"})]),
    Case(
        "forward-reply-location",
        DONE,
        posts=[incoming(location={"latitude": "-33.96", "longitude": "18.47", "name": "Thandi's gate"})],
    ),
    Case("forward-reply-contacts", DONE, posts=[incoming(text={"body": "Sipho\n27820000002 (CELL)"})]),
    Case(
        "forward-reply-image",
        DONE,
        posts=[
            (queued("forward-reply-image")["reply"]["element"]["files"][0]["downloadUrl"], None),
            incoming(image=linked("forward-reply-image", "My door")),
        ],
        before=with_files,
    ),
    Case(
        "forward-reply-image",
        DONE,
        posts=[
            (queued("forward-reply-image")["reply"]["element"]["files"][0]["downloadUrl"], None),
            incoming(text={"body": "[image not available] My door"}),
        ],
        before=without_files,
        variant="-that-is-gone",
    ),
    Case("forward-reply-legacy", DONE, posts=[from_legacy(text={"body": "Friday is perfect, thank you."})]),
    Case(
        "forward-reply-image-legacy", DONE, posts=[from_legacy(image=linked("forward-reply-image-legacy", "My door"))]
    ),
    Case("forward-reply-encrypted", comes_back("forward-reply-encrypted")),
    Case(
        "forward-reply-decrypted",
        DONE,
        posts=[
            incoming(SECURE["clevertap"]["incoming_url"], "27999000002", text={"body": "Friday is perfect, thank you."})
        ],
        complete=under_the_mo_key,
        variant="-by-its-key",
    ),
    Case(
        "forward-reply-decrypted",
        DONE,
        {"QuarantineQueue": [unreadable("forward-reply-decrypted", "KMS decrypt: InvalidCiphertextException")]},
        variant="-as-it-is-in-the-file",
    ),
    Case(
        "forward-reply-without-content",
        DONE,
        {
            "QuarantineQueue": [
                quarantined("moText", "no content", queued("forward-reply-without-content")["reply"]["element"])
            ]
        },
    ),
    Case(
        "forward-reply-unknown-account",
        DONE,
        {"RepliesDeadLetterQueue": [queued("forward-reply-unknown-account")]},
    ),
]


def links_are_valid_until_2100(handlers: Handlers) -> None:
    """As with the MEDIA_TTL_DAYS that events/README.md gives for this event."""
    handlers.modules["media"].show._longest = 36_500 * 86_400


NO_LINK = answered(403, "This link is not valid or has expired.")
MEDIA = [
    Case(
        "media-link",
        answered(302, "")
        | {"location": f"https://test-payloadsbucket.s3.eu-west-1.amazonaws.com/media/sample/{MEDIA_ID}"},
        before=links_are_valid_until_2100,
    ),
    Case("media-link", NO_LINK, variant="valid for longer than links are"),
    Case("media-expired", NO_LINK),
    Case("media-wrong-signature", NO_LINK),
]

LISTED = entry()


def synced(handlers: Handlers) -> None:
    """There was a complete sync, a moment ago."""
    made = handlers.world
    news = templates.of_entry(LISTED, int(made.now), "a listing")
    assert news is not None
    registry = Registry(made.table)
    registry.take("account:sample", [news])
    registry.complete("account:sample", int(made.now), "a listing")


PAGE = {"data": [LISTED], "paging": {"cursors": {"before": cursor((LISTED["name"], LISTED["language"]))}}}
UNREADABLE = {"status": "failure", "error": {"code": 2004, "message": "after: is no cursor of this list"}}
REFUSED = {"status": "failure", "error": {"code": 2000, "message": "Invalid credentials"}}
NONE_YET = {"status": "failure", "error": {"message": "Unable to process the request"}}
IMPORT = [
    Case("import-page", ok(PAGE), before=synced),
    Case("import-page", answered(503, NONE_YET), variant="before the first sync"),
    Case("import-unreadable-cursor", answered(400, UNREADABLE), before=synced),
    Case("import-wrong-credentials", answered(401, REFUSED), before=synced),
]


def lists_templates(handlers: Handlers) -> None:
    handlers.world.bsp = lambda url, payload: json_answer(200, {"data": [], "paging": {}})


def no_such_template(handlers: Handlers) -> None:
    error = {"code": 100, "error_subcode": 33}
    handlers.world.bsp = lambda url, payload: json_answer(400, {"error": error})


SYNC = {"at": int(START)}
FIELDS = urlencode({"fields": ",".join(templates.FIELDS)})
TEMPLATES = [
    Case("status-template-meta", ok(""), {"TemplatesQueue": [queued("templates-notice")]}),
    Case(
        "templates-schedule",
        None,
        {"TemplatesQueue": [SYNC | {"sync": [f"sample-{name}"]} for name in ("meta", "gupshup", "central")]},
    ),
    Case(
        "templates-notice",
        DONE,
        posts=[(f"https://bsp.example/v23.0/1689550000000003?{FIELDS}", None)],
        before=no_such_template,
    ),
    Case(
        "templates-sync",
        DONE,
        posts=[(f"https://bsp.example/v23.0/102200000000003/message_templates?{FIELDS}&limit=100", None)],
        before=lists_templates,
    ),
]

CASES = [*SEND, *DISPATCH, *RECEIVE, *META_CASES, *FORWARD, *MEDIA, *IMPORT, *TEMPLATES]


# --- tests ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.event + case.variant)
def test_event_has_its_answer_and_effect(case: Case, handlers: Handlers, capsys: pytest.CaptureFixture[str]) -> None:
    case.before(handlers)
    handlers.world.http.requests.clear()

    answer = handlers.run(case.event, case.complete)

    assert readable(answer) == case.answer
    assert [readable_request(handlers.world, request) for request in handlers.world.http.requests] == list(case.posts)
    assert left_on_queues(handlers.world) == {name: in_order(bodies) for name, bodies in case.queues.items()}
    # The time of day looks like a coordinate every now and then.
    output = _TIME_OF_DAY.sub("", handlers.log.getvalue() + "".join(capsys.readouterr()))
    assert not [private for private in PRIVATE if private in output]


def test_log_names_message_and_reason_by_their_keys(handlers: Handlers) -> None:
    handlers.run("dispatch-campaign")
    handlers.run("status-unknown-kind")

    lines = [json.loads(line) for line in handlers.log.getvalue().splitlines()]
    assert {(line["message"], line.get("msgId") or line.get("reason")) for line in lines} == {
        ("message sent", FIRST),
        ("message sent", SECOND),
        ("quarantined", "unknown kind"),
    }
    assert {line["account"] for line in lines} == {"sample"}


def test_every_event_file_has_a_case() -> None:
    files = {path.stem for path in EVENTS.glob("*.json")}

    assert files == {case.event for case in CASES} | ACCOUNTS | {"signing-key"}


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in EVENTS.glob("*.json") if path.stem not in ACCOUNTS | {"signing-key"})
)
def test_readme_lists_the_event(name: str) -> None:
    assert f"`{name}`" in (EVENTS / "README.md").read_text(encoding="utf-8")


def readable(answer: dict[str, Any]) -> Any:
    """An answer's own words: HTTP status, body and where it leads (without its signature), or the records that stay."""
    if answer is None:
        # Nobody reads what is answered to a schedule.
        return None
    if "batchItemFailures" in answer:
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]
    body, headers = answer["body"], answer["headers"]
    read = answered(answer["statusCode"], json.loads(body) if "json" in headers["content-type"] else body)
    return read | ({"location": headers["location"].partition("?")[0]} if "location" in headers else {})


def readable_request(made: World, request: tuple[str, Any]) -> tuple[str, Any]:
    """A request to the BSP as its owner of the MT key reads it, a form by its fields; in clear, and CleverTap's, as it
    is."""
    url, payload = request
    if isinstance(payload, bytes) and payload.startswith(b"userid="):
        return url, dict(parse_qsl(payload.decode()))
    if not isinstance(payload, dict):
        return request
    messages = [_opened(made, message) for message in payload.get("messages", [])]
    return url, {**payload, "messages": messages} if messages else payload


def _opened(made: World, message: dict[str, Any]) -> dict[str, Any]:
    if "encryptionKey" not in message:
        return message
    key = encryption.unwrap(lambda region: made.client("kms", region), KEYS["mt_key_arn"], message["encryptionKey"])
    return one_api_requests.map_values(message, lambda value: encryption.decrypt(key, value)) | ENCRYPTED


def left_on_queues(made: World) -> dict[str, list[Any]]:
    # Delayed messages count: an hour later they are there.
    made.now += 3600
    bodies = {name: made.bodies(name) for name in made.deployment.queues}
    made.now -= 3600
    return {name: in_order(found) for name, found in bodies.items() if found}


def in_order(bodies: Sequence[Any]) -> list[Any]:
    """Messages are settled side by side: among those of one batch, the order on a queue says nothing."""
    return sorted(bodies, key=json.dumps)
