"""functions/*/app.py with the environment of template.yaml: imported, and called with events of API Gateway and SQS."""

import gzip
import importlib.util
import json
import os
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import time
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from local.gateway import Router
from local.simulation.sqs import event_record
from tests.conftest import Log
from tests.support.world import (
    OK,
    PUBLIC_URL,
    REGION,
    SIGNING_KEY,
    TOKEN,
    World,
    accept_all,
    account,
    freeform,
    keys_of,
    mo_text,
    status_update,
    template,
    world,
)
from tests.templates.samples import entry
from whatsapp_bridge.media.links import link
from whatsapp_bridge.net.http import HttpClient
from whatsapp_bridge.providers.cloud_api.templates import of_entry
from whatsapp_bridge.runtime.settings import SettingInvalid
from whatsapp_bridge.store import aws
from whatsapp_bridge.store.templates import Registry

ROOT = Path(__file__).parents[1]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world whose AWS the functions' own clients reach, and whose BSP and CleverTap their HTTP does."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    aws.client.cache_clear()
    aws._session.cache_clear()
    with world() as fresh:
        monkeypatch.setattr(HttpClient, "post_json", lambda client, *arguments: fresh.http.post_json(*arguments))
        yield fresh
    aws.client.cache_clear()
    aws._session.cache_clear()


