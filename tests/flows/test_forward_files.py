"""forward, files from people: stored and linked, or told of in words; never lost, and fetched no more than needed."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.conftest import Log
from tests.support.failures import failing
from tests.support.world import (
    BSP_URL,
    LOST,
    OK,
    PUBLIC_URL,
    START,
    UNREACHED,
    World,
    account,
    json_answer,
    mo_media,
    mo_text,
    world,
)
from whatsapp_bridge.net.http import Answer

PRIVATE = ("27820000001", "look", "shelf.png", "file-1", "bsp.example", "bridge.example", "secret-api-key", "Ann")
BUCKET = "test-payloadsbucket"
DAY = 86_400
CONTENT = Answer(200, {}, b"content")
WORDS = {"type": "text", "text": {"body": "[image not available] look"}}


@pytest.fixture
def made() -> Iterator[World]:
    with world() as fresh:
        fresh.bsp = lambda url, payload: CONTENT
        yield fresh


def in_turn(*answers: Any) -> Callable[[str, Any], Answer | Exception]:
    """Each answer once, the last one for ever."""
    left = list(answers)
    return lambda url, payload: left.pop(0) if len(left) > 1 else left[0]


def downloads(made: World) -> list[str]:
    return [url for url, _ in made.http.requests if url.startswith(BSP_URL)]


def told(made: World) -> list[dict[str, Any]]:
    """What CleverTap was told, taken or not."""
    return [payload for url, payload in made.http.requests if "clevertap" in url]


def content(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in reply.items() if name in ("type", reply["type"], "document")}


def followed(made: World, address: str) -> dict[str, Any] | None:
    """The object in S3 that a link leads to."""
    assert address.startswith(f"{PUBLIC_URL}/acme/media/")
    parts = urlsplit(address)
    _, name, _, identifier = parts.path.split("/")
    location = made.show_media(name, identifier, dict(parse_qsl(parts.query))).location
    if location is None:
        return None
    key = urlsplit(location).path.removeprefix("/").removeprefix(f"{BUCKET}/")
    found: dict[str, Any] = made.s3.get_object(Bucket=BUCKET, Key=key)
    return found


# --- stored and linked ----------------------------------------------------------------------------------------------


def test_a_picture(made: World, log: Log, counted: Callable[[], dict[str, int]]) -> None:
    made.callback(mo_media(contentType="image/png", fileName="shelf.png"))
    made.pump()
    (reply,) = made.replies
    link = reply["image"].pop("mediaURL")
    assert reply == {
        "payloadVersion": "0.1",
        "from": "27820000001",
        "wabaNumber": "27999000001",
        "timestamp": "1700000200",
        "type": "image",
        "image": {"mimeType": "image/png", "caption": "look"},
    }
    found = followed(made, link)
    assert found is not None
    assert found["Body"].read() == b"content"
    assert found["ContentType"] == "image/png"
    assert 'filename="shelf.png"' in found["ContentDisposition"]
    counts = counted()
    assert (counts["MediaStored"], counts["RepliesForwarded"], "MediaUnavailable" in counts) == (1, 1, False)
    assert not [private for private in (*PRIVATE, link) if private in log.text]


@pytest.mark.parametrize(
    ("file", "copies", "kind", "members"),
    [
        pytest.param({"contentType": "video/mp4"}, False, "video", {"video"}, id="video"),
        pytest.param({"contentType": "audio/ogg; codecs=opus"}, False, "audio", {"audio"}, id="audio"),
        pytest.param({"contentType": "application/pdf"}, False, "file", {"file"}, id="document"),
        pytest.param(
            {"contentType": "application/pdf"}, True, "file", {"file", "document"}, id="document and its copy"
        ),
        pytest.param({"contentType": "image/png"}, True, "image", {"image"}, id="no document, no copy"),
        pytest.param({"contentType": None}, False, "image", {"image"}, id="of no type, by its name"),
        pytest.param(
            {"contentType": None, "downloadUrl": f"{BSP_URL}/v1/media?fileId=m", "fileName": None},
            True,
            "file",
            {"file", "document"},
            id="of no type",
        ),
    ],
)
def test_kinds(file: dict[str, Any], copies: bool, kind: str, members: set[str]) -> None:
    with world(acme=account(options={"document_copy": copies})) as made:
        made.bsp = lambda url, payload: CONTENT
        made.callback(mo_media(**file))
        made.pump()
        (reply,) = made.replies
        assert reply["type"] == kind
        assert set(reply) & {"image", "video", "audio", "voice", "file", "document", "text"} == members
        assert len({json.dumps(reply[member]) for member in members}) == 1
        assert followed(made, reply[kind]["mediaURL"]) is not None


def test_without_a_caption(made: World) -> None:
    made.callback(mo_media(None))
    made.pump()
    assert set(made.replies[0]["image"]) == {"mediaURL", "mimeType"}


def test_what_it_answers(made: World) -> None:
    callback = mo_media()
    callback["event"]["moMedia"][0]["relatedClientMessageId"] = "1|2|3|4"
    made.callback(callback)
    made.pump()
    assert made.replies[0]["type"] == "image"
    assert made.replies[0]["context"] == {"id": "1|2|3|4"}


def test_the_link_is_good_for_as_long_as_the_file_is_kept(made: World) -> None:
    made.callback(mo_media())
    made.pump()
    link = made.replies[0]["image"]["mediaURL"]
    assert dict(parse_qsl(urlsplit(link).query))["expires"] == str(int(START) + 30 * DAY)
    made.now = START + 30 * DAY - 1
    assert followed(made, link) is not None
    made.now += 1
    assert followed(made, link) is None


def test_the_same_message_at_two_accounts_has_two_files() -> None:
    with world(acme=account(), other=account(callback_token="u" * 40)) as made:
        made.bsp = lambda url, payload: CONTENT
        made.callback(mo_media())
        made.callback(mo_media(), account="other", token="u" * 40)
        made.pump()
        links = [reply["image"]["mediaURL"] for reply in made.replies]
        assert len({urlsplit(link).path.rpartition("/")[2] for link in links}) == 2


def test_a_repeat_is_not_fetched(made: World) -> None:
    made.callback(mo_media())
    made.pump()
    made.now += 3600
    made.callback(mo_media())
    made.pump()
    assert len(downloads(made)) == len(made.replies) == 1


# --- not fetched -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 405, 410, 416])
def test_a_file_that_is_gone_is_reported_immediately(
    made: World, log: Log, counted: Callable[[], dict[str, int]], status: int
) -> None:
    made.bsp = in_turn(Answer(status, {}, b""))
    made.callback(mo_media())
    made.pump()
    assert [content(reply) for reply in made.replies] == [WORDS]
    assert made.now == START
    assert counted()["MediaUnavailable"] == 1
    assert "MediaStored" not in counted()
    assert not [private for private in PRIVATE if private in log.text]


@pytest.mark.parametrize("missing", [Answer(404, {}, b""), Answer(200, {}, b""), Answer(302, {}, b"")])
def test_a_file_that_is_not_there_gets_one_short_retry(
    made: World, counted: Callable[[], dict[str, int]], missing: Answer
) -> None:
    made.bsp = in_turn(missing)
    made.callback(mo_media())
    made.pump()
    assert [content(reply) for reply in made.replies] == [WORDS]
    assert made.now - START == pytest.approx(2, abs=0.6)
    assert len(downloads(made)) == 2
    assert (counted()["MediaUnavailable"], "MediaNotFetched" in counted()) == (1, False)


def test_the_short_retry_is_counted_apart_from_other_attempts(made: World) -> None:
    missing, away = Answer(404, {}, b""), Answer(503, {}, b"")
    made.bsp = in_turn(away, missing, away, missing, CONTENT)
    made.callback(mo_media())
    made.pump()
    assert [reply["type"] for reply in made.replies] == ["image"]


def test_notes_are_read_by_the_version_before(made: World) -> None:
    """While two versions run, either may meet the other's note. The older one reads the second word."""
    made.bsp = in_turn(Answer(404, {}, b""))
    made.callback(mo_media())
    made.run()
    (note,) = [item["note"]["S"] for item in made.dynamodb.scan(TableName=made.table.name)["Items"] if "note" in item]
    assert note == "tried 1 missing"
    assert int(note.split()[1]) == 1


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_account_raises_an_alarm_and_its_file_is_retried(
    made: World, log: Log, counted: Callable[[], dict[str, int]], status: int
) -> None:
    made.bsp = in_turn(Answer(status, {}, b""), Answer(status, {}, b""), CONTENT)
    made.callback(mo_media())
    made.pump()
    assert [reply["type"] for reply in made.replies] == ["image"]
    assert counted()["ProviderAccountAlarms"] == 2
    assert log.messages().count("the BSP refuses the account") == 2
    assert not [private for private in PRIVATE if private in log.text]


