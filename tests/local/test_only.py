"""`make test ONLY=...`: which files pytest is given, so that no test of the name is left out."""

from pathlib import Path

import pytest

from local.only import files, runs
from tests.conftest import PROCESSES, SLOW

TESTS = Path(__file__).parents[1]
FILES = {
    "test_red.py": "def test_apple(): ...\ndef test_rose(): ...",
    "deep/test_green.py": "def test_apple(): ...\ndef test_leaf(): ...",
    "deep/test_inherits.py": "class TestBlue(Shared): ...",
    "deep/test_imports.py": "from tests.shared import CONSTANT",
    "shared.py": "CONSTANT = 1\nclass Shared:\n    def test_sky(self): ...",
    "support.py": "def leaf(): ...",
}


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("test_apple", {"test_red", "test_green"}),
        ("test_rose", {"test_red"}),
        ("ROSE", {"test_red"}),
        ("apple and rose", {"test_red"}),
        ("apple and not rose", {"test_red", "test_green"}),
        ("rose or leaf", {"test_red", "test_green"}),
        ("(rose or leaf) and apple", {"test_red", "test_green"}),
        ("green and apple", {"test_green"}),
        ("test_rose[of-1]", {"test_red"}),
        ("test_sky", {"test_inherits"}),
        ("sky and TestBlue", {"test_inherits"}),
        ("leaf", {"test_green"}),
        # What is not there, or may be anywhere, narrows nothing.
        ("cherry", set()),
        ("not rose", set()),
        ("leaf or not rose", set()),
    ],
)
def test_files_of_an_expression(tmp_path: Path, expression: str, found: set[str]) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")

    assert {path.stem for path in files(expression, tmp_path)} == found


@pytest.mark.parametrize(
    ("only", "arguments"),
    [
        ("tests/net/test_http.py", [["tests/net/test_http.py"]]),
        ("tests/net/test_http.py::test_a[b c]", [["tests/net/test_http.py::test_a[b c]"]]),
        ("files_of_an_expression", [["-k", "files_of_an_expression", __file__], ["-k", "files_of_an_expression"]]),
        ("not slow", [["-k", "not slow"]]),
    ],
)
def test_all_files_are_the_last_resort(monkeypatch: pytest.MonkeyPatch, only: str, arguments: list[list[str]]) -> None:
    monkeypatch.chdir(TESTS.parent)

    assert list(runs(only)) == arguments


@pytest.mark.parametrize("name", [*PROCESSES, *SLOW])
def test_what_test_fast_leaves_out_is_there(name: str) -> None:
    file, _, function = name.partition("::")
    found = list(TESTS.glob(file if function else f"{file}*"))

    assert found
    assert all(f"def {function}" in path.read_text(encoding="utf-8") for path in found)
