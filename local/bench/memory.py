"""Measures the memory that `dispatch` needs to fetch, encrypt and upload a file."""

import json
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from local.bench.cases import EVENTS, SECURE_ACCOUNT
from local.bench.measure import Bench, BenchError
from local.bench.peers import FILE_BYTES, FILE_PATH, MEDIA_PATH, Peers
from local.bench.report import Check
from local.runtime import FunctionError, FunctionProcess

MAX_MEGABYTES = 256
"""Above the idle handler, for the largest file that One API accepts."""
_EVENT = "dispatch-conversation"
# The message's own data key exists already.
_CALLS = {"TrentService.GenerateDataKey": 1, f"GET {FILE_PATH}": 1, f"POST {MEDIA_PATH}": 1, "POST /v1/message": 1}


def check(bench: Bench, peers: Peers) -> Check:
    """Raises `BenchError` if it cannot be measured, or the file did not arrive."""
    process = bench.process("DispatchFunction")
    try:
        # Late imports, for the first message and the first encryption, belong to the idle handler.
        for number in range(2):
            _invoke(process, _message(number, "text", {"body": "Hello"}))
        idle = resident(process, "VmRSS")
        forget_peak(process)
        before = peers.calls()
        document = {"mediaURL": peers.url + FILE_PATH, "filename": "large.pdf"}
        _invoke(process, _message(2, "file", document))
        calls = peers.calls() - before
        peak = resident(process, "VmHWM")
    except (OSError, FunctionError) as error:
        raise BenchError(f"memory: {type(error).__name__}: {error}") from None
    finally:
        process.kill()
    if any(calls[name] != number for name, number in _CALLS.items()):
        raise BenchError(f"memory: the file did not arrive: {dict(calls)}")
    megabytes = (peak - idle) / 2**20
    name = f"dispatch, {FILE_BYTES // 2**20} MB encrypted and uploaded: memory"
    return Check(name, megabytes <= MAX_MEGABYTES, f"{megabytes:.0f} MB above idle, at most {MAX_MEGABYTES}")


def _message(number: int, kind: str, content: dict[str, Any]) -> bytes:
    """A queue event with a freeform message of the account that encrypts."""
    event = json.loads((EVENTS / f"{_EVENT}.json").read_text(encoding="utf-8"))
    (record,) = event["Records"]
    job = json.loads(record["body"])
    message = {name: value for name, value in job["message"].items() if name != "text"}
    reference = f"bench|{number}"
    job |= {"account": SECURE_ACCOUNT, "reference": reference}
    job["message"] = {**message, "msgId": reference, "type": kind, kind: content}
    record["body"] = json.dumps(job)
    return json.dumps(event).encode()


def _invoke(process: FunctionProcess, event: bytes) -> None:
    answer = from_json(process.invoke(event).answer or b"null")
    if answer != {"batchItemFailures": []}:
        raise BenchError("memory: the handler did not succeed")


def resident(process: FunctionProcess, name: str) -> int:
    """VmRSS or VmHWM (the peak) of the process, in bytes; only on Linux."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise BenchError(f"memory: this system has no {name}")


def forget_peak(process: FunctionProcess) -> None:
    """Reset VmHWM, so that it is the peak from now on."""
    # proc(5): 5 resets the peak to the current resident size.
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")
