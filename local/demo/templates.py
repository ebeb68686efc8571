"""The steps with templates at Meta, as an operator does them at the command line."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import requests

from local import ROOT
from local.demo.conversation import Conversation, Step, StepFailed, expect, show
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
        ("CleverTap imports the template, and sends a message with it", part.use),
        ("A message that does not fit, or whose template is paused, is refused", part.refused),
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
        imported = requests.get(
            f"{self._talk.stack.url}/{ACCOUNT}/templates", auth=self._login(), timeout=_TIMEOUT_SECONDS
        )
        expect(NAME in [entry["name"] for entry in imported.json()["data"]], "and gets it")
        msg_id = self._talk.new_id()
        self._talk.send(ACCOUNT, self._message(msg_id, NAME, "Thandi", "Friday"))
        template = self._talk.delivered(ACCOUNT, msg_id).wire["template"]
        expect((template["name"], template["language"]["code"]) == (NAME, "en"), "the person gets that template")
        self._talk.expect_ladder(msg_id)

    def refused(self) -> None:
        said = self._refusal(self._message("42|1|20260101|1", NAME, "Thandi", "Friday", "noon"))
        expect("takes 2 body values, the message has 3" in said, "with a sentence that a marketer understands")
        with self._renamed(f"{NAME}_2") as file:
            self._bridge(0, "create", ACCOUNT, file, "--wait", "--local")
        waba = self._talk.stack.bsp("meta").templates[self._talk.stack.accounts[ACCOUNT]["provider"]["waba_id"]]
        waba.named(f"{NAME}_2")["status"] = "PAUSED"
        self._bridge(1, "status", ACCOUNT, f"{NAME}_2", "--local")
        said = self._refusal(self._message("42|2|20260101|1", f"{NAME}_2", "Thandi", "Friday"))
        expect("is paused by WhatsApp" in said, "and says that its template is paused")

    def _message(self, msg_id: str, name: str, *values: str) -> dict[str, Any]:
        text = f"Hello {values[0]}, your order is on its way.\n\nIt arrives on {values[1]} before noon."
        header = {"text": "Order 1042", "parameters": _texts("1042")}
        return message_of(
            msg_id,
            PERSON,
            self._talk.waba_number(ACCOUNT),
            isTemplate=True,
            template={"namespace": name, "languageCode": "en"},
            components=[
                {"type": "header", "header": {"type": "text", "text": header}},
                {"type": "body", "body": {"text": text, "parameters": _texts(*values)}},
                {"type": "footer", "footer": "Reply STOP to opt out"},
                _button(0, "dynamicUrl", "Track it", "1042"),
                _button(1, "callPhone", "Call us", "+27999000001"),
            ],
        )

    def _login(self) -> tuple[str, str]:
        credentials = self._talk.stack.accounts[ACCOUNT]["clevertap"]["authorization"][0]
        return credentials["username"], credentials["password"]

    def _refusal(self, message: dict[str, Any]) -> str:
        """Why the bridge refuses a message of CleverTap's."""
        url = f"{self._talk.stack.url}/{ACCOUNT}/send"
        answer = requests.post(url, json=message, auth=self._login(), timeout=_TIMEOUT_SECONDS)
        show("CleverTap was answered", answer.json())
        if answer.json().get("status") != "failure":
            raise StepFailed("the bridge accepted it")
        return answer.text

    @contextmanager
    def _renamed(self, name: str) -> Iterator[str]:
        """A file of the same template under another name."""
        text = (EXAMPLES / "text.yaml").read_text(encoding="utf-8")
        with TemporaryDirectory() as folder:
            file = Path(folder) / "template.yaml"
            file.write_text(text.replace(f"name: {NAME}", f"name: {name}"), encoding="utf-8")
            yield str(file)

    def rejected(self) -> None:
        with self._renamed(f"{NAME}_rejected") as file:
            made = self._bridge(1, "create", ACCOUNT, file, "--wait", "--local")
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
