import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from tests.providers.clickatell import samples
from tests.providers.clickatell.samples import ENCRYPTION, MT_KEY, Json, failure
from tests.providers.clickatell.test_client import said
from tests.providers.clickatell.test_encryption import Clock, Keys, Numbered
from tests.providers.conformance import (
    OTHER_PERSON,
    PERSON,
    SECRET,
    TEXT,
    assert_public,
    body,
    freeform,
    header,
    template,
)
from tests.support import sample_files as files
from tests.support.services import MemoryNotes, services
from tests.support.world import World, account, json_answer, status_update, world
from whatsapp_bridge.clevertap.answers import SUCCESS
from whatsapp_bridge.clevertap.reading import parse_message
from whatsapp_bridge.flows.records import Record
from whatsapp_bridge.net.http import Answer, AnswerLost, Forbidden, HttpClient, NotReached, TooLarge
from whatsapp_bridge.providers.accounts import parse_account
from whatsapp_bridge.providers.clickatell import outbound
from whatsapp_bridge.providers.clickatell.client import Client
from whatsapp_bridge.providers.clickatell_common import encryption
from whatsapp_bridge.providers.clickatell_common.codes import FILES_LOST
from whatsapp_bridge.providers.contract.client import KeyFailure
from whatsapp_bridge.providers.contract.outcomes import NotSent, Outgoing, Rejected, Throttled

MB = 1024 * 1024
URL = "https://files.example/private.jpg"
CREATED = said(201, {"fileId": "one.jpg", "accepted": True, "error": None})


class Net(HttpClient):
    """One API's upload and the internet. `file` and `upload` answer in turn, the last one for all that follow."""

    def __init__(self, file: Any = files.JPEG, upload: Any = CREATED) -> None:
        super().__init__()
        self.files, self.answers = _turns(file), _turns(upload)
        self.fetched: list[tuple[str, int, dict[str, str]]] = []
        self.uploads: list[tuple[str, str, bytes, dict[str, str]]] = []

    def fetch(self, url: str, *, max_bytes: int, headers: Any = None, loopback: bool = False) -> Answer:
        self.fetched.append((url, max_bytes, dict(headers or {})))
        content = _next(self.files)
        answer = Answer(200, {}, content) if isinstance(content, bytes) else content
        if len(answer.body) > max_bytes:
            raise TooLarge("answer too large")
        return answer

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, *, max_bytes: int = 0) -> Answer:
        assert len(body) == len(b"".join(body) if not isinstance(body, bytes) else body)
        self.uploads.append((method, url, body if isinstance(body, bytes) else b"".join(body), dict(headers or {})))
        answer: Answer = _next(self.answers)
        return answer

    @property
    def queries(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(urlsplit(url).query)) for _, url, _, _ in self.uploads]


def _turns(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list) else [given]


def _next(turns: list[Any]) -> Any:
    turn = turns.pop(0) if len(turns) > 1 else turns[0]
    if isinstance(turn, Exception):
        raise turn
    return turn


def client(
    net: Net, keys: Keys | None = None, notes: Any = None, *, broadcast: bool = False, **provider: Any
) -> Client:
    encrypted = {"encryption": ENCRYPTION} if keys else {}
    secret = samples.secret("https://bsp.example/base/", **encrypted) | {"options": {"broadcast_files": broadcast}}
    secret["provider"] |= provider
    acme = parse_account("acme", secret)
    return Client(acme, services(net, keys, notes), encryption.DataKeys(Clock()), Numbered())


def prepared(made: Client, message: Json, reference: str = "r1") -> Any:
    request = outbound.translate(parse_message(json.dumps(message)), reference, made._account)
    return made.prepare(Outgoing(reference, request))


def media_of(outgoing: Any) -> Json:
    assert isinstance(outgoing, Outgoing), outgoing
    request = outgoing.request
    found: Json = request["template"]["header"]["media"] if "template" in request else request["media"]
    return found


def picture(url: str = URL, **more: str) -> Json:
    return freeform("image", {"mediaURL": url, **more})


def campaign(url: str = URL, kind: str = "image", to: str = PERSON) -> Json:
    return template(header(kind, {"mediaURL": url}), body("Ada"), to=to)


# --- the request -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [picture(), campaign()], ids=["freeform", "template"])
def test_file_is_uploaded_for_its_recipient(message: Json) -> None:
    net, notes = Net(), MemoryNotes()

    assert media_of(prepared(client(net, notes=notes), message)) == {"fileId": "one.jpg"}
    assert net.fetched == [(URL, 5 * MB, {})]
    assert net.uploads == [
        (
            "POST",
            f"https://bsp.example/base/v1/media?fileName=private.jpg&to={PERSON}",
            files.JPEG,
            {"authorization": SECRET, "accept": "application/json", "content-type": "image/jpeg"},
        )
    ]
    assert notes.kept == {}


def test_caption_stays_with_the_file() -> None:
    assert media_of(prepared(client(Net()), picture(caption=TEXT))) == {"fileId": "one.jpg", "caption": TEXT}


