import hmac
import json
import threading
from collections.abc import Iterator
from copy import deepcopy
from hashlib import sha256
from typing import Any

import pytest
import requests

from local.sandbox import cloud_api
from local.sandbox.conventions import CONVENTIONS
from local.sandbox.files import File
from local.sandbox.meta import MetaSandbox, Number
from local.sandbox.template_review import REVIEW_SECONDS
from local.web import LoopbackHandler, LoopbackServer
from whatsapp_bridge.providers.cloud_api import codes

type Json = dict[str, Any]

PERSON = "27821230001"
NUMBER_ID, OTHER_ID = "106500000000001", "106500000000002"
MESSAGES = f"/v23.0/{NUMBER_ID}/messages"


class Bridge:
    """The bridge's callback URL: checks each webhook's signature and keeps what is in it."""

    def __init__(self) -> None:
        self.received: list[Json] = []
        self.unsigned = 0
        self.changed = threading.Condition()
        bridge = self

        class Handler(LoopbackHandler):
            def respond(self) -> None:
                if self.command == "GET":
                    challenge = "hub.challenge=" in self.path and "hub.verify_token=verify" in self.path
                    self.answer(200, self.path.rpartition("hub.challenge=")[2].encode() if challenge else b"no")
                    return
                body = self.read_body()
                expected = f"sha256={hmac.digest(b'app-secret', body, 'sha256').hex()}"
                with bridge.changed:
                    bridge.unsigned += self.headers.get("X-Hub-Signature-256") != expected
                    bridge.received.append(json.loads(body)["entry"][0]["changes"][0]["value"])
                    bridge.changed.notify_all()
                self.answer(200)

        self.server = LoopbackServer(Handler)

    def elements(self, name: str, count: int) -> list[Json]:
        """The first so many statuses or messages."""

        def found() -> list[Json]:
            return [element for value in self.received for element in value.get(name, [])]

        with self.changed:
            assert self.changed.wait_for(lambda: len(found()) >= count, 10)
            return found()


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    made = Bridge()
    with made.server:
        yield made
    assert made.unsigned == 0


@pytest.fixture
def meta(bridge: Bridge) -> Iterator[MetaSandbox]:
    def no_kms(region: str) -> Any:
        raise AssertionError("Meta has no use for KMS")

    with MetaSandbox(no_kms, seed=1) as sandbox:
        for name, number_id, token in (("acme", NUMBER_ID, "token"), ("other", OTHER_ID, "other-token")):
            url = f"{bridge.server.url}/{name}"
            sandbox.add(Number(name, number_id, "27999000001", token, "app-secret", "verify", "v23.0", url))
        yield sandbox


def text(to: str = f"+{PERSON}", reference: str | None = "1|2|3|4", body: Any = "Hi", **changes: Any) -> Json:
    echoed = {} if reference is None else {"biz_opaque_callback_data": reference}
    envelope = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": to, **echoed}
    return {**envelope, "type": "text", "text": {"body": body}} | changes


def of(kind: str, content: Any) -> Json:
    return {key: value for key, value in text().items() if key != "text"} | {"type": kind, kind: content}


def template(*components: Any, **changes: Any) -> Json:
    saved = {"name": "order_update", "language": {"code": "en_GB"}, "components": list(components)}
    return of("template", saved | changes)


def body(*values: Any) -> Json:
    return {"type": "body", "parameters": [{"type": "text", "text": value} for value in values]}


def header(kind: str, content: Any) -> Json:
    return {"type": "header", "parameters": [{"type": kind, kind: content}]}


def button(sub_type: str, index: Any, **parameter: Any) -> Json:
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]}


OFFER = {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_900_000_000_000}}
CARDS = [
    {"card_index": index, "components": [header("location", {"latitude": "1", "longitude": "2"})]} for index in (0, 1)
]


