import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.sandbox.clevertap import CleverTapSandbox, incoming_violations, status_violations

STATUS = {"msgId": "1|2|3|4", "status": "sent", "timestamp": "1647441774"}
FAILED = {**STATUS, "status": "failed", "error": {"code": 1004, "title": "Too many"}}
INCOMING = {
    "payloadVersion": "0.1",
    "from": "27821230001",
    "wabaNumber": "27999000001",
    "timestamp": "1647441774",
    "type": "text",
    "text": {"body": "Hi"},
}


def statuses(*items: Any, **extra: Any) -> dict[str, Any]:
    return {"payloadVersion": "0.1", "statuses": list(items), **extra}


def without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}


@pytest.mark.parametrize(
    ("body", "violations"),
    [
        pytest.param(statuses(STATUS, FAILED), [], id="sent and failed"),
        pytest.param(
            statuses({**STATUS, "status": "clicked", "url": "u", "shortUrl": "s", "userAgent": "a"}), [], id="clicked"
        ),
        pytest.param([], ["body: not an object"], id="no object"),
        pytest.param(
            statuses(STATUS, payloadVersion=0.1), ['payloadVersion: not the string "0.1"'], id="version is a number"
        ),
        pytest.param(statuses(), ["statuses: not a list with elements"], id="no status"),
        pytest.param(statuses(STATUS, x=1), ["x: unknown"], id="unknown key"),
        pytest.param(statuses(STATUS, 1), ["statuses[1].not an object"], id="status is no object"),
        pytest.param(
            statuses(without(STATUS, "msgId")),
            ["statuses[0].msgId: missing", "statuses[0].msgId: not a text"],
            id="no msgId",
        ),
        pytest.param(
            statuses({**STATUS, "status": "Sent"}), ["statuses[0].status: not one of CleverTap's"], id="unknown status"
        ),
        pytest.param(
            statuses({**STATUS, "timestamp": 1647441774}),
            ["statuses[0].timestamp: not a string of seconds"],
            id="timestamp is a number",
        ),
        pytest.param(
            statuses({**STATUS, "timestamp": "1647441774000"}),
            ["statuses[0].timestamp: not a string of seconds"],
            id="milliseconds",
        ),
        pytest.param(statuses(without(FAILED, "error")), ["statuses[0].error: missing"], id="failed without error"),
        pytest.param(
            statuses({**STATUS, "error": FAILED["error"]}), ["statuses[0].error: unknown"], id="sent with error"
        ),
        pytest.param(
            statuses({**FAILED, "error": {"code": "1004", "title": "x"}}),
            ["statuses[0].error.code: not a number from 1000 to 1010"],
            id="code is a text",
        ),
        pytest.param(
            statuses({**FAILED, "error": {"code": 1011, "title": "x"}}),
            ["statuses[0].error.code: not a number from 1000 to 1010"],
            id="unknown code",
        ),
        pytest.param(
            statuses({**FAILED, "error": {"code": 1004, "title": ""}}),
            ["statuses[0].error.title: not a text"],
            id="empty title",
        ),
    ],
)
def test_status_shapes(body: Any, violations: list[str]) -> None:
    assert status_violations(body) == violations


