from pathlib import Path

import pytest

from local.demo.conversation import Conversation
from local.demo.script import PARTS, play
from local.stack import Stack
from tests.local import toy


def test_a_bridge_that_does_nothing_fails_every_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Stack(template=toy.write(tmp_path)) as stack:
        steps = [step for part in PARTS for step in part(Conversation(stack, "20240101"))]
        failures = play(stack, "20240101")
    assert len(steps) >= 10
    assert len(failures) == len(steps) + 1
    assert capsys.readouterr().out.count("FAILED") == len(steps) + 1