def test_file_of_the_next_message_is_uploaded_for_that() -> None:
    net, notes = Net(TAGGED, UPLOADS), MemoryNotes()

    for expected, to in (("1.jpg", PERSON), ("2.jpg", OTHER_PERSON)):
        message = picture() | {"to": f"+{to}"}
        assert media_of(prepared(client(net, notes=notes), message)) == {"fileId": expected}
    assert [query["to"] for query in net.queries] == [PERSON, OTHER_PERSON]


def test_file_is_uploaded_for_everybody_where_the_account_says_so() -> None:
    net = Net()

    assert media_of(prepared(client(net, broadcast=True), picture())) == {"fileId": "one.jpg"}
    assert [url for _, url, _, _ in net.uploads] == [
        "https://bsp.example/base/v1/media?fileName=private.jpg&broadcastAllowed=true"
    ]


KINDS: dict[str, tuple[str, bytes, str, str]] = {
    "JPEG called a PNG": ("image", files.JPEG, "image/jpeg", "a.jpg"),
    "PNG": ("image", files.PNG, "image/png", "a.png"),
    "MP4": ("video", files.MP4, "video/mp4", "a.mp4"),
    "audio in an MP4 of a general brand": ("audio", files.MP4, "audio/mp4", "a.m4a"),
    "Opus": ("audio", files.OPUS, "audio/ogg; codecs=opus", "a.ogg"),
    "PDF": ("file", files.PDF, "application/pdf", "a.pdf"),
    "text": ("file", files.TEXT, "text/plain", "a.txt"),
}


@pytest.mark.parametrize(("kind", "content", "content_type", "name"), KINDS.values(), ids=KINDS.keys())
def test_content_says_type_and_extension(kind: str, content: bytes, content_type: str, name: str) -> None:
    net = Net(Answer(200, {"content-type": "image/gif"}, content))

    # A text that is called a picture would be a page about one.
    name_there = "a" if content is files.TEXT else "a.png"
    prepared(client(net), freeform(kind, {"mediaURL": f"https://files.example/{name_there}"}))

    ((_, _, uploaded, headers),) = net.uploads
    assert (uploaded, headers["content-type"], net.queries[0]["fileName"]) == (content, content_type, name)


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("see you.jpg", "see%20you.jpg"),
        ("a&b=c+d.jpg", "a%26b%3Dc%2Bd.jpg"),
        ("m\u00e9nu#1.jpg", "m%C3%A9nu%231.jpg"),
        ("100%.jpg", "100%25.jpg"),
    ],
)
def test_file_name_is_encoded(name: str, encoded: str) -> None:
    net = Net()

    prepared(client(net), picture(filename=name))

    ((_, url, _, _),) = net.uploads
    assert f"?fileName={encoded}&" in url
    assert parse_qs(urlsplit(url).query)["fileName"] == [name]


def test_an_alias_is_resolved_before_it_is_sent() -> None:
    net, keys, alias = Net(), Keys(), MT_KEY.replace("key/", "alias/")
    keys.aliases[alias] = MT_KEY

    prepared(client(net, keys, encryption=ENCRYPTION | {"mt_key_arn": alias}), picture())

    assert [query["kmsArn"] for query in net.queries] == [MT_KEY]


@pytest.mark.parametrize("message", [picture(), campaign()], ids=["freeform", "template"])
def test_encrypted_file_has_a_key_of_its_own(message: Json) -> None:
    net, keys = Net(), Keys()

    outgoing = prepared(client(net, keys), message)

    (query,) = net.queries
    ((_, _, uploaded, headers),) = net.uploads
    assert query.keys() - {"to", "broadcastAllowed"} == {"fileName", "encryptionKey", "kmsArn", "sha256FileHash"}
    assert query["kmsArn"] == MT_KEY
    # Clickatell: over the file as it was before.
    assert query["sha256FileHash"] == sha256(files.JPEG).hexdigest()
    assert query["encryptionKey"] != outgoing.request["encryptionKey"]
    key = keys.decrypt(MT_KEY, b64decode(query["encryptionKey"]))
    assert files.JPEG not in uploaded
    assert encryption.decrypt_bytes(key, uploaded) == files.JPEG
    # What it is uploaded as, not what it is.
    assert headers["content-type"] == "image/jpeg"
    assert media_of(outgoing)["fileId"] == "one.jpg"


