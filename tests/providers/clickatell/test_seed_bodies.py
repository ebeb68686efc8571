"""Every body that Clickatell's comparison page shows, section by section, with values of our own.

A value that the page shows encrypted is a `Secret`. Both forms of a body come from one row: in clear as it stands, and
with its `Secret`s, and nothing else, as ciphertext.

Source: the comparison page named in `whatsapp_bridge.providers.clickatell.codes`. One of its bodies to people is not
produced: contacts, for which CleverTap has no message.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Any

import pytest

from tests.providers.clickatell import samples
from tests.providers.clickatell.samples import ENCRYPTION, MO_KEY, MT_KEY, Json
from tests.providers.clickatell.test_encryption import Clock, Keys, Numbered
from tests.providers.clickatell.test_uploads import CREATED, NOT_ENABLED, Net
from tests.providers.clickatell_legacy import samples as legacy
from tests.providers.conformance import body, button, callback, freeform, header, payload, suffix, template
from tests.support import sample_files as files
from tests.support.services import services
from whatsapp_bridge.accounts.account import Account
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers import registry
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.clickatell_common import encryption
from whatsapp_bridge.providers.contract.inbound import ReplyEvent
from whatsapp_bridge.providers.contract.outcomes import Outgoing
from whatsapp_bridge.providers.contract.replies import Reply
from whatsapp_bridge.providers.contract.statuses import StatusEvent

TO, REFERENCE, FILE_ID = "27821110001", "1731571200|7|0|42", "one.jpg"
URL = "https://files.example/roof.jpg"


class Secret(str):
    """A value that Clickatell's page shows as ciphertext."""


S = Secret


class Row:
    """`make` is CleverTap's message, or an adapter call; `expected` the BSP's; `content` the file at `URL`; `upload`
    the answer to its upload."""

    def __init__(
        self,
        make: Json | Callable[[], Json],
        expected: Json,
        *,
        content: bytes = b"",
        upload: Answer = CREATED,
        **options: Any,
    ) -> None:
        self.make, self.expected, self.content, self.options = make, expected, content, options
        self.upload = upload

    def net(self) -> Net:
        return Net(self.content, self.upload)


def from_header(*parameters: str) -> Json:
    return header("text", {"text": "News", "parameters": [suffix(value) for value in parameters]})


def with_file(kind: str) -> Json:
    return header(kind, {"mediaURL": URL})


def replies(*payloads: str | None) -> list[Json]:
    return [
        button("quickReply", *([payload(value)] if value else []), index=place, text=f"Answer {place}")
        for place, value in enumerate(payloads)
    ]


def one_api(**members: Any) -> Json:
    return {"channel": "whatsapp", "to": TO, "clientMessageId": REFERENCE, **members}


def one_api_template(name_of_header: str = "", buttons: Json | None = None, *texts: str) -> Json:
    headers: Json = {
        "": {},
        "text": {"header": {"type": "text", "text": {"parameters": {"1": S("November")}}}},
        "static": {"header": {"type": "text", "text": {}}},
        "media": {"header": {"type": "media", "media": {"fileId": FILE_ID}}},
    }
    parameters = {str(place): S(text) for place, text in enumerate(texts or ("Thandi", "R 13.00"), 1)}
    buttons = {"buttons": buttons} if buttons else {}
    made = {"templateName": "order_update", **headers[name_of_header], "body": {"parameters": parameters}}
    return one_api(template={**made, **buttons})


POSTBACK = {
    "suggestedResponse": {"postbackData": {"1": S('{"answer": "yes"}'), "2": S('{"answer": "no"}'), "3": S("later")}}
}
TAPS = replies('{"answer": "yes"}', '{"answer": "no"}', "later")
TEXTS = body("Thandi", "R 13.00")

