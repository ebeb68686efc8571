"""Measures the memory that `dispatch` needs to fetch, encrypt and send a file, uploaded and in its message."""

import json
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from local.bench.cases import EVENTS, SECURE_ACCOUNT, WITHOUT_UPLOADS_ACCOUNT
from local.bench.measure import Bench, BenchError
from local.bench.peers import FILES, MEDIA_PATH, MESSAGE_PATH, WITHOUT_UPLOADS, Peers
from local.bench.report import Check
from local.runtime import FunctionError, FunctionProcess

MAX_MEGABYTES = 256
"""Above the idle handler, for the largest file that One API accepts."""
_EVENT = "dispatch-conversation"
_UPLOADED, _INLINE = FILES


def checks(bench: Bench, peers: Peers) -> list[Check]:
    """Raises `BenchError` if it cannot be measured, or a file did not arrive."""
    return [
        _check(bench, peers, "uploaded", SECURE_ACCOUNT, _UPLOADED, ""),
        # The upload is tried first, and refused.
        _check(bench, peers, "sent in the message", WITHOUT_UPLOADS_ACCOUNT, _INLINE, WITHOUT_UPLOADS),
    ]


def _check(bench: Bench, peers: Peers, how: str, account: str, path: str, base_path: str) -> Check:
    process = bench.process("DispatchFunction")
    try:
        # Late imports, for the first message and the first encryption, belong to the idle handler.
        for number in range(2):
            _invoke(process, _message(account, number, "text", {"body": "Hello"}))
        idle = resident(process, "VmRSS")
        forget_peak(process)
        before = peers.calls()
        document = {"mediaURL": peers.url + path, "filename": "large.pdf"}
        _invoke(process, _message(account, 2, "file", document))
        calls = peers.calls() - before
        peak = resident(process, "VmHWM")
    except (OSError, FunctionError) as error:
        raise BenchError(f"memory: {type(error).__name__}: {error}") from None
    finally:
        process.kill()
    # The message's own data key exists already.
    expected = {"TrentService.GenerateDataKey", f"GET {path}"}
    expected |= {f"POST {base_path}{MEDIA_PATH}", f"POST {base_path}{MESSAGE_PATH}"}
    if any(calls[name] != 1 for name in expected):
        raise BenchError(f"memory: the file did not arrive: {dict(calls)}")
    megabytes = (peak - idle) / 2**20
    name = f"dispatch, {round(FILES[path] / 2**20)} MB encrypted and {how}: memory"
    return Check(name, megabytes <= MAX_MEGABYTES, f"{megabytes:.0f} MB above idle, at most {MAX_MEGABYTES}")


def _message(account: str, number: int, kind: str, content: dict[str, Any]) -> bytes:
    """A queue event with a freeform message of this account."""
    event = json.loads((EVENTS / f"{_EVENT}.json").read_text(encoding="utf-8"))
    (record,) = event["Records"]
    job = json.loads(record["body"])
    message = {name: value for name, value in job["message"].items() if name != "text"}
    reference = f"bench|{number}"
    job |= {"account": account, "reference": reference}
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