@pytest.mark.parametrize("size", [1, 15, 16, 17, 262_143, 262_144, 262_145, 700_000])
def test_encrypted_file_of_any_size(size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    key = bytes(range(32))

    sealed = encryption.EncryptedFile(key, content, Numbered())

    raw = b"".join(sealed)
    assert len(raw) == len(sealed)
    assert encryption.decrypt_bytes(key, raw) == content


def test_no_key_no_upload() -> None:
    net, keys = Net(), Keys()
    keys.failure = KeyFailure("KMS generate_data_key: AccessDeniedException", retriable=True)

    assert prepared(client(net, keys), picture()) == NotSent("KMS generate_data_key: AccessDeniedException")
    assert net.uploads == []


def test_nothing_to_upload_nothing_done() -> None:
    net = Net()

    for message in (freeform("text", {"body": TEXT}), template(body("Ada"))):
        prepared(client(net), message)

    assert (net.fetched, net.uploads) == ([], [])


# --- the source ------------------------------------------------------------------------------------------------------


def refused(title: str) -> Rejected:
    return Rejected(1001, title)


def waits(reason: str) -> NotSent:
    return NotSent(reason, verdict=refused(reason))


SOURCES: dict[str, tuple[Any, Any]] = {
    "gone": (Answer(404, {}, b""), refused("image: mediaURL answers HTTP 404")),
    "gone for good": (Answer(410, {}, b""), refused("image: mediaURL answers HTTP 410")),
    "not for us": (Answer(403, {}, b""), refused("image: mediaURL answers HTTP 403")),
    "empty": (b"", refused("image: mediaURL is empty")),
    "another type": (files.GIF, refused("image: mediaURL is not JPEG or PNG")),
    "a page that says it is gone": (files.HTML, refused("image: mediaURL is not JPEG or PNG")),
    "not public": (Forbidden("is not a public address"), refused("image: mediaURL is not a public address")),
    "larger than it may be": (TooLarge("answer too large"), refused("image: mediaURL is larger than 5 MB")),
    "busy": (Answer(503, {}, b""), waits("image: mediaURL answers HTTP 503")),
    "asks for less": (Answer(429, {}, b""), waits("image: mediaURL answers HTTP 429")),
    "not reached": (NotReached("ConnectTimeout"), waits("image: mediaURL cannot be fetched: ConnectTimeout")),
    "cut off": (AnswerLost("ReadTimeout"), waits("image: mediaURL cannot be fetched: ReadTimeout")),
}


@pytest.mark.parametrize("message", [picture(), campaign()], ids=["freeform", "template"])
@pytest.mark.parametrize(("source", "expected"), SOURCES.values(), ids=SOURCES.keys())
def test_source_that_cannot_be_fetched(source: Any, expected: Any, message: Json) -> None:
    net = Net(source)

    outcome = prepared(client(net), message)

    assert outcome == expected
    assert net.uploads == []
    assert_public(outcome)


@pytest.mark.parametrize(
    ("kind", "megabytes", "start", "make"),
    [
        ("image", 5, files.JPEG, lambda kind, url: freeform(kind, {"mediaURL": url})),
        ("video", 16, files.MP4, lambda kind, url: freeform(kind, {"mediaURL": url})),
        ("audio", 16, files.MP3, lambda kind, url: freeform(kind, {"mediaURL": url})),
        ("file", 30, files.PDF, lambda kind, url: freeform(kind, {"mediaURL": url})),
        ("image", 5, files.JPEG, lambda kind, url: campaign(url, kind)),
        ("video", 16, files.MP4, lambda kind, url: campaign(url, kind)),
        ("file", 30, files.PDF, lambda kind, url: campaign(url, kind)),
    ],
    ids=["image", "video", "audio", "file", "image header", "video header", "file header"],
)
def test_limit_at_the_byte(kind: str, megabytes: int, start: bytes, make: Callable[[str, str], Json]) -> None:
    whole = start.ljust(megabytes * MB, b"\0")

    assert media_of(prepared(client(Net(whole)), make(kind, URL))) == {"fileId": "one.jpg"}
    assert prepared(client(Net(whole + b"\0")), make(kind, URL)) == refused(
        f"{kind}: mediaURL is larger than {megabytes} MB"
    )


# --- Clickatell's answer ---------------------------------------------------------------------------------------------


def unanswered(status: int) -> NotSent:
    # Refused in front of One API is not an outage.
    return NotSent(f"upload: HTTP {status} without One API's answer", unreached=not 400 <= status < 500)


ANSWERS: dict[str, tuple[Any, Any]] = {
    "1": (said(401, failure(1)), Rejected(1000, "Invalid or missing integration API Key", alarm=True)),
    "7": (said(401, failure(7)), Rejected(1000, "Originating IP address is not approved in your account", alarm=True)),
    "18": (said(500, failure(18)), NotSent("upload: HTTP 500 without an answer per message", unreached=True)),
    "19": (said(503, failure(19)), Throttled(None, overload=True)),
    "20": (said(402, failure(20)), Rejected(1009, "Insufficient account balance", alarm=True)),
    "21": (said(400, failure(21)), Rejected(1001, "Payload data is malformed")),
    "23": (said(400, failure(23, "Invalid or missing parameter: fileName")), refused("Invalid or missing parameter")),
    "23 about to": (
        said(400, failure(23, "Invalid or missing parameter: to")),
        Rejected(1002, "Invalid or missing parameter: to"),
    ),
    "25": (said(400, failure(25)), Rejected(1002, "Invalid recipient address")),
    "30": (said(400, failure(30)), refused("Content type not supported")),
    "31": (said(400, failure(31)), refused("Media file size exceeds limit")),
    "31 under 413": (said(413, failure(31)), refused("Media file size exceeds limit")),
    "32": (said(400, failure(32)), refused("Media payload size exceeds limit")),
    "33": (said(400, failure(33)), refused("Media item not found")),
    "38": (said(400, failure(38)), Rejected(1009, "Channel/feature is not active on integration", alarm=True)),
    "43": (said(400, failure(43), retry_after="9"), Throttled(9.0, Rejected(1004, "Rate limit"))),
    "unlisted": (said(400, failure(99)), Rejected(1009, "Unlisted error 99", unlisted=True)),
    "401 alone": (Answer(401, {}, b""), unanswered(401)),
    "402 alone": (Answer(402, {}, b""), unanswered(402)),
    "403 alone": (Answer(403, {}, b"<html>"), unanswered(403)),
    "413 alone": (Answer(413, {}, b""), refused("Message is too large (HTTP 413)")),
    "429": (Answer(429, {"retry-after": "7"}, b""), Throttled(7.0)),
    "500": (Answer(500, {}, b""), unanswered(500)),
    "502": (Answer(502, {}, b"<html>"), unanswered(502)),
    "not accepted": (
        said(201, {"fileId": "x.jpg", "accepted": False, "error": None}),
        unanswered(201),
    ),
    "not accepted, with the reason": (
        said(201, {"fileId": None, "accepted": False, **failure(30)}),
        refused("Content type not supported"),
    ),
    "a type that it does not know": (
        said(201, {"fileId": "7d3e.unsupported", "accepted": True, "error": None}),
        refused("Content type not supported"),
    ),
    "no fileId": (said(201, {"accepted": True, "error": None}), unanswered(201)),
    "fileId null": (
        said(201, {"fileId": None, "accepted": True}),
        unanswered(201),
    ),
    "fileId empty": (said(201, {"fileId": "", "accepted": True}), unanswered(201)),
    "fileId a number": (
        said(201, {"fileId": 7, "accepted": True}),
        unanswered(201),
    ),
    "a list": (said(201, ["private"]), unanswered(201)),  # type: ignore[arg-type]
    "no JSON": (Answer(201, {}, b"private"), unanswered(201)),
    "fileId under 400": (said(400, {"fileId": "x.jpg"}), unanswered(400)),
    "lost": (AnswerLost("ReadTimeout"), NotSent("upload: answer lost: ReadTimeout", unreached=True)),
    "not reached": (NotReached("ConnectTimeout"), NotSent("upload: not reached: ConnectTimeout", unreached=True)),
}


@pytest.mark.parametrize("message", [picture(), campaign()], ids=["freeform", "template"])
@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_answer_without_a_file_id(answer: Any, expected: Any, message: Json) -> None:
    net, notes = Net(upload=answer), MemoryNotes()

    outcome = prepared(client(net, notes=notes), message)

    assert outcome == expected
    assert outcome.of_a_step
    assert len(net.uploads) == 1
    assert notes.kept == {}
    assert_public(outcome)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_file_id_under_any_2xx(status: int) -> None:
    net = Net(upload=said(status, {"fileId": "one.jpg"}))

    assert media_of(prepared(client(net), picture())) == {"fileId": "one.jpg"}


# --- reuse -----------------------------------------------------------------------------------------------------------

TAGGED = Answer(200, {"etag": '"1"'}, files.JPEG)
DATED = Answer(200, {"last-modified": "Fri, 14 Nov 2025 08:00:00 GMT"}, files.JPEG)
UNCHANGED = Answer(304, {}, b"")
UPLOADS = [said(201, {"fileId": f"{place}.jpg", "accepted": True}) for place in range(1, 6)]

# What the source answers the second time; the fileId that the second message has.
SECOND: dict[str, tuple[Any, Any, str]] = {
    "unchanged by its tag": (TAGGED, UNCHANGED, "1.jpg"),
    "unchanged by its date": (DATED, UNCHANGED, "1.jpg"),
    "the same tag, with the file": (TAGGED, TAGGED, "1.jpg"),
    "no tag, the same file": (files.JPEG, files.JPEG, "1.jpg"),
    "another tag, the same file": (TAGGED, Answer(200, {"etag": '"2"'}, files.JPEG), "1.jpg"),
    "another tag": (TAGGED, Answer(200, {"etag": '"2"'}, files.PNG), "2.jpg"),
    "another date": (DATED, Answer(200, {"last-modified": "Sat, 15 Nov 2025 08:00:00 GMT"}, files.PNG), "2.jpg"),
    "no tag, another file": (files.JPEG, files.PNG, "2.jpg"),
    "busy": (TAGGED, Answer(503, {}, b""), "1.jpg"),
    "away": (TAGGED, NotReached("ConnectTimeout"), "1.jpg"),
}


@pytest.mark.parametrize(("first", "second", "expected"), SECOND.values(), ids=SECOND.keys())
def test_second_message_with_the_same_address(first: Any, second: Any, expected: str) -> None:
    net, notes = Net([first, second], UPLOADS), MemoryNotes()

    assert media_of(prepared(client(net, notes=notes, broadcast=True), picture()))["fileId"] == "1.jpg"
    assert media_of(prepared(client(net, notes=notes, broadcast=True), picture()))["fileId"] == expected
    assert len(net.uploads) == int(expected[0])


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (TAGGED, {"if-none-match": '"1"'}),
        (DATED, {"if-modified-since": "Fri, 14 Nov 2025 08:00:00 GMT"}),
        (files.JPEG, {}),
    ],
    ids=["tag", "date", "neither"],
)
def test_source_is_asked_whether_it_changed(source: Any, expected: dict[str, str]) -> None:
    net, notes = Net([source, source], UPLOADS), MemoryNotes()
    for _ in range(2):
        prepared(client(net, notes=notes, broadcast=True), picture())

    assert [headers for _, _, headers in net.fetched] == [{}, expected]