ONE_API: dict[str, Row] = {
    "plain text": Row(freeform("text", {"body": "Good morning"}, TO), one_api(content=S("Good morning"))),
    "plain text with a preview": Row(
        freeform("text", {"body": "See https://shop.example"}, TO),
        one_api(content=S("See https://shop.example"), previewFirstUrl=True),
    ),
    "inline media": Row(
        freeform("image", {"mediaURL": URL, "caption": "The roof"}, TO),
        one_api(
            content=b64encode(files.PNG).decode(),
            media={"contentType": "image/png", "fileName": "roof.png", "caption": S("The roof")},
        ),
        content=files.PNG,
        upload=NOT_ENABLED,
    ),
    "media by reference": Row(
        freeform("image", {"mediaURL": URL, "caption": "The roof"}, TO),
        one_api(media={"fileId": FILE_ID, "caption": S("The roof")}),
        content=files.JPEG,
    ),
    "media by reference, for everybody": Row(
        freeform("image", {"mediaURL": URL, "caption": "The roof"}, TO),
        one_api(media={"fileId": FILE_ID, "caption": S("The roof")}),
        content=files.JPEG,
        broadcast_files=True,
    ),
    "location": Row(
        freeform(
            "location",
            {"longitude": "18.42", "latitude": "-33.92", "name": "Sample Shop", "address": "1 Long Street, Cape Town"},
            TO,
        ),
        one_api(
            location={
                "longitude": S("18.42"),
                "latitude": S("-33.92"),
                "name": S("Sample Shop"),
                "address": S("1 Long Street, Cape Town"),
            }
        ),
    ),
    "hsm": Row(
        template(body("Thandi"), to=TO),
        one_api(hsm={"template": "order_update", "parameters": {"1": S("Thandi")}}),
        hsm=True,
    ),
    "template": Row(template(body("Thandi"), to=TO), one_api_template("", None, "Thandi")),
    "template with a header": Row(template(from_header("November"), TEXTS, to=TO), one_api_template("text")),
    "template with an image": Row(
        template(with_file("image"), TEXTS, to=TO), one_api_template("media"), content=files.JPEG
    ),
    "template with a video": Row(
        template(with_file("video"), TEXTS, to=TO), one_api_template("media"), content=files.MP4
    ),
    "template with a document": Row(
        template(with_file("file"), TEXTS, to=TO), one_api_template("media"), content=files.PDF
    ),
    "suggested response without postback data": Row(
        template(from_header("November"), TEXTS, *replies(None, None), to=TO), one_api_template("text")
    ),
    "suggested response with postback data": Row(
        template(from_header("November"), TEXTS, *TAPS, to=TO), one_api_template("text", POSTBACK)
    ),
    "action with a dynamic URL in the second place": Row(
        template(
            from_header("November"),
            TEXTS,
            button("callPhone", suffix("+27211110003"), index=0),
            button("dynamicUrl", suffix("orders/1042"), index=1),
            to=TO,
        ),
        one_api_template("text", {"websiteUrl": [{"listPosition": 2, "parameters": {"1": S("orders/1042")}}]}),
    ),
    "action with a dynamic URL in the first place": Row(
        template(
            from_header("November"),
            TEXTS,
            button("dynamicUrl", suffix("orders/1042"), index=0),
            button("callPhone", suffix("+27211110003"), index=1),
            to=TO,
        ),
        one_api_template("text", {"websiteUrl": [{"listPosition": 1, "parameters": {"1": S("orders/1042")}}]}),
    ),
    "action with a static URL": Row(
        template(from_header("November"), TEXTS, button("staticUrl", suffix("https://shop.example")), to=TO),
        one_api_template("text"),
    ),
    "media suggested response without postback data": Row(
        template(with_file("file"), TEXTS, *replies(None, None), to=TO), one_api_template("media"), content=files.PDF
    ),
    "media suggested response with postback data": Row(
        template(with_file("file"), TEXTS, *TAPS, to=TO), one_api_template("media", POSTBACK), content=files.PDF
    ),
    "static header": Row(template(from_header(), body("8 to 17"), to=TO), one_api_template("static", None, "8 to 17")),
}
# The page shows the legacy API in clear alone; its encrypted form is inferred from One API's.
LEGACY: dict[str, Row] = {
    "plain text": Row(
        freeform("text", {"body": "Good morning"}, TO),
        {"to": TO, "content": S("Good morning"), "clientMessageId": REFERENCE},
    ),
    "plain text with a preview": Row(
        freeform("text", {"body": "See https://shop.example"}, TO),
        {"to": TO, "content": S("See https://shop.example"), "previewFirstUrl": True, "clientMessageId": REFERENCE},
    ),
    "inline media": Row(
        freeform("image", {"mediaURL": URL, "caption": "The roof"}, TO),
        {
            "to": TO,
            "contentType": "image/png",
            "content": b64encode(files.PNG).decode(),
            "caption": S("The roof"),
            "clientMessageId": REFERENCE,
        },
        content=files.PNG,
    ),
    "hsm": Row(
        template(body("Thandi"), to=TO),
        {"to": TO, "clientMessageId": REFERENCE, "hsm": {"template": "order_update", "parameters": {"1": S("Thandi")}}},
    ),
}
OUTGOING = [("clickatell", name, row) for name, row in ONE_API.items()] + [
    ("clickatell_legacy", name, row) for name, row in LEGACY.items()
]
IDS = [f"{provider}-{name}" for provider, name, _ in OUTGOING]


