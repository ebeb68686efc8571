"""`make defences`: what it finds. That each defence is where it is taken out: tests/test_docs.py."""

from pathlib import Path

import pytest

from local import defences
from local.defences import Defence, findings

DOOR = Defence("door.py", "return key == 7", "return True")
TESTS = {
    "test_that_shows_it": "assert not opens(8)",
    "test_that_cannot_fail": "assert opens(7)",
    "test_that_fails": "assert opens(9)",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "door.py").write_text(f"def opens(key):\n    {DOOR.right}\n", encoding="utf-8")
    tests = "\n".join(f"def {name}():\n    {said}" for name, said in TESTS.items())
    (tmp_path / "test_door.py").write_text(f"from door import opens\n{tests}\n", encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("test_that_shows_it", []),
        ("test_that_cannot_fail", ["passes without its defence"]),
        ("test_that_fails", ["fails with its defence", "passes without its defence"]),
    ],
)
def test_what_is_found(root: Path, test: str, found: list[str]) -> None:
    before = (root / "door.py").read_text(encoding="utf-8")
    assert findings(root, f"test_door.py::{test}", DOOR) == found
    assert (root / "door.py").read_text(encoding="utf-8") == before


def test_a_defence_that_is_not_there(root: Path) -> None:
    assert findings(root, "test_door.py", DOOR._replace(right="return False")) == ["door.py has no such defence"]


def test_a_test_that_is_not_there_is_none_that_fails(root: Path) -> None:
    with pytest.raises(RuntimeError, match="test_of_nothing"):
        findings(root, "test_door.py::test_of_nothing", DOOR)


def test_words_of_no_test_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert defences.main(["--help"]) == 1
    assert "no test of the threat model has --help in its name" in capsys.readouterr().err