@pytest.mark.parametrize("second", [Answer(404, {}, b""), files.GIF, b""], ids=["gone", "another type", "empty"])
def test_source_that_is_gone_is_rejected_though_clickatell_has_the_file(second: Any) -> None:
    net, notes = Net([TAGGED, second], UPLOADS), MemoryNotes()
    prepared(client(net, notes=notes, broadcast=True), picture())

    assert isinstance(prepared(client(net, notes=notes, broadcast=True), picture()), Rejected)


def test_note_ends_a_day_before_clickatell_drops_the_file() -> None:
    notes = MemoryNotes()

    prepared(client(Net(TAGGED), notes=notes, broadcast=True), picture())

    ((key, note),) = notes.kept.items()
    hashed = sha256(files.JPEG).hexdigest()
    assert json.loads(note) == {"fileId": "one.jpg", "validator": 'etag:"1"', "sha256": hashed, "lost": None}
    assert notes.seconds == {key: 29 * 86_400}
    # Keys show in AWS's logs.
    assert "private" not in str(key)


OTHERS: dict[str, tuple[Json, dict[str, Any], bool]] = {
    "another address": (picture("https://files.example/other.jpg"), {}, False),
    "another query": (picture(f"{URL}?v=2"), {}, False),
    "another file name": (picture(filename="other.jpg"), {}, False),
    "another kind": (freeform("file", {"mediaURL": URL}), {}, False),
    "another API key": (picture(), {"api_key": "private-other"}, False),
    "another Clickatell": (picture(), {"base_url": "https://other.example"}, False),
    "encrypted": (picture(), {"encryption": ENCRYPTION}, False),
    "another caption": (picture(caption="k"), {}, True),
    "no scheme": (picture(URL.removeprefix("https://")), {}, True),
}


