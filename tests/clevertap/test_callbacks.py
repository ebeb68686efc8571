"""Callbacks are exactly the JSON CleverTap documents, and nothing else can be built."""

import json
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from whatsapp_bridge.clevertap.callbacks import (
    Button,
    Callback,
    Context,
    IncomingMessage,
    Kind,
    Location,
    Media,
    MediaKind,
    StatusCallback,
    StatusError,
    StatusUpdate,
    Text,
)
from whatsapp_bridge.clevertap.codes import CallbackError

MSG_ID = "7001|1700000001|20231114|7001"
FAILED = StatusError(code=CallbackError.OUTSIDE_CHAT_WINDOW, title="Re-engagement required")


def update(status: Any, **members: Any) -> StatusUpdate:
    return StatusUpdate(msg_id=MSG_ID, status=status, timestamp=1700000060, **members)


def incoming(kind: Kind, content: Any, **members: Any) -> IncomingMessage:
    return IncomingMessage.of(
        kind, content, sender="27821230001", waba_number="27999000001", timestamp=1700000090, **members
    )


@pytest.mark.parametrize(
    ("made", "members"),
    [
        (update("sent"), {"status": "sent"}),
        (update("delivered"), {"status": "delivered"}),
        (update("read"), {"status": "read"}),
        (
            update("failed", error=FAILED),
            {"status": "failed", "error": {"code": 1008, "title": "Re-engagement required"}},
        ),
        (
            update("clicked", url="https://shop.example/a", short_url="https://s.example/1", user_agent="Browser/1"),
            {
                "status": "clicked",
                "url": "https://shop.example/a",
                "shortUrl": "https://s.example/1",
                "userAgent": "Browser/1",
            },
        ),
    ],
    ids=["sent", "delivered", "read", "failed", "clicked"],
)
def test_status(made: StatusUpdate, members: dict[str, Any]) -> None:
    assert made.wire() == {"msgId": MSG_ID, "timestamp": "1700000060"} | members
    assert StatusUpdate.model_validate(made.wire()) == made


def test_status_callback() -> None:
    callback = StatusCallback(statuses=[update("sent"), update("read")])
    assert json.dumps(callback.wire()) == (
        '{"payloadVersion": "0.1", "statuses": ['
        f'{{"msgId": "{MSG_ID}", "status": "sent", "timestamp": "1700000060"}}, '
        f'{{"msgId": "{MSG_ID}", "status": "read", "timestamp": "1700000060"}}]}}'
    )


@pytest.mark.parametrize(
    ("given", "kept"), [("t" * 255, 255), ("t" * 256, 255), ("", 0)], ids=["longest", "cut", "empty"]
)
def test_title_is_cut_to_its_length(given: str, kept: int) -> None:
    assert StatusError(code=CallbackError.OTHER, title=given).wire() == {"code": 1009, "title": "t" * kept}


MEDIA = Media(media_url="https://media.example/1", mime_type="image/png", caption="Look")
MEDIA_JSON = {"mediaURL": "https://media.example/1", "mimeType": "image/png", "caption": "Look"}


@pytest.mark.parametrize(
    ("kind", "content", "written"),
    [
        ("text", Text(body="Thank you"), {"body": "Thank you"}),
        ("location", Location(latitude="-26.2", longitude="28.04"), {"latitude": "-26.2", "longitude": "28.04"}),
        (
            "location",
            Location(latitude=-26.2, longitude=28, name="Till 4", address="1 Main", url="https://m.example"),  # type: ignore[arg-type]
            {"latitude": "-26.2", "longitude": "28", "name": "Till 4", "address": "1 Main", "url": "https://m.example"},
        ),
        ("image", MEDIA, MEDIA_JSON),
        ("video", MEDIA, MEDIA_JSON),
        ("file", MEDIA, MEDIA_JSON),
        ("audio", Media(media_url="https://media.example/2"), {"mediaURL": "https://media.example/2"}),
        ("voice", MEDIA, MEDIA_JSON),
        ("button", Button(payload="7001|collect", text="Collect"), {"payload": "7001|collect", "text": "Collect"}),
    ],
    ids=["text", "location", "named location", "image", "video", "file", "audio", "voice", "button"],
)
def test_incoming(kind: Kind, content: Any, written: dict[str, Any]) -> None:
    message = incoming(kind, content)
    assert message.wire() == {
        "payloadVersion": "0.1",
        "from": "27821230001",
        "wabaNumber": "27999000001",
        "timestamp": "1700000090",
        "type": kind,
        kind: written,
    }
    assert IncomingMessage.model_validate(message.wire()) == message


def test_incoming_answer_names_the_message_it_answers() -> None:
    message = incoming("text", Text(body="Thank you"), answers=MSG_ID)
    assert message.wire()["context"] == {"id": MSG_ID}
    assert message.context is not None


