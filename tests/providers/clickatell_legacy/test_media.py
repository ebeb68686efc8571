"""Files inline, both ways."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest

from tests.providers.clickatell.samples import MO_KEY, MT_KEY
from tests.providers.clickatell.test_encryption import Clock, Keys, Numbered
from tests.providers.clickatell.test_uploads import MB, Net, refused, waits
from tests.providers.clickatell_legacy import samples
from tests.providers.clickatell_legacy.samples import Json
from tests.providers.conformance import PERSON, TEXT, assert_public, callback, freeform
from tests.providers.conformance_files import ENCODINGS, ODD_FILES
from tests.support import sample_files as files
from tests.support.services import services
from tests.support.world import account, json_answer, world
from whatsapp_bridge.clevertap.answers import SUCCESS
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.net.http import Answer, NotReached, TooLarge
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.clickatell_common import encryption
from whatsapp_bridge.providers.clickatell_legacy import inbound, outbound, replies
from whatsapp_bridge.providers.clickatell_legacy.client import Client
from whatsapp_bridge.providers.contract.client import KeyFailure, Unreadable
from whatsapp_bridge.providers.contract.inbound import ReplyEvent
from whatsapp_bridge.providers.contract.outcomes import NotSent, Outgoing
from whatsapp_bridge.providers.contract.replies import Reply

URL = "https://files.example/private.jpg"


def client(net: Net, keys: Keys | None = None) -> Client:
    encrypted = {"encryption": samples.ENCRYPTION} if keys else {}
    acme = parse_account("acme", samples.secret(**encrypted))
    return Client(acme, services(net, keys), encryption.DataKeys(Clock()), Numbered())


def prepared(made: Client, message: Json) -> Any:
    request = outbound.translate(parse_message(json.dumps(message)), "r1", made._account)
    return made.prepare(Outgoing("r1", request))


def picture(kind: str = "image", **more: str) -> Json:
    return freeform(kind, {"mediaURL": URL, **more})


# --- to people --------------------------------------------------------------------------------------------------------

KINDS: dict[str, tuple[str, bytes, str]] = {
    "JPEG": ("image", files.JPEG, "image/jpeg"),
    "PNG": ("image", files.PNG, "image/png"),
    "MP4": ("video", files.MP4, "video/mp4"),
    "audio in an MP4 of a general brand": ("audio", files.MP4, "audio/mp4"),
    "Opus": ("audio", files.OPUS, "audio/ogg; codecs=opus"),
    "PDF": ("file", files.PDF, "application/pdf"),
    "text": ("file", files.TEXT, "text/plain"),
}


@pytest.mark.parametrize(("kind", "content", "content_type"), KINDS.values(), ids=KINDS.keys())
def test_file_is_in_the_message(kind: str, content: bytes, content_type: str) -> None:
    net = Net(content)

    # A text that is called a picture would be a page about one.
    named = {"filename": "hours.txt"} if content is files.TEXT else {}
    outgoing = prepared(client(net), picture(kind, **named))

    assert outgoing == Outgoing(
        "r1",
        {
            "to": PERSON,
            "clientMessageId": "r1",
            "contentType": content_type,
            "content": b64encode(content).decode(),
        },
    )
    assert net.uploads == []
    assert_public(outgoing)


def test_encrypted_file_and_caption_are_under_the_messages_own_key() -> None:
    keys = Keys()

    request = prepared(client(Net(), keys), picture(caption=TEXT)).request

    key = keys.decrypt(MT_KEY, b64decode(request["encryptionKey"]))
    assert encryption.decrypt_bytes(key, b64decode(request["content"])) == files.JPEG
    assert encryption.decrypt(key, request["caption"]) == TEXT
    # Over the file as it was before; error 107 asks for it where a message is encrypted.
    assert request["sha256Hash"] == sha256(files.JPEG).hexdigest()
    assert {name: request[name] for name in ("to", "clientMessageId", "contentType")} == {
        "to": PERSON,
        "clientMessageId": "r1",
        "contentType": "image/jpeg",
    }
    assert request.keys() == {
        "to",
        "clientMessageId",
        "caption",
        "encryptionKey",
        "contentType",
        "content",
        "sha256Hash",
    }
    assert keys.calls == ["generate", "decrypt"]


SOURCES: dict[str, tuple[Any, Any]] = {
    "gone": (Answer(404, {}, b""), refused("image: mediaURL answers HTTP 404")),
    "empty": (b"", refused("image: mediaURL is empty")),
    "another type": (files.WEBP, refused("image: mediaURL is not JPEG or PNG")),
    "too large": (TooLarge("answer too large"), refused("image: mediaURL is larger than 5 MB")),
    "not reached": (NotReached("ConnectTimeout"), waits("image: mediaURL cannot be fetched: ConnectTimeout")),
}


@pytest.mark.parametrize(("source", "expected"), SOURCES.values(), ids=SOURCES.keys())
def test_source_that_cannot_be_fetched(source: Any, expected: Any) -> None:
    assert prepared(client(Net(source)), picture()) == expected


@pytest.mark.parametrize(
    ("kind", "megabytes", "start"),
    [("image", 5, files.JPEG), ("video", 16, files.MP4), ("audio", 16, files.MP3), ("file", 20, files.PDF)],
)
def test_limit_at_the_byte(kind: str, megabytes: int, start: bytes) -> None:
    whole = start.ljust(megabytes * MB, b"\0")

    assert isinstance(prepared(client(Net(whole)), picture(kind)), Outgoing)
    assert prepared(client(Net(whole + b"\0")), picture(kind)) == refused(
        f"{kind}: mediaURL is larger than {megabytes} MB"
    )


def test_a_file_whose_ciphertext_is_too_large_is_refused() -> None:
    # The ciphertext has 16 bytes of IV, and one of padding at least.
    whole = files.PDF.ljust(20 * MB - 17, b"\0")

    outgoing = prepared(client(Net(whole), Keys()), picture("file"))
    assert len(b64decode(outgoing.request["content"])) == 20 * MB
    assert prepared(client(Net(whole + b"\0"), Keys()), picture("file")) == refused(
        "file: mediaURL, encrypted, is larger than 20 MB"
    )


def test_without_a_key_nothing_is_fetched() -> None:
    net, keys = Net(), Keys()
    keys.failure = KeyFailure("KMS generate_data_key: AccessDeniedException", retriable=True)

    assert prepared(client(net, keys), picture()) == NotSent("KMS generate_data_key: AccessDeniedException")
    assert net.fetched == []


# --- from people ------------------------------------------------------------------------------------------------------


def replied(reader: Client, body: Json) -> Reply:
    (event,) = inbound.split(callback(samples.raw(body)), reader._account)
    assert isinstance(event, ReplyEvent)
    answer = replies.reply(reader.open(event.element), reader._account)
    assert isinstance(answer, Reply)
    return answer


def downloaded(reader: Client, body: Json) -> File:
    attachment = replied(reader, body).attachment
    assert attachment is not None
    return reader.download(attachment)


def sealed(keys: Keys, body: Json) -> Json:
    plaintext, blob, _ = keys.generate(MO_KEY)
    secret: Json = {
        name: encryption.encrypt(plaintext, body[name], Numbered())
        for name in ("caption", "profileName")
        if body[name] is not None
    }
    raw = b"".join(encryption.EncryptedFile(plaintext, files.JPEG, Numbered()))
    secret["content"] = b64encode(raw).decode()
    return body | secret | {"encryptionKey": b64encode(blob).decode()}


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
@pytest.mark.parametrize("caption", [TEXT, None])
def test_file_is_what_it_was(caption: str | None, encrypted: bool) -> None:
    keys = Keys() if encrypted else None
    body = samples.media(files.JPEG, caption=caption, sha256Hash=sha256(files.JPEG).hexdigest())
    reader = client(Net(), keys)
    given = sealed(keys, body) if keys else body

    answer = replied(reader, given)

    assert answer.attachment is not None
    assert (answer.attachment.kind, answer.attachment.caption) == ("image", caption)
    assert downloaded(reader, given) == File(files.JPEG, "image/jpeg", "file.jpg")


@pytest.mark.parametrize("encoded", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_a_file_in_any_base64_is_read(encoded: Callable[[bytes], str]) -> None:
    for raw in ODD_FILES:
        file = downloaded(client(Net()), samples.media(content=encoded(raw)))

        assert (file.content[: len(raw)], file.content_type) == (raw, "image/jpeg")


UNREADABLE = "encrypted under another key, or not by AES-256-CBC with PKCS#7"
BROKEN: dict[str, tuple[Json, str]] = {
    "key no base64": ({"encryptionKey": "private!"}, "encryptionKey must be base64"),
    "file in clear": ({"content": b64encode(files.JPEG).decode()}, UNREADABLE),
    "no file": ({"content": None}, "the message must have content"),
    "an address, of which the legacy API has none": (
        {"content": None, "downloadUrl": "https://bsp.example/v1/media?fileId=1"},
        "the message must have content",
    ),
}


@pytest.mark.parametrize(("change", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_file_that_cannot_be_read_is_reported_as_text(change: Json, reason: str) -> None:
    keys = Keys()
    reader, body = client(Net(), keys), sealed(keys, samples.media()) | change

    assert replied(reader, body).message.wire()["text"]["body"].startswith("[image not available]")
    with pytest.raises(Unreadable) as caught:
        downloaded(reader, body)
    assert (caught.value.reason, caught.value.retriable) == (reason, False)
    assert_public(caught.value)


# --- the whole way ----------------------------------------------------------------------------------------------------

ACCOUNT = account(provider=account()["provider"] | {"type": "clickatell_legacy"})


def test_picture_goes_out_in_one_request() -> None:
    with world(acme=ACCOUNT) as made:
        made.files = lambda url, headers: Answer(200, {}, files.PNG)
        made.bsp = lambda url, payload: json_answer(202, samples.results(samples.taken("r1")))
        assert made.send(picture(caption=TEXT) | {"msgId": "r1"}) == SUCCESS
        made.pump()

        ((url, payload, _),) = made.bsp_requests
        assert url.endswith("/wa/messages")
        assert payload == {
            "messages": [
                {
                    "to": PERSON,
                    "clientMessageId": "r1",
                    "caption": TEXT,
                    "contentType": "image/png",
                    "content": b64encode(files.PNG).decode(),
                }
            ]
        }


def test_large_picture_comes_in_through_s3(counted: Callable[[], dict[str, int]]) -> None:
    content = files.JPEG.ljust(3 * MB, b"\x01")
    with world(acme=ACCOUNT) as made:
        assert made.callback(samples.media(content)).status == 200
        made.pump()

        (reply,) = made.replies
        assert (reply["type"], reply["image"]["caption"], reply["context"]) == ("image", TEXT, {"id": "1|2|3|4"})
        bucket = next(iter(made.deployment.buckets.values()))
        (item,) = made.s3.list_objects_v2(Bucket=bucket, Prefix="media/")["Contents"]
        assert made.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() == content
    assert counted()["MediaStored"] == 1