@pytest.fixture
def function(made: World, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """A function's module, imported like at a cold start."""

    def load(logical_id: str) -> ModuleType:
        declared = made.deployment.functions[logical_id]
        for name, value in declared.environment.items():
            if not name.startswith("POWERTOOLS_"):
                monkeypatch.setenv(name, value)
        file, _, handler = declared.handler.partition(".")
        spec = importlib.util.spec_from_file_location(f"{logical_id}.{file}", declared.code / f"{file}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert callable(getattr(module, handler))
        return module

    return load


class Context:
    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def http(
    body: bytes, path: dict[str, str], *, method: str = "POST", base64: bool = False, **headers: str
) -> dict[str, Any]:
    return {
        "version": "2.0",
        "pathParameters": path,
        "headers": {"Content-Type": "application/json", **headers},
        "requestContext": {"http": {"method": method}},
        "isBase64Encoded": base64,
        "body": b64encode(body).decode() if base64 else body.decode(),
    }


def batch(made: World, queue: str) -> dict[str, Any]:
    found = made.sqs.receive_message(QueueUrl=made.url(queue), MaxNumberOfMessages=10, AttributeNames=["All"])
    arn = made.deployment.queues[queue].arn
    return {"Records": [event_record(message, arn, REGION) for message in found["Messages"]]}


BASIC = "Basic dXNlcjphLWxvbmctcGFzc3dvcmQ="


@pytest.mark.parametrize("base64", [False, True], ids=["text", "base64"])
@pytest.mark.parametrize(
    ("body", "headers", "status", "answer", "queue"),
    [
        pytest.param(
            json.dumps(template()).encode(),
            {"Authorization": BASIC},
            200,
            {"status": "success"},
            "CampaignQueue",
            id="template",
        ),
        pytest.param(
            json.dumps(freeform()).encode(),
            {"AUTHORIZATION": BASIC},
            200,
            {"status": "success"},
            "ConversationQueue",
            id="freeform",
        ),
        pytest.param(b"x", {"authorization": BASIC}, 403, {"message": "Bad Request"}, None, id="not JSON"),
        pytest.param(
            b"x",
            {},
            200,
            {"status": "failure", "error": {"code": 2000, "message": "Invalid credentials"}},
            None,
            id="no credentials",
        ),
    ],
)
def test_send(
    made: World,
    function: Callable[[str], ModuleType],
    base64: bool,
    body: bytes,
    headers: dict[str, str],
    status: int,
    answer: Any,
    queue: str | None,
) -> None:
    app = function("SendFunction")
    answered = app.handler(http(body, {"account": "acme"}, base64=base64, **headers), Context())
    assert (answered["statusCode"], json.loads(answered["body"])) == (status, answer)
    assert answered["headers"] == {"content-type": "application/json"}
    assert {name: made.depth(name) for name in ("CampaignQueue", "ConversationQueue")} == {
        name: int(name == queue) for name in ("CampaignQueue", "ConversationQueue")
    }


@pytest.mark.parametrize(
    ("path", "status"),
    [("send/", 200), ("send//", 200), ("sent/", 404), ("send/x", 404), ("status/", 404), ("x", 404)],
)
def test_send_by_an_address_with_a_slash_at_its_end(
    made: World,
    function: Callable[[str], ModuleType],
    capsys: pytest.CaptureFixture[str],
    path: str,
    status: int,
) -> None:
    event = http(json.dumps(template()).encode(), {"account": "acme", "proxy": path}, authorization=BASIC)

    answered = function("SendFunction").handler(event, Context())

    assert answered["statusCode"] == status
    assert json.loads(answered["body"]) == ({"status": "success"} if status == 200 else {"message": "Not Found"})
    assert made.depth("CampaignQueue") == int(status == 200)
    assert ("PathsUnknown" in capsys.readouterr().out) is (status == 404)


ADDRESSES = (
    ("POST", "/acme/send"),
    *((method, f"/acme/{kind}/{TOKEN}") for method in ("POST", "GET") for kind in ("incoming", "status")),
    *((method, f"/acme/media/{'0' * 32}") for method in ("GET", "HEAD")),
)


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_an_address_with_a_slash_at_its_end_leads_to_the_same_function(made: World, method: str, address: str) -> None:
    router = Router(made.deployment.routes)
    plain, with_slash = router.find(method, address), router.find(method, f"{address}/")

    assert plain is not None
    assert with_slash is not None
    assert with_slash[0].function == plain[0].function
    assert with_slash[1]["account"] == "acme"


@pytest.mark.parametrize("logical_id", ["IncomingFunction", "StatusFunction"])
@pytest.mark.parametrize(
    ("method", "body", "token", "status", "stored"),
    [
        pytest.param("POST", json.dumps(mo_text()).encode(), TOKEN, 200, "RepliesQueue", id="reply"),
        pytest.param("POST", json.dumps(mo_text()).encode(), f"{TOKEN}/", 200, "RepliesQueue", id="slash at the end"),
        pytest.param("POST", json.dumps(mo_text()).encode(), f"{TOKEN}/x", 403, None, id="more behind a slash"),
        pytest.param("POST", json.dumps(status_update("a", 4)).encode(), TOKEN, 200, "StatusesQueue", id="status"),
        pytest.param("POST", b'{"event": {"moNew": [1]}}', TOKEN, 200, "QuarantineQueue", id="unknown kind"),
        pytest.param("POST", gzip.compress(json.dumps(mo_text()).encode()), TOKEN, 200, "RepliesQueue", id="packed"),
        pytest.param("POST", b"x", TOKEN, 200, "QuarantineQueue", id="unreadable"),
        pytest.param("POST", b"{}", TOKEN, 200, None, id="a test of the URL"),
        pytest.param("POST", b'{"a": 1}', TOKEN, 200, "QuarantineQueue", id="unknown shape"),
        pytest.param("POST", json.dumps(mo_text()).encode(), "x", 403, None, id="wrong token"),
        pytest.param("GET", b"", TOKEN, 400, None, id="GET"),
    ],
)
def test_callbacks(
    made: World,
    function: Callable[[str], ModuleType],
    logical_id: str,
    method: str,
    body: bytes,
    token: str,
    status: int,
    stored: str | None,
) -> None:
    app = function(logical_id)
    # API Gateway hands out what is no text in base64.
    event = http(body, {"account": "acme", "token": token}, method=method, base64=body.startswith(b"\x1f"))
    answered = app.handler(event, Context())
    assert answered["statusCode"] == status
    queues = ("RepliesQueue", "StatusesQueue", "QuarantineQueue")
    assert {name: made.depth(name) for name in queues} == {name: int(name == stored) for name in queues}


def media(link: str) -> dict[str, Any]:
    """API Gateway's event of a link that somebody follows."""
    parts = urlsplit(link)
    _, account_name, _, identifier = parts.path.split("/")
    event = http(b"", {"account": account_name, "id": identifier}, method="GET")
    query = dict(parse_qsl(parts.query))
    # Absent where there is none.
    return {**event, "queryStringParameters": query} if query else event


ACME = keys_of()
EXPIRES = int(time()) + 86_400
LINK = link(PUBLIC_URL, ACME, "0" * 32, EXPIRES)


def test_media(made: World, function: Callable[[str], ModuleType]) -> None:
    app = function("MediaFunction")
    answered = app.handler(media(LINK), Context())
    location = urlsplit(answered["headers"].pop("location"))
    assert location.scheme == "https"
    assert location.path.endswith(f"/media/acme/{'0' * 32}")
    assert "X-Amz-Signature" in location.query
    assert answered == {
        "statusCode": 302,
        "headers": {
            "content-type": "text/plain; charset=utf-8",
            "cache-control": "private, no-store",
            "referrer-policy": "no-referrer",
        },
        "body": "",
    }


@pytest.mark.parametrize(
    ("address", "status"), [(LINK, 302), (LINK.partition("?")[0], 403)], ids=["good", "no signature"]
)
def test_head_is_answered_like_get_without_a_body(
    made: World, function: Callable[[str], ModuleType], address: str, status: int
) -> None:
    app, get, head = function("MediaFunction"), media(address), media(address)
    head["requestContext"]["http"]["method"] = "HEAD"
    for_get, for_head = app.handler(get, Context()), app.handler(head, Context())
    locations = [answered["headers"].pop("location", None) for answered in (for_get, for_head)]
    assert for_head == for_get | {"body": ""}
    assert for_head["statusCode"] == status
    if status == 302:
        # Each is signed for its own method.
        assert len(set(locations)) == 2


def test_a_link_with_a_slash_at_the_end_of_its_path_is_the_same(
    made: World, function: Callable[[str], ModuleType]
) -> None:
    event = media(LINK)
    event["pathParameters"]["id"] += "/"

    assert function("MediaFunction").handler(event, Context())["statusCode"] == 302


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(LINK.partition("?")[0], id="no signature"),
        pytest.param(LINK.replace(str(EXPIRES), str(EXPIRES + 1)), id="another time"),
        pytest.param(LINK.replace("/acme/", "/other/"), id="no such account"),
        pytest.param(link(PUBLIC_URL, ACME, "0" * 32, 1_000_000_000), id="expired"),
        pytest.param(link(PUBLIC_URL, ACME, "0" * 32, EXPIRES + 30 * 86_400), id="valid for longer than links are"),
    ],
)
def test_no_media(made: World, function: Callable[[str], ModuleType], log: Log, wrong: str) -> None:
    answered = function("MediaFunction").handler(media(wrong), Context())
    assert answered == {
        "statusCode": 403,
        "headers": {
            "content-type": "text/plain; charset=utf-8",
            "cache-control": "private, no-store",
            "referrer-policy": "no-referrer",
        },
        "body": "This link is not valid or has expired.",
    }
    assert log.text == ""


