from pathlib import Path

import pytest

from local import runtime
from local.demo.conversation import Conversation
from local.demo.messages import BUTTONS
from local.demo.script import PARTS, play
from local.stack import Stack
from local.template import Function
from tests.local import toy
from tests.support.private import looked_into

# What the demo says and sends, and how it logs in.
PRIVATE = (
    *(
        "2782123",
        "Thandi",
        "Friday",
        "Order 1042",
        "payload-of-button",
        "Sample shop",
        "made-up-",
        "MADE-UP",
        "http://",
    ),
    *BUTTONS,
)


def test_a_bridge_that_does_nothing_fails_every_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Stack(template=toy.write(tmp_path)) as stack:
        steps = [step for part in PARTS for step in part(Conversation(stack, "20240101"))]
        failures = play(stack, "20240101")
    assert len(steps) >= 10
    assert len(failures) == len(steps) + 1
    assert capsys.readouterr().out.count("FAILED") == len(steps) + 1


def test_lambdas_own_debug_level_logs_nothing_private_of_any_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ApplicationLogLevel` DEBUG, under Lambda's runtime client."""
    of_lambda = runtime._lambda_environment
    levels = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "DEBUG"}

    def talkative(function: Function) -> dict[str, str]:
        return of_lambda(function) | levels

    monkeypatch.setattr(runtime, "_lambda_environment", talkative)
    with Stack(speed=20) as stack:
        failures = play(stack, "20240101")
        assert stack.log_path is not None
        shown = looked_into(stack.log_path.read_text(encoding="utf-8"))
    assert failures == []
    assert [word for word in PRIVATE if word in shown] == []