@pytest.mark.parametrize(("message", "provider", "same"), OTHERS.values(), ids=OTHERS.keys())
def test_a_file_id_is_only_used_for_the_same_file(message: Json, provider: dict[str, Any], same: bool) -> None:
    net, notes = Net([TAGGED, TAGGED if message["type"] == "image" else files.PDF], UPLOADS), MemoryNotes()
    prepared(client(net, notes=notes, broadcast=True), picture())

    keys = Keys() if "encryption" in provider else None
    prepared(client(net, keys, notes, broadcast=True, **provider), message)

    assert len(net.uploads) == (1 if same else 2)


def test_templates_do_not_share_what_was_uploaded_for_everybody() -> None:
    net, notes = Net(TAGGED, UPLOADS), MemoryNotes()
    prepared(client(net, notes=notes, broadcast=True), picture())

    assert media_of(prepared(client(net, notes=notes, broadcast=True), campaign())) == {"fileId": "2.jpg"}
    assert "broadcastAllowed" not in net.queries[1]


# The note that a file was lost, when one was uploaded and when the next message comes.
LOST = {
    "never": (None, None, "1.jpg"),
    "before": ("7", "7", "1.jpg"),
    "before, and forgotten since": ("7", None, "1.jpg"),
    "since": (None, "8", "2.jpg"),
    "before and since": ("7", "8", "2.jpg"),
}


@pytest.mark.parametrize(("before", "after", "expected"), LOST.values(), ids=LOST.keys())
def test_no_file_id_from_before_one_was_lost_is_used(before: str | None, after: str | None, expected: str) -> None:
    net, notes = Net([TAGGED, TAGGED], UPLOADS), MemoryNotes()
    for lost in (before, after):
        notes.kept.pop(("acme", FILES_LOST), None)
        if lost is not None:
            notes.put("acme", FILES_LOST, lost, 1)
        outgoing = prepared(client(net, notes=notes, broadcast=True), picture())

    assert media_of(outgoing)["fileId"] == expected


# --- uploads are not enabled on the integration ----------------------------------------------------------------------

