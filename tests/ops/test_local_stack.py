"""`bridge --local` on a stack that runs: the deployed functions, by the operator's own commands."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from typer.testing import CliRunner, Result

from local.stack import Stack
from ops.app import app
from ops.running import announced

RUN = CliRunner()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("running")))
        with Stack(speed=60) as stack, announced(stack.running):
            yield stack


def bridge(*arguments: str, answers: str | None = None) -> Result:
    return RUN.invoke(app, [*arguments, "--local"], input=answers)


def told(*arguments: str) -> Any:
    return json.loads(bridge(*arguments, "--json").stdout)


def test_every_sample_account_is_right_and_works(stack: Stack) -> None:
    for account in stack.accounts:
        found = told("account", "check", account, "--online")
        assert found["mistakes"] == []
        assert [each for each in found["tried"] if each["works"] == "no"] == []


def test_new_account_takes_a_message_at_once(stack: Stack) -> None:
    answers = ["27999000099", "https://clevertap.example/s?a", "https://clevertap.example/i?a", "private-key-0001", ""]

    made = bridge("account", "new", "shop", "--provider", "clickatell", answers="\n".join(answers))
    validated = told("account", "check", "shop", "--online")["tried"]
    removed = bridge("account", "remove", "shop", "--yes", "--anyway")

    assert (made.exit_code, removed.exit_code) == (0, 0)
    found = {each["what"]: each["works"] for each in validated}
    assert {what: found[what] for what in found if not what.startswith("provider")} == {
        "callback URL incoming": "yes",
        "callback URL status": "yes",
        "clevertap.authorization.0": "yes",
    }


def test_quarantined_element_is_replayed_and_dropped(stack: Stack) -> None:
    account = stack.accounts["acme"]
    body = {"event": {"moOdd": [{"messageId": "m-1", "content": "private"}]}}
    requests.post(f"{stack.url}/acme/incoming/{account['callback_token']}", json=body, timeout=10)

    (row,) = told("quarantine", "list")
    replayed = bridge("quarantine", "replay", "--all")
    (again,) = told("quarantine", "list")
    dropped = bridge("quarantine", "drop", "--all", "--yes")

    assert (row["reason"], row["elements"], again["elements"]) == ("unknown kind", 1, 1)
    assert (replayed.exit_code, dropped.exit_code, told("quarantine", "list")) == (0, 0, [])


def test_dead_letter_is_redriven(stack: Stack) -> None:
    sqs, queues = stack.aws.client("sqs"), stack.running.queues
    # Of nobody's template: learnt again, and nothing comes of it.
    notice = {"account": "acme", "notice": {"entry": {}, "change": {}}, "at": 1}
    sqs.send_message(QueueUrl=queues["TemplatesDeadLetterQueue"], MessageBody=json.dumps(notice))

    listed = told("dead-letters", "list")
    done = told("dead-letters", "redrive", "templates")

    assert [(row["queue"], row["account"], row["what"]) for row in listed] == [("templates", "acme", "notice")]
    assert (done["status"], done["moved"]) == ("COMPLETED", 1)
    assert told("dead-letters", "list") == []


def test_account_is_paused_and_resumed(stack: Stack) -> None:
    paused = bridge("pause", "acme", "--yes")
    for_a_person = told("status")["for_a_person"]
    resumed = bridge("resume", "acme")

    assert (paused.exit_code, resumed.exit_code) == (0, 0)
    assert "account acme: paused by a person" in for_a_person


def test_account_of_a_file_is_put_and_shown(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "copied.json"
    file.write_text(json.dumps(stack.accounts["acme-meta"]), encoding="utf-8")

    assert bridge("account", "put", str(file)).exit_code == 0
    assert told("account", "get", "copied", "--show-private") == stack.accounts["acme-meta"]