@pytest.mark.parametrize(
    ("kind", "wanted", "members"),
    [("file", True, {"file", "document"}), ("file", False, {"file"}), ("image", True, {"image"})],
    ids=["file", "not wanted", "no file"],
)
def test_document_copy(kind: Kind, wanted: bool, members: set[str]) -> None:
    written = incoming(kind, MEDIA, document_copy=wanted).wire()
    assert {name for name in written if isinstance(written[name], dict)} == members
    assert all(written[name] == MEDIA_JSON for name in members)


STATUS = {"msgId": MSG_ID, "status": "sent", "timestamp": "1700000060"}
MESSAGE = incoming("text", Text(body="Thank you")).wire()


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (StatusUpdate, STATUS | {"msgId": ""}),
        (StatusUpdate, STATUS | {"status": "queued"}),
        (StatusUpdate, STATUS | {"status": "Clicked"}),
        (StatusUpdate, STATUS | {"timestamp": "2023-11-14"}),
        (StatusUpdate, STATUS | {"timestamp": -1}),
        (StatusUpdate, STATUS | {"ts": 1700000060}),
        (StatusUpdate, STATUS | {"status": "failed"}),
        (StatusUpdate, STATUS | {"error": {"code": 1009, "title": "Other"}}),
        (StatusUpdate, STATUS | {"status": "failed", "error": {"code": 2004, "title": "Other"}}),
        (StatusUpdate, STATUS | {"url": "https://shop.example"}),
        (StatusCallback, {"statuses": []}),
        (StatusCallback, {"payloadVersion": "0.2", "statuses": [STATUS]}),
        (IncomingMessage, MESSAGE | {"from": ""}),
        (IncomingMessage, MESSAGE | {"type": "reaction"}),
        (IncomingMessage, MESSAGE | {"type": "image"}),
        (IncomingMessage, MESSAGE | {"button": {"payload": "a", "text": "b"}}),
        (IncomingMessage, MESSAGE | {"document": MEDIA_JSON}),
        (IncomingMessage, MESSAGE | {"type": "file", "file": MEDIA_JSON}),
        (IncomingMessage, MESSAGE | {"sticker": {}}),
        (IncomingMessage, MESSAGE | {"context": {"id": ""}}),
    ],
    ids=[
        "no msgId",
        "unknown status",
        "capitalised status",
        "timestamp as date",
        "negative timestamp",
        "timestamp under another name",
        "failed without error",
        "error without failed",
        "code of a request",
        "url without click",
        "no statuses",
        "another version",
        "no sender",
        "unknown type",
        "content missing",
        "two contents",
        "document without file",
        "file beside text",
        "unknown content",
        "empty context",
    ],
)
def test_other_forms_cannot_be_built(form: type[Callback], value: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        form.model_validate(value)
    assert "Thank you" not in str(caught.value)


@pytest.mark.parametrize(
    "made",
    [FAILED, update("sent"), StatusCallback(statuses=[update("sent")]), incoming("text", Text(body="Thank you"))],
    ids=lambda made: type(made).__name__,
)
def test_callbacks_show_nothing_in_logs(made: Callback) -> None:
    assert repr(made) == f"{type(made).__name__}()"


@pytest.mark.parametrize("context", [None, Context(id="1|2|3|4")], ids=["no answer", "an answer"])
@pytest.mark.parametrize(
    ("kind", "document_copy", "contents"),
    [
        pytest.param("image", False, {"image"}, id="image"),
        pytest.param("voice", False, {"voice"}, id="voice"),
        pytest.param("file", False, {"file"}, id="file"),
        pytest.param("file", True, {"file", "document"}, id="file with its copy"),
        pytest.param("video", True, {"video"}, id="no file, no copy"),
    ],
)
def test_with_media(kind: MediaKind, document_copy: bool, contents: set[str], context: Context | None) -> None:
    words = incoming("text", Text(body="[not available]")).model_copy(update={"context": context})
    media = Media(media_url="https://bridge.example/a", mime_type="x/y", caption="look")
    wire = words.with_media(kind, media, document_copy=document_copy).wire()
    link = {"mediaURL": "https://bridge.example/a", "mimeType": "x/y", "caption": "look"}
    envelope = {name: value for name, value in words.wire().items() if name not in ("text", "type")}
    assert wire == {**envelope, "type": kind, **dict.fromkeys(contents, link)}
    # The words are still there, for who needs them.
    assert words.wire()["text"] == {"body": "[not available]"}


def test_messages_do_not_load_callbacks() -> None:
    program = (
        "import sys; import whatsapp_bridge.clevertap.messages, whatsapp_bridge.clevertap.answers;"
        "print(sorted({'whatsapp_bridge.clevertap.callbacks', 'requests', 'boto3', 'cryptography'} & set(sys.modules)))"
    )
    layer = next(path for path in sys.path if path.endswith("layers/bridge"))
    done = subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": layer}, capture_output=True, check=True)
    assert done.stdout == b"[]\n"
