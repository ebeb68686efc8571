import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

import pytest

from tests.conftest import Log
from tests.providers.cloud_api import samples as webhooks
from tests.providers.conformance import OTHER_PERSON, PERSON, SECRET, TEXT, assert_public
from tests.providers.meta import samples
from tests.providers.meta.samples import Json, failure, taken
from tests.support import sample_files
from tests.support.services import MemoryNotes, services
from tests.support.world import account_of
from whatsapp_bridge.accounts.keys import AccountKeys
from whatsapp_bridge.media.fetch import File
from whatsapp_bridge.net.http import Answer, AnswerLost, HttpClient, NotReached, TooLarge
from whatsapp_bridge.providers.cloud_api import codes, numbers
from whatsapp_bridge.providers.contract.client import Unreadable
from whatsapp_bridge.providers.contract.outcomes import (
    Accepted,
    NotSent,
    Outcome,
    Outgoing,
    Rejected,
    Throttled,
    Unknown,
)
from whatsapp_bridge.providers.contract.replies import Attachment
from whatsapp_bridge.providers.meta import replies
from whatsapp_bridge.providers.meta.client import Client

BASE_URL = "https://bsp.example/base"
ACCOUNT = account_of("acme", samples.secret(f"{BASE_URL}/"))
AUTHORIZATION = {"authorization": f"Bearer {SECRET}"}