UNAVAILABLE = [
    pytest.param(Answer(503, {}, b""), id="503"),
    pytest.param(Answer(429, {}, b""), id="429"),
    pytest.param(UNREACHED, id="out of reach"),
    pytest.param(LOST, id="answer lost"),
]


@pytest.mark.parametrize("answer", UNAVAILABLE)
def test_a_file_that_appears_later(made: World, log: Log, counted: Callable[[], dict[str, int]], answer: Any) -> None:
    made.bsp = in_turn(answer, answer, CONTENT)
    made.callback(mo_media())
    made.pump()
    assert [reply["type"] for reply in made.replies] == ["image"]
    # The schedule's 2 and 10 seconds.
    assert made.now - START == pytest.approx(12, abs=0.1)
    assert (counted()["MediaStored"], "MediaUnavailable" in counted()) == (1, False)
    assert counted()["MediaNotFetched"] == 2
    assert log.messages().count("file could not be fetched; will be retried") == 2
    assert not [private for private in PRIVATE if private in log.text]


@pytest.mark.parametrize("answer", UNAVAILABLE)
def test_after_fifteen_minutes_it_is_reported_as_text(
    made: World, counted: Callable[[], dict[str, int]], answer: Any
) -> None:
    made.bsp = in_turn(answer)
    made.callback(mo_media())
    made.pump()
    assert [content(reply) for reply in made.replies] == [WORDS]
    assert made.now - START == pytest.approx(900, abs=0.1)
    assert len(downloads(made)) == 7
    assert counted()["MediaUnavailable"] == 1
    for queue in ("RepliesQueue", "RepliesDeadLetterQueue", "QuarantineQueue"):
        assert made.depth(queue) == 0