def acme(provider: str, encrypted: bool = False, **options: Any) -> Account:
    secret = (samples.secret if provider == "clickatell" else legacy.secret)(
        **({"encryption": ENCRYPTION} if encrypted else {})
    )
    return parse_account("acme", secret | {"options": options})


def client(account: Account, net: Net | None = None, keys: Keys | None = None) -> Any:
    made = registry.client(account.provider_type)
    return made(account, services(net or Net(), keys), encryption.DataKeys(Clock()), Numbered())  # type: ignore[call-arg]


def produced(provider: str, row: Row, net: Net, keys: Keys | None = None) -> Json:
    account = acme(provider, encrypted=keys is not None, **row.options)
    if callable(row.make):
        request = row.make()
    else:
        request = registry.outbound(provider).translate(parse_message(json.dumps(row.make)), REFERENCE, account)
    outgoing = client(account, net, keys).prepare(Outgoing(REFERENCE, request))
    assert isinstance(outgoing, Outgoing), outgoing
    return outgoing.request


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values of a JSON document by their path; empty objects count."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not members:
        yield path, value
    for name, member in members:
        yield from leaves(member, (*path, str(name)))


@pytest.mark.parametrize(("provider", "name", "row"), OUTGOING, ids=IDS)
def test_body_in_clear(provider: str, name: str, row: Row) -> None:
    assert produced(provider, row, row.net()) == row.expected


@pytest.mark.parametrize(("provider", "name", "row"), OUTGOING, ids=IDS)
def test_exactly_the_secrets_of_a_body_are_ciphertext(provider: str, name: str, row: Row) -> None:
    keys = Keys()
    wire = produced(provider, row, row.net(), keys)
    key = keys.decrypt(MT_KEY, b64decode(wire.pop("encryptionKey")))
    clear = dict(leaves(row.expected))
    for file, of_the_file in ((wire, row.expected), (wire.get("media", {}), row.expected.get("media", {}))):
        if "contentType" in of_the_file:
            # An inline file is no text: it is enciphered as it is, and its hash goes along.
            assert encryption.decrypt_bytes(key, b64decode(wire.pop("content"))) == row.content
            assert file.pop("sha256Hash") == sha256(row.content).hexdigest()
            del clear["content",]

    found = dict(leaves(wire))

    assert found.keys() == clear.keys()
    assert {path for path in clear if found[path] != clear[path]} == {
        path for path, value in clear.items() if isinstance(value, Secret)
    }
    ivs = []
    for path, value in clear.items():
        if isinstance(value, Secret):
            assert encryption.decrypt(key, found[path]) == value
            ivs.append(b64decode(found[path])[:16])
    assert len(set(ivs)) == len(ivs), "an IV of its own for each field"


