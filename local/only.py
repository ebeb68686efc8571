"""Runs the tests with one name, and imports no others: `make test ONLY=...`.

Usage: python -m local.only tests/test_http.py::test_redirects_are_not_followed
       python -m local.only 'redirects and not time'

A path is pytest's own. Anything else is an expression for its option -k. On its own, -k would import all tests to find
a few; here only the files that contain its words are imported.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import ROOT

TESTS = ROOT / "tests"


def files(expression: str, folder: Path) -> list[Path]:
    """The test files that can have tests of this expression; none if any file could."""
    words = _words(expression.lower())
    if not words:
        return []
    texts = {path: f"{path.name}\n{path.read_text(encoding='utf-8')}" for path in folder.rglob("*.py")}
    bases = {
        base: text
        for path, text in texts.items()
        if not _is_test_file(path) and "def test_" in text
        for base in re.findall(r"^class (\w+)", text, re.MULTILINE)
    }
    enough = any if "or" in expression.lower().split() else all
    found = []
    for path in filter(_is_test_file, texts):
        inherited = [text for base, text in bases.items() if re.search(rf"\b{base}\b", texts[path])]
        text = "\n".join([texts[path], *inherited]).lower()
        if enough(word in text for word in words):
            found.append(path)
    return sorted(found)


def _words(expression: str) -> set[str]:
    """The words that a test's name must have to fit; none if a test may fit without them."""
    tokens = re.findall(r"[^\s()]+", expression)
    if "not" in tokens and "or" in tokens:
        return set()
    return {
        # The part in brackets comes from parameters.
        token.partition("[")[0]
        for before, token in zip(["", *tokens], tokens, strict=False)
        if token not in ("and", "or", "not") and before != "not"
    }


def _is_test_file(path: Path) -> bool:
    return path.name.startswith("test_")


def runs(only: str) -> Iterator[list[str]]:
    """pytest's arguments; the next ones are used if no test is found with the first."""
    # A word may be the name of a folder, too.
    if ("/" in only or only.partition("::")[0].endswith(".py")) and Path(only.partition("::")[0]).exists():
        yield [only]
        return
    if narrowed := files(only, TESTS):
        yield ["-k", only, *map(str, narrowed)]
    # Parameters make names that are in no file.
    yield ["-k", only]


def main(only: str) -> int:
    status: int = pytest.ExitCode.NO_TESTS_COLLECTED
    for arguments in runs(only):
        status = pytest.main(arguments)
        if status != pytest.ExitCode.NO_TESTS_COLLECTED:
            break
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
