"""Files over the whole stack: links to those of people, followed to S3, and files that One API has lost."""

import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests

from local.accounts import read_accounts
from local.demo.conversation import Conversation
from local.demo.files import picture
from local.demo.messages import freeform_message
from local.sandbox.files import File
from local.stack import Stack
from whatsapp_bridge.accounts.keys import AccountKeys, read_signing_keys
from whatsapp_bridge.media import links as media_links

ACCOUNT, PERSON = "acme-secure", "27821230002"
PICTURE = b"\x89PNG\r\n\x1a\n and what follows"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    # What has to wait for its next try waits seconds.
    accounts = read_accounts()
    # Only such files are used again.
    accounts["acme"]["options"] = {"broadcast_files": True}
    with Stack(accounts, speed=20) as made:
        yield made


@pytest.fixture(scope="module")
def link(stack: Stack) -> str:
    """The link that CleverTap gets to a person's file."""
    stack.bsp("clickatell").person_sends_media(ACCOUNT, PERSON, PICTURE, "image/png", "a.png")
    told = stack.clevertap.wait_for_incoming(lambda incoming: incoming.type == "image", 30)
    assert told is not None
    return str(told.wire["image"]["mediaURL"])


def test_a_link_leads_to_the_file(stack: Stack, link: str) -> None:
    answer = requests.get(link, timeout=20)
    assert [(hop.status_code, hop.url) for hop in answer.history] == [(302, link)]
    assert answer.url.startswith(stack.aws_url)
    assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "image/png", PICTURE)


def changed(query: str, name: str, change: Callable[[str], str]) -> str:
    values = dict(parse_qsl(query))
    return urlencode({**values, name: change(values[name])})


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(lambda path, query: (path, changed(query, "expires", lambda old: str(int(old) + 1))), id="later"),
        pytest.param(
            lambda path, query: (path, changed(query, "signature", lambda old: "01"[old[0] == "0"] + old[1:])),
            id="another signature",
        ),
        pytest.param(lambda path, query: (path[:-1] + "01"[path[-1] == "0"], query), id="another file"),
        pytest.param(lambda path, query: (path.replace(ACCOUNT, "acme"), query), id="another account"),
        pytest.param(lambda path, query: (path.replace(ACCOUNT, "nobody"), query), id="unknown account"),
        pytest.param(lambda path, query: (path, ""), id="no signature"),
    ],
)
def test_a_link_that_was_tampered_with(link: str, tamper: Callable[[str, str], tuple[str, str]]) -> None:
    parts = urlsplit(link)
    path, query = tamper(parts.path, parts.query)
    answer = requests.get(parts._replace(path=path, query=query).geturl(), timeout=20, allow_redirects=False)
    assert (path, query) != (parts.path, parts.query)
    assert (answer.status_code, answer.headers.get("Location")) == (403, None)


@pytest.mark.parametrize(
    ("seconds", "status"), [pytest.param(-1, 403, id="expired"), pytest.param(60, 302, id="still good")]
)
def test_a_link_ends(stack: Stack, link: str, seconds: int, status: int) -> None:
    secret = stack.aws.client("secretsmanager").get_secret_value(SecretId="local-SigningKey")["SecretString"]
    keys = AccountKeys(ACCOUNT, read_signing_keys(secret))
    identifier = urlsplit(link).path.rpartition("/")[2]
    made = media_links.link(stack.url, keys, identifier, int(time.time()) + seconds)
    assert requests.get(made, timeout=20, allow_redirects=False).status_code == status


# Files that One API has lost

UPLOAD, SENT, REFUSED = ("/v1/media", 201), ("/v1/message", 202), ("/v1/message", 400)


@pytest.mark.parametrize(
    ("to", "first", "calls"),
    [
        pytest.param("27821239433", "read", [UPLOAD, REFUSED, UPLOAD, SENT, SENT], id="said at once"),
        pytest.param("27821239480", "failed", [UPLOAD, SENT, UPLOAD, SENT], id="said later"),
    ],
)
def test_a_lost_file_is_uploaded_again(stack: Stack, to: str, first: str, calls: list[tuple[str, int]]) -> None:
    """Once for the message that finds out (in time), or for the next one, and for no other."""
    talk, bsp = Conversation(stack, to), stack.bsp("clickatell")
    address, before = bsp.host_file(f"{to}.png", picture(1, 2, 3), "image/png"), len(bsp.calls)
    for recipient, status in ((to, first), ("27821230001", "read")):
        msg_id = talk.new_id()
        image = freeform_message(msg_id, recipient, talk.waba_number("acme"), "image", {"mediaURL": address})
        talk.send("acme", image)
        assert stack.clevertap.wait_for_status(msg_id, status, 30) is not None
        assert [delivered.file for delivered in bsp.delivered if delivered.msg_id == msg_id] == [
            File(picture(1, 2, 3), "image/png", f"{to}.png")
        ]
    assert [(call.path, call.answer.status) for call in bsp.calls[before:]] == calls
