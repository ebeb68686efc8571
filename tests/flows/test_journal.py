"""What stands in a message's item after each way that it can take; a time is written as seconds since the start."""

import json
import re
from typing import Any

import pytest

from tests.conftest import Log
from tests.support.failures import failing
from tests.support.ways import MSG_ID, WAYS, hear, send
from tests.support.world import START, freeform, json_answer, world
from whatsapp_bridge.clevertap.messages import MAX_MSG_ID_LENGTH
from whatsapp_bridge.flows.hops import MAX_HOPS
from whatsapp_bridge.providers.contract.outcomes import Rejected

ATTRIBUTES = ["acc", "wp", "wr", "t0", "t1", "t2", "t3", "vb", "nx", "f", "r1", "r2", "r3", "r9", "x", "k", "cl", "c1"]
LIMIT = 21_600
UNTIL = 345_610
"""When CleverTap's four days end for what was heard after ten seconds."""

EXPECTED: dict[str, dict[str, Any]] = {
    "read": {"t1": "1 +0 a", "r1": "+9 +10 +10", "r2": "+19 +20 +20", "r3": "+29 +30 +30"},
    "throttled_twice": {"t1": "1 +0 t 43", "t2": "2 +1 t 43", "t3": "3 +3 a", "vb": "43", "nx": 3},
    "rejected": {"t1": "1 +0 r", "f": "1006 26 Recipient opted out", "r9": "+0 +0 +0"},
    "failed_later": {"t1": "1 +0 a", "f": "1005 29 Recipient does not exist on channel", "r9": "+9 +10 +10"},
    # The BSP has skipped "sent".
    "lost_then_confirmed": {
        "t1": "1 +0 u - answer lost: ReadTimeout",
        "r1": "+59 +60 +60",
        "r2": "+59 +60 +60",
    },
    "lost_then_failed": {
        "t1": "1 +0 u - answer lost: ReadTimeout",
        "f": "1009 - delivery could not be confirmed",
        "r9": "+960 +960 +960",
    },
    "lost_then_queued_by_the_bsp": {"t1": "1 +0 u - answer lost: ReadTimeout", "k": 10},
    "still_lost": {"t1": "1 +0 u - answer lost: ReadTimeout"},
    "held_by_the_breaker": {"wp": "1 +0 +0", "t1": "1 +16 a"},
    "not_reached_once": {"t1": "1 +0 n - not reached: ConnectTimeout", "t2": "2 +1 a", "vb": "", "nx": 1},
    "throttled_until_its_time_is_over": {
        "t3": "43 +20340 t 43",
        "t0": "44 +20940 t 43",
        "t1": "45 +21540 t 43",
        "t2": "46 +21597 g 43 throttled",
        "vb": "43",
        "nx": 21_597,
        "f": "1004 43 Rate limit",
        "r9": "+21597 +21597 +21597",
    },
    "late": {
        "t1": "1 +21600 g - its time was over",
        "f": "1009 - not accepted by the provider in time",
        "r9": "+21600 +21600 +21600",
    },
    # Three reports of two clicks. A reply writes nothing here.
    "clicked_and_answered": {
        "t1": "1 +0 a",
        "r1": "+9 +10 +10",
        "r2": "+19 +20 +20",
        "r3": "+29 +30 +30",
        "cl": 3,
        "c1": 35,
    },
    "not_taken_by_clevertap": {
        "t1": "1 +0 a",
        "x": f"+12 2 1 +10 +22 +{UNTIL} HTTP 500",
        "r1": "+9 +10 +22",
    },
    "waiting_for_clevertap": {"t1": "1 +0 a", "x": f"+10 1 1 +10 +12 +{UNTIL} HTTP 500"},
    "refused_by_clevertap": {"t1": "1 +0 a", "x": f"+10 1 1 +10 0 +{UNTIL} HTTP 400"},
}
TIMES_ALONE = {"nx", "k", "c1"}


def since_start(name: str, value: Any) -> Any:
    if name in TIMES_ALONE:
        return value - int(START)
    return re.sub(r"\b17\d{8}\b", lambda at: f"+{int(at[0]) - int(START)}", value) if isinstance(value, str) else value


@pytest.mark.parametrize("name", WAYS)
def test_journal_of_a_way(name: str) -> None:
    with world() as made:
        WAYS[name](made)
        item = made.table.get(f"msg#acme#{MSG_ID}") or {}

    found = {name: since_start(name, item[name]) for name in ATTRIBUTES if name in item}
    assert found == {"acc": f"+0 {LIMIT}", **EXPECTED[name]}
    # Neither a number nor a text of a person or message.
    assert not re.search("27820000001|Ann|Canary|reply", str({name: item[name] for name in found}))