def test_the_persons_next_message_comes_after_it(made: World) -> None:
    made.bsp = in_turn(UNREACHED, CONTENT)
    made.callback(mo_media(mo_id="a1"))
    made.callback(mo_text("a2", mo_id="a2"))
    made.callback(mo_text("b1", mo_id="b1", sender="27820000002"))
    made.pump()
    assert [(reply["from"], reply["type"]) for reply in made.replies] == [
        ("27820000002", "text"),
        ("27820000001", "image"),
        ("27820000001", "text"),
    ]


# --- CleverTap does not take it -------------------------------------------------------------------------------------


def test_stored_file_is_reported_again_after_the_bsp_has_deleted_it(made: World) -> None:
    made.bsp = in_turn(CONTENT, Answer(404, {}, b""))
    made.clevertap = in_turn(UNREACHED, json_answer(503, {}), OK)
    made.callback(mo_media())
    made.pump()
    assert len(downloads(made)) == 1
    assert len(told(made)) == 3
    assert all(telling == told(made)[0] for telling in told(made))
    assert [reply["type"] for reply in made.replies] == ["image"]
    assert followed(made, made.replies[0]["image"]["mediaURL"]) is not None


def test_a_dead_letter_brought_back_has_its_file(made: World) -> None:
    made.bsp = in_turn(CONTENT, Answer(404, {}, b""))
    made.clevertap = in_turn(json_answer(400, {}), OK)
    made.callback(mo_media())
    made.pump()
    assert made.replies == []
    made.now += 10 * DAY
    dead = made.sqs.receive_message(QueueUrl=made.url("RepliesDeadLetterQueue"))["Messages"][0]
    made.sqs.send_message(
        QueueUrl=made.url("RepliesQueue"), MessageBody=dead["Body"], MessageGroupId="g", MessageDeduplicationId="again"
    )
    made.pump()
    (reply,) = made.replies
    assert reply == told(made)[0]
    assert followed(made, reply["image"]["mediaURL"]) is not None


# --- AWS fails ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "needle", "fetched"),
    [
        pytest.param("GetItem", "note#", 1, id="the note is not read"),
        pytest.param("PutObject", "media/", 4, id="S3 does not take the file"),
        pytest.param("UpdateItem", "note#", 4, id="the note is not taken"),
    ],
)
def test_it_comes_back_until_aws_does(made: World, log: Log, operation: str, needle: str, fetched: int) -> None:
    made.fail = failing(operation, 3, needle)
    made.callback(mo_media())
    made.pump(hours=2)
    assert [reply["type"] for reply in made.replies] == ["image"]
    assert followed(made, made.replies[0]["image"]["mediaURL"]) is not None
    assert len(told(made)) == 1
    assert len(downloads(made)) == fetched
    # Each time after as long as it has tried, but after five seconds at least.
    assert made.now - START == pytest.approx(5 + 5 + 10, abs=1)
    assert made.depth("RepliesDeadLetterQueue") == 0
    assert not [private for private in (*PRIVATE, "Canary") if private in log.text]
