import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from tests.conftest import Log
from tests.providers.clickatell import samples
from tests.providers.clickatell.samples import ENCRYPTION, MO_KEY, MT_KEY, Json
from tests.providers.clickatell.test_encryption import Clock, Keys, Numbered
from tests.providers.conformance import PROPERTY, SECRET, TEXT, assert_public, callback
from tests.providers.conformance_files import ENCODINGS, ODD_FILES
from tests.support import sample_files as files
from tests.support.bsp import Answer as Scripted
from tests.support.bsp import Bsp, Fault, Script, refusing_url
from tests.support.services import services
from tests.support.world import BSP_URL, World, account, world
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached, TooLarge
from whatsapp_bridge.net.limits import Patience
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.clickatell import inbound, replies
from whatsapp_bridge.providers.clickatell.client import INCOMING, Client
from whatsapp_bridge.providers.clickatell_common import encryption
from whatsapp_bridge.providers.contract.client import KeyFailure, Unreadable
from whatsapp_bridge.providers.contract.inbound import ReplyEvent
from whatsapp_bridge.providers.contract.replies import Attachment, Reply

BASE_URL = "https://bsp.example"


class Net(HttpClient):
    """One API's downloads: they answer with `answer`."""

    def __init__(self, answer: Any = files.JPEG) -> None:
        super().__init__()
        self.answer = answer
        self.requests: list[tuple[str, str, Any, dict[str, str], int]] = []

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, *, max_bytes: int = 0) -> Answer:
        self.requests.append((method, url, body, dict(headers or {}), max_bytes))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if isinstance(self.answer, Answer) else Answer(200, {}, self.answer)


def client(net: HttpClient, keys: Keys | None = None, base_url: str = BASE_URL) -> Client:
    encrypted = {"encryption": ENCRYPTION} if keys else {}
    acme = parse_account("acme", samples.secret(base_url, **encrypted))
    return Client(acme, services(net, keys), encryption.DataKeys(Clock()), Numbered())


def replied(reader: Client, element: Json) -> Reply:
    """What a callback with this element comes to, as far as CleverTap's form."""
    (event,) = inbound.split(callback(samples.callback(moMedia=[element])), reader._account)
    assert isinstance(event, ReplyEvent)
    answer = replies.reply(reader.open(event.element), reader._account)
    assert isinstance(answer, Reply)
    assert answer.attachment is not None
    assert_public(answer)
    return answer


def downloaded(reader: Client, element: Json) -> File:
    attachment = replied(reader, element).attachment
    assert attachment is not None
    return reader.download(attachment)


def failure(reader: Client, element: Json) -> tuple[str, bool]:
    with pytest.raises(Unreadable) as caught:
        downloaded(reader, element)
    assert_public(caught.value)
    assert caught.value.__cause__ is None
    return caught.value.reason, caught.value.retriable


# --- by reference -----------------------------------------------------------------------------------------------------


def test_request() -> None:
    net = Net()

    file = downloaded(client(net), samples.media())

    assert file == File(files.JPEG, "image/jpeg", "private.jpeg")
    ((method, url, body, headers, max_bytes),) = net.requests
    assert (method, url, body) == ("GET", f"{BASE_URL}/v1/media?fileId=private-1.jpeg&source=client", None)
    # A file that is sent packed could not be told apart from one that is a pack.
    assert headers == {
        "authorization": SECRET,
        "accept": "application/json, */*",
        "accept-encoding": "identity",
    }
    assert max_bytes == 100 * 1024 * 1024