NOT_ENABLED = Answer(404, {}, b"<html>private</html>")
NOTHING_THERE: dict[str, Any] = {
    "404 with a page": NOT_ENABLED,
    "404 with nothing": Answer(404, {}, b""),
    "404 with other JSON": said(404, {"message": "private"}),
    "error 41": said(400, failure(41)),
    "error 41 under 404": said(404, failure(41)),
    "error 41 in an upload's form": said(400, {"fileId": None, "accepted": False, **failure(41)}),
}
NO_HEADER = "file upload is not enabled on the integration; without it a template has no file"
TOO_LARGE_INLINE = "file upload is not enabled on the integration; without it a message holds at most 20 MB"


def account_at_fault(title: str) -> Rejected:
    return Rejected(1001, title, alarm=True)


@pytest.mark.parametrize("broadcast", [False, True], ids=["for one", "for everybody"])
@pytest.mark.parametrize("answer", NOTHING_THERE.values(), ids=NOTHING_THERE.keys())
def test_a_file_goes_in_its_message_where_nothing_takes_uploads(answer: Any, broadcast: bool) -> None:
    net = Net(files.PNG, answer)

    outgoing = prepared(client(net, broadcast=broadcast), picture(caption=TEXT))

    assert outgoing.request == {
        "channel": "whatsapp",
        "to": PERSON,
        "clientMessageId": "r1",
        "content": b64encode(files.PNG).decode(),
        "media": {"contentType": "image/png", "fileName": "private.png", "caption": TEXT},
    }
    assert len(net.uploads) == 1
    assert_public(outgoing)


def test_an_encrypted_file_goes_in_its_message_under_the_messages_own_key() -> None:
    keys = Keys()

    request = prepared(client(Net(upload=NOT_ENABLED), keys), picture(caption=TEXT)).request

    key = keys.decrypt(MT_KEY, b64decode(request["encryptionKey"]))
    assert encryption.decrypt_bytes(key, b64decode(request["content"])) == files.JPEG
    assert encryption.decrypt(key, request["media"].pop("caption")) == TEXT
    assert request["media"] == {
        "contentType": "image/jpeg",
        "fileName": "private.jpg",
        # Clickatell: over the file as it was before.
        "sha256Hash": sha256(files.JPEG).hexdigest(),
    }


@pytest.mark.parametrize("answer", NOTHING_THERE.values(), ids=NOTHING_THERE.keys())
def test_a_template_with_a_file_fails_at_once_where_nothing_takes_uploads(answer: Any) -> None:
    net = Net(upload=answer)

    outcome = prepared(client(net), campaign())

    assert outcome == account_at_fault(f"image: {NO_HEADER}")
    assert outcome.of_a_step
    assert len(net.uploads) == 1
    assert_public(outcome)


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
@pytest.mark.parametrize("broadcast", [False, True], ids=["for one", "for everybody"])
def test_a_file_that_is_too_large_for_its_message_fails_at_once(encrypted: bool, broadcast: bool) -> None:
    # The ciphertext has 16 bytes of IV, and one of padding at least.
    most = 20 * MB - (17 if encrypted else 0)
    message = freeform("file", {"mediaURL": URL})

    def outcome(size: int) -> Any:
        net = Net(files.PDF.ljust(size, b"\0"), NOT_ENABLED)
        return prepared(client(net, Keys() if encrypted else None, broadcast=broadcast), message)

    assert len(b64decode(outcome(most).request["content"])) == (20 * MB if encrypted else most)
    assert outcome(most + 1) == account_at_fault(f"file: {TOO_LARGE_INLINE}")


@pytest.mark.parametrize("broadcast", [False, True], ids=["for one", "for everybody"])
def test_what_takes_no_uploads_is_not_asked_again_for_five_minutes(broadcast: bool) -> None:
    net, notes = Net(upload=[NOT_ENABLED, CREATED]), MemoryNotes()

    requests = [prepared(client(net, notes=notes, broadcast=broadcast), picture()).request for _ in range(3)]
    assert all("content" in request for request in requests)
    assert len(net.uploads) == 1
    ((place, key),) = notes.kept
    assert (place, notes.seconds[place, key]) == ("acme", 300)
    assert SECRET not in key
    # Another integration may have them; and what cannot go in its message is asked for each time.
    for made, message in (
        (client(net, notes=notes, broadcast=broadcast, api_key="private-other"), picture()),
        (client(net, notes=notes, broadcast=broadcast), campaign()),
    ):
        assert media_of(prepared(made, message)) == {"fileId": "one.jpg"}
    notes.kept.clear()
    assert media_of(prepared(client(net, notes=notes, broadcast=broadcast), picture())) == {"fileId": "one.jpg"}


def test_a_batch_notes_only_once_that_nothing_takes_uploads() -> None:
    puts: list[str] = []

    class Notes(MemoryNotes):
        def put(self, account: str, key: str, note: str, seconds: int) -> None:
            puts.append(key)
            super().put(account, key, note, seconds)

    made = client(Net(upload=NOT_ENABLED), notes=Notes())
    for _ in range(3):
        prepared(made, campaign())

    assert len(puts) == 1


