from pathlib import Path

import pytest

from local.demo import play
from local.stack import Stack
from tests.local import toy


def test_a_bridge_that_does_nothing_fails_every_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Stack(template=toy.write(tmp_path)) as stack:
        failures = play(stack, "20240101")
    assert len(failures) == 11
    assert capsys.readouterr().out.count("FAILED") == 11