def test_every_row_has_something_to_hide() -> None:
    assert [name for _, name, row in OUTGOING if not any(isinstance(v, Secret) for _, v in leaves(row.expected))] == []


UPLOADS: dict[str, tuple[Row, dict[str, str]]] = {
    "for one person": (ONE_API["media by reference"], {"fileName": "roof.jpg", "to": TO}),
    "for one person, in a template": (ONE_API["template with an image"], {"fileName": "roof.jpg", "to": TO}),
    "for everybody": (
        ONE_API["media by reference, for everybody"],
        {"fileName": "roof.jpg", "broadcastAllowed": "true"},
    ),
}


@pytest.mark.parametrize(("row", "query"), UPLOADS.values(), ids=UPLOADS.keys())
def test_upload(row: Row, query: dict[str, str]) -> None:
    net = row.net()
    produced("clickatell", row, net)

    assert net.queries == [query]
    ((method, url, raw, headers),) = net.uploads
    assert (method, url.partition("?")[0]) == ("POST", "https://bsp.example/v1/media")
    assert (raw, headers["content-type"]) == (row.content, "image/jpeg")


@pytest.mark.parametrize(("row", "query"), UPLOADS.values(), ids=UPLOADS.keys())
def test_encrypted_upload(row: Row, query: dict[str, str]) -> None:
    net, keys = row.net(), Keys()
    produced("clickatell", row, net, keys)

    (found,) = net.queries
    key = keys.decrypt(MT_KEY, b64decode(found.pop("encryptionKey")))
    assert found == query | {"kmsArn": MT_KEY, "sha256FileHash": sha256(row.content).hexdigest()}
    ((_, _, raw, headers),) = net.uploads
    assert headers["content-type"] == "image/jpeg"
    assert encryption.decrypt_bytes(key, raw) == row.content != raw


# --- callbacks -------------------------------------------------------------------------------------------------------

FROM, AT = "27821110001", 1_731_571_200
ENVELOPE = {"payloadVersion": "0.1", "from": FROM, "wabaNumber": "27999000001", "timestamp": str(AT)}
CONTACT = {
    "addresses": [
        {
            "city": S("Durban"),
            "country": S("SA"),
            "countryCode": S("za"),
            "state": S("KZN"),
            "street": S("2 West"),
            "type": S("home"),
            "zip": S("4001"),
        }
    ],
    "birthday": S("1990-02-28"),
    "emails": [{"email": S("a@shop.example"), "type": S("work")}],
    "name": {"firstName": S("Sipho"), "formattedName": S("Sipho Example"), "lastName": S("Example")},
    "org": {"company": S("Sample Shop")},
    "phones": [
        {"phone": S("27821110002"), "type": S("home")},
        {"phone": S("27821110003"), "type": S("work"), "waId": S("27821110004")},
    ],
    "urls": [{"url": S("https://shop.example"), "type": S("work")}],
}
CONTACT_LINES = """Sipho Example
Sample Shop
27821110002 (home)
27821110003, WhatsApp 27821110004 (work)
a@shop.example (work)
https://shop.example (work)
2 West, Durban, KZN, 4001, SA, za (home)
1990-02-28"""
DOWNLOAD = "https://bsp.example/v1/media?fileId=0a1b-2.jpeg&sha256Hash=00&source=client"


def mo(kind: str, **members: Any) -> Json:
    """One API's callback; members as every kind has them, unless `members` say otherwise."""
    element = {
        "channel": "whatsapp",
        "messageId": "9f3c0d5be1",
        "relatedMessageId": None,
        "relatedClientMessageId": None,
        "from": FROM,
        "to": "27999000001",
        "timestamp": AT * 1000,
        "encryptionKey": None,
        "charset": None,
        "whatsapp": {"profileName": S("Thandi")},
        **members,
    }
    return {"integrationId": "i", "integrationName": "Sample", "event": {kind: [element]}}