# Where the API key may go, and where not: by the account's base_url, and the callback's downloadUrl.
ORIGINS: dict[str, tuple[str, Any, bool]] = {
    "the account's": (BASE_URL, "https://bsp.example/v1/media?fileId=1", True),
    "below a path": ("https://bsp.example/base", "https://bsp.example/v1/media?fileId=1", True),
    "below the account's path": ("https://bsp.example/base", "https://bsp.example/base/v1/media?fileId=1", True),
    "in capitals": (BASE_URL, "HTTPS://BSP.Example/v1/media?fileId=1", True),
    "with the usual port": (BASE_URL, "https://bsp.example:443/v1/media?fileId=1", True),
    "as in the seed": (BASE_URL, "https://bsp.example/v1/media?fileId=UUID-1.xxx&sha256Hash=529f&source=client", True),
    "with a member that nobody knows": (BASE_URL, "https://bsp.example/v1/media?new=a%2Fb&fileId=1", True),
    "a name with an @ further on": (BASE_URL, "https://bsp.example/v1/media?fileId=a@evil.example", True),
    "this machine, its port": ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/media?fileId=1", True),
    "another host": (BASE_URL, "https://evil.example/v1/media", False),
    "a longer host": (BASE_URL, "https://bsp.example.evil.example/v1/media", False),
    "a host that ends so": (BASE_URL, "https://evilbsp.example/v1/media", False),
    "a host below it": (BASE_URL, "https://media.bsp.example/v1/media", False),
    "host with a final point": (BASE_URL, "https://bsp.example./v1/media", False),
    "another scheme": (BASE_URL, "http://bsp.example/v1/media", False),
    "no scheme of the web": (BASE_URL, "file://bsp.example/etc/passwd", False),
    "no scheme": (BASE_URL, "//bsp.example/v1/media", False),
    "another port": (BASE_URL, "https://bsp.example:8443/v1/media", False),
    "this machine, another port": ("http://127.0.0.1:8080", "http://127.0.0.1:8081/v1/media", False),
    "port 0": (BASE_URL, "https://bsp.example:0/v1/media", False),
    "port no number": (BASE_URL, "https://bsp.example:x/v1/media", False),
    "port in other digits": (BASE_URL, "https://bsp.example:\u0664\u0664\u0663/v1/media", False),
    "as a user name": (BASE_URL, "https://bsp.example@evil.example/v1/media", False),
    "as a user name and password": (BASE_URL, "https://bsp.example:443@evil.example/v1/media", False),
    "with a user name": (BASE_URL, "https://user@bsp.example/v1/media", False),
    "behind a backslash": (BASE_URL, "https://evil.example\\@bsp.example/v1/media", False),
    "before a backslash": (BASE_URL, "https://bsp.example\\@evil.example/v1/media", False),
    "one slash": (BASE_URL, "https:/bsp.example/v1/media", False),
    "three slashes": (BASE_URL, "https:///bsp.example/v1/media", False),
    "a tab in the host": (BASE_URL, "https://bsp.example\t.evil.example/v1/media", False),
    "a line break in the host": (BASE_URL, "https://bsp.example\n.evil.example/v1/media", False),
    "a space in front": (BASE_URL, " https://bsp.example/v1/media", False),
    "a percent sign in the host": (BASE_URL, "https://bsp%2eexample/v1/media", False),
    "a host of other letters": (BASE_URL, "https://b\u0455p.example/v1/media", False),
    "a broken address": (BASE_URL, "https://[bsp.example/v1/media", False),
    # At the account's origin, but another call of the API.
    "no path": (BASE_URL, "https://bsp.example", False),
    "no path, a fileId": (BASE_URL, "https://bsp.example?fileId=1", False),
    "another path": (BASE_URL, "https://bsp.example/v1/balance?fileId=1", False),
    "the path in capitals": (BASE_URL, "https://bsp.example/V1/Media?fileId=1", False),
    "a path below it": (BASE_URL, "https://bsp.example/v1/media/1?fileId=1", False),
    "a slash at its end": (BASE_URL, "https://bsp.example/v1/media/?fileId=1", False),
    "a path that begins so": (BASE_URL, "https://bsp.example/v1/mediation?fileId=1", False),
    "below another path": (BASE_URL, "https://bsp.example/other/v1/media?fileId=1", False),
    "dot segments behind it": (BASE_URL, "https://bsp.example/v1/media/../balance?fileId=1", False),
    "dot segments before it": (BASE_URL, "https://bsp.example/v1/../v1/media?fileId=1", False),
    "a dot segment": (BASE_URL, "https://bsp.example/v1/./media?fileId=1", False),
    "encoded dots": (BASE_URL, "https://bsp.example/v1/media/%2e%2e/balance?fileId=1", False),
    "dots encoded twice": (BASE_URL, "https://bsp.example/v1/media/%252e%252e/balance?fileId=1", False),
    "an encoded slash": (BASE_URL, "https://bsp.example/v1%2fmedia?fileId=1", False),
    "an encoded letter": (BASE_URL, "https://bsp.example/v1/medi%61?fileId=1", False),
    "an encoded question mark": (BASE_URL, "https://bsp.example/v1/media%3FfileId=1", False),
    "a backslash in the path": (BASE_URL, "https://bsp.example/v1\\media?fileId=1", False),
    "a backslash behind it": (BASE_URL, "https://bsp.example/v1/media\\..\\balance?fileId=1", False),
    "two slashes": (BASE_URL, "https://bsp.example//v1/media?fileId=1", False),
    "parameters of the path": (BASE_URL, "https://bsp.example/v1/media;x=/../balance?fileId=1", False),
    "a line break in the path": (BASE_URL, "https://bsp.example/v1/media\n?fileId=1", False),
    "a fragment": (BASE_URL, "https://bsp.example/v1/media#?fileId=1", False),
    "a fragment behind the query": (BASE_URL, "https://bsp.example/v1/media?fileId=1#x", False),
    "no fileId": (BASE_URL, "https://bsp.example/v1/media", False),
    "an empty fileId": (BASE_URL, "https://bsp.example/v1/media?fileId=", False),
    "two fileIds": (BASE_URL, "https://bsp.example/v1/media?fileId=1&fileId=2", False),
    "a fileId that is a path": (BASE_URL, "https://bsp.example/v1/media?fileId=../balance", False),
    "a fileId that is an encoded path": (BASE_URL, "https://bsp.example/v1/media?fileId=..%2Fbalance", False),
    "a fileId that is encoded twice": (BASE_URL, "https://bsp.example/v1/media?fileId=..%252Fbalance", False),
    "a fileId that is a step of a path": (BASE_URL, "https://bsp.example/v1/media?fileId=..", False),
    "a fileId with a blank": (BASE_URL, "https://bsp.example/v1/media?fileId=1%00", False),
    "a list": (BASE_URL, ["https://bsp.example/v1/media"], False),
    "a number": (BASE_URL, 5, False),
}