def test_what_clickatell_has_is_used_where_nothing_takes_uploads_any_more() -> None:
    net, notes = Net([TAGGED, UNCHANGED], [UPLOADS[0], NOT_ENABLED]), MemoryNotes()

    for _ in range(2):
        assert media_of(prepared(client(net, notes=notes, broadcast=True), picture()))["fileId"] == "1.jpg"
    assert len(net.uploads) == 1


# --- the limit of what is sent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [freeform("file", {"mediaURL": URL}), campaign(kind="file")],
    ids=["freeform", "template"],
)
def test_a_file_whose_ciphertext_is_too_large_is_refused_before_its_upload(message: Json) -> None:
    # The ciphertext has 16 bytes of IV, and one of padding at least.
    whole = files.PDF.ljust(30 * MB - 17, b"\0")
    net, keys = Net([whole, whole + b"\0"]), Keys()

    assert media_of(prepared(client(net, keys), message)) == {"fileId": "one.jpg"}
    assert len(net.uploads[0][2]) == 30 * MB
    assert keys.calls == ["generate", "generate"]
    assert prepared(client(net, keys), message) == refused("file: mediaURL, encrypted, is larger than 30 MB")
    # No key for the file either: that one is the message's.
    assert (len(net.uploads), keys.calls) == (1, ["generate"] * 3)


# --- the whole way ---------------------------------------------------------------------------------------------------


class Clickatell:
    """One API in a `World`: numbers uploads; `codes` are the errors that the next messages get. `uploads_enabled` is
    False for an integration without them."""

    def __init__(self, made: World, *codes: int, uploads_enabled: bool = True) -> None:
        self.uploads_enabled = uploads_enabled
        self.uploads: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.codes = list(codes)
        made.bsp = self

    def __call__(self, url: str, payload: Any) -> Answer:
        if "/v1/media" in url:
            self.uploads.append(dict(parse_qsl(urlsplit(url).query)))
            self.bodies.append(payload)
            if not self.uploads_enabled:
                return NOT_ENABLED
            return json_answer(201, {"fileId": f"{len(self.uploads)}.jpg", "accepted": True, "error": None})
        results = [
            samples.refused(message["clientMessageId"], self.codes.pop(0), to=message["to"])
            if self.codes
            else samples.taken(message["clientMessageId"], message["to"])
            for message in payload["messages"]
        ]
        return json_answer(202, samples.results(*results))


def sent_messages(made: World) -> list[Json]:
    return [m for url, payload in made.http.requests if url.endswith("/v1/message") for m in payload["messages"]]


def number(place: int) -> str:
    return f"2782{place:07}"


@pytest.mark.parametrize("encrypted", [False, True], ids=["clear", "encrypted"])
def test_campaign_of_a_hundred_fetches_its_image_once(encrypted: bool) -> None:
    secret = account()
    with world(acme=secret) as made:
        if encrypted:
            kms = made.client("kms")
            arns = {name: kms.create_key()["KeyMetadata"]["Arn"] for name in ENCRYPTION}
            made.change_account("acme", secret | {"provider": secret["provider"] | {"encryption": arns}})
        clickatell = Clickatell(made)
        made.files = lambda url, headers: TAGGED
        people = [number(place) for place in range(100)]
        for place, to in enumerate(people):
            assert made.send(campaign(to=to) | {"msgId": f"r{place}"}) == SUCCESS
        bodies = made.bodies("CampaignQueue")
        records = [Record(f"m{n}", json.dumps(body), "", 1, made.now, made.now) for n, body in enumerate(bodies)]
        assert made.dispatch.many(records) == []

        assert made.http.fetched == [URL]
        assert sorted(upload["to"] for upload in clickatell.uploads) == people
        assert len(sent_messages(made)) == 100
        if encrypted:
            assert len({upload["encryptionKey"] for upload in clickatell.uploads}) == 100
            assert len(set(clickatell.bodies)) == 100


BROADCASTING = account(options={"broadcast_files": True})


def test_each_message_of_a_conversation_has_an_upload_of_its_own() -> None:
    with world() as made:
        clickatell = Clickatell(made)
        made.files = lambda url, headers: TAGGED
        for place in range(2):
            assert made.send(picture() | {"msgId": f"r{place}"}) == SUCCESS
            made.pump()

        assert [message["media"]["fileId"] for message in sent_messages(made)] == ["1.jpg", "2.jpg"]
        assert [upload["to"] for upload in clickatell.uploads] == [PERSON] * 2


def test_a_picture_arrives_though_nothing_takes_uploads(counted: Callable[[], dict[str, int]]) -> None:
    with world() as made:
        clickatell = Clickatell(made, 43, uploads_enabled=False)
        made.files = lambda url, headers: TAGGED
        for place in range(2):
            assert made.send(picture() | {"msgId": f"r{place}"}) == SUCCESS
            made.pump()

        sent = sent_messages(made)
        # The first one's first attempt was throttled.
        assert [message["clientMessageId"] for message in sent] == ["r0", "r0", "r1"]
        assert {message["content"] for message in sent} == {b64encode(files.JPEG).decode()}
        assert (len(clickatell.uploads), made.told) == (1, [])
    assert counted()["UploadsNotEnabled"] == 1
    assert "ProviderAccountAlarms" not in counted()