def legacy_mo(**members: Any) -> Json:
    """The legacy API's callback: every member in every kind."""
    return {
        "integrationId": "i",
        "integrationName": "Sample",
        "content": None,
        "messageId": "9f3c0d5be1",
        "relatedMessageId": None,
        "from": FROM,
        "timestamp": AT * 1000,
        "clientMessageId": None,
        "profileName": S("Thandi"),
        "caption": None,
        "contentType": None,
        "locationAddress": None,
        "latitude": None,
        "longitude": None,
        "locationName": None,
        "encryptionKey": None,
        "sha256Hash": None,
    } | members


def incoming(kind: str, content: Json) -> Json:
    return ENVELOPE | {"type": kind, kind: content}


def place(latitude: str) -> Json:
    return {
        "locationAddress": S("1 Long Street, Cape Town"),
        "locationName": S("Sample Shop"),
        latitude: S("37.53"),
        "longitude": S("-122.25"),
    }


PLACE = incoming(
    "location",
    {"latitude": "37.53", "longitude": "-122.25", "name": "Sample Shop", "address": "1 Long Street, Cape Town"},
)
LOST_IMAGE = incoming("text", {"body": "[image not available] The roof"})
REFERENCED = {
    "caption": S("The roof"),
    "files": [
        {
            "contentType": "image/jpeg",
            "downloadUrl": DOWNLOAD,
            "sha256Hash": "00",
            "byteSize": 12345,
            "fileName": "roof.jpeg",
        }
    ],
}
INLINE = {"contentType": "image/jpeg", "content": b64encode(files.JPEG).decode(), "caption": S("The roof")}

# The callback, CleverTap's message, and what it answers: by our msgId or Clickatell's id.
NOTHING = (None, None)
MESSAGES: dict[str, tuple[str, Json, Json, tuple[str | None, str | None]]] = {
    "moText": (
        "clickatell",
        mo(
            "moText",
            content=S("Good morning"),
            relatedMessageId="api-1",
            relatedClientMessageId="api-1",
            sms={"udh": None, "network": None},
        ),
        incoming("text", {"body": "Good morning"}),
        # Both are Clickatell's own id there.
        (None, "api-1"),
    ),
    "moMedia by reference": (
        "clickatell",
        mo("moMedia", relatedMessageId="api-1", **REFERENCED),
        LOST_IMAGE,
        (None, "api-1"),
    ),
    "moMedia inline": (
        "clickatell",
        mo("moMedia", channel="whatsapp ", relatedMessageId="api-1", **INLINE),
        LOST_IMAGE,
        (None, "api-1"),
    ),
    "moLocation as spelt in the sample in clear": (
        "clickatell",
        mo("moLocation", relatedMessageId="null", relatedClientMessageId="null", **place("latitute")),
        PLACE,
        NOTHING,
    ),
    "moLocation as spelt in the encrypted sample": (
        "clickatell",
        mo("moLocation", **place("latitude")),
        PLACE,
        NOTHING,
    ),
    "moContacts": (
        "clickatell",
        mo("moContacts", contacts=[CONTACT]),
        incoming("text", {"body": CONTACT_LINES}),
        NOTHING,
    ),
    "moSuggestedResponse": (
        "clickatell",
        mo(
            "moSuggestedResponse",
            content=S("Yes, please"),
            postbackData=S('{"answer": "yes"}'),
            relatedMessageId="api-1",
            relatedClientMessageId=REFERENCE,
        ),
        incoming("button", {"payload": '{"answer": "yes"}', "text": "Yes, please"}),
        (REFERENCE, "api-1"),
    ),
    "legacy text": (
        "clickatell_legacy",
        legacy_mo(content=S("Good morning")),
        incoming("text", {"body": "Good morning"}),
        NOTHING,
    ),
    "legacy location": ("clickatell_legacy", legacy_mo(**place("latitude")), PLACE, NOTHING),
    "legacy contacts": (
        "clickatell_legacy",
        legacy_mo(contacts=[CONTACT]),
        incoming("text", {"body": CONTACT_LINES}),
        NOTHING,
    ),
    # Not on the page; its request has the same members.
    "legacy media": ("clickatell_legacy", legacy_mo(**INLINE), LOST_IMAGE, NOTHING),
}


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
@pytest.mark.parametrize(("provider", "given", "expected", "answers"), MESSAGES.values(), ids=MESSAGES.keys())
def test_message_callback(
    provider: str, given: Json, expected: Json, answers: tuple[str | None, str | None], encrypted: bool
) -> None:
    keys = Keys() if encrypted else None
    account = acme(provider, encrypted)
    raw, net = files.JPEG, Downloads()
    if keys:
        plaintext, blob, _ = keys.generate(MO_KEY)
        raw = b"".join(encryption.EncryptedFile(plaintext, files.JPEG, Numbered()))
        given = encrypted_by(plaintext, b64encode(blob).decode(), b64encode(raw).decode(), given)
    net.raw = raw
    reader = client(account, net, keys)

    (event,) = events(provider, given)
    assert isinstance(event, ReplyEvent)
    assert (event.id, event.sender) == ("9f3c0d5be1", FROM)
    answer = registry.replies(provider).reply(reader.open(event.element), account)

    assert isinstance(answer, Reply)
    assert answer.message.wire() == expected
    assert (answer.answers_reference, answer.answers_bsp_id) == answers
    if expected == LOST_IMAGE:
        assert answer.attachment is not None
        assert (answer.attachment.kind, answer.attachment.caption) == ("image", "The roof")
        assert reader.download(answer.attachment).content == files.JPEG
        assert net.asked == ([DOWNLOAD] if "files" in str(given) else [])


