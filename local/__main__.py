"""`python -m local`: serve the stack until Ctrl-C or SIGTERM."""

import argparse
import base64
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from local.accounts import AccountsFileInvalid, read_accounts
from local.demo.conversation import show, show_file
from local.demo.files import picture
from local.demo.messages import BUTTONS, template_message, text_message
from local.runtime import FunctionError
from local.sandbox.bsp import BspSandbox
from local.sandbox.clevertap import CleverTapSandbox
from local.stack import Stack
from local.template import TemplateError
from ops.running import announced


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    stop = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    try:
        accounts = read_accounts(options.accounts) if options.accounts else None
        with (
            Stack(
                accounts, port=options.port, speed=options.speed, sandbox=options.sandbox, verbose=options.verbose
            ) as stack,
            announced(stack.running),
        ):
            if accounts is None and options.sandbox:
                _introduce(stack)
            print(f"aws {stack.aws_url}", flush=True)
            print(f"ready {stack.url}", flush=True)
            # A signal that the system gives to another thread does not wake this one, and Python runs handlers here.
            while not stop.wait(1):
                pass
    except (AccountsFileInvalid, TemplateError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except FunctionError as error:
        print(f"error: {error}: {error.payload.get('errorMessage', 'see --verbose')}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="Serve the bridge on this machine.")
    parser.add_argument("--accounts", type=Path, metavar="FILE", help="accounts as JSON; default: sample accounts")
    parser.add_argument("--port", type=int, default=0, help="port of the HTTP API; default: a free one")
    parser.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="run queues X times faster")
    parser.add_argument(
        "--no-sandbox",
        dest="sandbox",
        action="store_false",
        help="no BSP and no CleverTap: use the accounts' URLs only",
    )
    parser.add_argument("--verbose", action="store_true", help="show the functions' logs")
    return parser


def _speed(text: str) -> float:
    value = float(text)
    if not 0 < value <= 100_000:
        raise argparse.ArgumentTypeError("must be greater than 0 and at most 100000")
    return value


def _introduce(stack: Stack) -> None:
    print("Sample accounts, and what to type in another terminal. First a template message, as CleverTap sends it:")
    for name, account in stack.accounts.items():
        if account["provider"]["type"] == "clickatell":
            encrypted = "with client-side encryption" if "encryption" in account["provider"] else "unencrypted"
            print(f"\n{name}, {encrypted}:\n{_send(stack.url, name, account, template_message)}")
    print("\nA freeform message through each of the other BSPs:")
    for name, account in stack.accounts.items():
        kind = account["provider"]["type"]
        if kind != "clickatell":
            print(f"\n{name}, {kind}:\n{_send(stack.url, name, account, _chat_message)}")
    print("\nThen the person at One API taps a button, writes, or sends a file (use the msgId that is shown below):")
    tap = {"msgId": "MSGID", "button": 1, "text": BUTTONS[0]}
    write = {"msgId": "MSGID", "text": "Thank you"}
    door = base64.b64encode(picture(60, 80, 160)).decode()
    send_file = {"msgId": "MSGID", "file": door, "contentType": "image/png", "fileName": "door.png", "caption": "Here"}
    for path, wish in (("taps", tap), ("writes", write), ("sends-file", send_file)):
        print(f"  curl -d '{json.dumps(wish)}' {stack.bsp('clickatell').url}/people/{path}")
    print("\nThis shows what arrives at the BSPs and at CleverTap:", flush=True)
    for bsp in stack.bsps.values():
        threading.Thread(target=_show_bsp, args=(bsp,), daemon=True).start()
    threading.Thread(target=_show_clevertap, args=(stack.clevertap,), daemon=True).start()


def _credentials(account: dict[str, object]) -> str:
    clevertap = account["clevertap"]
    assert isinstance(clevertap, dict)
    first = clevertap["authorization"][0]
    if first["type"] == "basic":
        return f"-u {first['username']}:{first['password']}"
    return f"-H '{first['name']}: {first['value']}'"


def _chat_message(msg_id: str, to: str, waba_number: str) -> dict[str, Any]:
    return text_message(msg_id, to, waba_number, "Hello, how can we help?")


def _send(url: str, name: str, account: dict[str, Any], make: Callable[[str, str, str], dict[str, Any]]) -> str:
    message = json.dumps(make("MSGID", "27821230001", account["waba_number"]))
    # The shell inserts the time, because a message with a known msgId is a duplicate and is not sent.
    message = message.replace("MSGID", "1|'$(date +%s)'|20260101|1")
    return f"  curl {_credentials(account)} -H 'Content-Type: application/json' -d '{message}' {url}/{name}/send"


def _show_bsp(sandbox: BspSandbox) -> None:
    seen = 0
    while True:
        sandbox.wait_until(lambda seen=seen: len(sandbox.delivered) > seen, timeout=3600)  # type: ignore[misc]
        for delivered in sandbox.delivered[seen:]:
            seen += 1
            show(f"{delivered.account}: BSP got", delivered.wire)
            if delivered.encrypted:
                show(f"{delivered.account}: and decrypted", delivered.content or delivered.problem)
            if delivered.file:
                show_file(f"{delivered.account}: with the file", delivered.file)


def _show_clevertap(clevertap: CleverTapSandbox) -> None:
    statuses, incoming = 0, 0
    while True:
        clevertap.wait_until(lambda seen=statuses + incoming: _arrived(clevertap) > seen, timeout=3600)  # type: ignore[misc]
        for status in clevertap.statuses[statuses:]:
            statuses += 1
            print(
                f"  {status.account}: CleverTap got {status.msg_id} {status.status}{_error(status.error)}", flush=True
            )
        for message in clevertap.incoming[incoming:]:
            incoming += 1
            show(f"{message.account}: CleverTap got", message.wire)


def _arrived(clevertap: CleverTapSandbox) -> int:
    return len(clevertap.statuses) + len(clevertap.incoming)


def _error(error: tuple[int, str] | None) -> str:
    return f" {error[0]} {error[1]}" if error else ""


if __name__ == "__main__":
    sys.exit(main())
