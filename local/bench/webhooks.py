"""Meta's largest webhooks, 1000 updates in 3 MB or in the fewest bytes: how fast they are read, and the time and memory
that `incoming` needs to store the largest."""

import hmac
import json
import statistics
from collections.abc import Callable
from time import perf_counter, thread_time
from typing import Any

from pydantic_core import from_json

from local.bench.cases import EVENTS, META_ACCOUNT
from local.bench.measure import Bench, BenchError
from local.bench.memory import forget_peak, resident
from local.bench.peers import Peers
from local.bench.report import Check
from local.runtime import FunctionError
from whatsapp_bridge.providers.cloud_api import inbound
from whatsapp_bridge.providers.contract.inbound import Callback

UPDATES, BYTES = 1000, 3_000_000
MAX_RATIO = 12.0
"""Times the time of `json.loads` for the same bytes."""
MAX_SECONDS, MAX_MEGABYTES = 10.0, 512
_RUNS = 15
_EVENT = "incoming-text-meta"


def parsing() -> list[Check]:
    """Raises `BenchError` if an update is lost."""
    return [_parsing(f"{UPDATES} updates", _webhook()), _parsing(f"{UPDATES} bare statuses", _statuses())]


def _parsing(what: str, raw: bytes) -> Check:
    callback = Callback("POST", {}, {}, raw)
    found = inbound.split(callback)
    if len(found) != UPDATES:
        raise BenchError(f"webhooks: {len(found)} events of {UPDATES} updates")
    # Alternate, and count processor time: a busy machine interrupts the longer of the two more often.
    pairs = [
        (_seconds(lambda: inbound.split(callback), thread_time), _seconds(lambda: json.loads(raw), thread_time))
        for _ in range(_RUNS)
    ]
    split, loads = (statistics.median(times) for times in zip(*pairs, strict=True))
    per_second = UPDATES / split
    found_to_be = f"{per_second:,.0f} updates/s, {split / loads:.1f} x json.loads, at most {MAX_RATIO:g}"
    return Check(f"Meta's webhook of {what}: read", split / loads <= MAX_RATIO, found_to_be)


def storing(bench: Bench, peers: Peers) -> Check:
    """Raises `BenchError` if it cannot be measured, or an update is not stored."""
    process = bench.process("IncomingFunction")
    try:
        # Imports and compilation for the first webhook belong to the idle handler.
        process.invoke((EVENTS / f"{_EVENT}.json").read_bytes())
        forget_peak(process)
        before = peers.calls()
        answer = {}
        seconds = _seconds(lambda: answer.update(from_json(process.invoke(_event()).answer or b"{}")))
        calls = peers.calls() - before
        peak = resident(process, "VmHWM")
    except (OSError, FunctionError) as error:
        raise BenchError(f"webhooks: {type(error).__name__}: {error}") from None
    finally:
        process.kill()
    if answer.get("statusCode") != 200 or calls["AmazonSQS.SendMessageBatch"] < UPDATES / 10:
        raise BenchError(f"webhooks: not stored: {dict(calls)}")
    megabytes = peak / 2**20
    return Check(
        f"Meta's webhook of {UPDATES} updates: stored",
        seconds <= MAX_SECONDS and megabytes <= MAX_MEGABYTES,
        f"{seconds:.1f} s, {megabytes:.0f} MB in all, {calls.total()} calls;"
        f" at most {MAX_SECONDS:g} s and {MAX_MEGABYTES} MB",
    )


def _seconds(does: Callable[[], object], clock: Callable[[], float] = perf_counter) -> float:
    started = clock()
    does()
    return clock() - started


def _webhook() -> bytes:
    """Alternating statuses and texts, as many of each, that together reach Meta's limit."""
    padding = "x" * (2 * BYTES // UPDATES - 900)
    event = json.loads((EVENTS / f"{_EVENT}.json").read_text(encoding="utf-8"))
    (metadata,) = (change["value"]["metadata"] for change in json.loads(event["body"])["entry"][0]["changes"])
    changes = [_status(number) if number % 2 else _text(number, padding) for number in range(UPDATES)]
    values = [{"messaging_product": "whatsapp", "metadata": metadata, **lists} for lists in changes]
    entry = {"id": "1", "changes": [{"field": "messages", "value": value} for value in values]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def _statuses() -> bytes:
    """In one list and without members that nothing reads: the fewest bytes, so that events are most of the work."""
    value = {"messaging_product": "whatsapp", "statuses": [_bare_status(number) for number in range(UPDATES)]}
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}, separators=(",", ":")).encode()


def _bare_status(number: int) -> dict[str, Any]:
    return {
        "id": f"wamid.status{number:06}",
        "status": "delivered",
        "timestamp": "1700000060",
        "recipient_id": f"27820{number:06}",
        "biz_opaque_callback_data": f"1700000000|1|0|{number:06}",
    }


def _status(number: int) -> dict[str, Any]:
    status = _bare_status(number) | {
        "conversation": {"id": "0f1e2d3c4b5a6978", "origin": {"type": "utility"}},
        "pricing": {"billable": True, "pricing_model": "PMP", "category": "utility"},
    }
    return {"statuses": [status]}


def _text(number: int, padding: str) -> dict[str, Any]:
    text = {
        "id": f"wamid.text{number:06}",
        "from": f"27820{number:06}",
        "timestamp": "1700000120",
        "type": "text",
        "text": {"body": padding},
        "context": {"id": f"wamid.sent{number:06}"},
    }
    return {"messages": [text], "contacts": [{"profile": {"name": "A. Person"}, "wa_id": text["from"]}]}


def _event() -> bytes:
    """API Gateway's event with the webhook, signed."""
    event = json.loads((EVENTS / f"{_EVENT}.json").read_text(encoding="utf-8"))
    account = json.loads((EVENTS / f"{META_ACCOUNT}.json").read_text(encoding="utf-8"))
    raw = _webhook()
    signature = hmac.digest(account["provider"]["app_secret"].encode(), raw, "sha256").hex()
    event["headers"] |= {"content-length": str(len(raw)), "x-hub-signature-256": f"sha256={signature}"}
    return json.dumps({**event, "body": raw.decode()}).encode()