def test_a_template_with_a_picture_fails_with_one_upload_and_the_accounts_alarm(
    counted: Callable[[], dict[str, int]],
) -> None:
    with world() as made:
        clickatell = Clickatell(made, uploads_enabled=False)
        made.files = lambda url, headers: TAGGED
        made.send(campaign() | {"msgId": "r1"})
        made.pump(hours=7)

        (status,) = made.statuses
        assert (status["status"], status["error"]) == ("failed", {"code": 1001, "title": f"image: {NO_HEADER}"})
        assert (len(clickatell.uploads), sent_messages(made)) == (1, [])
    assert counted()["ProviderAccountAlarms"] == 1


def test_conversation_reuses_its_file_for_twenty_nine_days() -> None:
    with world(acme=BROADCASTING) as made:
        clickatell = Clickatell(made)
        made.files = lambda url, headers: UNCHANGED if headers.get("if-none-match") == '"1"' else TAGGED
        for place, days in enumerate((0, 1, 27, 1)):
            made.now += days * 86_400
            assert made.send(picture() | {"msgId": f"r{place}"}) == SUCCESS
            made.pump()

        assert [message["media"]["fileId"] for message in sent_messages(made)] == ["1.jpg", "1.jpg", "1.jpg", "2.jpg"]
        assert [upload["broadcastAllowed"] for upload in clickatell.uploads] == ["true", "true"]


def test_error_33_uploads_again_and_sends_once() -> None:
    with world(acme=BROADCASTING) as made:
        clickatell = Clickatell(made)
        made.files = lambda url, headers: TAGGED
        made.send(picture() | {"msgId": "r1"})
        made.pump()
        clickatell.codes = [33]
        made.send(picture() | {"msgId": "r2"})
        made.pump()

        assert [(m["clientMessageId"], m["media"]["fileId"]) for m in sent_messages(made)] == [
            ("r1", "1.jpg"),
            ("r2", "1.jpg"),
            ("r2", "2.jpg"),
        ]
        assert made.told == []


def test_error_33_that_stays_ends_as_a_lost_file() -> None:
    with world(acme=BROADCASTING) as made:
        Clickatell(made, *[33] * 1000)
        made.files = lambda url, headers: TAGGED
        made.send(picture() | {"msgId": "r1"})
        made.pump()

        (status,) = made.statuses
        assert (status["status"], status["error"]) == ("failed", {"code": 1001, "title": "Media item not found"})


@pytest.mark.parametrize("message", [picture(), campaign()], ids=["freeform", "template"])
def test_error_33_about_a_file_that_was_just_uploaded_is_a_rejection(message: Json) -> None:
    with world() as made:
        clickatell = Clickatell(made, 33)
        made.files = lambda url, headers: TAGGED
        made.send(message | {"msgId": "r1"})
        made.pump()

        (status,) = made.statuses
        assert (status["status"], status["error"]["code"]) == ("failed", 1001)
        assert len(clickatell.uploads) == 1


def test_status_80_makes_the_next_message_upload_again() -> None:
    with world(acme=BROADCASTING) as made:
        Clickatell(made)
        made.files = lambda url, headers: TAGGED
        made.send(picture() | {"msgId": "r1"})
        made.pump()
        made.now += 60
        made.callback(status_update("r1", 80, api_id="bsp-r1"))
        made.pump()
        made.now += 60
        for name in ("r2", "r3"):
            made.send(picture() | {"msgId": name})
            made.pump()

        assert [m["media"]["fileId"] for m in sent_messages(made)] == ["1.jpg", "2.jpg", "2.jpg"]
        assert made.told == [("r1", "failed")]


def test_dead_source_is_reported_with_its_reason() -> None:
    with world() as made:
        clickatell = Clickatell(made)
        made.send(picture() | {"msgId": "r1"})
        made.send(campaign() | {"msgId": "r2"})
        made.pump()

        assert {(s["msgId"], s["error"]["code"], s["error"]["title"]) for s in made.statuses} == {
            ("r1", 1001, "image: mediaURL answers HTTP 404"),
            ("r2", 1001, "image: mediaURL answers HTTP 404"),
        }
        assert (clickatell.uploads, sent_messages(made)) == ([], [])


def test_source_that_stays_unavailable_is_named_at_last() -> None:
    with world() as made:
        Clickatell(made)
        made.files = lambda url, headers: NotReached("ConnectTimeout")
        made.send(picture() | {"msgId": "r1"})
        made.pump()

        (status,) = made.statuses
        assert status["error"] == {"code": 1001, "title": "image: mediaURL cannot be fetched: ConnectTimeout"}
        assert len(made.http.fetched) > 3