class Downloads(Net):
    """`Net`, with One API's files from people."""

    raw = b""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, *, max_bytes: int = 0) -> Any:
        from whatsapp_bridge.net.http import Answer

        self.asked.append(url)
        return Answer(200, {}, self.raw)


def encrypted_by(key: bytes, encryption_key: str, inline: str, value: Any) -> Any:
    """A callback as Clickatell would have encrypted it."""
    if isinstance(value, Secret):
        return encryption.encrypt(key, value, Numbered())
    if isinstance(value, list):
        return [encrypted_by(key, encryption_key, inline, member) for member in value]
    if not isinstance(value, dict):
        return value
    changed = {name: encrypted_by(key, encryption_key, inline, member) for name, member in value.items()}
    if "encryptionKey" in changed:
        changed["encryptionKey"] = encryption_key
    if changed.get("contentType") and "content" in changed:
        changed["content"] = inline
    return changed


def events(provider: str, given: Json) -> Sequence[Any]:
    return registry.inbound(provider).split(callback(json.dumps(given).encode()), acme(provider))


STATUSES: dict[str, tuple[str, Json, StatusEvent]] = {
    "messageStatusUpdate": (
        "clickatell",
        {
            "integrationId": "i",
            "integrationName": "Sample",
            "event": {
                "messageStatusUpdate": [
                    {
                        "channel": "whatsapp/sms ",
                        "timestamp": AT * 1000 + 860,
                        "statusCode": 5,
                        "status": "DEVICE_ACK",
                        "messageId": "api-1",
                        "clientMessageId": REFERENCE,
                    }
                ]
            },
        },
        StatusEvent("delivered", AT, REFERENCE, "api-1"),
    ),
    "legacy status": (
        "clickatell_legacy",
        {
            "integrationId": "i",
            "integrationName": "Sample",
            "timestamp": AT * 1000 + 860,
            "statusCode": 4,
            "status": "RECEIVED_BY_RECIPIENT",
            "messageId": "api-1",
            "clientMessageId": REFERENCE,
        },
        StatusEvent("delivered", AT, REFERENCE, "api-1"),
    ),
}


@pytest.mark.parametrize(("provider", "given", "expected"), STATUSES.values(), ids=STATUSES.keys())
def test_status_callback(provider: str, given: Json, expected: StatusEvent) -> None:
    assert list(events(provider, given)) == [expected]