def listing(query: dict[str, str] | None = None, *, domain: str = "abc.example", **headers: str) -> dict[str, Any]:
    event = http(b"", {"account": "acme"}, method="GET", **headers)
    event |= {"rawPath": "/acme/templates", "rawQueryString": urlencode(query or {})}
    event["requestContext"]["domainName"] = domain
    return event | ({"queryStringParameters": query} if query else {})


@pytest.mark.parametrize(
    ("public_url", "domain", "headers", "address"),
    [
        pytest.param("", "abc.example", {}, "https://abc.example/acme/templates", id="the API's own"),
        pytest.param("", "abc.example", {"X-Forwarded-Proto": "https"}, "https://abc.example/acme/templates", id="TLS"),
        pytest.param("https://wa.example", "wa.example", {}, "https://wa.example/acme/templates", id="custom domain"),
        pytest.param("https://wa.example", "abc.example", {}, "https://abc.example/acme/templates", id="not that one"),
        pytest.param(
            "https://wa.example/bridge", "WA.example", {}, "https://wa.example/bridge/acme/templates", id="API mapping"
        ),
        pytest.param(
            "", "127.0.0.1:8080", {"X-Forwarded-Proto": "http"}, "http://127.0.0.1:8080/acme/templates", id="local"
        ),
    ],
)
def test_pages_of_templates_lead_on_below_the_address_that_was_called(
    made: World,
    function: Callable[[str], ModuleType],
    public_url: str,
    domain: str,
    headers: dict[str, str],
    address: str,
) -> None:
    registry = Registry(made.table)
    news = [of_entry(entry(name=f"t{number}", id=str(number)), int(made.now), "a file") for number in range(3)]
    registry.take("account:acme", [one for one in news if one is not None])
    registry.complete("account:acme", int(made.now), "a file")
    app = function("ImportFunction")
    app.public_url = public_url
    asked = listing({"limit": "2"}, domain=domain, authorization=BASIC, **headers)
    first = app.handler(asked, Context())
    assert (first["statusCode"], first["headers"]) == (200, {"content-type": "application/json"})
    following = urlsplit(json.loads(first["body"])["paging"]["next"])
    assert following._replace(query="").geturl() == address
    query = {name: value for name, (value,) in parse_qs(following.query).items()}
    last = app.handler(listing(query, domain=domain, authorization=BASIC), Context())
    assert [each["name"] for each in json.loads(last["body"])["data"]] == ["t2"]
    assert set(json.loads(last["body"])["paging"]) == {"cursors"}
    assert set(json.loads(last["body"])["paging"]["cursors"]) == {"before"}