@pytest.mark.parametrize(("base_url", "url", "allowed"), ORIGINS.values(), ids=ORIGINS.keys())
def test_api_key_is_only_sent_to_the_media_of_its_own_api(base_url: str, url: Any, allowed: bool) -> None:
    net = Net()
    reader, element = client(net, base_url=base_url), samples.media("m1", samples.file(downloadUrl=url))

    if allowed:
        assert downloaded(reader, element).content == files.JPEG
        return
    reason, retriable = failure(reader, element)
    assert (reason.startswith(("downloadUrl must be", "the message must have")), retriable) == (True, False)
    assert net.requests == []


@PROPERTY
@given(
    st.lists(
        st.sampled_from(["bsp.example", "evil.example", "@", "\\", "/", ":", "443", "#", "?", " ", "\t", "."])
    ).map("".join)
)
def test_what_is_asked_for_is_at_the_host_that_is_connected_to(rest: str) -> None:
    net = Net()
    reader = client(net)
    try:
        reader.download(Attachment("image", {"downloadUrl": f"https://{rest}"}))
    except Unreadable:
        assert net.requests == []
    else:
        ((_, url, *_),) = net.requests
        # The parser of the library that opens connections.
        assert (parse_url(url).host, parse_url(url).auth) == ("bsp.example", None)


