"""Each BSP's own code of an error, as it goes to the message's journal and the logs; nothing else that may stand in its
place."""

import json
from typing import Any

import pytest

from whatsapp_bridge.net.http import Answer
from whatsapp_bridge.providers.clickatell.codes import status as of_one_api
from whatsapp_bridge.providers.clickatell_common.inbound import status_event
from whatsapp_bridge.providers.clickatell_legacy.codes import status as of_legacy_api
from whatsapp_bridge.providers.cloud_api.answers import outcome as of_meta
from whatsapp_bridge.providers.common.bsp_codes import bsp_code
from whatsapp_bridge.providers.contract.outcomes import NotSent, Rejected, Throttled
from whatsapp_bridge.providers.contract.statuses import StatusEvent
from whatsapp_bridge.providers.gupshup.answers import outcome as of_gupshup
from whatsapp_bridge.providers.gupshup.statuses import report
from whatsapp_bridge.providers.message_central.answers import outcome as of_message_central

NUMBER = "27820000001"


def answer(body: Any, status: int = 400) -> Answer:
    return Answer(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())


def meta(code: Any, **more: Any) -> Answer:
    return answer({"error": {"code": code, "message": "Canary"} | more})


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        pytest.param(of_meta(meta(131026), "Meta"), "131026", id="Meta rejects"),
        pytest.param(of_meta(meta(130429), "Meta"), "130429", id="Meta throttles"),
        pytest.param(of_meta(meta(131000), "Meta"), "131000", id="Meta asks for a retry"),
        pytest.param(of_meta(meta("131099"), "Meta"), "131099", id="Meta, not listed"),
        pytest.param(of_meta(meta(27820000001), "Meta"), None, id="Meta, a number in its place"),
        pytest.param(of_gupshup(answer(b"error | 312 | not opted in", 200)), "312", id="Gupshup"),
        pytest.param(of_gupshup(answer(f"error | {NUMBER} | x".encode(), 200)), None, id="Gupshup, a number"),
        pytest.param(of_gupshup(answer(b"error | Ann Smith | x", 200)), None, id="Gupshup, a name"),
        pytest.param(of_message_central(answer({"responseCode": 804})), "804", id="Message Central"),
        pytest.param(
            of_message_central(answer({"responseCode": 800, "message": "(#131026) Canary"})), "131026", id="its Meta's"
        ),
    ],
)
def test_code_of_an_answer(outcome: Any, expected: str | None) -> None:
    verdict = outcome if isinstance(outcome, Rejected) else outcome.verdict
    assert isinstance(outcome, Rejected | Throttled | NotSent)
    assert verdict.bsp_code == expected


def clickatell(row_of: Any, **members: Any) -> Any:
    element = {"clientMessageId": "m", "messageId": "b", "timestamp": 1_700_000_000_000} | members
    return status_event("status", element, row_of)


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(clickatell(of_one_api, statusCode=29), "29", id="Clickatell"),
        pytest.param(clickatell(of_one_api, status="STOP_MARKETING_MESSAGES"), "STOP_MARKETING_MESSAGES", id="a name"),
        pytest.param(clickatell(of_one_api, statusCode=27820000001), None, id="a number in its place"),
        pytest.param(clickatell(of_one_api, statusCode=5), None, id="no failure"),
        pytest.param(clickatell(of_legacy_api, statusCode=12), "12", id="the legacy API"),
        pytest.param(report({"extra": "m", "eventType": "FAILED", "errorCode": 7, "cause": "X"}), "007", id="Gupshup"),
        pytest.param(
            report({"extra": "m", "eventType": "FAILED", "cause": "DND_FAIL"}), "DND_FAIL", id="Gupshup's cause"
        ),
        pytest.param(report({"extra": "m", "eventType": "FAILED", "cause": "ANN_SMITH"}), None, id="not listed"),
        pytest.param(report({"extra": "m", "eventType": "FAILED", "errorCode": NUMBER}), None, id="not a code"),
    ],
)
def test_code_of_a_status(event: Any, expected: str | None) -> None:
    assert isinstance(event, StatusEvent)
    assert event.bsp_code == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((131026,), "131026"),
        ((-1,), "-1"),
        ((0,), "0"),
        (("00a",), "00a"),
        (("E1007",), "E1007"),
        (("DND_FAIL",), "DND_FAIL"),
        ((None, "SPAM"), "SPAM"),
        (("", "7"), "7"),
        (("12345678",), None),
        (("ann.smith",), None),
        (("Ann Smith",), None),
        (("A" * 41,), None),
        ((None,), None),
    ],
)
def test_what_is_a_code(given: tuple[int | str | None, ...], expected: str | None) -> None:
    assert bsp_code(*given) == expected