@pytest.mark.parametrize(
    ("headers", "status", "body"),
    [
        pytest.param(
            {},
            401,
            {"status": "failure", "error": {"code": 2000, "message": "Invalid credentials"}},
            id="no credentials",
        ),
        pytest.param(
            {"authorization": BASIC},
            503,
            {"status": "failure", "error": {"message": "Unable to process the request"}},
            id="no complete sync",
        ),
    ],
)
def test_no_templates(
    made: World, function: Callable[[str], ModuleType], headers: dict[str, str], status: int, body: Any
) -> None:
    answered = function("ImportFunction").handler(listing(**headers), Context())
    assert (answered["statusCode"], json.loads(answered["body"])) == (status, body)


@pytest.mark.parametrize(("path", "status"), [("templates/", 503), ("templates//", 503), ("x", 404), ("send", 404)])
def test_the_import_with_a_slash_at_its_end(
    made: World,
    function: Callable[[str], ModuleType],
    capsys: pytest.CaptureFixture[str],
    path: str,
    status: int,
) -> None:
    event = listing(authorization=BASIC)
    event["pathParameters"]["proxy"] = path
    assert function("ImportFunction").handler(event, Context())["statusCode"] == status
    assert ("PathsUnknown" in capsys.readouterr().out) is (status == 404)


def test_the_whole_way(made: World, function: Callable[[str], ModuleType], log: Log) -> None:
    # The functions have the clock of this machine.
    made.now = time()
    made.bsp, made.clevertap = accept_all, lambda url, payload: OK
    send, dispatch, incoming, forward = (
        function(f"{name}Function") for name in ("Send", "Dispatch", "Incoming", "Forward")
    )
    for message in (template("a"), freeform("b")):
        body = json.dumps(message).encode()
        send.handler(http(body, {"account": "acme"}, authorization=BASIC), Context())
    for queue in ("CampaignQueue", "ConversationQueue"):
        assert dispatch.handler(batch(made, queue), Context()) == {"batchItemFailures": []}
    assert made.sent_by_id() == {"a": 1, "b": 1}
    for callback in (status_update("a", 5), mo_text(relatedClientMessageId="a")):
        path = {"account": "acme", "token": TOKEN}
        assert incoming.handler(http(json.dumps(callback).encode(), path), Context())["statusCode"] == 200
    for queue in ("StatusesQueue", "RepliesQueue"):
        assert forward.handler(batch(made, queue), Context()) == {"batchItemFailures": []}
    assert made.told == [("a", "sent"), ("a", "delivered")]
    assert made.replies[0]["context"] == {"id": "a"}
    for private in ("27820000001", "Hi Ann", "a reply", "secret-api-key", TOKEN, "dXNlcjphLWxvbmctcGFzc3dvcmQ="):
        assert private not in log.text