# What Clickatell answers: why there is no file, and whether another try may help.
ANSWERS: dict[str, tuple[Any, tuple[str, bool]]] = {
    "404": (Answer(404, {}, b"private"), ("download: HTTP 404", True)),
    "410": (Answer(410, {}, b""), ("download: HTTP 410", False)),
    "400": (Answer(400, {}, b'{"error": {"code": 33}}'), ("download: HTTP 400, Media item not found", True)),
    "a redirect": (Answer(302, {"location": "https://evil.example"}, b""), ("download: HTTP 302", True)),
    "another 2xx": (Answer(204, {}, b""), ("download: HTTP 204", True)),
    "401": (Answer(401, {}, b""), ("download: HTTP 401", True)),
    "402": (Answer(402, {}, b""), ("download: HTTP 402", True)),
    "403": (Answer(403, {}, b""), ("download: HTTP 403", True)),
    "408": (Answer(408, {}, b""), ("download: HTTP 408", True)),
    "425": (Answer(425, {}, b""), ("download: HTTP 425", True)),
    "429": (Answer(429, {}, b""), ("download: HTTP 429", True)),
    "500": (Answer(500, {}, b""), ("download: HTTP 500", True)),
    "503": (Answer(503, {}, b""), ("download: HTTP 503", True)),
    "not reached": (NotReached("ConnectTimeout"), ("download: ConnectTimeout", True)),
    "lost": (AnswerLost("ReadTimeout"), ("download: ReadTimeout", True)),
    "too large": (TooLarge("answer too large"), ("the file is too large", False)),
    "empty": (Answer(200, {}, b""), ("the file is empty", True)),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_file_that_cannot_be_fetched(answer: Any, expected: tuple[str, bool]) -> None:
    assert failure(client(Net(answer)), samples.media()) == expected


FAULTS: dict[str, tuple[Script, tuple[str, bool]]] = {
    "never answered": (Fault.HANG, ("download: ReadTimeout", True)),
    "a redirect to itself": (Scripted(302, headers={"Location": "/v1/media"}), ("download: HTTP 302", True)),
}


@pytest.mark.parametrize(("script", "expected"), FAULTS.values(), ids=FAULTS.keys())
def test_file_that_the_network_does_not_return(script: Script, expected: tuple[str, bool]) -> None:
    with Bsp(script) as bsp:
        reader = client(HttpClient(patience=Patience(read=0.3)), base_url=bsp.url)
        assert failure(reader, samples.media("m1", samples.file(base_url=bsp.url))) == expected
        assert len(bsp.requests) == 1


def test_nobody_listens() -> None:
    base_url = refusing_url()

    _, retriable = failure(
        client(HttpClient(patience=Patience(read=0.3)), base_url=base_url),
        samples.media("m1", samples.file(base_url=base_url)),
    )

    assert retriable


# --- inline -----------------------------------------------------------------------------------------------------------


def test_inline_file() -> None:
    net = Net()

    assert downloaded(client(net), samples.inline(files.JPEG)) == File(files.JPEG, "image/jpeg", "file.jpg")
    assert net.requests == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("privately", "the file must be base64"),
        ("pri.vate", "the file must be base64"),
        ("\u00e9", "the file must be base64"),
        ("data:image/png,private", "the file must be base64"),
        ("====", "the file is empty"),
        ("data:image/png;base64,", "the file is empty"),
    ],
    ids=["cut short", "other signs", "not ASCII", "data URI of something else", "nothing in it", "empty data URI"],
)
def test_inline_that_is_no_file(content: str, reason: str) -> None:
    assert failure(client(Net()), samples.inline(b"", content=content)) == (reason, False)


