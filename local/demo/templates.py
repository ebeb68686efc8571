"""The steps with templates at Meta, as an operator does them at the command line."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local import ROOT
from local.demo.conversation import Conversation, Step, StepFailed, expect
from local.demo.messages import message_of
from ops.running import announced

ACCOUNT, PERSON = "acme-meta", "27821230001"
EXAMPLES = ROOT / "ops" / "examples"
NAME = "order_update"
_TIMEOUT_SECONDS = 60


def steps(conversation: Conversation) -> list[Step]:
    part = _Part(conversation)
    return [
        ("A template is checked, made and approved", part.make),
        ("Import would get the template, and a message is sent with it", part.use),
        ("A template that WhatsApp rejects says why", part.rejected),
    ]


class _Part:
    def __init__(self, conversation: Conversation) -> None:
        self._talk = conversation

    def make(self) -> None:
        file = str(EXAMPLES / "text.yaml")
        expect(self._bridge(0, "lint", file)[0]["findings"] == [], "no rule is broken")
        made = self._bridge(0, "create", ACCOUNT, file, "--wait", "--local")
        expect((made["name"], made["status"]) == (NAME, "APPROVED"), "WhatsApp has reviewed it")
        listed = self._bridge(0, "sync", ACCOUNT, "--local")
        expect(listed["listed"] >= 1, "the bridge knows Meta's list")

    def use(self) -> None:
        preview = self._bridge(0, "import-preview", ACCOUNT, "--local")
        expect(f"{NAME} (en)" in preview["imported"], "CleverTap would get it")
        msg_id = self._talk.new_id()
        text = "Hello Thandi, your order is on its way.\n\nIt arrives on Friday before noon."
        body = {"text": text, "parameters": _texts("Thandi", "Friday")}
        header = {"text": "Order 1042", "parameters": _texts("1042")}
        message = message_of(
            msg_id,
            PERSON,
            self._talk.waba_number(ACCOUNT),
            isTemplate=True,
            template={"namespace": NAME, "languageCode": "en"},
            components=[
                {"type": "header", "header": {"type": "text", "text": header}},
                {"type": "body", "body": body},
                {"type": "footer", "footer": "Reply STOP to opt out"},
                _button(0, "dynamicUrl", "Track it", "1042"),
                _button(1, "callPhone", "Call us", "+27999000001"),
            ],
        )
        self._talk.send(ACCOUNT, message)
        template = self._talk.delivered(ACCOUNT, msg_id).wire["template"]
        expect((template["name"], template["language"]["code"]) == (NAME, "en"), "the person gets that template")
        self._talk.expect_ladder(msg_id)

    def rejected(self) -> None:
        text = (EXAMPLES / "text.yaml").read_text(encoding="utf-8")
        with TemporaryDirectory() as folder:
            file = Path(folder) / "rejected.yaml"
            file.write_text(text.replace(f"name: {NAME}", f"name: {NAME}_rejected"), encoding="utf-8")
            made = self._bridge(1, "create", ACCOUNT, str(file), "--wait", "--local")
        expect((made["status"], made["reason"]) == ("REJECTED", "INVALID_FORMAT"), "with WhatsApp's reason")

    def _bridge(self, code: int, *arguments: str) -> Any:
        """What a command of `bridge templates` prints as JSON, if it ends with this exit code."""
        if "MessagesTable" not in self._talk.stack.deployment.tables:
            raise StepFailed("the stack has no registry")
        command = [sys.executable, "-m", "ops", "templates", *arguments, "--json"]
        with announced(self._talk.stack.running):
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=_TIMEOUT_SECONDS)
        if done.returncode != code:
            raise StepFailed(f"bridge templates {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")
        return json.loads(done.stdout)


def _texts(*values: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": value} for value in values]


def _button(index: int, sub_type: str, label: str, value: str) -> dict[str, Any]:
    return {"type": "button", "index": index, "subType": sub_type, "buttonText": label, "parameters": _texts(value)}