NAMES = ("Send", "Dispatch", "Incoming", "Status", "Forward", "Media", "Import", "Templates")


@pytest.mark.parametrize(
    "logical_id",
    [f"{name}Function" for name in NAMES],
)
def test_a_missing_setting_stops_the_start_by_its_name(
    made: World, function: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch, logical_id: str
) -> None:
    declared = made.deployment.functions[logical_id]
    missing = "SIGNING_KEY_SECRET" if logical_id == "MediaFunction" else "ACCOUNT_SECRET_PREFIX"
    less = {name: value for name, value in declared.environment.items() if name != missing}
    monkeypatch.setitem(made.deployment.functions, logical_id, replace(declared, environment=less))
    with pytest.raises(SettingInvalid, match=f"{missing} is missing"):
        function(logical_id)


HEAVY = ("requests", "cryptography", "boto3", "whatsapp_bridge.store.keys")
NOT_TO_SEND = ("whatsapp_bridge.providers.clickatell.client", "whatsapp_bridge.providers.contract")
NOT_TO_RECEIVE = ("whatsapp_bridge.clevertap.messages", "whatsapp_bridge.accounts.countries")
# It has nothing to do with accounts.
NOT_TO_SHOW = ("whatsapp_bridge.clevertap.callbacks", "whatsapp_bridge.accounts.account", "pydantic")


@pytest.mark.parametrize(
    ("logical_id", "forbidden"),
    [
        pytest.param("SendFunction", (*HEAVY, *NOT_TO_SEND), id="send"),
        pytest.param("IncomingFunction", (*HEAVY, *NOT_TO_RECEIVE), id="incoming"),
        pytest.param("StatusFunction", (*HEAVY, *NOT_TO_RECEIVE), id="status"),
        pytest.param("MediaFunction", (*HEAVY, *NOT_TO_SHOW), id="media"),
    ],
)
def test_what_a_start_and_a_first_event_do_not_import(made: World, logical_id: str, forbidden: tuple[str, ...]) -> None:
    """In a process of its own: this one has long imported everything."""
    declared = made.deployment.functions[logical_id]
    body = json.dumps(template() if logical_id == "SendFunction" else mo_text()).encode()
    event = http(body, {"account": "acme", "token": TOKEN}, authorization=BASIC)
    if logical_id == "MediaFunction":
        event = media(LINK)
    program = f"""
import json, sys
sys.path[:0] = ["layers/bridge", {str(declared.code)!r}]
# The development tools bring them, the layer has neither; botocore uses them where they are.
sys.modules["OpenSSL"] = sys.modules["awscrt"] = None
from unittest.mock import patch
from whatsapp_bridge.store import signing
from whatsapp_bridge.store.queues import Queue
sent = []
texts = {{"test/accounts/acme": {json.dumps(json.dumps(account()))}, "test-SigningKey": {json.dumps(SIGNING_KEY)}}}
with patch.object(signing, "read_together", lambda _, *names: {{name: texts[name] for name in names}}), \\
     patch.object(signing, "read", lambda _, name: texts[name]), \\
     patch.object(Queue, "_call", lambda queue, operation, **_: sent.append(operation) or {{}}):
    import app
    answer = app.handler(json.loads({json.dumps(json.dumps(event))}), None)
print(json.dumps([answer["statusCode"], sent, [name for name in {forbidden!r} if name in sys.modules]]))
"""
    environment = {**os.environ, **declared.environment, "POWERTOOLS_METRICS_DISABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    operation = "send_message" if logical_id == "SendFunction" else "send_message_batch"
    expected = [302, [], []] if logical_id == "MediaFunction" else [200, [operation], []]
    assert json.loads(done.stdout.splitlines()[-1]) == expected