@pytest.mark.parametrize("encoded", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_inline_file_in_any_base64(encoded: Callable[[bytes], str]) -> None:
    for raw in ODD_FILES:
        file = downloaded(client(Net()), samples.inline(b"", content=encoded(raw)))

        assert file.content[: len(raw)] == raw
        assert file.content_type == "image/jpeg"


def test_a_data_uris_type_counts_where_the_content_says_none() -> None:
    inline = samples.inline(b"", content="data:application/private;base64,AAAA", contentType="binary/octet-stream")

    assert downloaded(client(Net()), inline).content_type == "application/private"


def test_a_file_without_a_list() -> None:
    element = samples.media() | {"files": samples.file()}

    assert downloaded(client(Net()), element).content == files.JPEG


@pytest.mark.parametrize(
    "element",
    [
        samples.media(files=[]),
        samples.media(files=None),
        samples.media(files="private"),
        samples.media(files=[None]),
        samples.media("m1", samples.file(downloadUrl=None)),
        samples.media("m1", samples.file(downloadUrl="null")),
    ],
    ids=["no file", "null", "text", "null in the list", "no address", "null as text"],
)
def test_message_without_a_file(element: Json) -> None:
    assert failure(client(Net()), element) == ("the message must have downloadUrl or content", False)


# --- what the file is -------------------------------------------------------------------------------------------------

KINDS: dict[str, tuple[Any, bytes, str, str]] = {
    "image": ("image/jpeg", files.JPEG, "image", "image/jpeg"),
    "video": ("video/mp4", files.MP4, "video", "video/mp4"),
    "audio": ("audio/ogg; codecs=opus", files.OPUS, "audio", "audio/ogg"),
    "audio in a container for films": ("audio/mp4", files.MP4, "audio", "audio/mp4"),
    "document": ("application/pdf", files.PDF, "file", "application/pdf"),
    "capitals": ("IMAGE/PNG", files.PNG, "image", "image/png"),
    "vCard": ("text/vcard", b"BEGIN:VCARD", "file", "text/vcard"),
    "unknown content": ("image/x-other", b"\x00", "image", "image/x-other"),
    "none": (None, b"\x00", "file", "application/octet-stream"),
    "empty": ("", b"\x00", "file", "application/octet-stream"),
    "no text": (["private"], b"\x00", "file", "application/octet-stream"),
    "parameters alone": ("; codecs=opus", b"\x00", "file", "application/octet-stream"),
}


@pytest.mark.parametrize(("given", "content", "kind", "content_type"), KINDS.values(), ids=KINDS.keys())
def test_kind_and_type(given: Any, content: bytes, kind: str, content_type: str) -> None:
    element = samples.media("m1", samples.file(given, fileName=None, downloadUrl=f"{BASE_URL}/v1/media?fileId=file"))
    answer = replied(client(Net()), element)

    assert answer.attachment is not None
    assert (answer.attachment.kind, answer.attachment.caption) == (kind, TEXT)
    assert downloaded(client(Net(content)), element).content_type == content_type
    # What CleverTap is told where the file cannot be had.
    assert answer.message.wire()["text"] == {"body": f"[{kind} not available] {TEXT}"}


NAMES: dict[str, tuple[Json, str]] = {
    "its own": ({"fileName": "menu.jpeg"}, "menu.jpeg"),
    "with the extension of another type": ({"fileName": "menu.pdf"}, "menu.jpg"),
    "the fileId in its address": ({"fileName": None}, "private-1.jpeg"),
    "a number": ({"fileName": 5}, "5.jpg"),
    "no extension": ({"fileName": "menu"}, "menu.jpg"),
    "no extension, of no type": ({"fileName": "menu", "contentType": None}, "menu.jpg"),
    "no extension at all": ({"fileName": None, "downloadUrl": f"{BASE_URL}/v1/media?fileId=file"}, "file.jpg"),
}


@pytest.mark.parametrize(("changes", "expected"), NAMES.values(), ids=NAMES.keys())
def test_name(changes: Json, expected: str) -> None:
    assert downloaded(client(Net()), samples.media("m1", samples.file(**changes))).name == expected


@pytest.mark.parametrize(
    ("caption", "body"),
    [("k", "[image not available] k"), (None, "[image not available]"), ("", "[image not available]")],
)
def test_words_for_a_file(caption: Any, body: str) -> None:
    answer = replied(client(Net()), samples.media(caption=caption))

    assert answer.message.wire()["text"] == {"body": body}


# --- its hash ---------------------------------------------------------------------------------------------------------

PLAIN, SEALED = sha256(files.JPEG).hexdigest(), "sealed"
HASHES: dict[str, tuple[Any, bool, bool]] = {
    "over the file": (PLAIN, False, True),
    "in capitals": (PLAIN.upper(), False, True),
    "none": (None, False, True),
    "null as text": ("null", False, True),
    "of another file": ("0" * 64, False, False),
    "no text": (5, False, False),
    "over the file, encrypted": (PLAIN, True, True),
    "over the ciphertext": (SEALED, True, True),
    "of another file, encrypted": ("0" * 64, True, False),
}


@pytest.mark.parametrize(("announced", "encrypted", "fits"), HASHES.values(), ids=HASHES.keys())
def test_wrong_hash_is_counted_and_the_file_accepted(
    announced: Any, encrypted: bool, fits: bool, counted: Callable[[], dict[str, int]], log: Log
) -> None:
    keys = Keys() if encrypted else None
    element, raw = (samples.media(), files.JPEG) if keys is None else sealed(keys, samples.media())
    element["files"][0]["sha256Hash"] = sha256(raw).hexdigest() if announced == SEALED else announced

    assert downloaded(client(Net(raw), keys), element).content == files.JPEG
    assert counted().get("MediaHashMismatches", 0) == (0 if fits else 1)
    assert log.messages() == ([] if fits else ["file differs from its announced hash"])


# --- encrypted --------------------------------------------------------------------------------------------------------


def sealed(keys: Keys, element: Json, arn: str = MO_KEY) -> tuple[Json, bytes]:
    """`element` and its file as Clickatell would have them encrypted."""
    plaintext, blob, _ = keys.generate(arn)
    keys.calls.clear()
    raw = b"".join(encryption.EncryptedFile(plaintext, files.JPEG, Numbered()))
    fields = (*(path for path in INCOMING if path != ("content",)), ("whatsapp", "profileName"))
    secret: Json = encryption.with_leaves(
        element, fields, lambda text: encryption.encrypt(plaintext, text, Numbered())
    ) | {"encryptionKey": b64encode(blob).decode()}
    return secret | ({"content": b64encode(raw).decode()} if "content" in element else {}), raw


@pytest.mark.parametrize("element", [samples.media(), samples.inline(files.JPEG)], ids=["by reference", "inline"])
def test_encrypted_file_is_what_it_was(element: Json) -> None:
    keys = Keys()
    secret, raw = sealed(keys, element)
    assert TEXT not in json.dumps(secret)
    reader = client(Net(raw), keys)

    answer = replied(reader, secret)

    assert answer.message.wire()["text"] == {"body": f"[image not available] {TEXT}"}
    assert downloaded(reader, secret).content == files.JPEG


def test_encrypted_message_without_caption_and_name() -> None:
    keys = Keys()
    secret, raw = sealed(keys, samples.media(caption=None, whatsapp=None))

    assert downloaded(client(Net(raw), keys), secret).content == files.JPEG


UNREADABLE = "encrypted under another key, or not by AES-256-CBC with PKCS#7"
# What is wrong: how the encrypted element is changed, and why its file cannot be read.
BROKEN: dict[str, tuple[Json, str]] = {
    "key no base64": ({"encryptionKey": "private!"}, "encryptionKey must be base64"),
    "key of another ARN": (
        {"encryptionKey": b64encode(f"{MT_KEY} 7".encode()).decode()},
        "KMS decrypt: IncorrectKeyException",
    ),
}


@pytest.mark.parametrize("element", [samples.media(), samples.inline(files.JPEG)], ids=["by reference", "inline"])
@pytest.mark.parametrize(("change", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_message_that_cannot_be_read_says_that_there_was_a_file(change: Json, reason: str, element: Json) -> None:
    keys = Keys()
    secret, raw = sealed(keys, element)
    net = Net(raw)
    reader = client(net, keys)

    answer = replied(reader, secret | change)

    assert answer.message.wire()["text"] == {"body": "[image not available]"}
    assert answer.answers_reference == "1|2|3|4"
    assert failure(reader, secret | change) == (reason, False)
    assert net.requests == []


def test_message_with_the_key_of_another_says_that_there_was_a_file() -> None:
    keys = Keys()
    secret, raw = sealed(keys, samples.media())
    secret["encryptionKey"] = b64encode(f"{MO_KEY} other".encode()).decode()
    reader = client(Net(raw), keys)

    assert replied(reader, secret).message.wire()["text"] == {"body": "[image not available]"}
    assert failure(reader, secret) == (UNREADABLE, False)


@pytest.mark.parametrize("element", [samples.media(), samples.inline(files.JPEG)], ids=["by reference", "inline"])
@pytest.mark.parametrize(
    ("caption", "told"),
    [(TEXT, None), (5, None), ("", ""), ("null", "null"), (None, None)],
    ids=["in clear", "no text", "empty", "null as text", "null"],
)
def test_caption_that_its_key_does_not_open_costs_no_file(element: Json, caption: Any, told: str | None) -> None:
    keys = Keys()
    secret, raw = sealed(keys, element)
    reader = client(Net(raw), keys)

    assert reader.open(secret | {"caption": caption, "kind": "moMedia"})["caption"] == told
    assert downloaded(reader, secret | {"caption": caption}).content == files.JPEG


@pytest.mark.parametrize("raw", [files.JPEG, bytes(40), bytes(16)], ids=["in clear", "half a block", "IV alone"])
def test_file_that_its_key_does_not_open(raw: bytes) -> None:
    keys = Keys()
    secret, _ = sealed(keys, samples.media())

    assert failure(client(Net(raw), keys), secret) == (UNREADABLE, False)


def test_kms_failure_is_retried() -> None:
    keys = Keys()
    secret, raw = sealed(keys, samples.media())
    reader = client(Net(raw), keys)
    keys.failure = KeyFailure("KMS decrypt: EndpointConnectionError", retriable=True)

    with pytest.raises(Unreadable) as caught:
        reader.open(secret | {"kind": "moMedia"})

    assert caught.value.retriable


def test_opened_element_can_be_opened_again() -> None:
    keys = Keys()
    secret, raw = sealed(keys, samples.media())
    reader = client(Net(raw), keys)
    opened = reader.open(secret | {"kind": "moMedia"})

    assert reader.open(opened) == opened


# --- several files ----------------------------------------------------------------------------------------------------


def events(*elements: Json) -> list[Any]:
    return inbound.split(callback(samples.callback(moMedia=list(elements))), parse_account("acme", samples.secret()))


def test_several_files_in_one_element_are_a_message_each() -> None:
    element = samples.media(
        "m1", samples.file(fileName="1.jpeg"), samples.file("application/pdf", fileName="2.pdf"), samples.file()
    )
    reader = client(Net())

    found = events(element)

    assert [event.id for event in found] == ["m1", "m1.2", "m1.3"]
    found_replies = [replies.reply(reader.open(event.element), reader._account) for event in found]
    attachments = [reply.attachment for reply in found_replies if isinstance(reply, Reply)]
    assert [(each.kind, each.file_name, each.caption) for each in attachments if each] == [
        ("image", "1.jpeg", TEXT),
        ("file", "2.pdf", None),
        ("image", "private.jpeg", None),
    ]


def test_one_message_inline_and_by_reference_is_two() -> None:
    found = events(samples.inline(files.JPEG), samples.media())

    assert [event.id for event in found] == ["m1", "m1.2"]
    assert events(samples.inline(files.JPEG), samples.media()) == found


def test_the_same_callback_again_has_the_same_ids() -> None:
    first, repeat = (events(samples.media("m1", samples.file(), samples.file())) for _ in range(2))

    assert first == repeat


# --- the whole way ----------------------------------------------------------------------------------------------------

ARN = "arn:aws:kms:eu-west-1:123456789012:alias/{}"


@pytest.fixture
def counting_world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    provider = account()["provider"] | {"encryption": {f"{name}_key_arn": ARN.format(name) for name in ("mt", "mo")}}
    with world(acme=account(), secure=account(provider=provider)) as made:
        kms = made.client("kms")
        for name in ("mt", "mo"):
            kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        monkeypatch.setattr(encryption.SHARED, "__dict__", encryption.DataKeys(lambda: made.now).__dict__)
        yield made


def stored(made: World) -> list[bytes]:
    bucket = next(iter(made.deployment.buckets.values()))
    listed = made.s3.list_objects_v2(Bucket=bucket, Prefix="media/").get("Contents", [])
    return [made.s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in listed]


def payloads(made: World) -> int:
    bucket = next(iter(made.deployment.buckets.values()))
    listed = made.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return len([item for item in listed if not item["Key"].startswith("media/")])


def at_bsp(element: Json) -> bytes:
    for file in element.get("files", []):
        file["downloadUrl"] = file["downloadUrl"].replace(BASE_URL, BSP_URL)
    return samples.callback(moMedia=[element])


def data_key(made: World) -> tuple[bytes, bytes]:
    key = made.client("kms").generate_data_key(KeyId=ARN.format("mo"), KeySpec="AES_256")
    return key["Plaintext"], key["CiphertextBlob"]


def under_kms(made: World, element: Json) -> tuple[Json, bytes]:
    keys = Keys()
    keys.generate = lambda arn: (*data_key(made), arn)  # type: ignore[method-assign]
    return sealed(keys, element)


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
@pytest.mark.parametrize("element", [samples.media(), samples.inline(files.JPEG)], ids=["by reference", "inline"])
def test_file_reaches_clevertap_as_a_link(
    counting_world: World, element: Json, encrypted: bool, counted: Callable[[], dict[str, int]]
) -> None:
    made, raw = counting_world, files.JPEG
    if encrypted:
        element, raw = under_kms(made, element)
    made.bsp = lambda url, payload: Answer(200, {"content-type": "image/jpeg"}, raw)
    assert made.callback(at_bsp(element), account="secure" if encrypted else "acme").status == 200
    made.pump()

    (reply,) = made.replies
    assert (reply["type"], reply["image"]["caption"], reply["image"]["mimeType"]) == ("image", TEXT, "image/jpeg")
    assert stored(made) == [files.JPEG]
    assert counted()["MediaStored"] == 1


LOCKED: dict[str, Callable[[World], Json]] = {
    "key no base64": lambda made: {"encryptionKey": "private!"},
    "key of another message": lambda made: {"encryptionKey": b64encode(data_key(made)[1]).decode()},
}


@pytest.mark.parametrize("locked", LOCKED.values(), ids=LOCKED.keys())
def test_undecryptable_message_is_reported_as_text_and_counted(
    counting_world: World, locked: Callable[[World], Json], counted: Callable[[], dict[str, int]]
) -> None:
    made = counting_world
    element, raw = under_kms(made, samples.media())
    made.bsp = lambda url, payload: Answer(200, {}, raw)
    made.callback(at_bsp(element | locked(made)), account="secure")
    made.pump()

    (reply,) = made.replies
    assert (reply["text"], reply["context"]) == ({"body": "[image not available]"}, {"id": "1|2|3|4"})
    assert (counted()["MediaUnavailable"], stored(made), made.depth("QuarantineQueue")) == (1, [], 0)


def test_message_with_a_file_waits_for_kms(counting_world: World, counted: Callable[[], dict[str, int]]) -> None:
    made = counting_world
    element, raw = under_kms(made, samples.media())
    made.bsp = lambda url, payload: Answer(200, {}, raw)
    away = made.now + 3600
    made.fail = lambda operation, parameters: (
        EndpointConnectionError(endpoint_url="kms") if operation == "Decrypt" and made.now < away else None
    )
    made.callback(at_bsp(element), account="secure")
    made.pump(hours=3)

    assert [reply["type"] for reply in made.replies] == ["image"]
    assert (counted()["MediaStored"], "MediaUnavailable" in counted()) == (1, False)


def test_message_with_a_file_without_a_key_is_reported_as_text(
    counting_world: World, counted: Callable[[], dict[str, int]]
) -> None:
    made = counting_world
    element, _ = under_kms(made, samples.media())
    made.fail = lambda operation, parameters: (
        EndpointConnectionError(endpoint_url="kms") if operation == "Decrypt" else None
    )
    made.callback(at_bsp(element), account="secure")
    made.pump(hours=24 * 6)

    (reply,) = made.replies
    assert (reply["text"], reply["context"]) == ({"body": "[image not available]"}, {"id": "1|2|3|4"})
    assert (counted()["MediaUnavailable"], made.depth("QuarantineQueue")) == (1, 0)


def test_file_has_its_own_time_limit_whatever_waited_before_it(counting_world: World) -> None:
    made = counting_world
    element, raw = under_kms(made, samples.media())
    downloads = [Answer(503, {}, b""), Answer(200, {}, raw)]
    made.bsp = lambda url, payload: downloads.pop(0)
    away = made.now + 3600
    made.fail = lambda operation, parameters: (
        EndpointConnectionError(endpoint_url="kms") if operation == "Decrypt" and made.now < away else None
    )
    made.callback(at_bsp(element), account="secure")
    made.pump(hours=3)

    assert ([reply["type"] for reply in made.replies], downloads) == (["image"], [])


def test_file_that_is_gone_is_asked_for_once_more_and_never_again(
    counting_world: World, counted: Callable[[], dict[str, int]]
) -> None:
    made = counting_world
    asked = []

    def gone(url: str, payload: Any) -> Answer:
        asked.append(url)
        return Answer(404, {}, b"")

    away = made.now + 3600
    made.bsp = gone
    made.clevertap = lambda url, payload: Answer(503 if made.now < away else 200, {}, b"{}")
    made.callback(at_bsp(samples.media()))
    made.pump(hours=3)

    assert ([reply["type"] for reply in made.replies], len(asked)) == (["text"], 2)
    assert counted()["MediaUnavailable"] == 1


def test_unencrypted_file_with_a_key_is_reported_as_text_and_counted(
    counting_world: World, counted: Callable[[], dict[str, int]]
) -> None:
    made = counting_world
    element, _ = under_kms(made, samples.media())
    made.bsp = lambda url, payload: Answer(200, {}, files.JPEG)
    made.callback(at_bsp(element), account="secure")
    made.pump()

    assert [reply["text"] for reply in made.replies] == [{"body": f"[image not available] {TEXT}"}]
    assert (counted()["MediaUnavailable"], stored(made)) == (1, [])


@pytest.mark.parametrize("size", [250 * 1024, 3 * 1024 * 1024])
def test_large_inline_file_is_in_s3_before_the_acknowledgement(counting_world: World, size: int) -> None:
    made, content = counting_world, files.JPEG.ljust(size, b"\x01")

    assert made.callback(samples.callback(moMedia=[samples.inline(content)])).status == 200

    assert payloads(made) == 1
    made.pump()
    assert [reply["type"] for reply in made.replies] == ["image"]
    assert stored(made) == [content]


def test_small_inline_file_stays_on_the_queue(counting_world: World) -> None:
    assert counting_world.callback(samples.callback(moMedia=[samples.inline(files.JPEG)])).status == 200

    assert payloads(counting_world) == 0