def send(meta: MetaSandbox, message: Any, token: str = "token") -> tuple[int, Any]:
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    answer = requests.post(f"{meta.url}{MESSAGES}", raw, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    return answer.status_code, answer.json()


# --- requests --------------------------------------------------------------------------------------------------------

TAKEN: dict[str, Json] = {
    "text": text(),
    "text without a reference": text(reference=None),
    "template": template(
        header("text", "Ann"), body("a", "b"), button("quick_reply", "0", type="payload", payload="p")
    ),
    "template in which nothing varies": of("template", {"name": "t", "language": {"code": "en"}}),
    "offer": template({"type": "limited_time_offer", "parameters": [OFFER]}),
    "coupon and URL": template(
        button("copy_code", 0, type="coupon_code", coupon_code="C"), button("url", "1", type="text", text="x")
    ),
    "carousel": template(body("a"), {"type": "carousel", "cards": CARDS}),
    "an address with all that it may have": of(
        "image", {"link": "https://h.example:8443/a%20b/(1).png?x=%C3%A9&y=a+b@,;:!$'*~#top"}
    ),
    "document": of("document", {"link": "https://h.example/d", "filename": "Invoice No. 5.pdf", "caption": "k"}),
    "location": of("location", {"latitude": "-33.9", "longitude": "18.6", "name": "Shop"}),
}


@pytest.mark.parametrize("message", TAKEN.values(), ids=TAKEN.keys())
def test_taken(meta: MetaSandbox, message: Json) -> None:
    status, answer = send(meta, message)

    assert status == 200
    (delivered,) = meta.delivered
    assert answer["messages"] == [{"id": delivered.message_id, "message_status": "accepted"}]
    assert answer["contacts"] == [{"input": f"+{PERSON}", "wa_id": PERSON}]
    assert (delivered.to, delivered.wire) == (PERSON, message)


REFUSED: dict[str, tuple[Any, int]] = {
    "not JSON": (b"{", 100),
    "no object": ([], 100),
    "no product": (text() | {"messaging_product": "sms"}, 100),
    "no plus sign": (text(PERSON), 131009),
    "to itself": (text("+27999000001"), 131021),
    "no recipient": ({key: value for key, value in text().items() if key != "to"}, 131008),
    "unknown key": (text(clientMessageId="1"), 100),
    "unknown type": (of("poll", {}), 100),
    "reference too long": (text(reference="x" * 513), 100),
    "blank text": (text(body=" "), 131009),
    "text too long": (text(body="x" * 4097), 131009),
    "preview no boolean": (text(text={"body": "x", "preview_url": "yes"}), 131009),
    "no address": (of("image", {"link": "h.example/i.png"}), 131009),
    "a blank in an address": (of("image", {"link": "https://h.example/a b.png"}), 131009),
    "an accent in an address": (of("image", {"link": "https://h.example/\u00e9.png"}), 131009),
    "an umlaut in a host": (of("image", {"link": "https://h\u00e4.example/a.png"}), 131009),
    "half an escape in an address": (of("image", {"link": "https://h.example/100%.png"}), 131009),
    "a path as a name": (of("document", {"link": "https://h.example/a.pdf", "filename": "../a.pdf"}), 131009),
    "a direction mark in a name": (
        of("document", {"link": "https://h.example/a.pdf", "filename": "a\u202efdp.exe"}),
        131009,
    ),
    "caption of audio": (of("audio", {"link": "https://h.example/a.mp3", "caption": "k"}), 100),
    "caption too long": (of("image", {"link": "https://h.example/i.png", "caption": "x" * 1025}), 131009),
    "beyond the pole": (of("location", {"latitude": "91", "longitude": "0"}), 131009),
    "template's name": (template(name="Order Update"), 131009),
    "template's language": (template(language={"code": "en(UK)"}), 131009),
    "empty parameter": (template(body("")), 131009),
    "no parameters": (template({"type": "body", "parameters": []}), 132012),
    "two in a header": (template({"type": "header", "parameters": header("text", "a")["parameters"] * 2}), 132012),
    "footer": (template({"type": "footer"}), 100),
    "static button": (template(button("phone_number", "0", type="text", text="x")), 100),
    "payload of a URL": (template(button("url", "0", type="payload", payload="x")), 132012),
    "one card": (template({"type": "carousel", "cards": CARDS[:1]}), 132012),
    "cards out of order": (template({"type": "carousel", "cards": CARDS[::-1]}), 100),
    "cards unlike each other": (
        template({"type": "carousel", "cards": [CARDS[0], {"card_index": 1, "components": [body("a")]}]}),
        132012,
    ),
    "line break in a value": (template(body("a", "b\nc")), 100),
    "tab in a header's value": (template(header("text", "a\tb")), 100),
    "five spaces in a URL": (template(button("url", "0", type="text", text="a     b")), 100),
    "a placeholder for a URL": (template(button("url", "0", type="text", text="https://h.example/{{1}}")), 100),
    "header too long": (template(header("text", "x" * 61)), 132005),
    "body too long": (template(body("x" * 1000, "x" * 25)), 132005),
    "opted out": (text("+27821239403"), 131050),
    "not on the list": (text("+27821239427"), 131030),
    "too fast": (text("+27821239429"), 130429),
}


@pytest.mark.parametrize(("message", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(meta: MetaSandbox, message: Any, code: int) -> None:
    status, answer = send(meta, message)

    assert (status, answer["error"]["code"]) == (cloud_api.ERRORS[code][0], code)
    assert meta.delivered == []


@pytest.mark.parametrize("token", ["nobody's", "other-token"])
def test_a_token_is_good_for_its_own_number(meta: MetaSandbox, token: str) -> None:
    status, answer = send(meta, text(), token)

    assert (status, answer["error"]["code"]) in {(401, 190), (400, 100)}
    assert meta.delivered == []


def test_a_limit_that_passes(meta: MetaSandbox) -> None:
    assert [send(meta, text("+27821239429"))[0] for _ in range(3)] == [429, 429, 200]
    assert [send(meta, text("+27821239503"))[0] for _ in range(2)] == [500, 200]


def test_an_answer_that_is_lost(meta: MetaSandbox, bridge: Bridge) -> None:
    with pytest.raises(requests.ConnectionError):
        send(meta, text("+27821239408"))

    assert len(meta.delivered) == 1
    assert {status["status"] for status in bridge.elements("statuses", 3)} == {"sent", "delivered", "read"}


# --- what becomes of messages ----------------------------------------------------------------------------------------

FATES: dict[str, list[tuple[str, int | None]]] = {
    "0001": [("sent", None), ("delivered", None), ("read", None)],
    "9402": [("sent", None), ("delivered", None)],
    "9404": [("failed", 131026)],
    "9411": [("sent", None), ("read", None)],
    "9420": [("sent", None), ("failed", 131026)],
    "9431": [("failed", 131047)],
    "9432": [("failed", 131048)],
}


@pytest.mark.parametrize("ending", FATES)
def test_statuses(meta: MetaSandbox, bridge: Bridge, ending: str) -> None:
    send(meta, text(f"+2782123{ending}"))

    statuses = bridge.elements("statuses", len(FATES[ending]))
    assert meta.wait_idle(10)
    told = {(status["status"], status["errors"][0]["code"] if "errors" in status else None) for status in statuses}
    assert told == set(FATES[ending])
    assert {status["biz_opaque_callback_data"] for status in statuses} == {"1|2|3|4"}
    assert {status["id"] for status in statuses} == {meta.delivered[0].message_id}


def test_every_convention_has_codes_of_metas() -> None:
    for convention in CONVENTIONS.values():
        assert convention.error is None or convention.error in cloud_api.ERROR_OF
        known = {*cloud_api.STATUS_OF, *cloud_api.FAILURE_OF, 2}
        assert set(convention.statuses) <= known
    for code in {*cloud_api.ERROR_OF.values(), *cloud_api.FAILURE_OF.values(), *cloud_api.ERRORS}:
        assert codes.error(code).listed


def test_a_number_that_whatsapp_knows_otherwise(meta: MetaSandbox, bridge: Bridge) -> None:
    _, answer = send(meta, text("+27821239441"))
    meta.person_writes("acme", "27821239441", "Hello", meta.delivered[0])

    assert answer["contacts"] == [{"input": "+27821239441", "wa_id": "271821239441"}]
    assert bridge.elements("messages", 1)[0]["from"] == "271821239441"


def test_a_file_is_fetched_by_its_address(meta: MetaSandbox) -> None:
    address = meta.host_file("bill.pdf", b"%PDF", "application/pdf")
    send(meta, of("document", {"link": address, "filename": "Bill.pdf"}))
    send(meta, template(header("image", {"link": address})))

    assert [delivered.file for delivered in meta.delivered] == [
        File(b"%PDF", "application/pdf", "Bill.pdf"),
        File(b"%PDF", "application/pdf", "bill.pdf"),
    ]


def test_a_file_that_is_not_there_fails_its_message(meta: MetaSandbox, bridge: Bridge) -> None:
    assert send(meta, of("image", {"link": f"{meta.url}/files/none.png"}))[0] == 200

    statuses = bridge.elements("statuses", 2)
    assert {status["status"] for status in statuses} == {"sent", "failed"}
    assert meta.delivered[0].file is None


# --- what people do --------------------------------------------------------------------------------------------------


def test_a_tap(meta: MetaSandbox, bridge: Bridge) -> None:
    sent = template(button("quick_reply", "0", type="payload", payload="pay|yes"))
    send(meta, deepcopy(sent))
    template_message = meta.delivered[0]
    meta.person_taps_button(template_message, 1, "Yes")
    meta.person_taps_button(template_message, 2, "No")

    taps = {message["button"]["text"]: message for message in bridge.elements("messages", 2)}
    assert {label: message["button"]["payload"] for label, message in taps.items()} == {"Yes": "pay|yes", "No": "No"}
    assert all(message["context"]["id"] == template_message.message_id for message in taps.values())


FILES = {
    "image": ("image/jpeg", "image", {}),
    "voice message": ("audio/ogg; codecs=opus", "audio", {}),
    "document": ("application/pdf", "document", {"filename": "private.pdf"}),
}


@pytest.mark.parametrize(("content_type", "kind", "words"), FILES.values(), ids=FILES.keys())
def test_a_file_from_a_person(
    meta: MetaSandbox, bridge: Bridge, content_type: str, kind: str, words: dict[str, str]
) -> None:
    meta.person_sends_media("acme", PERSON, b"content", content_type, "private.pdf", "Look")
    (message,) = bridge.elements("messages", 1)
    described = message[kind]
    address = f"{meta.url}/v23.0/{described['id']}"

    def get(url: str, token: str) -> requests.Response:
        return requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=10)

    found = get(address, "token").json()
    assert (message["type"], described["mime_type"], described["caption"]) == (kind, content_type, "Look")
    assert described.items() >= words.items()
    assert found["sha256"] == sha256(b"content").hexdigest()
    assert get(found["url"], "token").content == b"content"
    for other in ("other-token", "nobody's", ""):
        assert {get(address, other).status_code, get(found["url"], other).status_code} <= {400, 401}


def test_verification(meta: MetaSandbox) -> None:
    assert meta.verify_webhook("acme")
    assert not meta.verify_webhook("acme", "wrong")


# --- templates -------------------------------------------------------------------------------------------------------


def test_templates_of_the_accounts_own_list(bridge: Bridge) -> None:
    def no_kms(region: str) -> Any:
        raise AssertionError("Meta has no use for KMS")

    with MetaSandbox(no_kms, seed=1) as meta:
        number = Number("acme", NUMBER_ID, "1", "token", "secret", "verify", "v23.0", bridge.server.url, waba_id="77")
        meta.add(number)
        meta.templates["77"].entries = [{"id": str(n), "name": f"t{n}", "language": "en"} for n in range(3)]

        def get(path: str, token: str = "token") -> requests.Response:
            return requests.get(f"{meta.url}/v23.0/{path}", headers={"Authorization": f"Bearer {token}"}, timeout=10)

        first = get("77/message_templates?fields=name&limit=2")
        assert first.json()["data"] == [{"id": "0", "name": "t0"}, {"id": "1", "name": "t1"}]
        assert json.loads(first.headers["x-business-use-case-usage"])["1"][0]["call_count"] == 0
        last = requests.get(
            first.json()["paging"]["next"], headers={"Authorization": "Bearer token"}, timeout=10
        ).json()
        assert [entry["name"] for entry in last["data"]] == ["t2"]
        # Meta's last page has a cursor, and no address.
        assert last["paging"].keys() == {"cursors"}
        assert last["paging"]["cursors"].keys() == {"before", "after"}
        assert get("2?fields=language").json() == {"id": "2", "language": "en"}
        assert get("77/message_templates", "another's").status_code == 401
        assert get("78/message_templates").status_code == 400


@pytest.mark.parametrize(
    ("name", "told", "listed"),
    [
        pytest.param("offer", ["APPROVED"], ["PENDING", "APPROVED"], id="approved"),
        pytest.param("offer_rejected", ["REJECTED"], ["PENDING", "REJECTED"], id="rejected"),
        pytest.param(
            "offer_paused",
            ["APPROVED", "PAUSED"],
            ["PENDING", "APPROVED", "PAUSED", "APPROVED"],
            id="a pause that ends without a word",
        ),
    ],
)
def test_review(bridge: Bridge, name: str, told: list[str], listed: list[str]) -> None:
    def no_kms(region: str) -> Any:
        raise AssertionError("Meta has no use for KMS")

    with MetaSandbox(no_kms, seed=1) as meta:
        url = f"{bridge.server.url}/acme"
        meta.add(Number("acme", NUMBER_ID, "27999000001", "token", "app-secret", "verify", "v23.0", url, "77"))
        now = [0.0]
        meta.templates["77"].clock = lambda: now[0]
        meta.review("acme", {"id": "5", "name": name, "language": "en_US", "category": "UTILITY"})
        statuses = []
        for _ in listed:
            answer = requests.get(f"{meta.url}/v23.0/5", headers={"Authorization": "Bearer token"}, timeout=10)
            statuses.append(answer.json()["status"])
            now[0] += REVIEW_SECONDS
        with bridge.changed:
            assert bridge.changed.wait_for(lambda: len(bridge.received) >= 2 * len(told), 10)
        # Each comes twice.
        assert sorted(value["event"] for value in bridge.received) == sorted(told * 2)
        assert statuses == listed
        assert {value["message_template_language"] for value in bridge.received} == {"en-US"}