def test_ordinary_message_stays_below_the_size_that_is_billed_as_one_write() -> None:
    """Also with the longest msgId, while its statuses are told."""
    with world() as made:
        longest = "9" + "|" * (MAX_MSG_ID_LENGTH - 1)
        sizes = [0]

        def measured(operation: str, parameters: Any) -> None:
            if operation == "UpdateItem":
                item = made.table.get(f"msg#acme#{longest}") or {}
                sizes.append(sum(len(name) + len(str(value)) for name, value in item.items()))

        made.fail = measured
        made.send(freeform(longest))
        made.run()
        for code in (4, 5, 6):
            made.now += 10
            update = {"timestamp": int(made.now) * 1000, "statusCode": code, "status": "X", "messageId": "m" * 64}
            event = {"messageStatusUpdate": [{"channel": "whatsapp", "clientMessageId": longest, **update}]}
            assert made.callback({"integrationId": "i", "integrationName": "n", "event": event}).status == 200
            made.run()

    assert made.told[-1] == (longest, "read")
    assert 400 < max(sizes) < 1024


def test_freeform_message_that_is_released_says_when_it_comes_back() -> None:
    """It stays the same queue message."""
    with world() as made:
        made.bsp = lambda url, payload: json_answer(429, {})
        made.send(freeform("a"))
        made.run()
        item = made.table.get("msg#acme#a") or {}

    assert (since_start("t1", item["t1"]), since_start("nx", item["nx"])) == ("1 +0 t", 1)


def test_claim_that_is_withdrawn_is_no_attempt() -> None:
    with world() as made:
        # It is written, and its answer lost.
        made.fail = failing("UpdateItem", 1, f"msg#acme#{MSG_ID}")
        send(made)
        made.pump()
        item = made.table.get(f"msg#acme#{MSG_ID}") or {}

    assert item["state"] == "accepted"
    assert item["t1"].split()[2] == "a"


def test_redriven_message_forgets_why_it_was_held() -> None:
    with world() as made:
        made.bsp = lambda url, payload: json_answer(429, {})
        send(made)
        (body,) = made.emptied("CampaignQueue")
        body |= {"hops": MAX_HOPS, "held": {"paused": [2, 5, 9]}}
        made.sqs.send_message(QueueUrl=made.url("CampaignQueue"), MessageBody=json.dumps(body))
        made.run()
        item = made.table.get(f"msg#acme#{MSG_ID}") or {}
        (given_up,) = made.emptied("CampaignDeadLetterQueue")

    assert item["wp"] == "2 5 9"
    assert "held" not in given_up


# --- logs ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "message", "expected"),
    [
        pytest.param("read", "status told", [{"msgId": MSG_ID, "status": s} for s in ("sent", "delivered", "read")]),
        pytest.param(
            "failed_later", "status told", [{"msgId": MSG_ID, "status": "failed", "code": 1005, "bspCode": "29"}]
        ),
        pytest.param("rejected", "message rejected", [{"msgId": MSG_ID, "code": 1006, "bspCode": "26"}]),
        pytest.param("refused_by_clevertap", "status dead-lettered", [{"msgId": MSG_ID, "status": "sent"}]),
    ],
)
def test_what_is_told_or_given_up_is_logged_one_by_one(
    log: Log, way: str, message: str, expected: list[dict[str, Any]]
) -> None:
    with world() as made:
        WAYS[way](made)

    lines = [line for line in log.entries if line["message"] == message]
    assert [{name: line[name] for name in keys} for line, keys in zip(lines, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        pytest.param(freeform("a|1", type="nothing"), "a|1", id="one that is read"),
        pytest.param({"body": freeform("a|1", type="nothing")}, "a|1", id="in a body"),
        pytest.param(freeform("a|1", to="+27820000001", wabaNumber="27000000000"), "a|1", id="of another number"),
        pytest.param(freeform("27820000001", type="nothing"), None, id="what may be a number"),
        pytest.param(freeform("a b", type="nothing"), None, id="with a blank"),
        pytest.param(freeform("a" * 129, type="nothing"), None, id="too long"),
        pytest.param(freeform("a|1", msgId={"x": 1}), None, id="an object"),
        pytest.param(freeform("a|1", msgId=[]), None, id="a list"),
        pytest.param([], None, id="no object"),
        pytest.param(b"{", None, id="no JSON"),
        pytest.param(b'{"msgId": "a|1", "x": "' + b"x" * 260_000 + b'"}', None, id="too large"),
    ],
)
def test_refused_message_is_one_line_with_its_msg_id(log: Log, body: Any, shown: str | None) -> None:
    with world() as made:
        made.send(body)

    (line,) = [line for line in log.entries if line["message"] == "message refused"]
    assert line.get("msgId") == shown
    assert "27820000001" not in log.text


def test_status_of_nobodys_message_is_quarantined_with_its_names(log: Log) -> None:
    with world() as made:
        hear(made, 29)
        made.pump(hours=2)

    (line,) = [line for line in log.entries if line["message"] == "quarantined"]
    assert (line["msgId"], line["status"], line["code"], line["bspCode"]) == (MSG_ID, "failed", 1005, "29")


def test_bsp_code_makes_no_other_outcome() -> None:
    assert Rejected(1009, "x", bsp_code="1") == Rejected(1009, "x")