class Http(HttpClient):
    """Answers in turn."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.requests: list[tuple[str, str, Any, Any]] = []

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, *, max_bytes: int = 0) -> Answer:
        self.requests.append((method, url, body, headers))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if len(answer.body) > max_bytes > 0:
            raise TooLarge("answer too large")
        assert isinstance(answer, Answer)
        return answer


def said(status: int, body: Any, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def client(http: HttpClient, notes: Any = None) -> Client:
    return Client(ACCOUNT, services(http, notes=notes))


MESSAGE = Outgoing("r1", {"to": f"+{PERSON}", "type": "text", "text": {"body": TEXT}})


def sent(answer: Any, notes: Any = None) -> Outcome:
    (outcome,) = client(Http(answer), notes).send([MESSAGE])
    assert_public(outcome)
    return outcome


def test_request() -> None:
    http = Http(said(200, taken()))

    client(http).send([MESSAGE])

    ((method, url, body, headers),) = http.requests
    assert (method, url) == ("POST", f"{BASE_URL}/v23.0/{webhooks.NUMBER_ID}/messages")
    assert json.loads(body) == MESSAGE.request
    assert headers == AUTHORIZATION | {"content-type": "application/json"}


# --- answers ---------------------------------------------------------------------------------------------------------

NOTHING = "HTTP 200 without Meta's answer"
RATE = Rejected(1004, "Rate limit hit")
PAIR_RATE = Rejected(1004, "Pair rate limit hit")
ANSWERS: dict[str, tuple[Any, Outcome]] = {
    "taken": (said(200, taken()), Accepted("wamid.1")),
    "taken, held for its quality": (
        said(200, taken() | {"messages": [{"id": "wamid.1", "message_status": "held_for_quality_assessment"}]}),
        Accepted("wamid.1"),
    ),
    "taken, without contacts": (said(200, {"messages": [{"id": "wamid.1"}]}), Accepted("wamid.1")),
    "taken under 201": (said(201, taken()), Accepted("wamid.1")),
    "no messages": (said(200, {"messages": []}), Unknown(NOTHING)),
    "messages no list": (said(200, {"messages": {"id": "wamid.1"}}), Unknown(NOTHING)),
    "no id": (said(200, {"messages": [{}]}), Unknown(NOTHING)),
    "an error under 200": (said(200, failure(131026)), Rejected(1005, "Message undeliverable")),
    "code as text": (said(400, failure("131026")), Rejected(1005, "Message undeliverable")),
    "throttled under 400": (said(400, failure(130429)), Throttled(None, RATE)),
    "throttled under 403": (said(403, failure(130429)), Throttled(None, RATE)),
    "throttled under 429": (said(429, failure(130429), retry_after="7"), Throttled(7.0, RATE)),
    "too fast for one person": (said(400, failure(131056)), Throttled(6.0, PAIR_RATE)),
    "too fast for one person, with a time": (said(400, failure(131056), retry_after="60"), Throttled(60.0, PAIR_RATE)),
    "rejected under 429": (said(429, failure(131026)), Rejected(1005, "Message undeliverable")),
    "rejected under 500": (said(500, failure(131026)), Rejected(1005, "Message undeliverable")),
    "try again": (
        said(500, failure(131016)),
        Throttled(None, Rejected(1009, "Service unavailable"), overload=True),
    ),
    "file not fetched": (
        said(400, failure(131053)),
        NotSent("Media upload error", Rejected(1001, "Media upload error")),
    ),
    "the recipient is wrong": (
        said(400, failure(131009, "Parameter 'to' is not a phone number")),
        Rejected(1002, "Parameter value is not valid: recipient"),
    ),
    "token expired": (said(401, failure(190)), Rejected(1000, "Access token has expired", alarm=True)),
    "permission": (said(403, failure(294)), Rejected(1000, "API permission", alarm=True)),
    "number of another token": (
        said(400, failure(100, error_subcode=33)),
        Rejected(1009, "Parameter value is not valid", alarm=True),
    ),
    "payment": (said(400, failure(131042)), Rejected(1009, "Business eligibility payment issue", alarm=True)),
    "unlisted": (said(400, failure(999)), Rejected(1009, "Unlisted error 999", unlisted=True)),
    "unlisted under 403": (said(403, failure(999)), Rejected(1009, "Unlisted error 999", unlisted=True)),
    "unlisted under 429": (said(429, failure(999)), Throttled()),
    "unlisted, not for long": (said(500, failure(999, is_transient=True)), NotSent("Unlisted error 999")),
    "unlisted under 500": (said(500, failure(999)), Unknown("HTTP 500: Unlisted error 999")),
    "error a text": (said(400, {"error": "private"}), NotSent("HTTP 400 without Meta's answer")),
    "error a text under 500": (said(500, {"error": "private"}), Unknown("HTTP 500 without Meta's answer")),
    "error without a code": (said(400, {"error": {}}), NotSent("HTTP 400 without Meta's answer")),
    "no JSON under 500": (said(500, b"<html>private"), Unknown("HTTP 500 without Meta's answer")),
    "a proxy's 401": (said(401, b""), NotSent("HTTP 401 without Meta's answer")),
    "nobody there": (NotReached("ConnectTimeout"), NotSent("not reached: ConnectTimeout", unreached=True)),
    "answer lost": (AnswerLost("ReadTimeout"), Unknown("answer lost: ReadTimeout")),
}


@pytest.mark.parametrize(("answer", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_outcome(answer: Any, expected: Outcome) -> None:
    assert sent(answer) == expected


@pytest.mark.parametrize("code", [*codes.ERRORS, 200, 299])
@pytest.mark.parametrize("status", [400, 403, 429, 500])
def test_every_error_decides_whatever_the_status(code: int, status: int) -> None:
    row, outcome = codes.error(code), sent(said(status, failure(code)))

    match row.reaction:
        case "throttle":
            assert isinstance(outcome, Throttled)
        case "overload":
            assert outcome == Throttled(None, Rejected(row.error, row.title), overload=True)
        case "retry":
            assert outcome == NotSent(row.title, Rejected(row.error, row.title))
        case "reject":
            assert outcome == Rejected(row.error, row.title)
        case "stop":
            assert outcome == Rejected(row.error, row.title, alarm=True)


# --- the number that CleverTap knows ---------------------------------------------------------------------------------

WA_ID = "5215512345678"
NUMBER = "525512345678"


def reply_from(number: str, notes: MemoryNotes) -> Json:
    return client(Http(), notes).open(webhooks.text(**{"from": number}))


def test_a_reply_comes_from_the_number_that_clevertap_wrote_to() -> None:
    notes = MemoryNotes()
    message = Outgoing("r1", {"to": f"+{NUMBER}"})
    (outcome,) = client(Http(said(200, taken(wa_id=WA_ID))), notes).send([message])

    assert outcome == Accepted("wamid.1")
    assert reply_from(WA_ID, notes) == webhooks.text(**{"from": NUMBER})
    answer = replies.reply(reply_from(WA_ID, notes), ACCOUNT)
    assert answer.message.wire()["from"] == NUMBER  # type: ignore[union-attr]
    assert list(notes.seconds.values()) == [180 * 86_400]


def test_the_note_shows_neither_number() -> None:
    notes = MemoryNotes()
    numbers.keep(notes, ACCOUNT, WA_ID, NUMBER)  # type: ignore[arg-type]

    ((place, note),) = notes.kept.items()
    assert NUMBER not in f"{place}{note}"
    assert WA_ID not in f"{place}{note}"


def test_numbers_of_others_stay() -> None:
    notes = MemoryNotes()
    numbers.keep(notes, ACCOUNT, WA_ID, NUMBER)  # type: ignore[arg-type]

    assert reply_from(PERSON, notes) == webhooks.text()
    other = account_of("other", samples.secret())
    assert numbers.known(notes, other, WA_ID) == WA_ID  # type: ignore[arg-type]


def test_a_number_is_known_while_the_signing_key_is_rotated_and_after() -> None:
    old, new = "o" * 64, "n" * 64

    def with_keys(*keys: str) -> Any:
        return ACCOUNT.with_keys(AccountKeys("acme", keys))

    notes: Any = MemoryNotes()
    numbers.keep(notes, with_keys(old), WA_ID, NUMBER)
    assert numbers.known(notes, with_keys(old, new), WA_ID) == NUMBER
    # That the person is heard of makes a note under the new one.
    assert numbers.known(notes, with_keys(new), WA_ID) == WA_ID
    assert numbers.known(notes, with_keys(new, old), WA_ID) == NUMBER
    assert numbers.known(notes, with_keys(new), WA_ID) == NUMBER


@pytest.mark.parametrize("wa_id", [PERSON, f"+{PERSON}", None, "", "private", ["x"]])
def test_nothing_is_kept_of_people_with_one_number(wa_id: Any) -> None:
    notes = MemoryNotes()

    assert sent(said(200, taken(wa_id=wa_id)), notes) == Accepted("wamid.1")
    assert notes.kept == {}


def test_a_note_that_cannot_be_kept_leaves_the_message_sent(log: Log) -> None:
    class NoNotes(MemoryNotes):
        def put(self, account: str, key: str, note: str, seconds: int) -> None:
            raise OSError(TEXT)

    assert sent(said(200, taken(wa_id=OTHER_PERSON)), NoNotes()) == Accepted("wamid.1")
    assert log.messages() == ["wa_id could not be stored"]
    assert TEXT not in log.text
    assert OTHER_PERSON not in log.text


def test_element_without_a_sender_stays() -> None:
    assert client(Http()).open({"from": None, "id": "m1"}) == {"from": None, "id": "m1"}


def test_sending_changes_nothing_beforehand() -> None:
    assert client(Http()).prepare(MESSAGE) is MESSAGE


# --- files from people -----------------------------------------------------------------------------------------------

CONTENT = b"%PDF-1.7 private"
LOOKASIDE = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&private"
MEDIA_URL = f"{BASE_URL}/v23.0/private-media-1"


def attachment(**changes: Any) -> Attachment:
    source = {"id": "private-media-1", "url": "https://lookaside.fbsbx.com/old", "sha256": sha256(CONTENT).hexdigest()}
    wanted = {"kind": "file", "source": source, "content_type": "application/pdf", "file_name": "private.pdf"} | changes
    return Attachment(**wanted)


def described(url: Any = LOOKASIDE, of_type: str | None = "application/pdf") -> Answer:
    return said(200, {"messaging_product": "whatsapp", "url": url, "mime_type": of_type, "id": "1"})


def test_file() -> None:
    http = Http(described(), said(200, CONTENT))

    assert client(http).download(attachment()) == File(CONTENT, "application/pdf", "private.pdf")
    assert [(method, url) for method, url, _, _ in http.requests] == [("GET", MEDIA_URL), ("GET", LOOKASIDE)]
    assert all(headers.items() >= AUTHORIZATION.items() for _, _, _, headers in http.requests)


# The webhook's type and name, the answer's type, Meta's description of the file, its content.
FILES: dict[str, tuple[dict[str, Any], str | None, str | None, bytes, tuple[str, str]]] = {
    "image": (
        {"kind": "image", "content_type": "image/jpeg", "file_name": None},
        "application/octet-stream",
        None,
        sample_files.JPEG,
        ("image/jpeg", "image.jpg"),
    ),
    "voice message": (
        {"kind": "audio", "content_type": "audio/ogg; codecs=opus", "file_name": None},
        None,
        None,
        sample_files.OPUS,
        ("audio/ogg", "audio.ogg"),
    ),
    "voice message in a container for films": (
        {"kind": "audio", "content_type": None, "file_name": None},
        None,
        None,
        sample_files.MP4,
        ("audio/mp4", "audio.m4a"),
    ),
    "only the answer names its type": (
        {"content_type": None},
        "Application/Private; x=1",
        None,
        b"\x00",
        ("application/private", "private.pdf"),
    ),
    "only the description names its type": (
        {"content_type": None},
        None,
        "application/private",
        b"\x00",
        ("application/private", "private.pdf"),
    ),
    "only its name says its type": ({"content_type": None}, None, None, b"\x00", ("application/pdf", "private.pdf")),
    "nothing says its type": (
        {"content_type": None, "file_name": None},
        None,
        None,
        b"\x00",
        ("application/octet-stream", "file.bin"),
    ),
    "of an unknown type": (
        {"content_type": "x/private", "file_name": None},
        None,
        None,
        b"\x00",
        ("x/private", "file.bin"),
    ),
}


@pytest.mark.parametrize(
    ("changes", "answered", "described_as", "content", "expected"), FILES.values(), ids=FILES.keys()
)
def test_name_and_type_of_a_file(
    changes: dict[str, Any],
    answered: str | None,
    described_as: str | None,
    content: bytes,
    expected: tuple[str, str],
) -> None:
    answer = Answer(200, {} if answered is None else {"content-type": answered}, content)
    file = client(Http(described(of_type=described_as), answer)).download(attachment(**changes))

    assert file == File(content, *expected)


def test_file_with_only_an_address() -> None:
    http = Http(said(200, CONTENT))

    assert client(http).download(attachment(source={"url": LOOKASIDE})).content == CONTENT
    assert [url for _, url, _, _ in http.requests] == [LOOKASIDE]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("https://graph.facebook.com/v23.0/me/businesses", id="the Graph API"),
        pytest.param(f"{BASE_URL}/v23.0/me", id="base_url"),
        pytest.param("https://facebook.com/private", id="its domain"),
        pytest.param("https://private.example/1", id="another host"),
        pytest.param("", id="none"),
    ],
)
def test_an_address_in_a_webhook_is_no_call_of_the_api(url: str) -> None:
    http = Http(said(200, CONTENT))
    with pytest.raises(Unreadable, match="the file's address must be Meta's"):
        client(http).download(attachment(source={"url": url}))
    assert http.requests == []


@pytest.mark.parametrize("media_id", [".", "..", "..."])
def test_an_id_is_no_step_of_a_path(media_id: str) -> None:
    http = Http(described(), said(200, CONTENT))
    with pytest.raises(Unreadable, match="the file's id must be no step of a path"):
        client(http).download(attachment(source={"id": media_id}))
    assert http.requests == []


def test_id_stays_one_step_of_the_path() -> None:
    http = Http(described(), said(200, CONTENT))
    client(http).download(attachment(source={"id": "../1?x=y"}))

    assert http.requests[0][1] == f"{BASE_URL}/v23.0/..%2F1%3Fx%3Dy"


OURS = {
    "Meta's host": LOOKASIDE,
    "another of Meta's": "https://scontent.whatsapp.net/private",
    "its domain": "https://facebook.com/private",
    "host in capitals": "https://LOOKASIDE.FBSBX.COM/private",
    "base_url's origin": "https://bsp.example/files/1",
}
OTHERS = {
    "another host": "https://private.example/1",
    "host that ends alike": "https://evilfbsbx.com/private",
    "host as a part": "https://lookaside.fbsbx.com.private.example/",
    "host as a user name": "https://lookaside.fbsbx.com@private.example/",
    "with a user name": "https://private@lookaside.fbsbx.com/",
    "not encrypted": "http://lookaside.fbsbx.com/private",
    "another port": "https://lookaside.fbsbx.com:8443/private",
    "base_url's host on another port": "https://bsp.example:8443/private",
    "base_url's host, not encrypted": "http://bsp.example/private",
    "a file": "file:///private",
    "no address": "private",
    "broken": "https://[private",
    "nothing": "",
}


@pytest.mark.parametrize("url", OURS.values(), ids=OURS.keys())
def test_the_token_goes_to_meta(url: str) -> None:
    http = Http(described(url), said(200, CONTENT))

    assert client(http).download(attachment()).content == CONTENT
    assert http.requests[-1][1] == url


@pytest.mark.parametrize("url", OTHERS.values(), ids=OTHERS.keys())
def test_the_token_goes_to_nobody_else(url: str) -> None:
    http = Http(described(url))
    with pytest.raises(Unreadable) as caught:
        client(http).download(attachment())

    assert (caught.value.reason, caught.value.retriable) == ("the file's address must be Meta's", False)
    assert len(http.requests) == 1
    assert_public(caught.value)


UNREADABLE: dict[str, tuple[list[Any], str, bool]] = {
    "not there any more": ([said(400, failure(100))], "download: HTTP 400", False),
    "not there": ([said(404, b"")], "download: HTTP 404", True),
    "token expired": ([said(401, failure(190))], "download: HTTP 401, Access token has expired", True),
    "too fast": ([said(429, failure(130429))], "download: HTTP 429, Rate limit hit", True),
    "Meta away": ([said(503, b"")], "download: HTTP 503", True),
    "not reached": ([NotReached("ConnectTimeout")], "download: ConnectTimeout", True),
    "answer lost": ([AnswerLost("ReadTimeout")], "download: ReadTimeout", True),
    "no address": ([said(200, {"id": "1"})], "Meta gave no address for the file", True),
    "address no text": ([described(["private"])], "Meta gave no address for the file", True),
    "no JSON": ([said(200, b"private")], "Meta gave no address for the file", True),
    "description too large": ([said(200, b"x" * 70_000)], "the file is too large", False),
    "file gone": ([described(), said(404, b"")], "download: HTTP 404", True),
    "file on the move": ([described(), said(302, b"")], "download: HTTP 302", True),
    "file too large": ([described(), TooLarge("answer too large")], "the file is too large", False),
    "file lost on the way": ([described(), AnswerLost("ChunkedEncodingError")], "download: ChunkedEncodingError", True),
}


@pytest.mark.parametrize(("answers", "reason", "retriable"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_file_that_cannot_be_fetched(answers: list[Any], reason: str, retriable: bool) -> None:
    with pytest.raises(Unreadable) as caught:
        client(Http(*answers)).download(attachment())

    assert (caught.value.reason, caught.value.retriable) == (reason, retriable)
    assert_public(caught.value)


HASHES = {
    "hex": (sha256(CONTENT).hexdigest(), []),
    "hex in capitals": (sha256(CONTENT).hexdigest().upper(), []),
    "base64": (b64encode(sha256(CONTENT).digest()).decode(), []),
    "none": (None, []),
    "another": (sha256(b"x").hexdigest(), ["file differs from its announced hash"]),
}


@pytest.mark.parametrize(("announced", "expected"), HASHES.values(), ids=HASHES.keys())
def test_hash(announced: str | None, expected: list[str], log: Log) -> None:
    source = {"id": "1", "sha256": announced}

    assert client(Http(described(), said(200, CONTENT))).download(attachment(source=source)).content == CONTENT
    assert log.messages() == expected