@pytest.mark.parametrize(
    ("body", "violations"),
    [
        pytest.param(INCOMING, [], id="text"),
        pytest.param({**INCOMING, "context": {"id": "1|2"}}, [], id="with context"),
        pytest.param(
            {**without(INCOMING, "text"), "type": "button", "button": {"payload": "p", "text": "t"}}, [], id="button"
        ),
        pytest.param(
            {**without(INCOMING, "text"), "type": "file", "file": {"mediaURL": "u", "mimeType": "m"}, "document": {}},
            [],
            id="file with its copy",
        ),
        pytest.param({**INCOMING, "type": "contacts"}, ["type: not one of CleverTap's"], id="unknown type"),
        pytest.param(
            {**INCOMING, "payloadVersion": 0.1}, ['payloadVersion: not the string "0.1"'], id="version is a number"
        ),
        pytest.param({**INCOMING, "from": "+27821230001"}, ["from: not digits"], id="plus sign"),
        pytest.param(
            {**INCOMING, "timestamp": 1647441774}, ["timestamp: not a string of seconds"], id="timestamp is a number"
        ),
        pytest.param(
            {**INCOMING, "context": {"id": None}},
            ["context: not an object with only the text id"],
            id="context without id",
        ),
        pytest.param(
            {**INCOMING, "context": None}, ["context: not an object with only the text id"], id="null context"
        ),
        pytest.param({**INCOMING, "button": {}}, ["button: unknown"], id="object of another type"),
        pytest.param({**INCOMING, "text": {}}, ["text.body: missing"], id="empty text"),
        pytest.param({**INCOMING, "text": {"body": 1}}, ["text.body: not a string"], id="text is a number"),
        pytest.param(without(INCOMING, "text"), ["text: missing", "text: not an object"], id="no object"),
    ],
)
def test_incoming_shapes(body: Any, violations: list[str]) -> None:
    assert incoming_violations(body) == violations


@pytest.fixture
def clevertap() -> Iterator[CleverTapSandbox]:
    with CleverTapSandbox() as sandbox:
        yield sandbox


def post(url: str, body: Any, timeout: float = 10) -> int:
    return requests.post(url, data=json.dumps(body), timeout=timeout).status_code


def test_keeps_what_it_understands(clevertap: CleverTapSandbox) -> None:
    assert post(clevertap.status_url("acme"), statuses(STATUS, FAILED)) == 200
    assert post(clevertap.incoming_url("acme"), {**INCOMING, "context": {"id": "1|2"}}) == 200
    assert clevertap.statuses_of("1|2|3|4") == ["sent", "failed"]
    failed = clevertap.wait_for_status("1|2|3|4", "failed", 0)
    assert failed is not None
    assert (failed.account, failed.error) == ("acme", (1004, "Too many"))
    found = clevertap.wait_for_incoming(lambda incoming: incoming.type == "text", 0)
    assert found is not None
    assert found.context_id == "1|2"
    assert clevertap.violations == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        pytest.param("/acme/status", statuses(), 400, id="malformed"),
        pytest.param("/acme/other", statuses(STATUS), 404, id="unknown URL"),
    ],
)
def test_refuses_what_it_does_not(clevertap: CleverTapSandbox, path: str, body: Any, status: int) -> None:
    assert post(clevertap.url + path, body) == status
    assert clevertap.statuses == []
    assert bool(clevertap.violations) == (status == 400)


def test_not_json(clevertap: CleverTapSandbox) -> None:
    assert requests.post(clevertap.status_url("acme"), data=b"{", timeout=10).status_code == 400
    assert clevertap.violations == ["status: body: not JSON"]


def test_faults(clevertap: CleverTapSandbox) -> None:
    clevertap.fail_next(2, 429)
    clevertap.fail_next(1, 500)
    assert [post(clevertap.status_url("acme"), statuses(STATUS)) for _ in range(4)] == [429, 429, 500, 200]
    assert (len(clevertap.statuses), clevertap.requests) == (1, 4)


def test_hang(clevertap: CleverTapSandbox) -> None:
    clevertap.hang_next(1)
    with pytest.raises(requests.ReadTimeout):
        post(clevertap.status_url("acme"), statuses(STATUS), timeout=0.1)
    assert post(clevertap.status_url("acme"), statuses(STATUS)) == 200
    assert len(clevertap.statuses) == 1


def test_waits_end(clevertap: CleverTapSandbox) -> None:
    assert clevertap.wait_for_status("1|2|3|4", "sent", 0.01) is None
    assert clevertap.wait_for_incoming(lambda incoming: True, 0.01) is None
